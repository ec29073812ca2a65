"""greengrassd with its key in a token: Debian's SoftHSM2, set up as the V1 guide does (label greengrass, PIN 1234, key iotkey)."""

import os
import ssl
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization

import edge_root
from fake_cloud import THING, new_key, started
from test_edge_deploy import group

MODULE = "/usr/lib/softhsm/libsofthsm2.so"


class Token:
    def __init__(self, folder):
        self.folder = folder
        (folder / "tokens").mkdir()
        conf = folder / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.env = {"SOFTHSM2_CONF": str(conf)}
        self.util("--init-token", "--free", "--label", "greengrass", "--so-pin", "12345", "--pin", "1234")

    def util(self, *argv):
        subprocess.run(["softhsm2-util", *argv], env={**os.environ, **self.env}, check=True, capture_output=True)

    def add(self, key, label="iotkey", id="0000"):
        path = self.folder / "key.pem"
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        self.util("--import", str(path), "--token", "greengrass", "--label", label, "--id", id, "--pin", "1234")
        path.unlink()


@pytest.fixture
def token(tmp_path):
    (tmp_path / "hsm").mkdir()
    return Token(tmp_path / "hsm")


@pytest.fixture
def cloud(tmp_path):
    with started(tmp_path / "cloud") as cloud:
        yield cloud


@pytest.fixture
def root(tmp_path, cloud, token):
    root = edge_root.Root(tmp_path, cloud)
    root.use_token(MODULE, "greengrass", "1234")
    root.env = token.env
    yield root
    root.stop()


def with_key(root, token, kind):
    key = new_key(kind)
    token.add(key)
    root.identity(key, write_key=False)
    return root


def no_key_on_disk(root):
    """The demo's point: nothing below the root holds a private key."""
    for folder, _, names in os.walk(root.path):
        for name in names:
            path = os.path.join(folder, name)
            assert os.path.islink(path) or b"PRIVATE KEY" not in open(path, "rb").read(), path


@pytest.mark.parametrize("kind", ["rsa", "ec"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_connects_and_deploys_with_a_token_key(root, cloud, token, kind, version):
    cloud.max_tls = version
    with_key(root, token, kind).greengrassd("start")
    root.wait_log("All topics subscribed.")
    deployment = cloud.deploy(group())
    cloud.reported(deployment, "Success")
    no_key_on_disk(root)
    # an RSA token may know PKCS#1 v1.5 only, so never PSS, so never TLS 1.3 with it
    expected = "TLSv1.3" if (version, kind) == (ssl.TLSVersion.TLSv1_3, "ec") else "TLSv1.2"
    root.wait_log(f'All topics subscribed.\t{{"clientId": "{THING}-c00"}}')
    assert cloud.count("tls", expected) == 2                     # for deployments, and for the group's messages
    assert cloud.count("https-connection") == 1


def test_an_ec_key_says_once_what_secrets_need(root, token, cloud):
    with_key(root, token, "ec").greengrassd("start")
    root.wait_log("All topics subscribed.")
    said = [l for l in root.lines() if l[1].startswith("Secret resources need an RSA key")]
    assert len(said) == 1 and said[0][0] == "WARN"
    assert "crypto.principals.SecretsManager.privateKeyPath" in said[0][1]


def test_an_rsa_key_says_nothing_of_it(root, token, cloud):
    with_key(root, token, "rsa").greengrassd("start")
    root.wait_log("All topics subscribed.")
    assert "Secret resources" not in root.log
    assert "ErrPrincipalNotConfigured" not in root.log


def refused(root, *texts):
    done = root.greengrassd("start", ok=False)
    assert done.returncode != 0, done.stdout
    assert root.pid() is None
    for text in texts:
        assert text in done.stderr, done.stderr
        assert text in root.log, root.log
    assert "[FATAL]-" in root.log
    assert "99999" not in done.stderr + done.stdout + root.log
    return done


def test_wrong_pin_fails_and_is_tried_once(root, token, cloud):
    with_key(root, token, "rsa")
    root.config["crypto"]["PKCS11"]["slotUserPin"] = "99999"
    refused(root, "PIN", "greengrass")
    assert cloud.count("accept") == 0
    root.config["crypto"]["PKCS11"]["slotUserPin"] = "1234"
    root.greengrassd("start")
    root.wait_log("All topics subscribed.")


def test_wrong_slot_label(root, token):
    with_key(root, token, "rsa")
    root.config["crypto"]["PKCS11"]["slotLabel"] = "meadow"
    refused(root, "meadow")


def test_wrong_module_path(root, token):
    with_key(root, token, "rsa")
    root.config["crypto"]["PKCS11"]["P11Provider"] = "/usr/lib/softhsm/no-such.so"
    refused(root, "/usr/lib/softhsm/no-such.so")


def test_module_that_is_none(root, token):
    with_key(root, token, "rsa")
    root.config["crypto"]["PKCS11"]["P11Provider"] = "/etc/hostname"
    refused(root, "/etc/hostname")


def test_no_such_object(root, token):
    root.identity(new_key("rsa"), write_key=False)
    refused(root, "iotkey")


def test_secrets_object_missing(root, token):
    with_key(root, token, "rsa")
    root.config["crypto"]["principals"]["SecretsManager"]["privateKeyPath"] = "pkcs11:object=other;type=private"
    refused(root, "SecretsManager", "other")


def test_certificate_of_another_key(root, token, cloud):
    with_key(root, token, "rsa")
    root.identity(new_key("rsa"), write_key=False)
    refused(root, "do not match", "iotkey", "is this the right one")
    assert cloud.count("accept") == 0


def test_two_keys_in_one_slot(root, token, cloud):
    """An EC key for the connection and an RSA key for secrets: the guide's advice, so no word about secrets."""
    token.add(new_key("rsa"), label="secrets", id="0001")
    root.config["crypto"]["principals"]["SecretsManager"]["privateKeyPath"] = "pkcs11:object=secrets;type=private"
    with_key(root, token, "ec").greengrassd("start")
    root.wait_log("All topics subscribed.")
    assert "Secret resources" not in root.log


def test_file_key_in_a_crypto_object(root, cloud):
    root.identity(new_key("ec"))
    certs = root.path / "certs"
    root.config["crypto"] = {"caPath": f"file://{certs}/root.ca.pem", "principals": {"IoTCertificate": {
        "privateKeyPath": f"file://{certs}/core.private.key", "certificatePath": f"file://{certs}/core.cert.pem"}}}
    root.greengrassd("start")
    root.wait_log("All topics subscribed.")
