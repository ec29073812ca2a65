"""What the cryptographic commands do when the part has not, or no longer, what they need: features switched off, the lock, the
personality; and deleting curves."""

import pytest

import chip_client as cc
import chip_curves as curves
from chip_client import tlv, u8, u16, u32
from chip_crypto import AES, DES, HMAC, crypto_object, ec_key, key, sw
from chip_sessions import UserIdSession
from conftest import BIN

TRANSPORT, FEATURE = 0x7FFF0200, 0x7FFF0204
CODE = b"\xc0\x01\x02\x03\x04"
ALL = 0x3FFF


@pytest.fixture
def chip(procs, tmp_path, applet):
    """Not shared: these tests change what the part is."""
    with cc.Chip(cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet).start().socket) as c:
        yield c


def login(chip, oid):
    if not chip.exists(oid):
        chip.command(0x41, 7, 0, tlv(0x41, u32(oid)), tlv(0x42, CODE))
    return UserIdSession(chip, oid, CODE)


def features(chip, word):
    s = login(chip, FEATURE)
    assert s.command(4, 0, 0x3F, tlv(0x41, u16(word))) == {}
    s.end()


def denied(*names):
    def mark(test):
        for name in names:
            test = pytest.mark.chip(name, kind="denied")(test)
        return test
    return mark


@denied("TLSGenerateRandom", "TLSPerformPRF", "TLSCalculatePreMasterSecret")
def test_without_tls(chip):
    oid = tlv(0x41, u32(key(chip, HMAC, b"k" * 32)))
    chip.command(3, 0x0F, 0x49)
    features(chip, ALL & ~0x0400)
    assert sw(chip, 3, 0x0F, 0x49) == 0x6985
    assert sw(chip, 3, 0x0F, 0x4A, oid, tlv(0x43, u32(1))) == 0x6985
    assert sw(chip, 3, 0x0F, 0x4B, oid, tlv(0x42, u8(4)), tlv(0x43, b"l"), tlv(0x44, bytes(32)), tlv(0x45, u16(48))) == 0x6985
    features(chip, ALL)
    assert sw(chip, 3, 0x0F, 0x49) == 0x9000


@denied("CipherOneShot", "MACOneShot", "AEADOneShot", "CipherInit")
def test_each_cipher_has_its_feature(chip):
    aes, des, mac = (tlv(0x41, u32(key(chip, kind, b"0123456789abcdef"))) for kind in (AES, DES, HMAC))
    crypto_object(chip, 14, 2, 0x0E)
    data = tlv(0x43, bytes(16))
    uses = {0x0080: [(0x0E, 0x37, aes, tlv(0x42, u8(0x0E)), data), (0x0D, 0x45, aes, tlv(0x42, u8(0x31)), data), (0x0E, 0x42, aes, tlv(0x42, u16(14))),
                     (0x11, 0x37, aes, tlv(0x42, u8(0xB0)), data, tlv(0x45, bytes(12)))],
            0x0100: [(0x0E, 0x37, des, tlv(0x42, u8(5)), data), (0x0D, 0x45, des, tlv(0x42, u8(0x7A)), data)],
            0x0010: [(0x0D, 0x45, mac, tlv(0x42, u8(0x19)), data)]}
    for off in uses:
        features(chip, ALL & ~off)
        for bit, commands in uses.items():
            for command in commands:
                assert sw(chip, 3, *command) == (0x6985 if bit == off else 0x9000), (hex(off), command)


@denied("HKDF", "HKDFExpandOnly", "PBKDF2")
def test_each_derivation_has_its_feature(chip):
    oid = tlv(0x41, u32(key(chip, HMAC, b"k")))
    hkdf, pbkdf = (tlv(0x42, u8(4)), tlv(0x45, u16(16))), (tlv(0x43, u16(1)), tlv(0x44, u16(16)))
    features(chip, ALL & ~0x0200)
    assert [sw(chip, 3, 0, 0x2D, oid, *hkdf), sw(chip, 3, 0, 0x2F, oid, *hkdf), sw(chip, 3, 0, 0x2E, oid, *pbkdf)] == [0x9000, 0x9000, 0x6985]
    features(chip, ALL & ~0x0010)
    assert [sw(chip, 3, 0, 0x2D, oid, *hkdf), sw(chip, 3, 0, 0x2F, oid, *hkdf), sw(chip, 3, 0, 0x2E, oid, *pbkdf)] == [0x6985] * 3


@denied("ECDSASign", "EdDSASign", "ECDHGenerateSharedSecret", "CreateECCurve", "SetECCurveParam", "DeleteECCurve")
def test_each_curve_has_its_feature(chip):
    chip.make_curve(3)
    p256, ed, x = ec_key(chip, 3), ec_key(chip, 0x40), ec_key(chip, 0x41)
    uses = {0x0002: [(0x0C, 9, tlv(0x41, u32(p256)), tlv(0x42, u8(0x21)), tlv(0x43, bytes(32))),
                     (1, 0x0F, tlv(0x41, u32(p256)), tlv(0x42, chip.read(p256)))],
            0x0004: [(0x0C, 9, tlv(0x41, u32(ed)), tlv(0x42, u8(0xA3)))],
            0x0008: [(1, 0x0F, tlv(0x41, u32(x)), tlv(0x42, chip.read(x)))]}
    for off in uses:
        features(chip, ALL & ~off)
        for bit, commands in uses.items():
            for command in commands:
                assert sw(chip, 3, *command) == (0x6985 if bit == off else 0x9000), (hex(off), command)
    features(chip, ALL & ~0x0002)
    assert sw(chip, 1, 0x0B, 4, tlv(0x41, u8(1))) == 0x6985
    assert sw(chip, 1, 0x0B, 0x40, tlv(0x41, u8(3)), tlv(0x42, u8(1)), tlv(0x43, bytes(32))) == 0x6985
    assert sw(chip, 4, 0x0B, 0x28, tlv(0x41, u8(3))) == 0x6985


@denied("ReadECCurveList", "GetECCurveId", "ReadCryptoObjectList", "DigestOneShot", "DeleteCryptoObject", "CreateCryptoObject", "RSADecrypt")
def test_a_locked_part_does_none_of_it(chip):
    chip.make_curve(3)
    oid = tlv(0x41, u32(ec_key(chip, 3)))
    crypto_object(chip, 1, 1, 4)
    commands = [(2, 0x0B, 0x25), (2, 0x0B, 0x36, oid), (2, 0x10, 0x25), (3, 0, 0x0E, tlv(0x41, u8(4))), (4, 0x10, 0x28, tlv(0x41, u16(1))),
                (1, 0x10, 0, tlv(0x41, u16(2)), tlv(0x42, u8(1)), tlv(0x43, u8(4)))]
    s = login(chip, TRANSPORT)
    s.command(4, 0, 0x3E, tlv(0x41, u8(1)), tlv(0x42, u8(1)))
    for command in commands + [(3, 2, 0x38, oid, tlv(0x42, u8(0x0C)))]:
        assert sw(chip, *command) == 0x6985
    s.command(4, 0, 0x3E, tlv(0x41, u8(1)), tlv(0x42, u8(2)))
    for command in commands:
        assert sw(chip, *command) == 0x9000


@pytest.mark.chip("DeleteECCurve", kind="positive")
@denied("DeleteECCurve")
def test_a_curve_in_use_stays(chip):
    curves.make(chip, 1)
    assert sw(chip, 4, 0x0B, 0x28, tlv(0x41, u8(2))) == 0x6985  # was never made
    oid = ec_key(chip, 1)
    assert sw(chip, 4, 0x0B, 0x28, tlv(0x41, u8(1))) == 0x6985
    chip.delete(oid)
    assert chip.command(4, 0x0B, 0x28, tlv(0x41, u8(1))) == {}
    assert chip.curve_list()[0] == 1
    assert sw(chip, 1, 0x61, 0, tlv(0x41, u32(oid)), tlv(0x42, u8(1))) == 0x6985
    for always in (0x40, 0x41, 0x43):
        assert sw(chip, 4, 0x0B, 0x28, tlv(0x41, u8(always))) == 0x6985


@denied("SetECCurveParam", "GetECCurveId")
def test_parameters_want_a_curve_and_curves_a_key(chip):
    assert sw(chip, 1, 0x0B, 0x40, tlv(0x41, u8(2)), tlv(0x42, u8(1)), tlv(0x43, bytes(28))) == 0x6985
    chip.command(1, 0x0B, 4, tlv(0x41, u8(2)))
    assert sw(chip, 1, 0x0B, 0x40, tlv(0x41, u8(2)), tlv(0x42, u8(1)), tlv(0x43, bytes(28))) == 0x6A80  # not its A
    assert sw(chip, 1, 0x0B, 0x40, tlv(0x41, u8(0x41)), tlv(0x42, u8(1)), tlv(0x43, bytes(32))) == 0x6985
    chip.write_binary(1, b"x", size=1)
    assert sw(chip, 2, 0x0B, 0x36, tlv(0x41, u32(1))) == 0x6985


def test_a_variant_without_curves_has_none(procs, tmp_path):
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", "3.1", "--variant", "B").start()
    with cc.Chip(part.socket) as c:
        assert sw(c, 1, 0x0B, 4, tlv(0x41, u8(3))) == 0x6985
        assert sw(c, 1, 0x61, 0, tlv(0x41, u32(1)), tlv(0x42, u8(0x40))) == 0x6985
        assert sw(c, 3, 0, 0x0E, tlv(0x41, u8(4))) == 0x9000
