"""The host library as a test tells it (programs/se_drive.c)."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from conftest import BUILD, MESON

USERID, AES, ECKEY = 0, 1, 2


#: err_t (src/base/err.h), by number
ERRORS = ("OK MORE EOF PROTO INVALID TOO_BIG NOMEM DENIED AUTH NOT_FOUND EXISTS BUSY TIMEOUT IO NO_SPACE UNAVAILABLE UNSUPPORTED "
          "WRONG_STATE CORRUPT CRYPTO CONFLICT CANCELLED").split()


class Refused(Exception):
    """A failure: its class, the applet's status word or 0, the sentence."""

    def __init__(self, line):
        number, status, self.text = line.split(" ", 2)
        self.kind, self.sw = ERRORS[int(number)], int(status, 16)
        super().__init__(f"{self.kind} {self.sw:04x} {self.text}")


#: a configuration that says nothing
EMPTY = pathlib.Path(__file__).with_name("programs") / "empty.conf"


class Drive:
    def __init__(self, port, scp03=None, env=None):
        argv = [str(MESON / "tests/integration/programs/se_drive"), port] + ([scp03] if scp03 else [])
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, "SEDGE_CONF": str(EMPTY), **(env or {})})
        try:
            self.take()
        except Refused:
            self.end()
            raise

    def take(self):
        line = self.p.stdout.readline().rstrip("\n")
        if line.startswith("error "):
            raise Refused(line[6:])
        self.last = line.split(" ")[0]
        assert self.last in ("ok", "more"), line
        return line

    def say(self, *words):
        self.p.stdin.write(" ".join(w.hex() if isinstance(w, bytes) else str(w) for w in words) + "\n")
        self.p.stdin.flush()
        return self.take()[3:]

    def run(self, command, session=None):
        """Run a Command of chip_commands; its data."""
        words = ("apdu",) if session is None else ("in", session)
        return bytes.fromhex(self.say(*words, bytes(command)))

    def end(self):
        self.p.stdin.close()
        code = self.p.wait(30)
        self.p.stdout.close()
        return code

    def kill(self):
        self.p.kill()
        self.end()


def private_folder():
    """A folder that is not below /tmp, for key files."""
    (BUILD / "scratch").mkdir(exist_ok=True)
    return pathlib.Path(tempfile.mkdtemp(dir=BUILD / "scratch"))


def remove(folder):
    shutil.rmtree(folder)
