"""ssscli and other programs on one bus."""

import json
import os
import signal
import subprocess
import time

import pytest

import chip_client as cc
from conftest import BIN, MESON
from ssscli_host import KEY, Cli, cli, object_ids, part, pem, preload, rsa_key, rsa_works  # noqa: F401


class Hold:
    """A process that keeps the chip open (programs/se_hold.c)."""

    def __init__(self, port, env=None):
        self.p = subprocess.Popen([str(MESON / "tests/integration/programs/se_hold"), port], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        assert self.p.stdout.readline() == "ok\n"

    def say(self, command):
        self.p.stdin.write(command + "\n")
        self.p.stdin.flush()
        return self.p.stdout.readline()

    def end(self):
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait(10)
        self.p.stdin.close()
        self.p.stdout.close()


@pytest.fixture
def hold(part):
    held = []

    def start(port=None, env=None):
        held.append(Hold(port or f"vse:{part.socket}", env))
        return held[-1]

    yield start
    for h in held:
        h.end()


def test_uid_while_another_process_keeps_its_connection(part, cli, hold):
    h = hold()
    for _ in range(5):
        assert h.say("random") == "ok\n"
        cli.ok("se05x", "uid")
    assert h.say("random") == "ok\n"


def test_processes_in_parallel(part, cli, rng):
    """Each must get its own answers, and every write must arrive."""
    (cli.home / "d").mkdir()
    jobs = []
    for i in range(6):
        data = rng.randbytes(700 + i)
        (cli.home / f"d/{i}").write_bytes(data)
        script = f"""set -e
            for n in 1 2 3 4; do
              {BIN}/ssscli set bin {0x500 + i:x} d/{i} >/dev/null
              {BIN}/ssscli get bin {0x500 + i:x} d/{i}.back >/dev/null
              cmp d/{i} d/{i}.back
              {BIN}/ssscli se05x uid
            done"""
        jobs.append(subprocess.Popen(["bash", "-c", script], cwd=cli.home, env=cli.environment(),
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    outs = [j.communicate(timeout=60) for j in jobs]
    assert [(j.returncode, e) for j, (_, e) in zip(jobs, outs)] == [(0, "")] * 6
    assert len({line for o, _ in outs for line in o.splitlines()}) == 1


def test_a_locked_bus_is_waited_for(part, cli, hold):
    h = hold()
    assert h.say("lock") == "ok\n"
    p = cli.start("se05x", "uid")
    with pytest.raises(subprocess.TimeoutExpired):
        p.wait(0.5)
    assert h.say("random") == "ok\n"
    assert h.say("unlock") == "ok\n"
    out, err = p.communicate(timeout=10)
    assert p.returncode == 0 and out.startswith("Unique ID: ") and err == ""


def test_a_busy_process_lets_others_have_their_turn(part, cli, hold):
    h = hold()
    h.p.stdin.write("busy\n")
    h.p.stdin.flush()
    time.sleep(0.1)
    worst = 0.0
    for _ in range(8):
        start = time.monotonic()
        cli.ok("se05x", "uid")
        worst = max(worst, time.monotonic() - start)
    assert worst < 1.5  # the holder is at it for two seconds
    assert h.p.stdout.readline() == "ok\n"


def test_device_node_and_socket_share_the_lock(part, cli, hold):
    h = hold()
    assert h.say("lock") == "ok\n"
    c = Cli(cli.home / "other")
    c.home.mkdir()
    c.env.update(preload(part))
    p = c.start("connect", "se050", "t1oi2c", "none")
    with pytest.raises(subprocess.TimeoutExpired):
        p.wait(0.5)
    assert h.say("unlock") == "ok\n"
    assert p.communicate(timeout=10) == ("", "")
    assert p.returncode == 0


def test_the_lock_dies_with_its_holder(part, cli, hold):
    h = hold()
    assert h.say("lock") == "ok\n"
    p = cli.start("se05x", "uid")
    time.sleep(0.2)
    assert p.poll() is None
    h.p.send_signal(signal.SIGKILL)
    out, err = p.communicate(timeout=10)
    assert p.returncode == 0 and out.startswith("Unique ID: ") and err == ""


def test_fork_leaves_the_parents_session_alone(part, cli, hold):
    h = hold()
    assert h.say("fork") == "ok\n"
    assert h.say("lock") == "ok\n"
    assert h.say("fork") == "ok\n"  # mutex and bus held at the fork
    p = cli.start("se05x", "uid")
    with pytest.raises(subprocess.TimeoutExpired):  # the child did not free the parent's lock
        p.wait(0.5)
    assert h.say("unlock") == "ok\n"
    assert p.wait(10) == 0
    p.communicate()


def test_a_daemons_own_descriptors_are_not_closed(hold):
    assert hold().say("daemon") == "ok\n"


def test_an_open_handle_survives_a_restart_of_the_chip(part, hold):
    h = hold()
    part.stop()
    assert "start the virtual chip" in h.say("random")
    part.start()
    assert h.say("random") == "ok\n"


def test_rubbish_left_on_the_bus_by_others(part, cli):
    """A program without any lock stopped in the middle: half a chain, an unread answer, odd counters."""
    uid = cli.ok("se05x", "uid")
    bus = cc.Bus(part.socket)
    bus.write(cc.block(0x20, b"\x80" * 254))
    assert cli.ok("se05x", "uid") == uid
    bus.write(cc.block(0x00, bytes.fromhex("00a4040010") + cc.AID + b"\x00"))
    assert cli.ok("se05x", "uid") == uid
    bus.write(cc.block(0xC0))
    bus.read(3)
    assert cli.ok("se05x", "uid") == uid
    bus.write(b"\x00" * 5)
    assert cli.ok("se05x", "uid") == uid
    bus.close()


def test_killed_while_writing_a_key(part, cli, rsa_key, rng):
    """Whatever moment kill -9 chooses, the next command finds a working chip and can write the key."""
    (cli.home / "k").write_bytes(pem(rsa_key))
    for _ in range(8):
        p = cli.start("set", "rsa", "pair", "0x20181001", "k")
        time.sleep(rng.uniform(0.002, 0.02))
        p.kill()
        p.communicate()
        cli.ok("se05x", "uid")
        if KEY in object_ids(part):
            cli.ok("erase", "0x20181001")
    cli.ok("set", "rsa", "pair", "0x20181001", "k")
    rsa_works(part, KEY, rsa_key.public_key())


def test_transactions_on_the_bus_are_few(part, tmp_path):
    """One uid: resync, SELECT, read, end. Each is a write and at most two reads and some polls."""
    c = Cli(tmp_path)
    c.env.update(preload(part))
    c.ok("connect", "se050", "t1oi2c", "none")
    stats = tmp_path / "stats"
    c.ok("se05x", "uid", env={"SEDGE_I2C_STATS": str(stats)})
    seen = json.loads(stats.read_text().splitlines()[-1])
    assert seen["writes"] == 4
    assert seen["reads"] - seen["nacks"] <= 6
