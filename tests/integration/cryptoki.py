"""A small Cryptoki binding in ctypes: the module as a program sees it, without any of our C.

Functions of the module are methods: `m.C_Sign(...)` gives the CK_RV. `rv_name()` reads well in a failure.
"""

import ctypes as ct
import re

UL = ct.c_ulong
OK = 0
NAMES = {
    0x00: "CKR_OK", 0x05: "CKR_GENERAL_ERROR", 0x07: "CKR_ARGUMENTS_BAD", 0x12: "CKR_ATTRIBUTE_TYPE_INVALID",
    0x11: "CKR_ATTRIBUTE_SENSITIVE", 0x1B: "CKR_ACTION_PROHIBITED", 0x21: "CKR_DATA_LEN_RANGE",
    0x10: "CKR_ATTRIBUTE_READ_ONLY", 0x13: "CKR_ATTRIBUTE_VALUE_INVALID", 0xD0: "CKR_TEMPLATE_INCOMPLETE",
    0x31: "CKR_DEVICE_MEMORY", 0x140: "CKR_CURVE_NOT_SUPPORTED", 0xA2: "CKR_PIN_LEN_RANGE", 0xA4: "CKR_PIN_LOCKED",
    0x102: "CKR_USER_PIN_NOT_INITIALIZED", 0xB6: "CKR_SESSION_EXISTS", 0x104: "CKR_USER_ANOTHER_ALREADY_LOGGED_IN",
    0x62: "CKR_KEY_SIZE_RANGE", 0x103: "CKR_USER_TYPE_INVALID", 0xB8: "CKR_SESSION_READ_WRITE_SO_EXISTS",
    0x30: "CKR_DEVICE_ERROR", 0x32: "CKR_DEVICE_REMOVED", 0x40: "CKR_ENCRYPTED_DATA_INVALID",
    0x41: "CKR_ENCRYPTED_DATA_LEN_RANGE", 0x54: "CKR_FUNCTION_NOT_SUPPORTED", 0x60: "CKR_KEY_HANDLE_INVALID",
    0x63: "CKR_KEY_TYPE_INCONSISTENT", 0x68: "CKR_KEY_FUNCTION_NOT_PERMITTED", 0x70: "CKR_MECHANISM_INVALID",
    0x71: "CKR_MECHANISM_PARAM_INVALID", 0x82: "CKR_OBJECT_HANDLE_INVALID", 0x90: "CKR_OPERATION_ACTIVE",
    0x91: "CKR_OPERATION_NOT_INITIALIZED", 0xA0: "CKR_PIN_INCORRECT", 0xB3: "CKR_SESSION_HANDLE_INVALID",
    0xB5: "CKR_SESSION_READ_ONLY", 0xC0: "CKR_SIGNATURE_INVALID", 0xC1: "CKR_SIGNATURE_LEN_RANGE",
    0xD1: "CKR_TEMPLATE_INCONSISTENT", 0xE0: "CKR_TOKEN_NOT_PRESENT", 0x100: "CKR_USER_ALREADY_LOGGED_IN",
    0x101: "CKR_USER_NOT_LOGGED_IN", 0x150: "CKR_BUFFER_TOO_SMALL", 0x190: "CKR_CRYPTOKI_NOT_INITIALIZED",
    0x191: "CKR_CRYPTOKI_ALREADY_INITIALIZED", 0x13: "CKR_ATTRIBUTE_VALUE_INVALID", 0x20: "CKR_DATA_INVALID", 0x31: "CKR_DEVICE_MEMORY",
    0x62: "CKR_KEY_SIZE_RANGE", 0x6A: "CKR_KEY_UNEXTRACTABLE", 0xD0: "CKR_TEMPLATE_INCOMPLETE", 0x110: "CKR_WRAPPED_KEY_INVALID",
    0x112: "CKR_WRAPPED_KEY_LEN_RANGE", 0xF0: "CKR_UNWRAPPING_KEY_HANDLE_INVALID", 0xF2: "CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT",
}
CLASS, TOKEN, PRIVATE, LABEL, VALUE, KEY_TYPE, ID, SENSITIVE, MODULUS = 0x0, 0x1, 0x2, 0x3, 0x11, 0x100, 0x102, 0x103, 0x120
VALUE_LEN, EXTRACTABLE, EC_PARAMS, EC_POINT = 0x161, 0x162, 0x180, 0x181
PUBLIC_KEY, PRIVATE_KEY, SECRET_KEY = 2, 3, 4
GENERIC_SECRET, AES = 0x10, 0x1F
RSA_PKCS, RSA_PSS, SHA256_RSA_PKCS, ECDSA, ECDSA_SHA256, SHA256 = 0x1, 0xD, 0x40, 0x1041, 0x1044, 0x250

#: The order of CK_FUNCTION_LIST, PKCS#11 v2.40 section 5.
ORDER = """Initialize Finalize GetInfo GetFunctionList GetSlotList GetSlotInfo GetTokenInfo GetMechanismList
GetMechanismInfo InitToken InitPIN SetPIN OpenSession CloseSession CloseAllSessions GetSessionInfo
GetOperationState SetOperationState Login Logout CreateObject CopyObject DestroyObject GetObjectSize
GetAttributeValue SetAttributeValue FindObjectsInit FindObjects FindObjectsFinal EncryptInit Encrypt EncryptUpdate
EncryptFinal DecryptInit Decrypt DecryptUpdate DecryptFinal DigestInit Digest DigestUpdate DigestKey DigestFinal
SignInit Sign SignUpdate SignFinal SignRecoverInit SignRecover VerifyInit Verify VerifyUpdate VerifyFinal
VerifyRecoverInit VerifyRecover DigestEncryptUpdate DecryptDigestUpdate SignEncryptUpdate DecryptVerifyUpdate
GenerateKey GenerateKeyPair WrapKey UnwrapKey DeriveKey SeedRandom GenerateRandom GetFunctionStatus CancelFunction
WaitForSlotEvent""".split()


def rv_name(rv):
    return NAMES.get(rv, hex(rv))


class CryptokiError(Exception):
    def __init__(self, what, rv):
        super().__init__(f"{what}: {rv_name(rv)}")
        self.name = rv_name(rv)


class Attribute(ct.Structure):
    _fields_ = [("type", UL), ("value", ct.c_void_p), ("len", UL)]


class Mechanism(ct.Structure):
    _fields_ = [("type", UL), ("param", ct.c_void_p), ("len", UL)]


class PssParams(ct.Structure):
    _fields_ = [("hash", UL), ("mgf", UL), ("salt", UL)]


class OaepParams(ct.Structure):
    _fields_ = [("hash", UL), ("mgf", UL), ("source", UL), ("data", ct.c_void_p), ("len", UL)]


class CtrParams(ct.Structure):
    _fields_ = [("bits", UL), ("block", ct.c_ubyte * 16)]


class GcmParams(ct.Structure):
    _fields_ = [("iv", ct.c_void_p), ("iv_len", UL), ("iv_bits", UL), ("aad", ct.c_void_p), ("aad_len", UL), ("tag_bits", UL)]


class EcdhParams(ct.Structure):
    _fields_ = [("kdf", UL), ("shared_len", UL), ("shared", ct.c_void_p), ("public_len", UL), ("public", ct.c_void_p)]


class SlotInfo(ct.Structure):
    _fields_ = [("description", ct.c_char * 64), ("manufacturer", ct.c_char * 32), ("flags", UL),
                ("versions", ct.c_ubyte * 4)]


def template(pairs):
    """[(type, bytes or int)] as a CK_ATTRIBUTE array."""
    array = (Attribute * len(pairs))()
    array.keep = []
    for slot, (kind, value) in zip(array, pairs):
        raw = value.to_bytes(8, "little") if isinstance(value, int) else value
        buf = ct.create_string_buffer(raw, len(raw)) if raw else None
        array.keep.append(buf)
        slot.type, slot.value, slot.len = kind, ct.cast(buf, ct.c_void_p) if buf else None, len(raw)
    return array


class Module:
    def __init__(self, path):
        self.lib = ct.CDLL(str(path))
        table = ct.c_void_p()
        assert self.lib.C_GetFunctionList(ct.byref(table)) == OK
        entries = (ct.c_void_p * len(ORDER)).from_address(table.value + 8)  # after version, aligned
        prototype = ct.CFUNCTYPE(UL)  # arguments go as they are given
        for name, entry in zip(ORDER, entries):
            assert entry, f"C_{name} is NULL"
            setattr(self, f"C_{name}", self._method(prototype(entry)))

    @staticmethod
    def _method(function):
        def call(*args):
            return function(*[UL(a) if isinstance(a, int) else a for a in args])
        return call

    def use_3_0(self):
        """Add the two functions of the 3.0 table that do something."""
        interface = ct.c_void_p()
        assert self.lib.C_GetInterface(b"PKCS 11", bytes([3, 0]), ct.byref(interface), UL(0)) == OK
        table = ct.c_void_p.from_address(interface.value + 8).value
        entries = (ct.c_void_p * (len(ORDER) + 4)).from_address(table + 8)
        for name, entry in zip(("LoginUser", "SessionCancel"), entries[len(ORDER) + 2:]):
            setattr(self, f"C_{name}", self._method(ct.CFUNCTYPE(UL)(entry)))

    def check(self, what, *args):
        rv = getattr(self, what)(*args)
        if rv != OK:
            raise CryptokiError(what, rv)

    # ---- what most tests do

    def start(self, pin="1234", flags=4):
        """Initialize, open a session, log in; the session."""
        self.check("C_Initialize", None)
        return self.open(pin, flags)

    def open(self, pin=None, flags=4):
        h = UL()
        self.check("C_OpenSession", 1, flags, None, None, ct.byref(h))
        if pin is not None:
            self.check("C_Login", h, 1, pin.encode(), len(pin))
        return h

    def find(self, session, pairs):
        found, n = (UL * 64)(), UL()
        self.check("C_FindObjectsInit", session, template(pairs) if pairs else None, len(pairs))
        self.check("C_FindObjects", session, found, 64, ct.byref(n))
        self.check("C_FindObjectsFinal", session)
        return [UL(found[i]) for i in range(n.value)]

    def create(self, session, pairs):
        h = UL()
        self.check("C_CreateObject", session, template(pairs), len(pairs), ct.byref(h))
        return h

    def set(self, session, obj, pairs):
        self.check("C_SetAttributeValue", session, obj, template(pairs), len(pairs))

    def generate(self, session, mechanism, public, private):
        """(public, private)"""
        pub, prv = UL(), UL()
        self.check("C_GenerateKeyPair", session, ct.byref(Mechanism(mechanism, None, 0)), template(public), len(public),
                   template(private), len(private), ct.byref(pub), ct.byref(prv))
        return pub, prv

    def key(self, session, label, private=True):
        [one] = self.find(session, [(CLASS, PRIVATE_KEY if private else PUBLIC_KEY), (LABEL, label.encode())])
        return one

    def attribute(self, session, obj, kind):
        a = (Attribute * 1)(Attribute(kind, None, 0))
        self.check("C_GetAttributeValue", session, obj, a, 1)
        buf = ct.create_string_buffer(a[0].len or 1)
        a[0].value = ct.cast(buf, ct.c_void_p)
        self.check("C_GetAttributeValue", session, obj, a, 1)
        return buf.raw[:a[0].len]

    def sign_init(self, session, mechanism, key, param=None):
        m = Mechanism(mechanism, ct.cast(ct.byref(param), ct.c_void_p) if param else None,
                      ct.sizeof(param) if param else 0)
        self.check("C_SignInit", session, ct.byref(m), key)

    def create(self, session, pairs):
        h = UL()
        self.check("C_CreateObject", session, template(pairs), len(pairs), ct.byref(h))
        return h

    def run(self, what, session, kind, key, data, param=None, pieces=None):
        """C_EncryptInit and C_Encrypt (Decrypt, Sign); with pieces (lengths) Update and Final. What came out."""
        m = mechanism(kind, param)
        self.check(f"C_{what}Init", session, ct.byref(m), key)
        room = len(data) + 600
        out, n = ct.create_string_buffer(room), UL(room)
        if pieces is None:
            self.check(f"C_{what}", session, data, len(data), out, ct.byref(n))
            return out.raw[:n.value]
        result = b""
        for size in pieces:
            piece, data = data[:size], data[size:]
            if what in ("Sign", "Verify"):
                self.check(f"C_{what}Update", session, piece, len(piece))
                continue
            n.value = room
            self.check(f"C_{what}Update", session, piece, len(piece), out, ct.byref(n))
            result += out.raw[:n.value]
        assert data == b""
        n.value = room
        self.check(f"C_{what}Final", session, out, ct.byref(n))
        return result + out.raw[:n.value]

    def verify(self, session, kind, key, data, sig, param=None):
        """The name of what C_Verify says."""
        m = mechanism(kind, param)
        self.check("C_VerifyInit", session, ct.byref(m), key)
        return rv_name(self.C_Verify(session, data, len(data), sig, len(sig)))

    def generate_pair(self, session, kind, public, private=()):
        m, pub, prv = mechanism(kind), UL(), UL()
        self.check("C_GenerateKeyPair", session, ct.byref(m), template(public), len(public), template(private) if private else None,
                   len(private), ct.byref(pub), ct.byref(prv))
        return pub, prv

    def derive(self, session, kind, key, param, pairs):
        m, h = mechanism(kind, param), UL()
        self.check("C_DeriveKey", session, ct.byref(m), key, template(pairs), len(pairs), ct.byref(h))
        return h

    def unwrap(self, session, kind, key, wrapped, pairs):
        m, h = mechanism(kind), UL()
        self.check("C_UnwrapKey", session, ct.byref(m), key, wrapped, len(wrapped), template(pairs), len(pairs), ct.byref(h))
        return h

    def sign(self, session, mechanism, key, data, param=None):
        self.sign_init(session, mechanism, key, param)
        out, n = ct.create_string_buffer(1024), UL(1024)
        self.check("C_Sign", session, data, len(data), out, ct.byref(n))
        return out.raw[:n.value]


def mechanism(kind, param=None):
    """A CK_MECHANISM; param a ctypes structure or bytes."""
    if isinstance(param, bytes):
        param = ct.create_string_buffer(param, len(param))
    m = Mechanism(kind, ct.cast(ct.byref(param), ct.c_void_p) if param else None, ct.sizeof(param) if param else 0)
    m.keep = param
    return m


def pointer(data):
    """(c_void_p to a copy, length, what keeps it)"""
    buf = ct.create_string_buffer(data, len(data)) if data else None
    return ct.cast(buf, ct.c_void_p) if buf else None, len(data), buf


def oaep(hash_, mgf, label=b""):
    p, n, keep = pointer(label)
    params = OaepParams(hash_, mgf, 1, p, n)
    params.keep = keep
    return params


def gcm(iv, aad=b"", tag_bits=128):
    pi, ni, keep_iv = pointer(iv)
    pa, na, keep_aad = pointer(aad)
    params = GcmParams(pi, ni, 8 * ni, pa, na, tag_bits)
    params.keep = (keep_iv, keep_aad)
    return params


def ecdh(kdf, public, shared=b""):
    ps, ns, keep_s = pointer(shared)
    pp, np, keep_p = pointer(public)
    params = EcdhParams(kdf, ns, ps, np, pp)
    params.keep = (keep_s, keep_p)
    return params


def der_of(raw):
    """An ECDSA signature r||s as DER."""
    half = len(raw) // 2

    def integer(b):
        b = b.lstrip(b"\0") or b"\0"
        b = b"\0" + b if b[0] & 0x80 else b
        return b"\x02" + bytes([len(b)]) + b
    body = integer(raw[:half]) + integer(raw[half:])
    return b"\x30" + (bytes([len(body)]) if len(body) < 128 else b"\x81" + bytes([len(body)])) + body


def label_of(text):
    """sss:%08X labels in a tool's output, as numbers."""
    return [int(x, 16) for x in re.findall(r"sss:([0-9A-F]{8})\b", text)]
