"""A client of sedge-keyd written from docs/spec/keyd.md, apart from the C code, and a few commands for it."""

import socket
import struct

import pytest


class Refused(Exception):
    """The daemon did not answer the command; `code` as in docs/spec/keyd.md."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code = code


DENIED, BUSY, UNAVAILABLE, TIMEOUT, IO, PROTO, CONFLICT = range(1, 8)


class Wire:
    """One connection."""

    def __init__(self, path, greet=True, timeout=60):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(path))
        self.sock.settimeout(timeout)
        self.begun = False
        if greet:
            try:
                self.send(0x01, b"\x01")
            except BrokenPipeError:
                pass  # it hung up before we spoke, and said why
            kind, self.welcome = self.frame()
            assert kind == 0x81

    def send(self, kind, body=b"", flags=0):
        self.sock.sendall(struct.pack(">HBB", len(body), kind, flags) + body)

    def exactly(self, n):
        out = b""
        while len(out) < n:
            piece = self.sock.recv(n - len(out))
            if not piece:
                raise ConnectionError("the daemon hung up")
            out += piece
        return out

    def frame(self):
        length, kind, _ = struct.unpack(">HBB", self.exactly(4))
        body = self.exactly(length)
        if kind == 0x83:
            raise Refused(body[4], body[5:].decode())
        return kind, body

    def ask(self, apdu):
        """Send a command, the first one of a sequence with that flag, and wait for nothing."""
        self.send(0x02, bytes(apdu), 0 if self.begun else 1)
        self.begun = True

    def answer(self):
        kind, body = self.frame()
        assert kind == 0x82
        return body[4:-2], struct.unpack(">H", body[-2:])[0]

    def command(self, apdu):
        self.ask(apdu)
        return self.answer()

    def end(self):
        self.send(0x03)
        self.begun = False

    def once(self, apdu):
        """A sequence of one command."""
        try:
            return self.command(apdu)
        finally:
            self.end()

    def close(self):
        self.sock.close()


def tlv(tag, value):
    n = len(value)
    head = bytes([n]) if n < 0x80 else bytes([0x81, n]) if n < 0x100 else bytes([0x82, n >> 8, n & 255])
    return bytes([tag]) + head + value


def apdu(ins, p1, p2, *tlvs, le=True):
    data = b"".join(tlvs)
    if not data:
        return bytes([0x80, ins, p1, p2]) + (b"\0" if le else b"")
    lc = bytes([len(data)]) if len(data) < 256 else b"\0" + struct.pack(">H", len(data))
    return bytes([0x80, ins, p1, p2]) + lc + data + ((b"\0" if len(data) < 256 else b"\0\0") if le else b"")


def key(number, tag=0x41):
    return tlv(tag, struct.pack(">I", number))


def sign(number, digest=bytes(32)):
    return apdu(3, 0x0C, 0x09, key(number), tlv(0x42, b"\x21"), tlv(0x43, digest))


PIN_OBJECT = 0x7B503111


def process(session, inner):
    return apdu(5, 0, 0, tlv(0x10, session), tlv(0x41, inner))


def login(wire, pin=b"123456", number=PIN_OBJECT):
    """CreateSession, VerifySessionUserID; the session's id."""
    data, sw = wire.once(apdu(4, 0, 0x1B, key(number)))
    assert sw == 0x9000
    session = data[2:]
    assert wire.once(process(session, apdu(4, 0, 0x2C, tlv(0x41, pin), le=False)))[1] == 0x9000
    return session


def refused(wire, command):
    with pytest.raises(Refused) as caught:
        wire.once(command)
    return caught.value.code
