"""sedge-keyd as programs meet it: the module and ssscli through it, rules, audit, fairness, clients that stop or die."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

import chip_client
from conftest import BIN, wait_for
from keyd import Keyd
from keyd_fixtures import needs_root, private, shared  # noqa: F401 (fixtures)
from keyd_wire import BUSY, TIMEOUT, Refused, Wire, apdu, key, sign, tlv
from p11_walk import EC_ID, MODULE, PIN, Token, keys  # noqa: F401 (a fixture)


def sign_and_verify(token, folder):
    data, sig = folder / "data", folder / "sig"
    data.write_bytes(b"x" * 32)
    token.tool("--sign", "-m", "ECDSA-SHA256", "--signature-format", "openssl", "--id", f"{EC_ID:08x}",
               "-i", data, "-o", sig)
    token.run("openssl", "dgst", "-sha256", "-verify", token.ec_pub, "-signature", sig, data)


def test_the_module_signs_through_it(shared, tmp_path):  # noqa: F811
    sign_and_verify(shared, tmp_path)
    uses = [a for a in shared.keyd.audit() if a["op"] == "sign"]
    assert [(a["key"], a["result"], a["sw"]) for a in uses] == [(f"0x{EC_ID:08X}", "allowed", "9000")]


def test_where_it_is_configured_the_bus_stays_closed(shared, tmp_path):  # noqa: F811
    """Killing keyd lifts no rule: the module does not fall back to the port that is configured, too."""
    shared.keyd.stop(signal.SIGKILL)
    p = shared.ssscli("se05x", "uid", ok=False)
    assert p.returncode != 0 and b"sedge-keyd does not answer" in p.stderr + p.stdout
    p = shared.tool("-T", login=False, ok=False)
    assert b"SSS_PKCS11" not in p.stdout
    shared.keyd.start()
    sign_and_verify(shared, tmp_path)


# ---- rules ----

NOBODY = 65534


def as_nobody(token, *argv):
    """Run a program as nobody, in no group of root's; its result."""
    return token.run("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *argv, ok=False,
                     env={"SEDGE_SSSCLI_SESSION": str(token.folder / "nobody" / "session"), "HOME": "/nonexistent"})


def open_to_all(token):
    """Let other users reach socket and session file, so that rules alone stand in their way."""
    for folder in (token.folder, *token.folder.parents):
        if folder.stat().st_uid == os.getuid() and str(folder) not in ("/", "/tmp"):
            folder.chmod(0o755)
    mine = token.folder / "nobody"
    mine.mkdir()
    os.chown(mine, NOBODY, NOBODY)


@needs_root
def test_a_user_without_a_rule_is_refused_and_audited(shared):  # noqa: F811
    open_to_all(shared)
    p = as_nobody(shared, BIN / "ssscli", "connect", "se050", "t1oi2c", "none")
    assert p.returncode != 0
    assert f"user {NOBODY} may do nothing here: no rule".encode() in p.stderr
    line, = [a for a in shared.keyd.audit() if a["uid"] == str(NOBODY)]
    assert (line["op"], line["result"]) == ("connect", "denied")


@needs_root
def test_a_rule_is_for_one_key_and_one_use(shared):  # noqa: F811
    open_to_all(shared)
    shared.keyd.rules("allow user 0 key any all", f"allow user {NOBODY} key 0x{EC_ID:08X} sign read")
    tool = ("pkcs11-tool", "--module", MODULE, "--login", "--pin", PIN)
    data, out = shared.folder / "nobody" / "data", shared.folder / "nobody" / "out"
    data.write_bytes(b"y" * 32)
    p = as_nobody(shared, *tool, "-O")
    assert p.stdout.count(b"sss:") == 2 and b"20181001" not in p.stdout, "it sees other keys than its own"
    p = as_nobody(shared, *tool, "--sign", "-m", "ECDSA", "--id", f"{EC_ID:08x}", "-i", data, "-o", out)
    assert p.returncode == 0, p.stderr.decode()
    for forbidden in (("erase", f"0x{EC_ID:08X}"), ("generate", "ecc", "0x20181003", "NIST_P256")):
        as_nobody(shared, BIN / "ssscli", "connect", "se050", "t1oi2c", "none")
        p = as_nobody(shared, BIN / "ssscli", *forbidden)
        assert p.returncode != 0 and b"may not" in p.stderr + p.stdout, p
    mine = [(a["op"], a.get("key"), a["result"]) for a in shared.keyd.audit() if a["uid"] == str(NOBODY)]
    assert ("sign", f"0x{EC_ID:08X}", "allowed") in mine
    assert ("delete", f"0x{EC_ID:08X}", "denied") in mine and ("list", "0x20181003", "denied") in mine
    shared.ssscli("get", "ecc", "pub", f"0x{EC_ID:08X}", shared.folder / "still.pem")


def test_rules_are_read_anew_and_broken_ones_are_not_taken(shared, tmp_path):  # noqa: F811
    shared.keyd.rules("allow user 0 key 0x1 sign", "allow user nobody-of-that-name key any all")
    assert "keyd.conf:3: no such user on this system" in shared.keyd.log()
    assert "the rules in force stay as they were" in shared.keyd.log()
    sign_and_verify(shared, tmp_path)
    shared.keyd.rules(f"allow user {os.getuid()} key any all", f"deny any key 0x{EC_ID:08X} sign")
    with pytest.raises(AssertionError, match="CKR_"):
        sign_and_verify(shared, tmp_path)
    shared.keyd.rules(f"allow user {os.getuid()} key any all")
    sign_and_verify(shared, tmp_path)


def test_a_pin_that_others_may_read_is_refused(procs, tmp_path, private):  # noqa: F811
    pin = private / "pin"
    pin.write_text("123456\n")
    pin.chmod(0o640)
    keyd = Keyd(procs, tmp_path, "vse:/nonexistent", pin=pin, pin_object="7B503111")
    p = subprocess.run([BIN / "sedge-keyd", "serve", "--config", keyd.config, "--socket", keyd.socket],
                       capture_output=True, timeout=30)
    assert p.returncode == 1 and b"group or others may use it; chmod 600 it" in p.stderr


@pytest.mark.parametrize("wrong, says", [
    (lambda f: f.chmod(0o620), "writable by nobody else"),
    (lambda f: f.write_text("alow any key any all\n"), "keyd.conf:1: no such setting"),
    (lambda f: f.unlink(), "cannot open"),
])
def test_a_file_that_is_not_right_does_not_start(procs, tmp_path, wrong, says):
    keyd = Keyd(procs, tmp_path, "vse:/nonexistent")
    wrong(keyd.config)
    p = subprocess.run([BIN / "sedge-keyd", "serve", "--config", keyd.config, "--socket", keyd.socket],
                       capture_output=True, timeout=30)
    assert p.returncode == 1 and says in p.stderr.decode()
    p = subprocess.run([BIN / "sedge-keyd", "check", "--config", keyd.config], capture_output=True, timeout=30)
    assert p.returncode == 1 and says in p.stderr.decode()


# ---- sharing ----

@pytest.fixture
def slow(procs, tmp_path):
    """A chip that takes SIGN_MS for a signature, behind a keyd."""
    token = Token(procs, tmp_path, "--sign-ms", str(SIGN_MS))
    token.ssscli("generate", "ecc", f"0x{EC_ID:08X}", "NIST_P256")
    token.keyd = Keyd(procs, tmp_path, f"vse:{token.part.socket}").start()
    return token


SIGN_MS = 120


def busy_client(path, until, counts, i):
    wire = Wire(path)
    while time.monotonic() < until:
        _, sw = wire.once(sign(EC_ID))
        assert sw == 0x9000
        counts[i] += 1
    wire.close()


def load(path, clients, seconds):
    counts = [0] * clients
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=busy_client, args=(path, until, counts, i)) for i in range(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return counts


def test_eight_clients_get_the_same(procs, tmp_path):
    token = Token(procs, tmp_path, "--sign-ms", "5")
    token.ssscli("generate", "ecc", f"0x{EC_ID:08X}", "NIST_P256")
    daemon = Keyd(procs, tmp_path, f"vse:{token.part.socket}").start()
    alone, = load(daemon.socket, 1, 1.0)
    counts = load(daemon.socket, 8, 3.0)
    print("alone", alone, "together", counts)
    assert max(counts) - min(counts) <= 0.1 * max(counts), counts
    # within 10 % where nothing else runs: tests/bench/keyd
    assert sum(counts) > 3 * alone * 0.6, "together they get less than one alone"


def latency(wire):
    start = time.monotonic()
    _, sw = wire.once(sign(EC_ID))
    assert sw == 0x9000
    return time.monotonic() - start


#: runs in a process of its own: begins a sequence, says so, and waits for what is done to it
STALLED = """
import sys; sys.path.insert(0, sys.argv[1])
import signal, keyd_wire as keyd
wire = keyd.Wire(sys.argv[2])
if sys.argv[3] == "between":
    wire.command(keyd.sign(int(sys.argv[4])))
else:
    wire.ask(keyd.sign(int(sys.argv[4])))
print("ready", flush=True)
signal.pause()
"""


@pytest.mark.parametrize("when", ["between", "during"])
@pytest.mark.parametrize("sig", [signal.SIGSTOP, signal.SIGKILL])
def test_a_stopped_or_killed_client_delays_by_less_than_an_operation(slow, when, sig):
    """In the middle of its sequence, between two commands or with one at the chip."""
    wire = Wire(slow.keyd.socket)
    alone = min(latency(wire) for _ in range(3))
    here = os.path.dirname(os.path.abspath(__file__))
    p = subprocess.Popen([sys.executable, "-c", STALLED, here, str(slow.keyd.socket), when, str(EC_ID)],
                         stdout=subprocess.PIPE)
    try:
        assert p.stdout.readline() == b"ready\n"
        p.send_signal(sig)
        first, *others = [latency(wire) for _ in range(3)]
    finally:
        p.kill()
        p.wait(10)
        p.stdout.close()
    print(f"alone {alone * 1000:.1f} ms, first {first * 1000:.1f} ms, then {min(others) * 1000:.1f} ms")
    fair = 2 * alone if when == "during" else alone  # an operation under way is waited for, whoever asked for it
    assert first - fair < alone, "the stop itself cost an operation"
    assert min(others) - alone < alone / 2


def test_a_client_that_does_not_read_costs_nothing(slow):
    deaf = [Wire(slow.keyd.socket) for _ in range(8)]
    for wire in deaf:
        wire.ask(sign(EC_ID))
    wire = Wire(slow.keyd.socket)
    time.sleep(9 * (SIGN_MS + 5) / 1000)  # their answers are written by now, and not read
    assert latency(wire) < 3 * SIGN_MS / 1000
    assert deaf[0].answer()[1] == 0x9000, "the answer was kept for it all the same"


def test_a_paused_sequence_goes_on_unless_its_object_changed(slow):
    """Others come in between; what they change, it does not overwrite."""
    a, b = Wire(slow.keyd.socket), Wire(slow.keyd.socket)
    file = 0x30000001
    write = lambda text: apdu(1, 6, 0, key(file), tlv(0x44, text))  # noqa: E731
    assert a.once(apdu(1, 6, 0, key(file), tlv(0x43, b"\0\4"), tlv(0x44, b"none")))[1] == 0x9000
    read = apdu(2, 0, 0, key(file), tlv(0x43, b"\0\4"))
    assert a.command(read) == (tlv(0x41, b"none"), 0x9000)
    time.sleep(0.05)
    assert b.once(sign(EC_ID))[1] == 0x9000  # something else: no harm
    assert a.command(write(b"from"))[1] == 0x9000
    time.sleep(0.05)
    assert b.once(write(b"over"))[1] == 0x9000
    with pytest.raises(Refused) as refused:
        a.command(write(b"late"))
    assert refused.value.code == TIMEOUT and "start it over" in str(refused.value)
    a.end()
    assert a.once(read) == (tlv(0x41, b"over"), 0x9000)


def race(daemon, pause):
    """One goes through a sequence, another waits for its turn: who is done first?"""
    a, b = Wire(daemon.socket), Wire(daemon.socket)
    order = []
    a.command(apdu(4, 0, 0x20))
    thread = threading.Thread(target=lambda: (b.once(apdu(4, 0, 0x20)), order.append("b")))
    thread.start()
    for _ in range(20):
        a.command(apdu(4, 0, 0x20))
        time.sleep(pause)
    order.append("a")
    a.end()
    thread.join()
    return order


def test_a_sequence_is_not_torn_while_it_goes_on(slow):
    """A client that does not pause has the chip for itself, whoever waits. (One that is kept from running does pause.)"""
    assert any(race(slow.keyd, 0) == ["a", "b"] for _ in range(10))
    assert race(slow.keyd, 0.03) == ["b", "a"], "the one that waits has to wait for one that pauses"


def test_hundreds_of_clients(slow):
    wires = [Wire(slow.keyd.socket) for _ in range(300)]
    for wire in wires:
        wire.ask(apdu(4, 0, 0x49, tlv(0x41, b"\0\x08")))
    for wire in wires:
        data, sw = wire.answer()
        assert sw == 0x9000 and len(data) == 10
        wire.end()


def create_with_a_power_cut(procs, folder, block):
    """Create a crypto object while the chip loses its power at this block: could the program know, and the next one?"""
    create = apdu(1, 0x10, 0, tlv(0x41, b"\0\5"), tlv(0x42, b"\1"), tlv(0x43, b"\4"))
    init = apdu(3, 0, 0x0B, tlv(0x42, b"\0\5"))
    folder.mkdir()
    (folder / "faults").write_text(f"at block {block} reset\n")
    part = chip_client.Part(procs, BIN / "sedge-chip", folder, "--faults", str(folder / "faults")).start()
    daemon = Keyd(procs, folder, f"vse:{part.socket}").start()
    told = False
    with contextlib.suppress(Refused), contextlib.closing(Wire(daemon.socket)) as wire:
        wire.once(create)
        told = True
    with contextlib.closing(Wire(daemon.socket)) as wire:
        assert wire.once(create)[1] == 0x9000, f"block {block}: the object's place was lost"
        assert wire.once(init)[1] == 0x9000
    daemon.stop()
    part.stop()
    return told


def test_a_crypto_object_whose_creation_lost_its_answer(procs, tmp_path):
    """Executed or not: the next program gets its object."""
    told = [create_with_a_power_cut(procs, tmp_path / str(n), n) for n in (7, 8)]
    assert not all(told), "no cut hit the creation"


def test_limits_on_connections(procs, tmp_path):
    part = Token(procs, tmp_path).part
    daemon = Keyd(procs, tmp_path, f"vse:{part.socket}", clients_per_user=3).start()
    wires = [Wire(daemon.socket) for _ in range(3)]
    with pytest.raises(Refused) as refused:
        Wire(daemon.socket)
    assert refused.value.code == BUSY
    wires.pop().close()
    wait_for(lambda: try_wire(daemon), message="the place was not given back")


def try_wire(daemon):
    try:
        return Wire(daemon.socket)
    except Refused:
        return None


# ---- trouble ----

def test_chip_resets_in_mid_use_are_invisible(procs, tmp_path, keys):  # noqa: F811
    faults = tmp_path / "faults"
    faults.write_text("".join(f"at block {n} reset\n" for n in range(60, 1000, 131)))
    token = Token(procs, tmp_path)
    token.ssscli("generate", "ecc", f"0x{EC_ID:08X}", "NIST_P256")
    token.ssscli("get", "ecc", "pub", f"0x{EC_ID:08X}", tmp_path / "pub.pem")
    token.part.stop()
    token.part.options = ("--faults", str(faults))
    token.part.start()
    daemon = Keyd(procs, tmp_path, f"vse:{token.part.socket}").start()
    token.env.update(daemon.env)
    token.run(sys.executable, "-c", SIGN_MANY, os.path.dirname(os.path.abspath(__file__)), MODULE, f"{EC_ID:08x}", "40",
              tmp_path / "sigs")
    print(token.part.read_counters())
    sigs = (tmp_path / "sigs").read_bytes()
    public = serialization.load_pem_public_key((tmp_path / "pub.pem").read_bytes())
    for i in range(40):
        r, s = (int.from_bytes(sigs[i * 64 + at:i * 64 + at + 32], "big") for at in (0, 32))
        public.verify(utils.encode_dss_signature(r, s), b"d" * 32, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


#: module, key id, how often, where the signatures go
SIGN_MANY = """
import sys; sys.path.insert(0, sys.argv[1])
import cryptoki
m = cryptoki.Module(sys.argv[2])
s = m.start()
[key] = m.find(s, [(cryptoki.CLASS, cryptoki.PRIVATE_KEY), (cryptoki.ID, bytes.fromhex(sys.argv[3]))])
with open(sys.argv[5], "wb") as out:
    for _ in range(int(sys.argv[4])):
        out.write(m.sign(s, cryptoki.ECDSA, key, b"d" * 32))
"""


def test_a_further_signature_is_one_command(shared, tmp_path):  # noqa: F811
    """Through the daemon, too: nothing is asked of the chip but what the program asked for."""
    spent = []
    for n in (1, 1, 11):  # the first time the daemon opens the chip
        before = shared.part.read_counters()["commands"]
        shared.run(sys.executable, "-c", SIGN_MANY, os.path.dirname(os.path.abspath(__file__)), MODULE, f"{EC_ID:08x}", str(n),
                   tmp_path / "sigs")
        spent.append(shared.part.read_counters()["commands"] - before)
    assert spent[2] - spent[1] == 10, spent


def test_a_chip_that_goes_away_is_told_and_found_again(slow):
    wire = Wire(slow.keyd.socket)
    slow.part.kill()
    with pytest.raises(Refused):
        wire.once(sign(EC_ID))
    slow.part.start()
    wait_for(lambda: signs(wire), message="the chip was not found again")
    assert slow.keyd.log().count("the chip cannot be used") <= 1


def signs(wire):
    try:
        return wire.once(sign(EC_ID))[1] == 0x9000
    except Refused:
        return False


def test_a_stop_finishes_what_waits(slow):
    wires = [Wire(slow.keyd.socket) for _ in range(5)]
    for wire in wires:
        wire.ask(sign(EC_ID))
    time.sleep(0.02)
    slow.keyd.process.send_signal(signal.SIGTERM)
    for wire in wires:
        assert wire.answer()[1] == 0x9000
    assert slow.keyd.process.wait(20) == 0
    assert not slow.keyd.socket.exists()
