"""The MQTT clients of npm: `mqtt` against the bare broker in both versions, `aws-iot-device-sdk`, unmodified, against sedge-cloud.

They are installed as package-lock.json says into build/peers/npm, by npm, once. Without node, npm or their packages these tests are skipped.
"""

import filecmp
import json
import os
import shutil
import subprocess
import urllib.parse
import threading

import pytest
import fleet_world
from authority import Authority
from cloud import OPEN_POLICY, Cloud, arn
from conftest import BUILD, TOP
from mqtt_device import DeviceClient
from mqtt_program import Broker
from ws_wire import sign

HERE = TOP / "tests/interop"
PEERS = BUILD / "peers/npm"
JITP = {
    "Parameters": {"AWS::IoT::Certificate::CommonName": {"Type": "String"}, "AWS::IoT::Certificate::Id": {"Type": "String"}},
    "Resources": {"thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "AWS::IoT::Certificate::CommonName"}}},
                  "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}}},
                  "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": json.dumps(OPEN_POLICY)}}},
}


@pytest.fixture(scope="module")
def node():
    """Runs a script of this folder with the packages; what it wrote."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    lock, have = HERE / "package-lock.json", PEERS / "package-lock.json"
    if not (have.is_file() and filecmp.cmp(lock, have, False) and (PEERS / "node_modules/mqtt").is_dir()):
        PEERS.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, PEERS / name)
        got = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=PEERS, capture_output=True, text=True, timeout=300)
        if got.returncode:
            pytest.skip(f"npm cannot install the packages: {got.stderr[-300:]}")

    def run(script, *args, **env):
        got = subprocess.run(["node", HERE / script, *map(str, args)], env={**os.environ, "NODE_PATH": str(PEERS / "node_modules"), **env},
                             capture_output=True, text=True, timeout=90)
        assert got.returncode == 0, got.stdout + got.stderr
        return got.stdout.split()

    return run


@pytest.mark.parametrize("version", [4, 5])
def test_npm_mqtt(node, version):
    b = Broker("standard")
    try:
        assert node("mqtt_walk.js", b.port, version) == ["done"]
    finally:
        b.stop()


def test_npm_aws_iot_device_sdk(node, procs, tmp_path):
    cloud = Cloud(procs, tmp_path)
    d = cloud.device("node-thing")
    assert node("aws_device.js", "localhost", cloud.mqtt, cloud.ca, d.cert, d.key, d.name) == ["done"]


def test_npm_aws_iot_device_sdk_joins_by_a_template(node, procs, tmp_path):
    """Just-in-time provisioning: the SDK's own reconnection brings the device back after the first connection was dropped."""
    cloud, ca = Cloud(procs, tmp_path), Authority()
    ca.register(cloud.client("iot"), registrationConfig={"templateBody": json.dumps(JITP), "roleArn": "arn:aws:iam::123456789012:role/jitp"})
    d = ca.device(cloud, "node-thing")
    assert node("aws_device.js", "localhost", cloud.mqtt, cloud.ca, d.cert, d.key, d.name) == ["done"]
    assert "provisioned by the template of its CA" in cloud.log()


def test_npm_aws_iot_device_sdk_joins_after_activation(node, procs, tmp_path):
    """Just-in-time registration: the owner's program hears the event and activates; the SDK goes on trying meanwhile."""
    cloud, ca = Cloud(procs, tmp_path), Authority()
    iot, owner = cloud.client("iot"), cloud.device("owner")
    ca.register(iot)
    ear = DeviceClient(owner)
    ear.subscribe((f"$aws/events/certificates/registered/{ca.id}", 1))

    def activate():
        event = ear.topic_and_json()[1]
        iot.attach_policy(policyName=owner.policy, target=arn(f"cert/{event['certificateId']}"))
        iot.update_certificate(certificateId=event["certificateId"], newStatus="ACTIVE")

    helper = threading.Thread(target=activate)
    helper.start()
    d = ca.device(cloud, "node-thing")
    assert node("aws_device.js", "localhost", cloud.mqtt, cloud.ca, d.cert, d.key, d.name) == ["done"]
    helper.join(10)
    assert not helper.is_alive()


@pytest.mark.parametrize("form", ["json", "cbor"])
def test_npm_aws_iot_device_sdk_joins_by_claim(node, procs, tmp_path, form):
    """Fleet provisioning: the SDK asks for keys, is provisioned by the template, and comes back with its own certificate."""
    cloud = Cloud(procs, tmp_path)
    fleet_world.template(cloud.client("iot"))
    claim = cloud.device("claim", policy=fleet_world.CLAIM_POLICY, thing=False)
    assert node("fleet_join.js", "localhost", cloud.mqtt, cloud.ca, claim.cert, claim.key, fleet_world.TEMPLATE, form, "9") == ["done"]
    assert cloud.client("iot").describe_thing(thingName="d-9")["attributes"] == {"site": "home"}


@pytest.mark.parametrize("version", [4, 5])
def test_npm_mqtt_over_websocket(node, procs, tmp_path, version):
    """By a signed URL; a control without a signature is refused."""
    cloud = Cloud(procs, tmp_path)
    host = urllib.parse.urlsplit(cloud.api).netloc
    assert node("ws_walk.js", f"ws://{host}{sign(cloud.keys(), host)}", version) == ["done"]
    with pytest.raises(AssertionError, match="closed"):
        node("ws_walk.js", f"ws://{host}/mqtt", version)


def test_npm_aws_iot_device_sdk_over_wss(node, procs, tmp_path):
    """The control port beyond loopback speaks TLS; the SDK signs its URL itself."""
    cloud = Cloud(procs, tmp_path, "--api", "*:0")
    port = urllib.parse.urlsplit(cloud.api).port
    keys = cloud.keys()
    argv = ("localhost", port, cloud.ca, keys["aws_access_key_id"])
    env = {"NODE_EXTRA_CA_CERTS": str(cloud.ca)}
    assert node("aws_device_wss.js", *argv, keys["aws_secret_access_key"], **env) == ["done"]
    with pytest.raises(AssertionError, match="it hangs"):  # it tries again and again
        node("aws_device_wss.js", *argv, "x" * 40, WAIT_MS="3000", **env)
