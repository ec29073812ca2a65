"""Attested reads, timestamps, self-test, state, I2C master: what the chip signs is verified by the OpenSSL program."""

import dataclasses
import hashlib
import os
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import chip_client as cc
import chip_commands as do
from chip_commands import T2, T3, T4, T5, T6, policy
from conftest import BIN
from test_vse_objects import (A, ATTESTATION_KEY, DATA, EC_POINT, FILE, KEY16, LENGTH, OK, P1P2, REFUSED, RSA_N, RSA_PUBLIC, STATE, UID,
                              USER, ZERO, answer, attributes, chip, chips, only, resized, run_case, table, twice, without)

RANDOM = bytes(range(0xA0, 0xB0))
B, SIGNER = 0x00000B01, 0x00000B02
ORDER = {"3.1": [0x41, 0x42, 0x43, 0x44, 0x45, 0x46], "7.2": [0x41, 0x42, 0x43, 0x44, 0x4F, 0x52]}


def items(data):
    """[(tag, value, whole TLV)] in the order of the wire."""
    out, rest = [], data
    while rest:
        n, at = rest[1], 2
        if n == 0x81:
            n, at = rest[2], 3
        elif n == 0x82:
            n, at = int.from_bytes(rest[2:4], "big"), 4
        out.append((rest[0], rest[at:at + n], rest[:at + n]))
        rest = rest[at + n:]
    return out


def spki(chip, key, algorithm):
    """The attesting key's public part as PEM, from what the chip reads out."""
    if algorithm in do.PKCS1.values() or algorithm in do.PSS.values():
        n, e = (int.from_bytes(chip.run(do.read_rsa(key, i))[0x41], "big") for i in (0, 1))
        public = rsa.RSAPublicNumbers(e, n).public_key()
    else:
        point = chip.run(do.read_object(key))[0x41]
        curve = {65: ec.SECP256R1, 97: ec.SECP384R1}[len(point)]
        public = ec.EllipticCurvePublicKey.from_encoded_point(curve(), point)
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


DIGESTS = {**{v: k.lower() for k, v in do.ECDSA.items()}, **{v: k.lower() for k, v in do.PKCS1.items()},
           **{v: k.lower() for k, v in do.PSS.items()}}


def openssl_verifies(folder, pem, algorithm, message, signature):
    """`openssl dgst -verify`: nothing of ours."""
    for name, data in (("key", pem), ("message", message), ("signature", signature)):
        (folder / name).write_bytes(data)
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if algorithm in do.PSS.values() else []
    p = subprocess.run(["openssl", "dgst", f"-{DIGESTS[algorithm]}", "-verify", folder / "key", "-signature", folder / "signature", *pss,
                        folder / "message"], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    assert p.stdout in ("Verified OK\n", "Verification failure\n"), p.stderr
    return p.returncode == 0


def check(chip, applet, folder, command, data, about, size, key=ATTESTATION_KEY, algorithm=0x21):
    """The whole attested answer of `command`: order, values, signature. `data` None: no T1; `about` None: no attributes."""
    got, sw = chip.raw(bytes(command))
    assert f"{sw:04X}" == "9000"
    tlvs = items(got)
    values = {tag: value for tag, value, _ in tlvs}
    missing = ({0x41} if data is None else set()) | ({0x42 if applet == "3.1" else 0x43} if about is None else set())
    assert [tag for tag, _, _ in tlvs] == [t for t in ORDER[applet] if t not in missing]
    uid = chip.read(UID)
    assert values.get(0x41) == data
    if applet == "3.1":
        assert (values[T4], values[T5], len(values[T3])) == (RANDOM, uid, 12)
        message, signature = b"".join(value for _, value, _ in tlvs[:-1]), values[T6]
        told = values.get(T2)
    else:
        assert (values[T2], values[T4], len(values[0x4F])) == (uid, cc.u16(size), 12)
        message, signature = hashlib.sha256(bytes(command)).digest() + b"".join(tlv for _, _, tlv in tlvs[:-1]), values[0x52]
        told = values.get(T3)
    if about is not None:
        assert told == items(attributes(applet, **about))[0][1]
    pem = spki(chip, key, algorithm)
    assert openssl_verifies(folder, pem, algorithm, message, signature)
    assert not openssl_verifies(folder, pem, algorithm, message[:-1] + bytes([message[-1] ^ 1]), signature)
    return values[T3 if applet == "3.1" else 0x4F]


ALL = policy(["read", "write", "delete"])
READABLE = {
    "file": ([do.write_binary(A, b"abc", size=5, rules=ALL)], b"abc\0\0", dict(kind=0x0B, rules=ALL), 5),
    "counter": ([do.write_counter(A, size=2, value=b"\1\2", rules=ALL)], b"\1\2", dict(kind=0x0D, rules=ALL), 2),
    "pcr": ([do.write_pcr(A, initial=ZERO, extend=b"abc", rules=ALL)], hashlib.sha256(ZERO + b"abc").digest(),
            dict(kind=0x0F, rules=ALL), 32),
    "ec": ([do.write_ec(A, 3, public=EC_POINT, part=0x20, rules=ALL)], EC_POINT, dict(kind=3, rules=ALL), 32),
}


@pytest.mark.chip("ReadObjectAttested", kind="positive")
@pytest.mark.parametrize("what", READABLE)
def test_read_attested_positive(chip, applet, tmp_path, what):
    before, data, about, size = READABLE[what]
    for one in before:
        chip.run(one)
    about = {**about, "oid": A, "kind": 0x2B if what == "ec" and applet == "7.2" else about["kind"]}
    check(chip, applet, tmp_path, do.read_attested(A, ATTESTATION_KEY, 0x21, RANDOM), data, about, size)


@pytest.mark.chip("ReadObjectAttested", kind="positive")
def test_read_attested_rsa_piece(chip, applet):
    for one in RSA_PUBLIC:
        chip.run(one)
    attributes_now = chip.run(do.read_attributes(A))[T3 if applet == "7.2" else T2]
    got = chip.run(do.read_attested(A, ATTESTATION_KEY, 0x21, RANDOM, offset=100, length=20, component=0))
    assert got[0x41] == RSA_N[100:120]
    assert got[T3 if applet == "7.2" else T2] == attributes_now


SIGNERS = {
    "P-256 SHA-1": ([do.write_ec(SIGNER, 3)], 0x11), "P-256 SHA-384": ([do.write_ec(SIGNER, 3)], 0x22),
    "P-256 SHA-512": ([do.write_ec(SIGNER, 3)], 0x26), "P-256 SHA-224": ([do.write_ec(SIGNER, 3)], 0x25),
    "RSA PKCS1 SHA-256": ([do.write_rsa(SIGNER, 1024)], 0x28), "RSA PSS SHA-256": ([do.write_rsa(SIGNER, 1024)], 0x2C),
    "RSA PKCS1 SHA-1": ([do.write_rsa(SIGNER, 1024)], 0x0A),
}


@pytest.mark.chip("ReadAttributesAttested", kind="positive")
@pytest.mark.parametrize("signer", SIGNERS)
def test_attributes_attested_positive(chip, applet, tmp_path, signer):
    """No T1; every algorithm, with keys of the user's own."""
    before, algorithm = SIGNERS[signer]
    for one in before:
        chip.run(one)
    chip.run(do.write_userid(A, b"12345", rules=only("write"), attempts=3))
    check(chip, applet, tmp_path, do.read_attributes_attested(A, SIGNER, algorithm, RANDOM), None,
          dict(oid=A, kind=0x0C, rules=only("write"), auth=2, attempts=3), 5, key=SIGNER, algorithm=algorithm)


ATTESTED = do.read_attested(A, ATTESTATION_KEY, 0x21, RANDOM)
OF_ATTRIBUTES = do.read_attributes_attested(A, ATTESTATION_KEY, 0x21, RANDOM)


def refusals(command):
    """What both attested reads refuse."""
    return [
        ("length", "random of 15", [FILE], resized(command, 0x47, RANDOM[:15]), DATA),
        ("length", "random of 17", [FILE], resized(command, 0x47, RANDOM + b"\0"), DATA),
        ("length", "key id of 3", [FILE], resized(command, 0x45, bytes(3)), DATA),
        ("length", "algorithm of 2", [FILE], resized(command, 0x46, b"\0\x21"), DATA),
        ("order", "no random", [FILE], without(command, 0x47), DATA),
        ("order", "no key", [FILE], without(command, 0x45), DATA),
        ("order", "no algorithm", [FILE], without(command, 0x46), DATA),
        ("order", "twice", [FILE], twice(command), DATA),
        ("order", "unknown algorithm", [FILE], resized(command, 0x46, b"\x77"), DATA),
        ("order", "plain algorithm", [FILE], resized(command, 0x46, b"\x09"), DATA),
        ("denied", "absent", [], command, STATE),
        ("denied", "no such key", [FILE], resized(command, 0x45, cc.u32(B)), STATE),
        ("denied", "key may not attest", [FILE, do.write_ec(SIGNER, 3, rules=only("sign"))], resized(command, 0x45, cc.u32(SIGNER)), REFUSED),
        ("denied", "key is a file", [FILE], resized(command, 0x45, cc.u32(A)), STATE),
        ("denied", "key is public", [FILE, do.write_ec(SIGNER, 3, public=EC_POINT, part=0x20)], resized(command, 0x45, cc.u32(SIGNER)), STATE),
        ("denied", "cloud key", [FILE], resized(command, 0x45, cc.u32(0xF0000100)), REFUSED),
    ]


@table(refusals(ATTESTED) + [
    ("denied", "no read", [do.write_binary(A, b"x", size=1, rules=only("write"))], ATTESTED, REFUSED),
    ("denied", "secret", [do.write_symm(A, 3, KEY16)], ATTESTED, STATE),
    ("denied", "user id", [USER], ATTESTED, STATE),
])
def test_read_attested_refused(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


@table(refusals(OF_ATTRIBUTES))
def test_attributes_attested_refused(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


# ---- GetTimestamp ----------------------------------------------------------------------------------------------


@pytest.mark.chip("GetTimestamp", kind="positive")
def test_timestamp_only_goes_up(procs, tmp_path, applet):
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet)
    seen = []
    for _ in range(3):
        part.start()
        with cc.Chip(part.socket) as c:
            seen += [c.run(do.get_timestamp())[0x41] for _ in range(5)]
            got = c.run(do.read_attested(UID, ATTESTATION_KEY, 0x21, RANDOM))
            seen.append(got[T3 if applet == "3.1" else 0x4F])
            c.t1.exchange(0xC6)
            c.t1.ns = 0
            c.select()
            seen.append(c.run(do.get_timestamp())[0x41])
        part.kill()  # no time to tidy up
    assert all(len(t) == 12 for t in seen)
    assert seen == sorted(set(seen))


# ---- TriggerSelfTest, ReadState, GetVersionExt: 7.x ---------------------------------------------------------------


@table([
    *[("positive", f"{mode:04X}", [], do.trigger_self_test(mode), (answer(b"\1"), OK), ("7.2",))
      for mode in (0xF906, 0xFE01, 0xFD02, 0xFC03, 0xFB04, 0xFA05)],
    ("length", "one byte", [], resized(do.trigger_self_test(0xF906), 0x41, b"\xf9"), DATA, ("7.2",)),
    ("order", "no mode", [], without(do.trigger_self_test(0xF906), 0x41), DATA, ("7.2",)),
    ("denied", "unknown mode", [], do.trigger_self_test(0xF905), DATA, ("7.2",)),
    ("positive", "state", [], do.read_state(), (answer(b"\2\0\2"), OK), ("7.2",)),
    ("order", "superfluous", [], dataclasses.replace(do.read_state(), parts=[cc.tlv(0x41, b"")]), DATA, ("7.2",)),
    ("length", "superfluous byte", [], dataclasses.replace(do.read_state(), parts=[b"\x41"]), DATA, ("7.2",)),
    ("positive", "version", [], do.get_version_ext(), (answer(bytes.fromhex("0702003fff010b") + bytes(30)), OK), ("7.2",)),
    ("order", "superfluous", [], dataclasses.replace(do.get_version_ext(), parts=[cc.tlv(0x41, b"")]), DATA, ("7.2",)),
    ("length", "superfluous byte", [], dataclasses.replace(do.get_version_ext(), parts=[b"\x41"]), DATA, ("7.2",)),
])
def test_state_of_7x(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


@pytest.mark.parametrize("command", [do.trigger_self_test(0xF906), do.read_state(), do.get_version_ext()], ids=lambda c: c.name)
def test_only_7x_has_it(chips, command):
    run_case(chips["3.1"], "3.1", [], command, P1P2)


@pytest.mark.chip("TriggerSelfTestAttested", kind="positive", applet="7.2")
def test_self_test_attested(chips, tmp_path):
    check(chips["7.2"], "7.2", tmp_path, do.trigger_self_test_attested(0xFE01, ATTESTATION_KEY, 0x21, RANDOM), b"\1", None, 1)


SELF_TEST = do.trigger_self_test_attested(0xFE01, ATTESTATION_KEY, 0x21, RANDOM)


@table([
    ("length", "random of 15", [], resized(SELF_TEST, 0x47, RANDOM[:15]), DATA, ("7.2",)),
    ("order", "no key", [], without(SELF_TEST, 0x45), DATA, ("7.2",)),
    ("denied", "cloud key", [], resized(SELF_TEST, 0x45, cc.u32(0xF0000100)), REFUSED, ("7.2",)),
    ("denied", "unknown mode", [], resized(SELF_TEST, 0x41, b"\0\0"), DATA, ("7.2",)),
])
def test_self_test_attested_refused(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


# ---- I2C master -------------------------------------------------------------------------------------------------

DEVICE = bytes.fromhex("0100024901")


def i2cm_attested(commands, key=ATTESTATION_KEY, algorithm=0x21, random=RANDOM):
    return do.i2cm_attested(commands, key, algorithm, random)


THERMOMETER = DEVICE + bytes.fromhex("03000100" "0400020002")
READING = bytes.fromhex("010001a5" "030001a5" "040003a51900")


@table([
    ("positive", "thermometer", [], do.i2cm(THERMOMETER), (answer(READING), OK)),
    ("positive", "nobody there", [], do.i2cm(bytes.fromhex("0100025001" "03000100")), (answer(bytes.fromhex("010001a5" "03000196")), OK)),
    ("length", "no elements", [], do.i2cm(b""), DATA),
    ("length", "half an element", [], do.i2cm(DEVICE[:-1]), DATA),
    ("length", "256 bytes", [], do.i2cm(DEVICE + b"\3\0\xf8" + bytes(248)), LENGTH),
    ("length", "answer of 272", [], do.i2cm(DEVICE + b"\4\0\2\1\x08"), LENGTH),
    ("order", "no list", [], do.Command("I2CM", 3, 0, 0x30, []), DATA),
    ("order", "unknown element", [], do.i2cm(b"\2\0\1\0"), DATA),
    ("denied", "bus for sessions", [do.write_userid(0x7FFF0208, b"12345", rules=only())], do.i2cm(THERMOMETER), STATE),
    ("length", "random of 15", [], i2cm_attested(THERMOMETER, random=RANDOM[:15]), DATA),
    ("order", "no key", [], without(i2cm_attested(THERMOMETER), 0x42), DATA),
    ("denied", "key may not attest", [], i2cm_attested(THERMOMETER, key=0xF0000100), REFUSED),
    ("denied", "bus for sessions", [do.write_userid(0x7FFF0208, b"12345", rules=only())], i2cm_attested(THERMOMETER), STATE),
])
def test_i2cm(chip, applet, before, command, want):
    run_case(chip, applet, before, command, want)


@pytest.mark.chip("I2CMAttested", kind="positive")
def test_i2cm_attested(chip, applet, tmp_path):
    check(chip, applet, tmp_path, i2cm_attested(THERMOMETER), READING, None, len(READING))


@pytest.mark.chip("I2CMAttested", kind="positive")
def test_i2cm_attested_by_nobody(chip, applet):
    """Key id 0: NXP's host asks for this form always; everything is there, the signature is empty."""
    data, sw = chip.raw(bytes(i2cm_attested(THERMOMETER, key=0, algorithm=0, random=bytes(16))))
    assert sw == OK
    tlvs = items(data)
    assert [t for t, _, _ in tlvs] == ([0x41, 0x43, 0x44, 0x45, 0x46] if applet == "3.1" else [0x41, 0x42, 0x44, 0x4F, 0x52])
    assert tlvs[0][1] == READING and tlvs[-1][1] == b""
