"""The control plane as unmodified AWS clients see it: boto3 and the AWS CLI against a real sedge-cloud."""

import datetime
import hashlib
import json
import re
import stat
import subprocess
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.auth import SigV4Auth
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cloud import ACCOUNT, OPEN_POLICY, REGION, Cloud, arn
from conftest import BIN, LONG, free_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


def refused(call, code, status, **kw):
    with pytest.raises(ClientError) as e:
        call(**kw)
    r = e.value.response
    assert (r["Error"]["Code"], r["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert r["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == code
    return r


# --- the start ---------------------------------------------------------------------------------------------------------

def test_first_start_makes_private_state(cloud):
    mode = lambda p: stat.S_IMODE(p.stat().st_mode)
    assert mode(cloud.data) == 0o700
    assert mode(cloud.data / "admin-credentials") == 0o600
    keys = list(cloud.data.glob("pki/*.key.pem"))
    assert len(keys) == 3 and all(mode(k) == 0o600 for k in keys)
    log, secret = cloud.log(), cloud.keys()["aws_secret_access_key"]
    assert str(cloud.data / "admin-credentials") in log and secret not in log
    der = x509.load_pem_x509_certificate(cloud.ca.read_bytes()).public_bytes(serialization.Encoding.DER)
    assert hashlib.sha256(der).hexdigest() in log


def test_restart_keeps_ca_and_credentials(cloud):
    ca, keys = cloud.ca.read_bytes(), cloud.keys()
    assert cloud.stop() == 0
    cloud.start()
    assert cloud.ca.read_bytes() == ca and cloud.keys() == keys


def server_names(cloud):
    cert = x509.load_pem_x509_certificate((cloud.data / "pki/server.cert.pem").read_bytes())
    return [str(n.value) for n in cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value]


def test_server_certificate_follows_host(cloud):
    assert server_names(cloud) == ["localhost", "127.0.0.1", "::1"]
    before = (cloud.data / "pki/server.cert.pem").read_bytes()
    cloud.stop()
    cloud.start()
    assert (cloud.data / "pki/server.cert.pem").read_bytes() == before
    cloud.stop()
    cloud.start("--host", "iot.example.org,localhost")
    assert server_names(cloud)[:2] == ["iot.example.org", "localhost"]
    assert cloud.client("iot").describe_endpoint()["endpointAddress"] == "iot.example.org"


def test_endpoints_tell_names_and_ports(cloud):
    told = json.load(urllib.request.urlopen(cloud.api + "/sedge/endpoints"))
    assert told == {"v": 1, "host": "localhost", "mqttPort": cloud.mqtt, "httpsPort": cloud.https, "region": REGION,
                    "accountId": ACCOUNT}


def run(*argv):
    p = subprocess.run([BIN / "sedge-cloud", *map(str, argv)], capture_output=True, text=True, timeout=20)
    return p.returncode, p.stdout + p.stderr


def test_port_in_use_names_port_and_flag(cloud, tmp_path):
    rc, out = run("serve", "--data", tmp_path / "other", "--mqtt", f"127.0.0.1:{cloud.mqtt}", "--https", "127.0.0.1:0", "--api", "127.0.0.1:0")
    assert rc == 1 and str(cloud.mqtt) in out and "--mqtt" in out


def test_data_folder_in_use_is_refused(cloud):
    rc, out = run("serve", "--data", cloud.data, "--mqtt", "127.0.0.1:0", "--https", "127.0.0.1:0", "--api", "127.0.0.1:0")
    assert rc == 1 and "in use by another sedge-cloud" in out


def test_insecure_dev_only_on_loopback(tmp_path):
    rc, out = run("serve", "--data", tmp_path / "c", "--insecure-dev", "--mqtt", "0.0.0.0:0", "--https", "127.0.0.1:0", "--api", "127.0.0.1:0")
    assert rc == 1 and "loopback" in out


def test_insecure_dev_believes_any_key(procs, tmp_path):
    cloud = Cloud(procs, tmp_path, "--insecure-dev")
    cloud.client("iot", aws_access_key_id="anybody", aws_secret_access_key="anything").create_thing(thingName="t")


def test_open_data_folder_is_refused(tmp_path):
    (tmp_path / "c").mkdir(mode=0o755)
    (tmp_path / "c").chmod(0o755)
    rc, out = run("serve", "--data", tmp_path / "c")
    assert rc == 1 and "chmod 700" in out


def test_beyond_loopback_the_control_port_speaks_tls(procs, tmp_path):
    port = free_port()
    procs.start(BIN / "sedge-cloud", "serve", "--data", tmp_path / "c", "--mqtt", "127.0.0.1:0", "--https", "127.0.0.1:0",
                "--api", f"0.0.0.0:{port}")
    ca = tmp_path / "c/pki/ca.cert.pem"
    url = f"https://localhost:{port}/sedge/endpoints"
    p = subprocess.run(["curl", "-sS", "--retry", "20", "--retry-delay", "1", "--retry-all-errors", "--cacert", ca, url],
                       capture_output=True, text=True, timeout=40)
    assert json.loads(p.stdout)["v"] == 1, p.stderr
    assert subprocess.run(["curl", "-sS", url.replace("https", "http")], capture_output=True, timeout=20).returncode != 0


def test_usage():
    assert run("--help")[0] == 0 and "serve --data DIR" in run("--help")[1]
    assert re.fullmatch(r"sedge-cloud \d+\.\d+\.\d+\n", run("--version")[1])
    for wrong in (["serve"], ["serve", "--data"], ["serve", "--data", "d", "--nonsense"], ["serve", "--data", "d", "--account", "1"], ["nonsense"], []):
        rc, out = run(*wrong)
        assert rc == 2 and "usage:" in out


# --- signatures --------------------------------------------------------------------------------------------------------

def test_debians_awscli_unmodified(cloud):
    assert cloud.aws("iot", "create-thing", "--thing-name", "SE050_Core")["thingArn"] == arn("thing/SE050_Core")
    assert "ResourceNotFoundException" in cloud.aws("iot", "describe-thing", "--thing-name", "other", ok=False)


def test_wrong_secret_and_unknown_key(cloud):
    bad = {**cloud.keys(), "aws_secret_access_key": "x" * 40}
    refused(cloud.client("iot", **bad).list_things, "InvalidSignatureException", 403)
    unknown = {**cloud.keys(), "aws_access_key_id": "AKIAAAAAAAAAAAAAAAAA"}
    refused(cloud.client("iot", **unknown).list_things, "UnrecognizedClientException", 403)


def send(cloud, url, when=None, service="iot", change=lambda headers: None, body=b"", method="GET"):
    """A request signed by botocore at `when`; (status, error type)."""
    keys = cloud.keys()
    signer = SigV4Auth(Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"]), service, REGION)
    rq = AWSRequest(method=method, url=url, data=body)
    if when:
        import botocore.auth
        real = botocore.auth.datetime
        class Fixed(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return when
        botocore.auth.datetime = type("m", (), {"datetime": Fixed})
        try:
            signer.add_auth(rq)
        finally:
            botocore.auth.datetime = real
    else:
        signer.add_auth(rq)
    headers = dict(rq.headers.items())
    change(headers)
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body or None, headers=headers, method=method)) as r:
            return r.status, r.headers.get("x-amzn-ErrorType"), r.headers.get("x-amzn-RequestId")
    except urllib.error.HTTPError as e:
        return e.code, e.headers.get("x-amzn-ErrorType"), e.headers.get("x-amzn-RequestId")


def test_signatures(cloud):
    url = cloud.api + "/things"
    now = datetime.datetime.utcnow()
    assert send(cloud, url)[0] == 200
    for service in ("execute-api", "iotdata", "greengrass"):
        assert send(cloud, url, service=service)[0] == 200
    assert send(cloud, url, service="s3")[:2] == (403, "InvalidSignatureException")
    assert send(cloud, url, when=now - datetime.timedelta(minutes=20))[:2] == (403, "InvalidSignatureException")
    assert send(cloud, url, when=now + datetime.timedelta(minutes=20))[:2] == (403, "InvalidSignatureException")
    assert send(cloud, url, when=now - datetime.timedelta(minutes=3))[0] == 200
    assert send(cloud, url, change=lambda h: h.pop("Authorization"))[:2] == (403, "MissingAuthenticationTokenException")
    assert send(cloud, url, change=lambda h: h.update({"X-Amz-Extra": "1"}))[1] in ("IncompleteSignatureException", "InvalidSignatureException")
    changed = lambda h: h.update({"Authorization": h["Authorization"].replace("Signature=", "Signature=0")[:-1]})
    assert send(cloud, url, change=changed)[:2] == (403, "InvalidSignatureException")
    assert re.fullmatch("[0-9a-f-]{36}", send(cloud, url)[2])


def test_unknown_operation(cloud):
    assert send(cloud, cloud.api + "/no/such")[:2] == (404, "UnknownOperationException")


# --- things ------------------------------------------------------------------------------------------------------------

def test_things(cloud):
    iot = cloud.client("iot")
    made = iot.create_thing(thingName="a", attributePayload={"attributes": {"k": "v"}})
    assert made["thingArn"] == arn("thing/a") and len(made["thingId"]) == 36
    again = iot.create_thing(thingName="a", attributePayload={"attributes": {"k": "v"}})
    assert again["thingId"] == made["thingId"]
    r = refused(iot.create_thing, "ResourceAlreadyExistsException", 409, thingName="a")
    assert (r["resourceId"], r["resourceArn"]) == (made["thingId"], made["thingArn"])
    got = iot.describe_thing(thingName="a")
    assert (got["defaultClientId"], got["attributes"], got["version"]) == ("a", {"k": "v"}, 1)
    refused(iot.describe_thing, "ResourceNotFoundException", 404, thingName="b")
    refused(iot.create_thing, "InvalidRequestException", 400, thingName="bad name")
    refused(iot.create_thing, "InvalidRequestException", 400, thingName="x" * 128 + "y")
    iot.create_thing(thingName="x" * 128)
    refused(iot.create_thing, "InvalidRequestException", 400, thingName="c",
            attributePayload={"attributes": {str(i): "v" for i in range(4)}})
    iot.delete_thing(thingName="a")
    refused(iot.describe_thing, "ResourceNotFoundException", 404, thingName="a")


def test_list_things_in_pages(cloud):
    iot = cloud.client("iot")
    for i in range(7):
        iot.create_thing(thingName=f"t{i}")
    pages = [iot.list_things(maxResults=3)]
    while "nextToken" in pages[-1]:
        pages.append(iot.list_things(maxResults=3, nextToken=pages[-1]["nextToken"]))
    assert [[t["thingName"] for t in p["things"]] for p in pages] == [["t0", "t1", "t2"], ["t3", "t4", "t5"], ["t6"]]
    assert len(cloud.aws("iot", "list-things")["things"]) == 7


def test_region_of_the_caller_is_in_arns(cloud):
    assert ":eu-west-1:" in cloud.client("iot", region="eu-west-1").create_thing(thingName="t")["thingArn"]


# --- certificates ------------------------------------------------------------------------------------------------------

def fingerprint(pem):
    return hashlib.sha256(x509.load_pem_x509_certificate(pem.encode()).public_bytes(serialization.Encoding.DER)).hexdigest()


def test_create_keys_and_certificate(cloud):
    iot = cloud.client("iot")
    made = iot.create_keys_and_certificate()
    cert = x509.load_pem_x509_certificate(made["certificatePem"].encode())
    key = serialization.load_pem_private_key(made["keyPair"]["PrivateKey"].encode(), None)
    assert made["keyPair"]["PrivateKey"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert key.key_size == 2048 and key.public_key().public_numbers() == cert.public_key().public_numbers()
    assert fingerprint(made["certificatePem"]) == made["certificateId"]
    assert made["certificateArn"] == arn("cert/" + made["certificateId"])
    assert cert.subject.rfc4514_string() == "CN=AWS IoT Certificate"
    assert cert.not_valid_after == datetime.datetime(2049, 12, 31, 23, 59, 59)
    d = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]
    assert (d["status"], d["certificatePem"], d["ownedBy"], d["certificateMode"]) == ("INACTIVE", made["certificatePem"], ACCOUNT, "DEFAULT")
    assert abs((d["creationDate"] - datetime.datetime.now(datetime.timezone.utc)).total_seconds()) < 60
    assert d["customerVersion"] == 1 and d["validity"]["notAfter"].year == 2049


def process_memory(pid):
    for line in open(f"/proc/{pid}/maps"):
        span, perms, *rest = line.split()
        if not perms.startswith("r") or (len(rest) > 3 and rest[3] in ("[vvar]", "[vsyscall]")):
            continue
        lo, hi = (int(x, 16) for x in span.split("-"))
        with open(f"/proc/{pid}/mem", "rb", 0) as m:
            m.seek(lo)
            try:
                yield m.read(hi - lo)
            except OSError:
                pass


def test_the_private_key_stays_nowhere(cloud):
    """Neither in a file of the cloud nor in its memory, as text or as numbers (promise 2)."""
    made = [cloud.client("iot").create_keys_and_certificate() for _ in range(3)]
    cloud.client("iot").list_things()
    for m in made:
        lines = m["keyPair"]["PrivateKey"].splitlines()[2:-2]
        n = serialization.load_pem_private_key(m["keyPair"]["PrivateKey"].encode(), None).private_numbers()
        numbers = [x.to_bytes(128, "big")[16:48] for x in (n.p, n.q)] + [n.d.to_bytes(256, "big")[32:64]]
        wanted = [l.encode() for l in lines] + numbers + [x[::-1] for x in numbers]
        for f in cloud.data.rglob("*"):
            assert not f.is_file() or not any(w in f.read_bytes() for w in wanted), f
        memory = list(process_memory(cloud.p.pid))
        for part in memory:
            assert not any(w in part for w in wanted)
        control = cloud.ca.read_bytes().splitlines()[1]  # the scan finds what is there
        assert any(control in part for part in memory)


def csr(key, name="device-1"):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Plant")])
    return x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256()) \
        .public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("make", [lambda: ec.generate_private_key(ec.SECP256R1()), lambda: ec.generate_private_key(ec.SECP384R1()),
                                  lambda: rsa.generate_private_key(65537, 2048)])
def test_certificate_from_csr(cloud, make):
    iot, key = cloud.client("iot"), make()
    one = iot.create_certificate_from_csr(certificateSigningRequest=csr(key), setAsActive=True)
    two = iot.create_certificate_from_csr(certificateSigningRequest=csr(key))
    cert = x509.load_pem_x509_certificate(one["certificatePem"].encode())
    assert cert.public_key().public_numbers() == key.public_key().public_numbers()
    assert "CN=device-1" in cert.subject.rfc4514_string() and "O=Plant" in cert.subject.rfc4514_string()
    assert one["certificateId"] != two["certificateId"]
    status = lambda m: iot.describe_certificate(certificateId=m["certificateId"])["certificateDescription"]["status"]
    assert (status(one), status(two)) == ("ACTIVE", "INACTIVE")


def test_bad_csr(cloud):
    iot = cloud.client("iot")
    good = csr(ec.generate_private_key(ec.SECP256R1()))
    for bad in ("nonsense", good[:200], csr(rsa.generate_private_key(65537, 1024)), csr(ec.generate_private_key(ec.SECP256K1())),
                good.replace(good[100], "A" if good[100] != "A" else "B", 1)):
        refused(iot.create_certificate_from_csr, "InvalidRequestException", 400, certificateSigningRequest=bad)


def test_certificate_states(cloud):
    iot = cloud.client("iot")
    id = iot.create_keys_and_certificate(setAsActive=True)["certificateId"]
    refused(iot.delete_certificate, "CertificateStateException", 406, certificateId=id)
    for bad in ("PENDING_TRANSFER", "PENDING_ACTIVATION", "REGISTER_INACTIVE"):
        refused(iot.update_certificate, "InvalidRequestException", 400, certificateId=id, newStatus=bad)
    for status in ("INACTIVE", "ACTIVE", "REVOKED", "INACTIVE"):
        iot.update_certificate(certificateId=id, newStatus=status)
        d = iot.describe_certificate(certificateId=id)["certificateDescription"]
        assert d["status"] == status
    assert d["customerVersion"] == 5
    iot.create_policy(policyName="p", policyDocument=json.dumps(OPEN_POLICY))
    iot.attach_policy(policyName="p", target=arn("cert/" + id))
    refused(iot.delete_certificate, "DeleteConflictException", 409, certificateId=id)
    iot.create_thing(thingName="t")
    iot.attach_thing_principal(thingName="t", principal=arn("cert/" + id))
    refused(iot.delete_certificate, "DeleteConflictException", 409, certificateId=id, forceDelete=True)
    iot.detach_thing_principal(thingName="t", principal=arn("cert/" + id))
    iot.delete_certificate(certificateId=id, forceDelete=True)
    refused(iot.describe_certificate, "ResourceNotFoundException", 404, certificateId=id)
    assert iot.list_certificates()["certificates"] == []


def test_list_certificates_in_pages(cloud):
    iot = cloud.client("iot")
    key = ec.generate_private_key(ec.SECP256R1())
    made = [iot.create_certificate_from_csr(certificateSigningRequest=csr(key))["certificateId"] for _ in range(5)]
    def listed(**kw):
        page = iot.list_certificates(pageSize=2, **kw)
        out = [c["certificateId"] for c in page["certificates"]]
        while "nextMarker" in page:
            page = iot.list_certificates(pageSize=2, marker=page["nextMarker"], **kw)
            out += [c["certificateId"] for c in page["certificates"]]
        return out
    assert sorted(listed()) == sorted(made) and listed(ascendingOrder=True) == listed()[::-1]


# --- a customer's own CA -------------------------------------------------------------------------------------------------

class OwnCa:
    def __init__(self, name="Plant CA", ca=True, end=30):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name
        self.cert = self.issue(name, self.key.public_key(), ca=ca, self_signed=True, end=end)

    def issue(self, cn, public, ca=False, self_signed=False, start=-1, end=30):
        name = lambda t: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, t)])
        now = datetime.datetime.utcnow()
        return (x509.CertificateBuilder().subject_name(name(cn)).issuer_name(name(self.name)).public_key(public)
                .serial_number(x509.random_serial_number()).not_valid_before(now + datetime.timedelta(days=start))
                .not_valid_after(now + datetime.timedelta(days=end))
                .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True).sign(self.key, hashes.SHA256()))


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM).decode()


def register_ca(iot, ca, proof=None, **kw):
    code = iot.get_registration_code()["registrationCode"]
    proof = proof or ca.issue(code, ec.generate_private_key(ec.SECP256R1()).public_key())
    return iot.register_ca_certificate(caCertificate=pem(ca.cert), verificationCertificate=pem(proof), **kw)


def test_ca_lists_and_deletion(cloud):
    iot = cloud.client("iot")
    cas = [OwnCa(f"CA {i}") for i in range(3)]
    ids = [register_ca(iot, ca, setAsActive=True)["certificateId"] for ca in cas]
    listed = lambda **kw: [c["certificateId"] for c in iot.list_ca_certificates(**kw)["certificates"]]
    assert listed(ascendingOrder=True) == ids and listed() == ids[::-1]
    page = iot.list_ca_certificates(pageSize=2)
    assert listed(pageSize=2, marker=page["nextMarker"]) == ids[:1]
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    mine = [iot.register_certificate(certificatePem=pem(cas[0].issue(f"d{i}", public)))["certificateId"] for i in range(3)]
    of_ca = lambda n, **kw: [c["certificateId"] for c in iot.list_certificates_by_ca(caCertificateId=ids[n], **kw)["certificates"]]
    assert of_ca(0, ascendingOrder=True) == mine and of_ca(1) == []
    page = iot.list_certificates_by_ca(caCertificateId=ids[0], pageSize=2)
    assert of_ca(0, pageSize=2, marker=page["nextMarker"]) == mine[:1]
    refused(iot.delete_ca_certificate, "CertificateStateException", 406, certificateId=ids[0])
    iot.update_ca_certificate(certificateId=ids[0], newStatus="INACTIVE")
    iot.delete_ca_certificate(certificateId=ids[0])
    refused(iot.describe_ca_certificate, "ResourceNotFoundException", 404, certificateId=ids[0])
    refused(iot.delete_ca_certificate, "ResourceNotFoundException", 404, certificateId=ids[0])
    assert iot.describe_certificate(certificateId=mine[0])["certificateDescription"]["caCertificateId"] == ids[0]  # what it signed stays
    code = iot.get_registration_code()["registrationCode"]
    iot.delete_registration_code()
    refused(iot.delete_registration_code, "ResourceNotFoundException", 404)
    assert iot.get_registration_code()["registrationCode"] != code


def test_a_ca_that_expired_registers_nothing(cloud):
    iot, ca = cloud.client("iot"), OwnCa(end=2 / 86400)
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    register_ca(iot, ca, setAsActive=True)
    time.sleep(3)
    refused(iot.register_certificate, "CertificateValidationException", 400, certificatePem=pem(ca.issue("d", public)))


def test_things_of_a_principal(cloud):
    iot = cloud.client("iot")
    certs = sorted(iot.create_keys_and_certificate()["certificateArn"] for _ in range(3))
    for thing in ("a", "b", "c"):
        iot.create_thing(thingName=thing)
        iot.attach_thing_principal(thingName=thing, principal=certs[0])
    for cert in certs[1:]:
        iot.attach_thing_principal(thingName="a", principal=cert)
    assert iot.list_principal_things(principal=certs[0])["things"] == ["a", "b", "c"]
    page = iot.list_principal_things(principal=certs[0], maxResults=2)
    assert iot.list_principal_things(principal=certs[0], maxResults=2, nextToken=page["nextToken"])["things"] == ["c"]
    page = iot.list_thing_principals(thingName="a", maxResults=1)
    assert iot.list_thing_principals(thingName="a", maxResults=2, nextToken=page["nextToken"])["principals"] == certs[1:]
    refused(iot.list_principal_things, "ResourceNotFoundException", 404, principal=arn("cert/" + "0" * 64))


def test_customer_ca(cloud):
    iot, ca = cloud.client("iot"), OwnCa()
    code = iot.get_registration_code()["registrationCode"]
    assert re.fullmatch("[0-9a-f]{64}", code) and iot.get_registration_code()["registrationCode"] == code
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    device = pem(ca.issue("device-1", public))
    refused(iot.register_certificate, "CertificateValidationException", 400, certificatePem=device)
    made = register_ca(iot, ca)
    assert made["certificateId"] == fingerprint(pem(ca.cert)) and made["certificateArn"] == arn("cacert/" + made["certificateId"])
    refused(iot.register_certificate, "CertificateValidationException", 400, certificatePem=device)  # INACTIVE
    iot.update_ca_certificate(certificateId=made["certificateId"], newStatus="ACTIVE")
    d = iot.describe_ca_certificate(certificateId=made["certificateId"])["certificateDescription"]
    assert (d["status"], d["autoRegistrationStatus"], d["customerVersion"]) == ("ACTIVE", "DISABLE", 2)
    one = iot.register_certificate(certificatePem=device, caCertificatePem=pem(ca.cert), setAsActive=True)
    d = iot.describe_certificate(certificateId=one["certificateId"])["certificateDescription"]
    assert (d["caCertificateId"], d["status"]) == (made["certificateId"], "ACTIVE")
    r = refused(iot.register_certificate, "ResourceAlreadyExistsException", 409, certificatePem=device)
    assert r["resourceId"] == one["certificateId"]
    same_name = OwnCa()
    refused(iot.register_certificate, "CertificateValidationException", 400, certificatePem=pem(same_name.issue("d", public)))
    register_ca(iot, same_name, setAsActive=True)  # two with one subject: told apart by signature
    other = iot.register_certificate(certificatePem=pem(same_name.issue("d", public)))
    assert iot.describe_certificate(certificateId=other["certificateId"])["certificateDescription"]["caCertificateId"] == fingerprint(pem(same_name.cert))
    expired = pem(ca.issue("old", public, start=-3, end=-1))
    refused(iot.register_certificate, "CertificateValidationException", 400, certificatePem=expired)


def test_ca_registration_is_proven(cloud):
    iot, ca = cloud.client("iot"), OwnCa()
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    code = iot.get_registration_code()["registrationCode"]
    refused(register_ca, "RegistrationCodeValidationException", 400, iot=iot, ca=ca, proof=ca.issue("0" * 64, public))
    refused(register_ca, "CertificateValidationException", 400, iot=iot, ca=ca, proof=OwnCa().issue(code, public))
    refused(register_ca, "CertificateValidationException", 400, iot=iot, ca=OwnCa(ca=False))
    refused(iot.register_ca_certificate, "InvalidRequestException", 400, caCertificate=pem(ca.cert))
    register_ca(iot, ca)
    refused(register_ca, "ResourceAlreadyExistsException", 409, iot=iot, ca=ca)


def test_register_without_ca(cloud):
    iot = cloud.client("iot")
    cert = pem(OwnCa().issue("d", ec.generate_private_key(ec.SECP256R1()).public_key()))
    id = iot.register_certificate_without_ca(certificatePem=cert, status="ACTIVE")["certificateId"]
    d = iot.describe_certificate(certificateId=id)["certificateDescription"]
    assert (d["status"], d["certificateMode"]) == ("ACTIVE", "SNI_ONLY") and "caCertificateId" not in d


# --- policies ------------------------------------------------------------------------------------------------------------

def test_update_thing(cloud):
    iot = cloud.client("iot")
    iot.create_thing(thingName="t", attributePayload={"attributes": {"a": "1", "b": "2"}})
    iot.update_thing(thingName="t", attributePayload={"attributes": {"b": "", "c": "3"}, "merge": True}, expectedVersion=1)
    got = iot.describe_thing(thingName="t")
    assert (got["attributes"], got["version"]) == ({"a": "1", "c": "3"}, 2)
    refused(iot.update_thing, "VersionConflictException", 409, thingName="t", expectedVersion=1)
    iot.update_thing(thingName="t", attributePayload={"attributes": {"z": "9"}})  # the whole map
    got = iot.describe_thing(thingName="t")
    assert (got["attributes"], got["version"]) == ({"z": "9"}, 3)
    refused(iot.update_thing, "ResourceNotFoundException", 404, thingName="nobody")
    refused(iot.update_thing, "ResourceNotFoundException", 404, thingName="t", thingTypeName="nobody")
    refused(iot.update_thing, "InvalidRequestException", 400, thingName="t",
            attributePayload={"attributes": {"a": "1", "b": "2", "c": "3"}, "merge": True})  # four without a type
    refused(iot.update_thing, "InvalidRequestException", 400, thingName="t", attributePayload={"attributes": {"a": "with space"}})
    assert iot.describe_thing(thingName="t")["version"] == 3
    refused(iot.delete_thing, "VersionConflictException", 409, thingName="t", expectedVersion=2)
    iot.delete_thing(thingName="t", expectedVersion=3)
    iot.delete_thing(thingName="t")  # what is not there is deleted


def test_thing_types(cloud):
    iot = cloud.client("iot")
    props = {"thingTypeDescription": "a lamp", "searchableAttributes": ["site", "floor"]}
    made = iot.create_thing_type(thingTypeName="lamp", thingTypeProperties=props)
    assert made["thingTypeArn"] == arn("thingtype/lamp") and len(made["thingTypeId"]) == 36
    assert iot.create_thing_type(thingTypeName="lamp", thingTypeProperties=props)["thingTypeId"] == made["thingTypeId"]
    refused(iot.create_thing_type, "ResourceAlreadyExistsException", 409, thingTypeName="lamp")
    got = iot.describe_thing_type(thingTypeName="lamp")
    assert got["thingTypeProperties"] == props and got["thingTypeMetadata"]["deprecated"] is False
    iot.create_thing_type(thingTypeName="bell")
    assert [t["thingTypeName"] for t in iot.list_thing_types()["thingTypes"]] == ["bell", "lamp"]
    page = iot.list_thing_types(maxResults=1)
    assert [t["thingTypeName"] for t in iot.list_thing_types(maxResults=1, nextToken=page["nextToken"])["thingTypes"]] == ["lamp"]
    assert [t["thingTypeName"] for t in iot.list_thing_types(thingTypeName="lamp")["thingTypes"]] == ["lamp"]
    # a typed thing may have more attributes
    many = {f"k{i}": str(i) for i in range(5)}
    iot.create_thing(thingName="t", thingTypeName="lamp", attributePayload={"attributes": many})
    assert iot.describe_thing(thingName="t")["thingTypeName"] == "lamp"
    refused(iot.create_thing, "ResourceAlreadyExistsException", 409, thingName="t", thingTypeName="bell", attributePayload={"attributes": many})
    refused(iot.create_thing, "ResourceNotFoundException", 404, thingName="u", thingTypeName="nobody")
    refused(iot.update_thing, "InvalidRequestException", 400, thingName="t", removeThingType=True)  # five attributes
    refused(iot.update_thing, "InvalidRequestException", 400, thingName="t", removeThingType=True, thingTypeName="bell")
    iot.update_thing(thingName="t", removeThingType=True, attributePayload={"attributes": {}})
    assert "thingTypeName" not in iot.describe_thing(thingName="t")
    iot.update_thing(thingName="t", thingTypeName="lamp")
    # deprecated: no new things, and deletion only later and without things
    refused(iot.delete_thing_type, "InvalidRequestException", 400, thingTypeName="lamp")
    iot.deprecate_thing_type(thingTypeName="lamp")
    assert iot.describe_thing_type(thingTypeName="lamp")["thingTypeMetadata"]["deprecated"] is True
    refused(iot.create_thing, "InvalidRequestException", 400, thingName="u", thingTypeName="lamp")
    iot.update_thing(thingName="t", attributePayload={"attributes": {"a": "1"}})  # its own type it keeps
    refused(iot.delete_thing_type, "InvalidRequestException", 400, thingTypeName="lamp")
    iot.deprecate_thing_type(thingTypeName="lamp", undoDeprecate=True)
    iot.create_thing(thingName="u", thingTypeName="lamp")
    # newer than Debian's boto3
    change = lambda name: send(cloud, f"{cloud.api}/thing-types/{name}", method="PATCH", body=b'{"thingTypeProperties":{"thingTypeDescription":"rings"}}')
    assert change("bell")[0] == 200
    assert change("nobody")[:2] == (404, "ResourceNotFoundException")
    assert iot.describe_thing_type(thingTypeName="bell")["thingTypeProperties"]["thingTypeDescription"] == "rings"
    for call in (iot.describe_thing_type, iot.deprecate_thing_type, iot.delete_thing_type):
        refused(call, "ResourceNotFoundException", 404, thingTypeName="nobody")
    refused(iot.create_thing_type, "InvalidRequestException", 400, thingTypeName="x",
            thingTypeProperties={"searchableAttributes": ["a", "b", "c", "d"]})


def test_list_things_by_type_and_attribute(cloud):
    iot = cloud.client("iot")
    for name in ("lamp", "bell"):
        iot.create_thing_type(thingTypeName=name)
    for i in range(6):
        iot.create_thing(thingName=f"t{i}", thingTypeName=("lamp", "bell")[i % 2],
                         attributePayload={"attributes": {"site": f"north-{i // 2}", "odd": str(i % 2)}})
    listed = lambda **kw: [t["thingName"] for t in iot.list_things(**kw)["things"]]
    assert listed(thingTypeName="lamp") == ["t0", "t2", "t4"]
    assert listed(attributeName="odd", attributeValue="1") == ["t1", "t3", "t5"]
    assert listed(attributeName="site", attributeValue="north-1") == ["t2", "t3"]
    assert listed(attributeName="site", attributeValue="north-", usePrefixAttributeValue=True) == [f"t{i}" for i in range(6)]
    assert listed(attributeName="site", attributeValue="north-1", thingTypeName="bell") == ["t3"]
    assert listed(attributeName="site", attributeValue="n", usePrefixAttributeValue=True, thingTypeName="lamp") == ["t0", "t2", "t4"]
    page = iot.list_things(attributeName="odd", attributeValue="1", maxResults=2)
    assert listed(attributeName="odd", attributeValue="1", maxResults=2, nextToken=page["nextToken"]) == ["t5"]
    iot.update_thing(thingName="t1", attributePayload={"attributes": {"odd": "no"}, "merge": True})
    assert listed(attributeName="odd", attributeValue="1") == ["t3", "t5"]
    iot.delete_thing(thingName="t3")
    assert listed(attributeName="odd", attributeValue="1") == ["t5"]
    refused(iot.list_things, "InvalidRequestException", 400, attributeName="odd")


def test_thing_groups(cloud):
    iot = cloud.client("iot")
    props = {"thingGroupDescription": "all of it", "attributePayload": {"attributes": {"a": "1"}}}
    made = iot.create_thing_group(thingGroupName="root", thingGroupProperties=props)
    assert made["thingGroupArn"] == arn("thinggroup/root")
    assert iot.create_thing_group(thingGroupName="root", thingGroupProperties=props)["thingGroupId"] == made["thingGroupId"]
    refused(iot.create_thing_group, "ResourceAlreadyExistsException", 409, thingGroupName="root")
    names = ["root"]
    for i in range(2, 8):  # seven deep
        iot.create_thing_group(thingGroupName=f"g{i}", parentGroupName=names[-1])
        names.append(f"g{i}")
    refused(iot.create_thing_group, "InvalidRequestException", 400, thingGroupName="g8", parentGroupName="g7")
    refused(iot.create_thing_group, "ResourceNotFoundException", 404, thingGroupName="x", parentGroupName="nobody")
    got = iot.describe_thing_group(thingGroupName="g3")
    assert got["thingGroupMetadata"]["parentGroupName"] == "g2"
    assert [g["groupName"] for g in got["thingGroupMetadata"]["rootToParentThingGroups"]] == ["root", "g2"]
    assert got["version"] == 1
    got = iot.describe_thing_group(thingGroupName="root")
    assert got["thingGroupProperties"] == props and "parentGroupName" not in got["thingGroupMetadata"]
    change = {"thingGroupDescription": "new", "attributePayload": {"attributes": {"b": "2"}, "merge": True}}
    assert iot.update_thing_group(thingGroupName="root", thingGroupProperties=change, expectedVersion=1)["version"] == 2
    refused(iot.update_thing_group, "VersionConflictException", 409, thingGroupName="root", thingGroupProperties=change, expectedVersion=1)
    assert iot.describe_thing_group(thingGroupName="root")["thingGroupProperties"]["attributePayload"]["attributes"] == {"a": "1", "b": "2"}
    iot.create_thing_group(thingGroupName="alone")
    listed = lambda **kw: [g["groupName"] for g in iot.list_thing_groups(**kw)["thingGroups"]]
    assert listed() == sorted(names + ["alone"])
    assert listed(parentGroup="root") == ["g2"]
    assert listed(parentGroup="root", recursive=True) == names[1:]
    assert listed(namePrefixFilter="g") == names[1:]
    assert listed(parentGroup="g2", recursive=True, namePrefixFilter="g7") == ["g7"]
    page = iot.list_thing_groups(maxResults=5)
    assert listed(maxResults=5, nextToken=page["nextToken"]) == names[5:] + ["root"]
    refused(iot.delete_thing_group, "InvalidRequestException", 400, thingGroupName="g6")
    refused(iot.delete_thing_group, "VersionConflictException", 409, thingGroupName="g7", expectedVersion=9)
    iot.delete_thing_group(thingGroupName="g7")
    iot.delete_thing_group(thingGroupName="g7")
    for call in (iot.describe_thing_group, iot.list_things_in_thing_group):
        refused(call, "ResourceNotFoundException", 404, thingGroupName="g7")


def test_thing_group_members(cloud):
    iot = cloud.client("iot")
    for name, parent in (("root", None), ("left", "root"), ("right", "root"), ("other", None)):
        iot.create_thing_group(thingGroupName=name, **({"parentGroupName": parent} if parent else {}))
    for i in range(3):
        iot.create_thing(thingName=f"t{i}")
    iot.add_thing_to_thing_group(thingGroupName="left", thingName="t0")
    iot.add_thing_to_thing_group(thingGroupName="left", thingName="t0")  # twice is once
    iot.add_thing_to_thing_group(thingGroupArn=arn("thinggroup/right"), thingArn=arn("thing/t1"))
    iot.add_thing_to_thing_group(thingGroupName="other", thingName="t0")
    for group in ("right", "root"):  # never two of one hierarchy
        refused(iot.add_thing_to_thing_group, "InvalidRequestException", 400, thingGroupName=group, thingName="t0")
    members = lambda group, **kw: iot.list_things_in_thing_group(thingGroupName=group, **kw)["things"]
    assert (members("left"), members("root"), members("root", recursive=True)) == (["t0"], [], ["t0", "t1"])
    page = iot.list_things_in_thing_group(thingGroupName="root", recursive=True, maxResults=1)
    assert members("root", recursive=True, maxResults=1, nextToken=page["nextToken"]) == ["t1"]
    groups = lambda thing: [g["groupName"] for g in iot.list_thing_groups_for_thing(thingName=thing)["thingGroups"]]
    assert groups("t0") == ["left", "other"]
    iot.update_thing_groups_for_thing(thingName="t0", thingGroupsToRemove=["left"], thingGroupsToAdd=["right"])
    assert groups("t0") == ["other", "right"]
    iot.remove_thing_from_thing_group(thingGroupName="other", thingName="t0")
    iot.remove_thing_from_thing_group(thingGroupName="other", thingName="t0")
    assert groups("t0") == ["right"]
    for i in range(9):
        iot.create_thing_group(thingGroupName=f"more{i}")
        iot.add_thing_to_thing_group(thingGroupName=f"more{i}", thingName="t0")
    refused(iot.add_thing_to_thing_group, "InvalidRequestException", 400, thingGroupName="other", thingName="t0")  # the eleventh
    assert len(groups("t0")) == 10
    refused(iot.add_thing_to_thing_group, "InvalidRequestException", 400, thingGroupName="left", thingGroupArn=arn("thinggroup/right"), thingName="t2")
    refused(iot.add_thing_to_thing_group, "ResourceNotFoundException", 404, thingGroupName="nobody", thingName="t2")
    refused(iot.add_thing_to_thing_group, "ResourceNotFoundException", 404, thingGroupName="left", thingName="nobody")
    refused(iot.add_thing_to_thing_group, "InvalidRequestException", 400, thingName="t2")
    iot.delete_thing(thingName="t0")
    assert members("right") == ["t1"]
    # policies of groups
    iot.create_policy(policyName="p", policyDocument=json.dumps(OPEN_POLICY))
    cert = iot.create_keys_and_certificate()["certificateArn"]
    for target in (arn("thinggroup/root"), arn("thinggroup/left"), cert):
        iot.attach_policy(policyName="p", target=target)
    iot.create_policy(policyName="q", policyDocument=json.dumps(OPEN_POLICY))
    iot.attach_policy(policyName="q", target=arn("thinggroup/root"))
    assert iot.list_targets_for_policy(policyName="p")["targets"] == [cert, arn("thinggroup/left"), arn("thinggroup/root")]
    page = iot.list_targets_for_policy(policyName="p", pageSize=1)
    page = iot.list_targets_for_policy(policyName="p", pageSize=1, marker=page["nextMarker"])
    assert page["targets"] == [arn("thinggroup/left")]
    assert iot.list_targets_for_policy(policyName="p", pageSize=1, marker=page["nextMarker"])["targets"] == [arn("thinggroup/root")]
    attached = lambda **kw: [x["policyName"] for x in iot.list_attached_policies(**kw)["policies"]]
    assert attached(target=arn("thinggroup/left")) == ["p"]
    assert attached(target=arn("thinggroup/left"), recursive=True) == ["p", "q"]
    refused(iot.delete_policy, "DeleteConflictException", 409, policyName="q")
    iot.detach_policy(policyName="q", target=arn("thinggroup/root"))
    iot.delete_policy(policyName="q")


def test_policies(cloud):
    iot = cloud.client("iot")
    text = json.dumps(OPEN_POLICY)
    made = iot.create_policy(policyName="p", policyDocument=text)
    assert (made["policyArn"], made["policyVersionId"], made["policyDocument"]) == (arn("policy/p"), "1", text)
    got = iot.get_policy(policyName="p")
    assert (got["policyDocument"], got["defaultVersionId"]) == (text, "1")
    refused(iot.create_policy, "ResourceAlreadyExistsException", 409, policyName="p", policyDocument=text)
    refused(iot.get_policy, "ResourceNotFoundException", 404, policyName="q")
    for bad in ("", "nonsense", "[]", "{}", text.replace("Allow", "Perhaps"), text.replace("2012", "2011"), text[:-1]):
        refused(iot.create_policy, "MalformedPolicyException", 400, policyName="bad", policyDocument=bad)
    cert = iot.create_keys_and_certificate()["certificateArn"]
    iot.attach_policy(policyName="p", target=cert)
    iot.attach_policy(policyName="p", target=cert)  # idempotent, trap 4
    assert [p["policyName"] for p in iot.list_attached_policies(target=cert)["policies"]] == ["p"]
    refused(iot.delete_policy, "DeleteConflictException", 409, policyName="p")
    refused(iot.attach_policy, "ResourceNotFoundException", 404, policyName="q", target=cert)
    refused(iot.attach_policy, "ResourceNotFoundException", 404, policyName="p", target=arn("cert/" + "0" * 64))
    refused(iot.attach_policy, "InvalidRequestException", 400, policyName="p", target="nonsense")
    iot.detach_policy(policyName="p", target=cert)
    assert iot.list_attached_policies(target=cert)["policies"] == []
    iot.delete_policy(policyName="p")
    assert iot.list_policies()["policies"] == []


def test_policy_versions(cloud):
    iot = cloud.client("iot")
    texts = [json.dumps({**OPEN_POLICY, "Statement": [{"Effect": "Allow", "Action": f"iot:A{i}", "Resource": "*"}]}) for i in range(7)]
    iot.create_policy(policyName="p", policyDocument=texts[0])
    made = iot.create_policy_version(policyName="p", policyDocument=texts[1])
    assert (made["policyVersionId"], made["isDefaultVersion"], made["policyArn"]) == ("2", False, arn("policy/p"))
    assert iot.get_policy(policyName="p")["policyDocument"] == texts[0]
    assert iot.create_policy_version(policyName="p", policyDocument=texts[2], setAsDefault=True)["isDefaultVersion"]
    got = iot.get_policy(policyName="p")
    assert (got["policyDocument"], got["defaultVersionId"]) == (texts[2], "3")
    got = iot.get_policy_version(policyName="p", policyVersionId="2")
    assert (got["policyDocument"], got["isDefaultVersion"], got["policyVersionId"]) == (texts[1], False, "2")
    for i in (3, 4):
        iot.create_policy_version(policyName="p", policyDocument=texts[i])
    refused(iot.create_policy_version, "VersionsLimitExceededException", 409, policyName="p", policyDocument=texts[5])
    refused(iot.delete_policy_version, "InvalidRequestException", 400, policyName="p", policyVersionId="3")
    iot.delete_policy_version(policyName="p", policyVersionId="5")
    # numbers only grow, also when the last one is gone
    assert iot.create_policy_version(policyName="p", policyDocument=texts[5])["policyVersionId"] == "6"
    listed = iot.list_policy_versions(policyName="p")["policyVersions"]
    assert [(v["versionId"], v["isDefaultVersion"]) for v in listed] == [("6", False), ("4", False), ("3", True), ("2", False), ("1", False)]
    iot.set_default_policy_version(policyName="p", policyVersionId="1")
    assert iot.get_policy(policyName="p")["policyDocument"] == texts[0]
    refused(iot.delete_policy, "DeleteConflictException", 409, policyName="p")
    for number in "2346":
        iot.delete_policy_version(policyName="p", policyVersionId=number)
    for call in (iot.get_policy_version, iot.delete_policy_version, iot.set_default_policy_version):
        refused(call, "ResourceNotFoundException", 404, policyName="p", policyVersionId="2")
        refused(call, "ResourceNotFoundException", 404, policyName="q", policyVersionId="1")
        refused(call, "InvalidRequestException", 400, policyName="p", policyVersionId="x")
    refused(iot.create_policy_version, "ResourceNotFoundException", 404, policyName="q", policyDocument=texts[0])
    refused(iot.create_policy_version, "MalformedPolicyException", 400, policyName="p", policyDocument="{}")
    refused(iot.list_policy_versions, "ResourceNotFoundException", 404, policyName="q")
    iot.delete_policy(policyName="p")
    assert iot.create_policy(policyName="p", policyDocument=texts[0])["policyVersionId"] == "1"


def test_policy_targets(cloud):
    iot = cloud.client("iot")
    certs = sorted(iot.create_keys_and_certificate()["certificateArn"] for _ in range(3))
    for name in ("a", "b", "c"):
        iot.create_policy(policyName=name, policyDocument=json.dumps(OPEN_POLICY))
    for cert in certs:
        iot.attach_policy(policyName="a", target=cert)
    iot.attach_principal_policy(policyName="b", principal=certs[0])
    page = iot.list_targets_for_policy(policyName="a", pageSize=2)
    assert page["targets"] == certs[:2]
    page = iot.list_targets_for_policy(policyName="a", pageSize=2, marker=page["nextMarker"])
    assert page["targets"] == certs[2:] and "nextMarker" not in page
    assert iot.list_policy_principals(policyName="a")["principals"] == certs
    assert [p["policyName"] for p in iot.list_principal_policies(principal=certs[0])["policies"]] == ["a", "b"]
    page = iot.list_attached_policies(target=certs[0], pageSize=1)
    assert [p["policyName"] for p in page["policies"]] == ["a"]
    page = iot.list_attached_policies(target=certs[0], pageSize=1, marker=page["nextMarker"])
    assert [p["policyName"] for p in page["policies"]] == ["b"] and "nextMarker" not in page
    iot.detach_principal_policy(policyName="b", principal=certs[0])
    assert iot.list_targets_for_policy(policyName="b")["targets"] == []
    refused(iot.list_targets_for_policy, "ResourceNotFoundException", 404, policyName="q")
    refused(iot.list_policy_principals, "ResourceNotFoundException", 404, policyName="q")
    refused(iot.attach_principal_policy, "ResourceNotFoundException", 404, policyName="a", principal=arn("cert/" + "0" * 64))
    refused(iot.list_principal_policies, "InvalidRequestException", 400, principal="nonsense")
    newest_first = [p["policyName"] for p in iot.list_policies()["policies"]]
    assert newest_first == ["c", "b", "a"]
    assert [p["policyName"] for p in iot.list_policies(ascendingOrder=True)["policies"]] == ["a", "b", "c"]
    page = iot.list_policies(pageSize=2)
    assert [p["policyName"] for p in iot.list_policies(pageSize=2, marker=page["nextMarker"])["policies"]] == ["a"]


def test_thing_principals(cloud):
    iot = cloud.client("iot")
    cert = iot.create_keys_and_certificate()["certificateArn"]
    refused(iot.attach_thing_principal, "ResourceNotFoundException", 404, thingName="t", principal=cert)
    iot.create_thing(thingName="t")
    refused(iot.attach_thing_principal, "ResourceNotFoundException", 404, thingName="t", principal=arn("cert/" + "0" * 64))
    iot.attach_thing_principal(thingName="t", principal=cert)
    iot.attach_thing_principal(thingName="t", principal=cert)
    assert iot.list_thing_principals(thingName="t")["principals"] == [cert]
    refused(iot.delete_thing, "InvalidRequestException", 400, thingName="t")
    iot.detach_thing_principal(thingName="t", principal=cert)
    assert iot.list_thing_principals(thingName="t")["principals"] == []


def test_describe_endpoint(cloud):
    iot = cloud.client("iot")
    for kind in ("iot:Data", "iot:Data-ATS", "iot:CredentialProvider", "iot:Jobs"):
        assert iot.describe_endpoint(endpointType=kind)["endpointAddress"] == "localhost"
    refused(iot.describe_endpoint, "InvalidRequestException", 400, endpointType="nonsense")


# --- durability ------------------------------------------------------------------------------------------------------------

def test_what_was_answered_survives_kill_9(cloud):
    iot = cloud.client("iot")
    for i in range(20 if LONG else 6):
        iot.create_thing(thingName=f"t{i}")
        cloud.kill()
        cloud.start()
        assert iot.describe_thing(thingName=f"t{i}")["version"] == 1
    iot.create_policy(policyName="p", policyDocument=json.dumps(OPEN_POLICY))
    made = iot.create_keys_and_certificate(setAsActive=True)
    iot.attach_policy(policyName="p", target=made["certificateArn"])
    iot.attach_thing_principal(thingName="t0", principal=made["certificateArn"])
    cloud.kill()
    cloud.start()
    assert iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]["status"] == "ACTIVE"
    assert iot.list_attached_policies(target=made["certificateArn"])["policies"][0]["policyName"] == "p"
    assert iot.list_thing_principals(thingName="t0")["principals"] == [made["certificateArn"]]
