"""function-sdk/python against an IPC server of our own making, with functions that use it as the published SDK does.

FUNCTION_PYTHONS (paths, a colon between them) names the interpreters to run everything with.
"""

import base64
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

from conftest import LONG
from function_ipc import ARN, ROUTER, SDK, SHADOW, TOKEN, Ipc, Worker, cut, is_poll, is_result, refuse

RUNTIME = SDK / "python/lambda_runtime.py"
PYTHONS = [p for p in os.environ.get("FUNCTION_PYTHONS", "").split(":") if p] or ["/usr/bin/python3"]


@pytest.fixture(params=PYTHONS)
def python(request):
    return request.param


@pytest.fixture
def ipc():
    server = Ipc()
    yield server
    server.close()


@pytest.fixture
def start(ipc, python, tmp_path):
    """Starts a function: start("def handler(event, context): ...")."""
    workers = []

    def go(code, handler="main.handler", files=(), **kw):
        for name, text in {"main.py": code, **dict(files)}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        workers.append(Worker(ipc, [python, "-B", RUNTIME, f"--handler={handler}"], tmp_path, PYTHONPATH=str(SDK / "python"), **kw))
        return workers[-1]

    yield go
    for worker in workers:
        worker.stop()


# ---- results ----

def test_what_a_handler_is_given_and_gives(ipc, start):
    worker = start("""def handler(event, context):
    return [event, context.client_context.custom, context.function_name, context.function_version, context.invoked_function_arn, context.aws_request_id]
""")
    item = ipc.put({"x": "ü"}, {"custom": {"subject": "a/b"}})
    assert (lambda got: (got[0], json.loads(got[1])))(item.result.get(timeout=20)) == ("", [{"x": "ü"}, {"subject": "a/b"}, "Hello", "7", ARN, item.id])
    assert json.loads(ipc.ask(b"")[1])[:2] == [{}, {}]
    assert all(headers["Authorization"] == TOKEN for _, _, headers, _ in ipc.seen)
    assert not worker.everything()


RESULTS = {
    "nothing": ("None", ("", None)),
    "a value": ("[1, 'two']", ("", [1, "two"])),
    "it raises": ("1 / 0", ("Handled", "ZeroDivisionError")),
    "a result without a form in JSON": ("object()", ("Handled", "TypeError")),
    "again": ("event['name']", ("", "again")),
}


def test_results(ipc, start):
    cases = ", ".join(f"{name!r}: lambda event: {code}" for name, (code, _) in RESULTS.items())
    worker = start(f"cases = {{{cases}}}\ndef handler(event, context):\n    return cases[event['name']](event)\n")
    for name, (_, (error, value)) in RESULTS.items():
        got = ipc.ask({"name": name})
        said = json.loads(got[1])
        assert got[0] == error, (name, got)
        if not error:
            assert said == value
            continue
        assert said["errorType"] == value and said["errorMessage"]
    raised = json.loads(ipc.ask({"name": "it raises"})[1])
    assert raised["errorMessage"] == "division by zero" and raised["stackTrace"][-1][0].endswith("main.py")
    worker.logged("ERROR", "ZeroDivisionError: division by zero")


def test_binary(ipc, start):
    start("""def handler(event, context):
    assert isinstance(event, bytes)
    return {0: event, 1: bytearray(event[1:]), 2: 'ü', 3: None, 4: {}}[event[0]]
""", encoding="binary")
    whole = bytes(range(256)) * 300
    assert ipc.ask(whole) == ("", whole)
    assert ipc.ask(b"\x01\xff\xfe") == ("", b"\xff\xfe")
    assert ipc.ask(b"\x02") == ("", "ü".encode())
    assert ipc.ask(b"\x03") == ("", b"")
    error, body = ipc.ask(b"\x04")
    assert error == "Handled" and "binary" in json.loads(body)["errorMessage"]


@pytest.mark.parametrize("payload, context, says", [
    (b"not json", "", "Cannot parse given invoke payload as JSON"), (b"\xff", "", "Cannot parse given invoke payload as JSON"),
    (b"{}", "!!!", "client context"), (b"{}", base64.b64encode(b"nonsense").decode(), "client context"), (b"{}", base64.b64encode(b"3").decode(), "client context"),
], ids=["payload", "utf-8", "base64", "json", "object"])
def test_an_item_that_cannot_be_read_is_never_answered(ipc, start, payload, context, says):
    worker = start("def handler(event, context):\n    return 'answered'\n")
    item = ipc.put(payload, context)
    worker.logged("ERROR", says)
    assert ipc.ask(b"{}") == ("", b'"answered"')
    assert item.result.empty() and item.id in ipc.taken


# ---- retries ----

def test_an_outage_of_a_moment_costs_nothing(ipc, start):
    start("def handler(event, context):\n    return event['n']\n")
    ipc.troubles += [refuse(503, 3, is_poll), cut(2, is_poll), refuse(500, 3, is_result), cut(2, is_result)]
    assert [ipc.ask({"n": n})[1] for n in range(3)] == [b"0", b"1", b"2"]
    assert [t.left[0] for t in ipc.troubles] == [0, 0, 0, 0]


@pytest.mark.skipif(not LONG, reason="three seconds each; the Node runtime is tried in every run")
@pytest.mark.parametrize("what", [is_result, is_poll])
def test_an_outage_that_lasts_ends_the_worker(ipc, start, what):
    """Also when the function left a thread running."""
    worker = start("import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\ndef handler(event, context):\n    return 1\n")
    assert ipc.ask() == ("", b"1")
    outage = refuse(503, 1000, what)
    ipc.troubles.append(outage)
    began = time.monotonic()
    ipc.put()
    assert worker.ended() == 1
    assert 1.5 < time.monotonic() - began < 10
    assert 5 <= 1000 - outage.left[0] <= 10
    assert "the worker ends: HTTP Error 503" in worker.log["FATAL"].text


def test_a_refused_poll_is_not_tried_again(ipc, start):
    worker = start("def handler(event, context):\n    pass\n", AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic wrong")
    assert worker.ended() == 1
    assert "401" in worker.log["FATAL"].text and len(ipc.seen) == 1


def test_a_result_nobody_waits_for_is_an_error_to_ignore(ipc, start):
    worker = start("def handler(event, context):\n    return 1\n")
    ipc.troubles.append(refuse(404, 1, is_result))
    ipc.put()
    worker.logged("WARN", "404")
    assert ipc.ask() == ("", b"1")


# ---- the life of the process ----

def test_sigterm_ends_it_with_0(ipc, start):
    worker = start("import time\ndef handler(event, context):\n    print('here', end='')\n    time.sleep(600)\n")
    ipc.put()
    worker.logged("INFO", "here")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ended() == 0
    assert worker.log["INFO"].text == "here\n"


def test_a_function_may_have_its_own_way_with_sigterm(ipc, start):
    worker = start("import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\ndef handler(event, context):\n    return 1\n")
    assert ipc.ask() == ("", b"1")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ended() == 5


@pytest.mark.parametrize("code, handler, says", [
    ("def handler(e, c): pass", "absent.handler", "No module named 'absent'"),
    ("def handler(", "main.handler", "main.py, line 1"),
    ("raise RuntimeError('at start')", "main.handler", "at start"),
    ("import sys; sys.exit(4)", "main.handler", "ended the process with status 4"),
    ("import no_such_package", "main.handler", "no_such_package"),
    ("x = 1", "main.handler", "handler"),
    ("x = 1", "main", "MODULE.FUNCTION"),
])
def test_a_handler_that_cannot_be_had(ipc, start, code, handler, says):
    worker = start(code, handler)
    assert worker.ended() == 1
    text = worker.log["FATAL"].text
    assert f'Failed to import handler function "{handler}" due to exception: ' in text and says in text
    report = ipc.initialized.get(timeout=5)
    assert report["Success"] is False and says in report["Response"]


@pytest.mark.parametrize("handler", ["lib/deep/mod.run", "lib.deep.mod.run"])
def test_modules_in_folders(ipc, start, handler):
    start("x = 4", handler, {"lib/deep/mod.py": "import main\ndef run(event, context):\n    return main.x\n", "json_helper.py": ""})
    assert ipc.ask() == ("", b"4")


def test_a_handler_that_hangs_answers_nothing(ipc, start):
    worker = start("def handler(event, context):\n    print('so far', end='')\n    while True: pass\n")
    item = ipc.put()
    worker.logged("INFO", "so far")
    assert item.result.empty() and worker.process.poll() is None


def test_a_handler_that_exits(ipc, start):
    worker = start("import sys\ndef handler(event, context):\n    print('bye', end='')\n    sys.exit(3)\n")
    ipc.put()
    assert worker.ended() == 3
    assert worker.log["INFO"].text == "bye\n"


def test_a_handler_that_forks(ipc, start):
    """One answer, from the parent; the child is no worker."""
    start("import os\ndef handler(event, context):\n    child = os.fork()\n    if child:\n        os.waitpid(child, 0)\n    return child\n")
    for _ in range(3):
        item = ipc.put()
        error, child = item.result.get(timeout=20)
        assert error == "" and int(child) > 0 and not pathlib.Path("/proc", child.decode()).exists()
        assert item.result.empty()
    assert sum(m == "POST" for m, *_ in ipc.seen) == 3


def test_not_started_by_a_core(python):
    got = subprocess.run([python, "-B", RUNTIME], capture_output=True, text=True, timeout=30, env={"PATH": os.environ["PATH"]})
    assert got.returncode == 1 and "is started by the Greengrass core" in got.stderr


# ---- the log ----

PRINTS = """import logging, os, sys
logger = logging.getLogger("mine")
logging.basicConfig(stream=sys.stdout, level=logging.INFO)
def handler(event, context):
    logger.debug("d %d", 1); logger.info("i"); logger.warning("w"); logger.error("e"); logger.critical("c"); logger.log(5, "t")
    print("p", 1); print("no newline", end=""); logger.info("next"); sys.stderr.write("raw\\n"); sys.stdout.buffer.write(b"bytes\\n"); print("ü\\ud800")
    os.system("echo child; echo problem >&2")
"""


def test_levels(ipc, start):
    """V1's form of a line: file.py:LINE,text."""
    worker = start(PRINTS)
    assert ipc.ask() == ("", b"null")
    assert worker.log["INFO"].lines == ["main.py:5,i", "p 1", "no newline", "main.py:6,next", "bytes", "ü\\ud800", "child"]
    assert worker.log["ERROR"].lines == ["main.py:5,e", "raw", "problem"]
    assert {name: worker.log[name].lines for name in ("DEBUG", "WARN", "FATAL")} == {"DEBUG": ["main.py:5,d 1"], "WARN": ["main.py:5,w"], "FATAL": ["main.py:5,c"]}
    assert not worker.log["TRACE"].lines


@pytest.mark.parametrize("level, seen", [("TRACE", {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}), ("ERROR", {"INFO", "ERROR", "FATAL"})])
def test_log_level(ipc, start, level, seen):
    worker = start(PRINTS, LOG_LEVEL=level)
    ipc.ask()
    assert {name for name, log in worker.log.items() if log.lines} == seen
    assert ("main.py:5,i" in worker.log["INFO"].lines) == (level != "ERROR")


# ---- what the published SDK does with these modules, from the wire description ----

CLIENT = """import base64, json
from greengrass_common.env_vars import MY_FUNCTION_ARN, ROUTER_FUNCTION_ARN, SHADOW_FUNCTION_ARN, SECRETS_MANAGER_FUNCTION_ARN, GGC_MAX_INTERFACE_VERSION, AUTH_TOKEN
from greengrass_common.function_arn_fields import FunctionArnFields
from greengrass_ipc_python_sdk.ipc_client import IPCClient, IPCException

ipc = IPCClient(endpoint=None)

def invoke(arn, payload, context, kind="RequestResponse", qualifier=None):
    fields = FunctionArnFields(arn)
    final = FunctionArnFields.build_function_arn(fields.unqualified_arn, fields.qualifier or qualifier)
    where = base64.b64encode(json.dumps(context).encode()) if context else b""
    asked = ipc.post_work(final, payload, where.decode(), kind)
    if kind == "Event":
        return asked
    result = ipc.get_work_result(final, asked)
    if result.func_err != "":
        raise RuntimeError(result.func_err + ": " + result.payload.decode())
    return result.payload.decode()

def publish(topic, payload, policy=""):
    return invoke(ROUTER_FUNCTION_ARN, payload, {"custom": {"source": MY_FUNCTION_ARN, "subject": topic, "queueFullPolicy": policy}}, "Event")

def shadow(call, thing, payload=b""):
    return invoke(SHADOW_FUNCTION_ARN, payload, {"custom": {"subject": "$aws/things/%s/shadow/%s" % (thing, call)}})
"""


def test_client_publish(ipc, start):
    start(CLIENT + "def handler(event, context):\n    return publish('hello/world', 'hü'.encode(), 'AllOrError')\n")
    ipc.targets[ROUTER] = lambda context, payload: ("", b"")
    assert ipc.ask() == ("", json.dumps(ipc.invoked[0].id).encode())
    sent = ipc.invoked[0]
    assert (sent.kind, sent.payload) == ("Event", "hü".encode())
    assert json.loads(base64.b64decode(sent.context)) == {"custom": {"source": ARN, "subject": "hello/world", "queueFullPolicy": "AllOrError"}}
    ipc.troubles.append(refuse(503, 1, lambda r: ROUTER in r.path))
    error, body = ipc.ask()
    assert error == "Handled" and json.loads(body)["errorMessage"].startswith("HTTP Error 503: ")
    assert json.loads(body)["errorType"] == "IPCException"


def test_client_shadow_and_invoke(ipc, start):
    other = "arn:aws:lambda:us-east-1:123456789012:function:Other"
    start(CLIENT + "def handler(event, context):\n    return [shadow('get', 'lamp'), shadow('update', 'lamp', b'{}'), invoke(%r, b'abc', None, qualifier='2')]\n" % other)
    ipc.targets[SHADOW] = lambda context, payload: ("", context["custom"]["subject"].encode() + payload)
    ipc.targets[other + ":2"] = lambda context, payload: ("", payload[::-1])
    assert json.loads(ipc.ask()[1]) == ["$aws/things/lamp/shadow/get", "$aws/things/lamp/shadow/update{}", "cba"]
    ipc.targets[other + ":2"] = lambda context, payload: ("Unhandled", b"it crashed")
    assert json.loads(ipc.ask()[1])["errorMessage"] == "Unhandled: it crashed"


def test_client_of_an_older_sdk(ipc, start):
    """It names host and port 8000, and puts the ARN together itself."""
    start(CLIENT.replace("endpoint=None", "endpoint='localhost', port=8000") + """
def handler(event, context):
    f = FunctionArnFields(ROUTER_FUNCTION_ARN)
    return [FunctionArnFields.build_arn_string(f.region, f.account_id, f.name, ''), publish('t', b'x')]
""")
    ipc.targets[ROUTER] = lambda context, payload: ("", b"")
    assert json.loads(ipc.ask()[1]) == [ROUTER, ipc.invoked[0].id]


def test_client_of_the_machine_learning_sdk(ipc, start):
    service = "arn:aws:lambda:us-east-1:aws:function:GG-ML-INF-x-y"
    start("""
from greengrass_common.env_vars import GGC_MAX_INTERFACE_VERSION
from greengrass_common.parse_version import parse_version
from greengrass_ipc_python_sdk.ipc_facade import GreengrassRuntimeException, GreengrassServiceClient, GreengrassServiceMessage
def handler(event, context):
    try:
        output = GreengrassServiceClient().call(event["at"], GreengrassServiceMessage(b"eyJjdXN0b20iOnt9fQ==", b"body"))
        return [parse_version(GGC_MAX_INTERFACE_VERSION), output.error_response or output.response.payload.decode()]
    except GreengrassRuntimeException as e:
        return str(e)
""")
    ipc.targets[service] = lambda context, payload: ("", json.dumps(context).encode() + payload)
    assert json.loads(ipc.ask({"at": service})[1]) == [["1", "5"], '{"custom": {}}body']
    ipc.targets[service] = lambda context, payload: ("Handled", b"no model")
    assert json.loads(ipc.ask({"at": service})[1])[1] == "no model"
    assert json.loads(ipc.ask({"at": service + "z"})[1]).startswith("HTTP Error 404")


def test_client_from_many_threads(ipc, start):
    """Connections are not shared; one the core has closed meanwhile costs nothing."""
    start(CLIENT + """
import threading
def handler(event, context):
    def some(n):
        for i in range(20): publish("t", "%d/%d" % (n, i))
    threads = [threading.Thread(target=some, args=(n,)) for n in range(8)]
    [t.start() for t in threads]; [t.join() for t in threads]
""")
    ipc.targets[ROUTER] = lambda context, payload: ("", b"")
    assert ipc.ask() == ("", b"null")
    assert sorted(i.payload for i in ipc.invoked) == sorted(b"%d/%d" % (n, i) for n in range(8) for i in range(20))


def test_initialization_is_reported(ipc, start):
    start(CLIENT + "ipc.put_initialization_result(MY_FUNCTION_ARN, None)\nipc.put_initialization_result(MY_FUNCTION_ARN, 'no sensor')\ndef handler(event, context): pass\n")
    assert ipc.initialized.get(timeout=20) == {"Success": True, "Response": ""}
    assert ipc.initialized.get(timeout=20) == {"Success": False, "Response": "no sensor"}


@pytest.mark.parametrize("text, fields", [
    (ARN, [ARN[:-2], "7", "Hello"]), (ARN[:-2], [ARN[:-2], None, "Hello"]), (ROUTER, [ROUTER, None, "GGRouter"]), (ARN[:-1] + "$LATEST", [ARN[:-2], "$LATEST", "Hello"]),
    ("nonsense", None), (ARN + ":8", None), ("arn:aws:iot:us-east-1:123456789012:thing/x", None), (ARN + "\n", None),
])
def test_function_arns(python, text, fields):
    code = ("import sys, json; from greengrass_common.function_arn_fields import FunctionArnFields as F\n"
            "f = F(sys.argv[1]); print(json.dumps([f.unqualified_arn, f.qualifier, f.name]))")
    got = subprocess.run([python, "-B", "-c", code, text], capture_output=True, text=True, timeout=30, env={"PYTHONPATH": str(SDK / "python")})
    assert (json.loads(got.stdout) if got.returncode == 0 else None) == fields, got.stderr
    assert got.returncode == 0 or "ValueError" in got.stderr
