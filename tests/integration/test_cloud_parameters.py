"""Every operation of iot that is done, with each parameter missing, of a wrong type and out of bounds: the modelled error.

botocore's service model says what the parameters are and where they go; the requests are made here, because botocore does not
send what is none. Where the answer is another one than InvalidRequestException, a table says so, and why.
"""

import copy
import datetime
import json
import re
import urllib.parse

import botocore.session
import pytest
from cloud import ACCOUNT, OPEN_POLICY, Cloud, arn
from conftest import wait_for
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from test_cloud_operations import Asker, operations

MODEL = botocore.session.get_session().get_service_model("iot")
B = "210987654321"
ROLE = "arn:aws:iam::123456789012:role/device"
TEMPLATE = json.dumps({"Resources": {"certificate": {"Type": "AWS::IoT::Certificate",
                                                     "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}}}}})
THING_TEMPLATE = json.dumps({"Parameters": {"Name": {"Type": "String"}},
                             "Resources": {"thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "Name"}}}}})

#: (operation or None for all, parameter): the class of its errors, where it is not InvalidRequestException.
OTHER_CLASS = {
    (None, "policyDocument"): {"MalformedPolicyException"},
    (None, "certificatePem"): {"CertificateValidationException", "InvalidRequestException"},
    (None, "caCertificatePem"): {"CertificateValidationException", "InvalidRequestException"},
    (None, "caCertificate"): {"CertificateValidationException", "InvalidRequestException"},
    ("RegisterThing", "parameters"): {"ResourceRegistrationFailureException"},
    (None, "verificationCertificate"): {"CertificateValidationException", "InvalidRequestException"},
}
#: What no handler looks at, and why.
NOT_LOOKED_AT = {
    (None, "overrideDynamicGroups"): "there are no dynamic groups yet",
    (None, "cognitoIdentityPoolId"): "there are no Cognito identities here",
}


class Request:
    """An operation of the model and its parameters, as a request."""

    def __init__(self, op, params):
        self.http, self.shape, self.params = op.http, op.input_shape, params

    def parts(self):
        path, query, headers, body = self.http["requestUri"], [], {}, {}
        for name, value in self.params.items():
            s = self.shape.members[name].serialization
            wire, where = s.get("name", name), s.get("location")
            text = json.dumps(value) if isinstance(value, (bool, int)) else value
            if where == "uri":
                path = path.replace("{" + wire + "}", urllib.parse.quote(text, safe=""))
            elif where == "querystring":
                query.append((wire, text))
            elif where == "header":
                headers[wire] = text
            else:
                body[wire] = value
        payload = self.shape.serialization.get("payload")
        body = body.get(payload) if payload else body
        path += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote) if query else ""
        return self.http["method"], path, json.dumps(body).encode() if body else b"", headers


def violations(shape, in_body, whole=False):
    """Values that are none of the shape's: (what is wrong, value)."""
    meta, kind = shape.metadata, shape.type_name
    if kind == "string":
        if "enum" in meta:
            yield "enum", "NONE_OF_THEM"
        if meta.get("max", 1 << 20) < 100000:
            yield "too long", "a" * (meta["max"] + 1)
        if meta.get("min", 0) > 1:
            yield "too short", "a" * (meta["min"] - 1)
        if meta.get("pattern", "[\\s\\S]*") not in ("[\\s\\S]*",) and "\\p{" not in meta["pattern"]:
            bad = [v for v in ("a b", "a!b", "*") if not re.fullmatch(meta["pattern"], v)]
            yield from (("pattern", v) for v in bad[:1])
    if kind in ("integer", "long"):
        yield from (("too small", meta["min"] - 1),) if "min" in meta else ()
        yield from (("too big", meta["max"] + 1),) if "max" in meta else ()
    if in_body and (kind != "string" or not whole):
        yield "type", 5 if kind in ("string", "boolean") else "five"
    elif kind in ("integer", "long", "boolean"):
        yield "type", "five"


def inside(shape, value):
    """The same below a value: (path, what is wrong, the whole value with that in it)."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in value and name in shape.required_members:
                yield name, "missing", {k: v for k, v in value.items() if k != name}
            for what, bad in violations(member, True):
                yield name, what, {**value, name: bad}
            if name in value:
                yield from ((f"{name}.{p}", w, {**value, name: v}) for p, w, v in inside(member, value[name]))
    if shape.type_name == "list" and value:
        for what, bad in violations(shape.member, True):
            yield "[]", what, [bad]
        yield from (("[]." + p, w, [v]) for p, w, v in inside(shape.member, value[0]))
    if shape.type_name == "map" and value:
        key = next(iter(value))
        for what, bad in violations(shape.value, True):
            yield "{}", what, {key: bad}
        yield from (("{}." + p, w, {key: v}) for p, w, v in inside(shape.value, value[key]))


def wrong_requests(op, params):
    """(parameter, what is wrong, request)"""
    for name, member in op.input_shape.members.items() if op.input_shape else ():
        where = member.serialization.get("location")
        if name in op.input_shape.required_members and where != "uri":  # without a label it is another path
            yield name, "missing", Request(op, {k: v for k, v in params.items() if k != name})
        for what, bad in violations(member, where is None):
            yield name, what, Request(op, {**params, name: bad})
        if where is None and name in params:
            for path, what, value in inside(member, params[name]):
                yield f"{name}.{path}", what, Request(op, {**params, name: value})


class Authority:
    """A CA."""

    def __init__(self, name):
        self.name, self.key = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), ec.generate_private_key(ec.SECP256R1())
        self.pem = self.certificate(self.name, self.key, ca=True)

    def certificate(self, name=None, key=None, ca=False):
        now = datetime.datetime.utcnow()
        key = key or ec.generate_private_key(ec.SECP256R1())
        b = x509.CertificateBuilder(self.name, name or x509.Name([]), key.public_key(), x509.random_serial_number(),
                                    now - datetime.timedelta(1), now + datetime.timedelta(9))
        b = b.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        return b.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def request(self):
        csr = x509.CertificateSigningRequestBuilder().subject_name(self.name).sign(self.key, hashes.SHA256())
        return csr.public_bytes(serialization.Encoding.PEM).decode()


def world(cloud):
    """Values for the parameters of every operation; what they name exists."""
    iot = cloud.client("iot")
    for make, name in ((iot.create_thing_type, "thingTypeName"), (iot.create_thing_group, "thingGroupName"),
                       (iot.create_billing_group, "billingGroupName"), (iot.create_thing, "thingName")):
        make(**{name: "x"})
    iot.create_role_alias(roleAlias="x", roleArn=ROLE)
    iot.create_domain_configuration(domainConfigurationName="x")
    iot.create_authorizer(authorizerName="x", authorizerFunctionArn=ROLE, signingDisabled=True)
    iot.set_default_authorizer(authorizerName="x")
    iot.create_policy(policyName="x", policyDocument=json.dumps(OPEN_POLICY))
    iot.set_v2_logging_options(roleArn=ROLE)
    iot.create_provisioning_template(templateName="x", templateBody=TEMPLATE, provisioningRoleArn=ROLE)
    task = {"templateBody": THING_TEMPLATE, "inputFileBucket": "none", "inputFileKey": "none"}
    made_task = iot.start_thing_registration_task(**task, roleArn=ROLE)["taskId"]
    wait_for(lambda: iot.describe_thing_registration_task(taskId=made_task)["status"] == "Failed")
    c = iot.create_keys_and_certificate(setAsActive=True)
    ca = Authority("of the test")
    b = cloud.client("iot", account=B)
    loose = lambda iot: iot.create_certificate_from_csr(certificateSigningRequest=ca.request())["certificateId"]
    spare, pending, *offered = loose(iot), loose(iot), loose(b), loose(b)
    iot.transfer_certificate(certificateId=pending, targetAwsAccount=B)
    for id in offered:
        b.transfer_certificate(certificateId=id, targetAwsAccount=ACCOUNT)
    made = iot.register_ca_certificate(caCertificate=ca.pem, certificateMode="SNI_ONLY", setAsActive=True)
    return {
        **{f"Create{kind}": {name: "new"} for kind, name in (("Thing", "thingName"), ("ThingType", "thingTypeName"), ("Policy", "policyName"),
           ("ThingGroup", "thingGroupName"), ("BillingGroup", "billingGroupName"), ("RoleAlias", "roleAlias"), ("Authorizer", "authorizerName"))},
        **{f"{verb}CACertificate": {"certificateId": made["certificateId"]} for verb in ("Describe", "Update", "Delete")},
        "RegisterCertificate": {"certificatePem": ca.certificate(), "caCertificatePem": ca.pem},
        "TransferCertificate": {"certificateId": spare}, "CancelCertificateTransfer": {"certificateId": pending},
        "AcceptCertificateTransfer": {"certificateId": offered[0]}, "RejectCertificateTransfer": {"certificateId": offered[1]},
        "targetAwsAccount": B, "transferMessage": "m", "rejectReason": "r",
        "CreateDomainConfiguration": {"domainConfigurationName": "new"}, "domainConfigurationName": "x", "domainConfigurationStatus": "DISABLED",
        "serviceType": "DATA", "authorizerConfig": {"defaultAuthorizerName": "x", "allowAuthorizerOverride": True},
        "RegisterCertificateWithoutCA": {"certificatePem": ca.certificate()},
        "RegisterCACertificate": {"caCertificate": Authority("another").pem, "certificateMode": "SNI_ONLY"},
        "CreateProvisioningTemplate": {"templateName": "new"}, "UpdateProvisioningTemplate": {"defaultVersionId": 1},
        "StartThingRegistrationTask": task, "taskId": made_task, "reportType": "ERRORS",
        "RegisterThing": {"templateBody": THING_TEMPLATE, "parameters": {"Name": "provisioned"}},
        "templateName": "x", "templateBody": TEMPLATE, "provisioningRoleArn": ROLE, "versionId": 1, "description": "d", "enabled": True,
        "preProvisioningHook": {"targetArn": ROLE, "payloadVersion": "2020-04-01"}, "type": "FLEET_PROVISIONING",
        "registrationConfig": {"templateBody": TEMPLATE, "roleArn": ROLE}, "caCertificateId": made["certificateId"], "status": "ACTIVE",
        "authorizerName": "x", "authorizerFunctionArn": ROLE, "signingDisabled": True, "tokenKeyName": "x",
        "thingName": "x", "thingTypeName": "x", "thingGroupName": "x", "billingGroupName": "x", "roleAlias": "x", "policyName": "x",
        "policyDocument": json.dumps(OPEN_POLICY), "policyVersionId": "1", "target": c["certificateArn"], "principal": c["certificateArn"],
        "certificateId": c["certificateId"], "certificateSigningRequest": Authority("of none").request(), "newStatus": "ACTIVE", "roleArn": ROLE,
        "resourceArn": arn("thinggroup/x"), "tags": [{"Key": "k", "Value": "v"}], "tagKeys": ["k"], "targetType": "CLIENT_ID", "targetName": "c",
        "logTarget": {"targetType": "CLIENT_ID", "targetName": "c"}, "logLevel": "INFO", "billingGroupProperties": {"billingGroupDescription": "d"},
        "loggingOptionsPayload": {"roleArn": ROLE, "logLevel": "INFO"}, "eventConfigurations": {"THING": {"Enabled": True}},
        "thingGroupProperties": {"thingGroupDescription": "d", "attributePayload": {"attributes": {"a": "1"}, "merge": True}},
        "thingTypeProperties": {"thingTypeDescription": "d", "searchableAttributes": ["a"]},
        "attributePayload": {"attributes": {"a": "1"}, "merge": True}, "authInfos": [{"actionType": "CONNECT", "resources": [arn("client/x")]}],
        "thingGroupsToAdd": ["x"], "thingGroupsToRemove": ["x"], "policyNamesToAdd": ["x"], "policyNamesToSkip": ["x"],
    }


#: Optional ones that would make a valid request another one.
LEFT_OUT = {"UpdateThing": ("thingTypeName",)}


def parameters(op, values):
    """What is required, and the optional parameters in the body."""
    shape = op.input_shape
    members = shape.members.items() if shape else ()
    values = {**values, **values.get(op.name, {})}
    return {k: copy.deepcopy(values[k]) for k, m in members
            if k in shape.required_members or (k in values and not m.serialization.get("location") and k not in LEFT_OUT.get(op.name, ()))}


def done():
    """UpdateThingType is younger than Debian's botocore."""
    return [MODEL.operation_model(o.name) for o in operations(done=True) if o.service == "iot" and o.name in MODEL.operation_names]


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path, "--account", f"{ACCOUNT},{B}")


def in_table(table, op, name):
    first = name.split(".")[0]
    return table.get((op.name, first)) or table.get((None, first))


def classes(op, name, what):
    other = what not in ("missing", "type") and in_table(OTHER_CLASS, op, name)
    return other or {"InvalidRequestException"}


def test_each_parameter_of_each_operation(cloud):
    asker, values = Asker(cloud), world(cloud)
    asked, wrong = 0, []
    for op in done():
        for name, what, request in wrong_requests(op, parameters(op, values)):
            if in_table(NOT_LOOKED_AT, op, name):
                continue
            method, path, body, headers = request.parts()
            status, kind, answer = asker.ask("iot", method, path, body, headers=headers)
            asked += 1
            if status != 400 or kind not in classes(op, name, what) or not answer["message"]:
                wrong.append(f"{op.name} {name} {what}: {status} {kind} {answer}")
    assert asked > 300
    assert not wrong, "\n".join(wrong)


def test_the_same_requests_are_good_with_good_parameters(cloud):
    """The control: what makes the others fail is the one parameter."""
    asker, values, wrong = Asker(cloud), world(cloud), []
    not_yet = {"DeletePolicyVersion": "default version", "DeleteThing": "attached", "DeleteThingType": "deprecated",
               "DeleteDomainConfiguration": "ENABLED"}  # rules
    for op in sorted(done(), key=lambda op: op.name.startswith("D")):
        status, kind, answer = asker.ask("iot", *(p := Request(op, parameters(op, values)).parts())[:3], headers=p[3])
        by_rule = op.name.startswith("De") and (status in (404, 406, 409) or not_yet.get(op.name, "#") in answer.get("message", ""))
        nobody_to_ask = op.name == "TestInvokeAuthorizer" and "hooks.conf has nothing" in answer.get("message", "")
        if status != 200 and not by_rule and not nobody_to_ask:
            wrong.append(f"{op.name}: {status} {kind} {answer}")
    assert not wrong, "\n".join(wrong)
