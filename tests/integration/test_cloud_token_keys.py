"""The keys of the CA and of deployments in a token: here the SE050 itself, through its own PKCS#11 module."""

import base64
import os
import subprocess
import threading

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cloud import CORE_POLICY, Cloud
from conftest import BIN, wait_for
from p11_walk import MODULE, PIN, Token
from test_cloud_greengrass import Group, envelope

CA, SIGNING, RSA = 0x20262001, 0x20262002, 0x20262003


@pytest.fixture
def hsm(procs, tmp_path):
    """A chip that made two keys, and a PIN in a file."""
    (tmp_path / "hsm").mkdir()
    token = Token(procs, tmp_path / "hsm")
    for number in (CA, SIGNING):
        token.ssscli("generate", "ecc", f"0x{number:08x}", "NIST_P256")
    token.pin = tmp_path / "pin"
    token.pin.write_text(PIN + "\n")
    token.pin.chmod(0o600)
    return token


def uri(hsm, number, module=MODULE, token="SSS_PKCS11", pin=None):
    return f"pkcs11:token={token};object=sss:{number:08x};type=private?module-path={module}&pin-source=file:{pin or hsm.pin}"


def options(hsm):
    return ["--ca-key", uri(hsm, CA), "--signing-key", uri(hsm, SIGNING)]


@pytest.fixture
def cloud(procs, tmp_path, hsm):
    return Cloud(procs, tmp_path, *options(hsm), env=hsm.env)


def csr():
    key = ec.generate_private_key(ec.SECP256R1())
    return x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256()).public_bytes(
        serialization.Encoding.PEM).decode()


def issued_by_the_token(cloud, pem):
    ca = x509.load_pem_x509_certificate((cloud.data / "pki/ca.cert.pem").read_bytes())
    cert = x509.load_pem_x509_certificate(pem.encode())
    ca.public_key().verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(cert.signature_hash_algorithm))


def test_certificates_and_deployments_are_signed_in_the_token(cloud):
    assert not (cloud.data / "pki/ca.key.pem").exists() and not (cloud.data / "pki/signing.key.pem").exists()
    made = cloud.client("iot").create_certificate_from_csr(certificateSigningRequest=csr(), setAsActive=True)
    issued_by_the_token(cloud, made["certificatePem"])
    core = cloud.device(policy=CORE_POLICY)
    group = Group(cloud, core)
    deployment = group.deploy()
    wait_for(lambda: group.status(deployment)["DeploymentStatus"] == "InProgress")
    e = envelope(core, group, deployment)
    signer = x509.load_pem_x509_certificate(e["certificate"].encode())
    signer.public_key().verify(base64.b64decode(e["signature"]), b"sedge-deployment-v1\n" + base64.b64decode(e["payload"]),
                               ec.ECDSA(hashes.SHA256()))
    cloud.stop()
    cloud.start()
    issued_by_the_token(cloud, cloud.client("iot").create_certificate_from_csr(certificateSigningRequest=csr())["certificatePem"])


def test_a_token_that_is_away_is_503_until_it_is_back(cloud, hsm):
    iot, group = cloud.client("iot"), Group(cloud, cloud.device(policy=CORE_POLICY))
    hsm.part.stop()
    with pytest.raises(ClientError) as caught:
        iot.create_certificate_from_csr(certificateSigningRequest=csr())
    assert caught.value.response["Error"]["Code"] == "ServiceUnavailableException"
    assert "the CA's key does not answer now" in caught.value.response["Error"]["Message"]
    assert "the CA's key does not sign: " in cloud.log()
    failed = group.status(group.deploy())
    assert failed["DeploymentStatus"] == "Failure" and "key that signs deployments" in failed["ErrorMessage"]
    iot.create_thing(thingName="all-else-works")
    hsm.part.start()
    issued_by_the_token(cloud, iot.create_certificate_from_csr(certificateSigningRequest=csr())["certificatePem"])
    assert group.status(group.deploy())["DeploymentStatus"] == "InProgress"


def test_many_at_once(cloud):
    made, errors = [], []

    def one():
        try:
            made.append(cloud.client("iot").create_certificate_from_csr(certificateSigningRequest=csr())["certificatePem"])
        except ClientError as e:
            errors.append(e)
    threads = [threading.Thread(target=one) for _ in range(12)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    for pem in made:
        issued_by_the_token(cloud, pem)


def start(folder, hsm, *argv):
    return subprocess.run([BIN / "sedge-cloud", "serve", "--data", folder / "cloud", *Cloud.ANY_PORTS, *argv],
                          env={**os.environ, **hsm.env}, capture_output=True, text=True, timeout=60)


WRONG = {
    "no-such-key": (lambda h: uri(h, 0x20269999), "no private key"),
    "no-such-token": (lambda h: uri(h, CA, token="other"), "other"),
    "no-such-module": (lambda h: uri(h, CA, module="/no/module.so"), "/no/module.so"),
    "no-pin-file": (lambda h: uri(h, CA, pin="/no/pin"), "/no/pin"),
    "no-token-named": (lambda h: f"pkcs11:object=k?module-path={MODULE}&pin-source={h.pin}", "must say where the token is"),
    "a-program-for-a-pin": (lambda h: f"pkcs11:token=t;object=k?module-path={MODULE}&pin-source=|/bin/echo", "absolute path of a file"),
    "no-module-named": (lambda h: "pkcs11:token=t;object=k", "module-path"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_used_is_said_at_the_start(tmp_path, hsm, what):
    make, says = WRONG[what]
    p = start(tmp_path, hsm, "--ca-key", make(hsm))
    assert p.returncode != 0 and says in p.stderr + p.stdout
    assert not (tmp_path / "cloud/pki/ca.cert.pem").exists() and PIN not in p.stderr


def test_a_pin_that_others_may_read_is_refused(tmp_path, hsm):
    hsm.pin.chmod(0o644)
    p = start(tmp_path, hsm, *options(hsm))
    assert p.returncode != 0 and "chmod 600" in p.stderr + p.stdout


def test_a_wrong_pin_is_tried_once(tmp_path, hsm):
    hsm.set_pins()
    hsm.pin.write_text("9999\n")
    p = start(tmp_path, hsm, *options(hsm))
    assert p.returncode != 0 and "PIN" in p.stderr + p.stdout and "9999" not in p.stderr + p.stdout
    hsm.pin.write_text(PIN + "\n")  # still not locked
    p = subprocess.Popen([BIN / "sedge-cloud", "serve", "--data", tmp_path / "cloud", *Cloud.ANY_PORTS, *options(hsm)],
                         env={**os.environ, **hsm.env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert any(b"ready " in line for line in p.stdout)
    finally:
        p.terminate()
        p.wait(20)


def test_the_signing_key_is_on_p256(tmp_path, hsm):
    hsm.ssscli("generate", "rsa", f"0x{RSA:08x}", "2048")
    p = start(tmp_path, hsm, "--signing-key", uri(hsm, RSA))
    assert p.returncode != 0 and "P-256" in p.stderr + p.stdout


def test_another_key_than_the_certificates(cloud, tmp_path, hsm):
    cloud.stop()
    p = start(tmp_path, hsm, "--ca-key", uri(hsm, SIGNING), "--signing-key", uri(hsm, SIGNING))
    assert p.returncode != 0 and "of another key than the one --ca-key names" in p.stderr + p.stdout
