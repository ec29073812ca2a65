"""Functions in deployments: what a group's definitions become in the document and the artifacts that a core is given. boto3 and the AWS
CLI on one side, curl with a core's certificate on the other."""

import base64
import hashlib
import json
import os

import pytest
from cloud import ACCOUNT, CORE_POLICY, REGION, Cloud
from conftest import wait_for
from test_cloud_api import refused
from test_cloud_greengrass import Group, envelope
from test_cloud_lambda import ARN, ROLE, codes, create, package

SYSTEM = "arn:aws:lambda:::function:"
SPOOLER = SYSTEM + "GGCloudSpooler:1"


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


@pytest.fixture
def core(cloud):
    return cloud.device(policy=CORE_POLICY)


@pytest.fixture
def group(cloud, core):
    return FunctionGroup(cloud, core)


def entity(arn, id="f", **conf):
    return {"Id": id, "FunctionArn": arn, "FunctionConfiguration": {"Environment": {"Execution": {"IsolationMode": "NoContainer"}}, **conf}}


class FunctionGroup(Group):
    def define(self, functions, subscriptions=(), defaults=None):
        """A group version."""
        version = {"Functions": functions, **({"DefaultConfig": defaults} if defaults else {})}
        f = self.gg.create_function_definition(InitialVersion=version)["LatestVersionArn"]
        s = self.gg.create_subscription_definition(InitialVersion={"Subscriptions": list(subscriptions)})["LatestVersionArn"]
        return self.gg.create_group_version(GroupId=self.id, CoreDefinitionVersionArn=self.cores, FunctionDefinitionVersionArn=f,
                                            SubscriptionDefinitionVersionArn=s)["Version"]

    def end(self, version=None, **kw):
        """Deploy, and how its build ended: (id, status)."""
        kw = kw or {"DeploymentType": "NewDeployment", "GroupVersionId": version}
        made = self.gg.create_deployment(GroupId=self.id, **kw)["DeploymentId"]
        wait_for(lambda: self.status(made)["DeploymentStatus"] != "Building")
        return made, self.status(made)

    def built(self, version=None, **kw):
        made, status = self.end(version, **kw)
        assert status["DeploymentStatus"] == "InProgress", status
        return made

    def failure(self, *args, **kw):
        """Why a group of this definition cannot be deployed."""
        status = self.end(self.define(*args, **kw))[1]
        assert status["DeploymentStatus"] == "Failure", status
        return status["ErrorMessage"]


def path(group, deployment):
    return f"/greengrass/groups/{group.id}/deployments/{deployment}"


def document(core, group, deployment):
    return json.loads(base64.b64decode(envelope(core, group, deployment)["payload"]))


def fetch(core, group, deployment, name):
    to = core.cloud.folder / "artifact"
    assert core.curl(f"{path(group, deployment)}/artifacts/{name}", "-o", to)[0] == 200
    return to.read_bytes()


def group_json(core, group, deployment):
    return json.loads(fetch(core, group, deployment, "group.json"))


def lambdas(core, group, deployment):
    return group_json(core, group, deployment)["GroupDefinitions"]["Lambdas"]["Content"]


def hello(cloud, name="hello", code=None, **kw):
    """A function with version 1 and the alias prod."""
    fn = cloud.client("lambda")
    code = code or package({"index.js": name})
    create(fn, name, code, Publish=True, **kw)
    fn.create_alias(FunctionName=name, Name="prod", FunctionVersion="1")
    return code


def move(cloud, name="hello", files=None):
    """Version 2, and prod points to it."""
    fn = cloud.client("lambda")
    code = package(files or {"index.js": "two"})
    fn.update_function_code(FunctionName=name, ZipFile=code, Publish=True)
    fn.update_alias(FunctionName=name, Name="prod", FunctionVersion="2")
    return code


def test_a_function_reaches_its_core(cloud, core, group):
    """The walk of the guide, with the CLI."""
    (cloud.folder / "hello.zip").write_bytes(code := package())
    cloud.aws("lambda", "create-function", "--function-name", "hello", "--role", ROLE, "--runtime", "nodejs12.x", "--handler", "index.handler",
              "--zip-file", f"fileb://{cloud.folder}/hello.zip", "--publish")
    alias = cloud.aws("lambda", "create-alias", "--function-name", "hello", "--name", "GG", "--function-version", "1")["AliasArn"]
    function = entity(alias, Pinned=True, Timeout=25, EncodingType="json")
    function["FunctionConfiguration"]["Environment"] |= {"Variables": {"A": "b"}, "Execution": {"IsolationMode": "NoContainer", "RunAs": {"Uid": 1001}}}
    fd = cloud.aws("greengrass", "create-function-definition", "--name", "f", "--initial-version", json.dumps({"Functions": [function]}))
    sd = group.gg.create_subscription_definition(InitialVersion={"Subscriptions": [
        {"Id": "up", "Source": alias, "Subject": "hello/world", "Target": "cloud"}]})
    version = group.gg.create_group_version(GroupId=group.id, CoreDefinitionVersionArn=group.cores,
                                            FunctionDefinitionVersionArn=fd["LatestVersionArn"],
                                            SubscriptionDefinitionVersionArn=sd["LatestVersionArn"])["Version"]
    made = cloud.aws("greengrass", "create-deployment", "--group-id", group.id, "--deployment-type", "NewDeployment",
                     "--group-version-id", version)["DeploymentId"]
    wait_for(lambda: group.status(made)["DeploymentStatus"] == "InProgress")
    digest = hashlib.sha256(code).hexdigest()
    name = f"lambda-{digest}.zip"
    listed = {a["name"]: a for a in document(core, group, made)["artifacts"]}
    assert set(listed) == {"group.json", name} and listed[name] == {"name": name, "size": len(code), "sha256": digest}
    assert fetch(core, group, made, name) == code
    told = fetch(core, group, made, "group.json")
    assert (len(told), hashlib.sha256(told).hexdigest()) == (listed["group.json"]["size"], listed["group.json"]["sha256"])
    definitions = json.loads(told)["GroupDefinitions"]
    assert definitions["Lambdas"]["Content"] == [{"Id": "f", "FunctionArn": ARN + "hello:1", "DeploymentConfiguration": {
        "Pinned": True, "Timeout": 25, "EncodingType": "json", "Variables": {"A": "b"}, "Artifact": name, "CodeSize": len(code),
        "CodeSha256": digest, "Handler": "index.handler", "Runtime": "nodejs12.x", "IsolationMode": "NoContainer", "RunAs": {"Uid": 1001}}}]
    assert definitions["Subscriptions"]["Content"] == [{"Id": "up", "Source": ARN + "hello:1", "Subject": "hello/world", "Target": "cloud"}]


def test_a_redeployment_keeps_the_versions(cloud, core, group):
    """What was deployed stays what it was; a new deployment of the same group version takes the alias as it is then."""
    one = hello(cloud)
    version = group.define([entity(ARN + "hello:prod")], [{"Id": "s", "Source": "cloud", "Subject": "a", "Target": ARN + "hello:prod"}])
    first = group.built(version)
    two = move(cloud)
    again = group.built(DeploymentType="Redeployment", DeploymentId=first)
    third = group.built(DeploymentType="Redeployment", DeploymentId=again)
    fresh = group.built(version)
    for made, arn, code in ((first, "hello:1", one), (again, "hello:1", one), (third, "hello:1", one), (fresh, "hello:2", two)):
        assert [f["FunctionArn"] for f in lambdas(core, group, made)] == [ARN + arn]
        assert group_json(core, group, made)["GroupDefinitions"]["Subscriptions"]["Content"][0]["Target"] == ARN + arn
        assert document(core, group, made)["deploymentId"] == made
        names = [a["name"] for a in document(core, group, made)["artifacts"]]
        assert names[0] == "group.json" and len(names) == 2 and fetch(core, group, made, names[1]) == code


def test_a_function_is_deleted_while_it_is_deployed(cloud, core, group):
    """The core can still fetch it, and it can be deployed again; only new deployments miss it. LA-12, LA-22."""
    code = hello(cloud)
    version = group.define([entity(ARN + "hello:1")])
    made = group.built(version)
    cloud.client("lambda").delete_function(FunctionName="hello")
    name = document(core, group, made)["artifacts"][1]["name"]
    assert fetch(core, group, made, name) == code
    again = group.built(DeploymentType="Redeployment", DeploymentId=made)
    assert fetch(core, group, again, name) == code
    status = group.end(version)[1]
    assert status["DeploymentStatus"] == "Failure" and "there is no function hello" in status["ErrorMessage"]


def test_packages_are_not_copied(cloud, core, group):
    """Two functions of one package are one artifact, and ten deployments of it one row."""
    code = hello(cloud)
    hello(cloud, "other", code)
    version = group.define([entity(ARN + "hello:1", "a"), entity(ARN + "other:prod", "b")])
    for _ in range(3):
        made = group.built(version)
    assert len(document(core, group, made)["artifacts"]) == 2 and len(codes(cloud)) == 1
    fn = cloud.client("lambda")
    for name in ("hello", "other"):
        fn.delete_function(FunctionName=name)
    assert len(codes(cloud)) == 1
    hello(cloud, "never")  # the control: a package that nobody deployed goes
    fn.delete_function(FunctionName="never")
    assert len(codes(cloud)) == 1


def test_the_largest_package(cloud, core, group):
    code = package({"noise": os.urandom((16 << 20) - 65536)})
    hello(cloud, code=code)
    made = group.built(group.define([entity(ARN + "hello:prod")]))
    assert fetch(core, group, made, document(core, group, made)["artifacts"][1]["name"]) == code


def test_only_its_core_gets_the_code(cloud, core, group):
    """EC-9, EC-10."""
    hello(cloud)
    made = group.built(group.define([entity(ARN + "hello:prod")]))
    name = document(core, group, made)["artifacts"][1]["name"]
    url = f"{path(group, made)}/artifacts/"
    stranger = cloud.device("stranger", policy=CORE_POLICY)
    assert stranger.curl(url + name)[0] == 404
    powerless = json.loads(json.dumps(CORE_POLICY).replace("greengrass:*", "greengrass:GetDeployment"))
    iot = cloud.client("iot")
    iot.create_policy_version(policyName=core.policy, policyDocument=json.dumps(powerless), setAsDefault=True)
    assert core.curl(path(group, made))[0] == 200
    assert core.curl(url + name)[0] == 403
    iot.set_default_policy_version(policyName=core.policy, policyVersionId="1")
    assert core.curl(url + name, "-o", "/dev/null")[0] == 200
    other = group.built(group.define([]))
    assert core.curl(f"{path(group, other)}/artifacts/{name}")[0] == 404, "of another deployment"
    for bad in ("lambda-x.zip", "..%2f" + name, "GROUP.JSON"):
        assert core.curl(url + bad)[0] == 404


def test_what_cannot_be_deployed(cloud, core, group):
    """The deployment's status says why and what to do; the core hears nothing of it."""
    hello(cloud)
    for arn, words in ((ARN + "hello:$LATEST", "Publish a version"), (ARN + "hello", "Publish a version"), (ARN + "nobody:1", "there is no function nobody"),
                       (ARN + "hello:7", "hello has no version 7"), (ARN + "hello:beta", "hello has no alias beta"),
                       (f"arn:aws:lambda:{REGION}:000000000000:function:hello:1", "account and region"),
                       (f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:hello:1", "account and region"), ("arn:aws:s3:::x", "account and region"),
                       (ARN + "hel lo:1", "not the ARN"), (ARN + "hello:1:2", "not the ARN")):
        told = group.failure([entity(arn)])
        assert words in told and arn in told, told
    assert "twice" in group.failure([entity(ARN + "hello:prod", "a"), entity(ARN + "hello:1", "b")])
    for system in ("GGIPDetector:1", "GGStreamManager:1"):
        assert "do not have" in group.failure([{"Id": "s", "FunctionArn": SYSTEM + system, "FunctionConfiguration": {"Pinned": True}}])
    shadow = cloud.client("iot-data")
    with pytest.raises(shadow.exceptions.ResourceNotFoundException):
        shadow.get_thing_shadow(thingName=core.name + "-gda")
    group.built(group.define([entity(ARN + "hello:prod")]))  # the control


def test_subscriptions_to_functions_that_are_not_in_the_group(cloud, group):
    hello(cloud)
    hello(cloud, "other")
    for member, other, arn in (("Source", "Target", ARN + "other:1"), ("Target", "Source", ARN + "nobody:prod"), ("Target", "Source", SPOOLER)):
        told = group.failure([entity(ARN + "hello:1")], [{"Id": "s1", member: arn, other: "cloud", "Subject": "a"}])
        assert f"Subscription {member.lower()} is invalid. ID is 's1' and {member} is '{arn}'" in told
    assert "Target is 'arn:aws:lambda:" in group.failure([], [{"Id": "s1", "Source": "cloud", "Target": "arn:aws:lambda:x" + "\u00e9" * 300, "Subject": "a"}])
    # the same version by another name is the same function
    group.built(group.define([entity(ARN + "hello:1")], [{"Id": "s1", "Source": ARN + "hello:prod", "Target": "cloud", "Subject": "a"}]))


def test_settings_that_come_from_elsewhere(cloud, core, group):
    """Defaults, the group's DefaultConfig, and what the function definition overrides."""
    hello(cloud)
    hello(cloud, "native", Runtime="arn:aws:greengrass:::runtime/function/executable", Handler="run")
    defaults = {"Execution": {"IsolationMode": "NoContainer", "RunAs": {"Uid": 10, "Gid": 20}}}
    plain = {"Id": "plain", "FunctionArn": ARN + "hello:1"}
    made = group.built(group.define([plain, {"Id": "n", "FunctionArn": ARN + "native:1", "FunctionConfiguration": {
        "Environment": {"Execution": {"RunAs": {"Gid": 21}}, "AccessSysfs": True}, "ExecArgs": "-v"}}], defaults=defaults))
    a, b = (f["DeploymentConfiguration"] for f in lambdas(core, group, made))
    assert (a["IsolationMode"], a["RunAs"], a["Timeout"], a["Pinned"], a["EncodingType"]) == ("NoContainer", {"Uid": 10, "Gid": 20}, 3, False, "json")
    assert "MemorySize" not in a and (b["RunAs"], b["EncodingType"], b["ExecArgs"], b["AccessSysfs"]) == ({"Uid": 10, "Gid": 21}, "binary", "-v", True)
    made = group.built(group.define([plain, entity(ARN + "native:prod", "n", FunctionRuntimeOverride="python3.7")]))
    a, b = (f["DeploymentConfiguration"] for f in lambdas(core, group, made))
    assert (a["IsolationMode"], a["MemorySize"], a["RunAs"]) == ("GreengrassContainer", 16384, {})
    assert (b["Runtime"], b["EncodingType"]) == ("python3.7", "json")
    assert "EncodingType to binary" in group.failure([entity(ARN + "native:1", EncodingType="json")])


def test_the_spooler(cloud, core, group):
    spooler = lambda **v: {"Id": "s", "FunctionArn": SPOOLER, "FunctionConfiguration": {
        "Executable": "spooler", "MemorySize": 32768, "Pinned": True, "Timeout": 3, "Environment": {"Variables": v}}}
    size = {"GG_CONFIG_MAX_SIZE_BYTES": "5000000"}
    made = group.built(group.define([spooler(GG_CONFIG_STORAGE_TYPE="Memory", **size)], defaults={"Execution": {"IsolationMode": "NoContainer"}}))
    assert lambdas(core, group, made) == [{"Id": "s", "FunctionArn": SPOOLER, "DeploymentConfiguration": {
        "Pinned": True, "Timeout": 3, "MemorySize": 32768, "Executable": "spooler", "Variables": {"GG_CONFIG_STORAGE_TYPE": "Memory", **size}}}]
    assert len(document(core, group, made)["artifacts"]) == 1
    for bad in ({"GG_CONFIG_MAX_SIZE_BYTES": "262143"}, {"GG_CONFIG_MAX_SIZE_BYTES": "1e9"}, {"GG_CONFIG_MAX_SIZE_BYTES": ""}, {"GG_CONFIG_STORAGE_TYPE": "Disk"},
                {"GG_CONFIG_SUBSCRIPTION_QUALITY": "Always"}):
        refused(group.gg.create_function_definition, "400", 400, InitialVersion={"Functions": [spooler(**bad)]})
    group.gg.create_function_definition(InitialVersion={"Functions": [spooler(GG_CONFIG_MAX_SIZE_BYTES="262144")]})


def test_function_definitions_are_checked(cloud, group):
    gg = cloud.client("greengrass", parameter_validation=False)
    f = lambda **kw: {"Id": "f", "FunctionArn": ARN + "hello:1", **kw}
    conf = lambda **kw: f(FunctionConfiguration=kw)
    env = lambda **kw: conf(Environment=kw)
    no_container = {"Execution": {"IsolationMode": "NoContainer"}}
    system = lambda name, **kw: {"Id": "f", "FunctionArn": SYSTEM + name, "FunctionConfiguration": {"Environment": kw}}
    bad = [
        [f(FunctionArn=None)], [f(FunctionArn="hello")], [f(FunctionArn="arn:" + "x" * 300)], [conf(MemorySize=65536, Environment=no_container)],
        [env(Execution={"IsolationMode": "Jail"})], [env(Execution={"RunAs": {"Uid": -1}})], [env(Execution={"RunAs": {"Gid": "1"}})], [conf(Timeout=0)],
        [conf(EncodingType="text")], [conf(EncodingType="json", FunctionRuntimeOverride="arn:aws:greengrass:::runtime/function/executable")],
        [conf(Pinned="yes")], [env(Variables={"A": True})], [env(Variables={"A=B": "c"})], [env(Variables={"A": "x" * 70000})],
        [env(ResourceAccessPolicies=[{"ResourceId": "r", "Permission": "rwx"}])], [env(ResourceAccessPolicies=[{"ResourceId": "r"}] * 21)],
        [system("GGCloudSpooler:1", **no_container)], [system("GGIPDetector:1", **no_container)], [system("GGRouter:1")],
        [f(), f()], [f(), {**f(), "Id": "g"}], [f(Id=f"f{i}", FunctionArn=f"{ARN}hello:{i}") for i in range(1, 202)],
    ]
    for functions in bad:
        told = refused(gg.create_function_definition, "400", 400, InitialVersion={"Functions": functions})
        assert "functions definition is invalid" in told["Error"]["Message"]
    for defaults in ({"Execution": {"IsolationMode": "x"}}, {"Execution": {"RunAs": {"Uid": "x"}}}):
        refused(gg.create_function_definition, "400", 400, InitialVersion={"DefaultConfig": defaults, "Functions": []})
    refused(gg.create_function_definition, "400", 400, InitialVersion={"DefaultConfig": no_container, "Functions": [conf(MemorySize=65536)]})
    told = refused(gg.create_function_definition, "400", 400, InitialVersion={"Functions": [system("GGIPDetector:1", **no_container)]})
    assert f"Execution configuration for function with arn {SYSTEM}GGIPDetector:1 is not allowed" in told["Error"]["Message"]
    # the controls, and what was kept is told again
    version = {"DefaultConfig": no_container, "Functions": [
        {**conf(MemorySize=65536, Environment={"Execution": {"IsolationMode": "GreengrassContainer"}}), "Id": "a"},
        {**system("GGStreamManager:1", **no_container), "Id": "b"}, {**system("GGIPDetector:1"), "Id": "c"}]}
    made = gg.create_function_definition(InitialVersion=version)
    assert gg.get_function_definition_version(FunctionDefinitionId=made["Id"], FunctionDefinitionVersionId=made["LatestVersion"])["Definition"] == version
    gg.create_function_definition(InitialVersion={"Functions": [f(Id=f"f{i}", FunctionArn=f"{ARN}hello:{i}") for i in range(1, 201)]})
