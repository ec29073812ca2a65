"""The power-cut model itself: does it take away what may be lost, and nothing else?"""

import os
import pathlib
import random
import subprocess
import sys

import pytest

from conftest import MESON

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import replay  # noqa: E402

RECORDER = MESON / "tests/powercut/libpowercut-recorder.so"


def results(events, way, before=None, tries=200):
    """Every image the model can give for a cut at the end."""
    seen = set()
    for seed in range(tries):
        disk = replay.Disk(before)
        for e in events:
            disk.event(e)
        seen.add(tuple(sorted(disk.after_cut(*way, random.Random(seed)).items())))
    return seen


def test_synced_bytes_stay_and_others_may_go():
    events = [("C", 1, "f"), ("W", 1, 0, b"old"), ("S", 1), ("F", "."), ("W", 1, 0, b"new")]
    assert results(events, ("none", "none")) == {(("f", b"old"),)}
    assert results(events, ("all", "all")) == {(("f", b"new"),)}
    assert results(events, ("none", "some")) == {(("f", b"old"),), (("f", b"new"),)}


def test_sectors_are_kept_one_by_one():
    data = b"a" * 512 + b"b" * 512
    events = [("C", 1, "f"), ("T", 1, 1024), ("S", 1), ("F", "."), ("W", 1, 0, data)]
    z = bytes(512)
    want = {(("f", x),) for x in (z + z, data, data[:512] + z, z + data[512:])}
    assert results(events, ("none", "some")) == want
    assert results(events, ("none", "prefix")) == want - {(("f", z + data[512:]),)}
    # a write across a boundary is two sectors
    assert len(results(events[:-1] + [("W", 1, 500, b"x" * 24)], ("none", "some"))) == 4


def test_a_name_needs_its_folders_sync_not_the_files():
    events = [("C", 1, "f"), ("W", 1, 0, b"x"), ("S", 1)]
    assert results(events, ("none", "none")) == {()}
    assert results(events + [("F", ".")], ("none", "none")) == {(("f", b"x"),)}
    assert results(events + [("F", "other")], ("none", "none")) == {()}


def test_rename_gives_the_old_file_or_the_new_one():
    events = [("C", 2, "f.new"), ("W", 2, 0, b"new"), ("S", 2), ("R", "f.new", "f")]
    for way in replay.KEEPS:
        for image in results(events, (way, "none"), before={"f": b"old"}):
            assert dict(image)["f"] in (b"old", b"new")
    assert results(events + [("F", ".")], ("none", "none"), before={"f": b"old"}) == {(("f", b"new"),)}
    # the classic mistake: no sync before the rename
    bad = [e for e in events if e[0] != "S"]
    assert any(dict(i).get("f") == b"" for i in results(bad, ("all", "none"), before={"f": b"old"}))


PROGRAM = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void)
{
    int s[2], fd = open("f", O_RDWR | O_CREAT, 0600), dir = open(".", O_RDONLY);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) || write(fd, "abc", 3) != 3 || pwrite(fd, "B", 1, 1) != 1) return 1;
    if (ftruncate(fd, 2) || fsync(fd) || rename("f", "g") || fsync(dir) || send(s[0], "ok", 2, 0) != 2) return 2;
    int again = open("g", O_WRONLY | O_APPEND);
    return write(again, "z", 1) != 1 || fdatasync(again) || unlink("g");
}
"""


@pytest.fixture
def recorded(tmp_path):
    (tmp_path / "p.c").write_text(PROGRAM)
    subprocess.run(["cc", "-o", tmp_path / "p", tmp_path / "p.c"], check=True)
    folder = tmp_path / "disk"
    folder.mkdir()
    env = {**os.environ, "LD_PRELOAD": str(RECORDER), "POWERCUT_DIR": str(folder), "POWERCUT_LOG": str(tmp_path / "log")}
    subprocess.run([tmp_path / "p"], cwd=folder, env=env, check=True)
    return tmp_path / "log"


def test_the_recorder_writes_down_what_happens(recorded):
    events = replay.read_log(recorded)
    ident = events[0][1]
    assert events == [("C", ident, "f"), ("W", ident, 0, b"abc"), ("W", ident, 1, b"B"), ("T", ident, 2), ("S", ident),
                      ("R", "f", "g"), ("F", "."), ("A", events[7][1], b"ok"), ("O", ident, "g"),
                      ("W", ident, 2, b"z"), ("S", ident), ("U", "g")]


def test_the_replayer_runs_a_command_on_each_image(recorded, tmp_path):
    script = pathlib.Path(replay.__file__)
    # once "ok" was sent (eight events) and until the unlink, g is there and begins with aB
    check = 'n=$POWERCUT_EVENTS; [ $n -lt 8 ] || [ $n -gt 11 ] || [ "$(head -c 2 "$POWERCUT_IMAGE/g")" = aB ]'
    r = subprocess.run([script, recorded, "--all", "--", "sh", "-c", check], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stdout + r.stderr
    wrong = check.replace("-lt 8", "-lt 6")  # before the folder's sync it may be missing
    r = subprocess.run([script, recorded, "--all", "--seed", "1", "--", "sh", "-c", wrong], capture_output=True, text=True,
                       timeout=60)
    assert r.returncode == 1 and "FAILED after 6 events" in r.stdout and "seed 1" in r.stdout
