"""Several accounts in one server: one never sees what is the other's."""

import json
import ssl
import subprocess

import mqtt_wire as wire
import pytest
from cloud import OPEN_POLICY, Cloud, Device
from cryptography import x509
from test_cloud_api import pem, refused
from test_cloud_gateway import OwnCa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

A, B = "123456789012", "210987654321"


class Two(Cloud):
    """A cloud with accounts A (the default) and B."""

    def __init__(self, procs, folder, *more):
        super().__init__(procs, folder, "--account", f"{A},{B}", *more)


@pytest.fixture
def cloud(procs, tmp_path):
    return Two(procs, tmp_path)


def connect(cloud, device, sni, client_id="c"):
    """The CONNACK's code; None: closed."""
    context = ssl.create_default_context(cafile=str(cloud.ca))
    context.load_cert_chain(device.cert, device.key)
    context.check_hostname = sni is not None
    c = wire.Client(cloud.mqtt)
    c.s = context.wrap_socket(c.s, server_hostname=sni)
    with c:
        c.send(wire.connect(4, client_id))
        try:
            return c.get().code
        except wire.Closed:
            return None


def own_certificate(cloud, account, files):
    """The same certificate (files: its pair) registered in this account, without a CA."""
    iot = cloud.client("iot", account=account if account != A else None)
    made = iot.register_certificate_without_ca(certificatePem=files.cert.read_text(), status="ACTIVE")
    return iot, made


def permit(iot, target):
    iot.create_policy(policyName="open", policyDocument=json.dumps(OPEN_POLICY))
    iot.attach_policy(policyName="open", target=target)


@pytest.fixture
def shared(cloud, tmp_path):
    """A certificate of a customer's own, its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    d = Device(cloud, "shared", "shared", None)
    d.cert.write_text(pem(OwnCa().issue("shared", key.public_key())))
    d.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return d


def test_each_has_its_own_registry(cloud):
    a, b = cloud.client("iot"), cloud.client("iot", account=B)
    assert a.create_thing(thingName="t")["thingArn"].split(":")[4] == A
    assert b.list_things()["things"] == []
    refused(b.describe_thing, "ResourceNotFoundException", 404, thingName="t")
    assert b.create_thing(thingName="t")["thingArn"].split(":")[4] == B
    b.delete_thing(thingName="t")
    assert a.describe_thing(thingName="t")["thingName"] == "t"
    assert a.get_registration_code() != b.get_registration_code()
    assert a.describe_endpoint()["endpointAddress"] == "localhost"
    assert b.describe_endpoint()["endpointAddress"] == f"{B}.localhost"
    names = x509.load_pem_x509_certificate((cloud.data / "pki/server.cert.pem").read_bytes())
    names = names.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert set(names) == {"localhost", f"{A}.localhost", f"{B}.localhost"}


def test_the_name_in_the_handshake_chooses_the_account(cloud):
    mine, theirs = cloud.device("mine"), cloud.device("theirs", account=B)
    for sni in (None, "localhost", f"{A}.localhost"):
        assert connect(cloud, mine, sni) == 0, sni
        assert connect(cloud, theirs, sni) is None, sni
    assert connect(cloud, theirs, f"{B}.localhost") == 0
    assert connect(cloud, mine, f"{B}.localhost") is None


def test_an_account_that_is_not_here(cloud, procs):
    d = cloud.device("mine")
    assert cloud.stop() == 0
    cloud.more = ("--account", A, "--host", "localhost,999999999999.localhost")
    cloud.start()
    assert connect(cloud, d, "localhost") == 0
    assert connect(cloud, d, "999999999999.localhost") is None
    assert "an account that is not here" in cloud.log()


def https(cloud, device, host, path):
    p = subprocess.run(["curl", "-sS", "--cacert", cloud.ca, "--cert", device.cert, "--key", device.key, "-w", "\n%{http_code}",
                        "--connect-to", f"{host}:443:127.0.0.1:{cloud.https}", f"https://{host}{path}"],
                       capture_output=True, text=True, timeout=20)
    assert p.returncode == 0, p.stderr
    body, status = p.stdout.rsplit("\n", 1)
    return int(status), json.loads(body)


def test_one_certificate_in_two_accounts(cloud, shared):
    """Multi-account registration: the name in the handshake decides whose policies count, and each account may
    switch it off for itself."""
    a, in_a = own_certificate(cloud, A, shared)
    b, in_b = own_certificate(cloud, B, shared)
    assert in_a["certificateId"] == in_b["certificateId"] and in_a["certificateArn"] != in_b["certificateArn"]
    permit(b, in_b["certificateArn"])
    assert connect(cloud, shared, f"{B}.localhost") == 0
    assert connect(cloud, shared, f"{A}.localhost") is None  # no policy there
    permit(a, in_a["certificateArn"])
    assert connect(cloud, shared, f"{A}.localhost") == 0
    path = "/sedge/connection?clientId=c"
    assert https(cloud, shared, f"{B}.localhost", path)[1]["connect"] == "allowed"
    b.update_certificate(certificateId=in_b["certificateId"], newStatus="INACTIVE")
    assert connect(cloud, shared, f"{B}.localhost") is None and connect(cloud, shared, f"{A}.localhost") == 0
    assert https(cloud, shared, f"{B}.localhost", path)[1]["connect"] == "refused"
    assert https(cloud, shared, f"{A}.localhost", path)[1]["connect"] == "allowed"


def test_messages_stay_in_their_account(cloud):
    mine, theirs = cloud.device("mine"), cloud.device("theirs", account=B)
    clients = {}
    for d, sni in ((mine, "localhost"), (theirs, f"{B}.localhost")):
        tls = ssl.create_default_context(cafile=str(cloud.ca))
        tls.load_cert_chain(d.cert, d.key)
        c = clients[d.name] = wire.Client(cloud.mqtt)
        c.s = tls.wrap_socket(c.s, server_hostname=sni)
        c.send(wire.connect(4, "same"))  # the same client id: nobody is thrown out
        c.expect(wire.CONNACK)
        c.send(wire.subscribe(4, 1, ("#", 1)))
        c.expect(wire.SUBACK)
    for name in clients:
        clients[name].send(wire.publish(4, "t", name))
        got = clients[name].expect(wire.PUBLISH)
        assert got.payload.decode() == name
    for c in clients.values():
        c.send(wire.packet(wire.PINGREQ, 0))
        c.expect(wire.PINGRESP)
        assert not c.messages
        c.s.close()


def test_accounts_may_come_later_but_not_change_places(cloud):
    cloud.client("iot").create_thing(thingName="t")
    cloud.client("iot", account=B).create_thing(thingName="u")
    assert cloud.stop() == 0
    p = cloud.procs.start(*cloud.command(*cloud.ANY_PORTS, "--account", f"{B},{A}"))
    assert p.wait(20) == 1
    assert f"the database of account {B} belongs to account {A}" in p.log.read_text()
    cloud.start()
    assert [t["thingName"] for t in cloud.client("iot", account=B).list_things()["things"]] == ["u"]


def test_several_accounts_need_a_name(procs, tmp_path):
    cloud = Cloud.__new__(Cloud)
    cloud.data = tmp_path / "d"
    p = procs.start(*cloud.command(*cloud.ANY_PORTS, "--account", f"{A},{B}", "--host", "127.0.0.1"))
    assert p.wait(20) == 1 and "must be a name" in p.log.read_text()
