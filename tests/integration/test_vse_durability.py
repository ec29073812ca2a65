"""What sedge-chip acknowledged is there afterwards: kill -9 at random moments, power cuts, damaged files."""

import pathlib
import shutil
import sys
import threading

import pytest

import chip_client as cc
from conftest import BIN, LONG, MESON, SEED

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "powercut"))
import replay  # noqa: E402

RECORDER = MESON / "tests/powercut/libpowercut-recorder.so"
KILLS = 200 if LONG else 80
IDS = range(1, 9)
BIG, BIG_SIZE = 20, 16000


def all_values(chip):
    """{id: value} of every object that is ours; EC keys by their public point."""
    return {i: (chip.size(i), chip.read(i, length=min(chip.size(i), 400)) if chip.type(i)[0] == cc.BINARY else chip.read(i))
            for i in chip.all_ids() if i not in cc.FACTORY_IDS}


class Model:
    """What the host believes: the objects after each acknowledged command."""

    def __init__(self):
        self.objects = {}
        self.history = [{}]

    def step(self, chip, rng):
        """One random command; the model changes when it is acknowledged. Returns the state if it were."""
        i = rng.choice(IDS)
        after = dict(self.objects)
        if i in self.objects and rng.random() < 0.2:
            after.pop(i)
            return after, lambda: chip.delete(i)
        if i in self.objects and isinstance(self.objects[i], bytes):
            old = self.objects[i]
            piece = rng.randbytes(rng.randint(1, min(400, len(old))))
            at = rng.randint(0, len(old) - len(piece))
            after[i] = old[:at] + piece + old[at + len(piece):]
            return after, lambda: chip.write_binary(i, piece, offset=at)
        if i not in self.objects and rng.random() < 0.3:
            after[i] = "key"
            return after, lambda: chip.write_ec(i, cc.P256)
        if i not in self.objects:
            size = rng.choice([1, 400, 5000])
            data = rng.randbytes(min(size, 400))
            after[i] = data + bytes(size - len(data))
            return after, lambda: chip.write_binary(i, data, size=size)
        return after, lambda: chip.write_ec(i)  # another key under the same id

    def grow(self, chip, rng):
        """Change a large file a little: the log grows by all of it, and is compacted soon."""
        old = self.objects.get(BIG)
        piece = rng.randbytes(100)
        at = rng.randint(0, BIG_SIZE - len(piece)) if old else 0
        old = old or bytes(BIG_SIZE)
        after = {**self.objects, BIG: old[:at] + piece + old[at + len(piece):]}
        size = None if BIG in self.objects else BIG_SIZE
        return after, lambda: chip.write_binary(BIG, piece, offset=at, size=size)

    def acknowledged(self, after):
        self.objects = after
        self.history.append(after)


def matches(chip, objects):
    """Is this what the chip holds? Keys must work, too."""
    if sorted(chip.all_ids()) != sorted([*cc.FACTORY_IDS, *objects]):
        return False
    for i, value in objects.items():
        if value == "key":
            if chip.type(i)[0] != cc.EC_PAIR:
                return False
            signature = chip.sign(i, cc.ECDSA_SHA256, bytes(32))
            assert chip.verify(i, cc.ECDSA_SHA256, bytes(32), signature)
        elif chip.type(i)[0] != cc.BINARY or chip.size(i) != len(value):
            return False
        elif b"".join(chip.read(i, at, min(500, len(value) - at)) for at in range(0, len(value), 500)) != value:
            return False
    return True


def test_random_kills_lose_no_acknowledged_object(procs, tmp_path, rng):
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path).start()
    model = Model()
    acknowledged = 0
    with cc.Chip(part.socket) as chip:
        chip.make_curve(cc.P256)
    for kill in range(KILLS):
        chip = cc.Chip(part.socket)
        timer = threading.Timer(rng.uniform(0, 0.03), part.process.kill)
        timer.start()
        after = model.objects
        try:
            while True:
                after, run = model.step(chip, rng)
                run()
                model.acknowledged(after)
                acknowledged += 1
        except (ConnectionError, OSError):
            pass
        timer.join()
        part.process.wait(10)
        part.start()
        with cc.Chip(part.socket) as chip:
            # the command under way is there or it is not
            if matches(chip, after):
                model.acknowledged(after)
            else:
                assert matches(chip, model.objects), f"kill {kill}: an acknowledged object is lost"
    assert acknowledged > KILLS / 2


# ---- power cuts ----


class OneReadHost:
    """A host that reads each answer in one transaction, so that one message on the socket is one acknowledgement."""

    def __init__(self, path):
        self.chip = cc.Chip(path, select=False)
        t1 = self.chip.t1
        t1.read_block = self.read_block
        self.chip.select()

    def read_block(self):
        whole = self.chip.t1.poll(260)
        n = whole[2] + 5
        assert cc.crc(whole[:n - 2]) == whole[n - 2:n]
        return whole[1], whole[3:n - 2]


def is_success(message):
    """Does this message to a master carry an answer that ends in 9000?"""
    if message[:1] != b"\0" or len(message) != 264 or message[4] != 0xA5 or message[5] & 0x80:
        return False
    n = message[6]
    return message[7 + n - 2:7 + n] == b"\x90\0"


def record(procs, tmp_path, rng, steps):
    """Let a recorded chip run a random script. (events, history by number of acknowledgements)"""
    disk = tmp_path / "disk"
    disk.mkdir()
    log = tmp_path / "events"
    part = cc.Part(procs, BIN / "sedge-chip", disk, env={
        "LD_PRELOAD": str(RECORDER), "POWERCUT_DIR": str(disk), "POWERCUT_LOG": str(log)}).start()
    host = OneReadHost(part.socket)
    model = Model()
    chip = host.chip
    history = [{}]  # SELECT was the first success
    run_raw = chip.raw

    def counted(command):
        data, sw = run_raw(command)
        if sw == 0x9000:
            history.append(model.objects)
        return data, sw

    chip.raw = counted
    chip.make_curve(cc.P256)
    for step in range(steps):
        after, run = (model.step if step % 5 else model.grow)(chip, rng)
        run()
        model.acknowledged(after)
        history[-1] = after
    part.stop()
    return replay.read_log(log), history


def check_image(procs, image, folder, want, name):
    """A chip started on the image holds one of the states, takes another object and keeps it."""
    folder.mkdir()
    replay.write_image({n: c for n, c in image.items() if n.endswith(".state")}, folder)
    part = cc.Part(procs, BIN / "sedge-chip", folder).start()
    try:
        with cc.Chip(part.socket) as chip:
            assert any(matches(chip, objects) for objects in want), f"{name}: an acknowledged object is lost"
            chip.write_binary(99, b"next", size=4)
        part.kill()
        part.start()
        with cc.Chip(part.socket) as chip:
            assert chip.read(99) == b"next"
    finally:
        part.kill()
        shutil.rmtree(folder)


def test_power_cuts_lose_no_acknowledged_object(procs, tmp_path, rng):
    if not RECORDER.exists():
        pytest.fail(f"{RECORDER} is missing: build first")
    events, history = record(procs, tmp_path, rng, steps=200)
    marks = [k for k, e in enumerate(events) if e[0] == "A" and is_success(e[2])]
    assert len(marks) == len(history)
    renames = [k for k, e in enumerate(events) if e[0] == "R"]
    assert len(renames) > 1, "the script is too short to meet a compaction"
    points = range(len(events) + 1)
    cuts = list(points) if LONG else sorted(
        set(rng.sample(points, 40)) | {k + d for k in renames for d in (-2, -1, 0, 1, 2) if 0 <= k + d <= len(events)})
    tried = 0
    for n, way, image in replay.images(events, cuts, rng):
        acked = sum(m < n for m in marks)
        # a chip whose first start was cut off may have no state at all yet
        now = history[acked - 1] if acked else {}
        following = history[acked] if acked < len(history) else now
        check_image(procs, image, tmp_path / "image", [now, following], f"cut after {n} events, {way}, seed {SEED}")
        tried += 1
    assert tried >= 40


def test_the_power_cut_test_can_fail(procs, tmp_path, rng):
    """The same images with every sync of the state taken out of the log: objects must be missing."""
    events, history = record(procs, tmp_path, rng, steps=20)
    marks = [k for k, e in enumerate(events) if e[0] == "A" and is_success(e[2])]
    first = next(k for k, e in enumerate(events) if e[0] == "F") + 1
    unsafe = events[:first] + [e for e in events[first:] if e[0] != "S"]
    disk = replay.Disk()
    for e in unsafe:
        disk.event(e)
    image = disk.after_cut("all", "none", rng)
    assert len(marks) == len(history)
    with pytest.raises(AssertionError, match="is lost|did not start"):
        check_image(procs, image, tmp_path / "image", [history[-1]], "no syncs")


# ---- damage ----


def filled(procs, tmp_path):
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path).start()
    with cc.Chip(part.socket) as chip:
        chip.make_curve(cc.P256)
        chip.write_ec(1, cc.P256)
        chip.write_binary(2, b"hello", size=300)
        chip.write_binary(3, b"bye", size=3)
        chip.delete(2)
        chip.write_binary(4, b"last", size=4)
        want = all_values(chip)
    part.stop()
    return part, want


def test_any_damaged_byte_is_refused_or_harmless(procs, tmp_path, rng):
    """A flipped bit is refused with a message and the file left alone, or it hides in bytes without meaning
    (padding, the older slot, a slot whose loss costs nothing) and every object is there."""
    part, want = filled(procs, tmp_path)
    good = part.state.read_bytes()
    interesting = [*range(0, 24), *range(512, 536), *range(1024, 1048), *range(4096, len(good))]
    places = interesting if LONG else sorted(rng.sample(interesting, 60))
    refused = 0
    for place in places:
        bad = bytearray(good)
        bad[place] ^= 1 << rng.randrange(8)
        part.state.write_bytes(bad)
        try:
            part.start()
        except AssertionError as e:
            assert "damaged" in str(e) or "another version" in str(e)
            assert part.process.wait(5) == 1
            assert part.state.read_bytes() == bytes(bad)
            refused += 1
            r = part.dump()
            assert r.returncode == 1 and "damaged" in r.stderr
            continue
        assert not 4096 <= place, f"a flipped bit at {place} was not noticed"
        with cc.Chip(part.socket) as chip:
            assert all_values(chip) == want
        part.kill()
    assert refused > len(places) / 2


@pytest.mark.parametrize("content", [b"", b"SEDGEVSE", b"-----BEGIN RSA PRIVATE KEY-----\n", bytes(8192), None])
def test_what_is_no_state_is_left_alone(procs, tmp_path, content):
    part, _ = filled(procs, tmp_path)
    if content is None:
        content = part.state.read_bytes()[:-1]  # an acknowledged record is cut short
    part.state.write_bytes(content)
    with pytest.raises(AssertionError, match="damaged or not a chip's state"):
        part.start()
    assert part.state.read_bytes() == content


def test_a_full_disk_refuses_the_write_and_keeps_the_rest(procs, tmp_path):
    """RLIMIT_FSIZE stands for the full disk: a write beyond it fails with EFBIG."""
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path)
    part.program = tmp_path / "limited"
    part.program.write_text(f"#!/bin/bash\ntrap '' XFSZ\nulimit -f 24\nexec {BIN}/sedge-chip \"$@\"\n")
    part.program.chmod(0o755)
    part.start()
    with cc.Chip(part.socket) as chip:
        kept = 0
        with pytest.raises(cc.SW):
            for i in range(1, 30):
                chip.write_binary(i, b"x", size=2000)
                kept = i
        assert 3 < kept < 29
        assert sorted(chip.all_ids()) == sorted([*cc.FACTORY_IDS, *range(1, kept + 1)])
    part.kill()
    part.program = BIN / "sedge-chip"
    part.start()
    with cc.Chip(part.socket) as chip:
        assert sorted(chip.all_ids()) == sorted([*cc.FACTORY_IDS, *range(1, kept + 1)])
        chip.write_binary(50, b"x", size=2000)
