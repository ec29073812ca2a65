"""What one caller sees while others write: reads do not wait, pages hold together."""

import sqlite3
import statistics
import time

import pytest
from cloud import Cloud
from conftest import LONG


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
