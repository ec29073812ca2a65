"""The registry's events on $aws/events/...: each topic and message of the reference (1.6, 1.8), only where switched on."""

import json
import re
import time

import pytest
from authority import Authority
from cloud import ACCOUNT, OPEN_POLICY, Cloud, arn
from conftest import LONG
from mqtt_device import DeviceClient

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


@pytest.fixture
def iot(cloud):
    return cloud.client("iot")


class Listener:
    def __init__(self, cloud):
        self.iot = cloud.client("iot")
        self.client = DeviceClient(cloud.device("listener"))
        assert self.client.subscribe(*[(f"$aws/events/{kind}/#", 1) for kind in (
            "thing", "thingType", "thingTypeAssociation", "thingGroup", "thingGroupMembership", "thingGroupHierarchy", "policy")]) == [1] * 7
        assert self.client.subscribe(("$aws/events/certificate/#", 1), ("$aws/events/caCertificate/#", 1)) == [1, 1]

    def switch(self, *types, on=True):
        self.iot.update_event_configurations(eventConfigurations={t: {"Enabled": on} for t in types})

    def heard(self, n):
        """[(topic below $aws/events, message without what every message has)], each of which is checked."""
        out = []
        for _ in range(n):
            topic, m = self.client.topic_and_json()
            assert UUID.fullmatch(m.pop("eventId")) and m.pop("accountId") == ACCOUNT
            assert abs(m.pop("timestamp") - time.time() * 1000) < 60000
            assert m.pop("operation") == topic.rsplit("/")[-1].upper()
            out.append((topic.removeprefix("$aws/events/"), m))
        return out

    def silent(self):
        """Nothing came: a message of one's own, sent afterwards, is the next."""
        self.client.subscribe(("end", 1))
        self.client.publish("end", b"{}", 1)
        assert self.client.topic_and_json() == ("end", {})


@pytest.fixture
def listener(cloud):
    return Listener(cloud)


def a_walk(iot):
    """Something of everything."""
    iot.create_thing_type(thingTypeName="y")
    iot.create_thing(thingName="t", thingTypeName="y")
    iot.create_thing_group(thingGroupName="g")
    iot.create_thing_group(thingGroupName="h", parentGroupName="g")
    iot.add_thing_to_thing_group(thingName="t", thingGroupName="h")
    iot.create_policy(policyName="p", policyDocument=json.dumps(OPEN_POLICY))
    iot.create_keys_and_certificate()
    iot.delete_thing(thingName="t")


def test_control_silent_until_switched_on(iot, listener):
    a_walk(iot)
    listener.silent()


@pytest.mark.skipif(not LONG, reason="SEDGE_LONG=1 runs it")
def test_control_silent_when_switched_off_again(iot, listener):
    kinds = list(iot.describe_event_configurations()["eventConfigurations"])
    listener.switch(*kinds)
    listener.switch(*kinds, on=False)
    a_walk(iot)
    listener.silent()


def test_only_what_is_switched_on(iot, listener):
    listener.switch("THING_GROUP_HIERARCHY")
    a_walk(iot)
    assert [topic for topic, _ in listener.heard(1)] == ["thingGroupHierarchy/thingGroup/g/childThingGroup/h/added"]
    listener.silent()


def test_things(iot, listener):
    listener.switch("THING")
    uuid = iot.create_thing(thingName="t", attributePayload={"attributes": {"a": "1"}})["thingId"]
    iot.create_thing(thingName="t", attributePayload={"attributes": {"a": "1"}})  # it is there: no event
    iot.create_thing_type(thingTypeName="y")
    iot.update_thing(thingName="t", thingTypeName="y", attributePayload={"attributes": {"b": "2"}, "merge": True})
    iot.delete_thing(thingName="t")
    thing = {"eventType": "THING_EVENT", "thingId": uuid, "thingName": "t"}
    assert listener.heard(3) == [
        ("thing/t/created", {**thing, "versionNumber": 1, "thingTypeName": None, "attributes": {"a": "1"}}),
        ("thing/t/updated", {**thing, "versionNumber": 2, "thingTypeName": "y", "attributes": {"a": "1", "b": "2"}}),
        ("thing/t/deleted", {**thing, "versionNumber": 2, "thingTypeName": "y", "attributes": {"a": "1", "b": "2"}}),
    ]
    listener.silent()


def test_a_change_that_is_refused_is_not_told(iot, listener):
    listener.switch("THING", "THING_GROUP_MEMBERSHIP")
    for n in range(11):
        iot.create_thing_group(thingGroupName=f"g{n}")
    iot.create_thing(thingName="t")
    with pytest.raises(iot.exceptions.InvalidRequestException):  # the eleventh undoes the ten before it
        iot.update_thing_groups_for_thing(thingName="t", thingGroupsToAdd=[f"g{n}" for n in range(11)])
    assert [topic for topic, _ in listener.heard(1)] == ["thing/t/created"]
    listener.silent()


def test_thing_types_and_associations(iot, listener):
    listener.switch("THING_TYPE", "THING_TYPE_ASSOCIATION")
    uuid = iot.create_thing_type(thingTypeName="y", thingTypeProperties={
        "thingTypeDescription": "text", "searchableAttributes": ["a"]})["thingTypeId"]
    iot.create_thing_type(thingTypeName="z")
    thing = iot.create_thing(thingName="t", thingTypeName="y")["thingId"]
    iot.update_thing(thingName="t", thingTypeName="z")
    iot.update_thing(thingName="t", removeThingType=True)
    iot.deprecate_thing_type(thingTypeName="y")
    told = listener.heard(7)
    kind = {"eventType": "THING_TYPE_EVENT", "thingTypeId": uuid, "thingTypeName": "y", "searchableAttributes": ["a"], "description": "text"}
    assert told[0] == ("thingType/y/created", {**kind, "isDeprecated": False, "deprecationDate": None})
    topic, m = told[6]
    assert abs(m.pop("deprecationDate") - time.time() * 1000) < 60000
    assert (topic, m) == ("thingType/y/updated", {**kind, "isDeprecated": True})
    assert told[1][0] == "thingType/z/created"
    changes = [(f"thingTypeAssociation/thing/t/thingType/{y}/{what}",
                {"eventType": "THING_TYPE_ASSOCIATION_EVENT", "thingId": thing, "thingName": "t", "thingTypeName": y})
               for y, what in [("y", "added"), ("y", "removed"), ("z", "added"), ("z", "removed")]]
    assert told[2:6] == changes
    listener.silent()


def test_groups_hierarchy_and_members(iot, listener):
    listener.switch("THING_GROUP", "THING_GROUP_HIERARCHY", "THING_GROUP_MEMBERSHIP")
    thing = iot.create_thing(thingName="t")["thingId"]
    g, h = (iot.create_thing_group(thingGroupName=n, **kw)["thingGroupId"] for n, kw in (
        ("g", {"thingGroupProperties": {"thingGroupDescription": "text", "attributePayload": {"attributes": {"a": "1"}}}}),
        ("h", {"parentGroupName": "g"})))
    iot.add_thing_to_thing_group(thingName="t", thingGroupName="h")
    iot.add_thing_to_thing_group(thingName="t", thingGroupName="h")  # it is there: no event
    iot.remove_thing_from_thing_group(thingName="t", thingGroupName="h")
    iot.remove_thing_from_thing_group(thingName="t", thingGroupName="h")
    iot.update_thing_group(thingGroupName="h", thingGroupProperties={"thingGroupDescription": "new"})
    iot.delete_thing_group(thingGroupName="h")
    told = listener.heard(8)
    group = {"eventType": "THING_GROUP_EVENT", "dynamicGroupMappingId": None}
    below = {"parentGroupName": "g", "parentGroupId": g, "rootToParentThingGroups": [{"groupArn": arn("thinggroup/g"), "groupId": g}]}
    hierarchy = {"eventType": "THING_GROUP_HIERARCHY_EVENT", "thingGroupId": g, "thingGroupName": "g", "childGroupId": h, "childGroupName": "h"}
    ids = {told[n][1].pop("membershipId") for n in (3, 4)}
    assert len(ids) == 1 and UUID.fullmatch(ids.pop())
    member = {"eventType": "THING_GROUP_MEMBERSHIP_EVENT", "groupArn": arn("thinggroup/h"), "groupId": h, "thingArn": arn("thing/t"),
              "thingId": thing}
    assert told == [
        ("thingGroup/g/created", {**group, "thingGroupId": g, "thingGroupName": "g", "versionNumber": 1, "parentGroupName": None,
                                  "parentGroupId": None, "description": "text", "rootToParentThingGroups": None, "attributes": {"a": "1"}}),
        ("thingGroup/h/created", {**group, **below, "thingGroupId": h, "thingGroupName": "h", "versionNumber": 1, "description": None,
                                  "attributes": {}}),
        ("thingGroupHierarchy/thingGroup/g/childThingGroup/h/added", hierarchy),
        ("thingGroupMembership/thingGroup/h/thing/t/added", member),
        ("thingGroupMembership/thingGroup/h/thing/t/removed", member),
        ("thingGroup/h/updated", {**group, **below, "thingGroupId": h, "thingGroupName": "h", "versionNumber": 2, "description": "new",
                                  "attributes": {}}),
        ("thingGroupHierarchy/thingGroup/g/childThingGroup/h/removed", hierarchy),
        ("thingGroup/h/deleted", {**group, **below, "thingGroupId": h, "thingGroupName": "h", "versionNumber": 2, "description": "new",
                                  "attributes": {}}),
    ]
    listener.silent()


def test_a_deleted_thing_leaves_its_groups_and_its_type(iot, listener):
    iot.create_thing_group(thingGroupName="g")
    iot.create_thing_type(thingTypeName="y")
    iot.create_thing(thingName="t", thingTypeName="y")
    iot.add_thing_to_thing_group(thingName="t", thingGroupName="g")
    listener.switch("THING", "THING_GROUP_MEMBERSHIP", "THING_TYPE_ASSOCIATION")
    iot.delete_thing(thingName="t")
    assert {topic for topic, _ in listener.heard(3)} == {
        "thing/t/deleted", "thingGroupMembership/thingGroup/g/thing/t/removed", "thingTypeAssociation/thing/t/thingType/y/removed"}


def test_policies(iot, listener):
    listener.switch("POLICY")
    iot.create_policy(policyName="p", policyDocument=json.dumps(OPEN_POLICY))
    iot.create_policy_version(policyName="p", policyDocument=json.dumps(OPEN_POLICY), setAsDefault=True)
    iot.delete_policy_version(policyName="p", policyVersionId="1")
    iot.delete_policy(policyName="p")
    policy = {"eventType": "POLICY_EVENT", "policyName": "p", "policyArn": arn("policy/p")}
    assert listener.heard(3) == [("policy/p/created", {**policy, "defaultVersionId": "1"}),
                                 ("policy/p/updated", {**policy, "defaultVersionId": "2"}),
                                 ("policy/p/deleted", {**policy, "defaultVersionId": "2"})]


def test_certificates_and_cas(iot, listener):
    listener.switch("CERTIFICATE", "CA_CERTIFICATE")
    cert = iot.create_keys_and_certificate(setAsActive=True)["certificateId"]
    iot.update_certificate(certificateId=cert, newStatus="INACTIVE")
    iot.delete_certificate(certificateId=cert)
    ca = iot.register_ca_certificate(caCertificate=Authority().pem, certificateMode="SNI_ONLY", setAsActive=True)["certificateId"]
    iot.update_ca_certificate(certificateId=ca, newStatus="INACTIVE")
    iot.delete_ca_certificate(certificateId=ca)
    one = {"eventType": "CERTIFICATE_EVENT", "certificateId": cert, "certificateArn": arn(f"cert/{cert}"), "caCertificateId": None}
    other = {"eventType": "CA_CERTIFICATE_EVENT", "caCertificateId": ca, "caCertificateArn": arn(f"cacert/{ca}"),
             "autoRegistrationStatus": "DISABLE"}
    assert listener.heard(6) == [
        *((f"certificate/{cert}/{what}", {**one, "status": status})
          for what, status in (("created", "ACTIVE"), ("updated", "INACTIVE"), ("deleted", "INACTIVE"))),
        *((f"caCertificate/{ca}/{what}", {**other, "status": status})
          for what, status in (("created", "ACTIVE"), ("updated", "INACTIVE"), ("deleted", "INACTIVE"))),
    ]


def test_mosquitto_hears_them(cloud, iot, procs):
    device = cloud.device("ear")
    iot.update_event_configurations(eventConfigurations={"THING": {"Enabled": True}})
    p = procs.start("mosquitto_sub", "-h", "localhost", "-p", str(cloud.mqtt), "-i", "ear", "-q", "1", "-C", "1", "-W", "20", "-F", "%t %p",
                    *map(str, device.tls()), "-t", "$aws/events/thing/#", name="ear")
    n = 0
    while p.poll() is None:  # until it has subscribed
        n += 1
        iot.create_thing(thingName=f"heard{n}")
        time.sleep(0.05)
    assert p.returncode == 0, p.log.read_text()
    topic, message = p.log.read_text().split(" ", 1)
    assert topic == f"$aws/events/thing/{json.loads(message)['thingName']}/created"


def test_policies_of_the_listener_count(cloud, iot):
    """Control: an event reaches only who may receive it."""
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["iot:Connect", "iot:Subscribe", "iot:Publish"], "Resource": "*"},
        {"Effect": "Allow", "Action": "iot:Receive", "Resource": [arn("topic/$aws/events/thing/mine/*"), arn("topic/end")]}]}
    c = DeviceClient(cloud.device("ear", policy=policy))
    c.subscribe(("$aws/events/thing/#", 1), ("end", 1))
    iot.update_event_configurations(eventConfigurations={"THING": {"Enabled": True}})
    iot.create_thing(thingName="other")
    iot.create_thing(thingName="mine")
    assert c.topic_and_json()[0] == "$aws/events/thing/mine/created"
    c.publish("end", b"{}", 1)
    assert c.topic_and_json()[0] == "end"
