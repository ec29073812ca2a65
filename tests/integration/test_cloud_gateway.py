"""The device gateway: who is let in, and what he may do. Foreign clients only: OpenSSL, curl, mosquitto's programs, paho."""

import json
import queue
import ssl
import subprocess
import threading
import time

import paho.mqtt.client as paho
import pytest
from cloud import CORE, CORE_POLICY, OPEN_POLICY, Cloud, Device, arn
from conftest import wait_for
from cryptography.hazmat.primitives.asymmetric import ec
from test_cloud_api import OwnCa, pem, register_ca
from cryptography.hazmat.primitives import serialization


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


def allow(*statements):
    """(action, resource) pairs as a policy."""
    return {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": a, "Resource": r} for a, r in statements]}


class Client:
    """paho, and what happened to it."""

    def __init__(self, device, client_id=None, **kw):
        self.events, self.messages = queue.Queue(), queue.Queue()
        self.c = c = paho.Client(client_id or device.name, **kw)
        c.tls_set(str(device.cloud.ca), str(device.cert), str(device.key))
        c.on_connect = lambda *a: self.events.put(("connected", a[3]))
        c.on_disconnect = lambda *a: self.events.put(("disconnected", a[2]))
        c.on_subscribe = lambda *a: self.events.put(("subscribed", a[3]))
        c.on_publish = lambda *a: self.events.put(("published", a[2]))
        c.on_message = lambda _c, _u, m: self.messages.put((m.topic, m.payload.decode()))
        self.device = device

    def connect(self):
        self.c.connect("localhost", self.device.cloud.mqtt, 60)
        self.c.loop_start()
        assert self.next() == ("connected", 0)
        return self

    def next(self, timeout=5):
        return self.events.get(timeout=timeout)

    def subscribe(self, topic, qos=1):
        self.c.subscribe(topic, qos)
        return self.next()[1]

    def publish(self, topic, text, qos=1):
        return self.c.publish(topic, text, qos)

    def message(self, timeout=5):
        topic, text = self.messages.get(timeout=timeout)
        return topic, json.loads(text) if text.startswith("{") else text

    def stop(self):
        self.c.disconnect()
        self.c.loop_stop()


# --- admitted and refused -----------------------------------------------------------------------------------------------

def test_admitted_with_a_policy_refused_without(cloud):
    """The control: attached, it works; detached, the same call is refused; attached again, it works."""
    d = cloud.device()
    iot = cloud.client("iot")
    assert d.publish("a", "x").returncode == 0
    iot.detach_policy(policyName=d.policy, target=d.arn)
    assert d.publish("a", "x").returncode != 0
    assert f"certificateId={d.id}" in cloud.log() and "no policy" in cloud.log()
    iot.attach_policy(policyName=d.policy, target=d.arn)
    assert d.publish("a", "x").returncode == 0


def test_inactive_certificate_is_refused(cloud):
    d = cloud.device(active=False)
    assert d.publish("a", "x").returncode != 0
    wait_for(lambda: f"certificate {d.id} is INACTIVE" in cloud.log())
    cloud.client("iot").update_certificate(certificateId=d.id, newStatus="ACTIVE")
    assert d.publish("a", "x").returncode == 0


def stranger(cloud):
    """A certificate nobody registered, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    d = Device(cloud, "stranger", "0" * 64, "")
    d.cert.write_text(pem(OwnCa().issue("stranger", key.public_key())))
    d.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return d


def test_unknown_certificate_is_refused(cloud):
    d = stranger(cloud)
    assert d.publish("a", "x").returncode != 0
    wait_for(lambda: "is not registered here" in cloud.log())
    assert d.curl("/things/x/shadow")[0] == 403


def test_no_certificate_is_refused_in_the_handshake(cloud):
    for port in (cloud.mqtt, cloud.https):
        p = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{port}", "-CAfile", cloud.ca, "-tls1_2", "-brief"],
                           input=b"", capture_output=True, timeout=10)
        assert p.returncode != 0, p.stderr


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_s_client_is_admitted(cloud, version):
    d = cloud.device()
    for port in (cloud.mqtt, cloud.https):
        p = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{port}", "-CAfile", cloud.ca, "-cert", d.cert, "-key", d.key,
                            "-verify_return_error", "-verify_hostname", "localhost", "-servername", "localhost", version],
                           input=b"Q\n", capture_output=True, timeout=10)
        assert p.returncode == 0 and b"Verify return code: 0 (ok)" in p.stdout, p.stderr


def test_by_address_without_sni(cloud):
    """SNI is not asked for: 127.0.0.1 is in the certificate too (docs/spec/cloud.md CL-31)."""
    d = cloud.device()
    p = subprocess.run(["curl", "-sS", "--cacert", cloud.ca, "--cert", d.cert, "--key", d.key,
                        f"https://127.0.0.1:{cloud.https}/sedge/connection?clientId={CORE}"], capture_output=True, text=True, timeout=10)
    assert json.loads(p.stdout)["connect"] == "allowed", p.stderr


def test_certificate_of_a_customers_ca(cloud):
    iot, ca, key = cloud.client("iot"), OwnCa(), ec.generate_private_key(ec.SECP256R1())
    register_ca(iot, ca, setAsActive=True)
    cert = pem(ca.issue("own", key.public_key()))
    made = iot.register_certificate(certificatePem=cert, caCertificatePem=pem(ca.cert), setAsActive=True)
    d = Device(cloud, CORE, made["certificateId"], made["certificateArn"])
    d.cert.write_text(cert)  # the leaf alone: the cloud knows the CA
    d.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    assert d.publish("a", "x").returncode != 0
    iot.create_policy(policyName="p", policyDocument=json.dumps(OPEN_POLICY))
    iot.attach_policy(policyName="p", target=d.arn)
    assert d.publish("a", "x").returncode == 0


def test_expired_certificate_is_refused(cloud):
    iot, ca, key = cloud.client("iot"), OwnCa(), ec.generate_private_key(ec.SECP256R1())
    register_ca(iot, ca, setAsActive=True)
    cert = pem(ca.issue("short", key.public_key(), end=3 / 86400))
    made = iot.register_certificate(certificatePem=cert, setAsActive=True)
    d = Device(cloud, CORE, made["certificateId"], made["certificateArn"])
    d.cert.write_text(cert)
    d.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    iot.create_policy(policyName="p", policyDocument=json.dumps(OPEN_POLICY))
    iot.attach_policy(policyName="p", target=d.arn)
    time.sleep(4)
    assert d.publish("a", "x").returncode != 0
    wait_for(lambda: f"certificate {d.id} expired at" in cloud.log())


def test_connection_tells_why(cloud):
    """EC-17, for doctors: the holder of the key may ask what became of its certificate."""
    d = cloud.device()
    ask = lambda: json.loads(d.curl(f"/sedge/connection?clientId={CORE}")[1])
    assert ask() == {"v": 1, "certificateId": d.id, "status": "ACTIVE", "connect": "allowed", "message": ""}
    iot = cloud.client("iot")
    iot.detach_policy(policyName=d.policy, target=d.arn)
    assert ask()["connect"] == "refused" and "no policy" in ask()["message"]
    iot.update_certificate(certificateId=d.id, newStatus="INACTIVE")
    assert ask()["status"] == "INACTIVE" and "activate it" in ask()["message"]


# --- changes count at once ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("revoke", ["certificate", "policy", "thing"])
def test_a_live_connection_is_cut(cloud, revoke):
    policy = allow(("iot:Connect", arn("client/${iot:Connection.Thing.ThingName}")), ("iot:*", arn("topic/*")))
    d = cloud.device(policy=policy)
    other = cloud.device("other")
    c, bystander = Client(d).connect(), Client(other).connect()
    iot = cloud.client("iot")
    if revoke == "certificate":
        iot.update_certificate(certificateId=d.id, newStatus="REVOKED")
    elif revoke == "policy":
        iot.detach_policy(policyName=d.policy, target=d.arn)
    else:
        iot.detach_thing_principal(thingName=CORE, principal=d.arn)
    assert c.next(2)[0] == "disconnected"
    c.c.loop_stop()
    assert bystander.subscribe("still/here") == (1,)
    bystander.stop()


def test_a_policy_that_shrinks_counts_from_the_next_packet(cloud):
    d = cloud.device(policy=allow(("iot:Connect", "*")))
    iot = cloud.client("iot")
    iot.create_policy(policyName="pub", policyDocument=json.dumps(allow(("iot:Publish", arn("topic/a")))))
    iot.attach_policy(policyName="pub", target=d.arn)
    c = Client(d).connect()
    c.publish("a", "1")
    assert c.next()[0] == "published"
    iot.detach_policy(policyName="pub", target=d.arn)
    c.publish("a", "2")
    assert c.next()[0] == "disconnected"
    c.c.loop_stop()


def test_a_new_default_version_counts_from_the_next_packet(cloud):
    d = cloud.device(policy=allow(("iot:Connect", "*"), ("iot:Publish", arn("topic/a"))))
    iot = cloud.client("iot")
    iot.create_policy_version(policyName=d.policy, policyDocument=json.dumps(allow(("iot:Connect", "*"))))
    c = Client(d).connect()
    c.publish("a", "1")
    assert c.next()[0] == "published"
    iot.set_default_policy_version(policyName=d.policy, policyVersionId="2")
    c.publish("a", "2")
    assert c.next()[0] == "disconnected"
    c.c.loop_stop()


def test_a_things_attributes_count_from_the_next_packet(cloud):
    thing = "iot:Connection.Thing."
    d = cloud.device(policy={"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"},
        {"Effect": "Allow", "Action": "iot:Publish", "Resource": arn("topic/${%sThingTypeName}/${%sAttributes[site]}" % (thing, thing))}]})
    iot = cloud.client("iot")
    iot.create_thing_type(thingTypeName="lamp")
    iot.update_thing(thingName=d.name, thingTypeName="lamp", attributePayload={"attributes": {"site": "north"}})
    c = Client(d).connect()
    c.publish("lamp/north", "1")
    assert c.next()[0] == "published"
    iot.update_thing(thingName=d.name, attributePayload={"attributes": {"site": "south"}})
    c.publish("lamp/south", "1")
    assert c.next()[0] == "published"
    c.publish("lamp/north", "2")
    assert c.next()[0] == "disconnected"
    c.c.loop_stop()


def test_policies_of_thing_groups(cloud):
    """A group's policies, and those of the groups above it, are the thing's; each change counts from the next packet."""
    d = cloud.device(policy=allow(("iot:Connect", "*")))
    iot = cloud.client("iot")
    iot.create_thing_group(thingGroupName="site")
    iot.create_thing_group(thingGroupName="floor", parentGroupName="site")
    iot.create_policy(policyName="pub", policyDocument=json.dumps(allow(("iot:Publish", arn("topic/a")))))
    steps = [
        (lambda: iot.attach_policy(policyName="pub", target=arn("thinggroup/site")), False),
        (lambda: iot.add_thing_to_thing_group(thingGroupName="floor", thingName=d.name), True),
        (lambda: iot.detach_policy(policyName="pub", target=arn("thinggroup/site")), False),
        (lambda: iot.attach_policy(policyName="pub", target=arn("thinggroup/floor")), True),
        (lambda: iot.remove_thing_from_thing_group(thingGroupName="floor", thingName=d.name), False),
        (lambda: iot.add_thing_to_thing_group(thingGroupName="floor", thingName=d.name), True),
        (lambda: iot.delete_thing_group(thingGroupName="floor"), False),
    ]
    c = Client(d).connect()
    for step, (act, want) in enumerate(steps):
        act()
        c.publish("a", "1")
        assert c.next()[0] == ("published" if want else "disconnected"), step
        if not want:
            c.c.loop_stop()
            c = Client(d).connect()
    # another thing's group is not mine
    iot.create_thing(thingName="other")
    iot.attach_policy(policyName="pub", target=arn("thinggroup/site"))
    iot.add_thing_to_thing_group(thingGroupName="site", thingName="other")
    c.publish("a", "1")
    assert c.next()[0] == "disconnected"
    c.c.loop_stop()
    effective = iot.get_effective_policies(principal=d.arn, thingName=d.name)["effectivePolicies"]
    assert [p["policyName"] for p in effective] == [d.policy]
    iot.add_thing_to_thing_group(thingGroupName="site", thingName=d.name)
    effective = iot.get_effective_policies(principal=d.arn, thingName=d.name)["effectivePolicies"]
    assert sorted(p["policyName"] for p in effective) == sorted([d.policy, "pub"])


def test_https_connection_open_already_is_judged_per_request(cloud):
    import http.client
    d = cloud.device()
    ctx = ssl.create_default_context(cafile=str(cloud.ca))
    ctx.load_cert_chain(d.cert, d.key)
    h = http.client.HTTPSConnection("localhost", cloud.https, context=ctx, timeout=10)
    ask = lambda: (h.request("GET", "/things/x/shadow"), h.getresponse())[1]
    r = ask(); r.read(); sock = h.sock
    assert r.status == 404
    cloud.client("iot").detach_policy(policyName=d.policy, target=d.arn)
    r = ask(); body = r.read()
    assert r.status == 403 and r.headers["x-amzn-ErrorType"] == "ForbiddenException" and b"iot:GetThingShadow" in body
    assert h.sock is sock


# --- each packet meets the policies ----------------------------------------------------------------------------------------

def test_publish_subscribe_receive(cloud):
    d = cloud.device(policy=allow(("iot:Connect", arn("client/" + CORE)), ("iot:Publish", arn("topic/out/*")),
                                  ("iot:Subscribe", arn("topicfilter/in/*")), ("iot:Receive", arn("topic/in/open/*"))))
    sender = cloud.device("sender")
    assert d.publish("out/x", "1").returncode == 0
    assert d.publish("other", "1").returncode != 0
    assert "AUTHORIZATION_FAILURE" in cloud.log() and "action=iot:Publish" in cloud.log()
    c = Client(d).connect()
    assert c.subscribe("in/#") == (1,)
    assert c.subscribe("other/#") == (128,)
    sender.publish("in/secret/x", "no")
    sender.publish("in/open/x", "yes")
    assert c.message() == ("in/open/x", "yes")
    assert c.messages.empty()
    c.stop()


def test_the_log_names_the_statement_that_denied(cloud):
    d = cloud.device(policy={"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:*", "Resource": "*"},
        {"Effect": "Deny", "Action": ["iot:Publish", "iot:Receive"], "Resource": arn("topic/secret/*")}]})
    assert d.publish("open", "1").returncode == 0
    assert "AUTHORIZATION_FAILURE" not in cloud.log()
    assert d.publish("secret/x", "1").returncode != 0
    line = next(line for line in cloud.log().splitlines() if "AUTHORIZATION_FAILURE" in line)
    assert "action=iot:Publish resource=topic/secret/x: denied by statement 2 of policy " + d.policy in line


def test_a_refused_delivery_is_logged_once(cloud):
    d = cloud.device(policy=allow(("iot:Connect", "*"), ("iot:Subscribe", "*"), ("iot:Receive", arn("topic/open"))))
    sender = cloud.device("sender")
    c = Client(d).connect()
    assert c.subscribe("#") == (1,)
    for topic in ("a", "b", "c", "open"):
        assert sender.publish(topic, "x").returncode == 0
    assert c.message() == ("open", "x")
    lines = [line for line in cloud.log().splitlines() if "action=iot:Receive" in line]
    assert len(lines) == 1 and "resource=topic/a: no policy of this certificate" in lines[0]
    c.stop()


def test_client_id_is_the_policys_business(cloud):
    d = cloud.device(policy=allow(("iot:Connect", arn("client/${iot:Connection.Thing.ThingName}")), ("iot:Publish", "*")))
    assert d.publish("a", "x").returncode == 0
    assert d.publish("a", "x", "-i", "somebody").returncode != 0


def test_plus_and_hash_are_literal_in_policies(cloud):
    """iot-core traps 9 and 10: topicfilter/a/+/b allows that very string; a Deny on a sub-filter does not stop a/#."""
    d = cloud.device(policy={"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"},
        {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": [arn("topicfilter/a/+/b"), arn("topicfilter/r/*")]},
        {"Effect": "Deny", "Action": "iot:Subscribe", "Resource": arn("topicfilter/r/x/*")}]})
    c = Client(d).connect()
    assert c.subscribe("a/+/b") == (1,)
    assert c.subscribe("a/1/b") == (128,)
    assert c.subscribe("r/#") == (1,)
    assert c.subscribe("r/x/y") == (128,)
    c.stop()


def test_will_topic_needs_publish(cloud):
    d = cloud.device(policy=allow(("iot:Connect", "*"), ("iot:Publish", arn("topic/mine"))))
    will = lambda t: ["--will-topic", t, "--will-payload", "x", "--will-qos", "1"]
    assert d.publish("mine", "x", *will("mine")).returncode == 0
    assert d.publish("mine", "x", *will("other")).returncode != 0


def test_user_name_with_sdk_metrics_is_ignored(cloud):
    """Trap 19."""
    d = cloud.device()
    assert d.publish("a", "x", "-u", "?SDK=Python&Version=1.4.9", "-P", "x").returncode == 0


def test_the_newer_connection_wins(cloud):
    d = cloud.device()
    one, two = Client(d).connect(), Client(d)
    two.connect()
    assert one.next()[0] == "disconnected"
    one.c.loop_stop()
    two.stop()


def test_mqtt5_is_told_why(cloud):
    d = cloud.device(policy=None)
    p = d.mosquitto("pub", "-t", "a", "-m", "x", "-V", "mqttv5")
    assert p.returncode == 0x87 or "not authorised" in (p.stdout + p.stderr).lower(), p


# --- shadows -------------------------------------------------------------------------------------------------------------

GDA = f"$aws/things/{CORE}-gda/shadow"


def test_shadow_over_mqtt(cloud):
    d = cloud.device(policy=CORE_POLICY)
    c = Client(d).connect()
    for t in ("get/accepted", "get/rejected", "update/accepted", "update/rejected", "update/delta"):
        assert c.subscribe(f"{GDA}/{t}") == (1,)
    c.publish(f"{GDA}/get", "{}")
    topic, m = c.message()
    assert topic == f"{GDA}/get/rejected" and m["code"] == 404
    c.publish(f"{GDA}/update", json.dumps({"state": {"reported": {"status": "x"}}, "clientToken": "t"}))
    topic, m = c.message()
    assert topic == f"{GDA}/update/accepted" and (m["version"], m["clientToken"], m["state"]) == (1, "t", {"reported": {"status": "x"}})
    data = cloud.client("iot-data")
    data.update_thing_shadow(thingName=CORE + "-gda", payload=json.dumps({"state": {"desired": {"status": "y"}}}))
    got = dict([c.message(), c.message()])
    assert got[f"{GDA}/update/accepted"]["version"] == 2
    assert got[f"{GDA}/update/delta"]["state"] == {"status": "y"}
    c.publish(f"{GDA}/update", "nonsense")
    assert c.message()[1]["code"] == 400
    c.stop()


def test_shadow_answers_are_durable(cloud):
    """What was acknowledged is there after kill -9."""
    d = cloud.device(policy=CORE_POLICY)
    c = Client(d).connect()
    c.subscribe(f"{GDA}/update/accepted")
    for i in range(5):
        c.publish(f"{GDA}/update", json.dumps({"state": {"reported": {"n": i}}}))
        while True:
            topic, m = c.message()
            if topic.endswith("accepted"):
                break
        assert m["version"] == i + 1
        cloud.kill()
        cloud.start()
        doc = json.loads(cloud.client("iot-data").get_thing_shadow(thingName=CORE + "-gda")["payload"].read())
        assert (doc["state"]["reported"]["n"], doc["version"]) == (i, i + 1)
        c.stop()
        c = Client(d).connect()
        c.subscribe(f"{GDA}/update/accepted")
    c.stop()


def test_shadow_over_https(cloud):
    d = cloud.device(policy=allow(("iot:GetThingShadow", arn("thing/" + CORE)), ("iot:UpdateThingShadow", arn("thing/" + CORE)),
                                  ("iot:UpdateThingShadow", arn(f"thing/{CORE}/named"))))
    path = f"/things/{CORE}/shadow"
    assert d.curl(path)[0] == 404
    status, body = d.curl(path, "-d", '{"state":{"desired":{"a":1}}}')
    assert status == 200 and json.loads(body)["version"] == 1
    assert json.loads(d.curl(path)[1])["state"] == {"desired": {"a": 1}, "delta": {"a": 1}}
    assert d.curl(path, "-X", "DELETE")[0] == 403
    assert d.curl("/things/other/shadow")[0] == 403
    assert d.curl(path + "?name=named", "-d", '{"state":{"desired":{"a":1}}}')[0] == 200
    assert d.curl(path + "?name=named")[0] == 403
    assert d.curl(path, "-d", '{"state":{"desired":{"a":2}},"version":7}')[0] == 409
    assert d.curl(path, "-d", "nonsense")[0] == 400


def test_shadow_with_the_cli(cloud, tmp_path):
    cloud.aws("iot-data", "update-thing-shadow", "--thing-name", "t", "--cli-binary-format", "raw-in-base64-out", "--payload",
              '{"state":{"desired":{"a":1}}}', str(tmp_path / "out"))
    assert json.loads((tmp_path / "out").read_text())["version"] == 1
    cloud.aws("iot-data", "get-thing-shadow", "--thing-name", "t", str(tmp_path / "got"))
    assert json.loads((tmp_path / "got").read_text())["state"]["desired"] == {"a": 1}


def test_other_reserved_topics_end_the_connection(cloud):
    d = cloud.device()
    assert d.publish("$aws/things/x/nonsense", "x").returncode != 0
    assert d.publish("$aws/things/bad name/shadow/get", "").returncode != 0


def test_sigterm_ends_it_gracefully(cloud):
    c = Client(cloud.device()).connect()
    assert cloud.stop() == 0
    assert c.next()[0] == "disconnected"
    c.c.loop_stop()
