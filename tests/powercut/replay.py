#!/usr/bin/python3
"""Build the disk as it may look after the power failed, from a log of recorder.c.

What was synced is there. Of the rest the disk may have kept nothing, a prefix, everything, or any set of
512-byte sectors; names (created, renamed, unlinked) are a matter of their folder's sync and of nothing else, and
those of different files may come in any order. That is harsher than most filesystems, and what POSIX promises.

As a program: replay.py LOG [--seed N] [--cuts N] [--all] -- COMMAND [ARG...]
runs COMMAND for each image with POWERCUT_IMAGE=FOLDER and POWERCUT_EVENTS=number of events before the cut.
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile

SECTOR = 512


def read_log(path):
    """Events as tuples: (kind, ...); a last line that is not whole is not an event."""
    out = []
    for line in pathlib.Path(path).read_text().split("\n")[:-1]:
        kind, rest = line[0], line[2:]
        if kind in "CO":
            ident, name = rest.split(" ", 1)
            out.append((kind, int(ident), name))
        elif kind == "W":
            ident, offset, data = rest.split(" ")
            out.append((kind, int(ident), int(offset), bytes.fromhex(data)))
        elif kind == "T":
            ident, size = rest.split(" ")
            out.append((kind, int(ident), int(size)))
        elif kind == "S":
            out.append((kind, int(rest)))
        elif kind == "R":
            old, new = rest.split(" ")
            out.append((kind, old, new))
        elif kind in "UF":
            out.append((kind, rest))
        elif kind == "A":
            fd, _, data = rest.partition(" ")
            out.append((kind, int(fd), bytes.fromhex(data)))
        else:
            raise ValueError(f"not a line of the recorder: {line[:40]!r}")
    return out


class File:
    def __init__(self, content=b""):
        self.synced = bytearray(content)
        self.loose = []  # (offset, bytes) or size, since the last sync

    @staticmethod
    def put(content, change):
        if isinstance(change, int):
            del content[change:]
            content.extend(bytes(change - len(content)))
            return
        offset, data = change
        content.extend(bytes(max(0, offset - len(content))))
        content[offset:offset + len(data)] = data

    def sync(self):
        for change in self.loose:
            self.put(self.synced, change)
        self.loose = []

    @staticmethod
    def sectors(change):
        """A write as the sectors it touches; a size is one thing."""
        if isinstance(change, int):
            return [change]
        offset, data = change
        out, at = [], 0
        while at < len(data):
            n = min(SECTOR - (offset + at) % SECTOR, len(data) - at)
            out.append((offset + at, data[at:at + n]))
            at += n
        return out

    def after_cut(self, keep, rng):
        content = bytearray(self.synced)
        pieces = [s for change in self.loose for s in self.sectors(change)]
        if keep == "prefix":
            pieces = pieces[:rng.randint(0, len(pieces))]
        elif keep == "some":
            pieces = [p for p in pieces if rng.random() < 0.5]
        elif keep == "none":
            pieces = []
        for p in pieces:
            self.put(content, p)
        return bytes(content)


class Disk:
    """The state after the first n events. `before`: what was in the folder when the recording began."""

    def __init__(self, before=None):
        self.files = {}       # id -> File
        self.names = {}       # as the program sees them
        self.synced = {}      # as the disk has them: name -> File
        self.loose = []       # [(name, File or None), ...] since the folder's sync, in order; each whole or not
        self.before = dict(before or {})
        for name, content in self.before.items():
            self.synced[name] = self.names[name] = File(content)

    def _change(self, *pairs):
        self.loose.append(pairs)
        self._apply(self.names, [pairs])

    def event(self, e):
        kind = e[0]
        if kind == "C":
            self.files[e[1]] = File()
            self._change((e[2], self.files[e[1]]))
        elif kind == "O":
            self.files[e[1]] = self.names.setdefault(e[2], self.files.get(e[1]) or File())
        elif kind in "WT":
            self.files[e[1]].loose.append((e[2], e[3]) if kind == "W" else e[2])
        elif kind == "S":
            if e[1] in self.files:
                self.files[e[1]].sync()
        elif kind == "R":
            self._change((e[2], self.names[e[1]]), (e[1], None))  # a rename is never half done
        elif kind == "U":
            self._change((e[1], None))
        elif kind == "F":
            folder = "" if e[1] == "." else e[1] + "/"
            mine = [c for c in self.loose if c[0][0].startswith(folder) and "/" not in c[0][0][len(folder):]]
            self._apply(self.synced, mine)
            self.loose = [c for c in self.loose if c not in mine]

    @staticmethod
    def _apply(names, changes):
        for name, file in (pair for pairs in changes for pair in pairs):
            if file is None:
                names.pop(name, None)
            else:
                names[name] = file

    def after_cut(self, names_keep, data_keep, rng):
        """{name: bytes}"""
        names = dict(self.synced)
        changes = list(self.loose)
        if names_keep == "none":
            changes = []
        elif names_keep == "prefix":
            changes = changes[:rng.randint(0, len(changes))]
        elif names_keep == "some":  # in any order, too
            changes = [c for c in changes if rng.random() < 0.5]
            rng.shuffle(changes)
        self._apply(names, changes)
        return {name: file.after_cut(data_keep, rng) for name, file in names.items()}


KEEPS = ("none", "prefix", "some", "all")


def images(events, cuts, rng, before=None, every=False):
    """(number of events before the cut, how, {name: bytes}) for each cut; all sixteen ways when `every`."""
    disk = Disk(before)
    wanted = set(cuts)
    for n in range(len(events) + 1):
        if n in wanted:
            ways = [(a, b) for a in KEEPS for b in KEEPS] if every else [(rng.choice(KEEPS), rng.choice(KEEPS))]
            for way in ways:
                yield n, way, disk.after_cut(*way, rng)
        if n < len(events):
            disk.event(events[n])


def write_image(image, folder, mode=0o600):
    for name, content in image.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(fd, "wb") as f:
            f.write(content)


def main():
    p = argparse.ArgumentParser(description="Run a command on the disk as a power cut may have left it.")
    p.add_argument("log")
    p.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    p.add_argument("--cuts", type=int, default=50, help="how many points in time (default 50)")
    p.add_argument("--all", action="store_true", help="every point, every way")
    p.add_argument("command", nargs="+")
    a = p.parse_args()
    print(f"seed {a.seed}")
    rng = random.Random(a.seed)
    events = read_log(a.log)
    points = range(len(events) + 1)
    cuts = points if a.all else sorted(rng.sample(points, min(a.cuts, len(points))))
    bad = 0
    for n, way, image in images(events, cuts, rng, every=a.all):
        with tempfile.TemporaryDirectory() as folder:
            write_image(image, folder)
            r = subprocess.run(a.command, env={**os.environ, "POWERCUT_IMAGE": folder, "POWERCUT_EVENTS": str(n)})
        if r.returncode:
            bad += 1
            print(f"FAILED after {n} events, names {way[0]}, data {way[1]}")
    print(f"{len(cuts)} cuts, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
