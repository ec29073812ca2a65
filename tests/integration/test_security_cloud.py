"""What somebody who means harm could try on sedge-cloud. Each test fails on the behaviour it is about, whoever wrote the client."""

import contextlib
import datetime
import json
import resource
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest
from cloud import OPEN_POLICY, Cloud, Device
from conftest import wait_for
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from test_cloud_gateway import Client


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


def test_a_request_cannot_write_lines_into_the_log(cloud):
    d = cloud.device(policy=None)
    status, _ = d.curl("/things/a%0A2026-01-01T00:00:00.000Z%20error%20forged%1B%5B2J/shadow")
    assert status == 403
    line = wait_for(lambda: [x for x in cloud.p.log.read_bytes().split(b"\n") if b"https refused" in x])[0]
    assert b"forged" in line and b"\x1b" not in cloud.p.log.read_bytes()


def test_source_address_conditions_know_ipv6_on_both_device_ports(procs, tmp_path):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    cloud = Cloud(procs, tmp_path, "--https", "[::1]:0")
    closed = {"Version": "2012-10-17", "Statement": OPEN_POLICY["Statement"] + [
        {"Effect": "Deny", "Action": "iot:*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "::1/128"}}}]}
    d = cloud.device(policy=closed)
    status, body = d.curl("/things/x/shadow", "--resolve", f"localhost:{cloud.https}:[::1]")
    assert status == 403, body


def hammer(cloud, device, stop):
    context = ssl.create_default_context(cafile=str(cloud.ca))
    context.load_cert_chain(device.cert, device.key)
    try:
        with socket.create_connection(("localhost", cloud.https), 5) as tcp, \
                context.wrap_socket(tcp, server_hostname="localhost") as s:
            s.settimeout(5)
            while not stop.is_set():
                s.sendall(b"GET /things/x/shadow HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if not s.recv(65536):
                    return
    except OSError:
        pass


@pytest.mark.parametrize("round", range(4))
def test_it_ends_well_while_devices_keep_asking(cloud, round):
    d = cloud.device()
    stop = threading.Event()
    threads = [threading.Thread(target=hammer, args=(cloud, d, stop)) for _ in range(24)]
    for t in threads:
        t.start()
    time.sleep(1 + round * 0.05)
    try:
        assert cloud.stop() == 0, cloud.log()
    finally:
        stop.set()
        for t in threads:
            t.join(10)


def test_a_header_that_is_a_parameter_must_be_signed(cloud):
    """Nobody on the way may choose which certificate becomes a thing's."""
    a, b = cloud.device("a"), cloud.device("b")
    iot = cloud.client("iot")
    iot.detach_thing_principal(thingName="a", principal=a.arn)
    request = botocore.awsrequest.AWSRequest("PUT", cloud.api + "/things/a/principals", data=b"")
    k = cloud.keys()
    credentials = botocore.credentials.Credentials(k["aws_access_key_id"], k["aws_secret_access_key"])
    botocore.auth.SigV4Auth(credentials, "iot", "us-east-1").add_auth(request)
    prepared = request.prepare()
    prepared.headers["x-amzn-trace-id"] = "Root=1"  # what SDKs never sign

    def send():
        r = urllib.request.Request(prepared.url, method="PUT", data=b"", headers=dict(prepared.headers.items()))
        try:
            return urllib.request.urlopen(r, timeout=10).status, ""
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    status, body = send()
    assert status == 400 and "principal" in body  # signed as it is, and incomplete
    prepared.headers["x-amzn-principal"] = b.arn
    status, body = send()
    assert status == 403 and "signed" in body, (status, body)
    assert iot.list_thing_principals(thingName="a")["principals"] == []


def test_a_session_token_does_not_go_with_a_static_key(cloud):
    with pytest.raises(botocore.exceptions.ClientError, match="security token.*invalid") as e:
        cloud.client("iot", aws_session_token="of other keys").list_things()
    assert e.value.response["Error"]["Code"] == "UnrecognizedClientException"
    request = botocore.awsrequest.AWSRequest("GET", cloud.api + "/things")
    k = cloud.keys()
    credentials = botocore.credentials.Credentials(k["aws_access_key_id"], k["aws_secret_access_key"], "of other keys")
    botocore.auth.SigV4QueryAuth(credentials, "iot", "us-east-1").add_auth(request)
    with pytest.raises(urllib.error.HTTPError) as e:
        urllib.request.urlopen(request.prepare().url, timeout=10)
    assert e.value.code == 403 and "UnrecognizedClient" in e.value.headers["x-amzn-ErrorType"]


@pytest.mark.parametrize("more", [{"Origin": "https://example.com"}, {"Origin": "null"}, {"Sec-Fetch-Site": "none"},
                                  {"Host": "rebound.example.com"}, {"Host": "localhost.example.com:4566"}])
def test_a_web_page_cannot_use_a_control_port_that_believes_any_key(procs, tmp_path, more):
    cloud = Cloud(procs, tmp_path, "--insecure-dev")

    def create(name, headers):
        request = botocore.awsrequest.AWSRequest("POST", f"{cloud.api}/policies/{name}", data=b"")
        botocore.auth.SigV4QueryAuth(botocore.credentials.Credentials("any", "key"), "iot", "us-east-1").add_auth(request)
        r = urllib.request.Request(request.prepare().url, method="POST", data=json.dumps({"policyDocument": json.dumps(OPEN_POLICY)})
                                   .encode(), headers={"Content-Type": "text/plain", **headers})
        try:
            return urllib.request.urlopen(r, timeout=10).status
        except urllib.error.HTTPError as e:
            return e.code

    assert create("of-a-page", more) == 403
    port = cloud.api.rsplit(":", 1)[1]
    for n, host in enumerate([f"127.0.0.1:{port}", f"LOCALHOST:{port}", "localhost", f"[::1]:{port}"]):
        assert create(f"own{n}", {"Host": host}) == 200, host
    policies = cloud.client("iot", aws_access_key_id="any", aws_secret_access_key="key").list_policies()["policies"]
    assert sorted(p["policyName"] for p in policies) == ["own0", "own1", "own2", "own3"]


def test_paths_mean_what_was_signed(cloud):
    """Signing takes "/policies/.." for "/": asking for it is no request."""
    d = cloud.device()
    for path in ("/things/%2e%2e/shadow", "/things/./shadow"):
        assert d.curl(path, "--path-as-is")[0] == 400


def test_idle_strangers_do_not_use_up_the_descriptors(procs, tmp_path):
    """A service starts with a soft limit of 1024 by custom; here of 256, so that fewer strangers do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))  # of the cloud; ours is put back
    try:
        cloud = Cloud(procs, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with contextlib.ExitStack() as held:
        for _ in range(300):
            held.enter_context(socket.create_connection(("localhost", cloud.https), 5))
        asked = time.monotonic()
        assert cloud.client("iot").list_things()["things"] == []
        assert time.monotonic() - asked < 5  # not only when the strangers' handshakes have timed out


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("port", ["mqtt", "https"])
def test_idle_strangers_do_not_use_up_the_handshakes(cloud, many_descriptors, port):
    """1000 handshakes may be under way on a port: the oldest makes room for the next."""
    d = cloud.device()
    with contextlib.ExitStack() as held:
        for _ in range(1050):
            held.enter_context(socket.create_connection(("localhost", getattr(cloud, port)), 5))
        p = d.publish("a", "b")
        assert p.returncode == 0, p.stderr
        assert d.curl("/things/x/shadow")[0] == 404


def test_a_certificate_that_expires_ends_its_connection(cloud):
    """It was good at CONNECT; from its last second on nothing is taken or delivered any more."""
    d = cloud.device(policy=OPEN_POLICY)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "brief")])
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(seconds=6))
            .sign(key, hashes.SHA256())).public_bytes(serialization.Encoding.PEM)
    iot = cloud.client("iot")
    made = iot.register_certificate_without_ca(certificatePem=cert.decode(), status="ACTIVE")
    iot.attach_policy(policyName=d.policy, target=made["certificateArn"])
    brief = Device(cloud, "brief", made["certificateId"], made["certificateArn"])
    brief.cert.write_bytes(cert)
    brief.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                            serialization.NoEncryption()))
    c = Client(brief).connect()
    c.publish("a", "early")
    assert c.next()[0] == "published"
    time.sleep(max(0, 7.5 - (datetime.datetime.utcnow() - now).total_seconds()))
    c.publish("a", "late")
    assert c.next()[0] == "disconnected"
    c.stop()
