"""libsedge-se.so against both personalities of the virtual chip, its results checked with OpenSSL (cryptography)."""

import contextlib
import ctypes
import hashlib
import hmac as pyhmac
import os
import pathlib
import tempfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import cmac, hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils, x448, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

import sedge_se as lib
import test_vse_external as external
from chip_client import Part, untlv
from conftest import BIN, BUILD, LONG
from sedge_se import BOOL, OUT, SIZE, U8, U32, U64, Fixed, bytes_of, how, rule

ID = 0x20181001
SHA256 = hashes.SHA256()
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


@pytest.fixture
def se(procs, tmp_path, applet):
    part = Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet).start()
    s = lib.Se(f"vse:{part.socket}")
    s.applet, s.seven, s.part = applet, applet == "7.2", part
    yield s
    s.close()


def refused(code, call, *arguments, **kw):
    with pytest.raises(lib.SeError) as e:
        call(*arguments, **kw)
    assert e.value.code == code, e.value
    assert e.value.detail
    return e.value


def numbers(n, length=None):
    return n.to_bytes(length or (n.bit_length() + 7) // 8, "big")


# ---- the chip ----

def test_what_it_is(se):
    assert se.version() == tuple(int(x) for x in se.applet.split(".")) + (0,)
    assert len(se.uid(Fixed(18))) == 18 and se.uid(Fixed(18)) == se.read(0x7FFF0206, OUT)
    a, b = (ctypes.create_string_buffer(700) for _ in range(2))
    se.random(a, 700)
    se.random(b, 700)
    assert a.raw != b.raw and a.raw[512:].count(0) < 20
    assert se.free_memory(1, U32) > 1000
    first, then = se.timestamp(Fixed(12)), se.timestamp(Fixed(12))
    assert first < then
    assert se.command(bytes.fromhex("8004002000"), OUT)[:2] == b"\x41\x07"
    refused(lib.UNSUPPORTED, se.command, bytes.fromhex("8077000000"), OUT)


def test_state_and_self_test_of_7x(se):
    if not se.seven:
        for call in ((se.state, BOOL, U8, BOOL), (se.self_test, 0xF906, BOOL), (se.version_ext, Fixed(37))):
            refused(lib.UNSUPPORTED, *call)
        return
    assert se.state(BOOL, U8, BOOL) == (False, 0, False)
    assert se.self_test(0xFD02, BOOL) is True
    refused(lib.INVALID, se.self_test, 0x1234, BOOL)
    assert se.version_ext(Fixed(37))[:3] == b"\x07\x02\x00"


def test_settings_want_their_session(se):
    for call in ((se.delete_all,), (se.lock, True, True), (se.require_scp, True), (se.set_features, 0x3FFF, b""), (se.restrict, True, 1)):
        assert refused(lib.NOT_FOUND, *call).detail


# ---- objects ----

def test_files(se, rng):
    data = rng.randbytes(1700)
    assert not se.exists(ID, BOOL)
    se.write_file(ID, data, None)
    assert se.exists(ID, BOOL) and se.size(ID, SIZE) == 1700 and se.type(ID, U8, BOOL) == (lib.BINARY, False)
    assert se.read(ID, OUT, room=2000) == data
    assert refused(lib.TOO_BIG, se.read, ID, OUT, room=1699)
    se.update_file(ID, 1000, b"hello")
    data = data[:1000] + b"hello" + data[1005:]
    assert se.read_at(ID, 998, 600, OUT) == data[998:1598]
    refused(lib.NOT_FOUND, se.update_file, ID, 1699, b"xx")
    refused(lib.NOT_FOUND, se.read_at, ID, 1699, 2, OUT)
    se.create_file(ID + 1, 10, None)
    assert se.read(ID + 1, OUT) == bytes(10)
    refused(lib.EXISTS, se.create_file, ID + 1, 10, None)
    assert {ID, ID + 1} <= set(se.ids(lib.BINARY)) <= set(se.ids())
    array = (ctypes.c_uint32 * 1)()
    refused(lib.TOO_BIG, se.list, lib.ALL, array, 1, SIZE)
    se.delete(ID)
    assert refused(lib.NOT_FOUND, se.delete, ID)


def test_policies_and_attributes(se):
    se.generate_ec(ID, 3, how(rule(lib.SIGN | lib.READ | lib.DELETE), rule(lib.VERIFY, auth=0x7DA00001)))
    a = lib.Attributes()
    se.attributes(ID, a)
    assert (a.id, a.auth, a.origin, a.owner, a.n_rules) == (ID, False, 2, 0, 2)
    assert [(r.auth, r.rights) for r in a.rules[:2]] == [(0, lib.SIGN | lib.READ | lib.DELETE), (0x7DA00001, lib.VERIFY)]
    assert se.lib.sedge_se_type_class(a.type) == lib.EC_PAIR
    signature = se.sign_ecdsa(ID, bytes(32), OUT)
    refused(lib.DENIED, se.verify_ecdsa, ID, bytes(32), signature, BOOL)
    refused(lib.DENIED, se.generate_ec, ID, 3, None)  # neither generate nor write
    refused(lib.EXISTS, se.generate_ec, ID, 3, how(rule(lib.SIGN)))
    se.delete(ID)
    se.write_ec_pair(ID, 3, *p256_parts(ec.generate_private_key(ec.SECP256R1())), how(rule(lib.SIGN)))
    se.attributes(ID, a)
    assert a.origin == 1
    refused(lib.DENIED, se.delete, ID)
    refused(lib.NOT_FOUND, se.attributes, ID + 1, a)


def test_a_pcr_condition(se):
    se.create_pcr(ID, ctypes.c_char_p(bytes(32)), None)
    value = (ctypes.c_ubyte * 32)(*hashlib.sha256(bytes(32) + b"boot").digest())
    se.write_file(ID + 1, b"sealed", how(rule(lib.READ | lib.REQUIRE_PCR, pcr=ID, pcr_value=value)))
    refused(lib.DENIED, se.read_at, ID + 1, 0, 6, OUT)
    se.extend_pcr(ID, b"boot")
    assert se.read_pcr(ID, Fixed(32)) == bytes(value)
    assert se.read_at(ID + 1, 0, 6, OUT) == b"sealed"
    se.reset_pcr(ID)
    assert se.read_pcr(ID, Fixed(32)) == bytes(32)
    refused(lib.DENIED, se.read_at, ID + 1, 0, 6, OUT)
    a = lib.Attributes()
    se.attributes(ID + 1, a)
    assert a.rules[0].pcr == ID and bytes(a.rules[0].pcr_value) == bytes(value)


def test_user_ids(se):
    se.write_userid(ID, b"123456", how(rule(lib.DELETE), max_attempts=5))
    a = lib.Attributes()
    se.attributes(ID, a)
    assert (a.auth, a.attempts, a.max_attempts) == (True, 0, 5)
    assert se.type(ID, U8, BOOL)[0] == lib.USERID
    refused(lib.EXISTS, se.write_userid, ID, b"1234", None)
    refused(lib.DENIED, se.read, ID, OUT)
    refused(lib.INVALID, se.write_userid, ID + 1, b"123", None)


def test_versions_of_7x(se):
    if not se.seven:
        assert refused(lib.INVALID, se.write_file, ID, b"x", how(version=3))
        return
    se.write_file(ID, b"x", how(version=3))
    a = lib.Attributes()
    se.attributes(ID, a)
    assert a.version == 3


def test_counters(se):
    se.create_counter(ID, 2, ctypes.c_uint64(5), None)
    se.increment_counter(ID)
    assert se.read_counter(ID, U64) == 6
    se.raise_counter(ID, 2, ctypes.c_uint64(0x1234))
    assert se.read_counter(ID, U64) == 0x1234
    refused(lib.INVALID, se.raise_counter, ID, 2, ctypes.c_uint64(0x10000))
    with pytest.raises(lib.SeError):  # only upward
        se.raise_counter(ID, 2, ctypes.c_uint64(1))
    assert se.read_counter(ID, U64) == 0x1234
    refused(lib.EXISTS, se.create_counter, ID, 2, ctypes.c_uint64(0), None)


def test_transient_objects_are_exported_and_come_back(se):
    policy = how(rule(lib.EXPORT | lib.DELETE | lib.SIGN | lib.VERIFY | lib.WRITE | lib.READ), transient=True)
    se.write_secret(ID, secret(lib.HMAC, b"k" * 32), policy)
    assert se.type(ID, U8, BOOL) == (lib.HMAC, True)
    mac = se.mac(ID, 0x19, b"abc", OUT)
    blob = se.export(ID, 0xFF, OUT)
    assert b"k" * 8 not in blob
    getattr(se, "import")(ID, 0xFF, blob)
    assert se.mac(ID, 0x19, b"abc", OUT) == mac
    with pytest.raises(lib.SeError):
        getattr(se, "import")(ID, 0xFF, blob[:-1] + bytes([blob[-1] ^ 1]))


def test_a_write_that_somebody_else_sealed(se):
    """The owner of a key in the chip made it for this chip beforehand; the bytes come from test_vse_external's own host."""
    class Reader:
        def read(self, oid):
            return se.ec_public(oid, OUT)

    se.write_ec_public(external.HOST, 3, external.point_of(external.LONG_TERM), how(auth=True, max_attempts=5))
    for broken in (True, False):
        parts = untlv(external.sealed(Reader(), se.applet, external.KEY, break_mac=broken).data)
        if broken:
            refused(lib.DENIED, se.import_external, parts[0x13], external.HOST, parts[0x41])
            assert not se.exists(external.A, BOOL)
        else:
            se.import_external(parts[0x13], external.HOST, parts[0x41])
    a = lib.Attributes()
    se.attributes(external.A, a)
    assert (a.type, a.owner) == (lib.AES, external.HOST)


# ---- secret keys ----

def secret(kind, value, kek=0, **more):
    return lib.Secret(kind, bytes_of(value), kek, **more)


def steps(se, context, subtype, number=0x2001):
    se.crypto_object_ensure(lib.CryptoObject(number, context, subtype))
    return number


@pytest.mark.parametrize("size", (16, 24, 32))
def test_aes(se, size, rng):
    value, iv, data = rng.randbytes(size), rng.randbytes(16), rng.randbytes(64)
    se.write_secret(ID, secret(lib.AES, value), None)
    assert se.size(ID, SIZE) == size
    for mode, ours in ((0x0E, modes.ECB()), (0x0D, modes.CBC(iv)), (0xF0, modes.CTR(iv))):
        theirs = Cipher(algorithms.AES(value), ours).encryptor()
        want = theirs.update(data) + theirs.finalize()
        vector = b"" if mode == 0x0E else iv
        assert se.cipher(ID, mode, True, vector, data, OUT) == want
        assert se.cipher(ID, mode, False, vector, want, OUT) == data
    refused(lib.INVALID, se.cipher, ID, 0x0D, True, iv, data[:15], OUT)
    refused(lib.DENIED, se.read, ID, OUT)


def test_aes_in_steps(se, rng):
    value, iv, data = rng.randbytes(16), rng.randbytes(16), rng.randbytes(1600)
    se.write_secret(ID, secret(lib.AES, value), None)
    number = steps(se, 2, 0x0D)
    theirs = Cipher(algorithms.AES(value), modes.CBC(iv)).encryptor()
    want = theirs.update(data) + theirs.finalize()
    se.begin()
    try:
        se.cipher_init(number, ID, True, iv)
        got = se.cipher_update(number, data[:7], OUT) + se.cipher_update(number, data[7:1500], OUT, room=1600)
        got += se.cipher_final(number, data[1500:], OUT)
    finally:
        se.end()
    assert got == want
    found = (lib.CryptoObject * 128)()
    n = se.crypto_object_list(found, 128, SIZE)
    assert (number, 2, 0x0D) in [(o.id, o.context, o.subtype) for o in found[:n]]
    se.crypto_object_delete(number)
    refused(lib.NOT_FOUND, se.cipher_init, number, ID, True, iv)


def test_ctr_under_the_chips_own_iv(se, rng):
    value, data = rng.randbytes(16), rng.randbytes(33)
    se.write_secret(ID, secret(lib.AES, value), None)
    if not se.seven:
        refused(lib.UNSUPPORTED, se.cipher_own_iv, ID, 16, data, OUT, OUT)
        return
    sealed, iv = se.cipher_own_iv(ID, 16, data, OUT, OUT)
    theirs = Cipher(algorithms.AES(value), modes.CTR(iv)).decryptor()
    assert theirs.update(sealed) + theirs.finalize() == data


def test_des(se, rng):
    value, iv, data = rng.randbytes(24), rng.randbytes(8), rng.randbytes(24)
    se.write_secret(ID, secret(lib.DES, value), None)
    theirs = Cipher(algorithms.TripleDES(value), modes.CBC(iv)).encryptor()
    assert se.cipher(ID, 1, True, iv, data, OUT) == theirs.update(data) + theirs.finalize()


def test_macs(se, rng):
    key, long = rng.randbytes(32), rng.randbytes(2000)
    se.write_secret(ID, secret(lib.HMAC, key), None)
    se.write_secret(ID + 1, secret(lib.AES, key[:16]), None)
    for algorithm, name in ((0x18, "sha1"), (0x19, "sha256"), (0x1A, "sha384"), (0x1B, "sha512")):
        for data in (b"", b"abc", long[:700]):
            want = pyhmac.new(key, data, name).digest()
            assert se.mac(ID, algorithm, data, OUT) == want
            assert se.mac_check(ID, algorithm, data, want, BOOL) is True
            assert se.mac_check(ID, algorithm, data, want[:-1] + bytes([want[-1] ^ 1]), BOOL) is False
    theirs = cmac.CMAC(algorithms.AES(key[:16]))
    theirs.update(long)
    want = theirs.finalize()
    assert se.mac_any(ID + 1, 0x31, long, OUT) == want
    assert se.mac_any(ID, 0x19, long, OUT) == pyhmac.new(key, long, "sha256").digest()
    number = steps(se, 3, 0x31)
    se.begin()
    try:
        se.mac_init(number, ID + 1)
        se.mac_update(number, long[:1999])
        assert se.mac_final(number, long[1999:], OUT) == want
        for wrong in (False, True):
            se.mac_check_init(number, ID + 1)
            se.mac_update(number, long)
            assert se.mac_check_final(number, b"x" if wrong else b"", want, BOOL) is not wrong
    finally:
        se.end()


def test_digests(se, rng):
    data = rng.randbytes(1000)
    for mode, name in ((1, "sha1"), (7, "sha224"), (4, "sha256"), (5, "sha384"), (6, "sha512")):
        assert se.digest(mode, data[:500], OUT) == hashlib.new(name, data[:500]).digest()
        assert se.digest(mode, b"", OUT) == hashlib.new(name).digest()
    number = steps(se, 1, 4)
    se.begin()
    try:
        se.digest_init(number)
        se.digest_update(number, data)
        assert se.digest_final(number, b"", OUT) == hashlib.sha256(data).digest()
    finally:
        se.end()


def test_aead(se, rng):
    key, iv, aad, data = rng.randbytes(16), rng.randbytes(12), b"header", rng.randbytes(300)
    se.write_secret(ID, secret(lib.AES, key), None)
    for mode, theirs in ((0xB0, AESGCM(key)), (0xF4, AESCCM(key))):
        want = theirs.encrypt(iv, data, aad)
        aead = lib.Aead(mode, bytes_of(iv), 0, bytes_of(aad))
        assert se.seal(ID, aead, data, 16, OUT, OUT, None) == (want[:-16], want[-16:])
        assert se.unseal(ID, aead, want[:-16], want[-16:], OUT) == data
        assert refused(lib.AUTH, se.unseal, ID, aead, want[:-16], bytes(16), OUT)
        assert se.seal(ID, aead, b"", 16, OUT, OUT, None) == (b"", theirs.encrypt(iv, b"", aad))


def test_gcm_in_steps(se, rng):
    key, iv, aad, data = rng.randbytes(32), rng.randbytes(12), rng.randbytes(30), rng.randbytes(1900)
    se.write_secret(ID, secret(lib.AES, key), None)
    want = AESGCM(key).encrypt(iv, data, aad)
    if not se.seven:  # AEAD in steps came with 7.x
        refused(lib.INVALID, se.crypto_object_ensure, lib.CryptoObject(0x2001, 4, 0xB0))
        return
    number = steps(se, 4, 0xB0)
    se.begin()
    try:
        se.aead_init(number, ID, True, iv)
        se.aead_aad(number, aad)
        got = se.aead_update(number, data, OUT, room=2000)
        more, tag = se.seal_final(number, 16, OUT, OUT)
        assert got + more + tag == want
        for tag in (want[-16:], bytes(16)):
            se.aead_init(number, ID, False, iv)
            se.aead_aad(number, aad)
            got = se.aead_update(number, want[:-16], OUT, room=2000)
            if tag == bytes(16):
                refused(lib.AUTH, se.unseal_final, number, tag, OUT)
            else:
                assert got + se.unseal_final(number, tag, OUT) == data
    finally:
        se.end()


def test_gcm_under_the_chips_own_iv(se, rng):
    key, data = rng.randbytes(16), rng.randbytes(20)
    se.write_secret(ID, secret(lib.AES, key), None)
    aead = lib.Aead(0xB0, bytes_of(b""), 12, bytes_of(b""))
    if not se.seven:
        refused(lib.UNSUPPORTED, se.seal, ID, aead, data, 16, OUT, OUT, OUT)
        return
    sealed, tag, iv = se.seal(ID, aead, data, 16, OUT, OUT, OUT)
    assert AESGCM(key).decrypt(iv, sealed + tag, b"") == data


def test_wrapped_keys(se, rng):
    kek, value = rng.randbytes(16), rng.randbytes(32)
    se.write_secret(ID, secret(lib.AES, kek), None)
    for kind, target in ((lib.AES, ID + 1), (lib.HMAC, ID + 2)):
        se.write_secret(target, secret(kind, keywrap.aes_key_wrap(kek, value), ID), None)
        assert se.size(target, SIZE) == 32
    assert se.mac(ID + 2, 0x19, b"abc", OUT) == pyhmac.new(value, b"abc", "sha256").digest()
    theirs = Cipher(algorithms.AES(value), modes.ECB()).encryptor()
    assert se.cipher(ID + 1, 0x0E, True, b"", bytes(16), OUT) == theirs.update(bytes(16)) + theirs.finalize()
    with pytest.raises(lib.SeError):
        se.write_secret(ID + 3, secret(lib.AES, keywrap.aes_key_wrap(rng.randbytes(16), value), ID), None)
    assert not se.exists(ID + 3, BOOL)


def test_generated_secrets(se):
    se.generate_secret(ID, lib.AES, 32, None)
    se.generate_secret(ID + 1, lib.AES, 32, None)
    assert se.cipher(ID, 0x0E, True, b"", bytes(16), OUT) != se.cipher(ID + 1, 0x0E, True, b"", bytes(16), OUT)
    refused(lib.INVALID, se.generate_secret, ID + 2, lib.AES, 20, None)


def test_derivation(se, rng):
    key, salt, info = rng.randbytes(32), rng.randbytes(20), b"context"
    se.write_secret(ID, secret(lib.HMAC, key), None)
    want = HKDF(SHA256, 48, salt, info).derive(key)
    assert se.hkdf(ID, lib.Hkdf(4, False, bytes_of(salt), bytes_of(info), 0, 48, 0), OUT) == want
    assert se.hkdf(ID, lib.Hkdf(4, True, bytes_of(b""), bytes_of(info), 0, 48, 0), OUT) == HKDFExpand(SHA256, 48, info).derive(key)
    want = PBKDF2HMAC(hashes.SHA1(), 40, salt, 1000).derive(key)
    assert se.pbkdf2(ID, lib.Pbkdf2(bytes_of(salt), 0, 1000, 40, 0, 0), OUT) == want
    if not se.seven:
        refused(lib.UNSUPPORTED, se.hkdf, ID, lib.Hkdf(4, False, bytes_of(salt), bytes_of(info), 0, 48, ID + 1), None)
        return
    se.write_secret(ID + 1, secret(lib.HMAC, bytes(32)), None)
    se.hkdf(ID, lib.Hkdf(4, False, bytes_of(salt), bytes_of(info), 0, 32, ID + 1), None)
    derived = HKDF(SHA256, 32, salt, info).derive(key)
    assert se.mac(ID + 1, 0x19, b"x", OUT) == pyhmac.new(derived, b"x", "sha256").digest()
    want = PBKDF2HMAC(hashes.SHA256(), 40, salt, 1000).derive(key)
    assert se.pbkdf2(ID, lib.Pbkdf2(bytes_of(salt), 0, 1000, 40, 0x19, 0), OUT) == want


def prf(secret_, seed, n):
    out, a = b"", seed
    while len(out) < n:
        a = pyhmac.new(secret_, a, "sha256").digest()
        out += pyhmac.new(secret_, a + seed, "sha256").digest()
    return out[:n]


def test_tls_secrets(se, rng):
    pms, server = rng.randbytes(48), rng.randbytes(32)
    rights = how() if not se.seven else how(rule(0x80000000 | 0x400 | lib.DELETE))
    se.write_secret(ID, secret(lib.HMAC, pms), rights)
    se.begin()
    try:
        client = se.tls_random(Fixed(32))
        got = se.tls_prf(ID, 0x4C, 4, b"master secret", server, 48, OUT)
    finally:
        se.end()
    assert got == prf(pms, b"master secret" + client + server, 48)
    if se.seven:
        assert se.tls_prf(ID, 0x5A, 4, b"master secret", client + server, 48, OUT) == got


def test_tls_pre_master_secret(se):
    pair = ec.generate_private_key(ec.SECP256R1())
    se.generate_ec(ID, 3, None)
    se.write_secret(ID + 1, secret(lib.HMAC, bytes(32)), None)
    se.tls_pre_master(ID + 1, 0, ID, pair.public_key().public_bytes(*POINT), 0)
    shared = pair.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), se.ec_public(ID, OUT)))
    assert se.mac(ID + 1, 0x19, b"x", OUT) == pyhmac.new(shared, b"x", "sha256").digest()


# ---- EC ----

CURVES = {1: ec.SECP192R1, 2: ec.SECP224R1, 3: ec.SECP256R1, 4: ec.SECP384R1, 5: ec.SECP521R1, 9: ec.BrainpoolP256R1,
          0x0B: ec.BrainpoolP384R1, 0x0C: ec.BrainpoolP512R1, 0x10: ec.SECP256K1}
#: those that OpenSSL knows and `cryptography` does not
BARE_CURVES = (6, 7, 8, 0x0A, 0x0D, 0x0E, 0x0F, 0x11)


def p256_parts(key):
    n = (key.curve.key_size + 7) // 8
    return numbers(key.private_numbers().private_value, n), key.public_key().public_bytes(*POINT)


@pytest.mark.parametrize("curve", CURVES)
def test_curves(se, curve):
    kind = CURVES[curve]
    se.generate_ec(ID, curve, None)
    assert se.ec_curve(ID, U8) == curve
    public = ec.EllipticCurvePublicKey.from_encoded_point(kind(), se.ec_public(ID, OUT))
    digest = hashlib.sha256(b"message").digest()
    public.verify(se.sign_ecdsa(ID, digest, OUT), b"message", ec.ECDSA(SHA256)) if curve not in (1, 2) else None
    other = ec.generate_private_key(kind())
    assert se.agree(ID, curve, other.public_key().public_bytes(*POINT), OUT) == other.exchange(ec.ECDH(), public)
    scalar, point = p256_parts(other)
    se.write_ec_pair(ID + 1, curve, scalar, point, None)
    se.write_ec_private(ID + 2, curve, scalar, None)
    se.write_ec_public(ID + 3, curve, point, None)
    digest = hashlib.sha1(b"message").digest()
    for signer in (ID + 1, ID + 2):
        other.public_key().verify(se.sign_ecdsa(signer, digest, OUT), digest, ec.ECDSA(utils.Prehashed(hashes.SHA1())))
    theirs = other.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA1())))
    assert se.verify_ecdsa(ID + 3, digest, theirs, BOOL) is True
    assert se.verify_ecdsa(ID + 3, bytes(20), theirs, BOOL) is False
    refused(lib.DENIED, se.ec_public, ID + 2, OUT)


@pytest.mark.parametrize("curve", BARE_CURVES)
def test_the_other_curves(se, curve):
    """Two keys of the chip's on each: they sign for each other and agree."""
    se.generate_ec(ID, curve, None)
    se.generate_ec(ID + 1, curve, None)
    digest = hashlib.sha1(b"message").digest()
    assert se.verify_ecdsa(ID, digest, se.sign_ecdsa(ID, digest, OUT), BOOL) is True
    assert se.agree(ID, curve, se.ec_public(ID + 1, OUT), OUT) == se.agree(ID + 1, curve, se.ec_public(ID, OUT), OUT)
    table = (ctypes.c_bool * 18)()
    se.curve_list(table)
    assert table[curve]
    se.delete(ID)
    se.delete(ID + 1)
    se.curve_delete(curve)
    se.curve_list(table)
    assert not table[curve]


def test_ed25519(se, rng):
    se.generate_ec(ID, 0x40, None)
    public = ed25519.Ed25519PublicKey.from_public_bytes(se.ec_public(ID, OUT))
    for message in (b"", b"abc", rng.randbytes(700)):
        signature = se.sign_ed25519(ID, message, Fixed(64))
        public.verify(signature, message)
        assert se.verify_ed25519(ID, message, ctypes.c_char_p(signature), BOOL) is True
        assert se.verify_ed25519(ID, message + b"x", ctypes.c_char_p(signature), BOOL) is False
    ours = ed25519.Ed25519PrivateKey.generate()
    seed = ours.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    se.write_ec_pair(ID + 1, 0x40, seed, ours.public_key().public_bytes(*RAW), None)
    assert se.sign_ed25519(ID + 1, b"abc", Fixed(64)) == ours.sign(b"abc")
    refused(lib.TOO_BIG, se.sign_ed25519, ID, bytes(1100), Fixed(64))


@pytest.mark.parametrize("curve, kind", ((0x41, x25519.X25519PrivateKey), (0x43, x448.X448PrivateKey)))
def test_montgomery(se, curve, kind):
    ours = kind.generate()
    mine = ours.public_key().public_bytes(*RAW)
    se.generate_ec(ID, curve, None)
    theirs = type(ours.public_key()).from_public_bytes(se.ec_public(ID, OUT))
    shared = ours.exchange(theirs)
    assert se.agree(ID, curve, mine, OUT) == shared
    raw = ours.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
    se.write_ec_pair(ID + 1, curve, raw, mine, None)
    assert se.agree(ID + 1, curve, theirs.public_bytes(*RAW), OUT) == shared
    if not se.seven:
        refused(lib.UNSUPPORTED, se.agree_into, ID, curve, mine, ID + 2)
        return
    se.write_secret(ID + 2, secret(lib.HMAC, bytes(len(shared))), None)
    se.agree_into(ID, curve, mine, ID + 2)  # in RFC order there, too
    assert se.mac(ID + 2, 0x19, b"x", OUT) == pyhmac.new(shared, b"x", "sha256").digest()


def test_agreement_in_other_forms(se):
    ours = ec.generate_private_key(ec.SECP256R1())
    point = ours.public_key().public_bytes(*POINT)
    se.generate_ec(ID, 3, None)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), se.ec_public(ID, OUT))
    x = ours.exchange(ec.ECDH(), public)
    assert se.agree_sha1(ID, 3, point, OUT) == hashlib.sha1(x).digest()
    if not se.seven:
        return
    se.agree_into(ID, 3, point, ID + 1)
    assert se.multiply(ID, 6, point, 0, 0, OUT)[:33] == b"\x04" + x
    se.write_ec_public(ID + 2, 3, point, None)
    assert se.multiply(ID, 6, b"", ID + 2, 0, OUT)[:33] == b"\x04" + x


# ---- RSA ----

def rsa_parts(key):
    n = key.private_numbers()
    half = key.key_size // 16
    crt = dict(n=numbers(n.public_numbers.n), e=b"\1\0\1", p=numbers(n.p), q=numbers(n.q), dp=numbers(n.dmp1, half), dq=numbers(n.dmq1, half),
               qinv=numbers(n.iqmp, half))
    plain = dict(n=crt["n"], e=crt["e"], d=numbers(n.d, key.key_size // 8))
    return crt, plain


def rsa_struct(parts):
    return lib.Rsa(**{k: bytes_of(v) for k, v in parts.items()})


@pytest.mark.parametrize("bits", (1024, 2048) + ((3072, 4096) if LONG else ()))
def test_rsa(se, bits):
    key = rsa.generate_private_key(65537, bits)
    crt, plain = rsa_parts(key)
    se.write_rsa_pair(ID, rsa_struct(crt), None)
    se.write_rsa_pair(ID + 1, rsa_struct(plain), None)
    se.write_rsa_private(ID + 2, rsa_struct(plain), None)
    se.write_rsa_public(ID + 3, crt["n"], crt["e"], None)
    assert se.rsa_public(ID, OUT, OUT) == se.rsa_public(ID + 1, OUT, OUT) == (crt["n"], crt["e"])
    for signer in (ID, ID + 1, ID + 2):
        key.public_key().verify(se.sign_rsa(signer, 0x28, b"message", OUT), b"message", padding.PKCS1v15(), SHA256)
        key.public_key().verify(se.sign_rsa(signer, 0x2C, b"message", OUT), b"message", padding.PSS(padding.MGF1(SHA256), padding.PSS.AUTO), SHA256)
    theirs = key.sign(b"message", padding.PKCS1v15(), SHA256)
    assert se.verify_rsa(ID + 3, 0x28, b"message", theirs, BOOL) is True
    assert se.verify_rsa(ID + 3, 0x28, b"other", theirs, BOOL) is False
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    for algorithm, pad in ((0x0A, padding.PKCS1v15()), (0x0F, oaep)):
        assert se.decrypt_rsa(ID, algorithm, key.public_key().encrypt(b"secret", pad), OUT) == b"secret"
        assert key.decrypt(se.encrypt_rsa(ID + 3, algorithm, b"secret", OUT), pad) == b"secret"
    block = bytes(1) + os.urandom(bits // 8 - 1)
    assert se.encrypt_rsa(ID + 3, 0x0C, se.decrypt_rsa(ID, 0x0C, block, OUT), OUT) == block
    refused(lib.INVALID, se.write_rsa_pair, ID + 4, rsa_struct({**crt, "dq": b""}), None)
    assert not se.exists(ID + 4, BOOL)


def test_rsa_generated_in_the_chip(se):
    for make, oid, kind in ((se.generate_rsa, ID, lib.RSA_PAIR_CRT), (se.generate_rsa_plain, ID + 1, lib.RSA_PAIR)):
        make(oid, 1024, None)
        assert se.type(oid, U8, BOOL)[0] == kind
        n, e = (int.from_bytes(x, "big") for x in se.rsa_public(oid, OUT, OUT))
        assert n.bit_length() == 1024 and e == 65537
        rsa.RSAPublicNumbers(e, n).public_key().verify(se.sign_rsa(oid, 0x28, b"m", OUT), b"m", padding.PKCS1v15(), SHA256)
    refused(lib.UNSUPPORTED, se.generate_rsa, ID + 2, 1000, None)


# ---- the chip's own bus ----

def test_i2c_master(se):
    memory = ctypes.create_string_buffer(2)
    read = lambda: lib.I2cm(4, 0, 0, bytes_of(b""), lib.Out(ctypes.cast(memory, ctypes.c_void_p), 2, 0), False)
    list_ = (lib.I2cm * 3)(lib.I2cm(1, 0x49, 0), lib.I2cm(3, 0, 0, bytes_of(b"\x00")), read())
    se.i2cm(list_, 3)
    assert [s.done for s in list_] == [True] * 3 and memory.raw == b"\x19\x00"
    list_ = (lib.I2cm * 2)(lib.I2cm(1, 0x50, 0), read())
    se.i2cm(list_, 2)
    assert [s.done for s in list_] == [True, False] and list_[1].read.n == 0


# ---- sessions, and the settings that want one; new keys for the channel ----

@contextlib.contextmanager
def session(se, kind, oid, value):
    opened = ctypes.c_void_p()
    se.session_open(kind, oid, value, False, ctypes.byref(opened))
    lib_ = se.lib
    lib_.sedge_se_session_close.restype = lib_.sedge_se_session_end.restype = None
    se._check(lib_.sedge_se_session_begin(opened))
    try:
        yield opened
    finally:
        lib_.sedge_se_session_end(opened)
        lib_.sedge_se_session_close(opened)


def test_policies_bound_to_a_pin(se):
    se.write_userid(0x7DA00001, b"123456", how(max_attempts=3))
    se.generate_ec(ID, 3, how(rule(lib.SIGN, auth=0x7DA00001), rule(lib.READ)))
    refused(lib.DENIED, se.sign_ecdsa, ID, bytes(32), OUT)
    with session(se, 0, 0x7DA00001, b"123456") as s:
        assert se.sign_ecdsa(ID, bytes(32), OUT)
        se.write_file(ID + 1, b"mine", None)
        se._check(se.lib.sedge_se_session_limit(s, 5, 0, True))
        se._check(se.lib.sedge_se_session_refresh(s))
    a = lib.Attributes()
    se.attributes(ID + 1, a)
    assert a.owner == 0x7DA00001
    for left in (2, 1, 0):
        refused(lib.AUTH, se.session_open, 0, 0x7DA00001, b"654321", False, ctypes.byref(ctypes.c_void_p()))
        se.attributes(0x7DA00001, a)
        assert a.attempts == 3 - left
    refused(lib.DENIED, se.session_open, 0, 0x7DA00001, b"123456", False, ctypes.byref(ctypes.c_void_p()))


def test_authentication_keys(se, rng):
    aes, (scalar, point) = rng.randbytes(16), p256_parts(ec.generate_private_key(ec.SECP256R1()))
    se.write_secret(0x7DA00002, secret(lib.AES, aes), how(auth=True, max_attempts=10))
    se.write_ec_public(0x7DA00003, 3, point, how(auth=True))
    se.write_file(ID, b"for one", how(rule(lib.READ, auth=0x7DA00002)))
    se.write_file(ID + 1, b"for two", how(rule(lib.READ, auth=0x7DA00003)))
    for kind, oid, value, file, other in ((1, 0x7DA00002, aes, ID, ID + 1), (2, 0x7DA00003, scalar, ID + 1, ID)):
        refused(lib.DENIED, se.read_at, file, 0, 7, OUT)
        with session(se, kind, oid, value):
            assert se.read_at(file, 0, 7, OUT).startswith(b"for ")
            refused(lib.DENIED, se.read_at, other, 0, 7, OUT)


def test_settings_in_their_session(se):
    for oid in (0x7FFF0200, 0x7FFF0204, 0x7FFF0205, 0x7FFF020A):
        se.write_userid(oid, b"123456", None)
    se.write_file(ID, b"x", None)
    with session(se, 0, 0x7FFF0200, b"123456"):
        se.lock(False, True)
    refused(lib.NOT_FOUND, se.read_at, ID, 0, 1, OUT)
    if se.seven:
        assert se.exists(ID, BOOL)
    with session(se, 0, 0x7FFF0200, b"123456"):
        se.lock(False, False)
    assert se.read(ID, OUT) == b"x"
    if se.seven:
        assert se.state(BOOL, U8, BOOL)[0] is False
    with session(se, 0, 0x7FFF0204, b"123456"):
        se.set_features(0x3FFF & ~0x0100, b"")  # no DES any more
    refused(lib.NOT_FOUND, se.write_secret, ID + 1, secret(lib.DES, bytes(range(8))), None)
    with session(se, 0, 0x7FFF0205, b"123456"):
        se.delete_all()
    assert not se.exists(ID, BOOL)
    with session(se, 0, 0x7FFF020A, b"123456"):
        se.restrict(False, 1)
    refused(lib.DENIED, se.write_file, ID, b"x", None)


def key_file(path, keys):
    path.write_text("".join(f"{name} {value.hex()}\n" for name, value in zip(("ENC", "MAC", "DEK"), keys)))
    path.chmod(0o600)
    return str(path)


@pytest.fixture
def private(applet):
    """A folder for key files: they are not taken from /tmp."""
    with tempfile.TemporaryDirectory(prefix="keys.", dir=BUILD.resolve()) as folder:
        yield pathlib.Path(folder)


def test_the_channels_keys_are_changed(procs, tmp_path, private, applet, rng):
    old, new = (key_file(private / name, [rng.randbytes(16) for _ in range(3)]) for name in ("old", "new"))
    no_dek = key_file(private / "short", [rng.randbytes(16) for _ in range(2)])
    part = Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet, "--scp-keys", old).start()
    port = f"vse:{part.socket}"
    plain = lib.Se(port, "none")
    names = [ctypes.c_char_p(x.encode()) for x in (old, new, no_dek)]
    assert refused(17, plain.rotate_scp, names[0], names[1])  # no channel
    plain.close()
    se = lib.Se(port, old)
    se.write_file(ID, b"in the channel", None)
    refused(lib.INVALID, se.rotate_scp, names[0], names[2])
    refused(lib.INVALID, se.rotate_scp, names[0], ctypes.c_char_p(b"auto"))
    with pytest.raises(lib.SeError):
        se.rotate_scp(names[1], names[1])  # the wrong DEK
    se.rotate_scp(names[0], names[1])
    se.close()
    with pytest.raises(lib.SeError) as e:
        lib.Se(port, old)
    assert e.value.code == lib.AUTH
    se = lib.Se(port, new)
    assert se.read(ID, OUT) == b"in the channel"
    se.close()


# ---- attestation ----

def test_attested_attributes(se):
    """Believed with the key of the chip's certificate, which the chip does not get to choose."""
    certificate = x509.load_der_x509_certificate(se.read(0xF0000013, OUT))
    by = lib.Attest(0, bytes_of(certificate.public_key().public_bytes(*POINT)))
    se.generate_ec(ID, 3, None)
    se.write_ec_pair(ID + 1, 3, *p256_parts(ec.generate_private_key(ec.SECP256R1())), None)
    se.generate_rsa(ID + 2, 1024, None)
    times = []
    for oid, inside in ((ID, True), (ID + 1, False), (ID + 2, True)):
        for trusted in (by, None):
            proof = lib.Proof()
            se.attest_attributes(oid, trusted, proof)
            assert proof.generated_inside is inside and proof.attributes.id == oid
            assert bytes(proof.chip_id) == se.uid(Fixed(18))
            times.append(bytes(proof.timestamp))
    assert times == sorted(set(times))
    stranger = lib.Attest(0, bytes_of(ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*POINT)))
    assert "signature" in refused(lib.AUTH, se.attest_attributes, ID, stranger, proof).detail
    refused(lib.NOT_FOUND, se.attest_attributes, ID + 9, None, proof)
    value = se.attest_read(ID, by, OUT, proof)
    assert value == se.ec_public(ID, OUT) and proof.generated_inside


def test_attested_with_a_key_of_ones_own(se):
    se.generate_ec(ID, 3, how(rule(lib.READ | lib.ATTEST)))
    se.generate_ec(ID + 1, 3, None)
    se.generate_ec(ID + 2, 4, how(rule(lib.READ | lib.ATTEST)))
    se.generate_ec(ID + 3, 3, how(rule(lib.READ | lib.SIGN)))
    proof = lib.Proof()
    se.attest_attributes(ID + 1, lib.Attest(ID), proof)
    assert proof.generated_inside
    refused(lib.UNSUPPORTED, se.attest_attributes, ID + 1, lib.Attest(ID + 2), proof)  # not P-256
    refused(lib.DENIED, se.attest_attributes, ID + 1, lib.Attest(ID + 3), proof)


def test_attested_work(se):
    memory = ctypes.create_string_buffer(2)
    list_ = (lib.I2cm * 3)(lib.I2cm(1, 0x49, 0), lib.I2cm(3, 0, 0, bytes_of(b"\x00")),
                           lib.I2cm(4, 0, 0, bytes_of(b""), lib.Out(ctypes.cast(memory, ctypes.c_void_p), 2, 0), False))
    se.attest_i2cm(list_, 3, None)
    assert memory.raw == b"\x19\x00"
    if se.seven:
        assert se.attest_self_test(0xFE01, None, BOOL) is True
    else:
        refused(lib.UNSUPPORTED, se.attest_self_test, 0xFE01, None, BOOL)


# ---- SPAKE2+ and DESFire: the part with itself, and with a card made here ----

def test_spake2_plus(se, rng):
    if not se.seven:
        refused(lib.UNSUPPORTED, se.pake_configure, 0x2002, 1)
        return
    w0, key = rng.randbytes(31).rjust(32, b"\0"), ec.generate_private_key(ec.SECP256R1())
    w1, point = p256_parts(key)
    for oid, value in ((ID, w0), (ID + 1, w1), (ID + 2, point), (ID + 3, w0[:-1] + bytes([w0[-1] ^ 1]))):
        se.write_secret(oid, secret(lib.HMAC, value), None)
    for w0_of_b, good in ((ID, True), (ID + 3, False)):
        a, b = steps(se, 5, 1, 0x2002), steps(se, 5, 1, 0x2003)
        se.begin()
        try:
            for number, device in ((a, 1), (b, 2)):
                se.pake_configure(number, device)
                assert se.pake_device(number, U8) == device
                se.pake_names(number, b"context", b"client", b"server")
            se.pake_credentials(a, ID, ID + 1, 0)
            se.pake_credentials(b, w0_of_b, 0, ID + 2)
            share_a = se.pake_share(a, b"", OUT)
            share_b = se.pake_share(b, share_a, OUT)
            assert se.pake_state(a, U8) == 0xA5
            key_a, confirm_a = se.pake_keys(a, share_b, OUT, OUT)
            key_b, confirm_b = se.pake_keys(b, share_a, OUT, OUT)
            assert (key_a == key_b) is good
            for number, confirm in ((a, confirm_b), (b, confirm_a)):
                se.pake_verify(number, confirm) if good else refused(lib.AUTH, se.pake_verify, number, confirm)
        finally:
            se.end()


def cbc(key, iv, data, encrypt):
    c = Cipher(algorithms.AES(key), modes.CBC(iv))
    c = c.encryptor() if encrypt else c.decryptor()
    return c.update(data) + c.finalize()


def test_desfire_authentication(se, rng):
    """The card's half by AN12343: its challenge, the reader's proof, the transaction identifier back."""
    key = rng.randbytes(16)
    se.write_secret(ID, secret(lib.AES, key), None)
    rnd_b, ti = rng.randbytes(16), rng.randbytes(4)
    for card_key in (key, rng.randbytes(16)):
        se.begin()
        try:
            proof = cbc(key, bytes(16), se.desfire_first_part1(ID, ctypes.c_char_p(cbc(key, bytes(16), rnd_b, True)), Fixed(32)), False)
            rnd_a = proof[:16]
            assert proof[16:] == rnd_b[1:] + rnd_b[:1]
            answer = cbc(card_key, bytes(16), ti + rnd_a[1:] + rnd_a[:1] + bytes(12), True)
            if card_key is key:
                assert len(se.desfire_first_part2(ctypes.c_char_p(answer), Fixed(12))) == 12
                dump = se.desfire_dump(Fixed(38))
                assert dump[32:36] == ti
                se.desfire_end()
                refused(lib.NOT_FOUND, se.desfire_dump, Fixed(38))
            else:
                refused(lib.DENIED, se.desfire_first_part2, ctypes.c_char_p(answer), Fixed(12))
        finally:
            se.end()


# ---- outputs ----

def test_outputs_are_untouched_on_failure(se):
    memory = ctypes.create_string_buffer(b"unchanged")
    out = lib.Out(ctypes.cast(memory, ctypes.c_void_p), 9, 77)
    refused(lib.NOT_FOUND, se.read, ID, ctypes.byref(out))
    assert memory.raw == b"unchanged\0" and out.n == 77
    se.write_file(ID, b"longer than that", None)
    refused(lib.TOO_BIG, se.read, ID, ctypes.byref(out))
    assert memory.raw == b"unchanged\0" and out.n == 77
