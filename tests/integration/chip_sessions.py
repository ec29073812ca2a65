"""The host's side of secure channels and sessions, written apart from the C code: SCP03 (GlobalPlatform amendment D),
sessions by UserID, AES key and EC key (reference 4.2 to 4.5).

Each is a Chip whose commands go through the layer below: `Platform(chip)`, `UserIdSession(platform, 7, b"1234")`.
Nothing is checked silently: a wrong cryptogram or R-MAC of the part is an AssertionError.
"""

import os

from cryptography.hazmat.primitives import cmac, hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import chip_commands as cmd
from chip_client import AID, SW, Chip, tlv, u16

#: the published default sets (NXP AN12436, reference 4.1)
DEVKIT = dict(enc=bytes.fromhex("35C256458958A34F6136155F8209D6CD"), mac=bytes.fromhex("AF177D5DBDF7C0D5C10A05B9F1607F78"),
              dek=bytes.fromhex("A1BC8438BF77935B361A4425FE79FA29"))
SE050E = dict(enc=bytes.fromhex("D2DB63E7A0A5AED72A6460C4DFDCAF64"), mac=bytes.fromhex("738D5B798ED241B0B24768514BFBA95B"))


def aes_cmac(key, data):
    c = cmac.CMAC(algorithms.AES(key))
    c.update(data)
    return c.finalize()


def aes_ecb(key, block):
    e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return e.update(block) + e.finalize()


def aes_cbc(key, iv, data, encrypt):
    c = Cipher(algorithms.AES(key), modes.CBC(iv))
    c = c.encryptor() if encrypt else c.decryptor()
    return c.update(data) + c.finalize()


def derive(key, constant, bits, context):
    """NIST SP 800-108 counter mode with CMAC, one block: label, 00, L, 01, context."""
    return aes_cmac(key, bytes(11) + bytes([constant]) + b"\0" + u16(bits) + b"\1" + context)[:bits // 8]


def split(command):
    """A plain APDU: header, data, whether an Le follows."""
    head, rest = command[:4], command[4:]
    if len(rest) in (0, 1) or rest == b"\0\0\0":
        return head, b"", bool(rest)
    at, n = (1, rest[0]) if rest[0] else (3, int.from_bytes(rest[1:3], "big"))
    assert len(rest) >= at + n
    return head, rest[at:at + n], len(rest) > at + n


class Scp03:
    """Keys and counters of one open channel."""

    def __init__(self, counts_empty):
        self.counts_empty = counts_empty  # platform channels of applets below 4.3 do not
        self.counter = 1
        self.chain = bytes(16)

    def from_challenges(self, enc, mac, host, card):
        context = host + card
        self.enc, self.mac, self.rmac = derive(enc, 4, 128, context), derive(mac, 6, 128, context), derive(mac, 7, 128, context)
        return derive(self.mac, 0, 64, context), derive(self.mac, 1, 64, context)  # the card's cryptogram, the host's

    def from_master(self, master):
        self.enc, self.mac, self.rmac, self.chain = (derive(master, c, 128, b"") for c in (4, 6, 7, 8))

    def maced(self, header, data, le=b""):
        header = bytes([header[0] | 4]) + header[1:]
        n = len(data) + 8
        lc = bytes([n]) if n < 256 else b"\0" + u16(n)
        self.chain = aes_cmac(self.mac, self.chain + header + lc + data)
        return header + lc + data + self.chain[:8] + le

    def iv(self, answer=False):
        n = self.counter
        return aes_ecb(self.enc, bytes([0x80 if answer else 0]) + n.to_bytes(15, "big"))

    def wrap(self, header, data, le=b""):
        self.empty = not data
        if data:
            padded = data + b"\x80" + bytes(-(len(data) + 1) % 16)
            data = aes_cbc(self.enc, self.iv(), padded, True)
        return self.maced(header, data, le)

    def unwrap(self, data, sw):
        counted = self.counts_empty or not self.empty
        if sw == 0x9000:
            assert len(data) >= 8, f"no R-MAC: {data.hex()}"
            data, mac = data[:-8], data[-8:]
            assert aes_cmac(self.rmac, self.chain + data + b"\x90\0")[:8] == mac, "wrong R-MAC"
            if data:
                # an uncounted command's answer uses the counter of the one before
                if not counted:
                    self.counter -= 1
                data = aes_cbc(self.enc, self.iv(answer=True), data, False).rstrip(b"\0")
                assert data[-1:] == b"\x80", "wrong padding"
                data = data[:-1]
                if not counted:
                    self.counter += 1
        else:
            assert not data, "data with a status word that is no success"
        self.counter += counted
        return data, sw


class Layer(Chip):
    """A Chip whose commands travel through another one."""

    def __init__(self, below):
        self.below = below

    def close(self):
        pass


def handshake(send, keys, counts_empty, version):
    """INITIALIZE UPDATE, EXTERNAL AUTHENTICATE through `send`(header, data) -> (data, sw); the open channel."""
    host = os.urandom(8)
    answer, sw = send(bytes([0x80, 0x50, version, 0]), host)
    if sw != 0x9000:
        raise SW(sw)
    assert len(answer) in (29, 32) and answer[11] == 3, answer.hex()
    scp = Scp03(counts_empty)
    card, mine = scp.from_challenges(keys["enc"], keys["mac"], host, answer[13:21])
    assert answer[21:29] == card, "wrong card cryptogram: other keys?"
    whole = scp.maced(b"\x84\x82\x33\x00", mine)
    _, sw = send(whole[:4], whole[5:])
    if sw != 0x9000:
        raise SW(sw)
    return scp


class Platform(Layer):
    """Platform SCP03 on a chip that was selected."""

    def __init__(self, chip, keys=DEVKIT, version=0x0B):
        super().__init__(chip)
        counts = chip.version[:2] >= b"\4\3"
        self.scp = handshake(lambda h, d: chip.raw(h + bytes([len(d)]) + d), keys, counts, version)
        self.version = chip.version

    def raw(self, command):
        header, data, le = split(command)
        return self.scp.unwrap(*self.below.raw(self.scp.wrap(header, data, b"\0\0" if len(data) > 200 and le else b"")))


class Session(Layer):
    """What sessions share: a session id, commands inside ProcessSessionCmd."""

    def __init__(self, below, auth_id):
        super().__init__(below)
        self.id = below.run(cmd.create_session(auth_id))[0x41]
        assert len(self.id) == 8

    def process(self, inner):
        return self.below.raw(bytes(cmd.process_session(self.id, inner)))

    def send(self, header, data):
        return self.process(header + (bytes([len(data)]) + data if data else b""))

    def inner(self, command):
        """The inner form of an APDU: no Le, no Lc without data."""
        header, data, _ = split(command)
        if not data:
            return header
        return command[:5 + len(data)] if command[4] else command[:7 + len(data)]

    def raw(self, command):
        return self.process(self.inner(command))

    def end(self):
        assert self.run(cmd.close_session()) == {}


class UserIdSession(Session):
    def __init__(self, below, auth_id, value):
        super().__init__(below, auth_id)
        assert self.run(cmd.verify_userid(value)) == {}


class WrappedSession(Session):
    """Inner commands under SCP03; sessions always count."""

    def raw(self, command):
        header, data, _ = split(command)
        return self.scp.unwrap(*self.process(self.scp.wrap(header, data)))


class AesSession(WrappedSession):
    def __init__(self, below, auth_id, key):
        super().__init__(below, auth_id)
        self.scp = handshake(self.send, dict(enc=key, mac=key), True, 0)


class EcKeySession(WrappedSession):
    """`key`: the host's long-term P-256 key, whose public part is the authentication object."""

    def __init__(self, below, auth_id, key, applet_point, version):
        super().__init__(below, auth_id)
        mine = ec.generate_private_key(ec.SECP256R1())
        point = mine.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        control = tlv(0x4F, AID) + tlv(0x90, b"\xab\x01\x33") + tlv(0x80, b"\x88") + tlv(0x81, b"\x10")
        signed = tlv(0xA6, control) + b"\x7f\x49" + bytes([len(point) + 5]) + tlv(0xB0, point) + tlv(0xF0, b"\x03")
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        answer, sw = self.send(b"\x84\x88\0\0", signed + b"\x5f\x37" + bytes([len(signature)]) + signature)
        if sw != 0x9000:
            raise SW(sw)
        assert answer[:2] == b"\x85\x10" and answer[18:20] == b"\x86\x10" and len(answer) == 36, answer.hex()
        self.receipt = answer[20:]
        z = mine.exchange(ec.ECDH(), ec.EllipticCurvePublicNumbers(
            int.from_bytes(applet_point[1:33], "big"), int.from_bytes(applet_point[33:], "big"), ec.SECP256R1()).public_key())
        h = hashes.Hash(hashes.SHA256())
        h.update((b"\0\0\0\1" if version[:2] >= b"\3\5" else b"") + z + answer[2:18] + b"\1\x33\x88\x10")
        self.scp = Scp03(True)
        self.scp.from_master(h.finalize()[:16])
