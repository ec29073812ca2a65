"""Provisioning templates and RegisterThing with boto3 and the AWS CLI (docs/spec/provisioning.md PV-1..29)."""

import json

import pytest
from authority import Authority
from cloud import ACCOUNT, OPEN_POLICY, Cloud, arn
from cryptography.hazmat.primitives.asymmetric import ec

ROLE = "arn:aws:iam::123456789012:role/provisioning"
CERTIFICATE = {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}}}
BODY = json.dumps({"Resources": {"certificate": CERTIFICATE}})


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


@pytest.fixture
def iot(cloud):
    return cloud.client("iot")


def create(iot, name="t", **more):
    return iot.create_provisioning_template(templateName=name, templateBody=BODY, provisioningRoleArn=ROLE, **more)


def test_templates_are_kept(iot):
    made = create(iot, description="first", enabled=True, tags=[{"Key": "k", "Value": "v"}],
                  preProvisioningHook={"targetArn": ROLE, "payloadVersion": "2020-04-01"})
    assert made["templateArn"] == arn("provisioningtemplate/t") and made["defaultVersionId"] == 1
    with pytest.raises(iot.exceptions.ResourceAlreadyExistsException) as e:
        create(iot)
    assert e.value.response["resourceArn"] == made["templateArn"]
    d = iot.describe_provisioning_template(templateName="t")
    assert (d["templateBody"], d["type"], d["enabled"], d["description"]) == (BODY, "FLEET_PROVISIONING", True, "first")
    assert d["provisioningRoleArn"] == ROLE and d["preProvisioningHook"]["targetArn"] == ROLE
    assert iot.list_tags_for_resource(resourceArn=made["templateArn"])["tags"] == [{"Key": "k", "Value": "v"}]
    iot.update_provisioning_template(templateName="t", description="second", enabled=False, removePreProvisioningHook=True)
    d = iot.describe_provisioning_template(templateName="t")
    assert (d["enabled"], d["description"]) == (False, "second") and "preProvisioningHook" not in d
    iot.delete_provisioning_template(templateName="t")
    for call in (iot.describe_provisioning_template, iot.delete_provisioning_template, iot.list_provisioning_template_versions):
        with pytest.raises(iot.exceptions.ResourceNotFoundException):
            call(templateName="t")


def test_versions(iot):
    create(iot)
    bodies = [BODY] + [BODY + " " * i for i in range(1, 5)]
    for i, body in enumerate(bodies[1:], 2):
        v = iot.create_provisioning_template_version(templateName="t", templateBody=body, setAsDefault=i == 3)
        assert (v["versionId"], v["isDefaultVersion"]) == (i, i == 3)
    with pytest.raises(iot.exceptions.VersionsLimitExceededException):
        iot.create_provisioning_template_version(templateName="t", templateBody=BODY)
    assert iot.describe_provisioning_template(templateName="t")["templateBody"] == bodies[2]
    with pytest.raises(iot.exceptions.DeleteConflictException):
        iot.delete_provisioning_template_version(templateName="t", versionId=3)
    iot.update_provisioning_template(templateName="t", defaultVersionId=5)
    iot.delete_provisioning_template_version(templateName="t", versionId=3)
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.update_provisioning_template(templateName="t", defaultVersionId=3)
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_provisioning_template_version(templateName="t", versionId=3)
    assert iot.describe_provisioning_template_version(templateName="t", versionId=5)["isDefaultVersion"] is True
    listed, token = [], {}
    while token is not None:
        page = iot.list_provisioning_template_versions(templateName="t", maxResults=2, **token)
        listed += [(v["versionId"], v["isDefaultVersion"]) for v in page["versions"]]
        token = {"nextToken": page["nextToken"]} if "nextToken" in page else None
    assert listed == [(1, False), (2, False), (4, False), (5, True)]
    assert iot.create_provisioning_template_version(templateName="t", templateBody=BODY)["versionId"] == 6  # numbers never come back


def test_pages(iot):
    for i in range(5):
        create(iot, f"t{i}", type="JITP" if i % 2 else "FLEET_PROVISIONING")
    pages = list(iot.get_paginator("list_provisioning_templates").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(p["templates"]) for p in pages] == [2, 2, 1]
    assert [(t["templateName"], t["type"]) for p in pages for t in p["templates"]][1:3] == [("t1", "JITP"), ("t2", "FLEET_PROVISIONING")]


BAD = ["", "x", "[]", "{}", '{"Resources":{}}', json.dumps({"Resources": {"thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": "t"}}}}),
       json.dumps({"Resources": {"c": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": "0"}}}}),
       json.dumps({"Resources": {"c": CERTIFICATE, "t": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "None"}}}}}),
       "[" * 5000, BODY + " " * 10240]


def test_bad_bodies_are_refused(cloud):
    iot = cloud.client("iot", parameter_validation=False)
    for bad in BAD:
        with pytest.raises(iot.exceptions.InvalidRequestException) as e:
            iot.create_provisioning_template(templateName="t", templateBody=bad, provisioningRoleArn=ROLE)
        assert e.value.response["Error"]["Message"], bad[:80]
    assert iot.list_provisioning_templates()["templates"] == []
    create(iot)
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.create_provisioning_template_version(templateName="t", templateBody="{}")


def register(iot, properties, params, **more):
    template = {"Parameters": {k: {"Type": "String"} for k in params}, "Resources": {
        "thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "Name"}}},
        "certificate": {"Type": "AWS::IoT::Certificate", "Properties": properties},
        "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": OPEN_POLICY}}}, **more}
    return iot.register_thing(templateBody=json.dumps(template), parameters=params)


def test_register_thing_with_a_certificate_of_a_registered_ca(cloud, iot):
    ca, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    leaf = ca.device(cloud, "d", key)
    properties = {"CertificatePem": {"Ref": "Pem"}, "CACertificatePem": {"Ref": "CA"}}
    params = {"Name": "d", "Pem": leaf.cert.read_text(), "CA": ca.pem}
    with pytest.raises(iot.exceptions.ResourceRegistrationFailureException) as e:
        register(iot, properties, params)
    assert "Register the CA" in e.value.response["Error"]["Message"]
    assert iot.list_things()["things"] == [] and iot.list_policies()["policies"] == []
    ca.register(iot, auto=False)
    made = register(iot, properties, params)
    assert made["resourceArns"]["thing"] == arn("thing/d") and made["resourceArns"]["certificate"] == leaf.arn
    assert made["certificatePem"] == leaf.cert.read_text()
    assert leaf.publish("t", "m").returncode == 0
    assert register(iot, properties, params)["resourceArns"] == made["resourceArns"]  # again: the same
    assert len(iot.list_policies()["policies"]) == 1


def test_register_thing_with_the_command_line(cloud, tmp_path):
    d = cloud.device("cli", policy=None, thing=False, active=False)
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"Parameters": {"Id": {"Type": "String"}, "Name": {"Type": "String"}}, "Resources": {
        "thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Fn::Join": ["-", ["cli", {"Ref": "Name"}]]}}},
        "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "Id"}, "Status": "Active"},
                        "OverrideSettings": {"Status": "REPLACE"}}}}))
    made = cloud.aws("iot", "register-thing", "--template-body", f"file://{template}", "--parameters", f"Id={d.id},Name=1")
    assert made["resourceArns"]["thing"] == f"arn:aws:iot:us-east-1:{ACCOUNT}:thing/cli-1"
    assert cloud.client("iot").describe_certificate(certificateId=d.id)["certificateDescription"]["status"] == "ACTIVE"


def test_failed_overrides_conflict(iot):
    iot.create_thing(thingName="d", attributePayload={"attributes": {"a": "1"}})
    template = {"Resources": {"thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": "d", "AttributePayload": {"a": "2"}},
                                        "OverrideSettings": {"AttributePayload": "FAIL"}}}}
    with pytest.raises(iot.exceptions.ConflictingResourceUpdateException):
        iot.register_thing(templateBody=json.dumps(template))
    template["Resources"]["thing"]["OverrideSettings"]["AttributePayload"] = "REPLACE"
    iot.register_thing(templateBody=json.dumps(template))
    assert iot.describe_thing(thingName="d")["attributes"] == {"a": "2"}
