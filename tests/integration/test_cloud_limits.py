"""sedge-cloud's rates (iot-core.md 1.5): what is over one waits or is refused, is counted and is logged; --limit changes each."""

import json
import subprocess
import time

import pytest
from cloud import OPEN_POLICY, Cloud
from conftest import BIN, wait_for
from mqtt_wire import CONNACK, Client, connect, publish
from test_cloud_status import get, metrics

FAST = dict(connects_per_client_s=0, retained_per_topic_s=0)


@pytest.fixture
def start(procs, tmp_path):
    def make(**limits):
        text = ",".join(f"{k}={v}" for k, v in {**FAST, **limits}.items())
        cloud = Cloud(procs, tmp_path, "--plain-mqtt", "127.0.0.1:0", "--limit", text)
        cloud.plain = json.loads(cloud.data.joinpath("endpoints.json").read_text())["plainMqttPort"]
        return cloud

    return make


def client(cloud, name, v=5):
    c = Client(cloud.plain, v)
    assert c.connect(name).code == 0
    return c


def told(cloud, limit, name=""):
    """It is in the log, by the limit's name, and in the metrics."""
    wait_for(lambda: f"mqtt throttled clientId={name} certificateId=plain-mqtt: over the limit {limit}" in cloud.log(), message=f"no line about {limit}")
    assert get(metrics(cloud), "sedge_mqtt_throttled_total", limit=limit) > 0


def test_one_connect_a_second_for_a_client_id(start):
    cloud = start(connects_per_client_s=1)
    begin = time.monotonic()
    held = [Client(cloud.plain, 4) for _ in range(3)]
    for c in held:
        c.send(connect(4, "same"))
        client(cloud, f"other{held.index(c)}")  # is not kept waiting
    for c in held:  # each in its turn, and the last one stays
        assert c.expect(CONNACK).code == 0
    assert time.monotonic() - begin > 1
    for c in held[:2]:
        c.closed()
    told(cloud, "connects_per_client_s")


def test_one_retained_message_a_second_for_a_topic(start):
    cloud = start(retained_per_topic_s=1)
    c = client(cloud, "dev")
    begin = time.monotonic()
    for n in "012":
        assert c.publish("t", n.encode(), 1, retain=True) == 0
    assert time.monotonic() - begin > 1
    told(cloud, "retained_per_topic_s", "dev")
    c.publish("t", b"3", 1, retain=True)
    data = cloud.client("iot-data")
    with pytest.raises(data.exceptions.ThrottlingException):
        for _ in range(3):  # a second may begin in between
            data.publish(topic="t", retain=True, payload=b"x")
    data.publish(topic="t", payload=b"x")


def test_publishes_of_the_account(start):
    cloud = start(publishes_all_per_s=20)
    a, s = client(cloud, "dev"), client(cloud, "sub")
    s.subscribe(("t", 0))
    begin = time.monotonic()
    a.send(*[publish(5, "t", b"%d" % n, 0) for n in range(50)])
    assert s.payloads(50) == [str(n) for n in range(50)]
    assert time.monotonic() - begin > 1
    told(cloud, "publishes_all_per_s", "dev")


def test_deliveries_of_the_account(start):
    """QoS 0 is left out and counted; QoS 1 waits."""
    cloud = start(deliveries_all_per_s=5)
    a, s = client(cloud, "dev"), client(cloud, "sub")
    s.subscribe(("q0", 0), ("q1", 1))
    for n in range(12):
        assert a.publish("q1", b"%d" % n, 1) == 0
    assert s.payloads(12) == [str(n) for n in range(12)]
    for n in range(30):
        a.send(publish(5, "q0", b"x", 0))
    wait_for(lambda: get(metrics(cloud), "sedge_mqtt_messages_dropped_total", reason="over_rate") > 0, message="none was left out")


def test_rates_of_a_connection_have_names(start):
    cloud = start(publishes_per_s=3)
    c = client(cloud, "dev")
    c.send(*[publish(5, "t", b"x", 0) for _ in range(8)])
    told(cloud, "publishes_per_s", "dev")


def test_limits_of_sizes_by_name(start):
    cloud = start(max_payload=10, max_subscriptions=1)
    c = client(cloud, "dev")
    assert c.subscribe(("a", 0), ("b", 0)) == [0, 0x97]
    c.send(publish(5, "a", b"x" * 11, 0))
    c.closed(0x95)
    d = cloud.device("dev", policy=OPEN_POLICY)
    assert d.curl("/topics/t", "--data-binary", "x" * 11)[0] == 413


@pytest.mark.parametrize("bad", ["no_such=1", "max_payload", "max_payload=-1", "max_qos=3", "max_inflight_in=70000", "max_topic=1,,max_topic=2"])
def test_limits_that_are_none(tmp_path, bad):
    p = subprocess.run([BIN / "sedge-cloud", "serve", "--data", tmp_path / "d", "--limit", bad], capture_output=True, text=True)
    assert p.returncode == 2 and "not a limit's name with a number it takes" in p.stderr


def test_the_man_page_names_every_limit():
    """And no other: what it lists is what the program takes."""
    text = (BIN.parents[1] / "docs/man/sedge-cloud.8").read_text()
    names = [line.split()[1] for line in text.split(".SH LIMITS")[1].split(".SH")[0].splitlines() if line.startswith(".BI ")]
    source = (BIN.parents[1] / "src/broker/config.c").read_text()
    assert len(names) > 30 and sorted(names) == sorted(w.split("(")[1].split(",")[0] for w in source.splitlines() if w.strip().startswith(("LIMIT(", "SWITCH(")))
