"""The functions' interface against those who misuse it: raw sockets, written from the wire description alone.

One worker lends its token to the test, which then is that worker. docs/spec/functions.md FN-80 to FN-89.
"""

import base64
import http.client
import json
import re
import resource
import socket
import time
import urllib.parse
import uuid

import pytest

from conftest import LONG, wait_for
from edge_functions import deployed, plain, root_for_functions
from fake_cloud import started

LENDER = "call('PUT', ME + '/initialized', b'{\"Success\": true, \"Response\": \"\"}')\npublish('token', TOKEN.encode())\nimport time\ntime.sleep(600)\n"
SHADOWS = "arn:aws:lambda:::function:GGShadowService"
MEBI = 1024 * 1024


class Wire:
    """The interface as the holder of a token sees it."""

    def __init__(self, root, arn, token):
        self.root, self.arn, self.token = root, arn, token
        self.port = root.config["coreThing"]["ggDaemonPort"]
        self.own = self.path(arn)

    @staticmethod
    def path(arn):
        return "/2016-11-01/functions/" + arn

    def connect(self, timeout=15):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def head(self, method, path, length=0, token=None, **headers):
        """The bytes of a request but for its body; headers with None are left out."""
        all_of_them = {"Host": f"localhost:{self.port}", "Authorization": token or self.token, "Content-Length": length,
                       **{k.replace("_", "-"): v for k, v in headers.items()}}
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in all_of_them.items() if v is not None)]
        return "\r\n".join([*lines, "", ""]).encode()

    @staticmethod
    def answer(sock):
        """One whole answer; its headers' names as they are."""
        response = http.client.HTTPResponse(sock)
        response.begin()
        return response.status, dict(response.getheaders()), response.read()

    def ask(self, method, path, body=b"", **headers):
        with self.connect() as sock:
            sock.sendall(self.head(method, path, len(body), **headers) + body)
            return self.answer(sock)

    def event(self, payload):
        assert self.ask("POST", self.own, payload, X_Amz_Invocation_Type="Event")[0] == 202

    def take(self):
        """The next work item, answered at once."""
        status, headers, body = self.ask("GET", self.own + "/work")
        assert status == 200
        assert self.ask("POST", self.own + "/work", X_Amz_InvocationId=headers["X-Amz-InvocationId"])[0] == 200
        return body

    def poll(self):
        """A poll that hangs: the socket."""
        sock = self.connect()
        sock.sendall(self.head("GET", self.own + "/work"))
        return sock

    def state(self):
        """The health interface's word for the lender."""
        return [w["WorkerState"] for w in json.loads(self.ask("GET", "/2016-11-01/health/workers")[2])]


@pytest.fixture(scope="module")
def wire(tmp_path_factory):
    with started(tmp_path_factory.mktemp("ipc") / "cloud") as cloud, root_for_functions(cloud) as root:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, limit[1]))  # what a daemon has unless it is given more
        try:
            root.greengrassd("start")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        cloud.wait_for("get")
        lender = plain(LENDER, "lender", Timeout=3600)
        deployed(cloud, lender, subscriptions=[(lender.arn, "token", "cloud")], timeout=60)
        cloud.wait(lambda: cloud.messages("token"), 30)
        yield Wire(root, lender.arn, cloud.messages("token")[0].decode())


@pytest.fixture(autouse=True)
def unharmed(wire):
    """Whatever a test did: the interface serves afterwards, and there is no work left."""
    yield
    wire.event(b"after")
    assert wire.take() == b"after"


# --- who is served --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:65535"])
def test_names_of_this_machine(wire, host):
    assert wire.ask("GET", "/2016-11-01/health/workers", Host=host)[0] == 200


@pytest.mark.parametrize("host", ["rebound.example", "localhost.example", "localhost:", "localhost:80x", "127.0.0.1.example:8000", "127.0.0.2", "::1"])
@pytest.mark.parametrize("path", ["health", "work"])
def test_a_name_that_a_web_page_brought(wire, host, path):
    """FN-88."""
    if path == "health":
        asked = [wire.ask("GET", "/2016-11-01/health/workers", Host=host),
                 wire.ask("POST", "/2016-11-01/health/workers", json.dumps({"FuncArns": []}).encode(), Host=host)]
    else:
        asked = [wire.ask("POST", wire.own, b"x", Host=host, X_Amz_Invocation_Type="Event")]
    for status, _, body in asked:
        assert status == 403 and b"Host" in body, (host, status, body)


@pytest.mark.parametrize("origin", ["http://localhost", "null", ""])
def test_requests_of_web_pages(wire, origin):
    """FN-88."""
    status, _, body = wire.ask("GET", "/2016-11-01/health/workers", Origin=origin)
    assert status == 403 and b"Origin" in body
    status, _, body = wire.ask("POST", wire.own, b"x", Origin=origin, X_Amz_Invocation_Type="Event")
    assert status == 403 and b"Origin" in body


def test_a_wrong_token_is_told_so_and_not_written_down(wire):
    wrong = "Basic " + "Zm9yZ2VkdG9rZW4h" * 3
    for method, path in [("GET", wire.own + "/work"), ("POST", wire.own), ("GET", wire.own), ("PUT", wire.own + "/initialized")]:
        body = b'{"Success": true}' if method == "PUT" else b""
        status, _, text = wire.ask(method, path, body, token=wrong, X_Amz_InvocationId=str(uuid.uuid4()))
        assert status == 403 and "token" in json.loads(text)["message"], (method, path)
    logs = [p.read_text(errors="replace") for p in (wire.root.path / "ggc/var/log").rglob("*") if p.is_file()]
    assert any("lender" in text for text in logs)  # the logs looked at are those of this core
    assert not any(t in text for text in logs for t in (wrong.split()[1], wire.token.split()[1]))


# --- what is asked --------------------------------------------------------------------------------------------

def test_the_function_comes_escaped_too(wire):
    escaped = wire.path(urllib.parse.quote(wire.arn, safe=""))
    assert "%3A" in escaped
    assert wire.ask("POST", escaped, b"escaped", X_Amz_Invocation_Type="Event")[0] == 202
    assert wire.take() == b"escaped"


@pytest.mark.parametrize("context", ["", base64.b64encode(b'{"custom":{"subject":"a/b"}}').decode(), "%%% no base64"])
def test_the_context_goes_through_as_it_is(wire, context):
    """Malformed ones are the shim's to drop."""
    assert wire.ask("POST", wire.own, b"c", X_Amz_Invocation_Type="Event", X_Amz_Client_Context=context)[0] == 202
    status, headers, body = wire.ask("GET", wire.own + "/work")
    assert (status, headers["X-Amz-Client-Context"], body) == (200, context, b"c")
    assert wire.ask("POST", wire.own + "/work", X_Amz_InvocationId=headers["X-Amz-InvocationId"])[0] == 200


def test_malformed_contexts_for_the_shadow_service(wire):
    for context in ["", "%%%", base64.b64encode(b"{").decode(), base64.b64encode(b'{"custom":7}').decode(),
                    base64.b64encode(b'{"custom":{"subject":"$aws/things/../../x/shadow/get"}}').decode()]:
        status, _, text = wire.ask("POST", wire.path(SHADOWS), b"", X_Amz_Invocation_Type="RequestResponse", X_Amz_Client_Context=context)
        assert status == 400, (context, status, text)


def test_over_the_caps(wire):
    """FN-82: 413 says which. The head has a cap of its own."""
    with wire.connect() as sock:
        sock.sendall(wire.head("POST", wire.own, 6 * MEBI + 1))
        assert wire.answer(sock)[0] == 413  # before a byte of the body was sent
    with wire.connect() as sock:
        sock.sendall(wire.head("POST", wire.own, 0, X_Amz_Client_Context="A" * 30000))
        assert wire.answer(sock)[0] == 431
    many = json.dumps({"FuncArns": ["a"] * 1001}).encode()
    status, _, body = wire.ask("POST", "/2016-11-01/health/workers", many)
    assert status == 400 and b"Request exceeds max number of workers" in body
    assert wire.ask("POST", "/2016-11-01/health/workers", json.dumps({"FuncArns": ["a"] * 1000}).encode())[0] == 200


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 50 + b"x y z\r\n\r\n", b"GET " + b"/" * 30000],
                         ids=["tls", "version", "words", "line"])
def test_what_is_no_request(wire, noise):
    with wire.connect() as sock:
        sock.sendall(noise)
        sock.shutdown(socket.SHUT_WR)
        answer = sock.recv(4096)
        assert answer == b"" or re.match(rb"HTTP/1.1 (4\d\d|505) ", answer), answer


def test_one_behind_the_other(wire):
    """Pipelined requests are answered in their order, on one connection."""
    event = wire.head("POST", wire.own, 1, X_Amz_Invocation_Type="Event")
    with wire.connect() as sock:
        sock.sendall(b"".join(event + b"%d" % n for n in range(8)) + wire.head("GET", "/2016-11-01/health/workers"))
        got = b""
        while got.count(b"HTTP/1.1 ") < 9:
            more = sock.recv(65536)
            assert more, got
            got += more
        assert re.findall(rb"HTTP/1.1 (\d+) ", got) == [b"202"] * 8 + [b"200"]
    assert [wire.take() for _ in range(8)] == [b"%d" % n for n in range(8)]


# --- polls ----------------------------------------------------------------------------------------------------

def test_a_poll_hangs_for_as_long_as_there_is_no_work(wire):
    """FN-83: with SEDGE_LONG longer than any time the server knows but the one between requests."""
    with wire.poll() as sock:
        sock.settimeout(65 if LONG else 1)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(15)
        wire.event(b"late")
        status, headers, body = wire.answer(sock)
    assert (status, body) == (200, b"late")
    assert wire.ask("POST", wire.own + "/work", X_Amz_InvocationId=headers["X-Amz-InvocationId"])[0] == 200


@pytest.mark.parametrize("how", ["closed", "reset"])
def test_a_poll_that_dies(wire, how):
    """FN-83: nobody is waiting any more, and the work goes to the next who asks, once."""
    sock = wire.poll()
    wait_for(lambda: wire.state() == ["Waiting"], 15)
    if how == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    sock.close()
    wire.event(b"once")
    assert wire.take() == b"once"


def test_the_newer_poll_takes_the_place(wire):
    with wire.poll() as old, wire.poll() as new:
        assert wire.answer(old)[0] == 409
        wire.event(b"new")
        status, headers, body = wire.answer(new)
        assert (status, body) == (200, b"new")
        assert wire.ask("POST", wire.own + "/work", X_Amz_InvocationId=headers["X-Amz-InvocationId"])[0] == 200


# --- connections ----------------------------------------------------------------------------------------------

def test_slow_ones_hinder_nobody(wire):
    """Heads and bodies that never end; the rest is served at once meanwhile."""
    slow = [wire.connect() for _ in range(50)]
    try:
        for n, sock in enumerate(slow):
            request = wire.head("POST", wire.own, 1000)
            sock.sendall(request[:20] if n % 2 else request + b"x")
        begin = time.monotonic()
        for n in range(10):
            wire.event(b"%d" % n)
            assert wire.take() == b"%d" % n
        assert time.monotonic() - begin < 8
        if LONG:
            with wire.poll():  # a worker that asks for nothing for so long would be stopped
                for sock in slow:
                    sock.settimeout(45)
                    assert wire.answer(sock)[0] == 408
    finally:
        for sock in slow:
            sock.close()


def test_more_idle_connections_than_are_served(wire):
    """FN-89: who holds all connections there are shuts nobody out, and polls that hang are not what is ended."""
    poll = wire.poll()
    idle = []
    try:
        for _ in range(1100 if LONG else 560):
            idle.append(wire.connect())
        wire.event(b"served")
        status, headers, body = wire.answer(poll)
        assert (status, body) == (200, b"served")
        assert wire.ask("POST", wire.own + "/work", X_Amz_InvocationId=headers["X-Amz-InvocationId"])[0] == 200
        assert idle[0].recv(1) == b""  # the first to come is the first to go
    finally:
        poll.close()
        for sock in idle:
            sock.close()
