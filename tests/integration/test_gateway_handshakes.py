"""Handshakes with the device ports by foreign clients: the keys and suites they have, and what is none. Python's ssl, OpenSSL, mosquitto's."""

import json
import socket
import ssl
import subprocess

import pytest
from cloud import OPEN_POLICY, Cloud, Device
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from test_cloud_api import OwnCa, pem
from tls_clients import client_context


@pytest.fixture
def cloud(procs, tmp_path):
    return Cloud(procs, tmp_path)


# --- kinds of client certificates ---------------------------------------------------------------------------------------

KEYS = {"P-256": lambda: ec.generate_private_key(ec.SECP256R1()), "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "RSA-2048": lambda: rsa.generate_private_key(65537, 2048), "RSA-1024": lambda: rsa.generate_private_key(65537, 1024)}


@pytest.mark.parametrize("chain", [False, True])
def test_kinds_of_client_keys(cloud, chain):
    """By mosquitto_pub, with the leaf alone and with its issuer behind it; a key that is too short never finishes a handshake."""
    iot, ca = cloud.client("iot"), OwnCa("Plant")
    iot.create_policy(policyName="open", policyDocument=json.dumps(OPEN_POLICY))
    for kind, make in KEYS.items():
        key = make()
        cert = pem(ca.issue(kind, key.public_key()))
        d = Device(cloud, kind, kind, None)
        d.cert, d.key = (cloud.folder / f"{kind}.{x}.pem" for x in ("cert", "key"))
        d.cert.write_text(cert + (pem(ca.cert) if chain else ""))
        d.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        if kind != "RSA-1024":
            iot.attach_policy(policyName="open", target=iot.register_certificate_without_ca(certificatePem=cert, status="ACTIVE")["certificateArn"])
        p = d.publish("a", "x")
        assert (p.returncode == 0) == (kind != "RSA-1024"), (kind, p.stderr, cloud.log())


SUITES = [["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"],
          ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA"],
          ["-tls1_2", "-groups", "P-384:P-256"], ["-tls1_3", "-groups", "X25519"], ["-tls1_3", "-groups", "P-521"],
          ["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"]]


def test_suites_and_groups(cloud):
    """The server's own library context has what each of them needs."""
    d = cloud.device()
    for what in SUITES:
        p = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{cloud.mqtt}", *what, "-cert", d.cert, "-key", d.key, "-CAfile", cloud.ca],
                           input="Q\n", capture_output=True, text=True, timeout=20)
        assert p.returncode == 0 and "Verify return code: 0" in p.stdout, p.stdout + p.stderr


# --- hostile handshakes -------------------------------------------------------------------------------------------------

def refused(cloud, sent):
    """The server closes, with an alert or without one."""
    with socket.create_connection(("localhost", cloud.mqtt), 10) as s:
        s.sendall(sent)
        s.shutdown(socket.SHUT_WR)
        try:
            while s.recv(4096):
                pass
        except ConnectionResetError:
            pass


def test_garbage_instead_of_a_hello(cloud):
    d = cloud.device()
    for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\xff" * 64, b"\x16\x03\x01\0\4\1\xff\xff\xff", bytes(range(256)), b""):
        refused(cloud, sent)
    assert d.publish("a", "x").returncode == 0


def test_a_hello_cut_anywhere(cloud):
    d = cloud.device()
    inc, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    o = client_context(d).wrap_bio(inc, out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        o.do_handshake()
    hello = out.read()
    for n in range(1, len(hello), 13):
        refused(cloud, hello[:n])
    assert d.publish("a", "x").returncode == 0


def test_renegotiation_is_refused(cloud):
    d = cloud.device()
    p = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{cloud.mqtt}", "-tls1_2", "-cert", d.cert, "-key", d.key, "-CAfile", cloud.ca],
                       input="R\n", capture_output=True, text=True, timeout=20)
    assert "no renegotiation" in p.stderr, p.stderr
    assert d.publish("a", "x").returncode == 0


def test_a_chain_without_end(cloud):
    """Hundreds of kilobytes of certificates behind the leaf: refused before they are kept."""
    d = cloud.device()
    ca = OwnCa("Chain")
    d.cert.write_text(d.cert.read_text() + pem(ca.cert) * 600)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with socket.create_connection(("localhost", cloud.mqtt), 10) as raw, client_context(d).wrap_socket(raw, server_hostname="localhost") as s:
            s.recv(1)
    assert cloud.device("other").publish("a", "x").returncode == 0


def test_a_handshake_that_never_ends_keeps_nobody_out(cloud):
    """Peers that send a byte now and then; whoever comes after them is served."""
    d = cloud.device()
    slow = [socket.create_connection(("localhost", cloud.mqtt), 10) for _ in range(1100)]
    for s in slow:
        s.sendall(b"\x16")
    assert d.publish("a", "x").returncode == 0
    for s in slow:
        s.close()
