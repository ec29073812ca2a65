"""Key derivation and the TLS helpers of the chip: RFC 5869, RFC 6070, RFC 5246, RFC 4279, and who may do it."""

import hashlib
import hmac
import os

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

import chip_client as cc
from chip_client import tlv, u8, u16, u32
from chip_crypto import AES, HMAC, chip, ec_key, h, ids, key, marked, parts, policy, sw  # noqa: F401

HASHES = {1: "sha1", 7: "sha224", 4: "sha256", 5: "sha384", 6: "sha512"}


def opt(tag, value):
    return tlv(tag, value) if value else b""


def mac_of(chip, oid, data=b"probe"):
    """What a key that nobody reads does."""
    return chip.command(3, 0x0D, 0x45, tlv(0x41, u32(oid)), tlv(0x42, u8(0x19)), tlv(0x43, data))[0x41]


def holds(chip, oid, value):
    return mac_of(chip, oid) == hmac.digest(value, b"probe", "sha256")


# ---- HKDF: RFC 5869 appendix A ----

HKDF = [
    ("A.1", 4, "0b" * 22, "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
     "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
    ("A.3", 4, "0b" * 22, "", "", "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
    ("A.4", 1, "0b" * 11, "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9", "9b6c18c432a7bf8f0e71c8eb88f4b30baa2ba243",
     "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896"),
]


@pytest.mark.parametrize("name, digest, ikm, salt, info, prk, okm", HKDF)
@pytest.mark.chip("HKDF", kind="positive")
@pytest.mark.chip("HKDFExpandOnly", kind="positive")
def test_hkdf_positive(chip, name, digest, ikm, salt, info, prk, okm):
    rest = tlv(0x42, u8(digest)), opt(0x43, h(salt)), opt(0x44, h(info)), tlv(0x45, u16(42))
    assert chip.command(3, 0, 0x2D, tlv(0x41, u32(key(chip, HMAC, h(ikm)))), *rest) == {0x41: h(okm)}
    assert chip.command(3, 0, 0x2F, tlv(0x41, u32(key(chip, HMAC, h(prk)))), *rest) == {0x41: h(okm)}


@pytest.mark.chip("HKDF", kind="positive", applet="7.2")
@pytest.mark.chip("HKDFExpandOnly", kind="positive", applet="7.2")
def test_hkdf_with_a_salt_object_into_a_target(parts):
    _, digest, ikm, salt, info, prk, okm = HKDF[0]
    with cc.Chip(parts("7.2").socket) as c:
        rest = tlv(0x42, u8(digest)), tlv(0x44, h(info)), tlv(0x45, u16(42))
        by_object = tlv(0x46, u32(key(c, HMAC, h(salt))))
        assert c.command(3, 0, 0x2D, tlv(0x41, u32(key(c, HMAC, h(ikm)))), *rest, by_object) == {0x41: h(okm)}
        for p2, value in ((0x2D, ikm), (0x2F, prk)):
            for target in (next(ids), key(c, HMAC, b"old")):
                extra = by_object if p2 == 0x2D else b""
                assert c.command(3, 0, p2, tlv(0x41, u32(key(c, HMAC, h(value)))), *rest, extra, tlv(0x47, u32(target))) == {}
                assert holds(c, target, h(okm))
                assert sw(c, 2, 0, 0, tlv(0x41, u32(target))) == 0x6985  # not to be read


@pytest.mark.chip("HKDF", kind="denied", applet="7.2")
def test_hkdf_output_kept_in_the_part(parts):
    with cc.Chip(parts("7.2").socket) as c:
        oid = tlv(0x41, u32(key(c, HMAC, b"k" * 32, "kdf", "hide")))
        rest = tlv(0x42, u8(4)), tlv(0x45, u16(32))
        assert sw(c, 3, 0, 0x2D, oid, *rest) == 0x6986
        target, file, stuck = next(ids), next(ids), key(c, HMAC, b"x", "sign")
        assert sw(c, 3, 0, 0x2D, oid, *rest, tlv(0x47, u32(target))) == 0x9000
        c.write_binary(file, bytes(32), size=32)
        assert sw(c, 3, 0, 0x2D, oid, *rest, tlv(0x47, u32(file))) == 0x6985
        assert sw(c, 3, 0, 0x2D, oid, *rest, tlv(0x47, u32(stuck))) == 0x6986
        assert holds(c, stuck, b"x")


def test_a_target_may_be_derived_into_from_one_key_only(parts):
    with cc.Chip(parts("7.2").socket) as c:
        source, other = key(c, HMAC, b"source"), key(c, HMAC, b"other")
        target, rest = next(ids), (tlv(0x42, u8(4)), tlv(0x45, u16(32)))
        only = b"\x0c" + u32(0) + u32(0x10040000 | 0x100) + u32(source)  # sign, delete, derived input from source
        c.command(1, HMAC, 0, tlv(0x11, only), tlv(0x41, u32(target)), tlv(0x43, b"old"))
        t7 = tlv(0x47, u32(target))
        assert sw(c, 3, 0, 0x2D, tlv(0x41, u32(other)), *rest, t7) == 0x6986
        assert holds(c, target, b"old")
        assert sw(c, 3, 0, 0x2D, tlv(0x41, u32(source)), *rest, t7) == 0x9000
        assert not holds(c, target, b"old")
        assert sw(c, 1, HMAC, 0, tlv(0x41, u32(target)), tlv(0x43, b"new")) == 0x6986


FIXED = {1: (HMAC, b"k" * 32, ()), 2: (HMAC, b"k" * 32, ("sign",)), 3: (AES, b"k" * 16, ()), 4: (HMAC, b"k" * 32, ("kdf",)),
         5: (HMAC, b"k" * 32, ("tls_pms", "tls_kdf"))}


def k(n):
    return tlv(0x41, u32(0x54000000 + n))


def ready(chip):
    for n, (kind, value, rights) in FIXED.items():
        if not chip.exists(0x54000000 + n):
            chip.command(1, kind, 0, tlv(0x11, policy(*rights)) if rights else b"", k(n), tlv(0x43, value))


H4, N32 = tlv(0x42, u8(4)), tlv(0x45, u16(32))


@pytest.mark.parametrize("data, want", [pytest.param(*c[2:], id=c[0], marks=[
    pytest.mark.chip("HKDF", kind=c[1]), pytest.mark.chip("HKDFExpandOnly", kind=c[1])]) for c in (
    ("id-of-two", "length", tlv(0x41, u16(1)) + H4 + N32, 0x6A80),
    ("length-of-one", "length", k(1) + H4 + tlv(0x45, u8(32)), 0x6A80),
    ("length-0", "length", k(1) + H4 + tlv(0x45, u16(0)), 0x6A80),
    ("length-over-the-answer", "length", k(1) + H4 + tlv(0x45, u16(2000)), 0x6A80),
    ("salt-of-65", "length", k(1) + H4 + tlv(0x43, bytes(65)) + N32, 0x6A80),
    ("info-of-81", "length", k(1) + H4 + tlv(0x44, bytes(81)) + N32, 0x6A80),
    ("no-digest", "order", k(1) + N32, 0x6A80),
    ("no-length", "order", k(1) + H4, 0x6A80),
    ("twice", "order", k(1) + H4 + N32 + N32, 0x6A80),
    ("digest-0", "denied", k(1) + tlv(0x42, u8(0)) + N32, 0x6A80),
    ("aes-key", "denied", k(3) + H4 + N32, 0x6985),
    ("absent", "denied", k(99) + H4 + N32, 0x6985),
    ("no-right-to-derive", "denied", k(2) + H4 + N32, 0x6986),
)])
def test_hkdf_refused(chip, data, want):
    ready(chip)
    for p2 in (0x2D, 0x2F):
        assert sw(chip, 3, 0, p2, data, extended=True) == want


@pytest.mark.chip("HKDF", kind="denied", applet="3.1")
@pytest.mark.chip("PBKDF2", kind="denied", applet="3.1")
def test_derivation_of_7x_is_not_on_3x(parts):
    with cc.Chip(parts("3.1").socket) as c:
        ready(c)
        for extra in (tlv(0x46, u32(0x54000001)), tlv(0x47, u32(next(ids)))):
            assert sw(c, 3, 0, 0x2D, k(1), H4, N32, extra) == 0x6A80
            assert sw(c, 3, 0, 0x2E, k(1), tlv(0x43, u16(1)), tlv(0x44, u16(20)), extra) == 0x6A80
        assert sw(c, 3, 0, 0x2E, k(1), tlv(0x43, u16(1)), tlv(0x44, u16(20)), tlv(0x45, u8(0x19))) == 0x6A80


# ---- PBKDF2: RFC 6070 ----

PBKDF2 = [
    (b"password", b"salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
    (b"password", b"salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
    (b"password", b"salt", 4096, "4b007901b765489abead49d926f721d065a429c1"),
    (b"passwordPASSWORDpassword", b"saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"),
    (b"pass\0word", b"sa\0lt", 4096, "56fa6aa75548099dcc37d7f03425e0c3"),
]


@pytest.mark.parametrize("password, salt, rounds, want", PBKDF2)
@pytest.mark.chip("PBKDF2", kind="positive")
def test_pbkdf2_positive(chip, password, salt, rounds, want):
    want = h(want)
    assert chip.command(3, 0, 0x2E, tlv(0x41, u32(key(chip, HMAC, password))), tlv(0x42, salt), tlv(0x43, u16(rounds)),
                        tlv(0x44, u16(len(want)))) == {0x41: want}


@pytest.mark.chip("PBKDF2", kind="positive")
def test_pbkdf2_of_no_salt_and_as_long_as_it_may_be(chip):
    oid = tlv(0x41, u32(key(chip, HMAC, b"p")))
    got = chip.command(3, 0, 0x2E, oid, tlv(0x43, u16(3)), tlv(0x44, u16(512)))[0x41]
    assert got == hashlib.pbkdf2_hmac("sha1", b"p", b"", 3, 512)


@pytest.mark.parametrize("algorithm, name", [(0x18, "sha1"), (0x19, "sha256"), (0x1A, "sha384"), (0x1B, "sha512")])
@pytest.mark.chip("PBKDF2", kind="positive", applet="7.2")
def test_pbkdf2_of_7x(parts, algorithm, name):
    with cc.Chip(parts("7.2").socket) as c:
        oid = tlv(0x41, u32(key(c, HMAC, b"password", "pbkdf")))
        rest = tlv(0x43, u16(7)), tlv(0x44, u16(40)), tlv(0x45, u8(algorithm))
        want = hashlib.pbkdf2_hmac(name, b"password", b"salt", 7, 40)
        assert c.command(3, 0, 0x2E, oid, tlv(0x42, b"salt"), *rest) == {0x41: want}
        salt, target = key(c, HMAC, b"salt"), next(ids)
        assert c.command(3, 0, 0x2E, oid, *rest, tlv(0x46, u32(salt)), tlv(0x47, u32(target))) == {}
        assert holds(c, target, want)
        assert sw(c, 3, 0, 0x2E, oid, tlv(0x42, b"both"), *rest, tlv(0x46, u32(salt))) == 0x6A80
        assert sw(c, 3, 0, 0x2E, oid, tlv(0x42, b"s"), *rest[:2], tlv(0x45, u8(0x31))) == 0x6A80


I1, L20 = tlv(0x43, u16(1)), tlv(0x44, u16(20))


@pytest.mark.parametrize("data, want", marked(
    ("id-of-two", "PBKDF2", "length", tlv(0x41, u16(1)) + I1 + L20, 0x6A80),
    ("iterations-of-four", "PBKDF2", "length", k(1) + tlv(0x43, u32(1)) + L20, 0x6A80),
    ("length-0", "PBKDF2", "length", k(1) + I1 + tlv(0x44, u16(0)), 0x6A80),
    ("length-513", "PBKDF2", "length", k(1) + I1 + tlv(0x44, u16(513)), 0x6A80),
    ("salt-of-65", "PBKDF2", "length", k(1) + tlv(0x42, bytes(65)) + I1 + L20, 0x6A80),
    ("iterations-0", "PBKDF2", "length", k(1) + tlv(0x43, u16(0)) + L20, 0x6A80),
    ("no-iterations", "PBKDF2", "order", k(1) + L20, 0x6A80),
    ("no-length", "PBKDF2", "order", k(1) + I1, 0x6A80),
    ("aes-key", "PBKDF2", "denied", k(3) + I1 + L20, 0x6985),
    ("no-right-to-derive", "PBKDF2", "denied", k(2) + I1 + L20, 0x6986),
))
def test_pbkdf2_refused(chip, data, want):
    ready(chip)
    assert sw(chip, 3, 0, 0x2E, data) == want


@pytest.mark.chip("PBKDF2", kind="denied", applet="7.2")
def test_pbkdf2_has_a_right_of_its_own_on_7x(parts):
    with cc.Chip(parts("7.2").socket) as c:
        ready(c)
        assert sw(c, 3, 0, 0x2E, k(4), I1, L20) == 0x6986
        assert sw(c, 3, 0, 0x2D, k(4), H4, N32) == 0x9000


# ---- TLS: the PRF ----


def prf(name, secret, label, seed, n):
    """RFC 5246 section 5, P_hash."""
    out, a = b"", label + seed
    while len(out) < n:
        a = hmac.digest(secret, a, name)
        out += hmac.digest(secret, a + label + seed, name)
    return out[:n]


def test_the_prf_of_this_file():
    """The published TLS 1.2 vector for P_SHA256."""
    got = prf("sha256", h("9bbe436ba940f017b17652849a71db35"), b"test label", h("a0ba9f936cda311827a6f796ffd5198c"), 100)
    assert got.hex().startswith("e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a")


@pytest.mark.parametrize("digest", [4, 5, 6])
@pytest.mark.chip("TLSGenerateRandom", kind="positive")
@pytest.mark.chip("TLSPerformPRF", kind="positive")
def test_tls_prf_positive(chip, digest):
    secret, theirs = os.urandom(48), os.urandom(32)
    got = chip.command(3, 0x0F, 0x49)
    assert list(got) == [0x41] and len(got[0x41]) == 32
    own = got[0x41]
    rest = tlv(0x41, u32(key(chip, HMAC, secret))), tlv(0x42, u8(digest))
    for p2, label, seed in ((0x4B, b"master secret", theirs + own), (0x4C, b"master secret", own + theirs),
                            (0x4D, b"key expansion", own + theirs), (0x4E, b"key expansion", theirs + own)):
        answer = chip.command(3, 0x0F, p2, *rest, tlv(0x43, label), tlv(0x44, theirs), tlv(0x45, u16(48)), extended=True)
        assert answer == {0x41: prf(HASHES[digest], secret, label, seed, 48)}
    assert chip.command(3, 0x0F, 0x49)[0x41] != own


@pytest.mark.chip("TLSPerformPRF", kind="positive", applet="7.2")
@pytest.mark.chip("TLSPerformPRF", kind="denied", applet="7.2")
def test_tls_prf_of_two_foreign_randoms_has_a_right_of_its_own(parts):
    with cc.Chip(parts("7.2").socket) as c:
        secret, both = os.urandom(48), os.urandom(64)
        rest = tlv(0x42, u8(4)), tlv(0x43, b"label"), tlv(0x44, both), tlv(0x45, u16(100))
        good, poor = key(c, HMAC, secret, "tls_kdf", "ext_random"), key(c, HMAC, secret, "tls_kdf")
        assert c.command(3, 0x0F, 0x5A, tlv(0x41, u32(good)), *rest) == {0x41: prf("sha256", secret, b"label", both, 100)}
        assert sw(c, 3, 0x0F, 0x5A, tlv(0x41, u32(poor)), *rest) == 0x6986
        assert sw(c, 3, 0x0F, 0x5A, tlv(0x41, u32(good)), *rest[:2], tlv(0x44, both[:32]), rest[3]) == 0x6A80


LABEL, RANDOM, N48 = tlv(0x43, b"key expansion"), tlv(0x44, bytes(32)), tlv(0x45, u16(48))


@pytest.mark.parametrize("data, want", marked(
    ("id-of-two", "TLSPerformPRF", "length", tlv(0x41, u16(1)) + H4 + LABEL + RANDOM + N48, 0x6A80),
    ("random-of-31", "TLSPerformPRF", "length", k(1) + H4 + LABEL + tlv(0x44, bytes(31)) + N48, 0x6A80),
    ("random-of-64", "TLSPerformPRF", "length", k(1) + H4 + LABEL + tlv(0x44, bytes(64)) + N48, 0x6A80),
    ("length-of-one", "TLSPerformPRF", "length", k(5) + H4 + LABEL + RANDOM + tlv(0x45, u8(48)), 0x6A80),
    ("length-0", "TLSPerformPRF", "length", k(5) + H4 + LABEL + RANDOM + tlv(0x45, u16(0)), 0x6A80),
    ("no-label", "TLSPerformPRF", "order", k(5) + H4 + RANDOM + N48, 0x6A80),
    ("no-random", "TLSPerformPRF", "order", k(5) + H4 + LABEL + N48, 0x6A80),
    ("digest-0", "TLSPerformPRF", "denied", k(1) + tlv(0x42, u8(0)) + LABEL + RANDOM + N48, 0x6A80),
    ("aes-key", "TLSPerformPRF", "denied", k(3) + H4 + LABEL + RANDOM + N48, 0x6985),
    ("no-right", "TLSPerformPRF", "denied", k(2) + H4 + LABEL + RANDOM + N48, 0x6986),
))
def test_tls_prf_refused(chip, data, want):
    ready(chip)
    chip.command(3, 0x0F, 0x49)
    for p2 in (0x4B, 0x4C, 0x4D, 0x4E):
        assert sw(chip, 3, 0x0F, p2, data) == want


@pytest.mark.chip("TLSPerformPRF", kind="order")
def test_tls_prf_wants_a_random_of_the_part_first(chip):
    ready(chip)
    assert sw(chip, 3, 0x0F, 0x4B, k(1), H4, LABEL, RANDOM, N48) == 0x6985
    chip.command(3, 0x0F, 0x49)
    assert sw(chip, 3, 0x0F, 0x4B, k(1), H4, LABEL, RANDOM, N48) == 0x9000
    chip.select()  # ends the session it was made for
    assert sw(chip, 3, 0x0F, 0x4B, k(1), H4, LABEL, RANDOM, N48) == 0x6985


@pytest.mark.parametrize("data, want", marked(
    ("random-with-length", "TLSGenerateRandom", "order", tlv(0x41, u16(32)), 0x6A80),
    ("random-truncated", "TLSGenerateRandom", "length", b"\x41", 0x6A80),
))
def test_tls_random_refused(chip, data, want):
    assert sw(chip, 3, 0x0F, 0x49, data) == want


# ---- TLS: the pre-master secret ----

P256 = ec.SECP256R1()


def point_of(private):
    return private.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def counted(*parts_):
    return b"".join(u16(len(p)) + p for p in parts_)


def pms(chip, target, *tlvs):
    """T1, T2, then T3 as hosts order them."""
    head = [t for t in tlvs if t[:1] in (b"\x41", b"\x42")]
    rest = [t for t in tlvs if t not in head]
    return chip.command(3, 0x0F, 0x4A, *head, tlv(0x43, u32(target)), *rest, extended=True)


@pytest.mark.chip("TLSCalculatePreMasterSecret", kind="positive")
def test_pre_master_secret_of_psk_and_ec(chip):
    chip.make_curve(3)
    psk = b"a shared key of 26 bytes.."
    pid, pair, mine = key(chip, HMAC, psk), ec_key(chip, 3), ec.generate_private_key(P256)
    z = mine.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(P256, chip.read(pair)))
    peer = tlv(0x44, point_of(mine))
    for target in (next(ids), key(chip, HMAC, b"x")):  # made, or its value replaced
        assert pms(chip, target, tlv(0x41, u32(pid))) == {}
        assert holds(chip, target, counted(bytes(len(psk)), psk))  # RFC 4279 section 2
        assert pms(chip, target, tlv(0x42, u32(pair)), peer) == {}
        assert holds(chip, target, z)
        assert pms(chip, target, tlv(0x41, u32(pid)), tlv(0x42, u32(pair)), peer) == {}
        assert holds(chip, target, counted(z, psk))  # RFC 5489 section 2
        assert sw(chip, 2, 0, 0, tlv(0x41, u32(target))) == 0x6985


@pytest.mark.chip("TLSCalculatePreMasterSecret", kind="positive")
def test_pre_master_secret_of_rsa(chip):
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    oid, target, psk = next(ids), next(ids), b"psk"
    chip.write_rsa(oid, private)
    pid = key(chip, HMAC, psk)
    secret = b"\x03\x03" + os.urandom(46)
    sent = tlv(0x44, private.public_key().encrypt(secret, padding.PKCS1v15()))
    version = tlv(0x46, u16(0x0303))
    assert pms(chip, target, tlv(0x42, u32(oid)), sent, version) == {}
    assert holds(chip, target, secret)
    assert pms(chip, target, tlv(0x41, u32(pid)), tlv(0x42, u32(oid)), sent, version) == {}
    assert holds(chip, target, counted(secret, psk))
    # RFC 5246 section 7.4.7.1: wrong padding and wrong version look like any other secret
    for wrong, v in ((os.urandom(255).rjust(256, b"\0"), version), (sent[4:], tlv(0x46, u16(0x0301)))):
        assert pms(chip, target, tlv(0x42, u32(oid)), tlv(0x44, wrong), v) == {}
        assert not holds(chip, target, secret)
    assert sw(chip, 3, 0x0F, 0x4A, tlv(0x42, u32(oid)), tlv(0x43, u32(target)), sent, extended=True) == 0x6A80
    chip.delete(oid)


@pytest.mark.chip("TLSCalculatePreMasterSecret", kind="denied")
def test_pre_master_secret_denied(chip):
    ready(chip)
    chip.make_curve(3)
    target = tlv(0x43, u32(next(ids)))
    peer = tlv(0x44, point_of(ec.generate_private_key(P256)))
    assert sw(chip, 3, 0x0F, 0x4A, k(2), target) == 0x6986
    assert sw(chip, 3, 0x0F, 0x4A, k(3), target) == 0x6985
    assert sw(chip, 3, 0x0F, 0x4A, tlv(0x42, u32(ec_key(chip, 3, pol=policy("agree")))), target, peer) == 0x6986
    file, stuck = next(ids), key(chip, HMAC, b"x", "sign")
    chip.write_binary(file, bytes(68), size=68)
    assert sw(chip, 3, 0x0F, 0x4A, k(1), tlv(0x43, u32(file))) == 0x6985  # it could be read there
    assert chip.read(file) == bytes(68)
    assert sw(chip, 3, 0x0F, 0x4A, k(1), tlv(0x43, u32(stuck))) == 0x6986
    assert sw(chip, 3, 0x0F, 0x4A, k(1), tlv(0x43, u32(cc.UNIQUE_ID))) in (0x6985, 0x6986)


TARGET = tlv(0x43, u32(0x54001000))


@pytest.mark.parametrize("data, want", marked(
    ("target-of-two", "TLSCalculatePreMasterSecret", "length", k(1) + tlv(0x43, u16(1)), 0x6A80),
    ("psk-id-of-three", "TLSCalculatePreMasterSecret", "length", tlv(0x41, bytes(3)) + TARGET, 0x6A80),
    ("no-target", "TLSCalculatePreMasterSecret", "order", k(1), 0x6A80),
    ("neither-psk-nor-pair", "TLSCalculatePreMasterSecret", "order", TARGET, 0x6A80),
    ("input-without-pair", "TLSCalculatePreMasterSecret", "order", k(1) + TARGET + tlv(0x44, bytes(65)), 0x6A80),
    ("version-without-rsa", "TLSCalculatePreMasterSecret", "order", k(1) + TARGET + tlv(0x46, u16(0x303)), 0x6A80),
    ("absent", "TLSCalculatePreMasterSecret", "denied", k(99) + TARGET, 0x6985),
))
def test_pre_master_secret_refused(chip, data, want):
    ready(chip)
    assert sw(chip, 3, 0x0F, 0x4A, data) == want
    assert not chip.exists(0x54001000)
