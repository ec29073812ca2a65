"""A device with everything in order: chip with keys of its own, PIN, key, certificate, cloud. Tests break one thing."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

import chip_client as cc
from conftest import BIN, BUILD, LIB

KEYS = "ENC 101112131415161718191a1b1c1d1e1f\nMAC 202122232425262728292a2b2c2d2e2f\nDEK 303132333435363738393a3b3c3d3e3f\n"
PIN = "246813"


def openssl(cwd, *args):
    subprocess.run(["openssl", *map(str, args)], cwd=cwd, check=True, capture_output=True)


def certificate(folder, name, ca="ca", days=30, start=None, key=None):
    """NAME.key and NAME.pem for localhost, signed by CA."""
    if key is None:
        openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
        key = f"{name}.key"
    (folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(folder, "req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", "csr")
    if start:  # openssl ca is the only one that takes dates
        (folder / "index").write_text("")
        (folder / "ca.cnf").write_text("[ca]\ndefault_ca=c\n[c]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\npolicy=p\ndefault_md=sha256\n"
                                       "[p]\ncommonName=supplied\n")
        openssl(folder, "ca", "-batch", "-config", "ca.cnf", "-cert", f"{ca}.pem", "-keyfile", f"{ca}.key", "-in", "csr", "-out",
                f"{name}.pem", "-startdate", start[0], "-enddate", start[1], "-notext")
    else:
        openssl(folder, "x509", "-req", "-in", "csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", days,
                "-extfile", "ext", "-out", f"{name}.pem")


def authority(folder, name):
    openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    openssl(folder, "req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", "30", "-out", f"{name}.pem",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign")


class Endpoint:
    """A TLS server that asks for a certificate of its CA and then keeps the line open."""

    def __init__(self, folder, ca="ca"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        context.load_verify_locations(folder / f"{ca}.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.peers = []
        self.thread = threading.Thread(target=self.serve, args=(context,), daemon=True)
        self.thread.start()

    def serve(self, context):
        while True:
            try:
                raw, _ = self.sock.accept()
            except OSError:
                return
            raw.settimeout(15)
            try:
                with context.wrap_socket(raw, server_side=True) as line:
                    self.peers.append(line.getpeercert())
                    line.recv(1)
            except OSError:  # of the handshake, or the doctor hung up
                pass

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join(20)


class World:
    def __init__(self, procs, tmp_path):
        self.folder = tmp_path
        # key files are never taken from /tmp
        self.closed = tempfile.mkdtemp(prefix="doctor-", dir=BUILD)
        self.keys = f"{self.closed}/scp03.txt"
        with open(os.open(self.keys, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(KEYS)
        self.part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--scp-keys", self.keys)
        self.endpoint = None
        self.conf = tmp_path / "se.conf"
        self.root = tmp_path / "gg"
        (self.root / "config").mkdir(parents=True)

    def make(self, pin=True):
        """From nothing: certificates, chip, PIN, key."""
        authority(self.folder, "ca")
        certificate(self.folder, "server")
        openssl(self.folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "device.key")
        certificate(self.folder, "device", key="device.key")
        self.object = "device" if pin else "sss:20181001"
        self.part.start()
        self.write_conf()
        self.provision(pin)
        return self

    def copy(self, made):
        """The same as a device made before: its files, and the memory of its chip."""
        for path in made.folder.iterdir():
            if path.suffix in (".pem", ".key"):
                shutil.copy(path, self.folder)
        shutil.copy(made.part.state, self.part.state)
        self.object = made.object
        self.part.start()
        self.write_conf()
        return self

    def serve(self):
        self.endpoint = Endpoint(self.folder)
        self.write_config()
        return self

    def provision(self, pin):
        self.ssscli("connect", "se050", "t1oi2c", "none", "--auth_type", "PlatformSCP")
        if pin:
            self.pkcs11("--init-token", "--label", "SSS_PKCS11", "--so-pin", "87654321")
            self.pkcs11("--init-pin", "--login", "--login-type", "so", "--so-pin", "87654321", "--new-pin", PIN)
            self.pkcs11("--login", "--pin", PIN, "--write-object", self.folder / "device.key", "--type", "privkey", "--label", "device",
                        "--id", "01", "--usage-sign")
            return
        self.ssscli("set", "ecc", "pair", "0x20181001", self.folder / "device.key")

    def write_conf(self, **other):
        values = {"port": f"vse:{self.part.socket}", "scp03": self.keys, "pin": PIN, **other}
        self.conf.write_text("".join(f"{k} = {v}\n" for k, v in values.items() if v))
        self.conf.chmod(0o600)

    def write_config(self, **other):
        v = {"port": self.endpoint.port, "ca": self.folder / "ca.pem", "cert": self.folder / "device.pem", "object": self.object,
              "pin": PIN, "label": "SSS_PKCS11", "module": LIB / "libsss_pkcs11.so", **other}
        (self.root / "config/config.json").write_text(json.dumps({
            "coreThing": {"thingArn": "arn:aws:iot:us-east-1:123456789012:thing/x", "iotHost": "localhost", "iotMqttPort": v["port"]},
            "crypto": {
                "caPath": f"file://{v['ca']}",
                "principals": {"IoTCertificate": {"privateKeyPath": f"pkcs11:object={v['object']};type=private",
                                                  "certificatePath": f"file://{v['cert']}"}},
                "PKCS11": {"P11Provider": str(v["module"]), "slotLabel": v["label"], "slotUserPin": v["pin"]}}}))

    @property
    def env(self):
        return {**{k: v for k, v in os.environ.items() if not k.startswith("XDG_")}, "HOME": str(self.folder), "SEDGE_CONF": str(self.conf)}

    def ssscli(self, *args):
        subprocess.run([str(BIN / "ssscli"), *map(str, args)], env=self.env, check=True, capture_output=True, timeout=60)

    def pkcs11(self, *args, check=True):
        return subprocess.run(["pkcs11-tool", "--module", str(LIB / "libsss_pkcs11.so"), *map(str, args)], env=self.env, check=check,
                              capture_output=True, text=True, timeout=60)

    def doctor(self, *args, env=None, wrap=(), **kw):
        """(exit status, {check: (status, text, remedy)})"""
        p = subprocess.run([*wrap, str(BIN / "sedgectl"), "doctor", "--root", str(self.root), "--json", *map(str, args)],
                           env={**self.env, **(env or {})}, capture_output=True, text=True, timeout=120, **kw)
        assert p.stderr == "", p.stderr
        found = json.loads(p.stdout)
        return p.returncode, {c["check"]: (c["status"], c["text"], c["remedy"]) for c in found["checks"]}

    def close(self):
        if self.endpoint:
            self.endpoint.close()
        shutil.rmtree(self.closed)
