"""Every numbered statement of both MQTT specifications is proved by a test, or excused with a reason."""

import importlib.machinery
import importlib.util
import pathlib

TOP = pathlib.Path(__file__).resolve().parents[2]


def tool():
    loader = importlib.machinery.SourceFileLoader("mqtt_must", str(TOP / "tools/mqtt-must"))
    loader.path = str(TOP / "tools/mqtt-must")
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mqtt_must", loader))
    loader.exec_module(module)
    return module


def test_every_statement_is_proved_or_excused():
    t = tool()
    known = t.statements((TOP / "tests/vectors/mqtt-must.txt").read_text())
    assert len([k for k in known if k[0] == "3.1.1"]) == 141
    assert len([k for k in known if k[0] == "5.0"]) == 251
    assert t.wrong(known, t.all_proofs()) == []


def test_control_an_open_one_is_found():
    t = tool()
    known = t.statements("# head\n5.0 1.1.1-1\n5.0 1.1.1-2 for the client\n5.0 1.1.1-3\n")
    proved = t.proofs('@must(v5="1.1.1-3 1.1.1-2 9.9.9-9")\ndef test_x(): pass\n', "f.py")
    found = [" ".join(w.split()[:2]).rstrip(":") for w in t.wrong(known, proved)]
    assert found == ["5.0 1.1.1-1", "5.0 1.1.1-2", "5.0 9.9.9-9"]
