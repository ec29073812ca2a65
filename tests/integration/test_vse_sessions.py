"""Sessions of the virtual chip: by UserID, several at once, their policies and limits, what is theirs alone."""

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import chip_commands as cmd
from chip_client import Chip, u32
from chip_login import AES, EC, KEY, USER, VALUE, both, chip, login, part, point, refused  # noqa: F401
from chip_sessions import AesSession, EcKeySession, Session


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
