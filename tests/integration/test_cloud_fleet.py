"""Fleet provisioning over MQTT: JSON and CBOR, claims and trusted users, ownership tokens, hooks, kills."""

import datetime
import hashlib
import http.server
import json
import os
import sqlite3
import ssl
import threading
import time

import pytest
from cloud import OPEN_POLICY, Cloud, arn
from conftest import LONG, wait_for
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from authority import Authority
from fleet_world import BODY, CLAIM_POLICY, CREATE, FROM_CSR, PROVISION, TEMPLATE, Held, Joining, csr, template
from mqtt_device import DeviceClient
from mqtt_wire import Closed
from test_cloud_accounts import A, B, Two
from test_cloud_api import process_memory, refused
from test_cloud_keys import create as create_key
from ws_wire import WsClient, sign

HOOK = "arn:aws:lambda:us-east-1:123456789012:function:hook"


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


@pytest.fixture
def iot(cloud):
    return cloud.client("iot")


@pytest.fixture
def claim(cloud):
    return cloud.device("claim", policy=CLAIM_POLICY, thing=False)


def status_of(iot, id):
    return iot.describe_certificate(certificateId=id)["certificateDescription"]["status"]


def sample(*cases):
    """The first two; all of them where there is time."""
    return cases if LONG else cases[:2]


def edit(cloud, sql):
    with sqlite3.connect(cloud.data / "sedge.db", timeout=20) as db:
        assert db.execute(sql).rowcount > 0


# --- the whole way -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("form", ["json", "cbor"])
def test_keys_made_by_the_cloud(cloud, iot, claim, form):
    template(iot)
    j = Joining(claim, form)
    made = j.ok(CREATE, {} if form == "cbor" else b"")
    assert set(made) == {"certificateId", "certificatePem", "privateKey", "certificateOwnershipToken"}
    cert = x509.load_pem_x509_certificate(made["certificatePem"].encode())
    key = serialization.load_pem_private_key(made["privateKey"].encode(), None)
    assert cert.public_key().public_numbers() == key.public_key().public_numbers()
    assert made["certificateId"] == hashlib.sha256(cert.public_bytes(serialization.Encoding.DER)).hexdigest()
    assert status_of(iot, made["certificateId"]) == "PENDING_ACTIVATION"
    device = Held(cloud, "d-7", made["certificatePem"], made["privateKey"])
    with pytest.raises((Closed, ssl.SSLError, OSError)):  # control: not before it is provisioned
        DeviceClient(device)
    assert j.provision(made["certificateOwnershipToken"], "7") == {"deviceConfiguration": BODY["DeviceConfiguration"], "thingName": "d-7"}
    assert status_of(iot, made["certificateId"]) == "ACTIVE"
    thing = iot.describe_thing(thingName="d-7")
    assert thing["attributes"] == {"site": "home"}
    assert iot.list_thing_principals(thingName="d-7")["principals"] == [arn(f"cert/{made['certificateId']}")]
    assert DeviceClient(device).publish("anything", b"x", 1) == 0


@pytest.mark.parametrize("form", ["json", "cbor"])
def test_a_key_of_its_own(cloud, iot, claim, form):
    template(iot)
    key = ec.generate_private_key(ec.SECP256R1())
    j = Joining(claim, form)
    made = j.ok(FROM_CSR, {"certificateSigningRequest": csr(key, "mine")})
    assert set(made) == {"certificateId", "certificatePem", "certificateOwnershipToken"}
    assert j.provision(made["certificateOwnershipToken"], "8", Site="plant")["thingName"] == "d-8"
    assert iot.describe_thing(thingName="d-8")["attributes"] == {"site": "plant"}
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    DeviceClient(Held(cloud, "d-8", made["certificatePem"], pem))


def test_a_trusted_user(cloud, iot):
    template(iot)
    listed = iot.list_certificates()["certificates"]
    made = iot.create_provisioning_claim(templateName=TEMPLATE)
    assert abs(made["expiration"].timestamp() - time.time() - 300) < 30
    end = x509.load_pem_x509_certificate(made["certificatePem"].encode()).not_valid_after.replace(tzinfo=datetime.timezone.utc)
    assert end == made["expiration"].replace(microsecond=0)
    assert iot.list_certificates()["certificates"] == listed  # it is not among them
    claim = Held(cloud, "claim", made["certificatePem"], made["keyPair"]["PrivateKey"])
    j = Joining(claim)
    own = j.ok(CREATE, b"")
    assert j.provision(own["certificateOwnershipToken"])["thingName"] == "d-1"
    for topic in ("anything", "$aws/provisioning-templates/other/provision/json", "$aws/things/d-1/shadow/get"):
        stranger = DeviceClient(claim, "other")  # the control: nothing but provisioning with this template
        with pytest.raises(Closed):
            stranger.publish(topic, b"{}", 1)
    edit(cloud, "UPDATE provisioning_claims SET expires_ms = 1")
    with pytest.raises((Closed, ssl.SSLError, OSError)):
        DeviceClient(claim, "late")


def over_websocket(cloud, keys, client_id):
    host = cloud.api.split("//")[1]
    c = WsClient(int(host.split(":")[1]), sign(keys, host), host)
    c.connect(client_id)
    return c


@pytest.mark.parametrize("form", ["json", "cbor"])
def test_a_trusted_user_with_an_access_key(cloud, iot, form):
    """An installer's key, which may do no more than a claim, over WebSocket."""
    template(iot)
    installer, other = (create_key(cloud, CLAIM_POLICY["Statement"]) for _ in range(2))
    j = Joining(client=over_websocket(cloud, installer, "phone"), form=form)
    key = ec.generate_private_key(ec.SECP256R1())
    made = j.ok(FROM_CSR, {"certificateSigningRequest": csr(key)})
    assert j.provision(made["certificateOwnershipToken"], "ws")["thingName"] == "d-ws"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    assert DeviceClient(Held(cloud, "d-ws", made["certificatePem"], pem)).publish("anything", b"x", 1) == 0
    made = j.ok(CREATE, {} if form == "cbor" else b"")
    stranger = Joining(client=over_websocket(cloud, other, "other"), form=form)
    assert stranger.rejected(PROVISION, {"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": {"SerialNumber": "x"}}) == (403, "InvalidCertificateOwnershipToken")
    for topic in ("anything", "$aws/things/d-ws/shadow/get", "$aws/provisioning-templates/other/provision/json"):
        with pytest.raises(Closed):  # the control: the key's policy counts
            over_websocket(cloud, installer, "late").publish(topic, b"{}", 1)


def test_claims_need_a_template(iot):
    refused(iot.create_provisioning_claim, "ResourceNotFoundException", 404, templateName="none")
    iot.create_provisioning_template(templateName="j", templateBody=json.dumps({k: v for k, v in BODY.items() if k != "DeviceConfiguration"}),
                                     provisioningRoleArn="arn:aws:iam::123456789012:role/x", type="JITP")
    refused(iot.create_provisioning_claim, "InvalidRequestException", 400, templateName="j")


# --- who may ---------------------------------------------------------------------------------------------------------

def test_a_claim_without_a_policy(cloud, iot):
    """Control: the claim's policy counts; that for create/* does not cover create-from-csr/* (trap 21)."""
    template(iot)
    narrow = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"},
        {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive", "iot:Subscribe"],
         "Resource": [arn(f"topic/{CREATE}/*"), arn(f"topicfilter/{CREATE}/*")]}]}
    claim = cloud.device("claim", policy=narrow, thing=False)
    before = len(iot.list_certificates()["certificates"])
    for topic in (FROM_CSR, PROVISION):
        with pytest.raises(Closed):
            DeviceClient(claim).publish(f"{topic}/json", json.dumps({"certificateSigningRequest": csr()}).encode(), 1)
    assert len(iot.list_certificates()["certificates"]) == before
    c = DeviceClient(claim)
    c.publish(f"{CREATE}/json", b"", 1)
    assert "privateKey" in c.topic_and_json()[1]  # answered without a subscription


def test_only_the_requester_hears(cloud, iot, claim):
    template(iot)
    spy = DeviceClient(cloud.device("spy", policy=OPEN_POLICY, thing=False))
    assert spy.subscribe(("$aws/certificates/#", 1), ("$aws/provisioning-templates/#", 1), ("#", 1), ("end", 1)) == [1, 1, 1, 1]
    same_claim = Joining(claim, client_id="other")
    j = Joining(claim)
    j.provision(j.ok(CREATE, b"")["certificateOwnershipToken"])
    j.rejected(PROVISION, {})
    spy.publish("end", b"{}", 1)
    assert spy.topic_and_json()[0] == "end"
    same_claim.client.quiet()


@pytest.mark.parametrize("topic", sample(f"{CREATE}/json/accepted", f"{PROVISION}/cbor/rejected", f"{CREATE}/xml", f"{CREATE}", "$aws/certificates/x",
                                         "$aws/provisioning-templates//provision/json", f"{PROVISION}/json/x"))
def test_nobody_else_answers(cloud, claim, topic):
    """A forged answer would be somebody else's key."""
    listener = Joining(claim, client_id="other")
    with pytest.raises(Closed):
        DeviceClient(cloud.device("d", policy=OPEN_POLICY)).publish(topic, b"{}", 1)
    listener.client.quiet()


def test_tokens(cloud, iot, claim, procs):
    template(iot)
    other = cloud.device("other", policy=CLAIM_POLICY | {"Version": "2012-10-17"}, thing=False)
    j, k = Joining(claim), Joining(other)
    token = j.ok(CREATE, b"")["certificateOwnershipToken"]
    bad = (403, "InvalidCertificateOwnershipToken")
    ask = lambda who, t, **more: who.rejected(PROVISION, {"certificateOwnershipToken": t, "parameters": {"SerialNumber": "1", **more}})
    assert ask(j, token[:-1] + ("0" if token[-1] != "0" else "1")) == bad  # altered
    assert ask(j, "") == bad
    assert ask(k, token) == bad  # in another's hands
    assert iot.list_things()["things"] == []
    assert j.provision(token)["thingName"] == "d-1"
    assert j.provision(token)["thingName"] == "d-1"  # the answer got lost: once more, the same
    assert ask(j, token, Site="elsewhere") == bad  # it is spent for anything else
    late = j.ok(CREATE, b"")
    edit(cloud, f"UPDATE ownership_tokens SET expires_ms = 1 WHERE certificate = '{late['certificateId']}'")
    assert ask(j, late["certificateOwnershipToken"]) == bad
    gone = j.ok(CREATE, b"")
    iot.delete_certificate(certificateId=gone["certificateId"])
    assert ask(j, gone["certificateOwnershipToken"]) == bad
    revoked = j.ok(CREATE, b"")
    iot.update_certificate(certificateId=revoked["certificateId"], newStatus="REVOKED")
    assert ask(j, revoked["certificateOwnershipToken"]) == (403, "AccessDenied")
    assert status_of(iot, revoked["certificateId"]) == "REVOKED"


def test_a_token_of_another_account(procs, tmp_path):
    """The same claim certificate in two accounts: the token of one is nothing in the other."""
    cloud, pair = Two(procs, tmp_path), Authority()
    claim, tokens, joined = pair.device(cloud, "claim"), {}, {}
    for account, sni in ((A, "localhost"), (B, f"{B}.localhost")):
        iot = cloud.client("iot", account=account if account != A else None)
        template(iot)
        made = iot.register_certificate_without_ca(certificatePem=claim.cert.read_text(), status="ACTIVE")
        iot.create_policy(policyName="open", policyDocument=json.dumps(OPEN_POLICY))
        iot.attach_policy(policyName="open", target=made["certificateArn"])
        joined[account] = Joining(claim, sni=sni)
        tokens[account] = joined[account].ok(FROM_CSR, {"certificateSigningRequest": csr()})["certificateOwnershipToken"]
    for account, other in ((A, B), (B, A)):
        message = {"certificateOwnershipToken": tokens[other], "parameters": {"SerialNumber": "1"}}
        assert joined[account].rejected(PROVISION, message) == (403, "InvalidCertificateOwnershipToken")
        assert joined[account].provision(tokens[account])["thingName"] == "d-1"  # the control


def test_what_is_not_used_is_deleted(cloud, iot, claim):
    template(iot)
    j = Joining(claim)
    unused, used, attached, fresh = (j.ok(FROM_CSR, {"certificateSigningRequest": csr()}) for _ in range(4))
    j.provision(used["certificateOwnershipToken"])
    iot.create_thing(thingName="t")
    iot.attach_thing_principal(thingName="t", principal=arn(f"cert/{attached['certificateId']}"))
    edit(cloud, f"UPDATE ownership_tokens SET expires_ms = 1 WHERE certificate <> '{fresh['certificateId']}'")
    cloud.stop()
    cloud.start()  # it looks at the start and every minute
    left = {used["certificateId"], attached["certificateId"], fresh["certificateId"]}
    ids = lambda: {c["certificateId"] for c in iot.list_certificates()["certificates"]}
    wait_for(lambda: unused["certificateId"] not in ids(), 20, "the unused certificate is still there")
    assert left <= ids()


# --- what is refused -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("form", ["json", "cbor"])
def test_bad_requests(cloud, iot, claim, form):
    template(iot)
    j = Joining(claim, form)
    token = j.ok(FROM_CSR, {"certificateSigningRequest": csr()})["certificateOwnershipToken"]
    weak = csr(ec.generate_private_key(ec.SECP192R1()))
    cases = [
        (CREATE, b"\xff{", 400, "InvalidPayload"), (CREATE, b"[" * 100, 400, "InvalidPayload"), (FROM_CSR, [1], 400, "InvalidPayload"),
        (FROM_CSR, {}, 400, "InvalidCSR"), (FROM_CSR, {"certificateSigningRequest": "x"}, 400, "InvalidCSR"),
        (FROM_CSR, {"certificateSigningRequest": 5}, 400, "InvalidCSR"), (FROM_CSR, {"certificateSigningRequest": weak}, 400, "InvalidCSR"),
        (FROM_CSR, {"certificateSigningRequest": "x" * 5000}, 400, "InvalidCSR"), (PROVISION, {}, 400, "InvalidParameters"),
        (PROVISION, {"certificateOwnershipToken": token, "parameters": 1}, 400, "InvalidParameters"),
        (PROVISION, {"certificateOwnershipToken": token, "parameters": {"SerialNumber": 1}}, 400, "InvalidParameters"),
        (PROVISION, {"certificateOwnershipToken": token, "parameters": {}}, 400, "InvalidParameters"),
        (PROVISION, {"certificateOwnershipToken": token, "parameters": {"SerialNumber": "a b"}}, 400, "InvalidParameters"),
    ]
    if form == "json":
        cases += [(FROM_CSR, b'{"a":1,"a":2}', 400, "InvalidPayload")]
    else:
        cases += [(CREATE, b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", 400, "InvalidPayload"), (CREATE, b"\xa1\x61a\x41b", 400, "InvalidPayload")]
    for topic, message, status, code in cases:
        assert j.rejected(topic, message) == (status, code), message
    assert j.provision(token)["thingName"] == "d-1"  # the control: none of it did harm


def test_templates_that_are_not_for_it(cloud, iot, claim):
    j = Joining(claim)
    token = j.ok(CREATE, b"")["certificateOwnershipToken"]
    message = {"certificateOwnershipToken": token, "parameters": {"SerialNumber": "1"}}
    assert j.rejected(PROVISION, message) == (404, "ResourceNotFound")
    template(iot, enabled=False)
    assert j.rejected(PROVISION, message) == (403, "AccessDenied")
    assert iot.list_things()["things"] == []
    iot.update_provisioning_template(templateName=TEMPLATE, enabled=True)
    assert j.provision(token)["thingName"] == "d-1"


# --- hooks -------------------------------------------------------------------------------------------------------------

def script(path, text):
    path.write_text(f"#!/usr/bin/python3\nimport json, sys, time\nevent = json.load(sys.stdin)\n{text}\n")
    path.chmod(0o755)
    return path


def with_hook(procs, tmp_path, what):
    folder = tmp_path / "cloud"
    folder.mkdir(mode=0o700)
    (folder / "hooks.conf").write_text(f"# what templates may ask\n{HOOK} = {what}\n")
    (folder / "hooks.conf").chmod(0o600)
    cloud = Cloud(procs, tmp_path)
    template(cloud.client("iot"), preProvisioningHook={"payloadVersion": "2020-04-01", "targetArn": HOOK})
    claim = cloud.device("claim", policy=CLAIM_POLICY, thing=False)
    return cloud, claim, Joining(claim, client_id="me")


def test_a_program_as_hook(procs, tmp_path):
    seen = tmp_path / "seen.json"
    hook = script(tmp_path / "hook", f"open({str(seen)!r}, 'w').write(json.dumps(event))\n"
                  "json.dump({'allowProvisioning': event['parameters']['SerialNumber'] != 'stolen',\n"
                  "           'parameterOverrides': {'Site': 'from the hook'.replace(' ', '-')}}, sys.stdout)")
    cloud, claim, j = with_hook(procs, tmp_path, hook)
    iot, made = cloud.client("iot"), j.ok(CREATE, b"")
    refused = j.rejected(PROVISION, {"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": {"SerialNumber": "stolen"}})
    assert refused == (403, "AccessDenied")
    assert status_of(iot, made["certificateId"]) == "PENDING_ACTIVATION" and iot.list_things()["things"] == []
    j.provision(made["certificateOwnershipToken"], "2", Site="told")
    assert iot.describe_thing(thingName="d-2")["attributes"] == {"site": "from-the-hook"}
    assert json.loads(seen.read_text()) == {
        "claimCertificateId": claim.id, "certificateId": made["certificateId"], "certificatePem": made["certificatePem"],
        "templateArn": arn(f"provisioningtemplate/{TEMPLATE}"), "clientId": "me", "parameters": {"SerialNumber": "2", "Site": "told"}}


@pytest.mark.parametrize("text", sample(
    "time.sleep(60)", "print('{\"allowProvisioning\": \"true\"}')",
    "sys.exit(1)", "print('no JSON')", "print('[]')", "print('{}')",
    "print('{\"allowProvisioning\": true}'); sys.exit(3)", "print('{\"allowProvisioning\": true}' + ' ' * 100000)",
    "print('{\"allowProvisioning\": true}'); sys.stdout.close(); import os; os.close(1); time.sleep(60)",
    "print('{\"allowProvisioning\": true, \"parameterOverrides\": {\"Site\": 5}}')"))
def test_anything_but_true_is_no(procs, tmp_path, text):
    cloud, _, j = with_hook(procs, tmp_path, script(tmp_path / "hook", text))
    token = j.ok(FROM_CSR, {"certificateSigningRequest": csr()})["certificateOwnershipToken"]
    began = time.monotonic()
    status, code = j.rejected(PROVISION, {"certificateOwnershipToken": token, "parameters": {"SerialNumber": "1"}})
    assert (status, code) in ((403, "AccessDenied"), (400, "InvalidParameters"))
    assert time.monotonic() - began < 15
    assert cloud.client("iot").list_things()["things"] == []


def test_a_hook_that_the_server_does_not_know(cloud, iot, claim):
    """The API names a target; what it stands for is said by the server's own file only."""
    evil = script(cloud.folder / "evil", f"open({str(cloud.folder / 'ran')!r}, 'w')\nprint('{{\"allowProvisioning\": true}}')")
    template(iot, preProvisioningHook={"targetArn": str(evil)})
    j = Joining(claim)
    token = j.ok(CREATE, b"")["certificateOwnershipToken"]
    assert j.rejected(PROVISION, {"certificateOwnershipToken": token, "parameters": {"SerialNumber": "1"}}) == (403, "AccessDenied")
    assert not (cloud.folder / "ran").exists()


def test_an_http_hook(procs, tmp_path):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = json.dumps({"allowProvisioning": True}).encode()
            self.send_response(500 if len(asked) == 1 else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _, claim, j = with_hook(procs, tmp_path, f"http://127.0.0.1:{server.server_port}/hook")
        token = j.ok(FROM_CSR, {"certificateSigningRequest": csr()})["certificateOwnershipToken"]
        message = {"certificateOwnershipToken": token, "parameters": {"SerialNumber": "1"}}
        assert j.rejected(PROVISION, message) == (403, "AccessDenied")  # status 500
        assert j.provision(token)["thingName"] == "d-1"
        assert asked[1]["claimCertificateId"] == claim.id
        server.shutdown()


@pytest.mark.parametrize("text,mode", sample((f"{HOOK} = /bin/true\n", 0o644), (f"{HOOK} /bin/true\n", 0o600), (f"{HOOK} = bin/true\n", 0o600)))
def test_a_hooks_file_that_cannot_be(procs, tmp_path, text, mode):
    folder = tmp_path / "cloud"
    folder.mkdir(mode=0o700)
    (folder / "hooks.conf").write_text(text)
    (folder / "hooks.conf").chmod(mode)
    with pytest.raises(AssertionError, match="hooks.conf"):
        Cloud(procs, tmp_path)


# --- kills and secrets -----------------------------------------------------------------------------------------------

def test_killed_between_the_steps(cloud, iot, claim):
    """What was answered is there; a token outlives the server; the same registration again is the same."""
    template(iot)
    made = Joining(claim).ok(CREATE, b"")
    cloud.kill()
    cloud.start()
    j = Joining(claim)
    assert status_of(iot, made["certificateId"]) == "PENDING_ACTIVATION"
    assert j.provision(made["certificateOwnershipToken"])["thingName"] == "d-1"
    cloud.kill()
    cloud.start()
    assert status_of(iot, made["certificateId"]) == "ACTIVE"
    assert Joining(claim).provision(made["certificateOwnershipToken"])["thingName"] == "d-1"
    DeviceClient(Held(cloud, "d-1", made["certificatePem"], made["privateKey"]))


@pytest.mark.skipif(not LONG, reason="SEDGE_LONG=1 runs it")
def test_killed_in_the_middle(cloud, iot, claim):
    """Whenever it dies, a certificate is provisioned whole or not at all."""
    template(iot)
    for n in range(8 if LONG else 3):
        j = Joining(claim)
        made = j.ok(FROM_CSR, {"certificateSigningRequest": csr()})
        message = {"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": {"SerialNumber": str(n)}}
        j.send(PROVISION, message, qos=0)
        time.sleep(0.002 * n)
        cloud.kill()
        cloud.start()
        status, things = status_of(iot, made["certificateId"]), [t["thingName"] for t in iot.list_things()["things"]]
        assert (status, f"d-{n}" in things) in (("ACTIVE", True), ("PENDING_ACTIVATION", False))
        assert Joining(claim).provision(made["certificateOwnershipToken"], str(n))["thingName"] == f"d-{n}"


def test_the_private_key_stays_nowhere(cloud, iot, claim):
    template(iot)
    for form in ("json", "cbor"):
        made = Joining(claim, form, client_id=form).ok(CREATE, {})
        trusted = iot.create_provisioning_claim(templateName=TEMPLATE)["keyPair"]["PrivateKey"]
        wanted = [line.encode() for pem in (made["privateKey"], trusted) for line in pem.splitlines()[2:-2]]
        for f in cloud.data.rglob("*"):
            assert not f.is_file() or not any(w in f.read_bytes() for w in wanted), f
        for part in process_memory(cloud.p.pid):
            assert not any(w in part for w in wanted)
    assert made["certificateOwnershipToken"].encode() not in (cloud.data / "sedge.db").read_bytes()
    assert made["privateKey"][100:160] not in cloud.log() and made["certificateOwnershipToken"] not in cloud.log()


# --- foreign clients ---------------------------------------------------------------------------------------------------

def test_mosquitto(cloud, iot, claim):
    template(iot)
    p = claim.mosquitto("rr", "-q", "1", "-t", f"{FROM_CSR}/json", "-e", f"{FROM_CSR}/json/accepted", "-W", "20", "-m",
                        json.dumps({"certificateSigningRequest": csr()}), timeout=30)
    made = json.loads(p.stdout)
    p = claim.mosquitto("rr", "-q", "1", "-t", f"{PROVISION}/json", "-e", f"{PROVISION}/json/accepted", "-W", "20", "-m",
                        json.dumps({"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": {"SerialNumber": "9"}}),
                        timeout=30)
    assert json.loads(p.stdout)["thingName"] == "d-9"


@pytest.mark.skipif(not LONG, reason="SEDGE_LONG=1 runs it")
def test_paho(cloud, iot, claim):
    import paho.mqtt.client as paho
    template(iot)
    got, topics = [], [f"{CREATE}/cbor/accepted", f"{PROVISION}/cbor/accepted"]
    import cbor_codec
    c = paho.Client("paho", protocol=paho.MQTTv5)
    c.tls_set(str(cloud.ca), str(claim.cert), str(claim.key))

    def on_message(_, __, m):
        got.append((m.topic, cbor_codec.loads(m.payload)))
        if m.topic == topics[0]:
            c.publish(f"{PROVISION}/cbor", cbor_codec.dumps(
                {"certificateOwnershipToken": got[0][1]["certificateOwnershipToken"], "parameters": {"SerialNumber": "5"}}), 1)

    c.on_message = on_message
    c.on_connect = lambda *_: c.subscribe([(t, paho.SubscribeOptions(qos=1)) for t in topics])
    c.on_subscribe = lambda *_: c.publish(f"{CREATE}/cbor", b"", 1)
    c.connect("localhost", cloud.mqtt)
    c.loop_start()
    wait_for(lambda: len(got) == 2, 20, "no answers")
    c.loop_stop()
    assert got[1] == (topics[1], {"deviceConfiguration": BODY["DeviceConfiguration"], "thingName": "d-5"})
