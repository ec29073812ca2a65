"""The core's data connections and its spooler against the fake cloud: real TLS and MQTT, functions played by route_drive."""

import base64
import json

import pytest

import edge_root
from conftest import LONG, wait_for
from fake_cloud import THING, new_key, started
from route_drive import A, B, GONE, Drive, spooler

C00 = f"{THING}-c00"


@pytest.fixture
def cloud(tmp_path):
    with started(tmp_path / "cloud") as cloud:
        yield cloud


@pytest.fixture
def drive(tmp_path, cloud):
    root = edge_root.Root(tmp_path, cloud, with_programs=False).identity(new_key("ec"))
    root.config["coreThing"]["mqttOperationTimeout"] = 5
    root.config["mqttMaxConnectionRetryInterval"] = 1
    drive = Drive(root)
    yield drive
    drive.stop()


def clients(cloud):
    return sorted(c.client_id for c in list(cloud.connections) if c.client_id)


def test_no_connection_without_need(drive, cloud):
    """Connections exist while the group takes something from the cloud or sends something there."""
    assert drive.apply((A, "x", B)) == "applied"
    assert drive.publish(A, "x", "hello").startswith("published")
    assert drive.counts()["published"] == 1
    assert cloud.count("connect") == 0
    drive.apply((A, "x", "cloud"))
    cloud.wait_for("connect", C00)
    wait_for(lambda: f'All topics subscribed.\t{{"clientId": "{C00}"}}' in drive.root.log, 15)
    assert cloud.count("subscribe") == 0
    drive.apply((A, "x", B))
    cloud.wait_for("disconnect")
    wait_for(lambda: not clients(cloud), 15)


def test_there_and_back(drive, cloud):
    drive.apply((A, "hello/world", "cloud"), ("cloud", "to/a", A), ("cloud", "to/all", A), ("cloud", "to/all", B),
                ("cloud", "s/#", "GGShadowService"))
    wait_for(lambda: "All topics subscribed." in drive.root.log, 15)
    assert [e[1:] for e in cloud.events if e[0] == "subscribe"] == [("s/#", 0), ("to/a", 0), ("to/all", 0)]
    drive.publish(A, "hello/world", "from the edge")
    cloud.wait_for("message", C00, "hello/world", b"from the edge", 1)
    cloud.bring("to/a", b"from the cloud")
    words = drive.line("function").split(" ", 4)
    assert words[1:3] == [A, "cloud"] and words[4] == "from the cloud"
    assert json.loads(base64.b64decode(words[3])) == {"custom": {"subject": "to/a"}}
    cloud.bring("to/all", b"both")
    assert sorted(drive.line("function").split()[1] for _ in range(2)) == [A, B]
    cloud.bring("s/1", b"state")
    assert drive.line("shadows") == "shadows s/1 state"
    counts = drive.counts()
    assert (counts["to_cloud"], counts["delivered"], counts["waiting"]) == (1, 1, 0)


def test_what_the_cloud_sends_but_nobody_subscribed_to_is_discarded(drive, cloud):
    """MQTT lets s/# match s; V1 does not."""
    drive.apply(("cloud", "s/#", A))
    wait_for(lambda: "All topics subscribed." in drive.root.log, 15)
    cloud.bring("s", b"parent")
    wait_for(lambda: "[DEBUG]-Failed to get routes. Discarding message." in drive.root.log, 15)
    cloud.bring("s/", b"below")
    assert drive.line("function").endswith(" below")
    assert not [l for l in drive.seen if l.startswith("function")]


def test_fifty_subscriptions_on_a_connection(drive, cloud):
    topics = [f"t/{n:03}" for n in range(120)]
    drive.apply(*[("cloud", t, A) for t in topics])
    cloud.wait(lambda: cloud.count("subscribe") == 120, 30)
    by_client = {c.client_id: len(c.topics) for c in cloud.connections}
    assert by_client == {f"{THING}-c00": 50, f"{THING}-c01": 50, f"{THING}-c02": 20}
    wait_for(lambda: drive.root.log.count("All topics subscribed.") == 3, 15)
    cloud.bring("t/119", b"last")
    assert drive.line("function").endswith(" last")


def test_a_message_that_comes_by_two_connections_counts_once(drive, cloud):
    """Filters that overlap on different connections: the cloud sends one copy on each."""
    fillers = [(f"a/{n:03}") for n in range(49)]
    drive.apply(*[("cloud", t, A) for t in fillers], ("cloud", "m/+", A), ("cloud", "m/x", B))
    cloud.wait(lambda: cloud.count("subscribe") == 51, 30)
    wait_for(lambda: drive.root.log.count("All topics subscribed.") == 2, 15)
    assert all(any(t in c.topics for c in cloud.connections) for t in ("m/+", "m/x"))
    assert len({c.client_id for c in cloud.connections if {"m/+", "m/x"} & set(c.topics)}) == 2
    cloud.bring("m/x", b"once")
    got = sorted(drive.line("function").split()[1] for _ in range(2))
    assert got == [A, B]
    assert drive.counts()["published"] == 1
    assert not [l for l in drive.seen if l.startswith("function")]


def test_the_cloud_away_during_publish(drive, cloud):
    """What is published meanwhile comes after the reconnect, in order; what was not acknowledged comes again."""
    drive.apply((A, "x", "cloud"))
    drive.publish(A, "x", "1")
    cloud.wait_for("message", C00, "x", b"1")
    wait_for(lambda: drive.counts()["delivered"] == 1, 15)
    cloud.mute_pubacks = True
    drive.publish(A, "x", "2")
    cloud.wait_for("message", C00, "x", b"2")
    port = cloud.mqtt_port
    cloud.stop_mqtt()
    for n in range(3, 40):
        assert drive.publish(A, "x", str(n)).startswith("published")
    assert drive.counts()["waiting"] == 38
    cloud.mute_pubacks = False
    cloud.start_mqtt(port)
    wait_for(lambda: drive.counts()["waiting"] == 0, 30)
    assert cloud.messages("x") == [b"1", b"2"] + [str(n).encode() for n in range(2, 40)]
    assert "Cloud messaging error: Error occurred while trying to publish a message." in drive.root.log
    assert drive.counts()["full"] == 0


def test_the_oldest_is_dropped_when_the_spooler_is_full(drive, cloud):
    cloud.refuse_connect = True
    drive.apply((A, "x", "cloud"), functions=[spooler(GG_CONFIG_MAX_SIZE_BYTES="262144")])
    drive.flood(A, "x", 100, 10000)
    counts = drive.counts()
    assert counts["full"] > 70 and counts["waiting"] + counts["full"] == 100
    cloud.refuse_connect = False
    wait_for(lambda: drive.counts()["waiting"] == 0, 30)
    got = [int(m[:6]) for m in cloud.messages("x")]
    assert got == list(range(100 - counts["waiting"], 100))
    assert len(got) * 10000 > 262144 - 11000
    wait_for(lambda: f'"total": {counts["full"]}' in drive.root.log, 15)  # a few lines, and the rest as one number
    assert drive.root.log.count("Discarding the oldest message for the cloud") <= 12


def test_a_spooler_too_small(drive):
    answer = drive.apply((A, "x", "cloud"), functions=[spooler(GG_CONFIG_MAX_SIZE_BYTES="262143")])
    assert answer.startswith("refused Spool size should be at least 262144 bytes")


@pytest.mark.parametrize("variable, value", [("GG_CONFIG_STORAGE_TYPE", "FileSystem"), ("GG_CONFIG_SUBSCRIPTION_QUALITY", "AtLeastOncePersistent")])
def test_spooler_settings_of_later_releases_are_refused(drive, variable, value):
    answer = drive.apply((A, "x", "cloud"), functions=[spooler(**{variable: value})])
    assert answer.startswith("refused") and variable in answer and value in answer


@pytest.mark.skipif(not LONG, reason="waits for mqttOperationTimeout, which has a lower limit")
def test_an_unanswered_publish_times_out_and_is_sent_again(drive, cloud):
    drive.apply((A, "x", "cloud"))
    cloud.mute_pubacks = True
    drive.publish(A, "x", "1")
    wait_for(lambda: '"errorString": "operation timed out"' in drive.root.log, 30)
    cloud.mute_pubacks = False
    wait_for(lambda: drive.counts()["delivered"] == 1, 30)
    assert cloud.messages("x")[-1] == b"1" and len(cloud.messages("x")) >= 2


def test_a_message_the_cloud_refuses_does_not_hold_up_the_others(drive, cloud):
    """AWS closes the connection over a PUBLISH that the policy does not allow."""
    cloud.refused.add("bad")
    drive.apply((A, "#", "cloud"))
    drive.publish(A, "bad", "1")
    drive.publish(A, "good", "2")
    wait_for(lambda: drive.counts()["delivered"] == 1, 60)
    assert cloud.messages() == [b"2"]
    assert drive.counts()["refused"] == 1
    assert cloud.count("refused") == 5
    told = next(f for level, m, f in drive.root.lines() if level == "ERROR" and m.startswith("Discarding message for the cloud"))
    assert told["topic"] == "bad"


def test_a_denied_subscription_is_named_and_asked_for_again(drive, cloud):
    cloud.denied.add("secret")
    drive.apply(("cloud", "secret", A), ("cloud", "open", A))
    wait_for(lambda: "All topics subscribed." in drive.root.log, 15)
    told = next(f for level, m, f in drive.root.lines() if level == "ERROR" and m == "Subscription refused, nothing comes on this topic.")
    assert told["topic"] == "secret" and told["clientId"] == C00
    assert "iot:Subscribe" in told["errorString"] and "SUBACK 0x80" in told["errorString"]
    cloud.bring("open", b"still works")
    assert drive.line("function").endswith(" still works")
    assert cloud.count("connect", C00) == 1
    cloud.denied.clear()                                         # somebody mends the policy
    cloud.wait(lambda: any("secret" in c.topics for c in cloud.connections), 30)
    cloud.bring("secret", b"granted")
    assert drive.line("function").endswith(" granted")
    assert cloud.count("connect", C00) == 1


def test_a_subscription_that_ends_the_connection_does_not_keep_the_others_away(drive, cloud):
    cloud.closes.add("$aws/none")
    drive.apply(("cloud", "$aws/none", A), ("cloud", "open", A))
    cloud.wait(lambda: any("open" in c.topics for c in cloud.connections), 40)
    cloud.bring("open", b"still works")
    assert drive.line("function").endswith(" still works")
    assert any("$aws/none" in f.get("errorString", "") for level, _, f in drive.root.lines() if level == "ERROR")
    assert cloud.count("subscribe", "$aws/none") < 12            # not at full speed


def test_a_subscription_to_an_unknown_function(drive, cloud):
    drive.apply((A, "x", GONE), (A, "x", "cloud"))
    wait_for(lambda: "All topics subscribed." in drive.root.log, 15)
    warned = next(f for level, m, f in drive.root.lines() if level == "WARN" and "function that the group does not have" in m)
    assert warned["target"] == GONE and warned["id"] == "s0"
    drive.publish(A, "x", "1")
    cloud.wait_for("message", C00, "x", b"1")
    dropped = [f for level, m, f in drive.root.lines() if level == "WARN" and m.startswith("Discarding message: a subscription names")]
    assert [f["target"] for f in dropped] == [GONE]


def test_a_deployment_keeps_what_waits_for_the_cloud(drive, cloud):
    cloud.refuse_connect = True
    drive.apply((A, "x", "cloud"))
    drive.publish(A, "x", "1")
    drive.apply(("cloud", "y", B))
    drive.apply((A, "x", B))                                     # nothing of it needs the cloud
    cloud.refuse_connect = False
    wait_for(lambda: cloud.messages("x") == [b"1"], 30)


def test_the_same_connections_stay_over_a_deployment(drive, cloud):
    drive.apply(("cloud", "y", A), (A, "x", "cloud"))
    wait_for(lambda: "All topics subscribed." in drive.root.log, 15)
    drive.apply(("cloud", "y", B), (A, "z", "cloud"))
    cloud.bring("y", b"to b")
    assert drive.line("function").split()[1] == B
    assert cloud.count("connect", C00) == 1 and cloud.count("subscribe", "y") == 1
