"""What the tests of sessions, channels, policies and settings share: a fresh part each, its keys, a way in."""

import pytest
from cryptography.hazmat.primitives import serialization

import chip_commands as cmd
from chip_client import SW, Chip, Part
from chip_sessions import DEVKIT, SE050E, Platform, UserIdSession
from conftest import BIN

USER, AES, EC = 0x7DA00001, 0x7DA00002, 0x7DA00003
VALUE, KEY = b"\xc0\x01\x02\x03\x04", bytes(range(0x40, 0x50))
KEYS = {"3.1": DEVKIT, "7.2": SE050E}
TRANSPORT, FEATURE, RESET, SCP_REQUEST, RESTRICT = 0x7FFF0200, 0x7FFF0204, 0x7FFF0205, 0x7FFF0207, 0x7FFF020A


def both(name, kind):
    return pytest.mark.chip(name, kind=kind, applet=("3.1", "7.2"))


@pytest.fixture
def part(procs, tmp_path, applet):
    return Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet).start()


@pytest.fixture
def chip(part):
    with Chip(part.socket) as c:
        yield c


@pytest.fixture
def platform(chip, applet):
    return Platform(chip, KEYS[applet])


def refused(sw, what, *args, **kw):
    with pytest.raises(SW) as e:
        what(*args, **kw)
    assert e.value.sw == sw, f"{e.value.sw:04X}, wanted {sw:04X}"


def login(chip, oid, value=VALUE):
    """A session opened with a UserID, which is made when it is missing."""
    if not chip.exists(oid):
        chip.run(cmd.write_userid(oid, value))
    return UserIdSession(chip, oid, value)


def point(key):
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
