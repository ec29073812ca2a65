"""greengrass-runner alone, driven over its socket by packets written here from src/edge/runner/wire.h."""

import array
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

import pytest
from conftest import BIN, wait_for

RUNNER = BIN.resolve().parent / "libexec/sedge/greengrass-runner"
START, STOP, STARTED, NOT_STARTED, ENDED = range(1, 6)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif("os.geteuid() != 0", reason="takes on another user: needs root")


def text(s):
    b = s if isinstance(s, bytes) else s.encode()
    return struct.pack(">I", len(b)) + b


def words(values):
    return struct.pack(">H", len(values)) + b"".join(map(text, values))


def start(worker, *argv, program=None, env=(), cwd="/", path=PATH, uid=-1, gid=-1):
    return (struct.pack(">BQqq", START, worker, uid, gid) + text(program or argv[0]) + text(cwd) + text(path) + words(argv) + words(env))


class Runner:
    def __init__(self, *more):
        self.s, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.settimeout(20)
        self.p = subprocess.Popen([RUNNER, "-socket-fd", str(theirs.fileno()), *more], pass_fds=[theirs.fileno()],
                                  stderr=subprocess.PIPE)
        theirs.close()

    def send(self, packet, fds=()):
        self.s.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])

    def get(self):
        p = self.s.recv(200000)
        kind, worker = struct.unpack(">BQ", p[:9])
        return (kind, worker, p[13:].decode()) if kind == NOT_STARTED else (kind, worker, struct.unpack(">q", p[9:])[0])

    def start(self, worker, *argv, fds=(), **kw):
        """Its pid."""
        self.send(start(worker, *argv, **kw), fds)
        kind, who, pid = self.get()
        assert (kind, who) == (STARTED, worker), pid
        return pid

    def output(self, worker, *argv, **kw):
        """What it prints, until it has ended; and how that was."""
        r, w = os.pipe()
        self.start(worker, *argv, fds=(w,), **kw)
        os.close(w)
        with os.fdopen(r, "rb") as f:
            out = f.read()
        kind, who, status = self.get()
        assert (kind, who) == (ENDED, worker)
        return out, status

    def stop(self, worker, grace_ms):
        self.send(struct.pack(">BQq", STOP, worker, grace_ms))


@pytest.fixture
def runner():
    r = Runner("-allow-root") if ROOT else Runner()
    yield r
    r.s.close()
    assert r.p.wait(20) == 0


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_links_no_cryptography():
    """What may be root has no OpenSSL, no network library, no JSON."""
    needed = subprocess.run(["ldd", RUNNER], capture_output=True, text=True, check=True).stdout
    assert [line for line in needed.splitlines() if any(x in line for x in ("crypto", "ssl", "curl", "event", "jansson"))] == []


def test_a_program_gets_what_it_is_given_and_nothing_else(runner, tmp_path):
    out, status = runner.output(1, "env", env=["A=1", "B=zwei und drei"], cwd=str(tmp_path))
    assert (out, status) == (b"A=1\nB=zwei und drei\n", 0)
    out, _ = runner.output(2, "pwd", "-P", cwd=str(tmp_path))
    assert out.decode().strip() == str(tmp_path)
    r, w = os.pipe()
    out, _ = runner.output(3, "ls", "-l", "/proc/self/fd")
    # 0 /dev/null, 1 the pipe, one of ls itself
    lines = [line.split()[-3:] for line in out.decode().splitlines()[1:]]
    assert [(n, what.split(":")[0]) for n, _, what in lines[:2]] == [("0", "/dev/null"), ("1", "pipe")] and len(lines) == 3
    os.close(r), os.close(w)


def test_descriptors_come_in_their_order(runner):
    pipes = [os.pipe() for _ in range(6)]
    runner.start(1, "sh", "-c", "for i in 1 2 3 4 5 6; do echo level $i >&$i; done", fds=[w for _, w in pipes])
    for _, w in pipes:
        os.close(w)
    assert runner.get() == (ENDED, 1, 0)
    for i, (r, _) in enumerate(pipes):
        with os.fdopen(r, "rb") as f:
            assert f.read() == f"level {i + 1}\n".encode()


def test_its_limits_and_signals(runner):
    out, _ = runner.output(1, "sh", "-c", "ulimit -c; umask; cat /proc/self/oom_score_adj; grep -E '^Sig(Blk|Ign)' /proc/self/status")
    lines = out.decode().split()
    assert lines[0] == "0" and lines[1] == "0022" and lines[2] == "1000" and lines[4] == "0" * 16
    assert int(lines[6], 16) & (1 << (signal.SIGPIPE - 1)) == 0


def test_how_it_ended(runner):
    assert runner.output(1, "sh", "-c", "exit 7")[1] == 7 << 8
    assert runner.output(2, "sh", "-c", "kill -9 $$")[1] == 9


@pytest.mark.parametrize("argv, kw, says", [
    (["nodejs12.x"], {}, "cannot find executable nodejs12.x under any of the provided paths"),
    (["nodejs12.x"], {"path": ""}, "cannot find executable nodejs12.x under any of the provided paths"),
    (["/no/such/program"], {}, "cannot find executable /no/such/program"),
    (["/etc/passwd"], {}, "cannot run /etc/passwd"),
    (["ls"], {"cwd": "/no/such/folder"}, "cannot enter the folder of its code /no/such/folder"),
])
def test_what_cannot_be_started(runner, argv, kw, says):
    runner.send(start(5, *argv, **kw))
    kind, worker, why = runner.get()
    assert (kind, worker) == (NOT_STARTED, 5) and says in why
    assert runner.output(6, "echo", "on")[0] == b"on\n"


def test_a_relative_folder_of_the_path_is_not_looked_into(runner, tmp_path):
    (tmp_path / "evil").write_text("#!/bin/sh\necho evil\n")
    (tmp_path / "evil").chmod(0o755)
    runner.send(start(1, "evil", cwd=str(tmp_path), path=".::bin"))
    assert runner.get()[0] == NOT_STARTED


def stubborn(runner, worker, tmp_path):
    """A program that does not listen to SIGTERM; its pid."""
    ready = tmp_path / f"ready{worker}"
    pid = runner.start(worker, "sh", "-c", f"trap '' TERM; : > {ready}; while :; do sleep 1; done")
    wait_for(ready.exists)
    return pid


def test_stopped_in_peace_or_by_force(runner, tmp_path):
    pid = runner.start(1, "sleep", "100")
    runner.stop(1, 10000)
    assert runner.get() == (ENDED, 1, signal.SIGTERM) and not alive(pid)
    pid = stubborn(runner, 2, tmp_path)
    before = time.monotonic()
    runner.stop(2, 300)
    assert runner.get() == (ENDED, 2, signal.SIGKILL) and not alive(pid)
    assert 0.25 < time.monotonic() - before < 10
    runner.start(3, "sleep", "100")
    runner.stop(3, 0)
    assert runner.get() == (ENDED, 3, signal.SIGKILL)
    runner.stop(99, 0)  # nobody
    stubborn(runner, 4, tmp_path)
    runner.stop(4, 60000)
    runner.stop(4, 100)
    runner.stop(4, 60000)  # only ever sooner
    assert runner.get() == (ENDED, 4, signal.SIGKILL)


ESCAPES = {
    "child": "sleep 1000 & echo $! > {f}; ",
    "session": "setsid sh -c 'echo $$ > {f}; exec sleep 1000' & ",
    "daemon": "(setsid sh -c '(setsid sh -c \"echo \\$\\$ > {f}; exec sleep 1000\" &) ' &) ; ",
}


@pytest.mark.parametrize("end", ["itself", "stopped", "killed"])
@pytest.mark.parametrize("way", ESCAPES)
def test_nothing_of_it_lives_on(runner, tmp_path, way, end):
    f = tmp_path / "pid"
    stay = "" if end == "itself" else "; sleep 1000"
    runner.start(1, "sh", "-c", ESCAPES[way].format(f=f) + f"while ! [ -s {f} ]; do sleep 0.01; done{stay}")
    escaped = int(wait_for(lambda: f.exists() and f.read_text()))
    if end != "itself":
        assert alive(escaped)
        runner.stop(1, 5000 if end == "stopped" else 0)
    assert runner.get()[0] == ENDED and not alive(escaped)


def test_a_fork_bomb_ends_with_its_function(runner, tmp_path):
    runner.start(1, "python3", "-c", "import os\nfor _ in range(7): os.fork()\nimport time; time.sleep(1000)", path="/usr/bin")
    time.sleep(0.3)
    runner.stop(1, 0)
    assert runner.get()[0] == ENDED
    assert runner.output(2, "echo", "on")[0] == b"on\n"
    left = subprocess.run(["pgrep", "-f", "range[(]7[)]: os.fork"], capture_output=True, text=True).stdout
    assert left == ""


def test_the_end_of_the_core_is_the_end_of_all(tmp_path):
    r = Runner("-allow-root") if ROOT else Runner()
    f = tmp_path / "pid"
    pids = [stubborn(r, i, tmp_path) for i in range(1, 4)]
    pids.append(r.start(9, "sh", "-c", f"setsid sh -c 'echo $$ > {f}; exec sleep 1000' & wait"))
    pids.append(int(wait_for(lambda: f.exists() and f.read_text())))
    r.s.close()
    assert r.p.wait(20) == 0
    assert [p for p in pids if alive(p)] == []


def test_the_runner_is_killed(tmp_path):
    r = Runner("-allow-root") if ROOT else Runner()
    pid = r.start(1, "sleep", "1000")
    r.p.kill()
    r.p.wait(20)
    wait_for(lambda: not alive(pid), message="a function outlives the runner")
    r.s.close()


def test_a_keeper_is_killed(runner, tmp_path):
    f = tmp_path / "pid"
    pid = runner.start(1, "sh", "-c", f"setsid sh -c 'echo $$ > {f}; exec sleep 1000' & wait")
    other = runner.start(2, "sleep", "1000")
    escaped = int(wait_for(lambda: f.exists() and f.read_text()))
    keeper = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[1])
    os.kill(keeper, signal.SIGKILL)
    assert runner.get() == (ENDED, 1, signal.SIGKILL)
    wait_for(lambda: not alive(pid) and not alive(escaped))
    assert alive(other)


GOOD = start(1, "true")
BROKEN = {
    "empty-kind": b"\0" * 9, "unknown-kind": b"\x63" + GOOD[1:], "cut": GOOD[:-1], "longer": GOOD + b"x", "short": b"\1",
    "to-the-core": struct.pack(">BQq", STARTED, 1, 1), "no-argument": start(1, "x").replace(words(["x"]), words([])),
    "nul": start(1, "true", env=["A=\0"]), "relative-folder": start(1, "true", cwd="tmp"),
    "no-program": struct.pack(">BQqq", START, 1, -1, -1) + text("") + text("/") + text(PATH) + words(["x"]) + words([]),
    "too-many-words": start(1, *["x"] * 1025), "a-uid-that-is-cut-to-root": start(1, "id", uid=2 ** 32, gid=1000), "half-an-account": start(1, "id", uid=1000),
    "the-same-number-again": start(7, "true", uid=-1), "a-length-bomb": GOOD[:25] + b"\xff\xff\xff\xff" + GOOD[29:],
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_message_ends_everything(what):
    r = Runner()
    pid = r.start(7, "sleep", "1000", **({"uid": 65534, "gid": 65534} if ROOT else {}))
    r.send(BROKEN[what])
    assert r.p.wait(20) == 0 and b"the core's message cannot be used" in r.p.stderr.read()
    assert not alive(pid)
    r.s.close()


@needs_root
def test_another_account():
    r = Runner()
    out, status = r.output(1, "sh", "-c", "id -u; id -g; id -G; grep processes /proc/self/limits", uid=65534, gid=65534)
    uid, gid, groups, processes = out.decode().splitlines()
    assert status == 0 and (uid, gid, groups) == ("65534", "65534", "65534") and int(processes.split()[3]) <= 4096
    r.s.close()
    assert r.p.wait(20) == 0


@needs_root
@pytest.mark.parametrize("uid, gid", [(-1, -1), (0, 65534), (65534, 0), (0, 0)])
def test_root_only_where_it_was_started_so(uid, gid):
    r = Runner()
    r.send(start(1, "id", uid=uid, gid=gid))
    kind, _, why = r.get()
    assert kind == NOT_STARTED and "allowFunctionsToRunAsRoot" in why
    r.s.close()
    assert r.p.wait(20) == 0


def test_by_hand_it_says_who_starts_it():
    p = subprocess.run([RUNNER], capture_output=True)
    assert p.returncode == 1 and b"started by greengrassd" in p.stderr
