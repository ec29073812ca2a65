"""An IPC server that is away for a moment costs no worker: 50 ms, doubling up to 500 ms, 10 attempts or 3 s in all."""

import random
import time

from greengrass_ipc_python_sdk.ipc_client import IPCException

_ATTEMPTS = 10
_TOTAL_S = 3.0
_FIRST_S = 0.05
_MOST_S = 0.5


def may_pass(error):
    """Refusals stay what they are; no answer, or one that says "not now", may get better."""
    return error.status is None or error.status >= 500 or error.status in (408, 429)


def patiently(operation, *args):
    """operation(*args) until it succeeds; its last IPCException when patience ends."""
    delay, waited, attempts = _FIRST_S, 0.0, 0
    while True:
        try:
            return operation(*args)
        except IPCException as e:
            attempts += 1
            if not may_pass(e) or attempts >= _ATTEMPTS or waited >= _TOTAL_S:
                raise
        pause = delay * random.uniform(0.9, 1.0)  # not all workers in the same moment
        waited += pause
        delay = min(2 * delay, _MOST_S)
        time.sleep(pause)
