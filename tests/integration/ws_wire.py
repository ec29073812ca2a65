"""WebSocket frames and the handshake (RFC 6455), written apart from src/http; signed URLs by botocore's own parts and by hand."""

import base64
import datetime
import hashlib
import hmac
import os
import socket
import struct
import urllib.parse

import mqtt_wire

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(payload=b"", opcode=2, fin=True, rsv=0, mask=b"\x12\x34\x56\x78", length=None):
    n = len(payload) if length is None else length
    first = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    m = 0x80 if mask else 0
    head = bytes([m | n]) if n < 126 else bytes([m | 126]) + struct.pack(">H", n) if n < 65536 else bytes([m | 127]) + struct.pack(">Q", n)
    if mask:
        payload = mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    return first + head + payload


def sign(keys, host, region="us-east-1", service="iotdevicegateway", expires=None, token=None, now=None, path="/mqtt", token_signed=False):
    """The path and query of a presigned URL, as the reference (9.5) describes it."""
    now = now or datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    scope = f"{day}/{region}/{service}/aws4_request"
    q = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{keys['aws_access_key_id']}/{scope}", "X-Amz-Date": stamp,
         "X-Amz-SignedHeaders": "host"}
    if expires is not None:
        q["X-Amz-Expires"] = str(expires)
    if token and token_signed:
        q["X-Amz-Security-Token"] = token
    query = "&".join(f"{k}={urllib.parse.quote(v, safe='')}" for k, v in sorted(q.items()))
    canonical = f"GET\n{path}\n{query}\nhost:{host}\n\nhost\n{hashlib.sha256(b'').hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + keys["aws_secret_access_key"]).encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    query += "&X-Amz-Signature=" + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if token and not token_signed:
        query += "&X-Amz-Security-Token=" + urllib.parse.quote(token, safe="")
    return f"{path}?{query}"


class Refused(Exception):
    def __init__(self, status, head):
        super().__init__(f"{status}: {head}")
        self.status, self.head = status, head


def open_socket(port, target, host, protocol="mqtt", version="13", key=None, timeout=20, more=(), without=()):
    """A socket after a good handshake; whatever came behind the answer, too."""
    key = key or base64.b64encode(os.urandom(16)).decode()
    headers = {"Host": host, "Upgrade": "websocket", "Connection": "keep-alive, Upgrade", "Sec-WebSocket-Key": key,
               "Sec-WebSocket-Version": version, "Sec-WebSocket-Protocol": protocol}
    s = socket.create_connection(("127.0.0.1", port), timeout)
    lines = [f"{k}: {v}" for k, v in headers.items() if v is not None and k not in without] + list(more)
    s.sendall((f"GET {target} HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode())
    data = b""
    while b"\r\n\r\n" not in data:
        part = s.recv(4096)
        if not part:
            break
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    head = head.decode()
    status = int(head.split()[1])
    if status != 101:
        s.close()
        raise Refused(status, head)
    got = {k.lower(): v for k, v in (line.split(": ", 1) for line in head.split("\r\n")[1:])}
    assert got["sec-websocket-accept"] == base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    assert got["upgrade"].lower() == "websocket" and got["connection"].lower() == "upgrade"
    return s, rest, got


class WsSocket:
    """Looks to mqtt_wire like a socket: what is sent becomes a binary frame, what is received comes out of frames."""

    def __init__(self, s, rest=b""):
        self.s, self.raw, self.plain, self.control, self.closed = s, rest, b"", [], None

    def settimeout(self, t):
        self.s.settimeout(t)

    def sendall(self, data):
        self.s.sendall(frame(data))

    def recv(self, n):
        while not self.plain:
            f = self.take()
            if f is None:
                part = self.s.recv(65536)
                if not part:
                    return b""
                self.raw += part
                continue
            opcode, payload = f
            if opcode in (0, 2):
                self.plain += payload
            elif opcode == 8:
                self.closed = struct.unpack(">H", payload[:2])[0] if payload else 0
                return b""
            else:
                self.control.append((opcode, payload))
        out, self.plain = self.plain[:n], self.plain[n:]
        return out

    def take(self):
        if len(self.raw) < 2:
            return None
        assert not self.raw[1] & 0x80, "a server does not mask"
        n, at = self.raw[1] & 0x7f, 2
        if n == 126:
            n, at = struct.unpack(">H", self.raw[2:4])[0] if len(self.raw) >= 4 else 1 << 40, 4
        elif n == 127:
            n, at = struct.unpack(">Q", self.raw[2:10])[0] if len(self.raw) >= 10 else 1 << 40, 10
        if len(self.raw) < at + n:
            return None
        opcode, payload = self.raw[0] & 15, self.raw[at:at + n]
        self.raw = self.raw[at + n:]
        return opcode, payload

    def shutdown(self, how):
        self.s.shutdown(how)

    def close(self):
        self.s.close()

    def fileno(self):
        return self.s.fileno()


class WsClient(mqtt_wire.Client):
    """An MQTT client of mqtt_wire over WebSocket."""

    def __init__(self, port, target, host, v=4, timeout=20, **kw):
        self.v, self.buffer, self.last_pid, self.messages = v, b"", 0, []
        s, rest, self.headers = open_socket(port, target, host, timeout=timeout, **kw)
        self.s = WsSocket(s, rest)
