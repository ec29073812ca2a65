"""What the published machine-learning SDK calls: one request to a service of the core, by its ARN, and its answer."""

from greengrass_ipc_python_sdk.ipc_client import IPCClient, IPCException


class GreengrassRuntimeException(Exception):
    """The core could not be reached, or has no such service."""


class GreengrassServiceMessage:
    """context: base64 of the client context."""

    def __init__(self, context, payload):
        self.context, self.payload = context, payload


class GreengrassServiceCallOutput:
    """response is a message; error_response what the service said instead, or None."""

    def __init__(self, response=None, error_response=None):
        self.response, self.error_response = response, error_response


class GreengrassServiceClient:
    def __init__(self):
        self._ipc = IPCClient()

    def call(self, address, message):
        try:
            invocation_id = self._ipc.post_work(address, message.payload, message.context)
            result = self._ipc.get_work_result(address, invocation_id)
        except IPCException as e:
            raise GreengrassRuntimeException(str(e)) from e
        if result.func_err:
            return GreengrassServiceCallOutput(error_response=result.payload.decode("utf-8", "replace"))
        return GreengrassServiceCallOutput(GreengrassServiceMessage(b"", result.payload))
