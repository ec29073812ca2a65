"""The order of checks (docs/spec/chip.md, 4): a command that is wrong in two ways is told the first. Each row is wrong in two neighbouring ways; that
the later one alone has its own status word is asked, too."""

import pytest

import chip_commands as cmd
from chip_client import Chip, tlv, u8, u32
from chip_login import FEATURE, SCP_REQUEST, TRANSPORT, chip, login, part  # noqa: F401

LIMIT = {"3.1": 892, "7.2": 1024}  # bytes of data


def with_data(text, n):
    """That header, and n bytes of data that are one TLV."""
    data = tlv(0x41, bytes(n - 4))
    return bytes.fromhex(text) + bytes([0]) + len(data).to_bytes(2, "big") + data


def wire(text, data=b""):
    return bytes.fromhex(text) + (u8(len(data)) + data if data else b"")


def closed(chip):  # noqa: F811
    login(chip, SCP_REQUEST).run(cmd.set_platform_scp(1))


def locked(chip):  # noqa: F811
    login(chip, TRANSPORT).run(cmd.set_lock_state(False, 1))


def without_curves(chip):  # noqa: F811
    login(chip, FEATURE).run(cmd.set_applet_features(0x3FFF & ~0x0002))


def nothing(chip):  # noqa: F811
    pass


CASES = [  # what comes first, what second, the state, both wrong, its word, the second alone, its word
    ("length", "channel", closed, wire("80040020") + b"\5\x41", 0x6700, wire("80040020"), 0x6982),
    ("channel", "class", closed, wire("90040020"), 0x6982, None, None),
    ("class", "command", nothing, wire("90770000"), 0x6E00, wire("80770000"), 0x6D00),
    ("class", "parameters", nothing, wire("90040077"), 0x6E00, wire("80040077"), 0x6A86),
    ("place", "tags", nothing, wire("8004002C", tlv(0x43, b"x")), 0x6985, None, None),
    ("lock", "tags", locked, wire("80010B04", tlv(0x43, b"x")), 0x6985, None, None),
    ("feature", "tags", without_curves, wire("80010B04", tlv(0x43, b"x")), 0x6985, None, None),
    ("tags", "feature is there", nothing, wire("80010B04", tlv(0x43, b"x")), 0x6A80, None, None),
    ("tags", "object", nothing, wire("80020026", tlv(0x41, u32(0x123)) * 2), 0x6A80, wire("80020026", tlv(0x41, u32(0x123))), 0x6985),
    ("widths", "object", nothing, wire("80020000", tlv(0x41, u32(0x123)) + tlv(0x42, b"x")), 0x6A80, wire("80020000", tlv(0x41, u32(0x123))), 0x6985),
]


@pytest.mark.parametrize("state, both, word, second, second_word", [pytest.param(*c[2:], id=f"{c[0]}-before-{c[1]}".replace(" ", "_")) for c in CASES])
def test_what_is_wrong_first_is_told(chip, state, both, word, second, second_word):  # noqa: F811
    state(chip)
    data, got = chip.raw(both)
    assert (data, f"{got:04X}") == (b"", f"{word:04X}")
    if second:
        data, got = chip.raw(second)
        assert (data, f"{got:04X}") == (b"", f"{second_word:04X}")


@pytest.mark.parametrize("command, with_too_much, with_all_there_may_be", [
    pytest.param("80040077", 0x6A86, 0x6A86, id="command_before_limit"), pytest.param("8004001C", 0x6700, 0x6985, id="limit_before_place"),
    pytest.param("80040020", 0x6700, 0x6A80, id="limit_before_tags")])
def test_the_limit_of_data_in_its_place(chip, applet, command, with_too_much, with_all_there_may_be):  # noqa: F811
    assert chip.raw(with_data(command, LIMIT[applet] + 1)) == (b"", with_too_much)
    assert chip.raw(with_data(command, LIMIT[applet])) == (b"", with_all_there_may_be)


def test_nothing_is_known_before_select(part):  # noqa: F811
    with Chip(part.socket, select=False) as c:
        for command in (wire("80040020"), wire("90040020"), wire("80770000"), wire("84040020")):
            assert c.raw(command) == (b"", 0x6D00)
