"""The gateway's bench still runs: every row, with next to nothing to do, against our server alone."""

import os
import subprocess

from conftest import TOP


def test_every_row_gives_a_figure():
    p = subprocess.run([TOP / "tests/bench/gateway"], capture_output=True, text=True, timeout=120,
                       env={**os.environ, "SERVERS": "sedge", "RUNS": "1", "SCALE": "0.002", "IDLE": "20", "MANY": "20"})
    assert p.returncode == 0, p.stdout + p.stderr
    figures = {line.split()[1]: float(line.split()[2]) for line in p.stderr.splitlines() if line.startswith("sedge ")}
    assert len(figures) == 10, p.stdout + p.stderr
    assert all(f > 0 for row, f in figures.items() if row != "idle"), figures
