"""sedge-cloud's two profiles, the port without TLS, and its orderly end."""

import json
import signal
import subprocess

import pytest
from cloud import Cloud
from conftest import BIN, wait_for
from mqtt_wire import PINGRESP, Client, eventually, packet, publish, will

both = pytest.mark.parametrize("v", [4, 5])


@pytest.fixture
def start(procs, tmp_path):
    def make(*more):
        cloud = Cloud(procs, tmp_path, "--plain-mqtt", "127.0.0.1:0", *more)
        cloud.plain = json.loads(cloud.data.joinpath("endpoints.json").read_text())["plainMqttPort"]
        return cloud

    return make


def client(cloud, name, v=5, **kw):
    c = Client(cloud.plain, v)
    c.connack = c.connect(name, **kw)
    assert c.connack.code == 0
    return c


def test_profiles(start):
    """The same questions, two answers (reference 1.4)."""
    for profile, qos, ids in (("aws", 1, 0), ("standard", None, 1)):
        cloud = start("--profile", profile)
        c = client(cloud, "c")
        assert (c.connack.props.get("max_qos"), c.connack.props.get("subscription_id_available")) == (qos, ids)
        if profile == "standard":
            assert c.subscribe(("a/#", 2)) == [2]
            assert c.publish("a", b"x", 2) == 0
            c.receive(qos=2, topic="a")
        else:
            c.send(publish(5, "a", b"x", 2, 1))
            c.closed(0x9B)
        cloud.stop()


def test_no_other_profile(tmp_path):
    p = subprocess.run([BIN / "sedge-cloud", "serve", "--data", tmp_path / "d", "--profile", "gcp"], capture_output=True, text=True)
    assert p.returncode == 2 and "--profile gcp: there are aws and standard" in p.stderr


def test_plain_client_may_do_everything(start):
    """CL-45: no certificate, no policy; it is told apart in the log. Services answer it."""
    cloud = start()
    c = client(cloud, "dev")
    assert c.subscribe(("$aws/things/t/shadow/get/rejected", 1), ("#", 1)) == [1, 1]
    assert c.publish("$aws/things/t/shadow/get", b"", 1) == 0
    assert json.loads(c.receive(topic="$aws/things/t/shadow/get/rejected").payload)["code"] == 404
    c.leave()
    line = [x for x in cloud.log().splitlines() if "mqtt connected clientId=dev" in x]
    assert line and "certificateId=plain-mqtt" in line[0]


@pytest.mark.parametrize("away", ["--mqtt", "--https", "--api", "--plain-mqtt"])
def test_plain_only_on_loopback(tmp_path, away):
    """Every listener has to be on loopback, or there is no start."""
    where = {"--mqtt": "127.0.0.1:0", "--https": "127.0.0.1:0", "--api": "127.0.0.1:0", "--plain-mqtt": "127.0.0.1:0", away: "0.0.0.0:0"}
    argv = [str(x) for kv in where.items() for x in kv]
    p = subprocess.run([BIN / "sedge-cloud", "serve", "--data", tmp_path / "d", *argv], capture_output=True, text=True, timeout=30)
    assert p.returncode == 1
    assert "--plain-mqtt lets in whoever can reach it: every listener must be on loopback" in p.stderr
    assert "ready" not in p.stdout


# ---- the end ----

def test_sigterm_tells_version_5_why_and_sends_no_will(start):
    cloud = start("--profile", "standard")
    watcher = client(cloud, "watcher")
    watcher.subscribe(("will/#", 1))
    five = client(cloud, "five", 5, will=will("will/five", b"gone"))
    four = client(cloud, "four", 4, will=will("will/four", b"gone"))
    cloud.p.send_signal(signal.SIGTERM)
    five.closed(0x8B)
    four.closed(False)
    watcher.closed(0x8B)  # and no PUBLISH before it
    assert cloud.p.wait(10) == 0


@both
def test_sigterm_acknowledges_what_was_taken(start, v):
    """A shadow update whose transaction is under way: the PUBACK comes, then the end."""
    cloud = start()
    c = client(cloud, "c", v)
    n = 20
    for i in range(n):
        c.send(publish(v, f"$aws/things/t{i}/shadow/update", b'{"state":{"desired":{"a":1}}}', 1, i + 1))
    c.send(packet(12, 0))
    acked = []
    while (p := c.get()).kind != PINGRESP:  # then all of them have been taken
        acked.append(p.pid)
    cloud.p.send_signal(signal.SIGTERM)
    while len(acked) < n:
        acked.append(c.get().pid)
    c.closed(0x8B if v == 5 else False)
    assert sorted(acked) == list(range(1, n + 1))
    assert cloud.p.wait(10) == 0


def test_nobody_comes_in_while_it_ends(start):
    """A client that does not close its side keeps the process for a moment, but not the port."""
    cloud = start()
    c = client(cloud, "c")
    cloud.p.send_signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in cloud.log())
    with pytest.raises(ConnectionRefusedError):
        eventually(lambda: Client(cloud.plain, 5).s.close())
    c.closed(0x8B)
    assert cloud.p.wait(10) == 0


def test_a_second_sigterm_ends_at_once(start):
    cloud = start()
    c = client(cloud, "c")  # never closes its side: the first signal alone would wait for that
    cloud.p.send_signal(signal.SIGSTOP)
    cloud.p.send_signal(signal.SIGTERM)
    cloud.p.send_signal(signal.SIGINT)
    cloud.p.send_signal(signal.SIGCONT)
    assert cloud.p.wait(10) == 0
    assert "stopping at once" in cloud.log()
    c.s.close()
