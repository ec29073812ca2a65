"""Sessions that live on a channel of their own: AESKey and ECKey, over a plain link and over the platform's channel."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import chip_commands as cmd
from chip_client import AID
from chip_login import AES, EC, KEY, KEYS, USER, VALUE, both, chip, login, part, platform, point, refused  # noqa: F401
from chip_sessions import AesSession, EcKeySession, Platform, Session


# ---- AES sessions ----

@pytest.mark.parametrize("below", ["plain", "platform"])
def test_aes_session(chip, applet, below):
    under = Platform(chip, KEYS[applet]) if below == "platform" else chip
    under.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    s = AesSession(under, AES, KEY)
    s.write_binary(1, b"hello", size=300)
    assert s.read(1) == b"hello" + bytes(295)
    assert s.get_version() == chip.version  # without data: counted here on every applet
    assert s.get_version() == chip.version
    refused(0x6985, s.read, 0x77)
    assert s.exists(1)
    s.end()
    refused(0x6985, under.run, cmd.process_session(s.id, cmd.get_version()))


def test_aes_session_beside_a_userid_session(chip):
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    a, u = AesSession(chip, AES, KEY), login(chip, USER)
    for i in range(5):
        a.write_binary(1 + i, bytes([i]), size=1)
        assert u.read(1 + i) == bytes([i])


def test_aes_session_wrong_mac_closes_it(chip):
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    s = AesSession(chip, AES, KEY)
    whole = s.scp.wrap(b"\x80\x04\0\x27", cmd.exists(1).data)
    assert s.process(whole[:-1] + bytes([whole[-1] ^ 1])) == (b"", 0x6982)
    assert s.process(whole) == (b"", 0x6985)
    AesSession(chip, AES, KEY), AesSession(chip, AES, KEY)  # its place is free


def test_aes_session_takes_nothing_plain(chip):
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    s = AesSession(chip, AES, KEY)
    assert s.process(cmd.get_version().inner()) == (b"", 0x6982)
    assert s.process(cmd.get_version().inner()) == (b"", 0x6985)


def test_aes_session_replay(chip):
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    s = AesSession(chip, AES, KEY)
    whole = s.scp.wrap(b"\x80\x04\0\x27", cmd.exists(1).data)
    assert s.process(whole)[1] == 0x9000
    assert s.process(whole) == (b"", 0x6982)


def test_handshakes_of_the_other_kinds(chip):
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    u, a = Session(chip, USER) if chip.exists(USER) else None, Session(chip, AES)
    refused(0x6985, a.run, cmd.verify_userid(VALUE))
    assert a.send(b"\x84\x88\0\0", bytes(20)) == (b"", 0x6985)
    assert a.send(b"\x80\x50\x0b\0", bytes(8)) == (b"", 0x6A88)  # sessions have version 00
    chip.run(cmd.write_userid(USER, VALUE))
    u = Session(chip, USER)
    assert u.send(b"\x80\x50\0\0", bytes(8)) == (b"", 0x6985)
    assert u.send(b"\x84\x82\x33\0", bytes(16)) == (b"", 0x6985)


# ---- ECKey sessions ----

@pytest.fixture
def host_key(chip):
    key = ec.generate_private_key(ec.SECP256R1())
    chip.make_curve(3)
    chip.run(cmd.write_ec(EC, 3, public=point(key), part=0x20, flags=cmd.AUTH))
    return key


@both("ECKeySessionInternalAuthenticate", "positive")
@pytest.mark.parametrize("below", ["plain", "platform"])
def test_eckey_session(chip, applet, host_key, below):
    under = Platform(chip, KEYS[applet]) if below == "platform" else chip
    s = EcKeySession(under, EC, host_key, chip.read(0x7FFF0201) if below == "plain" else under.read(0x7FFF0201), chip.version)
    s.write_binary(1, b"hello", size=5)
    assert s.read(1) == b"hello"
    assert s.get_version() == chip.version
    s.end()


@both("ECKeySessionInternalAuthenticate", "denied")
def test_eckey_of_somebody_else(chip, host_key):
    refused(0x6982, EcKeySession, chip, EC, ec.generate_private_key(ec.SECP256R1()), chip.read(0x7FFF0201), chip.version)


def agreement(key, host):
    """The data of ECKeySessionInternalAuthenticate, by hand."""
    body = bytes.fromhex("a61d4f10") + AID + bytes.fromhex("9003ab0133800188810110" "7f4946b041") + point(host) + b"\xf0\x01\x03"
    from cryptography.hazmat.primitives import hashes
    sig = key.sign(body, ec.ECDSA(hashes.SHA256()))
    return body, b"\x5f\x37" + bytes([len(sig)]) + sig


@both("ECKeySessionInternalAuthenticate", "length")
def test_eckey_truncated(chip, host_key):
    body, sig = agreement(host_key, ec.generate_private_key(ec.SECP256R1()))
    whole = body + sig
    s = Session(chip, EC)
    for n in (*range(0, len(body), 9), len(body), len(body) + 1, len(body) + 2, len(whole) - 1):
        assert s.send(b"\x84\x88\0\0", whole[:n]) == (b"", 0x6A80)
    assert s.send(b"\x84\x88\0\0", whole + b"\0") == (b"", 0x6A80)
    assert s.send(b"\x84\x88\0\0", whole)[1] == 0x9000


@both("ECKeySessionInternalAuthenticate", "order")
def test_eckey_altered(chip, host_key):
    body, sig = agreement(host_key, ec.generate_private_key(ec.SECP256R1()))
    s = Session(chip, EC)
    for at, sw in ((3, 0x6A80), (10, 0x6A80), (26, 0x6A80), (31, 0x6A80), (35, 0x6A80), (36, 0x6982), (60, 0x6982), (len(body) - 1, 0x6A80)):
        bad = bytearray(body)
        bad[at] ^= 1
        assert s.send(b"\x84\x88\0\0", bytes(bad) + sig) == (b"", sw), at
    # signed by the right key, but not a point: nothing is agreed
    from cryptography.hazmat.primitives import hashes
    bad = bytearray(body)
    bad[80] ^= 1
    sig = host_key.sign(bytes(bad), ec.ECDSA(hashes.SHA256()))
    assert s.send(b"\x84\x88\0\0", bytes(bad) + b"\x5f\x37" + bytes([len(sig)]) + sig) == (b"", 0x6A80)
    refused(0x6985, s.run, cmd.get_version())


def test_eckey_nobody_but_the_applet_agrees(chip, host_key):
    """A host with another idea of the applet's key ends up with other session keys."""
    s = EcKeySession(chip, EC, host_key, point(ec.generate_private_key(ec.SECP256R1())), chip.version)
    refused(0x6982, s.get_version)
