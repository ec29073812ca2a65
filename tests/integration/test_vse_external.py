"""ImportExternalObject: a write that a host made, signed and encrypted beforehand for this chip; on both personalities."""

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import chip_client as cc
import chip_commands as do
from chip_sessions import Scp03
from test_vse_objects import (A, DATA, KEY16, OK, REFUSED, STATE, UID, attributes, chip, chips, only, resized, run_case, twice,  # noqa: F401
                              without)

HOST, IMPORT_KEY, SECURITY = 0x7DA00003, 0x7FFF0202, 0x6982
LONG_TERM = ec.generate_private_key(ec.SECP256R1())


def point_of(key):
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def host_key(rules=None):
    return do.write_ec(HOST, 3, public=point_of(LONG_TERM), part=0x20, flags=do.AUTH, rules=rules, attempts=5)


def proof(ephemeral, key=LONG_TERM):
    """A6 control, 7F49 ephemeral key, 5F37 signature over both."""
    control = cc.tlv(0x4F, cc.AID) + cc.tlv(0x90, b"\xab\x01\x33") + cc.tlv(0x80, b"\x88") + cc.tlv(0x81, b"\x10")
    point = point_of(ephemeral)
    signed = cc.tlv(0xA6, control) + b"\x7f\x49" + bytes([len(point) + 5]) + cc.tlv(0xB0, point) + cc.tlv(0xF0, b"\x03")
    signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    return signed + b"\x5f\x37" + bytes([len(signature)]) + signature


def sealed(chip, applet, command, key=LONG_TERM, break_mac=False):
    """The ImportExternalObject that carries `command`; nothing of it came from the chip but its public key."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    applet_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), chip.read(IMPORT_KEY))
    digest = hashes.Hash(hashes.SHA256())
    digest.update((b"\0\0\0\1" if applet == "7.2" else b"") + ephemeral.exchange(ec.ECDH(), applet_key) + b"\1\x33\x88\x10")
    channel = Scp03(True)
    channel.from_master(digest.finalize()[:16])
    inner = channel.wrap(bytes([0x80, command.ins, command.p1, command.p2]), command.data)
    if break_mac:
        inner = inner[:-1] + bytes([inner[-1] ^ 1])
    return do.import_external(proof(ephemeral, key), cc.u32(HOST), inner)


KEY = do.write_symm(A, 3, KEY16, rules=only("encrypt"))


@pytest.mark.chip("ImportExternalObject", kind="positive")
def test_a_key_made_elsewhere(chip, applet):  # noqa: F811
    chip.run(host_key())
    run_case(chip, applet, [], sealed(chip, applet, KEY), OK)
    whose = attributes(applet, A, 9, only("encrypt"), owner=HOST)
    assert cc.untlv(whose) == chip.run(do.read_attributes(A))
    run_case(chip, applet, [], sealed(chip, applet, do.write_binary(A + 1, bytes(500), size=500)), OK)
    assert chip.size(A + 1) == 500


def test_the_same_import_twice_changes_nothing(chip, applet):  # noqa: F811
    """What was made stays as it is: a policy cannot be given to what exists."""
    chip.run(host_key())
    once = sealed(chip, applet, KEY)
    run_case(chip, applet, [], once, OK)
    run_case(chip, applet, [], once, STATE)


CASES = [
    ("length", "host key id of 3", lambda c, v: resized(sealed(c, v, KEY), 0x14, bytes(3)), DATA),
    ("length", "proof cut", lambda c, v: resized(sealed(c, v, KEY), 0x13, proof(LONG_TERM)[:-1]), DATA),
    ("length", "no command", lambda c, v: resized(sealed(c, v, KEY), 0x41, b""), DATA),
    ("length", "three bytes of command", lambda c, v: resized(sealed(c, v, KEY), 0x41, b"\x84\x01\x03"), DATA),
    ("order", "no proof", lambda c, v: without(sealed(c, v, KEY), 0x13), DATA),
    ("order", "no host key", lambda c, v: without(sealed(c, v, KEY), 0x14), DATA),
    ("order", "no command at all", lambda c, v: without(sealed(c, v, KEY), 0x41), DATA),
    ("order", "twice", lambda c, v: twice(sealed(c, v, KEY)), DATA),
    ("denied", "plain command", lambda c, v: resized(sealed(c, v, KEY), 0x41, bytes(KEY)), DATA),
    ("denied", "no write", lambda c, v: sealed(c, v, do.delete(HOST)), DATA),
    ("denied", "a curve", lambda c, v: sealed(c, v, do.create_curve(4)), DATA),
    ("denied", "wrong signer", lambda c, v: sealed(c, v, KEY, key=ec.generate_private_key(ec.SECP256R1())), SECURITY),
    ("denied", "wrong mac", lambda c, v: sealed(c, v, KEY, break_mac=True), SECURITY),
    ("denied", "reserved id", lambda c, v: sealed(c, v, do.write_binary(UID, b"x")), REFUSED),
    ("denied", "no such host key", lambda c, v: resized(sealed(c, v, KEY), 0x14, cc.u32(HOST + 1)), STATE),
    ("denied", "not a host key", lambda c, v: resized(sealed(c, v, KEY), 0x14, cc.u32(0xF0000012)), STATE),
]


@pytest.mark.parametrize("make, want", [pytest.param(make, want, id=f"{kind}-{text}".replace(" ", "_"),
                                                     marks=pytest.mark.chip("ImportExternalObject", kind=kind))
                                        for kind, text, make, want in CASES])
def test_import_external_refused(chip, applet, make, want):  # noqa: F811
    run_case(chip, applet, [host_key()], make(chip, applet), want)
    assert not chip.exists(A)


def test_wrong_signatures_are_counted(chip, applet):  # noqa: F811
    chip.run(host_key())
    stranger = ec.generate_private_key(ec.SECP256R1())
    for _ in range(5):
        run_case(chip, applet, [], sealed(chip, applet, KEY, key=stranger), SECURITY)
    run_case(chip, applet, [], sealed(chip, applet, KEY), 0x6983)
