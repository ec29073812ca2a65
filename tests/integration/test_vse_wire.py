"""The bus as it really is: virtual time, faults by a script, power cuts, the trace, TCP."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import bus_cost
import chip_client as cc
import chip_commands as do
from chip_crypto import rsa_4096
from conftest import BIN, LIB, LONG, free_port, wait_for
from ssscli_host import Cli

KEY = 0x20181001
CHIP = BIN / "sedge-chip"
RESYNC = cc.block(0xC0)


def counters(part):
    return json.loads(part.counters.read_text())


class TcpBus(cc.Bus):
    def __init__(self, port, timeout=20.0):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)


# ---- virtual time ----


def a_few_commands(part):
    with cc.Chip(part.socket) as c:
        c.get_version()
        c.write_binary(7, bytes(500), size=500)
        assert c.read(7) == bytes(500)
        c.delete(7)
    return counters(part)


def test_virtual_time_is_the_same_every_time_and_needs_no_waiting(procs, tmp_path):
    told = []
    for name in "ab":
        part = cc.Part(procs, CHIP, tmp_path, name=name).start()
        before = time.monotonic()
        told.append(a_few_commands(part))
        assert told[-1]["virtual_us"] > 50_000 and time.monotonic() - before < 5
    for what in ("virtual_us", "computing_us", "bus_bits", "transactions", "commands", "bus_bytes"):
        assert told[0][what] == told[1][what]
    assert told[0]["private_key_operations"] == 0 and told[0]["commands"] == 5
    # bits: 9 for every byte and for the address, START and STOP, each acknowledged transaction
    assert told[0]["bus_bits"] == 9 * told[0]["bus_bytes"] + 11 * told[0]["transactions"]


def test_a_slower_bus_costs_its_bits(procs, tmp_path):
    fast = a_few_commands(cc.Part(procs, CHIP, tmp_path, name="fast").start())
    slow = a_few_commands(cc.Part(procs, CHIP, tmp_path, "--bus-khz", "100", name="slow").start())
    assert slow["bus_bits"] == fast["bus_bits"] and slow["computing_us"] == fast["computing_us"]
    more = slow["virtual_us"] - fast["virtual_us"]
    assert abs(more - fast["bus_bits"] * (10 - 2.5)) <= 1


def test_how_long_a_handshake_takes_on_the_board(procs, tmp_path, capsys):
    """What a test can say without sleeping: SELECT, the certificate's key, one signature."""
    part = cc.Part(procs, CHIP, tmp_path).start()
    with cc.Chip(part.socket) as c:
        c.make_curve(cc.P256)
        c.write_ec(KEY, cc.P256)
    before = counters(part)
    with bus_cost.stretch(part.counters) as cost, cc.Chip(part.socket) as c:
        c.exists(KEY)
        c.sign(KEY, cc.ECDSA_SHA256, bytes(32))
    us = counters(part)["virtual_us"] - before["virtual_us"]
    with capsys.disabled():
        print(f"\n  this handshake takes {us / 1000:.0f} ms on a 400 kHz bus: {cost}")
    assert 50_000 < us < 120_000 and cost.private_key_operations == 1
    assert abs(cost.ms(400) * 1000 - us) <= 1


def test_what_a_stretch_costs_at_another_clock(procs, tmp_path):
    """bus_cost's sum is the clock model's own, whatever clock the chip ran with."""
    costs = {}
    for khz in (400, 1000):
        part = cc.Part(procs, CHIP, tmp_path, "--bus-khz", str(khz), name=f"at{khz}").start()
        with bus_cost.stretch(part.counters) as costs[khz]:
            told = a_few_commands(part)
        assert abs(told["virtual_us"] - costs[khz].ms(khz) * 1000) <= 1
    assert costs[400] == costs[1000] and costs[400].ms(1000) < costs[400].ms(400)
    assert costs[400].writes + costs[400].reads == told["transactions"] and costs[400].guard_us == 100 * costs[400].writes


def a_slow_key(chip):
    """A signature with it takes the modelled part two seconds, and this machine some milliseconds. The command."""
    chip.write_rsa(KEY, rsa_4096())
    return bytes(do.sign(KEY, do.PKCS1["SHA256"], b"slow", name="RSASign"))


def test_virtual_time_brings_waiting_time_extensions(procs, tmp_path):
    """A part that works sends one about once per BWT (1.6), also when it only says that it works."""
    part = cc.Part(procs, CHIP, tmp_path, "--trace", tmp_path / "trace").start()
    with cc.Chip(part.socket) as c:
        slow = a_slow_key(c)
        assert c.t1.wtx_seen == 0
        with bus_cost.stretch(part.counters) as cost:
            assert len(c.t1.transceive(slow)) == 4 + 512 + 2
        assert c.t1.wtx_seen == (cost.computing_us - 1) // 900_000 == 2
        assert 2_000 < cost.ms(400) < 2_100
        c.get_version()
        assert c.t1.wtx_seen == 2
    at = [int(line.split()[0]) for line in (tmp_path / "trace").read_text().splitlines() if "S WTX request" in line]
    assert len(at) == 2 and 900_000 < at[1] - at[0] < 910_000


def test_a_host_that_resets_instead_of_giving_time_hears_nothing_stale(procs, tmp_path):
    part = cc.Part(procs, CHIP, tmp_path).start()
    with cc.Chip(part.socket) as c:
        slow = a_slow_key(c)
        c.bus.write(cc.block(c.t1.ns << 6, slow))
        end = time.monotonic() + 20
        while (head := c.bus.read(2)) is None:
            assert time.monotonic() < end
        assert head == b"\xa5\xc3"
        before = counters(part)
        c.bus.write(RESYNC)
        assert c.bus.read(5)[:2] == b"\xa5\xe0"
        c.t1.ns = 0
        assert c.exists(KEY)  # the command had run; its answer is for nobody
        assert counters(part)["private_key_operations"] == 1
        assert counters(part)["virtual_us"] - before["virtual_us"] > 1_000_000  # and its time has passed


def test_realtime_takes_the_time_and_keeps_nobody_waiting(procs, tmp_path):
    part = cc.Part(procs, CHIP, tmp_path, "--realtime", "--bus-khz", "10").start()
    a, b, c = cc.Bus(part.socket), cc.Bus(part.socket), cc.Bus(part.socket)
    started = time.monotonic()
    a.write(RESYNC)
    assert time.monotonic() - started >= 0.0056
    time.sleep(0.005)  # guard and polling time
    started = time.monotonic()
    a.send(0x52, 260)
    b.sock.sendall(b"GET / HTTP/1.1\r\n\r\n")  # another connection is served meanwhile
    with pytest.raises(ConnectionError):
        b.receive()
    assert time.monotonic() - started < 0.2
    c.send(0x52, 1)  # one that wants the bus waits for it
    assert a.receive()[:2] == b"\xa5\xe0"
    assert time.monotonic() - started >= 0.235  # 2351 bits
    assert c.receive() is None and time.monotonic() - started >= 0.235


def test_realtime_and_virtual_time_agree(procs, tmp_path):
    part = cc.Part(procs, CHIP, tmp_path, "--realtime").start()
    started = time.monotonic()
    told = a_few_commands(part)
    took = (time.monotonic() - started) * 1e6
    assert took >= told["virtual_us"] * 0.98, (took, told)


def test_real_parts_time_brings_waiting_time_extensions(procs, tmp_path):
    """An operation of the table longer than BWT: RSA-2048 generation, 4 s there, some in OpenSSL."""
    part = cc.Part(procs, CHIP, tmp_path, "--realtime").start()
    with cc.Chip(part.socket) as c:
        started = time.monotonic()
        c.write_rsa_part(9, bits=2048)
        assert time.monotonic() - started >= 4 and c.t1.wtx_seen in (4, 5)


# ---- faults ----


@pytest.fixture
def ready(procs, tmp_path):
    """A state with a curve, a home with a file larger than two blocks: (state, home)."""
    part = cc.Part(procs, CHIP, tmp_path, name="made").start()
    with cc.Chip(part.socket) as c:
        c.make_curve(cc.P256)
    part.stop()
    home = tmp_path / "home"
    home.mkdir()
    (home / "file").write_bytes(os.urandom(700))
    return part.state, home


class Run:
    """ssscli against a part whose bus has these faults."""

    def __init__(self, procs, folder, ready, script, connect=True):
        self.state, self.home = ready
        self.script, self.trace = folder / "faults", folder / "trace"
        self.script.write_text(script)
        self.part = cc.Part(procs, CHIP, folder, "--faults", self.script, "--trace", self.trace, name="faulty")
        shutil.copy(self.state, self.part.state)
        self.part.start()
        self.cli = Cli(self.home, f"vse:{self.part.socket}")

        self.start_connected = connect

    def connect(self):
        self.cli.run("disconnect")
        self.cli.ok("connect", "se050", "t1oi2c", "none")

    def __enter__(self):
        if self.start_connected:
            self.connect()
        return self

    def __exit__(self, *exc):
        self.part.stop()

    def generate(self):
        return self.cli.run("generate", "ecc", f"{KEY:08x}", "NIST_P256")

    def store(self):
        return self.cli.run("set", "bin", "00000020", "file")

    def works(self, command):
        """It succeeds. How many commands the applet ran for it."""
        before = counters(self.part)["commands"]
        p = command(self)
        assert p.returncode == 0, (self.script.read_text(), p.stderr, self.trace.read_text())
        count = counters(self.part)["commands"] - before
        self.part.stop()  # what is left of the script is not for the witness
        self.part.options = ()
        self.part.start()
        with cc.Chip(self.part.socket) as c:
            if command is Run.store:
                assert c.read(0x20, length=400) + c.read(0x20, 400) == (self.home / "file").read_bytes()
            else:
                assert c.type(KEY)[0] in (0x01, 0x29) and c.all_ids().count(KEY) == 1
        return count

    def blocks(self):
        """Directions of the blocks so far, from the trace: '>' from the host, '<' to it."""
        return re.findall(r"^ *\d+ us ([<>])", self.trace.read_text(), re.M)


def undisturbed(procs, folder, ready, command):
    """(directions of its blocks, commands run)"""
    with Run(procs, folder, ready, "") as r:
        skip = len(r.blocks())
        p = command(r)
        assert p.returncode == 0, p.stderr
        blocks = r.blocks()
        return skip, blocks, r.trace.read_text()


@pytest.mark.parametrize("command", [Run.generate, Run.store])
def test_every_fault_is_survived_and_nothing_runs_twice(procs, tmp_path, ready, rng, command):
    """Reference 1.9: bad CRC, lost bytes and silence are asked about again. One fault a run, at each block of the
    command in turn; the host's own blocks are damaged beyond their first byte (a frame that does not begin
    with 5A is noise to the part, and the host waits 20 s before it asks)."""
    with Run(procs, tmp_path, ready, "") as r:
        skip = len(r.blocks())
        runs = r.works(command)
    _, blocks, _ = undisturbed(procs, tmp_path, ready, command)
    assert len(blocks) > skip + 10 and blocks[:2] == [">", "<"] and runs > 2
    cases = []
    for n in range(skip + 1, len(blocks) + 1):
        first = 8 if blocks[n - 1] == ">" else 0
        cases += [f"at block {n} flip {rng.randrange(first, 40)}", f"at block {n} lose {rng.randrange(first // 8, 5)}",
                  f"at block {n} nack-reads {rng.randrange(1, 20)}", f"at block {n} nack-writes {rng.randrange(1, 20)}",
                  f"at block {n} flip {rng.randrange(first, 40)}\nat block {n} flip {rng.randrange(first, 40)}"]
    for script in cases if LONG else rng.sample(cases, 20):
        with Run(procs, tmp_path, ready, script) as r:
            assert r.works(command) == runs, (script, r.trace.read_text())


def test_a_stuck_answer_is_asked_for_again(procs, tmp_path, ready):
    with Run(procs, tmp_path, ready, "at block 2 stuck\n", connect=False) as r:  # to the resync: a second's patience
        started = time.monotonic()
        r.connect()
        assert time.monotonic() - started >= 1
        r.works(Run.generate)


@pytest.mark.skipif(not LONG, reason="takes the 20 s a host waits for an answer")
def test_a_stuck_answer_to_a_command(procs, tmp_path, ready):
    _, _, trace = undisturbed(procs, tmp_path, ready, Run.generate)
    lines = re.findall(r"^ *\d+ us [<>] .*|= WriteECKey.*", trace, re.M)
    at = next(i for i, line in enumerate(lines, 1) if "WriteECKey" in line)
    with Run(procs, tmp_path, ready, "") as r:
        runs = r.works(Run.generate)
    with Run(procs, tmp_path, ready, f"at block {at} stuck\n") as r:
        assert r.works(Run.generate) == runs


def test_a_reset_in_mid_chain_leaves_all_or_nothing(procs, tmp_path, ready):
    """The object is whole or not there. A host may send a command again that the part cannot have run, and ours does; one that fails says so."""
    _, _, trace = undisturbed(procs, tmp_path, ready, Run.store)
    lines = re.findall(r"^ *\d+ us ([<>] .*)", trace, re.M)
    chained = [n for n, line in enumerate(lines, 1) if line.startswith("> I") and " more," in line]
    assert chained, lines
    for at in (chained[0] + 2, *([chained[0] + 1] if LONG else [])):  # the host's next block; the part's
        # acknowledgement of the first, after which the host waits 20 s
        with Run(procs, tmp_path, ready, f"at block {at} reset\n") as r:
            p = r.store()
            told = r.trace.read_text()
            assert "us ! the power was away" in told
            assert p.returncode == 0 or p.stderr, told
            with cc.Chip(r.part.socket) as c:
                assert c.exists(0x20) == (p.returncode == 0)
            assert told.count("T3[2]") == (p.returncode == 0), told  # the write that makes it ran once, if at all
            r.works(Run.store)


@pytest.mark.parametrize("script, says", [("at block x stuck\n", ":1: not understood"), ("\n\nat byte 1 flip 9", ":3: not understood")])
def test_a_script_that_is_not_understood_is_refused(procs, tmp_path, script, says):
    (tmp_path / "script").write_text(script)
    p = procs.start(CHIP, "serve", "--state", tmp_path / "s", "--socket", tmp_path / "k", "--faults", tmp_path / "script")
    assert p.wait(10) == 1 and says in p.log.read_text() and not (tmp_path / "k").exists()
    p = procs.start(CHIP, "serve", "--state", tmp_path / "s", "--socket", tmp_path / "k", "--faults", tmp_path / "none")
    assert p.wait(10) == 1 and "cannot read the faults" in p.log.read_text()


# ---- power ----


def test_power_cut_on_the_bus(procs, tmp_path):
    part = cc.Part(procs, CHIP, tmp_path, "--cut-bus", "7").start()
    bus = cc.Bus(part.socket)
    assert bus.write(RESYNC) == b""  # bytes 1 to 5
    bus.send(0x52, 5)
    assert bus._exactly(6).hex() == "00000005a5e0"  # the reply promises five, two get through
    with pytest.raises((ConnectionError, ConnectionResetError)):
        bus._exactly(1)
    assert part.process.wait(10) == 3 and part.socket.exists()
    part.options = ()
    part.start()
    with cc.Chip(part.socket) as c:
        assert len(c.get_version()) == 7


def test_power_cut_inside_a_write_and_the_block_was_never_there(procs, tmp_path):
    part = cc.Part(procs, CHIP, tmp_path).start()
    with cc.Chip(part.socket) as c:
        c.write_binary(1, b"x", size=1)
    before = counters(part)["bus_bytes"]
    with cc.Chip(part.socket) as c:
        c.delete(1)
    whole = counters(part)["bus_bytes"] - before
    part.stop()
    for cut in range(1, whole + 1, 1 if LONG else 7):
        part.options = ()
        part.start()
        with cc.Chip(part.socket) as c:
            if not c.exists(1):
                c.write_binary(1, b"x", size=1)
        part.stop()
        part.options = ("--cut-bus", cut)
        part.start()
        done = False
        try:
            with cc.Chip(part.socket) as c:
                c.delete(1)
                done = True
        except (ConnectionError, BrokenPipeError):
            pass
        assert part.process.wait(10) == 3 and not (done and cut < whole)


def test_power_cut_at_every_byte_of_a_write_to_storage(procs, tmp_path):
    """The object is there whole, or not at all; what was there before is untouched."""
    part = cc.Part(procs, CHIP, tmp_path).start()
    with cc.Chip(part.socket) as c:
        c.write_binary(1, b"kept", size=4)
    part.stop()
    fresh = part.state.read_bytes()
    part.start()
    with cc.Chip(part.socket) as c:
        c.write_binary(2, b"new", size=3)
    whole = counters(part)["storage_bytes"]
    assert 30 < whole < 200
    part.stop()
    seen = set()
    for cut in range(1, whole + 1):
        part.state.write_bytes(fresh)
        part.options = ("--cut-storage", cut)
        part.start()
        with cc.Chip(part.socket) as c, pytest.raises(ConnectionError):
            c.write_binary(2, b"new", size=3)
        assert part.process.wait(10) == 3
        part.options = ()
        part.start()
        with cc.Chip(part.socket) as c:
            assert c.read(1) == b"kept"
            there = c.exists(2)
            assert not there or c.read(2) == b"new"
            seen.add(there)
        part.stop()
    assert seen == {False, True}


def test_power_cut_while_the_state_is_made(procs, tmp_path):
    for cut in (1, 511, 4095, 4096, 4097, 5000):
        part = cc.Part(procs, CHIP, tmp_path, "--cut-storage", cut, name=f"cut{cut}")
        part.process = procs.start(CHIP, "serve", "--state", part.state, "--socket", part.socket, "--cut-storage", cut)
        assert part.process.wait(10) == 3
        part.options = ()
        with cc.Chip(part.start().socket) as c:
            assert c.exists(cc.UNIQUE_ID)


# ---- the trace ----


def test_the_trace_has_names_and_no_secrets(procs, tmp_path):
    trace = tmp_path / "trace"
    part = cc.Part(procs, CHIP, tmp_path, "--trace", trace).start()
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_numbers().private_value.to_bytes(32, "big")
    public = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    with cc.Chip(part.socket) as c:
        c.make_curve(cc.P256)
        c.write_ec(KEY, cc.P256, private, public)
        c.write_binary(5, b"sesame", size=6)
        assert c.read(5) == b"sesame"
        c.sign(KEY, cc.ECDSA_SHA256, bytes(32))
        with pytest.raises(cc.SW):
            c.read(0x99)
        c.bus.write(b"\x5a\xc0\x00\x00\x00")
        c.bus.read(5)
    text = trace.read_text()
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600
    for line in ("> S RESYNC request", "< S RESYNC response", "> I N(S)=0, ", "= SELECT [16] -> 9000 success",
                 "= WriteECKey T1=20181001 T2=03 T3[32] T4[65] -> 9000 success", "= WriteBinary T1=00000005 T3[2] T4[6] -> 9000",
                 "= ReadObject T1=00000005 -> 9000 success, 8 bytes", "-> 6985 conditions not satisfied",
                 "> a block with a wrong CRC, 5 bytes", "< R N(R)=1 error: CRC"):
        assert line in text, text
    for secret in (private, b"sesame"):
        for form in (secret.hex(), secret.hex().upper(), secret.decode("latin1")):
            assert form not in text and form[:8] not in text


def test_the_trace_inside_sessions(procs, tmp_path):
    """A command in a user session is shown by its own name, the PIN never."""
    trace = tmp_path / "trace"
    part = cc.Part(procs, CHIP, tmp_path, "--trace", trace).start()
    pin = b"7294"
    with cc.Chip(part.socket) as c:
        c.command(0x41, 7, 0, cc.tlv(0x41, cc.u32(0x7DA00001)), cc.tlv(0x42, pin))
        session = c.command(4, 0, 0x1B, cc.tlv(0x41, cc.u32(0x7DA00001)))[0x41]

        def inside(ins, p1, p2, data):
            inner = bytes([0x80, ins, p1, p2]) + (bytes([len(data)]) + data if data else b"")
            return c.raw(cc.apdu(5, 0, 0, cc.tlv(0x10, session) + cc.tlv(0x41, inner)))

        assert inside(4, 0, 0x2C, cc.tlv(0x41, pin))[1] == 0x9000
        assert inside(4, 0, 0x27, cc.tlv(0x41, cc.u32(0x77)))[1] == 0x9000
    text = trace.read_text()
    for line in ("= VerifySessionUserID T1[4] -> 9000 success", "= CheckObjectExists T1=00000077 -> 9000 success, 410102",
                 "= ProcessSessionCmd session[8] T1[", "= WriteUserID T1=7DA00001 T2[4]"):
        assert line.lower() in text.lower(), text
    assert pin.hex() not in text and pin.decode() not in text


def test_the_trace_on_standard_output(procs, tmp_path):
    part = cc.Part(procs, CHIP, tmp_path, "--trace", "-").start()
    cc.Chip(part.socket).close()
    part.stop()
    assert "S RESYNC request" in part.process.log.read_text()


def test_a_trace_that_cannot_be_written_is_an_error(procs, tmp_path):
    p = procs.start(CHIP, "serve", "--state", tmp_path / "s", "--socket", tmp_path / "k", "--trace", "/nowhere/t")
    assert p.wait(10) == 1 and "cannot write the trace" in p.log.read_text()


# ---- TCP ----


def test_tcp_is_the_same_bus(procs, tmp_path):
    port = free_port()
    part = cc.Part(procs, CHIP, tmp_path, "--tcp", f"127.0.0.1:{port}").start()
    a, b = TcpBus(port), cc.Bus(part.socket)
    assert a.write(RESYNC) == b"" and b.read(5)[:2] == b"\xa5\xe0"
    a.write(RESYNC, repeated_start=True)
    b.send(0x52, 5)
    b.sock.settimeout(0.2)
    with pytest.raises(socket.timeout):
        b.receive()
    assert a.read(5)[:2] == b"\xa5\xe0"


def test_tcp_picks_a_port_and_says_which(procs, tmp_path):
    part = cc.Part(procs, CHIP, tmp_path, "--tcp", "127.0.0.1:0").start()
    said = wait_for(lambda: re.search(r"also at 127\.0\.0\.1:(\d+)", part.process.log.read_text()))
    bus = TcpBus(int(said[1]))
    assert bus.write(RESYNC) == b""


@pytest.mark.parametrize("where, says", [
    ("0.0.0.0:4000", "loopback"), ("192.0.2.1:4000", "loopback"), ("126.255.255.255:1", "loopback"), ("localhost:1", "in numbers"),
    ("127.0.0.1", "in numbers"), ("127.0.0.1:", "in numbers"), ("127.0.0.1:65536", "in numbers"), ("127.0.0.1:x", "in numbers"),
    ("[::]:1", "in numbers"), ("127.0.0.1:-1", "in numbers"), ("", "in numbers")])
def test_tcp_anywhere_else_is_refused(procs, tmp_path, where, says):
    p = procs.start(CHIP, "serve", "--state", tmp_path / "s", "--socket", tmp_path / "k", "--tcp", where)
    assert p.wait(10) == 1 and says in p.log.read_text() and not (tmp_path / "k").exists()


def test_tcp_port_taken(procs, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        p = procs.start(CHIP, "serve", "--state", tmp_path / "s", "--socket", tmp_path / "k", "--tcp",
                        f"127.0.0.1:{s.getsockname()[1]}")
        assert p.wait(10) == 1 and "the port is taken" in p.log.read_text()


# ---- command line ----


@pytest.mark.parametrize("options, says", [
    (("--bus-khz", "0"), "--bus-khz wants"), (("--bus-khz", "3401"), "--bus-khz wants"), (("--bus-khz", "4e2"), "--bus-khz wants"),
    (("--cut-storage", "0"), "--cut-storage wants"), (("--cut-bus", "-1"), "--cut-bus wants"), (("--realtime", "1"), "options only"),
    (("--cut-bus", "99999999999999999999"), "--cut-bus wants"), (("--variant", "AB"), "--variant wants"), (("--faults",), "missing value"),
    (("--scp-keys", "nobody"), "neither a published set"), (("--factory", "none"), "--factory wants ec or full")])
def test_what_the_command_line_refuses(tmp_path, options, says):
    r = subprocess.run([CHIP, "serve", "--state", "s", "--socket", "k", *options], capture_output=True, text=True, cwd=tmp_path, timeout=20)
    assert r.returncode in (1, 2) and says in r.stderr and not (tmp_path / "k").exists()
