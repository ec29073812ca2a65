"""tests/bench/gateway_clients, started and driven; its head comment says what it can."""

import subprocess

from conftest import MESON

PROGRAM = MESON / "tests/bench/gateway_clients"


class Clients:
    def __init__(self, device):
        argv = [PROGRAM, device.cloud.mqtt, device.cloud.ca, device.cert, device.key]
        self.p = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()

    def ask(self, line):
        self.say(line)
        return self.p.stdout.readline().split()

    def stop(self):
        self.p.stdin.close()
        try:
            self.p.wait(20)
        finally:
            self.p.kill()
            self.p.wait(5)
