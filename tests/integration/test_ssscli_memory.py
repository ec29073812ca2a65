"""ssscli: nothing of a key stays in the process."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import chip_client as cc
import chip_commands as cmd
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


@pytest.mark.skipif(os.geteuid() != 0, reason="reading an undumpable process needs root")
def test_no_secret_key_or_credential_is_left_in_memory(part, cli, rng):
    """An AES key from a file, and the value that opens a session. Searched for as bytes and as hex."""
    key, pin = rng.randbytes(32), rng.randbytes(16)
    for name, value in (("aes", key), ("pin", pin)):
        (cli.home / name).write_text(value.hex() + "\n")
        (cli.home / name).chmod(0o600)
    with cc.Chip(part.socket) as c:
        c.run(cmd.write_userid(0x7DA00001, pin))
    cli.ok("connect", "se05x", "t1oi2c", "none", "--auth_type", "UserID", "--auth_key", "pin")
    status, image = exit_memory.at_exit(cli.argv("set", "aes", "1", "aes"), cli.environment(), cli.home)
    assert status == 0
    for value in (key, pin):
        assert not any(v in image for v in (value[:12], value[-12:], value.hex()[:16].encode(), value.hex()[-16:].encode()))
    # the control: on the command line it stays, and is found
    status, image = exit_memory.at_exit(cli.argv("set", "aes", "1", key.hex()), cli.environment(), cli.home)
    assert status == 0 and key.hex()[:16].encode() in image
