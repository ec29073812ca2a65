"""sedge-keyd and what clients must not do to each other: sessions, PINs, channel keys, hostile bytes."""

import os
import signal
import socket
import sys
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

import exit_memory
from conftest import BIN, wait_for
from keyd import Keyd
from keyd_fixtures import needs_root, private, shared  # noqa: F401 (fixtures)
from keyd_wire import (CONFLICT, DENIED, PIN_OBJECT, Refused, Wire, apdu, key, login, process, refused, sign,
                       tlv)
from p11_walk import EC_ID, Token, keys  # noqa: F401 (a fixture)


# ---- one client's state is not another's ----

@pytest.fixture
def with_pin(shared):  # noqa: F811
    wire = Wire(shared.keyd.socket)
    assert wire.once(apdu(0x41, 7, 0, key(PIN_OBJECT), tlv(0x42, b"123456")))[1] == 0x9000
    wire.close()
    return shared


RANDOM = apdu(4, 0, 0x49, tlv(0x41, b"\0\x08"), le=False)


def test_a_session_is_its_clients(with_pin):
    a, b = Wire(with_pin.keyd.socket), Wire(with_pin.keyd.socket)
    session = login(a)
    assert a.once(process(session, RANDOM))[1] == 0x9000
    assert refused(b, process(session, RANDOM)) == CONFLICT
    assert a.once(process(session, RANDOM))[1] == 0x9000


def test_a_wrong_pin_is_in_the_log(with_pin):
    wire = Wire(with_pin.keyd.socket)
    data, _ = wire.once(apdu(4, 0, 0x1B, key(PIN_OBJECT)))
    assert wire.once(process(data[2:], apdu(4, 0, 0x2C, tlv(0x41, b"wrong!"), le=False)))[1] != 0x9000
    created, shown = [a for a in with_pin.keyd.audit() if a["op"] == "login"]
    assert created["sw"] == "9000" and shown["sw"] != "9000" and shown["key"] == f"0x{PIN_OBJECT:08X}"
    assert "wrong!" not in with_pin.keyd.log()


def test_sessions_of_clients_that_went_are_free_again(with_pin):
    """The chip has two: every third login needs that."""
    for _ in range(8):
        wire = Wire(with_pin.keyd.socket)
        login(wire)
        wire.close()


def test_more_clients_than_sessions_take_turns(with_pin):
    wires = [Wire(with_pin.keyd.socket) for _ in range(4)]
    sessions = [login(w) for w in wires]
    assert refused(wires[0], process(sessions[0], RANDOM)) == CONFLICT  # it was longest ago
    sessions[0] = login(wires[0])
    assert wires[0].once(process(sessions[0], RANDOM))[1] == 0x9000
    assert wires[3].once(process(sessions[3], RANDOM))[1] == 0x9000


def test_a_reset_ends_sessions_and_says_so(with_pin):
    wire = Wire(with_pin.keyd.socket)
    session = login(wire)
    with_pin.part.kill()
    with_pin.part.start()
    wait_for(lambda: alive(wire), message="the chip was not found again")
    assert refused(wire, process(session, RANDOM)) == CONFLICT
    assert wire.once(process(login(wire), RANDOM))[1] == 0x9000


def alive(wire):
    try:
        return wire.once(apdu(4, 0, 0x20))[1] == 0x9000
    except Refused:
        return False


def test_a_crypto_object_is_its_clients(shared):  # noqa: F811
    """Both call theirs 5; neither sees the other's, nor what an earlier one left behind."""
    create = apdu(1, 0x10, 0, tlv(0x41, b"\0\5"), tlv(0x42, b"\1"), tlv(0x43, b"\4"))
    init, update = apdu(3, 0, 0x0B, tlv(0x42, b"\0\5")), apdu(3, 0, 0x0C, tlv(0x42, b"\0\5"), tlv(0x43, b"abc"))
    final = apdu(3, 0, 0x0D, tlv(0x42, b"\0\5"))
    a, b = Wire(shared.keyd.socket), Wire(shared.keyd.socket)
    for w in (a, b):
        assert w.once(init)[1] == 0x6985, "there is none before it is made"
        assert w.once(create)[1] == 0x9000
        assert w.once(init)[1] == 0x9000
    assert a.once(update)[1] == 0x9000
    digest = hashes.Hash(hashes.SHA256())
    empty = digest.copy().finalize()
    digest.update(b"abc")
    assert b.once(final) == (tlv(0x41, empty), 0x9000)
    assert a.once(final) == (tlv(0x41, digest.finalize()), 0x9000)
    assert a.once(init)[1] == 0x9000 and a.once(update)[1] == 0x9000
    a.close()
    assert b.once(apdu(2, 0x10, 0x25)) == (tlv(0x41, b"\0\5\1\4"), 0x9000)
    c = Wire(shared.keyd.socket)
    assert c.once(create)[1] == 0x9000
    assert c.once(final)[1] == 0x6985, "what an earlier client left in it is not to be had"


# ---- the PIN and the platform's keys are the daemon's ----

def test_the_pin_is_the_daemons_alone(with_pin, private):  # noqa: F811
    """Commands run in its session: a key bound to the PIN signs for clients that know none."""
    policy = bytes([8]) + PIN_OBJECT.to_bytes(4, "big") + (0x10000000 | 0x00200000).to_bytes(4, "big")
    wire = Wire(with_pin.keyd.socket)
    bound = 0x30000002
    assert wire.once(apdu(1, 0x61, 0, tlv(0x11, policy), key(bound), tlv(0x42, b"\3")))[1] == 0x9000
    assert wire.once(sign(bound))[1] == 0x6986
    with_pin.keyd.stop()
    pin = private / "pin"
    pin.write_text("123456\n")
    pin.chmod(0o600)
    with_pin.keyd.settings.update(pin=pin, pin_object=f"0x{PIN_OBJECT:08X}")
    with_pin.keyd.rules(f"allow user {os.getuid()} key any all", reload=False)
    with_pin.keyd.start()
    wire = Wire(with_pin.keyd.socket)
    assert wire.welcome[1] & 4
    assert wire.once(sign(bound))[1] == 0x9000
    with_pin.part.kill()
    with_pin.part.start()
    wait_for(lambda: alive(wire), message="the chip was not found again")
    assert wire.once(sign(bound))[1] == 0x9000, "it did not log in again after the reset"
    assert login(Wire(with_pin.keyd.socket)), "a client's own session beside it"
    assert b"123456" not in with_pin.keyd.process.log.read_bytes()


def test_the_module_needs_no_pin_where_the_daemon_has_it(shared, tmp_path, private):  # noqa: F811
    """The token's PIN, set with the module; a key bound to it; then programs that know another PIN, or none."""
    tool = lambda *args, **kw: shared.tool(*args, login=False, **kw)  # noqa: E731
    tool("--init-token", "--so-pin", "12345678", "--label", "SSS_PKCS11")
    tool("--login", "--login-type", "so", "--so-pin", "12345678", "--init-pin", "--pin", "654321")
    tool("--login", "--pin", "654321", "--keypairgen", "--key-type", "EC:prime256v1", "--id", "07", "--label", "bound")
    data, sig = tmp_path / "data", tmp_path / "sig"
    data.write_bytes(b"z" * 32)
    sign_bound = ("--sign", "-m", "ECDSA", "--id", "07", "-i", data, "-o", sig)
    assert tool("--login", "--pin", "999999", *sign_bound, ok=False).returncode != 0
    shared.keyd.stop()
    pin = private / "pin"
    pin.write_text("654321\n")
    pin.chmod(0o600)
    used = [a["key"] for a in shared.keyd.audit() if a["op"] == "login"][-1]
    shared.keyd.settings.update(pin=pin, pin_object=used)
    shared.keyd.rules(f"allow user {os.getuid()} key any all", reload=False)
    shared.keyd.start()
    tool("--login", "--pin", "999999", *sign_bound)
    sig.unlink()
    tool(*sign_bound)
    assert len(sig.read_bytes()) == 64


def test_a_wrong_pin_is_tried_once(with_pin, private):  # noqa: F811
    with_pin.keyd.stop()
    pin = private / "pin"
    pin.write_text("654321\n")
    pin.chmod(0o600)
    with_pin.keyd.settings.update(pin=pin, pin_object=f"0x{PIN_OBJECT:08X}")
    with_pin.keyd.rules(f"allow user {os.getuid()} key any all", reload=False)
    with_pin.keyd.start()
    for _ in range(3):
        with pytest.raises(Refused, match="PIN|status"):
            Wire(with_pin.keyd.socket)
    commands = with_pin.part.read_counters()["commands"]
    with pytest.raises(Refused, match="not tried again"):
        Wire(with_pin.keyd.socket)
    assert with_pin.part.read_counters()["commands"] == commands


def test_scp03_keys_are_the_daemons_alone(procs, tmp_path, private):  # noqa: F811
    token = Token(procs, tmp_path)
    keys_file = private / "scp"
    keys_file.write_text("ENC " + "a1" * 16 + "\nMAC " + "b2" * 16 + "\nDEK " + "c3" * 16 + "\n")
    keys_file.chmod(0o600)
    part = token.part
    part.stop()
    part.options = ("--scp-keys", str(keys_file))
    part.start()
    daemon = Keyd(procs, tmp_path, f"vse:{part.socket}", scp03="credential:scp")
    daemon.start(env={"CREDENTIALS_DIRECTORY": str(private)})
    wire = Wire(daemon.socket)
    assert wire.welcome[1] & 1
    assert wire.once(apdu(4, 0, 0x20))[1] == 0x9000


# ---- hostile clients ----

GARBAGE = {
    "no greeting": b"\0\5\2\1" + bytes(5),
    "greeting twice": b"\0\1\1\0\1" * 2,
    "too long": b"\xff\xff\2\1",
    "unknown message": b"\0\1\1\0\1\0\0\x7f\0",
    "a command outside a sequence": b"\0\1\1\0\1\0\5\2\0\x80\4\0\x20\0",
}


@pytest.mark.parametrize("what", GARBAGE)
def test_who_breaks_the_protocol_is_dropped(shared, what):  # noqa: F811
    wire = Wire(shared.keyd.socket, greet=False, timeout=20)
    wire.sock.sendall(GARBAGE[what])
    with pytest.raises((ConnectionError, Refused)):
        for _ in range(3):
            wire.frame()
    assert alive(Wire(shared.keyd.socket))


CHANNEL = {
    "select": bytes.fromhex("00a4040010a000000396545300000001030000000000"),
    "initialize update": bytes.fromhex("80500b0008") + bytes(8),
    "secured": bytes.fromhex("8404002000"),
    "put key": bytes.fromhex("80d80b81022a00"),
    "close the daemon's session": apdu(4, 0, 0x1C),
    "a tag twice": apdu(4, 0, 0x27, key(1), key(EC_ID)),
    "tags out of order": apdu(3, 0x0C, 9, tlv(0x42, b"\x21"), key(EC_ID), tlv(0x43, bytes(32))),
    "a long form of a short length": bytes.fromhex("80040027074181040000000100"),
    "a byte behind": apdu(4, 0, 0x27, key(1)) + b"\0",
    "Lc too long": bytes.fromhex("800400270741040000000100"),
    "nested sessions": apdu(5, 0, 0, tlv(0x10, bytes(8)), tlv(0x41, apdu(5, 0, 0, tlv(0x10, bytes(8)), tlv(0x41, b"x")))),
    "id of three bytes": apdu(4, 0, 0x28, tlv(0x41, b"\1\2\3")),
}


@pytest.mark.parametrize("what", CHANNEL)
def test_commands_that_could_be_read_in_two_ways_are_for_nobody(shared, what):  # noqa: F811
    shared.keyd.rules(f"allow user {os.getuid()} admin")
    wire = Wire(shared.keyd.socket)
    before = shared.part.read_counters()["commands"]
    assert refused(wire, CHANNEL[what]) == DENIED
    assert shared.part.read_counters()["commands"] == before, "the chip got to see it"
    assert wire.once(apdu(4, 0, 0x20))[1] == 0x9000


def test_what_is_not_known_needs_an_admin(shared):  # noqa: F811
    delete_all, unknown = apdu(4, 0, 0x2A), apdu(4, 0, 0x77)
    wire = Wire(shared.keyd.socket)
    assert refused(wire, delete_all) == DENIED and refused(wire, unknown) == DENIED
    assert [a["command"] for a in shared.keyd.audit() if a["op"] == "admin"] == ["04002A", "040077"]
    shared.keyd.rules(f"allow user {os.getuid()} admin")
    assert wire.once(delete_all)[1] in (0x6985, 0x6982, 0x6986)
    assert wire.once(unknown)[1] != 0x9000


def test_curves_are_made_with_their_own_parameters_only(shared):  # noqa: F811
    wire = Wire(shared.keyd.socket)
    param = apdu(1, 0x0B, 0x40, tlv(0x41, b"\4"), tlv(0x42, b"\1"), tlv(0x43, bytes(48)))
    assert refused(wire, param) == DENIED


def test_the_log_is_bounded_and_what_it_leaves_out_is_counted(shared):  # noqa: F811
    wire = Wire(shared.keyd.socket)
    for _ in range(600):
        refused(wire, apdu(4, 0, 0x2A))
    wait_for(lambda: any("suppressed" in a for a in shared.keyd.audit()), message="no count of what was left out")
    time.sleep(1.2)
    lines = shared.keyd.audit()
    said = sum(a.get("op") == "admin" for a in lines)
    assert said < 450 and said + sum(int(a.get("suppressed", 0)) for a in lines) == 600


def test_a_socket_from_the_service_manager(shared, tmp_path):  # noqa: F811
    """As systemd does it: descriptor 3 listens already, and readiness is told."""
    shared.keyd.stop()
    path, notify = tmp_path / "given", tmp_path / "notify"
    script = ("import os, socket, sys\n"
              "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(9); os.dup2(s.fileno(), 3); os.set_inheritable(3, True)\n"
              "os.environ['LISTEN_PID'] = str(os.getpid())\n"
              "os.execv(sys.argv[2], sys.argv[2:])\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(notify))
        told.settimeout(20)
        p = shared.keyd.procs.start(sys.executable, "-c", script, path, BIN / "sedge-keyd", "serve", "--config",
                                    shared.keyd.config, env={"LISTEN_FDS": "1", "NOTIFY_SOCKET": str(notify)})
        assert told.recv(100) == b"READY=1"
        assert alive(Wire(path))
        p.send_signal(signal.SIGTERM)
        assert told.recv(100) == b"STOPPING=1"
        assert p.wait(20) == 0
    assert path.exists(), "the socket is the service manager's"


@needs_root
def test_keys_and_pins_that_passed_leave_nothing_behind(shared):  # noqa: F811
    """Imported keys, clients' PINs: not in the daemon's memory afterwards. What is in it is found, as a control."""
    secret, pin, number = ec.generate_private_key(ec.SECP256R1()), os.urandom(8).hex().encode(), 0x30000004
    shared.put(secret, 0x30000003)
    wire = Wire(shared.keyd.socket)
    assert wire.once(apdu(0x41, 7, 0, key(number), tlv(0x42, pin)))[1] == 0x9000
    login(wire, pin, number)
    assert alive(wire)  # so that it is done with what came before
    memory = exit_memory._memory(shared.keyd.process.pid)
    assert bytes(shared.keyd.socket) in memory
    assert secret.private_numbers().private_value.to_bytes(32, "big") not in memory
    assert pin not in memory
