"""src/db on PostgreSQL: the same tests as on SQLite, and what is PostgreSQL's own."""

import os
import signal
import subprocess
import time

import pytest

from conftest import LONG, MESON
from postgres import postgres  # noqa: F401 - a fixture

PROBE = MESON / "tests/integration/programs/db_probe"
KILLS = 100 if LONG else 10


def probe(url, verb):
    return subprocess.run([PROBE, url, verb], capture_output=True, text=True, timeout=60)


def test_the_unit_tests_of_sqlite(postgres):
    for name in ("db", "migrate", "tx", "cache"):
        out = subprocess.run([MESON / f"tests/unit/db/test_db_{name}"], env={**os.environ, "SEDGE_TEST_DB": postgres.url},
                             capture_output=True, text=True, timeout=120)
        assert out.returncode == 0, out.stdout + out.stderr
        assert "PASSED" in out.stderr + out.stdout


def test_acknowledged_survives_a_killed_client(postgres, rng):
    acknowledged = 0
    for _ in range(KILLS):
        p = subprocess.Popen([PROBE, postgres.url, "write"], stdout=subprocess.PIPE, text=True)
        try:
            p.stdout.readline()
            time.sleep(rng.random() * 0.03)
        finally:
            p.send_signal(signal.SIGKILL)
        with p:  # not communicate(): it forgets what readline() read ahead
            told = [int(line) for line in p.stdout.read().splitlines() if line]
        acknowledged = max([acknowledged, *told])
        # the server may still be at a transaction of a client that is gone
        lines = probe(postgres.url, "read").stdout.splitlines()
        assert not [line for line in lines if line.startswith("torn")]
        assert [int(line) for line in lines][:acknowledged] == list(range(1, acknowledged + 1))
    assert acknowledged > KILLS


def test_a_restarted_server_is_found_again(postgres, procs):
    """Whoever writes in a loop meets at most failing calls, no lost or torn rows, and goes on by itself."""
    p = procs.start(PROBE, postgres.url, "persist", name="persist")
    time.sleep(0.3)
    for _ in range(2):
        postgres.restart()
        before = len(p.log.read_text().splitlines())
        end = time.monotonic() + 20
        while len(p.log.read_text().splitlines()) < before + 20:
            assert p.poll() is None, p.log.read_text()[-500:]
            assert time.monotonic() < end, "it did not go on after the restart"
            time.sleep(0.05)
    procs.stop(p)
    told = [int(line) for line in p.log.read_text().splitlines() if line.isdigit()]
    there = probe(postgres.url, "read").stdout.splitlines()
    assert not [line for line in there if line.startswith("torn")]
    assert set(told) <= {int(line) for line in there}


def test_two_programs_migrate_at_once(postgres):
    both = [subprocess.Popen([PROBE, postgres.url, "read"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(6)]
    for p in both:
        _, err = p.communicate(timeout=60)
        assert p.returncode == 0, err


@pytest.mark.parametrize("url, says", [
    ("postgresql://u:hush@db.example.com/x", "must prove who it is: add sslmode=verify-full"),
    ("postgresql://u:hush@10.1.2.3/x?sslmode=require", "must prove who it is"),
    ("postgresql://u:hush@localhost,db.example.com/x", "must prove who it is"),
    ("postgresql://u:hush@localhost/x?hostaddr=10.1.2.3", "must prove who it is"),
    ("postgresql://u:hush@127.0.0.1:1/x", "cannot open the database"),
    ("postgresql://u:hush@/x?host=/nonexistent", "cannot open the database"),
    ("postgresql://u:hush@/x?no_such=1", "not understood"),
])
def test_places_that_do_not_open(url, says):
    out = probe(url, "read")
    assert out.returncode == 1
    assert says in out.stderr
    assert "hush" not in out.stderr
