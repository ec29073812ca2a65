"""src/http, src/tls and src/net against foreign programs: curl, openssl s_client, Python's http.client and server, bytes
written by hand. The program under test is tests/integration/programs/test_httpd; its head comment lists its paths.
"""

import datetime
import http.client
import http.server
import ipaddress
import pathlib
import socket
import ssl
import subprocess
import threading
import time

import pytest
from conftest import MESON
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PROGRAM = MESON / "tests/integration/programs/test_httpd"


def make_cert(folder, name, issuer=None, ca=False, rsa_key=False, days=1):
    """Certificate and key as files NAME.pem and NAME.key; (certificate, key) as objects."""
    key = rsa.generate_private_key(65537, 2048) if rsa_key else ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer[0].subject if issuer else subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=2)).not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca, None), True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"),
                                                        x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .sign(issuer[1] if issuer else key, hashes.SHA256()))
    (folder / f"{name}.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    path = folder / f"{name}.key"
    path.touch(0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))
    return cert, key


class Server:
    def __init__(self, folder):
        self.folder = folder
        ca = make_cert(folder, "ca", ca=True)
        make_cert(folder, "server", ca)
        make_cert(folder, "device", rsa_key=True)
        self.ca = folder / "ca.pem"
        self.p = subprocess.Popen([PROGRAM, folder / "server.pem", folder / "server.key"], stdout=subprocess.PIPE, text=True)
        self.plain = int(self.p.stdout.readline().split()[1])
        self.tls = int(self.p.stdout.readline().split()[1])

    def stop(self):
        self.p.terminate()
        assert self.p.wait(5) == 0
        self.p.stdout.close()

    def raw(self, data, half_close=False, timeout=5):
        """Everything the server answers to these bytes until it closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.plain), timeout) as s:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            return read_all(s)

    def curl(self, *args, port="tls"):
        url = f"https://localhost:{self.tls}" if port == "tls" else f"http://localhost:{self.plain}"
        argv = ["/usr/bin/curl", "-sS", "--max-time", "20", "--cacert", self.ca]
        argv += [a.replace("@@", url) if isinstance(a, str) else a for a in args]
        return subprocess.run(argv, capture_output=True, text=True, timeout=30)

    @property
    def identity(self):
        return ["--cert", self.folder / "device.pem", "--key", self.folder / "device.key"]


def read_all(s):
    data = b""
    try:
        while chunk := s.recv(65536):
            data += chunk
    except (TimeoutError, ConnectionResetError):
        pass
    return data


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("httpd"))
    yield s
    s.stop()


# ---- HTTP ----

def test_http_client_of_python_keeps_its_connection(server):
    c = http.client.HTTPConnection("127.0.0.1", server.plain, timeout=5)
    for i in range(3):
        c.request("PUT", f"/echo/a%2Fb%20{i}?q=%24x", body=b"body")
        r = c.getresponse()
        assert (r.status, r.read()) == (200, f"PUT a/b {i} $x body".encode())
        assert r.getheader("Date").endswith(" GMT")
    sock = c.sock
    c.request("HEAD", "/echo/x")
    r = c.getresponse()
    assert (r.status, r.read(), r.getheader("Content-Length")) == (200, b"", "9")
    c.request("GET", "/slow")
    assert c.getresponse().read() == b'{"slow":true}'
    assert c.sock is sock


def test_chunked_upload_of_python(server):
    c = http.client.HTTPConnection("127.0.0.1", server.plain, timeout=5)
    c.request("POST", "/echo/x", body=iter([b"ab", b"", b"c" * 70000]), encode_chunked=True,
              headers={"Transfer-Encoding": "chunked"})
    assert c.getresponse().read() == b"POST x - ab" + b"c" * 70000


def test_curl_with_expect_continue_and_a_large_body(server, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(b"x" * (1 << 20))  # the limit
    r = server.curl("-v", "-X", "PUT", "--data-binary", f"@{body}", "-H", "Expect: 100-continue", "-o", "/dev/null",
                    "-w", "%{http_code}", "@@/echo/x", port="plain")
    assert r.stdout == "200" and "HTTP/1.1 100 Continue" in r.stderr
    body.write_bytes(b"x" * ((1 << 20) + 1))  # one past it: refused before the body is sent
    r = server.curl("-v", "-X", "PUT", "--data-binary", f"@{body}", "-H", "Expect: 100-continue", "-o", "/dev/null",
                    "-w", "%{http_code} %{size_upload}", "@@/echo/x", port="plain")
    assert r.stdout == "413 0" and "100 Continue" not in r.stderr
    # without asking first: the answer still arrives, though the server does not read the body
    r = server.curl("-X", "PUT", "--data-binary", f"@{body}", "-H", "Expect:", "-w", "%{http_code}", "@@/echo/x", port="plain")
    assert r.stdout.endswith("413")


def test_curl_reads_four_megabytes_slowly(server):
    r = server.curl("--limit-rate", "6M", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", "@@/big", port="plain")
    assert r.stdout == f"200 {4 << 20}"


REFUSED = [
    (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
    (b"GET /\r\n\r\n", 400),
    (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    (b"PUT /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
    (b"PUT /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"PUT /echo/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    (b"PUT /echo/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
    (b"GET /" + b"a" * 17000, 414),
    (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 17000, 431),
    (b"PUT /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n", 413),
    (b"PUT /echo/x HTTP/1.1\r\nHost: x\r\nExpect: x\r\n\r\n", 417),
]


@pytest.mark.parametrize("data,status", REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_malformed_requests_are_refused_and_closed(server, data, status):
    start = time.monotonic()
    # a second request behind the bad one must not be looked at
    answer = server.raw(data + b"GET /echo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n", half_close=True)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert b"Connection: close" in answer and b'{"message":' in answer
    assert b"smuggled" not in answer
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("data,answer", [
    (b"", b""),  # idle
    (b"GET /echo/x HT", b"HTTP/1.1 408 "),
    (b"PUT /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na", b"HTTP/1.1 408 "),
    (b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 504 "),
], ids=["idle", "head", "body", "reply"])
def test_slow_peers_run_into_a_deadline(server, data, answer):
    assert server.raw(data).startswith(answer)


def test_pipelined_requests(server):
    data = b"".join(b"GET /echo/%d HTTP/1.1\r\nHost: x\r\n\r\n" % i for i in range(20))
    data += b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = server.raw(data)
    order = [answer.index(b"GET %d - " % i) for i in range(20)] + [answer.index(b"slow"), answer.index(b"GET last - ")]
    assert order == sorted(order)


def test_a_client_that_leaves_before_the_answer(server):
    with socket.create_connection(("127.0.0.1", server.plain)) as s:
        s.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.4)
    assert server.raw(b"GET /echo/alive HTTP/1.0\r\n\r\n").endswith(b"GET alive - ")


# ---- TLS ----

@pytest.mark.parametrize("version,args", [("TLSv1.2", ["--tls-max", "1.2"]), ("TLSv1.3", ["--tlsv1.3"])])
def test_curl_with_any_client_certificate(server, version, args):
    r = server.curl(*args, "--no-alpn", *server.identity, "@@/peer")
    assert r.stdout == f"version={version} sni=localhost alpn= subject=CN=device", r.stderr


def test_alpn_without_a_certificate(server):
    r = server.curl("@@/peer")  # curl offers http/1.1 (and h2, which is not chosen)
    assert "alpn=http/1.1 subject=" in r.stdout and r.stdout.endswith("subject="), r.stderr


def test_no_certificate_is_refused_with_the_right_alert(server):
    r = server.curl("--no-alpn", "@@/peer")
    assert r.returncode != 0 and "certificate required" in r.stderr
    r = server.curl("--no-alpn", "--tls-max", "1.2", "@@/peer")
    assert r.returncode != 0 and "alert" in r.stderr


def s_client(server, *args, stdin=b""):
    argv = ["/usr/bin/openssl", "s_client", "-connect", f"localhost:{server.tls}", "-CAfile", server.ca, *args]
    return subprocess.run(argv, input=stdin, capture_output=True, timeout=20)


def test_no_session_is_ever_resumed(server, tmp_path):
    """iot-core 1.3: no tickets, and no resumption that would skip the certificate check."""
    ident = ["-cert", server.folder / "device.pem", "-key", server.folder / "device.key"]
    r = s_client(server, "-tls1_2", "-reconnect", *ident)
    assert r.stdout.count(b"New, TLSv1.2") >= 5 and b"Reused" not in r.stdout
    r = s_client(server, "-tls1_3", *ident, "-sess_out", tmp_path / "session",
                 stdin=b"GET /peer HTTP/1.0\r\n\r\n")
    assert b"NewSessionTicket" not in r.stdout and b"TLS session ticket" not in r.stdout


@pytest.mark.parametrize("args,ok", [
    (["-tls1_1"], False),
    (["-tls1_2", "-cipher", "AES128-GCM-SHA256"], False),  # RSA key exchange
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], True),
    (["-tls1_3"], True),
])
def test_versions_and_suites(server, args, ok):
    r = s_client(server, *args, "-alpn", "http/1.1", "-verify_return_error")
    assert (r.returncode == 0) == ok, r.stderr


def test_renegotiation_is_refused(server):
    """In TLS 1.2 'R' on a line makes s_client ask for it."""
    r = s_client(server, "-tls1_2", "-alpn", "http/1.1", stdin=b"R\n")
    assert b"RENEGOTIATING" in r.stdout + r.stderr
    assert b"no renegotiation" in r.stdout + r.stderr


def test_a_silent_tls_client_is_cut(server):
    with socket.create_connection(("127.0.0.1", server.tls), 5) as s:
        start = time.monotonic()
        read_all(s)
        assert 0.8 < time.monotonic() - start < 4


def test_plain_http_on_the_tls_port_and_rubbish_hurt_nobody(server):
    for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 100, b"\0" * 5000):
        with socket.create_connection(("127.0.0.1", server.tls), 5) as s:
            s.sendall(data)
            read_all(s)
    assert server.curl("--no-alpn", *server.identity, "@@/echo/x").stdout == "GET x - "


# ---- the client, against a foreign server ----

class ForeignHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        body = {"/chunked": b"x" * 100000, "/ok": b"fine"}.get(self.path)
        if self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(0, len(body), 7777):
                part = body[i:i + 7777]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
            return
        if self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"only this")
            self.close_connection = True
            return
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/ok")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")


@pytest.fixture(scope="module")
def foreign(server):
    """Python's server over TLS, which asks for the client's certificate and trusts only that one. TLS 1.2: in 1.3 the
    client has sent its request before it is refused, and Python's close destroys the alert by a reset."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    ctx.load_cert_chain(server.folder / "server.pem", server.folder / "server.key")
    ctx.load_verify_locations(server.folder / "device.pem")
    ctx.verify_mode = ssl.CERT_REQUIRED
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ForeignHandler)
    httpd.handle_error = lambda *args: None
    httpd.socket = ctx.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield httpd.server_address[1]
    httpd.shutdown()
    httpd.server_close()


def fetch(server, url, name="device", ca=None):
    return subprocess.run([PROGRAM, server.folder / f"{name}.pem", server.folder / f"{name}.key", "fetch", url,
                           ca or server.ca], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("path,code,text", [
    ("/ok", 0, "200 fine\n"),
    ("/chunked", 0, "200 " + "x" * 100000 + "\n"),
    ("/nothing", 0, "404 \n"),
    ("/moved", 0, "302 \n"),  # redirects are the caller's business
    ("/short", 1, "/short: "),
])
def test_our_client_with_a_foreign_server(server, foreign, path, code, text):
    r = fetch(server, f"https://localhost:{foreign}{path}")
    assert r.returncode == code and text in r.stdout + r.stderr, r


def test_our_client_says_why_tls_failed(server, foreign):
    make_cert(server.folder, "unknown")
    r = fetch(server, f"https://localhost:{foreign}/ok", name="unknown")
    assert r.returncode == 1 and "alert unknown ca" in r.stderr
    r = fetch(server, f"https://localhost:{foreign}/ok", ca=server.folder / "device.pem")
    assert r.returncode == 1 and "unable to get local issuer certificate" in r.stderr
    old = make_cert(server.folder, "old", days=-1)
    r = fetch(server, f"https://localhost:{foreign}/ok", name="old")
    assert old and r.returncode == 1 and "alert" in r.stderr


def test_key_and_certificate_files_are_checked(server, foreign):
    key = server.folder / "open.key"
    key.write_bytes((server.folder / "device.key").read_bytes())
    key.chmod(0o644)
    (server.folder / "open.pem").write_bytes((server.folder / "device.pem").read_bytes())
    r = fetch(server, f"https://localhost:{foreign}/ok", name="open")
    assert r.returncode == 1 and "open.key" in r.stderr
    pathlib.Path(server.folder / "mixed.pem").write_bytes((server.folder / "device.pem").read_bytes())
    mixed = server.folder / "mixed.key"
    mixed.touch(0o600)
    mixed.write_bytes((server.folder / "server.key").read_bytes())
    r = fetch(server, f"https://localhost:{foreign}/ok", name="mixed")
    assert r.returncode == 1 and "does not belong" in r.stderr
