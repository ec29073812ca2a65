"""ssscli: nothing of a key stays in the process."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import exit_memory
from ssscli_host import cli, part, pem, rsa_key  # noqa: F401


def secrets_of(key):
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.private_numbers()
        return {"d": n.d, "p": n.p, "q": n.q, "dp": n.dmp1, "dq": n.dmq1, "qinv": n.iqmp}
    return {"scalar": key.private_numbers().private_value}


def found_in(image, key):
    """Names of the secret numbers of which 12 bytes are there: start, middle or end, both byte orders."""
    out = set()
    for name, value in secrets_of(key).items():
        big = value.to_bytes((value.bit_length() + 7) // 8, "big")
        for form in (big, big[::-1]):
            if any(w in image for w in (form[:12], form[len(form) // 2:][:12], form[-12:])):
                out.add(name)
    if pem(key).splitlines()[2][:24] in image:
        out.add("PEM")
    return out


@pytest.mark.skipif(os.geteuid() != 0, reason="reading an undumpable process needs root")
@pytest.mark.parametrize("kind", ["rsa", "ecc"])
def test_no_key_is_left_in_memory(part, cli, rsa_key, kind):
    key = rsa_key if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    (cli.home / "k").write_bytes(pem(key))
    status, image = exit_memory.at_exit(cli.argv("set", kind, "pair", "1", "k"), cli.environment(), cli.home)
    assert status == 0 and len(image) > 1000000
    assert found_in(image, key) == set()
    # the control: a program that takes no care leaves all of it, and this scan finds it
    careless = "import base64; b = open('k').read().split('-----')[2]; d = base64.b64decode(b)"
    status, image = exit_memory.at_exit(["/usr/bin/python3", "-c", careless], cli.environment(), cli.home)
    assert status == 0 and found_in(image, key) == {*secrets_of(key), "PEM"}
