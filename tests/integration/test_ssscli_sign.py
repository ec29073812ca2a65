"""ssscli sign, verify, encrypt, decrypt: what the chip made is checked by python-cryptography and the other way round."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import chip_client as cc
from conftest import LONG
from ssscli_host import cli, part, pem, public_pem, rsa_key  # noqa: F401

HASHES = {"SHA1": hashes.SHA1(), "SHA224": hashes.SHA224(), "SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(),
          "SHA512": hashes.SHA512()}
PKCS1, PSS = "RSASSA_PKCS1_V1_5_", "RSASSA_PKCS1_PSS_MGF1_"


def put(cli, key, oid=1, kind="ecc"):
    (cli.home / "k").write_bytes(pem(key))
    cli.ok("set", kind, "pair", oid, "k")


@pytest.mark.parametrize("curve, name", [
    (curve, name) for curve in (ec.SECP256R1, ec.SECP521R1, ec.SECP192R1, ec.BrainpoolP384R1, ec.SECP256K1) for name in HASHES
    if LONG or curve is ec.SECP256R1 or name in ("SHA256", "SHA512")])
def test_ecdsa(cli, rng, curve, name):
    key = ec.generate_private_key(curve())
    text = rng.randbytes(3000)
    (cli.home / "in").write_bytes(text)
    put(cli, key)
    cli.ok("sign", "1", "in", "sig", "--hashalgo", name)
    key.public_key().verify((cli.home / "sig").read_bytes(), text, ec.ECDSA(HASHES[name]))
    (cli.home / "sig").write_bytes(key.sign(text, ec.ECDSA(HASHES[name])))
    assert cli.ok("verify", "1", "in", "sig", "--hashalgo", name).startswith("Verified")
    other = "SHA384" if name != "SHA384" else "SHA256"
    assert "verification failed" in cli.fails(1, "verify", "1", "in", "sig", "--hashalgo", other)


@pytest.mark.parametrize("name", ["SHA1", "SHA256", PKCS1 + "SHA1", PKCS1 + "SHA224", PKCS1 + "SHA384", PKCS1 + "SHA512",
                                  PSS + "SHA1", PSS + "SHA256", PSS + "SHA512"])
def test_rsa(cli, rsa_key, rng, name):
    text = rng.randbytes(5000)
    h = HASHES[name.rpartition("_")[2]]
    pad = padding.PSS(padding.MGF1(h), h.digest_size) if name.startswith(PSS) else padding.PKCS1v15()
    (cli.home / "in").write_bytes(text)
    put(cli, rsa_key, kind="rsa")
    cli.ok("sign", "1", "in", "sig", "--hashalgo", name.lower())
    rsa_key.public_key().verify((cli.home / "sig").read_bytes(), text, pad, h)
    (cli.home / "sig").write_bytes(rsa_key.sign(text, pad, h))
    cli.ok("verify", "1", "in", "sig", "--hashalgo", name)
    (cli.home / "in").write_bytes(text + b".")
    assert "verification failed" in cli.fails(1, "verify", "1", "in", "sig", "--hashalgo", name)


def test_rsa_signatures_that_are_none(cli, rsa_key):
    (cli.home / "in").write_bytes(b"text")
    put(cli, rsa_key, kind="rsa")
    cli.ok("sign", "1", "in", "sig")
    good = (cli.home / "sig").read_bytes()
    for bad in (good[:-1], good + b"\0", bytes(256), b"\0" * 255 + b"\1", good[:-1] + bytes([good[-1] ^ 1]), b"x"):
        (cli.home / "bad").write_bytes(bad)
        assert "verification failed" in cli.fails(1, "verify", "1", "in", "bad")
    cli.ok("verify", "1", "in", "sig")
    key = rsa.generate_private_key(65537, 1024)
    put(cli, key, 2, "rsa")
    assert "too short for PSS with SHA512" in cli.fails(1, "sign", "2", "in", "sig", "--hashalgo", PSS + "SHA512")


def raw(key):
    return (key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def test_ed25519(part, cli, rng):
    key = ed25519.Ed25519PrivateKey.generate()
    private, public = raw(key)
    text = rng.randbytes(700)
    for name, data in (("k", private), ("p", public), ("in", text)):
        (cli.home / name).write_bytes(data)
    cli.ok("set", "ecc", "pair", "1", "k")
    cli.ok("set", "ecc", "pub", "2", "p")
    for oid in (1, 2):
        cli.ok("get", "ecc", "pub", oid, "out")
        assert (cli.home / "out").read_bytes() == public
    cli.ok("sign", "1", "in", "sig")
    key.public_key().verify((cli.home / "sig").read_bytes(), text)
    for oid in (1, 2):
        cli.ok("verify", oid, "in", "sig")
    (cli.home / "in").write_bytes(text[:-1])
    assert "verification failed" in cli.fails(1, "verify", "1", "in", "sig")
    assert "no meaning for an Ed25519 key" in cli.fails(2, "sign", "1", "in", "sig", "--hashalgo", "SHA256")
    (cli.home / "in").write_bytes(bytes(5000))
    assert "up to about 800 bytes" in cli.fails(1, "sign", "1", "in", "sig")
    cli.ok("generate", "ecc", "3", "ED_25519")
    (cli.home / "in").write_bytes(b"")
    cli.ok("sign", "3", "in", "sig")
    cli.ok("verify", "3", "in", "sig")


def test_montgomery_keys_do_not_sign(cli):
    key = x25519.X25519PrivateKey.generate()
    private, public = raw(key)
    (cli.home / "k").write_bytes(private)
    cli.ok("set", "ecc", "pair", "1", "k")
    cli.ok("get", "ecc", "pair", "1", "out")
    assert (cli.home / "out").read_bytes() == public
    cli.ok("generate", "ecc", "2", "MONT_DH_448")
    (cli.home / "in").write_bytes(b"text")
    for oid in (1, 2):
        assert "they do not sign" in cli.fails(1, "sign", oid, "in", "sig")


def test_formats_of_input_and_signature(cli, rng):
    key = ec.generate_private_key(ec.SECP256R1())
    put(cli, key)
    (cli.home / "in.pem").write_bytes(public_pem(key))
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    cli.ok("sign", "1", "in.pem", "sig", "--informat", "PEM")
    key.public_key().verify((cli.home / "sig").read_bytes(), der, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.public_key().verify((cli.home / "sig").read_bytes(), public_pem(key), ec.ECDSA(hashes.SHA256()))
    for option in ("--outformat", "--format"):
        cli.ok("sign", "1", "in.pem", "sig.pem", option, "PEM")
        assert (cli.home / "sig.pem").read_text().startswith("-----BEGIN SIGNATURE-----\n")
        cli.ok("verify", "1", "in.pem", "sig.pem")
        cli.ok("verify", "1", "in.pem", "sig.pem", option, "PEM")
        assert cli.fails(1, "verify", "1", "in.pem", "sig.pem", option, "DER")  # the armour is no signature
    assert "no PEM in it" in cli.fails(1, "sign", "1", "sig", "x", "--informat", "PEM")
    assert "is not one of SHA1" in cli.fails(2, "sign", "1", "in.pem", "x", "--hashalgo", PSS + "SHA256")
    assert "cannot read nothing" in cli.fails(1, "sign", "1", "nothing", "x")
    assert "is not an EC or RSA key" in cli.fails(1, "sign", "7FFF0206", "in.pem", "x")
    assert not (cli.home / "x").exists()


@pytest.mark.parametrize("algo", ["oaep", "rsaes"])
def test_encrypt_and_decrypt(cli, rsa_key, rng, algo):
    pad = padding.PKCS1v15() if algo == "rsaes" else padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    text = rng.randbytes(100)
    put(cli, rsa_key, kind="rsa")
    (cli.home / "in").write_bytes(text)
    cli.ok("encrypt", "1", "in", "enc", "--algo", algo)
    assert rsa_key.decrypt((cli.home / "enc").read_bytes(), pad) == text
    (cli.home / "enc").write_bytes(rsa_key.public_key().encrypt(text, pad))
    cli.ok("decrypt", "1", "enc", "out", "--algo", algo)
    assert (cli.home / "out").read_bytes() == text
    assert (cli.home / "out").stat().st_mode & 0o777 == 0o600
    (cli.home / "in").write_bytes(bytes(250))
    assert cli.fails(1, "encrypt", "1", "in", "enc2", "--algo", algo)
    (cli.home / "enc").write_bytes(bytes(256))
    assert cli.fails(1, "decrypt", "1", "enc", "out2", "--algo", algo)
    assert not (cli.home / "enc2").exists() and not (cli.home / "out2").exists()
    assert "is not one of 'oaep', 'rsaes'" in cli.fails(2, "encrypt", "1", "in", "enc", "--algo", "rsa")
    cli.ok("generate", "ecc", "2", "NIST_P256")
    assert "is not an RSA key" in cli.fails(1, "decrypt", "2", "enc", "out")
