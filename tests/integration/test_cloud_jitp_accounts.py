"""A customer's CA in two accounts: a device joins the one it names in its handshake, and bulk registration reads that account's folder."""

import json

from authority import Authority, name_of
from test_cloud_accounts import A, B, cloud, connect  # noqa: F401 (a fixture)
from test_cloud_bulk import TEMPLATE as BULK, finished, names, report
from test_cloud_jitp import ROLE, TEMPLATE


def test_a_device_joins_the_account_that_it_names(cloud):  # noqa: F811
    ca, ids = Authority(), {}
    for account in (A, B):
        iot = cloud.client("iot", account=account if account != A else None)
        iot.create_thing_group(thingGroupName="fleet")
        ids[account] = iot.register_ca_certificate(caCertificate=ca.pem, certificateMode="SNI_ONLY", setAsActive=True, allowAutoRegistration=True,
                                                   registrationConfig={"templateBody": json.dumps(TEMPLATE), "roleArn": ROLE})["certificateId"]
    assert ids[A] == ids[B]
    device = ca.device(cloud, "lamp", subject=name_of(CN="lamp", SN="1", C="DE"))
    name = f"{B}.localhost"
    assert connect(cloud, device, name, "lamp") is None
    assert connect(cloud, device, name, "lamp") == 0
    assert names(cloud.client("iot", account=B)) == ["lamp"]
    assert names(cloud.client("iot")) == [] and cloud.client("iot").list_certificates()["certificates"] == []
    assert connect(cloud, device, "localhost", "lamp") is None  # the same certificate in the other account, by itself
    assert connect(cloud, device, "localhost", "lamp") == 0
    described = cloud.client("iot").describe_certificate(certificateId=device.id)["certificateDescription"]
    assert (described["certificateMode"], described["ownedBy"]) == ("SNI_ONLY", A)


def test_each_account_has_its_buckets(cloud):  # noqa: F811
    iot = cloud.client("iot", account=B)
    folder = cloud.data / "accounts" / B / "buckets" / "fleet"
    folder.mkdir(parents=True)
    (folder / "in").write_text('{"Name":"there"}\n')
    request = {"templateBody": BULK, "inputFileBucket": "fleet", "inputFileKey": "in", "roleArn": ROLE}
    task = iot.start_thing_registration_task(**request)["taskId"]
    assert finished(iot, task)["successCount"] == 1
    assert report(iot, task, "RESULTS")[0]["response"]["resourceArns"]["thing"] == f"arn:aws:iot:us-east-1:{B}:thing/there"
    first = cloud.client("iot")
    assert finished(first, first.start_thing_registration_task(**request)["taskId"])["status"] == "Failed"
    assert names(first) == []
