"""libsss_pkcs11.so call by call, from ctypes: rules for sessions, operations, errors; fork, threads, processes,
a chip that goes and comes back. Numbers of sections are those of pkcs11-consumers.md.

Every program here is a child process with its own copy of the module, so that a test sees one life of it.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from conftest import wait_for
from cryptoki import der_of
from p11_walk import EC_ID, FACTORY_KEYS, MODULE, RSA_ID, Token, keys, token  # noqa: F401 (fixtures)

HERE = pathlib.Path(__file__).resolve().parent
START = f"""
import ctypes as ct, hashlib, json, os, sys, threading, time
sys.path.insert(0, {str(HERE)!r})
import cryptoki as c
from cryptoki import UL
m = c.Module({str(MODULE)!r})

def fails(name, fn, *args, **kw):
    try:
        fn(*args, **kw)
    except c.CryptokiError as e:
        assert e.name == name, e
    else:
        raise AssertionError("it worked, expected " + name)
def rv(name, value):
    assert c.rv_name(value) == name, (c.rv_name(value), name)
DIGEST = hashlib.sha256(b"hello").digest()
RSA, EC = "sss:20181001", "sss:20181002"
FACTORY_KEYS = {FACTORY_KEYS}
"""


def program(text):
    return ["/usr/bin/python3", "-c", START + textwrap.dedent(text)]


def run(token, text, **kw):
    """Run a program of this token to its end; what it printed."""
    return token.run(*program(text), **kw).stdout.decode()


class Conversation:
    """A program that stops at each `ask()` until told to go on."""

    def __init__(self, token, text):
        talk = "def ask(what='ready'):\n    print(what, flush=True)\n    return sys.stdin.readline().strip()\n"
        self.p = subprocess.Popen(["/usr/bin/python3", "-c", START + talk + textwrap.dedent(text)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **token.env})

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.p.poll() is None:
            self.p.kill()
        self.p.communicate()

    def hears(self):
        line = self.p.stdout.readline().strip()
        assert line, self.p.stderr.read()
        return line

    def say(self, text="go"):
        self.p.stdin.write(text + "\n")
        self.p.stdin.flush()

    def ends(self, timeout=30):
        out, err = self.p.communicate(timeout=timeout)
        assert self.p.returncode == 0, err
        return out


# ---- sessions, operations, errors -----------------------------------------------------------------------------------


def test_many_sessions_each_with_operations_of_its_own(token):
    """6: 64 sessions and more; signing begun in all of them, ended in another order."""
    token.set_pins()
    out = run(token, """
        s = m.start()
        all = [s] + [m.open() for _ in range(79)]
        key = m.key(s, EC)
        for h in all:
            m.sign_init(h, c.ECDSA, key)
        for h in reversed(all):
            out, n = ct.create_string_buffer(64), UL(64)
            m.check("C_Sign", h, DIGEST, 32, out, ct.byref(n))
            print(out.raw.hex())
        for h in all:
            m.check("C_CloseSession", h)
        rv("CKR_SESSION_HANDLE_INVALID", m.C_CloseSession(s))
        s = m.open()                       # the login went with the last session
        assert m.find(s, [(c.CLASS, c.PRIVATE_KEY)]) == []
    """)
    signatures = out.split()
    assert len(set(signatures)) == 80
    for s in signatures[::13]:
        token.ec.public_key().verify(der_of(bytes.fromhex(s)), b"hello", ec.ECDSA(hashes.SHA256()))


def test_operation_rules(token):
    """8: length queries and short buffers keep the operation, everything else ends it."""
    run(token, """
        s = m.start()
        key, pub, eckey = m.key(s, RSA), m.key(s, RSA, private=False), m.key(s, EC)
        out, n = ct.create_string_buffer(256), UL(0)
        sign = lambda room: (setattr(n, "value", room), m.C_Sign(s, DIGEST, 32, out, ct.byref(n)))[1]
        rv("CKR_OPERATION_NOT_INITIALIZED", sign(256))
        m.sign_init(s, c.RSA_PKCS, key)
        fails("CKR_OPERATION_ACTIVE", m.sign_init, s, c.RSA_PKCS, key)
        rv("CKR_OK", m.C_Sign(s, DIGEST, 32, None, ct.byref(n)))
        assert n.value == 256
        rv("CKR_BUFFER_TOO_SMALL", sign(255))
        assert n.value == 256
        rv("CKR_OK", sign(256))
        rv("CKR_OPERATION_NOT_INITIALIZED", sign(256))

        m.sign_init(s, c.SHA256_RSA_PKCS, key)            # in pieces, then one-shot is refused
        rv("CKR_OK", m.C_SignUpdate(s, b"hel", 3))
        rv("CKR_OPERATION_ACTIVE", sign(256))
        rv("CKR_OK", m.C_SignUpdate(s, b"lo", 2))
        rv("CKR_OK", m.C_SignFinal(s, None, ct.byref(n)))
        n.value = 256
        rv("CKR_OK", m.C_SignFinal(s, out, ct.byref(n)))
        rv("CKR_OPERATION_NOT_INITIALIZED", m.C_SignFinal(s, out, ct.byref(n)))
        whole = m.sign(s, c.SHA256_RSA_PKCS, key, b"hello")
        assert whole == out.raw                           # PKCS#1 v1.5 is deterministic

        m.sign_init(s, c.RSA_PKCS, key)                   # too long: ends the operation
        n.value = 256
        rv("CKR_DATA_LEN_RANGE", m.C_Sign(s, b"x" * 246, 246, out, ct.byref(n)))
        rv("CKR_OPERATION_NOT_INITIALIZED", sign(256))
        m.sign(s, c.RSA_PKCS, key, b"x" * 245)

        m.sign_init(s, c.RSA_PKCS, key)                   # NULL data: ends it as well
        rv("CKR_ARGUMENTS_BAD", m.C_Sign(s, None, 5, out, ct.byref(n)))
        rv("CKR_OPERATION_NOT_INITIALIZED", sign(256))

        fails("CKR_KEY_HANDLE_INVALID", m.sign_init, s, c.RSA_PKCS, UL(12345))
        fails("CKR_KEY_TYPE_INCONSISTENT", m.sign_init, s, c.RSA_PKCS, eckey)
        fails("CKR_KEY_TYPE_INCONSISTENT", m.sign_init, s, c.ECDSA, key)
        fails("CKR_KEY_FUNCTION_NOT_PERMITTED", m.sign_init, s, c.RSA_PKCS, pub)
        fails("CKR_MECHANISM_INVALID", m.sign_init, s, 0x1082, key)
        fails("CKR_MECHANISM_PARAM_INVALID", m.sign_init, s, c.RSA_PSS, key)
        fails("CKR_MECHANISM_PARAM_INVALID", m.sign_init, s, c.RSA_PSS, key, c.PssParams(c.SHA256, 2, 223))
        fails("CKR_DATA_LEN_RANGE", m.sign, s, c.RSA_PSS, key, b"x" * 31, c.PssParams(c.SHA256, 2, 32))
        m.sign(s, c.RSA_PSS, key, DIGEST, c.PssParams(c.SHA256, 2, 222))   # 256 = 32 + 222 + 2
        rv("CKR_OBJECT_HANDLE_INVALID", m.C_GetAttributeValue(s, UL(12345), None, 0))
        rv("CKR_SESSION_HANDLE_INVALID", m.C_SignInit(UL(99), None, UL(1)))
        rv("CKR_FUNCTION_NOT_SUPPORTED", m.C_WrapKey(s, None, UL(1), UL(1), None, None))
    """)


def test_verify_tells_length_from_value(token):
    run(token, """
        s = m.start()
        key, pub = m.key(s, EC), m.key(s, EC, private=False)
        sig = m.sign(s, c.ECDSA, key, DIGEST)
        def verify(sig, data=DIGEST):
            mech = c.Mechanism(c.ECDSA, None, 0)
            m.check("C_VerifyInit", s, ct.byref(mech), pub)
            return m.C_Verify(s, data, len(data), sig, len(sig))
        rv("CKR_OK", verify(sig))
        rv("CKR_SIGNATURE_LEN_RANGE", verify(sig[:-1]))
        rv("CKR_SIGNATURE_INVALID", verify(bytes(64)))
        rv("CKR_SIGNATURE_INVALID", verify(sig[:63] + bytes([sig[63] ^ 1])))
        rv("CKR_SIGNATURE_INVALID", verify(sig, bytes(32)))
        long = DIGEST + b"beyond the group order"        # only the leftmost bytes count
        rv("CKR_OK", verify(m.sign(s, c.ECDSA, key, long), DIGEST))
        m.check("C_Logout", s)
        rv("CKR_OK", verify(sig))                        # verification needs no login
    """)


def test_login_rules(token):
    """On a chip with a PIN (an open one: test_pkcs11_pin.py)."""
    token.set_pins()
    run(token, """
        m.check("C_Initialize", None)
        s, other = m.open(), m.open()
        rv("CKR_USER_NOT_LOGGED_IN", m.C_Logout(s))
        assert m.find(s, [(c.CLASS, c.PRIVATE_KEY)]) == []
        rv("CKR_PIN_INCORRECT", m.C_Login(s, 1, b"123", 3))
        rv("CKR_PIN_INCORRECT", m.C_Login(s, 1, b"12345", 5))
        rv("CKR_PIN_INCORRECT", m.C_Login(s, 1, b"1234\\0", 5))
        rv("CKR_OK", m.C_Login(s, 1, b"1234", 4))
        m.check("C_Logout", s)
        rv("CKR_PIN_INCORRECT", m.C_Login(s, 1, b"1" * 5000, 5000))
        rv("CKR_PIN_INCORRECT", m.C_Login(s, 1, None, 0))
        rv("CKR_OK", m.C_Login(s, 1, b"1234", 4))
        rv("CKR_USER_ALREADY_LOGGED_IN", m.C_Login(other, 1, b"1234", 4))
        key = m.key(other, EC)
        m.sign_init(other, c.ECDSA, key)
        m.check("C_Logout", s)
        out, n = ct.create_string_buffer(64), UL(64)
        rv("CKR_USER_NOT_LOGGED_IN", m.C_Sign(other, DIGEST, 32, out, ct.byref(n)))
        rv("CKR_OBJECT_HANDLE_INVALID", m.C_GetAttributeValue(other, key, None, 0))
        fails("CKR_USER_NOT_LOGGED_IN", m.sign_init, other, c.ECDSA, key)
    """)


def test_bad_padding_is_one_error_wherever_it_is(token):
    """8: PKCS#1 v1.5 decryption tells nothing about the padding."""
    n, e = token.rsa.public_key().public_numbers().n, 65537

    def block(em):
        return pow(int.from_bytes(em, "big"), e, n).to_bytes(256, "big").hex()
    good = b"\0\2" + b"\x77" * 200 + b"\0" + b"m" * 53
    bad = [b"\0\1" + good[2:], b"\1\2" + good[2:], good[:9] + b"\0" + good[10:], good.replace(b"\x77\0m", b"\x77\x77m")]
    run(token, f"""
        s = m.start()
        key = m.key(s, RSA)
        def decrypt(hexed, room=256):
            mech = c.Mechanism(c.RSA_PKCS, None, 0)
            m.check("C_DecryptInit", s, ct.byref(mech), key)
            data, out, n = bytes.fromhex(hexed), ct.create_string_buffer(256), UL(room)
            rv = m.C_Decrypt(s, data, len(data), out, ct.byref(n))
            return c.rv_name(rv), out.raw[:n.value] if rv == 0 else b"", n.value
        assert decrypt({block(good)!r})[1] == b"m" * 53
        for b in {[block(b) for b in bad]!r}:
            assert decrypt(b)[0] == "CKR_ENCRYPTED_DATA_INVALID"
        assert decrypt("00" * 255)[0] == "CKR_ENCRYPTED_DATA_LEN_RANGE"
        assert decrypt({block(good)!r}, 52)[::2] == ("CKR_BUFFER_TOO_SMALL", 53)
        out, n = ct.create_string_buffer(256), UL(53)            # and the operation goes on
        m.check("C_Decrypt", s, bytes.fromhex({block(good)!r}), 256, out, ct.byref(n))
        assert out.raw[:53] == b"m" * 53
    """)


def test_random_is_the_chips_and_not_repeated(token):
    run(token, """
        s = m.start()
        seen = set()
        for n in (1, 32, 513, 5000):
            out = ct.create_string_buffer(n)
            m.check("C_GenerateRandom", s, out, n)
            seen.add(out.raw)
            assert n < 32 or len(set(out.raw)) > 20
        assert len(seen) == 4
        rv("CKR_ARGUMENTS_BAD", m.C_GenerateRandom(s, None, 5))
    """)


# ---- the list is what the chip holds -----------------------------------------------------------------------------------


def test_other_processes_writes_are_seen_by_the_next_search(token):
    """A new key is found, a deleted one is an error and not found, a replaced one gets another handle."""
    with Conversation(token, """
        s = m.start()
        ids = lambda: sorted(m.attribute(s, o, c.ID).hex() for o in m.find(s, [(c.CLASS, c.PRIVATE_KEY)]))
        factory = ["%08x" % k for k in FACTORY_KEYS]
        assert ids() == ["20181001", "20181002", *factory]
        rsa, ec = m.key(s, RSA), m.key(s, EC)
        point = m.attribute(s, ec, c.EC_POINT)
        assert m.key(s, EC).value == ec.value and m.key(s, RSA).value == rsa.value    # handles stay
        ask()
        fails("CKR_KEY_HANDLE_INVALID", m.sign, s, c.RSA_PKCS, rsa, DIGEST)            # even before a search
        assert ids() == ["20181002", "20181003", *factory]
        assert m.find(s, [(c.LABEL, b"sss:20181001")]) == []
        rv("CKR_OBJECT_HANDLE_INVALID", m.C_GetAttributeValue(s, rsa, None, 0))
        new = m.key(s, EC)
        assert new.value != ec.value and m.attribute(s, new, c.EC_POINT) != point
        fails("CKR_KEY_HANDLE_INVALID", m.sign_init, s, c.ECDSA, ec)
        print(m.sign(s, c.ECDSA, new, DIGEST).hex())
    """) as other:
        other.hears()
        token.ssscli("erase", "20181001")
        new = ec.generate_private_key(ec.SECP256R1())
        token.put(new, EC_ID)
        token.put(token.ec, 0x20181003)
        other.say()
        signature = other.ends().split()[-1]
    new.public_key().verify(der_of(bytes.fromhex(signature)), hash_of_hello(), ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def hash_of_hello():
    import hashlib
    return hashlib.sha256(b"hello").digest()


def test_files_and_secrets_in_the_chip_are_no_trouble(token):
    (token.folder / "blob").write_bytes(b"anything")
    token.ssscli("set", "bin", "0x20181009", "blob")
    count = "s = m.start(); print(sum(len(m.find(s, [(c.CLASS, k)])) for k in (c.PUBLIC_KEY, c.PRIVATE_KEY)))"
    assert run(token, count).strip() == str(2 * (2 + len(FACTORY_KEYS)))


def test_more_keys_than_one_answer_holds(token):
    """Listing has no limit: 300 keys, more than one APDU can list; and a repeated search is not slow."""
    run(token, """
        s = m.start("1234", 6)
        point = bytes.fromhex("06082a8648ce3d030107")
        for i in range(1, 299):
            mech, out = c.Mechanism(0x1040, None, 0), (UL(), UL())
            public = c.template([(0x180, point), (c.ID, (0x1000 + i).to_bytes(4, "big"))])
            m.check("C_GenerateKeyPair", s, ct.byref(mech), public, 2, None, 0, ct.byref(out[0]), ct.byref(out[1]))
        found, n, ids = (UL * 7)(), UL(7), set()
        m.check("C_FindObjectsInit", s, c.template([(c.CLASS, c.PRIVATE_KEY)]), 1)
        while n.value:
            m.check("C_FindObjects", s, found, 7, ct.byref(n))
            ids |= {m.attribute(s, UL(found[i]), c.ID) for i in range(n.value)}
        m.check("C_FindObjectsFinal", s)
        assert len(ids) == 300 + len(FACTORY_KEYS), len(ids)
        m.sign(s, c.ECDSA, m.key(s, "sss:0000112A"), DIGEST)
    """)


def test_searches_that_cannot_match_cost_nothing(token):
    """Programs ask for trust objects and, before login, for secrets all the time: not with the chip's time. And while
    nobody else used the chip a search costs nothing at all."""
    token.set_pins()
    run(token, f"""
        s = m.start()
        everything = len(m.find(s, []))
        os.kill({token.part.process.pid}, 19)       # SIGSTOP: the chip would not answer
        at = time.monotonic()
        for kind in (4, 6, 0xCE534351):
            assert m.find(s, [(c.CLASS, kind)]) == []
        assert len(m.find(s, [])) == everything
        assert time.monotonic() - at < 0.5
        os.kill({token.part.process.pid}, 18)
        m.C_Logout(s)
        assert m.find(s, [(c.CLASS, c.PRIVATE_KEY)]) == []
    """)


# ---- fork ------------------------------------------------------------------------------------------------------------------


def test_child_starts_afresh_and_parent_goes_on(token):
    """7: in the child nothing is initialised; C_Initialize works at once; finalizing there leaves the parent alone."""
    run(token, """
        s = m.start()
        key = m.key(s, EC)
        m.sign_init(s, c.ECDSA, key)                       # an operation under way over the fork
        for kind in ("use", "finalize", "exit"):
            child = os.fork()
            if child == 0:
                try:
                    rv("CKR_CRYPTOKI_NOT_INITIALIZED", m.C_CloseSession(s))
                    rv("CKR_CRYPTOKI_NOT_INITIALIZED", m.C_Finalize(None))
                    if kind != "exit":
                        mine = m.start()
                        m.sign(mine, c.ECDSA, m.key(mine, EC), DIGEST)
                        if kind == "finalize":
                            m.check("C_Finalize", None)
                    os._exit(0)
                except BaseException as e:
                    print(repr(e), file=sys.stderr)
                    os._exit(1)
            assert os.waitpid(child, 0)[1] == 0
        out, n = ct.create_string_buffer(64), UL(64)
        m.check("C_Sign", s, DIGEST, 32, out, ct.byref(n))
        m.sign(s, c.ECDSA, key, DIGEST)
    """)


def test_fork_while_another_thread_uses_the_chip(token):
    """7: locks that the other thread holds at the fork hang nobody."""
    run(token, """
        s = m.start()
        key = m.key(s, EC)
        stop = False
        def work():
            h = m.open()
            while not stop:
                m.sign(h, c.ECDSA, key, DIGEST)
        threads = [threading.Thread(target=work) for _ in range(2)]
        for t in threads: t.start()
        for i in range(15):
            child = os.fork()
            if child == 0:
                import signal; signal.alarm(20)
                try:
                    mine = m.start()
                    m.sign(mine, c.ECDSA, m.key(mine, EC), DIGEST)
                    os._exit(0)
                except BaseException as e:
                    print(repr(e), file=sys.stderr)
                    os._exit(1)
            assert os.waitpid(child, 0)[1] == 0
        stop = True
        for t in threads: t.join()
    """)


# ---- threads and processes ----------------------------------------------------------------------------------------------


def test_a_slow_signature_holds_up_no_other_call(procs, tmp_path, keys):
    """7: while one thread signs (a second in the chip), others read attributes and ask about sessions, even that one."""
    token = Token(procs, tmp_path, "--sign-ms", "1000")
    token.put(keys[1], EC_ID)
    run(token, """
        s, other = m.start(), m.open()
        key = m.key(s, EC)
        begun, took = time.monotonic(), []
        t = threading.Thread(target=lambda: m.sign(s, c.ECDSA, key, DIGEST))
        t.start()
        time.sleep(0.2)
        info = (ct.c_ulong * 4)()
        for _ in range(50):
            at = time.monotonic()
            m.check("C_GetSessionInfo", s, info)
            m.check("C_GetSessionInfo", other, info)
            m.attribute(other, key, c.EC_POINT)
            took.append(time.monotonic() - at)
        assert t.is_alive() and max(took) < 0.2, max(took)
        t.join()
        assert time.monotonic() - begun >= 1.0
    """)


def test_threads_sign_at_once(token):
    out = run(token, """
        s = m.start()
        key, results, wrong = m.key(s, EC), [], []
        def work():
            try:
                h = m.open()
                for _ in range(10):
                    results.append(m.sign(h, c.ECDSA, key, DIGEST).hex())
                m.check("C_CloseSession", h)
            except BaseException as e:
                wrong.append(repr(e))
        threads = [threading.Thread(target=work) for _ in range(8)]
        for t in threads: t.start()
        for t in threads: t.join()
        assert not wrong, wrong
        print(*results)
    """)
    signatures = out.split()
    assert len(set(signatures)) == 80
    for s in signatures[::7]:
        token.ec.public_key().verify(der_of(bytes.fromhex(s)), b"hello", ec.ECDSA(hashes.SHA256()))


SIGN_LOOP = """
    s = m.start()
    rsa, ec = m.key(s, RSA), m.key(s, EC)
    for i in range(25):
        print(m.sign(s, c.ECDSA, ec, DIGEST).hex(), m.sign(s, c.SHA256_RSA_PKCS, rsa, b"hello").hex(), flush=True)
"""


def check_lines(token, out):
    lines = [line.split() for line in out.splitlines()]
    for e, r in lines:
        token.ec.public_key().verify(der_of(bytes.fromhex(e)), b"hello", ec.ECDSA(hashes.SHA256()))
        token.rsa.public_key().verify(bytes.fromhex(r), b"hello", padding.PKCS1v15(), hashes.SHA256())
    return len(lines)


def test_processes_share_the_chip(token):
    """7: three programs sign while ssscli comes and goes; every signature is right."""
    programs = [subprocess.Popen(program(SIGN_LOOP), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 env={**os.environ, **token.env}) for _ in range(3)]
    for _ in range(5):
        token.ssscli("se05x", "uid")
    for p in programs:
        out, err = p.communicate(timeout=60)
        assert p.returncode == 0, err
        assert check_lines(token, out) == 25


def test_a_killed_process_leaves_the_chip_usable(token, rng):
    for _ in range(10):
        p = subprocess.Popen(program(SIGN_LOOP), stdout=subprocess.PIPE, env={**os.environ, **token.env})
        p.stdout.readline()
        time.sleep(rng.random() * 0.02)
        p.kill()
        p.communicate()
        at = time.monotonic()
        assert check_lines(token, run(token, SIGN_LOOP.replace("range(25)", "range(1)"))) == 1
        assert time.monotonic() - at < 5


# ---- a chip that is not there -------------------------------------------------------------------------------------------


def test_initialize_does_not_wait_for_the_chip(token):
    """2: quick, and no failure, when the chip is stopped, silent, or kept by another process."""
    run(token, f"""
        import fcntl, signal
        at = time.monotonic()
        os.kill({token.part.process.pid}, signal.SIGSTOP)
        m.check("C_Initialize", None)
        m.check("C_Finalize", None)
        os.kill({token.part.process.pid}, signal.SIGCONT)
        lock = os.open({str(token.part.socket) + ".lock"!r}, os.O_RDWR | os.O_CREAT)
        fcntl.flock(lock, fcntl.LOCK_EX)
        m.check("C_Initialize", None)
        m.check("C_Finalize", None)
        assert time.monotonic() - at < 0.3
    """)


def test_a_chip_that_comes_back_is_used_again(token):
    """8: while it is gone calls fail and say so; session, login and handles stay; nothing is initialised anew."""
    with Conversation(token, """
        s = m.start()
        key = m.key(s, EC)
        m.sign(s, c.ECDSA, key, DIGEST)
        info = c.SlotInfo()
        for round in range(2):
            ask("up")
            for _ in range(2):
                fails("CKR_DEVICE_REMOVED", m.sign, s, c.ECDSA, key, DIGEST)
            m.check("C_GetSlotInfo", 1, ct.byref(info))
            assert not info.flags & 1
            rv("CKR_TOKEN_NOT_PRESENT", m.C_OpenSession(1, 4, None, None, ct.byref(UL())))
            rv("CKR_TOKEN_NOT_PRESENT", m.C_GetTokenInfo(1, ct.create_string_buffer(208)))
            fails("CKR_DEVICE_REMOVED", m.find, s, [])
            m.attribute(s, key, c.EC_POINT)                    # known already
            ask("down")
            print(m.sign(s, c.ECDSA, key, DIGEST).hex(), flush=True)
            m.check("C_GetSlotInfo", 1, ct.byref(info))
            assert info.flags & 1 and m.key(s, EC).value == key.value
    """) as c:
        for _ in range(2):
            assert c.hears() == "up"
            token.part.kill()
            c.say()
            assert c.hears() == "down"
            token.part.start()
            c.say()
            signature = der_of(bytes.fromhex(c.hears()))
            token.ec.public_key().verify(signature, b"hello", ec.ECDSA(hashes.SHA256()))
        c.ends()


def test_a_restarted_chip_is_not_noticed(token):
    """8: one retry on a fresh channel: a reset between two calls costs nothing."""
    with Conversation(token, """
        s = m.start()
        key = m.key(s, EC)
        ask()
        m.sign(s, c.ECDSA, key, DIGEST)
    """) as c:
        c.hears()
        token.part.kill()
        token.part.start()
        c.say()
        c.ends()


def test_another_chip_with_the_same_id_is_another_key(token, procs, tmp_path, keys):
    """The stolen disk: the same label, another chip. What it signs does not fit the old public key."""
    other = tmp_path / "other"
    other.mkdir()
    stranger = Token(procs, other)
    stranger.put(rsa.generate_private_key(65537, 2048), RSA_ID)
    out = run(stranger, 's = m.start(); print(m.sign(s, c.SHA256_RSA_PKCS, m.key(s, RSA), b"hello").hex())')
    with pytest.raises(Exception, match=""):
        token.rsa.public_key().verify(bytes.fromhex(out.strip()), b"hello", padding.PKCS1v15(), hashes.SHA256())
    serials = {t.tool("-L", login=False).stdout.split(b"serial num")[1] for t in (token, stranger)}
    assert len(serials) == 2


def test_unload_and_load_again(token):
    """1: programs dlclose the module and load it again; a forgotten C_Finalize is no harm."""
    run(token, """
        import _ctypes
        for finalize in (True, True, False):
            s = m.start()
            m.sign(s, c.ECDSA, m.key(s, EC), DIGEST)
            if finalize:
                m.check("C_Finalize", None)
                handle = m.lib._handle
                del m
                _ctypes.dlclose(handle)
                m = c.Module(%r)
    """ % str(MODULE))


def test_a_template_that_promises_bytes_and_has_none_is_refused(token):
    """C_DeriveKey and C_UnwrapKey look into their template before they make the object."""
    run(token, """
        m.check("C_Initialize", None)
        s = m.open(flags=6)
        rv("CKR_OK", m.C_Login(s, 1, b"1234", 4))
        kek = m.create(s, [(c.CLASS, 4), (c.KEY_TYPE, 0x1F), (c.VALUE, b"k" * 16), (c.TOKEN, False)])
        peer = m.attribute(s, m.key(s, EC, private=False), c.EC_POINT)
        unwrap, agree = c.Mechanism(0x2109, None, 0), c.mechanism(0x1050, c.ecdh(1, peer))
        h = UL()
        for kind, n in ((c.TOKEN, 1), (c.CLASS, 8), (c.KEY_TYPE, 8), (c.VALUE_LEN, 8)):
            t = (c.Attribute * 1)(c.Attribute(kind, None, n))
            rv("CKR_ARGUMENTS_BAD", m.C_UnwrapKey(s, ct.byref(unwrap), kek, b"w" * 24, 24, t, 1, ct.byref(h)))
            rv("CKR_ARGUMENTS_BAD", m.C_DeriveKey(s, ct.byref(agree), m.key(s, EC), t, 1, ct.byref(h)))
    """)
