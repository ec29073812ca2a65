"""libsedge-se.so through ctypes: the library as a foreign program finds it, called by name."""

import ctypes

from conftest import LIB

OK, PROTO, INVALID, TOO_BIG, DENIED, AUTH, NOT_FOUND, EXISTS, UNSUPPORTED = 0, 3, 4, 5, 7, 8, 9, 10, 16

EC_PAIR, EC_PRIVATE, EC_PUBLIC, RSA_PAIR, RSA_PAIR_CRT = 1, 2, 3, 4, 5
AES, DES, BINARY, USERID, COUNTER, PCR, HMAC, ALL = 9, 0x0A, 0x0B, 0x0C, 0x0D, 0x0F, 0x11, 0xFF
READ, WRITE, DELETE, SIGN, VERIFY, DECRYPT = 0x200000, 0x100000, 0x40000, 0x10000000, 0x8000000, 0x1000000
REQUIRE_PCR, ATTEST, EXPORT = 0x10000, 0x8000, 0x1000


class Bytes(ctypes.Structure):
    _fields_ = [("p", ctypes.c_char_p), ("n", ctypes.c_size_t)]


class Out(ctypes.Structure):
    _fields_ = [("p", ctypes.c_void_p), ("room", ctypes.c_size_t), ("n", ctypes.c_size_t)]


class Options(ctypes.Structure):
    _fields_ = [("port", ctypes.c_char_p), ("scp03", ctypes.c_char_p)]


class Rule(ctypes.Structure):
    _fields_ = [("auth", ctypes.c_uint32), ("rights", ctypes.c_uint32), ("pcr", ctypes.c_uint32), ("pcr_value", ctypes.c_ubyte * 32),
                ("desfire_target", ctypes.c_uint32), ("derived_from", ctypes.c_uint32)]


class Write(ctypes.Structure):
    _fields_ = [("rules", ctypes.POINTER(Rule)), ("n_rules", ctypes.c_size_t), ("max_attempts", ctypes.c_uint16), ("auth", ctypes.c_bool),
                ("transient", ctypes.c_bool), ("version", ctypes.c_uint32)]


class Attributes(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32), ("type", ctypes.c_uint8), ("auth", ctypes.c_bool), ("attempts", ctypes.c_uint16),
                ("max_attempts", ctypes.c_uint16), ("min_tag", ctypes.c_uint16), ("owner", ctypes.c_uint32), ("origin", ctypes.c_int),
                ("version", ctypes.c_uint32), ("n_rules", ctypes.c_size_t), ("rules", Rule * 28)]


class Attest(ctypes.Structure):
    _fields_ = [("key", ctypes.c_uint32), ("point", Bytes)]


class Proof(ctypes.Structure):
    _fields_ = [("attributes", Attributes), ("chip_id", ctypes.c_ubyte * 18), ("timestamp", ctypes.c_ubyte * 12), ("generated_inside", ctypes.c_bool)]


class Version(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint8), ("minor", ctypes.c_uint8), ("patch", ctypes.c_uint8), ("config", ctypes.c_uint16),
                ("secure_box", ctypes.c_uint16)]


class Secret(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint8), ("value", Bytes), ("kek", ctypes.c_uint32), ("min_tag", ctypes.c_uint16),
                ("min_output", ctypes.c_uint16)]


class Rsa(ctypes.Structure):
    _fields_ = [(name, Bytes) for name in ("n", "e", "p", "q", "dp", "dq", "qinv", "d")]


class CryptoObject(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint16), ("context", ctypes.c_uint8), ("subtype", ctypes.c_uint8)]


class Aead(ctypes.Structure):
    _fields_ = [("mode", ctypes.c_uint8), ("iv", Bytes), ("own_iv_len", ctypes.c_size_t), ("aad", Bytes)]


class Hkdf(ctypes.Structure):
    _fields_ = [("digest", ctypes.c_uint8), ("expand_only", ctypes.c_bool), ("salt", Bytes), ("info", Bytes), ("salt_id", ctypes.c_uint32),
                ("length", ctypes.c_uint16), ("target", ctypes.c_uint32)]


class Pbkdf2(ctypes.Structure):
    _fields_ = [("salt", Bytes), ("salt_id", ctypes.c_uint32), ("iterations", ctypes.c_uint16), ("length", ctypes.c_uint16),
                ("algorithm", ctypes.c_uint8), ("target", ctypes.c_uint32)]


class I2cm(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("address", ctypes.c_uint8), ("frequency", ctypes.c_uint8), ("data", Bytes), ("read", Out),
                ("done", ctypes.c_bool)]


def bytes_of(data):
    return Bytes(data, len(data))


def rule(rights, auth=0, **more):
    return Rule(auth=auth, rights=rights, **more)


def how(*rules, **more):
    """struct sedge_se_write; the rules live as long as it does."""
    array = (Rule * max(1, len(rules)))(*rules)
    w = Write(ctypes.cast(array, ctypes.POINTER(Rule)), len(rules), **more)
    w.keep = array
    return w


class SeError(Exception):
    def __init__(self, code, detail):
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = code, detail


# what a call gives back, in the place of its parameter
class OUT:  # a sedge_out
    pass


class BOOL:
    pass


class U8:
    pass


class U32:
    pass


class U64:
    pass


class SIZE:
    pass


class Fixed:
    """An array of n bytes."""

    def __init__(self, n):
        self.n = n


_PLAIN = {BOOL: ctypes.c_bool, U8: ctypes.c_uint8, U32: ctypes.c_uint32, U64: ctypes.c_uint64, SIZE: ctypes.c_size_t}


class Se:
    """One open chip: se.call_name(arguments); results are returned, errors raised."""

    def __init__(self, port, scp03=None):
        self.lib = ctypes.CDLL(str(LIB / "libsedge-se.so"))
        self.lib.sedge_se_detail.restype = ctypes.c_char_p
        self.lib.sedge_err_text.restype = ctypes.c_char_p
        self.lib.sedge_se_close.restype = self.lib.sedge_se_end.restype = self.lib.sedge_se_version.restype = None
        self.handle = ctypes.c_void_p()
        options = Options(port.encode(), scp03.encode() if scp03 else None)
        self._check(self.lib.sedge_se_open(ctypes.byref(options), ctypes.byref(self.handle)))

    def close(self):
        self.lib.sedge_se_close(self.handle)
        self.handle = None

    def _check(self, code):
        if code:
            raise SeError(code, self.lib.sedge_se_detail().decode())

    def version(self):
        v = Version()
        self.lib.sedge_se_version(self.handle, ctypes.byref(v))
        return v.major, v.minor, v.patch

    def end(self):
        self.lib.sedge_se_end(self.handle)

    def __getattr__(self, name):
        call = getattr(self.lib, "sedge_se_" + name)

        def run(*arguments, room=1100):
            converted, results, keep = [self.handle], [], []
            for a in arguments:
                if isinstance(a, bytes):
                    converted.append(bytes_of(a))
                elif a is OUT:
                    memory = ctypes.create_string_buffer(max(1, room))
                    out = Out(ctypes.cast(memory, ctypes.c_void_p), room, 0xDEAD)
                    keep.append(memory)
                    converted.append(ctypes.byref(out))
                    results.append((lambda o, m: m.raw[:o.n], out, memory))
                elif isinstance(a, type) and a in _PLAIN:
                    value = _PLAIN[a]()
                    converted.append(ctypes.byref(value))
                    results.append((lambda o, m: o.value, value, None))
                elif isinstance(a, Fixed):
                    memory = ctypes.create_string_buffer(a.n)
                    converted.append(memory)
                    results.append((lambda o, m: m.raw, None, memory))
                elif isinstance(a, ctypes.Structure):
                    converted.append(ctypes.byref(a))
                else:
                    converted.append(a)
            self._check(call(*converted))
            got = [f(o, m) for f, o, m in results]
            return got[0] if len(got) == 1 else tuple(got) if got else None

        return run

    def ids(self, kind=ALL):
        array = (ctypes.c_uint32 * 500)()
        n = self.list(kind, array, 500, SIZE)
        return list(array[:n])
