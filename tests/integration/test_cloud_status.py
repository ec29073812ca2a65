"""`sedge-cloud status` and GET /metrics, whose text is read by a parser of its own, written from Prometheus' description of the format."""

import json
import math
import re
import signal
import stat
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from cloud import OPEN_POLICY, Cloud
from conftest import BIN, wait_for
from tls_clients import TlsClient, connected

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')


def parse(text):
    """{(name, labels): value}; the format is insisted on: https://prometheus.io/docs/instrumenting/exposition_formats/"""
    assert text.endswith("\n")
    kinds, samples, closed, current = {}, {}, set(), None
    for line in text[:-1].split("\n"):
        if line.startswith("#"):
            word, name, rest = re.fullmatch(r"# (HELP|TYPE) (\S+) (.*)", line).groups()
            if name != current:
                assert name not in closed, f"{name} stands in two places"
                closed.add(current)
                current = name
            if word == "TYPE":
                assert name not in kinds and rest in ("counter", "gauge")
                kinds[name] = rest
            continue
        name = NAME.match(line)[0]
        rest, labels = line[len(name):], {}
        if rest.startswith("{"):
            inside, rest = rest[1:].split("}", 1)
            while inside:
                m = LABEL.match(inside)
                assert m and m[1] not in labels, line
                labels[m[1]] = m[2]
                inside = inside[m.end():]
        value = float(re.fullmatch(r" (\S+)", rest)[1])
        assert name == current and name in kinds, f"{name} without TYPE"
        assert (kinds[name] == "counter") == name.endswith("_total"), name
        key = (name, tuple(sorted(labels.items())))
        assert key not in samples and math.isfinite(value) and value >= 0
        samples[key] = value
    return samples


def metrics(cloud):
    with urllib.request.urlopen(cloud.api + "/metrics", timeout=10) as r:
        assert r.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return parse(r.read().decode())


def get(samples, name, **labels):
    return samples.get((name, tuple(sorted(labels.items()))), 0)


def status(cloud, *more):
    p = subprocess.run([BIN / "sedge-cloud", "status", "--data", cloud.data, *more], capture_output=True, text=True, timeout=30)
    return p.returncode, p.stdout, p.stderr


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path, "--threads", 2)


def test_metrics_count_what_happened(cloud):
    allow = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
    deny = [{"Effect": "Deny", "Action": a, "Resource": f"*/{r}"} for a, r in (
        ("iot:Publish", "no/pub"), ("iot:Subscribe", "no/sub"), ("iot:Receive", "no/recv"), ("iot:Connect", "nobody"))]
    d = cloud.device(policy={"Version": "2012-10-17", "Statement": [allow, *deny]})
    before = metrics(cloud)
    c = connected(d, "c", 5)
    assert c.subscribe(("a", 1), ("no/recv", 0)) == [1, 0]
    assert c.subscribe(("no/sub", 1)) == [0x87]
    for _ in range(3):
        assert c.publish("a", b"x", 1) == 0
        c.receive(qos=1)
    assert c.publish("no/pub", b"x", 1) == 0x87
    assert c.publish("no/recv", b"x", 1) == 0
    TlsClient(d, 5).connect("nobody")
    assert d.curl("/things/x/shadow")[0] == 404
    with TlsClient.__mro__[1](cloud.mqtt) as nonsense:
        nonsense.s.sendall(b"no TLS at all, and long enough to be sure about it\r\n")
        nonsense.s.recv(100)

    def grown(name, **labels):
        return get(metrics(cloud), name, **labels) - get(before, name, **labels)

    assert grown("sedge_mqtt_connections") == 1
    assert get(metrics(cloud), "sedge_mqtt_subscriptions") == 2
    for action, n in (("Publish", 1), ("Subscribe", 1), ("Receive", 1), ("Connect", 1)):
        assert grown("sedge_policy_denials_total", action=f"iot:{action}") == n, action
    assert grown("sedge_mqtt_messages_dropped_total", reason="denied") == 1
    assert grown("sedge_mqtt_messages_total", direction="delivered") == 3
    for kind, n in (("publish", 5), ("puback", 3), ("subscribe", 2), ("connect", 2)):
        assert grown("sedge_mqtt_packets_received_total", type=kind) == n, kind
    for kind, n in (("publish", 3), ("puback", 5), ("suback", 2), ("connack", 2)):
        assert grown("sedge_mqtt_packets_sent_total", type=kind) == n, kind
    assert grown("sedge_tls_handshakes_total", result="ok") == 3
    wait_for(lambda: grown("sedge_tls_handshakes_total", result="protocol_error") == 1)
    assert grown("sedge_api_requests_total", operation="GetThingShadow", status="4xx") == 1
    assert get(before, "sedge_api_requests_total", operation="CreatePolicy", status="2xx") == 1
    assert get(before, "sedge_database_syncs_total") >= 5  # what device() made
    assert get(before, "sedge_server_certificate_expiry_timestamp_seconds") > time.time() + 86400
    for queue in ("read", "write"):
        assert ("sedge_database_queue_length", (("queue", queue),)) in before


def test_metrics_are_not_for_web_pages(cloud):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(urllib.request.Request(cloud.api + "/metrics", headers=headers), timeout=10)


def test_metrics_beyond_loopback_need_a_signature(procs, tmp_path):
    import ssl
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    p = procs.start(BIN / "sedge-cloud", "serve", "--data", tmp_path / "d", "--mqtt", "127.0.0.1:0", "--https", "127.0.0.1:0",
                    "--api", "0.0.0.0:0")
    wait_for(lambda: b"ready " in p.log.read_bytes())
    url = json.loads((tmp_path / "d/endpoints.json").read_text())["api"] + "/metrics"
    context = ssl.create_default_context(cafile=tmp_path / "d/pki/ca.cert.pem")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url, context=context, timeout=10)
    keys = dict(x.split(" = ") for x in (tmp_path / "d/admin-credentials").read_text().splitlines() if " = " in x)
    r = AWSRequest("GET", url)
    SigV4Auth(Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"]), "iot", "us-east-1").add_auth(r)
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(r.headers)), context=context, timeout=10) as a:
        assert parse(a.read().decode())


# ---- status ----

def test_status(cloud):
    d = cloud.device(policy=OPEN_POLICY)
    c = connected(d, "c")
    c.subscribe(("a", 0))
    code, out, err = status(cloud, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["connections"], told["sessions"], told["subscriptions"], told["database"]) == (1, 1, 1, "ok")
    assert told["pid"] == cloud.p.pid and told["threads"] == 2 and told["uptimeSeconds"] < 600
    assert told["serverCertificateExpires"].startswith("20")
    code, out, _ = status(cloud)
    assert code == 0 and "connections: 1\n" in out and "database: ok\n" in out and "server certificate until: 20" in out
    assert stat.S_IMODE((cloud.data / "status.sock").stat().st_mode) == 0o600


def test_status_without_a_server(cloud, tmp_path):
    """Exit status 3: stopped, killed, never there; 2: a wrong command line."""
    cloud.kill()  # its socket is still there
    code, out, err = status(cloud)
    assert code == 3 and out == "" and "no server runs on" in err
    cloud.start()
    assert status(cloud)[0] == 0
    cloud.stop()
    assert status(cloud)[0] == 3
    for argv in ([], ["--data"], ["--data", "x", "--yaml"]):
        assert subprocess.run([BIN / "sedge-cloud", "status", *argv], capture_output=True).returncode == 2


def test_status_of_a_server_that_hangs(cloud):
    cloud.p.send_signal(signal.SIGSTOP)
    try:
        code, _, err = status(cloud)
    finally:
        cloud.p.send_signal(signal.SIGCONT)
    assert code == 4 and "does not answer" in err
