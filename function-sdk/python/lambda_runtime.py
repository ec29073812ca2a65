"""Runs one Lambda function: lambda_runtime.py --handler=MODULE.FUNCTION

Takes work from the core, calls the handler, posts what came of it, and again. Python 3.7 and later.
"""

import base64
import importlib
import json
import logging
import os
import signal
import sys
import traceback

from greengrass_common import level_pipes
from greengrass_common.env_vars import AUTH_TOKEN, ENCODING_TYPE, MY_FUNCTION_ARN
from greengrass_common.function_arn_fields import FunctionArnFields
from greengrass_ipc_python_sdk.ipc_client import IPCClient, IPCException
from greengrass_ipc_python_sdk.retry import may_pass, patiently

log = logging.getLogger("lambda_runtime")


class Unreadable(Exception):
    """An item that cannot be given to the handler: it is logged and never answered, so that it times out."""


class ClientContext:
    def __init__(self, said):
        self.client, self.custom, self.env = said.get("client"), said.get("custom") or {}, said.get("env") or {}


class Context:
    """What the handler is told about its invocation."""

    def __init__(self, work):
        arn = FunctionArnFields(MY_FUNCTION_ARN)
        self.function_name, self.function_version = arn.name, arn.qualifier
        self.invoked_function_arn = MY_FUNCTION_ARN
        self.aws_request_id = work.invocation_id
        self.client_context = ClientContext(_client_context(work.client_context))


def _client_context(header):
    if not header:
        return {}
    try:
        said = json.loads(base64.b64decode(header, validate=True).decode("utf-8"))
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Unreadable("Cannot parse the client context of this invocation: it is not the base64 of a JSON object")
    return said


def _event(work):
    if ENCODING_TYPE == "binary":
        return work.payload
    try:
        return json.loads(work.payload.decode("utf-8")) if work.payload else {}
    except ValueError as e:
        raise Unreadable("Cannot parse given invoke payload as JSON: %s" % e)


def _encoded(result):
    """The bytes of a result; raises when it has no form in the function's encoding."""
    if ENCODING_TYPE != "binary":
        return json.dumps(result).encode("utf-8")
    if result is None or isinstance(result, (bytes, bytearray, memoryview)):
        return bytes(result or b"")
    if isinstance(result, str):
        return result.encode("utf-8")
    raise TypeError("the result of a function with binary encoding must be bytes or str, not %s" % type(result).__name__)


def _error_body(error):
    trace = traceback.extract_tb(error.__traceback__)[1:]  # the first frame is ours
    return json.dumps({"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": [list(frame) for frame in trace]})


def _import(text):
    module, dot, name = text.rpartition(".")
    if not dot or not module or not name:
        raise ValueError("a handler is written MODULE.FUNCTION, such as main.handler")
    return getattr(importlib.import_module(module.replace("/", ".")), name)


def _end(status):
    """At once: threads that a function left running do not hold its process back."""
    level_pipes.end_lines()
    os._exit(status)


class Worker:
    def __init__(self, handler):
        self.handler, self.ipc, self.pid = handler, IPCClient(), os.getpid()

    def run(self):
        while True:
            try:
                work = patiently(self.ipc.get_work, MY_FUNCTION_ARN)
            except IPCException as e:
                log.critical("No work can be had from the core, the worker ends: %s", e)
                _end(1)
            self.take(work)

    def take(self, work):
        try:
            context, event = Context(work), _event(work)
        except Unreadable as e:
            log.error("%s (RequestId: %s)", e, work.invocation_id)
            return
        try:
            result, post = _encoded(self.handler(event, context)), self.ipc.post_work_result
        except Exception as e:
            log.exception("The handler failed: %s", e)
            result, post = _error_body(e), self.ipc.post_handler_err
        if os.getpid() != self.pid:
            _end(0)  # the handler forked, and this is the child: its parent answers
        level_pipes.end_lines()
        self.give(post, work, result)

    def give(self, post, work, result):
        try:
            patiently(post, MY_FUNCTION_ARN, work, result)
        except IPCException as e:
            if may_pass(e):
                log.critical("The result could not be given to the core, the worker ends: %s", e)
                _end(1)
            log.warning("The core does not take the result (the work item has timed out, perhaps): %s", e)


def _refuse(text, error):
    """The handler cannot be had: the log and the deployment say why."""
    said = 'Failed to import handler function "%s" due to exception: %s' % (text, error)
    log.critical(said)
    log.error("%s", "".join(traceback.format_exception(type(error), error, error.__traceback__)))
    try:
        IPCClient().put_initialization_result(MY_FUNCTION_ARN, said)
    except IPCException:
        pass  # the process ends either way
    _end(1)


def main():
    level_pipes.redirect()
    text = next((a[len("--handler="):] for a in sys.argv[1:] if a.startswith("--handler=")), None)
    if text is None or not MY_FUNCTION_ARN or not AUTH_TOKEN:
        log.critical("lambda_runtime.py is started by the Greengrass core: --handler=MODULE.FUNCTION, MY_FUNCTION_ARN or AWS_CONTAINER_AUTHORIZATION_TOKEN is missing")
        _end(1)
    signal.signal(signal.SIGTERM, lambda *_: _end(0))  # a function may put its own in place
    sys.path.insert(0, os.getcwd())
    try:
        handler = _import(text)
    except Exception as e:
        _refuse(text, e)
    except SystemExit as e:
        _refuse(text, RuntimeError("it ended the process with status %s" % e.code))
    try:
        Worker(handler).run()
    finally:  # the handler called sys.exit()
        level_pipes.end_lines()


if __name__ == "__main__":
    main()
