"""Writing, reading and managing secure objects: command and answer byte for byte, on both personalities."""

import dataclasses
import hashlib

import pytest
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import chip_client as cc
import chip_commands as do
from chip_commands import AUTH, TRANSIENT, policy
from conftest import APPLETS, BIN, Processes

OK, LENGTH, STATE, POLICY_BAD, REFUSED, DATA, P1P2, NO_INS = (0x9000, 0x6700, 0x6985, 0x6984, 0x6986, 0x6A80, 0x6A86, 0x6D00)
A, B, C = 0x00000A01, 0x00000A02, 0x00000A03
UID, ATTESTATION_KEY = 0x7FFF0206, 0xF0000012

KEY16 = bytes(range(0x40, 0x50))
EVERYTHING = policy(["sign", "verify", "encrypt", "decrypt", "kdf", "wrap", "read", "write", "generate", "delete", "import export"])


def only(*rights):
    """Everybody may do this, and the test may tidy up."""
    return policy([*rights, "delete"])


def answer(*values):
    return b"".join(cc.tlv(0x41 + i, v) for i, v in enumerate(values))


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    """A running part of each personality."""
    folder = tmp_path_factory.mktemp("chips")
    procs, open_chips = Processes(folder), {}
    for applet in APPLETS:
        part = cc.Part(procs, BIN / "sedge-chip", folder, "--applet", applet, name=applet).start()
        open_chips[applet] = cc.Chip(part.socket)
    yield open_chips
    for chip in open_chips.values():
        chip.close()
    procs.stop_all()


@pytest.fixture
def chip(chips, applet):
    """The part of the test's personality; what the test makes goes away with it."""
    c = chips[applet]
    before = set(c.all_ids())
    yield c
    for oid in c.all_ids():
        if oid not in before:
            c.delete(oid)


def run_case(chip, applet, before, command, want):
    for one in before:
        chip.run(one)
    data, sw = chip.raw(bytes(command))
    want = want[applet] if isinstance(want, dict) else want
    if isinstance(want, int):
        want = (b"", want)
    assert (data.hex(), f"{sw:04X}") == (want[0].hex(), f"{want[1]:04X}")


def table(rows):
    """Rows of (kind, id, before, command, want[, applets]) as parameters `applet, before, command, want`."""
    out = []
    for kind, text, before, command, want, *applets in rows:
        name = command.name if isinstance(command, do.Command) else command[0]
        body = command if isinstance(command, do.Command) else command[1]
        for applet in applets[0] if applets else APPLETS:
            out.append(pytest.param(applet, before, body, want, id=f"{name}-{kind}-{text}-{applet}".replace(" ", "_"),
                                    marks=pytest.mark.chip(name, kind=kind, applet=applet)))
    return pytest.mark.parametrize("applet, before, command, want", out)


def without(command, tag):
    return dataclasses.replace(command, parts=[p for p in command.parts if p[0] != tag])


def resized(command, tag, value):
    """The command with another value for a TLV."""
    return dataclasses.replace(command, parts=[cc.tlv(tag, value) if p[0] == tag else p for p in command.parts])


def twice(command):
    return dataclasses.replace(command, parts=[command.parts[0], *command.parts])


SEVEN, THREE = ("7.2",), ("3.1",)

# ---- WriteSymmKey ----------------------------------------------------------------------------------------------

AES = do.write_symm(A, 3, KEY16)
KEK = do.write_symm(B, 3, bytes(range(32)))
WRAPPED = keywrap.aes_key_wrap(bytes(range(32)), KEY16)


@table([
    ("positive", "aes 128", [], AES, OK),
    ("positive", "aes 192", [], do.write_symm(A, 3, bytes(24)), OK),
    ("positive", "aes 256", [], do.write_symm(A, 3, bytes(32)), OK),
    ("positive", "aes transient", [], do.write_symm(A, 3, KEY16, flags=TRANSIENT), OK),
    ("positive", "aes for sessions", [], do.write_symm(A, 3, KEY16, attempts=5, flags=AUTH), OK),
    ("positive", "des 64", [], do.write_symm(A, 4, bytes(8)), OK),
    ("positive", "des 128", [], do.write_symm(A, 4, bytes(16)), OK),
    ("positive", "des 192", [], do.write_symm(A, 4, bytes(24)), OK),
    ("positive", "hmac 1", [], do.write_symm(A, 5, b"k"), OK),
    ("positive", "hmac 256", [], do.write_symm(A, 5, bytes(256)), OK),
    ("positive", "update", [AES], do.write_symm(A, 3, bytes(16)), OK),
    ("positive", "wrapped", [KEK], do.write_symm(A, 3, WRAPPED, kek=B), OK),
    ("positive", "shortest tag", [], do.write_symm(A, 3, KEY16, min_tag=12), OK),
    ("positive", "version", [], do.write_symm(A, 3, KEY16, version=7), OK, SEVEN),
    ("positive", "shortest output", [], do.write_symm(A, 5, KEY16, min_output=16), OK, SEVEN),
    ("length", "aes 120", [], do.write_symm(A, 3, bytes(15)), DATA),
    ("length", "aes 136", [], do.write_symm(A, 3, bytes(17)), DATA),
    ("length", "aes 264", [], do.write_symm(A, 3, bytes(33)), DATA),
    ("length", "des 72", [], do.write_symm(A, 4, bytes(9)), DATA),
    ("length", "des 256", [], do.write_symm(A, 4, bytes(32)), DATA),
    ("length", "hmac none", [], do.write_symm(A, 5, b""), DATA),
    ("length", "hmac 257", [], do.write_symm(A, 5, bytes(257)), DATA),
    ("length", "another length", [AES], do.write_symm(A, 3, bytes(32)), STATE),
    ("length", "kek id of 3", [KEK], resized(do.write_symm(A, 3, WRAPPED, kek=B), 0x42, b"\0\0\1"), DATA),
    ("length", "wrapped too short", [KEK], do.write_symm(A, 3, WRAPPED[:16], kek=B), DATA),
    ("length", "wrapped unevenly", [KEK], do.write_symm(A, 3, WRAPPED[:-1], kek=B), DATA),
    ("length", "tag of 17", [], do.write_symm(A, 3, KEY16, min_tag=17), DATA),
    ("length", "tag of 3", [], do.write_symm(A, 3, KEY16, min_tag=3), DATA),
    ("length", "session key of 256", [], do.write_symm(A, 3, bytes(32), flags=AUTH), DATA),
    ("order", "no value", [], without(AES, 0x43), DATA),
    ("order", "no id", [], without(AES, 0x41), DATA),
    ("order", "twice", [], twice(AES), DATA),
    ("order", "superfluous", [], dataclasses.replace(AES, parts=[*AES.parts, cc.tlv(0x48, b"x")]), DATA),
    ("order", "version", [], do.write_symm(A, 3, KEY16, version=7), DATA, THREE),
    ("order", "shortest output", [], do.write_symm(A, 5, KEY16, min_output=16), DATA, THREE),
    ("order", "policy on what exists", [AES], do.write_symm(A, 3, KEY16, rules=EVERYTHING), STATE),
    ("order", "wrapped with another key", [do.write_symm(B, 3, KEY16)], do.write_symm(A, 3, WRAPPED, kek=B), DATA),
    ("denied", "no write", [do.write_symm(A, 3, KEY16, rules=only("encrypt"))], do.write_symm(A, 3, bytes(16)), REFUSED),
    ("denied", "another type", [AES], do.write_symm(A, 5, KEY16), STATE),
    ("denied", "kek may not wrap", [do.write_symm(B, 3, bytes(range(32)), rules=only("encrypt"))],
     do.write_symm(A, 3, WRAPPED, kek=B), REFUSED),
    ("denied", "kek is missing", [], do.write_symm(A, 3, WRAPPED, kek=B), STATE),
    ("denied", "kek is a file", [do.write_binary(B, b"x" * 32, size=32)], do.write_symm(A, 3, WRAPPED, kek=B), STATE),
    ("denied", "reserved id", [], do.write_symm(0x7FFF0300, 3, KEY16), REFUSED),
    ("denied", "des for sessions", [], do.write_symm(A, 4, bytes(16), flags=AUTH), P1P2),
    ("denied", "bad policy", [], do.write_symm(A, 3, KEY16, rules=b"\x07" + bytes(7)), POLICY_BAD),
])
def test_write_symm_key(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


def test_a_wrapped_key_is_the_key(chip, applet):
    """RFC 3394 4.6: what is inside can be used: the chip encrypts as with the plain key."""
    chip.run(KEK)
    chip.run(do.write_symm(A, 3, WRAPPED, kek=B))
    chip.run(do.write_symm(C, 3, KEY16))
    once = [chip.run(do.cipher_oneshot(k, do.AES_ECB, bytes(16))) for k in (A, C)]
    assert once[0] == once[1]


# ---- WriteUserID -----------------------------------------------------------------------------------------------

USER = do.write_userid(A, b"\xC0\x01\x02\x03\x04", attempts=5)


@table([
    ("positive", "shortest", [], do.write_userid(A, b"1234"), OK),
    ("positive", "longest", [], do.write_userid(A, b"0123456789abcdef"), OK),
    ("positive", "attempts", [], USER, OK),
    ("positive", "policy", [], do.write_userid(A, b"12345", rules=only("write")), OK),
    ("length", "three", [], do.write_userid(A, b"123"), DATA),
    ("length", "seventeen", [], do.write_userid(A, b"0123456789abcdefg"), DATA),
    ("length", "attempts of one byte", [], resized(USER, 0x12, b"\5"), DATA),
    ("order", "no value", [], without(USER, 0x42), DATA),
    ("order", "twice", [], twice(USER), DATA),
    ("order", "again", [USER], do.write_userid(A, b"12345"), STATE),
    ("order", "attempts again", [USER], USER, STATE),
    ("denied", "not for sessions", [], do.write_userid(A, b"12345", flags=0), P1P2),
    ("denied", "reserved id", [], do.write_userid(0x7FFF0300, b"12345"), REFUSED),
    ("denied", "over a key", [AES], do.write_userid(A, b"12345"), STATE),
])
def test_write_userid(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


# ---- WriteCounter ----------------------------------------------------------------------------------------------

COUNTER = do.write_counter(A, size=2)
STEP = do.write_counter(A)


@table([
    ("positive", "one byte", [], do.write_counter(A, size=1), OK),
    ("positive", "eight bytes", [], do.write_counter(A, size=8), OK),
    ("positive", "size in two bytes", [], resized(COUNTER, 0x42, b"\0\2"), OK),
    ("positive", "initial value", [], do.write_counter(A, size=2, value=b"\1\2"), OK),
    ("positive", "step", [COUNTER], STEP, OK),
    ("positive", "set", [COUNTER], do.write_counter(A, value=b"\1\0"), OK),
    ("positive", "size again", [COUNTER], do.write_counter(A, size=2, value=b"\1\0"), OK),
    ("length", "no bytes", [], do.write_counter(A, size=0), DATA),
    ("length", "nine bytes", [], do.write_counter(A, size=9), DATA),
    ("length", "size of three bytes", [], resized(COUNTER, 0x42, b"\0\0\2"), DATA),
    ("length", "value too long", [COUNTER], do.write_counter(A, value=b"\1\0\0"), DATA),
    ("length", "value empty", [COUNTER], do.write_counter(A, value=b""), DATA),
    ("length", "another size", [COUNTER], do.write_counter(A, size=4), STATE),
    ("order", "step first", [], STEP, STATE),
    ("order", "set first", [], do.write_counter(A, value=b"\1"), STATE),
    ("order", "down", [do.write_counter(A, size=2, value=b"\1\0")], do.write_counter(A, value=b"\0\xff"), STATE),
    ("order", "to the same", [do.write_counter(A, size=2, value=b"\1\0")], do.write_counter(A, value=b"\1\0"), STATE),
    ("order", "past the end", [do.write_counter(A, size=1, value=b"\xff")], STEP, STATE),
    ("denied", "no write", [do.write_counter(A, size=2, rules=only("read"))], STEP, REFUSED),
    ("denied", "over a key", [AES], STEP, STATE),
    ("denied", "for sessions", [], do.write_counter(A, size=2, flags=AUTH), P1P2),
])
def test_write_counter(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


# ---- WritePCR --------------------------------------------------------------------------------------------------

ZERO = bytes(32)
PCR = do.write_pcr(A, initial=ZERO)
EXTEND = do.write_pcr(A, extend=b"abc")
EXTENDED = hashlib.sha256(ZERO + b"abc").digest()


@table([
    ("positive", "new", [], PCR, OK),
    ("positive", "new and extended", [], do.write_pcr(A, initial=ZERO, extend=b"abc"), OK),
    ("positive", "extend", [PCR], EXTEND, OK),
    ("positive", "reset", [PCR, EXTEND], do.write_pcr(A), OK),
    ("length", "initial 31", [], do.write_pcr(A, initial=bytes(31)), DATA),
    ("length", "initial 33", [], do.write_pcr(A, initial=bytes(33)), DATA),
    ("length", "id of 3", [], resized(PCR, 0x41, b"\0\0\1"), DATA),
    ("order", "extend first", [], EXTEND, STATE),
    ("order", "reset first", [], do.write_pcr(A), STATE),
    ("order", "initial again", [PCR], PCR, STATE),
    ("denied", "no write", [do.write_pcr(A, initial=ZERO, rules=only("read"))], EXTEND, REFUSED),
    ("denied", "no reset", [do.write_pcr(A, initial=ZERO, rules=only("read"))], do.write_pcr(A), REFUSED),
    ("denied", "over a counter", [COUNTER], EXTEND, STATE),
])
def test_write_pcr(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


# ---- WriteBinary -----------------------------------------------------------------------------------------------

FILE = do.write_binary(A, b"abc", size=5)


@table([
    ("positive", "new", [], FILE, OK),
    ("positive", "empty", [], do.write_binary(A, size=5), OK),
    ("positive", "at an offset", [FILE], do.write_binary(A, b"de", offset=3), OK),
    ("positive", "nothing to write", [FILE], do.write_binary(A), OK),
    ("positive", "transient", [], do.write_binary(A, b"abc", size=5, flags=TRANSIENT), OK),
    ("positive", "version", [], do.write_binary(A, b"abc", size=5, version=9), OK, SEVEN),
    ("length", "size 0", [], do.write_binary(A, size=0), DATA),
    ("length", "size 8000", [], do.write_binary(A, size=0x8000), DATA),
    ("length", "size of one byte", [], resized(FILE, 0x43, b"\5"), DATA),
    ("length", "past the end", [FILE], do.write_binary(A, b"def", offset=3), STATE),
    ("length", "another size", [FILE], do.write_binary(A, b"x", size=6), STATE),
    ("order", "no size", [], do.write_binary(A, b"abc"), DATA),
    ("order", "twice", [], twice(FILE), DATA),
    ("order", "version", [], do.write_binary(A, b"abc", size=5, version=9), DATA, THREE),
    ("denied", "no write", [do.write_binary(A, b"abc", size=3, rules=only("read"))], do.write_binary(A, b"x"), REFUSED),
    ("denied", "unique id", [], do.write_binary(UID, b"x"), REFUSED),
    ("denied", "over a key", [AES], do.write_binary(A, b"x", size=1), STATE),
])
def test_write_binary(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


# ---- WriteECKey, WriteRSAKey: what the older tests (test_vse_applet.py) do not cover -------------------------------

EC_PRIVATE = (7).to_bytes(32, "big")
EC_POINT = b"\4" + b"".join(x.to_bytes(32, "big") for x in (
    ec.derive_private_key(7, ec.SECP256R1()).public_key().public_numbers().x,
    ec.derive_private_key(7, ec.SECP256R1()).public_key().public_numbers().y))
EC_PAIR = do.write_ec(A, 3, EC_PRIVATE, EC_POINT)


@table([
    ("positive", "pair", [], EC_PAIR, OK),
    ("positive", "generate", [], do.write_ec(A, 3), OK),
    ("positive", "private half", [], do.write_ec(A, 3, EC_PRIVATE, part=0x40), OK),
    ("positive", "public half", [], do.write_ec(A, 3, public=EC_POINT, part=0x20), OK),
    ("positive", "for sessions", [], do.write_ec(A, 3, public=EC_POINT, part=0x20, attempts=3, flags=AUTH), OK),
    ("positive", "update with another part", [EC_PAIR], do.write_ec(A, None, EC_PRIVATE, EC_POINT, part=0), OK),
    ("positive", "version", [], do.write_ec(A, 3, version=1), OK, SEVEN),
    ("length", "short point", [], do.write_ec(A, 3, EC_PRIVATE, EC_POINT[:-1]), DATA),
    ("length", "long scalar", [], do.write_ec(A, 3, b"\1" + EC_PRIVATE, EC_POINT), DATA),
    ("length", "curve of two bytes", [], resized(EC_PAIR, 0x42, b"\0\3"), DATA),
    ("order", "no curve", [], do.write_ec(A), DATA),
    ("order", "half a pair", [], do.write_ec(A, 3, EC_PRIVATE), DATA),
    ("order", "version", [], do.write_ec(A, 3, version=1), DATA, THREE),
    ("order", "attempts without sessions", [], do.write_ec(A, 3, attempts=3), DATA),
    ("denied", "no write", [do.write_ec(A, 3, rules=only("sign"))], do.write_ec(A, None, EC_PRIVATE, EC_POINT), REFUSED),
    ("denied", "no generate", [do.write_ec(A, 3, rules=only("write"))], do.write_ec(A), REFUSED),
    ("denied", "the attestation key", [], do.write_ec(ATTESTATION_KEY), REFUSED),
    ("denied", "another curve", [EC_PAIR], do.write_ec(A, 4), STATE),
    ("denied", "no part", [], do.write_ec(A, 3, part=0), P1P2),
    ("denied", "generate a half", [], do.write_ec(A, 3, part=0x20), DATA),
])
def test_write_ec_key(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


RSA = rsa.generate_private_key(65537, 1024).private_numbers()
RSA_N = RSA.public_numbers.n.to_bytes(128, "big")
RSA_PUBLIC = [do.write_rsa(A, 1024, n=RSA_N, part=0x20, raw=True), do.write_rsa(A, e=b"\1\0\1", part=0, raw=True)]


@table([
    ("positive", "first component", [], RSA_PUBLIC[0], OK),
    ("positive", "second component", RSA_PUBLIC[:1], RSA_PUBLIC[1], OK),
    ("positive", "odd length", [], do.write_rsa(A, 1024, p=b"\0" + RSA.p.to_bytes(64, "big")), OK),
    ("positive", "version", [], do.write_rsa(A, 1024, n=RSA_N, part=0x20, raw=True, version=2), OK, SEVEN),
    ("length", "long modulus", [], do.write_rsa(A, 1024, n=b"\1" + RSA_N, raw=True), DATA),
    ("length", "bits of one byte", [], resized(RSA_PUBLIC[0], 0x42, b"\4"), DATA),
    ("length", "1000 bits", [], do.write_rsa(A, 1000), DATA),
    ("order", "two components", [], do.write_rsa(A, 1024, e=b"\1\0\1", n=RSA_N, raw=True), DATA),
    ("order", "second first", [], RSA_PUBLIC[1], P1P2),
    ("order", "not of this form", RSA_PUBLIC, do.write_rsa(A, p=bytes(64), part=0), DATA),
    ("order", "version", [], do.write_rsa(A, 1024, n=RSA_N, part=0x20, raw=True, version=2), DATA, THREE),
    ("denied", "no write", [do.write_rsa(A, 1024, n=RSA_N, part=0x20, raw=True, rules=only("verify")),
                            do.write_rsa(A, e=b"\1\0\1", part=0, raw=True)], do.write_rsa(A, e=b"\3", part=0, raw=True), REFUSED),
    ("denied", "over an EC key", [EC_PAIR], RSA_PUBLIC[0], STATE),
])
def test_write_rsa_key(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


# ---- ReadObject, ReadRSA ---------------------------------------------------------------------------------------


def rest(tag, value=b"\0"):
    """A ReadObject with a TLV of its own making."""
    return dataclasses.replace(do.read_object(A), parts=[*do.read_object(A).parts, cc.tlv(tag, value)])


@table([
    ("positive", "file", [FILE], do.read_object(A), (answer(b"abc\0\0"), OK)),
    ("positive", "offset", [FILE], do.read_object(A, offset=1), (answer(b"bc\0\0"), OK)),
    ("positive", "piece", [FILE], do.read_object(A, offset=1, length=2), (answer(b"bc"), OK)),
    ("positive", "second write", [FILE, do.write_binary(A, b"Z", offset=4)], do.read_object(A), (answer(b"abc\0Z"), OK)),
    ("positive", "ec point", [EC_PAIR], do.read_object(A), (answer(EC_POINT), OK)),
    ("positive", "ec public key", [do.write_ec(A, 3, public=EC_POINT, part=0x20)], do.read_object(A), (answer(EC_POINT), OK)),
    ("positive", "fresh counter", [COUNTER], do.read_object(A), (answer(b"\0\0"), OK)),
    ("positive", "counter", [COUNTER, do.write_counter(A, value=b"\xff"), STEP], do.read_object(A), (answer(b"\1\0"), OK)),
    ("positive", "pcr", [PCR, EXTEND], do.read_object(A), (answer(EXTENDED), OK)),
    ("positive", "pcr reset", [PCR, EXTEND, do.write_pcr(A)], do.read_object(A), (answer(ZERO), OK)),
    ("positive", "transient", [do.write_binary(A, b"abc", size=3, flags=TRANSIENT)], do.read_object(A), (answer(b"abc"), OK)),
    ("length", "past the end", [FILE], do.read_object(A, offset=1, length=5), STATE),
    ("length", "offset past the end", [FILE], do.read_object(A, offset=6), STATE),
    ("length", "offset of one byte", [FILE], rest(0x42), DATA),
    ("length", "length of one byte", [FILE], rest(0x43), DATA),
    ("length", "id of five", [FILE], resized(do.read_object(A), 0x41, bytes(5)), DATA),
    ("order", "no id", [FILE], without(do.read_object(A), 0x41), DATA),
    ("order", "twice", [FILE], twice(do.read_object(A)), DATA),
    ("order", "component of a file", [FILE], rest(0x44), DATA),
    ("order", "absent", [], do.read_object(A), STATE),
    ("denied", "no read", [do.write_binary(A, b"x", size=1, rules=only("write"))], do.read_object(A), REFUSED),
    ("denied", "aes", [AES], do.read_object(A), STATE),
    ("denied", "aes with read", [do.write_symm(A, 3, KEY16, rules=only("encrypt"))], do.read_object(A), REFUSED),
    ("denied", "des", [do.write_symm(A, 4, bytes(8))], do.read_object(A), STATE),
    ("denied", "hmac", [do.write_symm(A, 5, b"key")], do.read_object(A), STATE),
    ("denied", "user id", [USER], do.read_object(A), STATE),
    ("denied", "ec private", [do.write_ec(A, 3, EC_PRIVATE, part=0x40)], do.read_object(A), STATE),
    ("denied", "rsa without component", RSA_PUBLIC, do.read_object(A), STATE),
])
def test_read_object(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


@table([
    ("positive", "modulus", RSA_PUBLIC, do.read_rsa(A, 0), (answer(RSA_N), OK)),
    ("positive", "exponent", RSA_PUBLIC, do.read_rsa(A, 1), (answer(b"\1\0\1"), OK)),
    ("positive", "piece", RSA_PUBLIC, do.read_rsa(A, 0, offset=100, length=20), (answer(RSA_N[100:120]), OK)),
    ("length", "component of two bytes", RSA_PUBLIC, resized(do.read_rsa(A, 0), 0x44, b"\0\0"), DATA),
    ("length", "past the end", RSA_PUBLIC, do.read_rsa(A, 0, offset=100, length=29), STATE),
    ("order", "not in yet", RSA_PUBLIC[:1], do.read_rsa(A, 1), STATE),
    ("order", "a secret component", RSA_PUBLIC, do.read_rsa(A, 2), DATA),
    ("denied", "no read", [do.write_rsa(A, 1024, n=RSA_N, part=0x20, raw=True, rules=only("write"))], do.read_rsa(A, 0), REFUSED),
    ("denied", "no rsa key", [EC_PAIR], do.read_rsa(A, 0), DATA),
])
def test_read_rsa(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


# ---- ReadType, ReadSize, ReadIDList, CheckObjectExists, DeleteSecureObject ------------------------------------------


def typed(three, seven=None, transient=False):
    return {v: (answer(bytes([t]), b"\2" if transient else b"\1"), OK) for v, t in (("3.1", three), ("7.2", seven or three))}


@table([
    ("positive", "ec pair", [EC_PAIR], do.read_type(A), typed(0x01, 0x29)),
    ("positive", "ec private", [do.write_ec(A, 3, EC_PRIVATE, part=0x40)], do.read_type(A), typed(0x02, 0x2A)),
    ("positive", "ec public", [do.write_ec(A, 3, public=EC_POINT, part=0x20)], do.read_type(A), typed(0x03, 0x2B)),
    ("positive", "rsa public", RSA_PUBLIC, do.read_type(A), typed(0x08)),
    ("positive", "rsa crt", [do.write_rsa(A, 1024, p=RSA.p.to_bytes(64, "big"))], do.read_type(A), typed(0x05)),
    ("positive", "rsa pair", [do.write_rsa(A, 1024, n=RSA_N, raw=True)], do.read_type(A), typed(0x04)),
    ("positive", "rsa private", [do.write_rsa(A, 1024, n=RSA_N, raw=True, part=0x40)], do.read_type(A), typed(0x06)),
    ("positive", "rsa private crt", [do.write_rsa(A, 1024, p=RSA.p.to_bytes(64, "big"), part=0x40)], do.read_type(A), typed(0x07)),
    ("positive", "aes", [AES], do.read_type(A), typed(0x09)),
    ("positive", "des", [do.write_symm(A, 4, bytes(8))], do.read_type(A), typed(0x0A)),
    ("positive", "binary", [FILE], do.read_type(A), typed(0x0B)),
    ("positive", "user id", [USER], do.read_type(A), typed(0x0C)),
    ("positive", "counter", [COUNTER], do.read_type(A), typed(0x0D)),
    ("positive", "pcr", [PCR], do.read_type(A), typed(0x0F)),
    ("positive", "hmac", [do.write_symm(A, 5, b"k")], do.read_type(A), typed(0x11)),
    ("positive", "transient", [do.write_symm(A, 5, b"k", flags=TRANSIENT)], do.read_type(A), typed(0x11, transient=True)),
    ("positive", "nobody may read", [do.write_binary(A, b"x", size=1, rules=only())], do.read_type(A), typed(0x0B)),
    ("length", "id of 3", [], resized(do.read_type(A), 0x41, bytes(3)), DATA),
    ("order", "no id", [], without(do.read_type(A), 0x41), DATA),
    ("order", "twice", [AES], twice(do.read_type(A)), DATA),
    ("denied", "absent", [], do.read_type(A), STATE),
])
def test_read_type(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


def sized(n):
    return answer(cc.u16(n)), OK


@table([
    ("positive", "ec", [EC_PAIR], do.read_size(A), sized(32)),
    ("positive", "rsa", RSA_PUBLIC, do.read_size(A), sized(128)),
    ("positive", "aes", [AES], do.read_size(A), sized(16)),
    ("positive", "des", [do.write_symm(A, 4, bytes(24))], do.read_size(A), sized(24)),
    ("positive", "hmac", [do.write_symm(A, 5, bytes(100))], do.read_size(A), sized(100)),
    ("positive", "file", [FILE], do.read_size(A), sized(5)),
    ("positive", "user id", [USER], do.read_size(A), sized(5)),
    ("positive", "counter", [COUNTER], do.read_size(A), sized(2)),
    ("positive", "pcr", [PCR], do.read_size(A), sized(32)),
    ("length", "id of 5", [], resized(do.read_size(A), 0x41, bytes(5)), DATA),
    ("order", "no id", [], without(do.read_size(A), 0x41), DATA),
    ("order", "superfluous", [AES], dataclasses.replace(do.read_size(A), parts=[*do.read_size(A).parts, cc.tlv(0x42, b"")]), DATA),
    ("denied", "absent", [], do.read_size(A), STATE),
])
def test_read_size(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


@table([
    ("positive", "counters", [COUNTER, do.write_counter(B, size=1)], do.read_id_list(0, 0x0D), (answer(b"\1", cc.u32(A) + cc.u32(B)), OK)),
    ("positive", "from the second", [COUNTER, do.write_counter(B, size=1)], do.read_id_list(1, 0x0D), (answer(b"\1", cc.u32(B)), OK)),
    ("positive", "from the end", [COUNTER], do.read_id_list(1, 0x0D), (answer(b"\1", b""), OK)),
    ("positive", "from beyond", [COUNTER], do.read_id_list(0xFFFF, 0xFF), (answer(b"\1", b""), OK)),
    ("positive", "none of this type", [AES], do.read_id_list(0, 0x0F), (answer(b"\1", b""), OK)),
    ("positive", "aes", [AES, COUNTER.with_parts([cc.tlv(0x41, cc.u32(B)), cc.tlv(0x42, b"\1")])], do.read_id_list(0, 9), (answer(b"\1", cc.u32(A)), OK)),
    ("length", "offset of one byte", [], resized(do.read_id_list(), 0x41, b"\0"), DATA),
    ("length", "filter of two bytes", [], resized(do.read_id_list(), 0x42, b"\0\xff"), DATA),
    ("order", "no filter", [], without(do.read_id_list(), 0x42), DATA),
])
def test_read_id_list(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


@table([
    ("positive", "yes", [AES], do.exists(A), (answer(b"\1"), OK)),
    ("positive", "no", [], do.exists(A), (answer(b"\2"), OK)),
    ("positive", "nobody may use it", [do.write_symm(A, 3, KEY16, rules=only())], do.exists(A), (answer(b"\1"), OK)),
    ("length", "id of 3", [], resized(do.exists(A), 0x41, bytes(3)), DATA),
    ("length", "id of 5", [], resized(do.exists(A), 0x41, bytes(5)), DATA),
    ("order", "no id", [], without(do.exists(A), 0x41), DATA),
    ("order", "twice", [], twice(do.exists(A)), DATA),
])
def test_exists(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


@table([
    ("positive", "key", [AES], do.delete(A), OK),
    ("positive", "transient", [do.write_symm(A, 3, KEY16, flags=TRANSIENT)], do.delete(A), OK),
    ("positive", "policy", [do.write_symm(A, 3, KEY16, rules=only())], do.delete(A), OK),
    ("length", "id of 3", [AES], resized(do.delete(A), 0x41, bytes(3)), DATA),
    ("order", "no id", [AES], without(do.delete(A), 0x41), DATA),
    ("order", "twice", [AES, do.delete(A)], do.delete(A), STATE),
    ("denied", "absent", [], do.delete(A), STATE),
    ("denied", "unique id", [], do.delete(UID), REFUSED),
    ("denied", "provisioned key", [], do.delete(ATTESTATION_KEY), REFUSED),
    ("denied", "provisioned certificate", [], do.delete(ATTESTATION_KEY + 1), REFUSED),
    ("denied", "the applet's key", [], do.delete(0x7FFF0201), REFUSED),
])
def test_delete(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


@pytest.mark.chip("DeleteSecureObject", kind="denied")
def test_delete_without_the_right(procs, tmp_path, applet):
    """Nobody can ever tidy this up, so it has a chip of its own."""
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet).start()
    with cc.Chip(part.socket) as chip:
        run_case(chip, applet, [do.write_symm(A, 3, KEY16, rules=policy(["encrypt"]))], do.delete(A), REFUSED)


# ---- ReadAttributes --------------------------------------------------------------------------------------------


def attributes(applet, oid, kind, rules, auth=1, tag_or_failures=0, owner=0, attempts=0, origin=1, version=0):
    """Reference 3.5, by hand."""
    body = (cc.u32(oid) + bytes([kind, auth]) + cc.u16(tag_or_failures) + cc.u32(owner) + cc.u16(attempts) + rules + bytes([origin]))
    return cc.tlv(0x43, body + cc.u32(version)) if applet == "7.2" else cc.tlv(0x42, body)


def told(seven=None, **kw):
    return {v: (attributes(v, A, **{**kw, **(seven or {} if v == "7.2" else {})}), OK) for v in APPLETS}


READ_WRITE_DELETE = policy(["read", "write", "delete"])


@table([
    ("positive", "default policy of a file", [FILE], do.read_attributes(A), told(kind=0x0B, rules=READ_WRITE_DELETE)),
    ("positive", "policy", [do.write_symm(A, 3, KEY16, rules=only("encrypt"))], do.read_attributes(A), told(kind=9, rules=only("encrypt"))),
    ("positive", "shortest tag", [do.write_symm(A, 3, KEY16, rules=only("encrypt"), min_tag=12)], do.read_attributes(A),
     told(kind=9, rules=only("encrypt"), tag_or_failures=12)),
    ("positive", "made in the chip", [do.write_ec(A, 3, rules=only("sign"))], do.read_attributes(A),
     told(kind=1, rules=only("sign"), origin=2, seven={"kind": 0x29})),
    ("positive", "for sessions", [do.write_userid(A, b"12345", rules=only("write"), attempts=5)], do.read_attributes(A),
     told(kind=0x0C, rules=only("write"), auth=2, attempts=5)),
    ("positive", "version", [do.write_binary(A, b"x", size=1, version=0x01020304)], do.read_attributes(A),
     told(kind=0x0B, rules=READ_WRITE_DELETE, version=0x01020304), SEVEN),
    ("length", "id of 3", [FILE], resized(do.read_attributes(A), 0x41, bytes(3)), DATA),
    ("order", "no id", [FILE], without(do.read_attributes(A), 0x41), DATA),
    ("order", "attesting key without attestation", [FILE],
     dataclasses.replace(do.read_attributes(A), parts=[cc.tlv(0x41, cc.u32(A)), cc.tlv(0x45, cc.u32(ATTESTATION_KEY))]), DATA),
    ("denied", "absent", [], do.read_attributes(A), STATE),
])
def test_read_attributes(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


# ---- ExportObject, ImportObject --------------------------------------------------------------------------------

PORTABLE = do.write_symm(A, 3, KEY16, flags=TRANSIENT, rules=only("encrypt", "import export"))


@pytest.mark.chip("ExportObject", kind="positive")
@pytest.mark.chip("ImportObject", kind="positive")
def test_export_and_import(procs, tmp_path, applet):
    """A transient key leaves, is lost at a reset, and comes back from the blob; nobody else can read or use the blob."""
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet).start()
    with cc.Chip(part.socket) as chip:
        chip.run(do.write_ec(A, 3, EC_PRIVATE, EC_POINT, flags=TRANSIENT, rules=only("sign", "read", "import export")))
        blob = chip.run(do.export(A))[0x41]
        assert EC_PRIVATE not in blob and EC_POINT[1:33] not in blob
        assert blob != chip.run(do.export(A))[0x41]
        chip.t1.exchange(0xC6)  # chip reset
        chip.t1.ns = 0
        chip.select()
        run_case(chip, applet, [], do.read_object(A), STATE)
        run_case(chip, applet, [], do.import_object(A, blob[:-1] + bytes([blob[-1] ^ 1])), DATA)
        run_case(chip, applet, [], do.import_object(A, blob), OK)
        run_case(chip, applet, [], do.read_object(A), (answer(EC_POINT), OK))
    other = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet, name="other").start()
    with cc.Chip(other.socket) as chip:
        chip.run(do.write_ec(A, 3, EC_PRIVATE, EC_POINT, flags=TRANSIENT, rules=only("sign", "read", "import export")))
        run_case(chip, applet, [], do.import_object(A, blob), DATA)


def test_rsa_components_go_one_by_one(chip, applet):
    numbers = {0: RSA_N, 1: b"\1\0\1"}
    chip.run(do.write_rsa(A, 1024, n=RSA_N, part=0x20, raw=True, flags=TRANSIENT))
    chip.run(do.write_rsa(A, e=b"\1\0\1", part=0, raw=True))
    blobs = {i: chip.run(do.export(A, i))[0x41] for i in numbers}
    for i in numbers:
        chip.run(do.import_object(A, blobs[i], i))
        assert chip.run(do.read_rsa(A, i))[0x41] == numbers[i]
    run_case(chip, applet, [], do.import_object(A, blobs[0], 1), DATA)  # not the other one's


@table([
    ("length", "id of 3", [PORTABLE], resized(do.export(A), 0x41, bytes(3)), DATA),
    ("length", "component of two bytes", [PORTABLE], resized(do.export(A), 0x42, b"\0\xff"), DATA),
    ("order", "no component", [PORTABLE], without(do.export(A), 0x42), DATA),
    ("order", "component of a key that has none", [PORTABLE], do.export(A, 0), DATA),
    ("denied", "absent", [], do.export(A), STATE),
    ("denied", "persistent", [do.write_symm(A, 3, KEY16, rules=only("import export"))], do.export(A), STATE),
    ("denied", "no export", [do.write_symm(A, 3, KEY16, flags=TRANSIENT, rules=only("encrypt"))], do.export(A), REFUSED),
    ("denied", "file", [do.write_binary(A, b"x", size=1, flags=TRANSIENT)], do.export(A), STATE),
])
def test_export(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


@table([
    ("length", "id of 3", [PORTABLE], resized(do.import_object(A, bytes(60)), 0x41, bytes(3)), DATA),
    ("length", "empty", [PORTABLE], do.import_object(A, b""), DATA),
    ("length", "short", [PORTABLE], do.import_object(A, bytes(27)), DATA),
    ("order", "no blob", [PORTABLE], without(do.import_object(A, b"x"), 0x43), DATA),
    ("order", "not exported", [PORTABLE], do.import_object(A, bytes(60)), DATA),
    ("denied", "absent", [], do.import_object(A, bytes(60)), STATE),
    ("denied", "persistent", [do.write_symm(A, 3, KEY16, rules=only("import export"))], do.import_object(A, bytes(60)), STATE),
    ("denied", "no import", [do.write_symm(A, 3, KEY16, flags=TRANSIENT, rules=only("encrypt"))], do.import_object(A, bytes(60)), REFUSED),
])
def test_import(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)
