"""Bulk registration: a file of parameters, a line for each thing, in a folder below the data directory (docs/spec/provisioning.md
PV-40..49)."""

import json
import os
import urllib.error
import urllib.request

import pytest
from authority import Authority
from cloud import Cloud
from conftest import wait_for
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

ROLE = "arn:aws:iam::123456789012:role/bulk"
TEMPLATE = json.dumps({
    "Parameters": {"Name": {"Type": "String"}, "Serial": {"Type": "String", "Default": "0"}},
    "Resources": {"thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": {"Ref": "Name"},
                                                                      "AttributePayload": {"serial": {"Ref": "Serial"}}}}}})


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


def put(cloud, lines, bucket="fleet", key="in/things.json"):
    path = cloud.data / "buckets" / bucket / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines))
    return {"templateBody": TEMPLATE, "inputFileBucket": bucket, "inputFileKey": key, "roleArn": ROLE}


def finished(iot, task):
    def ended():
        d = iot.describe_thing_registration_task(taskId=task)
        return d["status"] not in ("InProgress", "Cancelling") and d
    return wait_for(ended, 60)


def report(iot, task, kind):
    links = iot.list_thing_registration_task_reports(taskId=task, reportType=kind)["resourceLinks"]
    return [json.loads(line) for link in links for line in urllib.request.urlopen(link, timeout=10).read().splitlines()]


def names(iot):
    return [t["thingName"] for page in iot.get_paginator("list_things").paginate() for t in page["things"]]


def test_a_file_makes_things_and_reports(cloud):
    iot = cloud.client("iot")
    lines = [json.dumps({"Name": f"t{i}", "Serial": str(i)}) for i in range(5)]
    lines[1:1] = ["", '{"Serial":"1"}', '{"Name":"a b"}', "no json", "[]"]
    task = iot.start_thing_registration_task(**put(cloud, lines))["taskId"]
    d = finished(iot, task)
    assert (d["status"], d["successCount"], d["failureCount"], d["percentageProgress"]) == ("Completed", 5, 4, 100)
    assert names(iot) == [f"t{i}" for i in range(5)]
    assert iot.describe_thing(thingName="t3")["attributes"] == {"serial": "3"}
    errors = report(iot, task, "ERRORS")
    assert [e["lineNumber"] for e in errors] == [2, 3, 4, 5]
    for error, why in zip(errors, ("'Name' is missing", "no name for a thing", "not JSON", "not a JSON object")):
        assert why in error["errorMessage"]
    results = report(iot, task, "RESULTS")
    assert [r["response"]["resourceArns"]["thing"].rsplit("/")[-1] for r in results] == names(iot)
    assert d["templateBody"] == TEMPLATE and d["inputFileKey"] == "in/things.json" and d["roleArn"] == ROLE
    assert iot.list_thing_registration_tasks()["taskIds"] == [task]
    assert iot.list_thing_registration_tasks(status="Failed")["taskIds"] == []


def test_certificates_of_a_csr(cloud):
    """The usual bulk template: a signing request for each device; the report has its certificate."""
    iot, device = cloud.client("iot"), Authority("device")
    csr = x509.CertificateSigningRequestBuilder().subject_name(device.name).sign(device.key, hashes.SHA256())
    template = json.loads(TEMPLATE)
    template["Parameters"]["CSR"] = {"Type": "String"}
    template["Resources"]["certificate"] = {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateSigningRequest": {"Ref": "CSR"}}}
    request = put(cloud, [json.dumps({"Name": "t", "CSR": csr.public_bytes(serialization.Encoding.PEM).decode()})])
    task = iot.start_thing_registration_task(**{**request, "templateBody": json.dumps(template)})["taskId"]
    assert finished(iot, task)["successCount"] == 1
    response = report(iot, task, "RESULTS")[0]["response"]
    id = response["resourceArns"]["certificate"].rsplit("/")[-1]
    assert response["certificatePem"] == iot.describe_certificate(certificateId=id)["certificateDescription"]["certificatePem"]
    assert iot.describe_certificate(certificateId=id)["certificateDescription"]["status"] == "ACTIVE"
    assert len(iot.list_thing_principals(thingName="t")["principals"]) == 1


def test_nothing_outside_the_bucket_is_read(cloud, tmp_path):
    iot = cloud.client("iot")
    request = put(cloud, [json.dumps({"Name": "good"})])
    secret = tmp_path / "secret"
    secret.write_text(json.dumps({"Name": "stolen"}))
    bucket = cloud.data / "buckets" / "fleet"
    (bucket / "link").symlink_to(secret)
    (bucket / "folder").symlink_to(tmp_path)
    os.mkfifo(bucket / "pipe")
    for key in ("../../../secret", "link", "folder/secret", "pipe", "in", "none", "in//things.json", "./in/things.json", "/etc/passwd"):
        task = iot.start_thing_registration_task(**{**request, "inputFileKey": key})["taskId"]
        d = finished(iot, task)
        assert d["status"] == "Failed" and "cannot be read" in d["message"], (key, d)
    raw = cloud.client("iot", parameter_validation=False)
    for bad in ("..", "no such", "a/b", "x" * 257):
        with pytest.raises(iot.exceptions.InvalidRequestException):
            raw.start_thing_registration_task(**{**request, "inputFileBucket": bad})
    assert finished(iot, iot.start_thing_registration_task(**{**request, "inputFileBucket": "..."})["taskId"])["status"] == "Failed"
    assert names(iot) == []
    assert finished(iot, iot.start_thing_registration_task(**request)["taskId"])["successCount"] == 1  # the control


def test_a_report_needs_its_link(cloud):
    iot = cloud.client("iot")
    task = iot.start_thing_registration_task(**put(cloud, ['{"Name":"t"}']))["taskId"]
    finished(iot, task)
    link = iot.list_thing_registration_task_reports(taskId=task, reportType="RESULTS")["resourceLinks"][0]
    token = link.split("token=")[1].split("&")[0]
    for bad in (link.replace(token, "0" * 32), link.replace(token, ""), link.split("?")[0], link.replace(task, "x"),
                link.replace("part=0", "part=7")):
        with pytest.raises(urllib.error.HTTPError) as e:
            urllib.request.urlopen(bad, timeout=10)
        assert e.value.code == 404, bad
    assert urllib.request.urlopen(link, timeout=10).status == 200
    assert iot.list_thing_registration_task_reports(taskId=task, reportType="ERRORS")["resourceLinks"] == []


def test_a_task_survives_its_server(cloud):
    """kill -9 in the middle: every line is done once, none is left out."""
    iot = cloud.client("iot")
    task = iot.start_thing_registration_task(**put(cloud, [json.dumps({"Name": f"t{i:05d}"}) for i in range(1500)]))["taskId"]
    wait_for(lambda: iot.describe_thing_registration_task(taskId=task)["successCount"] > 20)
    with pytest.raises(iot.exceptions.InvalidRequestException):  # one at a time
        iot.start_thing_registration_task(**put(cloud, ["{}"], key="other"))
    cloud.kill()
    cloud.start()
    d = finished(iot, task)
    assert (d["successCount"], d["failureCount"]) == (1500, 0)
    assert names(iot) == [f"t{i:05d}" for i in range(1500)]
    assert [r["lineNumber"] for r in report(iot, task, "RESULTS")] == list(range(1, 1501))
    assert len(iot.list_thing_registration_task_reports(taskId=task, reportType="RESULTS")["resourceLinks"]) == 2


def test_a_task_is_stopped(cloud):
    iot = cloud.client("iot")
    task = iot.start_thing_registration_task(**put(cloud, [json.dumps({"Name": f"t{i}"}) for i in range(20000)]))["taskId"]
    wait_for(lambda: iot.describe_thing_registration_task(taskId=task)["successCount"] > 5)
    iot.stop_thing_registration_task(taskId=task)
    d = finished(iot, task)
    assert d["status"] == "Cancelled" and 5 < d["successCount"] < 20000
    iot.stop_thing_registration_task(taskId=task)  # it has ended: nothing happens
    assert iot.describe_thing_registration_task(taskId=task)["status"] == "Cancelled"
    again = iot.start_thing_registration_task(**put(cloud, ['{"Name":"last"}'], key="small"))["taskId"]
    assert finished(iot, again)["status"] == "Completed"


def test_a_line_too_long_ends_the_task(cloud):
    iot = cloud.client("iot")
    task = iot.start_thing_registration_task(**put(cloud, ['{"Name":"t"}', '{"Name":"' + "x" * 200000 + '"}']))["taskId"]
    d = finished(iot, task)
    assert d["status"] == "Failed" and "longer than" in d["message"] and d["successCount"] == 1
