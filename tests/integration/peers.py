"""Other people's daemons: unpacked below build/peers by tools/peers, or the system's own."""

import os
import pathlib

from conftest import TOP

PEERS = TOP / "build/peers"
#: Where Debian puts programs that are not meant for a user's PATH. PostgreSQL's own first: those in usr/bin are wrappers that need an installation.
FOLDERS = ("usr/lib/postgresql/15/bin", "usr/sbin", "usr/bin", "usr/lib/openssh", "usr/local/bin")


def program(name):
    """The path of a peer's program; fails with what to do when there is none."""
    for root in (PEERS, pathlib.Path("/")):
        for folder in FOLDERS:
            path = root / folder / name
            if os.access(path, os.X_OK):
                return path
    raise AssertionError(f"{name} is not here: run tools/peers")


def env():
    """An environment in which unpacked programs find their libraries."""
    libraries = [str(p) for p in PEERS.glob("usr/lib/*-linux-gnu*")] + [str(p) for p in PEERS.glob("lib/*-linux-gnu*")]
    return {**os.environ, **({"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {})}
