"""The core's release archive: V1's layout, the same bytes every time, and greengrassd that finds its root from its own place."""

import os
import subprocess
import tarfile

import pytest

import edge_root
from conftest import BIN, BUILD, TOP
from fake_cloud import new_key, started

PACKAGE = "greengrass/ggc/packages/1.11.6/"


def test_layout(tmp_path):
    archive = edge_root.core_archive(tmp_path)
    name = os.path.basename(archive)
    assert name.startswith("greengrass-linux-") and name.endswith("-1.11.6.tar.gz")
    with tarfile.open(archive) as tar:
        members = {m.name: m for m in tar}
    assert members["greengrass/ggc/core"].linkname == "packages/1.11.6"
    for program in ("greengrassd", "bin/daemon", "bin/core"):
        assert members[PACKAGE + program].mode == 0o755 and members[PACKAGE + program].isfile()
    assert members[PACKAGE + "LICENSE/LICENSE"].isfile()
    for file in ("nodejs/lambda_nodejs_runtime.js", "python/lambda_runtime.py"):
        assert members[f"{PACKAGE}runtime/{file}"].mode == 0o644  # functions run as somebody else
    assert members[PACKAGE + "runtime/c/libaws-greengrass-core-sdk-c.so"].isfile()
    assert {m.mode for n, m in members.items() if n.startswith(PACKAGE + "runtime") and m.isdir()} == {0o755}
    assert members["greengrass/certs"].isdir() and members["greengrass/config"].isdir()
    assert {(m.uid, m.gid) for m in members.values()} == {(0, 0)}
    assert all(n == "greengrass" or n.startswith("greengrass/") for n in members)


def test_the_same_input_gives_the_same_bytes(tmp_path):
    bytes_of = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        bytes_of.append(open(edge_root.core_archive(tmp_path / folder), "rb").read())
    assert bytes_of[0] == bytes_of[1]


def test_without_a_build_it_says_so(tmp_path):
    done = subprocess.run([str(TOP / "tools/core-archive"), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 1 and "run make first" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def cloud(tmp_path):
    with started(tmp_path / "cloud") as cloud:
        yield cloud


@pytest.fixture
def root(tmp_path, cloud):
    root = edge_root.Root(tmp_path, cloud).identity(new_key("ec"))
    root.write_config()
    yield root
    root.stop()


def run(*argv):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL, cwd="/")


@pytest.mark.parametrize("place", ["ggc/core/greengrassd", "ggc/packages/1.11.6/greengrassd"])
def test_the_root_is_found_from_the_programs_place(root, place):
    done = run(root.path / place, "start")
    assert done.returncode == 0, done.stderr
    root.wait_log(f"Greengrass Root: {root.path}")


def test_the_installed_program_takes_the_root_as_an_option(root):
    done = run(BIN / "greengrassd", "--root", root.path, "start")
    assert done.returncode == 0, done.stderr
    root.wait_log("All topics subscribed.")
    assert run(BIN / "greengrassd", "--root", root.path, "stop").returncode == 0


def test_no_root_is_said(tmp_path):
    done = run(BIN / "greengrassd", "start")
    assert done.returncode != 0 and "--root DIR" in done.stderr
    done = run(BIN / "greengrassd", "--root", tmp_path / "none", "start")
    assert done.returncode != 0 and str(tmp_path / "none") in done.stderr


@pytest.mark.parametrize("argv", [[], ["begin"], ["start", "stop"], ["--colour", "start"]])
def test_usage(argv):
    done = run(BIN / "greengrassd", *argv)
    assert done.returncode != 0 and "Usage: greengrassd" in done.stderr


def test_a_core_that_dies_while_it_starts(root):
    core = root.path / "ggc/packages/1.11.6/bin/core"
    core.unlink()
    core.symlink_to("/bin/false")
    done = root.greengrassd("start", ok=False)
    assert done.returncode != 0
    assert "the core process died while it started" in done.stderr
    assert "died with exit code 1" in (root.path / "ggc/var/log/crash.log").read_text()
    assert root.pid() is None


def test_programs_missing_from_the_archive(root):
    (root.path / "ggc/packages/1.11.6/bin/daemon").unlink()
    done = root.greengrassd("start", ok=False)
    assert done.returncode != 0 and "unpack the core's release archive again" in done.stderr


def test_config_with_a_pin_open_to_others_is_warned_of(root):
    root.config["crypto"] = {"PKCS11": {"P11Provider": "/x.so", "slotLabel": "l", "slotUserPin": "73951"}, "caPath":
                             f"file://{root.path}/certs/root.ca.pem", "principals": {"IoTCertificate": {
                                 "privateKeyPath": f"file://{root.path}/certs/core.private.key",
                                 "certificatePath": f"file://{root.path}/certs/core.cert.pem"}}}
    root.write_config()
    (root.path / "config/config.json").chmod(0o644)
    root.greengrassd("start", write=False)
    assert "chmod 600" in root.log and "73951" not in root.log
    (root.path / "config/config.json").chmod(0o600)
    before = len(root.log)
    root.greengrassd("restart", write=False)
    assert "chmod 600" not in root.log[before:]
