"""The core's IPC server as functions see it, from the wire description alone; workers that talk to it, with a pipe for each level."""

import base64
import contextlib
import fcntl
import filecmp
import http.server
import json
import os
import queue
import select
import shutil
import subprocess
import threading
import uuid

import pytest

from conftest import BUILD, TOP, wait_for

SDK = TOP / "function-sdk"
PREFIX = "/2016-11-01/functions/"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:Hello:7"
ROUTER = "arn:aws:lambda:::function:GGRouter"
SHADOW = "arn:aws:lambda:::function:GGShadowService"
SECRETS = "arn:aws:lambda:::function:GGSecretManager:1"
TOKEN = "Basic " + base64.b64encode(b"worker-1:" + bytes(range(28))).decode()
LEVELS = {"INFO": 1, "ERROR": 2, "DEBUG": 3, "WARN": 4, "FATAL": 5, "TRACE": 6}


class Item:
    """One invocation, from whoever asked for it."""

    def __init__(self, arn, payload, context, kind="RequestResponse"):
        self.arn, self.payload, self.context, self.kind = arn, payload, context, kind
        self.id = str(uuid.uuid4())
        self.result = queue.Queue()  # of (function error, body)


def encoded(context):
    """A client context as it is on the wire; a str goes as it is."""
    return context if isinstance(context, str) else base64.b64encode(json.dumps(context).encode()).decode() if context else ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", close=False, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        if close:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        ipc = self.server.ipc
        ipc.seen.append((self.command, self.path, dict(self.headers), body))
        for trouble in list(ipc.troubles):
            if trouble(self):
                return
        if self.headers.get("Authorization") != TOKEN:
            self.answer(401, b"unknown token")
        elif not self.path.startswith(PREFIX):
            self.answer(404)
        else:
            name, _, what = self.path[len(PREFIX):].partition("/")
            getattr(ipc, f"{self.command.lower()}_{what or 'function'}")(self, name, body)

    do_GET = do_POST = do_PUT = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Ipc:
    """troubles: functions of a request that may answer it themselves and say so. targets: ARN -> function(context, payload) -> (error, body)."""

    def __init__(self):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.ipc = self
        self.port = self.server.server_address[1]
        self.seen, self.troubles, self.targets, self.invoked = [], [], {}, []
        self.initialized = queue.Queue()
        self.work = queue.Queue()
        self.taken, self.waiting = {}, {}
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.work.put(None)
        self.server.shutdown()
        self.server.server_close()

    def put(self, payload=b"{}", context=None):
        """Work for the function; the item, whose result is a queue."""
        if not isinstance(payload, bytes):
            payload = json.dumps(payload).encode()
        item = Item(ARN, payload, encoded(context))
        self.work.put(item)
        return item

    def ask(self, payload=b"{}", context=None, timeout=20):
        """(function error, body) of one invocation."""
        return self.put(payload, context).result.get(timeout=timeout)

    # ---- the worker's side ----

    def get_work(self, request, name, _):
        if name != ARN:
            request.answer(403)
            return
        while True:
            try:
                item = self.work.get(timeout=0.2)
                break
            except queue.Empty:
                if request.connection.fileno() < 0:
                    return
        if item is None:
            request.answer(503, close=True)
            return
        self.taken[item.id] = item
        request.answer(200, item.payload, X_Amz_InvocationId=item.id, X_Amz_Client_Context=item.context)

    def post_work(self, request, name, body):
        item = self.taken.pop(request.headers.get("X-Amz-InvocationId"), None)
        if item is None or name != ARN:
            request.answer(404, b"unknown invocation")
            return
        request.answer(200)
        item.result.put((request.headers.get("X-Amz-Function-Error", ""), body))

    def put_initialized(self, request, _, body):
        self.initialized.put(json.loads(body))
        request.answer(200)

    # ---- the invoker's side ----

    def post_function(self, request, name, body):
        target = self.targets.get(name)
        if not target:
            request.answer(404, b"no such function in this group")
            return
        kind = request.headers["X-Amz-Invocation-Type"]
        item = Item(name, body, request.headers["X-Amz-Client-Context"], kind)
        self.invoked.append(item)
        context = json.loads(base64.b64decode(item.context)) if item.context else None
        self.waiting[item.id] = target(context, body)
        request.answer(202 if kind == "Event" else 200, X_Amz_InvocationId=item.id)

    def get_function(self, request, _, __):
        error, body = self.waiting.pop(request.headers["X-Amz-InvocationId"])
        request.answer(200, body, X_Amz_Function_Error=error)


class Level:
    """What came out of one pipe. Whoever looks sees all that was written before."""

    def __init__(self):
        self.read, write = os.pipe()
        self.write = fcntl.fcntl(write, fcntl.F_DUPFD, 40)  # out of the way of the numbers it gets in the worker
        os.close(write)
        os.set_blocking(self.read, False)
        self.had, self.open, self.lock = b"", True, threading.Lock()
        self.thread = threading.Thread(target=self.drain, daemon=True)
        self.thread.start()

    def take(self):
        with self.lock:
            while self.open:
                try:
                    got = os.read(self.read, 65536)
                except BlockingIOError:
                    return
                self.had += got
                if not got:
                    os.close(self.read)
                    self.open = False

    def drain(self):
        while self.open:
            with contextlib.suppress(OSError, ValueError):  # closed by whoever looked
                select.select([self.read], [], [])
            self.take()

    @property
    def bytes(self):
        self.take()
        return self.had

    @property
    def text(self):
        return self.bytes.decode(errors="replace")

    @property
    def lines(self):
        return self.text.split("\n")[:-1]


class Worker:
    """A function's process in the environment of a core."""

    def __init__(self, ipc, argv, cwd, encoding="json", **env):
        self.log = {name: Level() for name in LEVELS}
        base = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/", "AWS_CONTAINER_AUTHORIZATION_TOKEN": TOKEN, "MY_FUNCTION_ARN": ARN,
                "GG_DAEMON_PORT": str(ipc.port), "ENCODING_TYPE": encoding, "SHADOW_FUNCTION_ARN": SHADOW, "ROUTER_FUNCTION_ARN": ROUTER,
                "SECRETS_MANAGER_FUNCTION_ARN": SECRETS, "GGC_MAX_INTERFACE_VERSION": "1.5", "LOG_LEVEL": "DEBUG",
                **{f"_GG_LOG_FD_{name}": str(fd) for name, fd in LEVELS.items()}}
        base.update(env)
        pipes = " ".join(f"{fd}>&{self.log[name].write}" for name, fd in LEVELS.items())
        self.process = subprocess.Popen(["bash", "-c", f'exec "$@" {pipes}', "worker", *map(str, argv)], cwd=cwd, env=base, stdin=subprocess.DEVNULL,
                                        pass_fds=[level.write for level in self.log.values()], start_new_session=True)
        for level in self.log.values():
            os.close(level.write)

    def logged(self, level, text, timeout=20):
        wait_for(lambda: text in self.log[level].text, timeout, f"{level} has {text!r}: {self.everything()}")

    def everything(self):
        return {name: level.text for name, level in self.log.items() if level.bytes}

    def ended(self, timeout=20):
        """Its exit status, and all it printed is there."""
        status = self.process.wait(timeout)
        for level in self.log.values():
            level.thread.join(5)
        return status

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait(10)


def published_modules():
    """node_modules with aws-greengrass-core-sdk as npm installs it, once, into build/peers; without npm or a network the test is skipped."""
    lock, peers = TOP / "tests/integration/npm-function/package-lock.json", BUILD / "peers/npm-function"
    have = peers / "package-lock.json"
    if not (have.is_file() and filecmp.cmp(lock, have, False) and (peers / "node_modules/aws-greengrass-core-sdk").is_dir()):
        if not shutil.which("npm"):
            pytest.skip("npm is not installed")
        peers.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(lock.with_name(name), peers / name)
        got = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=peers, capture_output=True, text=True, timeout=300)
        if got.returncode:
            pytest.skip(f"npm cannot install aws-greengrass-core-sdk (is there a network?): {got.stderr[-300:]}")
    return peers / "node_modules"


def refuse(status, times, match=lambda request: True):
    """A trouble: that answer, so many times, for the requests that match."""
    left = [times]

    def trouble(request):
        if left[0] <= 0 or not match(request):
            return False
        left[0] -= 1
        request.answer(status, b"trouble")
        return True

    trouble.left = left
    return trouble


def cut(times, match=lambda request: True):
    """A trouble: the connection ends without an answer."""
    left = [times]

    def trouble(request):
        if left[0] <= 0 or not match(request):
            return False
        left[0] -= 1
        request.close_connection = True
        request.connection.close()
        return True

    trouble.left = left
    return trouble


def is_poll(request):
    return request.command == "GET" and request.path.endswith("/work")


def is_result(request):
    return request.command == "POST" and request.path.endswith("/work")
