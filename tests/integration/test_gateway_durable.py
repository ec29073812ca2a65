"""What the gateway acknowledged is there after kill -9, a restart and a power cut: sessions, subscriptions, queued and retained
messages, QoS 2 (docs/spec/cloud.md CL-36)."""

import json
import sqlite3

import pytest
from cloud import Cloud
from mqtt_wire import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, Client, Closed, ack, eventually, publish, will

both = pytest.mark.parametrize("v", [4, 5])
KEPT = {4: {}, 5: {"properties": {"session_expiry": 600}}}


@pytest.fixture
def start(procs, tmp_path):
    def make(*more, profile="standard"):
        return Gateway(procs, tmp_path, "--plain-mqtt", "127.0.0.1:0", "--profile", profile, *more)

    return make


class Gateway(Cloud):
    """A sedge-cloud with a port without TLS."""

    def start(self, *more):
        super().start(*more)
        self.plain = json.loads(self.data.joinpath("endpoints.json").read_text())["plainMqttPort"]

    def again(self):
        self.kill()
        self.start()

    def client(self, name, v=5, present=None, **kw):
        c = Client(self.plain, v)
        p = c.connect(name, clean=kw.pop("clean", False), **{**KEPT[v], **kw})
        assert p.code == 0
        assert present is None or p.session == present, p
        return c

    def rows(self, sql):
        with sqlite3.connect(self.data / "sedge.db") as db:
            return db.execute(sql).fetchall()

    def count(self, *tables):
        return [self.rows(f"SELECT count(*) FROM mqtt_{t}")[0][0] for t in tables]


@both
def test_session_and_messages_survive_a_kill(start, v):
    g = start()
    s = g.client("s", v, present=0)
    assert s.subscribe(("a/#", 2), ("b", 1)) == [2, 1]
    s.leave()
    p = g.client("p", v, clean=True)
    for i, qos in enumerate((1, 2, 0, 1)):
        p.publish("a/x", f"m{i}", qos)
    p.publish("b", b"retained", 1, retain=True)
    g.again()
    s = g.client("s", v, present=1)
    got = [s.receive() for _ in range(4)]
    assert [(m.topic, m.payload, m.qos) for m in got] == [("a/x", b"m0", 1), ("a/x", b"m1", 2), ("a/x", b"m3", 1), ("b", b"retained", 1)]
    assert g.client("p", v).publish("a/y", b"more", 1) == 0  # the subscription is there
    assert s.receive().payload == b"more"
    s.quiet()
    s.subscribe(("b", 1))
    assert s.receive(topic="b", payload=b"retained", retain=1)
    s.leave()
    eventually(lambda: g.count("queue", "messages") == [0, 0])
    g.again()
    g.client("s", v, present=1).quiet()
