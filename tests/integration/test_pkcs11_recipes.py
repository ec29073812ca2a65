"""The recipes of docs/pkcs11.md, run word for word: what a person copies is what is tested.

A recipe is the first sh block below a `###` heading. What it stands on (a certificate, a server) is made here with other programs, and so is
what it must have achieved, where the recipe's own commands do not say.
"""

import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

import peers
from conftest import LIB, LONG, TOP, Processes, free_port, wait_for
from p11_walk import MODULE, TRANSPORTS, Token

DOC = (TOP / "docs/pkcs11.md").read_text()


def blocks(text):
    """{heading: commands}"""
    part = text[text.index("\n## Recipes\n"):]
    part = part[:part.index("\n## ", 5)]
    return {h: b for h, b in re.findall(r"^### (.+?)\n.*?^```sh\n(.*?)^```$", part, re.M | re.S)}


RECIPES = blocks(DOC)


class Walk(Token):
    """An empty chip, and a person who types recipes."""

    def recipe(self, name, before="", env=None, **kw):
        return self.run("bash", "-euo", "pipefail", "-c", before + RECIPES[name], timeout=180,
                        env={"PKCS11_MODULE_PATH": str(MODULE), **(env or {})}, **kw)

    def ca(self):
        self.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out",
                 "ca.crt", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2")

    def certify(self, *names):
        """Certificates of the chip's keys, by a CA of ours."""
        self.ca()
        for name in names:
            self.run("openssl", "req", "-new", "-engine", "pkcs11", "-keyform", "engine", "-key",
                     f"pkcs11:object={name};type=private;pin-value=1234", "-subj", f"/CN={name}", "-out", f"{name}.csr",
                     env={"PKCS11_MODULE_PATH": str(MODULE)})
            self.run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                     "-out", f"{name}.crt", "-days", "2")

    def read(self, name):
        return (self.folder / name).read_text()


@pytest.fixture(scope="module", params=TRANSPORTS)
def person(request, tmp_path_factory):
    """Somebody who made the keys of the first recipe, has certificates for them and keeps one on the token."""
    procs = Processes(tmp_path_factory.mktemp("p"))
    try:
        w = Walk(procs, procs.folder, transport=request.param)
        w.home, w.procs = procs.folder, procs
        w.recipe("Keys")
        w.certify("device", "archive")
        w.run("openssl", "x509", "-in", "device.crt", "-outform", "DER", "-out", "device.crt.der")
        w.tool("--write-object", "device.crt.der", "--type", "cert", "--label", "device", "--id", "01")
        yield w
    finally:
        procs.stop_all()


@pytest.fixture
def walk(person, tmp_path):
    """That person in a folder with the certificates and nothing else."""
    for name in ("ca.crt", "ca.key", "device.crt", "archive.crt"):
        shutil.copy(person.home / name, tmp_path)
    person.folder = tmp_path
    yield person
    person.folder = person.home


@pytest.fixture(params=TRANSPORTS)
def fresh(request, procs, tmp_path):
    """An own chip with the keys, for what changes the token."""
    w = Walk(procs, tmp_path, transport=request.param)
    w.recipe("Keys")
    return w


def said(result):
    return (result.stdout + result.stderr).decode(errors="replace")


def tls_server(walk, *more):
    """An openssl s_server that wants a client's certificate; host:port."""
    port = free_port()
    server = walk.procs.start("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "ca.crt", "-key", "ca.key", "-CAfile",
                              "ca.crt", "-Verify", "1", "-verify_return_error", *more, cwd=walk.folder)
    wait_for(lambda: b"ACCEPT" in server.log.read_bytes())
    return server, f"localhost:{port}"


# ---- one test for each recipe -----------------------------------------------------------------------------------------


def test_keys(walk):
    out = walk.tool("-O").stdout.decode()
    assert re.findall(r"^  label:\s+(\w+)", out, re.M).count("device") == 3  # and its certificate
    assert re.findall(r"^  ID:\s+(\w+)", out, re.M).count("02") == 2


def test_sign(walk):
    out = said(walk.recipe("pkcs11-tool: sign, and verify without the module"))
    assert "Verified OK" in out and "Signature is valid" in out


def test_derive(walk):
    walk.recipe("pkcs11-tool: agree on a secret")
    assert (walk.folder / "secret").stat().st_size == 32


def test_decrypt(walk):
    walk.recipe("pkcs11-tool: decrypt")
    assert walk.read("message.1") == "hello\n"


def test_certificate(fresh):
    fresh.recipe("pkcs11-tool: keep a certificate beside its key")
    assert "Certificate Object; type = X.509 cert" in fresh.tool("-O", login=False).stdout.decode()


def test_pin_and_lock_out(fresh):
    fresh.recipe("pkcs11-tool: set the PIN")
    wrong = fresh.tool("--login", "--pin", "00000000", "-O", login=False, ok=False)
    assert wrong.returncode and "CKR_PIN_INCORRECT" in said(wrong)
    fresh.tool("--login", "--pin", "56789012", "--keypairgen", "--key-type", "EC:prime256v1", "--label", "bound", login=False)
    for _ in range(20):  # one process each: it is the chip that counts
        wrong = fresh.tool("--login", "--pin", "00000000", "-O", login=False, ok=False)
        if "CKR_PIN_LOCKED" in said(wrong):
            break
    assert "CKR_PIN_LOCKED" in said(fresh.tool("--login", "--pin", "56789012", "-O", login=False, ok=False))
    fresh.recipe("pkcs11-tool: free a locked PIN")
    assert "bound" in fresh.tool("-O").stdout.decode()


def test_opensc_test(walk):
    out = said(walk.recipe("pkcs11-tool: its own tests"))
    assert "No errors" in out and "ERR" not in out


def test_gnutls(walk):
    out = said(walk.recipe("GnuTLS: p11tool and certtool"))
    assert "token=SSS_PKCS11" in out and "... ok" in out and "Label: gnutls" in out
    walk.run("openssl", "verify", "-CAfile", "gnutls.crt", "gnutls.crt")
    assert "Type: X.509 Certificate" in out


def own_mounts():
    """What starts a program with mounts of its own; a chroot does not permit it."""
    for argv in (["unshare", "--map-root-user", "--mount"], ["unshare", "--mount"]):
        if subprocess.run([*argv, "true"], capture_output=True).returncode == 0:
            return argv
    pytest.skip("no mount namespace is permitted here: the recipe needs its own /usr/local and /etc")


def test_p11_kit(walk):
    """In a mount namespace in which the installed tree is /usr/local, as the recipe has it."""
    etc = walk.folder / "etc"
    shutil.copytree("/etc", etc, symlinks=True, ignore=lambda d, names: [n for n in names if n in ("ssl", "shadow", "gshadow", "sudoers", "ssh")],
                    ignore_dangling_symlinks=True)
    stage = (LIB / "..").resolve()
    mounts = f"mount --bind {stage} /usr/local\nmount --bind {etc} /etc\n"
    out = said(walk.run(*own_mounts(), "bash", "-euo", "pipefail", "-c", mounts + RECIPES["p11-kit"]))
    assert "sedge: /usr/local/lib/libsss_pkcs11.so" in out or "sedge: libsss_pkcs11.so" in out or "sedge:" in out
    assert "Label: SSS_PKCS11" in out


def test_openssl_request(walk):
    assert "verify OK" in said(walk.recipe("OpenSSL: a certificate request"))


def test_openssl_cms(walk):
    walk.recipe("OpenSSL: sign and decrypt messages (CMS)")
    assert walk.read("message.2") == "hello\n"


def test_openssl_s_client(walk):
    server, where = tls_server(walk, "-www")
    out = said(walk.recipe("OpenSSL: TLS by hand", env={"SERVER": where}))
    assert "New, TLSv1.2" in out and "New, TLSv1.3" in out
    told = server.log.read_text()
    assert "CN = device" in told.replace("CN=", "CN = ") and "CN = archive" in told.replace("CN=", "CN = ")


def test_curl(walk):
    _, where = tls_server(walk, "-www")
    assert "CN = device" in said(walk.recipe("curl", env={"SERVER": where})).replace("CN=", "CN = ")


def test_mosquitto(walk):
    port = free_port()
    conf = walk.folder / "mosquitto.conf"
    conf.write_text(f"listener {port} 127.0.0.1\ncafile ca.crt\ncertfile ca.crt\nkeyfile ca.key\nrequire_certificate true\n"
                    "use_identity_as_username true\nlog_type all\n" + ("user root\n" if os.getuid() == 0 else ""))
    broker = walk.procs.start(peers.program("mosquitto"), "-c", conf, env=peers.env(), cwd=walk.folder)
    wait_for(lambda: b"running" in broker.log.read_bytes())
    walk.recipe("mosquitto_pub", env={"SERVER": f"localhost:{port}"})
    wait_for(lambda: "u'device'" in broker.log.read_text() and "Received PUBLISH" in broker.log.read_text())


class Sshd:
    """OpenSSH's server on loopback as somebody who is not root: a user of its own where the test is root, told of by nss_wrapper."""

    def __init__(self, walk, keys):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sshd."))
        self.uid = os.getuid() or 61234
        self.passwd = self.folder / "passwd"
        self.passwd.write_text(f"walker:x:{self.uid}:{self.uid}:walker:{self.folder}:/bin/sh\n"
                               f"{pwd.getpwuid(os.getuid()).pw_name if os.getuid() == 0 else 'walker2'}:x:{os.getuid()}:{os.getgid()}::{walk.folder}:/bin/sh\n")
        self.group = self.folder / "group"
        self.group.write_text(f"walker:x:{self.uid}:\n")
        walk.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "host")
        self.port = free_port()
        (self.folder / "keys").write_text(keys)
        (self.folder / "conf").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nAuthorizedKeysFile {self.folder}/keys\nStrictModes no\n"
            "UsePAM no\nPidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel VERBOSE\n")
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, self.uid, self.uid)
        env = {**peers.env(), **self.wrapper()}
        self.process = walk.procs.start(peers.program("sshd"), "-D", "-e", "-f", self.folder / "conf", env=env, user=self.uid, group=self.uid,
                                        extra_groups=[])
        wait_for(lambda: b"listening on" in self.process.log.read_bytes())

    def wrapper(self, preload=""):
        return {"LD_PRELOAD": ":".join(x for x in ("libnss_wrapper.so", preload) if x), "NSS_WRAPPER_PASSWD": str(self.passwd),
                "NSS_WRAPPER_GROUP": str(self.group)}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        shutil.rmtree(self.folder)


def test_openssh(walk):
    ssh = walk.folder / ".ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "config").write_text("StrictHostKeyChecking accept-new\n")
    ask = walk.folder / "ask"
    ask.write_text("#!/bin/sh\necho 1234\n")
    ask.chmod(0o755)
    with Sshd(walk, walk.run("ssh-keygen", "-D", MODULE).stdout.decode()) as sshd:
        env = {**sshd.wrapper(walk.env.get("LD_PRELOAD", "")), "SERVER": f"ssh://walker@localhost:{sshd.port}", "SSH_ASKPASS": str(ask),
               "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
        assert "logged in" in said(walk.recipe("OpenSSH", env=env))
        assert b"Accepted publickey for walker" in sshd.process.log.read_bytes()
    assert "ecdsa-sha2-nistp256 " in walk.read("device.keys") and "ssh-rsa " in walk.read("device.keys")


def test_nss(walk):
    out = said(walk.recipe("NSS: modutil and certutil"))
    assert "device" in out and "verify OK" in out


@pytest.mark.skipif(not LONG, reason="a Java machine: in check-long")
def test_java(walk):
    out = said(walk.recipe("Java: keytool and jarsigner"))
    assert "device, PrivateKeyEntry" in out and "jar verified" in out


# ---- that nothing is left out -----------------------------------------------------------------------------------------


def test_every_recipe_is_run():
    here = pathlib.Path(__file__).read_text()
    assert len(RECIPES) >= 17
    assert [name for name in RECIPES if f'recipe("{name}"' not in here and f'RECIPES["{name}"]' not in here] == []


def test_control_a_recipe_that_fails_is_seen(walk):
    broken = {"Keys": RECIPES["Keys"].replace("--pin 1234", "--pin")}
    assert walk.run("bash", "-euo", "pipefail", "-c", broken["Keys"], ok=False).returncode
