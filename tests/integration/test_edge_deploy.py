"""Deployments from the fake cloud: what is applied, what is refused, what survives. Clauses of docs/spec/edge-cloud.md by name."""

import json
import os
import signal
import subprocess

import pytest

import edge_root
from conftest import wait_for
from fake_cloud import ARN, THING, Authority, ExtendedKeyUsageOID, new_key, started

REGION_ARN = "arn:aws:greengrass:us-east-1:123456789012:/greengrass/groups/11111111-2222/versions/"


def group(level="DEBUG", version="v1", **more):
    logger = {"Id": "1", "Type": "FileSystem", "Component": "GreengrassSystem", "Level": level, "Space": 1024}
    subscription = {"Id": "s", "Source": "cloud", "Subject": "hello/world", "Target": "GGShadowService"}
    return {"Arn": REGION_ARN + version, "Region": "us-east-1",
            "Cores": [{"thingArn": ARN, "certificateArn": "c", "id": "1", "syncShadow": True}], "Devices": [],
            "GroupDefinitions": {"Lambdas": {"Content": []}, "Resources": {"Content": []}, "Connectors": {"Content": []},
                                 "Logging": {"Content": [logger]}, "Subscriptions": {"Content": [subscription]}, **more}}


@pytest.fixture
def cloud(tmp_path):
    with started(tmp_path / "cloud") as cloud:
        yield cloud


@pytest.fixture
def root(tmp_path, cloud):
    root = edge_root.Root(tmp_path, cloud).identity(new_key("ec"))
    yield root
    root.stop()


@pytest.fixture
def running(root, cloud):
    root.greengrassd("start")
    cloud.wait_for("get")
    return root


def deployed(root, cloud, *args, **kw):
    deployment = cloud.deploy(*args, **kw)
    cloud.reported(deployment, "Success")
    return deployment


def test_a_deployment_is_applied_and_reported(running, cloud):
    deployment = deployed(running, cloud, group())
    assert [s[1] for s in cloud.statuses] == ["InProgress", "Success"]                          # EC-14
    assert running.group()["Arn"].endswith("/versions/v1")
    assert running.deployment() == deployment                                                    # EC-12
    assert cloud.shadow["reported"] == {**cloud.shadow["desired"], "status": "Success"}           # EC-3
    assert not (running.path / "ggc/deployment/staging").exists()
    wait_for(lambda: any(l == "DEBUG" for l, _, _ in running.lines()), 5, "no DEBUG lines")
    messages = [m for _, m, _ in running.lines()]
    assert any(m.startswith(f"New deployment {deployment} of type NewDeployment for group ") for m in messages)
    assert any(m.startswith(f"Deployment {deployment} ") and m.endswith(" succeeded") for m in messages)


def test_status_goes_before_the_reported_state(running, cloud):
    deployment = deployed(running, cloud, group())
    put = cloud.events.index(("status", deployment, "Success"))
    reported = next(i for i, e in enumerate(cloud.events) if e[0] == "reported" and e[1].get("status") == "Success")
    assert put < reported                                                                        # EC-15


def test_one_https_connection_serves_a_deployment(running, cloud):
    deployed(running, cloud, group())
    assert cloud.count("http") >= 4
    assert cloud.count("https-connection") == 1


def test_the_next_deployment_replaces_it(running, cloud):
    deployed(running, cloud, group("DEBUG", "v1"))
    second = deployed(running, cloud, group("INFO", "v2"))
    assert running.group()["Arn"].endswith("/versions/v2")
    assert running.deployment() == second
    assert "errorMessage" not in cloud.shadow["reported"]


def test_desired_before_the_core_starts(root, cloud):
    deployment = cloud.deploy(group(), announce=False)
    root.greengrassd("start")
    cloud.reported(deployment, "Success")                                                        # EC-4
    assert root.deployment() == deployment


def test_nothing_is_done_twice(running, cloud):
    deployment = deployed(running, cloud, group())
    running.wait_log("The cloud has the deployment's status.")
    running.greengrassd("restart")
    cloud.wait(lambda: cloud.count("get") >= 3)
    running.wait_log("Nothing to deploy.")
    assert [s[1] for s in cloud.statuses] == ["InProgress", "Success"]
    assert running.deployment() == deployment


def test_a_deployed_level_survives_a_restart(running, cloud):
    deployed(running, cloud, group("ERROR"))
    running.greengrassd("stop")
    before = running.log
    running.greengrassd("start")
    cloud.wait(lambda: cloud.count("get") >= 3)
    new = running.log[len(before):]
    assert "Connecting with MQTT." not in new


def test_an_empty_group_starts(root, cloud):
    folder = root.path / "ggc/deployment/group"
    folder.mkdir(parents=True)
    (folder / "group.json").write_text("{}")
    root.greengrassd("start")
    cloud.wait_for("get")
    assert root.group() == {}


def test_a_broken_group_on_disk_does_not_stop_the_core(root, cloud):
    folder = root.path / "ggc/deployment/group"
    folder.mkdir(parents=True)
    (folder / "group.json").write_text("{ half")
    root.greengrassd("start")
    root.wait_log("The group on disk cannot be run")
    deployment = deployed(root, cloud, group())
    assert root.deployment() == deployment


def test_an_artifact_nobody_names_stays_in_the_cloud(running, cloud):
    deployed(running, cloud, group(), artifacts={"data.bin": os.urandom(300000)})
    assert not cloud.count("http", "GET", next(e[2] for e in cloud.events if e[0] == "http" and e[2].endswith("group.json"))
                           .replace("group.json", "data.bin"))
    assert not list((running.path / "ggc/deployment").rglob("data.bin"))


# --- refusals: the second one still runs, and the reason goes to the cloud and into the log ----------------------------------

def fails(root, cloud, *texts, deployment=None, good=None):
    cloud.reported(deployment, "Failure")
    message = cloud.shadow["reported"]["errorMessage"]
    for text in texts:
        assert text in message, message
    assert (deployment, "Failure", message) in cloud.statuses
    assert any(m == "Deployment failed." and f == {"deploymentId": deployment, "errorString": message} for _, m, f in root.lines())
    assert root.deployment() == good
    assert not (root.path / "ggc/deployment/staging").exists()
    root.greengrassd("status")
    return message


def flip(data):
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


@pytest.mark.parametrize("what, step, text", [
    ("document", "verify", "was altered on the way"),
    ("signature", "verify", "signature does not fit"),
    ("group.json", "download", "group.json was altered on the way: its SHA-256 is"),
])
def test_altered_on_the_way(running, cloud, what, step, text):
    good = deployed(running, cloud, group())
    cloud.tamper(what, flip)
    bad = cloud.deploy(group("INFO", "v2"))
    fails(running, cloud, f"unable to execute {step} step in deployment.", text, "The previous deployment keeps running.",
          deployment=bad, good=good)
    assert running.group()["Arn"].endswith("/versions/v1")
    cloud.tamper(what, lambda data: data)
    deployed(running, cloud, group("INFO", "v3"))
    assert running.group()["Arn"].endswith("/versions/v3")


@pytest.mark.parametrize("change, text", [(lambda b: b + b"x", "larger"), (lambda b: b[:-1], "bytes instead of")])
def test_artifact_of_another_size(running, cloud, change, text):
    cloud.tamper("group.json", change)
    fails(running, cloud, "unable to execute download step", deployment=cloud.deploy(group()))    # EC-9


def test_signed_with_the_servers_kind_of_certificate(running, cloud):
    cloud.signer_cert = cloud.ca.issue("server", cloud.signer_key.public_key(), eku=ExtendedKeyUsageOID.SERVER_AUTH)
    fails(running, cloud, "signer's certificate is not accepted", deployment=cloud.deploy(group()))  # EC-7


def test_signed_by_another_authority(running, cloud):
    cloud.signer_cert = Authority("another").issue("deployments", cloud.signer_key.public_key(), eku=ExtendedKeyUsageOID.CODE_SIGNING)
    fails(running, cloud, "signer's certificate is not accepted", deployment=cloud.deploy(group()))  # EC-7


def test_meant_for_another_core(running, cloud):
    fails(running, cloud, "another coreThingArn", deployment=cloud.deploy(group(), thing_arn=ARN + "2"))  # EC-8


@pytest.mark.parametrize("what, text", [
    ({"Resources": {"Content": [{}]}}, "cannot run yet: 1 resource"),
    ({"Connectors": {"Content": [{}]}}, "cannot run yet: 1 connector"),
    ({"Lambdas": {"Content": [{"FunctionArn": "arn:aws:lambda:us-east-1:1:function:f:1", "DeploymentConfiguration": {}}]}},
     "function arn:aws:lambda:us-east-1:1:function:f:1 is to run in a Greengrass container"),
])
def test_what_cannot_run_yet_is_said(running, cloud, what, text):
    needs = group()
    needs["GroupDefinitions"].update(what)
    fails(running, cloud, "unable to execute check step", text, deployment=cloud.deploy(needs))


def test_group_that_breaks_the_rules(running, cloud):
    fails(running, cloud, "group config is invalid", "Level must be", deployment=cloud.deploy(group(level="LOUD")))


def test_policy_without_get_deployment(running, cloud):
    cloud.http_status = 403
    deployment = cloud.deploy(group())
    running.wait_log("Deployment failed.")
    error = next(f["errorString"] for _, m, f in running.lines() if m == "Deployment failed.")
    assert "greengrass:GetDeployment" in error and "403" in error
    running.wait_log("failed to report deployment status back to cloud")
    cloud.http_status = 0
    cloud.reported(deployment, "Failure", timeout=30)                                             # EC-15: kept and sent


def test_document_gone(running, cloud):
    deployment = cloud.deploy(group(), announce=False)
    cloud.deployments.clear()
    cloud.tell_delta()
    fails(running, cloud, "404", deployment=deployment)


# --- outages ------------------------------------------------------------------------------------------------------------------

def test_https_away_for_a_while(running, cloud):
    port = cloud.https_port
    cloud.stop_https()
    deployment = cloud.deploy(group())
    running.wait_log("it is tried again")
    cloud.start_https(port)
    cloud.reported(deployment, "Success", timeout=30)


def test_a_status_is_kept_over_a_restart(running, cloud):
    """EC-15: the result of a deployment that the cloud could not be told of, told after a restart."""
    deployed(running, cloud, group())
    port = cloud.https_port
    cloud.tamper("document", flip)
    cloud.http_status = 0
    bad = cloud.deploy(group("INFO", "v2"), announce=False)
    # cut HTTPS off right after the document was fetched
    cloud.tamper("signature", lambda s: (cloud.__setattr__("http_status", 503), s)[1])
    cloud.tell_delta()
    running.wait_log("Deployment failed.")
    saved = running.path / "ggc/var/state/deployment-status.json"
    wait_for(saved.exists, 5)
    running.greengrassd("stop")
    assert json.loads(saved.read_text())["deploymentId"] == bad
    cloud.http_status = 0
    running.greengrassd("start")
    cloud.reported(bad, "Failure")
    wait_for(lambda: not saved.exists(), 5)
    assert [s[1] for s in cloud.statuses if s[0] == bad] == ["InProgress", "Failure"]
    assert port == cloud.https_port


def test_link_lost_during_a_deployment(running, cloud):
    cloud.tamper("group.json", lambda b: (cloud.drop_connections(), b)[1])
    deployment = cloud.deploy(group())
    cloud.reported(deployment, "Success", timeout=30)
    assert running.deployment() == deployment


def test_killed_during_a_deployment(running, cloud):
    """kill -9 at the worst moment: the core starts again and the deployment ends well."""
    killed = []

    def kill_once(data):
        if not killed:
            killed.append(running.core())
            os.kill(killed[0], signal.SIGKILL)
        return data

    cloud.tamper("group.json", kill_once)
    deployment = cloud.deploy(group())
    cloud.reported(deployment, "Success", timeout=30)
    assert killed and running.deployment() == deployment


def test_newer_deployment_waits_for_the_running_one(running, cloud):
    """EC-4: only the newest one waits."""
    later = []

    def announce_more(data):
        if not later:
            later.append(cloud.deploy(group("INFO", "v2")))
            later.append(cloud.deploy(group("INFO", "v3")))
        return data

    cloud.tamper("group.json", announce_more)
    first = cloud.deploy(group("INFO", "v1"))
    cloud.wait(lambda: len(later) == 2)
    cloud.reported(later[1], "Success")
    assert [s[0] for s in cloud.statuses if s[1] == "Success"] == [first, later[1]]
    assert running.group()["Arn"].endswith("/versions/v3")


def test_full_disk(tmp_path, cloud):
    """The write directory on a file system of 1 MiB that fills up: Failure with the reason, the old group runs on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True)
    if mount.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    root = edge_root.Root(tmp_path, cloud).identity(new_key("ec"))
    root.config.update({"writeDirectory": str(disk), "pidFileDirectory": str(tmp_path)})
    try:
        root.greengrassd("start")
        good = deployed(root, cloud, group("INFO"))
        bad = cloud.deploy({**group("INFO", "v2"), "Pad": "x" * (2 << 20)})
        cloud.reported(bad, "Failure")
        assert "the disk is full; free some space" in cloud.shadow["reported"]["errorMessage"]
        assert json.loads((disk / "deployment/group/deployment.json").read_text())["deploymentId"] == good
        deployed(root, cloud, group("INFO", "v3"))
    finally:
        root.greengrassd("stop", ok=False)
        subprocess.run(["umount", str(disk)], check=True)
