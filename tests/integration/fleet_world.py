"""A device that has only a claim, the template it is provisioned by, and the steps in JSON or CBOR."""

import json

import cbor_codec
from cloud import arn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mqtt_device import DeviceClient

TEMPLATE = "fleet"
ROLE = "arn:aws:iam::123456789012:role/provisioning"
CREATE, FROM_CSR = "$aws/certificates/create", "$aws/certificates/create-from-csr"
PROVISION = f"$aws/provisioning-templates/{TEMPLATE}/provision"

CLAIM_POLICY = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"},
    {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"],
     "Resource": [arn(f"topic/{t}/*") for t in (CREATE, FROM_CSR, PROVISION)]},
    {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": [arn(f"topicfilter/{t}/*") for t in (CREATE, FROM_CSR, PROVISION)]},
]}

DEVICE_POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}

BODY = {
    "Parameters": {"SerialNumber": {"Type": "String"}, "Site": {"Type": "String", "Default": "home"},
                   "AWS::IoT::Certificate::Id": {"Type": "String"}},
    "Resources": {
        "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"},
                                                                        "Status": "Active"}},
        "thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Fn::Join": ["", ["d-", {"Ref": "SerialNumber"}]]},
                                                            "AttributePayload": {"site": {"Ref": "Site"}}}},
        "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": json.dumps(DEVICE_POLICY)}},
    },
    "DeviceConfiguration": {"FallbackUrl": "https://example.org/x", "LocationUrl": "ü"},
}


def template(iot, enabled=True, **kw):
    return iot.create_provisioning_template(templateName=TEMPLATE, templateBody=json.dumps(BODY), enabled=enabled,
                                            provisioningRoleArn=ROLE, **kw)


def csr(key=None, name="device"):
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256()) \
        .public_bytes(serialization.Encoding.PEM).decode()


class Held:
    """A certificate and key in files, for DeviceClient."""

    def __init__(self, cloud, name, certificate, key):
        self.cloud, self.name = cloud, name
        self.cert, self.key = (cloud.folder / f"{name}.{x}.pem" for x in ("cert", "key"))
        self.cert.write_text(certificate)
        self.key.write_text(key)


class Joining:
    """A connection with the claim, or `client`, one that is there."""

    def __init__(self, device=None, form="json", client_id=None, client=None, **kw):
        self.client, self.form = client or DeviceClient(device, client_id, **kw), form
        self.client.subscribe(*[(f"{t}/{form}/{level}", 1) for t in (CREATE, FROM_CSR, PROVISION) for level in ("accepted", "rejected")])

    def send(self, topic, message, qos=1):
        payload = message if isinstance(message, bytes) else \
            json.dumps(message).encode() if self.form == "json" else cbor_codec.dumps(message)
        self.client.publish(f"{topic}/{self.form}", payload, qos)

    def answer(self, topic):
        """(accepted or rejected, the message)"""
        p = self.client.receive()
        assert p.topic.rsplit("/", 1)[0] == f"{topic}/{self.form}", p
        return p.topic.rsplit("/")[-1], (json.loads if self.form == "json" else cbor_codec.loads)(p.payload)

    def ask(self, topic, message, qos=1):
        self.send(topic, message, qos)
        return self.answer(topic)

    def ok(self, topic, message):
        level, answer = self.ask(topic, message)
        assert level == "accepted", answer
        return answer

    def rejected(self, topic, message):
        """(statusCode, errorCode)"""
        level, answer = self.ask(topic, message)
        assert level == "rejected", answer
        assert set(answer) == {"statusCode", "errorCode", "errorMessage"} and len(answer["errorMessage"]) > 10, answer
        return answer["statusCode"], answer["errorCode"]

    def provision(self, token, serial="1", **parameters):
        return self.ok(PROVISION, {"certificateOwnershipToken": token, "parameters": {"SerialNumber": serial, **parameters}})
