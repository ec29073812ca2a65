"""What every Python test here stands on: the built programs, scratch folders, processes that end with the test."""

import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent
sys.path.insert(0, str(HERE / "integration"))

BUILD = pathlib.Path(os.environ.get("SEDGE_BUILD", TOP / "build"))
BIN = BUILD / "bin"
LIB = BUILD / "lib"
#: Meson's tree: test programs that are not installed.
MESON = pathlib.Path(os.environ.get("SEDGE_MESON", BUILD / "meson"))
LONG = os.environ.get("SEDGE_LONG") == "1"
SEED = int(os.environ.get("SEDGE_SEED", "1"))

# Debian's programs, whatever else is on the caller's PATH.
os.environ["PATH"] = f"{BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
for name in list(os.environ):
    if name.startswith(("SEDGE_", "EX_SSS_", "AWS_", "PKCS11_")) and name not in (
        "SEDGE_BUILD", "SEDGE_MESON", "SEDGE_LONG", "SEDGE_SEED", "SEDGE_CHIP_MARKS"):
        del os.environ[name]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, timeout=10.0, message="it did not happen"):
    """Poll what() until it is true; its value."""
    end = time.monotonic() + timeout
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{message} within {timeout} s")
        time.sleep(0.02)


class Processes:
    """Start programs and stop every one of them, by its id."""

    def __init__(self, folder):
        self.folder = folder
        self.running = []

    def start(self, *argv, env=None, name=None, **kw):
        name = name or pathlib.Path(str(argv[0])).name
        log = open(self.folder / f"{name}.{len(self.running)}.log", "wb")
        p = subprocess.Popen([str(a) for a in argv], stdout=log, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}, **kw)
        p.log = pathlib.Path(log.name)
        self.running.append(p)
        return p

    def stop(self, p, sig=signal.SIGTERM, timeout=10):
        if p.poll() is None:
            p.send_signal(sig)
            try:
                p.wait(timeout)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait(5)
                raise AssertionError(f"{p.args[0]} did not end within {timeout} s of signal {sig}")
        return p.returncode

    def stop_all(self):
        for p in self.running:
            if p.poll() is None:
                p.terminate()
        for p in self.running:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait(5)


@pytest.fixture
def procs(tmp_path):
    ps = Processes(tmp_path)
    yield ps
    ps.stop_all()


@pytest.fixture
def rng(request):
    """Random choices that SEDGE_SEED repeats, different for each test."""
    return random.Random(f"{SEED}/{request.node.nodeid}")


# ---- the chip: personalities, and marks that `make chip-table` counts (docs/chip-marks.md) ----

APPLETS = ("3.1", "7.2")
CHIP_KINDS = ("positive", "length", "order", "denied")


def pytest_configure(config):
    config.addinivalue_line("markers", "chip(command, kind, applet): one byte-exact case of an applet command; see docs/chip-marks.md")


@pytest.fixture(params=APPLETS)
def applet(request):
    """Once per personality of the virtual chip."""
    return request.param


def chip_marks(item):
    """The (command, personality, kind) that one collected case covers."""
    own = getattr(item, "callspec", None) and item.callspec.params.get("applet")
    for mark in item.iter_markers("chip"):
        command, = mark.args
        said = mark.kwargs.get("applet", APPLETS)
        for one in (said,) if isinstance(said, str) else said:
            if own in (None, one):
                yield command, one, mark.kwargs["kind"]


def pytest_collection_modifyitems(config, items):
    """SEDGE_CHIP_MARKS=FILE: write every mark down, a line per case, for tools/chip-table."""
    target = os.environ.get("SEDGE_CHIP_MARKS")
    if target:
        lines = ["\t".join((*m, item.nodeid)) for item in items for m in chip_marks(item)]
        pathlib.Path(target).write_text("\n".join(lines) + "\n")
