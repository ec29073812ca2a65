"""MQTT over mutual TLS, many connections of one certificate: mqtt_wire's client on a TLS socket."""

import ssl

from mqtt_wire import Client


class TlsClient(Client):
    def __init__(self, device, v=4, timeout=20, context=None):
        super().__init__(device.cloud.mqtt, v, timeout)
        self.s = (context or client_context(device)).wrap_socket(self.s, server_hostname="localhost")


def client_context(device):
    c = ssl.create_default_context(cafile=device.cloud.ca)
    c.load_cert_chain(device.cert, device.key)
    return c


def connected(device, name, v=4, context=None, **kw):
    c = TlsClient(device, v, context=context)
    c.connack = c.connect(name, **kw)
    assert c.connack.code == 0, c.connack
    return c
