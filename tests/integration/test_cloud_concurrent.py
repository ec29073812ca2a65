"""What one caller sees while others write: reads do not wait, pages hold together."""

import sqlite3
import statistics
import threading
import time

import botocore.session
import pytest
from botocore import xform_name
from cloud import Cloud
from conftest import LONG
from test_cloud_api import refused
from test_cloud_operations import operations


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


def test_reads_during_a_long_write(cloud):
    """A write transaction is open for seconds; a read is answered within 10 ms (the middle one of many: other programs run, too)."""
    iot = cloud.client("iot")
    iot.create_thing(thingName="t")
    other = sqlite3.connect(cloud.data / "sedge.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE things SET version = version + 1")
    times, end = [], time.monotonic() + (5 if LONG else 1)
    while time.monotonic() < end:
        before = time.monotonic()
        assert iot.describe_thing(thingName="t")["version"] == 1
        times.append(time.monotonic() - before)
    other.execute("COMMIT")
    other.close()
    assert iot.describe_thing(thingName="t")["version"] == 2
    assert statistics.median(times) < 0.010 and len(times) > 20, times


@pytest.mark.parametrize("names", [[f"t{i:02}" for i in range(12)]])
def test_pages_while_items_come_and_go(cloud, names):
    """Whatever is there all the time is told once; the token of a page whose last item went is still good."""
    iot = cloud.client("iot")
    for n in names:
        iot.create_thing(thingName=n)
    seen, token = [], None
    for page in range(10):
        got = iot.list_things(maxResults=3, **({"nextToken": token} if token else {}))
        seen += [t["thingName"] for t in got["things"]]
        if "nextToken" not in got:
            break
        again = iot.list_things(maxResults=3, **({"nextToken": token} if token else {}))
        assert [t["thingName"] for t in again["things"]] == [t["thingName"] for t in got["things"]]
        token = got["nextToken"]
        iot.delete_thing(thingName=seen[-1])        # the very one the token was made of
        iot.create_thing(thingName=f"a{page}")      # before all of them
        iot.create_thing(thingName=f"{seen[-1]}x")  # just behind
    assert len(seen) == len(set(seen))
    assert [n for n in seen if n in names] == names


# ---- two writers of one object ----

#: Each operation that takes an expectedVersion: the object it needs, and what to call it with.
VERSIONED = {
    "UpdateThing": ("thing", {"attributePayload": {"attributes": {"a": "1"}}}),
    "DeleteThing": ("thing", {}),
    "UpdateThingGroup": ("thing_group", {"thingGroupProperties": {"thingGroupDescription": "d"}}),
    "DeleteThingGroup": ("thing_group", {}),
    "UpdateBillingGroup": ("billing_group", {"billingGroupProperties": {"billingGroupDescription": "d"}}),
    "DeleteBillingGroup": ("billing_group", {}),
}

KEYS = {"thing": "thingName", "thing_group": "thingGroupName", "billing_group": "billingGroupName"}


def test_every_versioned_operation_is_among_them():
    """By the service's own model: whatever else takes an expectedVersion is not there yet."""
    model = botocore.session.get_session().get_service_model("iot")
    takes = {n for n in model.operation_names if "expectedVersion" in (model.operation_model(n).input_shape or model.shape_for("Tag")).members}
    assert takes & {o.name for o in operations(done=True)} == set(VERSIONED)


@pytest.mark.parametrize("name", VERSIONED)
def test_of_two_writers_one_wins(cloud, name):
    """Both have read version 1; the other one is told, and has changed nothing."""
    kind, more = VERSIONED[name]
    one, two = cloud.client("iot"), cloud.client("iot")
    key = KEYS[kind]
    getattr(one, f"create_{kind}")(**{key: "x"})
    barrier, outcome = threading.Barrier(2), []

    def write(iot):
        barrier.wait()
        try:
            getattr(iot, xform_name(name))(**{key: "x"}, **more, expectedVersion=1)
            outcome.append("done")
        except iot.exceptions.ClientError as e:
            outcome.append((e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]))
    threads = [threading.Thread(target=write, args=(iot,)) for iot in (one, two)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if name.startswith("Update"):
        assert sorted(outcome, key=str) == [("VersionConflictException", 409), "done"]
        assert getattr(one, f"describe_{kind}")(**{key: "x"})["version"] == 2
    else:  # deleting what is not there succeeds
        assert outcome == ["done", "done"]


@pytest.mark.parametrize("name", VERSIONED)
def test_another_version_is_a_conflict(cloud, name):
    kind, more = VERSIONED[name]
    iot = cloud.client("iot")
    key = KEYS[kind]
    getattr(iot, f"create_{kind}")(**{key: "x"})
    for expected in (0, 2, -1, 10 ** 17):
        refused(getattr(iot, xform_name(name)), "VersionConflictException", 409, **{key: "x"}, **more, expectedVersion=expected)
    assert getattr(iot, f"describe_{kind}")(**{key: "x"})["version"] == 1
