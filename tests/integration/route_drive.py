"""tests/integration/programs/route_drive, started and driven; its head comment says what it does."""

import json
import subprocess

from conftest import MESON
from mqtt_program import Lines

PROGRAM = MESON / "tests/integration/programs/route_drive"
ACCOUNT = "arn:aws:lambda:us-east-1:123456789012:function"
A, B, GONE = f"{ACCOUNT}:a:1", f"{ACCOUNT}:b:2", f"{ACCOUNT}:gone:3"


def group(*subscriptions, functions=()):
    """group.json with these (source, subject, target)."""
    return {"GroupDefinitions": {
        "Lambdas": {"Content": list(functions)},
        "Subscriptions": {"Content": [{"Id": f"s{n}", "Source": s, "Subject": t, "Target": to}
                                      for n, (s, t, to) in enumerate(subscriptions)]}}}


def spooler(**variables):
    """The system function that sets the spooler up, as V1 has it."""
    return {"Id": "spooler", "FunctionArn": "arn:aws:lambda:::function:GGCloudSpooler:1",
            "DeploymentConfiguration": {"Executable": "spooler", "MemorySize": 32768, "Pinned": True, "Timeout": 3, "Variables": variables}}


class Drive:
    """The routes of a core whose root is `root`."""

    def __init__(self, root):
        self.root = root
        root.write_config()
        self.p = subprocess.Popen([PROGRAM, root.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines, self.seen = Lines(self.p.stdout), []

    def line(self, *starts, timeout=20):
        """The next line that begins with one of these; others are kept in `seen`."""
        while True:
            line = self.lines.next(timeout)
            if line.startswith(starts):
                return line
            self.seen.append(line)

    def say(self, *words):
        self.p.stdin.write(" ".join(map(str, words)) + "\n")
        self.p.stdin.flush()

    def apply(self, *subscriptions, functions=()):
        path = self.root.path / "routes.json"
        path.write_text(json.dumps(group(*subscriptions, functions=functions)))
        self.say("apply", path)
        return self.line("applied", "refused")

    def publish(self, source, topic, text):
        self.say("publish", source, topic, text)
        return self.line("published", "error")

    def flood(self, source, topic, count, size):
        self.say("flood", source, topic, count, size)
        self.line("flooded", timeout=60)

    def counts(self):
        self.say("counts")
        words = self.line("counts").split()[1:]
        return dict(zip(words[::2], map(int, words[1::2])))

    def stop(self):
        if self.p.stdin:
            self.p.stdin.close()
        try:
            assert self.p.wait(20) == 0
        finally:
            self.p.kill()
            self.p.wait()
