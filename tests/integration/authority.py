"""A customer's CA for tests: device certificates of every kind, good and bad, made with cryptography (not with our code)."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

SUBJECT = {"CN": NameOID.COMMON_NAME, "C": NameOID.COUNTRY_NAME, "O": NameOID.ORGANIZATION_NAME,
           "OU": NameOID.ORGANIZATIONAL_UNIT_NAME, "ST": NameOID.STATE_OR_PROVINCE_NAME, "SN": NameOID.SERIAL_NUMBER,
           "DNQ": NameOID.DN_QUALIFIER}


def name_of(**parts):
    return x509.Name([x509.NameAttribute(SUBJECT[k], v) for k, v in parts.items()])


def pem(thing):
    return thing.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                             serialization.NoEncryption()).decode()


class Authority:
    def __init__(self, name="Factory CA", days=(-1, 9), key=None):
        self.name, self.key = name_of(CN=name), key or ec.generate_private_key(ec.SECP256R1())
        self.cert = self.sign(self.name, self.key, ca=True, days=days)

    @property
    def pem(self):
        return pem(self.cert)

    def sign(self, name, key, ca=False, days=(-1, 9), digest=None, more=()):
        now = datetime.datetime.utcnow()
        b = x509.CertificateBuilder(self.name, name, key.public_key(), x509.random_serial_number(), now + datetime.timedelta(days[0]),
                                    now + datetime.timedelta(days[1]))
        b = b.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        for extension in more:
            b = b.add_extension(extension, critical=False)
        return b.sign(self.key, digest or hashes.SHA256())

    def register(self, iot, auto=True, active=True, **config):
        """By its registration code, as the real service wants it."""
        proof = self.sign(name_of(CN=iot.get_registration_code()["registrationCode"]), ec.generate_private_key(ec.SECP256R1()))
        self.id = iot.register_ca_certificate(caCertificate=self.pem, verificationCertificate=pem(proof), setAsActive=active,
                                              allowAutoRegistration=auto, **config)["certificateId"]
        return self.id

    def device(self, cloud, name="device", key=None, **how):
        """A certificate with its key in files, as a device has it; only the leaf."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = how.pop("subject", None) or name_of(CN=name)
        return Leaf(cloud, name, self.sign(subject, key, **how), key)


def weak_key():
    return rsa.generate_private_key(65537, 1024)


def Leaf(cloud, name, cert, key):
    from cloud import Device, arn
    id = cert.fingerprint(hashes.SHA256()).hex()
    d = Device(cloud, name, id, arn(f"cert/{id}"))
    d.cert.write_text(pem(cert))
    d.key.write_text(key_pem(key))
    return d
