"""What the tests of the chip's cryptographic commands share: a part per personality and module, keys, refusals."""

import functools
import itertools
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import chip_client as cc
from chip_client import tlv, u8, u16, u32
from conftest import BIN, Processes

AES, DES, HMAC = 3, 4, 5
RIGHTS = dict(sign=0x10000000, verify=0x08000000, agree=0x04000000, encrypt=0x02000000, decrypt=0x01000000,
              kdf=0x00800000, read=0x00200000, write=0x00100000, delete=0x00040000, tls_pms=0x40000000,
              tls_kdf=0x80000000, hide=0x00000800, ext_random=0x00000400, pbkdf=0x00000080, own_iv=0x00000020)

ids = itertools.count(0x10000001)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """parts("3.1") is a running chip of that personality, one for the module."""
    folder = tmp_path_factory.mktemp("chips")
    procs, started = Processes(folder), {}

    def part(applet):
        if applet not in started:
            started[applet] = cc.Part(procs, BIN / "sedge-chip", folder, "--applet", applet, name=applet).start()
        return started[applet]

    yield part
    procs.stop_all()


@pytest.fixture
def chip(parts, applet):
    with cc.Chip(parts(applet).socket) as c:
        yield c


def h(text):
    return bytes.fromhex(text)


def policy(*rights):
    """A policy set that gives these to everybody, and deleting."""
    return b"\x08" + u32(0) + u32(sum(RIGHTS[r] for r in rights) | RIGHTS["delete"])


def key(chip, kind, value, *rights, extra=b"", ins=1):
    """A new symmetric key; with rights its policy gives no others. Its id."""
    oid = next(ids)
    assert chip.command(ins, kind, 0, tlv(0x11, policy(*rights)) if rights else b"", tlv(0x41, u32(oid)),
                        tlv(0x43, value), extra) == {}
    return oid


def ec_key(chip, curve, private=None, public=None, part=cc.PAIR, pol=b"", ins=1):
    oid = next(ids)
    chip.write_ec(oid, curve=curve, private=private, public=public, part=part, policy=pol, ins=ins)
    return oid


def crypto_object(chip, number, context, subtype):
    """Made anew; the bytes of its id."""
    chip.raw(cc.apdu(4, 0x10, 0x28, tlv(0x41, u16(number))))
    assert chip.command(1, 0x10, 0, tlv(0x41, u16(number)), tlv(0x42, u8(context)), tlv(0x43, u8(subtype))) == {}
    return u16(number)


def sw(chip, ins, p1, p2, *tlvs, **kw):
    """The status word; a refusal brings no data."""
    data, word = chip.raw(cc.apdu(ins, p1, p2, b"".join(tlvs), **kw))
    assert word == 0x9000 or data == b""
    return word


def marked(*cases):
    """Rows (id, command, kind, ...) as parameters with their marks."""
    return [pytest.param(*c[3:], marks=pytest.mark.chip(c[1], kind=c[2]), id=c[0]) for c in cases]


@functools.cache
def rsa_4096():
    """An RSA-4096 key made in no time, of two primes that everybody knows (RFC 3526 and 7919, as OpenSSL has them): a key for tests, and no secret."""
    p, q = (serialization.load_pem_parameters(subprocess.run(
        ["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", f"group:{name}"], capture_output=True, check=True).stdout).parameter_numbers().p
        for name in ("modp_2048", "ffdhe2048"))
    d = pow(65537, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(65537, p * q)).private_key()
