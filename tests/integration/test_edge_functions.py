"""Functions in greengrassd against the fake cloud: they run as they should, and messages flow both ways.

One core serves all tests; each brings its own group. docs/spec/functions.md, docs/spec/edge-cloud.md EC-25 to EC-30.
"""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

from conftest import LONG, wait_for
from edge_functions import EXECUTABLE, NODE, USER, Function, deploy, deployed, plain, root_for_functions, zip_of
from fake_cloud import started

ECHO = '''
publish("hello/world", b"started " + str(os.getpid()).encode())
while True:
    id, topic, payload = work()
    publish("echo/" + (topic or "none"), payload)
    answer(id)
'''


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with started(tmp_path_factory.mktemp("fn") / "cloud") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def root(cloud):
    with root_for_functions(cloud, postStartHealthCheckTimeout=8000) as root:
        root.greengrassd("start")
        cloud.wait_for("get")
        yield root


@pytest.fixture(autouse=True)
def fresh(cloud):
    with cloud.changed:
        cloud.events.clear()
        cloud.tampering.clear()


def echo_subscriptions(echo):
    return [(echo.arn, "hello/world", "cloud"), (echo.arn, "echo/#", "cloud"), ("cloud", "to/#", echo.arn)]


def answers(cloud, text=b"x"):
    """The echo function is there: a message to it comes back."""
    def asked():
        cloud.bring("to/me", text)
        return text in cloud.messages("echo/to/me")
    wait_for(asked, 15, "the function does not answer")


def pid_of(cloud):
    """Of the echo function that was started last."""
    cloud.wait(lambda: cloud.messages("hello/world"), 15)
    return int(cloud.messages("hello/world")[-1].split()[1])


def health(root, arns=None):
    url = f"http://127.0.0.1:{root.config['coreThing']['ggDaemonPort']}/2016-11-01/health/workers"
    body = None if arns is None else json.dumps(arns if isinstance(arns, dict) else {"FuncArns": arns}).encode()
    return json.load(urllib.request.urlopen(urllib.request.Request(url, body)))


def refused(root, cloud, deployment, *texts):
    """The deployment failed for these reasons; its message."""
    cloud.wait(lambda: any(s[0] == deployment and s[1] != "InProgress" for s in cloud.statuses), 30)
    status = next(s for s in cloud.statuses if s[0] == deployment and s[1] != "InProgress")
    assert status[1] == "Failure", status
    for text in texts:
        assert text in status[2], status[2]
    return status[2]


# --- messages and processes --------------------------------------------------------------------------------------------------

def test_from_the_function_to_the_cloud_and_back(root, cloud):
    echo = plain(ECHO)
    deployed(cloud, echo, subscriptions=echo_subscriptions(echo))
    cloud.wait(lambda: len(cloud.messages("hello/world")) == 1)
    cloud.wait(lambda: cloud.count("subscribe", "to/#"))
    cloud.bring("to/me", b"\x00binary\xff")
    cloud.wait(lambda: cloud.messages("echo/to/me") == [b"\x00binary\xff"])


def test_a_function_is_a_process_of_its_own(root, cloud):
    """User, folder, process group; its code is not its own to change."""
    echo = plain(ECHO, Variables={"MINE": "a b"})
    deployed(cloud, echo, subscriptions=echo_subscriptions(echo))
    pid = pid_of(cloud)
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    code = (root.path / "ggc/deployment/lambda" / echo.arn).resolve()
    assert pathlib.Path(f"/proc/{pid}/cwd").resolve() == code
    assert os.getpgid(pid) == pid
    assert b"MINE=a b\0" in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    if os.geteuid() == 0:
        assert re.search(rf"^Uid:\t{USER}\t{USER}\t{USER}", status, re.M) and re.search(rf"^Gid:\t{USER}\t", status, re.M)
        assert re.search(rf"^Groups:\t({USER})? *$", status, re.M)
        for path in [code, *code.rglob("*")]:
            assert path.stat().st_uid == 0 and not path.stat().st_mode & 0o022, path
    assert (code / "run").stat().st_mode & 0o777 == 0o755


def test_python_function_with_our_runtime(root, cloud):
    hello = Function("py", {"main.py": "import greengrass_common.env_vars as e\n"
                                       "def handler(event, context):\n"
                                       "    print('seen', event)\n"
                                       "    return {'doubled': event['n'] * 2, 'me': e.MY_FUNCTION_ARN}\n"},
                     EncodingType="json", Pinned=False)
    ask = plain('error, result = invoke(os.environ["THEM"], b\'{"n": 21}\')\n'
                'publish("result", json.dumps([error, json.loads(result)]).encode())\n' + ECHO, "ask", Variables={"THEM": hello.arn})
    deployed(cloud, hello, ask, subscriptions=[(ask.arn, "result", "cloud")])
    cloud.wait(lambda: cloud.messages("result"), 20)
    assert json.loads(cloud.messages("result")[0]) == ["", {"doubled": 42, "me": hello.arn}]
    log = root.path / "ggc/var/log/user/us-east-1/123456789012/py.log"
    wait_for(lambda: log.exists() and "seen {'n': 21}" in log.read_text(), 5)


@pytest.mark.skipif(not os.path.exists("/usr/bin/node"), reason="node is not installed")
def test_node_function_with_our_runtime(root, cloud):
    hello = Function("js", {"index.js": "exports.handler = (event, context, done) => done(null, {twice: event.n * 2, at: context.invokedFunctionArn});\n"},
                     EncodingType="json", Runtime=NODE, Handler="index.handler", Pinned=True)
    ask = plain('error, result = invoke(os.environ["THEM"], b\'{"n": 4}\')\n'
                'publish("result", json.dumps([error, json.loads(result)]).encode())\n' + ECHO, "ask", Variables={"THEM": hello.arn})
    deployed(cloud, hello, ask, subscriptions=[(ask.arn, "result", "cloud")])
    cloud.wait(lambda: cloud.messages("result"), 20)
    assert json.loads(cloud.messages("result")[0]) == ["", {"twice": 8, "at": hello.arn}]


def test_shadow_of_a_function(root, cloud):
    """GGShadowService by IPC and by subscription."""
    source = '''
thing = "$aws/things/Robot/shadow/"
context = lambda what: json.dumps({"custom": {"subject": thing + what}}).encode()
arn = os.environ["SHADOW_FUNCTION_ARN"]
before = invoke(arn, b"", context("get"))
after = invoke(arn, b'{"state": {"reported": {"n": 1}}}', context("update"))
publish(thing + "update", b'{"state": {"desired": {"n": 2}}}')
publish("result", json.dumps([before[0], json.loads(before[1])["code"], after[0], json.loads(after[1])["state"]]).encode())
while True:
    id, topic, payload = work()
    publish("heard/" + topic.rpartition("/")[2], payload)
    answer(id)
'''
    robot = plain(source, "robot")
    deployed(cloud, robot, subscriptions=[(robot.arn, "result", "cloud"), (robot.arn, "heard/#", "cloud"),
                                          (robot.arn, "$aws/things/+/shadow/update", "GGShadowService"),
                                          ("GGShadowService", "$aws/things/Robot/shadow/update/delta", robot.arn)])
    cloud.wait(lambda: cloud.messages("result") and cloud.messages("heard/delta"), 20)
    assert json.loads(cloud.messages("result")[0]) == ["", 404, "", {"reported": {"n": 1}}]
    assert json.loads(cloud.messages("heard/delta")[0])["state"] == {"n": 2}


def test_health(root, cloud):
    echo = plain(ECHO)
    deployed(cloud, echo, subscriptions=echo_subscriptions(echo))
    pid = pid_of(cloud)
    wait_for(lambda: [(w["FuncArn"], w["ProcessId"], w["WorkerState"]) for w in health(root)] == [(echo.arn, str(pid), "Waiting")], 5)
    some = health(root, [echo.arn, "arn:aws:lambda:us-east-1:1:function:none:1"])
    assert [w["FuncArn"] for w in some["Workers"]] == [echo.arn]
    assert some["InvalidArns"] == ["arn:aws:lambda:us-east-1:1:function:none:1"]
    for bad in ({}, {"FuncArns": "x"}, {"FuncArns": [7]}):
        with pytest.raises(urllib.error.HTTPError) as error:
            health(root, bad)
        assert error.value.code == 400 and b"Invalid request" in error.value.read()


SECOND = '''
publish("token", TOKEN.encode())
import time
time.sleep(600)
'''


def test_interface_to_the_letter(root, cloud):
    """FN-81 to FN-86, with the token of a worker that lends it: tokens, statuses, headers, a poll that dies."""
    echo, lender = plain(ECHO), plain(SECOND.replace("import time", "call('PUT', ME + '/initialized', b'{\"Success\": true, \"Response\": \"\"}')\nimport time"), "lender")
    deployed(cloud, echo, lender, subscriptions=[(lender.arn, "token", "cloud"), *echo_subscriptions(echo)])
    cloud.wait(lambda: cloud.messages("token"))
    token = cloud.messages("token")[0].decode()
    assert re.fullmatch(r"Basic [A-Za-z0-9+/]{48}", token)

    def ask(method, path, body=b"", timeout=10, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", root.config["coreThing"]["ggDaemonPort"], timeout=timeout)
        connection.request(method, "/2016-11-01/" + path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    mine, theirs, none = (f"functions/{arn}" for arn in (lender.arn, echo.arn, echo.arn[:-1] + "9"))
    for status, call in [
            (401, ("GET", mine + "/work")), (403, ("GET", mine + "/work", b"", 10, "Basic AAAA")), (403, ("GET", theirs + "/work", b"", 10, token)),
            (403, ("POST", theirs + "/work", b"", 10, token)), (404, ("POST", mine + "/work", b"", 10, token)), (404, ("POST", none, b"", 10, token)),
            (404, ("GET", theirs, b"", 10, token)), (400, ("PUT", mine + "/initialized", b"{}", 10, token)), (405, ("DELETE", mine, b"", 10, token)),
            (404, ("GET", "credentialprovider/", b"", 10, token))]:
        extra = {"Authorization": call[4]} if len(call) == 5 else {}
        assert ask(*call[:4], **extra)[0] == status, call
    assert ask("POST", theirs, b"", Authorization=token, X_Amz_Invocation_Type="Later")[0] == 400
    status, headers, _ = ask("POST", theirs, b"x", Authorization=token, X_Amz_Invocation_Type="RequestResponse")
    assert status == 200
    status, headers, body = ask("GET", theirs, Authorization=token, X_Amz_InvocationId=headers["X-Amz-InvocationId"])
    assert (status, headers["X-Amz-Function-Error"], body) == (200, "", b"")          # present, and empty
    assert ask("POST", mine, b"work", Authorization=token, X_Amz_Invocation_Type="Event")[0] == 202
    status, headers, body = ask("GET", mine + "/work", Authorization=token)
    assert (status, body) == (200, b"work")
    failed = ask("POST", mine + "/work", b'{"errorMessage": "no"}', Authorization=token, X_Amz_Function_Error="Handled",
                 X_Amz_InvocationId=headers["X-Amz-InvocationId"])
    assert failed[0] == 200
    with pytest.raises(TimeoutError):
        ask("GET", mine + "/work", Authorization=token, timeout=0.3)                      # a poll that dies
    assert ask("POST", mine, b"after", Authorization=token, X_Amz_Invocation_Type="Event")[0] == 202
    assert ask("GET", mine + "/work", Authorization=token)[2] == b"after"


# --- deployments --------------------------------------------------------------------------------------------------------------

def test_code_that_did_not_change_is_kept(root, cloud):
    """EC-27: not downloaded, not written again; and not taken on trust."""
    echo = plain(ECHO + "# kept")
    deployed(cloud, echo, subscriptions=echo_subscriptions(echo))
    file = root.path / "ggc/deployment/lambda" / echo.arn / "run"
    before = file.stat().st_ino
    fetched = lambda: sum(e[0] == "http" and e[2].endswith(".zip") for e in cloud.events)
    assert fetched() == 1
    next_one = plain(ECHO + "# kept", version=2)
    deployed(cloud, next_one, subscriptions=echo_subscriptions(next_one))
    assert fetched() == 1
    file = root.path / "ggc/deployment/lambda" / next_one.arn / "run"
    assert file.stat().st_ino == before
    assert [p.name for p in (root.path / "ggc/deployment/lambda").iterdir()] == [next_one.arn]
    file.write_text(file.read_text() + "# altered\n")
    deployed(cloud, next_one, subscriptions=echo_subscriptions(next_one))
    assert fetched() == 2 and "altered" not in file.read_text()
    root.wait_log("is not what was unpacked there")


def test_disk_written_by_a_deployment(root, cloud):
    """Under 1 MB beside the artifacts."""
    large = Function("disk", {"run": "#!/bin/sh\nexec sleep 60\n", "data": os.urandom(300000)}, Runtime=EXECUTABLE, Handler="run",
                     Pinned=False)
    io = lambda: int(re.search(r"^write_bytes: (\d+)", pathlib.Path(f"/proc/{root.core()}/io").read_text(), re.M)[1])
    before = io()
    deployed(cloud, large)
    assert io() - before < len(large.zip) * 2 + 1_000_000


def exits(name="exits"):
    return plain('print("no such luck", file=sys.stderr, flush=True)\nsys.exit(3)', name)


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def echo(root, cloud, kept):
    """The deployment that must still be there afterwards; the one of the test before where it is."""
    if not kept or root.deployment() != kept["deployment"]:
        kept["echo"] = plain(ECHO + "# before")
        kept["deployment"] = deployed(cloud, kept["echo"], subscriptions=echo_subscriptions(kept["echo"]))
        pid_of(cloud)
    (worker,) = wait_for(lambda: health(root), 10)
    kept["echo"].pid = int(worker["ProcessId"])
    with cloud.changed:
        cloud.events.clear()
    yield kept["echo"]
    answers(cloud, os.urandom(4).hex().encode())
    assert root.deployment() == kept["deployment"]


def test_a_function_that_exits_at_start_up(root, cloud, echo):
    """EC-29: back to the former group, whose function runs again."""
    bad = exits()
    message = refused(root, cloud, deploy(cloud, bad), "unable to execute start step in deployment.", bad.arn,
                      "failed to initialize with reason", "The previous deployment was brought back.")
    assert re.search(r"worker with [0-9a-f-]{36} failed to initialize", message)
    root.wait_log("The previous deployment was brought back and runs.")
    assert (root.path / "ggc/deployment/lambda" / echo.arn).exists() and not (root.path / "ggc/deployment/lambda" / bad.arn).exists()
    assert pid_of(cloud) != echo.pid


@pytest.mark.skipif(not LONG, reason="9 s: SEDGE_LONG=1")
def test_code_that_loops_outside_of_its_handler(root, cloud):
    """Legal, and common in V1: it never asks for work, and the deployment succeeds when its time is over."""
    loops = plain('publish("hello/loop", b"once")\nimport time\ntime.sleep(600)', "loops")
    deployed(cloud, loops, subscriptions=[(loops.arn, "hello/loop", "cloud")])
    assert cloud.messages("hello/loop") == [b"once"]
    root.wait_log("A pinned function has not asked for work yet.")


def long(*values):
    """A case whose rule a unit test has, too."""
    return pytest.param(*values, marks=pytest.mark.skipif(not LONG, reason="SEDGE_LONG=1; meson:edge-unpack and edge-check have the rule"))


def cut(data):
    return data[:len(data) // 2]


LINK, ABSOLUTE, ABOVE = ({"run": "x", "link": "/etc/passwd"}, {"link": 0o120777}), ({"run": "x", "/tmp/sedge-evil": "x"}, None), \
    ({"run": "x", "../evil": "x"}, None)


@pytest.mark.parametrize("code, texts", [
    long(b"this is no zip", ["it is no zip file or a damaged one"]),
    long(cut(zip_of({"run": "x" * 5000, "b": "y"})), ["it is no zip file or a damaged one"]),
    (zip_of({"run": b"\0" * (60 << 20)}), ["200 times the size of the zip"]),
    (zip_of(*LINK), ["link is a link or a special file"]),
    long(zip_of(*ABSOLUTE), ["/tmp/sedge-evil is absolute"]),
    long(zip_of(*ABOVE), ["../evil is absolute, leaves the folder"]),
    (zip_of({"other": "x"}), ["Unable to create server due to: failed to load group: chmod", "run: no such file or directory"]),
], ids=["no zip", "truncated", "bomb", "link", "absolute", "above", "no handler"])
def test_bad_code_changes_nothing(root, cloud, echo, code, texts):
    """EC-26: refused before the switch; the running function does not even notice."""
    bad = Function("bad", code=code, Runtime=EXECUTABLE, Handler="run")
    refused(root, cloud, deploy(cloud, bad), "unable to execute download step", "The previous deployment keeps running.", *texts)
    assert not (root.path / "ggc/deployment/staging").exists() and not os.path.exists("/tmp/sedge-evil")
    os.kill(echo.pid, 0)


@pytest.mark.parametrize("change, text", [
    (lambda b: b[:-1] + bytes([b[-1] ^ 1]), "was altered on the way: its SHA-256 is"),
    long(lambda b: b[:-1], "has not the"), long(lambda b: b + b"x", "larger"),
], ids=["hash", "short", "long"])
def test_code_altered_on_the_way(root, cloud, echo, change, text):
    bad = exits("altered")
    cloud.tamper(bad.artifact, change)
    refused(root, cloud, deploy(cloud, bad), "unable to execute download step", bad.artifact)
    os.kill(echo.pid, 0)


def not_here():
    absent = exits("absent")
    absent.artifact, absent.zip = "lambda-00.zip", b""
    return absent


@pytest.mark.parametrize("make, texts", [
    (lambda: Function("f", {"a.js": ""}, Runtime="nodejs8.10"), ['exec: "nodejs8.10": executable file not found in $PATH', "make a link of that name"]),
    long(lambda: Function("f", {"a": ""}, Runtime="java8"), ["java8 is not of this release"]),
    (lambda: Function("f", {"a": ""}, IsolationMode="GreengrassContainer"), ["function:f:1 is to run in a Greengrass container", "to NoContainer"]),
    long(lambda: Function("f", {"a": ""}, RunAs={"Uid": 0, "Gid": 0}), ["configured to run as root while Greengrass is not configured to run lambdas with root"]),
    long(not_here, ["is not among the deployment's artifacts"]),
], ids=["interpreter", "java", "container", "root", "artifact"])
def test_what_cannot_run_is_refused_before_anything_is_fetched(root, cloud, echo, make, texts):
    """EC-28."""
    refused(root, cloud, deploy(cloud, make()), "unable to execute check step", *texts)
    assert not any(e[0] == "http" and e[2].endswith(".zip") for e in cloud.events)
    os.kill(echo.pid, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="a daemon that is not root runs functions as itself")
def test_users_that_are_not_there(root, cloud, echo):
    if "ggc_user:" in pathlib.Path("/etc/passwd").read_text():
        pytest.skip("this machine has a ggc_user")
    refused(root, cloud, deploy(cloud, Function("f", {"main.py": ""}, RunAs={})), "check step",
            "could not find UID based on user name, userName: ggc_user: user: unknown user ggc_user")


def test_a_disk_that_is_too_small(cloud, tmp_path):
    """Room is asked for before anything is fetched, and again for what comes out of the zip."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        with root_for_functions(cloud) as root:
            root.config.update({"writeDirectory": str(disk), "pidFileDirectory": str(tmp_path)})
            root.greengrassd("start")
            large = Function("large", {"main.py": os.urandom(4 << 20)})
            refused(root, cloud, deploy(cloud, large), "unable to execute download step", "free some space there and deploy again")
            grows = Function("grows", {"main.py": b"x" * (6 << 20)})
            refused(root, cloud, deploy(cloud, grows), "unpacked it needs 7", "free some space there and deploy again")
            deployed(cloud, Function("small", {"main.py": "def handler(e, c): pass"}, Pinned=False))
            root.greengrassd("stop")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(not LONG, reason="SEDGE_LONG=1")
def test_the_port_is_taken(cloud):
    """FN-80: a core without functions runs; one with functions says which port."""
    with root_for_functions(cloud) as root:
        port = root.config["coreThing"]["ggDaemonPort"]
        with socket.create_server(("127.0.0.1", port)):
            root.greengrassd("start")
            root.wait_log("The health interface is not available.")
            echo = plain(ECHO)
            refused(root, cloud, deploy(cloud, echo), f"functions cannot be served on port {port} of 127.0.0.1: the port is in use",
                    "coreThing.ggDaemonPort", "The previous deployment was brought back.")
        deployed(cloud, echo, subscriptions=echo_subscriptions(echo))
        answers(cloud)


# --- ends ---------------------------------------------------------------------------------------------------------------------

def gone(pid):
    return not os.path.exists(f"/proc/{pid}") or " Z " in pathlib.Path(f"/proc/{pid}/stat").read_text()


@pytest.mark.parametrize("which", ["core", pytest.param("runner", marks=pytest.mark.skipif(not LONG, reason="SEDGE_LONG=1"))])
def test_killed_and_back(root, cloud, echo, which):
    """Either process's end ends the other and the functions, and the supervisor starts all again."""
    before = root.processes()
    os.kill(before[which], signal.SIGKILL)
    wait_for(lambda: gone(echo.pid) and gone(before["core"]) and gone(before["runner"]), 15)
    cloud.wait(lambda: len(cloud.messages("hello/world")) == 1, 30)


def test_the_group_on_disk_runs_without_the_cloud(root, cloud, echo):
    """And `{}` in its place runs nothing: how operators recover a core."""
    root.greengrassd("stop")
    assert gone(echo.pid)
    file = root.path / "ggc/deployment/group/group.json"
    text = file.read_text()
    file.write_text("{}")
    root.greengrassd("start")
    wait_for(lambda: health(root) == [], 10)
    root.greengrassd("stop")
    file.write_text(text)
    root.greengrassd("start")
    wait_for(lambda: [w["WorkerState"] for w in health(root)] == ["Waiting"], 10)
    cloud.wait(lambda: cloud.messages("hello/world"), 20)


def test_functions_are_asked_to_end(root, cloud):
    """SIGTERM first, and a function's last message still goes out."""
    polite = plain('import signal\n'
                   'def end(*_):\n    publish("bye", b"now"); os._exit(0)\n'
                   'signal.signal(signal.SIGTERM, end)\n' + ECHO, "polite")
    deployed(cloud, polite, subscriptions=[(polite.arn, "bye", "cloud"), (polite.arn, "hello/world", "cloud")])
    pid = pid_of(cloud)
    root.greengrassd("stop")
    cloud.wait(lambda: cloud.messages("bye") == [b"now"], 5)
    assert gone(pid)
