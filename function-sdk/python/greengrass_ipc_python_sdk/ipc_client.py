"""The core's IPC: HTTP on loopback, the token as it is in Authorization."""

import http.client
import json
import logging
import os
import threading

from greengrass_common.env_vars import AUTH_TOKEN, GG_DAEMON_PORT

_PREFIX = "/2016-11-01/functions/"
_HOST = "127.0.0.1"  # not "localhost": a function's machine may have no /etc/hosts, or name ::1 first
_PORT = 8000


class IPCException(Exception):
    """The core could not be reached (status None), or refused."""

    def __init__(self, message, status=None):
        super().__init__(message)
        self.status = status


class WorkItem:
    def __init__(self, invocation_id, payload, client_context):
        self.invocation_id, self.payload, self.client_context = invocation_id, payload, client_context


class WorkResult:
    """func_err: empty, or Handled, or Unhandled."""

    def __init__(self, payload, func_err):
        self.payload, self.func_err = payload, func_err


def _bytes(payload):
    if payload is None:
        return b""
    if isinstance(payload, str):
        return payload.encode("utf-8")
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return bytes(payload)
    raise IPCException("a payload must be bytes or str, not %s" % type(payload).__name__)


def _text(value):
    return value.decode("ascii") if isinstance(value, bytes) else value or ""


class IPCClient:
    """Any thread; each has a connection of its own, and so has a process that forked away.

    endpoint: HOST or HOST:PORT, otherwise the core's on loopback.
    """

    def __init__(self, endpoint=None, port=None):
        host, _, said = (endpoint or "").partition(":")
        self._host = host if host not in ("", "localhost") else _HOST
        asked = int(port or said or _PORT)
        # Older SDKs say 8000 whatever the core's port is: the core knows better.
        self._port = asked if asked != _PORT else int(GG_DAEMON_PORT or _PORT)
        self._own = threading.local()

    def post_work(self, function_arn, input_bytes, client_context, invocation_type="RequestResponse"):
        """Queues work for a function: the id of the invocation."""
        headers = {"X-Amz-Client-Context": _text(client_context), "X-Amz-Invocation-Type": invocation_type}
        return self._request("POST", function_arn, headers, _bytes(input_bytes))[0].get("X-Amz-InvocationId")

    def get_work_result(self, function_arn, invocation_id):
        """Waits for the result of an invocation."""
        headers, body = self._request("GET", function_arn, {"X-Amz-InvocationId": invocation_id})
        return WorkResult(body, headers.get("X-Amz-Function-Error", ""))

    def get_work(self, function_arn):
        """Waits for work."""
        headers, body = self._request("GET", function_arn + "/work", {})
        invocation_id = headers.get("X-Amz-InvocationId")
        if not invocation_id:
            raise IPCException("the core answered without an invocation id")
        return WorkItem(invocation_id, body, headers.get("X-Amz-Client-Context", ""))

    def post_work_result(self, function_arn, work_item, result):
        self._request("POST", function_arn + "/work", {"X-Amz-InvocationId": work_item.invocation_id}, _bytes(result))

    def post_handler_err(self, function_arn, work_item, error):
        headers = {"X-Amz-InvocationId": work_item.invocation_id, "X-Amz-Function-Error": "Handled"}
        self._request("POST", function_arn + "/work", headers, _bytes(error))

    def put_initialization_result(self, function_arn, error=None):
        """A function that reports its own start: error None is success."""
        report = {"Success": error is None, "Response": "" if error is None else str(error)}
        self._request("PUT", function_arn + "/initialized", {}, json.dumps(report).encode())

    def _connection(self):
        """(connection, whether it has served a request before)"""
        if getattr(self._own, "pid", None) != os.getpid():
            self._own.pid, self._own.connection = os.getpid(), None
        if self._own.connection is None:
            self._own.connection = http.client.HTTPConnection(self._host, self._port)  # no proxy, no time limit
            return self._own.connection, False
        return self._own.connection, True

    def _drop(self):
        self._own.connection.close()
        self._own.connection = None

    def _request(self, method, resource, headers, body=None):
        """(headers, body) of an answer that is 2xx."""
        while True:
            connection, used = self._connection()
            try:
                connection.request(method, _PREFIX + resource, body, dict(headers, Authorization=AUTH_TOKEN or ""))
                response = connection.getresponse()
            except (http.client.HTTPException, OSError) as e:
                self._drop()
                if used and isinstance(e, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
                    continue  # the core had closed a kept connection: that request never arrived
                raise IPCException("%s %s%s: %s" % (method, _PREFIX, resource, e)) from e
            return self._answer(response)

    def _answer(self, response):
        try:
            body = response.read()
        except (http.client.HTTPException, OSError) as e:
            self._drop()
            raise IPCException("the connection ended in the middle of an answer: %s" % e) from e
        if not 200 <= response.status <= 299:
            message = "HTTP Error %d: %s" % (response.status, response.reason)
            logging.getLogger(__name__).debug("%s, %s", message, body.decode("utf-8", "replace"))
            raise IPCException(message, response.status)
        return response.headers, body
