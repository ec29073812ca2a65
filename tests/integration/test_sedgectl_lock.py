"""sedgectl lock: the locked key signs, and the chip refuses whatever could harm it."""

import os
import re
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import chip_client as cc
import chip_commands as cmd
from chip_sessions import UserIdSession
from conftest import BIN, LIB
from ssscli_host import KEY, Cli, cli, ec_works, part, pem, public_pem, rsa_key, rsa_works  # noqa: F401

RESET = 0x7FFF0205
USER, VALUE = 0x7DA00001, bytes.fromhex("C001020304")


def lock(cli, *args, answer=None, env=None):
    return subprocess.run([str(BIN / "sedgectl"), "lock", *map(str, args)], env=cli.environment(env), cwd=cli.home, input=answer,
                          capture_output=True, text=True, timeout=120, **({} if answer is not None else {"stdin": subprocess.DEVNULL}))


def locked(cli, *args, **kw):
    p = lock(cli, *args, "--yes", **kw)
    assert (p.returncode, p.stderr) == (0, ""), (p.stdout, p.stderr)
    return p.stdout


def public_of(cli, oid=KEY):
    cli.ok("generate", "pub", f"{oid:x}", "pub.pem")
    return (cli.home / "pub.pem").read_bytes()


@pytest.fixture
def key(cli):
    """A locked P-256 key; its public half."""
    locked(cli, "0x20181001", "--generate", "NIST_P256")
    return public_of(cli)


def refused(sw, call, *args):
    with pytest.raises(cc.SW) as e:
        call(*args)
    assert e.value.sw == sw


# ---- what the chip refuses ----


def test_signing_works(part, cli, key):
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    ec_works(part, KEY, load_pem_public_key(key))


def test_set_is_refused(part, cli, key):
    (cli.home / "k").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    assert "6986" in cli.fails(1, "set", "ecc", "pair", "0x20181001", "k")
    assert public_of(cli) == key


def test_generate_is_refused(part, cli, key):
    assert "6986" in cli.fails(1, "generate", "ecc", "0x20181001", "NIST_P256")
    assert public_of(cli) == key


def test_erase_is_refused(part, cli, key):
    assert "6986" in cli.fails(1, "erase", "0x20181001")
    assert cli.run("se05x", "reset").returncode == 1
    assert public_of(cli) == key


def test_delete_all_is_refused(part, cli, key):
    with cc.Chip(part.socket) as c:
        refused(0x6985, c.run, cmd.delete_all())
        # its credential is there, known to nobody, and cannot be replaced
        refused(0x6982, UserIdSession, c, RESET, VALUE)
        refused(0x6986, c.delete, RESET)
        refused(0x6985, c.run, cmd.write_userid(RESET, VALUE))
    assert public_of(cli) == key


def test_c_destroy_object_is_refused(part, cli, key):
    p = subprocess.run(["pkcs11-tool", "--module", str(LIB / "libsss_pkcs11.so"), "--login", "--pin", "1234", "--delete-object", "--type",
                        "privkey", "--label", "sss:20181001"], env=cli.environment(), capture_output=True, text=True, timeout=60)
    assert p.returncode != 0 and "C_DestroyObject" in p.stderr
    assert public_of(cli) == key


def test_a_userid_session_is_refused(part, cli, key):
    with cc.Chip(part.socket) as c:
        c.run(cmd.write_userid(USER, VALUE))
        s = UserIdSession(c, USER, VALUE)
        refused(0x6986, s.delete, KEY)
        refused(0x6986, s.write_ec, KEY)
        assert s.sign(KEY, cc.ECDSA_SHA256, bytes(32))
    assert public_of(cli) == key


def test_the_control_an_ordinary_key_yields_to_each(part, cli):
    """Without the lock all of it works, so the refusals above are the lock's."""
    cli.ok("generate", "ecc", "1", "NIST_P256")
    (cli.home / "k").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    cli.ok("set", "ecc", "pair", "1", "k")
    cli.ok("generate", "ecc", "1", "NIST_P256")
    cli.ok("erase", "1")
    cli.ok("generate", "ecc", "1", "NIST_P256")
    with cc.Chip(part.socket) as c:
        c.run(cmd.write_userid(USER, VALUE))
        UserIdSession(c, USER, VALUE).delete(1)
        c.write_ec(1, 3)
        c.run(cmd.write_userid(RESET, VALUE))
        UserIdSession(c, RESET, VALUE).run(cmd.delete_all())
        assert not c.exists(1)


def test_the_lock_survives_power(part, cli, key):
    part.kill()
    part.start()
    assert "6986" in cli.fails(1, "erase", "0x20181001")
    with cc.Chip(part.socket) as c:
        refused(0x6986, c.delete, RESET)


# ---- how a key comes to be locked ----


@pytest.mark.parametrize("what", ["NIST_P384", "1024", "ED_25519"])
def test_generate_kinds(part, cli, what):
    out = locked(cli, "5", "--generate", what)
    assert "There is no unlock." in out and out.endswith("Key 0x00000005 is locked.\n")
    assert ("decrypts" in out) == (what == "1024")
    (cli.home / "in").write_bytes(b"text")
    cli.ok("sign", "5", "in", "sig")
    cli.ok("verify", "5", "in", "sig")
    assert "6986" in cli.fails(1, "erase", "5")


def test_import_and_replacing_the_same_key(part, cli, rsa_key):
    (cli.home / "k").write_bytes(pem(rsa_key))
    cli.ok("set", "rsa", "pair", "0x20181001", "k")
    locked(cli, "20181001", "--import", "k")
    assert public_of(cli) == public_pem(rsa_key)
    rsa_works(part, KEY, rsa_key.public_key())
    assert "6986" in cli.fails(1, "erase", "20181001")
    assert "is locked" in lock(cli, "20181001").stdout  # nothing to ask
    (cli.home / "o").write_bytes(pem(rsa.generate_private_key(65537, 1024)))
    cli.ok("set", "rsa", "pair", "7", "o")
    assert "not the key in k" in lock(cli, "7", "--import", "k", "--yes").stderr


def test_an_existing_key_is_told_what_can_be_done(part, cli):
    cli.ok("generate", "ecc", "7", "NIST_P256")
    p = lock(cli, "7", "--yes")
    assert p.returncode == 1 and "cannot be changed once an object is there" in p.stderr and "--import FILE" in p.stderr
    assert "erase it first" in lock(cli, "7", "--generate", "NIST_P256", "--yes").stderr
    assert "say how to make it" in lock(cli, "8", "--yes").stderr
    cli.ok("erase", "7")  # nothing was done
    with cc.Chip(part.socket) as c:
        assert not c.exists(RESET)


@pytest.mark.parametrize("answer, done", [("20181001\n", True), ("0x20181001\n", True), ("yes\n", False), ("", False), ("20181002\n", False)])
def test_it_asks(part, cli, answer, done):
    p = lock(cli, "0x20181001", "--generate", "NIST_P256", answer=answer)
    assert "Type the key id (20181001) to lock it: " in p.stdout
    assert (p.returncode == 0) == done
    with cc.Chip(part.socket) as c:
        assert c.exists(KEY) == c.exists(RESET) == done
    if not done:
        assert "nothing was done" in p.stderr


def test_a_factory_reset_credential_of_somebody(part, cli):
    with cc.Chip(part.socket) as c:
        c.run(cmd.write_userid(RESET, VALUE))
    p = lock(cli, "5", "--generate", "NIST_P256", "--yes")
    assert p.returncode == 1 and "can erase every key" in p.stderr
    with cc.Chip(part.socket) as c:
        assert not c.exists(5)
    assert "or makes one, can erase the key" in locked(cli, "5", "--generate", "NIST_P256", "--keep-factory-reset")


def test_a_key_with_that_policy_alone_is_completed(part, cli):
    """DeleteAll would still erase it."""
    locked(cli, "5", "--generate", "NIST_P256", "--keep-factory-reset")
    p = lock(cli, "5", "--yes")
    assert p.returncode == 0 and "DeleteAll can still erase it" in p.stdout
    with cc.Chip(part.socket) as c:
        refused(0x6986, c.delete, RESET)


@pytest.mark.parametrize("args", [[], ["0"], ["5", "6"], ["5", "--generate"], ["5", "--force"],
                                  ["5", "--generate", "NIST_P256", "--import", "k"]])
def test_usage(cli, args):
    p = lock(cli, *args)
    assert p.returncode == 2 and "usage: sedgectl lock" in p.stderr


@pytest.mark.parametrize("what", ["NIST_P257", "MONT_DH_25519", "2047"])
def test_what_cannot_be_locked(cli, what):
    p = lock(cli, "5", "--generate", what, "--yes")
    assert p.returncode == 1 and "neither a curve whose keys sign" in p.stderr


def test_signing_only_for_who_authenticates(part, cli):
    with cc.Chip(part.socket) as c:
        c.run(cmd.write_userid(USER, VALUE))
    p = lock(cli, "5", "--generate", "NIST_P256", "--auth-id", f"{USER:x},7B503112", "--rehearse")
    assert (p.returncode, p.stderr) == (0, ""), p.stdout
    assert "only who authenticates" in locked(cli, "5", "--generate", "NIST_P256", "--auth-id", f"{USER:x},7B503112")
    with cc.Chip(part.socket) as c:
        refused(0x6986, c.sign, 5, cc.ECDSA_SHA256, bytes(32))
        s = UserIdSession(c, USER, VALUE)
        assert s.sign(5, cc.ECDSA_SHA256, bytes(32))
        refused(0x6986, s.delete, 5)
    assert "nobody could sign" in lock(cli, "6", "--generate", "NIST_P256", "--auth-id", "1234", "--yes").stderr
    assert "does not authenticate" in lock(cli, "6", "--generate", "NIST_P256", "--auth-id", "F0000012", "--yes").stderr
    for bad in ("x", "1,2,3,4,5", "123456789"):
        assert lock(cli, "6", "--generate", "NIST_P256", "--auth-id", bad).returncode == 2


def test_rehearsal_of_a_lock_that_lacks_only_the_reset(part, cli):
    with cc.Chip(part.socket) as c:
        c.run(cmd.write_userid(USER, VALUE))
    locked(cli, "5", "--generate", "NIST_P256", "--auth-id", f"{USER:x}", "--keep-factory-reset")
    p = lock(cli, "5", "--rehearse")
    assert (p.returncode, p.stderr) == (0, ""), p.stdout
    assert "  works        sign and verify" in p.stdout


# ---- rehearsal ----


@pytest.mark.parametrize("what", ["NIST_P256", "1024", "ED_25519"])
def test_rehearsal(part, cli, what):
    cli.ok("generate", "ecc", "7", "Brainpool256")
    cli.ok("policy", "file", "p", "0", "--write", "0")
    (cli.home / "f").write_bytes(b"text")
    cli.ok("set", "bin", "8", "f", "--policy_name", "p")
    cli.ok("set", "aes", "9", "00" * 16)
    with cc.Chip(part.socket) as c:
        before = c.all_ids()
        c.run(cmd.write_counter(10, size=4))
    state = part.state.read_bytes()
    p = lock(cli, "5", "--generate", what, "--rehearse")
    assert (p.returncode, p.stderr) == (0, ""), p.stdout
    assert "with 4 objects of the same types and policies.\n" in p.stdout
    assert len(re.findall(r"^  refused      ", p.stdout, re.M)) == 8 and "NOT REFUSED" not in p.stdout
    assert "  works        sign and verify\nNothing was done to the chip itself.\n" in p.stdout
    with cc.Chip(part.socket) as c:
        assert [i for i in c.all_ids() if i != 10] == before
    assert part.state.read_bytes() == state


def test_rehearsal_leaves_nothing_behind(part, cli, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    lock(cli, "5", "--generate", "NIST_P256", "--rehearse", env={"XDG_RUNTIME_DIR": str(run)})
    assert list(run.iterdir()) == []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                assert str(run).encode() not in f.read()
        except OSError:
            pass


def test_rehearsal_of_importing_the_key_that_is_there(part, cli, rsa_key):
    (cli.home / "k").write_bytes(pem(rsa_key))
    cli.ok("set", "rsa", "pair", "0x20181001", "k")
    p = lock(cli, "20181001", "--import", "k", "--rehearse")
    assert (p.returncode, p.stderr) == (0, "")
    cli.ok("erase", "0x20181001")


def test_rehearsal_finds_a_hole(part, cli):
    """A credential of DeleteAll that stays: the rehearsal can make it its own, and does not call that a lock."""
    p = lock(cli, "5", "--generate", "NIST_P256", "--rehearse", "--keep-factory-reset")
    assert p.returncode == 1 and "NOT REFUSED" in p.stdout and "do not lock it like this" in p.stderr


# ---- the newer applet ----


def test_on_an_applet_of_7x(procs, tmp_path):
    p = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", "7.2").start()
    c = Cli(tmp_path, f"vse:{p.socket}")
    c.ok("connect", "se051", "t1oi2c", "none")
    for oid, what in ((5, "NIST_P384"), (6, "1024"), (7, "ED_25519")):
        assert lock(c, oid, "--generate", what, "--rehearse").returncode == 0
        locked(c, oid, "--generate", what)
        assert "6986" in c.fails(1, "erase", oid)
        assert "is locked" in lock(c, oid).stdout
    with cc.Chip(p.socket) as chip:
        refused(0x6985, chip.run, cmd.delete_all())
        refused(0x6986, chip.delete, RESET)
