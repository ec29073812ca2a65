"""RSA of the chip: every signature and encryption algorithm of the reference against python-cryptography, sizes and refusals."""

import os

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import chip_client as cc
from chip_client import tlv, u8, u16, u32
from chip_crypto import chip, ids, marked, parts, policy, rsa_4096, sw  # noqa: F401

SHA = {"1": hashes.SHA1(), "224": hashes.SHA224(), "256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
PSS = {0x15: "1", 0x2B: "224", 0x2C: "256", 0x2D: "384", 0x2E: "512"}
PKCS1 = {0x0A: "1", 0x27: "224", 0x28: "256", 0x29: "384", 0x2A: "512"}
NO_PAD, PKCS1_ENC, OAEP = 0x0C, 0x0A, 0x0F


@pytest.fixture(scope="module")
def host():
    """One key of each size for the module, made by other software."""
    made = {}

    def get(bits):
        if bits not in made:
            made[bits] = rsa_4096() if bits == 4096 else rsa.generate_private_key(public_exponent=65537, key_size=bits)
        return made[bits]
    return get


def put(chip, private, raw=False, pol=b""):
    oid = next(ids)
    chip.write_rsa(oid, private, raw=raw, policy=pol)
    return oid


def scheme(algorithm):
    if algorithm in PKCS1:
        return padding.PKCS1v15(), SHA[PKCS1[algorithm]]
    digest = SHA[PSS[algorithm]]
    return padding.PSS(padding.MGF1(digest), digest.digest_size), digest


def fits(algorithm, bits):
    """PSS: digest, a salt of that length, two bytes. PKCS#1: the digest in its DER, eleven bytes."""
    n = scheme(algorithm)[1].digest_size
    return (2 * n + 2 if algorithm in PSS else n + 19 + 11 - (4 if n == 20 else 0)) <= bits // 8


def verify(chip, oid, algorithm, message, signature):
    return chip.command(3, 0x0C, 0x0A, tlv(0x41, u32(oid)), tlv(0x42, u8(algorithm)), tlv(0x43, message) if message else b"",
                        tlv(0x45, signature), extended=True)[0x41]


@pytest.mark.parametrize("bits", [512, 1024, 1152, 2048])
@pytest.mark.parametrize("algorithm", [*PSS, *PKCS1])
@pytest.mark.chip("RSASign", kind="positive")
@pytest.mark.chip("RSAVerify", kind="positive")
def test_every_signature_algorithm(chip, host, bits, algorithm):
    private = host(bits)
    pad, digest = scheme(algorithm)
    oid = put(chip, private, raw=algorithm % 2 == 0)
    for message in (b"", b"message", os.urandom(500)):  # the part hashes, unlike with ECDSA
        if not fits(algorithm, bits):
            assert sw(chip, 3, 0x0C, 9, tlv(0x41, u32(oid)), tlv(0x42, u8(algorithm)), tlv(0x43, message)) == 0x6A80
            continue
        signature = chip.sign(oid, algorithm, message)
        private.public_key().verify(signature, message, pad, digest)
        theirs = private.sign(message, pad, digest)
        assert verify(chip, oid, algorithm, message, theirs) == b"\1"
        assert verify(chip, oid, algorithm, message + b"x", theirs) == b"\2"
        assert verify(chip, oid, algorithm, message, theirs[:-1] + bytes([theirs[-1] ^ 1])) == b"\2"
        assert verify(chip, oid, algorithm, message, theirs[:-1]) == b"\2"
        assert verify(chip, oid, algorithm, message, b"") == b"\2"
    chip.delete(oid)


@pytest.mark.parametrize("bits, want", [(1024, 0x6A80), (1152, 0x9000)])
@pytest.mark.chip("RSASign", kind="denied")
def test_pss_with_sha512_needs_more_than_1024_bits(chip, host, bits, want):
    oid = put(chip, host(bits))
    assert sw(chip, 3, 0x0C, 9, tlv(0x41, u32(oid)), tlv(0x42, u8(0x2E)), tlv(0x43, b"m")) == want
    chip.delete(oid)


@pytest.mark.parametrize("bits", [3072, 4096])
@pytest.mark.chip("RSASign", kind="positive")
@pytest.mark.chip("RSADecrypt", kind="positive")
@pytest.mark.chip("RSAEncrypt", kind="positive")
def test_long_keys(chip, host, bits):
    private = host(bits)
    oid = put(chip, private)
    private.public_key().verify(chip.sign(oid, 0x28, b"m"), b"m", *scheme(0x28))
    sent = private.public_key().encrypt(b"secret", padding.PKCS1v15())
    assert chip.rsa_crypt(oid, PKCS1_ENC, sent, True) == b"secret"
    assert private.decrypt(chip.rsa_crypt(oid, PKCS1_ENC, b"secret", False), padding.PKCS1v15()) == b"secret"
    chip.delete(oid)


OAEP_PAD = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)


@pytest.mark.parametrize("algorithm, pad, most", [(PKCS1_ENC, padding.PKCS1v15(), 245), (OAEP, OAEP_PAD, 214)])
@pytest.mark.chip("RSAEncrypt", kind="positive")
@pytest.mark.chip("RSADecrypt", kind="positive")
@pytest.mark.chip("RSAEncrypt", kind="length")
def test_encryption(chip, host, algorithm, pad, most):
    private = host(2048)
    oid = put(chip, private)
    for n in (1, 16, most):
        text = os.urandom(n)
        assert private.decrypt(chip.rsa_crypt(oid, algorithm, text, False), pad) == text
        assert chip.rsa_crypt(oid, algorithm, private.public_key().encrypt(text, pad), True) == text
    assert sw(chip, 3, 2, 0x37, tlv(0x41, u32(oid)), tlv(0x42, u8(algorithm)), tlv(0x43, bytes(most + 1)), extended=True) == 0x6A80
    chip.delete(oid)


@pytest.mark.chip("RSADecrypt", kind="positive")
@pytest.mark.chip("RSAEncrypt", kind="positive")
@pytest.mark.chip("RSADecrypt", kind="length")
@pytest.mark.chip("RSAEncrypt", kind="length")
def test_no_padding_is_the_bare_function(chip, host):
    """What NXP's host does with digests: it pads itself."""
    private = host(2048)
    numbers = private.private_numbers()
    n, e, d = numbers.public_numbers.n, numbers.public_numbers.e, numbers.d
    oid = put(chip, private)
    x = int.from_bytes(os.urandom(255), "big")
    assert chip.rsa_crypt(oid, NO_PAD, x.to_bytes(256, "big"), True) == pow(x, d, n).to_bytes(256, "big")
    assert chip.rsa_crypt(oid, NO_PAD, x.to_bytes(256, "big"), False) == pow(x, e, n).to_bytes(256, "big")
    for wrong in (bytes(255), bytes(257), n.to_bytes(256, "big")):  # exactly as long as the modulus, and less
        for p2 in (0x37, 0x38):
            assert sw(chip, 3, 2, p2, tlv(0x41, u32(oid)), tlv(0x42, u8(NO_PAD)), tlv(0x43, wrong), extended=True) == 0x6A80
    chip.delete(oid)


def ready(chip, host):
    private = host(1024)
    for n, rights in ((1, ()), (2, ("verify", "encrypt")), (3, ("sign", "decrypt"))):
        if not chip.exists(0x55000000 + n):
            chip.write_rsa(0x55000000 + n, private, policy=policy("write", *rights) if rights else b"")
    if not chip.exists(0x55000004):
        numbers = private.public_key().public_numbers()
        chip.write_rsa_part(0x55000004, 0x4A, numbers.n.to_bytes(128, "big"), bits=1024, part=cc.PUBLIC, raw=True)
        chip.write_rsa_part(0x55000004, 0x48, b"\1\0\1", part=0, raw=True)
    if not chip.exists(0x55000005):
        chip.write_rsa_part(0x55000005, 0x43, private.private_numbers().p.to_bytes(64, "big"), bits=1024)  # and no more of it
    if not chip.exists(0x55000010):
        chip.write_binary(0x55000010, b"x", size=1)


def k(n):
    return tlv(0x41, u32(0x55000000 + n))


A28, TEXT, SIG, E0C, E0A, BLOCK = tlv(0x42, u8(0x28)), tlv(0x43, b"m"), tlv(0x45, bytes(128)), tlv(0x42, u8(0x0C)), tlv(0x42, u8(0x0A)), tlv(0x43, bytes(128))


@pytest.mark.parametrize("p1, p2, data, want", marked(
    ("sign-id-of-three", "RSASign", "length", 0x0C, 9, tlv(0x41, bytes(3)) + A28 + TEXT, 0x6A80),
    ("sign-algorithm-of-two", "RSASign", "length", 0x0C, 9, k(1) + tlv(0x42, u16(0x28)) + TEXT, 0x6A80),
    ("sign-no-algorithm", "RSASign", "order", 0x0C, 9, k(1) + TEXT, 0x6A80),
    ("sign-with-a-signature", "RSASign", "order", 0x0C, 9, k(1) + A28 + TEXT + SIG, 0x6A80),
    ("sign-half-imported", "RSASign", "order", 0x0C, 9, k(5) + A28 + TEXT, 0x6985),
    ("sign-unknown-algorithm", "RSASign", "denied", 0x0C, 9, k(1) + tlv(0x42, u8(0x21)) + TEXT, 0x6A80),
    ("sign-public-key", "RSASign", "denied", 0x0C, 9, k(4) + A28 + TEXT, 0x6985),
    ("sign-a-file", "RSASign", "denied", 0x0C, 9, k(0x10) + A28 + TEXT, 0x6985),
    ("sign-no-right", "RSASign", "denied", 0x0C, 9, k(2) + A28 + TEXT, 0x6986),
    ("verify-id-of-three", "RSAVerify", "length", 0x0C, 0x0A, tlv(0x41, bytes(3)) + A28 + TEXT + SIG, 0x6A80),
    ("verify-no-signature", "RSAVerify", "order", 0x0C, 0x0A, k(1) + A28 + TEXT, 0x6A80),
    ("verify-no-right", "RSAVerify", "denied", 0x0C, 0x0A, k(3) + A28 + TEXT + SIG, 0x6986),
    ("verify-unknown-algorithm", "RSAVerify", "denied", 0x0C, 0x0A, k(1) + tlv(0x42, u8(0x0C)) + TEXT + SIG, 0x6A80),
    ("encrypt-algorithm-of-two", "RSAEncrypt", "length", 2, 0x37, k(1) + tlv(0x42, u16(0x0A)) + TEXT, 0x6A80),
    ("encrypt-no-algorithm", "RSAEncrypt", "order", 2, 0x37, k(1) + TEXT, 0x6A80),
    ("encrypt-t4", "RSAEncrypt", "order", 2, 0x37, k(1) + E0A + TEXT + tlv(0x44, b""), 0x6A80),
    ("encrypt-no-right", "RSAEncrypt", "denied", 2, 0x37, k(3) + E0A + TEXT, 0x6986),
    ("encrypt-unknown-algorithm", "RSAEncrypt", "denied", 2, 0x37, k(1) + tlv(0x42, u8(0x28)) + TEXT, 0x6A80),
    ("decrypt-short", "RSADecrypt", "length", 2, 0x38, k(1) + E0A + tlv(0x43, bytes(127)), 0x6A80),
    ("decrypt-no-algorithm", "RSADecrypt", "order", 2, 0x38, k(1) + BLOCK, 0x6A80),
    ("decrypt-half-imported", "RSADecrypt", "order", 2, 0x38, k(5) + E0C + BLOCK, 0x6985),
    ("decrypt-no-right", "RSADecrypt", "denied", 2, 0x38, k(2) + E0C + BLOCK, 0x6986),
    ("decrypt-public-key", "RSADecrypt", "denied", 2, 0x38, k(4) + E0C + BLOCK, 0x6985),
    ("decrypt-a-file", "RSADecrypt", "denied", 2, 0x38, k(0x10) + E0C + BLOCK, 0x6985),
))
def test_rsa_refused(chip, host, p1, p2, data, want):
    ready(chip, host)
    assert sw(chip, 3, p1, p2, data, extended=True) == want


@pytest.mark.chip("RSADecrypt", kind="denied")
def test_bad_padding_is_refused(chip, host):
    ready(chip, host)
    private = host(1024)
    bad = pow(2, 65537, private.public_key().public_numbers().n).to_bytes(128, "big")
    for algorithm in (PKCS1_ENC, OAEP):
        assert sw(chip, 3, 2, 0x38, k(1), tlv(0x42, u8(algorithm)), tlv(0x43, bad), extended=True) == 0x6A80
    with pytest.raises(InvalidSignature):
        private.public_key().verify(chip.sign(0x55000001, 0x28, b"other"), b"m", *scheme(0x28))
