"""The walk whose key is made in the chip (WAY=enrol): what the README recommends."""

import json

from conftest import LONG

from test_demo import OWN_TMP, run_demo


def test_the_enrolled_core_connects(tmp_path):
    """All of it where there is time; otherwise as far as the core's connection."""
    folder = tmp_path / "d"
    r = run_demo(folder, wrapper=OWN_TMP, WAY="enrol", **({} if LONG else {"UNTIL": "06-start"}))
    print(r.stdout)
    assert r.returncode == 0 and "FAILED" not in r.stdout
    assert "certificate stored in the token" in r.stdout and "ok: the chip made one private-key operation for the handshake" in r.stdout
    config = json.loads((folder / "greengrass/config/config.json").read_text()) if (folder / "greengrass").exists() else None
    assert config is None or config["coreThing"]["thingArn"].endswith(":thing/SE050_Core")
    for path in folder.rglob("*"):
        if path.is_file() and not {"cloud", "listener"} & set(path.relative_to(folder).parts[:1]) and path.name != "chip.state":
            assert b"PRIVATE KEY-----" not in path.read_bytes(), path
