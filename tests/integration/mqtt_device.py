"""tests/integration/mqtt_wire.py over TLS, with a device's certificate."""

import json
import socket
import ssl

import mqtt_wire


class DeviceClient(mqtt_wire.Client):
    """A connection of `device` (anything with .cert, .key and .cloud) that has been accepted as `client_id`."""

    def __init__(self, device, client_id=None, v=4, timeout=20, sni="localhost", **kw):
        self.v, self.buffer, self.last_pid, self.messages = v, b"", 0, []
        ctx = ssl.create_default_context(cafile=str(device.cloud.ca))
        ctx.load_cert_chain(device.cert, device.key)
        plain = socket.create_connection(("127.0.0.1", device.cloud.mqtt), timeout)
        self.s = ctx.wrap_socket(plain, server_hostname=sni)
        self.s.settimeout(timeout)
        self.connect(client_id or device.name, **kw)

    def topic_and_json(self):
        p = self.receive()
        return p.topic, json.loads(p.payload)
