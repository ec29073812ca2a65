"""ssscli set, get, generate: what it wrote is checked by a host written apart (chip_client) and by
python-cryptography."""

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, PublicFormat

import chip_client as cc
from ssscli_host import KEY, cli, ec_works, object_ids, part, pem, public_pem, rsa_key, rsa_works  # noqa: F401


@pytest.mark.parametrize("form", ["pkcs1", "pkcs8", "pkcs1.der", "pkcs8.der"])
def test_set_rsa_pair(part, cli, rsa_key, form):
    encoding = Encoding.DER if form.endswith(".der") else Encoding.PEM
    kind = PrivateFormat.PKCS8 if form.startswith("pkcs8") else PrivateFormat.TraditionalOpenSSL
    (cli.home / "k").write_bytes(pem(rsa_key, kind, encoding))
    assert cli.ok("set", "rsa", "pair", "0x20181001", "k") == "Injecting RSA key pair at KeyID = 0x20181001\n"
    with cc.Chip(part.socket) as c:
        assert c.type(KEY) == (cc.RSA_PAIR_CRT, 1)
        assert c.size(KEY) == 256
    rsa_works(part, KEY, rsa_key.public_key())
    cli.ok("get", "rsa", "pair", "20181001", "pub.pem")
    assert (cli.home / "pub.pem").read_bytes() == public_pem(rsa_key)


@pytest.mark.parametrize("bits", [1024, 3072, 4096])
def test_set_rsa_pair_of_other_sizes(part, cli, bits):
    key = rsa.generate_private_key(65537, bits)
    (cli.home / "k").write_bytes(pem(key))
    cli.ok("set", "rsa", "pair", "1", "k")
    rsa_works(part, 1, key.public_key())


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1, ec.SECP224R1, ec.BrainpoolP256R1,
                                   ec.BrainpoolP512R1, ec.SECP256K1])
@pytest.mark.parametrize("form", ["sec1", "pkcs8.der"])
def test_set_ecc_pair(part, cli, curve, form):
    key = ec.generate_private_key(curve())
    data = pem(key) if form == "sec1" else pem(key, PrivateFormat.PKCS8, Encoding.DER)
    (cli.home / "k").write_bytes(data)
    assert cli.ok("set", "ecc", "pair", "0x20181001", "k") == "Injecting ECC key pair at KeyID = 0x20181001\n"
    ec_works(part, KEY, key.public_key())
    cli.ok("get", "ecc", "pair", "0x20181001", "pub.pem")
    assert (cli.home / "pub.pem").read_bytes() == public_pem(key)


def test_openssl_ecparam_file_with_parameters_first(part, cli):
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-out", str(cli.home / "k")], check=True)
    assert (cli.home / "k").read_text().startswith("-----BEGIN EC PARAMETERS")
    cli.ok("set", "ecc", "pair", "1", "k")
    ec_works(part, 1, serialization.load_pem_private_key((cli.home / "k").read_bytes(), None).public_key())


def test_a_key_is_replaced_by_one_of_its_kind_only(part, cli, rsa_key):
    first, second = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    for name, key in (("a", first), ("b", second), ("c", ec.generate_private_key(ec.BrainpoolP256R1())), ("r", rsa_key)):
        (cli.home / name).write_bytes(pem(key))
    cli.ok("set", "ecc", "pair", "1", "a")
    cli.ok("set", "ecc", "pair", "1", "b")
    for kind, name in (("ecc", "c"), ("rsa", "r")):
        assert "erase it first" in cli.fails(1, "set", kind, "pair", "1", name)
    ec_works(part, 1, second.public_key())
    cli.ok("erase", "1")
    cli.ok("set", "rsa", "pair", "1", "r")
    rsa_works(part, 1, rsa_key.public_key())


def test_public_keys(part, cli, rsa_key):
    key = ec.generate_private_key(ec.SECP256R1())
    (cli.home / "e").write_bytes(public_pem(key))
    (cli.home / "r").write_bytes(public_pem(rsa_key))
    (cli.home / "p").write_bytes(pem(key))
    cli.ok("set", "ecc", "pub", "1", "e")
    cli.ok("set", "rsa", "pub", "2", "r")
    cli.ok("set", "ecc", "pub", "3", "p")  # the public part of a private key
    with cc.Chip(part.socket) as c:
        assert [c.type(i)[0] for i in (1, 2, 3)] == [3, 8, 3]
    for oid, kind, want in ((1, "ecc", public_pem(key)), (2, "rsa", public_pem(rsa_key)), (3, "ecc", public_pem(key))):
        cli.ok("get", kind, "pub", oid, "out")
        assert (cli.home / "out").read_bytes() == want
    cli.ok("get", "ecc", "pub", "1", "out", "--format", "DER")
    assert (cli.home / "out").read_bytes() == key.public_key().public_bytes(Encoding.DER,
                                                                           PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("curve", ["NIST_P256", "NIST_P384", "Brainpool256", "Secp256k1"])
def test_generate_ecc(part, cli, curve):
    cli.ok("generate", "ecc", "0x20181001", curve)
    cli.ok("generate", "pub", "0x20181001", "pub.pem")
    ec_works(part, KEY, serialization.load_pem_public_key((cli.home / "pub.pem").read_bytes()))


def test_generate_rsa(part, cli):
    cli.ok("generate", "rsa", "0x20181001", "1024")
    cli.ok("generate", "pub", "0x20181001", "pub.pem")
    public = serialization.load_pem_public_key((cli.home / "pub.pem").read_bytes())
    assert public.key_size == 1024
    rsa_works(part, KEY, public)


@pytest.mark.parametrize("size", [1, 499, 500, 501, 5000, 32767])
def test_files(part, cli, rng, size):
    data = rng.randbytes(size)
    (cli.home / "f").write_bytes(data)
    cli.ok("set", "bin", "0x300", "f")
    cli.ok("get", "bin", "0x300", "g")
    assert (cli.home / "g").read_bytes() == data


def test_certificates_are_kept_as_der(part, cli, rsa_key):
    subprocess.run(["openssl", "req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=x", "-out",
                    str(cli.home / "c.pem")], input=pem(rsa_key), check=True)
    cert = x509.load_pem_x509_certificate((cli.home / "c.pem").read_bytes())
    cli.ok("set", "cert", "0x301", "c.pem")
    with cc.Chip(part.socket) as c:
        assert c.size(0x301) == len(cert.public_bytes(Encoding.DER))
    cli.ok("get", "cert", "0x301", "out.pem")
    assert (cli.home / "out.pem").read_bytes() == cert.public_bytes(Encoding.PEM)
    cli.ok("get", "cert", "--format=DER", "0x301", "out.der")
    assert (cli.home / "out.der").read_bytes() == cert.public_bytes(Encoding.DER)
    cli.ok("set", "cert", "0x302", "out.der")
    (cli.home / "f").write_bytes(b"not one")
    assert "not a usable certificate" in cli.fails(1, "set", "cert", "0x303", "f")
    cli.ok("set", "bin", "0x304", "f")
    assert "does not hold a certificate" in cli.fails(1, "get", "cert", "0x304", "out")


# ---- bad key files ----


def encrypted(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


BAD_FILES = {
    "empty": lambda k: b"",
    "text": lambda k: b"hello\n",
    "cut": lambda k: pem(k)[: len(pem(k)) // 2],
    "damaged": lambda k: pem(k).replace(b"MII", b"MIJ", 1),
    "cut DER": lambda k: pem(k, encoding=Encoding.DER)[:-1],
    "more behind the DER": lambda k: pem(k, encoding=Encoding.DER) + b"\0",
    "only public": public_pem,
    "encrypted": encrypted,
    "too large": lambda k: pem(k) + b"\n" * 70000,
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_key_file(part, cli, rsa_key, kind):
    (cli.home / "bad").write_bytes(BAD_FILES[kind](rsa_key))
    before = object_ids(part)
    message = cli.fails(1, "set", "rsa", "pair", "0x20181001", "bad")
    assert message.startswith("Error: ") and "bad" in message
    assert object_ids(part) == before


def test_no_such_file_wrong_kind_wrong_curve(part, cli, rsa_key):
    before = object_ids(part)
    assert "cannot read nothing: " in cli.fails(1, "set", "rsa", "pair", "1", "nothing")
    (cli.home / "r").write_bytes(pem(rsa_key))
    (cli.home / "e").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    (cli.home / "s").write_bytes(pem(ec.generate_private_key(ec.SECT283K1())))
    (cli.home / "o").write_bytes(pem(rsa.generate_private_key(65537, 2040)))
    assert "this is not an EC key; use `ssscli set rsa`" in cli.fails(1, "set", "ecc", "pair", "1", "r")
    assert "this is not an RSA key; use `ssscli set ecc`" in cli.fails(1, "set", "rsa", "pair", "1", "e")
    assert "the chip has no curve sect283k1" in cli.fails(1, "set", "ecc", "pair", "1", "s")
    assert "no RSA keys of 2040 bits" in cli.fails(1, "set", "rsa", "pair", "1", "o")
    assert "DER" in cli.fails(1, "set", "rsa", "pair", "1", "r", "--format", "DER")
    assert object_ids(part) == before
