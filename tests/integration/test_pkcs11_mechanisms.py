"""Every mechanism of libsss_pkcs11.so against python-cryptography: with keys in the chip and with keys of sessions, whole and in pieces.

The module works in a process of its own (p11_cases.py), which is a plain one, one of OpenSSL's or one of GnuTLS's; the last two under an
openssl.cnf that makes the PKCS#11 engine the default for everything, so that each careless call of the module would come back into it.
"""

import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import cmac, hashes, hmac, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, utils, x448, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.padding import PKCS7

import bus_cost
import p11_cases
from conftest import LONG
from cryptoki import der_of
from p11_walk import EC_ID, MODULE, RSA_ID, TRANSPORTS, all_engines, keys, token_with_keys  # noqa: F401 (fixtures)

RSA, EC = f"sss:{RSA_ID:08X}", f"sss:{EC_ID:08X}"
HASHES = {0x220: hashes.SHA1, 0x255: hashes.SHA224, 0x250: hashes.SHA256, 0x260: hashes.SHA384, 0x270: hashes.SHA512}
MGFS = {0x220: 1, 0x255: 5, 0x250: 2, 0x260: 3, 0x270: 4}
RAW, SUM = lambda b: b.hex(), bytes(range(256)) * 4  # a message that is longer than a command holds
KEY = {16: bytes(range(16)), 24: bytes(range(24)), 32: bytes(range(32))}
#: secrets that the chip holds (by their size), beside those that sessions make
AES_ID, HMAC_ID = {16: 0x20182010, 24: 0x20182018, 32: 0x20182020}, 0x20182040


class Bench:
    """Cases with what their answers must be; run them in one process and judge."""

    def __init__(self):
        self.cases, self.judges = [], []

    def add(self, judge, **case):
        self.cases.append({k: v.hex() if isinstance(v, bytes) else v for k, v in case.items()})
        self.judges.append(judge)

    def run(self, token, kind):
        env = all_engines(token.folder) if kind != "plain" else {}
        out = token.run("/usr/bin/python3", p11_cases.__file__, MODULE, kind, data=json.dumps(self.cases).encode(), env=env, timeout=120)
        answers = json.loads(out.stdout)
        assert len(answers) == len(self.judges)
        for case, judge, answer in zip(self.cases, self.judges, answers):
            where = f"{case} answered {answer}"
            if callable(judge):
                assert not answer.startswith("CKR_"), where
                try:
                    judge(bytes.fromhex(answer))
                except (InvalidSignature, AssertionError, ValueError) as e:
                    raise AssertionError(f"{where}: {e!r}") from e
            else:
                assert answer == (judge.hex() if isinstance(judge, bytes) else judge), where


# ---- what each scheme must say ------------------------------------------------------------------------------------------


def rsa_signatures(b, private):
    public = private.public_key()
    for hash_, mech in ((0x220, 0x06), (0x255, 0x46), (0x250, 0x40), (0x260, 0x41), (0x270, 0x42)):
        kind = HASHES[hash_]
        b.add(private.sign(SUM, padding.PKCS1v15(), kind()), do="sign", mech=mech, key=RSA, data=SUM, pieces=[1, 1000, 23])
        b.add("CKR_OK", do="verify", mech=mech, key=RSA, data=SUM, sig=private.sign(SUM, padding.PKCS1v15(), kind()))
        b.add("CKR_SIGNATURE_INVALID", do="verify", mech=mech, key=RSA, data=SUM[1:], sig=private.sign(SUM, padding.PKCS1v15(), kind()))
    for hash_, mech in ((0x220, 0x0E), (0x255, 0x47), (0x250, 0x43), (0x260, 0x44), (0x270, 0x45), (0x250, 0x0D)):
        kind = HASHES[hash_]
        size = kind.digest_size
        scheme = padding.PSS(padding.MGF1(kind()), size)
        data, how = (bytes(size), utils.Prehashed(kind())) if mech == 0x0D else (b"hello", kind())
        b.add(lambda sig, d=data, s=scheme, h=how: public.verify(sig, d, s, h), do="sign", mech=mech, key=RSA,
              param=["pss", hash_, MGFS[hash_], size], data=data)
        b.add("CKR_OK", do="verify", mech=mech, key=RSA, param=["pss", hash_, MGFS[hash_], size], data=data,
              sig=private.sign(data, scheme, how))
    n = public.public_numbers().n
    block = b"\0\1" + b"\xff" * 240 + b"\0" + b"anything at a"
    raw = pow(int.from_bytes(block, "big"), private.private_numbers().d, n).to_bytes(256, "big")
    b.add(raw, do="sign", mech=0x03, key=RSA, data=block)
    b.add("CKR_OK", do="verify", mech=0x03, key=RSA, data=block, sig=raw)
    b.add("CKR_DATA_LEN_RANGE", do="sign", mech=0x03, key=RSA, data=bytes(257))


def rsa_encryption(b, private):
    public = private.public_key()
    for hash_ in HASHES:
        for mgf, label in ((hash_, b""), (0x220, b"a label")):
            scheme = padding.OAEP(padding.MGF1(HASHES[mgf]()), HASHES[hash_](), label or None)
            param = ["oaep", hash_, MGFS[mgf], label.hex()]
            b.add(b"secret", do="decrypt", mech=0x09, key=RSA, param=param, data=public.encrypt(b"secret", scheme))
            b.add(lambda got, s=scheme: check(private.decrypt(got, s), b"secret"), do="encrypt", mech=0x09, key=RSA, param=param, data=b"secret")
            b.add("CKR_ENCRYPTED_DATA_INVALID", do="decrypt", mech=0x09, key=RSA, param=["oaep", hash_, MGFS[mgf], b"other".hex()],
                  data=public.encrypt(b"secret", scheme))
        longest = 256 - 2 * HASHES[hash_].digest_size - 2
        b.add("CKR_DATA_LEN_RANGE", do="encrypt", mech=0x09, key=RSA, param=param, data=bytes(longest + 1))
    b.add(b"secret", do="decrypt", mech=0x01, key=RSA, data=public.encrypt(b"secret", padding.PKCS1v15()))
    b.add(b"secret", do="decrypt", mech=0x01, key=RSA, data=public.encrypt(b"secret", padding.PKCS1v15()), pieces=[100, 156])
    b.add(lambda got: check(private.decrypt(got, padding.PKCS1v15()), b"secret"), do="encrypt", mech=0x01, key=RSA, data=b"secret")
    numbers = public.public_numbers()
    block = bytes(1) + bytes(range(255))
    b.add(block, do="decrypt", mech=0x03, key=RSA, data=pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(256, "big"))
    b.add(pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(256, "big"), do="encrypt", mech=0x03, key=RSA, data=block)


def check(got, want):
    assert got == want


def ecdsa_and_eddsa(b, private, edwards):
    public = private.public_key()
    for hash_, mech in ((0x220, 0x1042), (0x255, 0x1043), (0x250, 0x1044), (0x260, 0x1045), (0x270, 0x1046)):
        b.add(lambda sig, h=HASHES[hash_]: public.verify(der_of(sig), SUM, ec.ECDSA(h())), do="sign", mech=mech, key=EC, data=SUM)
        b.add(lambda sig, h=HASHES[hash_]: public.verify(der_of(sig), SUM, ec.ECDSA(h())), do="sign", mech=mech, key=EC, data=SUM, pieces=[512, 512])
        r, s = utils.decode_dss_signature(private.sign(SUM, ec.ECDSA(HASHES[hash_]())))
        b.add("CKR_OK", do="verify", mech=mech, key=EC, data=SUM, sig=r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    b.add(lambda sig: public.verify(der_of(sig), bytes(32), ec.ECDSA(utils.Prehashed(hashes.SHA256()))), do="sign", mech=0x1041, key=EC, data=bytes(32))
    for message in (b"", b"hello", bytes(700)):
        b.add(edwards.sign(message), do="sign", mech=0x1057, key="sss:20182100", data=message)
        b.add("CKR_OK", do="verify", mech=0x1057, key="sss:20182100", data=message, sig=edwards.sign(message))
    b.add(edwards.sign(b"hello"), do="sign", mech=0x1057, key="sss:20182100", data=b"hello", pieces=[2, 3])
    b.add("CKR_SIGNATURE_INVALID", do="verify", mech=0x1057, key="sss:20182100", data=b"hullo", sig=edwards.sign(b"hello"))
    b.add("CKR_KEY_TYPE_INCONSISTENT", do="sign", mech=0x1057, key=EC, data=b"hello")
    b.add("CKR_KEY_TYPE_INCONSISTENT", do="sign", mech=0x1041, key="sss:20182100", data=b"hello")


CURVES = {0x20182200: ec.SECP256R1, 0x20182201: ec.SECP384R1, 0x20182202: ec.SECP521R1, 0x20182203: ec.BrainpoolP256R1, 0x20182204: ec.SECP256K1}
KDFS = {2: hashes.SHA1, 5: hashes.SHA224, 6: hashes.SHA256, 7: hashes.SHA384, 8: hashes.SHA512}
POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
BYTES = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def agreement(b, own, name, peer, public, kdfs=(6,)):
    """own: a function from the peer to the shared secret, as foreign code finds it."""
    secret = own(peer)
    der = b"\x04" + (bytes([len(public)]) if len(public) < 128 else b"\x81" + bytes([len(public)])) + public
    for given in (public, der):
        b.add(secret, do="derive", mech=0x1050, key=name, param=["ecdh", 1, given.hex(), ""], type=0x10)
    b.add(secret[-16:], do="derive", mech=0x1050, key=name, param=["ecdh", 1, public.hex(), ""], type=0x1F, len=16)
    for kdf in kdfs:
        want = X963KDF(KDFS[kdf](), 100, b"info").derive(secret)
        b.add(want, do="derive", mech=0x1050, key=name, param=["ecdh", kdf, public.hex(), b"info".hex()], type=0x10, len=100)
    b.add("CKR_MECHANISM_PARAM_INVALID", do="derive", mech=0x1050, key=name, param=["ecdh", 1, public[:-1].hex(), ""], type=0x10)
    b.add("CKR_KEY_SIZE_RANGE", do="derive", mech=0x1050, key=name, param=["ecdh", 1, public.hex(), ""], type=0x10, len=len(secret) + 1)
    b.add("CKR_KEY_SIZE_RANGE", do="derive", mech=0x1050, key=name, param=["ecdh", 1, public.hex(), ""], type=0x1F, len=17)


def agreements(b, curves, montgomery):
    for number, private in curves.items():
        peer = ec.generate_private_key(private.curve)
        agreement(b, lambda p, k=private: k.exchange(ec.ECDH(), p.public_key()), f"sss:{number:08X}", peer, peer.public_key().public_bytes(*POINT),
                  KDFS if number == 0x20182200 else (6,))
    p256 = next(iter(curves.values()))
    off = bytearray(p256.public_key().public_bytes(*POINT))
    off[-1] ^= 1
    b.add("CKR_MECHANISM_PARAM_INVALID", do="derive", mech=0x1050, key="sss:20182200", param=["ecdh", 1, off.hex(), ""], type=0x10)
    for number, private in montgomery.items():
        peer = type(private).generate()
        agreement(b, lambda p, k=private: k.exchange(p.public_key()), f"sss:{number:08X}", peer, peer.public_key().public_bytes(*BYTES))


def aes(b, name, key):
    iv = bytes(range(100, 116))
    for n in (0, 1, 15, 16, 17, 32, 900, 2000):
        data = bytes(i * 7 & 255 for i in range(n))
        pieces = [p for p in (5, 11, 16, 300, n) if p < n]
        pieces = [min(5, n), min(11, max(0, n - 5)), max(0, n - 16)]
        padder = PKCS7(128).padder()
        padded = padder.update(data) + padder.finalize()
        cases = {0x1085: (modes.CBC(iv), iv.hex(), padded), 0x1086: (modes.CTR(iv), ["ctr", 128, iv.hex()], data)}
        if n % 16 == 0:
            cases |= {0x1081: (modes.ECB(), None, data), 0x1082: (modes.CBC(iv), iv.hex(), data)}
        for mech, (mode, param, plain) in cases.items():
            e = Cipher(algorithms.AES(key), mode).encryptor()
            want = e.update(plain) + e.finalize()
            param = ["raw", param] if isinstance(param, str) else param
            for cut in (None, pieces):
                b.add(want, do="encrypt", mech=mech, key=name, param=param, data=data, **({"pieces": cut} if cut else {}))
            back = [min(7, len(want)), min(25, max(0, len(want) - 7)), max(0, len(want) - 32)]
            for cut in (None, back):
                b.add(data, do="decrypt", mech=mech, key=name, param=param, data=want, **({"pieces": cut} if cut else {}))
    for mech, param in ((0x1081, None), (0x1082, ["raw", iv.hex()])):
        b.add("CKR_DATA_LEN_RANGE", do="encrypt", mech=mech, key=name, param=param, data=bytes(17))
        b.add("CKR_ENCRYPTED_DATA_LEN_RANGE", do="decrypt", mech=mech, key=name, param=param, data=bytes(17))
    e = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    for bad in (bytes(16), bytes(15) + b"\x11", bytes(13) + b"\1\2\3"):  # no padding at all, too long, not uniform
        block = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor().update(bad)
        b.add("CKR_ENCRYPTED_DATA_INVALID", do="decrypt", mech=0x1085, key=name, param=["raw", iv.hex()], data=block)
    del e
    # A counter of 8 bits that stands at its last value: one block is fine, the second would repeat the first.
    last = iv[:15] + b"\xff"
    b.add(Cipher(algorithms.AES(key), modes.CTR(last)).encryptor().update(bytes(16)), do="encrypt", mech=0x1086, key=name,
          param=["ctr", 8, last.hex()], data=bytes(16))
    b.add("CKR_DATA_LEN_RANGE", do="encrypt", mech=0x1086, key=name, param=["ctr", 8, last.hex()], data=bytes(17))


def gcm(b, name, key, longest):
    for n, aad, iv, tag in ((0, b"", 12, 128), (40, b"aad", 12, 128), (600, bytes(100), 12, 96), (longest, b"x", 12, 128)):
        nonce, data = bytes(range(iv)), bytes(range(256)) * (n // 256) + bytes(n % 256)
        e = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
        e.authenticate_additional_data(aad)
        sealed = e.update(data) + e.finalize()
        sealed += e.tag[:tag // 8]
        param = ["gcm", nonce.hex(), aad.hex(), tag]
        b.add(sealed, do="encrypt", mech=0x1087, key=name, param=param, data=data)
        b.add(data, do="decrypt", mech=0x1087, key=name, param=param, data=sealed)
        b.add(data, do="decrypt", mech=0x1087, key=name, param=param, data=sealed, pieces=[len(sealed) // 2, len(sealed) - len(sealed) // 2])
        b.add("CKR_ENCRYPTED_DATA_INVALID", do="decrypt", mech=0x1087, key=name, param=param, data=sealed[:-1] + bytes([sealed[-1] ^ 1]))
        b.add("CKR_ENCRYPTED_DATA_INVALID", do="decrypt", mech=0x1087, key=name, param=["gcm", nonce.hex(), (aad + b"y").hex(), tag], data=sealed)
    b.add("CKR_ENCRYPTED_DATA_LEN_RANGE", do="decrypt", mech=0x1087, key=name, param=["gcm", bytes(12).hex(), "", 128], data=bytes(15))
    assert AESGCM(key)


def macs(b, aes_name, aes_key, hmac_name, hmac_key, sha224):
    for n in (0, 1, 16, 700, 5000):
        data = bytes(i * 3 & 255 for i in range(n))
        c = cmac.CMAC(algorithms.AES(aes_key))
        c.update(data)
        for mech, name, mac in [(0x108A, aes_name, c.finalize())] + [(m, hmac_name, hmac_of(h, hmac_key, data)) for m, h in (
                (0x221, 0x220), (0x256, 0x255), (0x251, 0x250), (0x261, 0x260), (0x271, 0x270)) if h != 0x255 or sha224]:
            b.add(mac, do="sign", mech=mech, key=name, data=data)
            b.add(mac, do="sign", mech=mech, key=name, data=data, pieces=[n // 2, n - n // 2])
            b.add("CKR_OK", do="verify", mech=mech, key=name, data=data, sig=mac)
            b.add("CKR_SIGNATURE_INVALID", do="verify", mech=mech, key=name, data=data, sig=mac[:-1] + bytes([mac[-1] ^ 1]))
            b.add("CKR_SIGNATURE_LEN_RANGE", do="verify", mech=mech, key=name, data=data, sig=mac[:-1])
    if not sha224:
        b.add("CKR_KEY_FUNCTION_NOT_PERMITTED", do="sign", mech=0x256, key=hmac_name, data=b"the chip has no such HMAC")


def hmac_of(hash_, key, data):
    h = hmac.HMAC(key, HASHES[hash_]())
    h.update(data)
    return h.finalize()


def digests(b):
    for mech, kind in HASHES.items():
        h = hashes.Hash(kind())
        h.update(SUM)
        want = h.finalize()
        b.add(want, do="digest", mech=mech, data=SUM)
        b.add(want, do="digest", mech=mech, data=SUM, pieces=[0, 1, 1023])


# ---- the chip's keys, and the runs ----------------------------------------------------------------------------------------


def put(token, private, number):
    pem = token.folder / "key.pem"
    pem.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    token.ssscli("set", "ecc", "pair", f"0x{number:08x}", pem)


KINDS = ("plain", "gnutls", "openssl")
#: each way to the chip and each kind of process; all of them together in check-long
RUNS = [(t, k) for t in TRANSPORTS for k in KINDS] if LONG else list(zip(TRANSPORTS, KINDS))


@pytest.fixture(params=RUNS, ids="-".join)
def chip(request, procs, tmp_path, keys):
    """A chip with a key of each kind, each known outside too; in .kind what sort of process uses it."""
    transport, kind = request.param
    t = token_with_keys(procs, tmp_path, keys, transport=transport)
    t.kind = kind
    t.edwards = ed25519.Ed25519PrivateKey.generate()
    t.curves = {number: ec.generate_private_key(curve()) for number, curve in CURVES.items()}
    t.montgomery = {0x20182300: x25519.X25519PrivateKey.generate(), 0x20182301: x448.X448PrivateKey.generate()}
    for number, private in {0x20182100: t.edwards, **t.curves, **t.montgomery}.items():
        put(t, private, number)
    for size, number in AES_ID.items():
        t.ssscli("set", "aes", f"0x{number:08x}", KEY[size].hex())
    t.ssscli("set", "hmac", f"0x{HMAC_ID:08x}", KEY[24].hex())
    return t


def asymmetric(chip):
    b = Bench()
    rsa_signatures(b, chip.rsa)
    rsa_encryption(b, chip.rsa)
    ecdsa_and_eddsa(b, chip.ec, chip.edwards)
    agreements(b, chip.curves, chip.montgomery)
    digests(b)
    return b


def secret(chip):
    b = Bench()
    for size, key in KEY.items():
        aes(b, f"sss:{AES_ID[size]:08X}", key)
        b.add("made", do="secret", key=f"session{size}", type=0x1F, data=key)
        aes(b, f"session{size}", key)
    gcm(b, f"sss:{AES_ID[32]:08X}", KEY[32], 760)
    gcm(b, "session32", KEY[32], 100000)
    b.add("made", do="secret", key="hmac", type=0x10, data=KEY[24])
    macs(b, f"sss:{AES_ID[16]:08X}", KEY[16], f"sss:{HMAC_ID:08X}", KEY[24], sha224=False)
    macs(b, "session16", KEY[16], "hmac", KEY[24], sha224=True)
    return b


def test_keys_of_pairs(chip):
    asymmetric(chip).run(chip, chip.kind)


def test_secret_keys(chip):
    secret(chip).run(chip, chip.kind)


def test_unwrapping(chip):
    """RFC 3394: into the chip, which has the key-encryption key and undoes the wrapping itself; and here with a session's."""
    b = Bench()
    kek, new = KEY[32], bytes(range(50, 66))
    wrapped = keywrap.aes_key_wrap(kek, new)
    b.add("made", do="secret", key="session", type=0x1F, data=kek)
    for name, with_, token in (("inside", f"sss:{AES_ID[32]:08X}", 1), ("here", "session", 0)):
        b.add("made", do="unwrap", mech=0x2109, key=with_, type=0x1F, token=token, new=name, data=wrapped)
        b.add(Cipher(algorithms.AES(new), modes.ECB()).encryptor().update(bytes(16)), do="encrypt", mech=0x1081, key=name, data=bytes(16))
        b.add("CKR_WRAPPED_KEY_LEN_RANGE", do="unwrap", mech=0x2109, key=with_, type=0x1F, token=token, new="x", data=wrapped[:-1])
        b.add("CKR_WRAPPED_KEY_INVALID", do="unwrap", mech=0x2109, key=with_, type=0x1F, token=token, new="x", data=wrapped[:-1] + b"x")
    b.add("CKR_TEMPLATE_INCONSISTENT", do="unwrap", mech=0x2109, key=f"sss:{AES_ID[32]:08X}", type=0x1F, token=0, new="x", data=wrapped)
    b.add("CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT", do="unwrap", mech=0x2109, key=RSA, type=0x1F, token=1, new="x", data=wrapped)
    b.run(chip, "plain")


OID = {ec.SECP256R1: "06082a8648ce3d030107", ec.SECP384R1: "06052b81040022", ec.SECP521R1: "06052b81040023",
       ec.BrainpoolP256R1: "06092b2403030208010107", ec.SECP256K1: "06052b8104000a"}


def parts(private):
    """(CKK, the attributes of a private key)."""
    if hasattr(private, "private_bytes_raw") or not hasattr(private, "private_numbers"):
        raw = private.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
        oid = {ed25519.Ed25519PrivateKey: "06032b6570", x25519.X25519PrivateKey: "06032b656e", x448.X448PrivateKey: "06032b656f"}
        name = next(o for kind, o in oid.items() if isinstance(private, kind))
        return (0x40 if name == "06032b6570" else 0x41), {"180": name, "11": raw.hex()}
    n = private.private_numbers()
    if isinstance(n, ec.EllipticCurvePrivateNumbers):
        return 0x3, {"180": OID[type(private.curve)], "11": n.private_value.to_bytes((private.key_size + 7) // 8, "big").hex()}
    numbers = {"120": n.public_numbers.n, "122": n.public_numbers.e, "123": n.d, "124": n.p, "125": n.q, "126": n.dmp1, "127": n.dmq1, "128": n.iqmp}
    return 0x0, {a: v.to_bytes((v.bit_length() + 7) // 8, "big").hex() for a, v in numbers.items()}


def test_private_keys_of_sessions(chip):
    """The same signatures, decryptions and agreements with keys that are session objects: nothing of it reaches the chip."""
    b, everything = Bench(), asymmetric(chip)
    held = {RSA: chip.rsa, EC: chip.ec, "sss:20182100": chip.edwards,
            **{f"sss:{number:08X}": private for number, private in {**chip.curves, **chip.montgomery}.items()}}
    for name, private in held.items():
        kty, attributes = parts(private)
        b.add("made", do="private", key=f"session {name}", type=kty, parts=attributes)
    for case, judge in zip(everything.cases, everything.judges):
        if case["do"] in ("sign", "decrypt", "derive"):
            b.add(judge, **{**case, "key": f"session {case['key']}"})
    with bus_cost.stretch(chip.part.counters) as cost:
        b.run(chip, chip.kind)
    assert cost.private_key_operations == 0
