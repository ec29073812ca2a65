"""Digests, ciphers, MACs, AEAD and the crypto objects they run in: published vectors, byte for byte, and refusals."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM

import chip_client as cc
from chip_client import tlv, u8, u16, u32
from chip_crypto import AES, DES, HMAC, chip, crypto_object, h, key, marked, parts, sw  # noqa: F401

DIGEST, CIPHER, MAC, AEAD = 1, 2, 3, 4

# ---- digests: FIPS 180-2 appendices, RFC 3874 ----

DIGESTS = {
    0x01: "a9993e364706816aba3e25717850c26c9cd0d89d",
    0x07: "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
    0x04: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    0x05: "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    0x06: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
          "2a9ac94fa54ca49f",
}


@pytest.mark.parametrize("mode", DIGESTS)
@pytest.mark.chip("DigestOneShot", kind="positive")
def test_digest_oneshot_positive(chip, mode):
    # this command alone has the mode in T1 and the data in T2
    assert chip.command(3, 0, 0x0E, tlv(0x41, u8(mode)), tlv(0x42, b"abc")) == {0x41: h(DIGESTS[mode])}


@pytest.mark.chip("DigestOneShot", kind="positive")
def test_digest_of_nothing_has_no_t2(chip):
    assert chip.command(3, 0, 0x0E, tlv(0x41, u8(4)))[0x41].hex().startswith("e3b0c44298fc1c14")


@pytest.mark.parametrize("mode", DIGESTS)
@pytest.mark.chip("DigestInit", kind="positive")
@pytest.mark.chip("DigestUpdate", kind="positive")
@pytest.mark.chip("DigestFinal", kind="positive")
@pytest.mark.chip("CreateCryptoObject", kind="positive")
def test_digest_in_steps_positive(chip, mode):
    co = tlv(0x42, crypto_object(chip, mode, DIGEST, mode))
    for last in (b"", tlv(0x43, b"")):
        assert chip.command(3, 0, 0x0B, co) == {}
        for byte in b"abc":
            assert chip.command(3, 0, 0x0C, co, tlv(0x43, bytes([byte]))) == {}
        assert chip.command(3, 0, 0x0D, co, last) == {0x41: h(DIGESTS[mode])}


@pytest.mark.parametrize("p2, data, want", marked(
    ("oneshot-mode-of-two-bytes", "DigestOneShot", "length", 0x0E, tlv(0x41, u16(4)) + tlv(0x42, b"abc"), 0x6A80),
    ("oneshot-truncated", "DigestOneShot", "length", 0x0E, tlv(0x41, u8(4)) + b"\x42\x04abc", 0x6A80),
    ("oneshot-no-mode", "DigestOneShot", "order", 0x0E, tlv(0x42, b"abc"), 0x6A80),
    ("oneshot-neighbours-tags", "DigestOneShot", "order", 0x0E, tlv(0x41, u8(4)) + tlv(0x43, b"abc"), 0x6A80),
    ("oneshot-twice", "DigestOneShot", "order", 0x0E, tlv(0x41, u8(4)) * 2, 0x6A80),
    ("oneshot-mode-0", "DigestOneShot", "denied", 0x0E, tlv(0x41, u8(0)) + tlv(0x42, b"abc"), 0x6A80),
    ("oneshot-mode-8", "DigestOneShot", "denied", 0x0E, tlv(0x41, u8(8)) + tlv(0x42, b"abc"), 0x6A80),
    ("init-id-of-one-byte", "DigestInit", "length", 0x0B, tlv(0x42, u8(1)), 0x6A80),
    ("init-no-id", "DigestInit", "order", 0x0B, b"", 0x6A80),
    ("init-absent", "DigestInit", "denied", 0x0B, tlv(0x42, u16(999)), 0x6985),
    ("init-a-cipher", "DigestInit", "denied", 0x0B, tlv(0x42, u16(2)), 0x6985),
    ("update-id-of-three-bytes", "DigestUpdate", "length", 0x0C, tlv(0x42, b"\0\0\1") + tlv(0x43, b"a"), 0x6A80),
    ("update-before-init", "DigestUpdate", "order", 0x0C, tlv(0x42, u16(1)) + tlv(0x43, b"a"), 0x6985),
    ("update-a-cipher", "DigestUpdate", "denied", 0x0C, tlv(0x42, u16(2)) + tlv(0x43, b"a"), 0x6985),
    ("final-id-of-one-byte", "DigestFinal", "length", 0x0D, tlv(0x42, u8(1)), 0x6A80),
    ("final-before-init", "DigestFinal", "order", 0x0D, tlv(0x42, u16(1)), 0x6985),
    ("final-t1", "DigestFinal", "order", 0x0D, tlv(0x42, u16(1)) + tlv(0x41, b"a"), 0x6A80),
    ("final-a-cipher", "DigestFinal", "denied", 0x0D, tlv(0x42, u16(2)), 0x6985),
))
def test_digest_refused(chip, p2, data, want):
    crypto_object(chip, 1, DIGEST, 4)
    crypto_object(chip, 2, CIPHER, 0x0E)
    assert sw(chip, 3, 0, p2, data) == want


def test_a_digest_ends_with_final_and_with_reset(chip):
    co = tlv(0x42, crypto_object(chip, 1, DIGEST, 4))
    chip.command(3, 0, 0x0B, co)
    chip.command(3, 0, 0x0D, co)
    assert sw(chip, 3, 0, 0x0D, co) == 0x6985
    chip.command(3, 0, 0x0B, co)
    chip.command(3, 0, 0x0C, co, tlv(0x43, b"ab"))
    chip.command(3, 0, 0x0B, co)  # begins anew
    assert chip.command(3, 0, 0x0D, co, tlv(0x43, b"abc"))[0x41] == h(DIGESTS[4])
    chip.command(3, 0, 0x0B, co)
    assert chip.t1.exchange(0xC6)[0] == 0xE6  # chip reset: the contents vanish, the entry stays
    chip.t1.ns = 0
    chip.select()
    assert sw(chip, 3, 0, 0x0D, co) == 0x6985
    assert sw(chip, 3, 0, 0x0B, co) == 0x9000


# ---- crypto objects ----


def listed(chip):
    raw = chip.command(2, 0x10, 0x25)[0x41]
    return [raw[i:i + 4] for i in range(0, len(raw), 4)]


@pytest.mark.chip("ReadCryptoObjectList", kind="positive")
@pytest.mark.chip("DeleteCryptoObject", kind="positive")
@pytest.mark.chip("CreateCryptoObject", kind="positive")
def test_crypto_objects_are_kept_listed_and_deleted(procs, tmp_path, applet):
    from conftest import BIN
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet).start()
    kinds = [(1, 1, 4), (0x2345, 2, 0x0D), (3, 3, 0x31)] + ([(26, 4, 0xB0), (20, 2, 0xF1)] if applet == "7.2" else [])
    with cc.Chip(part.socket) as c:
        assert c.command(2, 0x10, 0x25) == {0x41: b""}
        for number, context, subtype in kinds:
            assert c.command(1, 0x10, 0, tlv(0x41, u16(number)), tlv(0x42, u8(context)), tlv(0x43, u8(subtype))) == {}
        want = [u16(n) + bytes((k, s)) for n, k, s in kinds]
        assert listed(c) == want
    part.kill()
    part.start()
    with cc.Chip(part.socket) as c:
        assert listed(c) == want
        assert c.command(4, 0x10, 0x28, tlv(0x41, u16(0x2345))) == {}
        assert listed(c) == want[:1] + want[2:]
        assert sw(c, 4, 0x10, 0x28, tlv(0x41, u16(0x2345))) == 0x6985


T1, T2, T3 = tlv(0x41, u16(900)), tlv(0x42, u8(1)), tlv(0x43, u8(4))


@pytest.mark.parametrize("ins, p2, data, want", marked(
    ("id-of-four-bytes", "CreateCryptoObject", "length", 1, 0, tlv(0x41, u32(900)) + T2 + T3, 0x6A80),
    ("context-of-two-bytes", "CreateCryptoObject", "length", 1, 0, T1 + tlv(0x42, u16(1)) + T3, 0x6A80),
    ("no-subtype", "CreateCryptoObject", "order", 1, 0, T1 + T2, 0x6A80),
    ("t4", "CreateCryptoObject", "order", 1, 0, T1 + T2 + T3 + tlv(0x44, b""), 0x6A80),
    ("twice", "CreateCryptoObject", "order", 1, 0, tlv(0x41, u16(1)) + T2 + T3, 0x6985),
    ("context-0", "CreateCryptoObject", "denied", 1, 0, T1 + tlv(0x42, u8(0)) + T3, 0x6A80),
    ("pake", "CreateCryptoObject", "denied", 1, 0, T1 + tlv(0x42, u8(5)) + tlv(0x43, u8(6)), 0x6A80),
    ("aes-cbc-pkcs5", "CreateCryptoObject", "denied", 1, 0, T1 + tlv(0x42, u8(2)) + tlv(0x43, u8(0x18)), 0x6A80),
    ("list-with-data", "ReadCryptoObjectList", "order", 2, 0x25, T1, 0x6A80),
    ("list-truncated", "ReadCryptoObjectList", "length", 2, 0x25, b"\x41", 0x6A80),
    ("delete-id-of-one-byte", "DeleteCryptoObject", "length", 4, 0x28, tlv(0x41, u8(1)), 0x6A80),
    ("delete-t2", "DeleteCryptoObject", "order", 4, 0x28, tlv(0x42, u16(1)), 0x6A80),
    ("delete-absent", "DeleteCryptoObject", "denied", 4, 0x28, T1, 0x6985),
))
def test_crypto_objects_refused(chip, ins, p2, data, want):
    crypto_object(chip, 1, DIGEST, 4)
    before = listed(chip)
    assert sw(chip, ins, 0x10, p2, data) == want
    assert listed(chip) == before


@pytest.mark.parametrize("context, subtype", [(4, 0xB0), (4, 0xF4), (2, 0xF1)])
@pytest.mark.chip("CreateCryptoObject", kind="denied", applet="3.1")
def test_crypto_objects_of_7x_are_not_on_3x(parts, context, subtype):
    with cc.Chip(parts("3.1").socket) as c:
        assert sw(c, 1, 0x10, 0, T1, tlv(0x42, u8(context)), tlv(0x43, u8(subtype))) == 0x6A80


def test_there_is_an_end_to_crypto_objects(procs, tmp_path):
    from conftest import BIN
    with cc.Chip(cc.Part(procs, BIN / "sedge-chip", tmp_path).start().socket) as c:
        words = [sw(c, 1, 0x10, 0, tlv(0x41, u16(i)), T2, T3) for i in range(60)]
        assert words[:31] == [0x9000] * 31 and words[-1] == 0x6A84


# ---- ciphers: NIST SP 800-38A appendix F, SP 800-67 ----

PLAIN = h("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
          "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
K128, K192 = h("2b7e151628aed2a6abf7158809cf4f3c"), h("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b")
K256 = h("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
IV, COUNTER = bytes(range(16)), bytes(range(0xF0, 0x100))
VECTORS = {
    "F.1.1-ecb-128": (0x0E, K128, b"", "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
                      "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4"),
    "F.1.3-ecb-192": (0x0E, K192, b"", "bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eef"
                      "ef7afd2270e2e60adce0ba2face6444e9a4b41ba738d6c72fb16691603c18e0e"),
    "F.1.5-ecb-256": (0x0E, K256, b"", "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870"
                      "b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7"),
    "F.2.1-cbc-128": (0x0D, K128, IV, "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
                      "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"),
    "F.2.5-cbc-256": (0x0D, K256, IV, "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
                      "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"),
    "F.5.1-ctr-128": (0xF0, K128, COUNTER, "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
                      "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"),
    "F.5.5-ctr-256": (0xF0, K256, COUNTER, "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
                      "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"),
}


def oneshot(chip, oid, mode, data, decrypt=False, iv=b""):
    return chip.command(3, 0x0E, 0x38 if decrypt else 0x37, tlv(0x41, u32(oid)), tlv(0x42, u8(mode)),
                        tlv(0x43, data) if data else b"", tlv(0x44, iv) if iv else b"", extended=True)[0x41]


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.chip("CipherOneShot", kind="positive")
def test_cipher_oneshot_positive(chip, name):
    mode, k, iv, want = VECTORS[name]
    oid = key(chip, AES, k)
    assert oneshot(chip, oid, mode, PLAIN, iv=iv) == h(want)
    assert oneshot(chip, oid, mode, h(want), decrypt=True, iv=iv) == PLAIN


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.chip("CipherInit", kind="positive")
@pytest.mark.chip("CipherUpdate", kind="positive")
@pytest.mark.chip("CipherFinal", kind="positive")
def test_cipher_in_steps_positive(chip, name):
    mode, k, iv, want = VECTORS[name]
    first, co = tlv(0x41, u32(key(chip, AES, k))), tlv(0x42, crypto_object(chip, 15, CIPHER, mode))
    for p2, given, expected in ((0x42, PLAIN, h(want)), (0x43, h(want), PLAIN)):
        assert chip.command(3, 0x0E, p2, first, co, tlv(0x44, iv) if iv else b"") == {}
        got, at = b"", 0
        for n in (1, 15, 16, 20):
            got += chip.command(3, 0x0E, 0x0C, co, tlv(0x43, given[at:at + n])).get(0x41, b"")
            at += n
        got += chip.command(3, 0x0E, 0x0D, co, tlv(0x43, given[at:]))[0x41]
        assert got == expected


def test_an_absent_iv_is_zero(chip):
    oid = key(chip, AES, K128)
    assert oneshot(chip, oid, 0x0D, PLAIN) == oneshot(chip, oid, 0x0D, PLAIN, iv=bytes(16))


# SP 800-67 / the "quick brown" vector of its appendix B, three keys
TDES3 = h("0123456789abcdef23456789abcdef01456789abcdef0123")
BROWN = b"The qufck brown fox jump"


@pytest.mark.chip("CipherOneShot", kind="positive")
def test_triple_des_published(chip):
    oid = key(chip, DES, TDES3)
    want = h("a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900")
    assert oneshot(chip, oid, 5, BROWN) == want and oneshot(chip, oid, 5, want, decrypt=True) == BROWN


@pytest.mark.chip("CipherOneShot", kind="positive")
def test_single_des_published(chip):
    """FIPS 81 table B1: ECB and CBC of "Now is the time for all "."""
    oid = key(chip, DES, h("0123456789abcdef"))
    text = b"Now is the time for all "
    assert oneshot(chip, oid, 5, text).hex() == "3fa40e8a984d48156a271787ab8883f9893d51ec4b563b53"
    assert oneshot(chip, oid, 1, text, iv=h("1234567890abcdef")).hex() == "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"


def padded(data, how, block):
    if how == "M1":
        return data + bytes(-len(data) % block)
    if how == "M2":
        return data + b"\x80" + bytes(-(len(data) + 1) % block)
    n = block - len(data) % block
    return data + bytes([n]) * n


PADDED = [(2, "M1", DES), (3, "M2", DES), (4, "PKCS5", DES), (6, "M1", DES), (7, "M2", DES), (8, "PKCS5", DES),
          (0x16, "M1", AES), (0x17, "M2", AES)]


@pytest.mark.parametrize("mode, how, kind", PADDED)
@pytest.mark.chip("CipherOneShot", kind="positive")
@pytest.mark.chip("CipherFinal", kind="positive")
def test_paddings(chip, mode, how, kind):
    k, block = (K128, 16) if kind == AES else (TDES3, 8)
    ecb = mode in (6, 7, 8)
    iv = b"" if ecb else bytes(range(block))
    cipher = Cipher(algorithms.AES(k) if kind == AES else algorithms.TripleDES(k), modes.ECB() if ecb else modes.CBC(iv))
    oid = key(chip, kind, k)
    co = tlv(0x42, crypto_object(chip, 16, CIPHER, mode))
    for n in (0, 1, block - 1, block, block + 1, 3 * block):
        text = PLAIN[:n]
        enc = cipher.encryptor()
        want = enc.update(padded(text, how, block)) + enc.finalize()
        assert oneshot(chip, oid, mode, text, iv=iv) == want
        back = padded(text, how, block) if how == "M1" else text  # M1's zeros cannot be told from data
        assert oneshot(chip, oid, mode, want, decrypt=True, iv=iv) == back
        for p2, given, expected in ((0x42, text, want), (0x43, want, back)):
            chip.command(3, 0x0E, p2, tlv(0x41, u32(oid)), co, tlv(0x44, iv) if iv else b"")
            got = b"".join(chip.command(3, 0x0E, 0x0C, co, tlv(0x43, given[i:i + 5])).get(0x41, b"")
                           for i in range(0, len(given), 5))
            assert got + chip.command(3, 0x0E, 0x0D, co)[0x41] == expected


@pytest.mark.chip("CipherOneShot", kind="length")
def test_bad_padding_is_refused(chip):
    oid = key(chip, AES, K128)
    zeros = oneshot(chip, oid, 0x0E, bytes(16))
    assert sw(chip, 3, 0x0E, 0x38, tlv(0x41, u32(oid)), tlv(0x42, u8(0x17)), tlv(0x43, zeros)) == 0x6A80
    assert sw(chip, 3, 0x0E, 0x38, tlv(0x41, u32(oid)), tlv(0x42, u8(0x17))) == 0x6A80


@pytest.mark.chip("CipherOneShot", kind="positive", applet="7.2")
@pytest.mark.chip("CipherInit", kind="positive", applet="7.2")
def test_ctr_with_an_iv_of_the_parts_own(parts):
    with cc.Chip(parts("7.2").socket) as c:
        oid = key(c, AES, K128, "encrypt", "decrypt", "own_iv")
        t1, data = tlv(0x41, u32(oid)), tlv(0x43, PLAIN)
        seen = set()
        for mode in (0xF0, 0xF1):
            got = c.command(3, 0x0E, 0x37, t1, tlv(0x42, u8(mode)), data, tlv(0x44, u16(16)))
            assert list(got) == [0x41, 0x43] and len(got[0x43]) == 16
            dec = Cipher(algorithms.AES(K128), modes.CTR(got[0x43])).decryptor()
            assert dec.update(got[0x41]) == PLAIN
            assert oneshot(c, oid, mode, got[0x41], decrypt=True, iv=got[0x43]) == PLAIN
            co = tlv(0x42, crypto_object(c, 20, CIPHER, mode))
            iv = c.command(3, 0x0E, 0x42, t1, co, tlv(0x44, u16(16)))[0x43]
            dec = Cipher(algorithms.AES(K128), modes.CTR(iv)).decryptor()
            assert dec.update(c.command(3, 0x0E, 0x0D, co, data)[0x41]) == PLAIN
            seen |= {got[0x43], iv}
        assert len(seen) == 4
        # the key's policy forbids one from outside
        assert sw(c, 3, 0x0E, 0x37, t1, tlv(0x42, u8(0xF0)), data, tlv(0x44, COUNTER)) == 0x6986
        assert sw(c, 3, 0x0E, 0x37, t1, tlv(0x42, u8(0xF1)), data, tlv(0x44, u16(12))) == 0x6A80


@pytest.mark.chip("CipherOneShot", kind="denied", applet="3.1")
def test_no_own_iv_on_3x(parts):
    with cc.Chip(parts("3.1").socket) as c:
        oid = key(c, AES, K128)
        for mode in (0xF0, 0xF1):
            assert sw(c, 3, 0x0E, 0x37, tlv(0x41, u32(oid)), tlv(0x42, u8(mode)), tlv(0x43, PLAIN), tlv(0x44, u16(16))) == 0x6A80


K1, CO, D16 = tlv(0x41, u32(0x51000001)), tlv(0x42, u16(15)), tlv(0x43, bytes(16))
CBC, IV16 = tlv(0x42, u8(0x0D)), tlv(0x44, bytes(16))
KEYS = {0x51000001: (AES, K128, ()), 0x51000002: (DES, TDES3, ()), 0x51000003: (AES, K128, ("decrypt",)),
        0x51000004: (AES, K128, ("encrypt",)), 0x51000005: (HMAC, b"k" * 16, ())}


def fixed_keys(chip):
    for oid, (kind, value, rights) in KEYS.items():
        if not chip.exists(oid):
            from chip_crypto import policy
            chip.command(1, kind, 0, tlv(0x11, policy(*rights)) if rights else b"", tlv(0x41, u32(oid)), tlv(0x43, value))


def k(number):
    return tlv(0x41, u32(0x51000000 + number))


@pytest.mark.parametrize("p2, data, want", marked(
    ("oneshot-id-of-two-bytes", "CipherOneShot", "length", 0x37, tlv(0x41, u16(1)) + CBC + D16, 0x6A80),
    ("oneshot-iv-of-15", "CipherOneShot", "length", 0x37, K1 + CBC + D16 + tlv(0x44, bytes(15)), 0x6A80),
    ("oneshot-iv-of-17", "CipherOneShot", "length", 0x38, K1 + CBC + D16 + tlv(0x44, bytes(17)), 0x6A80),
    ("oneshot-15-bytes", "CipherOneShot", "length", 0x37, K1 + CBC + tlv(0x43, bytes(15)) + IV16, 0x6A80),
    ("oneshot-17-bytes-back", "CipherOneShot", "length", 0x38, K1 + CBC + tlv(0x43, bytes(17)) + IV16, 0x6A80),
    ("oneshot-iv-for-ecb", "CipherOneShot", "length", 0x37, K1 + tlv(0x42, u8(0x0E)) + D16 + IV16, 0x6A80),
    ("oneshot-no-key", "CipherOneShot", "order", 0x37, CBC + D16 + IV16, 0x6A80),
    ("oneshot-no-mode", "CipherOneShot", "order", 0x37, K1 + D16 + IV16, 0x6A80),
    ("oneshot-t5", "CipherOneShot", "order", 0x37, K1 + CBC + D16 + tlv(0x45, bytes(16)), 0x6A80),
    ("oneshot-unknown-mode", "CipherOneShot", "denied", 0x37, K1 + tlv(0x42, u8(0x0F)) + D16, 0x6A80),
    ("oneshot-pkcs5-of-aes", "CipherOneShot", "denied", 0x37, K1 + tlv(0x42, u8(0x18)) + D16, 0x6A80),
    ("oneshot-des-key", "CipherOneShot", "denied", 0x37, k(2) + CBC + D16, 0x6985),
    ("oneshot-hmac-key", "CipherOneShot", "denied", 0x37, k(5) + CBC + D16, 0x6985),
    ("oneshot-absent", "CipherOneShot", "denied", 0x37, k(99) + CBC + D16, 0x6985),
    ("oneshot-no-right-to-encrypt", "CipherOneShot", "denied", 0x37, k(3) + CBC + D16, 0x6986),
    ("oneshot-no-right-to-decrypt", "CipherOneShot", "denied", 0x38, k(4) + CBC + D16, 0x6986),
    ("init-co-of-one-byte", "CipherInit", "length", 0x42, K1 + tlv(0x42, u8(15)) + IV16, 0x6A80),
    ("init-iv-of-8", "CipherInit", "length", 0x42, K1 + CO + tlv(0x44, bytes(8)), 0x6A80),
    ("init-no-key", "CipherInit", "order", 0x42, CO + IV16, 0x6A80),
    ("init-no-co", "CipherInit", "order", 0x43, K1 + IV16, 0x6A80),
    ("init-a-digest", "CipherInit", "denied", 0x42, K1 + tlv(0x42, u16(1)), 0x6985),
    ("init-des-key", "CipherInit", "denied", 0x42, k(2) + CO, 0x6985),
    ("init-no-right-to-encrypt", "CipherInit", "denied", 0x42, k(3) + CO, 0x6986),
    ("init-no-right-to-decrypt", "CipherInit", "denied", 0x43, k(4) + CO, 0x6986),
    ("update-co-of-four-bytes", "CipherUpdate", "length", 0x0C, tlv(0x42, u32(15)) + D16, 0x6A80),
    ("update-before-init", "CipherUpdate", "order", 0x0C, CO + D16, 0x6985),
    ("update-with-key", "CipherUpdate", "order", 0x0C, K1 + CO + D16, 0x6A80),
    ("update-a-digest", "CipherUpdate", "denied", 0x0C, tlv(0x42, u16(1)) + D16, 0x6985),
    ("final-co-of-one-byte", "CipherFinal", "length", 0x0D, tlv(0x42, u8(15)), 0x6A80),
    ("final-before-init", "CipherFinal", "order", 0x0D, CO, 0x6985),
    ("final-a-digest", "CipherFinal", "denied", 0x0D, tlv(0x42, u16(1)), 0x6985),
))
def test_cipher_refused(chip, p2, data, want):
    fixed_keys(chip)
    crypto_object(chip, 15, CIPHER, 0x0D)
    crypto_object(chip, 1, DIGEST, 4)
    assert sw(chip, 3, 0x0E, p2, data) == want


@pytest.mark.chip("CipherFinal", kind="length")
def test_a_cipher_that_failed_is_over(chip):
    oid, co = key(chip, AES, K128), tlv(0x42, crypto_object(chip, 15, CIPHER, 0x0D))
    chip.command(3, 0x0E, 0x42, tlv(0x41, u32(oid)), co)
    assert sw(chip, 3, 0x0E, 0x0D, co, tlv(0x43, b"x")) == 0x6A80
    assert sw(chip, 3, 0x0E, 0x0D, co, D16) == 0x6985


# ---- MACs: RFC 4231, RFC 2202, RFC 4493, SP 800-38B ----

JEFE, WANT = b"Jefe", b"what do ya want for nothing?"
TDES_CMAC = h("8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5")
MACS = {
    "rfc2202-1": (0x18, HMAC, b"\x0b" * 20, b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
    "rfc4231-1-256": (0x19, HMAC, b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    "rfc4231-2-256": (0x19, HMAC, JEFE, WANT, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    "rfc4231-1-384": (0x1A, HMAC, b"\x0b" * 20, b"Hi There", "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
                      "faea9ea9076ede7f4af152e8b2fa9cb6"),
    "rfc4231-1-512": (0x1B, HMAC, b"\x0b" * 20, b"Hi There", "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
                      "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"),
    "rfc4493-1": (0x31, AES, K128, b"", "bb1d6929e95937287fa37d129b756746"),
    "rfc4493-2": (0x31, AES, K128, PLAIN[:16], "070a16b46b4d4144f79bdd9dd04a287c"),
    "rfc4493-3": (0x66, AES, K128, PLAIN[:40], "dfa66747de9ae63030ca32611497c827"),
    "rfc4493-4": (0x31, AES, K128, PLAIN, "51f0bebf7e3b9d92fc49741779363cfe"),
    "sp800-38b-tdes-1": (0x7A, DES, TDES_CMAC, b"", "b7a688e122ffaf95"),
    "sp800-38b-tdes-2": (0x7A, DES, TDES_CMAC, PLAIN[:8], "8e8f293136283797"),
}


@pytest.mark.parametrize("name", MACS)
@pytest.mark.chip("MACOneShot", kind="positive")
@pytest.mark.chip("MACOneShotValidate", kind="positive")
def test_mac_oneshot_positive(chip, name):
    algorithm, kind, value, text, want = MACS[name]
    head = tlv(0x41, u32(key(chip, kind, value))), tlv(0x42, u8(algorithm)), tlv(0x43, text) if text else b""
    want = h(want)
    assert chip.command(3, 0x0D, 0x45, *head) == {0x41: want}
    assert chip.command(3, 0x0D, 0x46, *head, tlv(0x45, want)) == {0x41: b"\x01"}
    for wrong in (bytes([want[0] ^ 1]) + want[1:], want[:-1], want + b"\0", b""):
        assert chip.command(3, 0x0D, 0x46, *head, tlv(0x45, wrong)) == {0x41: b"\x02"}


@pytest.mark.parametrize("name", MACS)
@pytest.mark.chip("MACInit", kind="positive")
@pytest.mark.chip("MACUpdate", kind="positive")
@pytest.mark.chip("MACFinal", kind="positive")
def test_mac_in_steps_positive(chip, name):
    algorithm, kind, value, text, want = MACS[name]
    oid, co = tlv(0x41, u32(key(chip, kind, value))), tlv(0x42, crypto_object(chip, 21, MAC, algorithm))
    for p2, check, answer in ((0x03, b"", h(want)), (0x44, tlv(0x43, h(want)), b"\1"), (0x44, tlv(0x43, h(want)[:-1] + b"?"), b"\2")):
        assert chip.command(3, 0x0D, p2, oid, co) == {}
        half = len(text) // 2
        if half:
            assert chip.command(3, 0x0D, 0x0C, tlv(0x41, text[:half]), co) == {}
        assert chip.command(3, 0x0D, 0x0D, tlv(0x41, text[half:]) if text else b"", co, check) == {0x41: answer}


@pytest.mark.chip("MACOneShotValidate", kind="positive", applet="7.2")
def test_a_shortest_length_allows_a_truncated_mac(parts):
    """RFC 4231 test case 5: the first 128 bits."""
    with cc.Chip(parts("7.2").socket) as c:
        oid = key(c, HMAC, b"\x0c" * 20, extra=tlv(0x45, u16(16)))
        head = tlv(0x41, u32(oid)), tlv(0x42, u8(0x19)), tlv(0x43, b"Test With Truncation")
        short = h("a3b6167473100ee06e0c796c2955552b")
        assert c.command(3, 0x0D, 0x46, *head, tlv(0x45, short)) == {0x41: b"\x01"}
        assert c.command(3, 0x0D, 0x46, *head, tlv(0x45, short[:15])) == {0x41: b"\x02"}


MK = {0x52000001: (HMAC, JEFE, ()), 0x52000002: (HMAC, JEFE, ("verify",)), 0x52000003: (HMAC, JEFE, ("sign",)),
      0x52000004: (AES, K128, ())}
A19, T, M = tlv(0x42, u8(0x19)), tlv(0x43, WANT), tlv(0x45, bytes(32))
MCO = tlv(0x42, u16(21))


def m(number):
    return tlv(0x41, u32(0x52000000 + number))


@pytest.mark.parametrize("p2, data, want", marked(
    ("oneshot-id-of-three", "MACOneShot", "length", 0x45, tlv(0x41, b"\0\0\1") + A19 + T, 0x6A80),
    ("oneshot-algorithm-of-two", "MACOneShot", "length", 0x45, m(1) + tlv(0x42, u16(0x19)) + T, 0x6A80),
    ("oneshot-no-algorithm", "MACOneShot", "order", 0x45, m(1) + T, 0x6A80),
    ("oneshot-with-mac", "MACOneShot", "order", 0x45, m(1) + A19 + T + M, 0x6A80),
    ("oneshot-unknown", "MACOneShot", "denied", 0x45, m(1) + tlv(0x42, u8(0x17)) + T, 0x6A80),
    ("oneshot-aes-key", "MACOneShot", "denied", 0x45, m(4) + A19 + T, 0x6985),
    ("oneshot-no-right-to-sign", "MACOneShot", "denied", 0x45, m(2) + A19 + T, 0x6986),
    ("validate-id-of-five", "MACOneShotValidate", "length", 0x46, tlv(0x41, bytes(5)) + A19 + T + M, 0x6A80),
    ("validate-no-mac", "MACOneShotValidate", "order", 0x46, m(1) + A19 + T, 0x6A80),
    ("validate-no-right-to-verify", "MACOneShotValidate", "denied", 0x46, m(3) + A19 + T + M, 0x6986),
    ("init-co-of-one", "MACInit", "length", 0x03, m(1) + tlv(0x42, u8(21)), 0x6A80),
    ("init-no-key", "MACInit", "order", 0x03, MCO, 0x6A80),
    ("init-aes-key", "MACInit", "denied", 0x03, m(4) + MCO, 0x6985),
    ("init-no-right-to-sign", "MACInit", "denied", 0x03, m(2) + MCO, 0x6986),
    ("init-no-right-to-verify", "MACInit", "denied", 0x44, m(3) + MCO, 0x6986),
    ("init-a-digest", "MACInit", "denied", 0x03, m(1) + tlv(0x42, u16(1)), 0x6985),
    ("update-co-of-one", "MACUpdate", "length", 0x0C, tlv(0x41, b"a") + tlv(0x42, u8(21)), 0x6A80),
    ("update-before-init", "MACUpdate", "order", 0x0C, tlv(0x41, b"a") + MCO, 0x6985),
    ("update-neighbours-tags", "MACUpdate", "order", 0x0C, MCO + tlv(0x43, b"a"), 0x6A80),
    ("update-a-digest", "MACUpdate", "denied", 0x0C, tlv(0x41, b"a") + tlv(0x42, u16(1)), 0x6985),
    ("final-co-of-one", "MACFinal", "length", 0x0D, tlv(0x41, b"a") + tlv(0x42, u8(21)), 0x6A80),
    ("final-before-init", "MACFinal", "order", 0x0D, tlv(0x41, b"a") + MCO, 0x6985),
    ("final-a-digest", "MACFinal", "denied", 0x0D, tlv(0x41, b"a") + tlv(0x42, u16(1)), 0x6985),
))
def test_mac_refused(chip, p2, data, want):
    from chip_crypto import policy
    for oid, (kind, value, rights) in MK.items():
        if not chip.exists(oid):
            chip.command(1, kind, 0, tlv(0x11, policy(*rights)) if rights else b"", tlv(0x41, u32(oid)), tlv(0x43, value))
    crypto_object(chip, 21, MAC, 0x19)
    crypto_object(chip, 1, DIGEST, 4)
    assert sw(chip, 3, 0x0D, p2, data) == want


@pytest.mark.chip("MACFinal", kind="order")
def test_generating_takes_no_mac_and_validating_wants_one(chip):
    oid, co = tlv(0x41, u32(key(chip, HMAC, JEFE))), tlv(0x42, crypto_object(chip, 21, MAC, 0x19))
    chip.command(3, 0x0D, 0x03, oid, co)
    assert sw(chip, 3, 0x0D, 0x0D, tlv(0x41, b"a"), co, tlv(0x43, bytes(32))) == 0x6A80
    chip.command(3, 0x0D, 0x44, oid, co)
    assert sw(chip, 3, 0x0D, 0x0D, tlv(0x41, b"a"), co) == 0x6A80


# ---- AEAD: the GCM specification's test cases, RFC 3610, SP 800-38C ----

GCM_TEXT = h("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
AEADS = {
    "gcm-1": (0xB0, bytes(16), bytes(12), b"", b"", "", "58e2fccefa7e3061367f1d57a4e7455a"),
    "gcm-4": (0xB0, h("feffe9928665731c6d6a8f9467308308"), h("cafebabefacedbaddecaf888"), h("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
              GCM_TEXT, "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
              "5bc94fbc3221a5db94fae95ae7121a47"),
    "gcm-5-iv-of-8": (0xB0, h("feffe9928665731c6d6a8f9467308308"), h("cafebabefacedbad"), h("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
                      GCM_TEXT, "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598",
                      "3612d2e79e3b0785561be14aaca2fccb"),
    "rfc3610-1": (0xF4, h("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"), h("00000003020100a0a1a2a3a4a5"), bytes(range(8)), bytes(range(8, 0x1F)),
                  "588c979a61c663d2f066d0c2c0f989806d5f6b61dac384", "17e8d12cfdf926e0"),
    "sp800-38c-1": (0xF4, bytes(range(0x40, 0x50)), bytes(range(0x10, 0x17)), bytes(range(8)), h("20212223"), "7162015b", "4dac255d"),
}


def opt(tag, value):
    return tlv(tag, value) if value else b""


@pytest.mark.parametrize("name", AEADS)
@pytest.mark.chip("AEADOneShot", kind="positive")
def test_aead_oneshot_positive(chip, name):
    mode, value, iv, aad, text, coded, tag = AEADS[name]
    coded, tag = h(coded), h(tag)
    head = tlv(0x41, u32(key(chip, AES, value))), tlv(0x42, u8(mode))
    got = chip.command(3, 0x11, 0x37, *head, opt(0x43, text), opt(0x44, aad), tlv(0x45, iv), tlv(0x46, u16(len(tag))), extended=True)
    assert got == ({0x41: coded, 0x42: tag} if text else {0x42: tag})
    rest = opt(0x43, coded), opt(0x44, aad), tlv(0x45, iv)
    got = chip.command(3, 0x11, 0x38, *head, *rest, tlv(0x46, tag), extended=True)
    assert got == ({0x41: text, 0x42: b"\1"} if text else {0x42: b"\1"})
    wrong = bytes([tag[0] ^ 0x80]) + tag[1:]
    assert chip.command(3, 0x11, 0x38, *head, *rest, tlv(0x46, wrong), extended=True) == {0x42: b"\2"}


@pytest.mark.parametrize("name", AEADS)
@pytest.mark.chip("AEADInit", kind="positive", applet="7.2")
@pytest.mark.chip("AEADUpdate", kind="positive", applet="7.2")
@pytest.mark.chip("AEADFinal", kind="positive", applet="7.2")
def test_aead_in_steps_positive(parts, name):
    mode, value, iv, aad, text, coded, tag = AEADS[name]
    coded, tag = h(coded), h(tag)
    with cc.Chip(parts("7.2").socket) as c:
        head = tlv(0x41, u32(key(c, AES, value))), tlv(0x42, crypto_object(c, 26, AEAD, mode)), tlv(0x45, iv)
        co = head[1]
        for p2, given, want, last, verdict in ((0x42, text, coded, u16(len(tag)), tag), (0x43, coded, text, tag, b"\1"),
                                               (0x43, coded, None, bytes(len(tag)), b"\2")):
            assert c.command(3, 0x11, p2, *head) == {}
            for piece in (aad[:5], aad[5:]):
                if piece:
                    assert c.command(3, 0x11, 0x0C, co, tlv(0x44, piece)) == {}
            got = b"".join(c.command(3, 0x11, 0x0C, co, tlv(0x43, given[i:i + 7]))[0x41] for i in range(0, len(given), 7))
            end = c.command(3, 0x11, 0x0D, co, tlv(0x46, last))
            assert list(end) == [0x41, 0x42] and end[0x42] == verdict
            if want is not None:
                assert got + end[0x41] == want
            elif mode == 0xF4:
                assert got + end[0x41] == b""  # CCM tells nothing that is not authentic


@pytest.mark.parametrize("mode, lengths", [(0xF3, (12, 16, 60)), (0xF5, (7, 12, 13))])
@pytest.mark.chip("AEADOneShot", kind="positive", applet="7.2")
@pytest.mark.chip("AEADInit", kind="positive", applet="7.2")
def test_aead_with_an_iv_of_the_parts_own(parts, mode, lengths):
    lib = AESGCM if mode == 0xF3 else AESCCM
    with cc.Chip(parts("7.2").socket) as c:
        oid = key(c, AES, K256, "encrypt", "decrypt", "own_iv")
        t1 = tlv(0x41, u32(oid))
        for n in lengths:
            got = c.command(3, 0x11, 0x37, t1, tlv(0x42, u8(mode)), tlv(0x43, PLAIN), tlv(0x44, b"aad"), tlv(0x45, u16(n)))
            assert list(got) == [0x41, 0x42, 0x43] and len(got[0x43]) == n
            assert lib(K256).decrypt(got[0x43], got[0x41] + got[0x42], b"aad") == PLAIN
            back = c.command(3, 0x11, 0x38, t1, tlv(0x42, u8(mode)), tlv(0x43, got[0x41]), tlv(0x44, b"aad"), tlv(0x45, got[0x43]), tlv(0x46, got[0x42]))
            assert back == {0x41: PLAIN, 0x42: b"\1"}
        co = tlv(0x42, crypto_object(c, 27, AEAD, mode))
        iv = c.command(3, 0x11, 0x42, t1, co, tlv(0x45, u16(12)))[0x43]
        text = c.command(3, 0x11, 0x0C, co, tlv(0x43, PLAIN))[0x41]
        end = c.command(3, 0x11, 0x0D, co)
        assert lib(K256).decrypt(iv, text + end[0x41] + end[0x42], None) == PLAIN
        outer = 0xB0 if mode == 0xF3 else 0xF4
        assert sw(c, 3, 0x11, 0x37, t1, tlv(0x42, u8(outer)), tlv(0x43, PLAIN), tlv(0x45, bytes(12))) == 0x6986


@pytest.mark.chip("AEADOneShot", kind="denied", applet="7.2")
@pytest.mark.chip("AEADFinal", kind="denied", applet="7.2")
def test_the_shortest_tag_of_a_key(parts):
    with cc.Chip(parts("7.2").socket) as c:
        oid = key(c, AES, K128, extra=tlv(0x44, u16(12)))
        head = tlv(0x41, u32(oid)), tlv(0x42, u8(0xB0)), tlv(0x43, PLAIN), tlv(0x45, bytes(12))
        tag = c.command(3, 0x11, 0x37, *head, tlv(0x46, u16(12)))[0x42]
        assert len(tag) == 12
        assert sw(c, 3, 0x11, 0x37, *head, tlv(0x46, u16(8))) == 0x6985
        assert sw(c, 3, 0x11, 0x38, *head, tlv(0x46, tag[:8])) == 0x6985
        co = tlv(0x42, crypto_object(c, 26, AEAD, 0xB0))
        c.command(3, 0x11, 0x42, head[0], co, head[3])
        assert sw(c, 3, 0x11, 0x0D, co, tlv(0x46, u16(8))) == 0x6985


GCM, IV12, TEXT, TAG16 = tlv(0x42, u8(0xB0)), tlv(0x45, bytes(12)), tlv(0x43, b"text"), tlv(0x46, bytes(16))
ACO = tlv(0x42, u16(26))


@pytest.mark.parametrize("p2, data, want", marked(
    ("no-iv", "AEADOneShot", "length", 0x37, K1 + GCM + TEXT, 0x6A80),
    ("iv-of-65", "AEADOneShot", "length", 0x37, K1 + GCM + TEXT + tlv(0x45, bytes(65)), 0x6A80),
    ("ccm-iv-of-6", "AEADOneShot", "length", 0x37, K1 + tlv(0x42, u8(0xF4)) + TEXT + tlv(0x45, bytes(6)), 0x6A80),
    ("ccm-iv-of-14", "AEADOneShot", "length", 0x37, K1 + tlv(0x42, u8(0xF4)) + TEXT + tlv(0x45, bytes(14)), 0x6A80),
    ("tag-of-17", "AEADOneShot", "length", 0x38, K1 + GCM + TEXT + IV12 + tlv(0x46, bytes(17)), 0x6A80),
    ("tag-of-3", "AEADOneShot", "length", 0x37, K1 + GCM + TEXT + IV12 + tlv(0x46, u16(3)), 0x6A80),
    ("ccm-odd-tag", "AEADOneShot", "length", 0x37, K1 + tlv(0x42, u8(0xF4)) + TEXT + IV12 + tlv(0x46, u16(9)), 0x6A80),
    ("tag-length-of-one-byte", "AEADOneShot", "length", 0x37, K1 + GCM + TEXT + IV12 + tlv(0x46, u8(16)), 0x6A80),
    ("no-tag-to-check", "AEADOneShot", "order", 0x38, K1 + GCM + TEXT + IV12, 0x6A80),
    ("no-mode", "AEADOneShot", "order", 0x37, K1 + TEXT + IV12, 0x6A80),
    ("t7", "AEADOneShot", "order", 0x37, K1 + GCM + TEXT + IV12 + tlv(0x47, b""), 0x6A80),
    ("unknown-mode", "AEADOneShot", "denied", 0x37, K1 + tlv(0x42, u8(0xB1)) + TEXT + IV12, 0x6A80),
    ("des-key", "AEADOneShot", "denied", 0x37, k(2) + GCM + TEXT + IV12, 0x6985),
    ("no-right-to-encrypt", "AEADOneShot", "denied", 0x37, k(3) + GCM + TEXT + IV12, 0x6986),
    ("no-right-to-decrypt", "AEADOneShot", "denied", 0x38, k(4) + GCM + TEXT + IV12 + TAG16, 0x6986),
))
def test_aead_oneshot_refused(chip, p2, data, want):
    fixed_keys(chip)
    assert sw(chip, 3, 0x11, p2, data) == want


def marked_7x(*cases):
    return [pytest.param(*c[3:], marks=pytest.mark.chip(c[1], kind=c[2], applet="7.2"), id=c[0]) for c in cases]


@pytest.mark.parametrize("p2, data, want", marked_7x(
    ("init-iv-of-65", "AEADInit", "length", 0x42, K1 + ACO + tlv(0x45, bytes(65)), 0x6A80),
    ("init-co-of-one", "AEADInit", "length", 0x42, K1 + tlv(0x42, u8(26)) + IV12, 0x6A80),
    ("init-no-iv", "AEADInit", "order", 0x42, K1 + ACO, 0x6A80),
    ("init-no-key", "AEADInit", "order", 0x42, ACO + IV12, 0x6A80),
    ("init-a-digest", "AEADInit", "denied", 0x42, K1 + tlv(0x42, u16(1)) + IV12, 0x6985),
    ("init-no-right-to-encrypt", "AEADInit", "denied", 0x42, k(3) + ACO + IV12, 0x6986),
    ("init-no-right-to-decrypt", "AEADInit", "denied", 0x43, k(4) + ACO + IV12, 0x6986),
    ("update-co-of-one", "AEADUpdate", "length", 0x0C, tlv(0x42, u8(26)) + TEXT, 0x6A80),
    ("update-before-init", "AEADUpdate", "order", 0x0C, ACO + TEXT, 0x6985),
    ("update-a-digest", "AEADUpdate", "denied", 0x0C, tlv(0x42, u16(1)) + TEXT, 0x6985),
    ("final-co-of-one", "AEADFinal", "length", 0x0D, tlv(0x42, u8(26)) + TAG16, 0x6A80),
    ("final-before-init", "AEADFinal", "order", 0x0D, ACO + TAG16, 0x6985),
    ("final-a-digest", "AEADFinal", "denied", 0x0D, tlv(0x42, u16(1)) + TAG16, 0x6985),
))
def test_aead_in_steps_refused(parts, p2, data, want):
    with cc.Chip(parts("7.2").socket) as c:
        fixed_keys(c)
        crypto_object(c, 26, AEAD, 0xB0)
        crypto_object(c, 1, DIGEST, 4)
        assert sw(c, 3, 0x11, p2, data) == want


@pytest.mark.chip("AEADUpdate", kind="order", applet="7.2")
@pytest.mark.chip("AEADUpdate", kind="length", applet="7.2")
@pytest.mark.chip("AEADFinal", kind="length", applet="7.2")
def test_aead_steps_out_of_order(parts):
    with cc.Chip(parts("7.2").socket) as c:
        oid = tlv(0x41, u32(key(c, AES, K128)))
        for mode in (0xB0, 0xF4):
            co = tlv(0x42, crypto_object(c, 26, AEAD, mode))
            c.command(3, 0x11, 0x42, oid, co, IV12)
            assert sw(c, 3, 0x11, 0x0C, co, TEXT, tlv(0x44, b"both")) == 0x6A80
            assert sw(c, 3, 0x11, 0x0C, co) == 0x6A80
            c.command(3, 0x11, 0x0C, co, TEXT)
            assert sw(c, 3, 0x11, 0x0C, co, tlv(0x44, b"late")) == 0x6985
            assert sw(c, 3, 0x11, 0x0D, co, TAG16) == 0x6985  # and that was the end of it
            c.command(3, 0x11, 0x43, oid, co, IV12)
            assert sw(c, 3, 0x11, 0x0D, co) == 0x6A80  # decrypting without a tag
        c.command(3, 0x11, 0x42, oid, co, IV12)
        c.command(3, 0x11, 0x0C, co, tlv(0x43, bytes(800)), extended=True)
        assert sw(c, 3, 0x11, 0x0C, co, tlv(0x43, bytes(100))) == 0x6A80  # more CCM than one answer gives back


def test_work_ends_with_its_object(chip):
    co = tlv(0x42, crypto_object(chip, 21, MAC, 0x19))
    chip.command(3, 0x0D, 0x03, tlv(0x41, u32(key(chip, HMAC, os.urandom(32)))), co)
    chip.command(4, 0x10, 0x28, tlv(0x41, u16(21)))
    crypto_object(chip, 21, MAC, 0x19)
    assert sw(chip, 3, 0x0D, 0x0D, tlv(0x41, b"a"), co) == 0x6985
