"""The host library on a bus with faults (reference 1.9): what is done completes or fails, never twice, and the next works."""

import json
import random
import subprocess

import pytest

import chip_commands as cmd
from chip_client import Chip, Part
from conftest import BIN, LONG, MESON, SEED
from se_drive import EMPTY, Drive, Refused

OPERATIONS = 100_000 if LONG else 5_000
RULES_MAX = 4000  #: of a fault script
PCR, FILE = 0x20180001, 0x20180002


def fault(r, slow):
    """A fault of the wire. `slow` ones are noticed by silence: the host's patience is more than a second."""
    if slow:
        return r.choice(["stuck", "lose 0", f"flip {r.randrange(8)}", "reset"])
    return r.choice([f"flip {r.randrange(8, 48)}", f"lose {r.randrange(1, 5)}", f"nack-reads {r.randrange(1, 9)}",
                     f"nack-writes {r.randrange(1, 9)}"])


def script(r, blocks, rate):
    lines = [f"at block {n} {fault(r, r.random() < 0.05)}" for n in range(1, blocks) if r.random() < rate]
    return lines[:RULES_MAX]


def endure(part, scp03, operations, seed):
    return subprocess.Popen([MESON / "tests/integration/programs/se_endure", f"vse:{part.socket}", scp03, str(operations),
                             str(seed)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={"SEDGE_CONF": str(EMPTY)})


def test_operations_under_faults(procs, tmp_path):
    """One block in a hundred is disturbed, with and without the platform's channel."""
    running = []
    for scp03 in ("none", "auto"):
        r = random.Random(f"{SEED} {scp03}")
        folder = tmp_path / scp03
        folder.mkdir()
        rules = script(r, OPERATIONS // 2 * 5, 0.01)
        (folder / "faults").write_text("\n".join(rules) + "\n")
        part = Part(procs, BIN / "sedge-chip", folder, "--faults", folder / "faults").start()
        running.append((len(rules), endure(part, scp03, OPERATIONS // 2, SEED)))
    for rules, p in running:
        out, err = p.communicate(timeout=3600 if LONG else 180)
        assert p.returncode == 0, err
        seen = json.loads(out)
        assert (seen["wrong"], seen["twice"]) == (0, 0), f"{seen}\n{err}"
        assert seen["operations"] >= OPERATIONS // 2
        assert seen["failed"] <= rules * 0.1, f"{seen}\n{err}"  # nearly all faults are healed
        assert seen["in_a_row"] <= 2, f"{seen}\n{err}"


def test_control_without_faults_nothing_fails(procs, tmp_path):
    part = Part(procs, BIN / "sedge-chip", tmp_path).start()
    out, err = endure(part, "none", 300, SEED).communicate(timeout=60)
    seen = json.loads(out)
    assert (seen["failed"], seen["wrong"], seen["twice"]) == (0, 0, 0), err


@pytest.mark.parametrize("scp03", ["none", "auto"])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_reset_at_any_block_of_an_extension(procs, tmp_path, scp03, at):
    """A PCR tells a command that ran twice from one that ran once. The reset may come before the chip takes the command, or
    after it ran and before its answer is out: then the host may not try again."""
    import hashlib
    part = Part(procs, BIN / "sedge-chip", tmp_path).start()
    with Chip(part.socket) as c:
        c.run(cmd.write_pcr(PCR, initial=bytes(32)))
    part.stop()
    blocks = 4 + (4 if scp03 == "auto" else 0)  # resync and SELECT, the handshake: a write and a read each
    (tmp_path / "faults").write_text(f"at block {blocks + at} reset\n")
    part.options += ("--faults", tmp_path / "faults")
    part.start()
    d = Drive(f"vse:{part.socket}", scp03)
    value, failures = bytes(32), 0
    for i in range(4):
        data = bytes([i]) * 16
        once = hashlib.sha256(value + data).digest()
        try:
            d.run(cmd.write_pcr(PCR, extend=data))
            executed = (once,)
        except Refused as e:
            failures += 1
            assert e.kind in ("IO", "PROTO", "TIMEOUT"), str(e)
            executed = (value, once)
        now = d.run(cmd.read_object(PCR))[2:]
        assert now in executed
        value = now
    assert failures <= 1
    assert d.end() == 0
