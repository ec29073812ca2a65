"""Access keys: made, listed and deleted while the server runs, and what their policies let them do."""

import configparser
import json
import os
import pty
import stat
import subprocess

import pytest
from cloud import ACCOUNT, OPEN_POLICY, Cloud, arn
from conftest import BIN
from test_cloud_api import refused


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path, "--account", f"{ACCOUNT},210987654321")


def keys(cloud, verb, *argv, status=0):
    p = subprocess.run([BIN / "sedge-cloud", "keys", verb, "--data", cloud.data, *argv], capture_output=True, text=True, timeout=20)
    assert p.returncode == status, p.stderr
    return p.stdout if status == 0 else p.stderr


def create(cloud, policy=None, **options):
    argv = []
    if policy is not None:
        file = cloud.folder / "policy.json"
        file.write_text(json.dumps({"Version": "2012-10-17", "Statement": policy}, indent=4))
        argv += ["--policy", file]
    c = configparser.RawConfigParser()
    c.read_string(keys(cloud, "create", *argv, *[x for k, v in options.items() for x in ("--" + k, v)]))
    return {k: c["default"][k] for k in ("aws_access_key_id", "aws_secret_access_key")}


def test_made_listed_and_deleted_while_it_runs(cloud):
    made = create(cloud)
    iot = cloud.client("iot", **made)
    iot.create_thing(thingName="t")
    other = create(cloud, account="210987654321")
    assert cloud.client("iot", **other).list_things()["things"] == []  # its own account's
    told = keys(cloud, "list")
    assert made["aws_access_key_id"] in told and other["aws_access_key_id"] in told and "210987654321" in told
    assert made["aws_secret_access_key"] not in told + cloud.log()
    keys(cloud, "delete", made["aws_access_key_id"])
    refused(iot.list_things, "UnrecognizedClientException", 403)
    assert cloud.client("iot", **other).list_things()["things"] == []
    assert "no access key" in keys(cloud, "delete", made["aws_access_key_id"], status=1)
    assert "no access key" in keys(cloud, "delete", "../admin-credentials", status=1)
    assert cloud.keys()  # the control: it is still there


def test_secrets_are_kept_private(cloud, tmp_path):
    out = tmp_path / "mine"
    keys(cloud, "create", "--output", out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "already" in keys(cloud, "create", "--output", out, status=1)
    kept = list((cloud.data / "keys").iterdir())
    assert len(kept) == 1 and stat.S_IMODE(kept[0].stat().st_mode) == 0o600 and stat.S_IMODE(kept[0].parent.stat().st_mode) == 0o700
    # a file that others can read is no key
    c = configparser.RawConfigParser()
    c.read(out)
    mine = {k: c["default"][k] for k in ("aws_access_key_id", "aws_secret_access_key")}
    cloud.client("iot", **mine).list_things()
    kept[0].chmod(0o644)
    os.utime(kept[0].parent)
    refused(cloud.client("iot", **mine).list_things, "UnrecognizedClientException", 403)
    assert "no access key comes from it" in cloud.log()


def test_no_secret_on_a_terminal(cloud):
    master, slave = pty.openpty()
    p = subprocess.run([BIN / "sedge-cloud", "keys", "create", "--data", cloud.data], stdout=slave, stderr=subprocess.PIPE, text=True,
                       timeout=20)
    os.close(slave)
    os.set_blocking(master, False)
    with pytest.raises(OSError):
        os.read(master, 1)
    os.close(master)
    assert p.returncode == 1 and "--output" in p.stderr
    assert not (cloud.data / "keys").exists()


@pytest.mark.parametrize("argv", [["create", "x"], ["list", "x"], ["delete"], ["make"], ["create", "--account", "1"], ["create", "--policy"]])
def test_wrong_command_lines(cloud, argv):
    assert "usage" in keys(cloud, argv[0], *argv[1:], status=2)


def test_a_policy_that_is_none(cloud, tmp_path):
    bad = tmp_path / "bad.json"
    for text in ("", "{}", '{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps","Action":"*","Resource":"*"}]}', "[1]", '{"Version":'):
        bad.write_text(text)
        assert "is not a policy" in keys(cloud, "create", "--policy", bad, status=1)
    assert not (cloud.data / "keys").exists()


def denied(call, action, resource, code="AccessDeniedException", **kw):
    message = refused(call, code, 403, **kw)["Error"]["Message"]
    assert f"is not authorized to perform: {action} on resource: {resource}" in message, message
    return message


def test_policies_of_keys(cloud):
    admin = cloud.client("iot")
    for name in ("plant-1", "other"):
        admin.create_thing(thingName=name)
    key = create(cloud, [
        {"Effect": "Allow", "Action": "iot:Describe*", "Resource": arn("thing/plant-*")},
        {"Effect": "Allow", "Action": ["iot:CreateThing", "iot:ListThings", "iot:GetThingShadow"], "Resource": "*"},
        {"Effect": "Deny", "Action": "iot:CreateThing", "Resource": arn("thing/secret*")},
        {"Effect": "Allow", "Action": "greengrass:CreateGroup", "Resource": "*"},
        {"Effect": "Allow", "Action": "greengrass:CreateCoreDefinition", "Resource": "*"},
        {"Effect": "Allow", "Action": "iot:AttachPolicy", "Resource": [arn("policy/p"), arn("cert/*")]}])
    iot = cloud.client("iot", **key)
    assert iot.describe_thing(thingName="plant-1")["thingName"] == "plant-1"
    message = denied(iot.describe_thing, "iot:DescribeThing", arn("thing/other"), thingName="other")
    assert key["aws_access_key_id"] in message and "no policy" in message
    denied(iot.describe_thing, "iot:DescribeThing", arn("thing/nobody-knows"), thingName="nobody-knows")  # not even that it is not there
    assert len(iot.list_things()["things"]) == 2
    iot.create_thing(thingName="plant-2")
    assert "explicit deny" in denied(iot.create_thing, "iot:CreateThing", arn("thing/secret-1"), thingName="secret-1")
    denied(iot.delete_thing, "iot:DeleteThing", arn("thing/plant-1"), thingName="plant-1")
    denied(iot.create_keys_and_certificate, "iot:CreateKeysAndCertificate", "*")
    denied(iot.list_thing_principals, "iot:ListThingPrincipals", arn("thing/plant-1"), thingName="plant-1")
    assert admin.describe_thing(thingName="plant-1")  # the control: nothing happened
    # the resources are the policy and the target, of which both must be allowed
    for name in ("p", "q"):
        admin.create_policy(policyName=name, policyDocument=json.dumps(OPEN_POLICY))
    target = admin.create_keys_and_certificate()["certificateArn"]
    group = admin.create_thing_group(thingGroupName="g")["thingGroupArn"]
    iot.attach_policy(policyName="p", target=target)
    denied(iot.attach_policy, "iot:AttachPolicy", arn("policy/q"), policyName="q", target=target)
    denied(iot.attach_policy, "iot:AttachPolicy", group, policyName="p", target=group)
    # the other services of the port
    gg = cloud.client("greengrass", **key)
    made = gg.create_group(Name="g")
    denied(gg.get_group, "greengrass:GetGroup", arn(f"/greengrass/groups/{made['Id']}", "greengrass"), GroupId=made["Id"])
    gg.create_core_definition(Name="c")
    denied(gg.create_device_definition, "greengrass:CreateDeviceDefinition", arn("/greengrass/definition/devices", "greengrass"), Name="d")
    data = cloud.client("iot-data", **key)
    denied(data.update_thing_shadow, "iot:UpdateThingShadow", arn("thing/plant-1"), "ForbiddenException", thingName="plant-1", payload=b"{}")


def test_operations_that_are_not_there_yet_are_judged_too(cloud):
    key = create(cloud, [{"Effect": "Allow", "Action": "iot:ListThings", "Resource": "*"}])
    denied(cloud.client("iot", **key).list_jobs, "iot:ListJobs", "*")
    refused(cloud.client("iot").list_jobs, "NotImplementedException", 501)


def test_a_policy_by_address(cloud):
    for address, ok in (("127.0.0.0/8", True), ("10.0.0.0/8", False)):
        key = create(cloud, [{"Effect": "Allow", "Action": "iot:*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": address}}}])
        iot = cloud.client("iot", **key)
        if ok:
            iot.list_things()
        else:
            denied(iot.list_things, "iot:ListThings", "*")


def test_functions_are_lambdas(cloud):
    """A key's policy names them as Lambda does."""
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
    mine = create(cloud, policy=[{"Effect": "Allow", "Action": "lambda:GetFunction", "Resource": function + "mine"}])
    fn = cloud.client("lambda", **mine)
    refused(fn.get_function, "ResourceNotFoundException", 404, FunctionName="mine")
    refused(fn.get_function, "ResourceNotFoundException", 404, FunctionName=function + "mine:3")
    refused(fn.get_function, "AccessDeniedException", 403, FunctionName="other")
    refused(fn.delete_function, "AccessDeniedException", 403, FunctionName="mine")
    refused(fn.list_functions, "AccessDeniedException", 403)
    everything = create(cloud, policy=[{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}])
    refused(cloud.client("lambda", **everything).list_functions, "AccessDeniedException", 403)
