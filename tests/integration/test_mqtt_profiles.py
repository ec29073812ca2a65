"""The two profiles of the broker: where AWS IoT differs from the specification (iot-core.md 1.4, 1.5), and the limits as settings."""

import time

import pytest
from mqtt_program import Broker
from mqtt_wire import CONNACK, PUBACK, connect, disconnect, publish, subscribe, unsubscribe, will

both = pytest.mark.parametrize("v", [4, 5])


@pytest.fixture
def start():
    made = []

    def make(profile="aws", **kw):
        made.append(Broker(profile, **kw))
        return made[-1]

    yield make
    for b in made:
        b.stop()


def keep(v):
    return dict(clean=False, properties={"session_expiry": 600}) if v == 5 else dict(clean=False)


# ---- AWS ----

@both
def test_aws_has_no_qos_2(start, v):
    b = start()
    for bad in (publish(v, "t", b"", 2, 1), subscribe(v, 1, ("t", 2)), subscribe(v, 1, ("a", 0), ("t", 2))):
        c = b.client("c", v)
        c.send(bad)
        c.closed(0x9B)
    c = b.open(v)
    c.send(connect(v, "c", will=will("w", b"", 2)))
    assert c.expect(CONNACK).code == (0x9B if v == 5 else 3)
    c.closed(False)


def test_aws_connack(start):
    b = start()
    p = b.client("c", 5, keep_alive=60, properties={"session_expiry": 100000}).connack.props
    assert p == {"session_expiry": 3600, "receive_max": 100, "max_qos": 1, "retain_available": 1, "max_packet_size": 149504,
                 "topic_alias_max": 8, "wildcard_available": 1, "subscription_id_available": 0, "shared_available": 1}
    assert start("standard").client("c", 5, properties={"session_expiry": 100000}).connack.props["session_expiry"] == 100000


@pytest.mark.parametrize("asked,granted", [(0, 1200), (1, 30), (29, 30), (30, None), (1200, None), (1201, 1200), (65535, 1200)])
def test_aws_keep_alive(start, asked, granted):
    b = start(keep_alive_min_s=30)
    assert b.client("c", 5, keep_alive=asked).connack.props.get("server_keep_alive") == granted


@both
def test_aws_hash_is_below_the_parent(start, v):
    for profile, hits in (("aws", 2), ("standard", 3)):
        b = start(profile)
        c = b.client("c", v)
        c.subscribe(("sensor/#", 0))
        for t in ("sensor", "sensor/", "sensor/a"):
            c.publish(t, "x")
        c.payloads(hits)
        c.quiet()


@both
def test_aws_retained_messages_are_for_exact_filters(start, v):
    for profile, wild in (("aws", 0), ("standard", 2)):
        b = start(profile)
        p = b.client("p", v)
        for t in ("r/1", "r/2"):
            p.publish(t, "x", qos=1, retain=True)
        c = b.client("c", v)
        c.subscribe(("r/+", 1))
        c.payloads(wild)
        c.quiet()
        c.subscribe(("$share/g/r/1", 1))
        c.quiet()
        c.subscribe(("r/1", 1))
        c.receive(retain=1, topic="r/1")
    b = start("aws")
    c = b.client("c", v)
    c.send(publish(v, "$x/r", b"x", 1, 1, retain=True))
    c.closed(0x9A)


@both
def test_aws_reserved_topics_and_ids(start, v):
    b = start()
    c = b.client("c", v)
    c.send(publish(v, "$aws/nothing", b"x", 1, 1))
    c.closed(0x90)
    c = b.open(v)
    c.send(connect(v, "$c"))
    assert c.expect(CONNACK).code == (0x85 if v == 5 else 2)
    c = start("standard").client("$c", v)
    assert c.publish("$aws/nothing", "x", qos=1) == 0


@both
def test_aws_limits_of_names_and_packets(start, v):
    b = start()
    ok = b.client("i" * 128, v)
    assert ok.publish("t" * 256, "x" * 131072, qos=1) == 0
    assert ok.publish("/".join("12345678"), "x", qos=1) == 0
    assert len(ok.subscribe(*[(f"{n}", 0) for n in range(8)])) == 8
    assert ok.subscribe(("$share/" + "g" * 100 + "/" + "t" * 256, 0)) == [0]  # the prefix is not counted
    c = b.open(v)
    c.send(connect(v, "i" * 129))
    assert c.expect(CONNACK).code == (0x85 if v == 5 else 2)
    for bad, code in [(publish(v, "t" * 257), 0x90), (publish(v, "/".join("123456789")), 0x90), (publish(v, "t", b"x" * 131073), 0x95),
                      (publish(v, "t", b"x" * 149504), 0x95), (subscribe(v, 1, *[(f"{n}", 0) for n in range(9)]), 0x97)]:
        c = b.client("c", v)
        c.send(bad)
        c.closed(code)


@both
def test_aws_subscriptions_of_a_session(start, v):
    b = start()
    c = b.client("c", v)
    for n in range(0, 48, 8):
        assert c.subscribe(*[(f"{n + i}", 0) for i in range(8)]) == [0] * 8
    full = 0x97 if v == 5 else 0x80
    assert c.subscribe(("a", 0), ("b", 0), ("c", 0), ("0", 1)) == [0, 0, full, 1]


def test_aws_offers_no_subscription_identifiers(start):
    c = start().client("c", 5)
    c.send(subscribe(5, 1, ("t", 0), properties={"subscription_id": 1}))
    c.closed(0xA1)


def test_aws_topic_aliases_go_one_way(start):
    b = start()
    c = b.client("c", 5, properties={"topic_alias_max": 10})
    c.subscribe(("t", 0))
    c.publish("t", "x", properties={"topic_alias": 8})
    c.publish("", "y", properties={"topic_alias": 8})
    assert [(m.topic, m.props) for m in (c.receive(), c.receive())] == [("t", {})] * 2


def test_aws_message_expiry_is_capped(start):
    c = start().client("c", 5)
    c.subscribe(("t", 1))
    for asked, left in ((60, 60), (0xFFFFFFFF, 7 * 86400)):
        c.publish("t", "x", qos=1, properties={"message_expiry": asked})
        assert left - 2 <= c.receive().props["message_expiry"] <= left


@both
def test_aws_publish_rate(start, v):
    """What comes faster than the limit waits on the wire; nothing is lost, other packets are answered in their turn."""
    b = start(publishes_per_s=30)
    s, p = b.client("s"), b.client("p", v)
    s.subscribe(("t", 0))
    begin = time.monotonic()
    p.send(*[publish(v, "t", str(n), 1, 1 + n) for n in range(70)])  # over two seconds' worth
    assert [p.expect(PUBACK).pid for _ in range(70)] == list(range(1, 71))
    assert time.monotonic() - begin > 0.9
    assert s.payloads(70) == [str(n) for n in range(70)]
    p.quiet()


def test_aws_throughput(start):
    b = start(bytes_per_s=100000)
    s, p = b.client("s"), b.client("p")
    s.subscribe(("t", 0))
    begin = time.monotonic()
    p.send(*[publish(4, "t", b"x" * 50000) for _ in range(5)])
    s.payloads(5)
    assert time.monotonic() - begin > 0.9


@both
def test_aws_stored_messages_leave_slowly(start, v):
    b = start(stored_per_s=5)
    c = b.client("c", v, **keep(v))
    c.subscribe(("t", 1))
    c.leave()
    b.gone("c")
    p = b.client("p")
    for n in range(11):
        p.publish("t", str(n), qos=1)
    begin = time.monotonic()
    c = b.client("c", v, **keep(v))
    assert c.payloads(11) == [str(n) for n in range(11)]
    assert time.monotonic() - begin > 0.9


def test_aws_unacknowledged_messages_are_given_up(start):
    b = start(max_inflight_out=1)
    s, p = b.client("s"), b.client("p")
    s.subscribe(("t", 1))
    for n in "ab":
        p.publish("t", n, qos=1)
    assert s.receive(acknowledge=False).payload == b"a"
    s.quiet()
    for _ in range(3):  # an hour, in steps that keep the connections alive
        b.ahead(1100)
        p.quiet()
        s.quiet()
    b.ahead(1100)
    assert s.receive().payload == b"b"


# ---- both ----

def test_a_full_queue_and_a_full_window_survive_a_restart(start):
    """What is in flight waits again after a restart: more than the queue may take then, and nothing of it is lost."""
    b = start("standard", max_queued=5, max_inflight_out=3)
    c = b.client("c", 5, **keep(5))
    c.subscribe(("t", 2))
    p = b.client("p")
    for n in range(10):
        p.publish("t", str(n), qos=1 + n % 2)
    for _ in range(3):
        c.receive(acknowledge=False)
    assert b.stats()["queued"] == 8
    b.restart()
    c = b.client("c", 5, **keep(5))
    assert c.payloads(8) == [str(n) for n in range(8)]
    c.quiet()



@pytest.mark.parametrize("profile", ["aws", "standard"])
def test_request_and_response(start, profile):
    b = start(profile)
    server, asker = b.client("server", 5), b.client("asker", 5)
    asker.subscribe(("answers/asker", 1))
    server.subscribe(("questions", 1))
    asker.publish("questions", "6*7", qos=1, properties={"response_topic": "answers/asker", "correlation_data": b"#1"})
    q = server.receive()
    server.publish(q.props["response_topic"], "42", qos=1, properties={"correlation_data": q.props["correlation_data"]})
    a = asker.receive(topic="answers/asker")
    assert (a.payload, a.props) == (b"42", {"correlation_data": b"#1"})


@pytest.mark.parametrize("profile", ["aws", "standard"])
def test_drain(start, profile):
    """Nobody is let in, everybody is told 0x8B, no Will is sent, sessions stay."""
    b = start(profile)
    s = b.client("s", 5, clean=False, properties={"session_expiry": 600})
    s.subscribe(("#", 1))
    old = b.client("old", 4, will=will("w", b"gone", 1))
    new = b.client("new", 5, will=will("w", b"gone", 1))
    waiting = b.open()
    b.say("drain")
    for c in (new, s):
        c.closed(0x8B)
    old.closed()
    waiting.closed()
    late = b.open()
    late.closed()
    b.restart()
    again = b.client("s", 5, clean=False, properties={"session_expiry": 600})
    assert again.connack.session == 1
    b.client("p", 5).publish("t", "x", qos=1)
    assert again.receive().topic == "t"  # subscribed still, and no Will before it


def test_versions_meet(start):
    b = start("standard")
    old, new = b.client("old", 4), b.client("new", 5, properties={"topic_alias_max": 5})
    for c in (old, new):
        c.subscribe(("t/#", 2))
    for c, qos in ((old, 0), (new, 1), (old, 2), (new, 2)):
        c.publish("t/x", "x", qos=qos, **({"properties": {"user": ("k", "v")}} if c.v == 5 else {}))
        got = old.receive(qos=qos), new.receive(qos=qos)
        assert [m.payload for m in got] == [b"x", b"x"]
        assert got[1].props.get("user") == ([("k", "v")] if c.v == 5 else None)


def test_takeover_across_versions(start):
    b = start("standard")
    old = b.client("c", 4, clean=False)
    old.subscribe(("t", 2))
    b.client("p").publish("t", "x", qos=2)
    m = old.receive(acknowledge=False)
    new = b.client("c", 5, clean=False, properties={"session_expiry": 60})
    old.closed()
    assert new.connack.session == 1
    again = new.receive(dup=1)
    assert (again.pid, again.payload) == (m.pid, b"x")
    assert new.unsubscribe("t") == [0]
    new.send(disconnect(5), unsubscribe(5, 9, "t"))
    new.closed(False)


@both
def test_aws_limits_connects_per_second(start, v):
    b = start(connects_per_s=3)
    for i in range(3):
        b.client(f"c{i}", v)
    c = b.open(v)
    assert c.connect("late").code == (0x9F if v == 5 else 3)
    c.closed(False)
    b.ahead(1)  # the next second
    b.client("late", v).quiet()
    unlimited = start("standard")
    for i in range(10):
        unlimited.client(f"c{i}", v)
