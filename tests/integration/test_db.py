"""src/db when the process is killed, and when the disk is full."""

import os
import signal
import subprocess
import time

import pytest

from conftest import LONG, MESON

PROBE = MESON / "tests/integration/programs/db_probe"
KILLS = 200 if LONG else 20


def rows(path):
    out = subprocess.run([PROBE, path, "read"], capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    assert not [line for line in out if line.startswith("torn")]
    return [int(line) for line in out]


def test_acknowledged_survives_kill(tmp_path, rng):
    """What was reported as committed is there, each transaction whole, however the writer died."""
    path = tmp_path / "x.db"
    acknowledged = 0
    for _ in range(KILLS):
        p = subprocess.Popen([PROBE, path, "write"], stdout=subprocess.PIPE, text=True)
        try:
            first = p.stdout.readline()
            time.sleep(rng.random() * 0.03)
        finally:
            p.send_signal(signal.SIGKILL)
        with p:  # not communicate(): it forgets what readline() read ahead
            lines = [first.strip(), *p.stdout.read().splitlines()]
        whole = [int(line) for line in lines if line]
        acknowledged = max([acknowledged, *whole])
        there = rows(path)
        # one more may have been committed without being told
        assert there in (list(range(1, acknowledged + 1)), list(range(1, acknowledged + 2))), (acknowledged, there[-3:])
    assert acknowledged > KILLS


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small tmpfs")
def test_a_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("cannot mount here")
    try:
        p = subprocess.run([PROBE, disk / "x.db", "write"], capture_output=True, text=True, timeout=60)
        acknowledged = len(p.stdout.splitlines())
        assert p.returncode == 1 and p.stderr.startswith("no space left"), p.stderr
        assert acknowledged > 10
        # the reader too needs a little room for WAL's index; what was there is there
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        assert rows(disk / "x.db") == list(range(1, acknowledged + 1))
    finally:
        subprocess.run(["umount", disk], check=True)
