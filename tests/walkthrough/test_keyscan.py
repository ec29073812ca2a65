"""keyscan finds a private key in every disguise, and nothing where there is none."""

import base64
import gzip
import io
import json
import os
import signal
import subprocess
import tarfile

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from conftest import MESON

KEYSCAN = os.environ.get("KEYSCAN", MESON / "tests/walkthrough/keyscan/keyscan")
KEYS = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
}


def secret(key):
    """One secret part, big endian."""
    n = key.private_numbers()
    return n.d.to_bytes(256, "big") if isinstance(key, rsa.RSAPrivateKey) else n.private_value.to_bytes(32, "big")


def pem(key, form=serialization.PrivateFormat.TraditionalOpenSSL):
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def der(key):
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def tar_of(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        t.addfile(info, io.BytesIO(data))
    return out.getvalue()


DISGUISES = {
    "pem": pem,
    "pkcs8 pem": lambda k: pem(k, serialization.PrivateFormat.PKCS8),
    "der": der,
    "in json": lambda k: json.dumps({"keyPair": {"PrivateKey": pem(k).decode()}}).encode(),
    "raw": lambda k: b"x" * 1001 + secret(k) + b"y",
    "little endian": lambda k: b"x" * 70000 + secret(k)[::-1],
    "across blocks": lambda k: b"x" * 65530 + secret(k),
    "hex": lambda k: secret(k).hex().encode(),
    "HEX": lambda k: secret(k).hex().upper().encode(),
    "hex with colons": lambda k: b":".join(b"%02x" % c for c in secret(k)),
    "base64, first alignment": lambda k: base64.b64encode(secret(k)),
    "base64, second alignment": lambda k: base64.b64encode(b"1" + secret(k) + b"tail"),
    "base64, third alignment": lambda k: base64.b64encode(b"12" + secret(k) + b"tail"),
    "base64 in lines": lambda k: base64.encodebytes(b"12" + secret(k)),
    "only its first half": lambda k: secret(k)[: len(secret(k)) // 2],
    "only its last half": lambda k: secret(k)[len(secret(k)) // 2:],
    "only its middle": lambda k: secret(k)[len(secret(k)) // 2 - 8: len(secret(k)) // 2 + 8],
    "gzip": lambda k: gzip.compress(pem(k)),
    "tar": lambda k: tar_of("certs/key", pem(k)),
    "tar.gz": lambda k: gzip.compress(tar_of("certs/key", der(k))),
}


@pytest.fixture(params=KEYS)
def key(request):
    return KEYS[request.param]


@pytest.fixture
def key_file(tmp_path, key):
    path = tmp_path / "key.pem"
    path.write_bytes(pem(key))
    return path


def keyscan(*args):
    return subprocess.run([KEYSCAN, *map(str, args)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("disguise", DISGUISES)
def test_it_finds(tmp_path, key, key_file, disguise):
    place = tmp_path / "tree/below/file"
    place.parent.mkdir(parents=True)
    place.write_bytes(DISGUISES[disguise](key))
    r = keyscan(key_file, "--tree", tmp_path / "tree")
    assert r.returncode == 1, r.stdout + r.stderr
    assert str(place) in r.stdout
    for form in (secret(key).hex(), base64.b64encode(secret(key)).decode()):
        assert form[:24] not in r.stdout.lower()


def test_it_finds_each_part_of_an_rsa_key(tmp_path):
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(pem(KEYS["rsa"]))
    n = KEYS["rsa"].private_numbers()
    for name, value in (("d", n.d), ("p", n.p), ("q", n.q), ("dp", n.dmp1), ("dq", n.dmq1), ("qinv", n.iqmp)):
        (tmp_path / "part").write_bytes(value.to_bytes((value.bit_length() + 7) // 8, "big"))
        r = keyscan(key_file, "--tree", tmp_path / "part")
        assert r.returncode == 1 and f"RSA {name}," in r.stdout


def test_it_finds_nothing_where_nothing_is(tmp_path, key, key_file):
    tree = tmp_path / "tree"
    tree.mkdir()
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tree / "other").write_bytes(pem(other))
    (tree / "public").write_bytes(key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    (tree / "noise").write_bytes(os.urandom(1 << 20))
    (tree / "link").symlink_to(key_file)
    r = keyscan(key_file, "--tree", tree)
    assert (r.returncode, r.stdout) == (0, "")


def test_what_is_excepted_is_left_out(tmp_path, key, key_file):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "chip.state").write_bytes(pem(key))
    assert keyscan(key_file, "--tree", tree).returncode == 1
    assert keyscan(key_file, "--except", tree / "chip.state", "--tree", tree).returncode == 0


@pytest.mark.parametrize("form", ["pem", "raw", "little endian"])
def test_it_finds_a_key_in_a_process(key, key_file, form, tmp_path):
    (tmp_path / "copy").write_bytes(DISGUISES[form](key))
    holder = subprocess.Popen(["/usr/bin/python3", "-c", "import sys; b = open(sys.argv[1], 'rb').read(); print('held', flush=True); "
                               "sys.stdin.read()", tmp_path / "copy"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    other = subprocess.Popen(["sleep", "60"])
    try:
        holder.stdout.readline()
        r = keyscan(key_file, "--pid", holder.pid)
        assert r.returncode == 1 and f"process {holder.pid}" in r.stdout
        assert keyscan(key_file, "--pid", other.pid).returncode == 0
    finally:
        for p in (holder, other):
            p.kill()
            p.wait()
            if p.stdin:
                p.stdin.close()
                p.stdout.close()


def test_a_process_that_cannot_be_read_is_a_failure(key_file):
    gone = subprocess.Popen(["true"])
    gone.wait()
    r = keyscan(key_file, "--pid", gone.pid)
    assert r.returncode == 2 and "unreadable" in r.stdout


def test_a_file_that_cannot_be_read_is_a_failure(key_file, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    with open(tree / "huge", "wb") as f:
        f.truncate((256 << 20) + 1)
    r = keyscan(key_file, "--tree", tree)
    assert r.returncode == 2 and "unreadable" in r.stdout


def test_serving_after_the_key_file_is_gone(tmp_path, key, key_file):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "copy").write_bytes(der(key))
    p = subprocess.Popen([KEYSCAN, key_file, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(line):
        p.stdin.write(line + "\n")
        while True:
            answer = p.stdout.readline().strip()
            if not answer.startswith(("found:", "unreadable:")):
                return answer

    try:
        assert p.stdout.readline() == "ready\n"
        key_file.unlink()
        assert ask(f"--tree {tree}").startswith("found ")
        (tree / "copy").unlink()
        assert ask(f"--tree {tree}") == "clean"
        assert ask(f"--pid {p.pid}") == "clean"  # it never searches itself
        assert ask("--nonsense x").startswith("unreadable")
    finally:
        p.send_signal(signal.SIGTERM)
        p.communicate(timeout=5)


def test_bad_arguments(tmp_path):
    (tmp_path / "no.pem").write_text("nothing")
    assert keyscan().returncode == 2
    assert keyscan(tmp_path / "no.pem", "--tree", tmp_path).returncode == 2
    assert keyscan(tmp_path / "absent", "--tree", tmp_path).returncode == 2
