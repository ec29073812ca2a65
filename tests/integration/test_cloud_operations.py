"""Every operation of the four APIs that is not there yet answers 501, to signed requests only."""

import http.client
import importlib.machinery
import importlib.util
import json
import pathlib
import re

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cloud import REGION, Cloud

TOP = pathlib.Path(__file__).resolve().parents[2]
SIGNED_AS = {"iot": "iot", "iot-data": "iotdata", "iot-jobs-data": "iot-jobs-data", "greengrass": "greengrass"}


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


def operations(done):
    loader = importlib.machinery.SourceFileLoader("api_table", str(TOP / "tools/api-table"))
    t = importlib.util.module_from_spec(importlib.util.spec_from_loader("api_table", loader))
    loader.exec_module(t)
    tables = (t.read_table(f.read_text()) for f in (t.DONE, t.LATER))
    return [o for o, is_done in t.states(t.read_list(t.LIST.read_text()), *tables)[0] if is_done == done]


class Asker:
    """Requests over one connection, signed or not."""

    def __init__(self, cloud):
        self.host = cloud.api.split("//")[1]
        self.connection = http.client.HTTPConnection(self.host, timeout=20)
        self.credentials = Credentials(*cloud.keys().values())

    def ask(self, service, method, path, body=b"", sign=True, headers=None):
        request = AWSRequest(method=method, url=f"http://{self.host}{path}", data=body, headers={"Host": self.host, **(headers or {})})
        if sign:
            SigV4Auth(self.credentials, SIGNED_AS[service], REGION).add_auth(request)
        self.connection.request(method, path, body=body, headers=dict(request.headers))
        answer = self.connection.getresponse()
        return answer.status, answer.headers.get("x-amzn-ErrorType"), json.loads(answer.read())


def test_what_is_to_come_says_so(cloud):
    asker, asked = Asker(cloud), operations(done=False)
    assert asked
    for o in asked:
        path = re.sub(r"\{[^}]*\}", "x", o.uri)
        status, kind, body = asker.ask(o.service, o.method, path)
        message = "Message" if o.service == "greengrass" else "message"
        assert (status, kind, body) == (501, "NotImplementedException", {message: f"Operation {o.name} is not implemented yet"}), o


def test_strangers_learn_nothing(cloud):
    asker = Asker(cloud)
    for o in operations(done=False)[::25]:
        status, kind, _ = asker.ask(o.service, o.method, re.sub(r"\{[^}]*\}", "x", o.uri), sign=False)
        assert (status, kind) == (403, "MissingAuthenticationTokenException"), o


def test_the_credential_scope_tells_jobs_from_jobs(cloud):
    asker = Asker(cloud)
    told = {s: asker.ask(s, "GET", "/things/t/jobs")[2]["message"].split()[1] for s in ("iot", "iot-jobs-data")}
    assert told == {"iot": "ListJobExecutionsForThing", "iot-jobs-data": "GetPendingJobExecutions"}


def test_the_body_of_what_is_to_come_is_not_looked_at(cloud):
    assert Asker(cloud).ask("iot", "POST", "/jobs/x/targets", b"\xff{")[0] == 501


def test_an_arn_with_its_slashes_as_they_are(cloud):
    path = f"/destinations/arn:aws:iot:{REGION}:123456789012:ruledestination/http/x"
    assert "GetTopicRuleDestination" in Asker(cloud).ask("iot", "GET", path)[2]["message"]
