"""Why something was refused: a log line for each, with the statement that denied, and never a flood of them."""

import re
import socket

import pytest
from cloud import Cloud
from conftest import wait_for
from mqtt_wire import PUBACK, publish
from test_cloud_status import get, metrics
from tls_clients import TlsClient, connected

ALLOW = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path, "--threads", 2)


def deny(action, resource):
    return {"Effect": "Deny", "Action": action, "Resource": f"*:{resource}"}


def test_each_refusal_names_its_statement(cloud):
    statements = [ALLOW, deny("iot:Connect", "client/nobody"), deny("iot:Publish", "topic/p"), deny("iot:RetainPublish", "topic/r"),
                  deny("iot:Subscribe", "topicfilter/s"), deny("iot:Receive", "topic/d"), deny("iot:GetThingShadow", "thing/t")]
    d = cloud.device("dev", policy={"Version": "2012-10-17", "Statement": statements})
    TlsClient(d, 5).connect("nobody")
    c = connected(d, "c", 5)
    c.subscribe(("s", 1), ("d", 0))
    assert c.publish("p", b"", 1) == 0x87
    assert c.publish("r", b"x", 1, retain=True) == 0x87
    c.publish("d", b"", 1)
    status, body = d.curl("/things/t/shadow")
    assert status == 403 and "denied by statement 7 of policy dev-policy" in body
    for statement, words in enumerate((
            "connect refused certificateId=%s peer=127.0.0.1:[0-9]+ clientId=nobody", "action=iot:Publish resource=topic/p",
            "action=iot:RetainPublish resource=topic/r", "action=iot:Subscribe resource=topicfilter/s",
            "action=iot:Receive resource=topic/d", "https refused ForbiddenException op=GetThingShadow certificateId=%s"), start=2):
        want = (words.replace("%s", d.id)) + f".*denied by statement {statement} of policy dev-policy"
        wait_for(lambda want=want: re.search(want, cloud.log()), message=want)
    none = cloud.device("none", policy={"Version": "2012-10-17", "Statement": [deny("iot:Nothing", "x")]})
    status, body = none.curl("/things/t/shadow")
    assert status == 403 and "no policy of certificate" in body


def test_a_client_cannot_flood_the_log(cloud):
    d = cloud.device(policy={"Version": "2012-10-17", "Statement": [ALLOW, deny("iot:Publish", "topic/p")]})
    c, n = connected(d, "c", 5), 300
    for i in range(n):
        c.send(publish(5, "p", b"", 1, i + 1))
        assert c.expect(PUBACK).code == 0x87
    lines = [x for x in cloud.log().splitlines() if "AUTHORIZATION_FAILURE clientId=c " in x]
    assert 10 <= len(lines) <= 30
    other = connected(d, "other", 5)  # its lines are not lost among them
    assert other.publish("p", b"", 1) == 0x87
    wait_for(lambda: "AUTHORIZATION_FAILURE clientId=other " in cloud.log())
    c.leave()
    told = wait_for(lambda: re.findall(r"clientId=c .*?(\d+) further lines like these were left out", cloud.log()))
    between = re.findall(r"clientId=c .*\((\d+) lines like this one were left out", cloud.log())
    assert sum(map(int, told + between)) == n - len(lines)
    assert get(metrics(cloud), "sedge_log_lines_suppressed_total") == n - len(lines)


def test_strangers_cannot_flood_the_log(cloud):
    for _ in range(400):
        with socket.create_connection(("127.0.0.1", cloud.mqtt)) as s:
            s.sendall(b"no TLS at all, and long enough to be sure about it\r\n")
            s.recv(100)
    wait_for(lambda: get(metrics(cloud), "sedge_tls_handshakes_total", result="protocol_error") == 400)
    assert 200 <= cloud.log().count("TLS handshake failed") <= 300
