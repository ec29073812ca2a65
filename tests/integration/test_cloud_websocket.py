"""MQTT over WebSocket on the control port: SigV4 URLs, frames good and bad, what the holder of a key may do."""

import configparser
import datetime
import json
import queue
import struct
import subprocess
import time
import urllib.parse

import mqtt_wire
import paho.mqtt.client
import pytest
from cloud import OPEN_POLICY, Cloud
from conftest import BIN, Processes
from mqtt_device import DeviceClient
from mqtt_wire import must
from ws_wire import Refused, WsClient, WsSocket, frame, open_socket, sign


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    procs = Processes(tmp_path_factory.mktemp("p"))
    yield Cloud(procs, tmp_path_factory.mktemp("c"))
    procs.stop_all()


def port(cloud):
    return urllib.parse.urlsplit(cloud.api).port


def host(cloud):
    return f"127.0.0.1:{port(cloud)}"


def client(cloud, v=4, keys=None, signed_host=None, sign_with={}, **kw):
    target = sign(keys or cloud.keys(), signed_host or host(cloud), **sign_with)
    return WsClient(port(cloud), target, host(cloud), v=v, **kw)


@pytest.mark.parametrize("v", [4, 5])
def test_a_session(cloud, v):
    """The whole of it in both versions; the events name the key and the address."""
    e = client(cloud)
    e.connect("events")
    e.subscribe(("$aws/events/presence/+/ws", 1))
    c = client(cloud, v)
    assert c.headers["sec-websocket-protocol"] == "mqtt"
    c.connect("ws")
    assert c.subscribe(("a/#", 1)) == [1]
    c.publish("a/b", b"x" * 100000, 1)
    assert c.receive().payload == b"x" * 100000
    c.leave()
    for kind in ("connected", "disconnected"):
        m = json.loads(e.receive().payload)
        assert (m["eventType"], m["principalIdentifier"]) == (kind, cloud.keys()["aws_access_key_id"])
    assert m["disconnectReason"] == "CLIENT_INITIATED_DISCONNECT"


@pytest.mark.parametrize("how", [{}, {"expires": 60}, {"expires": 86400}, {"service": "iotdata"}])
def test_signed_urls(cloud, how):
    client(cloud, sign_with=how).connect("ws")


def test_the_host_may_be_signed_without_its_port(cloud):
    client(cloud, signed_host="127.0.0.1").connect("ws")


NOW = datetime.datetime.now(datetime.timezone.utc)


@pytest.mark.parametrize("how", [
    {"service": "execute-api"}, {"service": "s3"}, {"now": NOW - datetime.timedelta(hours=1), "expires": 60},
    {"now": NOW + datetime.timedelta(hours=1)}, {"expires": 700000}, {"expires": -1}, {"token": "temporary"},
    {"token": "temporary", "token_signed": True}])
def test_urls_that_are_not_good(cloud, how):
    with pytest.raises(Refused) as e:
        client(cloud, sign_with=how)
    assert e.value.status == 403


def alter(target, name, value):
    path, query = target.split("?")
    return path + "?" + "&".join(f"{name}={value}" if p.startswith(name + "=") else p for p in query.split("&"))


@pytest.mark.parametrize("name, value", [("X-Amz-Signature", "0" * 64), ("X-Amz-Signature", "x"), ("X-Amz-Date", "20200101T000000Z"),
                                         ("X-Amz-SignedHeaders", "date"), ("X-Amz-Algorithm", "none")])
def test_a_url_altered(cloud, name, value):
    """Control for the signed ones."""
    with pytest.raises(Refused) as e:
        WsClient(port(cloud), alter(sign(cloud.keys(), host(cloud)), name, value), host(cloud))
    assert e.value.status in (400, 403)


@pytest.mark.parametrize("target", ["/mqtt", "/mqtt?X-Amz-Signature=0"])
def test_no_signature(cloud, target):
    with pytest.raises(Refused) as e:
        WsClient(port(cloud), target, host(cloud))
    assert e.value.status == 403


def test_another_host_than_the_one_signed(cloud):
    with pytest.raises(Refused) as e:
        client(cloud, signed_host="example.com")
    assert e.value.status == 403
    with pytest.raises(Refused):
        WsClient(port(cloud), sign(cloud.keys(), host(cloud)), "127.0.0.1")  # without the port: not what the header says


def test_a_wrong_key(cloud):
    for keys in ({**cloud.keys(), "aws_secret_access_key": "x" * 40}, {**cloud.keys(), "aws_access_key_id": "AKIANOBODY0000000000"}):
        with pytest.raises(Refused) as e:
            client(cloud, keys=keys)
        assert e.value.status == 403


@pytest.mark.parametrize("kw, status", [
    ({"without": ("Upgrade",)}, 400), ({"without": ("Connection",)}, 400), ({"without": ("Sec-WebSocket-Key",)}, 400),
    ({"key": "short"}, 400), ({"key": "x" * 24}, 400), ({"version": "8"}, 426), ({"without": ("Sec-WebSocket-Version",)}, 426),
    ({"protocol": "chat"}, 400), ({"without": ("Sec-WebSocket-Protocol",)}, 400), ({"protocol": "MQTT"}, 400),
    ({"more": ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",)}, 400), ({"more": ("Content-Length: 1",)}, 408)])
def test_handshakes_that_are_none(cloud, kw, status):
    if status == 408:
        kw, status = {"more": ("Content-Length: 1", "", "x")}, 400
    with pytest.raises(Refused) as e:
        client(cloud, **kw)
    assert e.value.status == status
    if status == 426:
        assert "sec-websocket-version: 13" in e.value.head.lower()


@must(v4="6.0.0-4", v5="6.0.0-4")
def test_the_protocol_that_was_chosen(cloud):
    """The first of ours that the client offers; older clients call it mqttv3.1."""
    assert client(cloud, protocol="chat, mqtt").headers["sec-websocket-protocol"] == "mqtt"
    assert client(cloud, protocol="mqttv3.1,mqtt").headers["sec-websocket-protocol"] == "mqtt"
    assert client(cloud, protocol="mqttv3.1").headers["sec-websocket-protocol"] == "mqttv3.1"


def raw(cloud):
    s, rest, _ = open_socket(port(cloud), sign(cloud.keys(), host(cloud)), host(cloud))
    return WsSocket(s, rest)


CONNECT = mqtt_wire.connect(4, "raw")
CONNACK = b"\x20\x02\x00\x00"


@must(v4="6.0.0-2", v5="6.0.0-2")
@pytest.mark.parametrize("frames", [
    [frame(CONNECT + b"\xc0\x00")],
    [frame(bytes([b])) for b in CONNECT + b"\xc0\x00"],
    [frame(CONNECT[:5], fin=False), frame(CONNECT[5:9], opcode=0, fin=False), frame(CONNECT[9:], opcode=0), frame(b"\xc0\x00")],
    [frame(CONNECT[:3], fin=False), frame(b"ping", opcode=9), frame(CONNECT[3:], opcode=0), frame(b""), frame(b"\xc0\x00")],
    [frame(CONNECT + b"\xc0\x00", mask=b"\x00\x00\x00\x00")],
    [frame(CONNECT), frame(b"ignored", opcode=10), frame(b"\xc0\x00")],
])
def test_packets_and_frames_are_not_aligned(cloud, frames):
    """Also byte by byte over the wire."""
    for pieces in ([b"".join(frames)], [bytes([b]) for b in b"".join(frames)]):
        w = raw(cloud)
        for p in pieces:
            w.s.sendall(p)
        got = b""
        while len(got) < 6:
            got += w.recv(100)
        assert got == CONNACK + b"\xd0\x00"
        w.close()


def test_ping(cloud):
    w = raw(cloud)
    w.s.sendall(frame(b"hello", opcode=9) + frame(b"x" * 125, opcode=9) + frame(CONNECT))
    assert w.recv(4) == CONNACK
    assert w.control == [(10, b"hello"), (10, b"x" * 125)]


def ends(w):
    """The code of the close frame, and then the end of the connection."""
    while w.closed is None:
        if not w.recv(100) and w.closed is None:
            return None
    assert w.s.recv(100) == b""
    return w.closed


@must(v4="6.0.0-1", v5="6.0.0-1")
def test_a_text_frame_closes(cloud):
    w = raw(cloud)
    w.s.sendall(frame(CONNECT, opcode=1))
    assert ends(w) == 1003


@pytest.mark.parametrize("data, code", [
    (frame(CONNECT, mask=b""), 1002), (frame(CONNECT, rsv=4), 1002), (frame(CONNECT, rsv=1), 1002), (frame(CONNECT, opcode=3), 1002),
    (frame(CONNECT, opcode=11), 1002), (frame(CONNECT, opcode=0), 1002), (frame(b"", fin=False) + frame(CONNECT), 1002),
    (frame(b"x" * 126, opcode=9), 1002), (frame(b"", opcode=9, fin=False), 1002), (frame(b"x", opcode=8), 1002),
    (frame(struct.pack(">H", 999), opcode=8), 1002), (frame(struct.pack(">H", 1005), opcode=8), 1002),
    (frame(struct.pack(">H", 1000) + b"\xff", opcode=8), 1007), (frame(b"x", length=(1 << 20) + 1), 1009),
    (frame(b"x", length=(1 << 62)), 1009), (frame(b"x", length=(1 << 63)), 1002),
    (frame(b"", opcode=8), 1000), (frame(struct.pack(">H", 1001) + b"bye", opcode=8), 1001),
    (frame(struct.pack(">H", 4000), opcode=8), 4000)])
def test_frames_that_end_it(cloud, data, code):
    """Before CONNECT and after; nobody else is touched."""
    for first in (b"", frame(CONNECT)):
        w = raw(cloud)
        w.s.sendall(first + data)
        assert ends(w) == code


def test_what_is_no_mqtt(cloud):
    w = raw(cloud)
    w.s.sendall(frame(b"\xff" * 100))
    assert ends(w) == 1000


def test_a_closed_websocket_is_a_goodbye(cloud):
    """Profile aws: no Will, CLIENT_INITIATED_DISCONNECT (reference 1.8); a cut connection is lost, as everywhere."""
    e = client(cloud)
    e.connect("events2")
    e.subscribe(("$aws/events/presence/disconnected/ws2", 1), ("will", 1))
    for end, reason, will in ((frame(struct.pack(">H", 1000), opcode=8), "CLIENT_INITIATED_DISCONNECT", False),
                              (None, "CONNECTION_LOST", True)):
        c = client(cloud)
        c.connect("ws2", will=mqtt_wire.will("will", b"w"))
        if end:
            c.s.s.sendall(end)
        else:
            c.s.s.setsockopt(1, 13, struct.pack("ii", 1, 0))
            c.s.s.close()
        assert json.loads(e.receive().payload)["disconnectReason"] == reason
        if will:
            assert e.receive().payload == b"w"


def test_pages_of_any_origin(cloud):
    """A signature lets them in, nothing that a browser sends by itself does."""
    client(cloud, more=("Origin: https://example.com",)).connect("page")
    with pytest.raises(Refused) as e:
        WsClient(port(cloud), "/mqtt", host(cloud), more=("Origin: https://example.com", "Cookie: a=b"))
    assert e.value.status == 403


def test_insecure_dev(procs, tmp_path):
    """Any key, from programs; none from pages."""
    c = Cloud(procs, tmp_path, "--insecure-dev")
    nobody = {"aws_access_key_id": "anybody", "aws_secret_access_key": "x"}
    client(c, keys=nobody).connect("dev")
    for more in (("Origin: http://localhost",), ("Sec-Fetch-Site: cross-site",)):
        with pytest.raises(Refused) as e:
            client(c, keys=nobody, more=more)
        assert e.value.status == 403


def test_paho(cloud):
    """Debian's python3-paho-mqtt, whose host header has the port."""
    c = paho.mqtt.client.Client("paho", transport="websockets")
    c.ws_set_options(path=sign(cloud.keys(), host(cloud)))
    came = queue.Queue()
    c.on_connect = lambda *_: c.subscribe("paho/#", 1)
    c.on_subscribe = lambda *_: c.publish("paho/t", b"x" * 70000, 1)
    c.on_message = lambda _, __, m: came.put((m.topic, m.payload))
    c.connect("127.0.0.1", port(cloud))
    c.loop_start()
    try:
        assert came.get(timeout=20) == ("paho/t", b"x" * 70000)
    finally:
        c.disconnect()
        c.loop_stop()


def test_a_key_that_is_deleted_cuts_its_websocket(cloud):
    """Control: another key's connection, and that of the administrator, go on."""
    made = {}
    for name in ("gone", "stays"):
        out = subprocess.run([BIN / "sedge-cloud", "keys", "create", "--data", cloud.data], capture_output=True, text=True, timeout=20, check=True).stdout
        c = configparser.ConfigParser()
        c.read_string(out)
        made[name] = dict(c["default"])
    open_ones = {name: client(cloud, 5, keys) for name, keys in (*made.items(), ("admin", cloud.keys()))}
    for name, c in open_ones.items():
        c.connect(name)
    subprocess.run([BIN / "sedge-cloud", "keys", "delete", "--data", cloud.data, made["gone"]["aws_access_key_id"]], timeout=20, check=True)
    open_ones.pop("gone").closed(0x98)
    assert f"its access key {made['gone']['aws_access_key_id']} was deleted" in cloud.log()
    for c in open_ones.values():
        assert c.publish("a", b"x", 1) == 0


def test_the_life_of_a_websocket(procs, tmp_path):
    """24 hours; --limit websocket_s makes it short. The event says why; the Will is published."""
    c = Cloud(procs, tmp_path, "--limit", "websocket_s=2")
    begin = time.monotonic()
    watcher = DeviceClient(c.device("watcher", policy=OPEN_POLICY))
    watcher.subscribe(("$aws/events/presence/disconnected/ws", 1), ("will", 1))
    ws = client(c, 5)
    ws.connect("ws", will=mqtt_wire.will("will", b'{"gone": 1}'))
    ws.closed(0xA0)
    assert time.monotonic() - begin > 1.5
    told = dict(watcher.topic_and_json() for _ in range(2))
    assert told["will"] == {"gone": 1}
    assert told["$aws/events/presence/disconnected/ws"]["disconnectReason"] == "WEBSOCKET_TTL_EXPIRATION"
