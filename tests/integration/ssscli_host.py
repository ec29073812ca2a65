"""ssscli, the real program, with a home of its own: what the tests of its parts share."""

import hashlib
import os
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import chip_client as cc
from conftest import BIN, LIB

KEY = 0x20181001


@pytest.fixture
def part(procs, tmp_path):
    return cc.Part(procs, BIN / "sedge-chip", tmp_path).start()


class Cli:
    """ssscli with a home of its own."""

    def __init__(self, home, port=None):
        self.home = home
        self.env = {"HOME": str(home)}
        if port:
            self.env["EX_SSS_BOOT_SSS_PORT"] = port

    def argv(self, *args):
        return [str(BIN / "ssscli"), *[str(a) for a in args]]

    def environment(self, env=None):
        base = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
        return {**base, **self.env, **(env or {})}

    def run(self, *args, env=None, cwd=None):
        return subprocess.run(self.argv(*args), env=self.environment(env), cwd=cwd or self.home, capture_output=True,
                              text=True, timeout=60, stdin=subprocess.DEVNULL)

    def ok(self, *args, **kw):
        p = self.run(*args, **kw)
        assert (p.returncode, p.stderr) == (0, ""), (args, p.stdout, p.stderr)
        return p.stdout

    def fails(self, status, *args, **kw):
        p = self.run(*args, **kw)
        assert p.returncode == status, (args, p.stdout, p.stderr)
        return p.stderr

    def start(self, *args, env=None):
        return subprocess.Popen(self.argv(*args), env=self.environment(env), cwd=self.home, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def cli(part, tmp_path):
    """Connected to the part."""
    home = tmp_path / "home"
    home.mkdir()
    c = Cli(home, f"vse:{part.socket}")
    c.ok("connect", "se050", "t1oi2c", "none")
    return c


@pytest.fixture(scope="session")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def pem(key, form=PrivateFormat.TraditionalOpenSSL, encoding=Encoding.PEM):
    return key.private_bytes(encoding, form, NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def object_ids(part):
    with cc.Chip(part.socket) as c:
        return c.all_ids()


def rsa_works(part, oid, public):
    """Sign with the chip (raw private operation over our own padding), verify outside."""
    n = (public.key_size + 7) // 8
    digest = hashlib.sha256(b"text").digest()
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    block = b"\x00\x01" + b"\xff" * (n - 3 - len(info)) + b"\x00" + info
    with cc.Chip(part.socket) as c:
        signature = c.rsa_crypt(oid, 0x0C, block, decrypt=True)
    public.verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())


def ec_works(part, oid, public):
    digest = hashlib.sha256(b"text").digest()
    with cc.Chip(part.socket) as c:
        signature = c.sign(oid, cc.ECDSA_SHA256, digest)
    public.verify(signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def preload(part):
    return {"LD_PRELOAD": str(LIB / "libsedge-i2c.so"), "SEDGE_I2C_SOCKET": str(part.socket)}
