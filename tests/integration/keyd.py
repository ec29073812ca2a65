"""sedge-keyd for tests: start it before a chip, hand out the environment that sends programs through it."""

import os
import pathlib
import re
import signal

from conftest import BIN, wait_for

EVERYTHING = ["allow user 0 key any all", f"allow user {os.getuid()} key any all"]


class Keyd:
    """`with_rules` are lines of its file; `settings` a dictionary of the others."""

    def __init__(self, procs, folder, port, rules=EVERYTHING, **settings):
        self.procs = procs
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "keyd"
        self.config = self.folder / "keyd.conf"
        self.settings = {"port": port, **settings}
        self.process = None
        self.rules(*rules, reload=False)

    def rules(self, *lines, reload=True):
        """Write the file; the running daemon is told, and has it afterwards."""
        text = "".join(f"{k.replace('_', '-')} = {v}\n" for k, v in self.settings.items())
        self.config.write_text(text + "".join(f"{line}\n" for line in lines))
        self.config.chmod(0o600)
        if reload:
            before = self.log().count("reload:")
            self.process.send_signal(signal.SIGHUP)
            wait_for(lambda: self.log().count("reload:") > before, message="it did not read its rules anew")

    def start(self, env=None):
        self.process = self.procs.start(BIN / "sedge-keyd", "serve", "--config", self.config, "--socket", self.socket,
                                        env=env, name="keyd")
        wait_for(lambda: "serving " in self.log() or self.process.poll() is not None, message="keyd did not start")
        assert self.process.poll() is None, self.log()
        return self

    def stop(self, sig=signal.SIGTERM):
        return self.procs.stop(self.process, sig)

    @property
    def env(self):
        return {"SEDGE_KEYD_SOCKET": str(self.socket)}

    def log(self):
        return self.process.log.read_text()

    def audit(self):
        """The audit lines so far, as dictionaries."""
        lines = re.findall(r" audit (.*)", self.log())
        return [dict(word.split("=", 1) for word in line.split()) for line in lines]

    def cpu_ms(self):
        """CPU time of the daemon until now."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
