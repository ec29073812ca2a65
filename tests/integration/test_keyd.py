"""sedge-keyd as programs meet it: the module and ssscli through it, rules, audit, fairness, clients that stop or die."""

import signal
import subprocess

import pytest

from conftest import BIN, wait_for
from keyd import Keyd
from p11_walk import EC_ID, MODULE, Token, keys  # noqa: F401 (a fixture)


@pytest.fixture
def shared(procs, tmp_path, keys):  # noqa: F811
    """A chip with two keys, and a keyd before it that allows root everything."""
    token = Token(procs, tmp_path)
    token.rsa, token.ec = keys
    token.rsa_pub, token.ec_pub = token.put(token.rsa, 0x20181001), token.put(token.ec, EC_ID)
    token.keyd = Keyd(procs, tmp_path, f"vse:{token.part.socket}").start()
    token.env.update(token.keyd.env)
    return token


def sign_and_verify(token, folder):
    data, sig = folder / "data", folder / "sig"
    data.write_bytes(b"x" * 32)
    token.tool("--sign", "-m", "ECDSA-SHA256", "--signature-format", "openssl", "--id", f"{EC_ID:08x}",
               "-i", data, "-o", sig)
    token.run("openssl", "dgst", "-sha256", "-verify", token.ec_pub, "-signature", sig, data)


def test_the_module_signs_through_it(shared, tmp_path):
    sign_and_verify(shared, tmp_path)
    uses = [a for a in shared.keyd.audit() if a["op"] == "sign"]
    assert [(a["key"], a["result"], a["sw"]) for a in uses] == [(f"0x{EC_ID:08X}", "allowed", "9000")]


def test_where_it_is_configured_the_bus_stays_closed(shared, tmp_path):
    """Killing keyd lifts no rule: the module does not fall back to the port that is configured, too."""
    shared.keyd.stop(signal.SIGKILL)
    p = shared.ssscli("se05x", "uid", ok=False)
    assert p.returncode != 0 and b"sedge-keyd does not answer" in p.stderr + p.stdout
    p = shared.tool("-T", login=False, ok=False)
    assert b"SSS_PKCS11" not in p.stdout
    shared.keyd.start()
    sign_and_verify(shared, tmp_path)
