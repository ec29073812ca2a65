"""The cloud on PostgreSQL: the suites of test_cloud_api, test_cloud_greengrass and test_cloud_account again, with --db."""

import pytest

from cloud import Cloud
from postgres import server  # noqa: F401 (a fixture)
from test_cloud_api import *  # noqa: F401,F403 - the tests
from test_cloud_greengrass import *  # noqa: F401,F403
from test_cloud_account import *  # noqa: F401,F403
from test_cloud_functions import group, test_a_redeployment_keeps_the_versions, test_a_function_is_deleted_while_it_is_deployed  # noqa: F401
from test_cloud_domains import test_kept_and_read_back, test_lists_and_the_limit  # noqa: F401
from test_cloud_jitp import test_jitr_event_activation_and_return, test_jitp_provisions_and_the_device_returns  # noqa: F401
from test_cloud_fleet import claim, test_a_key_of_its_own, test_killed_between_the_steps, test_killed_in_the_middle  # noqa: F401
from test_cloud_events import iot, listener, test_groups_hierarchy_and_members, test_certificates_and_cas  # noqa: F401


@pytest.fixture
def cloud(procs, tmp_path, server):
    return Cloud(procs, tmp_path, "--db", server.new_database())


def test_nothing_is_kept_beside_it(cloud, server):
    cloud.client("iot").create_thing(thingName="here")
    assert not (cloud.data / "sedge.db").exists()
    assert server.sql("SELECT name FROM things") == "here"


def test_a_restarted_server(cloud, server):
    """Requests fail while it is away, with a retryable error, and work again by themselves."""
    iot = cloud.client("iot")
    iot.create_thing(thingName="before")
    server.restart()
    for attempt in range(20):
        try:
            iot.create_thing(thingName="after")
            break
        except iot.exceptions.ClientError as e:
            assert e.response["ResponseMetadata"]["HTTPStatusCode"] in (500, 503), e.response
    assert {t["thingName"] for t in iot.list_things()["things"]} == {"before", "after"}


def test_each_account_has_its_schema(procs, tmp_path, server):
    cloud = Cloud(procs, tmp_path, "--db", server.new_database(), "--account", "123456789012,210987654321")
    cloud.client("iot").create_thing(thingName="first")
    cloud.client("iot", account="210987654321").create_thing(thingName="second")
    assert server.sql("SELECT name FROM public.things") == "first"
    assert server.sql("SELECT name FROM account_210987654321.things") == "second"
    assert cloud.stop() == 0
    cloud.start()
    assert [t["thingName"] for t in cloud.client("iot", account="210987654321").list_things()["things"]] == ["second"]
