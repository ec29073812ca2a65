"""The walk with one thing wrong each: every one ends at its own step, with its own message and a non-zero exit."""

import os
import random
import subprocess

import pytest

from conftest import LONG, SEED, TOP

WALKS = sorted(p.stem for p in (TOP / "tests/walkthrough/variants").glob("*.sh"))
SAMPLE = WALKS if LONG else random.Random(SEED).sample(WALKS, 3)


@pytest.mark.parametrize("name", SAMPLE)
def test_broken(name, tmp_path):
    r = subprocess.run([TOP / "tests/walkthrough/broken", name], env={**os.environ, "DEMO_DIR": str(tmp_path / "d")}, timeout=150,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(r.stdout)
    assert r.returncode == 0


def test_all_fourteen_are_there():
    assert len(WALKS) == 14


def test_control_a_walk_with_nothing_wrong_is_not_taken_for_broken(tmp_path):
    """`broken` says WRONG when the walk does not end where it should."""
    lame = TOP / "tests/walkthrough/variants/no-chip.sh"
    text = lame.read_text().replace("end_processes", ": end_processes")
    run = (TOP / "tests/walkthrough/broken").read_text()
    walk = tmp_path / "tests/walkthrough"
    (walk / "variants").mkdir(parents=True)
    (walk / "variants/no-chip.sh").write_text(text)
    (walk / "broken").write_text(run)
    # A walk that ends well at once stands in for the whole one: what is tried here is the judge.
    (walk / "demo").write_text("#!/bin/sh\nexit 0\n")
    for f in ("broken", "demo"):
        (walk / f).chmod(0o755)
    r = subprocess.run([walk / "broken", "no-chip"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert r.returncode == 1 and "WRONG" in r.stdout
