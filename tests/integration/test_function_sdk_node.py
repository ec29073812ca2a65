"""function-sdk/nodejs against an IPC server of our own making; the published npm package aws-greengrass-core-sdk, unmodified, on top of it.

npm installs the package once into build/peers/npm-function, as the lock file says; without npm or a network those tests are skipped.
FUNCTION_NODES (paths, a colon between them) names the interpreters (nodejs8.10, nodejs12.x) to run everything with.
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from conftest import LONG, wait_for
from function_ipc import ARN, ROUTER, SDK, SECRETS, SHADOW, TOKEN, Ipc, Worker, cut, is_poll, is_result, published_modules, refuse

RUNTIME = SDK / "nodejs/lambda_nodejs_runtime.js"
NODES = [n for n in os.environ.get("FUNCTION_NODES", "").split(":") if n] or [shutil.which("node")]


@pytest.fixture(params=NODES)
def node(request):
    if not request.param:
        pytest.skip("node is not installed")
    return request.param


@pytest.fixture
def ipc():
    server = Ipc()
    yield server
    server.close()


@pytest.fixture
def start(ipc, node, tmp_path):
    """Starts a function: start("exports.handler = ...")."""
    workers = []

    def go(code, handler="index.handler", files=(), **kw):
        for name, text in {"index.js": code, **dict(files)}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        modules = f"{tmp_path}:{SDK}/nodejs/node_modules:{tmp_path}/node_modules"
        workers.append(Worker(ipc, [node, RUNTIME, f"--handler={handler}"], tmp_path, NODE_PATH=kw.pop("NODE_PATH", modules), **kw))
        return workers[-1]

    yield go
    for worker in workers:
        worker.stop()


# ---- results ----

def test_what_a_handler_is_given_and_gives(ipc, start):
    worker = start("""exports.name = 'the module';
        exports.handler = function (event, context, callback) { callback(null, { event, context, own: this.name }); };""")
    item = ipc.put({"x": "ü"}, {"custom": {"subject": "a/b"}, "client": {"app": 1}})
    error, body = item.result.get(timeout=20)
    assert error == ""
    assert json.loads(body) == {
        "event": {"x": "ü"}, "own": "the module",
        "context": {"invokedFunctionArn": ARN, "awsRequestId": item.id, "functionName": "Hello", "functionVersion": "7",
                    "clientContext": {"client": {"app": 1}, "Custom": {"subject": "a/b"}, "env": {}}}}
    assert json.loads(ipc.ask(b"")[1])["event"] == {}
    assert json.loads(ipc.ask(b"[1]")[1])["context"]["clientContext"] == {"client": {}, "Custom": {}, "env": {}}
    worker.logged("INFO", f"START RequestId: {item.id}\nEnd RequestId: {item.id}\n")
    assert all(headers["Authorization"] == TOKEN for _, _, headers, _ in ipc.seen)
    assert all(path.startswith(f"/2016-11-01/functions/{ARN}/work") for _, path, _, _ in ipc.seen)


RESULTS = {
    "undefined is null": ("(e, c, cb) => cb()", ("", None)),
    "a value": ("(e, c, cb) => cb(null, [1, 'two'])", ("", [1, "two"])),
    "later": ("(e, c, cb) => setTimeout(() => cb(null, 3), 20)", ("", 3)),
    "the first callback wins": ("(e, c, cb) => { cb(null, 1); cb(null, 2); cb(new Error('late')); }", ("", 1)),
    "a callback before a promise": ("async (e, c, cb) => { cb(null, 'first'); return 'second'; }", ("", "first")),
    "a promise": ("async e => e.n + 1", ("", 6)),
    "a promise of nothing": ("async () => {}", ("", None)),
    "no callback, nothing left to happen": ("() => { setTimeout(() => {}, 10); }", ("", None)),
    "a promise that never settles": ("() => new Promise(() => {})", ("", None)),
    "an error": ("(e, c, cb) => cb(new TypeError('no'))", ("Handled", "no")),
    "an error that is a text": ("(e, c, cb) => cb('no')", ("Handled", "no")),
    "an error with a code": ("(e, c, cb) => cb(Object.assign(new Error('no'), { code: 'ENO' }))", ("Handled", "no")),
    "it throws": ("() => { throw new Error('no'); }", ("Handled", "no")),
    "it throws a text": ("() => { throw 'no'; }", ("Handled", "no")),
    "it rejects": ("async () => { throw new Error('no'); }", ("Handled", "no")),
    "it rejects with nothing": ("() => Promise.reject()", ("Handled", "The promise was rejected")),
    "a result without a form in JSON": ("(e, c, cb) => { const o = {}; o.o = o; cb(null, o); }", ("Handled", None)),
}


def test_results(ipc, start):
    """One worker, one handler after the other: none of them disturbs the next."""
    cases = ",\n".join(f"{json.dumps(name)}: {code}" for name, (code, _) in RESULTS.items())
    start(f"const cases = {{ {cases} }};\nexports.handler = (e, c, cb) => cases[e.name](e, c, cb);")
    for name, (_, (error, value)) in RESULTS.items():
        got = ipc.ask({"name": name, "n": 5})
        assert got[0] == error, (name, got)
        said = json.loads(got[1])
        if not error:
            assert said == value, name
            continue
        assert value is None or said["errorMessage"] == value, name
        assert isinstance(said["stackTrace"], list)
        assert said.get("errorType") == ("ENO" if "code" in name else None)
    thrown = json.loads(ipc.ask({"name": "it throws"})[1])
    assert "index.js:" in thrown["stackTrace"][0] and thrown["stackTrace"][0].startswith("at ")


def test_binary(ipc, start):
    start("""exports.handler = (event, context, callback) => {
        if (!Buffer.isBuffer(event)) callback(new Error('no Buffer'));
        else if (event[0] === 0) callback(null, event);
        else if (event[0] === 1) callback(null, new Uint8Array(event).subarray(1));
        else if (event[0] === 2) callback(null, 'ü');
        else if (event[0] === 3) callback();
        else callback(null, { no: 'form' }); };""", encoding="binary")
    whole = bytes(range(256)) * 300
    assert ipc.ask(whole) == ("", whole)
    assert ipc.ask(b"\x01\xff\xfe") == ("", b"\xff\xfe")
    assert ipc.ask(b"\x02") == ("", "ü".encode())
    assert ipc.ask(b"\x03") == ("", b"")
    error, body = ipc.ask(b"\x04")
    assert error == "Handled" and "binary" in json.loads(body)["errorMessage"]


@pytest.mark.parametrize("payload, context, says", [
    (b"not json", "", "Cannot parse given invoke payload as JSON"),
    (b"{}", "!!!", "client context"), (b"{}", base64.b64encode(b"nonsense").decode(), "client context"), (b"{}", base64.b64encode(b"3").decode(), "client context"),
], ids=["payload", "base64", "json", "object"])
def test_an_item_that_cannot_be_read_is_never_answered(ipc, start, payload, context, says):
    worker = start("exports.handler = (e, c, cb) => cb(null, 'answered');")
    item = ipc.put(payload, context)
    worker.logged("ERROR", says)
    assert ipc.ask(b"{}") == ("", b'"answered"')  # the worker goes on
    assert item.result.empty() and item.id in ipc.taken


# ---- retries ----

def test_an_outage_of_a_moment_costs_nothing(ipc, start):
    """Result posts and polls that fail are tried again, each with its own patience."""
    start("exports.handler = (e, c, cb) => cb(null, e.n);")
    ipc.troubles += [refuse(503, 3, is_poll), cut(2, is_poll), refuse(500, 3, is_result), cut(2, is_result)]
    assert [ipc.ask({"n": n})[1] for n in range(3)] == [b"0", b"1", b"2"]
    assert [t.left[0] for t in ipc.troubles] == [0, 0, 0, 0]


def test_an_outage_that_lasts_ends_the_worker(ipc, start):
    worker = start("exports.handler = (e, c, cb) => cb(null, 1);")
    assert ipc.ask() == ("", b"1")
    outage = refuse(503, 1000, is_result)
    ipc.troubles.append(outage)
    began = time.monotonic()
    ipc.put()
    assert worker.ended() == 1
    assert 1.5 < time.monotonic() - began < 10
    assert 5 <= 1000 - outage.left[0] <= 10
    assert "could not be given to the core" in worker.log["FATAL"].text


@pytest.mark.skipif(not LONG, reason="three seconds more")
def test_no_core_at_all(ipc, start):
    worker = start("exports.handler = () => {};", GG_DAEMON_PORT="1")
    assert worker.ended() == 1
    assert "No work can be had" in worker.log["FATAL"].text


def test_a_refused_poll_is_not_tried_again(ipc, start):
    worker = start("exports.handler = () => {};", AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic wrong")
    assert worker.ended() == 1
    assert "401" in worker.log["FATAL"].text and len(ipc.seen) == 1


def test_a_result_nobody_waits_for_is_an_error_to_ignore(ipc, start):
    worker = start("exports.handler = (e, c, cb) => cb(null, 1);")
    ipc.troubles.append(refuse(404, 1, is_result))
    ipc.put()
    worker.logged("WARN", "404")
    assert ipc.ask() == ("", b"1")
    assert sum(method == "POST" for method, *_ in ipc.seen) == 2


# ---- the life of the process ----

def test_sigterm_ends_it_with_0(ipc, start):
    worker = start("process.on('SIGTERM', () => console.log('my own farewell'));\nexports.handler = () => setInterval(() => {}, 1000);")
    ipc.put()
    worker.logged("INFO", "START")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.ended() == 0
    assert "my own farewell" in worker.log["INFO"].text


@pytest.mark.parametrize("code, handler, says", [
    ("exports.handler = () => {};", "absent.handler", "Cannot find module"),
    ("exports.handler = (((;", "index.handler", "SyntaxError"),
    ("throw new Error('at start');", "index.handler", "at start"),
    ("require('no-such-package');", "index.handler", "no-such-package"),
    ("exports.other = 1;", "index.other", 'exports no function "other"'),
    ("exports.other = 1;", "index", "MODULE.EXPORT"),
])
def test_a_handler_that_cannot_be_had(ipc, start, code, handler, says):
    worker = start(code, handler)
    assert worker.ended() == 1
    text = worker.log["FATAL"].text
    assert text.startswith(f'Failed to import handler function "{handler}" due to exception: ') and says in text
    report = ipc.initialized.get(timeout=5)
    assert report["Success"] is False and says in report["Response"]


def test_modules_in_folders(ipc, start):
    start("", "lib/deep.mod.run", {"lib/deep.mod.js": "exports.run = (e, c, cb) => cb(null, require('helper').x);", "node_modules/helper.js": "exports.x = 4;"})
    assert ipc.ask() == ("", b"4")


def test_an_uncaught_exception_ends_it(ipc, start):
    worker = start("exports.handler = () => setTimeout(() => { throw new Error('far away'); }, 1);")
    item = ipc.put()
    assert worker.ended() == 1
    assert "Uncaught exception: Error: far away\n    at " in worker.log["FATAL"].text
    assert item.result.empty()


def test_an_unhandled_rejection_is_logged(ipc, start):
    worker = start("exports.handler = (e, c, cb) => { Promise.reject(new Error('nobody cares')); setTimeout(() => cb(null, 1), 20); };")
    assert ipc.ask() == ("", b"1")
    worker.logged("ERROR", "Unhandled promise rejection: Error: nobody cares")
    assert ipc.ask() == ("", b"1")


def test_a_handler_that_hangs_answers_nothing(ipc, start):
    """It is the core that ends it: what was printed before is in the log."""
    worker = start("exports.handler = () => { process.stdout.write('so far'); for (;;); };")
    item = ipc.put()
    worker.logged("INFO", "so far")
    assert item.result.empty() and worker.process.poll() is None


def test_a_handler_that_exits(ipc, start):
    worker = start("exports.handler = () => { process.stdout.write('bye'); process.exit(3); };")
    ipc.put()
    assert worker.ended() == 3
    assert worker.log["INFO"].text.endswith("bye\n")


def test_not_started_by_a_core(node):
    got = subprocess.run([node, RUNTIME], capture_output=True, text=True, timeout=30, env={"PATH": os.environ["PATH"]})
    assert got.returncode == 1 and "is started by the Greengrass core" in got.stderr


# ---- the log ----

PRINTS = """exports.handler = (e, c, cb) => {
    console.debug('d %d', 1); console.log('l', { a: 1 }); console.info('i'); console.warn('w'); console.error('e'); console.trace('t');
    console.log('two\\nlines'); process.stdout.write('no newline'); console.log('next'); process.stderr.write('raw\\n');
    require('child_process').execFileSync('sh', ['-c', 'echo child; echo problem >&2'], { stdio: 'inherit' });
    cb(); };"""


def test_levels(ipc, start):
    worker = start(PRINTS)
    item = ipc.put()
    item.result.get(timeout=20)
    worker.logged("INFO", "End")
    assert worker.log["INFO"].lines == [f"START RequestId: {item.id}", "l { a: 1 }", "i", "two", "lines", "no newline", "next", "child", f"End RequestId: {item.id}"]
    assert worker.log["ERROR"].lines == ["e", "raw", "problem"]
    assert worker.log["DEBUG"].lines == ["d 1"]
    assert worker.log["WARN"].lines == ["w"]
    assert not worker.log["TRACE"].lines  # LOG_LEVEL is DEBUG


@pytest.mark.parametrize("level, seen", [("TRACE", {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"}), ("NOTSET", {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"}), ("ERROR", {"INFO", "ERROR"})])
def test_log_level(ipc, start, level, seen):
    """What a program writes to its standard output is never held back here."""
    worker = start(PRINTS, LOG_LEVEL=level)
    ipc.ask()
    worker.logged("ERROR", "raw")
    assert {name for name, log in worker.log.items() if log.lines} == seen
    assert ("i" in worker.log["INFO"].lines) == (level != "ERROR")


# ---- the published SDK ----

@pytest.fixture
def published(ipc, start):
    """Starts a function whose package holds the published SDK as npm installs it."""
    modules = published_modules()

    def go(code, **kw):
        head = "const gg = require('aws-greengrass-core-sdk'); const iot = new gg.IotData(), lambda = new gg.Lambda(), secrets = new gg.SecretsManager();\n"
        return start(head + code, NODE_PATH=f"{SDK}/nodejs/node_modules:{modules}", **kw)

    return go


def test_published_publish(ipc, published):
    worker = published("exports.handler = (e, c, cb) => iot.publish(e, (err, data) => cb(null, { err: err && String(err), data }));")
    ipc.targets[ROUTER] = lambda context, payload: ("", b"")
    for policy in (None, "BestEffort", "AllOrError"):
        got = json.loads(ipc.ask({"topic": "hello/world", "payload": "hü", **({"queueFullPolicy": policy} if policy else {})})[1])
        sent = ipc.invoked[-1]
        assert got == {"err": None, "data": sent.id}
        assert (sent.kind, sent.payload) == ("Event", "hü".encode())
        assert json.loads(base64.b64decode(sent.context)) == {"custom": {"source": ARN, "subject": "hello/world", "queueFullPolicy": policy or ""}}
    missing = [line for line in worker.log["ERROR"].lines if line.startswith("Unable to load") and "StreamManager" not in line]
    assert not missing  # its stream manager does without us, and not with node 8


def test_published_publish_refused(ipc, published):
    published("exports.handler = (e, c, cb) => iot.publish({ topic: 't', payload: 'x' }, err => cb(null, [err.message, err.statusCode]));")
    ipc.targets[ROUTER] = lambda context, payload: ("", b"")
    ipc.troubles.append(refuse(503, 1, lambda r: ROUTER in r.path))
    message, status = json.loads(ipc.ask()[1])
    assert message.startswith("HTTP Error 503: ") and status == 503


def test_published_invoke(ipc, published):
    published("exports.handler = (e, c, cb) => lambda.invoke(e, (err, data) => cb(err, data && { data, text: String(data.Payload) }));")
    other = "arn:aws:lambda:us-east-1:123456789012:function:Other:2"
    ipc.targets[other] = lambda context, payload: ("", payload[::-1])
    got = json.loads(ipc.ask({"FunctionName": other[:-2], "Qualifier": "2", "Payload": "abc"})[1])
    assert got["data"] == {"FunctionError": "", "StatusCode": 200, "Payload": "cba"} and got["text"] == "cba"
    assert ipc.invoked[-1].kind == "RequestResponse" and ipc.invoked[-1].context == ""
    for error in ("Handled", "Unhandled"):
        ipc.targets[other] = lambda context, payload: (error, b'{"errorMessage": "no"}')
        assert json.loads(ipc.ask({"FunctionName": other})[1])["data"]["FunctionError"] == error
    for bad, says in ({"FunctionName": "nonsense"}, "malformed"), ({"FunctionName": other, "Qualifier": "3"}, "does not match"), ({"FunctionName": other[:-1] + "9"}, "HTTP Error 404"):
        error, body = ipc.ask(bad)
        assert error == "Handled" and says in json.loads(body)["errorMessage"]


def test_published_shadow(ipc, published):
    published("exports.handler = (e, c, cb) => iot[e.call](e, (err, data) => cb(err, data && [data.FunctionError, JSON.parse(data.Payload)]));")
    ipc.targets[SHADOW] = lambda context, payload: ("", json.dumps([context["custom"]["subject"], payload.decode()]).encode())
    for call in ("get", "update", "delete"):
        got = json.loads(ipc.ask({"call": f"{call}ThingShadow", "thingName": "lamp", "payload": '{"state":1}'})[1])
        assert got == ["", [f"$aws/things/lamp/shadow/{call}", '{"state":1}' if call == "update" else ""]]


def test_published_secret(ipc, published):
    published("exports.handler = (e, c, cb) => secrets.getSecretValue({ SecretId: 's' }, (err, data) => cb(err, data && JSON.parse(data)));")
    secret = {"ARN": "a", "Name": "s", "VersionId": "v", "SecretString": "x", "VersionStages": ["AWSCURRENT"], "CreatedDate": 1}
    ipc.targets[SECRETS] = lambda context, payload: ("", json.dumps(secret).encode()) if json.loads(payload) == {"SecretId": "s"} else ("", b"?")
    assert json.loads(ipc.ask()[1]) == secret
    ipc.targets[SECRETS] = lambda context, payload: ("", b'{"Status": 404, "Message": "no such secret"}')
    error, body = ipc.ask()
    assert error == "Handled" and "no such secret" in json.loads(body)["errorMessage"]


def test_a_function_that_publishes_while_nothing_is_asked_of_it(ipc, published):
    """Pinned: the hello world of a fleet."""
    published("setInterval(() => iot.publish({ topic: 'hello/world', payload: 'tick' }, () => {}), 20); exports.handler = (e, c, cb) => cb(null, 1);")
    ipc.targets[ROUTER] = lambda context, payload: ("", b"")
    wait_for(lambda: len(ipc.invoked) >= 5, 20)
    assert ipc.ask() == ("", b"1")


def test_many_publishes_at_once(ipc, published):
    published("""exports.handler = (e, c, cb) => { let n = 0;
        for (let i = 0; i < 200; i++) iot.publish({ topic: 't', payload: String(i) }, (err) => { if (err) cb(err); else if (++n === 200) cb(null, n); }); };""")
    ipc.targets[ROUTER] = lambda context, payload: ("", b"")
    assert ipc.ask() == ("", b"200")
    assert sorted(int(i.payload) for i in ipc.invoked) == list(range(200))


@pytest.mark.parametrize("most, runs", [("1.5", True), ("1.9", True), ("1.4", False), ("2.5", False)])
def test_the_interface_version_of_the_sdk(ipc, published, most, runs):
    worker = published("exports.handler = (e, c, cb) => cb(null, 1);", GGC_MAX_INTERFACE_VERSION=most)
    if runs:
        assert ipc.ask() == ("", b"1")
    else:
        assert worker.ended() == 1
        assert "speaks interface 1.5" in worker.log["FATAL"].text
