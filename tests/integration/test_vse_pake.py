"""SPAKE2+ through the applet (3.14). `Peer` is the other side: RFC 9383 in Python's integers, checked against the RFC's own vector first. That the
part's side is right byte for byte with the published numbers is shown by tests/unit/vse/test_spake2.c; here both must come to the same."""

import hashlib
import hmac
import secrets

import pytest
from cryptography.hazmat.primitives import cmac, hashes
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import chip_commands as cmd
from chip_client import CURVES, Chip, Part
from chip_commands import DEVICE_A, DEVICE_B
from chip_crypto import chip, parts  # noqa: F401 (fixtures)
from chip_sessions import UserIdSession
from conftest import BIN

W0, W1, L, SMALL, CID, USER = 0x700, 0x701, 0x702, 0x703, 0x30, 0x704
CONTEXT, PROVER, VERIFIER = b"a test", b"lock", b"phone"

P256, P384, P521 = 3, 4, 5
#: mode: curve, hash, CMAC?
MODES = {1: (P256, "sha256", False), 2: (P256, "sha512", False), 3: (P384, "sha256", False), 4: (P384, "sha512", False), 5: (P521, "sha512", False),
         8: (P256, "sha256", True), 9: (P256, "sha512", True)}
#: RFC 9383, section 4: M and N, compressed
MASKS = {
    P256: ("02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f", "03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49"),
    P384: ("030ff0895ae5ebf6187080a82d82b42e2765e3b2f8749c7e05eba366434b363d3dc36f15314739074d2eb8613fceec2853",
           "02c72cf2e390853a1c1c4ad816a62fd15824f56078918f43f922ca21518f9c543bb252c5490214cf9aa3f0baab4b665c10"),
    P521: ("02003f06f38131b2ba2600791e82488e8d20ab889af753a41806c5db18d37d85608cfae06b82e4a72cd744c719193562a653ea1f119eef9356907edc9b56979962d7aa",
           "0200c7924b9ec017f3094562894336a53c50167ba8c5963876880542bc669e494b2532d76c5b53dfb349fdf69154b9e0048c58a42e8ed04cef052a3bc349d95575cd25"),
}


class Curve:
    """y^2 = x^3 - 3x + b; points are pairs, None the one at infinity."""

    def __init__(self, number):
        self.p, self.b, self.n = (int(CURVES[number][what], 16) for what in "pbn")
        self.len = (self.p.bit_length() + 7) // 8
        self.g = self.point(bytes.fromhex(CURVES[number]["g"]))
        self.m, self.mask_n = (self.point(bytes.fromhex(t)) for t in MASKS[number])

    def point(self, raw):
        x = int.from_bytes(raw[1:1 + self.len], "big")
        y = int.from_bytes(raw[1 + self.len:], "big") if raw[0] == 4 else pow(x ** 3 - 3 * x + self.b, (self.p + 1) // 4, self.p)
        if raw[0] != 4 and y & 1 != raw[0] & 1:
            y = self.p - y
        assert (y * y - x ** 3 + 3 * x - self.b) % self.p == 0
        return x, y

    def bytes(self, q):
        return b"\4" + b"".join(v.to_bytes(self.len, "big") for v in q)

    def add(self, a, b):
        if a is None or b is None:
            return a or b
        if a[0] == b[0] and (a[1] + b[1]) % self.p == 0:
            return None
        slope = (3 * a[0] ** 2 - 3) * pow(2 * a[1], -1, self.p) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, self.p)
        x = (slope * slope - a[0] - b[0]) % self.p
        return x, (slope * (a[0] - x) - a[1]) % self.p

    def times(self, k, q):
        r = None
        while k:
            if k & 1:
                r = self.add(r, q)
            q, k = self.add(q, q), k >> 1
        return r

    def minus(self, q):
        return q[0], self.p - q[1]


class Peer:
    def __init__(self, mode, device, w0, w1, context=CONTEXT, prover=PROVER, verifier=VERIFIER, scalar=None):
        curve, self.hash, self.with_cmac = MODES[mode]
        self.c, self.proves, self.w0, self.w1 = Curve(curve), device == DEVICE_A, w0, w1
        self.names = context, prover, verifier
        self.scalar = scalar or 1 + secrets.randbelow(self.c.n - 1)
        self.share = self.c.bytes(self.c.add(self.c.times(self.scalar, self.c.g), self.c.times(w0, self.c.m if self.proves else self.c.mask_n)))

    def expand(self, key, info, n):
        return HKDF(getattr(hashes, self.hash.upper())(), n, None, info).derive(key)

    def mac(self, key, data):
        if not self.with_cmac:
            return hmac.new(key, data, self.hash).digest()
        m = cmac.CMAC(algorithms.AES(key))
        m.update(data)
        return m.finalize()

    def finish(self, theirs):
        """(secret, our confirmation, theirs as it must be)"""
        c = self.c
        t = c.add(c.point(theirs), c.minus(c.times(self.w0, c.mask_n if self.proves else c.m)))
        z = c.times(self.scalar, t)
        v = c.times(self.w1, t) if self.proves else c.times(self.scalar, c.times(self.w1, c.g))
        shares = (self.share, theirs) if self.proves else (theirs, self.share)
        parts_ = [*self.names, c.bytes(c.m), c.bytes(c.mask_n), *shares, c.bytes(z), c.bytes(v), self.w0.to_bytes(c.len, "big")]
        key = hashlib.new(self.hash, b"".join(len(x).to_bytes(8, "little") + x for x in parts_)).digest()
        n = 16 if self.with_cmac else len(key)
        keys = self.expand(key, b"ConfirmationKeys", 2 * n)
        for_prover, for_verifier = self.mac(keys[:n], shares[1]), self.mac(keys[n:], shares[0])
        secret = self.expand(key, b"SharedKey", len(key))
        return (secret, for_prover, for_verifier) if self.proves else (secret, for_verifier, for_prover)


def test_the_peer_is_the_rfcs():
    """RFC 9383, appendix C, the first vector."""
    peer = Peer(1, DEVICE_A, 0xBB8E1BBCF3C48F62C08DB243652AE55D3E5586053FCA77102994F23AD95491B3, 0x7E945F34D78785B8A3EF44D0DF5A1A97D6B3B460409A345CA7830387A74B1DBA,
                b"SPAKE2+-P256-SHA256-HKDF-SHA256-HMAC-SHA256 Test Vectors", b"client", b"server",
                0xD1232C8E8693D02368976C174E2088851B8365D0D79A9EEE709C6A05A2FAD539)
    secret, ours, theirs = peer.finish(bytes.fromhex("04c0f65da0d11927bdf5d560c69e1d7d939a05b0e88291887d679fcadea75810fb5cc1ca7494db39e82ff2f50665255d76173e09986ab46742c798a9a68437b048"))
    assert secret.hex() == "0c5f8ccd1413423a54f6c1fb26ff01534a87f893779c6e68666d772bfd91f3e7"
    assert ours.hex() == "926cc713504b9b4d76c9162ded04b5493e89109f6d89462cd33adc46fda27527"
    assert theirs.hex() == "9747bcc4f8fe9f63defee53ac9b07876d907d55047e6ff2def2e7529089d3e68"


# ---- against the part ----

@pytest.fixture
def applet():
    return "7.2"


def put(chip, oid, value, rules=None, kind=5):  # noqa: F811
    if chip.exists(oid):
        chip.delete(oid)
    chip.run(cmd.write_symm(oid, kind, value, rules=rules))


def sw(chip, command):  # noqa: F811
    data, word = chip.raw(bytes(command))
    assert word == 0x9000 or data == b""
    return word


class Setting:
    """Credentials in the part, a crypto object, and the peer that knows the same."""

    def __init__(self, chip, mode, device, wrong=False):  # noqa: F811
        self.chip, self.mode = chip, mode
        curve = Curve(MODES[mode][0])
        self.w0, self.w1 = (1 + secrets.randbelow(curve.n - 1) for _ in range(2))
        put(chip, W0, self.w0.to_bytes(curve.len, "big"))
        put(chip, W1, self.w1.to_bytes(curve.len, "big"))
        put(chip, L, curve.bytes(curve.times(self.w1, curve.g)))
        chip.raw(bytes(cmd.delete_crypto_object(CID)))
        chip.run(cmd.create_crypto_object(CID, cmd.PAKE_OBJECT, mode))
        self.peer = Peer(mode, DEVICE_A + DEVICE_B - device, self.w0 + wrong, self.w1)
        self.device = device

    def configure(self, device=None):
        for command in (cmd.pake_configure(CID, device or self.device), cmd.pake_init(CID, CONTEXT, PROVER, VERIFIER), self.credentials()):
            assert self.chip.run(command) == {}
        return self

    def credentials(self):
        return cmd.pake_credentials(CID, W0, W1) if self.device == DEVICE_A else cmd.pake_credentials(CID, W0, point=L)

    def share(self):
        return self.chip.run(cmd.pake_share(CID, self.peer.share if self.device == DEVICE_B else None))[0x41]

    def keys(self):
        told = self.chip.run(cmd.pake_keys(CID, self.peer.share))
        return told[0x41], told[0x42]


@pytest.fixture
def setting(chip):  # noqa: F811
    chip.select()
    return lambda mode=1, device=DEVICE_A, **kw: Setting(chip, mode, device, **kw)


def marked(kind, *names):
    def mark(test):
        for name in names:
            test = pytest.mark.chip(name, kind=kind, applet="7.2")(test)
        return test
    return mark


ALL = ("PAKEConfigure", "PAKEInit", "PAKECredentials", "PAKEKeyShare", "PAKESessionKeys", "PAKEVerify", "PAKEReadType", "PAKEReadState")


@marked("positive", *ALL)
@pytest.mark.parametrize("device", [DEVICE_A, DEVICE_B])
@pytest.mark.parametrize("mode", MODES)
def test_both_sides_come_to_the_same(setting, mode, device):
    s = setting(mode, device).configure()
    assert s.chip.run(cmd.pake_type(CID)) == {0x41: bytes([device])}
    assert s.chip.run(cmd.pake_state(CID)) == {0x41: b"\0"}
    share = s.share()
    assert s.chip.run(cmd.pake_state(CID)) == {0x41: b"\xa5"}
    secret, theirs, ours = s.peer.finish(share)
    assert s.keys() == (secret, ours)
    assert s.chip.run(cmd.pake_state(CID)) == {0x41: b"\x5a"}
    assert s.chip.run(cmd.pake_verify(CID, theirs)) == {0x41: b"\1"}


def test_the_part_with_itself(chip, setting):  # noqa: F811
    a = setting(5, DEVICE_A).configure()
    other = CID + 1
    chip.raw(bytes(cmd.delete_crypto_object(other)))
    for command in (cmd.create_crypto_object(other, cmd.PAKE_OBJECT, 5), cmd.pake_configure(other, DEVICE_B), cmd.pake_init(other, CONTEXT, PROVER, VERIFIER),
                    cmd.pake_credentials(other, W0, W1, L)):  # the one that is not this side's is not looked at
        chip.run(command)
    share_a = a.share()
    share_b = chip.run(cmd.pake_share(other, share_a))[0x41]
    keys_a, keys_b = (chip.run(cmd.pake_keys(c, s)) for c, s in ((CID, share_b), (other, share_a)))
    assert keys_a[0x41] == keys_b[0x41] and keys_a[0x42] != keys_b[0x42]
    assert chip.run(cmd.pake_verify(CID, keys_b[0x42])) == chip.run(cmd.pake_verify(other, keys_a[0x42])) == {0x41: b"\1"}


def test_names_may_be_empty(setting):
    s = setting()
    s.peer.names = b"", b"", b""
    for command in (cmd.pake_configure(CID, DEVICE_A), cmd.pake_init(CID), s.credentials()):
        s.chip.run(command)
    secret, theirs, ours = s.peer.finish(s.share())
    assert s.keys() == (secret, ours)


@marked("denied", "PAKEVerify")
@pytest.mark.parametrize("device", [DEVICE_A, DEVICE_B])
def test_a_peer_without_the_password_has_one_try(setting, device):
    s = setting(1, device, wrong=True).configure()
    secret, theirs, _ = s.peer.finish(s.share())
    told, _ = s.keys()
    assert told != secret
    assert s.chip.run(cmd.pake_verify(CID, theirs)) == {0x41: b"\2"}
    for command in (cmd.pake_verify(CID, theirs), cmd.pake_state(CID), cmd.pake_keys(CID, s.peer.share)):
        assert sw(s.chip, command) == 0x6985


@marked("length", "PAKEInit", "PAKEKeyShare", "PAKESessionKeys")
def test_lengths(setting):
    s = setting(1, DEVICE_B)
    s.chip.run(cmd.pake_configure(CID, DEVICE_B))
    for names in ((bytes(256), b"", b""), (b"", bytes(256), b""), (b"", b"", bytes(256))):
        assert sw(s.chip, cmd.pake_init(CID, *names)) == 0x6A80
    s.configure()
    for share in (s.peer.share[:-1], s.peer.share + b"\0", b"\2" + s.peer.share[1:33], b"\0"):
        assert sw(s.chip, cmd.pake_share(CID, share)) == 0x6A80
    s.share()
    for share in (s.peer.share[:-1], s.peer.share + b"\0", b"\0"):
        assert sw(s.chip, cmd.pake_keys(CID, share)) == 0x6A80
    s.keys()


@marked("length", "PAKEVerify")
def test_a_short_confirmation_is_none(setting):
    s = setting().configure()
    _, theirs, _ = s.peer.finish(s.share())
    s.keys()
    assert s.chip.run(cmd.pake_verify(CID, theirs[:-1])) == {0x41: b"\2"}


@marked("length", "PAKECredentials")
@pytest.mark.parametrize("which, value", [("w0", bytes(31)), ("w0", bytes(32)), ("w0", bytes.fromhex(CURVES[3]["n"])), ("w0", b"\1" * 33), ("w1", b"\1" * 31),
                                          ("w1", bytes(32)), ("l", b"\4" + bytes(64)), ("l", b"\1" * 65)])
def test_credentials_are_of_the_curve(setting, which, value):
    s = setting(1, DEVICE_B if which == "l" else DEVICE_A)
    s.chip.run(cmd.pake_configure(CID, s.device))
    s.chip.run(cmd.pake_init(CID))
    good = s.credentials()
    assert sw(s.chip, good) == 0x9000
    put(s.chip, SMALL, value)
    ids = {"w0": W0, "w1": W1, "l": L, which: SMALL}
    assert sw(s.chip, cmd.pake_credentials(CID, ids["w0"], ids["w1"] if s.device == DEVICE_A else None, ids["l"] if s.device == DEVICE_B else None)) == 0x6985
    assert sw(s.chip, cmd.pake_share(CID, s.peer.share if s.device == DEVICE_B else None)) == 0x6985  # and those of before are gone
    assert sw(s.chip, good) == 0x9000
    s.share()


@marked("order", *ALL)
def test_each_step_in_its_turn(setting):
    s = setting()
    steps = {"init": cmd.pake_init(CID), "credentials": s.credentials(), "share": cmd.pake_share(CID), "keys": cmd.pake_keys(CID, s.peer.share),
             "verify": cmd.pake_verify(CID, bytes(32)), "type": cmd.pake_type(CID), "state": cmd.pake_state(CID)}

    def refused(*names):
        for name in names:
            assert sw(s.chip, steps[name]) == 0x6985, name

    refused(*steps)
    assert sw(s.chip, cmd.pake_configure(CID, 3)) == 0x6A80
    refused("state")
    s.chip.run(cmd.pake_configure(CID, DEVICE_A))
    refused("share", "keys", "verify")
    s.chip.run(steps["credentials"])
    refused("share")
    s.chip.run(steps["init"])
    assert sw(s.chip, cmd.pake_share(CID, s.peer.share)) == 0x6A80  # a prover speaks first
    refused("keys", "verify")
    s.chip.run(steps["share"])
    refused("init", "credentials", "share", "verify")
    s.chip.run(steps["keys"])
    refused("init", "credentials", "share", "keys")
    s.chip.run(cmd.pake_configure(CID, DEVICE_B))  # anew
    assert s.chip.run(steps["state"]) == {0x41: b"\0"}
    refused("keys", "verify")
    assert sw(s.chip, steps["credentials"]) == 0x6A80  # a verifier wants L


@marked("order", "PAKEKeyShare", "PAKESessionKeys")
def test_the_share_must_be_the_same_and_a_point(setting):
    s = setting(1, DEVICE_B).configure()
    bad = bytearray(s.peer.share)
    bad[-1] ^= 1
    assert sw(s.chip, cmd.pake_share(CID, bytes(bad))) == 0x6A80
    assert sw(s.chip, cmd.pake_share(CID)) == 0x6A80
    s.share()
    assert sw(s.chip, cmd.pake_keys(CID, Peer(1, DEVICE_A, 5, 6).share)) == 0x6A80
    s.keys()


# ---- whose, and with which right ----

@marked("denied", *ALL)
def test_it_belongs_to_the_session_that_began_it(chip, setting):  # noqa: F811
    if not chip.exists(USER):
        chip.run(cmd.write_userid(USER, b"1234"))
    s = setting().configure()
    session = UserIdSession(chip, USER, b"1234")
    for command in (cmd.pake_init(CID), s.credentials(), cmd.pake_share(CID), cmd.pake_keys(CID, s.peer.share), cmd.pake_verify(CID, bytes(32)), cmd.pake_type(CID),
                    cmd.pake_state(CID)):
        assert session.process(command.inner())[1] == 0x6985
    session.end()
    s.share()
    chip.select()
    assert sw(chip, cmd.pake_state(CID)) == 0x6985
    # and a container of another kind is none
    chip.raw(bytes(cmd.delete_crypto_object(CID)))
    chip.run(cmd.create_crypto_object(CID, cmd.DIGEST_OBJECT, cmd.SHA256))
    assert sw(chip, cmd.pake_configure(CID, DEVICE_A)) == 0x6985


@marked("denied", "PAKECredentials")
@pytest.mark.parametrize("oid, device", [(W0, DEVICE_A), (W1, DEVICE_A), (W0, DEVICE_B), (L, DEVICE_B)])
def test_the_right_to_derive(setting, oid, device):
    s = setting(1, device)
    s.chip.run(cmd.pake_configure(CID, device))
    values = {W0: s.w0.to_bytes(32, "big"), W1: s.w1.to_bytes(32, "big"), L: s.peer.c.bytes(s.peer.c.times(s.w1, s.peer.c.g))}
    every = sum({**cmd.RIGHTS, **cmd.RIGHTS_7X}.values()) & ~sum(cmd.RIGHTS[r] for r in ("forbid all", "secure messaging", "pcr", "kdf"))
    put(s.chip, oid, values[oid], cmd.policy(every))
    assert sw(s.chip, s.credentials()) == 0x6986
    put(s.chip, oid, values[oid], cmd.policy(["kdf", "delete"]))
    assert sw(s.chip, s.credentials()) == 0x9000
    s.chip.delete(oid)
    assert sw(s.chip, s.credentials()) == 0x6985
    if oid != L:
        put(s.chip, oid, values[oid], kind=3)  # an AES key
        assert sw(s.chip, s.credentials()) == 0x6985
        s.chip.delete(oid)


@pytest.mark.chip("CreateCryptoObject", kind="denied", applet=("3.1", "7.2"))
def test_where_it_is_not(chip, procs, tmp_path):  # noqa: F811
    for mode in (0, 6, 7, 0x0A):
        assert sw(chip, cmd.create_crypto_object(0x66, cmd.PAKE_OBJECT, mode)) == 0x6A80
    with Chip(Part(procs, BIN / "sedge-chip", tmp_path).start().socket) as old:
        assert sw(old, cmd.create_crypto_object(CID, cmd.PAKE_OBJECT, 1)) == 0x6A80
        for command in (cmd.pake_configure(CID, DEVICE_A), cmd.pake_state(CID), cmd.pake_type(CID)):
            assert sw(old, command) == 0x6A86
