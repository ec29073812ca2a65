"""The numbered statements of MQTT 3.1.1 and 5.0 that a server can break, one packet at a time.

Encoder and decoder are tests/integration/mqtt_wire.py, independent of src/mqtt; the server is the bare broker on loopback, in the
`standard` profile unless a test says otherwise. @must names what each test proves; tools/mqtt-must prints the whole list.
"""

import pytest
from mqtt_program import Broker
from mqtt_wire import (AUTH, CONNACK, CONNECT, DISCONNECT, PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, SUBSCRIBE,
                       UNSUBACK, UNSUBSCRIBE, Closed, ack, connect, disconnect, must, packet, props, publish, subscribe, text, u16,
                       unsubscribe, will)

both = pytest.mark.parametrize("v", [4, 5])
NO_LOCAL, AS_PUBLISHED, RETAIN_IF_NEW, RETAIN_NEVER = 4, 8, 0x10, 0x20


@pytest.fixture
def b(request):
    broker = Broker("standard", **getattr(request, "param", {}))
    yield broker
    broker.stop()


def limits(**kw):
    return pytest.mark.parametrize("b", [kw], indirect=True, ids=["-".join(kw)])


def keep(v, seconds=3600):
    """Arguments of a CONNECT whose session stays."""
    return dict(clean=False, properties={"session_expiry": seconds}) if v == 5 else dict(clean=False)


def connack_of(b, raw, v):
    """What a CONNECT is answered, with the end of the connection: (code or None)."""
    with b.open(v) as c:
        c.send(raw)
        try:
            code = c.expect(CONNACK, session=0).code
        except Closed:
            return None
        c.closed(False)
        return code


# ---- 1: data ----

ILL_FORMED = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"a\0b"]


@must(v4="1.5.3-1 1.5.3-2 3.1.3-4 3.1.3-10 3.1.3-11 3.3.2-1 3.8.3-1 3.10.3-1 4.7.3-2 3.1.4-1",
      v5="1.5.4-1 1.5.4-2 3.1.3-4 3.1.3-11 3.1.3-12 3.3.2-1 3.8.3-1 3.10.3-1 4.7.3-2 3.1.4-1")
@both
def test_ill_formed_utf8_ends_the_connection(b, v):
    for bad in ILL_FORMED:
        assert connack_of(b, connect(v, bad), v) is None  # no CONNACK: 3.1.1 [MQTT-3.1.4-1]
        assert connack_of(b, connect(v, "c", will=will(bad)), v) is None
        assert connack_of(b, connect(v, "c", user=bad), v) is None
        for wrong in (publish(v, bad), subscribe(v, 1, (bad, 0)), unsubscribe(v, 1, bad)):
            c = b.client("c", v)
            c.send(wrong)
            c.closed(0x81)


@must(v5="1.5.7-1 3.3.2-13 3.3.2-19")
def test_ill_formed_properties_end_the_connection(b):
    for bad in ILL_FORMED:
        for p in ([("user", (bad, "x"))], [("user", ("x", bad))], [("response_topic", bad)], [("content_type", bad)]):
            c = b.client("c", 5)
            c.send(publish(5, "t", properties=p))
            c.closed(0x81)


@must(v4="1.5.3-3 4.7.3-4", v5="1.5.4-3 4.7.3-4")
@both
def test_topics_are_bytes_and_not_normalized(b, v):
    c = b.client("c", v)
    names = ["\ufefft", "t", "\u00e9", "e\u0301", "T", "t ", "/t", "t/"]
    for n in names:
        c.subscribe((n, 0))
    for n in names:
        c.publish(n, n)
        assert c.receive().topic == n
        c.quiet()


@must(v5="1.5.5-1")
def test_padded_lengths_end_the_connection(b):
    c = b.client("c", 5)
    c.send(b"\xc0\x80\x00")
    c.closed(0x81)
    c = b.client("c", 5)
    c.send(b"\x30\x05\x00\x01t\x80\x00")
    c.closed(0x81)


@must(v4="2.2.2-1 2.2.2-2 3.6.1-1 3.8.1-1 3.10.1-1 3.14.1-1 4.8.0-1",
      v5="2.1.3-1 3.6.1-1 3.8.1-1 3.10.1-1 3.14.1-1 3.15.1-1 4.13.1-1 4.13.2-1")
@both
def test_reserved_flags_end_the_connection(b, v):
    good = {CONNECT: None, PUBACK: u16(1), PUBREC: u16(1), PUBREL: u16(1), PUBCOMP: u16(1), PINGREQ: b"", DISCONNECT: b"",
            SUBSCRIBE: subscribe(v, 1, ("t", 0))[2:], UNSUBSCRIBE: unsubscribe(v, 1, "t")[2:]}
    if v == 5:
        good[AUTH] = b""
    for kind, body in good.items():
        right = 2 if kind in (PUBREL, SUBSCRIBE, UNSUBSCRIBE) else 0
        for flags in set(range(16)) - {right}:
            if kind == CONNECT:
                assert connack_of(b, packet(CONNECT, flags, connect(v, "c")[2:]), v) is None
                continue
            c = b.client("c", v)
            c.send(packet(kind, flags, body))
            c.closed(0x81)


@must(v4="2.3.1-1", v5="2.2.1-3")
@both
def test_identifier_0_ends_the_connection(b, v):
    for bad in (publish(v, "t", b"", 1, 0), publish(v, "t", b"", 2, 0), subscribe(v, 0, ("t", 0)), unsubscribe(v, 0, "t"),
                ack(v, PUBACK, 0), ack(v, PUBREL, 0)):
        c = b.client("c", v)
        c.send(bad)
        c.closed(0x82)


@must(v4="2.3.1-4 2.3.1-5 4.3.1-1 4.3.2-1 4.3.3-1", v5="2.2.1-2 2.2.1-4 2.2.2-1 4.3.1-1 4.3.2-1 4.3.2-2 4.3.3-1 4.3.3-2")
@both
def test_identifiers_of_the_server_are_unused_ones(b, v):
    s, p = b.client("s", v), b.client("p", v)
    s.subscribe(("t", 2))
    for i in range(20):
        p.publish("t", str(i), qos=1 + i % 2)
    p.publish("t", "zero")
    got = [s.receive(acknowledge=False, dup=0) for _ in range(21)]
    pids = [m.pid for m in got if m.qos]
    assert len(set(pids)) == 20 and 0 not in pids
    assert [m.props for m in got] == [{}] * 21  # 5.0: Property Length 0 is there, the decoder insists on it
    assert [m.pid for m in got if not m.qos] == [None]


@must(v4="2.3.1-6 2.3.1-7 3.8.4-1 3.8.4-2 3.10.4-4 3.10.4-5 3.10.4-6 3.3.4-1",
      v5="2.2.1-5 2.2.1-6 3.8.4-1 3.8.4-2 3.10.4-4 3.10.4-5 3.10.4-6 3.3.4-1")
@both
def test_acknowledgements_name_their_packet(b, v):
    c = b.client("c", v)
    for pid in (1, 255, 256, 65535):
        c.send(publish(v, "t", b"", 0), publish(v, "t", b"", 1, pid))
        c.expect(PUBACK, pid=pid)  # and nothing for QoS 0
        c.send(publish(v, "t", b"", 2, pid))
        c.expect(PUBREC, pid=pid)
        c.send(ack(v, PUBREL, pid))
        c.expect(PUBCOMP, pid=pid)
        c.send(subscribe(v, pid, ("a", 0)))
        c.expect(SUBACK, pid=pid)
        c.send(unsubscribe(v, pid, "a", "never there"))
        assert c.expect(UNSUBACK, pid=pid).codes == ([0, 0x11] if v == 5 else [])


# ---- 3.1: CONNECT ----

@must(v4="3.1.0-1", v5="3.1.0-1")
@both
def test_first_packet_must_be_connect(b, v):
    for first in (packet(PINGREQ, 0), publish(v, "t"), subscribe(v, 1, ("t", 0)), disconnect(v), b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00"):
        with b.open(v) as c:
            c.send(first)
            c.closed(False)


@must(v4="3.1.0-2", v5="3.1.0-2 3.2.0-2")
@both
def test_second_connect_ends_the_connection(b, v):
    c = b.client("c", v)
    c.send(connect(v, "c"))
    c.closed(0x82)


@must(v4="3.1.2-1 3.1.2-2 3.2.2-4 3.2.2-5", v5="3.1.2-1 3.1.2-2 3.2.2-6 3.2.2-7 3.2.2-8")
def test_protocol_name_and_level(b):
    for v in (4, 5):
        for name in ("mqtt", "MQTX", "", "MQTT5", "M"):
            assert connack_of(b, connect(v, "c", protocol=name), v) is None
    for level in (0, 3, 6, 127, 255):  # said in the words of 3.1.1, which every client understands
        assert connack_of(b, connect(4, "c", level=level), 4) == 1
    assert connack_of(b, connect(4, "c", protocol="MQIsdp", level=3), 4) == 1


@must(v4="3.1.2-3 3.1.2-11 3.1.2-13 3.1.2-14 3.1.2-15 3.1.2-22", v5="3.1.2-3 3.1.2-11 3.1.2-12 3.1.2-13")
@both
def test_connect_flags(b, v):
    bad = [0x03, 0x0A, 0x12, 0x22, 0x1E, 0x1A, 0x2A]  # reserved; Will QoS or Retain without Will; Will QoS 3
    for flags in bad + ([0x42] if v == 4 else []):  # 3.1.1: a password needs a user name
        tail = text("t") + text("m") if flags & 4 else text("pw") if flags & 0x40 else b""
        raw = connect(v, "c", flags=flags, tail=(props(()) if flags & 4 and v == 5 else b"") + tail)
        assert connack_of(b, raw, v) is None, hex(flags)
    for qos in (0, 1, 2):
        b.client("w", v, will=will("w", b"", qos)).leave()
    if v == 5:
        b.client("pw", v, password=b"\0\xff").leave()


@must(v4="3.1.2-9 3.1.2-18 3.1.2-19 3.1.2-20 3.1.2-21 3.1.3-1 3.1.3-3", v5="3.1.2-9 3.1.2-16 3.1.2-17 3.1.2-18 3.1.2-19 3.1.3-1 3.1.3-3")
@both
def test_connect_payload_is_what_the_flags_say(b, v):
    none = props(()) if v == 5 else b""
    head = text("MQTT") + bytes([v])
    for flags, payload in [(0x02, b""), (0x06, text("c")), (0x06, text("c") + none + text("t")), (0x82, text("c")), (0xC2, text("c") + text("u")),
                           (0x02, text("c") + text("u")), (0x82, text("c") + text("u") + text("p"))]:
        raw = packet(CONNECT, 0, head, bytes([flags]), u16(0), none, payload)
        assert connack_of(b, raw, v) is None, (flags, payload)
    s = b.client("s", v)
    s.subscribe("wt")
    c = b.client("c", v, will=will("wt", b"wp", 1), user="u", password=b"p")
    c.cut()
    assert s.receive().payload == b"wp"  # all five fields were where they belong


@must(v4="3.1.2-4 3.1.2-5 3.2.2-1 3.2.2-2 3.2.2-3 4.1.0-1 4.5.0-1 3.1.3-2 3.1.4-3 3.1.4-4",
      v5="3.1.2-4 3.1.2-5 3.1.2-6 3.1.2-23 3.2.2-2 3.2.2-3 4.1.0-1 4.5.0-1 3.1.3-2 3.1.4-4 3.1.4-5 3.2.2-1 3.2.0-1")
@both
def test_session_is_kept_and_resumed(b, v):
    c = b.client("keeper", v, **keep(v))
    assert c.connack.session == 0
    c.subscribe(("k/#", 2))
    c.leave()
    b.gone("keeper")
    p = b.client("p", v)
    for qos in (0, 1, 2):
        p.publish("k/x", str(qos), qos=qos)
    other = b.client("other", v, **keep(v))
    assert other.connack.session == 0  # it is the client id that counts
    other.quiet()
    again = b.client("keeper", v, **keep(v))
    assert again.connack.session == 1
    assert [again.receive(qos=q).payload for q in (1, 2)] == [b"1", b"2"]
    p.publish("k/y", "live", qos=1)
    assert again.payloads(1) == ["live"]
    again.leave()
    assert b.client("keeper", v, clean=True).connack.session == 0


@must(v4="3.1.2-6", v5="3.1.2-4")
@both
def test_clean_start_forgets(b, v):
    c = b.client("c", v, **keep(v))
    c.subscribe(("t", 1))
    c.leave()
    b.client("p", v).publish("t", "old", qos=1)
    c = b.client("c", v, clean=True)
    assert c.connack.session == 0
    b.client("q", v).publish("t", "new", qos=1)
    c.quiet()
    c.leave()
    assert b.client("c", v, **keep(v)).connack.session == 0  # and that one left nothing either


@must(v4="3.1.2.7", v5="3.3.1-8")
@both
def test_retained_messages_outlive_sessions(b, v):
    b.client("p", v).publish("r", "kept", qos=1, retain=True)
    b.client("p", v).leave()
    c = b.client("c", v)
    c.publish("r", "not retained", qos=1)  # RETAIN 0 neither stores nor replaces
    c.subscribe("r")
    assert c.receive(retain=1).payload == b"kept"


@must(v4="3.1.2-8 3.1.2-10 3.1.2-16 3.1.2-17", v5="3.1.2-7 3.1.2-8 3.1.2-10 3.1.2-14 3.1.2-15")
@both
@pytest.mark.parametrize("retain", [False, True])
def test_will_is_published_once_when_the_connection_breaks(b, v, retain):
    s = b.client("s", v)
    s.subscribe("w")
    b.client("dying", v, will=will("w", b"gone", 2, retain)).cut()
    assert s.receive(retain=0, qos=2).payload == b"gone"
    s.quiet()
    late = b.client("late", v)
    late.subscribe("w")
    if retain:
        assert late.receive(retain=1).payload == b"gone"
    late.quiet()
    b.client("dying", v).cut()  # no Will this time: the old one is not in the session
    b.gone("dying")
    s.quiet()


@must(v4="3.1.2-12 3.14.4-3", v5="3.14.4-3")
@both
def test_no_will_after_disconnect_or_without_one(b, v):
    s = b.client("s", v)
    s.subscribe("#")
    b.client("polite", v, will=will("w", b"gone", 1)).leave()
    b.client("none", v).cut()
    b.gone("polite")
    b.gone("none")
    s.quiet()


@must(v5="3.1.2-8")
def test_disconnect_with_will(b):
    s = b.client("s", 5)
    s.subscribe("w")
    c = b.client("c", 5, will=will("w", b"asked for", 1))
    c.send(disconnect(5, 4))
    c.closed(False)
    assert s.payloads(1) == ["asked for"]


@must(v5="3.1.3-9")
def test_will_delay(b):
    s = b.client("s", 5)
    s.subscribe("w")

    def die():
        c = b.client("c", 5, clean=False, will=will("w", b"late", 1, properties={"will_delay": 30}),
                     properties={"session_expiry": 60})
        c.cut()
        b.gone("c")

    die()
    b.ahead(29)
    s.quiet()
    back = b.client("c", 5, clean=False, properties={"session_expiry": 60})  # in time: no Will
    back.send(disconnect(5))
    b.ahead(40)
    s.quiet()
    die()
    b.ahead(31)
    assert s.payloads(1) == ["late"]
    c = b.client("short", 5, will=will("w", b"at its end", 1, properties={"will_delay": 3000}), properties={"session_expiry": 5})
    c.cut()
    b.gone("short")
    b.ahead(6)  # the session ended before the delay did
    assert s.payloads(1) == ["at its end"]


@must(v5="3.1.3-10 3.3.2-17")
def test_will_properties_arrive_unaltered(b):
    s = b.client("s", 5)
    s.subscribe("w")
    pairs = [("user", ("b", "1")), ("user", ("a", "2")), ("user", ("b", "3")), ("content_type", "x"), ("response_topic", "r"),
             ("correlation_data", b"\0\xff"), ("payload_format", 1)]
    b.client("c", 5, will=will("w", b"m", 0, properties=pairs)).cut()
    got = s.receive().props
    assert got == {"user": [("b", "1"), ("a", "2"), ("b", "3")], "content_type": "x", "response_topic": "r",
                   "correlation_data": b"\0\xff", "payload_format": 1}


@must(v4="3.1.2-24", v5="3.1.2-22 3.2.2-22")
@both
def test_keep_alive(b, v):
    s = b.client("s", v)
    s.subscribe("w")
    c = b.client("sleepy", v, keep_alive=10, will=will("w", b"gone"))
    assert "server_keep_alive" not in c.connack.props
    b.ahead(14)
    c.quiet()
    b.ahead(16)
    c.closed(0x8D)
    assert s.payloads(1) == ["gone"]  # as if the network had failed
    b.client("zero", v, keep_alive=0)
    b.ahead(100000)
    b.clients[-1].quiet()


@must(v4="3.1.3-5", v5="3.1.3-5")
@both
def test_client_ids_that_every_server_takes(b, v):
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for n in range(0, len(letters) - 22, 13):
        b.client(letters[n:n + 23], v).leave()
    b.client("x", v).leave()


@must(v4="3.1.3-6", v5="3.1.3-6 3.1.3-7 3.2.2-16")
@both
def test_empty_client_id_gets_its_own(b, v):
    first, second = b.client("", v), b.client("", v)
    first.quiet()  # not the same client: it is still there
    if v == 5:
        ids = [c.connack.props["assigned_client_id"] for c in (first, second)]
        assert len(set(ids)) == 2
        named = b.client("", 5, **keep(5)).connack.props["assigned_client_id"]
        b.clients[-1].leave()
        b.gone(named)
        assert b.client(named, 5, **keep(5)).connack.session == 1


@must(v4="3.1.3-8 3.1.3-9", v5="3.1.3-8")
def test_refused_client_ids(b):
    assert connack_of(b, connect(4, "", clean=False), 4) == 2
    for v, code in ((4, 2), (5, 0x85)):
        assert connack_of(b, connect(v, "x" * 257), v) == code


@must(v4="3.1.4-2", v5="3.1.4-3")
@both
def test_a_client_id_has_one_connection(b, v):
    first = b.client("same", v)
    second = b.client("same", v)
    first.closed(0x8E)
    second.quiet()


@must(v4="3.1.4-5 3.2.0-1", v5="3.1.4-2 3.1.4-6")
@both
def test_nothing_is_done_after_a_refused_connect(b, v):
    s = b.client("s", v)
    s.subscribe("#")
    with b.open(v) as c:
        c.send(connect(v, "intruder"), publish(v, "t", "from a stranger", 1, 1), packet(PINGREQ, 0))
        assert c.expect(CONNACK).code == (0x87 if v == 5 else 5)
        c.closed(False)
    s.quiet()


@must(v4="3.2.2-6")
def test_aws_closes_without_a_return_code():
    aws = Broker("aws")
    try:
        assert connack_of(aws, connect(4, "intruder"), 4) is None
        assert connack_of(aws, connect(5, "intruder"), 5) == 0x87
    finally:
        aws.stop()


@must(v5="3.1.2-24 3.1.2-25")
def test_maximum_packet_size_of_the_client(b):
    c = b.client("small", 5, properties={"max_packet_size": 60})
    c.subscribe(("t", 2))
    p = b.client("p", 5)
    for qos in (0, 1, 2):
        for size in (100, 60, 40):
            p.publish("t", "x" * size, qos=qos)
        p.publish("t", f"end {qos}", qos=qos)
        assert len(c.receive(qos=qos).payload) == 40
        assert c.receive(qos=qos).payload == f"end {qos}".encode()
    assert b.stats()["queued"] == 0  # those too large are as if they had been sent
    with b.open(5) as tiny:
        tiny.send(connect(5, "tiny", properties={"max_packet_size": 10}))
        tiny.closed(False)  # not even CONNACK fits


@must(v5="3.1.2-26 3.1.2-27 3.3.2-8 3.3.2-11")
def test_topic_aliases_of_the_server(b):
    p = b.client("p", 5)
    plain = b.client("plain", 5)
    two = b.client("two", 5, properties={"topic_alias_max": 2})
    for c in (plain, two):
        c.subscribe(("#", 1))
    for topic in ("a", "b", "c", "a", "b", "c"):
        p.publish(topic, topic, qos=1)
    assert [plain.receive().topic for _ in range(6)] == list("abcabc")
    got = [two.receive() for _ in range(6)]
    assert [(m.topic, m.props.get("topic_alias")) for m in got] == [("a", 1), ("b", 2), ("c", None), ("", 1), ("", 2), ("c", None)]
    assert [m.payload for m in got] == [b"a", b"b", b"c", b"a", b"b", b"c"]
    two = b.client("two", 5, properties={"topic_alias_max": 2})
    two.subscribe(("#", 1))
    p.publish("b", "b", qos=1)
    m = two.receive()
    assert (m.topic, m.props) == ("b", {"topic_alias": 1})  # 5.0 [MQTT-3.3.2-7]: nothing is carried over


def test_an_alias_never_makes_a_message_too_large(b):
    p, c = b.client("p", 5), b.client("c", 5, properties={"topic_alias_max": 2, "max_packet_size": 60})
    c.subscribe(("t", 1))
    for payload, alias in (("x" * 52, None), ("x" * 49, 1), ("x" * 49, 1)):  # 60 bytes as it is; 60 with the alias; and by it
        p.publish("t", payload, qos=1)
        m = c.receive()
        assert (m.props.get("topic_alias"), m.payload.decode()) == (alias, payload)
        assert m.size <= 60


@must(v5="3.1.2-28 3.1.2-29")
def test_no_more_information_than_asked_for(b):
    c = b.client("c", 5, properties={"request_response_info": 0, "request_problem_info": 0})
    assert not {"response_info", "reason_string", "user"} & set(c.connack.props)
    c.send(subscribe(5, 1, ("forbidden", 0), ("a/#/b", 0)))
    assert c.expect(SUBACK).props == {}
    c.send(unsubscribe(5, 2, "x"))
    assert c.expect(UNSUBACK).props == {}
    c.send(publish(5, "forbidden", b"", 1, 3))
    assert c.expect(PUBACK, code=0x87).props == {}
    c.send(ack(5, PUBREL, 9))
    assert c.expect(PUBCOMP, code=0x92).props == {}


@limits(max_qos=1)
@must(v5="3.2.2-9 3.2.2-10 3.2.2-12")
def test_a_server_without_qos_2(b):
    c = b.client("c", 5)
    assert c.connack.props["max_qos"] == 1
    assert c.subscribe(("a", 0), ("b", 1), ("c", 2)) == [0, 1, 1]
    c.send(publish(5, "t", b"", 2, 1))
    c.closed(0x9B)
    assert connack_of(b, connect(5, "w", will=will("w", b"", 2)), 5) == 0x9B


@limits(max_retained=0)
@must(v5="3.2.2-13")
def test_a_server_without_retained_messages(b):
    assert b.client("c", 5).connack.props["retain_available"] == 0
    assert connack_of(b, connect(5, "w", will=will("w", b"", 0, True)), 5) == 0x9A
    c = b.client("c", 5)
    c.send(publish(5, "t", b"x", 0, retain=True))
    c.closed(0x9A)


# ---- 3.3: PUBLISH ----

@must(v4="3.3.1-1 4.4.0-1 4.6.0-1", v5="3.3.1-1 4.4.0-1 4.8.2-4 4.3.2-3 4.3.3-3")
@both
def test_unacknowledged_messages_come_again(b, v):
    c = b.client("c", v, **keep(v))
    c.subscribe(("t", 2))
    p = b.client("p", v)
    for i in range(4):
        p.publish("t", str(i), qos=1 + i % 2)
    first = [c.receive(acknowledge=False, dup=0) for _ in range(4)]
    c.quiet()  # and not before a reconnect
    b.ahead(3600 - 10)
    c.quiet()
    c.cut()
    b.gone("c")
    p.publish("t", "new", qos=1)
    c = b.client("c", v, **keep(v))
    again = [c.receive(acknowledge=False) for _ in range(5)]
    assert [m.payload for m in again] == [b"0", b"1", b"2", b"3", b"new"]
    assert [m.pid for m in again[:4]] == [m.pid for m in first]
    assert [m.dup for m in again] == [1, 1, 1, 1, 0]
    assert again[4].pid not in [m.pid for m in first]


@must(v4="4.4.0-1", v5="4.4.0-1")
@both
def test_they_come_again_after_a_restart_of_the_broker(b, v):
    c = b.client("c", v, **keep(v))
    c.subscribe(("t", 2))
    p = b.client("p", v)
    for i in range(3):
        p.publish("t", str(i), qos=2)
    first = [c.receive(acknowledge=False) for _ in range(3)]
    c.send(ack(v, PUBREC, first[0].pid))
    c.expect(PUBREL, pid=first[0].pid)
    b.restart()
    c = b.client("c", v, **keep(v))
    assert c.connack.session == 1
    c.expect(PUBREL, pid=first[0].pid)
    again = [c.receive(acknowledge=False) for _ in range(2)]
    assert [(m.payload, m.pid) for m in again] == [(b"1", first[1].pid), (b"2", first[2].pid)]


@must(v4="3.3.1-2", v5="3.3.1-2")
@both
def test_dup_of_qos_0_ends_the_connection(b, v):
    c = b.client("c", v)
    c.send(publish(v, "t", b"", 0, dup=True))
    c.closed(0x81)


@must(v4="3.3.1-3", v5="3.3.1-3")
@both
def test_dup_is_not_passed_on(b, v):
    s, c = b.client("s", v), b.client("c", v)
    s.subscribe("t")
    c.send(publish(v, "t", b"1", 1, 1, dup=True), publish(v, "t", b"2", 2, 2, dup=True))
    assert [s.receive(dup=0).payload for _ in range(2)] == [b"1", b"2"]


@must(v4="3.3.1-4", v5="3.3.1-4")
@both
def test_qos_3_ends_the_connection(b, v):
    c = b.client("c", v)
    c.send(publish(v, "t", b"", 3, 1))
    c.closed(0x81)


@must(v4="3.3.1-5 3.3.1-6 3.3.1-7 3.3.1-8 3.3.1-9 3.3.1-12", v5="3.3.1-5 3.3.1-8 3.3.1-9 3.3.1-12")
@both
def test_retained_messages(b, v):
    p, live = b.client("p", v), b.client("live", v)
    live.subscribe("r/#")
    for qos in (0, 1, 2):
        p.publish(f"r/{qos}", "old", qos=1, retain=True)
        assert live.receive(retain=0).payload == b"old"
        p.publish(f"r/{qos}", f"new {qos}", qos=qos, retain=True)
        assert live.receive(retain=0, qos=qos).payload == f"new {qos}".encode()
        p.publish(f"r/{qos}", "passing", qos=1)
        live.receive(retain=0)
    late = b.client("late", v)
    late.subscribe("r/+")
    got = {m.topic: (m.qos, m.payload.decode(), m.retain) for m in (late.receive() for _ in range(3))}
    assert got == {f"r/{q}": (q, f"new {q}", 1) for q in (0, 1, 2)}
    late.quiet()


@must(v4="3.3.1-10 3.3.1-11", v5="3.3.1-6 3.3.1-7")
@both
def test_empty_retained_message_deletes(b, v):
    p, live = b.client("p", v), b.client("live", v)
    live.subscribe("r")
    p.publish("r", "kept", qos=1, retain=True)
    live.receive()
    p.publish("r", "", qos=1, retain=True)
    assert live.receive(retain=0).payload == b""
    late = b.client("late", v)
    late.subscribe("r")
    late.quiet()
    assert b.stats()["retained"] == 0


@must(v5="3.3.1-9 3.3.1-10 3.3.1-11 3.8.4-4")
def test_retain_handling(b):
    b.client("p", 5).publish("r", "kept", qos=1, retain=True)
    c = b.client("c", 5)
    for options, comes in [(RETAIN_NEVER, 0), (RETAIN_IF_NEW, 0), (0, 1), (0, 1), (RETAIN_NEVER, 0)]:
        c.subscribe(("r", options))
        if comes:
            c.receive(retain=1)
        c.quiet()
    c.unsubscribe("r")
    c.subscribe(("r", RETAIN_IF_NEW))
    c.receive(retain=1)


@must(v5="3.3.1-12 3.3.1-13")
def test_retain_as_published(b):
    c, p = b.client("c", 5), b.client("p", 5)
    c.subscribe(("kept", AS_PUBLISHED | 1), ("plain", 1))
    for topic, retain, want in (("kept", True, 1), ("kept", False, 0), ("plain", True, 0), ("plain", False, 0)):
        p.publish(topic, "x", qos=1, retain=retain)
        c.receive(retain=want)


@must(v4="3.3.2-2 4.7.1-1 4.7.3-1", v5="3.3.2-2 4.7.0-1 4.7.3-1 3.3.2-14")
@both
def test_topics_that_are_none(b, v):
    for topic in ("#", "+", "a/#", "a/+/b", "a+", "#a"):
        c = b.client("c", v)
        c.send(publish(v, topic))
        c.closed(0x81)
    c = b.client("c", v)
    c.send(publish(v, ""))
    c.closed(0x82)
    if v == 5:
        c = b.client("c", v)
        c.send(publish(v, "t", properties={"response_topic": "r/#"}))
        c.closed(0x82)


FILTERS = {
    "sport/tennis/player1/#": (["sport/tennis/player1", "sport/tennis/player1/ranking", "sport/tennis/player1/score/wimbledon"], ["sport"]),
    "sport/#": (["sport", "sport/a"], ["sports", "a/sport"]),
    "#": (["a", "a/b", "/"], ["$SYS/a", "$x"]),
    "+": (["a"], ["/a", "a/b", "$x"]),
    "+/+": (["/finance", "a/b"], ["a", "$a/b"]),
    "/+": (["/finance"], ["finance", "a/b"]),
    "sport/+": (["sport/", "sport/a"], ["sport", "sport/a/b"]),
    "+/monitor/#": (["a/monitor", "/monitor/x"], ["$SYS/monitor/Clients"]),
    "$SYS/#": (["$SYS/a", "$SYS"], ["SYS/a"]),
    "$SYS/monitor/+": (["$SYS/monitor/Clients"], ["$SYS/x"]),
    "a//b": (["a//b"], ["a/b", "a/x/b"]),
    "a/+/b": (["a//b", "a/x/b"], ["a/b"]),
}


@must(v4="3.3.2-3 4.7.1-3 4.7.2-1 3.8.3-2", v5="3.3.2-3 4.7.2-1")
@both
def test_matching(b, v):
    for n, (f, (yes, no)) in enumerate(FILTERS.items()):
        c = b.client(f"c{n}", v)
        c.subscribe((f, 0))
        for topic in no + yes:
            c.publish(topic, "x")
        assert [c.receive().topic for _ in yes] == yes, f
        c.quiet().leave()


@must(v4="4.7.1-2 4.7.1-3 4.7.3-1", v5="4.7.1-1 4.7.1-2 4.7.3-1 4.8.2-1 4.8.2-2")
@both
def test_filters_that_are_none(b, v):
    bad = ["a#", "#/a", "a/#/b", "a+", "+a", "a/b+/c", "##", "$share/", "$share/g", "$share/g/", "$share//t", "$share/g+/t", "$share/#/t"]
    for f in bad:
        c = b.client("c", v)
        c.send(subscribe(v, 1, (f, 0)))
        if v == 5:
            c.expect(SUBACK, codes=[0x8F])
            c.quiet().leave()
        else:
            c.closed()
    c = b.client("c", v)
    c.send(subscribe(v, 1, ("", 0)))
    c.closed(0x81)


@must(v5="3.3.2-4 3.3.2-15 3.3.2-16 3.3.2-17 3.3.2-18 3.3.2-20")
def test_properties_arrive_unaltered(b):
    s, p = b.client("s", 5), b.client("p", 5)
    s.subscribe("t")
    pairs = [("payload_format", 1), ("content_type", "text/plain"), ("response_topic", "r/1"), ("correlation_data", bytes(range(256))),
             *[("user", (k, str(i))) for i, k in enumerate("zaza")]]
    for qos in (0, 1, 2):
        p.publish("t", "x", qos=qos, properties=pairs)
        assert s.receive(qos=qos).props == {"payload_format": 1, "content_type": "text/plain", "response_topic": "r/1",
                                            "correlation_data": bytes(range(256)),
                                            "user": [("z", "0"), ("a", "1"), ("z", "2"), ("a", "3")]}


@must(v5="3.3.2-5 3.3.2-6 4.3.3-7 4.3.3-13")
def test_message_expiry(b):
    c = b.client("c", 5, **keep(5))
    c.subscribe("t")
    p = b.client("p", 5)
    p.publish("t", "started", qos=2, properties={"message_expiry": 10})
    m = c.receive(acknowledge=False)
    assert 8 <= m.props["message_expiry"] <= 10
    c.cut()
    b.gone("c")
    for life in (10, 100):
        p.publish("t", str(life), qos=1, properties={"message_expiry": life})
    p.publish("r", "kept", qos=1, retain=True, properties={"message_expiry": 50})
    b.ahead(20)
    c = b.client("c", 5, **keep(5))
    again = c.receive(dup=1)  # sent once, it does not expire, and its exchange goes on
    assert (again.payload, again.pid) == (b"started", m.pid)
    got = c.receive()
    assert got.payload == b"100" and 78 <= got.props["message_expiry"] <= 80
    c.quiet()
    c.subscribe("r")
    assert 28 <= c.receive(retain=1).props["message_expiry"] <= 30
    b.ahead(100)
    c.subscribe("r")
    c.quiet()
    assert b.stats()["retained"] == 0


@must(v5="3.3.2-7 3.3.2-12 3.3.2-8")
def test_topic_aliases_of_the_client(b):
    s, p = b.client("s", 5), b.client("p", 5)
    s.subscribe(("#", 0))
    most = p.connack.props["topic_alias_max"]
    for alias in (1, most):
        p.publish(f"t{alias}", "named", properties={"topic_alias": alias})
        p.publish("", "again", properties={"topic_alias": alias})
        p.publish("other", "moved", properties={"topic_alias": alias})
        p.publish("", "there", properties={"topic_alias": alias})
        got = [s.receive() for _ in range(4)]
        assert [m.topic for m in got] == [f"t{alias}", f"t{alias}", "other", "other"]
        assert all("topic_alias" not in m.props for m in got)
    for bad in (0, most + 1, 65535):
        p = b.client("p", 5)
        p.send(publish(5, "t", properties={"topic_alias": bad}))
        p.closed(0x94)
    p = b.client("p", 5)
    p.send(publish(5, "", properties={"topic_alias": 1}))  # of the connection before
    p.closed(0x94)


@must(v4="3.3.5-1 3.8.4-6", v5="3.3.4-2 3.8.4-8 3.8.4-7")
@both
def test_qos_of_deliveries(b, v):
    s, p = b.client("s", v), b.client("p", v)
    assert s.subscribe(("t/0", 0), ("t/1", 1), ("t/2", 2)) == [0, 1, 2]
    for granted in (0, 1, 2):
        for qos in (0, 1, 2):
            p.publish(f"t/{granted}", "x", qos=qos)
            s.receive(qos=min(granted, qos))
    s.subscribe(("o/#", 0), ("o/+", 2), ("o/x", 1))
    p.publish("o/x", "x", qos=2)
    s.receive(qos=2)
    s.quiet()  # one copy


@must(v5="3.3.4-3 3.3.4-4 3.8.4-3")
def test_subscription_identifiers(b):
    s, p = b.client("s", 5, **keep(5)), b.client("p", 5)
    s.subscribe(("a/#", 1), properties={"subscription_id": 1})
    s.subscribe(("a/+", 1), properties={"subscription_id": 268435455})
    s.subscribe(("a/b", 2))
    s.subscribe(("$share/g/z", 1), properties={"subscription_id": 77})
    p.publish("a/b", "x", qos=2)
    assert sorted(s.receive(qos=2).props["subscription_id"]) == [1, 268435455]
    p.publish("a/b/c", "x", qos=0)
    assert s.receive().props["subscription_id"] == [1]
    p.publish("z", "x", qos=1)
    assert s.receive().props["subscription_id"] == [77]
    s.subscribe(("a/#", 1))  # replaced, without
    p.publish("a/b/c", "x")
    assert s.receive().props == {}
    s.leave()
    b.gone("s")
    p.publish("a/c", "kept", qos=1)
    b.restart()
    s = b.client("s", 5, **keep(5))
    assert s.receive().props["subscription_id"] == [268435455]
    b.client("p", 5).publish("r", "x", retain=True, qos=1)
    s.subscribe(("r", 1), properties={"subscription_id": 5})
    assert s.receive(retain=1).props["subscription_id"] == [5]


@must(v5="3.3.4-6")
def test_subscription_identifier_from_a_client(b):
    c = b.client("c", 5)
    c.send(publish(5, "t", properties={"subscription_id": 1}))
    c.closed(0x82)


@must(v5="3.3.4-9 3.3.4-10 4.9.0-1 4.9.0-2 4.9.0-3")
def test_receive_maximum_of_the_client(b):
    s, p = b.client("s", 5, properties={"receive_max": 2}), b.client("p", 5)
    s.subscribe("t")
    for i in range(6):
        p.publish("t", str(i), qos=1 + i % 2)
    first = [s.receive(acknowledge=False) for _ in range(2)]
    s.quiet()
    assert s.subscribe("x") == [2]  # other packets are not held up, and QoS 0 is not either
    p.publish("t", "zero")
    assert s.receive(qos=0).payload == b"zero"
    s.send(ack(5, PUBREC, first[1].pid))
    s.expect(PUBREL, pid=first[1].pid)
    s.quiet()  # PUBREC does not count, PUBCOMP does
    s.send(ack(5, PUBCOMP, first[1].pid))
    third = s.receive(acknowledge=False)
    s.quiet()
    s.send(ack(5, PUBACK, first[0].pid), ack(5, PUBACK, third.pid))
    assert s.payloads(3) == ["3", "4", "5"]


@limits(max_inflight_in=3)
@must(v5="3.3.4-7")
def test_receive_maximum_of_the_server(b):
    c = b.client("c", 5)
    assert c.connack.props["receive_max"] == 3
    c.send(*[publish(5, "t", b"", 2, pid) for pid in (1, 2, 3)])
    assert [c.expect(PUBREC).pid for _ in range(3)] == [1, 2, 3]
    c.send(ack(5, PUBREL, 1))
    c.expect(PUBCOMP)
    c.send(publish(5, "t", b"", 2, 4))
    c.expect(PUBREC, pid=4)
    c.send(publish(5, "t", b"", 1, 5))
    c.closed(0x93)


@must(v4="3.3.5-2", v5="3.4.2-1 3.5.2-1")
@both
def test_publishing_what_is_forbidden(b, v):
    s, c = b.client("s", v), b.client("c", v)
    s.subscribe("#")
    for qos in (1, 2):
        assert c.publish("forbidden", "x", qos=qos) == (0x87 if v == 5 else 0)
    c.send(publish(v, "forbidden", b"x"))
    if v == 5:
        c.closed(0x87)
    else:
        c.quiet()
    s.quiet()


@limits(max_retained=1)
@must(v4="4.8.0-2", v5="3.4.2-1 3.5.2-1")
@both
def test_what_cannot_be_kept_is_not_acknowledged(b, v):
    c = b.client("c", v)
    for qos in (1, 2):
        assert c.publish("r/1", "kept", qos=qos, retain=True) == 0
        if v == 5:
            assert c.publish("r/2", "too many", qos=qos, retain=True) == 0x97
            continue
        c.send(publish(v, "r/2", b"too many", qos, 9, retain=True))
        c.closed()
        c = b.client("c", v)
    assert b.stats()["retained"] == 1


# ---- QoS 1 and 2 ----

@must(v4="4.3.2-2", v5="4.3.2-4 4.3.2-5")
@both
def test_qos_1_receiver(b, v):
    s, c = b.client("s", v), b.client("c", v)
    s.subscribe(("t", 1))
    for dup in (False, True, True):
        c.send(publish(v, "t", b"x", 1, 7, dup=dup))
        c.expect(PUBACK, pid=7, code=0)
    assert s.payloads(3) == ["x"] * 3  # after PUBACK the identifier is free, whatever DUP says


@must(v4="4.3.3-2", v5="4.3.3-8 4.3.3-10 4.3.3-11 4.3.3-12 3.5.2-1 3.7.2-1")
@both
def test_qos_2_receiver(b, v):
    s, c = b.client("s", v), b.client("c", v, **keep(v))
    s.subscribe(("t", 2))
    for dup in (False, True, False):
        c.send(publish(v, "t", b"once", 2, 7, dup=dup))
        c.expect(PUBREC, pid=7, code=0)
    assert s.receive().payload == b"once"
    s.quiet()
    c.cut()
    b.gone("c")
    c = b.client("c", v, **keep(v))
    c.send(publish(v, "t", b"once", 2, 7, dup=True))
    c.expect(PUBREC, pid=7)
    b.restart()  # and the broker remembers it too
    c = b.client("c", v, **keep(v))
    c.send(publish(v, "t", b"once", 2, 7, dup=True))
    c.expect(PUBREC, pid=7)
    s = b.client("s", v)
    s.subscribe(("t", 2))
    s.quiet()
    for _ in range(2):
        c.send(ack(v, PUBREL, 7))
        c.expect(PUBCOMP, pid=7)
    c.send(publish(v, "t", b"another", 2, 7))
    c.expect(PUBREC, pid=7)
    assert s.payloads(1) == ["another"]


@must(v5="4.3.3-9")
def test_a_refused_identifier_is_free(b):
    s, c = b.client("s", 5), b.client("c", 5)
    s.subscribe("#")
    c.send(publish(5, "forbidden", b"x", 2, 7))
    c.expect(PUBREC, pid=7, code=0x87)
    c.send(publish(5, "t", b"x", 2, 7))
    c.expect(PUBREC, pid=7, code=0)
    assert s.payloads(1) == ["x"]


@must(v4="4.3.3-1 4.3.2-1", v5="4.3.3-4 4.3.3-5 4.3.3-6 3.6.2-1")
@both
def test_qos_2_sender(b, v):
    s, p = b.client("s", v, **keep(v)), b.client("p", v)
    s.subscribe(("t", 2))
    p.publish("t", "x", qos=2)
    m = s.receive(acknowledge=False, qos=2)
    for _ in range(2):  # PUBREC again, PUBREL again
        s.send(ack(v, PUBREC, m.pid))
        s.expect(PUBREL, pid=m.pid, code=0)
    s.cut()
    b.gone("s")
    s = b.client("s", v, **keep(v))
    s.expect(PUBREL, pid=m.pid)  # and never PUBLISH again
    s.send(ack(v, PUBCOMP, m.pid))
    s.quiet()
    s.send(ack(v, PUBREC, 999))  # of a session it remembers better than we do
    s.expect(PUBREL, pid=999, code=0x92 if v == 5 else 0)
    s.cut()
    b.gone("s")
    b.client("s", v, **keep(v)).quiet()
    assert b.stats()["queued"] == 0


@must(v5="4.4.0-2 4.8.2-6 4.3.3-4")
@pytest.mark.parametrize("shared", [False, True])
def test_a_negative_acknowledgement_is_one(b, shared):
    s, p = b.client("s", 5, **keep(5)), b.client("p", 5)
    other = b.client("other", 5) if shared else None
    for c in filter(None, (s, other)):
        c.subscribe(("$share/g/t" if shared else "t", 2))
    for kind, qos in ((PUBACK, 1), (PUBREC, 2)):
        p.publish("t", "x", qos=qos)
        if shared:
            p.publish("t", "x", qos=qos)
            other.receive()
        m = s.receive(acknowledge=False)
        s.send(ack(5, kind, m.pid, 0x83))
        s.quiet()
    if shared:
        other.quiet()
    s.cut()
    b.gone("s")
    b.client("s", 5, **keep(5)).quiet()


@both
def test_acknowledgements_out_of_place(b, v):
    """Not numbered: an acknowledgement of the wrong kind is a protocol error, one for nothing is not."""
    for qos, wrong in ((1, PUBREC), (1, PUBCOMP), (2, PUBACK), (2, PUBCOMP)):
        s = b.client("s", v)
        s.subscribe(("t", 2))
        b.client("p", v).publish("t", "x", qos=qos)
        m = s.receive(acknowledge=False)
        s.send(ack(v, PUBACK, 999), ack(v, PUBCOMP, 999))
        s.quiet()
        s.send(ack(v, wrong, m.pid))
        s.closed(0x82)


# ---- 3.8 to 3.12 ----

@must(v4="3.8.3-3 3-8.3-4 3.10.3-2", v5="3.8.3-2 3.8.3-5 3.10.3-2")
@both
def test_malformed_subscriptions(b, v):
    for bad, code in [(subscribe(v, 1), 0x82), (unsubscribe(v, 1), 0x82), (subscribe(v, 1, ("t", 3)), 0x82 if v == 5 else None),
                      (subscribe(v, 1, ("t", 0x40)), 0x81), (subscribe(v, 1, ("t", 0x80)), 0x81),
                      (subscribe(v, 1, ("t", 0x30)), 0x82 if v == 5 else None), (subscribe(v, 1, ("t", 0))[:-1] + b"", None)]:
        c = b.client("c", v)
        if bad == subscribe(v, 1, ("t", 0))[:-1]:
            bad = packet(SUBSCRIBE, 2, bad[2:])
            code = 0x81
        c.send(bad)
        c.closed(code)
    if v == 4:
        for options in (4, 8, 0x10):  # those of 5.0
            c = b.client("c", v)
            c.send(subscribe(v, 1, ("t", options)))
            c.closed()


@must(v5="3.8.3-3 3.8.3-4")
def test_no_local(b):
    c, other = b.client("c", 5), b.client("o", 5)
    c.subscribe(("t", NO_LOCAL | 1))
    c.publish("t", "own", qos=1)
    other.publish("t", "foreign", qos=1)
    assert c.payloads(1) == ["foreign"]
    c.send(subscribe(5, 9, ("$share/g/t", NO_LOCAL)))
    c.closed(0x82)


@must(v4="3.8.4-3", v5="3.8.4-3 3.8.4-4")
@both
def test_a_repeated_subscription_replaces(b, v):
    c, p = b.client("c", v), b.client("p", v)
    p.publish("t", "kept", qos=1, retain=True)
    for qos in (2, 0, 1):
        c.subscribe(("t", qos))
        c.receive(retain=1)
    p.publish("t", "once", qos=2)
    c.receive(qos=1)
    c.quiet()
    assert b.stats()["subscriptions"] == 1


@must(v4="3.8.4-4 3.8.4-5 3.9.3-1 3.9.3-2", v5="3.8.4-5 3.8.4-6 3.9.3-1 3.9.3-2")
@both
def test_many_filters_one_answer(b, v):
    c = b.client("c", v)
    denied = 0x87 if v == 5 else 0x80
    assert c.subscribe(("a", 2), ("forbidden/x", 1), ("b", 0), ("a", 1), ("forbidden", 0)) == [2, denied, 0, 1, denied]
    c.publish("a", "x", qos=2)
    c.receive(qos=1)  # as if they had come one after the other
    c.quiet()


@must(v4="3.10.4-1 3.10.4-2 3.10.4-6", v5="3.10.4-1 3.10.4-2 3.11.3-1 3.11.3-2")
@both
def test_unsubscribe(b, v):
    c, p = b.client("c", v), b.client("p", v)
    c.subscribe("a/+", "a/b", "a/#")
    codes = c.unsubscribe("a/+", "a/x", "A/b", "a/b")
    assert codes == ([0, 0x11, 0x11, 0] if v == 5 else [])
    p.publish("a/b", "x", qos=1)
    c.receive()
    c.unsubscribe("a/#")
    p.publish("a/b", "x", qos=1)
    c.quiet()


@must(v4="3.10.4-3", v5="3.10.4-3")
@both
def test_unsubscribe_lets_deliveries_finish(b, v):
    c, p = b.client("c", v, **keep(v)), b.client("p", v)
    c.subscribe(("t", 2))
    for qos in (1, 2):
        p.publish("t", str(qos), qos=qos)
    sent = [c.receive(acknowledge=False) for _ in range(2)]
    c.unsubscribe("t")
    c.cut()
    b.gone("c")
    c = b.client("c", v, **keep(v))
    assert [c.receive().pid for _ in range(2)] == [m.pid for m in sent]


@must(v4="3.12.4-1", v5="3.12.4-1")
@both
def test_pingreq(b, v):
    c = b.client("c", v)
    c.send(packet(PINGREQ, 0) * 3)
    for _ in range(3):
        c.expect(PINGRESP)
    c.send(packet(PINGREQ, 0, b"x"))
    c.closed(0x81)


# ---- the end ----

@must(v5="3.14.0-1 3.14.2-2 3.14.4-1 3.14.4-2 3.14.2-1")
def test_disconnect_of_the_server(b):
    """The decoder refuses a Session Expiry Interval in it, closed() anything behind it."""
    for bad in (b"\xff\xff\xff\xff\xff", b"\x30\x00"):
        with b.open(5) as c:
            c.send(bad)
            c.closed(False)  # before CONNACK there is none
    c = b.client("c", 5)
    b.say("disconnect c")
    c.closed(0x98)
    c = b.client("c", 5)
    b.say("drain")
    c.closed(0x8B)


@must(v5="3.14.2-1")
def test_disconnect_of_the_client(b):
    for code in (0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99):
        c = b.client("c", 5)
        c.send(disconnect(5, code))
        c.closed(False)
    for bad in (0x01, 0x10, 0x85, 0x8B, 0x8E, 0xFF):
        c = b.client("c", 5)
        c.send(disconnect(5, bad))
        c.closed(0x82)
    c = b.client("c", 5)  # no Session Expiry Interval in CONNECT: it cannot begin now
    c.send(disconnect(5, 0, {"session_expiry": 10}))
    c.closed(0x82)


@must(v4="4.1.0-2", v5="4.1.0-2 3.1.2-23")
def test_session_expiry(b):
    c = b.client("c", 5, clean=False, properties={"session_expiry": 100})
    assert c.connack.props["session_expiry"] == 100
    c.subscribe("t")
    b.ahead(1000)
    c.quiet()  # it lasts as long as the connection at least
    c.leave()
    b.gone("c")
    b.ahead(99)
    c = b.client("c", 5, clean=False, properties={"session_expiry": 100})
    assert c.connack.session == 1
    c.send(disconnect(5, 0, {"session_expiry": 5}))
    c.closed(False)
    b.gone("c")
    b.ahead(6)
    assert b.stats()["sessions"] == 0
    assert b.client("c", 5, clean=False).connack.session == 0


# ---- order ----

@must(v4="4.6.0-5 4.6.0-6 4.6.0-2 4.6.0-3 4.6.0-4", v5="4.6.0-5 4.6.0-6")
@both
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_order(b, v, qos):
    s, p = b.client("s", v), b.client("p", v)
    s.subscribe("t")
    n = 60
    p.send(*[publish(v, "t", str(i), qos, i + 1 if qos else None) for i in range(n)])
    assert s.payloads(n, qos=qos) == [str(i) for i in range(n)]
    if qos:
        assert [p.expect(PUBACK if qos == 1 else PUBREC).pid for _ in range(n)] == list(range(1, n + 1))


# ---- shared subscriptions, flow control, authentication ----

@must(v5="4.8.2-3 4.8.2-5")
def test_shared_subscriptions(b):
    a, c, p = b.client("a", 5, **keep(5, 60)), b.client("c", 5, **keep(5)), b.client("p", 5)
    a.subscribe(("$share/g/t", 1))
    c.subscribe(("$share/g/t", 2))
    other = b.client("o", 5)
    other.subscribe(("$share/h/t", 0), ("t", 0))
    for i in range(4):
        p.publish("t", str(i), qos=2)
    got = [a.receive(qos=1, acknowledge=i == 0) for i in range(2)], [c.receive(qos=2) for _ in range(2)]
    assert sorted(m.payload for side in got for m in side) == [b"0", b"1", b"2", b"3"]
    assert len(other.payloads(4)) == 4
    p.publish("t", "half", qos=2)
    p.publish("t", "half", qos=2)
    a.receive(acknowledge=False)
    m = c.receive(acknowledge=False, qos=2)
    c.send(disconnect(5, 0, {"session_expiry": 1}))
    b.gone("c")
    b.ahead(2)  # its session ends: nobody else gets that message
    a.quiet()
    assert m.payload == b"half"
    p.publish("r", "kept", qos=1, retain=True)
    a.subscribe(("$share/g/r", 0))
    a.quiet()  # 5.0 §4.8.2: no retained messages


@must(v5="4.12.0-1 4.12.0-6 4.12.0-7 3.15.2-1")
def test_enhanced_authentication_is_not_offered(b):
    assert connack_of(b, connect(5, "c", properties={"auth_method": "SCRAM"}), 5) == 0x8C
    assert connack_of(b, connect(5, "c", properties={"auth_data": b"x"}), 5) is None
    for bad in (packet(AUTH, 0), packet(AUTH, 0, b"\x19", props({"auth_method": "x"})), packet(AUTH, 0, b"\x18" + props(())),
                packet(AUTH, 0, b"\x77")):
        c = b.client("c", 5)
        c.send(bad)
        c.closed(0x82)
    with b.open(5) as c:
        c.send(packet(AUTH, 0))
        c.closed(False)


@must(v4="4.7.3-3", v5="4.7.3-3")
@limits(max_topic=65535, max_connect=200000)
@both
def test_topics_of_full_length(b, v):
    c = b.client("c", v)
    topic = "t" * 65535
    c.subscribe((topic, 1))
    c.publish(topic, "x", qos=1)
    assert c.receive().topic == topic


@must(v4="7.0.0-2 7.1.1-1", v5="4.2-1")
def test_over_tcp_and_one_byte_at_a_time(b):
    for v in (4, 5):
        c = b.open(v)
        for byte in connect(v, "c") + subscribe(v, 1, ("t", 0)) + publish(v, "t", "x"):
            c.send(bytes([byte]))
        c.expect(CONNACK, code=0)
        c.expect(SUBACK, codes=[0])
        assert c.receive().payload == b"x"


@both
def test_packets_of_a_server_from_a_client(b, v):
    """Not numbered: §2.1.2 says which way each packet flows."""
    for bad in (packet(CONNACK, 0, b"\0\0"), packet(SUBACK, 0, u16(1) + b"\0"), packet(UNSUBACK, 0, u16(1)), packet(PINGRESP, 0)):
        c = b.client("c", v)
        c.send(bad)
        c.closed(0x82)
    c = b.client("c", v)
    c.send(packet(PUBLISH, 0, b"\0\x05t"))
    c.closed(0x81)
