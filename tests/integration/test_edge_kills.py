"""kill -9 of the whole core at random moments of a deployment: afterwards the old or the new one runs, whole. EC-12, EC-25.

200 kills under SEDGE_LONG=1, a few otherwise; SEDGE_SEED repeats a run.
"""

import json
import os
import signal
import time

import pytest

from conftest import LONG, SEED, wait_for
from edge_functions import deploy, deployed, plain, root_for_functions
from fake_cloud import started

KILLS = 200 if LONG else 2
WORKER = '''
publish("runs", b"%d")
while True:
    id, topic, payload = work()
    publish("runs", b"%d")
    answer(id)
'''


def version(n):
    """Its own code each time, so that every step of a deployment has something to do."""
    return plain(WORKER % (n, n) + "#" + "x" * 20000, "kill", n)


def subscriptions(function):
    return [(function.arn, "runs", "cloud"), ("cloud", "ask", function.arn)]


@pytest.fixture
def cloud(tmp_path):
    with started(tmp_path / "cloud") as cloud:
        yield cloud


@pytest.fixture
def root(cloud):
    with root_for_functions(cloud) as root:
        root.greengrassd("start")
        cloud.wait_for("get")
        yield root


def kill_all(root):
    """The supervisor, with whom its children die."""
    processes = [root.pid(), *root.processes().values()]
    os.kill(processes[0], signal.SIGKILL)
    wait_for(lambda: not any(os.path.exists(f"/proc/{p}/exe") for p in processes), 10)


def on_disk(root):
    """The version of the group on disk, whose code must be there as it was sent."""
    text = (root.path / "ggc/deployment/group/group.json").read_text()
    (entry,) = json.loads(text)["GroupDefinitions"]["Lambdas"]["Content"]
    n = int(entry["FunctionArn"].rpartition(":")[2])
    folder = root.path / "ggc/deployment/lambda"
    assert [p.name for p in folder.iterdir()] == [entry["FunctionArn"]]
    assert (folder / entry["FunctionArn"] / "run").read_text().endswith(WORKER % (n, n) + "#" + "x" * 20000)
    return n


def says(cloud):
    with cloud.changed:
        cloud.events[:] = [e for e in cloud.events if e[0] != "message"]
    wait_for(lambda: (cloud.bring("ask", b"?"), cloud.messages("runs"))[1], 30, "no function answers")
    return int(cloud.messages("runs")[-1])


def settled(cloud, deployment):
    cloud.wait(lambda: any(s[0] == deployment and s[1] != "InProgress" for s in cloud.statuses), 60)
    return next(s[1:] for s in cloud.statuses if s[0] == deployment and s[1] != "InProgress")


def test_old_or_new_after_every_kill(root, cloud, rng):
    print(f"SEDGE_SEED={SEED}")
    good = version(1)
    began = time.monotonic()
    deployed(cloud, good, subscriptions=subscriptions(good))
    usual, runs = time.monotonic() - began, 1
    outcomes = {"old": 0, "new": 0}
    for n in range(2, KILLS + 2):
        new = version(n)
        deployment = deploy(cloud, new, subscriptions=subscriptions(new))
        time.sleep(rng.uniform(0, usual * 1.2))
        kill_all(root)
        root.greengrassd("start", write=False)
        status, message = settled(cloud, deployment)
        assert status == "Success" or "the core ended while it started the new group" in message, message
        want = n if status == "Success" else runs
        assert (on_disk(root), says(cloud)) == (want, want), (n, status, message)
        assert not (root.path / "ggc/deployment/staging").exists() and not (root.path / "ggc/deployment/switching").exists()
        outcomes["new" if status == "Success" else "old"] += 1
        runs = want
    print(outcomes)
