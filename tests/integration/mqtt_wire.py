"""MQTT 3.1.1 and 5.0 on the wire, written from the specifications and without src/mqtt: an encoder that can also write what is
illegal, a decoder that insists on what a server must send, and a client that sees every packet.
"""

import socket
import struct
import time

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, \
    AUTH = range(1, 16)
NAMES = dict(enumerate("reserved CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK PINGREQ "
                       "PINGRESP DISCONNECT AUTH".split()))

# 5.0 table 2-4: identifier -> name, type, and the packets a server may send it in.
_ACKS = {PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK}
PROPERTIES = {
    0x01: ("payload_format", "u8", {PUBLISH}),
    0x02: ("message_expiry", "u32", {PUBLISH}),
    0x03: ("content_type", "str", {PUBLISH}),
    0x08: ("response_topic", "str", {PUBLISH}),
    0x09: ("correlation_data", "bin", {PUBLISH}),
    0x0B: ("subscription_id", "var", {PUBLISH}),
    0x11: ("session_expiry", "u32", {CONNACK}),
    0x12: ("assigned_client_id", "str", {CONNACK}),
    0x13: ("server_keep_alive", "u16", {CONNACK}),
    0x15: ("auth_method", "str", {CONNACK, AUTH}),
    0x16: ("auth_data", "bin", {CONNACK, AUTH}),
    0x17: ("request_problem_info", "u8", set()),
    0x18: ("will_delay", "u32", set()),
    0x19: ("request_response_info", "u8", set()),
    0x1A: ("response_info", "str", {CONNACK}),
    0x1C: ("server_reference", "str", {CONNACK, DISCONNECT}),
    0x1F: ("reason_string", "str", _ACKS | {CONNACK, DISCONNECT, AUTH}),
    0x21: ("receive_max", "u16", {CONNACK}),
    0x22: ("topic_alias_max", "u16", {CONNACK}),
    0x23: ("topic_alias", "u16", {PUBLISH}),
    0x24: ("max_qos", "u8", {CONNACK}),
    0x25: ("retain_available", "u8", {CONNACK}),
    0x26: ("user", "pair", _ACKS | {CONNACK, PUBLISH, DISCONNECT, AUTH}),
    0x27: ("max_packet_size", "u32", {CONNACK}),
    0x28: ("wildcard_available", "u8", {CONNACK}),
    0x29: ("subscription_id_available", "u8", {CONNACK}),
    0x2A: ("shared_available", "u8", {CONNACK}),
}
BY_NAME = {name: (number, kind) for number, (name, kind, _) in PROPERTIES.items()}
REPEATED = {"user", "subscription_id"}

# 5.0 table 2-6: the reason codes a server may send in each packet.
CODES = {
    CONNACK: [0, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F],
    PUBACK: [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
    PUBREC: [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
    PUBREL: [0, 0x92],
    PUBCOMP: [0, 0x92],
    SUBACK: [0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2],
    UNSUBACK: [0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91],
    DISCONNECT: [0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, *range(0x93, 0xA3)],
    AUTH: [0, 0x18, 0x19],
}


def must(**_):
    """Which numbered statements a test proves: @must(v4="3.1.0-1", v5="3.1.0-1 3.1.0-2"). tools/mqtt-must reads it."""
    return lambda f: f


# ---- writing ----


def varint(n):
    out = b""
    while True:
        n, low = n >> 7, n & 127
        out += bytes([low | (128 if n else 0)])
        if not n:
            return out


def u16(n):
    return struct.pack(">H", n)


def text(t):
    t = t.encode() if isinstance(t, str) else t
    return u16(len(t)) + t


def prop(name, value):
    number, kind = BY_NAME[name]
    body = {"u8": lambda v: bytes([v]), "u16": u16, "u32": lambda v: struct.pack(">I", v), "var": varint, "str": text, "bin": text,
            "pair": lambda v: text(v[0]) + text(v[1])}[kind](value)
    return bytes([number]) + body


def props(pairs):
    """A dict, a list of (name, value), or the bytes of a block."""
    if isinstance(pairs, bytes):
        block = pairs
    else:
        block = b"".join(prop(k, v) for k, v in (pairs.items() if isinstance(pairs, dict) else pairs))
    return varint(len(block)) + block


def packet(kind, flags, *parts):
    body = b"".join(parts)
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


def will(topic, payload=b"", qos=0, retain=False, properties=()):
    return dict(topic=topic, payload=payload, qos=qos, retain=retain, properties=properties)


def connect(v, client_id, clean=True, keep_alive=0, will=None, user=None, password=None, properties=(), flags=None, protocol="MQTT",
            level=None, tail=b""):
    f = (2 if clean else 0) | (128 if user is not None else 0) | (64 if password is not None else 0)
    parts = [text(client_id)]
    if will:
        f |= 4 | will["qos"] << 3 | (32 if will["retain"] else 0)
        parts += [props(will["properties"])] if v == 5 else []
        parts += [text(will["topic"]), text(will["payload"])]
    parts += [text(x) for x in (user, password) if x is not None]
    head = [text(protocol), bytes([v if level is None else level, f if flags is None else flags]), u16(keep_alive)]
    return packet(CONNECT, 0, *head, props(properties) if v == 5 else b"", *parts, tail)


def publish(v, topic, payload=b"", qos=0, pid=None, retain=False, dup=False, properties=()):
    payload = payload.encode() if isinstance(payload, str) else payload
    return packet(PUBLISH, dup << 3 | qos << 1 | retain, text(topic), u16(pid) if pid is not None else b"",
                  props(properties) if v == 5 else b"", payload)


def ack(v, kind, pid, code=None, properties=None, flags=None):
    tail = b"" if code is None else bytes([code])
    tail += b"" if properties is None else props(properties)
    return packet(kind, (2 if kind == PUBREL else 0) if flags is None else flags, u16(pid), tail)


def subscribe(v, pid, *filters, properties=(), flags=2):
    """filters: (filter, options byte)"""
    return packet(SUBSCRIBE, flags, u16(pid), props(properties) if v == 5 else b"", *[text(f) + bytes([o]) for f, o in filters])


def unsubscribe(v, pid, *filters, properties=(), flags=2):
    return packet(UNSUBSCRIBE, flags, u16(pid), props(properties) if v == 5 else b"", *[text(f) for f in filters])


def disconnect(v, code=None, properties=None):
    return packet(DISCONNECT, 0, b"" if code is None else bytes([code]), b"" if properties is None else props(properties))


# ---- reading ----


class Packet:
    def __init__(self, kind, flags, **fields):
        self.kind, self.flags = kind, flags
        self.__dict__.update(fields)

    def __repr__(self):
        return NAMES[self.kind] + repr({k: v for k, v in self.__dict__.items() if k not in ("kind", "raw")})[:400]


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, n):
        assert len(self.data) >= n, "the packet ends too early"
        head, self.data = self.data[:n], self.data[n:]
        return head

    def u8(self):
        return self.take(1)[0]

    def u16(self):
        return struct.unpack(">H", self.take(2))[0]

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def bin(self):
        return self.take(self.u16())

    def str(self):
        t = self.bin().decode()  # ill-formed UTF-8 raises
        assert "\0" not in t
        return t

    def var(self):
        n = shift = 0
        while True:
            byte = self.u8()
            n |= (byte & 127) << shift
            if not byte & 128:
                assert shift == 0 or byte, "a padded variable byte integer"
                return n
            shift += 7
            assert shift < 28

    def pair(self):
        return self.str(), self.str()

    def props(self, kind):
        r, found = Reader(self.take(self.var())), {}
        while r.data:
            name, how, where = PROPERTIES[r.var()]
            assert kind in where, f"{name} in {NAMES[kind]}"
            value = getattr(r, how)()
            if name in REPEATED:
                found.setdefault(name, []).append(value)
            else:
                assert name not in found, f"{name} twice"
                found[name] = value
        return found


def _connack(r, v, p):
    p.session = r.u8()
    assert p.session in (0, 1), "reserved flags"
    p.code = r.u8()
    assert p.code in (CODES[CONNACK] if v == 5 else range(6))
    p.props = r.props(CONNACK) if v == 5 else {}
    assert not (p.code and p.session)


def _publish(r, v, p):
    p.dup, p.qos, p.retain = p.flags >> 3, p.flags >> 1 & 3, p.flags & 1
    p.topic = r.str()
    assert p.qos < 3 and (p.qos or not p.dup) and "+" not in p.topic and "#" not in p.topic
    p.pid = r.u16() if p.qos else None
    assert p.pid != 0
    p.props = r.props(PUBLISH) if v == 5 else {}
    p.payload = r.take(len(r.data))


def _ack(r, v, p):
    assert p.flags == (2 if p.kind == PUBREL else 0)
    p.pid = r.u16()
    p.code = r.u8() if v == 5 and r.data else 0
    assert p.code in CODES[p.kind]
    p.props = r.props(p.kind) if r.data else {}


def _suback(r, v, p):
    p.pid = r.u16()
    p.props = r.props(p.kind) if v == 5 else {}
    p.codes = list(r.take(len(r.data)))
    assert all(c in (CODES[p.kind] if v == 5 else (0, 1, 2, 0x80)) for c in p.codes)
    assert p.codes if p.kind == SUBACK or v == 5 else not p.codes


def _disconnect(r, v, p):
    assert v == 5, "a 3.1.1 server sends no DISCONNECT"
    p.code = r.u8() if r.data else 0
    assert p.code in CODES[DISCONNECT]
    p.props = r.props(p.kind) if r.data else {}


DECODERS = {CONNACK: _connack, PUBLISH: _publish, PUBACK: _ack, PUBREC: _ack, PUBREL: _ack, PUBCOMP: _ack, SUBACK: _suback,
            UNSUBACK: _suback, PINGRESP: lambda r, v, p: None, DISCONNECT: _disconnect}


def decode(v, first, body):
    p = Packet(first >> 4, first & 15)
    assert p.kind in DECODERS, f"{NAMES[p.kind]} from a server"
    assert p.kind in (PUBLISH, PUBREL) or p.flags == 0, "reserved flags"
    r = Reader(body)
    DECODERS[p.kind](r, v, p)
    assert not r.data, f"{len(r.data)} bytes behind the packet"
    p.size = len(body)
    return p


# ---- a client ----


class Closed(Exception):
    pass


class Client:
    """A connection. Nothing is answered by itself."""

    def __init__(self, port, v=4, timeout=10):
        self.v, self.buffer, self.last_pid = v, b"", 0
        self.messages = []  # came while another packet was waited for
        self.s = socket.create_connection(("127.0.0.1", port), timeout)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s.settimeout(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    def send(self, *packets):
        self.s.sendall(b"".join(packets))

    def more(self):
        try:
            chunk = self.s.recv(65536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            raise Closed
        self.buffer += chunk

    def get(self):
        """The next packet; Closed when there is none any more."""
        while True:
            if len(self.buffer) >= 2:
                end = 1
                while end < len(self.buffer) and self.buffer[end] & 128:
                    end += 1
                if end < len(self.buffer):
                    r = Reader(self.buffer[1:end + 1])
                    total = end + 1 + r.var()
                    if len(self.buffer) >= total:
                        whole, self.buffer = self.buffer[:total], self.buffer[total:]
                        p = decode(self.v, whole[0], whole[end + 1:])
                        p.size, p.raw = total, whole
                        return p
            self.more()

    def expect(self, kind, strict=False, **fields):
        """The next packet of this kind. Messages may come before it, and are kept; nothing else may."""
        p = self.messages.pop(0) if kind == PUBLISH and self.messages else self.get()
        while p.kind == PUBLISH and kind != PUBLISH and not strict:
            self.messages.append(p)
            p = self.get()
        assert p.kind == kind, f"{NAMES[kind]} expected, got {p}"
        for k, want in fields.items():
            assert getattr(p, k) == want, f"{k}={want} expected, got {p}"
        return p

    def quiet(self):
        """Nothing has come, and the connection is alive."""
        self.send(packet(PINGREQ, 0))
        assert not self.messages, self.messages
        self.expect(PINGRESP, strict=True)
        return self

    def closed(self, code=None):
        """The connection ends; version 5 with this DISCONNECT (False: without any)."""
        seen = None
        assert not self.messages, self.messages
        try:
            while True:
                p = self.get()
                assert p.kind == DISCONNECT, f"only the end was expected, got {p}"
                assert seen is None
                seen = p.code
        except Closed:
            pass
        if code is not None:
            assert seen == (None if code is False or self.v == 4 else code), f"DISCONNECT {seen}"
        self.s.close()

    def connect(self, client_id, **kw):
        self.send(connect(self.v, client_id, **kw))
        return self.expect(CONNACK, strict=True)

    def pid(self):
        self.last_pid += 1
        return self.last_pid

    def subscribe(self, *filters, **kw):
        """filters: FILTER or (FILTER, options); QoS 2 unless said. The granted codes."""
        pid = self.pid()
        self.send(subscribe(self.v, pid, *[f if isinstance(f, tuple) else (f, 2) for f in filters], **kw))
        return self.expect(SUBACK, pid=pid).codes

    def unsubscribe(self, *filters):
        pid = self.pid()
        self.send(unsubscribe(self.v, pid, *filters))
        return self.expect(UNSUBACK, pid=pid).codes

    def publish(self, topic, payload=b"", qos=0, **kw):
        """The whole exchange; the code of the last acknowledgement."""
        pid = self.pid() if qos else None
        self.send(publish(self.v, topic, payload, qos, pid, **kw))
        if qos == 1:
            return self.expect(PUBACK, pid=pid).code
        if qos == 2:
            code = self.expect(PUBREC, pid=pid).code
            if code >= 0x80:
                return code
            self.send(ack(self.v, PUBREL, pid))
            return self.expect(PUBCOMP, pid=pid).code
        return None

    def receive(self, acknowledge=True, **fields):
        """The next message, acknowledged as its QoS asks."""
        p = self.expect(PUBLISH, **fields)
        if acknowledge and p.qos == 1:
            self.send(ack(self.v, PUBACK, p.pid))
        if acknowledge and p.qos == 2:
            self.send(ack(self.v, PUBREC, p.pid))
            self.expect(PUBREL, pid=p.pid)
            self.send(ack(self.v, PUBCOMP, p.pid))
        return p

    def payloads(self, n, **kw):
        return [self.receive(**kw).payload.decode() for _ in range(n)]

    def leave(self):
        self.send(disconnect(self.v))
        self.closed(False)

    def cut(self):
        """Gone without a word."""
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.s.close()


def eventually(what, timeout=10):
    end = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
