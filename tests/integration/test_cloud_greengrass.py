"""Greengrass V1's control plane and the cores' data plane: boto3 and the AWS CLI on one side, curl with a core's certificate on the
other, the signature checked by python3-cryptography."""

import base64
import hashlib
import json
import re
import urllib.parse

import pytest
from botocore.exceptions import ClientError
from cloud import ACCOUNT, CORE, CORE_POLICY, OPEN_POLICY, REGION, Cloud, arn
from conftest import wait_for
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from test_cloud_api import refused
from test_cloud_gateway import GDA, Client

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


@pytest.fixture
def core(cloud):
    return cloud.device(policy=CORE_POLICY)


LOGGER = {"Id": "l", "Type": "FileSystem", "Component": "GreengrassSystem", "Level": "DEBUG", "Space": 1024}
SUBSCRIPTION = {"Id": "s", "Source": "GGShadowService", "Subject": "hello/shadow", "Target": "cloud"}


class Group:
    """Definitions, a group and one version of it."""

    def __init__(self, cloud, core, level="DEBUG"):
        self.gg = gg = cloud.client("greengrass")
        self.cores = gg.create_core_definition(Name="c", InitialVersion={"Cores": [
            {"Id": "core", "ThingArn": arn("thing/" + CORE), "CertificateArn": core.arn, "SyncShadow": False}]})["LatestVersionArn"]
        self.subscriptions = gg.create_subscription_definition(InitialVersion={"Subscriptions": [SUBSCRIPTION]})["LatestVersionArn"]
        self.id = gg.create_group(Name="g")["Id"]
        self.version = self.new_version(level)

    def new_version(self, level):
        logger = self.gg.create_logger_definition(InitialVersion={"Loggers": [{**LOGGER, "Level": level}]})["LatestVersionArn"]
        return self.gg.create_group_version(GroupId=self.id, CoreDefinitionVersionArn=self.cores, LoggerDefinitionVersionArn=logger,
                                            SubscriptionDefinitionVersionArn=self.subscriptions)["Version"]

    def deploy(self, version=None):
        made = self.gg.create_deployment(GroupId=self.id, DeploymentType="NewDeployment", GroupVersionId=version or self.version)
        wait_for(lambda: self.status(made["DeploymentId"])["DeploymentStatus"] != "Building")
        return made["DeploymentId"]

    def status(self, id):
        return self.gg.get_deployment_status(GroupId=self.id, DeploymentId=id)

    def path(self, id):
        return f"/greengrass/groups/{self.id}/deployments/{id}"

    def report(self, core, id, **members):
        who = urllib.parse.quote(arn("thing/" + CORE), safe="")
        return core.curl(f"{self.path(id)}/cores/{who}/status", "-X", "PUT", "-d", json.dumps({"v": 1, **members}))


@pytest.fixture
def group(cloud, core):
    return Group(cloud, core)


# --- definitions and groups ----------------------------------------------------------------------------------------------

def test_definitions(cloud, core):
    gg = cloud.client("greengrass")
    made = gg.create_logger_definition(Name="n", InitialVersion={"Loggers": [LOGGER]}, tags={"a": "b"})
    assert re.fullmatch(UUID, made["Id"]) and re.fullmatch(UUID, made["LatestVersion"])
    assert made["Arn"] == arn("/greengrass/definition/loggers/" + made["Id"], "greengrass")
    assert made["LatestVersionArn"] == f"{made['Arn']}/versions/{made['LatestVersion']}"
    assert re.fullmatch(ISO, made["CreationTimestamp"])
    got = gg.get_logger_definition(LoggerDefinitionId=made["Id"])
    assert (got["Name"], got["LatestVersion"], got["tags"]) == ("n", made["LatestVersion"], {"a": "b"})
    second = gg.create_logger_definition_version(LoggerDefinitionId=made["Id"], Loggers=[{**LOGGER, "Level": "INFO"}])
    assert second["Id"] == made["Id"]
    version = gg.get_logger_definition_version(LoggerDefinitionId=made["Id"], LoggerDefinitionVersionId=second["Version"])
    assert version["Definition"]["Loggers"][0]["Level"] == "INFO"
    first = gg.get_logger_definition_version(LoggerDefinitionId=made["Id"], LoggerDefinitionVersionId=made["LatestVersion"])
    assert first["Definition"]["Loggers"] == [LOGGER]  # versions never change
    assert gg.get_logger_definition(LoggerDefinitionId=made["Id"])["LatestVersion"] == second["Version"]
    assert gg.create_logger_definition(Name="empty").get("LatestVersion") is None
    assert len(gg.list_logger_definitions()["Definitions"]) == 2 and gg.list_core_definitions()["Definitions"] == []


def test_unknown_definitions(cloud):
    gg, id = cloud.client("greengrass"), "00000000-0000-0000-0000-000000000000"
    r = refused(gg.get_core_definition, "IdNotFoundException", 404, CoreDefinitionId=id)
    assert r["Error"]["Message"] == "That Core List Definition does not exist"
    r = refused(gg.create_core_definition_version, "IdNotFoundException", 404, CoreDefinitionId=id)
    assert r["Error"]["Message"] == "That cores definition does not exist."
    made = gg.create_core_definition(Name="c")["Id"]
    refused(gg.get_core_definition_version, "VersionNotFoundException", 404, CoreDefinitionId=made, CoreDefinitionVersionId=id)
    refused(gg.get_group, "IdNotFoundException", 404, GroupId=id)
    refused(gg.create_group_version, "IdNotFoundException", 404, GroupId=id)


@pytest.mark.parametrize("kind,entity", [
    ("core", {"Id": "x", "ThingArn": "nonsense", "CertificateArn": arn("cert/" + "0" * 64)}),
    ("core", {"Id": "x", "ThingArn": arn("thing/t"), "CertificateArn": "nonsense"}),
    ("core", {"Id": "x y", "ThingArn": arn("thing/t"), "CertificateArn": arn("cert/" + "0" * 64)}),
    ("logger", {**LOGGER, "Level": "LOUD"}), ("logger", {**LOGGER, "Component": "x"}), ("logger", {**LOGGER, "Type": "x"}),
    ("logger", {k: v for k, v in LOGGER.items() if k != "Space"}), ("logger", {**LOGGER, "Id": ""}),
    ("subscription", {**SUBSCRIPTION, "Source": "nonsense"}), ("subscription", {**SUBSCRIPTION, "Target": ""}),
    ("subscription", {**SUBSCRIPTION, "Subject": ""}), ("subscription", {**SUBSCRIPTION, "Subject": "x" * 257}),
])
def test_bad_entities(cloud, kind, entity):
    gg = cloud.client("greengrass")
    create = getattr(gg, f"create_{kind}_definition")
    refused(create, "400", 400, InitialVersion={kind.capitalize() + "s": [entity]})
    assert getattr(gg, f"list_{kind}_definitions")()["Definitions"] == []


def test_ids_are_unique_in_a_version(cloud):
    refused(cloud.client("greengrass").create_logger_definition, "400", 400, InitialVersion={"Loggers": [LOGGER, LOGGER]})


def test_groups(cloud, group):
    gg = group.gg
    got = gg.get_group(GroupId=group.id)
    assert (got["Name"], got["LatestVersion"]) == ("g", group.version)
    assert got["LatestVersionArn"] == arn(f"/greengrass/groups/{group.id}/versions/{group.version}", "greengrass")
    version = gg.get_group_version(GroupId=group.id, GroupVersionId=group.version)
    assert version["Definition"]["CoreDefinitionVersionArn"] == group.cores and "FunctionDefinitionVersionArn" not in version["Definition"]
    assert [g["Id"] for g in gg.list_groups()["Groups"]] == [group.id]
    bad = group.cores[:-1] + ("0" if group.cores[-1] != "0" else "1")
    r = refused(gg.create_group_version, "400", 400, GroupId=group.id, CoreDefinitionVersionArn=bad)
    assert "Cores definition reference does not exist" in r["Error"]["Message"]
    refused(gg.create_group_version, "400", 400, GroupId=group.id, LoggerDefinitionVersionArn=group.cores)


# --- deployments ---------------------------------------------------------------------------------------------------------

def envelope(core, group, id):
    status, body = core.curl(group.path(id))
    assert status == 200, body
    return json.loads(body)


def test_a_deployment_as_the_core_sees_it(cloud, core, group):
    """EC-2, EC-5 to EC-11, EC-14 in order."""
    c = Client(core).connect()
    assert c.subscribe(f"{GDA}/update/delta") == (1,)
    id = group.deploy()
    topic, delta = c.message()
    want = {"v": 1, "deploymentId": id, "deploymentType": "NewDeployment", "groupId": group.id, "groupVersionId": group.version}
    assert topic == f"{GDA}/update/delta" and delta["state"] == want
    assert group.status(id)["DeploymentStatus"] == "InProgress"
    e = envelope(core, group, id)
    assert e["v"] == 1 and e["algorithm"] == "ES256"
    payload = base64.b64decode(e["payload"])
    signer = x509.load_pem_x509_certificate(e["certificate"].encode())
    ca = x509.load_pem_x509_certificate(cloud.ca.read_bytes())
    ca.public_key().verify(signer.signature, signer.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
    assert list(signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CODE_SIGNING]
    signer.public_key().verify(base64.b64decode(e["signature"]), b"sedge-deployment-v1\n" + payload, ec.ECDSA(hashes.SHA256()))
    doc = json.loads(payload)
    assert {k: doc[k] for k in want} == want and doc["coreThingArn"] == arn("thing/" + CORE) and re.fullmatch(ISO, doc["createdAt"])
    [artifact] = doc["artifacts"]
    status, text = core.curl(f"{group.path(id)}/artifacts/group.json")
    assert status == 200 and artifact == {"name": "group.json", "size": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    g = json.loads(text)
    assert g["Arn"] == arn(f"/greengrass/groups/{group.id}/versions/{group.version}", "greengrass") and g["Region"] == REGION
    assert g["Cores"] == [{"thingArn": arn("thing/" + CORE), "certificateArn": core.arn, "id": "core", "syncShadow": False}]
    assert g["Devices"] == [] and g["GroupDefinitions"]["Logging"] == {"Content": [LOGGER]}
    assert g["GroupDefinitions"]["Subscriptions"] == {"Content": [SUBSCRIPTION]}
    assert all(g["GroupDefinitions"][k] == {"Content": []} for k in ("Lambdas", "Resources", "Connectors"))
    assert group.report(core, id, status="InProgress") == (200, "{}")
    assert group.report(core, id, status="Success") == (200, "{}")
    assert group.status(id)["DeploymentStatus"] == "Success"
    assert group.report(core, id, status="Success")[0] == 200  # the same again
    assert group.report(core, id, status="Failure")[0] == 409  # final
    c.stop()


def test_failure_tells_the_reason(core, group):
    id = group.deploy()
    details = [{"DetailedErrorCode": "X-1", "DetailedErrorMessage": "the disk is full"}]
    assert group.report(core, id, status="Failure", errorMessage="no space", errorDetails=details)[0] == 200
    got = group.status(id)
    assert (got["DeploymentStatus"], got["ErrorMessage"], got["ErrorDetails"]) == ("Failure", "no space", details)
    assert got["DeploymentType"] == "NewDeployment" and re.fullmatch(ISO, got["UpdatedAt"])


@pytest.mark.parametrize("body", [{"status": "Nonsense"}, {}, {"v": 2, "status": "Success"}, {"v": "1", "status": "Success"},
                                  {"status": "Failure", "errorMessage": "x" * 5000}, {"status": "Failure", "errorDetails": {}}])
def test_bad_status_reports(core, group, body):
    id = group.deploy()
    assert group.report(core, id, **body)[0] == 400
    assert group.status(id)["DeploymentStatus"] == "InProgress"


def test_only_its_core_sees_a_deployment(cloud, core, group):
    """EC-10: everybody else gets the 404 of a deployment that is not there."""
    id = group.deploy()
    other = cloud.device("other", policy={"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "greengrass:*", "Resource": "*"}]})
    nowhere = "00000000-0000-0000-0000-000000000000"
    for path in (group.path(id), f"{group.path(id)}/artifacts/group.json"):
        assert core.curl(path)[0] == 200
        hidden, missing = other.curl(path), core.curl(path.replace(id, nowhere))
        assert hidden[0] == missing[0] == 404 and hidden[1] == missing[1].replace(nowhere, id)
    assert group.report(other, id, status="Success")[0] == 404
    assert core.curl(f"{group.path(id)}/artifacts/other.json")[0] == 404
    assert core.curl(group.path(id).replace(group.id, nowhere))[0] == 404
    cloud.client("iot").detach_policy(policyName=core.policy, target=core.arn)
    assert core.curl(group.path(id))[0] == 403


def test_policy_resources_of_the_data_plane(cloud, group):
    """EC-10, EC-14: the documented resources, the core's ARN percent-encoded."""
    id, iot = group.deploy(), cloud.client("iot")
    base = arn(f"/greengrass/groups/{group.id}/deployments/{id}", "greengrass")
    d = cloud.device(CORE, policy=None, thing=False)
    iot.attach_thing_principal(thingName=CORE, principal=d.arn)
    iot.create_policy(policyName="narrow", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "greengrass:GetDeployment", "Resource": base},
        {"Effect": "Allow", "Action": "greengrass:UpdateCoreDeploymentStatus",
         "Resource": f"{base}/cores/{urllib.parse.quote(arn('thing/' + CORE), safe='')}"}]}))
    iot.attach_policy(policyName="narrow", target=d.arn)
    assert d.curl(group.path(id))[0] == 200
    assert d.curl(f"{group.path(id)}/artifacts/group.json")[0] == 403
    assert group.report(d, id, status="Success")[0] == 200


def test_redeployment_and_list(core, group):
    first = group.deploy()
    group.report(core, first, status="Success")
    second = group.deploy(group.new_version("INFO"))
    group.report(core, second, status="Success")
    third = group.gg.create_deployment(GroupId=group.id, DeploymentType="Redeployment", DeploymentId=first)["DeploymentId"]
    wait_for(lambda: group.status(third)["DeploymentStatus"] == "InProgress")
    assert group.status(third)["DeploymentType"] == "Redeployment"
    assert json.loads(core.curl(f"{group.path(third)}/artifacts/group.json")[1])["GroupDefinitions"]["Logging"]["Content"][0]["Level"] == "DEBUG"
    listed = group.gg.list_deployments(GroupId=group.id)["Deployments"]
    assert [d["DeploymentId"] for d in listed] == [third, second, first]
    assert listed[2]["GroupArn"].endswith(group.version) and listed[0]["DeploymentType"] == "Redeployment"
    page = group.gg.list_deployments(GroupId=group.id, MaxResults="2")
    rest = group.gg.list_deployments(GroupId=group.id, MaxResults="2", NextToken=page["NextToken"])
    assert [d["DeploymentId"] for d in rest["Deployments"]] == [first] and "NextToken" not in rest
    assert group.gg.list_deployments(GroupId="00000000-0000-0000-0000-000000000000")["Deployments"] == []


def test_a_passed_over_deployment_fails(core, group):
    """EC-4: only the newest waits; the one the core never started ends with a reason."""
    first, second = group.deploy(), group.deploy()
    assert group.status(first)["DeploymentStatus"] == "InProgress"
    group.report(core, second, status="Success")
    got = group.status(first)
    assert got["DeploymentStatus"] == "Failure" and second in got["ErrorMessage"]


def test_a_large_group(core, group):
    """More than any default buffer: answers leave whole."""
    many = [{**SUBSCRIPTION, "Id": f"s{i}", "Subject": "x" * 190} for i in range(6000)]
    group.subscriptions = group.gg.create_subscription_definition(InitialVersion={"Subscriptions": many})["LatestVersionArn"]
    id = group.deploy(group.new_version("DEBUG"))
    artifact = json.loads(base64.b64decode(envelope(core, group, id)["payload"]))["artifacts"][0]
    status, text = core.curl(f"{group.path(id)}/artifacts/group.json")
    assert status == 200 and len(text) == artifact["size"] > 1 << 20
    assert hashlib.sha256(text.encode()).hexdigest() == artifact["sha256"]
    definition, version = re.findall(UUID.replace("(", "(?:"), group.subscriptions)
    got = group.gg.get_subscription_definition_version(SubscriptionDefinitionId=definition, SubscriptionDefinitionVersionId=version)
    assert got["Definition"]["Subscriptions"] == many
    too_many = [{**SUBSCRIPTION, "Id": str(i)} for i in range(10001)]
    refused(group.gg.create_subscription_definition, "400", 400, InitialVersion={"Subscriptions": too_many})


def test_bad_deployments(cloud, group):
    gg, nowhere = group.gg, "00000000-0000-0000-0000-000000000000"
    create = gg.create_deployment
    refused(create, "InvalidInputException", 400, GroupId=group.id, DeploymentType="Nonsense", GroupVersionId=group.version)
    refused(create, "InvalidInputException", 400, GroupId=group.id, DeploymentType="NewDeployment")
    refused(create, "InvalidInputException", 400, GroupId=group.id, DeploymentType="Redeployment")
    refused(create, "InvalidInputException", 400, GroupId=group.id, DeploymentType="Redeployment", DeploymentId=nowhere)
    refused(create, "ResourceNotFoundException", 404, GroupId=nowhere, DeploymentType="NewDeployment", GroupVersionId=group.version)
    refused(create, "ResourceNotFoundException", 404, GroupId=group.id, DeploymentType="NewDeployment", GroupVersionId=nowhere)
    empty = gg.create_group_version(GroupId=group.id)["Version"]
    r = refused(create, "MissingCoreException", 400, GroupId=group.id, DeploymentType="NewDeployment", GroupVersionId=empty)
    assert json.loads(r["Error"]["Message"])["ErrorDetails"][0]["DetailedErrorCode"] == "GG-303"
    refused(gg.get_deployment_status, "InvalidInputException", 400, GroupId=group.id, DeploymentId=nowhere)
    assert gg.list_deployments(GroupId=group.id)["Deployments"] == []


def test_deployments_survive_kill_9(cloud, core, group):
    """What was answered goes on, whatever state it was in."""
    for _ in range(4):
        made = group.gg.create_deployment(GroupId=group.id, DeploymentType="NewDeployment", GroupVersionId=group.version)["DeploymentId"]
        cloud.kill()
        cloud.start()
        wait_for(lambda: group.status(made)["DeploymentStatus"] == "InProgress")
        assert envelope(core, group, made)["v"] == 1
        shadow = json.loads(cloud.client("iot-data").get_thing_shadow(thingName=CORE + "-gda")["payload"].read())
        assert shadow["state"]["desired"]["deploymentId"] == made
        group.report(core, made, status="Success")
        cloud.kill()
        cloud.start()
        assert group.status(made)["DeploymentStatus"] == "Success"


def test_the_walk_with_the_cli(cloud, core, tmp_path):
    version = lambda kind, text: cloud.aws("greengrass", f"create-{kind}-definition", "--name", kind, "--initial-version", json.dumps(text))["LatestVersionArn"]
    cores = version("core", {"Cores": [{"Id": "core", "ThingArn": arn("thing/" + CORE), "CertificateArn": core.arn}]})
    loggers = version("logger", {"Loggers": [LOGGER]})
    group = cloud.aws("greengrass", "create-group", "--name", "g")["Id"]
    v = cloud.aws("greengrass", "create-group-version", "--group-id", group, "--core-definition-version-arn", cores,
                  "--logger-definition-version-arn", loggers)["Version"]
    assert cloud.aws("greengrass", "get-group", "--group-id", group)["LatestVersion"] == v
    made = cloud.aws("greengrass", "create-deployment", "--group-id", group, "--deployment-type", "NewDeployment", "--group-version-id", v)
    status = lambda: cloud.aws("greengrass", "get-deployment-status", "--group-id", group, "--deployment-id", made["DeploymentId"])
    assert status()["DeploymentStatus"] in ("Building", "InProgress")
    assert cloud.aws("greengrass", "list-deployments", "--group-id", group)["Deployments"][0]["DeploymentArn"] == made["DeploymentArn"]
    assert "IdNotFoundException" in cloud.aws("greengrass", "get-group", "--group-id", "0" * 36, ok=False)
