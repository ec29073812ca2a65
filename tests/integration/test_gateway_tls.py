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
from test_cloud_accounts import B, Two
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


# --- resumption ---------------------------------------------------------------------------------------------------------

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture
def resuming(procs, tmp_path):
    return Cloud(procs, tmp_path, "--profile", "standard", "--threads", "2")


def only(version, device):
    c = client_context(device)
    c.minimum_version = c.maximum_version = version
    return c


def mqtt(cloud, context, session=None, name="localhost"):
    """(client, CONNACK's code or None: closed)"""
    c = mqtt_wire.Client(cloud.mqtt, 5, 20)
    try:
        c.s = context.wrap_socket(c.s, server_hostname=name, session=session)
        c.send(mqtt_wire.connect(5, "resumes"))
        return c, c.get().code
    except (mqtt_wire.Closed, OSError):
        return c, None


def set_status(cloud, device, status):
    cloud.client("iot").update_certificate(certificateId=device.id, newStatus=status)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_revoked_certificate_cannot_resume(resuming, version):
    d = resuming.device()
    context = only(version, d)
    first, code = mqtt(resuming, context)
    assert code == 0 and not first.s.session_reused
    session = first.s.session
    again, code = mqtt(resuming, context, session)
    assert again.s.session_reused and code == 0  # the control: resumed, and admitted
    again.subscribe(("echo", 1))
    assert echo(again, b"resumed") == b"resumed"
    set_status(resuming, d, "REVOKED")
    late, code = mqtt(resuming, context, session)
    assert late.s.session_reused and code == 0x87, code
    wait_for(lambda: f"certificate {d.id} is REVOKED" in resuming.log())
    set_status(resuming, d, "ACTIVE")
    assert mqtt(resuming, context, session)[1] == 0


def https(cloud, context, session=None, port=None):
    """(socket, status or None: refused in the handshake) of a request that a policy must allow"""
    s = socket.create_connection(("localhost", port or cloud.https), 20)
    try:
        s = context.wrap_socket(s, server_hostname="localhost", session=session)
        s.sendall(b"POST /topics/a?qos=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
        return s, int(s.recv(4096).split()[1])
    except OSError:
        return s, None


@pytest.mark.parametrize("version", VERSIONS)
def test_https_resumes_and_judges(resuming, version):
    d = resuming.device()
    context = only(version, d)
    first, status = https(resuming, context)
    assert status == 200
    again, status = https(resuming, context, first.session)
    assert again.session_reused and status == 200
    set_status(resuming, d, "INACTIVE")
    late, status = https(resuming, context, first.session)
    assert late.session_reused and status == 403


@pytest.mark.parametrize("more,expected", [((), False), (("--tls-resumption", "on"), True),
                                           (("--profile", "standard", "--tls-resumption", "off"), False)])
def test_when_sessions_are_resumed(procs, tmp_path, more, expected):
    cloud = Cloud(procs, tmp_path, *more)
    d = cloud.device()
    for version in VERSIONS:
        context = only(version, d)
        session = mqtt(cloud, context)[0].s.session
        again, code = mqtt(cloud, context, session)
        assert (again.s.session_reused, code) == (expected, 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_belongs_to_its_port_and_certificate(resuming, version):
    """Shown to the other port, or after the server's certificate was read again, it is a full handshake."""
    d = resuming.device()
    context = only(version, d)
    session = mqtt(resuming, context)[0].s.session
    other, status = https(resuming, context, session)
    assert not other.session_reused and status == 200
    assert mqtt(resuming, context, session)[0].s.session_reused  # the control
    hup(resuming, "new connections get the one that ends")
    late, code = mqtt(resuming, context, session)
    assert not late.s.session_reused and code == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_without_a_certificate_is_no_way_in(resuming, version):
    """It began with ALPN `mqtt`, which asks for a certificate and goes on without; the other names demand one."""
    context = ssl.create_default_context(cafile=resuming.ca)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["mqtt"])
    first, code = mqtt(resuming, context)
    assert code == 0x87 and first.s.session.has_ticket  # no authorizer lets it in
    for name in ("x-amzn-mqtt-ca", "none"):
        context.set_alpn_protocols([name])
        assert mqtt(resuming, context, first.s.session)[1] is None
    context.set_alpn_protocols(["none"])
    assert https(resuming, context)[1] in (None, 403)
    context.set_alpn_protocols(["x-amzn-http-ca"])
    assert https(resuming, context, first.s.session, resuming.mqtt)[1] in (None, 403)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_resumed_session_stays_with_its_account(procs, tmp_path, version):
    cloud = Two(procs, tmp_path, "--profile", "standard")
    theirs = cloud.device("theirs", account=B)
    context = only(version, theirs)
    assert mqtt(cloud, context)[1] == 0x87  # the control: the default account does not know it
    first, code = mqtt(cloud, context, name=f"{B}.localhost")
    assert code == 0
    again, code = mqtt(cloud, context, first.s.session, name=f"{B}.localhost")
    assert again.s.session_reused and code == 0


def test_no_early_data(resuming, tmp_path):
    d, kept = resuming.device(), tmp_path / "session"
    argv = ["openssl", "s_client", "-connect", f"localhost:{resuming.https}", "-CAfile", resuming.ca, "-cert", d.cert, "-key", d.key,
            "-tls1_3", "-sess_out", kept]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
        try:
            wait_for(lambda: kept.exists() and kept.stat().st_size, message="a session")
        finally:
            p.terminate()
    told = subprocess.run(["openssl", "sess_id", "-in", kept, "-noout", "-text"], capture_output=True, text=True, check=True).stdout
    assert "Max Early Data: 0" in told, told
