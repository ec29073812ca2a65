"""What is installed of the host library: headers that stand alone in C and C++, the listed symbols and no others, an example."""

import hashlib
import os
import re
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

import sedge_se as lib
from chip_client import Part
from conftest import BIN, LIB, TOP

STAGE = LIB.resolve().parent
HEADERS = sorted(p.name for p in (TOP / "include/sedge").glob("*.h"))
C = ("gcc", "-std=gnu99", "-Wall", "-Wextra", "-Werror")
CPP = ("g++", "-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers")


def run(*argv, **kw):
    p = subprocess.run([str(a) for a in argv], capture_output=True, timeout=60, **kw)
    assert p.returncode == 0, p.stderr.decode()
    return p.stdout


def listed():
    """The names in the version script."""
    return set(re.findall(r"^\s+(sedge_\w+);", (TOP / "src/se/libsedge-se.map").read_text(), re.M))


def exported(path):
    return {line.split()[-1].split("@")[0] for line in run("nm", "-D", "--defined-only", path).decode().splitlines() if " T " in line}


def declared():
    text = "".join((TOP / "include/sedge" / h).read_text() for h in HEADERS)
    return set(re.findall(r"\b(sedge_(?:se|err)_\w+)\(", re.sub(r"/\*.*?\*/", "", text, flags=re.S)))


def test_exported_symbols_are_the_list():
    assert exported(LIB / "libsedge-se.so") == listed()


def test_control_a_name_too_many_is_seen():
    assert exported(LIB / "libsss_pkcs11.so") != listed()


def test_every_call_is_declared_and_every_declaration_is_there():
    assert declared() == listed()


def test_soname_and_pkg_config():
    dynamic = run("readelf", "-d", LIB / "libsedge-se.so").decode()
    assert "[libsedge-se.so.0]" in dynamic
    assert run(*pkg_config("--libs")).split()[-1] == b"-lsedge-se"


@pytest.mark.parametrize("compiler", (C, CPP), ids=("c", "c++"))
@pytest.mark.parametrize("header", HEADERS)
def test_headers_stand_alone(compiler, header, tmp_path):
    """Installed, included first and twice, without anything of the source tree."""
    source = tmp_path / "one.c"
    source.write_text(f"#include <sedge/{header}>\n#include <sedge/{header}>\nint main(void) {{ return 0; }}\n")
    run(*compiler, "-fsyntax-only", f"-I{STAGE / 'include'}", source)


def pkg_config(*what):
    return ("env", f"PKG_CONFIG_PATH={LIB / 'pkgconfig'}", "pkg-config", f"--define-variable=prefix={STAGE}", *what, "sedge-se")


@pytest.mark.parametrize("compiler", (C, CPP), ids=("c", "c++"))
def test_the_example(compiler, tmp_path, procs, applet):
    flags = run(*pkg_config("--cflags", "--libs")).decode().split()
    program = tmp_path / "se_sign"
    run(*compiler, TOP / "docs/examples/se_sign.c", *flags, f"-Wl,-rpath,{LIB}", "-o", program)
    part = Part(procs, BIN / "sedge-chip", tmp_path, "--applet", applet).start()
    digest = hashlib.sha256(b"message").digest()
    signatures = [run(program, "20181001", f"vse:{part.socket}", input=digest) for _ in range(2)]
    se = lib.Se(f"vse:{part.socket}")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), se.ec_public(0x20181001, lib.OUT))
    se.close()
    for s in signatures:
        public.verify(s, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    p = subprocess.run([program, "20181001", "vse:/nowhere"], capture_output=True, text=True, timeout=30, env={**os.environ})
    assert p.returncode == 1 and "opening the chip: not reachable" in p.stderr
