"""Domain configurations: checked, kept, read back, and what hangs on them."""

import pytest
from cloud import ACCOUNT, REGION, Cloud
from test_cloud_api import refused


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
