"""The credentials provider: a device's certificate as temporary access keys, which the control port takes with their token."""

import datetime
import json
import re

import pytest
from botocore.awsrequest import AWSRequest
from botocore.auth import SigV4Auth
from botocore.credentials import Credentials
from cloud import ACCOUNT, REGION, Cloud, arn
from test_cloud_api import refused
from test_cloud_keys import denied
import urllib.error
import urllib.request

ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/Reader"
ALLOW = {"Effect": "Allow", "Action": "iot:AssumeRoleWithCertificate", "Resource": arn("rolealias/reader")}


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.fixture
def cloud(procs, tmp_path):
    cloud = Cloud(procs, tmp_path)
    cloud.client("iot").create_role_alias(roleAlias="reader", roleArn=ROLE, credentialDurationSeconds=900)
    role(cloud, {"Effect": "Allow", "Action": "iot:DescribeThing", "Resource": arn("thing/${credentials-iot:ThingName}")},
         {"Effect": "Allow", "Action": "iot:ListThings", "Resource": "*"})
    return cloud


def role(cloud, *statements, name="Reader"):
    folder = cloud.data / "roles"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(policy(*statements)))


def ask(device, alias="reader", thing=None, status=200):
    got, body = device.curl(f"/role-aliases/{alias}/credentials", *(["-H", f"x-amzn-iot-thingname: {thing}"] if thing else []))
    assert got == status, body
    return json.loads(body)["credentials"] if status == 200 else json.loads(body)["message"]


def client(cloud, c, **kw):
    return cloud.client("iot", aws_access_key_id=c["accessKeyId"], aws_secret_access_key=c["secretAccessKey"],
                        **{"aws_session_token": c["sessionToken"], **kw})


def test_issued_and_used(cloud):
    d = cloud.device("d", policy=policy(ALLOW))
    cloud.client("iot").create_thing(thingName="other")
    c = ask(d, thing="d")
    assert set(c) == {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"} and c["accessKeyId"].startswith("ASIA")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", c["expiration"])
    left = datetime.datetime.fromisoformat(c["expiration"].rstrip("Z")) - datetime.datetime.utcnow()
    assert 880 < left.total_seconds() <= 900
    iot = client(cloud, c)
    assert len(iot.list_things()["things"]) == 2 and iot.describe_thing(thingName="d")["thingName"] == "d"
    denied(iot.describe_thing, "iot:DescribeThing", arn("thing/other"), thingName="other")
    denied(iot.create_thing, "iot:CreateThing", arn("thing/x"), thingName="x")
    # without the thing's name the variable is missing, and grants nothing
    denied(client(cloud, ask(d)).describe_thing, "iot:DescribeThing", arn("thing/d"), thingName="d")
    # they live on after a restart, and the role's policy counts as it is now
    assert cloud.stop() == 0
    cloud.start()
    iot = client(cloud, c)
    iot.list_things()
    role(cloud, {"Effect": "Allow", "Action": "iot:CreateThing", "Resource": "*"})
    denied(iot.list_things, "iot:ListThings", "*")
    assert c["secretAccessKey"] not in cloud.log() and c["sessionToken"] not in cloud.log()


def test_tokens_that_are_not_ours(cloud):
    d = cloud.device("d", policy=policy(ALLOW))
    a, b = ask(d), ask(d)
    client(cloud, a).list_things()
    unknown = lambda c, **kw: refused(client(cloud, c, **kw).list_things, "UnrecognizedClientException", 403)
    unknown(a, aws_session_token=None)
    unknown(a, aws_session_token=b["sessionToken"])
    unknown(a, aws_session_token="x" * 3000)
    unknown(a, aws_session_token="bm90IG91cnM=")
    unknown({**a, **{"accessKeyId": cloud.keys()["aws_access_key_id"], "secretAccessKey": cloud.keys()["aws_secret_access_key"]}})
    refused(client(cloud, {**a, "secretAccessKey": b["secretAccessKey"]}).list_things, "InvalidSignatureException", 403)


def test_refused(cloud):
    d = cloud.device("d", policy=policy(ALLOW))
    iot = cloud.client("iot")
    for name, arn_ in (("unknown-role", ROLE.replace("Reader", "Nobody")), ("foreign", ROLE.replace(ACCOUNT, "999999999999")),
                       ("dots", f"arn:aws:iam::{ACCOUNT}:role/..")):
        iot.create_role_alias(roleAlias=name, roleArn=arn_)
    assert "no policy of certificate" in ask(d, "unknown-role", status=403)
    iot.create_policy_version(policyName="d-policy", setAsDefault=True, policyDocument=json.dumps(policy({**ALLOW, "Resource": "*"})))
    for alias in ("unknown-role", "foreign", "dots"):
        assert ask(d, alias, status=403) == "Access Denied"
    assert "not found" in ask(d, "nothing", status=404)
    iot.create_thing(thingName="not-mine")
    assert ask(d, thing="not-mine", status=403) == "Access Denied" == ask(d, thing="nobody", status=403)
    ask(d, thing="d")  # the control
    iot.update_certificate(certificateId=d.id, newStatus="INACTIVE")
    ask(d, status=403)
    iot.update_certificate(certificateId=d.id, newStatus="ACTIVE")
    iot.create_policy_version(policyName="d-policy", setAsDefault=True, policyDocument=json.dumps(policy(
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"})))
    ask(d, status=403)


def test_an_unsigned_payload(cloud):
    """Refused, though the signature over it is good."""
    def post(payload_hash):
        k = cloud.keys()
        request = AWSRequest("POST", cloud.api + "/things/t", data=b"{}", headers={"x-amz-content-sha256": payload_hash} if payload_hash else {})
        signer = SigV4Auth(Credentials(k["aws_access_key_id"], k["aws_secret_access_key"]), "iot", REGION)
        if payload_hash:
            signer.payload = lambda _: payload_hash
        signer.add_auth(request)
        try:
            return urllib.request.urlopen(urllib.request.Request(request.url, b"{}", dict(request.headers), method="POST"), timeout=20).status
        except urllib.error.HTTPError as e:
            return e.headers["x-amzn-errortype"]
    assert post("UNSIGNED-PAYLOAD") == "InvalidSignatureException"
    assert post(None) == 200
