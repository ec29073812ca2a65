"""A host for the SE050 written apart from the C code: bus socket, T=1 over I2C, APDUs.

From NXP UM11225 and AN12413 only. Nothing here is shared with src/se or src/vse, so that a misreading on one
side is seen on the other.
"""

import json
import pathlib
import socket
import struct
import subprocess
import time

ADDRESS = 0x48
AID = bytes.fromhex("a0000003965453000000010300000000")
UNIQUE_ID = 0x7FFF0206
#: what every part leaves the factory with: unique id, the applet's keys, attestation and cloud-connection keys and certificates
FACTORY_IDS = [UNIQUE_ID, 0x7FFF0201, 0x7FFF0202, 0xF0000012, 0xF0000013,
               *range(0xF0000000, 0xF0000004), *range(0xF0000100, 0xF0000104)]

# ---- the virtual bus -------------------------------------------------------------------------------------------


class Bus:
    """One bus master. A NACKed transaction gives None."""

    def __init__(self, path, timeout=20.0):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(path))  # blocking: with a timeout a full backlog is an error at once
        self.sock.settimeout(timeout)

    def close(self):
        self.sock.close()

    def _exactly(self, n):
        out = b""
        while len(out) < n:
            piece = self.sock.recv(n - len(out))
            if not piece:
                raise ConnectionError("the bus went away")
            out += piece
        return out

    def send(self, op, length, data=b"", address=ADDRESS, repeated_start=False):
        self.sock.sendall(struct.pack(">BBBBH", op, address, int(repeated_start), 0, length) + data)

    def receive(self):
        status, zero, length = struct.unpack(">BBH", self._exactly(4))
        assert zero == 0
        data = self._exactly(length)
        return data if status == 0 else None

    def write(self, data, **kw):
        self.send(0x57, len(data), bytes(data), **kw)
        return self.receive()

    def read(self, n, **kw):
        self.send(0x52, n, **kw)
        return self.receive()


# ---- T=1 over I2C ----------------------------------------------------------------------------------------------


def crc(data):
    """CRC-16/X-25, bit by bit; low byte first on the wire."""
    reg = 0xFFFF
    for byte in data:
        reg ^= byte
        for _ in range(8):
            reg = (reg >> 1) ^ 0x8408 if reg & 1 else reg >> 1
    return struct.pack("<H", reg ^ 0xFFFF)


def block(pcb, inf=b"", nad=0x5A):
    head = bytes([nad, pcb, len(inf)]) + inf
    return head + crc(head)


class T1Error(Exception):
    pass


class T1:
    def __init__(self, bus, patience=30.0):
        self.bus = bus
        self.patience = patience
        self.ns = 0
        self.wtx_seen = 0

    def poll(self, n):
        """Read n bytes as soon as the slave has them."""
        end = time.monotonic() + self.patience
        while True:
            data = self.bus.read(n)
            if data is not None:
                return data
            if time.monotonic() > end:
                raise T1Error("no answer")
            time.sleep(0.0005)

    def read_block(self):
        """NXP's pattern: 2, 1, LEN + 2 bytes. (pcb, inf)"""
        head = self.poll(2)
        length = self.poll(1)
        rest = self.poll(length[0] + 2)
        whole = head + length + rest
        if head[0] != 0xA5 or crc(whole[:-2]) != whole[-2:]:
            raise T1Error(f"not a block: {whole.hex()}")
        return head[1], rest[:-2]

    def exchange(self, pcb, inf=b""):
        self.bus.write(block(pcb, inf))
        return self.read_block()

    def resync(self):
        self.ns = 0
        pcb, inf = self.exchange(0xC0)
        assert (pcb, inf) == (0xE0, b"")

    def atr(self):
        pcb, inf = self.exchange(0xC7)
        assert pcb == 0xE7
        return inf

    def end_session(self):
        self.ns = 0
        assert self.exchange(0xC5) == (0xE5, b"")

    def transceive(self, apdu):
        pieces = [apdu[i:i + 254] for i in range(0, len(apdu), 254)] or [b""]
        for i, piece in enumerate(pieces):
            last = i == len(pieces) - 1
            sent = self.ns
            self.bus.write(block((sent << 6) | (0 if last else 0x20), piece))
            self.ns ^= 1
            if not last:
                pcb, _ = self.read_block()
                if pcb != 0x80 | (self.ns << 4):
                    raise T1Error(f"wanted an acknowledge, got {pcb:02x}")
        answer = b""
        while True:
            pcb, inf = self.read_block()
            if pcb == 0xC3:  # more time, please
                self.wtx_seen += 1
                self.bus.write(block(0xE3, b"\x01"))
                continue
            if pcb & 0x80:
                raise T1Error(f"wanted an I-block, got {pcb:02x}")
            answer += inf
            if not pcb & 0x20:
                return answer
            self.bus.write(block(0x80 | (((pcb >> 6) ^ 1) << 4)))


# ---- APDUs -----------------------------------------------------------------------------------------------------


def tlv(tag, value):
    if isinstance(value, int):
        raise TypeError("say how wide: use u8, u16, u32")
    n = len(value)
    length = bytes([n]) if n < 0x80 else bytes([0x81, n]) if n < 0x100 else b"\x82" + struct.pack(">H", n)
    return bytes([tag]) + length + value


def u8(v):
    return struct.pack(">B", v)


def u16(v):
    return struct.pack(">H", v)


def u32(v):
    return struct.pack(">I", v)


def untlv(data):
    """{tag: value}; raises on anything left over."""
    out = {}
    while data:
        tag, n, at = data[0], data[1], 2
        if n == 0x81:
            n, at = data[2], 3
        elif n == 0x82:
            n, at = struct.unpack(">H", data[2:4])[0], 4
        assert tag not in out and len(data) >= at + n
        out[tag] = data[at:at + n]
        data = data[at + n:]
    return out


def apdu(ins, p1, p2, data=b"", cla=0x80, le=True, extended=False):
    head = bytes([cla, ins, p1, p2])
    if not data:
        return head + (b"\x00\x00\x00" if extended else b"\x00")
    if len(data) < 255 and not extended:
        return head + bytes([len(data)]) + data
    return head + b"\x00" + u16(len(data)) + data + (b"\x00\x00" if le else b"")


class SW(Exception):
    def __init__(self, sw):
        super().__init__(f"SW {sw:04X}")
        self.sw = sw


EC_PAIR, RSA_PAIR, RSA_PAIR_CRT, BINARY = 0x01, 0x04, 0x05, 0x0B
PAIR, PRIVATE, PUBLIC = 0x60, 0x40, 0x20
P256, P384, P521 = 3, 4, 5
ECDSA_SHA256, ECDSA_SHA384, ECDSA_SHA512, ECDSA_PLAIN = 0x21, 0x22, 0x26, 0x09

#: {curve id: {a, b, g, n, p in hex}} of the Weierstrass curves
CURVES = {c["curve"]: c for c in json.loads(
    (pathlib.Path(__file__).resolve().parents[1] / "vectors/curves.json").read_text())["vectors"]}


class Chip:
    """The applet seen by a host that starts as NXP's does: resync, ATR, SELECT."""

    def __init__(self, path, select=True):
        self.bus = Bus(path)
        self.t1 = T1(self.bus)
        self.t1.resync()
        if select:
            self.version = self.select()

    def close(self):
        self.bus.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def raw(self, command):
        """(data, sw)"""
        answer = self.t1.transceive(command)
        return answer[:-2], struct.unpack(">H", answer[-2:])[0]

    def command(self, ins, p1, p2, *tlvs, **kw):
        data, sw = self.raw(apdu(ins, p1, p2, b"".join(tlvs), **kw))
        if sw != 0x9000:
            raise SW(sw)
        return untlv(data)

    def run(self, command):
        """Send a builder's Command (chip_commands); {tag: value}, or SW is raised."""
        data, sw = self.raw(bytes(command))
        if sw != 0x9000:
            raise SW(sw)
        return untlv(data)

    def select(self):
        data, sw = self.raw(bytes.fromhex("00a4040010") + AID + b"\x00")
        if sw != 0x9000:
            raise SW(sw)
        return data

    # management
    def get_version(self):
        return self.command(4, 0, 0x20)[0x41]

    def free_memory(self, kind=1):
        return struct.unpack(">H", self.command(4, 0, 0x22, tlv(0x41, u8(kind)))[0x41])[0]

    def random(self, n):
        return self.command(4, 0, 0x49, tlv(0x41, u16(n)), extended=True)[0x41]

    def exists(self, oid):
        return {b"\x01": True, b"\x02": False}[self.command(4, 0, 0x27, tlv(0x41, u32(oid)))[0x41]]

    def delete(self, oid):
        assert self.command(4, 0, 0x28, tlv(0x41, u32(oid))) == {}

    # reading
    def read(self, oid, offset=0, length=0):
        extra = (tlv(0x42, u16(offset)) if offset else b"") + (tlv(0x43, u16(length)) if length else b"")
        return self.command(2, 0, 0, tlv(0x41, u32(oid)), extra, extended=True)[0x41]

    def read_rsa(self, oid, component):
        return self.command(2, 0, 0, tlv(0x41, u32(oid)), tlv(0x44, u8(component)), extended=True)[0x41]

    def type(self, oid):
        got = self.command(2, 0, 0x26, tlv(0x41, u32(oid)))
        return got[0x41][0], got[0x42][0]

    def size(self, oid):
        return struct.unpack(">H", self.command(2, 0, 7, tlv(0x41, u32(oid)))[0x41])[0]

    def id_list(self, offset=0, kind=0xFF):
        """(more, ids)"""
        got = self.command(2, 0, 0x25, tlv(0x41, u16(offset)), tlv(0x42, u8(kind)), extended=True)
        ids = got[0x42]
        return got[0x41] == b"\x02", [struct.unpack(">I", ids[i:i + 4])[0] for i in range(0, len(ids), 4)]

    def all_ids(self):
        out = []
        while True:
            more, ids = self.id_list(len(out))
            out += ids
            if not more:
                return out

    # writing
    def write_binary(self, oid, data=b"", offset=0, size=None, policy=b"", ins=1):
        parts = [tlv(0x11, policy)] if policy else []
        parts.append(tlv(0x41, u32(oid)))
        if offset:
            parts.append(tlv(0x42, u16(offset)))
        if size is not None:
            parts.append(tlv(0x43, u16(size)))
        if data:
            parts.append(tlv(0x44, data))
        assert self.command(ins, 6, 0, *parts) == {}

    def curve_list(self):
        return self.command(2, 0x0B, 0x25)[0x41]

    def make_curve(self, curve):
        """As hosts do it: look, create, set A, B, G, N, prime."""
        if self.curve_list()[curve - 1] == 2:
            return
        self.command(1, 0x0B, 4, tlv(0x41, u8(curve)))
        numbers = CURVES[curve]
        for param, name in ((1, "a"), (2, "b"), (4, "g"), (8, "n"), (0x10, "p")):
            self.command(1, 0x0B, 0x40, tlv(0x41, u8(curve)), tlv(0x42, u8(param)),
                         tlv(0x43, bytes.fromhex(numbers[name])))

    def write_ec(self, oid, curve=None, private=None, public=None, part=PAIR, policy=b"", ins=1):
        parts = [tlv(0x11, policy)] if policy else []
        parts.append(tlv(0x41, u32(oid)))
        if curve is not None:
            parts.append(tlv(0x42, u8(curve)))
        if private is not None:
            parts.append(tlv(0x43, private))
        if public is not None:
            parts.append(tlv(0x44, public))
        assert self.command(ins, part | 1, 0, *parts) == {}

    def write_rsa_part(self, oid, tag=None, value=b"", bits=None, part=PAIR, raw=False, policy=b""):
        parts = [tlv(0x11, policy)] if policy else []
        parts.append(tlv(0x41, u32(oid)))
        if bits:
            parts.append(tlv(0x42, u16(bits)))
        if tag:
            parts.append(tlv(tag, value))
        assert self.command(1, part | 2, 0x4F if raw else 0, *parts) == {}

    def write_rsa(self, oid, key, raw=False, policy=b""):
        """Import a python-cryptography private key the way NXP's host does, one component each."""
        n = key.private_numbers()
        pub = n.public_numbers
        bits = key.key_size
        whole, half = bits // 8, bits // 16
        parts = {"n": (0x4A, pub.n, whole), "e": (0x48, pub.e, 3), "d": (0x49, n.d, whole), "p": (0x43, n.p, half),
                 "q": (0x44, n.q, half), "dp": (0x45, n.dmp1, half), "dq": (0x46, n.dmq1, half),
                 "qinv": (0x47, n.iqmp, half)}
        for i, name in enumerate(("n", "e", "d") if raw else ("p", "q", "dp", "dq", "qinv", "e", "n")):
            tag, value, width = parts[name]
            first = dict(bits=bits, part=PAIR, policy=policy) if i == 0 else dict(part=0)
            self.write_rsa_part(oid, tag, value.to_bytes(width, "big"), raw=raw, **first)

    # using keys
    def sign(self, oid, algorithm, data):
        return self.command(3, 0x0C, 9, tlv(0x41, u32(oid)), tlv(0x42, u8(algorithm)),
                            tlv(0x43, data) if data else b"", extended=True)[0x41]

    def verify(self, oid, algorithm, data, signature):
        got = self.command(3, 0x0C, 0x0A, tlv(0x41, u32(oid)), tlv(0x42, u8(algorithm)),
                           tlv(0x43, data) if data else b"", tlv(0x45, signature), extended=True)[0x41]
        return {b"\x01": True, b"\x02": False}[got]

    def rsa_crypt(self, oid, algorithm, data, decrypt):
        return self.command(3, 2, 0x38 if decrypt else 0x37, tlv(0x41, u32(oid)), tlv(0x42, u8(algorithm)),
                            tlv(0x43, data), extended=True)[0x41]


# ---- the part itself -------------------------------------------------------------------------------------------


class Part:
    """A running sedge-chip. `start` comes from the procs fixture (or is anything like it)."""

    def __init__(self, procs, program, folder, *options, env=None, name="chip"):
        self.procs, self.program, self.env, self.options = procs, program, env, options
        folder = pathlib.Path(folder)
        self.state, self.socket, self.counters = folder / f"{name}.state", folder / f"{name}.sock", folder / f"{name}.count"
        self.process = None

    def start(self):
        self.process = self.procs.start(self.program, "serve", "--state", self.state, "--socket", self.socket,
                                        "--counters", self.counters, *self.options, env=self.env)
        end = time.monotonic() + 15
        while True:
            try:
                Bus(self.socket).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise AssertionError(f"sedge-chip did not start: {self.process.log.read_text()}")
                time.sleep(0.005)

    def stop(self):
        return self.procs.stop(self.process)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def read_counters(self):
        return json.loads(self.counters.read_text())

    def private_ops(self):
        return self.read_counters()["private_key_operations"]

    def dump(self):
        return subprocess.run([self.program, "dump", self.state], capture_output=True, text=True, timeout=20)
