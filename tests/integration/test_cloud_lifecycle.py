"""Lifecycle and subscription events of the gateway: each topic and message of the reference (1.8), from the wire."""

import re
import time

import mqtt_wire
import pytest
from cloud import OPEN_POLICY, Cloud, arn
from mqtt_device import DeviceClient

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


class Listener:
    def __init__(self, cloud):
        self.client = DeviceClient(cloud.device("listener"))
        assert self.client.subscribe(("$aws/events/presence/#", 1), ("$aws/events/subscriptions/#", 1)) == [1, 1]
        topic, m = self.client.topic_and_json()
        assert topic == "$aws/events/subscriptions/subscribed/listener" and m["topics"] == ["$aws/events/presence/#",
                                                                                            "$aws/events/subscriptions/#"]

    def heard(self):
        """(topic below $aws/events, message without its time, which is checked)"""
        topic, m = self.client.topic_and_json()
        assert abs(m.pop("timestamp") - time.time() * 1000) < 60000
        assert UUID.fullmatch(m["sessionIdentifier"])
        return topic.removeprefix("$aws/events/"), m

    def silent(self):
        self.client.subscribe(("end", 1))
        topic, m = self.heard()
        assert topic == "subscriptions/subscribed/listener" and m["topics"] == ["end"]


@pytest.fixture
def listener(cloud):
    return Listener(cloud)


@pytest.fixture
def device(cloud):
    return cloud.device("dev", thing=False)


def test_a_connection_from_beginning_to_end(listener, device):
    """The exact members, from CONNECT to DISCONNECT."""
    d = DeviceClient(device)
    topic, m = listener.heard()
    session = m["sessionIdentifier"]
    common = {"clientId": "dev", "sessionIdentifier": session, "principalIdentifier": device.id}
    assert topic == "presence/connected/dev"
    assert m == {**common, "eventType": "connected", "ipAddress": "127.0.0.1", "versionNumber": 0}
    assert d.subscribe(("a/+", 1), ("b", 0)) == [1, 0]
    assert listener.heard() == ("subscriptions/subscribed/dev", {**common, "eventType": "subscribed", "topics": ["a/+", "b"]})
    d.unsubscribe("b", "never")
    assert listener.heard() == ("subscriptions/unsubscribed/dev", {**common, "eventType": "unsubscribed", "topics": ["b"]})
    d.leave()
    assert listener.heard() == ("presence/disconnected/dev", {
        **common, "eventType": "disconnected", "clientInitiatedDisconnect": True, "disconnectReason": "CLIENT_INITIATED_DISCONNECT",
        "versionNumber": 0})
    listener.silent()


def test_subscriptions_that_were_refused_or_not_there_are_not_told(cloud, listener):
    """Control: a packet of which nothing was granted has no event, and of a mixed one only what was granted is told."""
    device = cloud.device("dev", thing=False, policy={"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"},
        {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": arn("topicfilter/yes")}]})
    d = DeviceClient(device)
    assert listener.heard()[0] == "presence/connected/dev"
    assert d.subscribe(("no", 0)) == [0x80]
    d.unsubscribe("never")
    assert d.subscribe(("no", 0), ("yes", 0)) == [0x80, 0]
    topic, m = listener.heard()
    assert topic == "subscriptions/subscribed/dev" and m["topics"] == ["yes"]


def test_version_numbers_rise_and_pair(listener, device):
    for n in range(3):
        d = DeviceClient(device)
        topic, up = listener.heard()
        assert (topic, up["versionNumber"]) == ("presence/connected/dev", n)
        d.leave()
        topic, down = listener.heard()
        assert (topic, down["versionNumber"]) == ("presence/disconnected/dev", n)
        assert up["sessionIdentifier"] == down["sessionIdentifier"]


def test_a_takeover_is_two_events_in_order(listener, device):
    first = DeviceClient(device)
    _, up = listener.heard()
    second = DeviceClient(device)
    topic, down = listener.heard()
    assert topic == "presence/disconnected/dev"
    assert (down["disconnectReason"], down["clientInitiatedDisconnect"], down["versionNumber"]) == ("DUPLICATE_CLIENTID", False, 0)
    assert down["sessionIdentifier"] == up["sessionIdentifier"]
    topic, again = listener.heard()
    assert (topic, again["versionNumber"]) == ("presence/connected/dev", 1)
    assert again["sessionIdentifier"] != up["sessionIdentifier"]
    first.closed()
    second.leave()


def lose(d, cloud, device):
    d.cut()


def two_connects(d, cloud, device):
    d.send(mqtt_wire.connect(4, "dev"))


def revoke(d, cloud, device):
    cloud.client("iot").update_certificate(certificateId=device.id, newStatus="INACTIVE")


def publish_denied(d, cloud, device):
    d.send(mqtt_wire.publish(4, "denied", b"", 0))


@pytest.mark.parametrize("end, reason", [(lose, "CONNECTION_LOST"), (two_connects, "CLIENT_ERROR"), (revoke, "FORBIDDEN_ACCESS"),
                                         (publish_denied, "AUTH_ERROR")])
def test_reasons(cloud, listener, end, reason):
    """Each has the Will published, too."""
    policy = {**OPEN_POLICY, "Statement": [*OPEN_POLICY["Statement"],
                                           {"Effect": "Deny", "Action": "iot:Publish", "Resource": arn("topic/denied")}]}
    device = cloud.device("dev", thing=False, policy=policy)
    listener.client.subscribe(("will", 1))
    assert listener.heard()[0] == "subscriptions/subscribed/listener"
    d = DeviceClient(device, will=mqtt_wire.will("will", b'{"gone": 1}'))
    assert listener.heard()[0] == "presence/connected/dev"
    end(d, cloud, device)
    topic, m = listener.heard()
    assert topic == "presence/disconnected/dev"
    assert (m["disconnectReason"], m["clientInitiatedDisconnect"]) == (reason, False)
    assert listener.client.topic_and_json() == ("will", {"gone": 1})


def test_client_ids_with_wildcards_have_no_events(cloud, listener, device):
    """No topic could carry them; one with slashes has its own levels."""
    for name in ("a+b", "a#", "a/b"):
        DeviceClient(device, client_id=name).leave()
    topic, m = listener.heard()
    assert (topic, m["clientId"]) == ("presence/connected/a/b", "a/b")


def test_events_need_the_right_to_be_received(cloud, listener, device):
    """Control: who may not receive the topic gets nothing; nobody may publish there."""
    deaf = cloud.device("deaf", thing=False, policy={"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["iot:Connect", "iot:Subscribe", "iot:Publish"], "Resource": "*"},
        {"Effect": "Allow", "Action": "iot:Receive", "Resource": arn("topic/end")}]})
    c = DeviceClient(deaf)
    c.subscribe(("$aws/events/#", 1), ("end", 1))
    d = DeviceClient(device)
    d.publish("end", b"{}", 1)
    assert c.topic_and_json() == ("end", {})
    d.send(mqtt_wire.publish(4, "$aws/events/presence/connected/dev", b"{}", 0))
    d.closed()
