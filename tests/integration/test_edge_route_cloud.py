"""The core's data connections against sedge-cloud: a policy for CORE*, one that denies, a cloud that is killed."""

import types

import pytest

import edge_root
from cloud import CORE_POLICY, Cloud, arn
from conftest import wait_for
from mqtt_device import DeviceClient
from route_drive import A, Drive

#: What CORE_POLICY lacks for messages: the group's own topics.
MESSAGES = [
    {"Effect": "Allow", "Action": "iot:Publish", "Resource": arn("topic/out/*")},
    {"Effect": "Allow", "Action": "iot:Receive", "Resource": arn("topic/in/*")},
    {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": arn("topicfilter/in/*")},
]


@pytest.fixture
def cloud(procs, tmp_path, request):
    return Cloud(procs, tmp_path, *getattr(request, "param", ()))


@pytest.fixture
def drive(tmp_path, cloud):
    core = cloud.device(policy={**CORE_POLICY, "Statement": CORE_POLICY["Statement"] + MESSAGES})
    ca = types.SimpleNamespace(pem=cloud.ca.read_bytes)
    root = edge_root.Root(tmp_path, types.SimpleNamespace(ca=ca, mqtt_port=cloud.mqtt, https_port=cloud.https), with_programs=False)
    root.config["mqttMaxConnectionRetryInterval"] = 1
    for name, file in (("core.cert.pem", core.cert), ("core.private.key", core.key)):
        (root.path / "certs" / name).touch(mode=0o600)
        (root.path / "certs" / name).write_bytes(file.read_bytes())
    drive = Drive(root)
    yield drive
    drive.stop()


@pytest.fixture
def listener(cloud):
    return cloud.device(name="listener")


def subscribed(drive):
    wait_for(lambda: "All topics subscribed." in drive.root.log, 20, drive.root.log[-2000:])


def test_a_policy_for_the_cores_ids_is_enough(drive, cloud, listener):
    drive.apply((A, "out/#", "cloud"), ("cloud", "in/#", A))
    subscribed(drive)
    with DeviceClient(listener) as there:
        there.subscribe(("out/#", 1))
        drive.publish(A, "out/1", "from the edge")
        got = there.receive()
        assert (got.topic, got.payload) == ("out/1", b"from the edge")
        there.publish("in/1", b"from the cloud", qos=1)
        assert drive.line("function").endswith(" from the cloud")


def test_a_policy_that_denies(drive, cloud, listener):
    """Named with what to allow; the other topics go on."""
    drive.apply((A, "#", "cloud"), ("cloud", "in/#", A), ("cloud", "forbidden/#", A))
    subscribed(drive)
    told = next(f for level, m, f in drive.root.lines() if level == "ERROR" and m.startswith("Subscription refused"))
    assert told["topic"] == "forbidden/#" and "iot:Subscribe" in told["errorString"]
    with DeviceClient(listener) as there:
        there.subscribe(("out/#", 1))
        there.publish("in/1", b"allowed", qos=1)
        assert drive.line("function").endswith(" allowed")
        drive.publish(A, "elsewhere", "not allowed")
        drive.publish(A, "out/2", "allowed")
        assert there.receive().payload == b"allowed"
    assert drive.counts()["refused"] == 1
    assert any(m.startswith("Discarding message for the cloud") and f["topic"] == "elsewhere" and level == "ERROR" for level, m, f in drive.root.lines())


# The aws profile sends ten stored messages a second.
@pytest.mark.parametrize("cloud", [("--profile", "standard")], indirect=True)
def test_the_cloud_is_killed_during_publish(drive, cloud, listener):
    """What was not acknowledged is sent again; nothing is lost, and the order stays."""
    drive.apply((A, "out/#", "cloud"))
    subscribed(drive)
    with DeviceClient(listener, clean=False) as there:
        there.subscribe(("out/#", 1))
    drive.flood(A, "out/n", 300, 100)
    wait_for(lambda: drive.counts()["delivered"] >= 20, 20)
    cloud.kill()
    drive.flood(A, "out/m", 100, 100)
    assert drive.counts()["waiting"] > 100
    cloud.start()
    wait_for(lambda: drive.counts()["waiting"] == 0, 40)
    counts = drive.counts()
    assert (counts["delivered"], counts["full"], counts["refused"]) == (400, 0, 0)
    with DeviceClient(listener, clean=False) as there:
        order = []
        while ("out/m", 99) not in order:                        # one that was in flight may have come twice
            message = there.receive()
            order.append((message.topic, int(message.payload[:6])))
    assert len(order) <= 401
    assert sorted(set(order), key=order.index) == [("out/n", n) for n in range(300)] + [("out/m", n) for n in range(100)]
