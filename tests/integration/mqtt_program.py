"""tests/integration/programs/test_broker, started and driven; its head comment says what it allows."""

import queue
import subprocess
import threading

from conftest import MESON
from mqtt_wire import Client

PROGRAM = MESON / "tests/integration/programs/test_broker"


class Lines:
    """What a program writes, line by line, with a deadline."""

    def __init__(self, stream):
        self.q = queue.Queue()
        threading.Thread(target=self.read, args=(stream,), daemon=True).start()

    def read(self, stream):
        for line in stream:
            self.q.put(line.strip())

    def next(self, timeout=10):
        return self.q.get(timeout=timeout)


class Broker:
    def __init__(self, profile, slow_ms=0, **limits):
        self.profile = profile
        self.p = subprocess.Popen([PROGRAM, profile, str(slow_ms), *[f"{k}={v}" for k, v in limits.items()]], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = Lines(self.p.stdout)
        self.errors = Lines(self.p.stderr)
        self.port = int(self.lines.next().split()[1])
        self.clients = []

    def event(self):
        return self.lines.next().split()

    def wait_event(self, *words):
        for _ in range(500):
            line = self.event()
            if line[: len(words)] == list(words):
                return line
        raise AssertionError(f"no event {words}")

    def say(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()

    def ahead(self, seconds):
        """The clocks run ahead, and the broker has looked at them."""
        self.say(f"ahead {int(seconds * 1000)}")
        self.wait_event("ahead")

    def restart(self):
        self.say("restart")
        self.wait_event("restarted")

    def stats(self):
        self.say("stats")
        return {k: int(v) for k, v in (w.split("=") for w in self.wait_event("stats")[1:])}

    def open(self, v=4):
        c = Client(self.port, v)
        self.clients.append(c)
        return c

    def client(self, client_id, v=4, **kw):
        """A client that is connected."""
        c = self.open(v)
        c.connack = c.connect(client_id, **kw)
        assert c.connack.code == 0, c.connack
        return c

    def gone(self, client_id):
        """It has noticed that this client is not there any more."""
        self.wait_event("disconnected", client_id)

    def stop(self):
        for c in self.clients:
            c.s.close()
        try:
            self.say("quit")
        except BrokenPipeError:
            pass  # it has ended already, as asked
        assert self.p.wait(10) == 0, list(self.errors.q.queue)
