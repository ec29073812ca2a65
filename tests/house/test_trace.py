"""docs/trace.md names a test for each clause; each must exist."""

import ast
import functools
import json
import pathlib
import re
import subprocess

from conftest import MESON

TOP = pathlib.Path(__file__).resolve().parents[2]


def rows(text):
    """(clause, [tests]) of the table rows; the last column lists tests in back quotes."""
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) >= 2 and not set(cells[0]) <= {"-", " "} and cells[0] != "clause":
            yield cells[0], re.findall(r"`([^`]+)`", cells[-1])


def meson_tests():
    out = subprocess.run(["meson", "introspect", "--tests", str(MESON)], capture_output=True, text=True, check=True)
    return {t["name"] for t in json.loads(out.stdout)}


@functools.cache
def functions(path):
    """Names of the functions of a Python file; None when there is no such file."""
    file = TOP / path
    return {n.name for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.FunctionDef)} if file.is_file() else None


def exists(test, known):
    if test.startswith("meson:"):
        return test[6:] in known
    path, _, name = test.partition("::")
    known_there = functions(path)
    return known_there is not None and (not name or name.split("[")[0] in known_there)


def test_every_clause_has_a_test_that_exists():
    known = meson_tests()
    table = list(rows((TOP / "docs/trace.md").read_text()))
    assert table, "docs/trace.md has no rows"
    assert [clause for clause, tests in table if not tests] == []
    assert [f"{clause}: {t}" for clause, tests in table for t in tests if not exists(t, known)] == []


def test_control_a_missing_test_is_found():
    assert not exists("meson:no-such-test", {"base-buf"})
    assert exists("meson:base-buf", {"base-buf"})
    assert not exists("tests/house/test_trace.py::test_that_is_not_there", set())
    assert exists("tests/house/test_trace.py::test_control_a_missing_test_is_found", set())
    assert not exists("tests/nowhere.py", set())
