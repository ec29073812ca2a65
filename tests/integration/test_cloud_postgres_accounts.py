"""Two accounts on PostgreSQL: the suites of transfer and of bulk registration again, with --db."""

import subprocess
import threading

import pytest

from conftest import wait_for
from peers import env, program
from postgres import server  # noqa: F401 (a fixture)
from test_cloud_accounts import B, Two
from test_cloud_bulk import *  # noqa: F401,F403 - the tests
from test_cloud_transfer import (ab, accept_somehow, offer, status, test_accepted, test_accepted_stays_inactive,  # noqa: F401
                                 test_lists_in_pages, test_one_owner_after_a_kill, test_refused, test_registered_there_already,
                                 test_rejected_and_cancelled)


@pytest.fixture
def cloud(procs, tmp_path, server):  # noqa: F811
    return Two(procs, tmp_path, "--db", server.new_database())


def test_a_crash_between_the_schemas(cloud, ab, server):  # noqa: F811
    """The target's table is held, so that the server dies after the source let go and before the target has it."""
    a, b = ab
    id = offer(a)
    held = subprocess.Popen([program("psql"), "-X", "-q", server.url], env=env(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        held.stdin.write(f"BEGIN; LOCK TABLE account_{B}.certificates;\n\\echo locked\n")
        held.stdin.flush()
        assert held.stdout.readline() == "locked\n"
        t = threading.Thread(target=accept_somehow, args=(b, id))
        t.start()
        wait_for(lambda: server.sql("SELECT count(*) FROM public.transfers") == "1", message="the source did not let go")
        cloud.kill()
        t.join(30)
    finally:
        held.kill()
        held.communicate()
    assert server.sql("SELECT count(*) FROM public.certificates") == server.sql(f"SELECT count(*) FROM account_{B}.certificates") == "0"
    cloud.start()
    assert status(cloud.client("iot"), id) is None and status(cloud.client("iot", account=B), id) == "INACTIVE"
    assert server.sql("SELECT count(*) FROM public.transfers") == "0"
