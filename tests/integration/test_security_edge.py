"""What must not go wrong in the core when it is ended at a bad moment."""

import os
import signal
import threading

import pytest
from conftest import wait_for
from test_edge_deploy import cloud, group, root, running  # noqa: F401 (fixtures)


@pytest.mark.parametrize("what", ["document", "group.json"])
def test_told_to_end_while_an_answer_comes_in(running, cloud, what):  # noqa: F811
    """SIGTERM and an answer of the data plane together: nothing goes on with parts that are gone, and the deployment is not failed
    for it but done by the next process."""
    core = running.core()
    done = []

    def end_it(data):
        if not done:
            done.append(core)
            os.kill(core, signal.SIGSTOP)
            os.kill(core, signal.SIGTERM)
            threading.Timer(0.3, os.kill, (core, signal.SIGCONT)).start()
        return data

    cloud.tamper(what, end_it)
    deployment = cloud.deploy(group())
    cloud.reported(deployment, "Success", timeout=30)
    crash_log = running.path / "ggc/var/log/crash.log"
    wait_for(lambda: f"[pid = {core}] died with exit code 0." in crash_log.read_text(), message=crash_log.read_text())
