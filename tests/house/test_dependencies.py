"""The rules of the house: what a room may include, read from the table in docs/architecture.md."""

import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"/]+)/([^"]+)"', re.M)


def rules(text):
    """{room: {room or room/file it may include}} from the rows `| `src/room` | holds | may include |`."""
    allowed = {}
    for row in re.findall(r"^\| `src/(\w+)` \|(.*)\|\s*$", text, re.M):
        room, rest = row
        may = re.sub(r"\([^)]*\)", "", rest.rsplit("|", 1)[1])
        allowed[room] = {w.strip(" `") for w in may.split(",")} - {"–", "-", ""}
    return allowed


def violations(src, allowed):
    bad = []
    for path in sorted(src.rglob("*.[ch]")):
        room = path.relative_to(src).parts[0]
        for target, name in INCLUDE.findall(path.read_text()):
            if target == room or not (src / target).is_dir():
                continue
            if target not in allowed.get(room, set()) and f"{target}/{name}" not in allowed.get(room, set()):
                bad.append(f"{path.relative_to(src)} includes {target}/{name}")
    return bad


def test_rooms_include_only_what_the_table_allows():
    allowed = rules((TOP / "docs/architecture.md").read_text())
    assert {"base", "crypto", "vse", "edge", "cloud"} <= set(allowed)
    assert violations(TOP / "src", allowed) == []


def test_every_room_is_in_the_table():
    allowed = rules((TOP / "docs/architecture.md").read_text())
    rooms = {p.name for p in (TOP / "src").iterdir() if p.is_dir() and any(p.rglob("*.[ch]"))}
    assert rooms <= set(allowed)


def test_control_a_forbidden_include_is_found(tmp_path):
    for room in ("edge", "se", "base"):
        (tmp_path / room).mkdir()
    (tmp_path / "edge/a.c").write_text('#include "base/err.h"\n#  include "se/object.h"\n')
    (tmp_path / "base/b.h").write_text('#include "edge/a.h"\n')
    allowed = rules("| `src/edge` | x | base, crypto |\n| `src/se` | y | base |\n| `src/base` | z | – |\n")
    assert violations(tmp_path, allowed) == ["base/b.h includes edge/a.h", "edge/a.c includes se/object.h"]
    allowed["edge"].add("se/object.h")
    assert violations(tmp_path, allowed) == ["base/b.h includes edge/a.h"]


def test_edge_and_cloud_never_meet_in_code():
    allowed = rules((TOP / "docs/architecture.md").read_text())
    assert "cloud" not in allowed["edge"] and "edge" not in allowed["cloud"]
    assert not {"se", "pkcs11"} & allowed["edge"]
    assert {r for r in allowed["vse"] if r.startswith("se")} == {"se/wire.h"}
