"""TestAuthorization and GetEffectivePolicies: they say what the gateway does."""

import json
import queue

import pytest
from cloud import Cloud, arn
from conftest import LONG
from test_cloud_api import refused
from test_cloud_gateway import Client, allow


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(effect, action, resource, **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def decisions(iot, device, infos, **kw):
    answer = iot.test_authorization(principal=device.arn, clientId=device.name,
                                    authInfos=[{"actionType": a, "resources": r if isinstance(r, list) else [r]} for a, r in infos], **kw)
    return answer["authResults"]


def names(policies):
    return [p["policyName"] for p in policies]


def test_which_policy_says_what(cloud):
    iot = cloud.client("iot")
    d = cloud.device("dev", policy=document(statement("Allow", "iot:*", "*")))
    for name, text in {"deny": document(statement("Deny", "iot:Publish", arn("topic/secret/*"))),
                       "mine": document(statement("Allow", "iot:Publish", arn("topic/dt/${iot:ClientId}"))),
                       "odd": document(statement("Allow", "iot:Publish", arn("topic/${iot:Certificate.Subject.Title}")))}.items():
        iot.create_policy(policyName=name, policyDocument=json.dumps(text))
    for name in ("deny", "odd"):
        iot.attach_policy(policyName=name, target=d.arn)
    r = decisions(iot, d, [("PUBLISH", arn("topic/secret/x")), ("PUBLISH", arn("topic/open")), ("CONNECT", arn("client/dev"))])
    assert [x["authDecision"] for x in r] == ["EXPLICIT_DENY", "ALLOWED", "ALLOWED"]
    assert names(r[0]["denied"]["explicitDeny"]["policies"]) == ["deny"]
    assert names(r[0]["allowed"]["policies"]) == ["dev-policy"]
    assert names(r[0]["denied"]["implicitDeny"]["policies"]) == ["odd"]
    assert r[0]["missingContextValues"] == ["iot:Certificate.Subject.Title"]
    assert r[1]["authInfo"] == {"actionType": "PUBLISH", "resources": [arn("topic/open")]}
    # left out and added
    skip = dict(policyNamesToSkip=["dev-policy"], policyNamesToAdd=["mine"])
    r = decisions(iot, d, [("PUBLISH", arn("topic/dt/dev")), ("PUBLISH", arn("topic/dt/other")),
                           ("PUBLISH", [arn("topic/dt/dev"), arn("topic/secret/x")]), ("PUBLISH", [arn("topic/dt/dev"), arn("topic/b")])], **skip)
    assert [x["authDecision"] for x in r] == ["ALLOWED", "IMPLICIT_DENY", "EXPLICIT_DENY", "IMPLICIT_DENY"]
    assert names(r[0]["allowed"]["policies"]) == ["mine"]
    effective = iot.get_effective_policies(principal=d.arn)["effectivePolicies"]
    assert names(effective) == ["deny", "dev-policy", "odd"]
    assert json.loads(effective[0]["policyDocument"])["Statement"][0]["Effect"] == "Deny"


def test_bad_input(cloud):
    iot = cloud.client("iot")
    d = cloud.device("dev")
    good = [{"actionType": "PUBLISH", "resources": [arn("topic/a")]}]
    refused(iot.test_authorization, "InvalidRequestException", 400, principal="nonsense", authInfos=good)
    refused(iot.test_authorization, "ResourceNotFoundException", 404, principal=arn("cert/" + "0" * 64), authInfos=good)
    refused(iot.test_authorization, "InvalidRequestException", 400, authInfos=good)
    refused(iot.test_authorization, "InvalidRequestException", 400, principal=d.arn, authInfos=[{"actionType": "FLY", "resources": ["x"]}])
    refused(iot.test_authorization, "InvalidRequestException", 400, principal=d.arn, authInfos=[{"actionType": "PUBLISH", "resources": []}])
    refused(iot.test_authorization, "InvalidRequestException", 400, principal=d.arn, authInfos=good * 11)
    refused(iot.test_authorization, "ResourceNotFoundException", 404, principal=d.arn, authInfos=good, policyNamesToAdd=["nobody"])
    refused(iot.test_authorization, "InvalidRequestException", 400, principal=d.arn, authInfos=good, policyNamesToSkip=["a b"])
    refused(iot.get_effective_policies, "ResourceNotFoundException", 404, principal=arn("cert/" + "0" * 64))


RESOURCES = ["*", "topic/*", "topic/a", "topic/a/*", "topic/?", "topic/${iot:ClientId}/*", "topic/${iot:Nobody}", "topicfilter/*",
             "topicfilter/a/+", "topicfilter/${iot:ClientId}/#", "topicfilter/a"]
ACTIONS = ["iot:*", "iot:Publish", "iot:Subscribe", "iot:Receive", ["iot:Publish", "iot:Subscribe"], "iot:*ub*"]
TOPICS = ["a", "b", "a/b", "dev/x", "ab"]
FILTERS = ["a", "a/+", "dev/#", "b"]


def some_policy(rng):
    out = [statement("Allow", "iot:Connect", "*")]
    for _ in range(rng.randint(1, 5)):
        effect = rng.choice(["Allow", "Allow", "Deny"])
        resource = rng.choice(RESOURCES)
        member = rng.choice(["Resource"] * 4 + ["NotResource"])
        action = rng.choice(ACTIONS)
        if effect == "Deny" and (action == "iot:*" or action == "iot:*ub*"):
            action = "iot:Publish"  # whoever may not connect shows nothing
        out.append({"Effect": effect, "Action": action, member: resource if resource == "*" else arn(resource)})
    return document(*out)


def wire_publish(device, topic):
    c = Client(device).connect()
    c.publish(topic, "x")
    what = c.next()[0]
    c.stop()
    return {"published": True, "disconnected": False}[what]


def test_the_answer_is_what_happens_on_the_wire(cloud, rng):
    """A generated matrix: policies by actions by topics."""
    iot = cloud.client("iot")
    d = cloud.device("dev", policy=None)
    iot.create_policy(policyName="p", policyDocument=json.dumps(allow(("iot:Connect", "*"))))
    iot.attach_policy(policyName="p", target=d.arn)
    checked = {True: 0, False: 0}
    for _ in range(40 if LONG else 5):
        text = some_policy(rng)
        version = iot.create_policy_version(policyName="p", policyDocument=json.dumps(text), setAsDefault=True)["policyVersionId"]
        for v in iot.list_policy_versions(policyName="p")["policyVersions"]:
            if v["versionId"] != version:
                iot.delete_policy_version(policyName="p", policyVersionId=v["versionId"])
        told = decisions(iot, d, [("PUBLISH", arn("topic/" + t)) for t in TOPICS])
        for topic, r in zip(TOPICS, told):
            want = r["authDecision"] == "ALLOWED"
            assert wire_publish(d, topic) == want, (text, topic, r["authDecision"])
            checked[want] += 1
        told = decisions(iot, d, [("SUBSCRIBE", arn("topicfilter/" + f)) for f in FILTERS])
        c = Client(d).connect()
        for f, r in zip(FILTERS, told):
            want = r["authDecision"] == "ALLOWED"
            assert (c.subscribe(f) == (1,)) == want, (text, f, r["authDecision"])
            checked[want] += 1
        c.stop()
    assert min(checked.values()) > 2, checked  # both answers occurred


def test_receive_is_what_is_delivered(cloud):
    iot = cloud.client("iot")
    d = cloud.device("dev", policy=document(
        statement("Allow", ["iot:Connect", "iot:Subscribe"], "*"), statement("Allow", "iot:Receive", arn("topic/*")),
        statement("Deny", "iot:Receive", [arn("topic/secret/*"), arn("topic/x/${iot:ClientId}")])))
    sender = cloud.device("sender")
    topics = ["open", "secret/a", "x/dev", "x/other", "end"]
    told = [r["authDecision"] == "ALLOWED" for r in decisions(iot, d, [("RECEIVE", arn("topic/" + t)) for t in topics])]
    c = Client(d).connect()
    assert c.subscribe("#") == (1,)
    for t in topics:
        assert sender.publish(t, "m").returncode == 0
    got = []
    while not got or got[-1] != "end":
        try:
            got.append(c.message()[0])
        except queue.Empty:
            break
    assert got == [t for t, yes in zip(topics, told) if yes]
    assert told == [True, False, False, True, True]
    c.stop()
