"""Custom authorizers: an HTTP service of the operator's decides who is let in over WebSocket, and with which policies."""

import base64
import http.server
import json
import threading
import time
import urllib.parse

import botocore.exceptions
import mqtt_wire
import pytest
import ws_wire
from cloud import Cloud, arn
from conftest import Processes
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from ws_wire import Refused, WsClient

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:decide"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def policy(*topics):
    return {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"},
        {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": [arn("topic/" + t) for t in topics]},
        {"Effect": "Allow", "Action": "iot:Subscribe", "Resource": [arn("topicfilter/" + t) for t in topics]}]}


class Service:
    """What answers the authorizer's calls; `say` is the answer, or a function of the event."""

    def __init__(self):
        self.events, self.say = [], None
        me = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                me.events.append(event)
                say = me.say(event) if callable(me.say) else me.say
                body = say if isinstance(say, bytes) else json.dumps(say).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/decide"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


YES = {"isAuthenticated": True, "principalId": "somebody", "policyDocuments": [json.dumps(policy("a"))], "disconnectAfterInSeconds": 3600,
       "refreshAfterInSeconds": 300}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    procs, service = Processes(tmp_path_factory.mktemp("p")), Service()
    folder = tmp_path_factory.mktemp("c")
    (folder / "cloud").mkdir(mode=0o700)
    (folder / "cloud/hooks.conf").write_text(f"{FUNCTION} = {service.url}\n")
    (folder / "cloud/hooks.conf").chmod(0o600)
    cloud = Cloud(procs, folder)
    iot = cloud.client("iot")
    iot.create_authorizer(authorizerName="signed", authorizerFunctionArn=FUNCTION, tokenKeyName="token", status="ACTIVE",
                          tokenSigningPublicKeys={"old": pem(OTHER), "new": pem(KEY)})
    iot.create_authorizer(authorizerName="plain", authorizerFunctionArn=FUNCTION, signingDisabled=True, status="ACTIVE")
    iot.create_authorizer(authorizerName="off", authorizerFunctionArn=FUNCTION, signingDisabled=True, status="INACTIVE")
    iot.create_authorizer(authorizerName="nowhere", authorizerFunctionArn=FUNCTION + "2", signingDisabled=True, status="ACTIVE")
    cloud.service = service
    yield cloud
    procs.stop_all()
    service.server.shutdown()


@pytest.fixture
def cloud(shared):
    shared.service.events, shared.service.say = [], YES
    return shared


def connect(cloud, query="", more=(), v=5, client_id="c", **kw):
    port = urllib.parse.urlsplit(cloud.api).port
    c = WsClient(port, "/mqtt" + query, f"127.0.0.1:{port}", v=v, more=more)
    c.connect(client_id, **kw)
    return c


def sign(token, key=KEY):
    return base64.b64encode(key.sign(token.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def q(**kw):
    return "?" + "&".join(f"{k.replace('_', '-')}={urllib.parse.quote(v, safe='')}" for k, v in kw.items())


def named(name, **kw):
    return q(x_amz_customauthorizer_name=name, **kw)


def test_user_name_and_password(cloud):
    """The event has what the client showed; the policies count, and nothing else."""
    c = connect(cloud, named("plain"), user="me?SDK=x", password=b"\x00secret")
    [e] = cloud.service.events
    assert e["protocols"] == ["http", "mqtt"] and e["signatureVerified"] is False and "token" not in e
    assert e["protocolData"]["mqtt"] == {"username": "me?SDK=x", "password": base64.b64encode(b"\x00secret").decode(), "clientId": "c"}
    assert e["protocolData"]["http"]["queryString"] == "x-amz-customauthorizer-name=plain"
    assert len(e["connectionMetadata"]["id"]) == 36
    assert c.subscribe(("a", 1), ("b", 1)) == [1, 0x87]
    c.publish("a", b"x", 1)
    assert c.receive().payload == b"x"


def test_the_events_name_its_principal(cloud):
    port = urllib.parse.urlsplit(cloud.api).port
    e = WsClient(port, ws_wire.sign(cloud.keys(), f"127.0.0.1:{port}"), f"127.0.0.1:{port}")
    e.connect("events")
    e.subscribe(("$aws/events/presence/connected/ev", 1))
    connect(cloud, named("plain"), client_id="ev")
    assert json.loads(e.receive().payload)["principalIdentifier"] == "somebody"


@pytest.mark.parametrize("where", ["query", "header", "user", "username"])
def test_signed_tokens(cloud, where):
    """In the query, in headers, and behind the user name's question mark; by either of two keys."""
    s = sign("t0ken")
    if where == "query":
        connect(cloud, named("signed", token="t0ken", x_amz_customauthorizer_signature=s))
    elif where == "header":
        connect(cloud, more=("x-amz-customauthorizer-name: signed", "Token: t0ken", f"X-Amz-CustomAuthorizer-Signature: {s}"))
    elif where == "user":
        connect(cloud, named("signed"), user="me" + q(token="t0ken", x_amz_customauthorizer_signature=s), password=b"x")
    else:
        connect(cloud, named("signed", token="t0ken", x_amz_customauthorizer_signature=sign("t0ken", OTHER)))
    [e] = cloud.service.events
    assert e["token"] == "t0ken" and e["signatureVerified"] is True


@pytest.mark.parametrize("kw", [{"x_amz_customauthorizer_signature": sign("other")}, {"x_amz_customauthorizer_signature": "###"}, {},
                                {"x_amz_customauthorizer_signature": sign("t0ken", rsa.generate_private_key(65537, 2048))}])
def test_a_token_that_is_not_signed_costs_no_call(cloud, kw):
    with pytest.raises(Refused) as e:
        connect(cloud, named("signed", token="t0ken", **kw))
    assert e.value.status == 403 and cloud.service.events == []


def refused(cloud, *a, **kw):
    port = urllib.parse.urlsplit(cloud.api).port
    c = WsClient(port, "/mqtt" + a[0], f"127.0.0.1:{port}", v=5)
    c.send(mqtt_wire.connect(5, "c", **kw))
    assert c.get().code == 0x87
    c.closed()


def test_without_a_token(cloud):
    """It might have come with CONNECT, so that is where it is missed."""
    refused(cloud, named("signed"), user="me?token=x")
    refused(cloud, named("signed"))
    assert cloud.service.events == []


@pytest.mark.parametrize("name", ["off", "none"])
def test_there_is_no_such_authorizer(cloud, name):
    with pytest.raises(Refused) as e:
        connect(cloud, named(name))
    assert e.value.status == 403


def test_its_function_is_not_on_the_servers_list(cloud):
    refused(cloud, named("nowhere"))
    assert cloud.service.events == []


@pytest.mark.parametrize("say", [
    {"isAuthenticated": False}, {}, b"no JSON", b"[]", {**YES, "principalId": "a b"}, {**YES, "principalId": "x" * 129},
    {**YES, "policyDocuments": ["{}"]}, {**YES, "policyDocuments": [json.dumps(policy("a"))] * 11}, {**YES, "policyDocuments": [1]},
    {**YES, "policyDocuments": None}, {**YES, "isAuthenticated": "true"}, b"x" * 100000],
    ids=range(12))
def test_answers_that_let_nobody_in(cloud, say):
    cloud.service.say = say
    refused(cloud, named("plain"))
    assert len(cloud.service.events) == 1


def test_policies_as_objects(cloud):
    cloud.service.say = {**YES, "policyDocuments": [policy("o"), policy("p")]}
    assert connect(cloud, named("plain")).subscribe(("o", 1), ("p", 1), ("a", 1)) == [1, 1, 0x87]


def test_no_policy_no_connection(cloud):
    """Control: authenticated, and allowed nothing."""
    cloud.service.say = {**YES, "policyDocuments": []}
    refused(cloud, named("plain"))


def test_the_default_authorizer(cloud):
    with pytest.raises(Refused):
        connect(cloud)
    iot = cloud.client("iot")
    iot.set_default_authorizer(authorizerName="plain")
    try:
        connect(cloud)
    finally:
        iot.clear_default_authorizer()


def test_a_slow_service(cloud):
    """Its five seconds are over: nobody is let in, and others are served meanwhile."""
    def say(event):
        time.sleep(7 if event["protocolData"]["mqtt"]["clientId"] == "slow" else 0)
        return YES
    cloud.service.say = say
    port = urllib.parse.urlsplit(cloud.api).port
    slow = WsClient(port, "/mqtt" + named("plain"), f"127.0.0.1:{port}", v=5)
    slow.send(mqtt_wire.connect(5, "slow"))
    connect(cloud, named("plain"))
    assert slow.get().code == 0x87


def invoke(cloud, name="plain", **kw):
    return cloud.client("iot").test_invoke_authorizer(authorizerName=name, **kw)


def test_test_invoke_authorizer(cloud):
    r = invoke(cloud, mqttContext={"username": "me", "password": b"x", "clientId": "c"},
               httpContext={"headers": {"h": "v"}, "queryString": "a=b"}, tlsContext={"serverName": "s"})
    assert (r["isAuthenticated"], r["principalId"], r["refreshAfterInSeconds"], r["disconnectAfterInSeconds"]) == (True, "somebody", 300, 3600)
    assert [json.loads(d) for d in r["policyDocuments"]] == [policy("a")]
    [e] = cloud.service.events
    assert e["protocols"] == ["tls", "http", "mqtt"] and e["protocolData"]["tls"] == {"serverName": "s"}
    assert e["protocolData"]["mqtt"]["password"] == base64.b64encode(b"x").decode()
    assert invoke(cloud, "off")["isAuthenticated"]  # it may be tried before it is switched on
    assert invoke(cloud, "signed", token="t", tokenSignature=sign("t"))["isAuthenticated"]
    cloud.service.say = {"isAuthenticated": False}
    assert invoke(cloud)["isAuthenticated"] is False


@pytest.mark.parametrize("name, kw, say, code", [
    ("none", {}, YES, "ResourceNotFoundException"), ("plain", {}, b"{", "InvalidResponseException"),
    ("nowhere", {}, YES, "InvalidResponseException"), ("signed", {"token": "t", "tokenSignature": sign("u")}, YES, "InvalidRequestException")])
def test_test_invoke_authorizer_fails(cloud, name, kw, say, code):
    cloud.service.say = say
    with pytest.raises(botocore.exceptions.ClientError) as e:
        invoke(cloud, name, **kw)
    assert e.value.response["Error"]["Code"] == code
