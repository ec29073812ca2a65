"""docs/provisioning.md: its commands, as they stand there; sections 2 to 4 in the long run, since each command of the AWS CLI takes a second."""

import json
import re
import subprocess

from cloud import Cloud
from conftest import LONG, TOP

PAGE = (TOP / "docs/provisioning.md").read_text()


def test_the_commands_of_the_page_work(procs, tmp_path):
    cloud = Cloud(procs, tmp_path)
    page = PAGE if LONG else PAGE.split("\n## 2. ")[0]
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", page, re.M | re.S))
    assert script.count("aws iot") > (15 if LONG else 4)
    script = script.replace("127.0.0.1:4566", cloud.api.split("//")[1]).replace("-p 8883", f"-p {cloud.mqtt}")
    script = script.replace("alias aws='aws ", "shopt -s expand_aliases\nalias aws='/usr/bin/aws ")
    got = subprocess.run(["bash", "-euxc", script], cwd=tmp_path, capture_output=True, text=True, timeout=170)
    assert got.returncode == 0, got.stderr[-3000:]
    iot = cloud.client("iot")
    assert [t["thingName"] for t in iot.list_things()["things"]] == [f"lamp-{n}" for n in range(1, 7 if LONG else 2)]
    assert iot.list_things_in_thing_group(thingGroupName="lamps")["things"] == ["lamp-1"]
    if LONG:
        results = (tmp_path / "results.json").read_text().splitlines()
        assert len(results) == 3 and all("certificatePem" in json.loads(r)["response"] for r in results)
