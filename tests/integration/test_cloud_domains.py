"""Domain configurations: checked, kept, read back, and whom they let in by a server name."""

import json
import subprocess

import mqtt_wire
import pytest
from cloud import ACCOUNT, REGION, Cloud
from mqtt_device import DeviceClient
from mqtt_wire import Closed
from test_cloud_api import refused, send
from test_cloud_authorizer import FUNCTION, YES, Service, named
from ws_wire import Refused, WsClient


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


@pytest.fixture
def iot(cloud):
    return cloud.client("iot", parameter_validation=False)


def authorizer(iot, name="a"):
    iot.create_authorizer(authorizerName=name, authorizerFunctionArn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f", signingDisabled=True)


def test_kept_and_read_back(iot):
    authorizer(iot)
    made = iot.create_domain_configuration(domainConfigurationName="plant.A-1", domainName="iot.example.com", serviceType="DATA",
                                           authorizerConfig={"defaultAuthorizerName": "a", "allowAuthorizerOverride": True},
                                           tags=[{"Key": "k", "Value": "v"}])
    arn = made["domainConfigurationArn"]
    assert arn.startswith(f"arn:aws:iot:{REGION}:{ACCOUNT}:domainconfiguration/plant.A-1/")
    got = iot.describe_domain_configuration(domainConfigurationName="plant.A-1")
    assert (got["domainConfigurationArn"], got["domainName"], got["domainType"], got["serviceType"], got["domainConfigurationStatus"]) == \
        (arn, "iot.example.com", "CUSTOMER_MANAGED", "DATA", "ENABLED")
    assert got["authorizerConfig"] == {"defaultAuthorizerName": "a", "allowAuthorizerOverride": True} and got["lastStatusChangeDate"]
    assert iot.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "k", "Value": "v"}]
    refused(iot.delete_authorizer, "DeleteConflictException", 409, authorizerName="a")
    refused(iot.delete_domain_configuration, "InvalidRequestException", 400, domainConfigurationName="plant.A-1")
    told = iot.update_domain_configuration(domainConfigurationName="plant.A-1", domainConfigurationStatus="DISABLED", removeAuthorizerConfig=True)
    assert told["domainConfigurationArn"] == arn
    now = iot.describe_domain_configuration(domainConfigurationName="plant.A-1")
    assert now["domainConfigurationStatus"] == "DISABLED" and "authorizerConfig" not in now
    assert now["lastStatusChangeDate"] > got["lastStatusChangeDate"]
    iot.delete_authorizer(authorizerName="a")
    iot.delete_domain_configuration(domainConfigurationName="plant.A-1")
    refused(iot.describe_domain_configuration, "ResourceNotFoundException", 404, domainConfigurationName="plant.A-1")
    refused(iot.list_tags_for_resource, "ResourceNotFoundException", 404, resourceArn=arn)


def test_lists_and_the_limit(iot):
    for i in range(10):
        iot.create_domain_configuration(domainConfigurationName=f"d{i}", serviceType="JOBS" if i % 2 else "DATA")
    names = lambda **kw: [d["domainConfigurationName"] for p in iot.get_paginator("list_domain_configurations").paginate(
        PaginationConfig={"PageSize": 3}, **kw) for d in p["domainConfigurations"]]
    assert sorted(names()) == [f"d{i}" for i in range(10)]
    assert sorted(names(serviceType="JOBS")) == [f"d{i}" for i in range(1, 10, 2)]
    refused(iot.create_domain_configuration, "LimitExceededException", 410, domainConfigurationName="more")
    assert iot.describe_domain_configuration(domainConfigurationName="d0")["domainType"] == "AWS_MANAGED"


def test_the_services_own(iot):
    for name, service in (("iot:Data-ATS", "DATA"), ("iot:CredentialProvider", "CREDENTIAL_PROVIDER"), ("iot:Jobs", "JOBS")):
        got = iot.describe_domain_configuration(domainConfigurationName=name)
        assert (got["domainType"], got["serviceType"], got["domainName"]) == ("ENDPOINT", service, "localhost")
    refused(iot.delete_domain_configuration, "InvalidRequestException", 400, domainConfigurationName="iot:Jobs")


ACM = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/x"


@pytest.mark.parametrize("error,bad", [
    ("InvalidRequestException", {"domainName": "with space"}), ("InvalidRequestException", {"domainName": "x" * 254}),
    ("InvalidRequestException", {"serviceType": "MAIL"}), ("InvalidRequestException", {"serviceType": 1}),
    ("InvalidRequestException", {"authorizerConfig": {"defaultAuthorizerName": "nobody"}}),
    ("InvalidRequestException", {"authorizerConfig": {"allowAuthorizerOverride": "yes"}}),
    ("InvalidRequestException", {"domainConfigurationName": "a b"}),
    ("CertificateValidationException", {"serverCertificateArns": [ACM]}), ("CertificateValidationException", {"validationCertificateArn": ACM})])
def test_refused(iot, error, bad):
    refused(iot.create_domain_configuration, error, 400, **{"domainConfigurationName": "d", **bad})
    assert iot.list_domain_configurations()["domainConfigurations"] == []


def test_states(iot):
    iot.create_domain_configuration(domainConfigurationName="d")
    exists = refused(iot.create_domain_configuration, "ResourceAlreadyExistsException", 409, domainConfigurationName="d")
    assert exists["resourceId"] == "d" and "domainconfiguration/d/" in exists["resourceArn"]
    refused(iot.update_domain_configuration, "InvalidRequestException", 400, domainConfigurationName="d", domainConfigurationStatus="GONE")
    refused(iot.update_domain_configuration, "InvalidRequestException", 400, domainConfigurationName="d", removeAuthorizerConfig=True,
            authorizerConfig={"allowAuthorizerOverride": True})
    for call in (iot.update_domain_configuration, iot.delete_domain_configuration, iot.describe_domain_configuration):
        refused(call, "ResourceNotFoundException", 404, domainConfigurationName="none")


def test_a_name_has_one_configuration(iot):
    iot.create_domain_configuration(domainConfigurationName="d", domainName="Plant.Example")
    refused(iot.create_domain_configuration, "InvalidRequestException", 400, domainConfigurationName="e", domainName="plant.example")
    refused(iot.create_domain_configuration, "InvalidRequestException", 400, domainConfigurationName="e", domainName="localhost")
    iot.create_domain_configuration(domainConfigurationName="e", domainName="plant.example", serviceType="JOBS")
    iot.create_domain_configuration(domainConfigurationName="f", domainName="*.example")


# --- whom they let in --------------------------------------------------------------------------------------------------------

PLANT = "plant.example"


@pytest.fixture
def plant(procs, tmp_path):
    """A cloud with one more name."""
    return Cloud(procs, tmp_path, "--host", f"localhost,{PLANT}")


def configure(cloud, method, **members):
    """With members that Debian's botocore does not know yet."""
    assert send(cloud, cloud.api + "/domainConfigurations/d", method=method, body=json.dumps(members).encode())[0] == 200


def update(cloud, **members):
    configure(cloud, "PUT", **members)


def mqtt(device, name=PLANT):
    """Is it let in?"""
    try:
        DeviceClient(device, sni=name).leave()
        return True
    except Closed:
        return False


def https(device, path, name=PLANT, *argv):
    """(status, body)"""
    port = device.cloud.https
    p = subprocess.run(["curl", "-sS", "--cacert", device.cloud.ca, "--cert", device.cert, "--key", device.key, "-w", "\n%{http_code}", *argv,
                        "--resolve", f"{name}:{port}:127.0.0.1", f"https://{name}:{port}{path}"], capture_output=True, text=True, timeout=20)
    assert p.returncode == 0, p.stderr
    return int(p.stdout.rsplit("\n", 1)[1]), p.stdout.rsplit("\n", 1)[0]


def publish(device, name=PLANT):
    return https(device, "/topics/a", name, "--data-binary", "x")[0]


@pytest.mark.parametrize("domain", [PLANT, "*.EXAMPLE"])
def test_a_disabled_domain_lets_nobody_in(plant, domain):
    """By its name; the endpoint's own name is none of it (the control)."""
    d = plant.device("d")
    assert (mqtt(d), publish(d)) == (True, 200)
    plant.client("iot").create_domain_configuration(domainConfigurationName="d", domainName=domain)
    assert (mqtt(d), publish(d)) == (True, 200)
    stays = DeviceClient(d, "d", sni=PLANT)
    update(plant, domainConfigurationStatus="DISABLED")
    assert (mqtt(d), publish(d)) == (False, 403)
    told = json.loads(https(d, "/sedge/connection?clientId=d")[1])
    assert told["connect"] == "refused" and "domain configuration d is DISABLED" in told["message"]
    assert "domain configuration d is DISABLED" in plant.log()
    assert (publish(d, "localhost"), json.loads(https(d, "/sedge/connection?clientId=d", "localhost")[1])["connect"]) == (200, "allowed")
    assert stays.publish("a", b"x", 1) == 0  # who is in stays
    stays.leave()
    assert mqtt(d, "localhost")
    update(plant, domainConfigurationStatus="ENABLED")
    assert (mqtt(d), publish(d)) == (True, 200)


WAYS = [({"authenticationType": "CUSTOM_AUTH"}, False, 403), ({"authenticationType": "AWS_SIGV4"}, False, 403),
        ({"authenticationType": "CUSTOM_AUTH_X509"}, False, 403), ({"authenticationType": "AWS_X509"}, True, 200),
        ({"applicationProtocol": "HTTPS"}, False, 200), ({"applicationProtocol": "MQTT_WSS"}, False, 403),
        ({"applicationProtocol": "SECURE_MQTT"}, True, 403), ({"applicationProtocol": "DEFAULT"}, True, 200)]


def test_ways_in_with_a_certificate(plant):
    d = plant.device("d")
    configure(plant, "POST", domainName=PLANT)
    for settings, may_mqtt, may_https in WAYS:
        update(plant, **{"authenticationType": "DEFAULT", **settings})
        assert (mqtt(d), publish(d)) == (may_mqtt, may_https), settings


def test_authorizers_of_a_domain(procs, tmp_path):
    service = Service()
    (tmp_path / "cloud").mkdir(mode=0o700)
    hooks = tmp_path / "cloud/hooks.conf"
    hooks.touch(0o600)
    hooks.write_text(f"{FUNCTION} = {service.url}\n")
    cloud = Cloud(procs, tmp_path, "--host", f"localhost,{PLANT}")
    iot, service.say = cloud.client("iot"), YES
    for name in ("own", "other"):
        iot.create_authorizer(authorizerName=name, authorizerFunctionArn=FUNCTION, signingDisabled=True, status="ACTIVE")
    port = int(cloud.api.rsplit(":", 1)[1])

    def connect(host=PLANT, query=""):
        c = WsClient(port, "/mqtt" + query, f"{host}:{port}", v=5)
        c.send(mqtt_wire.connect(5, "c"))
        return c.get().code

    with pytest.raises(Refused):
        connect()  # no default authorizer yet
    iot.create_domain_configuration(domainConfigurationName="d", domainName=PLANT, authorizerConfig={"defaultAuthorizerName": "own"})
    assert connect() == 0 and connect(query=named("own")) == 0
    with pytest.raises(Refused):
        connect("localhost")
    with pytest.raises(Refused):
        connect(query=named("other"))
    with pytest.raises(Refused):
        connect(query=named("other") + f"&host=localhost")
    assert connect("localhost", named("other")) == 0
    update(cloud, authorizerConfig={"defaultAuthorizerName": "own", "allowAuthorizerOverride": True})
    assert connect(query=named("other")) == 0
    for bad in ({"authenticationType": "AWS_X509"}, {"applicationProtocol": "SECURE_MQTT"}, {"domainConfigurationStatus": "DISABLED"}):
        update(cloud, **bad)
        with pytest.raises(Refused):
            connect()
        update(cloud, authenticationType="CUSTOM_AUTH", applicationProtocol="MQTT_WSS", domainConfigurationStatus="ENABLED")
        assert connect() == 0
    service.server.shutdown()
