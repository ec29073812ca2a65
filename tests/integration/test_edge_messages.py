"""Messages among functions and the cloud in greengrassd: programs that speak the wire themselves, and the fake cloud. FN-40 to FN-51."""

import json
import time
import urllib.request

import pytest

from conftest import wait_for
from edge_functions import deployed, plain, root_for_functions
from fake_cloud import started

WORK_ITEMS = 20

#: Hands on what comes, on a topic of its own.
RELAY = '''
while True:
    id, topic, payload = work()
    publish(os.environ["TO"], payload)
    answer(id)
'''

#: Publishes what a message from the cloud lists, and says what the core answered to each.
PUBLISHER = '''
def status(topic, payload, policy, context):
    try:
        if context is None:
            return publish(topic, payload, policy).status
        return call("POST", os.environ["ROUTER_FUNCTION_ARN"], payload, X_Amz_Invocation_Type="Event", X_Amz_Client_Context=context).status
    except urllib.error.HTTPError as e:
        return e.code

import urllib.error
while True:
    id, topic, payload = work()
    wanted = json.loads(payload)
    said = [status(w["topic"], b"x" * w.get("size", 1), w.get("policy", ""), w.get("context")) for w in wanted for _ in range(w.get("times", 1))]
    publish("report", json.dumps(said).encode())
    answer(id)
'''

SLOW = '''
import time
while True:
    id, topic, payload = work()
    time.sleep(60)
'''


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with started(tmp_path_factory.mktemp("messages") / "cloud") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def root(cloud):
    with root_for_functions(cloud, maxWorkItemCount=WORK_ITEMS) as root:
        root.config["mqttMaxConnectionRetryInterval"] = 1
        root.greengrassd("start")
        cloud.wait_for("get")
        yield root


@pytest.fixture(autouse=True)
def fresh(cloud):
    with cloud.changed:
        cloud.events.clear()


def come_back(cloud, topic, payload, answer_topic, timeout=15):
    """Sent to the edge until something comes back: connections come up after a deployment."""
    def asked():
        cloud.bring(topic, payload)
        return payload in cloud.messages(answer_topic)
    wait_for(asked, timeout, f"nothing came on {answer_topic}")


def publisher(**more):
    return plain(PUBLISHER, "publisher", Timeout=60, **more)


def report(cloud, *wanted, timeout=20):
    """What the core answered to the publisher."""
    cloud.bring("publish", json.dumps(wanted).encode())
    cloud.wait(lambda: cloud.messages("report"), timeout)
    return json.loads(cloud.messages("report")[-1])


def from_the_publisher(p, *more):
    return [("cloud", "publish", p.arn), (p.arn, "report", "cloud"), *more]


def ready(cloud, p):
    """The publisher hears the cloud and is heard."""
    def asked():
        cloud.bring("publish", b"[]")
        return cloud.messages("report")
    wait_for(asked, 15, "the publisher does not answer")
    time.sleep(0.3)                                              # what was asked meanwhile is answered, too
    with cloud.changed:
        cloud.events.clear()


def test_from_function_to_function(root, cloud):
    a, b = plain(RELAY, "a", Variables={"TO": "middle"}), plain(RELAY, "b", Variables={"TO": "out"})
    deployed(cloud, a, b, subscriptions=[("cloud", "in", a.arn), (a.arn, "middle", b.arn), (b.arn, "out", "cloud")])
    come_back(cloud, "in", b"through both", "out")
    assert not cloud.messages("middle")


def test_functions_that_answer_each_other_for_ever(root, cloud):
    """Two functions in a circle, with several messages on their way: a third one has its turn, and so has the core."""
    a, b = plain(RELAY, "ping", Variables={"TO": "to/pong"}), plain(RELAY, "pong", Variables={"TO": "to/ping"})
    c = plain(RELAY, "other", Variables={"TO": "out"})
    deployed(cloud, a, b, c, subscriptions=[("cloud", "to/ping", a.arn), (a.arn, "to/pong", b.arn), (b.arn, "to/ping", a.arn),
                                            (b.arn, "to/ping", "cloud"), ("cloud", "in", c.arn), (c.arn, "out", "cloud")])
    come_back(cloud, "to/ping", b"round", "to/ping")
    for n in range(5):
        cloud.bring("to/ping", b"%d" % n)
    before = len(cloud.messages("to/ping"))
    for n in range(10):
        come_back(cloud, "in", b"other %d" % n, "out", 10)
    wait_for(lambda: len(cloud.messages("to/ping")) > before + 50, 15, "the circle has stopped")
    url = f"http://127.0.0.1:{root.config['coreThing']['ggDaemonPort']}/2016-11-01/health/workers"
    assert len(json.load(urllib.request.urlopen(url, timeout=5))) >= 1


def test_no_room_for_all_targets(root, cloud):
    """BestEffort drops for whom there is no room, and says so; AllOrError is answered 503 and nobody gets it."""
    p, slow = publisher(), plain(SLOW, "slow", Timeout=120)
    deployed(cloud, p, slow, subscriptions=from_the_publisher(p, (p.arn, "both", slow.arn), (p.arn, "both", "cloud")))
    ready(cloud, p)
    said = report(cloud, {"topic": "both", "times": 2 * WORK_ITEMS}, {"topic": "both", "policy": "AllOrError"}, {"topic": "both", "policy": "BestEffort"})
    assert all(200 <= s < 300 for s in said[:2 * WORK_ITEMS] + said[-1:]) and said[2 * WORK_ITEMS] == 503
    cloud.wait(lambda: len(cloud.messages("both")) >= 2 * WORK_ITEMS + 1)
    assert len(cloud.messages("both")) == 2 * WORK_ITEMS + 1
    dropped = [f for level, m, f in root.lines() if level == "WARN" and m.startswith("Discarding message: the work queue is full")]
    assert dropped and all(f.get("target", slow.arn) == slow.arn for f in dropped)
    assert any(m.startswith("Refusing message: not every target can take it") for _, m, f in root.lines())


def test_publishes_that_are_none(root, cloud):
    p = publisher()
    deployed(cloud, p, subscriptions=from_the_publisher(p, (p.arn, "#", "cloud")))
    ready(cloud, p)
    said = report(cloud, {"topic": "a/+"}, {"topic": "#"}, {"topic": ""}, {"topic": "1/2/3/4/5/6/7/8/9"}, {"topic": "x" * 257},
                  {"topic": "big", "size": 128 * 1024 + 1}, {"topic": "x", "policy": "Perhaps"}, {"topic": "x", "context": ""},
                  {"topic": "x", "context": "no base64"}, {"topic": "x", "context": "e30="}, {"topic": "fits", "size": 128 * 1024})
    assert said[:-1] == [400, 400, 400, 413, 413, 413, 400, 400, 400, 400] and 200 <= said[-1] < 300
    cloud.wait(lambda: cloud.messages("fits"))
    assert {e[2] for e in cloud.events if e[0] == "message"} == {"fits", "report"}


def test_nobody_publishes_for_another(root, cloud):
    """The source is the token's function, whatever custom.source says."""
    p, other = publisher(), plain(RELAY, "other", Variables={"TO": "out"})
    deployed(cloud, p, other, subscriptions=from_the_publisher(p, (other.arn, "private", "cloud"), (p.arn, "own", "cloud"), ("cloud", "forged", "GGShadowService")))
    ready(cloud, p)

    def context(source, subject):
        import base64
        return base64.b64encode(json.dumps({"custom": {"source": source, "subject": subject}}).encode()).decode()
    said = report(cloud, {"topic": "private", "context": context(other.arn, "private")}, {"topic": "forged", "context": context("cloud", "forged")},
                  {"topic": "own", "context": context(other.arn, "own")})
    assert all(200 <= s < 300 for s in said)
    cloud.wait(lambda: cloud.messages("own"))
    assert not cloud.messages("private")


def test_the_cloud_away_during_publish(root, cloud):
    """What functions publish meanwhile comes after the reconnect: nothing is missing, and the order stays."""
    counter = plain('''
import threading, time
def count():
    for n in range(100000):
        publish("count", b"%d" % n)
        time.sleep(0.02)
threading.Thread(target=count, daemon=True).start()
while True:
    answer(work()[0])
''', "counter")
    deployed(cloud, counter, subscriptions=[(counter.arn, "count", "cloud")])
    cloud.wait(lambda: len(cloud.messages("count")) > 10)
    port = cloud.mqtt_port
    cloud.stop_mqtt()
    last = int(cloud.messages("count")[-1])
    root.wait_log("MQTT connection lost.")
    time.sleep(0.5)
    cloud.start_mqtt(port)
    cloud.wait(lambda: int(cloud.messages("count")[-1]) > last + 40, 30)
    numbers = [int(m) for m in cloud.messages("count")]
    assert sorted(set(numbers), key=numbers.index) == list(range(numbers[0], max(numbers) + 1))
    assert len(numbers) - len(set(numbers)) <= 1                 # the one in flight may have come twice
