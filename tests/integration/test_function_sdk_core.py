"""function-sdk/ in greengrassd: one group with a function in each language, the Node one with the unmodified npm package in its zip."""

import json

import pytest

from conftest import MESON, wait_for
from edge_functions import EXECUTABLE, NODE, PREFIX, Function, deployed, root_for_functions, zip_of
from fake_cloud import started
from function_ipc import published_modules

NODE_CODE = """
const gg = require('aws-greengrass-core-sdk');
const iot = new gg.IotData(), lambda = new gg.Lambda();
const PYTHON = '%s';
function tell(err, data) { iot.publish({ topic: 'from/node', payload: JSON.stringify({ err: err && err.message, data }), queueFullPolicy: 'AllOrError' }, () => {}); }
const verbs = {
    context: (e, context) => tell(null, context.clientContext.Custom.subject),
    invoke: e => lambda.invoke({ FunctionName: PYTHON, Payload: JSON.stringify(e) }, (err, d) => tell(err, d && [d.FunctionError, JSON.parse(d.Payload)])),
    shadow: () => iot.updateThingShadow({ thingName: 'lamp', payload: '{"state":{"desired":{"on":true}}}' }, (err) => {
        if (err) tell(err); else iot.getThingShadow({ thingName: 'lamp' }, (e, d) => tell(e, d && [d.FunctionError, JSON.parse(d.Payload).state])); }),
};
exports.handler = (event, context, callback) => { console.log('asked for', event.verb); verbs[event.verb](event, context); callback(); };
"""
PYTHON_CODE = """
import logging
def handler(event, context):
    logging.info("asked for %s", event["verb"])
    if event.get("fail"):
        raise ValueError("no " + event["fail"])
    return {"heard": event, "by": context.function_name}
"""


def node_modules():
    """Files of the zip; empty where npm has nothing: then the Node function is left out, and its tests."""
    try:
        modules = published_modules()
    except pytest.skip.Exception:
        return {}
    return {f"node_modules/{path.relative_to(modules)}": path.read_bytes() for path in modules.rglob("*") if path.is_file() and ".package-lock" not in path.name}


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    files = node_modules()
    python = Function("py", {"main.py": PYTHON_CODE}, Pinned=False, EncodingType="json")
    node = Function("node", {"index.js": NODE_CODE % python.arn, **files}, Handler="index.handler", Runtime=NODE, EncodingType="json")
    program = MESON / "tests/integration/programs/gg_function"
    native = Function("native", code=zip_of({"run": program.read_bytes()}, {"run": 0o100755}), Handler="run", Runtime=EXECUTABLE)
    subscriptions = [("cloud", "to/node", node.arn), (node.arn, "from/node", "cloud"), ("cloud", "to/native", native.arn), (native.arn, "from/native", "cloud")]
    with started(tmp_path_factory.mktemp("sdk") / "cloud") as cloud, root_for_functions(cloud) as root:
        root.greengrassd("start")
        cloud.wait_for("get")
        deployed(cloud, *[node][:len(files)], python, native, subscriptions=subscriptions)
        cloud.has_node = bool(files)
        for topic in ("to/node", "to/native"):
            cloud.wait_for("subscribe", topic, timeout=30)
        yield cloud, root


def told(cloud, language, payload):
    """What the function says to the cloud when the cloud says that to it."""
    before = len(cloud.messages(f"from/{language}"))
    cloud.bring(f"to/{language}", payload)
    cloud.wait(lambda: len(cloud.messages(f"from/{language}")) > before, 30)
    return cloud.messages(f"from/{language}")[-1]


def of_node(core, **event):
    if not core[0].has_node:
        pytest.skip("npm cannot install aws-greengrass-core-sdk")
    return json.loads(told(core[0], "node", json.dumps(event).encode()))


def log(core, name):
    path = core[1].path / f"ggc/var/log/user/us-east-1/123456789012/{name}.log"
    return path.read_text() if path.exists() else ""


def test_node_hears_the_cloud_and_is_heard(core):
    assert of_node(core, verb="context") == {"err": None, "data": "to/node"}
    assert "[INFO]-asked for context\n" in log(core, "node")


def test_node_invokes_python(core):
    assert of_node(core, verb="invoke")["data"] == ["", {"heard": {"verb": "invoke"}, "by": "py"}]
    error, body = of_node(core, verb="invoke", fail="luck")["data"]
    assert error == "Handled" and (body["errorMessage"], body["errorType"]) == ("no luck", "ValueError")
    assert "[INFO]-main.py:4,asked for invoke\n" in log(core, "py")


def test_node_has_a_local_shadow(core):
    assert of_node(core, verb="shadow")["data"] == ["", {"desired": {"on": True}, "delta": {"on": True}}]


def test_native_publishes(core):
    assert told(core[0], "native", b"publish plain from/native from C") == b"from C"


def test_native_is_refused_what_the_core_does_not_have(core):
    """The call's status, told by the worker's log: no function of that name."""
    told(core[0], "native", b"publish all from/native first")
    core[0].bring("to/native", f"invoke {PREFIX}absent:1 - - 1 x".encode())
    wait_for(lambda: "HTTP Error 404" in log(core, "native"), 15, "the refusal is logged")
