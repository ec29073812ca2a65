"""greengrassd against the fake cloud, with a key in a file: start, connect, stay, come back."""

import os
import re
import signal
import subprocess

import pytest
from cryptography import x509

import edge_root
from conftest import LONG, wait_for
from fake_cloud import ARN, DAY, THING, Authority, new_key, started

GDA = f"$aws/things/{THING}-gda/shadow/"
TOPICS = ["get/accepted", "get/rejected", "update/accepted", "update/rejected", "update/delta"]


@pytest.fixture
def cloud(tmp_path):
    with started(tmp_path / "cloud") as cloud:
        yield cloud


@pytest.fixture
def root(tmp_path, cloud):
    root = edge_root.Root(tmp_path, cloud).identity(new_key("ec"))
    yield root
    root.stop()


def test_start_prints_v1s_lines(root):
    done = root.greengrassd("start")
    lines = [l for l in done.stdout.splitlines() if not l.startswith("Warning:")]
    assert lines[:3] == ["Setting up greengrass daemon", "Validating hardlink/softlink protection",
                         "Waiting for up to 1m10s for Daemon to start"]
    assert lines[3:] == [f"Greengrass successfully started with PID: {root.pid()}"]
    argv = open(f"/proc/{root.pid()}/cmdline").read().replace("\0", " ")
    assert re.search(rf"^{root.path}/ggc/packages/1.11.6/bin/daemon -core-dir {root.path}/ggc/packages/1.11.6 -greengrassdPid \d+ ", argv)
    assert re.search("greengrass.*daemon", argv)


def test_seven_lines_of_a_first_connection(root, cloud):
    root.greengrassd("start")
    root.wait_log("All topics subscribed.")
    lines = [l for l in root.lines() if l[0] == "INFO"]
    first = next(i for i, l in enumerate(lines) if l[1] == "Connecting with MQTT.")
    endpoint = f"localhost:{cloud.mqtt_port}"
    attempt = lines[first + 1][2].get("attemptId")
    assert re.fullmatch("[0-9A-Za-z]{4}", attempt)
    assert lines[first:first + 7] == [
        ("INFO", "Connecting with MQTT.", {"endpoint": endpoint, "clientId": THING}),
        ("INFO", "MQTT connection successful.", {"attemptId": attempt, "clientId": THING}),
        ("INFO", "MQTT connection connected. Start subscribing.", {"clientId": THING, "count": 1}),
        ("INFO", "Daemon connected to cloud.", {}),
        ("INFO", "Start subscribing.", {"numOfTopics": 5, "clientId": THING}),
        ("INFO", f"Trying to subscribe to topic {GDA}get/accepted", {}),
        ("INFO", "MQTT connection established.", {"endpoint": endpoint, "clientId": THING})]
    assert f'\t{{"endpoint": "{endpoint}", "clientId": "{THING}"}}\n' in root.log
    assert [e[1] for e in cloud.events if e[0] == "subscribe"] == [GDA + t for t in TOPICS]
    assert ("connect", THING, 600) in cloud.events
    assert cloud.count("get") == 1


def test_log_begins_with_the_banner(root):
    root.greengrassd("start")
    messages = [m for _, m, _ in root.lines()]
    assert messages[0] == "=" * 43
    assert messages[1] == "Greengrass Version: 1.11.6"
    assert f"Greengrass Root: {root.path}" in messages
    assert f"Greengrass Write Directory: {root.path}/ggc" in messages
    assert f"Group File Directory: {root.path}/ggc/deployment/group" in messages
    fingerprint = next(f for _, m, f in root.lines() if m == "The current core is using the AWS IoT certificates with fingerprint.")
    openssl = subprocess.run(["openssl", "x509", "-in", root.path / "certs/core.cert.pem", "-noout", "-fingerprint", "-sha256"],
                             capture_output=True, text=True).stdout.split("=")[1].strip().replace(":", "").lower()
    assert fingerprint == {"fingerprint": openssl}
    assert "[5]GK Remote: Error retrieving public key data: ErrPrincipalNotConfigured: private key for MqttCertificate is not set." in messages


def test_never_deployed_is_no_error(root, cloud):
    root.greengrassd("start")
    root.wait_log("No deployment for this core yet.")
    assert root.group() == {}
    assert not [l for l in root.lines() if l[0] in ("ERROR", "FATAL")]


def test_version(root):
    done = root.greengrassd("--version")
    assert re.fullmatch(r"1\.11\.6\nsedge \d+\.\d+\.\d+\n", done.stdout)


def test_status_stop_restart(root, cloud):
    done = root.greengrassd("status", ok=False)
    assert (done.returncode, done.stdout) == (3, "Greengrass daemon is not running\n")
    root.greengrassd("start")
    pid = root.pid()
    done = root.greengrassd("status")
    assert done.stdout == f"Greengrass daemon running with PID: {pid}\n"
    again = root.greengrassd("start", ok=False)
    assert again.returncode != 0 and f"already running with PID: {pid}" in again.stderr
    root.greengrassd("restart")
    assert root.pid() != pid
    cloud.wait_for("disconnect")
    root.greengrassd("stop")
    assert root.pid() is None
    assert root.greengrassd("status", ok=False).returncode == 3
    assert root.greengrassd("stop").stdout == "Greengrass daemon is not running\n"


def test_a_stale_pid_file_is_no_daemon(root):
    run = root.path / "ggc/var/run"
    run.mkdir(parents=True)
    (run / "greengrassd.pid").write_text("1\n")
    assert root.greengrassd("status", ok=False).returncode == 3
    root.greengrassd("start")
    assert root.pid() != 1


def test_a_killed_core_is_started_again(root, cloud):
    root.greengrassd("start")
    cloud.wait_for("get")
    core = root.core()
    os.kill(core, signal.SIGKILL)
    cloud.wait(lambda: cloud.count("get") == 2)
    assert root.core() != core
    assert f"[pid = {core}] died of signal 9" in (root.path / "ggc/var/log/crash.log").read_text()


def test_the_core_dies_with_its_supervisor(root):
    root.greengrassd("start")
    pid = root.pid()
    core = root.core()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not os.path.exists(f"/proc/{core}") or " Z " in open(f"/proc/{core}/stat").read(), 5)


def test_cloud_away_at_start_then_there(root, cloud):
    cloud.stop_mqtt()
    done = root.greengrassd("start")
    assert "Greengrass successfully started with PID:" in done.stdout
    assert "Not connected to the cloud yet" in done.stdout and "iotMqttPort" in done.stdout
    assert "MQTT connection failed." in root.log and "retryIn" in root.log
    cloud.start_mqtt(cloud.mqtt_port)
    root.wait_log("All topics subscribed.")


def test_connection_lost_and_found(root, cloud):
    root.greengrassd("start")
    root.wait_log("All topics subscribed.")
    cloud.wait(lambda: cloud.count("get") == 1)
    cloud.drop_connections()
    cloud.wait(lambda: cloud.count("get") == 2)
    counts = [f["count"] for _, m, f in root.lines() if m.startswith("MQTT connection connected.")]
    assert counts == [1, 2]
    assert "MQTT connection lost." in root.log


@pytest.mark.skipif(not LONG, reason="30 s: SEDGE_LONG=1; meson:edge-mqttc has the state machine")
def test_keep_alive_pings_and_notices_silence(root, cloud):
    root.config["coreThing"]["keepAlive"] = 30
    root.greengrassd("start")
    cloud.wait_for("ping", timeout=40)
    assert ("connect", THING, 30) in cloud.events
    cloud.mute_pings = True
    root.wait_log("no answer to the keep-alive ping", 60)


def test_other_client_id(root, cloud):
    root.config["coreThing"]["coreClientId"] = "another-id"
    root.greengrassd("start")
    cloud.wait_for("connect", "another-id")
    assert cloud.count("subscribe", GDA + "update/delta") <= 1  # the shadow stays the thing's
    cloud.wait_for("subscribe", GDA + "update/delta")


# --- what the cloud may refuse -------------------------------------------------------------------------------------------

def failure(root):
    root.wait_log('"errorString"')
    return next(f["errorString"] for _, _, f in root.lines() if "errorString" in f)


def test_closed_after_connect_says_what_to_check(root, cloud):
    cloud.refuse_connect = True
    done = root.greengrassd("start")
    for text in (failure(root), done.stdout):
        assert "certificate is ACTIVE" in text and f"iot:Connect for client id {THING}" in text
    cloud.refuse_connect = False
    root.wait_log("All topics subscribed.")


def test_connack_not_authorized(root, cloud):
    cloud.connack = 5
    root.greengrassd("start")
    assert "CONNACK 5" in failure(root) and "policy" in failure(root)


@pytest.mark.parametrize("how", ["deny_topics", "drop_on_subscribe"])
def test_policy_without_the_gda_topics(root, cloud, how):
    setattr(cloud, how, True)
    done = root.greengrassd("start")
    for text in (failure(root), done.stdout):
        assert "the -gda topics" in text and f"$aws/things/{THING}-gda/shadow/" in text
    setattr(cloud, how, False)
    root.wait_log("All topics subscribed.")


def test_unknown_ca_of_the_cloud(root, cloud):
    (root.path / "certs/root.ca.pem").write_bytes(Authority("an older CA").pem())
    done = root.greengrassd("start")
    for text in (failure(root), done.stdout):
        assert "crypto.caPath" in text and "certificate is not accepted" in text
    assert cloud.count("connect") == 0


def test_certificate_that_the_cloud_refuses(root, cloud):
    key = new_key("ec")
    root.identity(key, Authority("some other CA").issue(THING, key.public_key()))
    root.greengrassd("start")
    assert "refused us" in failure(root) or "closed the connection" in failure(root)
    assert "ACTIVE" in failure(root)


def test_another_ports_service(root, cloud):
    root.config["coreThing"]["iotMqttPort"] = cloud.https_port
    root.greengrassd("start")
    assert failure(root)


def test_unknown_host(root):
    root.config["coreThing"]["iotHost"] = "no-such-host.invalid"
    done = root.greengrassd("start")
    assert "no-such-host.invalid" in done.stdout


# --- wrong configuration: terminal, runtime.log, non-zero ------------------------------------------------------------------

def refused(root, *texts, write=True):
    done = root.greengrassd("start", ok=False, write=write)
    assert done.returncode != 0, done.stdout
    assert root.pid() is None
    for text in texts:
        assert text in done.stderr, done.stderr
        assert text in root.log, root.log
    assert "[FATAL]-" in root.log
    return done


def test_broken_json_names_file_line_and_column(root):
    (root.path / "config/config.json").write_text('{\n  "coreThing": {\n    "thingArn": "x"\n')
    refused(root, f"Failed to parse {root.path}/config/config.json: line 4", "column", "is still open", write=False)


def test_no_config_at_all(root):
    refused(root, "Failed to parse", "there is no such file", write=False)


def test_value_out_of_range(root):
    root.config["coreThing"]["keepAlive"] = 29
    refused(root, "coreThing.keepAlive is 29, it must be between 30 and 1200")


def test_key_and_certificate_do_not_match(root, cloud):
    root.identity(new_key("ec"), cloud.ca.issue(THING, new_key("ec").public_key()))
    refused(root, "do not match", "core.cert.pem")
    assert cloud.count("accept") == 0


def test_expired_certificate(root, cloud):
    key = new_key("ec")
    root.identity(key, cloud.ca.issue(THING, key.public_key(), start=-2 * DAY, end=-DAY))
    refused(root, "expired at", "have a new one issued")


def test_certificate_missing(root):
    (root.path / "certs/core.cert.pem").unlink()
    refused(root, "core.cert.pem")


def test_key_open_to_others(root):
    (root.path / "certs/core.private.key").chmod(0o644)
    refused(root, "core.private.key")


def test_path_too_long_for_the_socket(tmp_path, cloud):
    deep = tmp_path / ("d" * 80)
    deep.mkdir()
    root = edge_root.Root(deep, cloud).identity(new_key("ec"))
    refused(root, "ds server failed to start listening to socket: listen unix", "bind: invalid argument")


def test_pid_file_directory_of_the_config(root, tmp_path):
    root.config["pidFileDirectory"] = str(tmp_path / "run")
    root.greengrassd("start")
    pid = int((tmp_path / "run/greengrassd.pid").read_text())
    assert root.pid() is None
    os.kill(pid, 0)
    root.greengrassd("stop")


def test_write_directory(root, tmp_path):
    root.config["writeDirectory"] = str(tmp_path / "w")
    root.greengrassd("start")
    try:
        log = tmp_path / "w/var/log/system/runtime.log"
        wait_for(lambda: "All topics subscribed." in log.read_text(), 15)
        assert not (root.path / "ggc/var").exists()
    finally:
        root.greengrassd("stop")


def test_certificate_not_yet_valid_heals(root, cloud):
    key = new_key("ec")
    import datetime
    root.identity(key, cloud.ca.issue(THING, key.public_key(), start=datetime.timedelta(seconds=6)))
    done = root.greengrassd("start")
    assert "Some system components failed to start" in done.stdout
    assert "set the clock" in done.stderr
    root.wait_log("All topics subscribed.", 25)
