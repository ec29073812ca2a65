"""What sharing the bus costs and what it survives, counted by the chip (docs/decisions/bus-sharing.md)."""

import os
import threading
import time

import pytest

import chip_commands as cmd
from chip_client import Chip, Part
from conftest import BIN, LIB, LONG
from se_drive import Drive, Refused

FILE, KEY = 0x20181001, 0x20181002


@pytest.fixture
def part(procs, tmp_path):
    return Part(procs, BIN / "sedge-chip", tmp_path).start()


def preload(part):
    return {"LD_PRELOAD": str(LIB / "libsedge-i2c.so"), "SEDGE_I2C_SOCKET": str(part.socket)}


@pytest.fixture(params=["socket", "preloaded"])
def drive(part, request):
    running = []

    def start(scp03="none"):
        running.append(Drive(f"vse:{part.socket}", scp03) if request.param == "socket"
                       else Drive("/dev/i2c-1:0x48", scp03, preload(part)))
        return running[-1]

    yield start
    for d in running:
        d.kill()


def cost(part, what):
    """(writes, reads) on the bus."""
    before = part.read_counters()
    what()
    after = part.read_counters()
    return after["writes"] - before["writes"], after["reads"] - before["reads"]


@pytest.mark.parametrize("scp03", ["none", "auto"])
def test_a_further_command_is_one_exchange(part, drive, scp03):
    """Each in a sequence of its own: a write, and a read of the head and one of the rest."""
    d = drive(scp03)
    d.run(cmd.get_random(8))
    for _ in range(5):
        assert cost(part, lambda: d.run(cmd.get_random(8))) == (1, 2)


def test_opening_is_resync_and_select(part, drive):
    """Five bytes each way, read at once; SELECT; no ATR, no reset. And one block to let the part sleep."""
    assert cost(part, lambda: drive()) == (2, 3)
    d = drive()
    assert cost(part, d.end) == (1, 1)


def test_the_channel_is_opened_with_two_commands(part, drive):
    assert cost(part, lambda: drive("auto")) == (4, 7)


def test_whoever_finds_the_chip_touched_synchronises(part, drive):
    a, b = drive(), drive()
    for d in (a, b, a, b):
        assert cost(part, lambda: d.run(cmd.get_random(8))) == (3, 5)
    assert cost(part, lambda: b.run(cmd.get_random(8))) == (1, 2)  # control: nobody in between


def test_one_sequence_pays_once(part, drive):
    a, b = drive(), drive()
    b.run(cmd.get_random(8))
    a.say("begin")
    assert cost(part, lambda: [a.run(cmd.get_random(8)) for _ in range(4)]) == (4, 8)
    a.say("end")


def test_goodbye_disturbs_nobody(part, drive):
    """A process that ends after another used the chip leaves that one's state alone."""
    a, b = drive(), drive()
    a.run(cmd.get_random(8))
    assert cost(part, b.end) == (0, 0)
    assert cost(part, lambda: a.run(cmd.get_random(8))) == (1, 2)


def test_a_mark_that_cannot_be_put(part, drive, tmp_path):
    """Times that move on their own (somebody touches the lock file): never wrong, only dearer."""
    d = drive()
    lock = part.socket.with_name(part.socket.name + ".lock")
    for i in range(3):
        os.utime(lock, (1, 1 + i))
        assert cost(part, lambda: d.run(cmd.get_random(8))) == (3, 5)


@pytest.mark.parametrize("scp03", ["none", "auto"])
@pytest.mark.parametrize("commands", range(6))
def test_a_program_that_puts_no_mark(part, drive, scp03, commands):
    """NXP's tools: resync, SELECT, some commands, gone. Our next answer is our own, or an error; never theirs; and the one after
    that works."""
    with Chip(part.socket) as c:
        c.run(cmd.write_binary(FILE, b"ours", 0, 4))
    d = drive(scp03)
    for ours in range(3):
        for _ in range(ours):
            assert d.run(cmd.read_object(FILE, length=4)) == b"\x41\x04ours"
        with Chip(part.socket) as other:
            for _ in range(commands):
                other.random(4)
        try:
            assert d.run(cmd.write_binary(FILE, b"ours", 0)) == b""
        except Refused as e:
            assert e.kind in ("IO", "PROTO", "TIMEOUT"), str(e)
        assert d.run(cmd.read_object(FILE, length=4)) == b"\x41\x04ours"


def test_a_reset_between_two_commands_is_invisible(part, drive):
    d = drive()
    for n in range(4):
        for _ in range(n):
            d.run(cmd.get_random(8))
        part.kill()
        part.start()
        assert len(d.run(cmd.get_random(8))) == 10


@pytest.mark.skipif(not LONG, reason="waits for longer than the pause after which the link is brought in step")
def test_after_a_pause_the_link_is_brought_in_step(part, drive):
    d = drive()
    d.run(cmd.get_random(8))
    time.sleep(5.5)
    assert cost(part, lambda: d.run(cmd.get_random(8))) == (2, 3)


def test_processes_get_their_turns(procs, tmp_path):
    """Six that want the chip all the time, for signatures of 20 ms: each gets a fair part, and nobody waits for long."""
    part = Part(procs, BIN / "sedge-chip", tmp_path, "--sign-ms", "20").start()
    with Chip(part.socket) as c:
        c.make_curve(3)
        c.run(cmd.write_ec(KEY, 3))
    drives = [Drive(f"vse:{part.socket}") for _ in range(6)]
    end, counts, waits = time.monotonic() + 3, [], []

    def work(d):
        n = 0
        while time.monotonic() < end:
            started = time.monotonic()
            d.run(cmd.sign(KEY, 0x21, bytes(32)))
            waits.append(time.monotonic() - started)
            n += 1
        counts.append(n)

    threads = [threading.Thread(target=work, args=(d,)) for d in drives]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for d in drives:
        d.end()
    assert max(counts) <= 3 * min(counts), counts
    assert max(waits) < 2, counts
