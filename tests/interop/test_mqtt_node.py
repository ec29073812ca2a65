"""The MQTT clients of npm: `mqtt` against the bare broker in both versions, `aws-iot-device-sdk`, unmodified, against sedge-cloud.

They are installed as package-lock.json says into build/peers/npm, by npm, once. Without node, npm or their packages these tests are skipped.
"""

import filecmp
import os
import shutil
import subprocess

import pytest
from cloud import Cloud
from conftest import BUILD, TOP
from mqtt_program import Broker

HERE = TOP / "tests/interop"
PEERS = BUILD / "peers/npm"


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

    def run(script, *args):
        got = subprocess.run(["node", HERE / script, *map(str, args)], env={**os.environ, "NODE_PATH": str(PEERS / "node_modules")},
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
