"""libsss_pkcs11.so under load: many threads in several processes, forks meanwhile; nothing goes wrong, nothing is done twice."""

import json
import os
import subprocess

import bus_cost
from conftest import LONG, MESON
from p11_walk import EC_ID, MODULE, PIN, RSA_ID, any_token, keys  # noqa: F401 (fixtures)

PROGRAM = MESON / "tests/integration/programs/p11_stress"
SECONDS = 60 if LONG else 5


def start(token, seconds, threads, forks=0):
    argv = [PROGRAM, MODULE, PIN, seconds, threads, forks, f"sss:{EC_ID:08X}", f"sss:{RSA_ID:08X}"]
    return subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **token.env})


def end(p, seconds):
    out, err = p.communicate(timeout=seconds + 120)
    assert p.returncode == 0, err.decode()
    told = json.loads(out)
    assert told["errors"] == 0, err.decode()
    return told


def test_two_processes_of_sixteen_threads(any_token):
    """Every signature was checked by OpenSSL as it came; the chip made each once."""
    with bus_cost.stretch(any_token.part.counters) as cost:
        both = [end(p, SECONDS) for p in [start(any_token, SECONDS, 16) for _ in range(2)]]
    assert all(told["ecdsa"] > 5 * SECONDS and told["rsa"] > 0 for told in both), both
    assert cost.private_key_operations == sum(told["ecdsa"] + told["rsa"] for told in both)


def test_fork_under_load(any_token):
    with bus_cost.stretch(any_token.part.counters) as cost:
        told = end(start(any_token, SECONDS / 3, 4, forks=1), SECONDS)
    assert told["forks"] >= 5 and told["ecdsa"] > 20, told
    assert cost.private_key_operations == told["ecdsa"] + told["rsa"] + told["forks"]


def test_control_a_call_that_fails_is_counted(any_token):
    argv = [PROGRAM, MODULE, PIN, 1, 1, 0, "sss:00000001", "sss:00000002"]
    p = subprocess.run([str(a) for a in argv], capture_output=True, env={**os.environ, **any_token.env}, timeout=60)
    assert p.returncode == 1 and b"keys found by label: 0x0" in p.stderr
    assert json.loads(p.stdout)["errors"] == 2
