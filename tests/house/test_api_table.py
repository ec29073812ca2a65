"""docs/api.md is what the cloud's tables say; no operation of the four APIs is missing from them."""

import collections
import functools
import importlib.machinery
import importlib.util
import pathlib
import re
import subprocess

import botocore.session
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
TOOL = TOP / "tools/api-table"


@functools.cache
def load():
    loader = importlib.machinery.SourceFileLoader("api_table", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("api_table", loader))
    loader.exec_module(module)
    return module


def test_the_page_is_up_to_date():
    r = subprocess.run([TOOL, "--check"], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr


def test_the_list_is_the_references():
    r = subprocess.run([TOOL, "--reference"], capture_output=True, text=True)
    if r.returncode == 77:
        pytest.skip(r.stderr.strip())
    assert r.returncode == 0, r.stderr


@pytest.mark.parametrize("service", ["iot", "iot-data", "iot-jobs-data", "greengrass"])
def test_clients_ask_nothing_that_is_not_listed(service):
    """botocore's own models: methods and URIs of every operation it can send."""
    t = load()
    listed = {(o.name, o.method, t.shape(o.uri)) for o in t.read_list(t.LIST.read_text()) if o.service == service}
    model = botocore.session.get_session().get_service_model(service)
    sent = {(n, (h := model.operation_model(n).http)["method"], t.shape(h["requestUri"])) for n in model.operation_names}
    assert sent - listed == set()


# ---- the tool itself ----

LIST = "# comment\niot 1 CreateThing POST /things/{thingName}\ngreengrass - GetGroup GET /groups/{GroupId}\n"


def rows(*lines):
    return load().read_table("".join(f"    {{ {line} }},\n" for line in lines))


def test_a_missing_a_doubled_and_an_unknown_row_are_told():
    t = load()
    operations = t.read_list(LIST)
    thing, group = '"CreateThing", "POST", "/things/{t}", run, 0', '"GetGroup", "GET", "/groups/{id}", run, 0'
    answer, own = t.states(operations, rows(thing, '"Mine", "GET", "/mine", run, 0'), rows(group))
    assert [d for _, d in answer] == [True, False] and own == [("Mine", "GET", "/mine")]
    for done, later in (((thing,), ()), ((thing, group), (thing,)), ((thing,), (group, '"Odd", "GET", "/odd", run, 0')),
                        ((thing,), ('"GetGroup", "PUT", "/groups/{id}", run, 0',))):
        with pytest.raises(t.Wrong):
            t.states(operations, rows(*done), rows(*later))
    with pytest.raises(t.Wrong):
        rows(thing, thing)


def test_the_reference_is_compared_both_ways():
    t = load()
    text = ("### 4.4 x\n| CreateThing | 1 | POST `/things/{thingName}` | | |\n**iot-data service** (1)\n"
            "| Publish | 1 | POST `/topics/{topic}` | | |\nNewer `iot-data` ones: Get `GET /c/{id}`.\n### 4.5 y\n")
    found = t.read_reference(text)
    assert collections.Counter(o.service for o in found) == {"iot": 1, "iot-data": 2}
    assert len(t.compare(t.read_list(LIST), found)) == 2
    assert re.search("only in the reference: iot-data", t.compare(t.read_list(LIST), found)[0])
    assert t.compare(t.read_list("iot 1 Other GET /x\n"), set()) == ["not in the reference: iot 1 Other GET /x"]
