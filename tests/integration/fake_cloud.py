"""A second opinion on docs/spec/edge-cloud.md: the cloud's side of it in Python, independent of sedge-cloud and of our MQTT codec.

One thread per connection, everything on loopback, ports chosen by the system. Faults are switched on by the tests:

    cloud.refuse_connect   close after CONNECT, as AWS does for a certificate without a policy
    cloud.deny_topics      answer SUBACK 0x80
    cloud.denied, .closes  topics whose SUBSCRIBE is answered with SUBACK 0x80, or with the end of the connection
    cloud.refused          topics whose PUBLISH ends the connection, as AWS does without iot:Publish
    cloud.mute_pubacks     take messages and do not acknowledge them
    cloud.drop_on_subscribe close at SUBSCRIBE
    cloud.tamper(name, f)  change the bytes of "document", "signature" or an artifact's on their way
    cloud.http_status      answer every device HTTPS request with this status
"""
import base64
import contextlib
import datetime
import hashlib
import http.server
import json
import socket
import ssl
import struct
import threading
import urllib.parse
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

THING = "SE050_Core"
ARN = f"arn:aws:iot:us-east-1:123456789012:thing/{THING}"
DAY = datetime.timedelta(days=1)


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                             serialization.NoEncryption())


class Authority:
    """A CA that issues what the tests need, also what nobody should have."""

    def __init__(self, name="fake cloud CA"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.cert = self._build(name, self.key.public_key(), ca=True)

    def _build(self, name, public, ca=False, eku=None, sans=(), start=-DAY, end=DAY):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject).public_key(public)
                   .issuer_name(subject if ca else self.cert.subject).serial_number(x509.random_serial_number())
                   .not_valid_before(now + start).not_valid_after(now + end)
                   .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
        if eku:
            builder = builder.add_extension(x509.ExtendedKeyUsage([eku]), critical=False)
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name, public, eku=ExtendedKeyUsageOID.CLIENT_AUTH, **more):
        return self._build(name, public, eku=eku, **more)

    def pem(self):
        return self.cert.public_bytes(serialization.Encoding.PEM)


def cert_pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def new_key(kind="rsa"):
    return rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())


# --- MQTT 3.1.1, by hand ---------------------------------------------------------------------------------------------

def mqtt_string(text):
    raw = text.encode()
    return struct.pack("!H", len(raw)) + raw


def mqtt_packet(first, body):
    out, n = bytes([first]), len(body)
    while True:
        n, digit = n >> 7, n & 0x7F
        out += bytes([digit | (0x80 if n else 0)])
        if not n:
            return out + body


def covers(topic_filter, topic):
    """MQTT 3.1.1 4.7, for filters and topics that are valid."""
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False
    levels, parts = topic_filter.split("/"), topic.split("/")
    if levels[-1] == "#":
        levels, parts = levels[:-1], parts[:len(levels) - 1]
    return len(levels) == len(parts) and all(want in ("+", part) for want, part in zip(levels, parts))


class MqttConnection(threading.Thread):
    def __init__(self, cloud, raw):
        super().__init__(daemon=True)
        self.cloud, self.raw = cloud, raw
        self.topics, self.next_id, self.lock = [], 1, threading.Lock()
        self.sock = self.client_id = None

    def read(self, n):
        out = b""
        while len(out) < n:
            got = self.sock.recv(n - len(out))
            if not got:
                raise ConnectionError("closed")
            out += got
        return out

    def read_packet(self):
        first, length, shift = self.read(1)[0], 0, 0
        while True:
            digit = self.read(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                return first, self.read(length)

    def send(self, first, body=b""):
        with self.lock:
            self.sock.sendall(mqtt_packet(first, body))

    def run(self):
        try:
            self.sock = self.cloud.server_context().wrap_socket(self.raw, server_side=True)
        except (OSError, ssl.SSLError) as error:
            self.cloud.note("tls-failed", str(error))
            self.raw.close()
            return
        self.cloud.note("tls", self.sock.version())
        try:
            while self.one():
                pass
        except (OSError, ConnectionError, ssl.SSLError):
            pass
        self.cloud.forget(self)
        self.sock.close()

    def one(self):
        first, body = self.read_packet()
        handler = {0x10: self.connect, 0x30: self.publish, 0x40: self.puback, 0x80: self.subscribe, 0xC0: self.ping,
                   0xE0: self.disconnect}.get(first & 0xF0)
        assert handler, f"packet type {first:#x} is not a client's"
        return handler(first, body)

    def connect(self, first, body):
        assert first == 0x10
        assert body[:8] == b"\x00\x04MQTT\x04\x02", body[:8]     # 3.1.1, clean session, no will, no login
        keep_alive, n = struct.unpack("!HH", body[8:12])
        client_id = self.client_id = body[12:12 + n].decode()
        assert len(body) == 12 + n
        self.cloud.note("connect", client_id, keep_alive)
        if self.cloud.refuse_connect:
            return False
        self.send(0x20, b"\x00" + bytes([self.cloud.connack]))
        if self.cloud.connack:
            return False
        self.cloud.admit(self)
        return True

    def subscribe(self, first, body):
        assert first == 0x82                                     # [MQTT-3.8.1-1]
        packet_id, n = struct.unpack("!HH", body[:4])
        topic, qos = body[4:4 + n].decode(), body[4 + n]
        assert len(body) == 5 + n, "one topic per SUBSCRIBE"
        self.cloud.note("subscribe", topic, qos)
        if self.cloud.drop_on_subscribe or topic in self.cloud.closes:
            return False
        denied = self.cloud.deny_topics or topic in self.cloud.denied
        code = 0x80 if denied else qos
        if not denied:
            self.topics.append(topic)
        self.send(0x90, struct.pack("!H", packet_id) + bytes([code]))
        return True

    def publish(self, first, body):
        qos, (n,) = first >> 1 & 3, struct.unpack("!H", body[:2])
        topic, rest = body[2:2 + n].decode(), body[2 + n:]
        if topic in self.cloud.refused:
            self.cloud.note("refused", topic)
            return False
        if qos:
            if not self.cloud.mute_pubacks:
                self.send(0x40, rest[:2])
            rest = rest[2:]
        if topic.startswith(f"$aws/things/{THING}-gda/"):
            self.cloud.note("publish", topic, qos)
            self.cloud.shadow_request(topic, rest)
        else:
            self.cloud.note("message", self.client_id, topic, rest, qos)
        return True

    def puback(self, first, body):
        return True

    def ping(self, first, body):
        self.cloud.note("ping")
        if not self.cloud.mute_pings:
            self.send(0xD0)
        return True

    def disconnect(self, first, body):
        self.cloud.note("disconnect")
        return False

    def deliver(self, topic, document):
        if topic in self.topics and self.client_id == THING:
            packet_id, self.next_id = self.next_id, self.next_id + 1
            self.send(0x32, mqtt_string(topic) + struct.pack("!H", packet_id) + json.dumps(document).encode())


    def bring(self, topic, payload):
        """A message, once however many of the client's filters match."""
        if any(covers(f, topic) for f in self.topics):
            self.send(0x30, mqtt_string(topic) + payload)


# --- the cloud ---------------------------------------------------------------------------------------------------------

class FakeCloud:
    def __init__(self, max_tls=None):
        self.ca = Authority()
        self.max_tls = max_tls
        self.client_cas = [self.ca]
        self.signer_key = ec.generate_private_key(ec.SECP256R1())
        self.signer_cert = self.ca.issue("deployments", self.signer_key.public_key(), eku=ExtendedKeyUsageOID.CODE_SIGNING)
        self._server_files = None
        self.refuse_connect = self.deny_topics = self.drop_on_subscribe = self.mute_pings = False
        self.mute_pubacks = False
        self.denied, self.closes, self.refused = set(), set(), set()
        self.connack, self.http_status = 0, 0
        self.events, self.connections = [], []
        self.shadow = {"desired": {}, "reported": {}}
        self.version = 0
        self.deployments, self.statuses, self.tampering = {}, [], {}
        self.changed = threading.Condition()
        self.mqtt_port = self.https_port = 0
        self._listeners = []

    # what happened, for the tests
    def note(self, *event):
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def wait(self, condition, timeout=15):
        with self.changed:
            assert self.changed.wait_for(condition, timeout), f"waited {timeout} s in vain; events: {self.events[-20:]}"

    def wait_for(self, *event, timeout=15):
        self.wait(lambda: any(e[:len(event)] == event for e in self.events), timeout)

    def count(self, *event):
        return sum(e[:len(event)] == event for e in self.events)

    # TLS
    def write_server_files(self, folder):
        key = ec.generate_private_key(ec.SECP256R1())
        import ipaddress
        cert = self.ca.issue("localhost", key.public_key(), eku=ExtendedKeyUsageOID.SERVER_AUTH,
                             sans=[x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        (folder / "server.pem").write_bytes(cert_pem(cert) + pem(key))
        (folder / "clients.pem").write_bytes(b"".join(ca.pem() for ca in self.client_cas))
        self._server_files = folder

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._server_files / "server.pem")
        context.load_verify_locations(self._server_files / "clients.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        if self.max_tls:
            context.maximum_version = self.max_tls
        return context

    # MQTT
    def start(self, folder, mqtt_port=0, https_port=0):
        self.write_server_files(folder)
        self.start_mqtt(mqtt_port)
        self.start_https(https_port)

    def start_mqtt(self, port=0):
        listener = socket.create_server(("127.0.0.1", port))
        self.mqtt_port = listener.getsockname()[1]
        self._mqtt = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            self.note("accept")
            MqttConnection(self, raw).start()

    def stop_mqtt(self):
        """The cloud goes away: listener and connections."""
        self._mqtt.shutdown(socket.SHUT_RDWR)
        self._mqtt.close()
        self.drop_connections()

    def drop_connections(self):
        for connection in list(self.connections):
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def admit(self, connection):
        with self.changed:
            self.connections.append(connection)

    def forget(self, connection):
        with self.changed:
            if connection in self.connections:
                self.connections.remove(connection)

    # messages
    def bring(self, topic, payload):
        for connection in list(self.connections):
            connection.bring(topic, payload)

    def messages(self, topic=None):
        """What came on the data connections, in order."""
        return [e[3] for e in list(self.events) if e[0] == "message" and topic in (None, e[2])]

    # the -gda shadow
    def tell(self, suffix, document):
        for connection in list(self.connections):
            try:
                connection.deliver(f"$aws/things/{THING}-gda/shadow/{suffix}", document)
            except OSError:
                pass

    def shadow_request(self, topic, payload):
        prefix = f"$aws/things/{THING}-gda/shadow/"
        assert topic.startswith(prefix), topic
        operation = topic[len(prefix):]
        body = json.loads(payload)
        if operation == "get":
            self.note("get")
            if self.shadow["desired"]:
                self.tell("get/accepted", {"state": self.shadow, "metadata": {}, "version": self.version, "timestamp": 1})
            else:
                self.tell("get/rejected", {"code": 404, "message": f"No shadow exists with name: '{THING}-gda'"})
        elif operation == "update":
            assert set(body["state"]) == {"reported"}, "EC-3: the core writes reported alone"
            for key, value in body["state"]["reported"].items():
                if value is None:
                    self.shadow["reported"].pop(key, None)
                else:
                    self.shadow["reported"][key] = value
            self.version += 1
            self.tell("update/accepted", {"state": body["state"], "version": self.version, "timestamp": 1,
                                          "clientToken": body.get("clientToken")})
            self.note("reported", dict(self.shadow["reported"]))
            self.tell_delta()
        else:
            raise AssertionError(f"{topic} is not the core's to publish")

    def tell_delta(self):
        delta = {k: v for k, v in self.shadow["desired"].items() if self.shadow["reported"].get(k) != v}
        if delta:
            self.tell("update/delta", {"state": delta, "version": self.version, "timestamp": 1, "metadata": {}})

    def reported(self, deployment, status, timeout=20):
        self.wait(lambda: any(e[0] == "reported" and e[1].get("deploymentId") == deployment and e[1].get("status") == status
                              for e in self.events), timeout)

    # deployments
    def deploy(self, group, thing_arn=ARN, announce=True, artifacts=None):
        deployment = {"deploymentId": str(uuid.uuid4()), "deploymentType": "NewDeployment", "groupId": str(uuid.uuid4()),
                      "groupVersionId": str(uuid.uuid4())}
        group_json = json.dumps(group).encode() if not isinstance(group, bytes) else group
        files = {"group.json": group_json, **(artifacts or {})}
        payload = json.dumps({"v": 1, **deployment, "coreThingArn": thing_arn, "createdAt": "2026-11-22T12:00:00Z",
                              "artifacts": [{"name": n, "size": len(b), "sha256": hashlib.sha256(b).hexdigest()}
                                            for n, b in files.items()]}).encode()
        signature = self.signer_key.sign(b"sedge-deployment-v1\n" + payload, ec.ECDSA(hashes.SHA256()))
        self.deployments[deployment["deploymentId"]] = (deployment, payload, signature, files)
        self.shadow["desired"] = {"v": 1, **deployment}
        self.version += 1
        if announce:
            self.tell_delta()
        return deployment["deploymentId"]

    def tamper(self, what, change):
        self.tampering[what] = change

    def altered(self, what, data):
        return self.tampering.get(what, lambda x: x)(data)

    def envelope(self, deployment_id):
        _, payload, signature, _ = self.deployments[deployment_id]
        return json.dumps({"v": 1, "payload": base64.b64encode(self.altered("document", payload)).decode(), "algorithm": "ES256",
                           "certificate": cert_pem(self.signer_cert).decode(),
                           "signature": base64.b64encode(self.altered("signature", signature)).decode()}).encode()

    # HTTPS
    def start_https(self, port=0):
        cloud = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                cloud.note("http", "GET", self.path)
                parts = self.path.split("/")
                if cloud.http_status:
                    return self.answer(cloud.http_status, b"{}")
                assert parts[:3] == ["", "greengrass", "groups"] and parts[4] == "deployments", self.path
                group, deployment = parts[3], parts[5]
                if deployment not in cloud.deployments or cloud.deployments[deployment][0]["groupId"] != group:
                    return self.answer(404, b"{}")
                if len(parts) == 6:
                    return self.answer(200, cloud.envelope(deployment))
                assert parts[6] == "artifacts" and len(parts) == 8, self.path
                return self.answer(200, cloud.altered(parts[7], cloud.deployments[deployment][3][parts[7]]))

            def do_PUT(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                cloud.note("http", "PUT", self.path)
                if cloud.http_status:
                    return self.answer(cloud.http_status, b"{}")
                arn = urllib.parse.quote(ARN, safe="")
                deployment = self.path.split("/")[5]
                assert self.path.endswith(f"/deployments/{deployment}/cores/{arn}/status"), self.path
                assert body["v"] == 1 and body["status"] in ("InProgress", "Success", "Failure")
                assert ("errorMessage" in body) == (body["status"] == "Failure")
                cloud.statuses.append((deployment, body["status"], body.get("errorMessage")))
                cloud.note("status", deployment, body["status"])
                return self.answer(200, b"{}")

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def get_request(self):
                raw, address = super().get_request()
                cloud.note("https-connection")
                return cloud.server_context().wrap_socket(raw, server_side=True, do_handshake_on_connect=False), address

            def handle_error(self, request, address):
                cloud.note("https-error", str(address))

        self._https = Server(("127.0.0.1", port), Handler)
        self._https.daemon_threads = True
        self.https_port = self._https.server_address[1]
        threading.Thread(target=self._https.serve_forever, args=(0.05,), daemon=True).start()

    def stop_https(self):
        self._https.shutdown()
        self._https.server_close()

    def stop(self):
        try:
            self.stop_mqtt()
        except OSError:
            pass
        self.stop_https()


@contextlib.contextmanager
def started(folder):
    """A FakeCloud with its files in this folder, until the end of the block."""
    folder.mkdir()
    cloud = FakeCloud()
    cloud.start(folder)
    try:
        yield cloud
    finally:
        cloud.stop()
