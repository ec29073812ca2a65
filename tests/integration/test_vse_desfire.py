"""MIFARE DESFire EV2 through the applet (3.12). `Card` is the other end: a card's own half of the authentication and of a key change,
written from NXP's AN12343 and AN12196 with python-cryptography. That the part's half is right byte for byte, with the published
numbers, is shown by tests/unit/vse/test_desfire.c; here both ends must come to the same."""

import os
import zlib

import pytest
from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import chip_client as cc
import chip_commands as cmd
from chip_client import SW, u8, u16, u32
from chip_crypto import chip, parts  # noqa: F401 (fixtures)
from chip_sessions import UserIdSession

KEY, NEXT, OTHER, MASTER, TARGET, USER = range(0x600, 0x606)
VALUES = {KEY: bytes(range(16)), NEXT: bytes(range(0x30, 0x40)), OTHER: bytes(range(0x50, 0x60)), MASTER: bytes.fromhex("00112233445566778899aabbccddeeff")}
CAPS = bytes(range(0xC0, 0xCC))
AES = 3


def cbc(key, data, iv=bytes(16), decrypt=False):
    c = Cipher(algorithms.AES(key), modes.CBC(iv))
    c = c.decryptor() if decrypt else c.encryptor()
    return c.update(data) + c.finalize()


def mac(key, data, short=True):
    m = cmac.CMAC(algorithms.AES(key))
    m.update(data)
    return m.finalize()[1::2] if short else m.finalize()


def turned(b):
    return b[1:] + b[:1]


class Card:
    """One key slot a number; the authentication is with slot 0 unless said otherwise."""

    def __init__(self, **keys):
        self.keys = {0: VALUES[KEY], 1: VALUES[OTHER], **{int(k[1:]): v for k, v in keys.items()}}
        self.ti, self.counter = os.urandom(4), 0

    def challenge(self, number=0):
        self.key, self.rnd_b = self.keys[number], os.urandom(16)
        return cbc(self.key, self.rnd_b)

    def answer(self, said, first=True):
        plain = cbc(self.key, said, decrypt=True)
        a, b = plain[:16], self.rnd_b
        assert plain[16:] == turned(b)
        body = bytes([0, 1, 0, 0x80]) + a[:2] + bytes(x ^ y for x, y in zip(a[2:8], b[:6])) + b[6:] + a[8:]
        self.enc, self.mac = mac(self.key, b"\xa5\x5a" + body, False), mac(self.key, b"\x5a\xa5" + body, False)
        if first:
            self.counter = 0
        return cbc(self.key, (self.ti if first else b"") + turned(a) + (CAPS if first else b""))

    def change(self, message, header, number, old=None):
        """Takes a ChangeKey command apart; what it says is in the slot then. The card's MAC."""
        cryptogram, given = message[:32], message[32:]
        count = self.counter.to_bytes(2, "little")
        assert given == mac(self.mac, header[:1] + count + self.ti + header[1:] + cryptogram)
        plain = cbc(self.enc, cryptogram, cbc(self.enc, b"\xa5\x5a" + self.ti + count + bytes(8)), decrypt=True)
        value = bytes(x ^ y for x, y in zip(plain, old or bytes(16)))
        crc = (zlib.crc32(value) ^ 0xFFFFFFFF).to_bytes(4, "little") if old else b""
        assert plain[17:] == (crc + b"\x80" + bytes(16))[:15]
        self.keys[number], self.version = value, plain[16]
        self.counter += 1
        return mac(self.mac, b"\0" + self.counter.to_bytes(2, "little") + self.ti)


@pytest.fixture(autouse=True)
def keys(chip):  # noqa: F811
    chip.select()
    for oid, value in VALUES.items():
        put(chip, oid, value)


def put(chip, oid, value, rules=None):  # noqa: F811
    if chip.exists(oid):
        chip.delete(oid)
    chip.run(cmd.write_symm(oid, AES, value, rules=rules))


def first(chip, card, key=KEY, number=0):  # noqa: F811
    said = chip.run(cmd.auth_first_part1(key, card.challenge(number)))[0x41]
    assert len(said) == 32
    return chip.run(cmd.auth_first_part2(card.answer(said)))


def nonfirst(chip, card, key, number):  # noqa: F811
    said = chip.run(cmd.auth_nonfirst_part1(key, card.challenge(number)))[0x41]
    return chip.run(cmd.auth_nonfirst_part2(card.answer(said, first=False)))


def sw(chip, command):  # noqa: F811
    data, word = chip.raw(bytes(command))
    assert word == 0x9000 or data == b""
    return word


def marked(kind, *names):
    def mark(test):
        for name in names:
            test = pytest.mark.chip(name, kind=kind)(test)
        return test
    return mark


# ---- what works ----

@marked("positive", "AuthFirstPart1", "AuthFirstPart2", "DumpSessionKeys", "KillAuthentication")
def test_authentication_and_its_keys(chip):  # noqa: F811
    card = Card()
    assert first(chip, card) == {0x41: CAPS}
    assert chip.run(cmd.dump_session_keys()) == {0x41: card.enc + card.mac + card.ti + b"\0\0"}
    assert chip.run(cmd.kill_authentication()) == {}
    assert sw(chip, cmd.dump_session_keys()) == 0x6985


@marked("positive", "AuthNonFirstPart1", "AuthNonFirstPart2")
def test_another_authentication_under_the_same_transaction(chip):  # noqa: F811
    card = Card()
    first(chip, card)
    assert nonfirst(chip, card, OTHER, 1) == {}
    assert chip.run(cmd.dump_session_keys()) == {0x41: card.enc + card.mac + card.ti + b"\0\0"}


@marked("positive", "ChangeKeyPart1", "ChangeKeyPart2")
@pytest.mark.parametrize("key_set, header", [(0xFF, b"\xc4\1"), (0, b"\xc6\0\1"), (3, b"\xc6\3\1")])
def test_another_key_is_changed(chip, key_set, header):  # noqa: F811
    card = Card()
    first(chip, card)
    message = chip.run(cmd.change_key_part1(NEXT, key_set, 1, 0x42, old=OTHER))[0x41]
    answer = card.change(message, header, 1, old=VALUES[OTHER])
    assert (card.keys[1], card.version) == (VALUES[NEXT], 0x42)
    assert chip.run(cmd.change_key_part2(answer)) == {0x41: b"\1"}
    # the authentication goes on and has counted the command
    assert chip.run(cmd.dump_session_keys())[0x41][-2:] == b"\1\0"
    nonfirst(chip, card, NEXT, 1)


@marked("positive", "ChangeKeyPart1")
def test_the_own_key_is_changed_and_the_authentication_over(chip):  # noqa: F811
    card = Card()
    first(chip, card)
    message = chip.run(cmd.change_key_part1(NEXT, 0xFF, 0, 7))[0x41]
    card.change(message, b"\xc4\0", 0)
    assert card.keys[0] == VALUES[NEXT]
    for command in (cmd.change_key_part2(bytes(8)), cmd.dump_session_keys(), cmd.kill_authentication()):
        assert sw(chip, command) == 0x6985
    first(chip, card, NEXT)


@marked("positive", "DiversifyKey")
@pytest.mark.parametrize("data, value", [("04782e21801d803042f54e585020416275", "a8dd63a3b89d54b37ca802473fda9175"),  # AN10922
                                         ("04782e21801d80", "4fd3364753b8142980e8203c75ad83be")])
def test_a_cards_key(chip, data, value):  # noqa: F811
    if chip.exists(TARGET):
        chip.delete(TARGET)
    assert chip.run(cmd.diversify(MASTER, TARGET, bytes.fromhex(data))) == {}
    assert chip.run(cmd.read_type(TARGET)) == {0x41: b"\x09", 0x42: b"\1"}
    shown = chip.run(cmd.cipher_oneshot(TARGET, cmd.AES_ECB, bytes(16)))[0x41]
    assert shown == cbc(bytes.fromhex(value), bytes(16))
    # a card with that key is known
    first(chip, Card(k0=bytes.fromhex(value)), TARGET)
    # and again, into the key that is there
    assert chip.run(cmd.diversify(MASTER, TARGET, b"another card")) == {}
    assert chip.run(cmd.cipher_oneshot(TARGET, cmd.AES_ECB, bytes(16)))[0x41] != shown


# ---- lengths ----

@marked("length", "DiversifyKey")
@pytest.mark.parametrize("data", [b"", bytes(32)])
def test_a_card_has_a_name_of_1_to_31_bytes(chip, data):  # noqa: F811
    command = cmd.diversify(MASTER, TARGET, data)
    assert sw(chip, command) == 0x6A80


@marked("length", "AuthFirstPart1", "AuthNonFirstPart1")
@pytest.mark.parametrize("n", [24, 32])
def test_only_keys_of_16_bytes(chip, n):  # noqa: F811
    put(chip, OTHER, bytes(n))
    for command in (cmd.auth_first_part1(OTHER, bytes(16)), cmd.auth_nonfirst_part1(OTHER, bytes(16)), cmd.diversify(OTHER, TARGET, b"x")):
        assert sw(chip, command) == 0x6985
    first(chip, Card())
    assert sw(chip, cmd.change_key_part1(OTHER, 0, 0, 0)) == 0x6985


@marked("length", "AuthFirstPart2", "AuthNonFirstPart2", "ChangeKeyPart2")
def test_a_wrong_length_ends_nothing(chip):  # noqa: F811
    card = Card()
    answer = card.answer(chip.run(cmd.auth_first_part1(KEY, card.challenge()))[0x41])
    for bad in (answer[:31], answer + b"\0", answer[:16], b""):
        assert sw(chip, cmd.auth_first_part2(bad)) == 0x6A80
    assert chip.run(cmd.auth_first_part2(answer)) == {0x41: CAPS}
    answer = card.answer(chip.run(cmd.auth_nonfirst_part1(KEY, card.challenge()))[0x41], first=False)
    for bad in (answer[:15], answer + b"\0", answer * 2):
        assert sw(chip, cmd.auth_nonfirst_part2(bad)) == 0x6A80
    assert chip.run(cmd.auth_nonfirst_part2(answer)) == {}
    message = chip.run(cmd.change_key_part1(NEXT, 0xFF, 1, 0, old=OTHER))[0x41]
    answer = card.change(message, b"\xc4\1", 1, old=VALUES[OTHER])
    assert sw(chip, cmd.change_key_part2(answer[:7])) == 0x6A80
    assert chip.run(cmd.change_key_part2(answer)) == {0x41: b"\1"}


# ---- order ----

@marked("order", "AuthFirstPart2", "AuthNonFirstPart1", "AuthNonFirstPart2", "DumpSessionKeys", "ChangeKeyPart1", "ChangeKeyPart2", "KillAuthentication")
def test_each_step_in_its_turn(chip):  # noqa: F811
    steps = {"part2": cmd.auth_first_part2(bytes(32)), "non1": cmd.auth_nonfirst_part1(KEY, bytes(16)), "non2": cmd.auth_nonfirst_part2(bytes(16)),
             "dump": cmd.dump_session_keys(), "change": cmd.change_key_part1(NEXT, 0, 0, 0, old=OTHER), "changed": cmd.change_key_part2(bytes(8)),
             "kill": cmd.kill_authentication()}

    def refused(*names):
        for name in names:
            assert sw(chip, steps[name]) == 0x6985, name

    refused(*steps)
    card = Card()
    said = chip.run(cmd.auth_first_part1(KEY, card.challenge()))[0x41]
    refused("non1", "non2", "dump", "change", "changed")
    chip.run(cmd.auth_first_part2(card.answer(said)))
    refused("part2", "non2", "changed")
    chip.run(steps["non1"])
    refused("part2", "dump", "change", "changed", "non1")
    first(chip, card)
    chip.run(steps["change"])
    refused("part2", "non1", "non2", "dump", "change")
    chip.run(steps["kill"])
    refused(*steps)


@marked("denied", "AuthFirstPart2", "AuthNonFirstPart2", "ChangeKeyPart2")
def test_a_card_that_does_not_know_the_key(chip):  # noqa: F811
    card = Card(k0=bytes(16))
    said = chip.run(cmd.auth_first_part1(KEY, card.challenge()))[0x41]
    with pytest.raises(AssertionError):
        card.answer(said)
    assert sw(chip, cmd.auth_first_part2(bytes(32))) == 0x6982
    assert sw(chip, cmd.auth_first_part2(bytes(32))) == 0x6985  # it was one chance
    first(chip, Card())
    chip.run(cmd.auth_nonfirst_part1(KEY, bytes(16)))
    assert sw(chip, cmd.auth_nonfirst_part2(bytes(16))) == 0x6982
    assert sw(chip, cmd.dump_session_keys()) == 0x6985
    first(chip, Card())
    chip.run(cmd.change_key_part1(NEXT, 0xFF, 1, 0, old=OTHER))
    assert chip.run(cmd.change_key_part2(bytes(8))) == {0x41: b"\2"}
    assert sw(chip, cmd.dump_session_keys()) == 0x6985


def test_a_reflected_challenge_is_no_proof(chip):  # noqa: F811
    """What the part said itself, given back."""
    said = chip.run(cmd.auth_first_part1(KEY, os.urandom(16)))[0x41]
    assert sw(chip, cmd.auth_first_part2(said)) == 0x6982


@pytest.mark.parametrize("end", ["select", "reset"])
def test_it_is_gone_with_the_applet(chip, end):  # noqa: F811
    first(chip, Card())
    if end == "reset":
        chip.t1.exchange(0xC6)
        chip.t1.ns = 0
    chip.select()
    assert sw(chip, cmd.dump_session_keys()) == 0x6985


def test_the_key_in_use_is_deleted(chip):  # noqa: F811
    card = Card()
    first(chip, card)
    chip.delete(KEY)
    assert sw(chip, cmd.dump_session_keys()) == 0x6985
    put(chip, KEY, VALUES[KEY])
    said = chip.run(cmd.auth_first_part1(KEY, card.challenge()))[0x41]
    chip.delete(KEY)
    assert sw(chip, cmd.auth_first_part2(card.answer(said))) == 0x6985


# ---- whose ----

@marked("denied", "AuthFirstPart2", "DumpSessionKeys", "ChangeKeyPart1", "ChangeKeyPart2", "KillAuthentication", "AuthNonFirstPart1", "AuthNonFirstPart2")
def test_it_belongs_to_the_session_that_began_it(chip):  # noqa: F811
    if not chip.exists(USER):
        chip.run(cmd.write_userid(USER, b"1234"))
    card = Card()
    session = UserIdSession(chip, USER, b"1234")
    first(session, card)
    for command in (cmd.dump_session_keys(), cmd.change_key_part1(NEXT, 0, 0, 0, old=OTHER), cmd.change_key_part2(bytes(8)), cmd.auth_first_part2(bytes(32)),
                    cmd.auth_nonfirst_part1(KEY, bytes(16)), cmd.auth_nonfirst_part2(bytes(16)), cmd.kill_authentication()):
        assert sw(chip, command) == 0x6985
    assert session.run(cmd.dump_session_keys())[0x41] == card.enc + card.mac + card.ti + b"\0\0"
    session.end()
    session = UserIdSession(chip, USER, b"1234")
    assert session.process(cmd.dump_session_keys().inner())[1] == 0x6985
    session.end()


# ---- rights ----

def rules(applet, *rights, more=0, ids=()):
    known = {**cmd.RIGHTS, **(cmd.RIGHTS_7X if applet == "7.2" else {})}
    return cmd.policy(sum(known[r] for r in rights) | cmd.RIGHTS["delete"] | more, pcr=b"".join(map(u32, ids)))


def all_but(applet, right):
    known = {**cmd.RIGHTS, **(cmd.RIGHTS_7X if applet == "7.2" else {})}
    return cmd.policy(sum(known.values()) & ~known[right] & ~sum(cmd.RIGHTS[r] for r in ("forbid all", "secure messaging", "pcr")))


@marked("denied", "AuthFirstPart1", "AuthNonFirstPart1")
def test_the_right_to_authenticate(chip, applet):  # noqa: F811
    put(chip, KEY, VALUES[KEY], rules(applet, "desfire auth"))
    first(chip, Card())
    assert sw(chip, cmd.dump_session_keys()) == 0x6986
    put(chip, OTHER, VALUES[OTHER], all_but(applet, "desfire auth"))
    assert sw(chip, cmd.auth_first_part1(OTHER, bytes(16))) == 0x6986
    assert sw(chip, cmd.auth_nonfirst_part1(OTHER, bytes(16))) == 0x6986
    assert sw(chip, cmd.change_key_part1(NEXT, 0, 0, 0, old=OTHER)) == 0x6986
    card = Card()
    first(chip, card)
    nonfirst(chip, card, KEY, 0)


@marked("denied", "DumpSessionKeys")
def test_the_right_to_dump(chip, applet):  # noqa: F811
    put(chip, KEY, VALUES[KEY], all_but(applet, "desfire dump"))
    first(chip, Card())
    assert sw(chip, cmd.dump_session_keys()) == 0x6986
    put(chip, KEY, VALUES[KEY], rules(applet, "desfire auth", "desfire dump"))
    first(chip, Card())
    assert sw(chip, cmd.dump_session_keys()) == 0x9000


@marked("denied", "DiversifyKey")
def test_the_right_to_derive(chip, applet):  # noqa: F811
    right = "desfire kdf" if applet == "7.2" else "kdf"
    if chip.exists(TARGET):
        chip.delete(TARGET)
    put(chip, MASTER, VALUES[MASTER], all_but(applet, right))
    assert sw(chip, cmd.diversify(MASTER, TARGET, b"x")) == 0x6986 and not chip.exists(TARGET)
    put(chip, MASTER, VALUES[MASTER], rules(applet, right))
    assert sw(chip, cmd.diversify(MASTER, TARGET, b"x")) == 0x9000
    put(chip, TARGET, bytes(16), all_but(applet, "write"))
    assert sw(chip, cmd.diversify(MASTER, TARGET, b"x")) == 0x6986
    assert chip.run(cmd.cipher_oneshot(TARGET, cmd.AES_ECB, bytes(16)))[0x41] == cbc(bytes(16), bytes(16))


@marked("denied", "DiversifyKey")
def test_into_an_aes_key_of_16_bytes_only(chip):  # noqa: F811
    for make in (cmd.write_symm(TARGET, 5, bytes(16)), cmd.write_symm(TARGET, 4, bytes(16)), cmd.write_symm(TARGET, AES, bytes(32)),
                 cmd.write_binary(TARGET, bytes(16), size=16), cmd.write_symm(TARGET, AES, bytes(16), flags=cmd.AUTH)):
        if chip.exists(TARGET):
            chip.delete(TARGET)
        chip.run(make)
        assert sw(chip, cmd.diversify(MASTER, TARGET, b"x")) == 0x6985
    assert sw(chip, cmd.diversify(TARGET, NEXT, b"x")) == 0x6985  # an authentication object is no master
    chip.delete(TARGET)


@marked("denied", "ChangeKeyPart1")
def test_the_right_to_be_written_to_a_card(chip, applet):  # noqa: F811
    """On 7.x it is one of its own; on 3.x that to authenticate."""
    first(chip, Card())
    if applet == "3.1":
        put(chip, NEXT, VALUES[NEXT], all_but(applet, "desfire auth"))
        assert sw(chip, cmd.change_key_part1(NEXT, 0, 0, 0, old=OTHER)) == 0x6986
        put(chip, NEXT, VALUES[NEXT], rules(applet, "desfire auth"))
    else:
        put(chip, NEXT, VALUES[NEXT], rules(applet, *cmd.RIGHTS_7X, "desfire auth", "write", "read"))
        assert sw(chip, cmd.change_key_part1(NEXT, 0, 0, 0, old=OTHER)) == 0x6986
        put(chip, NEXT, VALUES[NEXT], rules(applet, more=cmd.DESFIRE_CHANGE_KEY, ids=(OTHER,)))  # under another key than the one that is open
        assert sw(chip, cmd.change_key_part1(NEXT, 0, 0, 0, old=OTHER)) == 0x6986
        put(chip, NEXT, VALUES[NEXT], rules(applet, more=cmd.DESFIRE_CHANGE_KEY, ids=(KEY,)))
        assert sw(chip, cmd.change_key_part1(NEXT, 0, 0, 0, old=OTHER)) == 0x9000
        first(chip, Card())
        put(chip, NEXT, VALUES[NEXT], rules(applet, more=cmd.DESFIRE_CHANGE_KEY))  # under any
    assert sw(chip, cmd.change_key_part1(NEXT, 0, 0, 0, old=OTHER)) == 0x9000


@marked("denied", "DiversifyKey", "AuthFirstPart1", "AuthNonFirstPart1", "AuthFirstPart2", "AuthNonFirstPart2", "DumpSessionKeys", "ChangeKeyPart1", "ChangeKeyPart2",
        "KillAuthentication")
def test_keys_of_other_kinds_and_a_part_without_it(chip, procs, tmp_path, applet):  # noqa: F811
    for oid, kind in ((0x610, 4), (0x611, 5)):
        if not chip.exists(oid):
            chip.run(cmd.write_symm(oid, kind, bytes(16)))
        assert sw(chip, cmd.auth_first_part1(oid, bytes(16))) == 0x6985
        assert sw(chip, cmd.change_key_part1(oid, 0, 0, 0, old=OTHER)) == 0x6985
    feature = 0x7FFF0204
    if not chip.exists(feature):
        chip.run(cmd.write_userid(feature, b"1234"))
    every = (cmd.diversify(MASTER, TARGET, b"x"), cmd.auth_first_part1(KEY, bytes(16)), cmd.auth_nonfirst_part1(KEY, bytes(16)), cmd.auth_first_part2(bytes(32)),
             cmd.auth_nonfirst_part2(bytes(16)), cmd.dump_session_keys(), cmd.change_key_part1(NEXT, 0, 0, 0), cmd.change_key_part2(bytes(8)), cmd.kill_authentication())
    card = Card()
    first(chip, card)
    for word, wanted in ((0x37FF, 0x6985), (0x3FFF, 0x9000)):
        session = UserIdSession(chip, feature, b"1234")
        session.run(cmd.set_applet_features(word))
        session.end()
        if wanted == 0x6985:
            for command in every:
                assert sw(chip, command) == 0x6985
        else:
            assert sw(chip, cmd.dump_session_keys()) == 0x9000
