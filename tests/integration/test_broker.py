"""src/broker against foreign MQTT clients: mosquitto's programs, paho, and packets written by hand here.

The program under test is tests/integration/programs/test_broker: plain TCP on loopback. What it allows is in its head comment.
"""

import queue
import socket
import struct
import subprocess
import time

import paho.mqtt.client as paho
import pytest
from mqtt_program import Broker, Lines
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


@pytest.fixture(params=["aws", "standard"])
def broker(request):
    b = Broker(request.param)
    yield b
    b.stop()


@pytest.fixture
def aws():
    b = Broker("aws")
    yield b
    b.stop()


@pytest.fixture
def standard():
    b = Broker("standard")
    yield b
    b.stop()


@pytest.fixture
def slow():
    b = Broker("aws", 50)
    yield b
    b.stop()


def pub(b, *args, version="mqttv311"):
    return subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(b.port), "-V", version, *args],
                          capture_output=True, text=True, timeout=10)


class Sub:
    """mosquitto_sub, ready once it has its SUBACK."""

    def __init__(self, b, *args, version="mqttv311"):
        self.p = subprocess.Popen(["stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(b.port), "-V", version, "-d",
                                   "-F", "GOT %t %q %r %p", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.out = Lines(self.p.stdout)
        self.lines = []
        while not any("Subscribed" in line for line in self.lines):
            self.lines.append(self.line())

    def line(self, timeout=5):
        return self.out.next(timeout)

    def got(self, timeout=5):
        while True:
            line = self.line(timeout)
            if line.startswith("GOT "):
                return line[4:]

    def stop(self):
        self.p.terminate()
        self.p.wait(5)


@pytest.fixture
def subs():
    made = []

    def make(*args, **kw):
        made.append(Sub(*args, **kw))
        return made[-1]

    yield make
    for s in made:
        s.stop()


# ---- mosquitto ----


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
@pytest.mark.parametrize("qos", ["0", "1"])
def test_mosquitto_publishes_and_receives(broker, subs, version, qos):
    s = subs(broker, "-i", "s", "-t", "a/+/c", "-q", qos, version=version)
    assert pub(broker, "-i", "p", "-t", "a/b/c", "-q", qos, "-m", "hello", version=version).returncode == 0
    assert s.got() == f"a/b/c {qos} 0 hello"


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_mosquitto_with_qos_2(standard, subs, version):
    s = subs(standard, "-i", "s", "-t", "a/#", "-q", "2", version=version)
    for n in range(20):
        assert pub(standard, "-i", "p", "-t", "a/b", "-q", "2", "-m", str(n), version=version).returncode == 0
    assert [s.got() for _ in range(20)] == [f"a/b 2 0 {n}" for n in range(20)]


def test_both_versions_meet(broker, subs):
    s4 = subs(broker, "-t", "x", version="mqttv311")
    s5 = subs(broker, "-t", "x", version="mqttv5")
    assert pub(broker, "-t", "x", "-m", "1", version="mqttv5").returncode == 0
    assert pub(broker, "-t", "x", "-m", "2", version="mqttv311").returncode == 0
    assert [s.got() for s in (s4, s5)] == ["x 0 0 1"] * 2
    assert [s.got() for s in (s4, s5)] == ["x 0 0 2"] * 2


def test_retained(broker, subs):
    assert pub(broker, "-t", "r/1", "-q", "1", "-r", "-m", "kept").returncode == 0
    assert subs(broker, "-t", "r/1", "-q", "1").got() == "r/1 1 1 kept"
    live = subs(broker, "-t", "r/#")
    if broker.profile == "standard":
        assert live.got() == "r/1 0 1 kept"
    assert pub(broker, "-t", "r/1", "-r", "-m", "new").returncode == 0
    assert live.got() == "r/1 0 0 new"  # a live copy is not marked; with the AWS profile also the first one
    assert pub(broker, "-t", "r/1", "-r", "-n").returncode == 0
    assert live.got() == "r/1 0 0"
    empty = subs(broker, "-t", "r/1")
    assert pub(broker, "-t", "r/1", "-m", "after").returncode == 0
    assert empty.got() == "r/1 0 0 after"


def test_will(broker, subs):
    s = subs(broker, "-t", "w")
    dying = subs(broker, "-i", "dying", "-t", "x", "--will-topic", "w", "--will-payload", "gone", "--will-qos", "1")
    dying.p.kill()
    assert s.got() == "w 0 0 gone"


def test_denials_3_1_1(aws, subs):
    refused = pub(aws, "-i", "intruder", "-t", "a", "-m", "x")
    assert refused.returncode != 0
    assert pub(aws, "-i", "p", "-t", "forbidden/x", "-q", "1", "-m", "x").returncode != 0  # closed, no PUBACK
    aws.wait_event("disconnected", "p", "AUTH_ERROR")
    denied = subprocess.run(["mosquitto_sub", "-p", str(aws.port), "-t", "forbidden/#", "-V", "mqttv311"], capture_output=True,
                            text=True, timeout=10)
    assert "denied" in denied.stdout + denied.stderr
    s = subs(aws, "-t", "#")
    assert pub(aws, "-t", "secret/x", "-q", "1", "-m", "x").returncode == 0
    assert pub(aws, "-t", "open", "-q", "1", "-m", "y").returncode == 0
    assert s.got() == "open 0 0 y"  # the secret one was left out


def test_denials_5(aws):
    refused = pub(aws, "-i", "intruder", "-t", "a", "-m", "x", version="mqttv5")
    assert refused.returncode == 0x87
    published = pub(aws, "-t", "forbidden", "-q", "1", "-m", "x", version="mqttv5")
    assert "Not authorized" in published.stdout + published.stderr


def test_answers_that_come_later(slow, subs):
    s = subs(slow, "-t", "a", "-t", "b", "-q", "1")
    assert pub(slow, "-t", "b", "-q", "1", "-m", "1").returncode == 0
    assert s.got() == "b 1 0 1"
    assert pub(slow, "-i", "intruder", "-t", "b", "-m", "1").returncode != 0


def test_persistent_session(broker, subs):
    first = subs(broker, "-i", "keeper", "-c", "-t", "k/#", "-q", "1")
    first.stop()
    broker.wait_event("disconnected", "keeper")
    for n in range(3):
        assert pub(broker, "-t", "k/x", "-q", "1", "-m", str(n)).returncode == 0
    again = Sub(broker, "-i", "keeper", "-c", "-t", "k/#", "-q", "1")
    try:
        got = [line for line in again.lines if line.startswith("GOT")]
        while len(got) < 3:
            got.append("GOT " + again.got())
        assert got == [f"GOT k/x 1 0 {n}" for n in range(3)]
    finally:
        again.stop()


def test_reserved_topic_is_answered(aws, subs):
    s = subs(aws, "-t", "$aws/things/t/shadow/get/accepted", "-t", "$aws/things/t/shadow/get")
    assert pub(aws, "-t", "$aws/things/t/shadow/get", "-q", "1", "-n").returncode == 0
    assert sorted([s.got(), s.got()]) == ["$aws/things/t/shadow/get 0 0", "$aws/things/t/shadow/get/accepted 0 0 seen"]
    assert pub(aws, "-i", "p", "-t", "$aws/nothing/here", "-q", "1", "-m", "x").returncode != 0


def test_revocation_cuts_at_once(aws, subs):
    s = subs(aws, "-i", "victim", "-t", "a")
    aws.say("revoke")
    aws.wait_event("disconnected", "victim", "AUTH_ERROR")
    assert "victim" in " ".join(s.lines)


# ---- paho ----


class Paho:
    def __init__(self, b, client_id, version=paho.MQTTv5, clean=True, **properties):
        kw = {} if version == paho.MQTTv5 else {"clean_session": clean}
        self.c = paho.Client(client_id, protocol=version, **kw)
        self.events = queue.Queue()
        v5 = version == paho.MQTTv5
        self.c.on_connect = lambda c, u, flags, rc, *p: self.events.put(("connect", rc if not v5 else rc.value, p[0] if p else None, flags))
        self.c.on_message = lambda c, u, m: self.events.put(("message", m.topic, m.payload, m))
        self.c.on_subscribe = lambda c, u, mid, codes, *p: self.events.put(("subscribe", [k if not v5 else k.value for k in codes]))
        self.c.on_disconnect = lambda c, u, rc, *p: self.events.put(("disconnect", getattr(rc, "value", rc)))
        args = {}
        if v5:
            props = Properties(PacketTypes.CONNECT)
            for name, value in properties.items():
                setattr(props, name, value)
            args = {"clean_start": clean, "properties": props}
        self.c.connect("127.0.0.1", b.port, 60, **args)
        self.c.loop_start()
        self.connack = self.next("connect")

    def next(self, kind, timeout=5):
        while True:
            event = self.events.get(timeout=timeout)
            if event[0] == kind:
                return event

    def stop(self):
        self.c.disconnect()
        self.c.loop_stop()


@pytest.fixture
def client():
    made = []

    def make(*args, **kw):
        made.append(Paho(*args, **kw))
        return made[-1]

    yield make
    for c in made:
        c.stop()


def test_paho_connack_properties(aws, client):
    props = client(aws, "").connack[2]
    assert props.AssignedClientIdentifier.startswith("auto-")
    assert (props.MaximumQoS, props.ReceiveMaximum, props.MaximumPacketSize, props.TopicAliasMaximum) == (1, 100, 149504, 8)
    assert (props.SubscriptionIdentifierAvailable, props.SharedSubscriptionAvailable) == (0, 1)


def test_paho_properties_travel(aws, client):
    a, b = client(aws, "a"), client(aws, "b")
    b.c.subscribe("t", 1)
    assert b.next("subscribe")[1] == [1]
    props = Properties(PacketTypes.PUBLISH)
    props.ContentType = "text/plain"
    props.ResponseTopic = "back"
    props.CorrelationData = b"\x00\x01"
    props.MessageExpiryInterval = 60
    props.UserProperty = [("k", "1"), ("k", "2")]
    props.TopicAlias = 3
    a.c.publish("t", b"x", 1, properties=props).wait_for_publish(5)
    m = b.next("message")[3]
    assert (m.properties.ContentType, m.properties.ResponseTopic, m.properties.CorrelationData) == ("text/plain", "back", b"\x00\x01")
    assert m.properties.UserProperty == [("k", "1"), ("k", "2")]
    assert 0 < m.properties.MessageExpiryInterval <= 60
    assert not hasattr(m.properties, "TopicAlias")


def test_paho_large_payloads_and_many(aws, client):
    a, b = client(aws, "a", paho.MQTTv311), client(aws, "b", paho.MQTTv311)
    b.c.subscribe("big", 1)
    b.next("subscribe")
    a.c.publish("big", b"\xa5" * 131072, 1).wait_for_publish(5)
    assert b.next("message")[2] == b"\xa5" * 131072
    infos = [a.c.publish("big", str(n), 1) for n in range(500)]
    for i in infos:
        i.wait_for_publish(5)
    assert [int(b.next("message")[2]) for _ in range(500)] == list(range(500))


def test_paho_takeover(aws, client):
    old = client(aws, "same")
    client(aws, "same")
    assert old.next("disconnect")
    aws.wait_event("disconnected", "same", "DUPLICATE_CLIENTID")
    old.c.loop_stop()


def test_paho_shared_subscription(broker, client):
    workers = [client(broker, f"w{n}") for n in range(2)]
    for w in workers:
        w.c.subscribe("$share/g/job/+", 1)
        w.next("subscribe")
    a = client(broker, "a")
    for n in range(10):
        a.c.publish("job/x", str(n), 1).wait_for_publish(5)
    got = [[int(w.next("message")[2]) for _ in range(5)] for w in workers]
    assert sorted(sum(got, [])) == list(range(10))  # each exactly once, in turn


@pytest.mark.parametrize("version", [paho.MQTTv311, paho.MQTTv5])
def test_paho_with_qos_2(standard, client, version):
    b = client(standard, "b", version)
    b.c.subscribe("q/#", 2)
    assert b.next("subscribe")[1] == [2]
    a = client(standard, "a", version)
    for i in [a.c.publish("q/x", str(n), 2) for n in range(200)]:
        i.wait_for_publish(20)
    got = [b.next("message")[3] for _ in range(200)]
    assert [int(m.payload) for m in got] == list(range(200)) and {m.qos for m in got} == {2}


def test_paho_session_present(broker, client):
    first = client(broker, "p", paho.MQTTv311, clean=False)
    assert first.connack[3]["session present"] == 0
    first.stop()
    again = client(broker, "p", paho.MQTTv311, clean=False)
    assert again.connack[3]["session present"] == 1
    again.stop()
    clean = client(broker, "p", paho.MQTTv311, clean=True)
    assert clean.connack[3]["session present"] == 0


# ---- by hand ----


def raw(b):
    s = socket.create_connection(("127.0.0.1", b.port), 5)
    s.settimeout(5)
    return s


def exactly(s, want):
    """These bytes come next."""
    got = b""
    while len(got) < len(want) and (more := s.recv(len(want) - len(got))):
        got += more
    assert got == want


def text(t):
    return struct.pack(">H", len(t)) + t


def connect(client_id=b"raw", keep_alive=60, flags=2, tail=b""):
    body = text(b"MQTT") + bytes([4, flags]) + struct.pack(">H", keep_alive) + text(client_id) + tail
    return bytes([0x10, len(body)]) + body


def connect5(client_id):
    body = text(b"MQTT") + b"\x05\x02\x00\x3c\x00" + text(client_id)
    return bytes([0x10, len(body)]) + body


def read_to_the_end(s):
    got = b""
    while chunk := s.recv(1000):
        got += chunk
    return got


@pytest.mark.parametrize("how,code", [("disconnect tenant", 0x98), ("revoke", 0x87), (None, 0x8E), ("quit", 0x8B)])
def test_version_5_is_told_why(aws, how, code):
    with raw(aws) as s, raw(aws) as other:
        s.sendall(connect5(b"tenant"))
        aws.wait_event("connected", "tenant")
        if how:
            aws.say(how)
        else:
            other.sendall(connect5(b"tenant"))
        assert read_to_the_end(s)[-3:] == bytes([0xE0, 0x01, code])


def test_byte_by_byte(aws):
    with raw(aws) as s:
        for byte in connect() + b"\x82\x06\x00\x01\x00\x01t\x00" + b"\x30\x04\x00\x01tx":
            s.sendall(bytes([byte]))
            time.sleep(0.002)
        want = b"\x20\x02\x00\x00" + b"\x90\x03\x00\x01\x00" + b"\x30\x04\x00\x01tx"
        got = b""
        while len(got) < len(want):
            got += s.recv(100)
        assert got == want


@pytest.mark.parametrize("bad", [
    b"GET / HTTP/1.1\r\n\r\n", b"\xc0\x00", b"\x00\x00", b"\x10\xff\xff\xff\xff\x01", b"\x10\xff\xff\xff\x7f",
    connect() + connect(), connect() + b"\x34\x05\x00\x01t\x00\x01", connect() + b"\x30\x03\x00\x01#",
    connect() + b"\x82\x06\x00\x01\x00\x01t\x02", connect() + b"\x20\x02\x00\x00", connect(client_id=b"$aws"),
    connect() + b"\x30\x14" + text(b"1/2/3/4/5/6/7/8/9+"), connect(client_id=b"x" * 100)[:-1] + b"\xff",
], ids=range(13))
def test_misuse_closes_the_connection(aws, bad):
    with raw(aws) as s:
        s.sendall(bad)
        got = b""
        while chunk := s.recv(100):
            got += chunk
        assert got in (b"", b"\x20\x02\x00\x00", b"\x20\x02\x00\x02")
    assert pub(aws, "-t", "still", "-m", "alive").returncode == 0


def test_unknown_protocol_level_gets_its_return_code(aws):
    with raw(aws) as s:
        s.sendall(b"\x10\x0d\x00\x04MQTT\x07\x02\x00\x3c\x00\x01c")
        assert s.recv(10) == b"\x20\x02\x00\x01"
        assert s.recv(10) == b""


def test_keep_alive_is_enforced(aws):
    with raw(aws) as s:
        s.sendall(connect(b"sleepy", keep_alive=1))
        assert s.recv(10) == b"\x20\x02\x00\x00"
        start = time.monotonic()
        assert s.recv(10) == b""
        assert 1.4 < time.monotonic() - start < 4
    aws.wait_event("disconnected", "sleepy", "MQTT_KEEP_ALIVE_TIMEOUT")


def test_redelivery_keeps_its_identifier(broker):
    with raw(broker) as s:
        s.sendall(connect(b"re", flags=0) + b"\x82\x06\x00\x01\x00\x01t\x01")
        exactly(s, b"\x20\x02\x00\x00\x90\x03\x00\x01\x01")
        assert pub(broker, "-t", "t", "-q", "1", "-m", "x").returncode == 0
        first = s.recv(100)
        assert first[0] == 0x32
    broker.wait_event("disconnected", "re")
    with raw(broker) as s:
        s.sendall(connect(b"re", flags=0))
        got = b""
        while len(got) < 4 + len(first):
            got += s.recv(100)
        assert got == b"\x20\x02\x01\x00" + bytes([0x3A]) + first[1:]  # DUP, the same packet identifier


def test_a_reader_that_stops_does_not_stop_the_others(aws, subs):
    with raw(aws) as lazy:
        lazy.sendall(connect(b"lazy") + b"\x82\x06\x00\x01\x00\x01t\x00")
        exactly(lazy, b"\x20\x02\x00\x00\x90\x03\x00\x01\x00")
        s = subs(aws, "-t", "t")
        with raw(aws) as p:
            p.sendall(connect(b"flood"))
            body = text(b"t") + b"y" * 60000
            packet = b"\x30" + bytes([len(body) & 127 | 128, len(body) >> 7 & 127 | 128, len(body) >> 14]) + body
            for _ in range(200):
                p.sendall(packet)
        assert len([s.got() for _ in range(20)]) == 20
        assert pub(aws, "-t", "t", "-m", "end").returncode == 0
