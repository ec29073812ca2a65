"""The REST side of MQTT: Publish, retained messages and connections, by certificate on the device port and by SigV4 on the control port."""

import base64
import json
import time
import urllib.parse

import botocore.exceptions
import pytest
from cloud import OPEN_POLICY, Cloud, arn
from mqtt_device import DeviceClient


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


@pytest.fixture
def data(cloud):
    return cloud.client("iot-data")


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": a, "Resource": r} for a, r in statements]}


def subscriber(cloud, *filters, v=4):
    c = DeviceClient(cloud.device("sub"), v=v)
    assert c.subscribe(*[(f, 1) for f in filters]) == [1] * len(filters)
    return c


def got(c):
    p = c.receive()
    return p.topic, p.payload, p.qos


def refused(status, body):
    answer = json.loads(body)
    assert set(answer) == {"message", "traceId"}, answer
    return status


def test_publish_with_a_certificate(cloud):
    """Slashes as they are and escaped; both QoS; the body's bytes as they are."""
    c = subscriber(cloud, "a/#")
    d = cloud.device("dev", thing=False, policy=policy(("iot:Publish", arn("topic/a/*"))))
    status, body = d.curl("/topics/a/b?qos=1", "--data-binary", "x y")
    assert status == 200 and json.loads(body)["message"] == "OK" and len(json.loads(body)["traceId"]) == 36
    assert got(c) == ("a/b", b"x y", 1)
    assert d.curl("/topics/a%2Fc%20d", "-X", "POST", "--data-binary", "\x01")[0] == 200
    assert got(c) == ("a/c d", b"\x01", 0)


@pytest.mark.parametrize("path, body, status", [
    ("/topics/b?qos=1", "x", 403),  # no policy allows it
    ("/topics/a/b?qos=2", "x", 400),
    ("/topics/a/b?qos=-1", "x", 400),
    ("/topics/a/+", "x", 400),  # no topic name
    ("/topics/a/%23", "x", 400),
    ("/topics/a/2/3/4/5/6/7/8/9", "x", 400),  # too deep
    ("/topics/a/" + "x" * 300, "x", 400),
    ("/topics/a/b?retain=true", "x", 403),  # iot:RetainPublish is missing
    ("/topics/a/b?retain=maybe", "x", 400),
    ("/topics/a/b?messageExpiry=x", "x", 400),
])
def test_publish_refused(cloud_of_all, path, body, status):
    d = cloud_of_all
    assert refused(*d.curl(path, "-X", "POST", "--data-binary", body)) == status


@pytest.fixture(scope="module")
def cloud_of_all(tmp_path_factory):
    """A device that may publish below a/, of a cloud that all of a module's tests share."""
    from conftest import Processes
    procs = Processes(tmp_path_factory.mktemp("p"))
    cloud = Cloud(procs, tmp_path_factory.mktemp("c"))
    yield cloud.device("dev", thing=False, policy=policy(("iot:Publish", [arn("topic/a/*"), arn("topic/$aws/*")])))
    procs.stop_all()


def test_a_reserved_topic_that_nobody_owns(cloud_of_all):
    assert refused(*cloud_of_all.curl("/topics/$aws/nothing", "-X", "POST", "--data-binary", "x")) == 403


def test_a_payload_over_128_kib(cloud_of_all, tmp_path):
    (tmp_path / "fits").write_bytes(b"x" * 131072)
    (tmp_path / "big").write_bytes(b"x" * 131073)
    assert cloud_of_all.curl("/topics/a/b?qos=1", "--data-binary", f"@{tmp_path / 'fits'}")[0] == 200
    assert cloud_of_all.curl("/topics/a/b?qos=1", "--data-binary", f"@{tmp_path / 'big'}")[0] == 413


def test_policy_detached_or_certificate_revoked(cloud):
    """Counts from the next request on."""
    d = cloud.device("dev", thing=False)
    iot = cloud.client("iot")
    ask = lambda: d.curl("/topics/a?qos=1", "--data-binary", "x")[0]  # noqa: E731
    assert ask() == 200
    iot.detach_policy(policyName=d.policy, target=d.arn)
    assert ask() == 403
    iot.attach_policy(policyName=d.policy, target=d.arn)
    assert ask() == 200
    iot.update_certificate(certificateId=d.id, newStatus="INACTIVE")
    assert ask() == 403


def test_client_variables_do_not_resolve(cloud):
    d = cloud.device("dev", policy=policy(("iot:Publish", [arn("topic/${iot:ClientId}"), arn("topic/${iot:Connection.Thing.ThingName}")])))
    assert d.curl("/topics/dev?qos=1", "--data-binary", "x")[0] == 403


def test_publish_by_sdk(cloud, data):
    """boto3's iot-data, and a shadow by its topic: the service that owns the topic answers."""
    c = subscriber(cloud, "a/#", "$aws/things/t/shadow/update/accepted")
    data.publish(topic="a/b c", qos=1, payload=b"\x00\xff")
    assert got(c) == ("a/b c", b"\x00\xff", 1)
    data.publish(topic="$aws/things/t/shadow/update", qos=1, payload=b'{"state":{"desired":{"a":1}}}')
    topic, payload, _ = got(c)
    assert topic == "$aws/things/t/shadow/update/accepted" and json.loads(payload)["state"] == {"desired": {"a": 1}}
    with pytest.raises(botocore.exceptions.ClientError) as e:
        data.publish(topic="$aws/nothing", qos=1, payload=b"")
    assert e.value.response["Error"]["Code"] == "ForbiddenException"


def test_publish_with_a_signature_altered(cloud):
    """Control for the one above."""
    bad = cloud.client("iot-data", aws_secret_access_key="x" * 40)
    with pytest.raises(botocore.exceptions.ClientError) as e:
        bad.publish(topic="a", qos=1, payload=b"x")
    assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


PAIRS = '[{"k":"v"},{"k":"w"},{"z":"\u00e4"}]'


@pytest.mark.parametrize("user", [PAIRS, json.dumps(PAIRS)])
def test_mqtt_5_properties(cloud, user):
    """All six, user properties in both forms in which SDKs send them."""
    c = subscriber(cloud, "a", v=5)
    d = cloud.device("dev", thing=False)
    q = urllib.parse.urlencode({"qos": 1, "contentType": "text/plain", "responseTopic": "b/c", "messageExpiry": 60})
    h = {"x-amz-mqtt5-user-properties": b64(user), "x-amz-mqtt5-payload-format-indicator": "UTF8_DATA",
         "x-amz-mqtt5-correlation-data": b64(b"\x00\x01")}
    status, body = d.curl("/topics/a?" + q, "--data-binary", "x", *[x for k, v in h.items() for x in ("-H", f"{k}: {v}")])
    assert status == 200, body
    p = c.receive()
    expiry = p.props.pop("message_expiry") if "message_expiry" in p.props else None
    assert p.payload == b"x"
    text = repr(p.props)
    for want in ("text/plain", "b/c", "('k', 'v')", "('k', 'w')", "('z', '\u00e4')"):
        assert want in text, text
    assert expiry is None or expiry <= 60


@pytest.mark.parametrize("header", ["x-amz-mqtt5-user-properties: ###", "x-amz-mqtt5-user-properties: " + b64("{}"),
                                    "x-amz-mqtt5-user-properties: " + b64('[{"a":"1","b":"2"}]'),
                                    "x-amz-mqtt5-user-properties: " + b64('[{"a":1}]'),
                                    "x-amz-mqtt5-user-properties: " + b64('[{"a":"\\u0000"}]'),
                                    "x-amz-mqtt5-user-properties: " + b64("[" * 100),
                                    "x-amz-mqtt5-payload-format-indicator: TEXT", "x-amz-mqtt5-correlation-data: ###",
                                    "x-amz-mqtt5-correlation-data: " + b64("x" * 5000)])
def test_bad_properties(cloud_of_all, header):
    assert refused(*cloud_of_all.curl("/topics/a/b?qos=1", "--data-binary", "x", "-H", header)) == 400


# ---- connections ----


def test_get_connection(cloud):
    d = cloud.device("dev", thing=False, policy=OPEN_POLICY)
    ask = lambda more="": d.curl("/connections/dev" + more)  # noqa: E731
    assert ask()[0] == 404
    c = DeviceClient(d, keep_alive=60)
    status, body = ask("?includeSocketInformation=true")
    m = json.loads(body)
    assert status == 200 and m.pop("connectedSince") > 1.6e12 and m.pop("sourcePort") > 0
    assert m == {"clientId": "dev", "connected": True, "cleanSession": True, "keepAliveDuration": 60, "sourceIp": "127.0.0.1"}
    c.leave()

    def gone():
        m = json.loads(ask()[1])
        return not m["connected"] and m
    from conftest import wait_for
    m = wait_for(gone, message="still connected")
    assert m["disconnectReason"] == "CLIENT_INITIATED_DISCONNECT" and m["disconnectedSince"] > 1.6e12


def test_list_subscriptions(cloud):
    d = cloud.device("dev", thing=False)
    c = DeviceClient(d)
    c.subscribe(("b/+", 1), ("a", 0), ("c/#", 1))
    seen, token = [], ""
    for _ in range(3):
        m = json.loads(d.curl("/connections/dev/subscriptions?maxResults=1" + token)[1])
        seen += [(s["topicFilter"], s["qos"]) for s in m["subscriptions"]]
        token = "&nextToken=" + urllib.parse.quote(m.get("nextToken", ""), safe="")
    assert seen == [("a", 0), ("b/+", 1), ("c/#", 1)] and "nextToken" not in m
    assert d.curl("/connections/nobody/subscriptions")[0] == 404


@pytest.mark.parametrize("prevent", [False, True])
def test_delete_connection(cloud, data, prevent):
    """The reason is told, the Will is published unless it is prevented; another time there is nobody."""
    import mqtt_wire
    c = subscriber(cloud, "will", "$aws/events/presence/disconnected/dev")
    d = DeviceClient(cloud.device("dev", thing=False), will=mqtt_wire.will("will", b"{}"))
    params = {"clientId": "dev", "preventWillMessage": "true" if prevent else "false"}
    assert call(cloud, "DELETE", "/connections/dev", params) == 200
    d.closed()
    topics = {c.receive().topic for _ in range(1 if prevent else 2)}
    assert ("will" in topics) == (not prevent)
    assert call(cloud, "DELETE", "/connections/dev", params) == 404


def call(cloud, method, path, params):
    """Debian's botocore does not know these operations yet."""
    import urllib.request

    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
    k = cloud.keys()
    r = botocore.awsrequest.AWSRequest(method, cloud.api + path, params={k: v for k, v in params.items() if k != "clientId"})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(k["aws_access_key_id"], k["aws_secret_access_key"]), "iotdata",
                            "us-east-1").add_auth(r)
    p = r.prepare()
    try:
        return urllib.request.urlopen(urllib.request.Request(p.url, headers=dict(p.headers), method=method), timeout=20).status
    except urllib.error.HTTPError as e:
        return e.code


@pytest.mark.parametrize("method, path", [("GET", "/connections/other"), ("GET", "/connections/other/subscriptions"),
                                          ("DELETE", "/connections/other"), ("GET", "/retainedMessage"), ("GET", "/retainedMessage/a/b")])
def test_no_right_no_answer(cloud_of_all, method, path):
    """Control: a device without the action is refused before it learns whether there is such a thing."""
    status, _ = cloud_of_all.curl(path, "-X", method)
    assert status == 403


def test_no_retained_message(cloud):
    d = cloud.device("dev", thing=False)
    assert d.curl("/retainedMessage/a/b")[0] == 404
    assert json.loads(d.curl("/retainedMessage")[1]) == {"retainedTopics": []}


def test_retained_messages(cloud, data):
    """Published by REST, looked at by REST, also after kill -9, delivered by MQTT, deleted."""
    d = cloud.device("dev", thing=False)
    user = b64('[{"k":"v"},{"k":"w"}]')
    before = time.time() * 1000
    for topic, more in (("b", []), ("a/b", ["-H", f"x-amz-mqtt5-user-properties: {user}"]), ("c", [])):
        assert d.curl(f"/topics/{topic}?qos=1&retain=true", "--data-binary", f"of {topic}", *more)[0] == 200
    cloud.kill()
    cloud.start()
    status, body = d.curl("/retainedMessage/a%2Fb")
    m = json.loads(body)
    assert before - 1000 < m.pop("lastModifiedTime") < time.time() * 1000 + 1000
    assert json.loads(base64.b64decode(m.pop("userProperties"))) == [{"k": "v"}, {"k": "w"}]
    assert m == {"topic": "a/b", "payload": b64("of a/b"), "qos": 1}
    data = cloud.client("iot-data")
    assert data.get_retained_message(topic="b")["payload"] == b"of b"
    seen, token = [], {}
    while True:
        page = data.list_retained_messages(maxResults=2, **token)
        seen += [(t["topic"], t["payloadSize"], t["qos"]) for t in page["retainedTopics"]]
        if not page.get("nextToken"):
            break
        token = {"nextToken": page["nextToken"]}
    assert sorted(seen) == [("a/b", 6, 1), ("b", 4, 1), ("c", 4, 1)]
    c = DeviceClient(d)
    c.subscribe(("b", 1))
    p = c.receive()
    assert (p.payload, p.retain) == (b"of b", True)
    data.publish(topic="b", qos=1, retain=True, payload=b"")
    assert d.curl("/retainedMessage/b")[0] == 404


# --- the names of shadows ---------------------------------------------------------------------------------------------------

def test_named_shadows_are_listed(cloud, data):
    """In pages, as a paginating client walks them; neither the classic shadow, nor those deleted, nor another thing's."""
    put = lambda thing, **kw: data.update_thing_shadow(thingName=thing, payload=b'{"state":{"reported":{"deleted":1}}}', **kw)  # noqa: E731
    assert data.list_named_shadows_for_thing(thingName="t")["results"] == []
    put("t")
    put("other", shadowName="theirs")
    names = sorted(f"{c}{i}" for i in range(4) for c in "Ab-")
    for name in names + ["gone", "0gone"]:
        put("t", shadowName=name)
    for name in ("gone", "0gone"):
        data.delete_thing_shadow(thingName="t", shadowName=name)
    told = data.list_named_shadows_for_thing(thingName="t")
    assert told["results"] == names and "nextToken" not in told and abs(told["timestamp"] - time.time()) < 60
    seen, token, pages = [], {}, 0
    while True:
        page = data.list_named_shadows_for_thing(thingName="t", pageSize=5, **token)
        pages, seen = pages + 1, seen + page["results"]
        put("t", shadowName="A0")  # what comes or changes meanwhile does not move the others
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert (seen, pages) == (names, 3)
    exact = data.list_named_shadows_for_thing(thingName="t", pageSize=len(names))
    assert len(exact["results"]) == len(names) and "nextToken" not in exact
    for bad in ({"pageSize": 101}, {"pageSize": 0}, {"nextToken": "nonsense"}, {"thingName": "a b"}):
        with pytest.raises(botocore.exceptions.ClientError) as e:
            cloud.client("iot-data", parameter_validation=False).list_named_shadows_for_thing(**{"thingName": "t", **bad})
        assert e.value.response["Error"]["Code"] == "InvalidRequestException", bad
    assert len(cloud.aws("iot-data", "list-named-shadows-for-thing", "--thing-name", "t", "--page-size", "3")["results"]) == 3


def test_a_device_lists_the_shadows_of_its_thing(cloud, data):
    data.update_thing_shadow(thingName="dev", shadowName="s", payload=b'{"state":{}}')
    d = cloud.device("dev", policy=policy(("iot:ListNamedShadowsForThing", arn("thing/dev"))))
    path = "/api/things/shadow/ListNamedShadowsForThing/"
    status, body = d.curl(path + "dev")
    assert status == 200 and json.loads(body)["results"] == ["s"]
    assert d.curl(path + "other")[0] == 403


def test_a_name_in_the_query_is_part_of_a_shadow_only(cloud, data):
    """What a policy allows on a/b is not allowed on a because the query says name=b: only shadows have that."""
    d = cloud.device("dev", policy=policy((["iot:Publish", "iot:ListNamedShadowsForThing", "iot:GetThingShadow"],
                                           [arn("topic/a/b"), arn("thing/dev/b"), arn("thing/x/b")])))
    data.update_thing_shadow(thingName="dev", shadowName="b", payload=b'{"state":{}}')
    assert d.curl("/topics/a?name=b", "--data-binary", "x")[0] == 403
    assert d.curl("/topics/a/b?name=c", "--data-binary", "x")[0] == 200
    assert d.curl("/api/things/shadow/ListNamedShadowsForThing/dev?name=b")[0] == 403
    assert d.curl("/things/dev/shadow?name=b")[0] == 200
    assert d.curl("/things/dev/shadow")[0] == 403
