"""What the PKCS#11 tests share: a chip with keys in it, and foreign programs that use them."""

import os
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import chip_client
from conftest import BIN, LIB
from keyd import Keyd

MODULE = LIB / "libsss_pkcs11.so"
RSA_ID, EC_ID = 0x20181001, 0x20181002
#: EC pairs on P-256 that every chip leaves the factory with
FACTORY_KEYS = [0xF0000000, 0xF0000002, 0xF0000012, 0xF0000100, 0xF0000102]
FACTORY_CERTIFICATES = [0xF0000001, 0xF0000003, 0xF0000013, 0xF0000101, 0xF0000103]
PIN = "1234"
SO_PIN = "87654321"
#: how a program reaches the chip: its socket, the bus node that the preloaded library puts before it, the daemon that owns it
TRANSPORTS = ("vse", "i2c", "keyd")


def reach(transport, socket, procs, folder):
    """The environment in which programs find the chip behind `socket`."""
    if transport == "vse":
        return {"EX_SSS_BOOT_SSS_PORT": f"vse:{socket}"}
    if transport == "keyd":
        return Keyd(procs, folder, f"vse:{socket}").start().env
    return {"EX_SSS_BOOT_SSS_PORT": "/dev/i2c-1:0x48", "LD_PRELOAD": str(LIB / "libsedge-i2c.so"), "SEDGE_I2C_SOCKET": str(socket)}


class Token:
    """A virtual chip with an RSA and an EC pair, brought there by ssscli as a person would."""

    def __init__(self, procs, folder, *options, transport="vse"):
        self.folder = folder
        self.part = chip_client.Part(procs, BIN / "sedge-chip", folder, *options).start()
        conf = folder / "empty.conf"
        conf.write_text("")
        self.env = {**reach(transport, self.part.socket, procs, folder), "SEDGE_CONF": str(conf),
                    "SEDGE_SSSCLI_SESSION": str(folder / "session"), "HOME": str(folder)}
        self.ssscli("connect", "se050", "t1oi2c", "none")

    def run(self, *argv, data=None, ok=True, env=None, timeout=60):
        """Run a program on this token; its result, which must be success unless ok=False."""
        p = subprocess.run([str(a) for a in argv], input=data, capture_output=True, timeout=timeout,
                           env={**os.environ, **self.env, **(env or {})}, cwd=self.folder)
        if ok:
            assert p.returncode == 0, f"{argv}: {p.returncode}\n{p.stdout.decode()}\n{p.stderr.decode()}"
        return p

    def ssscli(self, *args, **kw):
        return self.run(BIN / "ssscli", *args, **kw)

    def tool(self, *args, login=True, **kw):
        who = ("--login", "--pin", PIN) if login else ()
        return self.run("pkcs11-tool", "--module", MODULE, *who, *args, **kw)

    def set_pins(self, pin=PIN, so_pin=SO_PIN, label="SSS_PKCS11"):
        """What an administrator does once: a security officer's PIN, then the user's."""
        self.tool("--init-token", "--label", label, "--so-pin", so_pin, login=False)
        self.tool("--login", "--login-type", "so", "--so-pin", so_pin, "--init-pin", "--new-pin", pin, login=False)
        return self

    def put(self, key, number):
        """Import a private key under an id; its public key stays for checking."""
        pem = self.folder / f"{number:x}.pem"
        pem.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                          serialization.NoEncryption()))
        kind = "rsa" if isinstance(key, rsa.RSAPrivateKey) else "ecc"
        self.ssscli("set", kind, "pair", f"0x{number:08x}", pem)
        pem.unlink()
        public = self.folder / f"{number:x}.pub"
        public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM,
                                                         serialization.PublicFormat.SubjectPublicKeyInfo))
        return public


def all_engines(folder):
    """The configuration in which everything OpenSSL does goes through the engine (pkcs11-consumers.md 7)."""
    conf = folder / "all.cnf"
    conf.write_text(f"""openssl_conf = main
[main]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = {MODULE}
PIN = {PIN}
default_algorithms = ALL
init = 0
[req]
distinguished_name = dn
[dn]
""")
    return {"OPENSSL_CONF": str(conf)}


@pytest.fixture(scope="session")
def keys():
    """One RSA and one EC key for the whole run: making RSA keys is slow."""
    return rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())


def token_with_keys(procs, folder, keys, *options, transport="vse"):
    t = Token(procs, folder, *options, transport=transport)
    t.rsa, t.ec = keys
    t.rsa_pub, t.ec_pub = t.put(t.rsa, RSA_ID), t.put(t.ec, EC_ID)
    return t


@pytest.fixture
def token(procs, tmp_path, keys):
    return token_with_keys(procs, tmp_path, keys)


@pytest.fixture(params=TRANSPORTS)
def any_token(request, procs, tmp_path, keys):
    """Once by each way to the chip."""
    return token_with_keys(procs, tmp_path, keys, transport=request.param)
