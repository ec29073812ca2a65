"""`make demo`: one run that is kept running, what it leaves, what it touches, how it ends."""

import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from conftest import TOP, wait_for

DEMO = TOP / "tests/walkthrough/demo"
WATCHED = [TOP, pathlib.Path.home(), pathlib.Path("/etc"), pathlib.Path("/usr/local"), pathlib.Path("/var/lib")]
#: Written by the build and by the tests themselves.
IGNORED = re.compile(r"/(\.git|build|__pycache__|\.cache|\.pytest_cache)(/|$)")
#: Where it can (as root, not in every chroot) the demo gets a /tmp of its own, so that others on the machine are not mistaken for it.
CAN_MOUNT = os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode == 0
OWN_TMP = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /tmp && exec "$0" "$@"'] if CAN_MOUNT else []


def tree(demo_dir):
    """Path -> (mtime, size) of everything outside the demo's own folder."""
    seen = {}
    for top in WATCHED:
        for folder, folders, files in os.walk(top):
            folders[:] = [f for f in folders if not IGNORED.search(f"{folder}/{f}/") and f"{folder}/{f}" != str(demo_dir)]
            for name in files + folders:
                path = f"{folder}/{name}"
                if not IGNORED.search(path):
                    try:
                        st = os.lstat(path)
                    except FileNotFoundError:
                        continue
                    seen[path] = (st.st_mtime_ns, st.st_size) if name in files else None
    return seen


def run_demo(demo_dir, *args, wrapper=(), **env):
    return subprocess.run([*wrapper, DEMO, *args], cwd=TOP, env={**os.environ, "DEMO_DIR": str(demo_dir), **env}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180)


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Kept:
    def __init__(self, folder):
        self.folder = folder
        before = tree(folder)
        began = time.monotonic()
        self.result = run_demo(folder, wrapper=OWN_TMP, KEEP="1")
        self.seconds = time.monotonic() - began
        after = tree(folder)
        self.touched = {p for p in before.keys() | after.keys() if before.get(p, 0) != after.get(p, 0)}
        self.env = {}
        if (folder / "env").exists():
            text = subprocess.run(["bash", "-c", f". {folder}/env && env -0"], capture_output=True, text=True, check=True,
                                  env={"HOME": os.environ.get("HOME", "/")}).stdout
            self.env = dict(line.split("=", 1) for line in text.split("\0") if line)

    def established(self):
        """How often the core has connected, rotated logs included."""
        return sum(f.read_text().count("MQTT connection established.") for f in self.log.parent.glob("runtime.log*"))

    @property
    def log(self):
        return pathlib.Path(self.env["SEDGE_ROOT"], "ggc/var/log/system/runtime.log")

    def processes(self):
        """(pid, argv) of what the walk left running and still runs."""
        for pid in map(int, self.env["SEDGE_PIDS"].split()):
            if alive(pid):
                yield pid, pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]

    def sh(self, line, check=True):
        return subprocess.run(["bash", "-c", line], env=self.env, cwd=TOP, capture_output=True, text=True, check=check, timeout=60)


@pytest.fixture(scope="module")
def kept():
    k = Kept(TOP / "build/demo-kept")
    yield k
    run_demo(k.folder, "stop")


def test_the_walk_succeeds(kept):
    print(kept.result.stdout)
    assert kept.result.returncode == 0
    assert "FAILED" not in kept.result.stdout


def test_every_command_of_the_functions_page_is_run(kept):
    """docs/functions.md: the demo ends with the commands that stand there, all of them."""
    page = (TOP / "docs/functions.md").read_text()
    blocks = re.findall(r"^<!-- (\w+) -->\n```sh\n(.*?)^```$", page, re.M | re.S)
    assert len(blocks) == page.count("```sh") >= 8
    for name, text in blocks:
        assert f"$ {text.rstrip()}" in kept.result.stdout, name


def test_the_function_runs(kept):
    """It goes on saying hello, as a process of its own; and what it printed is in its log."""
    heard = kept.folder / "logs/listener.log"
    before = heard.read_text().count("Hello from SE050_Core")
    wait_for(lambda: heard.read_text().count("Hello from SE050_Core") > before, 20, "another hello")
    own = [argv for _, argv in kept.processes() if b"lambda_nodejs_runtime.js" in b" ".join(argv)]
    assert len(own) == 1 and own[0][-1] == b"--handler=index.handler"
    log = pathlib.Path(kept.env["SEDGE_ROOT"], "ggc/var/log/user/us-east-1/123456789012/hello.log").read_text()
    assert re.search(r"^\[[^]]+Z\]\[INFO\]-hello/core says: \{ name: 'Cloud' \}$", log, re.M), log


def test_it_takes_under_a_minute(kept):
    assert kept.seconds < 60


def test_it_touches_nothing_outside_its_folder(kept):
    assert kept.touched == set()
    if OWN_TMP:
        tmp = pathlib.Path("/proc", kept.env["SEDGE_PIDS"].split()[0], "root/tmp")
        assert list(tmp.iterdir()) == []


def test_the_environment_it_leaves(kept):
    host_port = re.compile(r"^(localhost|127\.0\.0\.1):\d+$")
    for name in ("SEDGE_API", "SEDGE_MQTT", "SEDGE_HTTPS"):
        assert host_port.match(kept.env[name])
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "SEDGE_CHIP_SOCKET", "SEDGE_CA"):
        assert pathlib.Path(kept.env[name]).exists()
    assert kept.env["AWS_DEFAULT_REGION"] == "us-east-1"
    assert pathlib.Path(kept.env["SEDGE_ROOT"], "ggc/core/greengrassd").exists()
    assert kept.env["SEDGE_DEPLOYMENT_ID"] in pathlib.Path(kept.env["SEDGE_ROOT"], "ggc/deployment/group/deployment.json").read_text()
    assert all(alive(int(pid)) for pid in kept.env["SEDGE_PIDS"].split())


def test_the_files_of_secrets_are_closed(kept):
    for path in kept.folder.rglob("*"):
        if path.is_file() and path.name in ("admin-credentials", "chip.state", "config.json"):
            assert path.stat().st_mode & 0o077 == 0, path


def test_one_private_key_operation_for_each_full_handshake(kept):
    """A restarted core makes two MQTT connections, for deployments and for messages: the chip counts two operations."""
    counters = kept.folder / "chip.counters"
    operations = lambda: int(re.search(r'"private_key_operations": *(\d+)', counters.read_text())[1])
    core = f"{kept.env['SEDGE_ROOT']}/ggc/core/greengrassd"
    kept.sh(f"{core} stop")
    connected = kept.established()
    before = operations()
    kept.sh(f"{core} start")
    wait_for(lambda: kept.established() >= connected + 2, 20, "the core connects")
    time.sleep(1)  # whatever would follow the handshakes
    assert (kept.established() - connected, operations() - before) == (2, 2)


def test_the_core_heals_when_the_chip_comes_back(kept):
    core = f"{kept.env['SEDGE_ROOT']}/ggc/core/greengrassd"
    pid, argv = next((p, a) for p, a in kept.processes() if a[0].endswith(b"sedge-chip"))
    kept.sh(f"{core} stop")
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not alive(pid), 5, "the chip ends")
    connected = kept.established()
    started = kept.sh(f"{core} start")  # the daemon runs; what it could not start yet it says
    assert "Some system components failed to start" in started.stdout
    time.sleep(3)
    assert kept.established() == connected
    assert re.search(r"\[(WARN|ERROR)\]-.*(chip|token|TOKEN|SE050)", kept.log.read_text())
    chip = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=kept.env)
    try:
        wait_for(lambda: kept.established() > connected, 70, "the core heals")
    finally:
        kept.sh(f"{core} stop", check=False)
        chip.terminate()
        chip.wait(5)


def test_stop_ends_every_process(kept):
    """Last in this file: nothing runs afterwards."""
    run_demo(kept.folder, "stop")
    left = []
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if str(kept.folder).encode() in (proc / "cmdline").read_bytes() and alive(proc.name):
                left.append((proc / "cmdline").read_bytes())
        except OSError:
            pass
    assert left == []


def test_an_interrupt_ends_every_process(tmp_path):
    demo_dir = tmp_path / "d"
    p = subprocess.Popen([DEMO], cwd=TOP, env={**os.environ, "DEMO_DIR": str(demo_dir)}, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        wait_for(lambda: (demo_dir / "cloud/admin-credentials").exists(), 40, "the cloud starts")
        started = [int(line.split()[0]) for line in (demo_dir / "pids").read_text().splitlines()]
        os.killpg(p.pid, signal.SIGINT)
        p.communicate(timeout=20)
    finally:
        if p.poll() is None:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
    assert p.returncode != 0
    assert len(started) >= 2
    assert [pid for pid in started if alive(pid)] == []
