"""`sedgectl setup-archive` against a real cloud: what it writes, and what it refuses to write."""

import json
import os
import stat
import subprocess
import tarfile

import pytest
from cloud import CORE, Cloud, arn
from conftest import BIN


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


def sedgectl(*argv, env=None):
    p = subprocess.run([BIN / "sedgectl", *map(str, argv)], env=env, capture_output=True, text=True, timeout=30)
    return p.returncode, p.stdout, p.stderr


class Setup:
    def __init__(self, cloud, tmp_path):
        self.cloud, self.out = cloud, tmp_path / "out"
        self.keys = tmp_path / "keys.json"
        self.made = cloud.aws("iot", "create-keys-and-certificate", "--set-as-active")
        self.keys.write_text(json.dumps(self.made))
        cloud.client("iot").create_thing(thingName=CORE)

    def attach(self):
        self.cloud.client("iot").attach_thing_principal(thingName=CORE, principal=self.made["certificateArn"])
        return self

    def run(self, env=None, **change):
        options = {"thing": CORE, "keys": self.keys, "endpoint": self.cloud.api, "out": self.out, **change}
        return sedgectl("setup-archive", *[x for k, v in options.items() for x in (f"--{k}", v)], env=env or self.cloud.env())


@pytest.fixture
def setup(cloud, tmp_path):
    return Setup(cloud, tmp_path)


def test_the_archive(cloud, setup):
    rc, out, err = setup.attach().run()
    hash = setup.made["certificateId"][:10]
    path = setup.out / f"{hash}-setup.tar.gz"
    assert (rc, out, err) == (0, f"{path}\n", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in setup.out.iterdir()] == [path.name]
    with tarfile.open(path) as t:
        files = {m.name: t.extractfile(m).read().decode() for m in t.getmembers()}
        modes = {m.name: m.mode for m in t.getmembers()}
    pair = setup.made["keyPair"]
    assert files.pop("config/config.json") == json.dumps({
        "coreThing": {
            "caPath": "root.ca.pem", "certPath": f"{hash}.cert.pem", "keyPath": f"{hash}.private.key", "thingArn": arn("thing/" + CORE),
            "iotHost": "localhost", "ggHost": "localhost", "iotMqttPort": cloud.mqtt, "iotHttpPort": cloud.https,
            "ggHttpPort": cloud.https, "keepAlive": 600},
        "runtime": {"cgroup": {"useSystemd": "yes"}},
        "managedRespawn": False,
        "crypto": {"principals": {
            "SecretsManager": {"privateKeyPath": f"file:///greengrass/certs/{hash}.private.key"},
            "IoTCertificate": {"privateKeyPath": f"file:///greengrass/certs/{hash}.private.key",
                               "certificatePath": f"file:///greengrass/certs/{hash}.cert.pem"}},
            "caPath": "file:///greengrass/certs/root.ca.pem"}}, indent=2) + "\n"
    assert files == {f"certs/{hash}.cert.pem": setup.made["certificatePem"], f"certs/{hash}.private.key": pair["PrivateKey"],
                     f"certs/{hash}.public.key": pair["PublicKey"]}
    assert modes[f"certs/{hash}.private.key"] == 0o600


def test_keys_from_the_environment(cloud, setup):
    env = {k: v for k, v in cloud.env().items() if k != "AWS_SHARED_CREDENTIALS_FILE"}
    keys = cloud.keys()
    env.update(AWS_ACCESS_KEY_ID=keys["aws_access_key_id"], AWS_SECRET_ACCESS_KEY=keys["aws_secret_access_key"])
    assert setup.attach().run(env=env)[0] == 0


def refused(setup, *words, **kw):
    rc, out, err = setup.run(**kw)
    assert rc == 1 and out == "" and all(w in err for w in words), err
    assert not setup.out.exists() or not list(setup.out.iterdir())
    assert setup.made["keyPair"]["PrivateKey"].splitlines()[3] not in err


def test_certificate_not_attached(setup):
    refused(setup, "is not attached to the thing", "attach-thing-principal")


def test_no_such_thing(setup):
    refused(setup.attach(), "thing nobody does not exist", "create-thing", thing="nobody")


def test_wrong_credentials(cloud, setup):
    setup.attach()
    refused(setup, "InvalidSignatureException", env={**cloud.env(), "AWS_ACCESS_KEY_ID": cloud.keys()["aws_access_key_id"],
                                                     "AWS_SECRET_ACCESS_KEY": "x" * 40})
    refused(setup, "no AWS credentials", "AWS_SHARED_CREDENTIALS_FILE",
            env={**cloud.env(), "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"})
    refused(setup, "AWS_DEFAULT_REGION", env={k: v for k, v in cloud.env().items() if k != "AWS_DEFAULT_REGION"})


def test_cloud_away(cloud, setup):
    setup.attach()
    cloud.stop()
    refused(setup, "connect")


def test_bad_keys_file(cloud, setup):
    setup.attach()
    other = cloud.client("iot").create_keys_and_certificate()
    mixed = {**setup.made, "keyPair": other["keyPair"]}
    for text, word in (("", "line 1"), ("{", "still open"), ("{}", "create-keys-and-certificate"), (json.dumps(mixed), "")):
        setup.keys.write_text(text)
        refused(setup, str(setup.keys), word)
    refused(setup, "/nonexistent", keys="/nonexistent")


def test_wrong_command_lines():
    assert sedgectl("setup-archive", "--help")[0] == 0 and sedgectl("--help")[0] == 0 and sedgectl("--version")[1].startswith("sedgectl ")
    for wrong in ([], ["nonsense"], ["setup-archive"], ["setup-archive", "--thing"], ["setup-archive", "--thing", "t"], ["setup-archive", "--x", "y"]):
        rc, out, err = sedgectl(*wrong)
        assert rc == 2 and "usage:" in err and out == ""
