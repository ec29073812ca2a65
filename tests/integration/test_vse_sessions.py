"""Sessions and secure channels of the virtual chip, against the host written apart in chip_sessions.py."""

import os

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import chip_commands as cmd
from chip_client import AID, SW, Chip, Part, tlv, u32
from chip_sessions import (DEVKIT, SE050E, AesSession, EcKeySession, Platform, Scp03, Session, UserIdSession, aes_ecb,
                           handshake)
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


# ---- UserID ----

@both("CreateSession", "positive")
@both("ProcessSessionCmd", "positive")
@both("VerifySessionUserID", "positive")
@both("CloseSession", "positive")
def test_userid_session(chip):
    s = login(chip, USER)
    s.write_binary(9, b"abc", size=3)
    assert s.read(9) == b"abc"
    assert USER in s.all_ids()
    s.end()
    refused(0x6985, s.read, 9)  # the id is nobody's any more
    assert chip.read(9) == b"abc"


@both("VerifySessionUserID", "denied")
@both("VerifySessionUserID", "order")
def test_wrong_userid(chip):
    chip.run(cmd.write_userid(USER, VALUE))
    for wrong in (b"\xc0\x01\x02\x03\x05", VALUE[:4], VALUE + b"\0", b"\0" * 16):
        s = Session(chip, USER)
        refused(0x6982, s.run, cmd.verify_userid(wrong))
        refused(0x6985, s.read, 9)  # still not open
        assert s.run(cmd.verify_userid(VALUE)) == {}  # a failure closes nothing
        refused(0x6985, s.run, cmd.verify_userid(VALUE))  # it is open now
        s.end()


@both("VerifySessionUserID", "length")
@pytest.mark.parametrize("n", [0, 3, 17])
def test_userid_of_wrong_length(chip, n):
    chip.run(cmd.write_userid(USER, VALUE))
    refused(0x6A80, Session(chip, USER).run, cmd.verify_userid(b"1" * n))


def attempts(chip, oid):
    """Failed attempts as the attributes have them: behind id, type and authattr."""
    got = chip.run(cmd.read_attributes(oid))
    value, = got.values()
    assert value[5] == 2
    return int.from_bytes(value[6:8], "big")


def test_attempts_are_counted_and_survive_power(part, chip):
    chip.run(cmd.write_userid(USER, VALUE, attempts=3))
    s = Session(chip, USER)
    refused(0x6982, s.run, cmd.verify_userid(b"wrong"))
    refused(0x6982, s.run, cmd.verify_userid(b"wrong"))
    assert attempts(chip, USER) == 2
    part.kill()
    part.start()
    with Chip(part.socket) as again:
        assert attempts(again, USER) == 2
        assert Session(again, USER).run(cmd.verify_userid(VALUE)) == {}
        assert attempts(again, USER) == 0  # a good one counts anew
        s = Session(again, USER)
        for _ in range(3):
            refused(0x6982, s.run, cmd.verify_userid(b"wrong"))
        refused(0x6983, s.run, cmd.verify_userid(VALUE))  # blocked for the right value, too
    part.kill()
    part.start()
    with Chip(part.socket) as again:
        refused(0x6983, Session(again, USER).run, cmd.verify_userid(VALUE))
        assert attempts(again, USER) == 3


def test_no_limit_means_none(chip):
    chip.run(cmd.write_userid(USER, VALUE))
    s = Session(chip, USER)
    for _ in range(40):
        refused(0x6982, s.run, cmd.verify_userid(b"wrong"))
    assert attempts(chip, USER) == 40
    assert s.run(cmd.verify_userid(VALUE)) == {}


@pytest.mark.parametrize("kind", ["AES", "EC"])
def test_attempts_of_keys_are_counted(chip, kind):
    if kind == "AES":
        chip.run(cmd.write_symm(AES, 3, KEY, attempts=2, flags=cmd.AUTH))
        def fail():
            AesSession(chip, AES, bytes(16))
    else:
        chip.make_curve(3)
        good = ec.generate_private_key(ec.SECP256R1())
        bad = ec.generate_private_key(ec.SECP256R1())
        chip.run(cmd.write_ec(AES, 3, public=point(good), part=0x20, attempts=2, flags=cmd.AUTH))
        def fail():
            EcKeySession(chip, AES, bad, chip.read(0x7FFF0201), chip.version)
    if kind == "AES":
        for _ in range(2):  # the host sees that the card's cryptogram is wrong: it cannot have our key
            s = Session(chip, AES)
            data, sw = s.send(b"\x80\x50\0\0", bytes(8))
            assert sw == 0x9000
            assert s.send(b"\x84\x82\x33\0", bytes(16)) == (b"", 0x6982)
            s.end()
        s = Session(chip, AES)
        s.send(b"\x80\x50\0\0", bytes(8))
        assert s.send(b"\x84\x82\x33\0", bytes(16)) == (b"", 0x6983)
    else:
        refused(0x6982, fail)
        refused(0x6982, fail)
        chip.select()
        refused(0x6983, EcKeySession, chip, AES, good, chip.read(0x7FFF0201), chip.version)


# ---- several at once, places ----

@both("CreateSession", "denied")
def test_two_and_no_more(chip):
    a, b = login(chip, USER), login(chip, USER)
    assert a.id != b.id
    refused(0x6985, Session, chip, USER)
    a.write_binary(1, b"a", size=1)
    assert b.read(1) == b"a" and chip.read(1) == b"a"
    a.end()
    c = login(chip, USER)
    assert c.read(1) == b"a" and b.read(1) == b"a"
    chip.select()  # ends them all
    refused(0x6985, b.read, 1)
    refused(0x6985, c.read, 1)


def test_what_opens_no_session(chip):
    chip.write_binary(5, b"file", size=4)
    chip.run(cmd.write_symm(6, 3, KEY))
    for oid in (5, 6, 0x1234, 0x7FFF0206):
        refused(0x6985, Session, chip, oid)


@both("ProcessSessionCmd", "denied")
def test_unknown_session(chip):
    refused(0x6985, chip.run, cmd.process_session(bytes(8), cmd.get_version()))
    refused(0x6985, chip.run, cmd.process_session(b"\xff" * 8, cmd.get_version()))


@both("ProcessSessionCmd", "length")
@pytest.mark.parametrize("n", [0, 7, 9])
def test_session_id_of_wrong_length(chip, n):
    refused(0x6A80, chip.run, cmd.process_session(bytes(n), cmd.get_version()))


IN_SESSION = [cmd.close_session(), cmd.refresh_session(), cmd.exchange_session_data(cmd.session_policy()),
              cmd.verify_userid(VALUE), cmd.delete_all(), cmd.set_lock_state(False, 1), cmd.set_platform_scp(1),
              cmd.set_applet_features(0x3FFF), cmd.disable_object_creation(False, 1)]


@pytest.mark.parametrize("command", [
    pytest.param(c, marks=both(c.name, "denied"), id=c.name) for c in IN_SESSION])
def test_only_inside_a_session(chip, command):
    refused(0x6985, chip.run, command)


@both("ProcessSessionCmd", "order")
@both("CreateSession", "order")
def test_no_session_inside_a_session(chip):
    a, b = login(chip, USER), login(chip, USER)
    refused(0x6985, a.run, cmd.process_session(b.id, cmd.get_version()))
    refused(0x6985, a.run, cmd.process_session(a.id, cmd.get_version()))
    refused(0x6985, a.run, cmd.create_session(USER))


@pytest.mark.parametrize("command", [cmd.get_version(), cmd.get_random(4), cmd.exists(USER), cmd.write_binary(1, b"x", size=1),
                                     cmd.refresh_session(), cmd.exchange_session_data(cmd.session_policy())],
                         ids=lambda c: c.name)
def test_nothing_before_authentication(chip, command):
    chip.run(cmd.write_userid(USER, VALUE))
    refused(0x6985, Session(chip, USER).run, command)
    assert not chip.exists(1)


def test_deleting_its_object_ends_a_session(chip):
    s = login(chip, USER)
    chip.delete(USER)
    refused(0x6985, s.run, cmd.get_version())


# ---- policy of a session, refresh ----

@both("ExchangeSessionData", "positive")
def test_a_number_of_commands(chip):
    s = login(chip, USER)
    s.run(cmd.exchange_session_data(cmd.session_policy(max_apdus=4)))  # the second since it was opened
    s.run(cmd.get_version())
    s.run(cmd.get_version())
    s.run(cmd.get_version())
    refused(0x6985, s.run, cmd.get_version())
    refused(0x6985, s.end)  # closed


@both("RefreshSession", "positive")
def test_refresh(chip):
    s = login(chip, USER)
    s.run(cmd.exchange_session_data(cmd.session_policy(0x2000, max_apdus=3)))
    s.run(cmd.get_version())
    for _ in range(3):
        s.run(cmd.refresh_session())
        s.run(cmd.get_version())
        s.run(cmd.get_version())
    s.run(cmd.refresh_session(cmd.session_policy(max_apdus=2)))
    s.run(cmd.get_version())
    refused(0x6986, s.run, cmd.refresh_session())  # the new policy gives no leave
    refused(0x6985, s.run, cmd.get_version())


def test_time_runs_out(chip):
    import time
    s = login(chip, USER)
    s.run(cmd.exchange_session_data(cmd.session_policy(max_seconds=1)))
    s.run(cmd.get_version())
    time.sleep(1.1)
    refused(0x6985, s.run, cmd.get_version())


@both("ExchangeSessionData", "length")
@both("RefreshSession", "length")
@pytest.mark.parametrize("bad", ["", "00", "018000", "028000", "0480000001ff", "04200000ff", "021000", "0680000001"],)
def test_malformed_session_policy(chip, bad):
    s = login(chip, USER)
    refused(0x6984, s.run, cmd.exchange_session_data(bytes.fromhex(bad)))
    refused(0x6984, s.run, cmd.refresh_session(bytes.fromhex(bad)))
    s.run(cmd.get_version())


# ---- transient objects of a session ----

def test_a_transient_value_is_its_sessions(chip):
    a, b = login(chip, USER), login(chip, USER)
    a.write_binary(3, b"mine", size=4, ins=0x81)
    assert a.read(3) == b"mine"
    refused(0x6985, b.read, 3)
    refused(0x6985, chip.read, 3)
    refused(0x6985, chip.write_binary, 3, b"take")
    a.end()
    assert chip.exists(3)
    refused(0x6985, b.read, 3)  # the value went with the session
    chip.write_binary(3, b"ours")
    assert chip.read(3) == b.read(3) == b"ours"


def test_owner(chip):
    s = login(chip, USER)
    s.write_binary(3, b"x", size=1)
    chip.write_binary(4, b"x", size=1)
    for oid, owner in ((3, USER), (4, 0)):
        value, = chip.run(cmd.read_attributes(oid)).values()
        assert value[8:12] == u32(owner)


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


# ---- AES sessions ----

@pytest.mark.parametrize("below", ["plain", "platform"])
def test_aes_session(chip, applet, below):
    under = Platform(chip, KEYS[applet]) if below == "platform" else chip
    under.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    s = AesSession(under, AES, KEY)
    s.write_binary(1, b"hello", size=300)
    assert s.read(1) == b"hello" + bytes(295)
    assert s.get_version() == chip.version  # without data: counted here on every applet
    assert s.get_version() == chip.version
    refused(0x6985, s.read, 0x77)
    assert s.exists(1)
    s.end()
    refused(0x6985, under.run, cmd.process_session(s.id, cmd.get_version()))


def test_aes_session_beside_a_userid_session(chip):
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    a, u = AesSession(chip, AES, KEY), login(chip, USER)
    for i in range(5):
        a.write_binary(1 + i, bytes([i]), size=1)
        assert u.read(1 + i) == bytes([i])


def test_aes_session_wrong_mac_closes_it(chip):
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    s = AesSession(chip, AES, KEY)
    whole = s.scp.wrap(b"\x80\x04\0\x27", cmd.exists(1).data)
    assert s.process(whole[:-1] + bytes([whole[-1] ^ 1])) == (b"", 0x6982)
    assert s.process(whole) == (b"", 0x6985)
    AesSession(chip, AES, KEY), AesSession(chip, AES, KEY)  # its place is free


def test_aes_session_takes_nothing_plain(chip):
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    s = AesSession(chip, AES, KEY)
    assert s.process(cmd.get_version().inner()) == (b"", 0x6982)
    assert s.process(cmd.get_version().inner()) == (b"", 0x6985)


def test_aes_session_replay(chip):
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    s = AesSession(chip, AES, KEY)
    whole = s.scp.wrap(b"\x80\x04\0\x27", cmd.exists(1).data)
    assert s.process(whole)[1] == 0x9000
    assert s.process(whole) == (b"", 0x6982)


def test_handshakes_of_the_other_kinds(chip):
    chip.run(cmd.write_symm(AES, 3, KEY, flags=cmd.AUTH))
    u, a = Session(chip, USER) if chip.exists(USER) else None, Session(chip, AES)
    refused(0x6985, a.run, cmd.verify_userid(VALUE))
    assert a.send(b"\x84\x88\0\0", bytes(20)) == (b"", 0x6985)
    assert a.send(b"\x80\x50\x0b\0", bytes(8)) == (b"", 0x6A88)  # sessions have version 00
    chip.run(cmd.write_userid(USER, VALUE))
    u = Session(chip, USER)
    assert u.send(b"\x80\x50\0\0", bytes(8)) == (b"", 0x6985)
    assert u.send(b"\x84\x82\x33\0", bytes(16)) == (b"", 0x6985)


# ---- ECKey sessions ----

def point(key):
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


@pytest.fixture
def host_key(chip):
    key = ec.generate_private_key(ec.SECP256R1())
    chip.make_curve(3)
    chip.run(cmd.write_ec(EC, 3, public=point(key), part=0x20, flags=cmd.AUTH))
    return key


@both("ECKeySessionInternalAuthenticate", "positive")
@pytest.mark.parametrize("below", ["plain", "platform"])
def test_eckey_session(chip, applet, host_key, below):
    under = Platform(chip, KEYS[applet]) if below == "platform" else chip
    s = EcKeySession(under, EC, host_key, chip.read(0x7FFF0201) if below == "plain" else under.read(0x7FFF0201), chip.version)
    s.write_binary(1, b"hello", size=5)
    assert s.read(1) == b"hello"
    assert s.get_version() == chip.version
    s.end()


@both("ECKeySessionInternalAuthenticate", "denied")
def test_eckey_of_somebody_else(chip, host_key):
    refused(0x6982, EcKeySession, chip, EC, ec.generate_private_key(ec.SECP256R1()), chip.read(0x7FFF0201), chip.version)


def agreement(key, host):
    """The data of ECKeySessionInternalAuthenticate, by hand."""
    body = bytes.fromhex("a61d4f10") + AID + bytes.fromhex("9003ab0133800188810110" "7f4946b041") + point(host) + b"\xf0\x01\x03"
    from cryptography.hazmat.primitives import hashes
    sig = key.sign(body, ec.ECDSA(hashes.SHA256()))
    return body, b"\x5f\x37" + bytes([len(sig)]) + sig


@both("ECKeySessionInternalAuthenticate", "length")
def test_eckey_truncated(chip, host_key):
    body, sig = agreement(host_key, ec.generate_private_key(ec.SECP256R1()))
    whole = body + sig
    s = Session(chip, EC)
    for n in (*range(0, len(body), 9), len(body), len(body) + 1, len(body) + 2, len(whole) - 1):
        assert s.send(b"\x84\x88\0\0", whole[:n]) == (b"", 0x6A80)
    assert s.send(b"\x84\x88\0\0", whole + b"\0") == (b"", 0x6A80)
    assert s.send(b"\x84\x88\0\0", whole)[1] == 0x9000


@both("ECKeySessionInternalAuthenticate", "order")
def test_eckey_altered(chip, host_key):
    body, sig = agreement(host_key, ec.generate_private_key(ec.SECP256R1()))
    s = Session(chip, EC)
    for at, sw in ((3, 0x6A80), (10, 0x6A80), (26, 0x6A80), (31, 0x6A80), (35, 0x6A80), (36, 0x6982), (60, 0x6982), (len(body) - 1, 0x6A80)):
        bad = bytearray(body)
        bad[at] ^= 1
        assert s.send(b"\x84\x88\0\0", bytes(bad) + sig) == (b"", sw), at
    # signed by the right key, but not a point: nothing is agreed
    from cryptography.hazmat.primitives import hashes
    bad = bytearray(body)
    bad[80] ^= 1
    sig = host_key.sign(bytes(bad), ec.ECDSA(hashes.SHA256()))
    assert s.send(b"\x84\x88\0\0", bytes(bad) + b"\x5f\x37" + bytes([len(sig)]) + sig) == (b"", 0x6A80)
    refused(0x6985, s.run, cmd.get_version())


def test_eckey_nobody_but_the_applet_agrees(chip, host_key):
    """A host with another idea of the applet's key ends up with other session keys."""
    s = EcKeySession(chip, EC, host_key, point(ec.generate_private_key(ec.SECP256R1())), chip.version)
    refused(0x6982, s.get_version)


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
