"""What the part is set to: lock, features, required channel, restricted creation, factory reset; and what a variant lacks."""

import pytest

import chip_commands as cmd
from chip_client import Chip, Part, tlv
from chip_login import FEATURE, KEY, RESET, RESTRICT, SCP_REQUEST, TRANSPORT, USER, VALUE, both, chip, login, part, refused  # noqa: F401
from chip_sessions import UserIdSession
from conftest import BIN


# ---- what the part is set to ----

@both("SetLockState", "positive")
def test_lock(part, chip):
    s = login(chip, TRANSPORT)
    s.run(cmd.set_lock_state(False, 1))  # until the next reset
    refused(0x6985, chip.write_binary, 1, b"x", size=1)
    assert chip.get_version() and chip.exists(TRANSPORT) and chip.random(4)
    s.run(cmd.set_lock_state(False, 0))
    chip.write_binary(1, b"x", size=1)
    s.run(cmd.set_lock_state(True, 1))  # for good
    part.kill()
    part.start()
    with Chip(part.socket) as c:
        refused(0x6985, c.read, 1)
        login(c, TRANSPORT).run(cmd.set_lock_state(True, 2))
        assert c.read(1) == b"x"


@pytest.mark.parametrize("which", [0, 3, 0xFF])
def test_lock_of_no_kind(chip, which):
    command = cmd.set_lock_state(False, 1)
    refused(0x6A80, login(chip, TRANSPORT).run, command.with_parts([tlv(0x41, bytes([which])), tlv(0x42, b"\1")]))


OWN = [(TRANSPORT, cmd.set_lock_state(False, 0)), (SCP_REQUEST, cmd.set_platform_scp(2)), (FEATURE, cmd.set_applet_features(0x3FFF)),
       (RESET, cmd.delete_all()), (RESTRICT, cmd.disable_object_creation(False, 1))]


@pytest.mark.parametrize("oid,command", [pytest.param(o, c, marks=both(c.name, "denied"), id=c.name) for o, c in OWN])
def test_each_has_its_own_authentication_object(chip, oid, command):
    for other in {o for o, _ in OWN} - {oid}:
        s = login(chip, other)
        refused(0x6985, s.run, command)
        s.end()
    assert login(chip, oid).run(command) == {}


def test_reserved_ids_only_authenticate(chip):
    refused(0x6986, chip.write_binary, RESET, b"x", size=1)
    refused(0x6986, chip.run, cmd.write_symm(RESET, 3, KEY))
    refused(0x6986, chip.run, cmd.write_userid(0x7FFF0206, VALUE))
    refused(0x6986, chip.run, cmd.write_userid(0x7FFF0201, VALUE))
    refused(0x6986, chip.run, cmd.write_userid(0x7FFF0300, VALUE))


@both("SetAppletFeatures", "positive")
def test_features(part, chip, applet):
    chip.make_curve(3)
    login(chip, FEATURE).run(cmd.set_applet_features(0x3FFF & ~0x0060))
    assert chip.get_version()[3:5] == bytes.fromhex("3f9f")
    refused(0x6985, chip.write_rsa_part, 1, bits=2048)
    chip.write_ec(2, 3)
    part.kill()
    part.start()
    with Chip(part.socket) as c:
        assert c.version[3:5] == bytes.fromhex("3f9f")
        login(c, FEATURE).run(cmd.set_applet_features(0xFFFF))  # no more than the part was made with
        assert c.select()[3:5] == bytes.fromhex("3fff")


@both("DisableObjectCreation", "positive")
def test_no_new_objects(part, chip):
    chip.write_binary(1, b"x", size=1)
    s = login(chip, RESTRICT)
    s.run(cmd.disable_object_creation(False, 1))
    refused(0x6986, chip.write_binary, 2, b"x", size=1)
    chip.write_binary(1, b"y")
    s.run(cmd.disable_object_creation(False, 2))
    refused(0x6986, chip.write_binary, 1, b"z")
    refused(0x6985, s.run, cmd.disable_object_creation(False, 1))  # not back
    part.kill()
    part.start()
    with Chip(part.socket) as c:  # that was until the next reset
        c.write_binary(1, b"z")
        login(c, RESTRICT).run(cmd.disable_object_creation(True, 1))
    part.kill()
    part.start()
    with Chip(part.socket) as c:  # this is for good
        refused(0x6986, c.write_binary, 2, b"x", size=1)
        assert c.read(1) == b"z"


@both("DeleteAll", "positive")
def test_delete_all(part, chip):
    chip.make_curve(3)
    before = set(chip.all_ids())
    chip.write_ec(1, 3)
    chip.write_binary(2, b"x", size=1)
    chip.run(cmd.write_userid(USER, VALUE))
    other = UserIdSession(chip, USER, VALUE)
    s = login(chip, RESET)
    s.run(cmd.delete_all())
    assert set(chip.all_ids()) == before | {RESET}
    refused(0x6985, other.run, cmd.get_version())
    assert s.exists(RESET)
    part.kill()
    part.start()
    with Chip(part.socket) as c:
        assert set(c.all_ids()) == before | {RESET}


# ---- variants ----

@pytest.mark.parametrize("variant,features,rsa,curve", [("A", "379f", False, True), ("B", "37f0", True, False), ("C", "3fff", True, True)])
def test_variants(procs, tmp_path, variant, features, rsa, curve):
    part = Part(procs, BIN / "sedge-chip", tmp_path, "--applet", "3.1", "--variant", variant).start()
    with Chip(part.socket) as c:
        assert c.version == bytes.fromhex("030100" + features + "010b")
        if curve:
            c.make_curve(3)
            c.write_ec(1, 3)
        else:
            refused(0x6985, c.run, cmd.create_curve(3))
        if rsa:
            c.write_rsa_part(2, bits=1024)
        else:
            refused(0x6985, c.write_rsa_part, 2, bits=1024)
