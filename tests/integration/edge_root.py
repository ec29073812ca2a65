"""A Greengrass root for a test: unpacked from the release archive as a person would, with its config, keys and log."""

import atexit
import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

from conftest import BUILD, TOP, wait_for
from fake_cloud import ARN, THING, cert_pem, pem

LINE = re.compile(r'^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z\]\[(DEBUG|INFO|WARN|ERROR|FATAL)\]-([^\t]*)(?:\t(\{.*\}))?$')


@functools.lru_cache(maxsize=None)
def programs():
    """The archive unpacked once for all tests of a run; each root is a copy."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sedge-core-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with tarfile.open(core_archive(folder)) as archive:
        archive.extractall(folder)
    return folder / "greengrass"


def core_archive(folder):
    out = subprocess.run([str(TOP / "tools/core-archive"), str(BUILD), str(folder)], capture_output=True, text=True, check=True)
    return out.stdout.strip()


class Root:
    def __init__(self, folder, cloud, with_programs=True):
        self.path = folder / "greengrass"
        if with_programs:
            shutil.copytree(programs(), self.path, symlinks=True)
        else:
            for part in ("config", "certs", "ggc"):
                (self.path / part).mkdir(parents=True)
        self.cloud = cloud
        self.env = {}
        (self.path / "certs/root.ca.pem").write_bytes(cloud.ca.pem())
        self.config = {
            "coreThing": {"caPath": "root.ca.pem", "certPath": "core.cert.pem", "keyPath": "core.private.key", "thingArn": ARN,
                          "iotHost": "localhost", "ggHost": "localhost", "iotMqttPort": cloud.mqtt_port,
                          "iotHttpPort": cloud.https_port, "ggHttpPort": cloud.https_port, "keepAlive": 600},
            "runtime": {"cgroup": {"useSystemd": "yes"}}, "managedRespawn": False, "mqttMaxConnectionRetryInterval": 2}

    def identity(self, key, cert=None, write_key=True):
        cert = cert or self.cloud.ca.issue(THING, key.public_key())
        (self.path / "certs/core.cert.pem").write_bytes(cert_pem(cert))
        if write_key:
            path = self.path / "certs/core.private.key"
            path.touch(mode=0o600)
            path.write_bytes(pem(key))
        return self

    def use_token(self, module, label, pin, uri="pkcs11:object=iotkey;type=private"):
        certs = self.path / "certs"
        self.config["crypto"] = {
            "PKCS11": {"P11Provider": str(module), "slotLabel": label, "slotUserPin": pin},
            "principals": {"SecretsManager": {"privateKeyPath": uri},
                           "IoTCertificate": {"privateKeyPath": uri, "certificatePath": f"file://{certs}/core.cert.pem"},
                           "MQTTServerCertificate": {"privateKeyPath": uri}},
            "caPath": f"file://{certs}/root.ca.pem"}
        return self

    def write_config(self):
        (self.path / "config/config.json").write_text(json.dumps(self.config, indent=2))

    def greengrassd(self, *argv, ok=True, write=True):
        if write:
            self.write_config()
        done = subprocess.run(["./greengrassd", *argv], cwd=self.path / "ggc/core", env={**os.environ, **self.env},
                              capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL)
        assert not ok or done.returncode == 0, done.stdout + done.stderr
        return done

    @property
    def log(self):
        path = self.path / "ggc/var/log/system/runtime.log"
        return path.read_text() if path.exists() else ""

    def lines(self):
        """(level, message, fields) of every line; each must have V1's form."""
        out = []
        for line in self.log.splitlines():
            match = LINE.match(line)
            assert match, f"not V1's form: {line!r}"
            out.append((match[2], match[3], json.loads(match[4]) if match[4] else {}))
        return out

    def wait_log(self, text, timeout=15):
        wait_for(lambda: text in self.log, timeout, f"{text!r} did not come into the log:\n{self.log[-3000:]}")

    def pid(self):
        path = self.path / "ggc/var/run/greengrassd.pid"
        return int(path.read_text()) if path.exists() else None

    def processes(self):
        """{"core": PID, "runner": PID}: the supervisor's children."""
        pid = self.pid()
        out = {}
        for child in open(f"/proc/{pid}/task/{pid}/children").read().split():
            with contextlib.suppress(OSError):
                out[os.path.basename(os.readlink(f"/proc/{child}/exe")).rpartition("-")[2]] = int(child)
        return out

    def core(self):
        return self.processes()["core"]

    def group(self):
        return json.loads((self.path / "ggc/deployment/group/group.json").read_text())

    def deployment(self):
        path = self.path / "ggc/deployment/group/deployment.json"
        return json.loads(path.read_text())["deploymentId"] if path.exists() else None

    def stop(self):
        if self.pid():
            self.greengrassd("stop", ok=False, write=False)
