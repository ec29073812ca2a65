"""Published test vectors through the applet, on both personalities: tests/vectors/*.json name their sources.

The vectors themselves are checked against python-cryptography first (test_the_vectors_are_right), so a slip of the pen in a file is
not blamed on the chip. Then seeded random cross-checks of the same commands, and the edge cases a verifier is known to trip over.
"""

import hashlib
import hmac
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import cmac, hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils, x448, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import chip_client as cc
import chip_commands as cmd
from conftest import APPLETS, BIN, TOP, Processes

VECTORS = TOP / "tests/vectors"
KEY, OTHER, CID = 0x400, 0x401, 0x80
CURVES = {1: ec.SECP192R1(), 2: ec.SECP224R1(), 3: ec.SECP256R1(), 4: ec.SECP384R1(), 5: ec.SECP521R1()}


def load(name):
    """The vectors of a file, hex strings made bytes where that is what they are."""
    hexed = {"key", "iv", "plain", "encrypted", "data", "tag", "aad", "digest", "salt", "info", "prk", "out", "private", "public", "peer",
             "shared", "signature", "r", "s", "kek", "wrapped"}
    rows = json.loads((VECTORS / f"{name}.json").read_text())["vectors"]
    return [{k: bytes.fromhex(v) if k in hexed and v is not None else v for k, v in row.items()} for row in rows]


def each(name, *commands, only=lambda v: True, applets=APPLETS):
    """Parameter sets (applet, vector), one case for each of the commands named."""
    return [pytest.param(applet, v, id=f"{v['id'].replace(' ', '-')}-{applet}",
                         marks=[pytest.mark.chip(c(v) if callable(c) else c, kind="positive", applet=applet) for c in commands])
            for v in load(name) if only(v) for applet in applets]


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    procs = Processes(tmp_path_factory.mktemp("logs"))
    out = {}
    for applet in APPLETS:
        part = cc.Part(procs, BIN / "sedge-chip", tmp_path_factory.mktemp("chip"), "--applet", applet).start()
        out[applet] = cc.Chip(part.socket)
        for curve in (1, 2, 3, 4):
            out[applet].make_curve(curve)
    yield out
    for chip in out.values():
        chip.close()
    procs.stop_all()


@pytest.fixture
def chip(chips, applet):
    """The chip of this case's personality, without the objects of the case before."""
    c = chips[applet]
    yield c
    for oid in (KEY, OTHER):
        if c.exists(oid):
            c.delete(oid)
    listed = c.run(cmd.read_crypto_list())[0x41]
    for i in range(0, len(listed), 4):
        c.run(cmd.delete_crypto_object(int.from_bytes(listed[i:i + 2], "big")))


# ---- the vectors themselves ----


def reference_cipher(v):
    alg = algorithms.AES(v["key"]) if v["cipher"] == "AES" else algorithms.TripleDES(v["key"])
    mode = {"ECB": lambda iv: modes.ECB(), "CBC": modes.CBC, "CTR": modes.CTR}[v["mode"]](v["iv"])
    e = Cipher(alg, mode).encryptor()
    return e.update(v["plain"]) + e.finalize()


def reference_mac(v):
    if v["mac"] == "HMAC":
        return hmac.new(v["key"], v["data"], v["hash"].lower()).digest()
    c = cmac.CMAC(algorithms.AES(v["key"]))
    c.update(v["data"])
    return c.finalize()


def reference_aead(v):
    aead = AESGCM(v["key"]) if v["mode"] == "GCM" else AESCCM(v["key"], len(v["tag"]))
    return aead.encrypt(v["iv"], v["plain"], v["aad"])


def reference_kdf(v):
    if v["kdf"] == "PBKDF2":
        return hashlib.pbkdf2_hmac("sha1", v["key"], v["salt"], v["iterations"], len(v["out"]))
    assert hmac.new(v["salt"] or bytes(1), v["key"], v["hash"].lower()).digest() == v["prk"]
    return HKDF(getattr(hashes, v["hash"])(), len(v["out"]), v["salt"], v["info"]).derive(v["key"])


def reference_ecdh(v):
    if v["curve"] in CURVES:
        own = ec.derive_private_key(int.from_bytes(v["private"], "big"), CURVES[v["curve"]])
        return own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVES[v["curve"]], v["peer"]))
    m, private, public = ((x25519, x25519.X25519PrivateKey, x25519.X25519PublicKey) if v["curve"] == cmd.X25519 else
                          (x448, x448.X448PrivateKey, x448.X448PublicKey))
    return private.from_private_bytes(v["private"]).exchange(public.from_public_bytes(v["peer"]))


def test_the_vectors_are_right():
    for v in load("cipher"):
        assert reference_cipher(v) == v["encrypted"], v["id"]
    for v in load("mac"):
        assert reference_mac(v) == v["tag"], v["id"]
    for v in load("digest"):
        assert hashlib.new(v["hash"].lower(), v["data"]).digest() == v["digest"], v["id"]
    for v in load("aead"):
        assert reference_aead(v) == v["encrypted"] + v["tag"], v["id"]
    for v in load("kdf"):
        assert reference_kdf(v) == v["out"], v["id"]
    for v in load("ecdh"):
        assert reference_ecdh(v) == v["shared"], v["id"]
    for v in load("eddsa"):
        assert ed25519.Ed25519PrivateKey.from_private_bytes(v["private"]).sign(v["data"]) == v["signature"], v["id"]
    for v in load("ecdsa"):
        ec.EllipticCurvePublicKey.from_encoded_point(CURVES[v["curve"]], v["public"]).verify(
            dss(v), v["digest"], ec.ECDSA(utils.Prehashed(getattr(hashes, v["hash"])())))
    for v in load("keywrap"):
        assert keywrap.aes_key_wrap(v["kek"], v["key"]) == v["wrapped"], v["id"]


def dss(v):
    return utils.encode_dss_signature(int.from_bytes(v["r"], "big"), int.from_bytes(v["s"], "big"))


# ---- ciphers ----

CIPHER_MODE = {("AES", "ECB"): cmd.AES_ECB, ("AES", "CBC"): cmd.AES_CBC, ("AES", "CTR"): cmd.AES_CTR,
               ("DES", "ECB"): cmd.DES_ECB, ("DES", "CBC"): cmd.DES_CBC}
SYMM = {"AES": 3, "DES": 4, "HMAC": 5}


@pytest.mark.parametrize("applet, v", each("cipher", "CipherOneShot", "WriteSymmKey"))
def test_ciphers_in_one_shot(chip, v):
    mode = CIPHER_MODE[v["cipher"], v["mode"]]
    assert chip.run(cmd.write_symm(KEY, SYMM[v["cipher"]], v["key"])) == {}
    assert chip.run(cmd.cipher_oneshot(KEY, mode, v["plain"], True, v["iv"])) == {0x41: v["encrypted"]}
    assert chip.run(cmd.cipher_oneshot(KEY, mode, v["encrypted"], False, v["iv"])) == {0x41: v["plain"]}


@pytest.mark.parametrize("encrypt", [True, False])
@pytest.mark.parametrize("applet, v", each("cipher", "CipherInit", "CipherUpdate", "CipherFinal"))
def test_ciphers_in_steps(chip, v, encrypt):
    data, want = (v["plain"], v["encrypted"]) if encrypt else (v["encrypted"], v["plain"])
    chip.run(cmd.write_symm(KEY, SYMM[v["cipher"]], v["key"]))
    assert chip.run(cmd.create_crypto_object(CID, cmd.CIPHER_OBJECT, CIPHER_MODE[v["cipher"], v["mode"]])) == {}
    assert chip.run(cmd.cipher_init(KEY, CID, encrypt, v["iv"])) == {}
    out = b""
    for piece in (data[:3], data[3:20]):
        out += chip.run(cmd.cipher_update(CID, piece)).get(0x41, b"")
    assert out == want[:len(out)]
    out += chip.run(cmd.cipher_final(CID, data[20:])).get(0x41, b"")
    assert out == want


# ---- MACs ----


def mac_mode(v):
    return cmd.CMAC_128 if v["mac"] == "CMAC" else {"SHA1": cmd.HMAC_SHA1, "SHA256": cmd.HMAC_SHA256, "SHA384": cmd.HMAC_SHA384,
                                                    "SHA512": cmd.HMAC_SHA512}[v["hash"]]


@pytest.mark.parametrize("applet, v", each("mac", "MACOneShot", "MACOneShotValidate", "WriteSymmKey"))
def test_macs_in_one_shot(chip, v):
    chip.run(cmd.write_symm(KEY, 3 if v["mac"] == "CMAC" else 5, v["key"]))
    assert chip.run(cmd.mac_oneshot(KEY, mac_mode(v), v["data"])) == {0x41: v["tag"]}
    assert chip.run(cmd.mac_validate(KEY, mac_mode(v), v["data"], v["tag"])) == {0x41: b"\1"}
    for wrong in (v["tag"][:-1] + bytes([v["tag"][-1] ^ 1]), bytes([v["tag"][0] ^ 0x80]) + v["tag"][1:]):
        assert chip.run(cmd.mac_validate(KEY, mac_mode(v), v["data"], wrong)) == {0x41: b"\2"}


@pytest.mark.parametrize("applet, v", each("mac", "MACInit", "MACUpdate", "MACFinal"))
def test_macs_in_steps(chip, v):
    chip.run(cmd.write_symm(KEY, 3 if v["mac"] == "CMAC" else 5, v["key"]))
    chip.run(cmd.create_crypto_object(CID, cmd.MAC_OBJECT, mac_mode(v)))
    pieces = [v["data"][:7], v["data"][7:30]]
    for mac, want in ((None, v["tag"]), (v["tag"], b"\1"), (bytes(len(v["tag"])), b"\2")):
        assert chip.run(cmd.mac_init(KEY, CID, validate=mac is not None)) == {}
        for piece in filter(None, pieces):
            assert chip.run(cmd.mac_update(CID, piece)) == {}
        assert chip.run(cmd.mac_final(CID, v["data"][30:], mac)) == {0x41: want}


# ---- digests ----

DIGEST = {"SHA1": cmd.SHA1, "SHA224": cmd.SHA224, "SHA256": cmd.SHA256, "SHA384": cmd.SHA384, "SHA512": cmd.SHA512}


@pytest.mark.parametrize("applet, v", each("digest", "DigestOneShot"))
def test_digests_in_one_shot(chip, v):
    assert chip.run(cmd.digest_oneshot(DIGEST[v["hash"]], v["data"])) == {0x41: v["digest"]}


@pytest.mark.parametrize("applet, v", each("digest", "DigestInit", "DigestUpdate", "DigestFinal", "CreateCryptoObject"))
def test_digests_in_steps(chip, v):
    assert chip.run(cmd.create_crypto_object(CID, cmd.DIGEST_OBJECT, DIGEST[v["hash"]])) == {}
    for _ in range(2):  # the container can be used again
        assert chip.run(cmd.digest_init(CID)) == {}
        for piece in filter(None, (v["data"][:1], v["data"][1:40])):
            assert chip.run(cmd.digest_update(CID, piece)) == {}
        assert chip.run(cmd.digest_final(CID, v["data"][40:])) == {0x41: v["digest"]}


# ---- AEAD ----


def tag_or_length(v, encrypt):
    return cc.u16(len(v["tag"])) if encrypt else v["tag"]


@pytest.mark.parametrize("applet, v", each("aead", "AEADOneShot"))
def test_aead_in_one_shot(chip, v):
    mode = cmd.GCM if v["mode"] == "GCM" else cmd.CCM
    chip.run(cmd.write_symm(KEY, 3, v["key"]))
    got = chip.run(cmd.aead_oneshot(KEY, mode, v["plain"], v["aad"], v["iv"], tag_or_length(v, True)))
    assert (got.get(0x41, b""), got[0x42]) == (v["encrypted"], v["tag"])
    got = chip.run(cmd.aead_oneshot(KEY, mode, v["encrypted"], v["aad"], v["iv"], v["tag"], encrypt=False))
    assert (got.get(0x41, b""), got[0x42]) == (v["plain"], b"\1")
    wrong = bytes([v["tag"][0] ^ 1]) + v["tag"][1:]
    data, sw = chip.raw(bytes(cmd.aead_oneshot(KEY, mode, v["encrypted"], v["aad"], v["iv"], wrong, encrypt=False)))
    assert sw != 0x9000 or cc.untlv(data)[0x42] == b"\2"
    assert not v["plain"] or v["plain"] not in data, "plain text of a forgery"


@pytest.mark.parametrize("applet, v", each("aead", "AEADInit", "AEADUpdate", "AEADFinal", only=lambda v: v["mode"] == "GCM", applets=("7.2",)))
def test_gcm_in_steps(chip, v):
    chip.run(cmd.write_symm(KEY, 3, v["key"]))
    chip.run(cmd.create_crypto_object(CID, cmd.AEAD_OBJECT, cmd.GCM))
    for encrypt, data, want in ((True, v["plain"], v["encrypted"]), (False, v["encrypted"], v["plain"])):
        chip.run(cmd.aead_init(KEY, CID, v["iv"], encrypt))
        if v["aad"]:
            chip.run(cmd.aead_update(CID, aad=v["aad"]))
        out = b""
        for piece in filter(None, (data[:16], data[16:])):
            out += chip.run(cmd.aead_update(CID, piece)).get(0x41, b"")
        end = chip.run(cmd.aead_final(CID, tag_or_length(v, encrypt)))
        assert out + end.get(0x41, b"") == want
        assert end[0x42] == (v["tag"] if encrypt else b"\1")


# ---- derivation ----


@pytest.mark.parametrize("applet, v", each("kdf", "HKDF", only=lambda v: v["kdf"] == "HKDF"))
def test_hkdf(chip, v):
    chip.run(cmd.write_symm(KEY, 5, v["key"]))
    assert chip.run(cmd.hkdf(KEY, DIGEST[v["hash"]], v["salt"], v["info"], len(v["out"]))) == {0x41: v["out"]}


@pytest.mark.parametrize("applet, v", each("kdf", "HKDFExpandOnly", only=lambda v: v["kdf"] == "HKDF"))
def test_hkdf_expand_only(chip, v):
    chip.run(cmd.write_symm(KEY, 5, v["prk"]))
    assert chip.run(cmd.hkdf(KEY, DIGEST[v["hash"]], b"", v["info"], len(v["out"]), expand_only=True)) == {0x41: v["out"]}


@pytest.mark.parametrize("applet, v", each("kdf", "PBKDF2", only=lambda v: v["kdf"] == "PBKDF2"))
def test_pbkdf2(chip, v):
    chip.run(cmd.write_symm(KEY, 5, v["key"]))
    assert chip.run(cmd.pbkdf2(KEY, v["salt"], v["iterations"], len(v["out"]))) == {0x41: v["out"]}


@pytest.mark.parametrize("applet, v", each("keywrap", "WriteSymmKey"))
def test_a_wrapped_key_is_the_key_that_was_wrapped(chip, v):
    chip.run(cmd.write_symm(OTHER, 3, v["kek"]))
    assert chip.run(cmd.write_symm(KEY, 3, v["wrapped"], kek=OTHER)) == {}
    block = bytes(range(16))
    e = Cipher(algorithms.AES(v["key"]), modes.ECB()).encryptor()
    assert chip.run(cmd.cipher_oneshot(KEY, cmd.AES_ECB, block)) == {0x41: e.update(block)}


# ---- elliptic curves ----


@pytest.mark.parametrize("applet, v", each("ecdsa", "ECDSAVerify", "WriteECKey"))
def test_ecdsa_verifies_published_signatures(chip, v):
    assert chip.run(cmd.write_ec(KEY, v["curve"], public=v["public"], part=0x20)) == {}
    algorithm = cmd.ECDSA[v["hash"]]
    assert chip.run(cmd.verify(KEY, algorithm, v["digest"], dss(v))) == {0x41: b"\1"}
    assert chip.run(cmd.verify(KEY, algorithm, bytes([v["digest"][0] ^ 1]) + v["digest"][1:], dss(v))) == {0x41: b"\2"}


@pytest.mark.parametrize("applet, v", each("ecdsa", "ECDSASign"))
def test_ecdsa_signs_what_python_verifies(chip, v):
    chip.run(cmd.write_ec(KEY, v["curve"], private=v["private"], public=v["public"]))
    signature = chip.run(cmd.sign(KEY, cmd.ECDSA[v["hash"]], v["digest"]))[0x41]
    ec.EllipticCurvePublicKey.from_encoded_point(CURVES[v["curve"]], v["public"]).verify(
        signature, v["digest"], ec.ECDSA(utils.Prehashed(getattr(hashes, v["hash"])())))


@pytest.mark.parametrize("applet, v", each("eddsa", "EdDSASign", "EdDSAVerify", "WriteECKey"))
def test_ed25519(chip, v):
    """The wire has the public key and both halves of the signature reversed, the seed not (3.6)."""
    wire = v["signature"][:32][::-1] + v["signature"][32:][::-1]
    chip.run(cmd.write_ec(KEY, cmd.ED25519, private=v["private"], public=v["public"][::-1]))
    assert chip.run(cmd.sign(KEY, cmd.EDDSA, v["data"], name="EdDSASign")) == {0x41: wire}
    assert chip.run(cmd.read_object(KEY)) == {0x41: v["public"][::-1]}
    assert chip.run(cmd.verify(KEY, cmd.EDDSA, v["data"], wire, name="EdDSAVerify")) == {0x41: b"\1"}
    assert chip.run(cmd.verify(KEY, cmd.EDDSA, v["data"] + b"x", wire, name="EdDSAVerify")) == {0x41: b"\2"}


def ecdh_wire(v, name):
    """The bytes as the chip has them: Montgomery curves big endian."""
    return v[name][::-1] if v["curve"] in (cmd.X25519, cmd.X448) else v[name]


def put_ecdh_key(chip, v):
    public = v["public"]
    if public is None:
        private = x25519.X25519PrivateKey if v["curve"] == cmd.X25519 else x448.X448PrivateKey
        public = private.from_private_bytes(v["private"]).public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    chip.run(cmd.write_ec(KEY, v["curve"], private=ecdh_wire(v, "private"), public=ecdh_wire({**v, "public": public}, "public")))


@pytest.mark.parametrize("applet, v", each("ecdh", "ECDHGenerateSharedSecret", "WriteECKey"))
def test_ecdh(chip, v):
    put_ecdh_key(chip, v)
    assert chip.run(cmd.ecdh(KEY, ecdh_wire(v, "peer"))) == {0x41: ecdh_wire(v, "shared")}


@pytest.mark.parametrize("applet, v", each("ecdh", "ECDHReverse", only=lambda v: v["curve"] == cmd.X25519, applets=("7.2",)))
def test_ecdh_into_an_object_byte_reversed(chip, v):
    """P2=59 stores the secret in the RFC's order; it is seen through the HMAC made with it."""
    put_ecdh_key(chip, v)
    chip.run(cmd.write_symm(OTHER, 5, bytes(32)))
    assert chip.run(cmd.ecdh(KEY, ecdh_wire(v, "peer"), target=OTHER, reverse=True)) == {}
    assert chip.run(cmd.mac_oneshot(OTHER, cmd.HMAC_SHA256, b"abc")) == {0x41: hmac.new(v["shared"], b"abc", "sha256").digest()}


# ---- RSA against python-cryptography ----


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 1024)


HASHES = {"SHA1": hashes.SHA1(), "SHA224": hashes.SHA224(), "SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}


def rsa_cases(command):
    return [pytest.param(applet, pad, name, id=f"{pad}-{name}-{applet}", marks=pytest.mark.chip(command, kind="positive", applet=applet))
            for pad in ("pkcs1", "pss") for name in HASHES for applet in APPLETS
            if (pad, name) != ("pss", "SHA512")]  # needs more than 1024 bits: see the denied case


def rsa_padding(pad, name):
    return padding.PKCS1v15() if pad == "pkcs1" else padding.PSS(padding.MGF1(HASHES[name]), HASHES[name].digest_size)


@pytest.mark.parametrize("applet, pad, name", rsa_cases("RSASign"))
def test_rsa_signs_what_python_verifies(chip, rsa_key, rng, pad, name):
    chip.write_rsa(KEY, rsa_key)
    message = rng.randbytes(rng.randint(0, 200))
    algorithm = (cmd.PKCS1 if pad == "pkcs1" else cmd.PSS)[name]
    signature = chip.run(cmd.sign(KEY, algorithm, message, name="RSASign"))[0x41]
    rsa_key.public_key().verify(signature, message, rsa_padding(pad, name), HASHES[name])
    if pad == "pkcs1":  # deterministic: byte for byte
        assert signature == rsa_key.sign(message, padding.PKCS1v15(), HASHES[name])


@pytest.mark.parametrize("applet, pad, name", rsa_cases("RSAVerify"))
def test_rsa_verifies_what_python_signs(chip, rsa_key, rng, pad, name):
    chip.write_rsa(KEY, rsa_key)
    message = rng.randbytes(rng.randint(0, 200))
    signature = rsa_key.sign(message, rsa_padding(pad, name), HASHES[name])
    algorithm = (cmd.PKCS1 if pad == "pkcs1" else cmd.PSS)[name]
    assert chip.run(cmd.verify(KEY, algorithm, message, signature, name="RSAVerify")) == {0x41: b"\1"}
    assert chip.run(cmd.verify(KEY, algorithm, message + b"x", signature, name="RSAVerify")) == {0x41: b"\2"}


@pytest.mark.chip("RSAEncrypt", kind="positive")
@pytest.mark.chip("RSADecrypt", kind="positive")
def test_rsa_encryption_crosses_over(chips, applet, chip, rsa_key, rng):
    chip.write_rsa(KEY, rsa_key)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    for algorithm, pad in ((cmd.RSA_PKCS1, padding.PKCS1v15()), (cmd.RSA_OAEP, oaep)):
        message = rng.randbytes(rng.randint(1, 80))
        assert rsa_key.decrypt(chip.run(cmd.rsa_encrypt(KEY, algorithm, message))[0x41], pad) == message
        assert chip.run(cmd.rsa_decrypt(KEY, algorithm, rsa_key.public_key().encrypt(message, pad))) == {0x41: message}
    n, d = rsa_key.private_numbers().public_numbers.n, rsa_key.private_numbers().d
    raw = rng.randrange(2, n)
    assert chip.run(cmd.rsa_decrypt(KEY, cmd.RSA_NO_PAD, raw.to_bytes(128, "big"))) == {0x41: pow(raw, d, n).to_bytes(128, "big")}
    assert chip.run(cmd.rsa_encrypt(KEY, cmd.RSA_NO_PAD, raw.to_bytes(128, "big"))) == {0x41: pow(raw, 65537, n).to_bytes(128, "big")}


# ---- edge cases in the manner of Wycheproof ----

N256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256 = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
SAMPLE = load("ecdsa")[0]
R, S = int.from_bytes(SAMPLE["r"], "big"), int.from_bytes(SAMPLE["s"], "big")


def integer(v, lead=b"", strip=False):
    body = v.to_bytes(max(1, (v.bit_length() + 7) // 8), "big")
    if body[0] & 0x80 and not strip:
        body = b"\0" + body
    return b"\2" + bytes([len(lead + body)]) + lead + body


def seq(*parts, head=b"\x30", more=b""):
    body = b"".join(parts)
    return head + bytes([len(body)]) + body + more


ECDSA_EDGES = {
    "r zero": (seq(integer(0), integer(S)), False), "s zero": (seq(integer(R), integer(0)), False),
    "both zero": (seq(integer(0), integer(0)), False), "r is n": (seq(integer(N256), integer(S)), False),
    "s is n": (seq(integer(R), integer(N256)), False), "s above n": (seq(integer(R), integer(S + N256)), False),
    "r above n": (seq(integer(R + N256), integer(S)), False), "r is p": (seq(integer(P256), integer(S)), False),
    "r and s one": (seq(integer(1), integer(1)), False), "swapped": (seq(integer(S), integer(R)), False),
    "s is n - s": (seq(integer(R), integer(N256 - S)), True),  # ECDSA's own malleability is not refused
    "no leading zeros though the top bit is set": (seq(integer(R, strip=True), integer(S, strip=True)), True),  # 3.7
    "superfluous zeros": (seq(integer(R, b"\0\0"), integer(S, b"\0")), True),  # 3.7
    "r huge": (seq(integer(R + (N256 << 256)), integer(S)), False),
    "empty": (b"", False), "empty sequence": (b"\x30\0", False), "only r": (seq(integer(R)), False),
    "a third integer": (seq(integer(R), integer(S), integer(1)), False), "bytes behind": (seq(integer(R), integer(S), more=b"\0"), False),
    "r of no bytes": (seq(b"\2\0", integer(S)), False), "not a sequence": (seq(integer(R), integer(S), head=b"\x31"), False),
    "r an octet string": (seq(b"\4" + integer(R)[1:], integer(S)), False),
    "indefinite length": (b"\x30\x80" + integer(R) + integer(S) + b"\0\0", False),
    "sequence too long": (b"\x30" + bytes([len(integer(R) + integer(S)) + 1]) + integer(R) + integer(S), False),
    "cut": (seq(integer(R), integer(S))[:-1], False), "raw r and s": (SAMPLE["r"] + SAMPLE["s"], False),
}


@pytest.mark.parametrize("applet, what", [
    pytest.param(a, w, id=f"{w}-{a}", marks=pytest.mark.chip(
        "ECDSAVerify", kind="positive" if ECDSA_EDGES[w][1] else "length" if w in ("cut", "sequence too long", "empty") else "order", applet=a))
    for w in ECDSA_EDGES for a in APPLETS])
def test_ecdsa_signatures_at_the_edge(chip, what):
    signature, good = ECDSA_EDGES[what]
    chip.run(cmd.write_ec(KEY, 3, public=SAMPLE["public"], part=0x20))
    data, sw = chip.raw(bytes(cmd.verify(KEY, 0x21, SAMPLE["digest"], signature)))
    if good:
        assert (data, sw) == (b"\x41\1\1", 0x9000)
    else:
        assert (data, sw) in ((b"\x41\1\2", 0x9000), (b"", 0x6A80))


def emsa(info, total=128, pad=b"\xff", start=b"\0\1", separator=b"\0", tail=b""):
    middle = total - len(start) - len(separator) - len(info) - len(tail)
    return start + pad * middle + separator + info + tail


SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
MESSAGE = b"malformed padding"
DIGEST_INFO = SHA256_INFO + hashlib.sha256(MESSAGE).digest()
RSA_EDGES = {
    "right": (emsa(DIGEST_INFO), True),
    "block type 2": (emsa(DIGEST_INFO, start=b"\0\2"), False), "block type 0": (emsa(DIGEST_INFO, start=b"\0\0"), False),
    "first byte not 0": (emsa(DIGEST_INFO, start=b"\x01\1"), False), "padding of 00": (emsa(DIGEST_INFO, pad=b"\0"), False),
    "one padding byte FE": (emsa(DIGEST_INFO).replace(b"\xff\0", b"\xfe\0", 1), False), "no separator": (emsa(DIGEST_INFO, separator=b""), False),
    "short padding and bytes behind": (b"\0\1" + b"\xff" * 8 + b"\0" + DIGEST_INFO + bytes(128 - 11 - len(DIGEST_INFO)), False),
    "bytes behind": (emsa(DIGEST_INFO, tail=b"\0\0"), False),
    "DigestInfo without NULL": (emsa(bytes.fromhex("302f300b0609608648016503040201") + b"\4\x20" + DIGEST_INFO[-32:]), False),
    "the digest alone": (emsa(DIGEST_INFO[-32:]), False),
    "another hash's DigestInfo": (emsa(DIGEST_INFO.replace(bytes.fromhex("0304020105"), bytes.fromhex("0304020205"))), False),
    "long form lengths": (emsa(b"\x30\x81" + DIGEST_INFO[1:]), False), "digest cut": (emsa(DIGEST_INFO[:-1]), False),
}


@pytest.mark.parametrize("applet, what", [
    pytest.param(a, w, id=f"{w}-{a}", marks=pytest.mark.chip("RSAVerify", kind="positive" if RSA_EDGES[w][1] else "order", applet=a))
    for w in RSA_EDGES for a in APPLETS])
def test_rsa_signatures_at_the_edge(chip, rsa_key, what):
    em, good = RSA_EDGES[what]
    assert len(em) == 128
    numbers = rsa_key.private_numbers()
    chip.write_rsa(KEY, rsa_key)
    value = int.from_bytes(em, "big")
    if value >= numbers.public_numbers.n:
        value %= numbers.public_numbers.n
    signature = pow(value, numbers.d, numbers.public_numbers.n).to_bytes(128, "big")
    data, sw = chip.raw(bytes(cmd.verify(KEY, cmd.PKCS1["SHA256"], MESSAGE, signature, name="RSAVerify")))
    if good:
        assert (data, sw) == (b"\x41\1\1", 0x9000)
    else:
        assert (data, sw) in ((b"\x41\1\2", 0x9000), (b"", 0x6A80))


@pytest.mark.parametrize("size", [0, 1, 127, 129])
@pytest.mark.chip("RSAVerify", kind="length")
def test_rsa_signatures_of_a_wrong_size(applet, chip, rsa_key, size):
    chip.write_rsa(KEY, rsa_key)
    data, sw = chip.raw(bytes(cmd.verify(KEY, cmd.PKCS1["SHA256"], MESSAGE, bytes(size), name="RSAVerify")))
    assert (data, sw) in ((b"\x41\1\2", 0x9000), (b"", 0x6A80))


@pytest.mark.parametrize("block", [b"\0\1" + b"\xff" * 100 + b"\0" + b"m" * 25, b"\0\2" + b"\xff" * 7 + b"\0" + b"m" * 118, b"\0\2" + b"\xff" * 126,
                                   b"\1\2" + b"\xff" * 100 + b"\0" + b"m" * 25, bytes(127) + b"\1"],
                         ids=["type 1", "short padding", "no separator", "first byte not 0", "zeros"])
@pytest.mark.chip("RSADecrypt", kind="order")
def test_rsa_decryption_of_malformed_blocks(applet, chip, rsa_key, block):
    chip.write_rsa(KEY, rsa_key)
    n = rsa_key.public_key().public_numbers().n
    encrypted = pow(int.from_bytes(block, "big") % n, 65537, n).to_bytes(128, "big")
    for algorithm in (cmd.RSA_PKCS1, cmd.RSA_OAEP):
        assert chip.raw(bytes(cmd.rsa_decrypt(KEY, algorithm, encrypted))) in ((b"", 0x6A80), (b"", 0x6985))


@pytest.mark.parametrize("size", [0, 1, 127, 129])
@pytest.mark.chip("RSADecrypt", kind="length")
def test_rsa_decryption_of_a_wrong_size(applet, chip, rsa_key, size):
    chip.write_rsa(KEY, rsa_key)
    for algorithm in (cmd.RSA_PKCS1, cmd.RSA_OAEP, cmd.RSA_NO_PAD):
        data, sw = chip.raw(bytes(cmd.rsa_decrypt(KEY, algorithm, b"\1" * size)))
        assert data == b"" and sw in (0x6A80, 0x6985, 0x6700)


@pytest.mark.chip("RSASign", kind="denied")
def test_pss_with_sha512_needs_more_than_1024_bits(applet, chip, rsa_key):
    chip.write_rsa(KEY, rsa_key)
    assert chip.raw(bytes(cmd.sign(KEY, cmd.PSS["SHA512"], b"abc", name="RSASign"))) in ((b"", 0x6A80), (b"", 0x6985))


G256 = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
BAD_POINTS = {
    "infinity": (b"\0", "length"), "empty": (b"", "length"), "compressed": (b"\2" + G256[1:33], "length"), "cut": (G256[:-1], "length"),
    "too long": (G256 + b"\0", "length"), "not on the curve": (G256[:-1] + bytes([G256[-1] ^ 1]), "order"), "all zero": (b"\4" + bytes(64), "order"),
    "x is p": (b"\4" + P256.to_bytes(32, "big") + G256[33:], "order"), "hybrid": (b"\7" + G256[1:], "order"), "another tag": (b"\5" + G256[1:], "order"),
    "a P-384 point": (b"\4" + bytes.fromhex(cc.CURVES[4]["g"])[1:], "length"),
}


def point_cases(points, command="ECDHGenerateSharedSecret"):
    return [pytest.param(a, points[w][0], id=f"{w}-{a}", marks=pytest.mark.chip(command, kind=points[w][1], applet=a))
            for w in points for a in APPLETS]


@pytest.mark.parametrize("applet, point", point_cases(BAD_POINTS))
def test_ecdh_refuses_invalid_points(chip, point):
    chip.run(cmd.write_ec(KEY, 3, private=SAMPLE["private"], public=SAMPLE["public"]))
    data, sw = chip.raw(bytes(cmd.ecdh(KEY, point)))
    assert data == b"" and sw in (0x6A80, 0x6985)


@pytest.mark.parametrize("applet, point", point_cases(BAD_POINTS, "WriteECKey"))
def test_invalid_points_are_no_public_keys(chip, point):
    if not point:
        return  # an empty T4 is no T4: a pair is made
    data, sw = chip.raw(bytes(cmd.write_ec(KEY, 3, public=point, part=0x20)))
    assert data == b"" and sw in (0x6A80, 0x6985)
    assert not chip.exists(KEY)


#: the points of small order on Curve25519 and its twist, little endian (RFC 7748 section 6.1's all-zero check)
LOW_ORDER = {
    "0": "00" * 32, "1": "01" + "00" * 31, "order 8": "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "order 8 too": "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", "p - 1": "ec" + "ff" * 30 + "7f", "p": "ed" + "ff" * 30 + "7f",
    "p + 1": "ee" + "ff" * 30 + "7f",
}


@pytest.mark.parametrize("applet, point", [
    pytest.param(a, bytes.fromhex(h), id=f"{w}-{a}", marks=pytest.mark.chip("ECDHGenerateSharedSecret", kind="denied", applet=a))
    for w, h in LOW_ORDER.items() for a in APPLETS])
def test_x25519_refuses_points_of_small_order(chip, point):
    with pytest.raises(ValueError):  # they are what they are said to be
        x25519.X25519PrivateKey.generate().exchange(x25519.X25519PublicKey.from_public_bytes(point))
    chip.run(cmd.write_ec(KEY, cmd.X25519))
    data, sw = chip.raw(bytes(cmd.ecdh(KEY, point[::-1])))
    assert data == b"" and sw in (0x6A80, 0x6985)


@pytest.mark.parametrize("scalar", [0, N256, N256 + 1, 2**256 - 1], ids=["0", "n", "n+1", "ff"])
@pytest.mark.chip("WriteECKey", kind="denied")
def test_scalars_out_of_range_are_no_private_keys(applet, chip, scalar):
    data, sw = chip.raw(bytes(cmd.write_ec(KEY, 3, private=scalar.to_bytes(32, "big"), public=G256)))
    assert (data, sw) == (b"", 0x6A80) and not chip.exists(KEY)


# ---- seeded cross-checks ----


@pytest.mark.chip("CipherOneShot", kind="positive")
@pytest.mark.chip("MACOneShot", kind="positive")
@pytest.mark.chip("DigestOneShot", kind="positive")
def test_random_inputs_give_what_openssl_gives(applet, chip, rng):
    for _ in range(10):
        key, data = rng.randbytes(rng.choice((16, 24, 32))), rng.randbytes(16 * rng.randint(1, 20))
        v = dict(cipher="AES", mode=rng.choice(("ECB", "CBC", "CTR")), key=key, iv=rng.randbytes(16), plain=data)
        chip.run(cmd.write_symm(KEY, 3, key))
        iv = b"" if v["mode"] == "ECB" else v["iv"]
        assert chip.run(cmd.cipher_oneshot(KEY, CIPHER_MODE["AES", v["mode"]], data, True, iv)) == {0x41: reference_cipher(v)}
        m = dict(mac="CMAC", key=key, data=data[:rng.randint(1, len(data))])
        assert chip.run(cmd.mac_oneshot(KEY, cmd.CMAC_128, m["data"])) == {0x41: reference_mac(m)}
        chip.delete(KEY)
        m = dict(mac="HMAC", hash=rng.choice(("SHA1", "SHA256", "SHA384", "SHA512")), key=rng.randbytes(rng.randint(1, 200)), data=data)
        chip.run(cmd.write_symm(KEY, 5, m["key"]))
        assert chip.run(cmd.mac_oneshot(KEY, mac_mode(m), data)) == {0x41: reference_mac(m)}
        chip.delete(KEY)
        name = rng.choice(list(DIGEST))
        assert chip.run(cmd.digest_oneshot(DIGEST[name], data)) == {0x41: hashlib.new(name.lower(), data).digest()}


@pytest.mark.chip("ECDSASign", kind="positive")
@pytest.mark.chip("ECDSAVerify", kind="positive")
def test_random_signatures_cross_over(applet, chip, rng):
    for curve in (1, 2, 3, 4):
        chip.run(cmd.write_ec(KEY, curve))
        public = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[curve], chip.read(KEY))
        own = ec.derive_private_key(rng.randrange(1, 1 << (CURVES[curve].key_size - 1)), CURVES[curve])
        point = own.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        chip.run(cmd.write_ec(OTHER, curve, public=point, part=0x20))
        for name, h in HASHES.items():
            digest = rng.randbytes(h.digest_size)
            algorithm = ec.ECDSA(utils.Prehashed(h))
            public.verify(chip.run(cmd.sign(KEY, cmd.ECDSA[name], digest))[0x41], digest, algorithm)
            signature = own.sign(digest, algorithm)
            assert chip.run(cmd.verify(OTHER, cmd.ECDSA[name], digest, signature)) == {0x41: b"\1"}
            assert chip.run(cmd.verify(KEY, cmd.ECDSA[name], digest, signature)) == {0x41: b"\2"}
            with pytest.raises(InvalidSignature):
                public.verify(signature, digest, algorithm)
        chip.delete(KEY)
        chip.delete(OTHER)
