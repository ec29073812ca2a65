"""No private key is in git."""

import pathlib
import re
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
KEY = re.compile(rb"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{64,}")


def test_no_private_key_in_git():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout.split(b"\0")
    files = [TOP / n.decode() for n in names if n]
    assert len(files) > 20
    assert [f for f in files if f.is_file() and KEY.search(f.read_bytes())] == []


def test_control_a_key_is_found():
    pem = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                         capture_output=True, check=True).stdout
    assert KEY.search(b"x\n" + pem)
