"""What an account keeps beside its things, with boto3: tags, role aliases, billing groups, event configurations, logging settings,
authorizers."""

import json
import time

import pytest
from cloud import ACCOUNT, OPEN_POLICY, Cloud, arn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from test_cloud_api import refused

ROLE = "arn:aws:iam::123456789012:role/device"
TAGS = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


def tags_of(iot, resource):
    return iot.list_tags_for_resource(resourceArn=resource)["tags"]


# --- tags --------------------------------------------------------------------------------------------------------------

def tagged(iot):
    """Everything that can have tags: (its ARN, how to delete it)."""
    policy = json.dumps(OPEN_POLICY)
    keys = iot.create_keys_and_certificate(setAsActive=False)
    yield iot.create_thing_group(thingGroupName="x", tags=TAGS)["thingGroupArn"], lambda: iot.delete_thing_group(thingGroupName="x")
    yield iot.create_billing_group(billingGroupName="x", tags=TAGS)["billingGroupArn"], lambda: iot.delete_billing_group(billingGroupName="x")
    yield iot.create_policy(policyName="x", policyDocument=policy, tags=TAGS)["policyArn"], lambda: iot.delete_policy(policyName="x")
    yield iot.create_role_alias(roleAlias="x", roleArn=ROLE, tags=TAGS)["roleAliasArn"], lambda: iot.delete_role_alias(roleAlias="x")
    yield keys["certificateArn"], lambda: iot.delete_certificate(certificateId=keys["certificateId"])
    yield iot.create_thing_type(thingTypeName="x", tags=TAGS)["thingTypeArn"], None


def test_tags_of_every_kind_of_resource(cloud):
    iot = cloud.client("iot")
    for resource, delete in tagged(iot):
        if ":cert/" in resource:
            iot.tag_resource(resourceArn=resource, tags=TAGS)
        assert tags_of(iot, resource) == TAGS, resource
        iot.tag_resource(resourceArn=resource, tags=[{"Key": "a", "Value": "2"}, {"Key": "Schlüssel ä", "Value": "ü"}])
        iot.untag_resource(resourceArn=resource, tagKeys=["b", "never there"])
        assert tags_of(iot, resource) == [{"Key": "Schlüssel ä", "Value": "ü"}, {"Key": "a", "Value": "2"}]
        if delete:
            delete()
            refused(iot.list_tags_for_resource, "ResourceNotFoundException", 404, resourceArn=resource)


def test_tags_go_with_their_resource(cloud):
    iot = cloud.client("iot")
    for _ in range(2):
        resource = iot.create_thing_group(thingGroupName="x")["thingGroupArn"]
        assert tags_of(iot, resource) == []
        iot.tag_resource(resourceArn=resource, tags=TAGS)
        iot.delete_thing_group(thingGroupName="x")


def test_limits_of_tags(cloud):
    iot = cloud.client("iot")
    resource = iot.create_thing_group(thingGroupName="x", tags=[{"Key": f"k{i}", "Value": "v"} for i in range(49)])["thingGroupArn"]
    bad = lambda *tags: refused(iot.tag_resource, "InvalidRequestException", 400, resourceArn=resource, tags=list(tags))
    bad({"Key": "a\u0007", "Value": ""})
    bad({"Key": "aws:x", "Value": ""})
    bad({"Key": "é" * 129, "Value": ""})
    bad({"Key": "a", "Value": "v" * 257})
    bad({"Key": "a", "Value": ""}, {"Key": "a", "Value": ""})
    refused(iot.tag_resource, "LimitExceededException", 410, resourceArn=resource, tags=TAGS)
    assert len(tags_of(iot, resource)) == 49  # all or nothing
    iot.tag_resource(resourceArn=resource, tags=[{"Key": "é" * 128, "Value": "v" * 256}])
    assert len(tags_of(iot, resource)) == 50
    refused(iot.create_role_alias, "LimitExceededException", 410, roleAlias="r", roleArn=ROLE,
            tags=[{"Key": str(i), "Value": ""} for i in range(51)])
    refused(iot.describe_role_alias, "ResourceNotFoundException", 404, roleAlias="r")
    for wrong in (arn("thing/x"), arn("thinggroup/"), "x", "arn:aws:iot:us-east-1:999999999999:thinggroup/x"):
        refused(iot.list_tags_for_resource, "InvalidRequestException", 400, resourceArn=wrong)
    refused(iot.list_tags_for_resource, "InvalidRequestException", 400, resourceArn=resource, nextToken="x")


# --- role aliases ------------------------------------------------------------------------------------------------------

def test_role_aliases(cloud):
    iot = cloud.client("iot")
    made = iot.create_role_alias(roleAlias="a=b,c@d-e_f", roleArn=ROLE)
    assert (made["roleAlias"], made["roleAliasArn"]) == ("a=b,c@d-e_f", arn("rolealias/a=b,c@d-e_f"))
    d = iot.describe_role_alias(roleAlias="a=b,c@d-e_f")["roleAliasDescription"]
    assert (d["roleArn"], d["owner"], d["credentialDurationSeconds"], d["creationDate"]) == (ROLE, ACCOUNT, 3600, d["lastModifiedDate"])
    r = refused(iot.create_role_alias, "ResourceAlreadyExistsException", 409, roleAlias="a=b,c@d-e_f", roleArn=ROLE)
    assert r["resourceArn"] == made["roleAliasArn"]
    iot.update_role_alias(roleAlias="a=b,c@d-e_f", credentialDurationSeconds=900)
    cloud.stop()
    cloud.start()
    iot = cloud.client("iot")
    after = iot.describe_role_alias(roleAlias="a=b,c@d-e_f")["roleAliasDescription"]
    assert (after["roleArn"], after["credentialDurationSeconds"], after["creationDate"]) == (ROLE, 900, d["creationDate"])
    assert after["lastModifiedDate"] > d["lastModifiedDate"]
    iot.delete_role_alias(roleAlias="a=b,c@d-e_f")
    for call in (iot.describe_role_alias, iot.update_role_alias, iot.delete_role_alias):
        refused(call, "ResourceNotFoundException", 404, roleAlias="a=b,c@d-e_f")
    for bad in ({"roleArn": ROLE, "credentialDurationSeconds": 899}, {"roleArn": ROLE, "credentialDurationSeconds": 43201}, {"roleArn": "a" * 2049}):
        refused(cloud.client("iot", parameter_validation=False).create_role_alias, "InvalidRequestException", 400, roleAlias="x", **bad)
    refused(iot.create_role_alias, "InvalidRequestException", 400, roleAlias="a.b", roleArn=ROLE)


def test_pages_of_role_aliases(cloud):
    iot = cloud.client("iot")
    names = [f"r{i}" for i in range(5)]
    for n in names:
        iot.create_role_alias(roleAlias=n, roleArn=ROLE)
        time.sleep(0.002)  # their order is that of their milliseconds
    for ascending in (True, False):
        pages = iot.get_paginator("list_role_aliases").paginate(ascendingOrder=ascending, PaginationConfig={"PageSize": 2})
        listed = [p["roleAliases"] for p in pages]
        assert [len(p) for p in listed] == [2, 2, 1]
        assert sum(listed, []) == (names if ascending else names[::-1])
    refused(iot.list_role_aliases, "InvalidRequestException", 400, marker="x")


# --- billing groups ----------------------------------------------------------------------------------------------------

def test_billing_groups(cloud):
    iot = cloud.client("iot")
    props = {"billingGroupDescription": "of é"}
    made = iot.create_billing_group(billingGroupName="b", billingGroupProperties=props)
    again = iot.create_billing_group(billingGroupName="b", billingGroupProperties=props)
    assert made["billingGroupArn"] == arn("billinggroup/b") and again["billingGroupId"] == made["billingGroupId"]
    refused(iot.create_billing_group, "ResourceAlreadyExistsException", 409, billingGroupName="b")
    d = iot.describe_billing_group(billingGroupName="b")
    assert (d["version"], d["billingGroupProperties"], d["billingGroupId"]) == (1, props, made["billingGroupId"])
    assert d["billingGroupMetadata"]["creationDate"]
    refused(iot.update_billing_group, "VersionConflictException", 409, billingGroupName="b", billingGroupProperties={}, expectedVersion=2)
    assert iot.update_billing_group(billingGroupName="b", billingGroupProperties={}, expectedVersion=1)["version"] == 2
    d = iot.describe_billing_group(billingGroupName="b")
    assert (d["version"], d["billingGroupProperties"]) == (2, {})
    refused(iot.update_billing_group, "ResourceNotFoundException", 404, billingGroupName="c", billingGroupProperties={})
    refused(iot.update_billing_group, "InvalidRequestException", 400, billingGroupName="b",
            billingGroupProperties={"billingGroupDescription": "x" * 2029})
    refused(iot.delete_billing_group, "VersionConflictException", 409, billingGroupName="b", expectedVersion=1)
    iot.delete_billing_group(billingGroupName="b", expectedVersion=2)
    iot.delete_billing_group(billingGroupName="b")
    refused(iot.describe_billing_group, "ResourceNotFoundException", 404, billingGroupName="b")


def test_a_thing_is_in_one_billing_group(cloud):
    iot = cloud.client("iot")
    for n in "ab":
        iot.create_billing_group(billingGroupName=n)
    iot.create_thing(thingName="t")
    iot.create_thing(thingName="u", billingGroupName="b")
    assert iot.create_thing(thingName="u", billingGroupName="b")["thingName"] == "u"
    refused(iot.create_thing, "ResourceAlreadyExistsException", 409, thingName="u")
    refused(iot.create_thing, "ResourceNotFoundException", 404, thingName="v", billingGroupName="none")
    assert "billingGroupName" not in iot.describe_thing(thingName="t")
    iot.add_thing_to_billing_group(billingGroupName="a", thingName="t")
    iot.add_thing_to_billing_group(billingGroupArn=arn("billinggroup/b"), thingArn=arn("thing/t"))
    assert iot.describe_thing(thingName="t")["billingGroupName"] == "b"
    assert iot.list_things_in_billing_group(billingGroupName="a")["things"] == []
    pages = iot.get_paginator("list_things_in_billing_group").paginate(billingGroupName="b", PaginationConfig={"PageSize": 1})
    assert [p["things"] for p in pages] == [["t"], ["u"]]
    iot.remove_thing_from_billing_group(billingGroupName="a", thingName="t")  # not in that one
    assert iot.describe_thing(thingName="t")["billingGroupName"] == "b"
    iot.remove_thing_from_billing_group(billingGroupName="b", thingName="t")
    assert iot.list_things_in_billing_group(billingGroupName="b")["things"] == ["u"]
    iot.delete_billing_group(billingGroupName="b")
    assert "billingGroupName" not in iot.describe_thing(thingName="u")
    for wrong in ({"thingName": "t"}, {"billingGroupName": "a"},
                  {"thingName": "t", "billingGroupName": "a", "billingGroupArn": arn("billinggroup/b")}):
        refused(iot.add_thing_to_billing_group, "InvalidRequestException", 400, **wrong)
    refused(iot.add_thing_to_billing_group, "ResourceNotFoundException", 404, thingName="none", billingGroupName="a")
    refused(iot.list_things_in_billing_group, "ResourceNotFoundException", 404, billingGroupName="none")


def test_lists_of_billing_groups(cloud):
    iot = cloud.client("iot")
    for n in ("x1", "x2", "x3", "y"):
        iot.create_billing_group(billingGroupName=n)
    names = lambda p: [g["groupName"] for g in p["billingGroups"]]
    pages = iot.get_paginator("list_billing_groups").paginate(namePrefixFilter="x", PaginationConfig={"PageSize": 2})
    assert [names(p) for p in pages] == [["x1", "x2"], ["x3"]]
    assert iot.list_billing_groups()["billingGroups"][3] == {"groupName": "y", "groupArn": arn("billinggroup/y")}


# --- event configurations ----------------------------------------------------------------------------------------------

def test_event_configurations(cloud):
    iot = cloud.client("iot")
    before = iot.describe_event_configurations()
    assert len(before["eventConfigurations"]) == 11 and not any(c["Enabled"] for c in before["eventConfigurations"].values())
    assert "creationDate" not in before
    iot.update_event_configurations(eventConfigurations={"THING": {"Enabled": True}, "JOB": {"Enabled": True}})
    iot.update_event_configurations(eventConfigurations={"JOB": {"Enabled": False}})
    cloud.stop()
    cloud.start()
    after = cloud.client("iot").describe_event_configurations()
    assert [t for t, c in after["eventConfigurations"].items() if c["Enabled"]] == ["THING"]
    assert after["creationDate"] <= after["lastModifiedDate"]
    for wrong in ({"NOTHING": {"Enabled": True}}, {"THING": {"Enabled": "yes"}}):
        p = cloud.client("iot", parameter_validation=False)
        refused(p.update_event_configurations, "InvalidRequestException", 400, eventConfigurations=wrong)
    assert cloud.client("iot").describe_event_configurations()["eventConfigurations"] == after["eventConfigurations"]


# --- logging -----------------------------------------------------------------------------------------------------------

def test_logging_settings(cloud):
    iot = cloud.client("iot")
    refused(iot.get_v2_logging_options, "NotConfiguredException", 404)
    refused(iot.list_v2_logging_levels, "NotConfiguredException", 404)
    level = lambda type, name, level: iot.set_v2_logging_level(logTarget={"targetType": type, "targetName": name}, logLevel=level)
    refused(lambda: level("CLIENT_ID", "c", "INFO"), "NotConfiguredException", 404)
    iot.set_v2_logging_options(roleArn=ROLE, defaultLogLevel="WARN")
    iot.set_v2_logging_options(disableAllLogs=True)
    options = iot.get_v2_logging_options()
    assert (options["roleArn"], options["defaultLogLevel"], options["disableAllLogs"]) == (ROLE, "WARN", True)
    for type, name in (("CLIENT_ID", "c"), ("THING_GROUP", "g"), ("CLIENT_ID", "a/b é"), ("SOURCE_IP", "::1")):
        level(type, name, "INFO")
    level("CLIENT_ID", "c", "DEBUG")
    pages = iot.get_paginator("list_v2_logging_levels").paginate(PaginationConfig={"PageSize": 3})
    listed = [[(t["logTarget"]["targetType"], t["logTarget"]["targetName"], t["logLevel"]) for t in p["logTargetConfigurations"]] for p in pages]
    assert listed == [[("CLIENT_ID", "a/b é", "INFO"), ("CLIENT_ID", "c", "DEBUG"), ("SOURCE_IP", "::1", "INFO")], [("THING_GROUP", "g", "INFO")]]
    of = lambda type: [t["logTarget"]["targetName"] for t in iot.list_v2_logging_levels(targetType=type)["logTargetConfigurations"]]
    assert (of("CLIENT_ID"), of("SOURCE_IP"), of("PRINCIPAL_ID")) == (["a/b é", "c"], ["::1"], [])
    iot.delete_v2_logging_level(targetType="CLIENT_ID", targetName="a/b é")
    iot.delete_v2_logging_level(targetType="CLIENT_ID", targetName="a/b é")
    assert of("CLIENT_ID") == ["c"]
    loose = cloud.client("iot", parameter_validation=False)
    refused(loose.set_v2_logging_level, "InvalidRequestException", 400, logTarget={"targetType": "MOON", "targetName": "x"}, logLevel="INFO")
    refused(loose.set_v2_logging_options, "InvalidRequestException", 400, defaultLogLevel="LOUD")
    refused(loose.list_v2_logging_levels, "InvalidRequestException", 400, targetType="MOON")


def test_logging_settings_of_version_1(cloud):
    iot = cloud.client("iot")
    assert iot.get_logging_options()["logLevel"] == "DISABLED"
    iot.set_logging_options(loggingOptionsPayload={"roleArn": ROLE, "logLevel": "ERROR"})
    options = iot.get_logging_options()
    assert (options["roleArn"], options["logLevel"]) == (ROLE, "ERROR")
    refused(iot.set_logging_options, "InvalidRequestException", 400, loggingOptionsPayload={"roleArn": "short"})


# --- authorizers -------------------------------------------------------------------------------------------------------

def public_key(bits):
    key = rsa.generate_private_key(65537, bits).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"


def test_authorizers(cloud):
    iot, key = cloud.client("iot"), public_key(2048)
    made = iot.create_authorizer(authorizerName="a", authorizerFunctionArn=FUNCTION, tokenKeyName="t", tokenSigningPublicKeys={"k": key}, tags=TAGS)
    assert made["authorizerArn"] == arn("authorizer/a") and tags_of(iot, made["authorizerArn"]) == TAGS
    d = iot.describe_authorizer(authorizerName="a")["authorizerDescription"]
    assert (d["authorizerFunctionArn"], d["tokenKeyName"], d["tokenSigningPublicKeys"], d["status"], d["signingDisabled"]) == (
        FUNCTION, "t", {"k": key}, "INACTIVE", False)
    refused(iot.create_authorizer, "ResourceAlreadyExistsException", 409, authorizerName="a", authorizerFunctionArn=FUNCTION, signingDisabled=True)
    iot.update_authorizer(authorizerName="a", status="ACTIVE", enableCachingForHttp=True)
    cloud.stop()
    cloud.start()
    iot = cloud.client("iot")
    after = iot.describe_authorizer(authorizerName="a")["authorizerDescription"]
    assert (after["status"], after["enableCachingForHttp"], after["tokenKeyName"], after["creationDate"]) == ("ACTIVE", True, "t", d["creationDate"])
    iot.delete_authorizer(authorizerName="a")
    for call in (iot.describe_authorizer, iot.update_authorizer, iot.delete_authorizer):
        refused(call, "ResourceNotFoundException", 404, authorizerName="a")
    for wrong in ({}, {"tokenKeyName": "t"}, {"tokenKeyName": "t", "tokenSigningPublicKeys": {"k": "no key"}},
                  {"tokenKeyName": "t", "tokenSigningPublicKeys": {"k": public_key(1024)}}, {"signingDisabled": True, "tokenKeyName": "a b"}):
        refused(iot.create_authorizer, "InvalidRequestException", 400, authorizerName="b", authorizerFunctionArn=FUNCTION, **wrong)


def test_the_default_authorizer(cloud):
    iot = cloud.client("iot")
    for n in "ab":
        iot.create_authorizer(authorizerName=n, authorizerFunctionArn=FUNCTION, signingDisabled=True)
    for call in (iot.describe_default_authorizer, iot.clear_default_authorizer):
        refused(call, "ResourceNotFoundException", 404)
    refused(iot.set_default_authorizer, "ResourceNotFoundException", 404, authorizerName="none")
    for _ in range(2):
        assert iot.set_default_authorizer(authorizerName="a")["authorizerArn"] == arn("authorizer/a")
    assert iot.describe_default_authorizer()["authorizerDescription"]["authorizerName"] == "a"
    refused(iot.set_default_authorizer, "ResourceAlreadyExistsException", 409, authorizerName="b")
    refused(iot.delete_authorizer, "DeleteConflictException", 409, authorizerName="a")
    iot.clear_default_authorizer()
    iot.delete_authorizer(authorizerName="a")


def test_lists_of_authorizers(cloud):
    iot = cloud.client("iot")
    for i in range(6):
        iot.create_authorizer(authorizerName=f"a{i}", authorizerFunctionArn=FUNCTION, signingDisabled=True, status="ACTIVE" if i % 2 else "INACTIVE")
        time.sleep(0.002)  # their order is that of their milliseconds
    pages = iot.get_paginator("list_authorizers").paginate(status="ACTIVE", ascendingOrder=True, PaginationConfig={"PageSize": 2})
    assert [[a["authorizerName"] for a in p["authorizers"]] for p in pages] == [["a1", "a3"], ["a5"]]
    assert len(iot.list_authorizers()["authorizers"]) == 6
