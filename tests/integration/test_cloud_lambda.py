"""Lambda's API as a V1 fleet uses it: packages, versions and aliases, by boto3 and the AWS CLI."""

import base64
import hashlib
import io
import os
import sqlite3
import stat
import struct
import zipfile
from contextlib import closing
from functools import partial

import pytest
from cloud import ACCOUNT, REGION, Cloud
from test_cloud_api import refused

ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


def package(files=None, **special):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in (files or {"index.js": "exports.handler = () => {}"}).items():
            z.writestr(name, content)
        for name, mode in special.items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            z.writestr(info, "/etc/passwd")
    return out.getvalue()


def create(fn, name="hello", zip=None, **kw):
    return fn.create_function(**{"FunctionName": name, "Runtime": "nodejs12.x", "Role": ROLE, "Handler": "index.handler",
                                 "Code": {"ZipFile": zip or package()}, **kw})


def codes(cloud):
    """The packages that are kept."""
    with closing(sqlite3.connect(f"file:{cloud.data}/sedge.db?mode=ro", uri=True)) as db:
        return [row[0] for row in db.execute("SELECT sha256 FROM lambda_code")]


def sha(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def test_a_function_is_kept_and_read_back(cloud):
    fn = cloud.client("lambda")
    zip = package()
    made = create(fn, zip=zip, Description="says hello", Timeout=25, Environment={"Variables": {"GREETING": "hi"}})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["FunctionArn"] == ARN + "hello" and made["Version"] == "$LATEST"
    assert (made["CodeSha256"], made["CodeSize"]) == (sha(zip), len(zip))
    assert made["State"] == "Active" and made["LastModified"].endswith("+0000")
    cloud.kill()
    cloud.start()
    for name in ("hello", ARN + "hello", f"{ACCOUNT}:function:hello", "function:hello", "hello:$LATEST"):
        got = fn.get_function(FunctionName=name)["Configuration"]
        assert (got["Runtime"], got["Handler"], got["Timeout"], got["MemorySize"]) == ("nodejs12.x", "index.handler", 25, 128)
        assert got["Environment"] == {"Variables": {"GREETING": "hi"}} and got["Description"] == "says hello"
        assert got["RevisionId"] == made["RevisionId"]
    assert fn.get_function_configuration(FunctionName="hello")["Role"] == ROLE
    refused(partial(create, fn), "ResourceConflictException", 409)
    refused(fn.get_function, "ResourceNotFoundException", 404, FunctionName="nobody")


def test_the_cli(cloud, tmp_path):
    """What the V1 guide types."""
    (tmp_path / "hello.zip").write_bytes(package())
    made = cloud.aws("lambda", "create-function", "--function-name", "Greengrass_HelloWorld", "--role", ROLE, "--runtime", "nodejs12.x",
                                "--handler", "index.handler", "--zip-file", f"fileb://{tmp_path}/hello.zip")
    version = cloud.aws("lambda", "publish-version", "--function-name", "Greengrass_HelloWorld", "--description", "First version")
    assert version["Version"] == "1" and version["FunctionArn"] == made["FunctionArn"] + ":1"
    alias = cloud.aws("lambda", "create-alias", "--function-name", "Greengrass_HelloWorld", "--name", "GG_HelloWorld",
                                 "--function-version", "1")
    assert alias["AliasArn"] == made["FunctionArn"] + ":GG_HelloWorld"
    assert cloud.aws("lambda", "list-functions")["Functions"][0]["FunctionName"] == "Greengrass_HelloWorld"
    cloud.aws("lambda", "delete-function", "--function-name", "Greengrass_HelloWorld")
    assert cloud.aws("lambda", "list-functions")["Functions"] == []


def test_versions_do_not_change(cloud):
    fn = cloud.client("lambda")
    first, second = package({"index.js": "1"}), package({"index.js": "2"})
    assert create(fn, zip=first, Publish=True)["Version"] == "1"
    assert fn.publish_version(FunctionName="hello")["Version"] == "1", "nothing changed"
    changed = fn.update_function_code(FunctionName="hello", ZipFile=second)
    assert changed["Version"] == "$LATEST" and changed["CodeSha256"] == sha(second)
    refused(fn.publish_version, "InvalidParameterValueException", 400, FunctionName="hello", CodeSha256=sha(first))
    assert fn.publish_version(FunctionName="hello", CodeSha256=sha(second), Description="two")["Version"] == "2"
    fn.update_function_configuration(FunctionName="hello", Timeout=30)
    assert fn.publish_version(FunctionName="hello")["Version"] == "3"
    versions = fn.list_versions_by_function(FunctionName="hello")["Versions"]
    assert [(v["Version"], v["CodeSha256"], v["Timeout"]) for v in versions] == [
        ("$LATEST", sha(second), 30), ("1", sha(first), 3), ("2", sha(second), 3), ("3", sha(second), 30)]
    assert versions[1]["FunctionArn"] == ARN + "hello:1"
    assert fn.get_function_configuration(FunctionName="hello", Qualifier="2")["Description"] == "two"
    assert fn.update_function_code(FunctionName="hello", ZipFile=first, DryRun=True)["CodeSha256"] == sha(first)
    assert fn.get_function_configuration(FunctionName="hello")["CodeSha256"] == sha(second)
    refused(fn.update_function_code, "InvalidParameterValueException", 400, FunctionName="hello:1", ZipFile=first)
    refused(fn.get_function, "ResourceNotFoundException", 404, FunctionName="hello", Qualifier="4")
    refused(fn.get_function, "InvalidParameterValueException", 400, FunctionName="hello:1", Qualifier="2")


def test_revisions(cloud):
    """Of two writers who read the same, the second is told."""
    fn = cloud.client("lambda")
    read = create(fn)["RevisionId"]
    assert fn.update_function_configuration(FunctionName="hello", Timeout=5, RevisionId=read)["Timeout"] == 5
    refused(fn.update_function_configuration, "PreconditionFailedException", 412, FunctionName="hello", Timeout=6, RevisionId=read)
    refused(fn.update_function_code, "PreconditionFailedException", 412, FunctionName="hello", ZipFile=package(), RevisionId=read)
    refused(fn.publish_version, "PreconditionFailedException", 412, FunctionName="hello", RevisionId=read)
    assert fn.get_function_configuration(FunctionName="hello")["Timeout"] == 5


def test_aliases(cloud):
    fn = cloud.client("lambda")
    create(fn, Publish=True)
    fn.update_function_code(FunctionName="hello", ZipFile=package({"a.js": "2"}), Publish=True)
    made = fn.create_alias(FunctionName="hello", Name="prod", FunctionVersion="1", Description="d")
    assert made["AliasArn"] == ARN + "hello:prod" and made["FunctionVersion"] == "1"
    refused(fn.create_alias, "ResourceConflictException", 409, FunctionName="hello", Name="prod", FunctionVersion="2")
    got = fn.get_function_configuration(FunctionName="hello", Qualifier="prod")
    assert got["Version"] == "1" and got["FunctionArn"] == ARN + "hello:prod"
    refused(fn.delete_function, "ResourceConflictException", 409, FunctionName="hello", Qualifier="1")
    assert fn.update_alias(FunctionName="hello", Name="prod", FunctionVersion="2", RevisionId=made["RevisionId"])["Description"] == "d"
    refused(fn.update_alias, "PreconditionFailedException", 412, FunctionName="hello", Name="prod", RevisionId=made["RevisionId"])
    fn.delete_function(FunctionName="hello", Qualifier="1")
    for name in ("alpha", "beta"):
        fn.create_alias(FunctionName="hello", Name=name, FunctionVersion="2")
    page = fn.list_aliases(FunctionName="hello", MaxItems=2)
    assert [a["Name"] for a in page["Aliases"]] == ["alpha", "beta"]
    assert [a["Name"] for a in fn.list_aliases(FunctionName="hello", Marker=page["NextMarker"])["Aliases"]] == ["prod"]
    assert fn.list_aliases(FunctionName="hello", FunctionVersion="1")["Aliases"] == []
    fn.delete_alias(FunctionName="hello", Name="prod")
    fn.delete_alias(FunctionName="hello", Name="prod")
    refused(fn.get_alias, "ResourceNotFoundException", 404, FunctionName="hello", Name="prod")
    for bad in (dict(Name="12"), dict(Name="a b"), dict(FunctionVersion="$LATEST"), dict(RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}})):
        refused(fn.create_alias, "InvalidParameterValueException", 400, **{"FunctionName": "hello", "Name": "x", "FunctionVersion": "2", **bad})
    refused(fn.create_alias, "ResourceNotFoundException", 404, FunctionName="hello", Name="x", FunctionVersion="9")


def test_lists_go_on_where_they_stopped(cloud):
    fn = cloud.client("lambda")
    for i in range(5):
        create(fn, f"f{i}", Publish=i % 2 == 0)
    seen, marker = [], {}
    while True:
        page = fn.list_functions(MaxItems=2, **marker)
        seen += [f["FunctionName"] for f in page["Functions"]]
        if "NextMarker" not in page:
            break
        marker = {"Marker": page["NextMarker"]}
    assert seen == [f"f{i}" for i in range(5)]
    everything = [f["FunctionArn"] for p in fn.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 3})
                  for f in p["Functions"]]
    assert everything == [ARN + a for a in ("f0", "f0:1", "f1", "f2", "f2:1", "f3", "f4", "f4:1")]
    refused(fn.list_functions, "InvalidParameterValueException", 400, Marker="x")


def test_packages_are_kept_once_and_go_with_their_last_version(cloud):
    fn = cloud.client("lambda")
    zip = package()
    create(fn, "one", zip, Publish=True)
    create(fn, "two", zip)
    fn.delete_function(FunctionName="one")
    assert codes(cloud) == [sha(zip)]
    fn.update_function_code(FunctionName="two", ZipFile=package({"other": "x"}))
    assert codes(cloud) == [sha(package({"other": "x"}))]
    fn.delete_function(FunctionName="two")
    assert codes(cloud) == []


def bomb():
    """300 MiB in a package of 300 KiB."""
    return package({f"zeros{i}": bytes(10 << 20) for i in range(30)})


def lying():
    """An entry that says it has a byte, and has a million."""
    data = bytearray(package({"a": bytes(1 << 20)}))
    at = data.index(b"PK\1\2")
    data[at + 24:at + 28] = struct.pack("<I", 1)
    data[22:26] = struct.pack("<I", 1)
    return bytes(data)


def damaged():
    data = bytearray(package({"a": os.urandom(5000)}))
    data[1000] ^= 1
    return bytes(data)


def encrypted():
    data = bytearray(package())
    for flags in (6, data.index(b"PK\1\2") + 8):
        data[flags] |= 1
    return bytes(data)


BAD_PACKAGES = {
    "no zip": lambda: b"no zip at all", "nothing": lambda: b"\0", "empty": lambda: package({"folder/": ""}), "cut": lambda: package()[:-30],
    "damaged": damaged, "lying": lying, "absolute": lambda: package({"/etc/x": "x"}), "parent": lambda: package({"a/../../x": "x"}),
    "backslash": lambda: package({"..\\x": "x"}), "link": lambda: package(link=stat.S_IFLNK | 0o777), "encrypted": encrypted,
}


def test_bad_packages_are_refused_where_their_owner_sees_it(cloud):
    fn = cloud.client("lambda")
    for name, make in BAD_PACKAGES.items():
        told = refused(partial(create, fn), "InvalidParameterValueException", 400, zip=make())
        print(name, told["Error"]["Message"])
    assert fn.list_functions()["Functions"] == [] and codes(cloud) == []
    create(fn)  # the control


def test_packages_that_are_too_large(cloud):
    fn = cloud.client("lambda")
    refused(partial(create, fn), "RequestEntityTooLargeException", 413, zip=bomb())
    refused(partial(create, fn), "RequestEntityTooLargeException", 413, zip=os.urandom((16 << 20) + 1))
    create(fn, zip=package({"a": os.urandom(3 << 20)}))


def test_bad_parameters(cloud):
    fn = cloud.client("lambda", parameter_validation=False)
    for bad in (dict(FunctionName="a b"), dict(FunctionName="x" * 65), dict(FunctionName="hello:1"), dict(FunctionName=f"arn:aws:lambda:{REGION}:000000000000:function:x"),
                dict(Runtime="../../bin/sh"), dict(Runtime="ruby2.7"), dict(Handler=None), dict(Handler="a b"), dict(Timeout=0), dict(Timeout=901),
                dict(MemorySize=64), dict(Role="x"), dict(Code={}), dict(Code={"S3Bucket": "b", "S3Key": "k"}), dict(Environment={"Variables": {"1": "x"}}),
                dict(Environment={"Variables": {"AB": "x" * 5000}})):
        refused(partial(create, fn), "InvalidParameterValueException", 400, **bad)
    create(fn, Runtime="arn:aws:greengrass:::runtime/function/executable", Handler="my_executable")
