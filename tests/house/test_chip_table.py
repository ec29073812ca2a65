"""docs/chip.md's table of commands is what the marks of the tests say, and no cell is empty without a reason."""

import importlib.machinery
import importlib.util
import pathlib
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
TOOL = TOP / "tools/chip-table"


def load():
    loader = importlib.machinery.SourceFileLoader("chip_table", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("chip_table", loader))
    loader.exec_module(module)
    return module


def test_the_table_is_up_to_date():
    r = subprocess.run([TOOL, "--check"], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr


# ---- the tool itself ----

LIST = """# comment
Read 80020000 3.1 7.2
Wipe 8004002A 7.2
! Wipe * length,order takes no data
"""
FULL = [("Read", a, k, "x") for a in ("3.1", "7.2") for k in ("positive", "length", "order", "denied")] + [
    ("Wipe", "7.2", "positive", "x"), ("Wipe", "7.2", "denied", "x")]


def test_a_full_table_has_no_complaints():
    t = load()
    commands, reasons = t.read_commands(LIST)
    counts = t.count(commands, FULL + FULL[:1])
    assert list(t.complaints(commands, reasons, counts)) == []
    table = list(t.rows(commands, reasons, counts))
    assert "| Read | 02 00 00 | 3.1 | 2 | 1 | 1 | 1 |" in table
    assert "| Wipe | 04 00 2A | 7.2 | 1 | – (1) | – (1) | 1 |" in table
    assert table[-1] == "(1) takes no data."


@pytest.mark.parametrize("marks, words", [
    (FULL[1:], "Read on 3.1: no positive case and no reason"),
    (FULL + [("Wipe", "7.2", "order", "x")], "Wipe on 7.2: order has 1 cases and a reason: takes no data"),
])
def test_empty_cells_and_stale_reasons_are_found(marks, words):
    t = load()
    commands, reasons = t.read_commands(LIST)
    assert list(t.complaints(commands, reasons, t.count(commands, marks))) == [words]


@pytest.mark.parametrize("mark", [("Raed", "3.1", "length", "x"), ("Wipe", "3.1", "length", "x"), ("Read", "3.1", "legnth", "x")])
def test_marks_that_name_nothing_are_errors(mark):
    t = load()
    with pytest.raises(t.Wrong):
        t.count(t.read_commands(LIST)[0], [mark])


@pytest.mark.parametrize("line", ["! Read * length", "! Wipe 7.2 order another reason", "! Nothing * length why", "! Wipe 3.1 length why", "! Wipe * width why", "Read 80020000 3.1",
                                  "More 80020000 4.0", "More 80020000"])
def test_bad_lines_of_the_list_are_errors(line):
    t = load()
    with pytest.raises(t.Wrong):
        t.read_commands(LIST + line + "\n")


def test_marks_in_c_count_one_for_each_comment(tmp_path):
    t = load()
    (tmp_path / "a.c").write_text("{ 1 }, /* chip: Read 3.1,7.2 positive */\n{ 2 }, /* chip: Wipe 7.2 denied */\n/* chips: Read 3.1 length */\n")
    assert list(t.marks_in_c([tmp_path / "a.c"])) == [
        ("Read", "3.1", "positive", "a.c"), ("Read", "7.2", "positive", "a.c"), ("Wipe", "7.2", "denied", "a.c")]
