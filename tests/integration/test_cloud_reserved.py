"""Reserved topics: refused, or routed to the service that owns them (reference 1.4, 1.6)."""

import mqtt_wire
import pytest
from cloud import Cloud
from conftest import Processes
from mqtt_device import DeviceClient


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    procs = Processes(tmp_path_factory.mktemp("p"))
    yield Cloud(procs, tmp_path_factory.mktemp("c")).device("dev")
    procs.stop_all()


THING = "$aws/things/dev/"
HEARD = ["$aws/#", "$aws/+/dev/#", "$aws/events/#", "$aws/events/presence/+/dev", "$aws/events/job/+/completed", THING + "#", THING + "jobs/notify-next",
         THING + "jobs/$next/get/accepted", THING + "jobs/+/update/rejected", THING + "streams/s/data/cbor", THING + "tunnels/notify",
         THING + "shadow/get", THING + "shadow/name/n/update/delta", THING + "defender/metrics/json/accepted", "$share/g/" + THING + "shadow/#",
         "$aws/commands/things/dev/executions/+/request/#", "$aws/certificates/create/json/accepted",
         "$aws/provisioning-templates/t/provision/cbor/rejected"]
NOT_THERE = ["$aws/nothing", "$aws/things", "$aws/things/dev", THING + "shadow", THING + "shadow/put", THING + "shadow/get/maybe", THING + "jobs/x/y/z/u",
             "$aws/rules/r/x", "$aws/events/thing", "$aws/events/x/+", "$share/g/$aws/nothing/#", "$aws/certificates/create/json",
             "$aws/commands/x", "$aws/+"]


@pytest.mark.parametrize("name", HEARD)
def test_who_likes_may_listen(device, name):
    """Control for those that are not there."""
    assert DeviceClient(device).subscribe((name, 1)) == [1]


@pytest.mark.parametrize("v", [4, 5])
@pytest.mark.parametrize("name", NOT_THERE)
def test_to_listen_where_nothing_is_ends_the_connection(device, name, v):
    c = DeviceClient(device, v=v)
    c.send(mqtt_wire.subscribe(v, 1, ("a", 1), (name, 1)))
    c.closed(0x87 if v == 5 else None)


@pytest.mark.parametrize("name", ["$aws/nothing", "$aws/rules/r/x", THING + "shadow/put", THING + "shadow/get/accepted", THING + "jobs/get",
                                  "$aws/events/thing/dev/created", "$aws/events/presence/connected/dev", "$aws/certificates/x"])
def test_to_speak_where_nobody_owns_it_ends_the_connection(device, name):
    c = DeviceClient(device, v=5)
    c.send(mqtt_wire.publish(5, name, b"{}", 1, 1))
    c.closed(0x90)


def test_its_owner_answers(device):
    """Control: a shadow's topic."""
    c = DeviceClient(device)
    c.subscribe((THING + "shadow/get/rejected", 1))
    c.publish(THING + "shadow/get", b"", 1)
    assert c.topic_and_json()[1]["code"] == 404
