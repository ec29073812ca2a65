"""Functions for a core under test: zips, group documents with them, a root whose files other users may reach."""

import contextlib
import hashlib
import io
import os
import pathlib
import shutil
import sys
import tempfile
import zipfile

import edge_root
from conftest import free_port
from fake_cloud import ARN as CORE_ARN
from fake_cloud import new_key

PREFIX = "arn:aws:lambda:us-east-1:123456789012:function:"
GROUP_ARN = "arn:aws:greengrass:us-east-1:123456789012:/greengrass/groups/11111111-2222/versions/"
USER = 61234  # of nobody: functions run as it where the core is root
PYTHON, NODE, EXECUTABLE = "python3.7", "nodejs12.x", "arn:aws:greengrass:::runtime/function/executable"

# The wire by hand (reference 4.4), so that what is tested is the core and not our SDK.
CLIENT = '''
import base64, json, os, sys, urllib.request
ME, TOKEN = os.environ["MY_FUNCTION_ARN"], os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
BASE = "http://localhost:%s/2016-11-01/functions/" % os.environ["GG_DAEMON_PORT"]

def call(method, path, body=b"", **headers):
    headers = {"Authorization": TOKEN, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return urllib.request.urlopen(urllib.request.Request(BASE + path, body if method != "GET" else None, headers, method=method))

def publish(topic, payload, policy=""):
    context = {"custom": {"source": ME, "subject": topic, "queueFullPolicy": policy}}
    return call("POST", os.environ["ROUTER_FUNCTION_ARN"], payload, X_Amz_Invocation_Type="Event",
                X_Amz_Client_Context=base64.b64encode(json.dumps(context).encode()).decode())

def invoke(arn, payload, context=b""):
    answer = call("POST", arn, payload, X_Amz_Invocation_Type="RequestResponse", X_Amz_Client_Context=base64.b64encode(context).decode())
    result = call("GET", arn, X_Amz_InvocationId=answer.headers["X-Amz-InvocationId"])
    return result.headers["X-Amz-Function-Error"], result.read()

def work():
    got = call("GET", ME + "/work")
    context = base64.b64decode(got.headers["X-Amz-Client-Context"] or "") or b"{}"
    return got.headers["X-Amz-InvocationId"], json.loads(context).get("custom", {}).get("subject"), got.read()

def answer(id, body=b"", **more):
    call("POST", ME + "/work", body, X_Amz_InvocationId=id, **more)
'''


def zip_of(files, modes=None):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.external_attr = ((modes or {}).get(name, 0o100644)) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()


class Function:
    """One function of a group: its ARN, its zip, its entry."""

    def __init__(self, name="hello", files=None, version=1, code=None, **conf):
        self.arn = f"{PREFIX}{name}:{version}"
        self.zip = code if code is not None else zip_of(files or {})
        self.artifact = f"lambda-{hashlib.sha256(self.zip).hexdigest()}.zip"
        self.conf = {"Artifact": self.artifact, "CodeSize": len(self.zip), "CodeSha256": hashlib.sha256(self.zip).hexdigest(),
                     "Handler": "main.handler", "Runtime": PYTHON, "Pinned": True, "Timeout": 3, "EncodingType": "binary",
                     "IsolationMode": "NoContainer", "RunAs": {"Uid": USER, "Gid": USER}, "Variables": {}, **conf}

    def entry(self):
        return {"Id": self.arn.split(":")[6], "FunctionArn": self.arn, "DeploymentConfiguration": self.conf, "ResourceAccessPolicies": []}


def plain(source, name="hello", version=1, **conf):
    """A Python program that speaks the wire itself: an executable function."""
    text = f"#!{sys.executable} -u\n{CLIENT}\n{source}"
    return Function(name, {"run": text}, version, **{"Runtime": EXECUTABLE, "Handler": "run", **conf})


def group(*functions, subscriptions=(), version="v1", level="DEBUG"):
    logger = {"Id": "1", "Type": "FileSystem", "Component": "GreengrassSystem", "Level": level, "Space": 4096}
    return {"Arn": GROUP_ARN + version, "Region": "us-east-1",
            "Cores": [{"thingArn": CORE_ARN, "certificateArn": "c", "id": "1", "syncShadow": True}], "Devices": [],
            "GroupDefinitions": {
                "Lambdas": {"Content": [f.entry() for f in functions]}, "Logging": {"Content": [logger]},
                "Resources": {"Content": []}, "Connectors": {"Content": []},
                "Subscriptions": {"Content": [{"Id": str(i), "Source": s, "Subject": t, "Target": to}
                                              for i, (s, t, to) in enumerate(subscriptions)]}}}


def deploy(cloud, *functions, **more):
    return cloud.deploy(group(*functions, **more), artifacts={f.artifact: f.zip for f in functions})


def deployed(cloud, *functions, timeout=30, **more):
    deployment = deploy(cloud, *functions, **more)
    cloud.wait(lambda: any(s[0] == deployment and s[1] != "InProgress" for s in cloud.statuses), timeout)
    status = next(s for s in cloud.statuses if s[0] == deployment and s[1] != "InProgress")
    assert status[1] == "Success", status
    return deployment


@contextlib.contextmanager
def root_for_functions(cloud, **runtime):
    """A root that functions' users can reach (pytest's own folders are closed to others)."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sedge-fn-", dir="/tmp"))
    folder.chmod(0o755)
    root = edge_root.Root(folder, cloud).identity(new_key("ec"))
    root.config["coreThing"]["ggDaemonPort"] = free_port()
    root.config["runtime"].update(runtime)
    programs = folder / "bin"
    programs.mkdir()
    for name, program in {PYTHON: sys.executable, NODE: shutil.which("node")}.items():
        if program:
            (programs / name).symlink_to(program)
    root.env["PATH"] = f"{programs}:{os.environ['PATH']}"
    try:
        yield root
    finally:
        root.stop()
        crash_log = root.path / "ggc/var/log/crash.log"
        assert not crash_log.exists() or "Sanitizer" not in crash_log.read_text(), crash_log.read_text()
        shutil.rmtree(folder, ignore_errors=True)
