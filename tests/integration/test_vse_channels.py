"""The platform's secure channel, SCP03: each of its rules kept and broken, its keys rotated, given and refused. The host is chip_sessions.py."""

import pytest

import chip_commands as cmd
from chip_client import SW, Chip, Part, tlv
from chip_login import KEYS, SCP_REQUEST, both, chip, login, part, platform, refused  # noqa: F401
from chip_sessions import DEVKIT, SE050E, Platform, Scp03, aes_ecb, handshake
from conftest import BIN


# ---- platform SCP03 ----

@both("SCPInitializeUpdate", "positive")
@both("SCPExternalAuthenticate", "positive")
def test_platform_channel(platform, chip, applet):
    platform.write_binary(1, bytes(range(200)), size=500)
    assert platform.read(1) == bytes(range(200)) + bytes(300)
    assert platform.get_version()[:2] == chip.version[:2]
    for n in (1, 15, 16, 17, 255, 512):
        assert len(platform.random(n)) == n
    assert platform.id_list()[1]


def test_platform_errors_have_no_mac(platform):
    for _ in range(3):
        refused(0x6985, platform.read, 0x77)  # unwrap() asserts that there is no data
        refused(0x6A80, platform.run, cmd.exists(1).with_parts([tlv(0x41, b"123")]))
    assert platform.exists(0x7FFF0206)


NO_DATA = cmd.get_version()


def test_the_counter_rule(chip, applet):
    """Commands without data do not count on a 3.1 platform; they do on 7.2. A host that counts otherwise is not understood."""
    for counts, understood in ((applet == "7.2", True), (applet != "7.2", False)):
        chip.select()
        p = Platform(chip, KEYS[applet])
        p.scp.counts_empty = counts
        p.run(cmd.exists(1))
        if understood:
            for _ in range(3):
                assert p.get_version() and p.run(cmd.exists(1)) == {0x41: b"\2"}
        else:
            with pytest.raises((AssertionError, SW)):
                p.get_version()
                p.run(cmd.exists(1))


def test_the_first_command_without_data(chip, applet):
    assert Platform(chip, KEYS[applet]).get_version() == chip.version


def channel_is_closed(chip, platform):
    """Nothing wrapped is taken any more, plain commands are."""
    data, sw = platform.raw(bytes(cmd.exists(1)))
    assert (data, sw) == (b"", 0x6982)
    assert chip.exists(0x7FFF0206)


def wrapped(platform, command=cmd.exists(1)):
    return platform.scp.wrap(b"\x80\x04\0\x27", command.data)


@both("SCPExternalAuthenticate", "order")
def test_wrong_mac(platform, chip):
    whole = wrapped(platform)
    for at in (5, len(whole) - 9, len(whole) - 1):  # data, data, MAC
        bad = bytearray(whole)
        bad[at] ^= 1
        assert chip.raw(bytes(bad)) == (b"", 0x6982)
        assert chip.raw(whole) == (b"", 0x6982)  # the right one comes too late
        assert chip.raw(bytes.fromhex("80500b00080000000000000000"))[1] == 0x9000  # a new handshake may begin
    channel_is_closed(chip, platform)


def test_header_is_under_the_mac(platform, chip):
    whole = bytearray(wrapped(platform))
    whole[3] = 0x28  # DeleteSecureObject instead of CheckObjectExists
    assert chip.raw(bytes(whole)) == (b"", 0x6982)
    channel_is_closed(chip, platform)


def test_replay(platform, chip):
    whole = wrapped(platform)
    assert chip.raw(whole)[1] == 0x9000
    assert chip.raw(whole) == (b"", 0x6982)
    channel_is_closed(chip, platform)


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 15, 16, 23])
def test_truncated(platform, chip, cut):
    whole = wrapped(platform)
    data = whole[5:5 + cut]
    assert chip.raw(whole[:4] + (bytes([cut]) + data if cut else b"")) == (b"", 0x6982)
    channel_is_closed(chip, platform)


def test_wrong_padding(platform, chip):
    from chip_sessions import aes_cbc
    for plain in (bytes(16), b"\x41\4\0\0\0\1" + bytes(10), b"\x80" + bytes(31)):
        p = platform
        body = aes_cbc(p.scp.enc, p.scp.iv(), plain, True)
        assert chip.raw(p.scp.maced(b"\x84\x04\0\x27", body)) == (b"", 0x6982)
        chip.select()
        platform = Platform(chip, DEVKIT if chip.version[0] == 3 else SE050E)


def test_plain_command_in_the_channel(platform, chip):
    assert chip.raw(bytes(cmd.get_version())) == (b"", 0x6982)
    channel_is_closed(chip, platform)


def test_select_ends_the_channel(platform, chip):
    chip.select()
    assert chip.get_version() == chip.version
    channel_is_closed(chip, platform)


@both("SCPInitializeUpdate", "denied")
def test_other_key_versions(chip):
    for version in (0x00, 0x0A, 0x0C, 0xFF):
        assert chip.raw(bytes([0x80, 0x50, version, 0, 8]) + bytes(8)) == (b"", 0x6A88)


@both("SCPInitializeUpdate", "length")
@pytest.mark.parametrize("n", [0, 7, 9])
def test_challenge_of_wrong_length(chip, n):
    assert chip.raw(b"\x80\x50\x0b\0" + (bytes([n]) + bytes(n) if n else b"")) == (b"", 0x6700)


@both("SCPInitializeUpdate", "order")
def test_handshake_in_a_channel(platform, chip):
    assert chip.raw(bytes.fromhex("80500b00080000000000000000")) == (b"", 0x6982)


@both("SCPExternalAuthenticate", "denied")
def test_wrong_keys(chip, applet):
    other = {"enc": bytes(16), "mac": bytes(16)}
    with pytest.raises(AssertionError, match="card cryptogram"):
        handshake(lambda h, d: chip.raw(h + bytes([len(d)]) + d), other, True, 0x0B)
    scp = Scp03(True)
    answer, _ = chip.raw(bytes.fromhex("80500b0008") + bytes(8))
    _, mine = scp.from_challenges(other["enc"], other["mac"], bytes(8), answer[13:21])
    assert chip.raw(scp.maced(b"\x84\x82\x33\0", mine)) == (b"", 0x6982)
    # the right cryptogram with a wrong MAC, and the other way round
    for flip in (5, 13):
        answer, _ = chip.raw(bytes.fromhex("80500b0008") + bytes(8))
        scp = Scp03(True)
        _, mine = scp.from_challenges(KEYS[applet]["enc"], KEYS[applet]["mac"], bytes(8), answer[13:21])
        whole = bytearray(scp.maced(b"\x84\x82\x33\0", mine))
        whole[flip] ^= 0x80
        assert chip.raw(bytes(whole)) == (b"", 0x6982)
        whole[flip] ^= 0x80
        assert chip.raw(bytes(whole)) == (b"", 0x6985)  # one try for a challenge


def test_a_right_mac_over_a_wrong_cryptogram(chip, applet):
    answer, _ = chip.raw(bytes.fromhex("80500b0008") + bytes(8))
    scp = Scp03(True)
    _, mine = scp.from_challenges(KEYS[applet]["enc"], KEYS[applet]["mac"], bytes(8), answer[13:21])
    assert chip.raw(scp.maced(b"\x84\x82\x33\0", bytes([mine[0] ^ 1]) + mine[1:])) == (b"", 0x6982)


@both("SCPExternalAuthenticate", "length")
@pytest.mark.parametrize("n", [0, 8, 15, 17])
def test_authenticate_of_wrong_length(chip, n):
    chip.raw(bytes.fromhex("80500b0008") + bytes(8))
    assert chip.raw(b"\x84\x82\x33\0" + (bytes([n]) + bytes(n) if n else b"")) == (b"", 0x6700)


def test_other_security_levels(chip, applet):
    for level, sw in ((0x33, 0x9000), (0x00, 0x9000), (0x01, 0x6A86), (0x03, 0x6A86), (0x13, 0x6A86)):
        chip.select()
        answer, _ = chip.raw(bytes.fromhex("80500b0008") + bytes(8))
        scp = Scp03(True)
        _, mine = scp.from_challenges(KEYS[applet]["enc"], KEYS[applet]["mac"], bytes(8), answer[13:21])
        assert chip.raw(scp.maced(bytes([0x84, 0x82, level, 0]), mine)) == (b"", sw)


def test_authenticate_without_a_challenge(chip):
    assert chip.raw(b"\x84\x82\x33\0\x10" + bytes(16)) == (b"", 0x6985)


def test_power_ends_the_channel(part, platform, applet):
    part.kill()
    part.start()
    with Chip(part.socket) as c:
        assert c.raw(wrapped(platform)) == (b"", 0x6982)


@both("SetPlatformSCPRequest", "positive")
def test_scp_required(part, chip, applet):
    s = login(chip, SCP_REQUEST)
    s.run(cmd.set_platform_scp(1))
    refused(0x6982, chip.get_version)
    refused(0x6982, s.run, cmd.get_version())
    assert chip.raw(bytes.fromhex("80500b0008") + bytes(8))[1] == 0x9000
    part.kill()
    part.start()
    with Chip(part.socket) as c:  # SELECT goes
        refused(0x6982, c.get_version)
        p = Platform(c, KEYS[applet])
        assert p.get_version() == c.version
        login(p, SCP_REQUEST).run(cmd.set_platform_scp(2))
        c.select()
        assert c.get_version() == c.version


@pytest.mark.parametrize("request_", [0, 3, 0xFF])
def test_scp_request_of_no_kind(chip, request_):
    refused(0x6A80, login(chip, SCP_REQUEST).run, cmd.set_platform_scp(request_))


# ---- key rotation ----

NEW = dict(enc=bytes(range(16)), mac=bytes(range(16, 32)), dek=bytes(range(32, 48)))


def put_key(keys, dek, version=0x0B):
    out = bytes([version])
    for key in keys.values():
        out += b"\x88\x11\x10" + aes_ecb(dek, key) + b"\x03" + aes_ecb(key, b"\1" * 16)[:3]
    return out


@pytest.fixture
def devkit(procs, tmp_path, applet):
    """A part of either personality with keys of which DEK is known."""
    return Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet, "--scp-keys", "devkit").start()


def test_rotation(devkit):
    with Chip(devkit.socket) as c:
        p = Platform(c, DEVKIT)
        answer, sw = p.raw(b"\x80\xd8\x0b\x81" + bytes([len(put_key(NEW, DEVKIT["dek"]))]) + put_key(NEW, DEVKIT["dek"]))
        assert sw == 0x9000
        assert answer == b"\x0b" + b"".join(aes_ecb(k, b"\1" * 16)[:3] for k in NEW.values())
        assert p.get_version() == c.version  # the channel goes on
        c.select()
        with pytest.raises(AssertionError, match="card cryptogram"):
            Platform(c, DEVKIT)
        Platform(c, NEW)
    devkit.kill()
    devkit.start()  # --scp-keys does not undo it
    with Chip(devkit.socket) as c:
        p = Platform(c, NEW)
        back = put_key(DEVKIT, NEW["dek"])
        assert p.raw(b"\x80\xd8\x0b\x81" + bytes([len(back)]) + back)[1] == 0x9000
        c.select()
        Platform(c, DEVKIT)


def test_rotation_refused(devkit):
    good = put_key(NEW, DEVKIT["dek"])
    with Chip(devkit.socket) as c:
        assert c.raw(b"\x80\xd8\x0b\x81" + bytes([len(good)]) + good) == (b"", 0x6985)  # not in the channel
        p = Platform(c, DEVKIT)
        cases = [(b"\x0a\x81", good, 0x6A88), (b"\x0b\x81", put_key(NEW, DEVKIT["dek"], 0x0C), 0x6A80),
                 (b"\x0b\x81", put_key(NEW, DEVKIT["mac"]), 0x6A80),  # under another DEK: check values
                 (b"\x0b\x81", good[:-1] + bytes([good[-1] ^ 1]), 0x6A80), (b"\x0b\x81", good + b"\0", 0x6A80)]
        cases += [(b"\x0b\x81", good[:n], 0x6A80) for n in (1, 2, 24, 47, 69)]
        for p1p2, data, sw in cases:
            assert p.raw(b"\x80\xd8" + p1p2 + bytes([len(data)]) + data) == (b"", sw)
        c.select()
        Platform(c, DEVKIT)  # still the old ones


def test_no_rotation_without_dek(procs, tmp_path):
    part = Part(procs, BIN / "sedge-chip", tmp_path, "--applet", "7.2").start()
    with Chip(part.socket) as c:
        p = Platform(c, SE050E)
        data = put_key(NEW, bytes(16))
        assert p.raw(b"\x80\xd8\x0b\x81" + bytes([len(data)]) + data) == (b"", 0x6985)


def test_keys_of_a_file(procs, tmp_path):
    file = tmp_path / "scp.txt"
    file.write_text("# ours\n" + "".join(f"{name.upper()} {key.hex()}\n" for name, key in NEW.items()))
    file.chmod(0o600)
    with Chip(Part(procs, BIN / "sedge-chip", tmp_path, "--scp-keys", file).start().socket) as c:
        Platform(c, NEW)


# ---- keys the program is given ----

@pytest.mark.parametrize("text,mode", [
    ("ENC 00\n", 0o600), ("", 0o600), ("ENC " + "00" * 16 + "\n", 0o600),
    ("ENC " + "00" * 16 + "\nMAC " + "00" * 16 + "\n", 0o644), ("ENC " + "00" * 16 + "\nMAC " + "00" * 16 + "\n", 0o640)])
def test_key_files_that_are_refused(procs, tmp_path, text, mode):
    file = tmp_path / "scp.txt"
    file.write_text(text)
    file.chmod(mode)
    p = procs.start(BIN / "sedge-chip", "serve", "--state", tmp_path / "s", "--socket", tmp_path / "b", "--scp-keys", file)
    assert p.wait(10) != 0
    assert str(file) in p.log.read_text() and "00000000" not in p.log.read_text()
    assert not (tmp_path / "s").exists()


def test_no_such_key_set(procs, tmp_path):
    p = procs.start(BIN / "sedge-chip", "serve", "--state", tmp_path / "s", "--socket", tmp_path / "b", "--scp-keys", "A999")
    assert p.wait(10) != 0 and "A999" in p.log.read_text()
