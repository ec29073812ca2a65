"""Module management: version, memory, random; and what nobody is told once the platform's channel is required."""

import pytest

import chip_client as cc
import chip_commands as do
from chip_login import SCP_REQUEST, login
from conftest import APPLETS, BIN
from test_vse_objects import A, OK, answer, chip, chips, run_case, table  # noqa: F401

VERSION = {"3.1": "0301003fff010b", "7.2": "0702003fff010b"}


@table([
    ("positive", "version", [], do.get_version(), {v: (answer(bytes.fromhex(VERSION[v])), OK) for v in APPLETS}),
    ("positive", "memory", [], do.get_free_memory(1), (answer(b"\x7f\xff"), OK)),
    ("positive", "memory for transient values", [], do.get_free_memory(2), (answer(cc.u16(2048)), OK)),
    ("positive", "memory that deselect clears", [], do.get_free_memory(3), (answer(cc.u16(1024)), OK)),
    ("positive", "memory after a transient value", [do.write_symm(A, 5, bytes(20), flags=do.TRANSIENT)], do.get_free_memory(2),
     (answer(cc.u16((2048 - 20) // 16 * 16)), OK)),
    ("order", "memory of no kind", [], do.get_free_memory(4), 0x6A80),
    ("denied", "more transient values than RAM", [do.write_binary(A, size=2048, flags=do.TRANSIENT)],
     ("WriteBinary", do.write_binary(A + 1, size=1, flags=do.TRANSIENT)), 0x6A84),
])
def test_version_and_memory(chip, applet, before, command, want):  # noqa: F811
    run_case(chip, applet, before, command, want)


@pytest.mark.chip("GetRandom", kind="positive")
@pytest.mark.parametrize("n", [1, 16, 512, 888])
def test_random(chip, applet, n):  # noqa: F811
    one, two = (chip.run(do.get_random(n)) for _ in range(2))
    assert set(one) == {0x41} and len(one[0x41]) == n
    if n >= 16:
        assert one != two


#: commands that anybody may send whatever policies say; and the personalities they are on
OPEN = [(do.get_version(), APPLETS), (do.get_version_ext(), ("7.2",)), (do.get_timestamp(), APPLETS), (do.get_free_memory(1), APPLETS),
        (do.get_random(8), APPLETS), (do.read_state(), ("7.2",)), (do.read_id_list(), APPLETS), (do.exists(cc.UNIQUE_ID), APPLETS),
        (do.read_curve_list(), APPLETS), (do.get_curve_id(0xF0000012), APPLETS), (do.set_curve_param(3, 1, b"x"), APPLETS),
        (do.delete_curve(3), APPLETS), (do.read_crypto_list(), APPLETS), (do.tls_random(), APPLETS)]


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A part of each personality that wants the platform's channel for everything."""
    from conftest import Processes
    folder = tmp_path_factory.mktemp("closed")
    procs, out = Processes(folder), {}
    for applet in APPLETS:
        part = cc.Part(procs, BIN / "sedge-chip", folder, "--applet", applet, name=applet).start()
        out[applet] = cc.Chip(part.socket)
        login(out[applet], SCP_REQUEST).run(do.set_platform_scp(1))
    yield out
    for chip in out.values():  # noqa: F402
        chip.close()
    procs.stop_all()


@pytest.mark.parametrize("applet, command", [pytest.param(v, command, id=f"{command.name}-{v}",
                                                          marks=pytest.mark.chip(command.name, kind="denied", applet=v))
                                             for command, on in OPEN for v in on])
def test_nothing_is_told_without_the_platforms_channel(closed, applet, command):
    assert closed[applet].raw(bytes(command)) == (b"", 0x6982)


def test_dump_tells_what_there_is_and_no_value(procs, tmp_path):
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", "7.2").start()
    secret = bytes(range(0x61, 0x71))
    with cc.Chip(part.socket) as c:
        for command in (do.write_symm(A, 3, secret), do.create_curve(4), do.create_crypto_object(30, do.PAKE_OBJECT, 1),
                        do.create_crypto_object(31, do.DIGEST_OBJECT, do.SHA256), do.delete_crypto_object(31)):
            c.run(command)
        login(c, SCP_REQUEST).run(do.set_platform_scp(1))
    told = part.dump()
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert f"0x{A:08X}  AES key, 16 bytes, persistent, imported" in lines
    assert {"curve 0x03  prime256v1", "curve 0x04  secp384r1, incomplete", "crypto object 0x001E  SPAKE2+, P-256, SHA-256, HMAC",
            "setting  platform SCP required"} <= set(lines)
    assert not any("0x001F" in line for line in lines)
    for form in (secret.hex(), secret.hex().upper(), secret.decode()):
        assert form not in told.stdout
