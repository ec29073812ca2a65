"""What has brought brokers down or let strangers in: one regression test for each class of published fault.

Bare broker on loopback; the foreign half is tests/integration/mqtt_wire.py. Each test ends by showing that others were not touched.
"""

import os
import pathlib
import time

import pytest
from mqtt_program import Broker
from mqtt_wire import (CONNACK, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, Closed, ack, connect, disconnect, packet, prop, props,
                       publish, subscribe, text, u16, varint, will)

both = pytest.mark.parametrize("v", [4, 5])


@pytest.fixture(params=["standard", "aws"])
def profile(request):
    return request.param


@pytest.fixture
def b(request, profile):
    broker = Broker(profile, **getattr(request, "param", {}))
    witness, teller = broker.client("witness"), broker.client("teller")
    witness.subscribe(("alive", 1))
    yield broker
    teller.publish("alive", "yes", qos=1)
    assert witness.receive().payload == b"yes"
    witness.quiet()
    broker.stop()


def limits(**kw):
    return pytest.mark.parametrize("b", [kw], indirect=True, ids=["-".join(kw)])


def rss(b):
    """Resident bytes of the broker."""
    return int(pathlib.Path(f"/proc/{b.p.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# ---- memory before authentication ----

@both
def test_length_bombs_before_connect(b, v):
    """A length is met before its bytes are: 256 MB announced, nothing kept, no answer."""
    before = rss(b)
    for _ in range(50):
        c = b.open(v)
        c.send(b"\x10\xff\xff\xff\x7f" + text("MQTT"))
        c.closed(False)
    c = b.open(v)
    c.send(b"\x10\xff\xff\xff\xff\x01")
    c.closed(False)
    assert rss(b) - before < 4 << 20


@limits(max_connect=20000)
def test_strangers_hold_little(b):
    """A hundred of them, each as much of a CONNECT as is taken, none ever complete."""
    before = rss(b)
    body = connect(4, "c", will=will("w", b"x" * 19000))
    for _ in range(100):
        c = b.open()
        c.send(body[:-1])
    assert rss(b) - before < 100 * 80000
    c = b.open()
    c.send(connect(4, "c", will=will("w", b"x" * 21000)))
    c.closed(False)
    c = b.open()
    c.send(body)
    c.expect(CONNACK, code=0)


@limits(max_new=10)
def test_the_oldest_stranger_makes_room(b):
    strangers = [b.open() for _ in range(10)]
    newcomer = b.client("newcomer")  # the eleventh: the first has to go
    strangers[0].closed(False)
    newcomer.quiet()
    for c in strangers[1:]:
        assert c.connect(f"s{c.s.fileno()}").code == 0  # the others had time enough
        c.quiet()


@limits(connect_timeout_s=5)
def test_silence_has_a_deadline(b):
    quiet, slow = b.open(), b.open()
    slow.send(b"\x10")
    b.ahead(6)
    quiet.closed(False)
    slow.closed(False)


# ---- rights that must not be got around ----

def test_retained_messages_meet_the_right_to_receive(b):
    p = b.client("p")
    p.publish("secret/r", "x", qos=1, retain=True)
    p.publish("open/r", "y", qos=1, retain=True)
    s = b.client("s")
    s.subscribe(("secret/r", 1), ("open/r", 1), ("#", 1), ("+/r", 1))
    p.publish("end", "end", qos=1)
    topics = []
    while (m := s.receive()).topic != "end":
        topics.append(m.topic)
    assert set(topics) == {"open/r"}
    s.quiet()


@both
def test_forbidden_topics_by_every_way_in(b, v):
    """Wildcards, shared prefixes and aliases lead to no more than the plain name does."""
    s, p = b.client("s", v), b.client("p", v)
    denied = 0x87 if v == 5 else 0x80
    assert s.subscribe(("forbidden", 0), ("forbidden/#", 0), ("forbidden/+", 0))[:3] == [denied] * 3
    s.subscribe(("#", 1), ("+/x", 1), ("$share/g/#", 1))
    p.publish("secret/x", "no", qos=1)  # a wider subscription does not make it receivable
    s.quiet()
    if v == 5:
        p.send(publish(5, "forbidden/x", b"x", 1, 5, properties={"topic_alias": 1}))
        p.expect(PUBACK, code=0x87)
        p.send(publish(5, "", b"x", 1, 6, properties={"topic_alias": 1}))
        p.expect(PUBACK, code=0x87)
    s.quiet()


@both
def test_will_topics_are_asked_for(b, v):
    s = b.client("s")
    s.subscribe(("#", 1))
    c = b.open(v)
    c.send(connect(v, "c", will=will("forbidden/w", b"x", 1)))
    try:
        assert c.expect(CONNACK).code in (5, 0x87)
    except Closed:
        assert (b.profile, v) == ("aws", 4)
    for topic in ("a/#", "+", "", "\0", "$share/g/#"):
        c = b.open(v)
        c.send(connect(v, "c", will=will(topic, b"x", 1)))
        c.closed(False)
    s.quiet()


@both
def test_shared_prefixes(b, v):
    """What is no well-formed shared subscription is not made one. (That the right is asked for the whole string: meson:broker-subscribe.)"""
    for f in ("$share//forbidden", "$share/+/x", "$share/#", "$share/g", "$share/", "$share/g/"):
        c = b.client("c", v)
        c.send(subscribe(v, 1, (f, 0)))
        if v == 5:
            c.expect(SUBACK, codes=[0x8F])
        else:
            c.closed()
    c = b.client("c", v)
    assert c.subscribe(("$SHARE/g/t", 0), ("$shared/g/t", 0), ("$share", 0)) == [0, 0, 0]  # plain topics
    c.publish("g/t", "x")
    c.publish("t", "x")
    c.quiet()


@both
def test_empty_filters(b, v):
    for raw in (subscribe(v, 1, ("", 0)), subscribe(v, 1, ("t", 0), ("", 1))):
        c = b.client("c", v)
        c.send(raw)
        c.closed(0x81)


# ---- UTF-8 ----

TRICKS = [b"forbidden\xc0\xaf", b"\xe0\x80\xaf", b"f\xc1\xafrbidden", b"\xed\xa0\x80\xed\xb0\x80", b"\xf8\x88\x80\x80\x80", b"\xff\xfe", b"a\x00b",
          b"\xf4\x90\x80\x80", b"\x80", b"\xc3"]


@both
def test_utf8_tricks(b, v):
    for trick in TRICKS:
        for raw in (publish(v, trick), subscribe(v, 1, (trick, 0))):
            c = b.client("c", v)
            c.send(raw)
            c.closed(0x81)
        c = b.open(v)
        c.send(connect(v, trick))
        c.closed(False)
    c = b.client("c", v)
    for good in ("\u00a0", "\U0010ffff", "\x01", "\u202eforbidden", "\uff26orbidden"):  # odd, but characters
        c.subscribe((good, 0))
        c.publish(good, "x")
        assert c.receive().topic == good


# ---- QoS 2 ----

@both
def test_qos_2_identifiers_do_not_leak(v):
    """Identifiers that are never released are bounded, survive nothing they should not, and end with the session."""
    b = Broker("standard", max_inflight_in=10, max_received=20)
    try:
        c = b.client("c", v)
        c.send(*[publish(v, "t", b"", 2, n) for n in range(1, 11)])
        assert [c.expect(PUBREC).pid for _ in range(10)] == list(range(1, 11))
        if v == 5:
            c.send(publish(v, "t", b"", 2, 11))
            c.closed(0x93)
        else:  # 3.1.1 knows no Receive Maximum: more is taken, but not without end
            c.send(*[publish(v, "t", b"", 2, n) for n in range(11, 21)])
            assert [c.expect(PUBREC).pid for _ in range(10)] == list(range(11, 21))
            c.send(publish(v, "t", b"", 2, 21))
            c.closed()
        c = b.client("c", v)
        s = b.client("s", v)
        s.subscribe(("t", 2))
        assert c.publish("t", "fresh", qos=2) == 0  # a new session: no identifier is taken
        c.send(publish(v, "t", b"same", 2, 1))
        c.expect(PUBREC, pid=1)
        for _ in range(3):
            c.send(ack(v, PUBREL, 1), ack(v, PUBREL, 77))
            assert [c.expect(PUBCOMP).pid for _ in range(2)] == [1, 77]
        assert s.payloads(2) == ["fresh", "same"]
        s.quiet()
    finally:
        b.stop()


# ---- topic aliases ----

def test_topic_alias_abuse(b):
    most = 8
    for bad in (publish(5, "t", properties={"topic_alias": 0}), publish(5, "t", properties={"topic_alias": most + 1}),
                publish(5, "", properties={"topic_alias": 1})):
        c = b.client("c", 5)
        c.send(bad)
        c.closed(0x94)
    c = b.client("c", 5)
    c.send(publish(5, "t", properties=prop("topic_alias", 1) * 2))
    c.closed(0x82)
    c = b.client("c", 5)
    before = rss(b)
    for n in range(3000):  # one alias, renamed again and again: the old names are let go
        c.send(publish(5, f"{n:0200}", properties={"topic_alias": 1 + n % most}))
    c.quiet()
    assert rss(b) - before < 4 << 20


# ---- thousands of levels, thousands of properties ----

@both
def test_thousands_of_levels(b, v):
    deep = "/" * 30000
    c = b.client("c", v)
    c.send(publish(v, deep))
    c.closed(0x90)
    c = b.client("c", v)
    c.send(subscribe(v, 1, (deep + "#", 0)))
    if v == 5:
        c.expect(SUBACK, codes=[0x8F])
    else:
        c.closed()


@both
def test_many_wildcards_on_one_path(b, v):
    """Every mixture of + and a name on eight levels: what matches is many, what is looked at no more."""
    c = b.client("c", v)
    subs = ["/".join("+" if n >> i & 1 else "x" for i in range(8)) for n in range(48)]
    for i in range(0, len(subs), 8):
        assert c.subscribe(*[(f, 0) for f in subs[i:i + 8]]) == [0] * 8
    start = time.monotonic()
    for _ in range(100):
        c.publish("/".join("x" * 8), "x")
    assert len(c.payloads(100)) == 100  # one copy each
    assert time.monotonic() - start < 20


def test_property_floods(b):
    c = b.client("c", 5)
    many = [("user", ("a", "b"))] * 2000
    s = b.client("s", 5)
    s.subscribe(("t", 0))
    c.publish("t", "x", properties=many)
    assert len(s.receive().props["user"]) == 2000
    c.send(packet(PUBLISH, 0, text("t"), varint(200), b"\x26"))  # a block that ends nowhere
    c.closed(0x81)


# ---- length bombs after CONNECT ----

@both
def test_length_bombs(b, v):
    before = rss(b)
    for raw, code in [(b"\x30\xff\xff\xff\x7f", 0x95), (b"\x82\xff\xff\xff\x7f", 0x95), (b"\x30\xff\xff\xff\xff", 0x81),
                      (packet(PUBLISH, 0, b"\xff\xff", b"t"), 0x81), (packet(8, 2, u16(1), (props(()) if v == 5 else b"") + b"\xff\xfft"), 0x81)]:
        c = b.client("c", v)
        c.send(raw)
        c.closed(code)
    assert rss(b) - before < 4 << 20


@limits(max_queued=100, max_queued_bytes=1000000)
@both
def test_a_queue_nobody_reads_is_bounded(b, v):
    c = b.client("away", v, clean=False, **(dict(properties={"session_expiry": 600}) if v == 5 else {}))
    c.subscribe(("t", 1))
    c.leave()
    b.gone("away")
    p = b.client("p", v)
    before = rss(b)
    for _ in range(400):
        p.publish("t", "x" * 20000, qos=1)
    st = b.stats()
    assert st["queued"] <= 100 and st["queued"] * 20000 <= 1000000 and st["dropped"] >= 300
    assert rss(b) - before < 30 << 20  # the broker's own copies, and those of its journal in memory


@both
def test_acknowledging_all_but_one_does_not_grow(b, v):
    """The client leaves its first message unacknowledged for ever."""
    s, p = b.client("s", v), b.client("p", v)
    s.subscribe(("t", 1))
    p.publish("t", "first", qos=1)
    s.receive(acknowledge=False)
    for round in range(3):
        for n in range(300):
            p.publish("t", str(n), qos=1)
            s.receive(payload=str(n).encode())
        if round == 0:
            before = rss(b)
    assert rss(b) - before < 1 << 20
    assert b.stats()["queued"] == 1


# ---- anything at all ----

@both
def test_noise(b, v, rng):
    """Random and mutated packets from a client that is connected: an end or an answer, and nobody else is touched."""
    good = [publish(v, "t", b"x", 1, 1), subscribe(v, 2, ("a/+", 0)), ack(v, PUBREL, 3), ack(v, PUBACK, 4), disconnect(v), connect(v, "n")]
    for _ in range(150):
        raw = bytearray(rng.choice(good) * 2)
        for _ in range(rng.randint(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        c = b.client("noise", v)
        c.send(bytes(raw))
        c.s.shutdown(1)
        try:
            while c.get():
                pass
        except Closed:
            pass
        c.s.close()
