"""sedge-chip on its bus: blocks as hosts really send them, several masters, and unmodified programs through the shim."""

import json
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import threading
import time

import pytest

import chip_client as cc
from conftest import BIN, LIB, wait_for

SHIM = LIB / "libsedge-i2c.so"
RESYNC = cc.block(0xC0)


@pytest.fixture
def part(procs, tmp_path):
    return cc.Part(procs, BIN / "sedge-chip", tmp_path).start()


@pytest.fixture
def bus(part):
    b = cc.Bus(part.socket)
    yield b
    b.close()


def preloaded(part, *argv, **env):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "LD_PRELOAD": str(SHIM), "SEDGE_I2C_SOCKET": str(part.socket), **env})


# ---- blocks ----


def test_known_frames(bus):
    """The check values of the reference: CRCs on the wire and the ATR of a real part."""
    assert (cc.block(0xCF)[-2:].hex(), RESYNC[-2:].hex(), cc.block(0xC7)[-2:].hex()) == ("377f", "fffc", "f7b1")
    bus.write(bytes.fromhex("5acf00377f"))
    assert bus.read(40).hex() == ("a5ef2300a0000003960403e800fe020b03e80801000000006400000a4a434f5034204154504f"
                                  "8777")
    assert bus.read(1) is None


def test_over_read_is_padded_and_partial_reads_keep_their_place(bus):
    assert bus.read(260) is None
    bus.write(RESYNC)
    got = bus.read(260)
    assert got[:3] == b"\xa5\xe0\x00" and len(got) == 260 and set(got[5:]) <= {0xFF}
    assert bus.read(260) is None
    bus.write(cc.block(0xC7))
    assert b"".join(bus.read(1) for _ in range(40))[:3] == b"\xa5\xe7\x23"
    assert bus.read(1) is None


def test_a_write_is_never_refused_and_replaces_the_unread_answer(bus):
    for noise in (b"", b"\0" * 5, b"\x5a", b"\x5a\xc0\x00", b"\xff" * 300, bytes(8000)):
        assert bus.write(noise) == b""
    bus.write(RESYNC)
    assert bus.write(cc.block(0xC7)) == b""
    assert bus.read(2) == b"\xa5\xe7"


def test_noise_gets_no_block_and_damage_asks_again(bus):
    bus.write(bytes(5))
    assert bus.read(5) is None
    for damaged in (RESYNC[:-1] + b"\0", RESYNC[:4], RESYNC + b"\0", cc.block(0, b"abc")[:-3]):
        bus.write(damaged)
        assert bus.read(5) == cc.block(0x81, nad=0xA5)
    for unknown in (cc.block(0x10), cc.block(0x84), cc.block(0xC4), cc.block(0xE0), cc.block(0xC0, b"x"), cc.block(0xE3, b"\1"),
                    cc.block(0xC1, b"\0"), cc.block(0xC1, b"\xff")):
        bus.write(unknown)
        assert bus.read(5) == cc.block(0x82, nad=0xA5)


def test_only_one_address_answers(bus):
    assert [a for a in range(128) if bus.write(b"", address=a) is not None] == [0x48]
    assert all(bus.read(1, address=a) is None for a in range(128))


def test_a_repeated_block_is_answered_again_not_run_again(part):
    with cc.Chip(part.socket) as c:
        c.make_curve(cc.P256)
        c.write_ec(1, cc.P256)
        command = cc.block(c.t1.ns << 6, cc.apdu(3, 0x0C, 9, cc.tlv(0x41, cc.u32(1)) + cc.tlv(0x42, b"\x21") +
                                                 cc.tlv(0x43, bytes(32))))
        c.bus.write(command)
        first = c.t1.read_block()
        assert part.private_ops() == 1
        c.bus.write(command)
        assert c.t1.read_block() == first
        for again in (cc.block(0x80 | (first[0] >> 6) << 4), cc.block(0x81), cc.block(0x91), cc.block(0x82)):
            c.bus.write(again)
            assert c.t1.read_block() == first
        assert part.private_ops() == 1
        # another block with the same number is a host that lost count
        c.bus.write(cc.block(c.t1.ns << 6, cc.apdu(4, 0, 0x20)))
        assert c.t1.read_block() == (0x82 | ((c.t1.ns ^ 1) << 4), b"")


def test_ifs_abort_and_chains_both_ways(part):
    with cc.Chip(part.socket) as c:
        assert c.t1.exchange(0xC1, b"\x20") == (0xE1, b"\x20")
        assert len(c.random(500)) == 500  # in pieces of 32
        assert c.t1.exchange(0xC1, b"\xfe") == (0xE1, b"\xfe")
        c.write_binary(1, os.urandom(700), size=700)
        # a chain that is dropped in its middle leaves nothing behind
        c.bus.write(cc.block(c.t1.ns << 6 | 0x20, b"x" * 254))
        c.t1.ns ^= 1
        assert c.t1.read_block() == (0x80 | c.t1.ns << 4, b"")
        assert c.t1.exchange(0xC2) == (0xE2, b"")
        assert len(c.get_version()) == 7
        # one longer than any command: swallowed, refused, and the next one works
        assert c.t1.transceive(bytes(3000)) == b"\x67\x00"
        assert len(c.get_version()) == 7


def test_damaged_acknowledge_inside_an_answer(part):
    with cc.Chip(part.socket) as c:
        c.bus.write(cc.block(c.t1.ns << 6, cc.apdu(4, 0, 0x49, cc.tlv(0x41, cc.u16(300)), extended=True)))
        c.t1.ns ^= 1
        pcb, inf = c.t1.read_block()
        assert pcb & 0x20 and len(inf) == 254
        ack = cc.block(0x80 | (((pcb >> 6) ^ 1) << 4))
        c.bus.write(ack[:-1] + bytes([ack[-1] ^ 1]))
        assert c.t1.read_block()[0] & 0xEF == 0x81
        c.bus.write(ack)
        assert len(c.t1.read_block()[1]) == 300 + 4 + 2 - 254


def test_end_of_session_and_resets_deselect(part):
    with cc.Chip(part.socket) as c:
        c.write_binary(1, b"x", size=1)
        for pcb in (0xC5, 0xCF, 0xC6):
            assert c.t1.exchange(pcb)[0] == pcb | 0x20
            c.t1.ns = 0
            assert c.raw(cc.apdu(4, 0, 0x20)) == (b"", 0x6D00)
            c.select()
        c.t1.resync()  # this one keeps the applet selected
        assert c.read(1) == b"x"


# ---- slow operations ----


def test_wtx_while_a_signature_takes_long_and_the_bus_stays_alive(procs, tmp_path):
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--sign-ms", "2300").start()
    other = cc.Bus(part.socket)
    with cc.Chip(part.socket) as c:
        c.make_curve(cc.P256)
        c.write_ec(1, cc.P256)
        done = threading.Event()
        slowest = []

        def poll_meanwhile():
            while not done.wait(0.01):
                start = time.monotonic()
                other.read(1, address=0x49)
                slowest.append(time.monotonic() - start)

        t = threading.Thread(target=poll_meanwhile)
        t.start()
        start = time.monotonic()
        try:
            assert c.sign(1, cc.ECDSA_SHA256, bytes(32))[0] == 0x30
        finally:
            done.set()
            t.join()
        assert time.monotonic() - start >= 2.3
        assert c.t1.wtx_seen == 2
        assert len(slowest) > 50 and max(slowest) < 1
        assert part.private_ops() == 1


def test_a_host_that_gives_up_and_resets_gets_no_stale_answer(procs, tmp_path):
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--sign-ms", "500").start()
    with cc.Chip(part.socket) as c:
        c.make_curve(cc.P256)
        c.write_ec(1, cc.P256)
        c.bus.write(cc.block(c.t1.ns << 6, cc.apdu(3, 0x0C, 9, cc.tlv(0x41, cc.u32(1)) + cc.tlv(0x42, b"\x21") +
                                                   cc.tlv(0x43, bytes(32)))))
        c.t1.resync()
        assert len(c.get_version()) == 7
        c.bus.write(cc.block(c.t1.ns << 6, cc.apdu(3, 0x0C, 9, cc.tlv(0x41, cc.u32(1)) + cc.tlv(0x42, b"\x21") +
                                                   cc.tlv(0x43, bytes(32)))))
        assert c.t1.exchange(0xCF)[0] == 0xEF
        c.t1.ns = 0
        assert len(c.select()) == 7


# ---- several masters ----


def test_a_repeated_start_holds_the_bus(part):
    a, b = cc.Bus(part.socket), cc.Bus(part.socket)
    assert a.write(RESYNC, repeated_start=True) == b""
    b.send(0x52, 5)
    b.sock.settimeout(0.3)
    with pytest.raises(socket.timeout):
        b.receive()
    b.sock.settimeout(10)
    assert a.read(5, repeated_start=False)[:2] == b"\xa5\xe0"
    assert b.receive() is None  # its turn: everything was read
    # a connection's end releases the bus, too
    assert a.write(RESYNC, repeated_start=True) == b""
    b.send(0x52, 5)
    a.close()
    assert b.receive()[:2] == b"\xa5\xe0"


def test_a_nack_ends_the_hold(part):
    a, b = cc.Bus(part.socket), cc.Bus(part.socket)
    assert a.write(b"", address=0x10, repeated_start=True) is None
    assert b.write(RESYNC) == b""


def test_two_masters_one_bus(part):
    """Transactions are whole; hosts that take turns (as ours do, by a lock) never see each other's bytes."""
    lock = threading.Lock()
    errors = []

    def host(n):
        try:
            bus = cc.Bus(part.socket)
            for _ in range(30):
                with lock:
                    t1 = cc.T1(bus)
                    t1.resync()
                    assert t1.transceive(bytes.fromhex("00a4040010") + cc.AID + b"\0")[-2:] == b"\x90\0"
                    want = 10 + n
                    got = t1.transceive(cc.apdu(4, 0, 0x49, cc.tlv(0x41, cc.u16(want))))
                    assert len(got) == want + 4
        except Exception as e:  # noqa: BLE001 - told in the test's own thread
            errors.append(e)

    threads = [threading.Thread(target=host, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors


def test_what_is_not_the_protocol_is_dropped_and_others_live(part, bus):
    for junk in (b"GET / HTTP/1.1\r\n\r\n", bytes([0x57, 0x80, 0, 0, 0, 0]), bytes([0x57, 0x48, 2, 0, 0, 0]),
                 bytes([0x57, 0x48, 0, 1, 0, 0])):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(part.socket))
            s.sendall(junk)
            s.settimeout(5)
            try:
                assert s.recv(10) == b""
            except ConnectionResetError:
                pass
    many = [cc.Bus(part.socket) for _ in range(40)]
    many[0].sock.sendall(b"\x57\x48\x00\x00\xff\xff" + b"x" * 1000)  # never finished
    bus.write(RESYNC)
    assert bus.read(2) == b"\xa5\xe0"
    for m in many:
        m.close()


# ---- unmodified programs ----


def test_i2cdetect_shows_48_and_nothing_else(part, tmp_path):
    stats = tmp_path / "stats"
    r = preloaded(part, "/usr/sbin/i2cdetect", "-y", "1", SEDGE_I2C_STATS=str(stats))
    assert r.returncode == 0, r.stderr
    cells = [c for line in r.stdout.splitlines()[1:] for c in line[4:].split()]
    assert [c for c in cells if c != "--"] == ["48"] and len(cells) == 112
    told = [json.loads(line) for line in stats.read_text().splitlines()]
    assert len(told) == 1 and told[0]["nacks"] == 111 and told[0]["writes"] + told[0]["reads"] == 112
    assert told[0]["bus_bits"] == 112 * 11


def test_i2cdetect_lists_and_tells_functions(part):
    assert preloaded(part, "/usr/sbin/i2cdetect", "-l").returncode in (0, 1)  # no crash; there is no /sys entry
    r = preloaded(part, "/usr/sbin/i2cdetect", "-F", "1")
    assert re.search(r"^I2C +yes$", r.stdout, re.M) and re.search(r"^SMBus PEC +no$", r.stdout, re.M)


def test_i2ctransfer_and_i2cget_use_rdwr_and_smbus(part):
    r = preloaded(part, "/usr/sbin/i2ctransfer", "-y", "1", "w5@0x48", *(f"0x{b:02x}" for b in RESYNC), "r5")
    assert r.stdout.split() == ["0xa5", "0xe0", "0x00", "0x3f", "0x19"], r.stderr
    r = preloaded(part, "/usr/sbin/i2ctransfer", "-y", "1", "r5@0x49")
    assert r.returncode != 0 and "No such device or address" in r.stderr
    cc.Bus(part.socket).write(RESYNC)
    assert preloaded(part, "/usr/sbin/i2cget", "-y", "1", "0x48").stdout.strip() == "0xa5"
    assert preloaded(part, "/usr/sbin/i2cget", "-y", "1", "0x49").returncode != 0


class WireTap:
    """A bus that acknowledges everything, answers 01 02 03 ... and remembers what was asked."""

    def __init__(self, path):
        self.socket = path
        self.seen = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            conn, _ = self.listener.accept()
            while head := conn.recv(6, socket.MSG_WAITALL):
                op, address, flags, _, n = struct.unpack(">BBBBH", head)
                data = conn.recv(n, socket.MSG_WAITALL) if op == 0x57 and n else b""
                self.seen.append((chr(op), address, flags, data.hex() if op == 0x57 else n))
                answer = bytes(range(1, n + 1)) if op == 0x52 else b""
                conn.sendall(struct.pack(">BBH", 0, 0, len(answer)) + answer)


@pytest.mark.parametrize("argv, wire, out", [
    ("i2cget -y 1 0x50", [("R", 0x50, 0, 1)], "0x01"),
    ("i2cget -y 1 0x50 0x10", [("W", 0x50, 1, "10"), ("R", 0x50, 0, 1)], "0x01"),
    ("i2cget -y 1 0x50 0x10 w", [("W", 0x50, 1, "10"), ("R", 0x50, 0, 2)], "0x0201"),
    ("i2cget -y 1 0x50 0x10 i 4", [("W", 0x50, 1, "10"), ("R", 0x50, 0, 4)], "0x01 0x02 0x03 0x04"),
    ("i2cset -y 1 0x51 0x10", [("W", 0x51, 0, "10")], ""),
    ("i2cset -y 1 0x51 0x10 0xab", [("W", 0x51, 0, "10ab")], ""),
    ("i2cset -y 1 0x51 0x10 0xabcd w", [("W", 0x51, 0, "10cdab")], ""),
    ("i2cset -y 1 0x51 0x10 1 2 3 i", [("W", 0x51, 0, "10010203")], ""),
    ("i2cset -y 1 0x51 0x10 1 2 3 s", [("W", 0x51, 0, "1003010203")], ""),
    ("i2ctransfer -y 1 w2@0x20 1 2 r3@0x21", [("W", 0x20, 1, "0102"), ("R", 0x21, 0, 3)], "0x01 0x02 0x03"),
])
def test_smbus_transfers_on_the_wire(tmp_path, argv, wire, out):
    """SMBus 2.0 §5.5, as Linux emulates it by plain I2C."""
    tap = WireTap(tmp_path / "tap")
    name, *rest = argv.split()
    r = preloaded(tap, f"/usr/sbin/{name}", *rest)
    assert r.returncode == 0, r.stderr
    assert tap.seen == wire and r.stdout.strip() == out


NODE = """
import fcntl, os, stat, struct, sys
dev = sys.argv[1]
assert os.path.exists(dev) and os.access(dev, os.R_OK | os.W_OK) and not os.access(dev, os.X_OK)
for st in (os.stat(dev), os.lstat(dev)):
    assert stat.S_ISCHR(st.st_mode) and os.major(st.st_rdev) == 89 and os.minor(st.st_rdev) == int(dev[-1])
resync, atr = bytes.fromhex("5ac000fffc"), bytes.fromhex("5ac700f7b1")
fd = os.open(dev, os.O_RDWR)
assert stat.S_ISCHR(os.fstat(fd).st_mode)
fcntl.ioctl(fd, 0x0703, 0x48); fcntl.ioctl(fd, 0x0708, 0)
funcs = bytearray(8); fcntl.ioctl(fd, 0x0705, funcs); assert funcs[0] & 1
try: fcntl.ioctl(fd, 0x5401, bytearray(64)); sys.exit("a terminal?")
except OSError: pass
assert os.write(fd, resync) == 5
assert os.read(fd, 2) == b"\\xa5\\xe0"
copy = os.dup(fd); os.close(fd)
assert os.read(copy, 3) == bytes.fromhex("003f19")
try: os.read(copy, 1); sys.exit("read out of nothing")
except OSError as e: assert e.errno == 6, e
os.write(copy, atr)
pid = os.fork()
if pid == 0:  # a master of its own, on the same chip
    os._exit(0 if os.read(copy, 4) == bytes.fromhex("a5e72300") else 1)
assert os.waitpid(pid, 0)[1] == 0
assert os.read(copy, 2) == bytes.fromhex("a000")
with open(dev, "rb+", buffering=0) as f:
    fcntl.ioctl(f, 0x0703, 0x48); f.write(resync); assert f.read(2) == b"\\xa5\\xe0"
fcntl.flock(copy, fcntl.LOCK_EX | fcntl.LOCK_NB)
other = os.open(dev, os.O_RDWR)
try: fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB); sys.exit("two owners")
except BlockingIOError: pass
turn = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0)  # a record lock beside it, as our host side uses
OFD_SETLK = 37
fcntl.fcntl(other, OFD_SETLK, turn)
third = os.open(dev, os.O_RDWR)
try: fcntl.fcntl(third, OFD_SETLK, turn); sys.exit("two turns")
except BlockingIOError: pass
os.close(copy)
fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("fine")
"""


@pytest.mark.parametrize("dev", ["/dev/i2c-1", "/dev/i2c-7"])
def test_the_node_behaves_as_a_device(part, dev):
    r = preloaded(part, "/usr/bin/python3", "-c", NODE, dev, **({} if dev == "/dev/i2c-1" else {"SEDGE_I2C_DEV": dev}))
    assert r.stdout == "fine\n", r.stderr


def test_fopen_of_the_node(part, tmp_path):
    source = tmp_path / "f.c"
    source.write_text(r"""
        #include <stdio.h>
        #include <string.h>
        #include <sys/ioctl.h>
        int main(void)
        {
            unsigned char b[5];
            FILE *f = fopen("/dev/i2c-1", "r+");
            if (!f || ioctl(fileno(f), 0x0703, 0x48L)) return 1;
            if (fwrite("\x5a\xc0\x00\xff\xfc", 1, 5, f) != 5 || fflush(f)) return 2;
            if (fread(b, 1, 2, f) != 2 || memcmp(b, "\xa5\xe0", 2)) return 3;
            return fclose(f) ? 4 : 0;
        }""")
    subprocess.run(["cc", "-D_FORTIFY_SOURCE=2", "-O1", "-o", tmp_path / "f", source], check=True)
    assert preloaded(part, tmp_path / "f").returncode == 0


def test_the_node_by_its_folder_and_by_force(part, tmp_path):
    """openat with /dev open, I2C_SLAVE_FORCE, I2C_RDWR, partial reads of one block, two children and their parent."""
    source = tmp_path / "o.c"
    source.write_text(r"""
        #include <errno.h>
        #include <fcntl.h>
        #include <linux/i2c-dev.h>
        #include <linux/i2c.h>
        #include <string.h>
        #include <sys/ioctl.h>
        #include <sys/stat.h>
        #include <sys/wait.h>
        #include <unistd.h>
        static int session(int fd)
        {
            unsigned char b[5];
            struct i2c_msg m[] = { { 0x48, 0, 5, (unsigned char *)"\x5a\xc0\x00\xff\xfc" }, { 0x48, I2C_M_RD, 5, b } };
            struct i2c_rdwr_ioctl_data d = { m, 2 };
            if (ioctl(fd, I2C_RDWR, &d) != 2 || memcmp(b, "\xa5\xe0\x00\x3f\x19", 5)) return 1;
            if (write(fd, "\x5a\xc7\x00\xf7\xb1", 5) != 5 || read(fd, b, 2) != 2 || b[1] != 0xe7) return 2;
            return read(fd, b, 1) == 1 && b[0] == 0x23 ? 0 : 3;
        }
        int main(void)
        {
            struct stat st;
            int dev = open("/dev", O_RDONLY | O_DIRECTORY), fd = openat(dev, "i2c-1", O_RDWR), status;
            if (dev < 0 || fd < 0 || fstatat(dev, "i2c-1", &st, 0) || !S_ISCHR(st.st_mode)) return 10;
            if (faccessat(dev, "i2c-1", R_OK | W_OK, 0) || openat(dev, "i2c-none", O_RDWR) >= 0 || errno != ENOENT) return 11;
            if (ioctl(fd, I2C_SLAVE_FORCE, 0x48L) || ioctl(fd, I2C_PEC, 0L) || ioctl(fd, I2C_SLAVE, 0x80L) == 0) return 12;
            if (session(fd)) return 13;
            for (int i = 0; i < 2; i++) {
                if (fork() == 0) _exit(session(fd));
                if (wait(&status) < 0 || status) return 14;
            }
            if (session(dup(fd))) return 15;
            return close(fd) ? 16 : 0;
        }""")
    subprocess.run(["cc", "-D_GNU_SOURCE", "-D_FORTIFY_SOURCE=2", "-O1", "-o", tmp_path / "o", source], check=True)
    assert preloaded(part, tmp_path / "o").returncode == 0


def test_the_bus_is_there_while_the_chip_is_not(part):
    """Open succeeds, nobody answers, and everything works again once the chip is back: in one process."""
    child = subprocess.Popen(["/usr/bin/python3", "-uc", """
import fcntl, os, sys
fd = os.open("/dev/i2c-1", os.O_RDWR)
fcntl.ioctl(fd, 0x0703, 0x48)
for line in sys.stdin:
    try:
        os.write(fd, bytes.fromhex("5ac000fffc")); print(os.read(fd, 2).hex())
    except OSError as e:
        print(e.errno)
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={
        **os.environ, "LD_PRELOAD": str(SHIM), "SEDGE_I2C_SOCKET": str(part.socket)})

    def ask():
        child.stdin.write("\n")
        child.stdin.flush()
        return child.stdout.readline().strip()

    try:
        assert ask() == "a5e0"
        part.stop()
        assert ask() == "6"
        assert "48" not in preloaded(part, "/usr/sbin/i2cdetect", "-y", "1").stdout.split("40:")[1].splitlines()[0]
        part.start()
        assert ask() == "a5e0"
    finally:
        child.stdin.close()
        child.wait(10)


def test_without_its_variable_the_shim_does_nothing(part):
    r = subprocess.run(["/usr/sbin/i2cdetect", "-y", "1"], capture_output=True, text=True,
                       env={**os.environ, "LD_PRELOAD": str(SHIM)})
    if not os.path.exists("/dev/i2c-1"):
        assert r.returncode != 0 and "48" not in r.stdout


# ---- the program ----


def test_modes_of_socket_and_state(part):
    assert stat.S_IMODE(part.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(part.state.stat().st_mode) == 0o600


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_gracefully(part, sig):
    with cc.Chip(part.socket) as c:
        c.write_binary(1, b"x", size=1)
        part.process.send_signal(sig)
        assert part.process.wait(10) == 0
    assert not part.socket.exists()
    part.start()
    with cc.Chip(part.socket) as c:
        assert c.read(1) == b"x"


def test_a_signal_does_not_wait_for_a_slow_signature(procs, tmp_path):
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--sign-ms", "60000").start()
    with cc.Chip(part.socket) as c:
        c.make_curve(cc.P256)
        c.write_ec(1, cc.P256)
        c.bus.write(cc.block(c.t1.ns << 6, cc.apdu(3, 0x0C, 9, cc.tlv(0x41, cc.u32(1)) + cc.tlv(0x42, b"\x21") +
                                                   cc.tlv(0x43, bytes(32)))))
        wait_for(lambda: c.bus.read(1) is None)
        start = time.monotonic()
        assert part.stop() == 0
        assert time.monotonic() - start < 5


def test_a_second_one_on_the_same_state_is_refused(part, procs, tmp_path):
    second = procs.start(BIN / "sedge-chip", "serve", "--state", part.state, "--socket", tmp_path / "other")
    assert second.wait(10) == 1
    assert "another sedge-chip is using it" in second.log.read_text() and not (tmp_path / "other").exists()
    third = procs.start(BIN / "sedge-chip", "serve", "--state", tmp_path / "s3", "--socket", part.socket)
    assert third.wait(10) == 1 and "something is there already" in third.log.read_text()
    with cc.Chip(part.socket) as c:
        assert c.exists(cc.UNIQUE_ID)


def test_a_socket_left_by_a_dead_one_is_replaced(part):
    part.kill()
    assert part.socket.exists()
    part.start()


def test_a_folder_open_to_others_is_refused(procs, tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    p = procs.start(BIN / "sedge-chip", "serve", "--state", tmp_path / "s", "--socket", folder / "sock")
    assert p.wait(10) == 1 and "changed by anybody" in p.log.read_text()
    state = tmp_path / "readable"
    state.write_bytes(b"x")
    state.chmod(0o644)
    p = procs.start(BIN / "sedge-chip", "serve", "--state", state, "--socket", tmp_path / "sock")
    assert p.wait(10) == 1 and "chmod 600" in p.log.read_text() and state.read_bytes() == b"x"


@pytest.mark.parametrize("argv, code, says", [
    (["--help"], 0, "sedge-chip serve --state FILE"), (["--version"], 0, "sedge-chip "), ([], 2, "--help"),
    (["fly"], 2, "unknown command"), (["serve"], 2, "--state FILE and --socket PATH"),
    (["serve", "--state", "x", "--socket", "y", "--applet", "5"], 2, "3.1 or 7.2"),
    (["serve", "--state", "x", "--socket", "y", "--sign-ms", "-1"], 2, "--sign-ms wants"),
    (["serve", "--state", "x", "--socket", "y", "z"], 2, "options only"),
    (["serve", "--state", "/nowhere/x", "--socket", "y"], 1, "no such file or folder"),
    (["serve", "--bogus"], 2, "unknown option"), (["dump"], 2, "one state file"), (["dump", "/nowhere"], 1, "no such file"),
])
def test_command_line(argv, code, says, tmp_path):
    r = subprocess.run([BIN / "sedge-chip", *argv], capture_output=True, text=True, cwd=tmp_path, timeout=20)
    assert r.returncode == code and says in r.stdout + r.stderr


def test_dump_lists_and_keeps_secrets(part):
    from cryptography.hazmat.primitives.asymmetric import rsa
    key = rsa.generate_private_key(65537, 1024)
    with cc.Chip(part.socket) as c:
        c.make_curve(cc.P256)
        c.write_ec(0x20, cc.P256, policy=b"\x08" + bytes(4) + b"\x10\x24\x00\x00")
        c.write_rsa(0x30, key)
        c.write_binary(0x40, b"sesame", size=6, ins=0x81)
    r = part.dump()  # while the chip is running
    assert r.returncode == 0
    assert "0x00000020  EC key pair, prime256v1, persistent, generated, policy 080000000010240000" in r.stdout
    assert "0x00000030  RSA key pair (CRT), 1024 bits, persistent, imported" in r.stdout
    assert "0x00000040  binary, 6 bytes, transient, imported" in r.stdout
    assert "curve 0x03  prime256v1" in r.stdout and "0x7FFF0206" in r.stdout
    p = key.private_numbers().p.to_bytes(64, "big").hex()
    assert p[:16] not in r.stdout.lower() and "sesame" not in r.stdout
    part.stop()
    assert bytes.fromhex(p) in part.state.read_bytes() and b"sesame" not in part.state.read_bytes()
