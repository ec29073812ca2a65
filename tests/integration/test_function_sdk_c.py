"""libaws-greengrass-core-sdk-c.so: its symbols, and a native function on top of it against an IPC server of our own making."""

import base64
import json
import re
import signal
import subprocess
import time

import pytest

from conftest import LIB, LONG, MESON
from function_ipc import ARN, ROUTER, SECRETS, SHADOW, TOKEN, Ipc, Worker, cut, is_poll, is_result, refuse

RUNTIME = LIB / "../libexec/sedge/runtime/c"
SO = RUNTIME / "libaws-greengrass-core-sdk-c.so"
FUNCTION = MESON / "tests/integration/programs/gg_function"
VERSIONS = {
    "1.0": {"gg_global_init", "gg_log", "gg_request_init", "gg_request_reuse", "gg_request_close", "gg_request_read", "gg_runtime_start",
            "gg_lambda_handler_read", "gg_lambda_handler_write_response", "gg_lambda_handler_write_error", "gg_invoke", "gg_publish",
            "gg_get_thing_shadow", "gg_update_thing_shadow", "gg_delete_thing_shadow"},
    "1.1": {"gg_get_secret_value"},
    "1.2": {"gg_publish_options_init", "gg_publish_options_free", "gg_publish_options_set_queue_full_policy", "gg_publish_with_options"},
}


@pytest.fixture
def ipc():
    server = Ipc()
    yield server
    server.close()


@pytest.fixture
def start(ipc, tmp_path):
    workers = []

    def go(*args, **kw):
        workers.append(Worker(ipc, [FUNCTION, *args], tmp_path, encoding="binary", **{"LD_LIBRARY_PATH": str(RUNTIME), **kw}))
        return workers[-1]

    yield go
    for worker in workers:
        worker.stop()


# ---- the shared object ----

def test_symbols_and_versions():
    table = subprocess.run(["readelf", "--dyn-syms", "--wide", SO], capture_output=True, text=True, check=True).stdout
    seen = {}
    for name, version in re.findall(r"GLOBAL DEFAULT +\d+ (\w+)@@aws_greengrass_core_sdk_c_(\S+)$", table, re.M):
        seen.setdefault(version, set()).add(name)
    assert seen == VERSIONS
    assert not re.search(r"GLOBAL DEFAULT +\d+ (?!gg_)\w+$", table, re.M)


def test_soname_and_what_it_needs():
    dynamic = subprocess.run(["readelf", "--dynamic", SO], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"SONAME.*\[(.*)\]", dynamic) == ["libaws-greengrass-core-sdk-c.so"]
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
    assert {n for n in needed if not re.match(r"lib(asan|ubsan|tsan|pthread)\.so", n)} <= {"libc.so.6"}


@pytest.mark.parametrize("how", [["gcc", "-std=c89", "-pedantic"], ["g++", "-std=c++98"]], ids=["c89", "c++98"])
def test_the_header(how, tmp_path):
    """The values of the enums, and that a program of the old days compiles."""
    values = {"GGE_SUCCESS": 0, "GGE_OUT_OF_MEMORY": 1, "GGE_INVALID_PARAMETER": 2, "GGE_INVALID_STATE": 3, "GGE_INTERNAL_FAILURE": 4, "GGE_TERMINATE": 5,
              "GGE_RESERVED_MAX": 6, "GG_REQUEST_SUCCESS": 0, "GG_REQUEST_HANDLED": 1, "GG_REQUEST_UNHANDLED": 2, "GG_REQUEST_UNKNOWN": 3,
              "GG_REQUEST_AGAIN": 4, "GG_INVOKE_EVENT": 0, "GG_INVOKE_REQUEST_RESPONSE": 1, "GG_LOG_DEBUG": 1, "GG_LOG_INFO": 2, "GG_LOG_WARN": 3,
              "GG_LOG_ERROR": 4, "GG_LOG_FATAL": 5, "GG_QUEUE_FULL_POLICY_BEST_EFFORT": 0, "GG_QUEUE_FULL_POLICY_ALL_OR_ERROR": 1, "GG_RT_OPT_ASYNC": 1}
    checks = "".join(f"typedef char {n}_is[{n} == {v} ? 1 : -1];\n" for n, v in values.items())
    sizes = "".join(f"typedef char {n}_size[sizeof({n}) == 4 ? 1 : -1];\n" for n in ("gg_error", "gg_request_status", "gg_invoke_type", "gg_log_level", "gg_queue_full_policy_options"))
    source = tmp_path / ("x.c" if how[0] == "gcc" else "x.cc")
    source.write_text(f"#include <greengrasssdk.h>\n{checks}{sizes}int main(void) {{ return (int)gg_global_init(0); }}\n")
    got = subprocess.run([*how, "-Wall", "-Wextra", "-Werror", "-Wno-unused-local-typedefs", f"-I{RUNTIME}", source, "-o", tmp_path / "x", f"-L{RUNTIME}",
                          "-laws-greengrass-core-sdk-c", *(["-fsanitize=address,undefined"] if "asan" in str(MESON) else [])], capture_output=True, text=True)
    assert got.returncode == 0, got.stderr
    run = subprocess.run([tmp_path / "x"], env={"LD_LIBRARY_PATH": str(RUNTIME)}, capture_output=True, text=True, timeout=30)
    assert run.returncode == 3 and "is started by the Greengrass core" in run.stderr


def test_found_before_a_stub(ipc, start, tmp_path):
    """The stub a function was linked with lies in its RUNPATH: LD_LIBRARY_PATH comes first."""
    (tmp_path / "stub.c").write_text("int gg_global_init(unsigned o) { return 6; }\n")
    (tmp_path / "main.c").write_text("int gg_global_init(unsigned o);\nint main(void) { return gg_global_init(0); }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-soname,libaws-greengrass-core-sdk-c.so", "-o", tmp_path / "libaws-greengrass-core-sdk-c.so", tmp_path / "stub.c"], check=True)
    subprocess.run(["gcc", "-o", tmp_path / "f", tmp_path / "main.c", f"-L{tmp_path}", "-laws-greengrass-core-sdk-c", "-Wl,--enable-new-dtags", f"-Wl,-rpath,{tmp_path}"], check=True)
    run = lambda **env: subprocess.run([tmp_path / "f"], env={"MY_FUNCTION_ARN": ARN, "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN, **env}, timeout=30).returncode
    assert run() == 6
    if "asan" not in str(MESON):  # a sanitizer wants to be the first library
        assert run(LD_LIBRARY_PATH=str(RUNTIME)) == 0


def test_misuse_is_told(ipc, start):
    worker = start("misuse")
    assert worker.ended() == 0
    assert not worker.everything() and not ipc.seen


@pytest.mark.parametrize("env", [{"AWS_CONTAINER_AUTHORIZATION_TOKEN": ""}, {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic x\r\nY: z"}, {"MY_FUNCTION_ARN": "nonsense"},
                                 {"MY_FUNCTION_ARN": ARN + " HTTP/1.1"}, {"GG_DAEMON_PORT": "0"}, {"GG_DAEMON_PORT": "80x"}])
def test_not_started_by_a_core(start, env):
    worker = start(**env)
    assert worker.ended() == 3
    assert "is started by the Greengrass core" in worker.log["FATAL"].text


# ---- results ----

@pytest.mark.parametrize("how", ["", "async"])
def test_what_a_handler_is_given_and_gives(ipc, start, how):
    start(how)
    context = {"custom": {"subject": "a/b"}}
    assert ipc.ask(b"context", context) == ("", f"{ARN} {json.dumps(context)}".encode())
    assert ipc.ask(b"context") == ("", f"{ARN} {{}}".encode())
    assert ipc.ask(b"nothing") == ("", b"")
    error, body = ipc.ask('error it is "no"\n\\ ü'.encode())
    assert (error, json.loads(body)) == ("Handled", {"errorMessage": 'it is "no"\n\\ ü'})
    whole = bytes(range(256)) * 8192
    assert ipc.ask(whole) == ("", whole)
    assert all(headers["Authorization"] == TOKEN for _, _, headers, _ in ipc.seen)


@pytest.mark.parametrize("context", ["!!!", base64.b64encode(b"nonsense").decode(), base64.b64encode(b"3").decode(), base64.b64encode(b"{\xff}").decode()])
def test_an_item_that_cannot_be_read_is_never_answered(ipc, start, context):
    worker = start()
    item = ipc.put(b"context", context)
    worker.logged("ERROR", "Cannot parse the client context")
    assert ipc.ask(b"nothing") == ("", b"")
    assert item.result.empty() and item.id in ipc.taken


# ---- retries ----

def test_an_outage_of_a_moment_costs_nothing(ipc, start):
    start()
    ipc.troubles += [refuse(503, 3, is_poll), cut(2, is_poll), refuse(500, 3, is_result), cut(2, is_result)]
    assert [ipc.ask(b"\0" + str(n).encode())[1] for n in range(3)] == [b"\x000", b"\x001", b"\x002"]
    assert [t.left[0] for t in ipc.troubles] == [0, 0, 0, 0]


@pytest.mark.skipif(not LONG, reason="three seconds each; the Node runtime is tried in every run")
@pytest.mark.parametrize("what", [is_result, is_poll])
def test_an_outage_that_lasts_ends_the_worker(ipc, start, what):
    worker = start()
    assert ipc.ask(b"nothing") == ("", b"")
    outage = refuse(503, 1000, what)
    ipc.troubles.append(outage)
    began = time.monotonic()
    ipc.put(b"nothing")
    assert worker.ended() == 1
    assert 1.5 < time.monotonic() - began < 10
    assert 5 <= 1000 - outage.left[0] <= 10
    assert "the worker ends: HTTP Error 503" in worker.log["FATAL"].text


def test_a_refused_poll_is_not_tried_again(ipc, start):
    worker = start(AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic wrong")
    assert worker.ended() == 1
    assert "401" in worker.log["FATAL"].text and len(ipc.seen) == 1


def test_a_result_nobody_waits_for_is_an_error_to_ignore(ipc, start):
    worker = start()
    ipc.troubles.append(refuse(404, 1, is_result))
    ipc.put(b"nothing")
    worker.logged("WARN", "404")
    assert ipc.ask(b"nothing") == ("", b"")


# ---- the life of the process ----

@pytest.mark.parametrize("how", ["", "async"])
def test_sigterm_ends_it_with_0(ipc, start, how):
    worker = start(how)
    assert ipc.ask(b"nothing") == ("", b"")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ended() == 0


def test_sigterm_ends_a_call_that_waits(ipc, start):
    """GGE_TERMINATE for the handler; then the process ends."""
    worker = start()
    ipc.targets[SHADOW] = lambda context, payload: ("", b"")
    ipc.troubles.append(lambda request: request.command == "GET" and SHADOW in request.path and time.sleep(600))
    ipc.put(b"get lamp")
    worker_waits = lambda: any(m == "GET" and SHADOW in path for m, path, *_ in ipc.seen)
    while not worker_waits():
        time.sleep(0.01)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ended() == 0


def test_a_handler_that_hangs_answers_nothing(ipc, start):
    worker = start()
    item = ipc.put(b"hang")
    worker.logged("INFO", "hanging")
    assert item.result.empty() and worker.process.poll() is None


@pytest.mark.parametrize("verb, status", [(b"exit", 3), (b"crash", -signal.SIGABRT)])
def test_a_handler_that_ends_the_process(ipc, start, verb, status):
    worker = start()
    item = ipc.put(verb)
    assert worker.ended() == status
    assert item.result.empty()


def test_a_handler_that_forks(ipc, start):
    start()
    for _ in range(3):
        item = ipc.put(b"fork")
        assert item.result.get(timeout=20) == ("", b"parent")
        assert item.result.empty()
    assert sum(m == "POST" for m, *_ in ipc.seen) == 3


def test_started_before_init(ipc, start):
    worker = start("early")
    assert ipc.ask(b"nothing") == ("", b"")
    assert not worker.everything()


# ---- the log ----

def test_levels(ipc, start):
    worker = start()
    assert ipc.ask(b"log") == ("", b"2 2")
    worker.logged("INFO", "printed")
    assert {name: log.text for name, log in worker.log.items()} == {
        "DEBUG": "d 1\n", "INFO": "i x\n\nprinted", "WARN": "w\n", "ERROR": "e\n", "FATAL": "f\n", "TRACE": ""}


def test_log_level(ipc, start):
    worker = start(LOG_LEVEL="ERROR")
    ipc.ask(b"log")
    assert {name: log.text for name, log in worker.log.items() if log.bytes} == {"INFO": "printed", "ERROR": "e\n", "FATAL": "f\n"}


# ---- calls ----

def answer(ipc, text):
    """(gg_error, request status, body) of a call that the function made."""
    error, body = ipc.ask(text.encode())
    assert error == ""
    code, status, rest = body.split(b" ", 2)
    return int(code), int(status), rest


def test_publish(ipc, start):
    start()
    ipc.targets[ROUTER] = lambda context, payload: ("", b"")
    for how, policy in ("plain", ""), ("best", "BestEffort"), ("all", "AllOrError"):
        assert answer(ipc, f'publish {how} hello/"wörld" the payload') == (0, 0, b"")
        sent = ipc.invoked[-1]
        assert (sent.kind, sent.payload) == ("Event", b"the payload")
        assert json.loads(base64.b64decode(sent.context)) == {"custom": {"source": ARN, "subject": 'hello/"wörld"', "queueFullPolicy": policy}}
    for status, said in (503, 4), (429, 4), (404, 3), (500, 3):
        ipc.troubles[:] = [refuse(status, 1, lambda r: ROUTER in r.path)]
        assert answer(ipc, "publish all t x") == (0, said, b"trouble")
    ipc.troubles[:] = [cut(2, lambda r: ROUTER in r.path)]
    assert answer(ipc, "publish all t x")[0] == 4


def test_invoke(ipc, start):
    start()
    other = "arn:aws:lambda:us-east-1:123456789012:function:Other"
    ipc.targets[other + ":2"] = lambda context, payload: ("", json.dumps(context).encode() + payload[::-1])
    context = base64.b64encode(b'{"custom":{}}').decode()
    assert answer(ipc, f"invoke {other}:2 - - 1 abc") == (0, 0, b"nullcba")
    assert answer(ipc, f"invoke {other} 2 {context} 1 abc") == (0, 0, b'{"custom": {}}cba')
    assert answer(ipc, f"invoke {other}:2 2 - 0 abc") == (0, 0, b"")
    assert [i.kind for i in ipc.invoked] == ["RequestResponse", "RequestResponse", "Event"]
    for error, status in ("Handled", 1), ("Unhandled", 2), ("Strange", 3):
        ipc.targets[other + ":2"] = lambda context, payload: (error, b"why")
        assert answer(ipc, f"invoke {other}:2 - - 1 abc") == (0, status, b"why")
    assert answer(ipc, f"invoke {other}:9 - - 1 abc")[:2] == (0, 3)
    seen = len(ipc.invoked)
    for bad in (f"{other} - - 1 x", f"{other}:2 3 - 1 x", f"{other}:2 - !!! 1 x", f"{other}:2 - - 2 x", "nonsense 2 - 1 x", f"{other}/../x 2 - 1 x",
                f"{other} 2:3 - 1 x", "arn:aws:s3:::function:x 2 - 1 x"):
        assert answer(ipc, f"invoke {bad}") == (2, -1, b""), bad
    assert len(ipc.invoked) == seen


def test_shadow(ipc, start):
    start()
    ipc.targets[SHADOW] = lambda context, payload: ("", context["custom"]["subject"].encode() + b" " + payload)
    assert answer(ipc, "get lamp") == (0, 0, b"$aws/things/lamp/shadow/get ")
    assert answer(ipc, 'update lamp {"state":1}') == (0, 0, b'$aws/things/lamp/shadow/update {"state":1}')
    assert answer(ipc, "delete lamp") == (0, 0, b"$aws/things/lamp/shadow/delete ")


def test_secret(ipc, start):
    start()
    secret = json.dumps({"ARN": "a", "Name": "s", "VersionId": "v", "SecretString": "x", "VersionStages": ["AWSCURRENT"], "CreatedDate": 1}).encode()
    asked = []
    ipc.targets[SECRETS] = lambda context, payload: asked.append(json.loads(payload)) or ("", secret)
    assert answer(ipc, "secret - s") == (0, 0, secret)
    assert answer(ipc, "secret AWSPREVIOUS s") == (0, 0, secret)
    assert asked == [{"SecretId": "s"}, {"SecretId": "s", "VersionStage": "AWSPREVIOUS"}]
    refusal = b'{"Status": 404, "Message": "no such secret"}'
    ipc.targets[SECRETS] = lambda context, payload: ("", refusal)
    assert answer(ipc, "secret - s") == (0, 1, refusal)


def test_from_many_threads(ipc, start):
    worker = start()
    ipc.targets[ROUTER] = lambda context, payload: ("", b"")
    assert ipc.ask(b"threads") == ("", b"done")
    assert sorted(i.payload for i in ipc.invoked) == sorted(b"%d/%d" % (n, i) for n in range(8) for i in range(20))
    assert not worker.everything()


def test_services_the_core_does_not_name(ipc, start):
    start(ROUTER_FUNCTION_ARN="", SHADOW_FUNCTION_ARN="nonsense", SECRETS_MANAGER_FUNCTION_ARN="")
    for text in "publish plain t x", "get lamp", "secret - s":
        assert answer(ipc, text) == (3, -1, b"")
