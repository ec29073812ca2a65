"""Elliptic curves of the chip: every curve, ECDSA, EdDSA, ECDH and point multiplication, in the byte order of the wire."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils, x448, x25519
from cryptography.hazmat.primitives import serialization

import chip_client as cc
import chip_curves as curves
from chip_client import tlv, u8, u16, u32
from chip_crypto import chip, ec_key, h, ids, key, marked, parts, policy, sw  # noqa: F401

ED25519, X25519, X448 = 0x40, 0x41, 0x43
TYPE_7X = {1: 0x21, 2: 0x25, 3: 0x29, 4: 0x2D, 5: 0x31, 6: 0x35, 7: 0x39, 8: 0x3D, 9: 0x41, 10: 0x45, 11: 0x49, 12: 0x4D, 13: 0x51,
           14: 0x55, 15: 0x59, 16: 0x5D, 17: 0x61, ED25519: 0x65, X25519: 0x69, X448: 0x71}
BYTES = {**{i: c[0] for i, c in curves.CURVES.items()}, ED25519: 32, X25519: 32, X448: 56}
ALGORITHMS = {20: 0x11, 28: 0x25, 32: 0x21, 48: 0x22, 64: 0x26}


def number(data):
    return int.from_bytes(data, "big")


@pytest.mark.parametrize("curve", curves.CURVES)
@pytest.mark.chip("CreateECCurve", kind="positive")
@pytest.mark.chip("SetECCurveParam", kind="positive")
@pytest.mark.chip("ReadECCurveList", kind="positive")
@pytest.mark.chip("WriteECKey", kind="positive")
@pytest.mark.chip("ECDSASign", kind="positive")
@pytest.mark.chip("ECDSAVerify", kind="positive")
@pytest.mark.chip("GetECCurveId", kind="positive")
@pytest.mark.chip("ReadSize", kind="positive")
def test_every_weierstrass_curve(chip, applet, curve):
    curves.make(chip, curve)
    n, order = curves.CURVES[curve][0], curves.CURVES[curve][4]
    oid = ec_key(chip, curve)
    public = chip.read(oid)
    assert len(public) == 2 * n + 1 and curves.decode(curve, public)
    assert chip.size(oid) == n
    assert chip.type(oid)[0] == (TYPE_7X[curve] if applet == "7.2" else 1)
    assert chip.command(2, 0x0B, 0x36, tlv(0x41, u32(oid))) == {0x41: u8(curve)}
    for size, algorithm in ALGORITHMS.items():
        digest = os.urandom(size)
        signature = chip.sign(oid, algorithm, digest)
        assert curves.ecdsa_holds(curve, public, digest, *utils.decode_dss_signature(signature))
        assert chip.verify(oid, algorithm, digest, signature)
        assert not chip.verify(oid, algorithm, bytes([digest[0] ^ 1]) + digest[1:], signature)
    # an imported pair signs for the public key computed here; a wrong half is refused
    d = number(os.urandom(2 * n)) % order % (1 << 8 * n) or 1
    q = curves.encode(curve, curves.multiply(curve, d))
    pair = ec_key(chip, curve, private=d.to_bytes(n, "big"), public=q)
    digest = os.urandom(min(n, 32))
    assert curves.ecdsa_holds(curve, q, digest, *utils.decode_dss_signature(chip.sign(pair, 0x09, digest)))
    assert sw(chip, 1, 0x61, 0, tlv(0x41, u32(next(ids))), tlv(0x42, u8(curve)), tlv(0x43, d.to_bytes(n, "big")), tlv(0x44, public)) == 0x6A80
    for one in (oid, pair):
        chip.delete(one)


@pytest.mark.parametrize("curve", curves.CURVES)
@pytest.mark.chip("ECDHGenerateSharedSecret", kind="positive")
def test_ecdh_on_every_weierstrass_curve(chip, curve):
    curves.make(chip, curve)
    n = BYTES[curve]
    oid = ec_key(chip, curve)
    d = 2 + number(os.urandom(n - 1))
    got = chip.command(3, 1, 0x0F, tlv(0x41, u32(oid)), tlv(0x42, curves.encode(curve, curves.multiply(curve, d))), extended=True)
    want = curves.multiply(curve, d, curves.decode(curve, chip.read(oid)))[0]
    assert got == {0x41: want.to_bytes(n, "big")}
    chip.delete(oid)


# ---- ECDSA: lengths of digests, DER that hosts make ----

P256_D = h("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")  # RFC 6979 A.2.5
P256_Q = h("0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299")
SAMPLE = h("af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf")
R = h("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716")
S = h("f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8")


def der(*numbers):
    body = b"".join(b"\x02" + bytes([len(x)]) + x for x in numbers)
    return b"\x30" + (b"\x81" if len(body) > 127 else b"") + bytes([len(body)]) + body


def verify(chip, oid, algorithm, data, signature):
    return chip.command(3, 0x0C, 0x0A, tlv(0x41, u32(oid)), tlv(0x42, u8(algorithm)), tlv(0x43, data) if data else b"",
                        tlv(0x45, signature), extended=True)[0x41]


@pytest.mark.chip("ECDSAVerify", kind="positive")
def test_verify_takes_der_as_hosts_make_it(chip):
    """RFC 6979 A.2.5, SHA-256, "sample": both integers have their top bit set."""
    chip.make_curve(3)
    oid = ec_key(chip, 3, public=P256_Q, part=cc.PUBLIC)
    for r in (R, b"\0" + R, b"\0\0\0" + R):
        for s in (S, b"\0" + S):
            assert verify(chip, oid, 0x21, SAMPLE, der(r, s)) == b"\1"
    good = der(b"\0" + R, b"\0" + S)
    for wrong in (der(S, R), der(R), der(R, S, S), good[:-1], good + b"\0", b"\x31" + good[1:], b"", b"\x30\x80" + good[2:],
                  der(b"\0", b"\0" + S), der(b"", b"")):
        assert verify(chip, oid, 0x21, SAMPLE, wrong) == b"\2"


@pytest.mark.parametrize("algorithm, size", [(a, n + d) for n, a in ALGORITHMS.items() for d in (-1, 1)] + [(9, 0), (9, 33)])
@pytest.mark.chip("ECDSASign", kind="length")
@pytest.mark.chip("ECDSAVerify", kind="length")
def test_a_digest_has_the_length_of_its_hash(chip, algorithm, size):
    chip.make_curve(3)
    oid = ec_key(chip, 3, private=P256_D, public=P256_Q)
    data = tlv(0x43, bytes(size)) if size else b""
    head = tlv(0x41, u32(oid)), tlv(0x42, u8(algorithm))
    assert sw(chip, 3, 0x0C, 9, *head, data) == 0x6A80
    assert sw(chip, 3, 0x0C, 0x0A, *head, data, tlv(0x45, der(R, S))) == 0x6A80
    chip.delete(oid)


def ready(chip):
    """Keys with fixed ids for the tables below."""
    chip.make_curve(3)
    pair = dict(curve=3, private=P256_D, public=P256_Q)
    table = {1: pair, 2: dict(pair, policy=policy("verify")), 3: dict(pair, policy=policy("sign")),
             4: dict(curve=3, public=P256_Q, part=cc.PUBLIC), 5: dict(curve=ED25519), 6: dict(curve=ED25519, policy=policy("verify")),
             7: dict(curve=ED25519, policy=policy("sign")), 8: dict(curve=X25519), 9: dict(curve=X25519, policy=policy("sign"))}
    for n, how in table.items():
        if not chip.exists(0x53000000 + n):
            chip.write_ec(0x53000000 + n, **how)
    if not chip.exists(0x53000010):
        chip.write_binary(0x53000010, b"x", size=1)


def k(n):
    return tlv(0x41, u32(0x53000000 + n))


A21, D32, SIG, A3 = tlv(0x42, u8(0x21)), tlv(0x43, SAMPLE), tlv(0x45, der(R, S)), tlv(0x42, u8(0xA3))
S64 = tlv(0x45, bytes(64))


@pytest.mark.parametrize("p2, data, want", marked(
    ("id-of-three", "ECDSASign", "length", 9, tlv(0x41, bytes(3)) + A21 + D32, 0x6A80),
    ("algorithm-of-two", "ECDSASign", "length", 9, k(1) + tlv(0x42, u16(0x21)) + D32, 0x6A80),
    ("no-algorithm", "ECDSASign", "order", 9, k(1) + D32, 0x6A80),
    ("no-digest", "ECDSASign", "order", 9, k(1) + A21, 0x6A80),
    ("with-a-signature", "ECDSASign", "order", 9, k(1) + A21 + D32 + SIG, 0x6A80),
    ("twice", "ECDSASign", "order", 9, k(1) + A21 + D32 + D32, 0x6A80),
    ("unknown-algorithm", "ECDSASign", "denied", 9, k(1) + tlv(0x42, u8(0x20)) + D32, 0x6A80),
    ("no-right-to-sign", "ECDSASign", "denied", 9, k(2) + A21 + D32, 0x6986),
    ("public-key", "ECDSASign", "denied", 9, k(4) + A21 + D32, 0x6985),
    ("a-file", "ECDSASign", "denied", 9, k(0x10) + A21 + D32, 0x6985),
    ("absent", "ECDSASign", "denied", 9, k(0x99) + A21 + D32, 0x6985),
    ("x25519", "ECDSASign", "denied", 9, k(8) + A21 + D32, 0x6A80),
    ("signature-missing", "ECDSAVerify", "order", 0x0A, k(1) + A21 + D32, 0x6A80),
    ("printed-order-of-tags", "ECDSAVerify", "order", 0x0A, k(1) + A21 + tlv(0x43, der(R, S)) + tlv(0x45, SAMPLE), 0x6A80),
    ("verify-algorithm-of-two", "ECDSAVerify", "length", 0x0A, k(1) + tlv(0x42, u16(0x21)) + D32 + SIG, 0x6A80),
    ("no-right-to-verify", "ECDSAVerify", "denied", 0x0A, k(3) + A21 + D32 + SIG, 0x6986),
    ("verify-a-file", "ECDSAVerify", "denied", 0x0A, k(0x10) + A21 + D32 + SIG, 0x6985),
    ("eddsa-id-of-three", "EdDSASign", "length", 9, tlv(0x41, bytes(3)) + A3 + D32, 0x6A80),
    ("eddsa-no-algorithm", "EdDSASign", "order", 9, k(5) + D32, 0x6A80),
    ("eddsa-ecdsa-algorithm", "EdDSASign", "denied", 9, k(5) + A21 + D32, 0x6A80),
    ("eddsa-other-curve", "EdDSASign", "denied", 9, k(1) + A3 + D32, 0x6A80),
    ("eddsa-no-right-to-sign", "EdDSASign", "denied", 9, k(6) + A3 + D32, 0x6986),
    ("eddsa-verify-id-of-five", "EdDSAVerify", "length", 0x0A, tlv(0x41, bytes(5)) + A3 + D32 + S64, 0x6A80),
    ("eddsa-no-signature", "EdDSAVerify", "order", 0x0A, k(5) + A3 + D32, 0x6A80),
    ("eddsa-no-right-to-verify", "EdDSAVerify", "denied", 0x0A, k(7) + A3 + D32 + S64, 0x6986),
))
def test_signatures_refused(chip, p2, data, want):
    ready(chip)
    assert sw(chip, 3, 0x0C, p2, data) == want


# ---- Ed25519: RFC 8032 section 7.1. The wire has the public key and each half of a signature reversed, not the seed ----

EDDSA = [
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
]


@pytest.mark.parametrize("seed, public, message, signature", EDDSA)
@pytest.mark.chip("EdDSASign", kind="positive")
@pytest.mark.chip("EdDSAVerify", kind="positive")
def test_eddsa_positive(chip, seed, public, message, signature):
    seed, message, wire = h(seed), h(message), h(public)[::-1]
    want = h(signature)[31::-1] + h(signature)[:31:-1]
    pair = ec_key(chip, ED25519, private=seed, public=wire)
    other = ec_key(chip, ED25519, public=wire, part=cc.PUBLIC)
    text = tlv(0x43, message) if message else b""  # an empty message is no T3 at all
    assert chip.command(3, 0x0C, 9, tlv(0x41, u32(pair)), tlv(0x42, u8(0xA3)), text) == {0x41: want}
    assert verify(chip, other, 0xA3, message, want) == b"\1"
    assert verify(chip, other, 0xA3, message, h(signature)) == b"\2"
    assert verify(chip, other, 0xA3, message + b"x", want) == b"\2"
    for wrong in (want[:-1], want + b"\0", bytes(64)):
        assert verify(chip, other, 0xA3, message, wrong) == b"\2"


@pytest.mark.chip("EdDSASign", kind="positive")
def test_eddsa_generated(chip):
    oid = ec_key(chip, ED25519)
    public = ed25519.Ed25519PublicKey.from_public_bytes(chip.read(oid)[::-1])
    for message in (b"", b"m", os.urandom(700)):
        s = chip.sign(oid, 0xA3, message)
        public.verify(s[31::-1] + s[:31:-1], message)
    assert chip.size(oid) == 32
    assert sw(chip, 3, 1, 0x0F, tlv(0x41, u32(oid)), tlv(0x42, bytes(32))) == 0x6A80  # not for agreeing


# ---- X25519, X448: RFC 7748. Everything big endian on the wire ----

RFC7748 = [
    (X25519, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
     "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"),
    (X448, "3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121700a779c984c24f8cdd78fbff44943eba368f54b29259a4f1c600ad3",
     "06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9814dc031ddbdc38c19c6da2583fa5429db94ada18aa7a7fb4ef8a086",
     "ce3e4ff95a60dc6697da1db1d85e6afbdf79b50a2412d7546d5f239fe14fbaadeb445fc66a01b0779d98223961111e21766282f73dd96b6f"),
]


@pytest.mark.parametrize("curve, scalar, u, want", RFC7748)
@pytest.mark.chip("ECDHGenerateSharedSecret", kind="positive")
def test_montgomery_published(chip, curve, scalar, u, want):
    oid = ec_key(chip, curve, private=h(scalar)[::-1], part=cc.PRIVATE)
    got = chip.command(3, 1, 0x0F, tlv(0x41, u32(oid)), tlv(0x42, h(u)[::-1]), extended=True)
    assert got == {0x41: h(want)[::-1]}


@pytest.mark.parametrize("curve", [X25519, X448])
@pytest.mark.chip("ECDHGenerateSharedSecret", kind="positive")
@pytest.mark.chip("ReadType", kind="positive")
def test_montgomery_generated(chip, applet, curve):
    lib, load = (x25519.X25519PrivateKey, x25519.X25519PublicKey) if curve == X25519 else (x448.X448PrivateKey, x448.X448PublicKey)
    oid, mine = ec_key(chip, curve), lib.generate()
    raw = mine.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    got = chip.command(3, 1, 0x0F, tlv(0x41, u32(oid)), tlv(0x42, raw[::-1]), extended=True)
    assert got == {0x41: mine.exchange(load.from_public_bytes(chip.read(oid)[::-1]))[::-1]}
    assert chip.size(oid) == BYTES[curve]
    assert chip.type(oid)[0] == (TYPE_7X[curve] if applet == "7.2" else 1)


@pytest.mark.parametrize("curve", [ED25519, X25519, X448])
@pytest.mark.chip("CreateECCurve", kind="denied")
def test_25519_and_448_always_exist(chip, curve):
    assert sw(chip, 1, 0x0B, 4, tlv(0x41, u8(curve))) == 0x6985
    assert len(chip.curve_list()) == 17
    n = BYTES[curve]
    for private, public in ((bytes(n - 1), None), (b"\1" * n, bytes(n - 1)), (b"\1" * n, bytes(n))):
        parts_ = (tlv(0x43, private) if private else b"") + (tlv(0x44, public) if public is not None else b"")
        assert sw(chip, 1, 0x61, 0, tlv(0x41, u32(next(ids))), tlv(0x42, u8(curve)), parts_) == 0x6A80


# ---- agreement: algorithms, targets, refusals ----

# NIST CAVP, KAS ECC CDH primitive, P-256, count 0
CDH_Q = h("04700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac")
CDH_D = h("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534")
CDH_Z = h("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b")


def cdh(chip, pol=b""):
    chip.make_curve(3)
    return ec_key(chip, 3, private=CDH_D, part=cc.PRIVATE, pol=pol)


@pytest.mark.chip("ECDHGenerateSharedSecret", kind="positive")
def test_ecdh_published_and_its_algorithms(chip):
    import hashlib
    head = tlv(0x41, u32(cdh(chip))), tlv(0x42, CDH_Q)
    assert chip.command(3, 1, 0x0F, *head, extended=True) == {0x41: CDH_Z}
    assert chip.command(3, 1, 0x0F, *head, tlv(0x44, u8(3)), extended=True) == {0x41: CDH_Z}
    assert chip.command(3, 1, 0x0F, *head, tlv(0x44, u8(1)), extended=True) == {0x41: hashlib.sha1(CDH_Z).digest()}


@pytest.mark.chip("ECDHGenerateSharedSecret", kind="positive", applet="7.2")
@pytest.mark.chip("ECDHReverse", kind="positive", applet="7.2")
def test_ecdh_into_an_object(parts):
    with cc.Chip(parts("7.2").socket) as c:
        head = tlv(0x41, u32(cdh(c))), tlv(0x42, CDH_Q)
        for p2, want in ((0x0F, CDH_Z), (0x59, CDH_Z[::-1])):
            target = next(ids)  # need not exist: NXP's host reads it back with ReadSize and ReadObject
            for _ in range(2):
                assert c.command(3, 1, p2, *head, tlv(0x47, u32(target)), extended=True) == {}
                assert c.size(target) == 32 and c.read(target) == want
        assert c.command(3, 1, 0x59, *head, extended=True) == {0x41: CDH_Z[::-1]}
        hmac_key = key(c, 5, b"old")  # into a key nobody reads: it is that key then
        c.command(3, 1, 0x0F, *head, tlv(0x47, u32(hmac_key)), extended=True)
        import hmac as lib
        mac = c.command(3, 0x0D, 0x45, tlv(0x41, u32(hmac_key)), tlv(0x42, u8(0x19)), tlv(0x43, b"m"))[0x41]
        assert mac == lib.digest(CDH_Z, b"m", "sha256")
        aes = key(c, 3, bytes(16))
        assert sw(c, 3, 1, 0x0F, *head, tlv(0x47, u32(aes))) == 0x6985  # another size


@pytest.mark.chip("ECDHGenerateSharedSecret", kind="denied", applet="7.2")
@pytest.mark.chip("ECDHReverse", kind="denied", applet="7.2")
def test_ecdh_targets_that_may_not_be(parts):
    with cc.Chip(parts("7.2").socket) as c:
        head = tlv(0x41, u32(cdh(c))), tlv(0x42, CDH_Q)
        locked = next(ids)
        c.write_binary(locked, bytes(32), size=32, policy=policy("read"))
        for p2 in (0x0F, 0x59):
            assert sw(c, 3, 1, p2, *head, tlv(0x47, u32(locked))) == 0x6986
            assert sw(c, 3, 1, p2, *head, tlv(0x47, u32(cc.UNIQUE_ID))) == 0x6986
        assert c.read(locked) == bytes(32)
        # a key that keeps what comes out of it to itself: neither told nor put where it can be read
        hidden = tlv(0x41, u32(cdh(c, policy("agree", "hide")))), tlv(0x42, CDH_Q)
        assert sw(c, 3, 1, 0x0F, *hidden) == 0x6986
        file = next(ids)
        c.write_binary(file, bytes(32), size=32)
        assert sw(c, 3, 1, 0x0F, *hidden, tlv(0x47, u32(file))) == 0x6985
        assert sw(c, 3, 1, 0x0F, *hidden, tlv(0x47, u32(next(ids)))) == 0x9000


Q = tlv(0x42, CDH_Q)


@pytest.mark.parametrize("p2, data, want", marked(
    ("id-of-two", "ECDHGenerateSharedSecret", "length", 0x0F, tlv(0x41, u16(1)) + Q, 0x6A80),
    ("point-short", "ECDHGenerateSharedSecret", "length", 0x0F, k(1) + tlv(0x42, CDH_Q[:-1]), 0x6A80),
    ("point-long", "ECDHGenerateSharedSecret", "length", 0x0F, k(1) + tlv(0x42, CDH_Q + b"\0"), 0x6A80),
    ("x25519-short", "ECDHGenerateSharedSecret", "length", 0x0F, k(8) + tlv(0x42, bytes(31)), 0x6A80),
    ("algorithm-of-two", "ECDHGenerateSharedSecret", "length", 0x0F, k(1) + Q + tlv(0x44, u16(3)), 0x6A80),
    ("no-point", "ECDHGenerateSharedSecret", "order", 0x0F, k(1), 0x6A80),
    ("t3", "ECDHGenerateSharedSecret", "order", 0x0F, k(1) + tlv(0x43, CDH_Q), 0x6A80),
    ("not-on-curve", "ECDHGenerateSharedSecret", "denied", 0x0F, k(1) + tlv(0x42, CDH_Q[:-1] + b"\0"), 0x6A80),
    ("compressed", "ECDHGenerateSharedSecret", "denied", 0x0F, k(1) + tlv(0x42, b"\2" + CDH_Q[1:]), 0x6A80),
    ("small-order", "ECDHGenerateSharedSecret", "denied", 0x0F, k(8) + tlv(0x42, bytes(32)), 0x6A80),
    ("algorithm-2", "ECDHGenerateSharedSecret", "denied", 0x0F, k(1) + Q + tlv(0x44, u8(2)), 0x6A80),
    ("public-key", "ECDHGenerateSharedSecret", "denied", 0x0F, k(4) + Q, 0x6985),
    ("a-file", "ECDHGenerateSharedSecret", "denied", 0x0F, k(0x10) + Q, 0x6985),
    ("no-right-to-agree", "ECDHGenerateSharedSecret", "denied", 0x0F, k(3) + Q, 0x6986),
    ("x25519-no-right", "ECDHGenerateSharedSecret", "denied", 0x0F, k(9) + tlv(0x42, b"\1" * 32), 0x6986),
))
def test_ecdh_refused(chip, p2, data, want):
    ready(chip)
    assert sw(chip, 3, 1, p2, data) == want


@pytest.mark.chip("ECDHGenerateSharedSecret", kind="denied", applet="3.1")
def test_ecdh_of_7x_is_not_on_3x(parts):
    with cc.Chip(parts("3.1").socket) as c:
        ready(c)
        assert sw(c, 3, 1, 0x0F, k(1) + Q + tlv(0x47, u32(5))) == 0x6A80
        assert sw(c, 3, 1, 0x59, k(1) + Q) == 0x6A86
        assert sw(c, 3, 1, 0x62, k(1) + Q + tlv(0x44, u8(6))) == 0x6A86


# ---- point multiplication, 7.x ----


@pytest.mark.parametrize("curve", [3, 5, 13, 16, 17])
@pytest.mark.chip("ECPointMultiply", kind="positive", applet="7.2")
def test_ecpm_positive(parts, curve):
    with cc.Chip(parts("7.2").socket) as c:
        curves.make(c, curve)
        n = BYTES[curve]
        d, e = 2 + number(os.urandom(n - 1)), 2 + number(os.urandom(n - 1))
        point = curves.multiply(curve, e)
        mine = curves.multiply(curve, d)
        pair = ec_key(c, curve, private=d.to_bytes(n, "big"), public=curves.encode(curve, mine))
        other = ec_key(c, curve, public=curves.encode(curve, point), part=cc.PUBLIC)
        xy, mapped = curves.multiply(curve, d, point), curves.add(curve, mine, point)
        for where in (tlv(0x42, curves.encode(curve, point)), tlv(0x43, u32(other))):
            assert c.command(3, 1, 0x62, tlv(0x41, u32(pair)), where, tlv(0x44, u8(6)), extended=True) == {0x41: curves.encode(curve, xy)}
            assert c.command(3, 1, 0x62, tlv(0x41, u32(pair)), where, tlv(0x44, u8(5)), extended=True) == {0x41: curves.encode(curve, mapped)}
        target = next(ids)
        assert c.command(3, 1, 0x62, tlv(0x41, u32(pair)), tlv(0x43, u32(other)), tlv(0x44, u8(6)), tlv(0x47, u32(target))) == {}
        assert c.read(target) == curves.encode(curve, xy)


P6 = tlv(0x44, u8(6))


def marked_7x(*cases):
    return [pytest.param(*c[3:], marks=pytest.mark.chip(c[1], kind=c[2], applet="7.2"), id=c[0]) for c in cases]


@pytest.mark.parametrize("p2, data, want", marked_7x(
    ("ecpm-short", "ECPointMultiply", "length", 0x62, k(1) + tlv(0x42, CDH_Q[:-1]) + P6, 0x6A80),
    ("ecpm-algorithm-of-two", "ECPointMultiply", "length", 0x62, k(1) + Q + tlv(0x44, u16(6)), 0x6A80),
    ("ecpm-no-point", "ECPointMultiply", "order", 0x62, k(1) + P6, 0x6A80),
    ("ecpm-two-points", "ECPointMultiply", "order", 0x62, k(1) + Q + tlv(0x43, u32(0x53000004)) + P6, 0x6A80),
    ("ecpm-no-algorithm", "ECPointMultiply", "order", 0x62, k(1) + Q, 0x6A80),
    ("ecpm-algorithm-3", "ECPointMultiply", "denied", 0x62, k(1) + Q + tlv(0x44, u8(3)), 0x6A80),
    ("ecpm-not-on-curve", "ECPointMultiply", "denied", 0x62, k(1) + tlv(0x42, CDH_Q[:-1] + b"\0") + P6, 0x6A80),
    ("ecpm-x25519", "ECPointMultiply", "denied", 0x62, k(8) + tlv(0x42, b"\1" * 32) + P6, 0x6A80),
    ("ecpm-public-key", "ECPointMultiply", "denied", 0x62, k(4) + Q + P6, 0x6985),
    ("ecpm-no-right-to-agree", "ECPointMultiply", "denied", 0x62, k(3) + Q + P6, 0x6986),
    ("reverse-short", "ECDHReverse", "length", 0x59, k(1) + tlv(0x42, CDH_Q[:-1]), 0x6A80),
    ("reverse-no-point", "ECDHReverse", "order", 0x59, k(1), 0x6A80),
    ("reverse-no-right", "ECDHReverse", "denied", 0x59, k(3) + Q, 0x6986),
))
def test_agreement_of_7x_refused(parts, p2, data, want):
    with cc.Chip(parts("7.2").socket) as c:
        ready(c)
        assert sw(c, 3, 1, p2, data) == want


def test_other_numbers_are_no_curve(chip):
    for curve in (0, 0x12, 0x3F, 0x42, 0xFF):
        assert sw(chip, 1, 0x0B, 4, tlv(0x41, u8(curve))) == 0x6A80
        assert sw(chip, 1, 0x61, 0, tlv(0x41, u32(next(ids))), tlv(0x42, u8(curve))) == 0x6A80
