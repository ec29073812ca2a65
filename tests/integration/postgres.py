"""A PostgreSQL of the tests' own: on a Unix socket only, as a user without rights, gone with the test."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from conftest import Processes, wait_for
from peers import env, program

#: initdb and postgres refuse to run as root.
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []


class Postgres:
    """`url` names a superuser's connection to an empty database."""

    def __init__(self, folder, procs):
        self.folder, self.procs = folder, procs
        self.data = folder / "data"
        if AS_NOBODY:
            shutil.chown(folder, 65534, 65534)
        self.run("initdb", "-D", self.data, "-U", "sedge", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        self.start()
        self.databases = 0
        self.url = self.new_database()

    def new_database(self):
        """Its url; `url` and sql() are about the newest."""
        self.databases += 1
        name = f"sedge{self.databases}"
        self.run("createdb", "-h", self.folder, "-U", "sedge", name)
        self.url = f"postgresql://sedge@/{name}?host={self.folder}"
        return self.url

    def run(self, name, *args):
        subprocess.run([*AS_NOBODY, program(name), *map(str, args)], env=env(), cwd="/", check=True, capture_output=True, timeout=60)

    def start(self, *more):
        # a crash of the machine is not what these tests are about: fsync=off, and still every commit is awaited
        self.process = self.procs.start(*AS_NOBODY, program("postgres"), "-D", self.data, "-k", self.folder,
                                        "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=40", *more,
                                        env=env(), name="postgres", cwd="/")
        wait_for(lambda: subprocess.run([program("pg_isready"), "-q", "-h", self.folder], env=env()).returncode == 0, 30,
                 "PostgreSQL did not start: " + str(self.process.log))

    def restart(self):
        self.procs.stop(self.process, signal.SIGINT)
        self.start()

    def sql(self, text):
        out = subprocess.run([program("psql"), "-X", "-A", "-t", self.url, "-c", text], env=env(), check=True, capture_output=True, text=True)
        return out.stdout.strip()


@pytest.fixture
def postgres(procs):
    # a folder that the server's user may enter, and with a name short enough for a socket
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Postgres(pathlib.Path(folder), procs)
        procs.stop_all()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One for all tests of a module; each takes a new_database()."""
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        procs = Processes(tmp_path_factory.mktemp("pg"))
        try:
            yield Postgres(pathlib.Path(folder), procs)
        finally:
            procs.stop_all()
