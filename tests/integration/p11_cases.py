"""A PKCS#11 program that does what it is told, for test_pkcs11_mechanisms.py: a list of cases comes in by stdin, what the module said goes out.

    p11_cases.py MODULE plain|openssl|gnutls <cases.json

It computes nothing itself, so the process can be one of OpenSSL's or of GnuTLS's, and whoever started it judges the answers.
A case: {"do": "sign", "mech": N, "param": [...], "key": NAME, "data": HEX, "pieces": [...]}; its answer is hex, or the name of an error.
"""

import ctypes as ct
import json
import sys

import cryptoki as c


def become(kind):
    """Make this process one that uses the library, as a program would that was linked with it."""
    if kind == "openssl":
        lib = ct.CDLL("libcrypto.so.3", mode=ct.RTLD_GLOBAL)
        lib.OPENSSL_init_crypto.argtypes = [ct.c_uint64, ct.c_void_p]
        assert lib.OPENSSL_init_crypto(0x40, None) == 1  # reads openssl.cnf
        lib.EVP_Q_digest.restype = ct.c_int
        out = ct.create_string_buffer(64)
        assert lib.EVP_Q_digest(None, b"SHA256", None, b"x", ct.c_size_t(1), out, None) == 1
    elif kind == "gnutls":
        lib = ct.CDLL("libgnutls.so.30", mode=ct.RTLD_GLOBAL)
        lib.gnutls_check_version.restype = ct.c_char_p
        assert lib.gnutls_check_version(None)
    return lib if kind != "plain" else None


def param_of(spec):
    if not spec:
        return None
    kind, *rest = spec
    rest = [bytes.fromhex(r) if isinstance(r, str) else r for r in rest]
    if kind == "raw":
        return rest[0]
    if kind == "ctr":
        return c.CtrParams(rest[0], (ct.c_ubyte * 16)(*rest[1]))
    return {"pss": c.PssParams, "oaep": c.oaep, "gcm": c.gcm, "ecdh": c.ecdh}[kind](*rest)


class Program:
    def __init__(self, module):
        self.m = c.Module(module)
        self.s = self.m.start(flags=6)
        self.keys = {}

    def key(self, name, do):
        """A name of a key that was made here, or "sss:..." of the half that this is done with."""
        if name in self.keys:
            return self.keys[name]
        classes = [c.SECRET_KEY, c.PUBLIC_KEY if do in ("verify", "encrypt") else c.PRIVATE_KEY]
        for kind in classes:
            found = self.m.find(self.s, [(c.CLASS, kind), (c.LABEL, name.encode())])
            if found:
                return found[0]
        raise AssertionError(f"no key {name} to {do} with")

    def do(self, case):
        do, key = case["do"], case.get("key")
        data, param = bytes.fromhex(case.get("data", "")), param_of(case.get("param"))
        if do == "secret":
            self.keys[key] = self.m.create(self.s, [(c.CLASS, c.SECRET_KEY), (c.KEY_TYPE, case["type"]), (c.TOKEN, b"\0"), (c.VALUE, data),
                                                    *((usage, b"\1") for usage in (0x104, 0x105, 0x108, 0x10A, 0x107))])
            return "made"
        if do == "private":
            self.keys[key] = self.m.create(self.s, [(c.CLASS, c.PRIVATE_KEY), (c.KEY_TYPE, case["type"]), (c.TOKEN, b"\0"),
                                                    *((int(a, 16), bytes.fromhex(v)) for a, v in case["parts"].items())])
            return "made"
        if do == "digest":
            return self.digest(case, data)
        handle = self.key(key, do)
        if do == "verify":
            return self.m.verify(self.s, case["mech"], handle, data, bytes.fromhex(case["sig"]), param)
        if do == "derive":
            h = self.m.derive(self.s, case["mech"], handle, param, [
                (c.CLASS, c.SECRET_KEY), (c.KEY_TYPE, case["type"]), (c.TOKEN, b"\0"), (c.SENSITIVE, b"\0"), (c.EXTRACTABLE, b"\1"),
                *([(c.VALUE_LEN, case["len"])] if "len" in case else [])])
            return self.m.attribute(self.s, h, c.VALUE).hex()
        if do == "unwrap":
            h = self.m.unwrap(self.s, case["mech"], handle, data, [
                (c.CLASS, c.SECRET_KEY), (c.KEY_TYPE, case["type"]), (c.TOKEN, bytes([case["token"]])), (c.LABEL, case["new"].encode()),
                *((usage, b"\1") for usage in (0x104, 0x105, 0x108, 0x10A))])
            self.keys[case["new"]] = h
            return "made"
        return self.m.run(do.capitalize(), self.s, case["mech"], handle, data, param, case.get("pieces")).hex()

    def digest(self, case, data):
        m, out, n = c.mechanism(case["mech"]), ct.create_string_buffer(64), c.UL(64)
        self.m.check("C_DigestInit", self.s, ct.byref(m))
        if "pieces" not in case:
            self.m.check("C_Digest", self.s, data, len(data), out, ct.byref(n))
            return out.raw[:n.value].hex()
        for size in case["pieces"]:
            self.m.check("C_DigestUpdate", self.s, data[:size], len(data[:size]))
            data = data[size:]
        self.m.check("C_DigestFinal", self.s, out, ct.byref(n))
        return out.raw[:n.value].hex()

    def answer(self, case):
        try:
            return self.do(case)
        except c.CryptokiError as e:
            return e.name


def main():
    module, kind = sys.argv[1:]
    keep = become(kind)
    program = Program(module)
    json.dump([program.answer(case) for case in json.load(sys.stdin)], sys.stdout)
    del keep


if __name__ == "__main__":
    main()
