"""sedge-cloud backup and restore: under load, whole or not at all."""

import io
import random
import stat
import subprocess
import tarfile
import threading

import pytest
from conftest import BIN, LONG, SEED
from test_cloud_accounts import B, Two


def run(verb, data, file, status=0):
    p = subprocess.run([BIN / "sedge-cloud", verb, "--data", data, file], capture_output=True, text=True, timeout=60)
    assert p.returncode == status, p.stderr
    return p.stderr


@pytest.fixture
def cloud(procs, tmp_path):
    return Two(procs, tmp_path)


@pytest.fixture
def backup(cloud, tmp_path):
    cloud.client("iot").create_thing(thingName="t")
    file = tmp_path / "backup.tar"
    run("backup", cloud.data, file)
    return file


def test_what_was_acknowledged_is_in_it(cloud, procs, tmp_path):
    """Things are made all the time; those acknowledged before it began are in it, and it is a whole database."""
    iot, device = cloud.client("iot"), cloud.device("device")
    cloud.client("iot", account=B).create_thing(thingName="of-B")
    made, stop = [], threading.Event()

    def load():
        while not stop.is_set():
            iot.create_thing(thingName=f"t{len(made)}")
            made.append(len(made))

    thread = threading.Thread(target=load)
    thread.start()
    try:
        while len(made) < 20:
            assert thread.is_alive()
        before = len(made)
        file = tmp_path / "backup.tar"
        run("backup", cloud.data, file)
    finally:
        stop.set()
        thread.join()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(made) > before  # it kept nobody waiting for long
    keys, b_keys = cloud.keys(), cloud.keys(B)
    cloud.kill()
    cloud.data = tmp_path / "again"
    run("restore", cloud.data, file)
    assert stat.S_IMODE(cloud.data.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(k.stat().st_mode) == 0o600 for k in [*cloud.data.glob("pki/*.key.pem"), cloud.data / "admin-credentials"])
    cloud.start()
    assert cloud.keys() == keys and cloud.keys(B) == b_keys
    names = {t["thingName"] for p in cloud.client("iot").get_paginator("list_things").paginate() for t in p["things"]}
    assert names >= {f"t{i}" for i in range(before)}
    assert [t["thingName"] for t in cloud.client("iot", account=B).list_things()["things"]] == ["of-B"]
    assert device.curl("/sedge/connection?clientId=device")[0] == 200  # the same CA, the same certificate
    assert not list(tmp_path.glob("*.restoring.*")) and not list(cloud.data.glob(".backup*"))


def test_nothing_is_overwritten(cloud, backup, tmp_path):
    assert "exists" in run("backup", cloud.data, backup, 1)
    assert "not empty" in run("restore", cloud.data, backup, 1)
    cloud.client("iot").list_things()
    assert "not found" in run("backup", tmp_path / "nowhere", tmp_path / "x", 1)
    assert not (tmp_path / "x").exists()


def test_a_file_that_others_can_read(backup, tmp_path):
    backup.chmod(0o640)
    assert "chmod 600" in run("restore", tmp_path / "again", backup, 1)
    backup.chmod(0o600)
    run("restore", tmp_path / "again", backup)  # the control


def refused(tmp_path, data, name="bad.tar"):
    file = tmp_path / name
    file.touch(mode=0o600)
    file.write_bytes(data)
    why = run("restore", tmp_path / "again", file, 1)
    assert not (tmp_path / "again").exists() and not list(tmp_path.glob("*.restoring.*"))
    return why


def test_torn_or_changed(backup, tmp_path):
    whole = backup.read_bytes()
    rng = random.Random(SEED)
    end = whole.rindex(b"sedge-backup 1")
    for cut in [0, 1, 511, 512, end - 512, end + 20, *[rng.randrange(end) for _ in range(40 if LONG else 6)]]:
        assert "not a whole backup" in refused(tmp_path, whole[:cut])
    with tarfile.open(fileobj=io.BytesIO(whole)) as t:
        files = [m for m in t.getmembers() if m.isfile() and m.size]
    for m in rng.sample(files, len(files) if LONG else 4):
        at = m.offset_data + rng.randrange(m.size)
        changed = bytearray(whole)
        changed[at] ^= 1 << rng.randrange(8)
        assert "not a whole backup" in refused(tmp_path, bytes(changed)), m.name
    for foreign in (b"", b"no archive", bytes(10240)):
        assert "not a whole backup" in refused(tmp_path, foreign)


@pytest.mark.parametrize("name,kind", [("../out", tarfile.REGTYPE), ("/tmp/out", tarfile.REGTYPE), ("a/../../out", tarfile.REGTYPE),
                                       ("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("fifo", tarfile.FIFOTYPE), (".x", tarfile.REGTYPE)])
def test_archives_of_strangers(tmp_path, name, kind):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        m = tarfile.TarInfo(name)
        m.type, m.linkname = kind, "/etc/passwd"
        t.addfile(m)
    assert "not a whole backup" in refused(tmp_path, out.getvalue())


def test_wrong_command_lines(tmp_path):
    for argv in (["backup"], ["backup", "x"], ["restore", "--data"], ["restore", "--data", "d"], ["backup", "--data", "d", "x", "y"]):
        p = subprocess.run([BIN / "sedge-cloud", *argv], capture_output=True, text=True, timeout=20)
        assert p.returncode == 2 and "usage" in p.stderr
