"""src/sigv4 against botocore, which signs what unmodified AWS clients send."""

import datetime
import json
import pathlib
import subprocess
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.config import Config

from conftest import MESON

OK, MISSING, INCOMPLETE, EXPIRED, NOT_YET, MISMATCH = range(6)
ACCESS = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime.datetime(2026, 3, 1, 12, 34, 56)
NOW_MS = int(NOW.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
ROUNDS = 300


class Probe:
    def __init__(self):
        self.p = subprocess.Popen([MESON / "tests/integration/programs/sigv4_probe"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        request = {"access": ACCESS, "secret": SECRET, "region": "us-east-1", "service": "iot", "now_ms": NOW_MS, **request}
        self.p.stdin.write(json.dumps({k: v for k, v in request.items() if v is not None}) + "\n")
        self.p.stdin.flush()
        return json.loads(self.p.stdout.readline())

    def verify(self, **request):
        return self.ask(op="verify", **request)


@pytest.fixture(scope="module")
def probe():
    p = Probe()
    yield p
    p.p.stdin.close()
    assert p.p.wait(5) == 0


@pytest.fixture(autouse=True)
def frozen_clock(monkeypatch):
    class Frozen(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return NOW

        @classmethod
        def now(cls, tz=None):
            return NOW if tz is None else NOW.replace(tzinfo=tz)

    frozen = type("datetime_module", (), {"datetime": Frozen, "timezone": datetime.timezone})
    monkeypatch.setattr(botocore.auth, "datetime", frozen)
    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *a, **k: NOW)


def random_text(rng, alphabet, most):
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(most)))


NASTY = "abcXYZ019-_.~ /%$&=+:;,@!*'()é€#?"


def random_request(rng):
    """As a well-behaved client writes it: each path segment and parameter escaped once."""
    path = "/" + "/".join(urllib.parse.quote(random_text(rng, NASTY, 12), safe="-_.~$!*'()+,;=:@"[: rng.randrange(17)])
                          for _ in range(rng.randrange(5)))
    if rng.random() < 0.2:
        path += "/../x//./y/"
    pairs = [(random_text(rng, NASTY, 8) or "k", random_text(rng, NASTY, 12)) for _ in range(rng.randrange(5))]
    headers = {f"x-{random_text(rng, 'abcXYZ-', 8)}z": random_text(rng, "ab c  d\t1;,=", 20) for _ in range(rng.randrange(4))}
    headers["Host"] = rng.choice(["localhost:4566", "iot.us-east-1.amazonaws.com", "127.0.0.1:1"])
    if rng.random() < 0.3:
        headers["x-amz-tagging"] = "a=b"
    return {
        "method": rng.choice(["GET", "PUT", "POST", "DELETE", "PATCH"]),
        "path": path,
        "query": "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for k, v in pairs),
        "headers": headers,
        "body": random_text(rng, "{}\":,abc 019é\n", 60),
        "region": rng.choice(["us-east-1", "eu-west-1"]),
        "service": rng.choice(["iot", "execute-api", "iotdata", "greengrass"]),
        "token": rng.choice([None, "IQoJb3JpZ2luX2VjE//////////wEaCXVz+a=="]),
    }


def botocore_request(r):
    url = f"http://{r['headers']['Host']}{r['path']}" + (f"?{r['query']}" if r["query"] else "")
    return botocore.awsrequest.AWSRequest(method=r["method"], url=url, headers=dict(r["headers"]), data=r["body"].encode())


def credentials(r):
    return botocore.credentials.Credentials(ACCESS, SECRET, r["token"])


def wire(r, headers, query=None):
    """What the server sees."""
    return {"method": r["method"], "path": r["path"], "query": r["query"] if query is None else query,
            "headers": [[k, v] for k, v in headers.items()], "body": r["body"]}


VECTORS = json.loads((pathlib.Path(__file__).resolve().parents[1] / "vectors/sigv4.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda v: v["name"])
def test_public_vectors(probe, vector):
    """AWS's own suite; and what was changed afterwards is refused."""
    line, *headers = vector["request"]
    method, target = line.split(" ", 1)
    path, _, query = target.partition("?")
    now_ms = int(datetime.datetime.fromisoformat(VECTORS["time"][:-1]).replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
    seen = {"method": method, "path": path, "query": query, "headers": [h.split(": ", 1) for h in headers], "body": vector["body"],
            "access": VECTORS["access"], "secret": VECTORS["secret"], "now_ms": now_ms}
    answer = probe.verify(**seen)
    assert answer["verdict"] == OK, answer
    for change in ({"method": "DELETE"}, {"path": path + "x"}, {"query": query + "&x=1"}, {"body": vector["body"] + "x"}, {"secret": "other"}):
        assert probe.verify(**{**seen, **change})["verdict"] == MISMATCH, change


def test_we_sign_as_botocore_does(probe, rng):
    for _ in range(ROUNDS):
        r = random_request(rng)
        theirs = botocore_request(r)
        botocore.auth.SigV4Auth(credentials(r), r["service"], r["region"]).add_auth(theirs)
        ours = probe.ask(op="sign", **{**r, "headers": [[k, v] for k, v in r["headers"].items()]})
        assert (ours["date"], ours["authorization"]) == (theirs.headers["X-Amz-Date"], theirs.headers["Authorization"]), r


def test_we_verify_what_botocore_signs(probe, rng):
    for _ in range(ROUNDS):
        r = random_request(rng)
        signed = botocore_request(r)
        botocore.auth.SigV4Auth(credentials(r), r["service"], r["region"]).add_auth(signed)
        seen = wire(r, signed.headers)
        answer = probe.verify(**seen)
        assert answer["verdict"] == OK, (r, answer)
        assert (answer["access"], answer["region"], answer["service"]) == (ACCESS, r["region"], r["service"])
        assert probe.verify(**{**seen, "body": r["body"] + "x"})["verdict"] == MISMATCH
        assert probe.verify(**{**seen, "secret": SECRET[:-1]})["verdict"] == MISMATCH
        assert probe.verify(**{**seen, "now_ms": NOW_MS + 301000})["verdict"] == EXPIRED
        assert probe.verify(**{**seen, "now_ms": NOW_MS - 301000})["verdict"] == NOT_YET


def test_presigned_both_ways(probe, rng):
    for _ in range(ROUNDS):
        r = random_request(rng)
        r["headers"] = {"Host": r["headers"]["Host"]}
        r["body"] = ""
        r["method"] = "GET"
        signed = botocore_request(r)
        botocore.auth.SigV4QueryAuth(credentials(r), r["service"], r["region"], expires=600).add_auth(signed)
        query = urllib.parse.urlsplit(signed.url).query
        seen = wire(r, r["headers"], query)
        seen["path"] = urllib.parse.urlsplit(signed.url).path or "/"
        assert probe.verify(**seen)["verdict"] == OK, (r, query)
        assert probe.verify(**{**seen, "now_ms": NOW_MS + 601000})["verdict"] == EXPIRED
        assert probe.verify(**{**seen, "query": query + "&more=1"})["verdict"] == MISMATCH
        # the same pairs, and so the same signature, from us
        plain = urllib.parse.parse_qsl(r["query"], keep_blank_values=True)
        if len({k for k, _ in plain}) < len(plain):
            continue  # botocore keeps one of several parameters of a name
        ours = probe.ask(op="presign", expires=600, **{**r, "path": seen["path"], "headers": [["Host", r["headers"]["Host"]]]})
        assert sorted(urllib.parse.parse_qsl(ours["query"], keep_blank_values=True)) == sorted(
            urllib.parse.parse_qsl(query, keep_blank_values=True))


@pytest.mark.parametrize("token", [None, "tok/en+="])
@pytest.mark.parametrize("signed_token", [False, True])
def test_mqtt_over_websocket(probe, token, signed_token):
    """iot-core.md 9.5: the session token behind the signature (the device SDKs) or within it (botocore)."""
    r = {"method": "GET", "path": "/mqtt", "query": "", "headers": {"Host": "localhost"}, "body": "", "token": token}
    with_token = credentials({"token": token if signed_token else None})
    signed = botocore_request(r)
    botocore.auth.SigV4QueryAuth(with_token, "iotdevicegateway", "us-east-1", expires=86400).add_auth(signed)
    query = urllib.parse.urlsplit(signed.url).query
    if token and not signed_token:
        query += "&X-Amz-Security-Token=" + urllib.parse.quote(token, safe="")
    answer = probe.verify(**wire(r, r["headers"], query))
    assert (answer["verdict"], answer["service"]) == (OK, "iotdevicegateway")


class Sent(Exception):
    pass


CALLS = [
    ("iot-data", "publish", {"topic": "$aws/rules/x/a b", "qos": 1, "payload": b"hello"}),
    ("iot-data", "get_retained_message", {"topic": "a/b"}),
    ("iot-data", "update_thing_shadow", {"thingName": "a:b", "shadowName": "s", "payload": b'{"state":{}}'}),
    ("iot-jobs-data", "describe_job_execution", {"jobId": "$next", "thingName": "t"}),
    ("iot-jobs-data", "start_next_pending_job_execution", {"thingName": "t"}),
    ("iot", "attach_thing_principal", {"thingName": "t", "principal": "arn:aws:iot:us-east-1:1:cert/ab"}),
    ("iot", "list_policies", {"ascendingOrder": True, "pageSize": 3}),
    ("iot", "create_topic_rule", {"ruleName": "r", "tags": "a=b", "topicRulePayload": {"sql": "SELECT * FROM 'é'", "actions": []}}),
    ("iot", "list_audit_tasks", {"startTime": datetime.datetime(2024, 1, 1), "endTime": datetime.datetime(2024, 2, 1)}),
    ("iot", "create_keys_and_certificate", {"setAsActive": True}),
    ("greengrass", "create_group", {"Name": "g", "AmznClientToken": "t"}),
    ("greengrass", "get_group", {"GroupId": "12-34"}),
]


@pytest.mark.parametrize("service,call,arguments", CALLS)
def test_requests_of_the_real_sdk(probe, service, call, arguments):
    """The calls of iot-core.md 4.1 exactly as boto3 puts them on the wire."""
    client = boto3.client(service, region_name="eu-west-1", endpoint_url="http://localhost:4566", aws_access_key_id=ACCESS,
                          aws_secret_access_key=SECRET, aws_session_token="tok/en==", config=Config(retries={"max_attempts": 0}))
    caught = []

    def before_send(request, **_):
        caught.append(request)
        raise Sent

    client.meta.events.register("before-send", before_send)
    with pytest.raises(Sent):
        getattr(client, call)(**arguments)
    url = urllib.parse.urlsplit(caught[0].url)
    headers = {k: v.decode() if isinstance(v, bytes) else v for k, v in caught[0].headers.items()}
    if "host" not in map(str.lower, headers):
        headers["Host"] = url.netloc
    body = caught[0].body or b""
    seen = {"method": caught[0].method, "path": url.path, "query": url.query, "headers": list(headers.items()),
            "body": body.decode() if isinstance(body, bytes) else body}
    # Debian's botocore signs with the AWS common runtime where that is installed, which has its own clock.
    date = datetime.datetime.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    seen["now_ms"] = int(date.timestamp() * 1000)
    answer = probe.verify(**seen)
    assert answer["verdict"] == OK, (seen, answer)
    assert answer["region"] == "eu-west-1"
    assert answer["service"] in {"iot": ("execute-api", "iot"), "iot-data": ("iotdata",), "iot-jobs-data": ("iot-jobs-data",),
                                 "greengrass": ("greengrass",)}[service]
    stripped = [[k, v] for k, v in seen["headers"] if k.lower() != "authorization"]
    assert probe.verify(**{**seen, "headers": stripped})["verdict"] == MISSING
    unsigned = seen["headers"] + [["x-amz-extra", "1"]]
    assert probe.verify(**{**seen, "headers": unsigned})["verdict"] == INCOMPLETE
