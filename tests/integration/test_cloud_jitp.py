"""Just-in-time registration and provisioning with mosquitto's clients: a certificate of a registered CA joins by connecting, anything
else is refused with a reason (docs/spec/provisioning.md PV-30..39)."""

import json
import sqlite3
import threading
import time

import pytest
from authority import Authority, name_of, weak_key
from cloud import OPEN_POLICY, Cloud
from conftest import wait_for
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from mqtt_device import DeviceClient

ROLE = "arn:aws:iam::123456789012:role/provisioning"
TEMPLATE = {
    "Parameters": {"AWS::IoT::Certificate::CommonName": {"Type": "String"}, "AWS::IoT::Certificate::SerialNumber": {"Type": "String"},
                   "AWS::IoT::Certificate::Country": {"Type": "String"}, "AWS::IoT::Certificate::Id": {"Type": "String"}},
    "Resources": {
        "thing": {"Type": "AWS::IoT::Thing", "Properties": {
            "ThingName": {"Ref": "AWS::IoT::Certificate::CommonName"},
            "AttributePayload": {"serial": {"Ref": "AWS::IoT::Certificate::SerialNumber"}, "country": {"Ref": "AWS::IoT::Certificate::Country"}},
            "ThingGroups": ["fleet"]}},
        "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"},
                                                                        "Status": "ACTIVE"}},
        "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": json.dumps(OPEN_POLICY)}}},
}


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


def status(cloud, device):
    return cloud.client("iot").describe_certificate(certificateId=device.id)["certificateDescription"]["status"]


def registered(cloud):
    return cloud.client("iot").list_certificates()["certificates"]


def join(device):
    """The first connection ends; the next one publishes."""
    assert device.publish("hello", "1").returncode != 0
    return device.publish("hello", "2")


def test_jitr_event_activation_and_return(cloud):
    iot, ca = cloud.client("iot"), Authority()
    ca.register(iot)
    owner = cloud.device("owner")
    watcher = DeviceClient(owner)
    assert watcher.subscribe((f"$aws/events/certificates/registered/{ca.id}", 1)) == [1]
    device = ca.device(cloud)
    before = time.time() * 1000
    for _ in range(2):  # every attempt tells again, nothing is registered twice
        assert device.publish("a", "x").returncode != 0
    events = [watcher.topic_and_json()[1] for _ in range(2)]
    first = {k: v for k, v in events[0].items() if "imestamp" not in k}
    assert first == {"certificateId": device.id, "caCertificateId": ca.id, "certificateStatus": "PENDING_ACTIVATION",
                     "awsAccountId": "123456789012"}
    assert before - 1000 < events[0]["timestamp"] < before + 60000 and isinstance(events[0]["timestamp"], int)
    assert isinstance(events[0]["certificateRegistrationTimestamp"], str)
    assert events[1]["certificateRegistrationTimestamp"] == events[0]["certificateRegistrationTimestamp"]
    described = iot.describe_certificate(certificateId=device.id)["certificateDescription"]
    assert (described["status"], described["caCertificateId"]) == ("PENDING_ACTIVATION", ca.id)
    assert "activate it (UpdateCertificate newStatus=ACTIVE)" in cloud.log()
    iot.update_certificate(certificateId=device.id, newStatus="ACTIVE")
    iot.attach_policy(policyName=owner.policy, target=device.arn)
    assert device.publish("a", "x").returncode == 0


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "inline"])
def test_jitp_provisions_and_the_device_returns(cloud, stored):
    iot, ca = cloud.client("iot"), Authority()
    iot.create_thing_group(thingGroupName="fleet")
    if stored:
        iot.create_provisioning_template(templateName="join", templateBody=json.dumps(TEMPLATE), provisioningRoleArn=ROLE, type="JITP",
                                         enabled=True)
        config = {"templateName": "join"}
    else:
        config = {"templateBody": json.dumps(TEMPLATE), "roleArn": ROLE}
    ca.register(iot, registrationConfig=config)
    assert iot.describe_ca_certificate(certificateId=ca.id)["registrationConfig"] == config
    device = ca.device(cloud, "lamp-1", subject=name_of(CN="lamp-1", SN="0815", C="DE"))
    assert join(device).returncode == 0
    assert status(cloud, device) == "ACTIVE"
    thing = iot.describe_thing(thingName="lamp-1")
    assert thing["attributes"] == {"serial": "0815", "country": "DE"}
    assert iot.list_thing_principals(thingName="lamp-1")["principals"] == [device.arn]
    assert [g["groupName"] for g in iot.list_thing_groups_for_thing(thingName="lamp-1")["thingGroups"]] == ["fleet"]
    assert len(iot.list_attached_policies(target=device.arn)["policies"]) == 1
    assert "provisioned by the template of its CA" in cloud.log()
    if stored:
        assert iot.list_ca_certificates(templateName="join")["certificates"][0]["certificateId"] == ca.id
        with pytest.raises(iot.exceptions.DeleteConflictException):
            iot.delete_provisioning_template(templateName="join")
        iot.update_ca_certificate(certificateId=ca.id, removeAutoRegistration=True)
        iot.delete_provisioning_template(templateName="join")


def test_a_template_that_cannot_be_filled_registers_nothing(cloud):
    iot, ca = cloud.client("iot"), Authority()
    iot.create_thing_group(thingGroupName="fleet")
    ca.register(iot, registrationConfig={"templateBody": json.dumps(TEMPLATE), "roleArn": ROLE})
    device = ca.device(cloud, "lamp-1")  # no serial number in its subject
    assert join(device).returncode != 0
    assert registered(cloud) == []
    assert "'AWS::IoT::Certificate::Country' is missing" in cloud.log() or "'AWS::IoT::Certificate::SerialNumber' is missing" in cloud.log()
    good = ca.device(cloud, "lamp-2", subject=name_of(CN="lamp-2", SN="1", C="DE"))  # the control
    assert join(good).returncode == 0


def test_a_disabled_template_lets_nobody_in(cloud):
    iot, ca = cloud.client("iot"), Authority()
    iot.create_thing_group(thingGroupName="fleet")
    iot.create_provisioning_template(templateName="join", templateBody=json.dumps(TEMPLATE), provisioningRoleArn=ROLE, type="JITP")
    ca.register(iot, registrationConfig={"templateName": "join"})
    device = ca.device(cloud, "lamp-1", subject=name_of(CN="lamp-1", SN="1", C="DE"))
    assert join(device).returncode != 0
    assert "is not enabled" in cloud.log() and registered(cloud) == []
    iot.update_provisioning_template(templateName="join", enabled=True)
    assert join(device).returncode == 0


def many(n):
    return [x509.SubjectAlternativeName([x509.DNSName(f"name-{i:05d}.of.a.certificate.that.is.far.too.big.example") for i in range(n)])]


def deep():
    """An extension of DER that is nested a thousand times."""
    der = b""
    for _ in range(1000):
        n = len(der)
        der = b"\x30" + (bytes([n]) if n < 128 else b"\x82" + n.to_bytes(2, "big")) + der
    return [x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), der)]


#: what is wrong with it: (how it is made, what the log says)
BAD = {
    "expired": ({"days": (-9, -1)}, "expired"),
    "not yet valid": ({"days": (5, 9)}, "not yet valid"),
    "a CA's": ({"ca": True}, "a CA's certificate"),
    "huge": ({"more": many(300)}, "more than 16384 bytes"),
    "SHA-1": ({"digest": hashes.SHA1()}, "TLS handshake failed"),  # OpenSSL says so itself; and so do we: cloud-provisioning-admissible
    "weak key": ({"key": weak_key}, "TLS handshake failed"),
}


def test_bad_certificates_are_refused_with_a_reason(cloud):
    iot, ca = cloud.client("iot"), Authority()
    ca.register(iot)
    told = {}
    for what, (how, why) in BAD.items():
        device, before = ca.device(cloud, **{k: v() if callable(v) else v for k, v in how.items()}), len(cloud.log())
        assert join(device).returncode != 0
        told[what] = cloud.log()[before:]
    assert all(why in told[what] for what, (_, why) in BAD.items()), told
    assert registered(cloud) == []
    assert join(ca.device(cloud, more=deep())).returncode != 0  # nested, but well formed: registered like any other
    good = ca.device(cloud)
    join(good)
    assert status(cloud, good) == "PENDING_ACTIVATION"


def test_a_stranger_leaves_no_trace(cloud):
    """Of another CA with the same name, of a CA that is switched off, of one that registers nothing."""
    iot, ca = cloud.client("iot"), Authority()
    ca.register(iot)
    impostor = Authority()  # same name, another key
    for device in (impostor.device(cloud), Authority("nobody's").device(cloud)):
        join(device)
        assert f"{device.id} is refused: it is not registered here, and no registered CA signed it" in cloud.log()
    device = ca.device(cloud)
    iot.update_ca_certificate(certificateId=ca.id, newAutoRegistrationStatus="DISABLE")
    join(device)
    assert "registers nothing by itself" in cloud.log()
    iot.update_ca_certificate(certificateId=ca.id, newAutoRegistrationStatus="ENABLE", newStatus="INACTIVE")
    join(device)
    assert f"its CA {ca.id} is INACTIVE" in cloud.log()
    assert registered(cloud) == []
    iot.update_ca_certificate(certificateId=ca.id, newStatus="ACTIVE")
    join(device)
    assert status(cloud, device) == "PENDING_ACTIVATION"


def test_two_cas_of_one_name_are_told_apart(cloud):
    iot, a, b = cloud.client("iot"), Authority(), Authority()
    a.register(iot), b.register(iot)
    for ca in (a, b):
        device = ca.device(cloud)
        join(device)
        assert iot.describe_certificate(certificateId=device.id)["certificateDescription"]["caCertificateId"] == ca.id


def test_a_forged_signature_is_refused(cloud):
    """The CA's name and key identifier on a certificate that somebody else signed."""
    iot, ca = cloud.client("iot"), Authority()
    ca.register(iot)
    forger = Authority()
    forged = forger.device(cloud, more=[x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())])
    join(forged)
    assert "no registered CA signed it" in cloud.log()
    assert registered(cloud) == []


def test_an_expired_ca_admits_nobody(cloud):
    """It was registered while it was good: its dates are changed in the database, as time would."""
    iot, ca = cloud.client("iot"), Authority()
    ca.register(iot)
    device = ca.device(cloud)
    cloud.stop()
    with sqlite3.connect(cloud.data / "sedge.db") as db:
        db.execute("UPDATE cas SET not_after_ms = 1")
    cloud.start()
    join(device)
    assert "is not within its dates" in cloud.log() and registered(cloud) == []


def test_configuration_of_a_ca_is_checked(cloud):
    iot, ca = cloud.client("iot"), Authority()
    bad = [{}, {"templateName": "none"}, {"templateBody": "{}", "roleArn": ROLE}, {"templateBody": json.dumps(TEMPLATE)},
           {"templateBody": json.dumps(TEMPLATE), "roleArn": ROLE, "templateName": "x"}]
    for config in bad:
        with pytest.raises(iot.exceptions.ClientError) as e:
            ca.register(iot, registrationConfig=config)
        assert e.value.response["Error"]["Code"] in ("InvalidRequestException", "ResourceNotFoundException"), config
    iot.create_provisioning_template(templateName="fleet", templateBody=json.dumps(TEMPLATE), provisioningRoleArn=ROLE)
    with pytest.raises(iot.exceptions.InvalidRequestException):
        ca.register(iot, registrationConfig={"templateName": "fleet"})  # not of type JITP
    assert iot.list_ca_certificates()["certificates"] == []
    ca.register(iot, auto=False)
    d = iot.describe_ca_certificate(certificateId=ca.id)
    assert d["certificateDescription"]["autoRegistrationStatus"] == "DISABLE" and "registrationConfig" not in d
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.update_ca_certificate(certificateId=ca.id, removeAutoRegistration=True,
                                  registrationConfig={"templateBody": json.dumps(TEMPLATE), "roleArn": ROLE})


def test_killed_while_devices_join(cloud):
    """kill -9 in the middle: whoever was told nothing is registered whole or not at all, and joins afterwards."""
    iot, ca = cloud.client("iot"), Authority()
    iot.create_thing_group(thingGroupName="fleet")
    ca.register(iot, registrationConfig={"templateBody": json.dumps(TEMPLATE), "roleArn": ROLE})
    devices = [ca.device(cloud, f"lamp-{i}", subject=name_of(CN=f"lamp-{i}", SN=str(i), C="DE")) for i in range(8)]
    joining = [threading.Thread(target=d.publish, args=("hello", "1")) for d in devices]
    for t in joining:
        t.start()
    wait_for(lambda: "provisioned by the template" in cloud.log())
    cloud.kill()
    cloud.start()
    for t in joining:  # some of them come again by themselves
        t.join(20)
    iot = cloud.client("iot")
    things, active = {t["thingName"] for t in iot.list_things()["things"]}, {c["certificateId"] for c in registered(cloud)
                                                                             if c["status"] == "ACTIVE"}
    assert things and things == {d.name for d in devices if d.id in active} and len(active) == len(registered(cloud))
    for d in devices:
        assert d.publish("hello", "2").returncode == 0 or d.publish("hello", "3").returncode == 0
        assert iot.list_thing_principals(thingName=d.name)["principals"] == [d.arn]
