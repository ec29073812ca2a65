"""Commands that take long, in two steps; waits that end; what a further command costs (issue 4)."""

import time

import pytest

import chip_commands as cmd
from chip_client import Chip, Part
from conftest import BIN
from se_drive import Drive, Refused

KEY = 0x20181001


@pytest.fixture
def part(procs, tmp_path):
    return Part(procs, BIN / "sedge-chip", tmp_path, "--sign-ms", "300").start()


@pytest.fixture
def drive(part):
    running = []

    def start(scp03="none"):
        running.append(Drive(f"vse:{part.socket}", scp03))
        return running[-1]

    yield start
    for d in running:
        d.kill()


@pytest.mark.parametrize("scp03", ["none", "auto"])
def test_start_and_finish(drive, scp03):
    d = drive(scp03)
    d.say("generate", hex(KEY), 1024)
    d.say("finish", 20)
    while d.last == "more":
        d.say("finish", 20)
    assert int.from_bytes(d.run(cmd.read_size(KEY))[2:], "big") == 128
    d.say("raw", hex(KEY), b"\x01" * 128)
    started, waits = time.monotonic(), 0
    answer = d.say("finish", 10)
    while d.last == "more":
        waits += 1
        answer = d.say("finish", 10)
    assert len(bytes.fromhex(answer)) == 128
    assert waits >= 3, "finish waited to the end, whatever the deadline"
    assert time.monotonic() - started >= 0.2


def test_an_operation_that_is_dropped(part, drive):
    """Nobody waits for it, and the next command gets its own answer."""
    d = drive()
    with Chip(part.socket) as c:
        c.run(cmd.write_rsa(KEY, bits=1024, part=0x60))
    for _ in range(3):
        d.say("raw", hex(KEY), b"\x01" * 128)
        started = time.monotonic()
        d.say("drop")
        assert time.monotonic() - started < 0.2
        assert len(d.run(cmd.get_random(9))) == 11


def test_a_wait_is_interrupted(part, drive):
    d = drive()
    with Chip(part.socket) as c:
        c.run(cmd.write_rsa(KEY, bits=1024, part=0x60))
    d.say("raw", hex(KEY), b"\x01" * 128)
    d.say("interrupt")
    with pytest.raises(Refused) as e:
        d.say("finish", 10_000)
    assert e.value.kind == "CANCELLED"
    assert len(d.run(cmd.get_random(9))) == 11
