"""ssscli connect with a secure channel and with sessions, alone and together, on both generations of the applet."""

import json
import os
import shutil
import tempfile

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import chip_client as cc
import chip_commands as cmd
from chip_sessions import DEVKIT, SE050E, Platform, UserIdSession
from conftest import BIN, BUILD
from ssscli_host import Cli, pem

USERID, AES, ECKEY = 0x7DA00001, 0x7DA00002, 0x7DA00003
OTHER = "ENC 101112131415161718191a1b1c1d1e1f\nMAC 202122232425262728292a2b2c2d2e2f\nDEK 303132333435363738393a3b3c3d3e3f\n"


@pytest.fixture
def closed():
    """Key files are never taken from /tmp."""
    folder = tempfile.mkdtemp(prefix="auth-", dir=BUILD)
    yield lambda name, text, mode=0o600: write(f"{folder}/{name}", text, mode)
    shutil.rmtree(folder)


def write(path, text, mode):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


@pytest.fixture
def part(procs, tmp_path, applet):
    p = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet).start()
    with cc.Chip(p.socket) as c:
        c.run(cmd.write_userid(USERID, bytes.fromhex("C001020304")))
        c.run(cmd.write_symm(AES, 3, bytes(range(0x40, 0x50)), flags=cmd.AUTH))
    return p


@pytest.fixture
def cli(part, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return Cli(home, f"vse:{part.socket}")


@pytest.fixture
def owned(part):
    """What tells sessions apart: a file that only the authentication object named may read."""
    def make(auth, oid=0x55):
        with cc.Chip(part.socket) as c:
            c.write_binary(oid, b"mine", size=4, policy=cmd.policy(["read"], auth=auth))
    return make


@pytest.mark.parametrize("kind, auth", [("UserID", USERID), ("AESKey", AES), ("ECKey", ECKEY)])
@pytest.mark.parametrize("platform", ["", "_PlatformSCP"])
def test_sessions(part, cli, owned, closed, kind, auth, platform):
    options = []
    if kind == "ECKey":
        key = ec.generate_private_key(ec.SECP256R1())
        options = ["--auth_key", closed("host.pem", pem(key).decode())]
        point = key.public_key().public_numbers()
        with cc.Chip(part.socket) as c:
            c.make_curve(3)
            c.write_ec(ECKEY, 3, public=b"\4" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big"), part=cc.PUBLIC, ins=0x41)
    owned(auth)
    cli.ok("connect", "se05x", "t1oi2c", "none")
    assert "6986" in cli.fails(1, "get", "bin", "55", "out")
    cli.ok("connect", "se05x", "t1oi2c", "none", "--auth_type", kind + platform, *options)
    cli.ok("get", "bin", "55", "out")
    assert (cli.home / "out").read_bytes() == b"mine"
    cli.ok("se05x", "uid")
    cli.ok("generate", "ecc", "66", "NIST_P256")
    text = (cli.home / ".local/state/sedge/ssscli-session").read_text()
    assert f"auth_type = {kind}{platform}\n" in text and f"auth_id = {auth:08X}\n" in text and "C001020304" not in text.upper()


# the wrong AES key is seen by the host first, in the card's cryptogram: the chip is not asked
@pytest.mark.parametrize("kind, value, attempts", [("UserID", "C001020305", 1), ("AESKey", "00" * 16, 0)])
def test_a_wrong_credential_fails_at_connect_and_is_tried_once(part, cli, closed, kind, value, attempts):
    cli.ok("connect", "se05x", "t1oi2c", "none")
    message = cli.fails(1, "connect", "se05x", "t1oi2c", "none", "--auth_type", kind, "--auth_key", closed("k", value))
    assert message.startswith("Error: ")
    cli.ok("se05x", "uid")  # the session before is still the one there is
    with cc.Chip(part.socket) as c:
        data = cc.untlv(c.raw(bytes(cmd.read_attributes({"UserID": USERID, "AESKey": AES}[kind])))[0])
        attributes = data.get(cmd.T2, data.get(cmd.T3))
        assert attributes[6:8] == bytes([0, attempts])


def test_credential_files_must_be_closed_and_right(cli, closed):
    connect = ("connect", "se05x", "t1oi2c", "none", "--auth_type", "UserID")
    assert "chmod 600" in cli.fails(1, *connect, "--auth_key", closed("open", "C001020304", 0o644))
    assert "in hex is expected" in cli.fails(1, *connect, "--auth_key", closed("text", "hello"))
    assert "--auth_key" in cli.fails(1, *connect, "--auth_key", "/nonexistent")
    assert "P-256 private key" in cli.fails(1, "connect", "se05x", "t1oi2c", "none", "--auth_type", "ECKey", "--auth_key", closed("x", "x"))
    assert cli.fails(1, *connect, "--auth_id", "0x12345")
    cli.ok(*connect, "--auth_id", "7DA00001", "--auth_key", closed("good", "C001020304\n"))


def test_platform_channel_with_published_keys(part, cli, applet):
    cli.ok("connect", "se050", "t1oi2c", "none", "--auth_type", "PlatformSCP")
    p = cli.run("-v", "se05x", "uid")
    assert p.returncode == 0 and "which are published: no secrecy" in p.stderr
    cli.ok("connect", "se050", "t1oi2c", "none")
    assert "secure channel" not in cli.run("-v", "se05x", "uid").stderr


def test_platform_channel_with_a_file(procs, tmp_path, closed, applet):
    keys = closed("scp.txt", OTHER)
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet, "--scp-keys", keys).start()
    cli = Cli(tmp_path, f"vse:{part.socket}")
    cli.ok("connect", "se050", "t1oi2c", "none", "--auth_type", "PlatformSCP", "--scpkey", keys)
    cli.ok("generate", "ecc", "1", "NIST_P256")
    assert "secure channel with keys file\n" in cli.run("-v", "se05x", "uid").stderr
    assert "SCP03 keys" in cli.fails(1, "connect", "se050", "t1oi2c", "none", "--auth_type", "PlatformSCP")
    for bad in (closed("open", OTHER, 0o644), closed("text", "hello"), "/nonexistent/keys"):
        assert cli.fails(1, "connect", "se050", "t1oi2c", "none", "--auth_type", "PlatformSCP", "--scpkey", bad)
    cli.ok("se05x", "uid")
    env = {"EX_SSS_BOOT_SCP03_PATH": keys}
    cli.ok("connect", "se050", "t1oi2c", "none", "--auth_type", "PlatformSCP", env=env)
    cli.ok("se05x", "uid", env=env)


def test_the_channel_is_needed_where_the_chip_says_so(part, cli, applet):
    """SetPlatformSCPRequest: the control that PlatformSCP really is one."""
    with cc.Chip(part.socket) as c:
        c.run(cmd.write_userid(0x7FFF0207, b"1234"))
        s = UserIdSession(Platform(c, DEVKIT if applet == "3.1" else SE050E), 0x7FFF0207, b"1234")
        s.run(cmd.set_platform_scp(1))
    cli.ok("connect", "se050", "t1oi2c", "none")
    assert "6982" in cli.fails(1, "generate", "ecc", "1", "NIST_P256")
    cli.ok("connect", "se050", "t1oi2c", "none", "--auth_type", "PlatformSCP")
    cli.ok("generate", "ecc", "1", "NIST_P256")


def test_status_words_are_named(part, cli):
    cli.ok("connect", "se050", "t1oi2c", "none")
    (cli.home / "f").write_bytes(b"x")
    assert "SW 6986 (command not allowed" in cli.fails(1, "erase", "F0000012")
    p = cli.run("get", "ecc", "pub", "77", "out", "--json")
    assert "SW 6985 (conditions not satisfied" in p.stderr
    assert json.loads(p.stdout)["error"]["statusWord"] == "6985"
