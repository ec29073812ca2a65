"""Objects of libsss_pkcs11.so: made, named, found, changed, deleted; what of it stays in the chip, over power cuts, too.

Numbers of sections are those of pkcs11-consumers.md; the directory's format is docs/spec/pkcs11.md.
"""

import datetime
import os
import re
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.x509.oid import NameOID

import chip_client
from conftest import BIN
from p11_walk import EC_ID, FACTORY_KEYS, MODULE, RSA_ID, Token, keys, token  # noqa: F401 (fixtures)
from test_pkcs11_calls import run


def certificate(key, name="core", filler=0):
    """A self-signed certificate in DER; filler: bytes it is longer by."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime(2026, 1, 1)
    b = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
         .serial_number(0x1234567).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=3650)))
    if filler:
        b = b.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"x" * filler), False)
    return b.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def private_der(key):
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public_der(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def write(token, name, data):
    (token.folder / name).write_bytes(data)
    return name


def objects(token, **kw):
    """pkcs11-tool -O as a list of {first line, label, ID}."""
    out = token.tool("-O", **kw).stdout.decode()
    found = []
    for block in re.split(r"\n(?=\S)", out):
        row = {"what": block.split("\n")[0].split(";")[0]}
        row.update({k.strip(): v.strip() for k, v in re.findall(r"^  (\w[\w ]*):\s+(.*)$", block, re.M)})
        found.append(row)
    return found


# ---- certificates, data ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("filler", [0, 1200, 3500])
def test_a_certificate_goes_in_and_comes_out(token, filler):
    """5: over 1 KB is normal, 4 KB happens. Read without login."""
    der = certificate(token.ec, filler=filler)
    token.tool("-w", write(token, "c.der", der), "--type", "cert", "--id", "20181002", "--label", "core")
    [cert] = [o for o in objects(token, login=False) if o.get("label") == "core"]
    assert cert["what"] == "Certificate Object" and cert["ID"] == "20181002"
    token.tool("--read-object", "--type", "cert", "--label", "core", "-o", "out.der", login=False)
    assert (token.folder / "out.der").read_bytes() == der
    token.part.stop()
    token.part.start()                       # it stays
    token.tool("--read-object", "--type", "cert", "--id", "20181002", "-o", "again.der", login=False)
    assert (token.folder / "again.der").read_bytes() == der


def test_what_is_no_certificate_is_refused(token):
    run(token, """
        s = m.start(flags=6)
        for value in (b"", b"hello", bytes.fromhex("30820400") + bytes(1000), bytes(9000)):
            fails({b"": "CKR_TEMPLATE_INCOMPLETE"}.get(value, "CKR_ATTRIBUTE_VALUE_INVALID"), m.create, s,
                  [(c.CLASS, 1), (0x80, 0), (c.VALUE, value), (c.TOKEN, b"\\1")])
        fails("CKR_TEMPLATE_INCOMPLETE", m.create, s, [(c.LABEL, b"x")])
        fails("CKR_ATTRIBUTE_VALUE_INVALID", m.create, s, [(c.CLASS, 77)])
        fails("CKR_ATTRIBUTE_TYPE_INVALID", m.create, s, [(c.CLASS, 0), (c.VALUE, b"x"), (0x80001234, b"x")])
        fails("CKR_ATTRIBUTE_READ_ONLY", m.create, s, [(c.CLASS, 0), (c.VALUE, b"x"), (4, b"unique")])
        ro = m.open()
        fails("CKR_SESSION_READ_ONLY", m.create, ro, [(c.CLASS, 0), (c.VALUE, b"x"), (c.TOKEN, b"\\1")])
    """)


def test_data_objects(token):
    blob = os.urandom(3000)
    token.tool("-w", write(token, "blob", blob), "--type", "data", "--label", "notes", "--application-label", "app")
    token.tool("--read-object", "--type", "data", "--label", "notes", "-o", "out")
    assert (token.folder / "out").read_bytes() == blob
    assert any(o.get("application") == "'app'" and o["what"].startswith("Data object") for o in objects(token))
    token.tool("--delete-object", "--type", "data", "--label", "notes")
    assert not any("notes" in o.get("label", "") for o in objects(token))


def test_a_full_chip_says_so_and_stays_usable(token):
    """5: CKR_DEVICE_MEMORY."""
    out = run(token, """
        s = m.start(flags=6)
        n = 0
        while True:
            rv_ = m.C_CreateObject(s, c.template([(c.CLASS, 0), (c.TOKEN, b"\\1"), (c.VALUE, b"x" * 8000), (c.LABEL, b"f%d" % n)]),
                                   4, ct.byref(UL()))
            if rv_:
                break
            n += 1
        assert c.rv_name(rv_) == "CKR_DEVICE_MEMORY", c.rv_name(rv_)
        assert len(m.find(s, [(c.CLASS, 0)])) == n
        [one] = m.find(s, [(c.CLASS, 0), (c.LABEL, b"f0")])
        m.check("C_DestroyObject", s, one)
        m.create(s, [(c.CLASS, 0), (c.TOKEN, b"\\1"), (c.VALUE, b"y"), (c.LABEL, b"fits")])
        print(n)
    """)
    assert int(out) >= 3
    labels = [o.get("label") for o in objects(token)]
    assert "'fits'" in labels and "'f0'" not in labels


def test_a_certificate_without_a_name_goes_by_the_id_of_its_key(token):
    """10, Public Certificates Token: the factory's, and one that ssscli put there."""
    token.ssscli("set", "cert", "0x20181099", write(token, "c.der", certificate(token.ec)), "--format", "DER")
    certs = {o["label"]: o["ID"] for o in objects(token, login=False) if o["what"] == "Certificate Object"}
    assert certs["sss:20181099"] == f"{EC_ID:08x}"
    assert certs["sss:F0000001"] == "f0000000" and certs["sss:F0000013"] == "f0000012"
    token.tool("--read-object", "--type", "cert", "--id", f"{EC_ID:08x}", "-o", "out.der", login=False)
    assert (token.folder / "out.der").read_bytes() == (token.folder / "c.der").read_bytes()
    run(token, "s = m.start(flags=6); m.set(s, m.key(s, EC), [(c.ID, b'renamed')])")
    assert {o.get("label"): o.get("ID") for o in objects(token)}["sss:20181099"] == b"renamed".hex()


# ---- keys brought in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make,mechanism", [
    (lambda: ec.generate_private_key(ec.SECP256R1()), "ECDSA-SHA256"),
    (lambda: ec.generate_private_key(ec.SECP521R1()), "ECDSA-SHA512"),
    (lambda: rsa.generate_private_key(65537, 2048), "SHA256-RSA-PKCS"),
], ids=["p256", "p521", "rsa"])
def test_an_imported_private_key_signs_under_its_name(token, make, mechanism):
    key = make()
    token.tool("-w", write(token, "k.der", private_der(key)), "--type", "privkey", "--id", "0badcafe11", "--label", "mine")
    (token.folder / "k.der").unlink()
    write(token, "in", b"hello")
    sign = ("--sign", "-m", mechanism, "--id", "0badcafe11", "-i", "in", "-o", "sig")
    token.tool(*sign, *(("--signature-format", "openssl") if mechanism.startswith("EC") else ()))
    write(token, "pub.der", public_der(key))
    digest = "-sha512" if "512" in mechanism else "-sha256"
    token.run("openssl", "dgst", digest, "-verify", "pub.der", "-keyform", "DER", "-signature", "sig", "in")
    both = [o for o in objects(token) if o.get("ID") == "0badcafe11"]
    assert sorted(o["what"] for o in both) == ["Private Key Object", "Public Key Object"]
    assert all(o["label"] == "mine" for o in both)
    assert "local" not in both[0].get("Access", "") and "always sensitive" not in both[0].get("Access", "")


def test_public_keys_and_secrets_come_in(token):
    other = ec.generate_private_key(ec.SECP256R1())
    token.tool("-w", write(token, "p.der", public_der(other)), "--type", "pubkey", "--id", "77", "--label", "theirs")
    token.tool("--read-object", "--type", "pubkey", "--label", "theirs", "-o", "out.der", login=False)
    assert (token.folder / "out.der").read_bytes() == public_der(other)
    run(token, """
        s = m.start(flags=6)
        aes = m.create(s, [(c.CLASS, 4), (c.KEY_TYPE, 0x1F), (c.VALUE, bytes(range(16))), (c.TOKEN, b"\\1"), (c.LABEL, b"aes")])
        generic = m.create(s, [(c.CLASS, 4), (c.KEY_TYPE, 0x10), (c.VALUE, b"k" * 40), (c.TOKEN, b"\\1"), (c.ID, b"hmac")])
        for h, bits in ((aes, 16), (generic, 40)):
            assert int.from_bytes(m.attribute(s, h, 0x161), "little") == bits
            fails("CKR_ATTRIBUTE_SENSITIVE", m.attribute, s, h, c.VALUE)
            assert m.attribute(s, h, 0x103) == b"\\1" and m.attribute(s, h, 0x162) == b"\\0"
        for n in (15, 33):
            fails("CKR_ATTRIBUTE_VALUE_INVALID", m.create, s, [(c.CLASS, 4), (c.KEY_TYPE, 0x1F), (c.VALUE, bytes(n)), (c.TOKEN, b"\\1")])
    """)
    assert {"aes"} <= {o.get("label") for o in objects(token)}


# ---- keys made in the chip -------------------------------------------------------------------------------------------


def test_every_curve_is_generated(token):
    """Weierstrass, Edwards and Montgomery, by OID; the public point is of the right length and kind."""
    run(token, """
        curves = {"06082a8648ce3d030107": 67, "06052b81040022": 99, "06052b81040023": 136, "06052b8104000a": 67,
                  "06092b2403030208010107": 67, "06092b240303020801010d": 132}
        s = m.start(flags=6)
        for oid, n in curves.items():
            pub, prv = m.generate(s, 0x1040, [(0x180, bytes.fromhex(oid)), (c.TOKEN, b"\\1")], [(c.TOKEN, b"\\1"), (c.LABEL, oid.encode())])
            assert len(m.attribute(s, pub, c.EC_POINT)) == n, oid
            assert m.attribute(s, prv, c.LABEL) == m.attribute(s, pub, c.LABEL) == oid.encode()
        for mechanism, kind, oid, n in ((0x1055, 0x40, "06032b6570", 34), (0x1056, 0x41, "06032b656e", 34), (0x1056, 0x41, "06032b656f", 58)):
            pub, prv = m.generate(s, mechanism, [(0x180, bytes.fromhex(oid)), (c.TOKEN, b"\\1")], [(c.TOKEN, b"\\1"), (c.LABEL, oid.encode())])
            assert len(m.attribute(s, pub, c.EC_POINT)) == n
            assert int.from_bytes(m.attribute(s, prv, c.KEY_TYPE), "little") == kind
        fails("CKR_CURVE_NOT_SUPPORTED", m.generate, s, 0x1040, [(0x180, bytes.fromhex("06032b6501"))], [])
        fails("CKR_TEMPLATE_INCONSISTENT", m.generate, s, 0x1040, [(0x180, bytes.fromhex("06032b6570"))], [])
        fails("CKR_TEMPLATE_INCOMPLETE", m.generate, s, 0x1040, [], [])
    """)


def test_usage_is_what_the_template_left(token):
    run(token, """
        s = m.start(flags=6)
        p256 = (0x180, bytes.fromhex("06082a8648ce3d030107"))
        pub, prv = m.generate(s, 0x1040, [p256], [(c.LABEL, b"agree"), (0x108, b"\\0")])
        assert m.attribute(s, prv, 0x108) == b"\\0" and m.attribute(s, prv, 0x10C) == b"\\1"
        fails("CKR_KEY_FUNCTION_NOT_PERMITTED", m.sign_init, s, c.ECDSA, prv)
        m.C_Finalize(None)
        s = m.start()                                     # remembered in the chip
        fails("CKR_KEY_FUNCTION_NOT_PERMITTED", m.sign_init, s, c.ECDSA, m.key(s, "agree"))
    """)


def test_generated_secrets_and_session_objects(token):
    """6: a session object dies with its session, and is seen by all sessions of the program meanwhile."""
    run(token, """
        s, t = m.start(flags=6), m.open(flags=6)
        key = UL()
        gen = lambda h, mech, pairs: m.check("C_GenerateKey", h, ct.byref(c.Mechanism(mech, None, 0)), c.template(pairs), len(pairs), ct.byref(key)) or UL(key.value)
        aes = gen(s, 0x1080, [(0x161, 32), (c.TOKEN, b"\\1"), (c.LABEL, b"made")])
        soft = gen(t, 0x1080, [(0x161, 16), (0x103, b"\\0"), (0x162, b"\\1")])
        assert len(m.attribute(s, soft, c.VALUE)) == 16
        fails("CKR_ATTRIBUTE_SENSITIVE", m.attribute, s, aes, c.VALUE)
        data = m.create(t, [(c.CLASS, 0), (c.VALUE, b"mine"), (c.LABEL, b"scratch")])
        assert len(m.find(s, [(c.LABEL, b"scratch")])) == 1
        copy = UL()
        m.check("C_CopyObject", s, data, c.template([(c.TOKEN, b"\\1"), (c.LABEL, b"kept")]), 2, ct.byref(copy))
        m.check("C_CloseSession", t)
        assert m.find(s, [(c.LABEL, b"scratch")]) == []
        fails("CKR_OBJECT_HANDLE_INVALID", m.attribute, s, soft, c.VALUE)
        rv("CKR_ACTION_PROHIBITED", m.C_CopyObject(s, aes, None, 0, ct.byref(copy)))
        m.C_Finalize(None)
        s = m.start()
        [kept] = m.find(s, [(c.CLASS, 0), (c.LABEL, b"kept")])
        assert m.attribute(s, kept, c.VALUE) == b"mine"
        assert len(m.find(s, [(c.CLASS, 4), (c.LABEL, b"made")])) == 1
    """)


# ---- names -----------------------------------------------------------------------------------------------------------


def test_names_are_kept_in_the_chip_and_the_id_always_works(token):
    """A key named with SetAttributeValue: another program on the same chip sees it; `sss:` still finds it."""
    run(token, """
        s = m.start(flags=6)
        prv = m.key(s, EC)
        m.set(s, prv, [(c.LABEL, b"identity"), (c.ID, b"\\xb1")])
        pub = m.key(s, "identity", private=False)
        assert m.attribute(s, pub, c.ID) == b"\\xb1"
        assert m.key(s, EC).value == prv.value and m.key(s, "identity").value == prv.value
        rv("CKR_ATTRIBUTE_READ_ONLY", m.C_SetAttributeValue(s, prv, c.template([(c.TOKEN, b"\\0")]), 1))
        rv("CKR_ATTRIBUTE_TYPE_INVALID", m.C_SetAttributeValue(s, prv, c.template([(0x80001234, b"")]), 1))
        ro = m.open()
        rv("CKR_SESSION_READ_ONLY", m.C_SetAttributeValue(ro, prv, c.template([(c.LABEL, b"x")]), 1))
    """)
    token.part.stop()
    token.part.start()
    assert [o["what"] for o in objects(token) if o.get("ID") == "b1" and o["label"] == "identity"] != []
    token.run("openssl", "req", "-new", "-engine", "pkcs11", "-keyform", "engine", "-key",
              "pkcs11:object=identity;type=private", "-subj", "/CN=x", "-out", "csr", env={"PKCS11_MODULE_PATH": str(MODULE)})
    token.run("openssl", "req", "-new", "-engine", "pkcs11", "-keyform", "engine", "-key",
              "pkcs11:id=%b1;type=private", "-subj", "/CN=x", "-out", "csr", env={"PKCS11_MODULE_PATH": str(MODULE)})


def test_a_key_that_ssscli_deletes_takes_its_name_along(token):
    run(token, "s = m.start(flags=6); m.set(s, m.key(s, EC), [(c.LABEL, b'identity')])")
    token.ssscli("erase", f"0x{EC_ID:08x}")
    assert not any("identity" in o.get("label", "") for o in objects(token))
    token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "other")   # tidies the directory
    token.put(token.ec, EC_ID)
    assert not any("identity" in o.get("label", "") for o in objects(token))


def test_two_programs_name_objects_at_once(token):
    """Each rewrites the directory; nothing gets lost."""
    program = """
        s = m.start(flags=6)
        for i in range(8):
            m.create(s, [(c.CLASS, 0), (c.TOKEN, b"\\1"), (c.VALUE, b"x"), (c.LABEL, b"%s-%%d" %% i)])
        m.C_Finalize(None)
    """
    from test_pkcs11_calls import program as python
    both = [subprocess.Popen(python(program % who), env={**os.environ, **token.env}) for who in ("a", "b")]
    assert [p.wait(60) for p in both] == [0, 0]
    labels = {o.get("label", "") for o in objects(token)}
    assert labels >= {f"'{who}-{i}'" for who in "ab" for i in range(8)}


def test_profiles(token):
    """10: the four profiles of the standard, to everybody."""
    out = run(token, """
        m.check("C_Initialize", None)
        s = m.open()
        for h in m.find(s, [(c.CLASS, 9)]):
            print(int.from_bytes(m.attribute(s, h, 0x601), "little"), m.attribute(s, h, c.TOKEN), m.attribute(s, h, 2))
    """)
    assert sorted(out.split("\n"))[1:] == [f"{n} b'\\x01' b'\\x00'" for n in (1, 2, 3, 4)]


# ---- power cuts ------------------------------------------------------------------------------------------------------


# ---- origin ----------------------------------------------------------------------------------------------------------


def test_only_what_the_chip_attests_is_called_made_inside(token):
    """5: LOCAL, ALWAYS_SENSITIVE and NEVER_EXTRACTABLE of a generated key are true, of an imported one and of a secret false; asked
    once, then remembered."""
    run(token, """
        s = m.start(flags=6)
        pub, made = m.generate(s, 0x1040, [(0x180, bytes.fromhex("06082a8648ce3d030107"))], [(c.LABEL, b"made")])
        aes = m.create(s, [(c.CLASS, 4), (c.KEY_TYPE, 0x1F), (c.VALUE, bytes(16)), (c.TOKEN, b"\\1")])
        for h, want in ((made, b"\\1"), (m.key(s, EC), b"\\0"), (aes, b"\\0")):
            assert [m.attribute(s, h, k) for k in (0x163, 0x165, 0x164)] == 3 * [want]
        assert int.from_bytes(m.attribute(s, made, 0x166), "little") == 0x1040
        assert m.attribute(s, m.key(s, EC), 0x166) == b"\\xff" * 8
    """)
    before = token.part.private_ops()
    run(token, """
        s = m.start()
        for _ in range(5):
            assert m.attribute(s, m.key(s, "made"), 0x163) == b"\\1"
    """)
    assert token.part.private_ops() <= before + 1
