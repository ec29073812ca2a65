"""TLS on the device ports: which protocol a connection gets by ALPN, a new server certificate, and resumed sessions. Foreign clients:
paho, Python's ssl and OpenSSL's s_client."""

import http.client
import queue
import signal
import socket
import ssl
import subprocess

import mqtt_wire
import paho.mqtt.client as paho
import pytest
from cloud import Cloud
from conftest import Processes, wait_for
from test_cloud_authorizer import FUNCTION, YES, Service
from tls_clients import client_context, connected

MQTT = ["x-amzn-mqtt-ca", "mqtt"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    procs, service = Processes(tmp_path_factory.mktemp("p")), Service()
    folder = tmp_path_factory.mktemp("c")
    (folder / "cloud").mkdir(mode=0o700)
    (folder / "cloud/hooks.conf").write_text(f"{FUNCTION} = {service.url}\n")
    (folder / "cloud/hooks.conf").chmod(0o600)
    cloud = Cloud(procs, folder)
    cloud.service, cloud.core = service, cloud.device()
    yield cloud
    service.server.shutdown()
    procs.stop_all()


# --- ALPN ---------------------------------------------------------------------------------------------------------------

def context_with(device, *protocols):
    c = client_context(device)
    if protocols:
        c.set_alpn_protocols(list(protocols))
    return c


def paho_round_trip(device, port, *protocols):
    """What paho receives of its own, subscribed and published over this port."""
    messages = queue.Queue()
    c = paho.Client(f"paho-{port}-{protocols[0]}")
    c.tls_set_context(context_with(device, *protocols))
    c.on_connect = lambda *a: c.subscribe("alpn", 1)
    c.on_subscribe = lambda *a: c.publish("alpn", "hello", 1)
    c.on_message = lambda _c, _u, m: messages.put(m.payload)
    c.connect("localhost", port, 60)
    c.loop_start()
    try:
        return messages.get(timeout=15)
    finally:
        c.disconnect()
        c.loop_stop()


@pytest.mark.parametrize("name", MQTT)
@pytest.mark.parametrize("port", ["mqtt", "https"])
def test_mqtt_by_alpn_on_either_port(shared, port, name):
    assert paho_round_trip(shared.core, getattr(shared, port), name) == b"hello"


def https_status(device, port, *protocols):
    h = http.client.HTTPSConnection("localhost", port, context=context_with(device, *protocols), timeout=15)
    try:
        h.request("GET", "/sedge/connection?clientId=x")
        return h.getresponse().status, h.sock.selected_alpn_protocol()
    finally:
        h.close()


def test_https_by_alpn_on_either_port(shared):
    for port in (shared.mqtt, shared.https):
        assert https_status(shared.core, port, "x-amzn-http-ca") == (200, "x-amzn-http-ca")


def test_without_a_known_name_the_port_has_its_own_protocol(shared):
    """The control of those above: the same requests without ALPN, or with another name."""
    for names in ((), ("http/1.1",), ("h2", "http/1.1")):
        assert https_status(shared.core, shared.https, *names) == (200, None)
        with pytest.raises((http.client.BadStatusLine, OSError)):
            https_status(shared.core, shared.mqtt, *names)
    assert not first_answer(shared.core, shared.https).startswith(b"\x20")
    assert first_answer(shared.core, shared.mqtt).startswith(b"\x20")


def first_answer(device, port):
    """To a CONNECT: MQTT says CONNACK, HTTP something else."""
    with client_context(device).wrap_socket(socket.create_connection(("localhost", port), 10), server_hostname="localhost") as s:
        s.sendall(mqtt_wire.connect(4, "x"))
        return s.recv(4)


def s_client(cloud, port, *argv):
    return subprocess.run(["openssl", "s_client", "-connect", f"localhost:{port}", "-CAfile", cloud.ca, "-verify_return_error", *argv],
                          input=b"Q\n", capture_output=True, timeout=20)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_the_first_of_ours_is_chosen_and_wants_a_certificate(shared, version):
    d, core = shared, shared.core
    got = s_client(d, d.https, version, "-alpn", "h2,mqtt,x-amzn-mqtt-ca", "-cert", core.cert, "-key", core.key)
    assert b"ALPN protocol: x-amzn-mqtt-ca" in got.stdout, got.stdout
    for name in ("x-amzn-mqtt-ca", "x-amzn-http-ca"):
        with pytest.raises(OSError):
            without_certificate(d, d.https, name, version)
    without_certificate(d, d.https, "mqtt", version).close()  # the control


def without_certificate(cloud, port, name, version):
    """A TLS connection of a client that has none. In TLS 1.3 the refusal comes after the client's last flight."""
    c = ssl.create_default_context(cafile=cloud.ca)
    c.set_alpn_protocols([name])
    c.maximum_version = ssl.TLSVersion.TLSv1_2 if version == "-tls1_2" else ssl.TLSVersion.TLSv1_3
    s = c.wrap_socket(socket.create_connection(("localhost", port), 10), server_hostname="localhost")
    s.settimeout(0.5)
    try:
        if s.recv(1) == b"":
            raise OSError("closed")
    except TimeoutError:
        pass
    return s


def stranger(cloud, port, **kw):
    c = mqtt_wire.Client(port, 5, 20)
    tls = ssl.create_default_context(cafile=cloud.ca)
    tls.set_alpn_protocols(["mqtt"])
    c.s = tls.wrap_socket(c.s, server_hostname="localhost")
    return c, c.connect("who", **kw)


def test_mqtt_without_a_certificate_is_for_the_authorizer(shared):
    iot = shared.client("iot")
    iot.create_authorizer(authorizerName="door", authorizerFunctionArn=FUNCTION, signingDisabled=True, status="ACTIVE")
    shared.service.say = lambda event: {**YES, "isAuthenticated": event["protocolData"]["mqtt"].get("username") == "good?x-amz-customauthorizer-name=door"}
    for port in (shared.mqtt, shared.https):
        assert stranger(shared, port, user="good?x-amz-customauthorizer-name=door")[1].code == 0
        assert shared.service.events[-1]["protocolData"]["tls"]["serverName"] == "localhost"
        for user in ("bad?x-amz-customauthorizer-name=door", "good"):
            code = stranger(shared, port, user=user)[1].code
            assert code == 0x87, code


# --- the server's certificate --------------------------------------------------------------------------------------------

@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path, "--threads", "2")


def shown(device, port):
    """The serial number of the certificate that the server shows."""
    with client_context(device).wrap_socket(socket.create_connection(("localhost", port), 10), server_hostname="localhost") as s:
        return s.getpeercert()["serialNumber"]


def hup(cloud, line):
    before = cloud.log().count(line)
    cloud.p.send_signal(signal.SIGHUP)
    wait_for(lambda: cloud.log().count(line) > before, message=line)


def echo(client, payload):
    client.publish("echo", payload, 1)
    return client.receive().payload


def test_a_new_certificate_without_dropping_connections(cloud):
    d = cloud.device()
    old = connected(d, "old")
    old.subscribe(("echo", 1))
    first = shown(d, cloud.mqtt)
    (cloud.data / "pki/server.cert.pem").unlink()
    assert shown(d, cloud.mqtt) == shown(d, cloud.https) == first  # the control: without the signal
    hup(cloud, "new connections get the one that ends")
    second = shown(d, cloud.mqtt)
    assert second != first and shown(d, cloud.https) == second
    assert echo(old, b"still here") == b"still here"
    new = connected(d, "new")
    new.subscribe(("echo", 1))
    assert echo(old, b"to both") == b"to both" == new.receive().payload
    hup(cloud, "new connections get the one that ends")
    assert shown(d, cloud.mqtt) == second  # nothing was due


def test_another_key_of_the_server(cloud):
    d = cloud.device()
    first = shown(d, cloud.mqtt)
    for name in ("cert", "key"):
        (cloud.data / f"pki/server.{name}.pem").unlink()
    hup(cloud, "new connections get the one that ends")
    assert shown(d, cloud.mqtt) != first
    assert d.publish("a", "x").returncode == 0


def test_a_certificate_that_cannot_be_read_changes_nothing(cloud):
    d = cloud.device()
    first = shown(d, cloud.mqtt)
    (cloud.data / "pki/server.cert.pem").write_text("no certificate")
    hup(cloud, "the old one stays in use")
    assert shown(d, cloud.mqtt) == shown(d, cloud.https) == first
    assert d.publish("a", "x").returncode == 0
