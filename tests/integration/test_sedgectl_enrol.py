"""sedgectl enrol: a key in the chip, a certificate by claim or by a customer's CA, config.json; again after every failure."""

import json
import os
import subprocess

import pytest
from authority import Authority, pem
from cloud import OPEN_POLICY, Cloud, arn
from conftest import BIN, LIB, MESON, wait_for
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fleet_world import CLAIM_POLICY, TEMPLATE, template
from test_edge_hsi import MODULE as SOFTHSM, Token
import chip_client as cc

PIN = "1234"


KEYSCAN = MESON / "tests/walkthrough/keyscan/keyscan"


class World:
    def __init__(self, procs, folder, module, slot, env, key="sss:20181001"):
        self.folder, self.module, self.slot, self.key = folder, module, slot, key
        self.cloud = Cloud(procs, folder)
        self.iot = self.cloud.client("iot")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("EX_SSS", "SEDGE", "XDG"))} | env
        self.root, self.pin = folder / "core", folder / "pin"
        self.pin.write_text(PIN + "\n")
        self.pin.chmod(0o600)

    def claim(self, policy=CLAIM_POLICY):
        template(self.iot)
        self.device = self.cloud.device("claim", policy=policy, thing=False)
        self.device.key.chmod(0o600)
        return self

    def argv(self, *argv, way=None):
        way = way or ["--template", TEMPLATE, "--claim-cert", self.device.cert, "--claim-key", self.device.key,
                      "--parameter", "SerialNumber=77", "--parameter", "Site=plant"]
        argv = [BIN / "sedgectl", "enrol", "--root", self.root, "--module", self.module, "--slot", self.slot, "--pin-file", self.pin,
                "--key", self.key, "--cloud", f"localhost:{self.cloud.mqtt}:{self.cloud.https}", "--ca", self.cloud.ca, *way, *argv]
        return [str(a) for a in argv]

    def enrol(self, *argv, **kw):
        return subprocess.run(self.argv(*argv, **kw), env=self.env, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)

    def start(self):
        return subprocess.Popen(self.argv(), env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)

    def ok(self, *argv, **kw):
        p = self.enrol(*argv, **kw)
        assert (p.returncode, p.stderr) == (0, ""), p.stdout + p.stderr
        return p.stdout

    def fails(self, *argv, status=1, **kw):
        p = self.enrol(*argv, **kw)
        assert p.returncode == status and p.stderr.startswith("sedgectl enrol: "), p.stdout + p.stderr
        return p.stderr

    def config(self):
        return json.loads((self.root / "config/config.json").read_text())

    def certificate(self):
        path = self.config()["crypto"]["principals"]["IoTCertificate"]["certificatePath"].removeprefix("file://")
        return x509.load_pem_x509_certificate(open(path, "rb").read())

    def connects(self, thing):
        """The identity is good: mosquitto speaks with the key in the token and the certificate on disk."""
        path = self.config()["crypto"]["principals"]["IoTCertificate"]["certificatePath"].removeprefix("file://")
        key = f"pkcs11:object={self.key};type=private;pin-value={PIN}"
        (self.folder / key).touch()  # mosquitto 2.0 opens the text as a file, too
        argv = ["mosquitto_pub", "-h", "localhost", "-p", self.cloud.mqtt, "-i", thing, "--cafile", self.cloud.ca, "--cert", path, "--key", key,
                "--keyform", "engine", "--tls-engine", "pkcs11", "-q", "1", "-t", "hello", "-m", "x"]
        p = subprocess.run([str(a) for a in argv], env=self.env | {"PKCS11_MODULE_PATH": str(self.module)}, cwd=self.folder,
                           capture_output=True, text=True, timeout=60)
        assert p.returncode == 0, p.stderr

    def no_key_on_disk(self):
        for folder, _, names in os.walk(self.root):
            for name in names:
                assert b"PRIVATE KEY" not in open(os.path.join(folder, name), "rb").read(), name

    def tool(self, *argv):
        p = subprocess.run(["pkcs11-tool", "--module", str(self.module), "--token-label", self.slot, "--login", "--pin", PIN, *argv], env=self.env,
                           capture_output=True, timeout=60)
        assert p.returncode == 0, p.stderr.decode()
        return p.stdout


@pytest.fixture
def chip(procs, tmp_path):
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path).start()
    return World(procs, tmp_path, LIB / "libsss_pkcs11.so", "SSS_PKCS11", {"EX_SSS_BOOT_SSS_PORT": f"vse:{part.socket}"})


@pytest.fixture
def soft(procs, tmp_path):
    (tmp_path / "hsm").mkdir()
    return World(procs, tmp_path, SOFTHSM, "greengrass", Token(tmp_path / "hsm").env, key="core")


def enrolled(w, thing="d-77"):
    config = w.config()
    assert config["coreThing"]["thingArn"] == arn(f"thing/{thing}")
    assert config["crypto"]["PKCS11"] == {"P11Provider": str(w.module), "slotLabel": w.slot, "slotUserPin": PIN}
    assert (w.root / "config/config.json").stat().st_mode & 0o077 == 0
    assert not (w.root / "certs/enrol.json").exists()
    cert = w.certificate()
    id = cert.fingerprint(hashes.SHA256()).hex()
    assert w.iot.describe_certificate(certificateId=id)["certificateDescription"]["status"] == "ACTIVE"
    assert w.tool("--read-object", "--type", "cert", "--label", id[:10]) == cert.public_bytes(serialization.Encoding.DER)
    w.connects(thing)
    w.no_key_on_disk()
    return cert


def test_by_claim_with_the_chip(chip):
    out = chip.claim().ok()
    assert "made in the token" in out and "thing d-77" in out
    cert = enrolled(chip)
    assert isinstance(cert.public_key(), ec.EllipticCurvePublicKey)
    assert chip.iot.describe_thing(thingName="d-77")["attributes"] == {"site": "plant"}
    again = chip.ok()
    assert "enrolled already: thing d-77" in again
    assert enrolled(chip) == cert and len(chip.iot.list_things()["things"]) == 1


def key_of_state(state, public):
    """The chip's state is what protects nothing: the scalar is one of its 32-byte windows."""
    data, want = state.read_bytes(), public.public_numbers()
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for at in range(len(data) - 31):
        window = data[at:at + 32]
        if len(set(window)) < 16 or not 0 < int.from_bytes(window, "big") < order:
            continue
        key = ec.derive_private_key(int.from_bytes(window, "big"), ec.SECP256R1())
        if key.public_key().public_numbers() == want:
            return key
    raise AssertionError("the chip's state has no such key")


def test_no_copy_on_disk_or_in_memory(procs, tmp_path):
    """While the certificate is being provisioned (the key has signed the request by then), and afterwards."""
    (tmp_path / "cloud").mkdir(mode=0o700)
    running, go = tmp_path / "running", tmp_path / "go"
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\n: >{running}\nfor i in $(seq 400); do [ -e {go} ] && break; sleep 0.01; done\necho '{{\"allowProvisioning\": true}}'\n")
    hook.chmod(0o755)
    arn_of_hook = "arn:aws:lambda:us-east-1:123456789012:function:slow"
    (tmp_path / "cloud/hooks.conf").write_text(f"{arn_of_hook} = {hook}\n")
    (tmp_path / "cloud/hooks.conf").chmod(0o600)
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path).start()
    w = World(procs, tmp_path, LIB / "libsss_pkcs11.so", "SSS_PKCS11", {"EX_SSS_BOOT_SSS_PORT": f"vse:{part.socket}"}).claim()
    w.iot.update_provisioning_template(templateName=TEMPLATE, preProvisioningHook={"targetArn": arn_of_hook})
    w.enrol("--parameter", "Site=first", "--template", "none")  # the key is made; this claim may not use that template
    public = serialization.load_der_public_key(w.tool("--read-object", "--type", "pubkey", "--label", w.key))
    copy = tmp_path / "copy.pem"
    copy.write_bytes(key_of_state(part.state, public).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    scan = lambda *where: subprocess.run([KEYSCAN, copy, *map(str, where)], capture_output=True, text=True, timeout=60)
    assert scan("--tree", part.state).returncode == 1  # the control: where it is it is found
    assert scan("--pid", part.process.pid).returncode == 1
    (w.root / "certs/enrol.json").unlink(missing_ok=True)
    p = w.start()
    wait_for(lambda: running.exists(), 30, "the hook was not asked")
    seen = scan("--pid", p.pid, "--tree", w.root, "--tree", tmp_path / "cloud")
    go.touch()
    out, err = p.communicate(timeout=60)
    assert p.returncode == 0, out + err
    assert seen.returncode == 0, seen.stdout + seen.stderr
    assert scan("--except", part.state, "--except", copy, "--tree", tmp_path).returncode == 0


def test_an_rsa_key_in_another_token(soft):
    soft.claim().ok("--key-type", "rsa")
    assert isinstance(enrolled(soft).public_key(), rsa.RSAPublicKey)


def test_goes_on_after_a_failure_at_every_step(soft):
    """Each failure leaves what was done; the next run takes it from there."""
    w = soft
    assert "--claim-cert" in w.fails(way=["--template", TEMPLATE], status=2)
    w.pin.chmod(0o644)
    assert "chmod 600" in w.fails(way=["--thing", "x", "--certificate", "x"], status=2)
    w.pin.chmod(0o600)
    w.claim(policy=None)
    assert "policy" in w.fails()  # the key is there now; the claim may not connect
    key = w.tool("--read-object", "--type", "pubkey", "--label", w.key)
    w.iot.create_policy(policyName="claim-policy", policyDocument=json.dumps(CLAIM_POLICY))
    w.iot.attach_policy(policyName="claim-policy", target=w.device.arn)
    w.iot.update_provisioning_template(templateName=TEMPLATE, enabled=False)
    assert "AccessDenied" in w.fails()  # the certificate is there now, not active
    state = json.loads((w.root / "certs/enrol.json").read_text())
    assert w.iot.describe_certificate(certificateId=state["certificateId"])["certificateDescription"]["status"] == "PENDING_ACTIVATION"
    assert (w.root / "certs/enrol.json").stat().st_mode & 0o077 == 0
    w.iot.update_provisioning_template(templateName=TEMPLATE, enabled=True)
    (w.root / "config").write_text("in the way")
    assert "config" in w.fails()  # provisioned, but config.json cannot be written
    (w.root / "config").unlink()
    w.cloud.stop()  # nothing of the cloud is needed any more
    w.ok()
    w.cloud.start()
    cert = enrolled(w)
    assert cert.fingerprint(hashes.SHA256()).hex() == state["certificateId"]
    assert w.tool("--read-object", "--type", "pubkey", "--label", w.key) == key


def test_a_stale_attempt(soft):
    """The certificate of yesterday's attempt is not there any more: another one is asked for."""
    w = soft.claim()
    w.iot.update_provisioning_template(templateName=TEMPLATE, enabled=False)
    w.fails()
    state = json.loads((w.root / "certs/enrol.json").read_text())
    w.iot.update_provisioning_template(templateName=TEMPLATE, enabled=True)
    w.iot.delete_certificate(certificateId=state["certificateId"])
    assert "asking for another" in w.ok()
    assert enrolled(w).fingerprint(hashes.SHA256()).hex() != state["certificateId"]


def test_a_wrong_pin_is_tried_once(soft):
    w = soft.claim()
    w.pin.write_text("9999")
    assert "PIN" in w.fails()
    w.pin.write_text(PIN)
    w.ok()


def test_refusals_say_why(soft):
    w = soft.claim()
    w.iot.update_certificate(certificateId=w.device.id, newStatus="INACTIVE")
    assert "claim certificate active" in w.fails()
    w.iot.update_certificate(certificateId=w.device.id, newStatus="ACTIVE")
    assert "ended the connection" in w.fails("--template", "no-such")  # not in the claim's policy
    w.slot = "nobody"
    assert "nobody" in w.fails()


def test_by_a_customers_ca(soft):
    w, ca = soft, Authority()
    request, signed = w.folder / "device.csr", w.folder / "device.pem"
    w.ok(way=["--thing", "mine", "--write-csr", request])
    csr = x509.load_pem_x509_csr(request.read_bytes())
    assert csr.is_signature_valid and csr.subject.rfc4514_string() == "CN=mine"
    way = ["--thing", "mine", "--certificate", signed]
    signed.write_text(pem(ca.sign(csr.subject, ec.generate_private_key(ec.SECP256R1()))))
    assert "not of the key" in w.fails(way=way)  # control: another key's
    assert not (w.root / "config/config.json").exists()
    signed.write_text(pem(ca.sign(csr.subject, csr)))
    w.iot.register_ca_certificate(caCertificate=ca.pem, certificateMode="SNI_ONLY", setAsActive=True)
    made = w.iot.register_certificate(certificatePem=signed.read_text(), status="ACTIVE")
    w.iot.create_thing(thingName="mine")
    w.iot.attach_thing_principal(thingName="mine", principal=made["certificateArn"])
    w.iot.create_policy(policyName="open", policyDocument=json.dumps(OPEN_POLICY))
    w.iot.attach_policy(policyName="open", target=made["certificateArn"])
    w.ok(way=way)
    enrolled(w, "mine")
