"""greengrassd against sedge-cloud itself, with the key in a file and in the virtual chip: the two halves that must agree."""

import json
import os
import signal
import types

import pytest

import chip_client
import edge_root
from cloud import CORE, CORE_POLICY, OPEN_POLICY, Cloud, arn
from conftest import BIN, LIB, wait_for
from test_cloud_greengrass import Group

URI = "pkcs11:object=sss:20181001;type=private"
MODULE = LIB / "libsss_pkcs11.so"


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


@pytest.fixture
def core(cloud):
    return cloud.device(policy=CORE_POLICY)


class Root(edge_root.Root):
    """A root for this cloud's ports, CA and a certificate it made."""

    def __init__(self, folder, cloud, core):
        self.sedge = cloud
        ca = types.SimpleNamespace(pem=cloud.ca.read_bytes)
        super().__init__(folder, types.SimpleNamespace(ca=ca, mqtt_port=cloud.mqtt, https_port=cloud.https))
        (self.path / "certs/core.cert.pem").write_text(core.cert.read_text())
        key = self.path / "certs/core.private.key"
        key.touch(mode=0o600)
        key.write_text(core.key.read_text())


@pytest.fixture
def root(tmp_path, cloud, core):
    root = Root(tmp_path, cloud, core)
    yield root
    root.stop()


class Chip:
    """A virtual chip that holds the core's key, brought there by ssscli; the file is deleted."""

    def __init__(self, procs, folder, *options):
        self.part = chip_client.Part(procs, BIN / "sedge-chip", folder, *options).start()
        conf = folder / "se.conf"
        conf.write_text("")
        self.env = {"EX_SSS_BOOT_SSS_PORT": f"vse:{self.part.socket}", "SEDGE_CONF": str(conf),
                    "SEDGE_SSSCLI_SESSION": str(folder / "session"), "HOME": str(folder)}
        self.ssscli("connect", "se050", "t1oi2c", "none")

    def ssscli(self, *argv):
        import subprocess
        subprocess.run([str(BIN / "ssscli"), *map(str, argv)], env={**os.environ, **self.env}, check=True, capture_output=True,
                       timeout=30)

    def take(self, root):
        key = root.path / "certs/core.private.key"
        self.ssscli("set", "rsa", "pair", "0x20181001", key)
        key.unlink()
        root.use_token(MODULE, "SSS_PKCS11", "1234", URI)
        root.env = self.env


@pytest.fixture
def chip(procs, tmp_path, root):
    (tmp_path / "chip").mkdir()
    chip = Chip(procs, tmp_path / "chip")
    chip.take(root)
    return chip


def ended(group, deployment):
    def state():
        now = group.status(deployment)
        return now if now["DeploymentStatus"] in ("Success", "Failure") else None
    return wait_for(state, 20, "the deployment did not end")


def test_connects_and_deploys(root, cloud, core):
    group = Group(cloud, core)
    first = group.deploy()
    root.greengrassd("start")
    assert ended(group, first)["DeploymentStatus"] == "Success"
    assert root.group()["Arn"].endswith(f"/groups/{group.id}/versions/{group.version}")
    assert root.deployment() == first
    second = group.deploy(group.new_version("INFO"))
    assert ended(group, second)["DeploymentStatus"] == "Success"

    def reported():
        shadow = json.loads(cloud.client("iot-data").get_thing_shadow(thingName=f"{CORE}-gda")["payload"].read())
        return shadow["state"].get("reported", {}).get("status") == "Success" and shadow["state"]["reported"]["deploymentId"] == second \
            and "delta" not in shadow["state"]
    wait_for(reported, 10, "the reported state does not name the deployment")


def test_the_chips_key_connects_and_deploys(root, chip, cloud, core):
    group = Group(cloud, core)
    root.greengrassd("start")
    root.wait_log("All topics subscribed.")
    # one private-key operation for each full handshake: one on 8883
    assert chip.part.private_ops() == 1
    assert ended(group, group.deploy())["DeploymentStatus"] == "Success"
    # one on 8443, whose connection serves all requests of the deployment, and one for the data connection of the group
    root.wait_log(f'All topics subscribed.\t{{"clientId": "{CORE}-c00"}}')
    assert chip.part.private_ops() == 3
    chip.ssscli("se05x", "uid")  # others reach the chip while the core is connected


def test_chip_away_and_back(root, chip, cloud, core):
    root.greengrassd("start")
    root.wait_log("All topics subscribed.")
    chip.part.stop()
    cloud.stop()
    root.wait_log("MQTT connection lost.")
    cloud.start()
    # the cloud is there, the chip is not: the core cannot connect
    wait_for(lambda: any(m == "MQTT connection failed." and "private key" in f["errorString"] for _, m, f in root.lines()), 30,
             "no failure that names the key")
    assert root.log.count("All topics subscribed.") == 1
    chip.part.start()
    wait_for(lambda: root.log.count("All topics subscribed.") == 2, 30, "the core did not heal:\n" + root.log[-3000:])


def test_no_chip_at_start_heals(root, chip, cloud):
    chip.part.stop()
    done = root.greengrassd("start")
    assert "Some system components failed to start. Check 'runtime.log' for errors." in done.stdout
    assert done.stderr.strip()
    assert "trying again" in root.log
    chip.part.start()
    root.wait_log("All topics subscribed.", 30)


def test_stop_while_waiting_for_the_chip(root, chip):
    chip.part.stop()
    root.greengrassd("start")
    assert root.greengrassd("stop").returncode == 0
    assert root.pid() is None


def test_the_object_deleted(root, chip):
    chip.ssscli("se05x", "reset")
    done = root.greengrassd("start", ok=False)
    assert done.returncode != 0
    assert "sss:20181001" in done.stderr and "sss:20181001" in root.log


def test_another_chip_with_another_key(root, chip, cloud):
    """The stolen disk: the same object id, another key."""
    from fake_cloud import new_key, pem
    chip.ssscli("se05x", "reset")
    other = root.path.parent / "other.pem"
    other.write_bytes(pem(new_key("rsa")))
    chip.ssscli("set", "rsa", "pair", "0x20181001", other)
    done = root.greengrassd("start", ok=False)
    assert done.returncode != 0 and "do not match" in done.stderr


def test_wrong_slot_label(root, chip):
    root.config["crypto"]["PKCS11"]["slotLabel"] = "SSS_PKCS12"
    done = root.greengrassd("start", ok=False)
    assert done.returncode != 0 and "SSS_PKCS12" in done.stderr and "SSS_PKCS12" in root.log


def not_connected(root):
    done = root.greengrassd("start")
    assert "Not connected to the cloud yet" in done.stdout, done.stdout
    assert "Daemon connected to cloud." not in root.log
    return done.stdout + root.log


def test_certificate_inactive(root, cloud, core):
    cloud.client("iot").update_certificate(certificateId=core.id, newStatus="INACTIVE")
    assert "INACTIVE" in not_connected(root)
    cloud.client("iot").update_certificate(certificateId=core.id, newStatus="ACTIVE")
    root.wait_log("All topics subscribed.")


def test_policy_detached(root, cloud, core):
    cloud.client("iot").detach_policy(policyName=core.policy, target=core.arn)
    assert "policy" in not_connected(root)
    cloud.client("iot").attach_policy(policyName=core.policy, target=core.arn)
    root.wait_log("All topics subscribed.")


def test_deactivated_while_connected(root, cloud, core):
    root.greengrassd("start")
    root.wait_log("All topics subscribed.")
    cloud.client("iot").update_certificate(certificateId=core.id, newStatus="INACTIVE")
    root.wait_log("MQTT connection lost.")
    root.wait_log("INACTIVE")


def test_policy_without_the_gda_topics(root, cloud, core):
    iot = cloud.client("iot")
    iot.detach_policy(policyName=core.policy, target=core.arn)
    iot.create_policy(policyName="connect-only", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["iot:Connect", "greengrass:*"], "Resource": "*"}]}))
    iot.attach_policy(policyName="connect-only", target=core.arn)
    done = root.greengrassd("start")
    assert "the -gda topics" in done.stdout + root.log


def test_policy_without_greengrass(root, cloud, core):
    iot = cloud.client("iot")
    iot.detach_policy(policyName=core.policy, target=core.arn)
    iot.create_policy(policyName="iot-only", policyDocument=json.dumps(OPEN_POLICY))
    iot.attach_policy(policyName="iot-only", target=core.arn)
    Group(cloud, core).deploy()
    root.greengrassd("start")
    root.wait_log("Deployment failed.", 20)
    assert "greengrass:GetDeployment" in root.log
