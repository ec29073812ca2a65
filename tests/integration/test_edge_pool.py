"""Work items and workers in a running core: the runner's processes, the IPC wire, the log. docs/spec/functions.md FN-1 to FN-15."""

import json
import os
import urllib.request

import pytest

from conftest import wait_for
from edge_functions import deploy, plain, root_for_functions
from fake_cloud import started

#: A function that does what its payload says; else it echoes.
PUPPET = """
import signal, time


def told(method, path, body=b"", **headers):
    try:
        return call(method, path, body, **headers).status
    except urllib.error.HTTPError as error:
        return error.code


def handle(order):
    do = order.get("do")
    if do == "publish":
        publish(order["topic"], json.dumps(order["message"]).encode())
    elif do == "sleep":
        time.sleep(order["ms"] / 1000)
    elif do == "exit":
        os._exit(order["code"])
    elif do == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif do == "raise":
        raise ValueError("as ordered")
    elif do == "wrong-id":
        status = told("POST", ME + "/work", X_Amz_InvocationId="00000000-0000-4000-8000-000000000000")
        publish(order["topic"], json.dumps(status).encode())
    elif do == "invoke":
        error, body = invoke(order["arn"], json.dumps(order["payload"]).encode())
        publish(order["topic"], json.dumps({"error": error, "body": body.decode()}).encode())
    return json.dumps({"echo": order}).encode()


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print("the puppet begins")
while True:
    id, subject, payload = work()
    try:
        result, error = handle(json.loads(payload)), {}
    except ValueError as wrong:
        result, error = json.dumps({"errorMessage": str(wrong)}).encode(), {"X_Amz_Function_Error": "Handled"}
    answer(id, result, **error)
"""


def function(name, **conf):
    """On demand unless Pinned is said."""
    return plain(PUPPET, name, **{"Pinned": False, **conf})


def pinned(name, **conf):
    return function(name, Pinned=True, **conf)


def name_of(f):
    return f.arn.split(":")[6]


class Core:
    """A root with functions; each is reached on to/NAME and heard on from/NAME."""

    def __init__(self, cloud, root):
        self.cloud, self.root = cloud, root

    def start(self, **runtime):
        self.root.config["runtime"].update(runtime)
        self.root.greengrassd("start")
        self.root.wait_log("All topics subscribed.")
        return self

    def deploy(self, *functions):
        routes = [("cloud", f"to/{name_of(f)}", f.arn) for f in functions] + [(f.arn, f"from/{name_of(f)}", "cloud") for f in functions]
        before = {f.arn: self.cloud.count("subscribe", f"to/{name_of(f)}") for f in functions}
        made = deploy(self.cloud, *functions, subscriptions=routes)
        self.cloud.wait(lambda: any(s[0] == made and s[1] == "Success" for s in self.cloud.statuses), 40)
        for f in functions:
            self.cloud.wait(lambda: self.cloud.count("subscribe", f"to/{name_of(f)}") > before[f.arn], 30)

    def order(self, name, **order):
        self.cloud.bring(f"to/{name}", json.dumps(order).encode())

    def hears(self, name, n=1, timeout=30):
        wait_for(lambda: len(self.cloud.messages(f"from/{name}")) >= n, timeout, f"no message of {name}:\n{self.root.log[-3000:]}")
        return json.loads(self.cloud.messages(f"from/{name}")[n - 1])

    def answers(self, name, n):
        """It works (again): the nth message."""
        self.order(name, do="publish", topic=f"from/{name}", message=n)
        assert self.hears(name, n) == n

    def health(self):
        """{ARN: [(state, pid)]}"""
        port, out = self.root.config["coreThing"]["ggDaemonPort"], {}
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/2016-11-01/health/workers", timeout=10) as answer:
            for w in json.load(answer):
                out.setdefault(w["FuncArn"], []).append((w["WorkerState"], int(w["ProcessId"] or 0)))
        return out

    def pid_of(self, f, state="Waiting"):
        found = [pid for s, pid in self.health().get(f.arn, []) if s == state]
        return found[0] if found else None

    def logged(self, message, **fields):
        return any(m == message and fields.items() <= f.items() for _, m, f in self.root.lines())


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with started(tmp_path_factory.mktemp("pool") / "cloud") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def core(cloud):
    """One for all tests that need no settings of their own; the names of their functions differ."""
    with root_for_functions(cloud) as root:
        yield Core(cloud, root).start()


@pytest.fixture
def fresh(tmp_path):
    """One to be started with other settings."""
    with started(tmp_path / "cloud") as cloud, root_for_functions(cloud) as root:
        yield Core(cloud, root)


def test_pinned_starts_with_the_group_and_answers(core):
    f = pinned("one")
    core.deploy(f)
    wait_for(lambda: core.pid_of(f), 20, "it does not wait for work")
    assert f'[INFO]-Created worker.\t{{"functionArn": "{f.arn}", "workerId": "' in core.root.log
    core.answers("one", 1)
    log = core.root.path / "ggc/var/log/user/us-east-1/123456789012/one.log"
    wait_for(lambda: "the puppet begins" in (log.read_text() if log.exists() else ""), 10, "it is not in the function's log")
    assert len(core.health()[f.arn]) == 1


def test_a_handler_that_hangs_is_killed_and_nobody_else_notices(core):
    slow, other = pinned("slow", Timeout=1), pinned("other")
    core.deploy(slow, other)
    first = wait_for(lambda: core.pid_of(slow), 20)
    core.order("slow", do="sleep", ms=60000)
    core.answers("other", 1)
    core.root.wait_log("Timing out work item.", 20)
    wait_for(lambda: not os.path.exists(f"/proc/{first}"), 20, "it was not killed")
    core.answers("slow", 1)
    assert core.pid_of(slow) != first
    line = next(f for l, m, f in core.root.lines() if m == "Timing out work item.")
    assert (line["invoker"], line["funcArn"], line["timeoutMs"]) == ("cloud", slow.arn, 1000)


def test_crashes_restart_a_pinned_worker(core):
    f = pinned("frail")
    core.deploy(f)
    for n, (order, state) in enumerate([(dict(do="exit", code=3), "exit status 3"), (dict(do="kill"), "signal: killed")], 1):
        core.order("frail", **order)
        wait_for(lambda: core.logged("Worker is ungracefully killed.", state=state), 20)
        core.answers("frail", n)


def test_on_demand_up_to_the_limit(fresh):
    a, b = function("a", Timeout=20), function("b", Timeout=20)
    fresh.start(maxConcurrentLimit=2, lruSize=2).deploy(a, b)
    assert fresh.health() == {}
    for _ in range(4):
        fresh.order("a", do="sleep", ms=500)
    fresh.order("b", do="publish", topic="from/b", message="done")
    most = 0
    for _ in range(1000):
        most = max(most, sum(len(w) for w in fresh.health().values()))
        if fresh.cloud.messages("from/b"):
            break
    assert fresh.hears("b") == "done"
    assert most == 2


def test_the_work_queue_has_an_end(fresh):
    f = pinned("pin", Timeout=60)
    fresh.start(maxWorkItemCount=3).deploy(f)
    wait_for(lambda: fresh.pid_of(f), 20)
    for _ in range(8):
        fresh.order("pin", do="sleep", ms=100)
    fresh.root.wait_log("maxWorkItemCount", 20)
    wait_for(lambda: fresh.pid_of(f), 20)
    fresh.answers("pin", 1)


def test_a_wrong_id_is_refused_and_harmless(core):
    f = pinned("liar")
    core.deploy(f)
    core.order("liar", do="wrong-id", topic="from/liar")
    assert core.hears("liar") == 404
    core.answers("liar", 2)


def test_invocations_between_functions(core):
    caller, callee = pinned("caller"), function("callee", Timeout=1)
    core.deploy(caller, callee)

    def call(n, **payload):
        core.order("caller", do="invoke", arn=callee.arn, payload=payload, topic="from/caller")
        return core.hears("caller", n)

    answer = call(1, hello="you")
    assert answer == {"error": "", "body": '{"echo": {"hello": "you"}}'}
    assert call(2, do="raise") == {"error": "Handled", "body": '{"errorMessage": "as ordered"}'}
    answer = call(3, do="exit", code=1)
    assert answer["error"] == "Unhandled" and json.loads(answer["body"])["errorType"] == "Runtime.ExitError"
    answer = call(4, do="sleep", ms=5000)
    assert answer["error"] == "Unhandled" and json.loads(answer["body"])["errorType"] == "Sandbox.Timedout"


def test_a_new_group_starts_when_the_old_one_is_gone(core):
    f = pinned("old")
    core.deploy(f)
    before = wait_for(lambda: core.pid_of(f), 20)
    core.deploy(f, pinned("more"))
    after = wait_for(lambda: core.pid_of(f), 20)
    assert before != after and not os.path.exists(f"/proc/{before}")
    core.answers("old", 1)
    core.answers("more", 1)
