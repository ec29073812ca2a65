"""ssscli: the session, where the chip is, and what is said when there is none."""

import time

import pytest

import chip_client as cc
from ssscli_host import KEY, Cli, cli, part, pem, preload, rsa_key, rsa_works  # noqa: F401


def test_connect_uid_certuid(part, cli):
    with cc.Chip(part.socket) as c:
        uid = c.read(cc.UNIQUE_ID)
    assert len(uid) == 18
    assert cli.ok("se05x", "uid") == f"Unique ID: {uid.hex()}\n"
    want = bytes(uid[i] for i in (2, 3, 8, 9, 10, 11, 12, 13, 14, 15))
    assert cli.ok("se05x", "certuid") == f"Cert UID: {want.hex()}\n"


@pytest.mark.parametrize("command", [("se05x", "uid"), ("erase", "1"), ("set", "bin", "1", "f"), ("se05x", "reset")])
def test_a_command_before_connect_says_so(part, tmp_path, command):
    c = Cli(tmp_path, f"vse:{part.socket}")
    assert "No open session: connect first" in c.fails(1, *command)


def test_disconnect_ends_the_session(cli):
    cli.ok("disconnect")
    assert "connect first" in cli.fails(1, "se05x", "uid")
    cli.ok("disconnect")
    cli.ok("connect", "se05x", "t1oi2c", "none")
    cli.ok("connect", "se05x", "t1oi2c", "none")
    cli.ok("se05x", "uid")


def test_session_file_is_text_and_private(cli):
    path = cli.home / ".local/state/sedge/ssscli-session"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "port = none\n" in path.read_text()
    path.chmod(0o666)
    assert "chmod 600" in cli.fails(1, "se05x", "uid")
    path.chmod(0o600)
    path.write_text("nonsense\n")
    assert "not a session file" in cli.fails(1, "se05x", "uid")


def test_session_file_elsewhere(part, tmp_path):
    c = Cli(tmp_path, f"vse:{part.socket}")
    named = {"SEDGE_SSSCLI_SESSION": str(tmp_path / "deep/er/session")}
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    for env, path in ((named, tmp_path / "deep/er/session"), (state, tmp_path / "state/sedge/ssscli-session")):
        c.ok("connect", "se050", "t1oi2c", "none", env=env)
        assert path.is_file()
        c.ok("se05x", "uid", env=env)
    c.fails(1, "se05x", "uid")


def test_port_from_argument_environment_and_file(part, tmp_path):
    c = Cli(tmp_path)
    c.ok("connect", "se050", "t1oi2c", f"vse:{part.socket}")
    c.ok("se05x", "uid", env={"EX_SSS_BOOT_SSS_PORT": "vse:/nonexistent"})  # the argument wins
    c.ok("connect", "se050", "t1oi2c", f"vse:{part.socket.name}", cwd=part.socket.parent)  # relative
    c.ok("se05x", "uid", cwd="/")
    conf = tmp_path / "se.conf"
    conf.write_text(f"# here\nport = vse:{part.socket}\n")
    c.ok("connect", "se050", "t1oi2c", "none", env={"SEDGE_CONF": str(conf)})
    c.ok("se05x", "uid", env={"SEDGE_CONF": str(conf)})
    conf.write_text("prot = x\n")
    assert f"{conf}:1" in c.fails(1, "se05x", "uid", env={"SEDGE_CONF": str(conf)})


def test_verbose_names_port_and_applet(part, cli):
    p = cli.run("-v", "se05x", "uid")
    assert p.returncode == 0
    assert p.stderr == f"port vse:{part.socket}, applet 3.1.0, features 3fff\n"


# ---- no chip ----


def test_no_socket_is_told_at_once(tmp_path):
    start = time.monotonic()
    message = Cli(tmp_path).fails(1, "connect", "se050", "t1oi2c", f"vse:{tmp_path}/none.sock")
    assert time.monotonic() - start < 5
    assert f"{tmp_path}/none.sock" in message and "sedge-chip serve" in message


def test_no_bus_is_told_with_what_to_look_at(tmp_path):
    start = time.monotonic()
    message = Cli(tmp_path).fails(1, "connect", "se050", "t1oi2c", "/dev/i2c-99:0x48")
    assert time.monotonic() - start < 5
    for word in ("/dev/i2c-99", "0x48", "i2cdetect -y 99", "should show 48", "raspi-config", "group i2c", "wiring", "J14"):
        assert word in message


def test_nobody_at_the_address_is_told_soon(part, tmp_path):
    start = time.monotonic()
    message = Cli(tmp_path).fails(1, "connect", "se050", "t1oi2c", "/dev/i2c-1:0x49", env=preload(part))
    assert time.monotonic() - start < 10
    assert "no SE05x answers at /dev/i2c-1:0x49" in message and "should show 49" in message


def test_chip_stopped_after_connect(part, cli):
    part.stop()
    assert "start the virtual chip" in cli.fails(1, "se05x", "uid")
    part.start()
    cli.ok("se05x", "uid")


@pytest.mark.parametrize("path", ["/etc/passwd", "/dev/null"])
def test_not_an_i2c_bus(tmp_path, path):
    message = Cli(tmp_path).fails(1, "connect", "se050", "t1oi2c", path)
    assert path in message


# ---- through /dev/i2c-1 ----


def test_through_the_device_node(part, tmp_path, rsa_key):
    c = Cli(tmp_path)
    c.env.update(preload(part))
    (tmp_path / "k").write_bytes(pem(rsa_key))
    c.ok("connect", "se050", "t1oi2c", "none")
    with cc.Chip(part.socket) as chip:
        uid = chip.read(cc.UNIQUE_ID)
    assert c.ok("se05x", "uid") == f"Unique ID: {uid.hex()}\n"
    c.ok("set", "rsa", "pair", "0x20181001", "k")
    rsa_works(part, KEY, rsa_key.public_key())
    assert c.ok("se05x", "reset") == "Reset done, 1 object erased\n"
