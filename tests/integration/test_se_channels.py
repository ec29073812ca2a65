"""The host library's secure channels and sessions against the virtual chip (reference 4)."""

import os
import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import chip_commands as cmd
from chip_client import Chip, Part
from chip_sessions import DEVKIT, SE050E, Platform
from conftest import BIN
from se_drive import AES, ECKEY, USERID, Drive, Refused, private_folder, remove
from test_vse_channels import put_key

USER, AESOBJ, ECOBJ, FILE = 0x7DA00001, 0x7DA00002, 0x7DA00003, 0x20181001
VALUE, KEY = b"\xc0\x01\x02\x03\x04", bytes(range(0x40, 0x50))
HOST = ec.derive_private_key(0x1234567890abcdef, ec.SECP256R1())
SCALAR = (0x1234567890abcdef).to_bytes(32, "big")
POINT = HOST.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
OTHER = dict(enc=bytes(range(16)), mac=bytes(range(16, 32)), dek=bytes(range(32, 48)))


@pytest.fixture(params=["3.1", "7.2"])
def applet(request):
    return request.param


@pytest.fixture
def part(procs, tmp_path, applet):
    return Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet).start()


@pytest.fixture
def drive(part):
    running = []

    def start(scp03="none", env=None):
        running.append(Drive(f"vse:{part.socket}", scp03, env))
        return running[-1]

    yield start
    for d in running:
        d.kill()


@pytest.fixture
def keys():
    folder = private_folder()
    yield folder
    remove(folder)


def refused(kind, what, *args, sw=None, **kw):
    with pytest.raises(Refused) as e:
        what(*args, **kw)
    assert e.value.kind == kind, str(e.value)
    assert sw is None or e.value.sw == sw
    return e.value.text


def key_file(folder, keys, name="scp.txt", mode=0o600):
    path = folder / name
    path.write_text("# platform keys\n" + "".join(f"{k.upper()} {v.hex()}\n" for k, v in keys.items()))
    path.chmod(mode)
    return path


def objects(part, policy=None, attempts=None):
    """Authentication objects of each kind, and a file that only the UserID's session reads."""
    with Chip(part.socket) as c:
        c.run(cmd.write_userid(USER, VALUE, attempts=attempts))
        c.run(cmd.write_symm(AESOBJ, 3, KEY, flags=cmd.AUTH))
        c.make_curve(3)
        c.run(cmd.write_ec(ECOBJ, 3, public=POINT, part=0x20, flags=cmd.AUTH))
        rules = b"".join(cmd.policy(["read", "write", "delete"], auth=a) for a in (USER, AESOBJ, ECOBJ))
        c.run(cmd.write_binary(FILE, b"inside", 0, 6, rules=policy or rules))


# ---- the platform's channel ----

def test_default_keys_are_found_and_named(drive, applet):
    d = drive("auto")
    assert d.say("channel") == f"on published {'se050-a1f4' if applet == '3.1' else 'se050e-a921'}"
    for n in (1, 15, 16, 17, 239, 240, 255, 256, 512):
        assert len(d.run(cmd.get_random(n))) == n + (2 if n < 128 else 3 if n < 256 else 4)


def test_every_command_goes_through_the_channel(part, drive, applet):
    """Commands without data count or not, by the applet's version; data of every length; refusals keep it open."""
    d = drive("auto")
    selects = part.read_counters()["commands"]
    for i in range(40):
        assert d.run(cmd.get_version())
        d.run(cmd.write_binary(FILE + i, bytes(i * 19), 0, i * 19) if i else cmd.exists(FILE))
        refused("NOT_FOUND", d.run, cmd.read_type(1), sw=0x6985)
    assert part.read_counters()["commands"] - selects == 120
    with Chip(part.socket) as c:
        assert c.read(FILE + 39, length=39 * 19) == bytes(39 * 19)


def test_none_and_wrong_keys(part, drive):
    assert drive("none").say("channel") == "off own "
    text = refused("AUTH", drive, "a200")
    assert "se050c1-a200" in text and "not the chip's" in text
    text = refused("INVALID", drive, "a999")
    assert "se050-a1f4" in text


def test_where_the_chip_asks_for_the_channel(part, drive, applet):
    with Chip(part.socket) as c:
        c.run(cmd.write_userid(0x7FFF0207, VALUE))
        with Platform(c, DEVKIT if applet == "3.1" else SE050E) as p:
            from chip_sessions import UserIdSession
            UserIdSession(p, 0x7FFF0207, VALUE).run(cmd.set_platform_scp(1))
    refused("DENIED", drive("none").run, cmd.get_random(4), sw=0x6982)
    assert drive("auto").run(cmd.get_random(4))


def test_keys_from_a_file_and_after_a_rotation(part, drive, keys, applet):
    old = DEVKIT if applet == "3.1" else {**SE050E, "dek": bytes(16)}
    if applet == "7.2":
        pytest.skip("the published facts have no DEK for this set, so it cannot be rotated")
    path = key_file(keys, old)
    assert drive(str(path)).say("channel") == "on own file"
    with Chip(part.socket) as c, Platform(c, old) as p:
        data = put_key(OTHER, old["dek"])
        assert p.raw(b"\x80\xd8\x0b\x81" + bytes([len(data)]) + data)[1] == 0x9000
    refused("AUTH", drive, str(path))
    refused("AUTH", drive, "auto")
    key_file(keys, OTHER)
    assert drive(str(path)).run(cmd.get_random(4))
    assert drive(None, env={"EX_SSS_BOOT_SCP03_PATH": str(path)}).say("channel") == "on own file"


def test_a_credential_of_the_service_manager(part, drive, keys, applet):
    key_file(keys, DEVKIT if applet == "3.1" else SE050E, "chip-keys", mode=0o440)
    d = drive("credential:chip-keys", env={"CREDENTIALS_DIRECTORY": str(keys)})
    assert d.say("channel") == "on own credential:chip-keys"
    assert "LoadCredential=chip-keys" in refused("NOT_FOUND", drive, "credential:chip-keys")
    refused("INVALID", drive, "credential:../x", env={"CREDENTIALS_DIRECTORY": str(keys)})
    refused("NOT_FOUND", drive, "credential:other", env={"CREDENTIALS_DIRECTORY": str(keys)})


def test_keys_from_the_configuration(part, drive, keys, applet):
    conf = keys / "se.conf"
    conf.write_text("scp03 = auto\n")
    assert drive(None, env={"SEDGE_CONF": str(conf)}).say("channel").startswith("on published")
    conf.write_text("scp03 = bogus\n")
    assert "se.conf" in refused("INVALID", drive, None, env={"SEDGE_CONF": str(conf)})


@pytest.mark.parametrize("what, why", [
    ("open to the group", "group or others"), ("open to others", "group or others"), ("a link", "symbolic link"),
    ("a folder", "not a regular file"), ("in /tmp", "everybody writes"), ("in /tmp by a link on the way", "everybody writes"),
    ("missing", "No such file"), ("malformed", "expected ENC"), ("without MAC", "missing"), ("twice", "expected ENC"),
    ("huge", "longer than"), ("somebody else's", "another user")])
def test_a_key_file_is_refused(part, drive, keys, tmp_path, what, why):
    path = key_file(keys, DEVKIT)
    if what == "open to the group":
        path.chmod(0o640)
    elif what == "open to others":
        path.chmod(0o604)
    elif what == "a link":
        (keys / "link").symlink_to(path)
        path = keys / "link"
    elif what == "a folder":
        path = keys
    elif what == "in /tmp":
        path = key_file(tmp_path, DEVKIT)
    elif what == "in /tmp by a link on the way":
        key_file(tmp_path, DEVKIT)
        (keys / "way").symlink_to(tmp_path)
        path = keys / "way" / "scp.txt"
    elif what == "missing":
        path.unlink()
    elif what == "malformed":
        path.write_text("ENC 00112233\n")
    elif what == "without MAC":
        path.write_text("ENC " + "00" * 16 + "\n")
    elif what == "twice":
        path.write_text(path.read_text() * 2)
    elif what == "huge":
        path.write_text("#" * 5000)
    elif what == "somebody else's":
        if os.geteuid() != 0:
            pytest.skip("only root gives files away")
        os.chown(path, 12345, 12345)
    with pytest.raises(Refused) as e:
        drive(str(path))
    assert why in e.value.text, e.value.text
    assert DEVKIT["enc"].hex() not in e.value.text.lower()


def test_control_the_key_file_is_accepted(part, drive, keys, applet):
    path = key_file(keys, DEVKIT if applet == "3.1" else SE050E)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert drive(str(path)).say("channel") == "on own file"


# ---- sessions ----

KINDS = {"UserID": (USERID, USER, VALUE), "AESKey": (AES, AESOBJ, KEY), "ECKey": (ECKEY, ECOBJ, SCALAR)}


@pytest.mark.parametrize("scp03", ["none", "auto"])
@pytest.mark.parametrize("kind", KINDS)
def test_session(part, drive, kind, scp03):
    objects(part)
    d = drive(scp03)
    refused("DENIED", d.run, cmd.read_object(FILE, length=6), sw=0x6986)
    d.say("open", 0, KINDS[kind][0], hex(KINDS[kind][1]), KINDS[kind][2], 0)
    assert d.run(cmd.read_object(FILE, length=6), session=0) == b"\x41\x06inside"
    d.run(cmd.write_binary(FILE, b"INSIDE", 0), session=0)
    assert d.run(cmd.read_object(FILE, length=6), session=0) == b"\x41\x06INSIDE"
    assert len(d.run(cmd.get_random(300), session=0)) == 304
    refused("NOT_FOUND", d.run, cmd.read_type(1), session=0, sw=0x6985)
    refused("DENIED", d.run, cmd.read_object(FILE, length=6), sw=0x6986)  # the handle itself stays outside
    d.say("close", 0)
    refused("DENIED", d.run, cmd.read_object(FILE, length=6), sw=0x6986)


def test_several_sessions_at_once(part, drive):
    objects(part)
    d = drive("auto")
    d.say("open", 0, USERID, hex(USER), VALUE, 1)
    d.say("open", 1, AES, hex(AESOBJ), KEY, 1)
    for _ in range(3):
        assert d.run(cmd.read_object(FILE, length=6), session=0) == b"\x41\x06inside"
        assert d.run(cmd.read_object(FILE, length=6), session=1) == b"\x41\x06inside"
    refused("BUSY", d.say, "open", 2, USERID, hex(USER), VALUE, 1)
    d.say("close", 1)
    d.say("open", 2, ECKEY, hex(ECOBJ), SCALAR, 1)
    assert d.run(cmd.read_object(FILE, length=6), session=2) == b"\x41\x06inside"


def test_the_handles_own_session(part, drive):
    objects(part)
    d = drive()
    d.say("open", 0, USERID, hex(USER), VALUE, 1)
    d.say("use", 0)
    assert d.run(cmd.read_object(FILE, length=6)) == b"\x41\x06inside"
    d.say("use", -1)
    refused("DENIED", d.run, cmd.read_object(FILE, length=6), sw=0x6986)


@pytest.mark.parametrize("kind, object_id, secret, error", [
    (USERID, USER, b"wrong", "AUTH"), (AES, AESOBJ, bytes(16), "AUTH"), (ECKEY, ECOBJ, (7).to_bytes(32, "big"), "AUTH"),
    (USERID, 0x999, VALUE, "NOT_FOUND"), (AES, USER, KEY, "NOT_FOUND"), (USERID, AESOBJ, VALUE, "NOT_FOUND"),
    (USERID, FILE, VALUE, "BUSY"), (USERID, USER, b"abc", "INVALID"), (AES, AESOBJ, b"short", "INVALID"),
    (ECKEY, ECOBJ, bytes(32), "INVALID"), (ECKEY, ECOBJ, b"\xff" * 32, "INVALID")], ids=str)
def test_no_session(part, drive, kind, object_id, secret, error):
    """Refused, and no session of the chip stays taken."""
    objects(part)
    d = drive()
    for _ in range(4):
        text = refused(error, d.say, "open", 0, kind, hex(object_id), secret, 0)
        assert secret.hex() not in text
    d.say("open", 0, USERID, hex(USER), VALUE, 0)
    d.say("open", 1, AES, hex(AESOBJ), KEY, 0)


def attempts(part):
    with Chip(part.socket) as c:
        answer = c.run(cmd.read_attributes(USER))
        value = answer.get(0x42) or answer.get(0x43)
        return int.from_bytes(value[6:8], "big")


def test_a_wrong_userid_is_tried_once_and_blocks(part, drive):
    objects(part, attempts=3)
    d = drive()
    for n in (1, 2, 3):
        refused("AUTH", d.say, "open", 0, USERID, hex(USER), b"wrong", 1)
        assert attempts(part) == n
    refused("DENIED", d.say, "open", 0, USERID, hex(USER), VALUE, 1)
    assert attempts(part) == 3


@pytest.mark.parametrize("scp03", ["none", "auto"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_session_that_died_is_opened_again(part, drive, kind, scp03):
    """The chip restarts; another process selects; in the middle of a sequence and between two."""
    objects(part)
    d, other = drive(scp03), drive(scp03)
    d.say("open", 0, KINDS[kind][0], hex(KINDS[kind][1]), KINDS[kind][2], 1)
    d.say("use", 0)
    for _ in range(3):
        assert d.run(cmd.read_object(FILE, length=6)) == b"\x41\x06inside"
        other.run(cmd.get_random(4))
    part.kill()
    part.start()
    assert d.run(cmd.read_object(FILE, length=6)) == b"\x41\x06inside"
    d.say("begin")
    with Chip(part.socket):  # a program that knows nothing of locks and marks selects the applet and goes
        pass
    assert d.run(cmd.read_object(FILE, length=6)) == b"\x41\x06inside"
    d.say("end")


def test_a_session_whose_credentials_were_not_kept_ends(part, drive):
    objects(part)
    d, other = drive(), drive()
    d.say("open", 0, USERID, hex(USER), VALUE, 0)
    d.run(cmd.get_random(4), session=0)
    other.run(cmd.get_random(4))
    assert "open it anew" in refused("WRONG_STATE", d.run, cmd.get_random(4), session=0)
    d.say("close", 0)
    d.run(cmd.get_random(4))


def test_a_credential_refused_at_reopening_is_not_tried_again(part, drive):
    objects(part, attempts=5)
    d = drive()
    d.say("open", 0, USERID, hex(USER), VALUE, 1)
    with Chip(part.socket) as c:  # somebody gives it another value
        c.delete(USER)
        c.run(cmd.write_userid(USER, b"another", attempts=5))
    for _ in range(4):
        refused("AUTH", d.run, cmd.get_random(4), session=0)
    assert attempts(part) == 1
    d.say("close", 0)
    d.say("open", 0, USERID, hex(USER), b"another", 1)


def test_session_limits_and_refresh(part, drive):
    objects(part)
    d = drive()
    d.say("open", 0, USERID, hex(USER), VALUE, 0)
    d.say("limit", 0, 5, 0, 1)  # counts itself
    for _ in range(2):
        for _ in range(3):
            d.run(cmd.get_random(4), session=0)
        d.say("refresh", 0)
    for _ in range(5):
        d.run(cmd.get_random(4), session=0)
    refused("WRONG_STATE", d.run, cmd.get_random(4), session=0)
    d.say("close", 0)
    d.say("open", 0, USERID, hex(USER), VALUE, 1)
    d.say("limit", 0, 2, 60, 0)
    refused("DENIED", d.say, "refresh", 0)
    for _ in range(6):  # with kept credentials the next one begins by itself
        d.run(cmd.get_random(4), session=0)
