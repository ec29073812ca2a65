"""Policies: for whom, over what, and when. Which right is whose is in test_vse_policies.py."""

import pytest

import chip_commands as cmd
from chip_client import u32
from chip_login import AES, KEY, KEYS, USER, chip, login, part, platform, refused  # noqa: F401
from chip_sessions import AesSession, Platform


# ---- policies: who, over what, and when ----

def test_bound_to_an_authentication_object(chip):
    rules = cmd.policy(["read", "write", "delete"], auth=USER) + cmd.policy(["read"], auth=AES)
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    u, a = login(chip, USER), AesSession(chip, AES, KEY)
    chip.write_binary(1, b"x", size=1, policy=rules)
    refused(0x6986, chip.read, 1)
    assert u.read(1) == a.read(1) == b"x"
    refused(0x6986, a.write_binary, 1, b"y")
    u.write_binary(1, b"y")
    refused(0x6986, a.delete, 1)
    refused(0x6986, chip.delete, 1)
    u.delete(1)


def test_forbidden_to_one(chip):
    chip.write_binary(1, b"x", size=1, policy=cmd.policy(["read"]) + cmd.policy(["forbid all"], auth=USER))
    assert chip.read(1) == b"x"
    refused(0x6986, login(chip, USER).read, 1)


def test_secure_messaging_required(chip, applet):
    chip.write_binary(1, b"x", size=1, policy=cmd.policy(["read", "secure messaging"]))
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    refused(0x6986, chip.read, 1)
    refused(0x6986, login(chip, USER).read, 1)
    assert AesSession(chip, AES, KEY).read(1) == b"x"
    chip.select()
    platform = Platform(chip, KEYS[applet])
    assert platform.read(1) == b"x"
    assert login(platform, USER).read(1) == b"x"  # its command came over the platform's channel


def test_pcr_required(chip):
    import hashlib
    initial, data = bytes(32), b"boot stage"
    wanted = hashlib.sha256(initial + data).digest()
    chip.run(cmd.write_pcr(8, initial=initial))
    chip.write_binary(1, b"x", size=1, policy=cmd.policy(["read", "pcr"], pcr=u32(8) + wanted))
    refused(0x6986, chip.read, 1)
    chip.run(cmd.write_pcr(8, extend=data))
    assert chip.read(1) == b"x"
    chip.run(cmd.write_pcr(8, extend=data))
    refused(0x6986, chip.read, 1)
