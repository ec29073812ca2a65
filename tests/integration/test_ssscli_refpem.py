"""ssscli refpem: OpenSSL's own parser reads the file as a key whose public half is the chip's."""

import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from conftest import LONG
from ssscli_host import cli, part, pem, public_pem, rsa_key  # noqa: F401

CURVES = ["NIST_P192", "NIST_P224", "NIST_P256", "NIST_P384", "NIST_P521", "Brainpool160", "Brainpool192", "Brainpool224",
          "Brainpool256", "Brainpool320", "Brainpool384", "Brainpool512", "Secp160k1", "Secp192k1", "Secp224k1", "Secp256k1"]
SAMPLE = ["NIST_P192", "NIST_P256", "NIST_P521", "Brainpool160", "Brainpool512", "Secp160k1", "Secp256k1"]


def openssl(cli, *args):
    return subprocess.run(["openssl", *args], cwd=cli.home, check=True, capture_output=True).stdout


def private_value(der):
    """Of an ECPrivateKey: SEQUENCE { INTEGER 1, OCTET STRING value, ... } (RFC 5915)."""
    at = 2 if der[1] < 0x80 else 3
    assert der[at:at + 4] == b"\x02\x01\x01\x04"
    return der[at + 5:at + 5 + der[at + 4]]


@pytest.mark.parametrize("curve", CURVES if LONG else SAMPLE)
def test_ecc(cli, curve):
    cli.ok("generate", "ecc", "0x20181001", curve)
    cli.ok("generate", "pub", "0x20181001", "pub")
    for half, klass in (("pair", "1000"), ("pub", "2000")):
        cli.ok("refpem", "ecc", half, "0x20181001", "ref.pem")
        cli.ok("refpem", "ecc", half, "0x20181001", "ref.der", "--format", "DER")
        for form in ("PEM", "DER"):
            assert openssl(cli, "pkey", "-inform", form, "-in", f"ref.{form.lower()}", "-pubout") == (cli.home / "pub").read_bytes()
        value = private_value((cli.home / "ref.der").read_bytes()).hex().lstrip("0")
        assert value.startswith("10") and value.endswith("20181001" + "a5a6b5b6" * 2 + klass)
        assert set(value[2:-28]) <= {"0"}


def test_the_bytes_of_a_p256_reference(cli):
    """Reference 6: 10 00..00 keyid magic magic class index, 32 bytes."""
    cli.ok("generate", "ecc", "0x7FEDCBA9", "NIST_P256")
    cli.ok("refpem", "ecc", "pair", "0x7FEDCBA9", "ref", "--format", "DER")
    want = "10" + "00" * 17 + "7fedcba9" + "a5a6b5b6" * 2 + "1000"
    assert private_value((cli.home / "ref").read_bytes()).hex() == want


def test_rsa(cli, rsa_key):
    (cli.home / "k").write_bytes(pem(rsa_key))
    cli.ok("set", "rsa", "pair", "0xABCD", "k")
    cli.ok("refpem", "rsa", "pair", "0xABCD", "ref")
    assert openssl(cli, "pkey", "-in", "ref", "-pubout") == public_pem(rsa_key)
    text = openssl(cli, "rsa", "-in", "ref", "-noout", "-text").decode()
    for line in ("prime1: 1 (0x1)", "prime2: 43981 (0xabcd)", "coefficient: 2779166134 (0xa5a6b5b6)"):
        assert line in text
    n = rsa_key.private_numbers()
    image = openssl(cli, "rsa", "-in", "ref", "-outform", "DER")
    assert n.d.to_bytes(256, "big")[-32:] not in image  # nothing of the true private half
    assert n.public_numbers.n.to_bytes(256, "big")[-32:] in image  # the control


@pytest.mark.parametrize("password", [None, "secret words"])
def test_pkcs12(cli, password):
    key = ec.generate_private_key(ec.SECP256R1())
    (cli.home / "k").write_bytes(pem(key))
    cli.ok("set", "ecc", "pair", "0x10", "k")
    openssl(cli, "req", "-x509", "-new", "-key", "k", "-subj", "/CN=x", "-out", "c.pem")
    options = ["--password", password] if password else []
    cli.ok("refpem", "ecc", "pair", "0x10", "ref.p12", "--format", "PKCS12", "--cert", "c.pem", *options)
    data = (cli.home / "ref.p12").read_bytes()
    loaded, cert, more = pkcs12.load_key_and_certificates(data, (password or "").encode())
    assert public_pem(loaded) == public_pem(key) and more == []
    assert loaded.private_numbers().private_value & 0xFFFF == 0x1000
    assert cert.public_bytes(Encoding.PEM) == (cli.home / "c.pem").read_bytes()
    cli.ok("refpem", "ecc", "pair", "0x10", "plain.p12", "--format", "PKCS12", *options)
    with pytest.raises(ValueError):
        pkcs12.load_key_and_certificates(data, b"wrong")


def test_what_is_refused(cli, rsa_key):
    key = ec.generate_private_key(ec.SECP256R1())
    (cli.home / "k").write_bytes(pem(key))
    (cli.home / "r").write_bytes(pem(rsa_key))
    openssl(cli, "req", "-x509", "-new", "-key", "r", "-subj", "/CN=x", "-out", "c.pem")
    cli.ok("set", "ecc", "pub", "1", "k")
    cli.ok("generate", "ecc", "2", "ED_25519")
    cli.ok("set", "ecc", "pair", "3", "k")
    assert "is a public key only" in cli.fails(1, "refpem", "ecc", "pair", "1", "x")
    assert "no reference keys on curve ED_25519" in cli.fails(1, "refpem", "ecc", "pair", "2", "x")
    assert "is not an RSA key" in cli.fails(1, "refpem", "rsa", "pair", "3", "x")
    assert "--cert c.pem" in cli.fails(1, "refpem", "ecc", "pair", "3", "x", "--format", "PKCS12", "--cert", "c.pem")
    assert "are for '--format PKCS12'" in cli.fails(2, "refpem", "ecc", "pair", "3", "x", "--password", "p")
    assert "is not one of 'PEM', 'DER', 'PKCS12'" in cli.fails(2, "refpem", "ecc", "pair", "3", "x", "--format", "P12")
    assert not (cli.home / "x").exists()
