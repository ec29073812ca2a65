"""libsss_pkcs11.so under programs that know nothing of it: OpenSC, p11-kit, GnuTLS, OpenSSH, OpenSSL's engine.

Signatures are checked by OpenSSL's command and by python-cryptography, never by the module itself alone.
"""

import re
import subprocess

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from conftest import free_port, wait_for
from cryptoki import der_of, label_of
from p11_walk import EC_ID, FACTORY_CERTIFICATES, FACTORY_KEYS, MODULE, PIN, RSA_ID, all_engines, keys, token  # noqa: F401 (fixtures)

URI = "pkcs11:object=sss:{:x};type=private;pin-value=1234"


# ---- what is there ---------------------------------------------------------------------------------------------------


def test_slot_and_token_as_the_walk_names_them(token):
    out = token.tool("-L", login=False).stdout.decode()
    assert re.search(r"Slot 0 \(0x1\)", out)
    assert re.search(r"token label\s+: SSS_PKCS11\n", out)
    assert "rng" in out and "token initialized" in out
    assert "login required" not in out and "PIN initialized" not in out  # no PIN in the chip: test_pkcs11_pin.py
    uid = token.ssscli("se05x", "uid").stdout.decode()
    serial = re.search(r"serial num\s+: (\S+)", out).group(1)
    assert len(serial) == 16 and serial in re.sub(r"[^0-9a-f]", "", uid.lower())


def test_mechanisms(token):
    out = token.tool("-M", login=False).stdout.decode()
    for name in ("RSA-PKCS,", "RSA-PKCS-PSS,", "RSA-X-509,", "SHA256-RSA-PKCS,", "ECDSA,", "ECDSA-SHA256,", "SHA256,"):
        assert f"\n  {name}" in out


def test_each_pair_shows_a_private_and_a_public_key(token):
    out = token.tool("-O").stdout.decode()
    assert sorted(label_of(out)) == sorted(2 * [RSA_ID, EC_ID, *FACTORY_KEYS] + FACTORY_CERTIFICATES)
    pairs = 2 + len(FACTORY_KEYS)
    assert len(re.findall(r"^Private Key Object; (?:RSA|EC)", out, re.M)) == pairs
    assert len(re.findall(r"^Public Key Object; (?:RSA 2048 bits|EC  EC_POINT 256 bits)", out, re.M)) == pairs
    assert re.findall(r"^  ID:\s+(\w+)", out, re.M).count("20181001") == 2
    assert "error" not in token.tool("-O").stderr.decode().lower()  # no attribute is refused


def test_private_keys_are_not_seen_without_login(token):
    token.set_pins()
    out = token.tool("-O", login=False).stdout.decode()
    assert "Private Key" not in out
    assert sorted(label_of(out)) == sorted([RSA_ID, EC_ID, *FACTORY_KEYS, *FACTORY_CERTIFICATES])


def test_the_label_may_be_written_as_nxps_tools_write_it(token):
    for label in ("sss:20181001", "sss:0x20181001", "SSS:0X20181001"):
        out = token.tool("--read-object", "--type", "pubkey", "--label", label, "-o", "out.der")
        assert out.returncode == 0
        token.run("openssl", "rsa", "-pubin", "-inform", "DER", "-in", "out.der", "-noout")
    assert token.tool("--read-object", "--type", "pubkey", "--label", "sss:20181003", "-o", "x", ok=False).returncode


def test_wrong_pin_is_told_and_ends_the_program(token):
    token.set_pins()
    p = token.run("pkcs11-tool", "--module", MODULE, "--login", "--pin", "9999", "-O", ok=False)
    assert p.returncode != 0 and b"CKR_PIN_INCORRECT" in p.stderr
    token.tool("-O")


def test_no_chip_is_an_empty_slot(token):
    token.part.stop()
    p = token.tool("-L", login=False)
    assert b"(empty)" in p.stdout
    p = token.tool("-O", ok=False)
    assert p.returncode != 0 and b"No slot with a token" in p.stderr


def test_p11_kit_lists_the_token(token):
    conf = token.folder / "modules"
    conf.mkdir()
    out = token.run("p11tool", "--provider", MODULE, "--list-tokens").stdout.decode()
    assert "pkcs11:model=SE05x;manufacturer=Sedge;serial=" in out and "token=SSS_PKCS11" in out
    out = token.run("p11tool", "--provider", MODULE, "--login", "--set-pin", PIN, "--list-all",
                    "pkcs11:token=SSS_PKCS11").stdout.decode()
    assert out.count("Private key (RSA-2048)") == 1
    assert out.count("Private key (EC/ECDSA-SECP256R1)") == 1 + len(FACTORY_KEYS)


@pytest.mark.parametrize("number", [RSA_ID, EC_ID])
def test_gnutls_signs(token, number):
    p = token.run("p11tool", "--provider", MODULE, "--login", "--set-pin", PIN, "--test-sign",
                  f"pkcs11:token=SSS_PKCS11;object=sss:{number:08X};type=private")
    assert p.stderr.count(b"... ok") == 3  # sign, check with the private key's parameters, check with the token's public key


def test_openssh_reads_the_public_keys(token):
    out = token.run("ssh-keygen", "-D", MODULE).stdout.decode()
    assert "ssh-rsa " in out and "ecdsa-sha2-nistp256 " in out


# ---- signatures ------------------------------------------------------------------------------------------------------

PSS = {"SHA1-RSA-PKCS-PSS": hashes.SHA1, "SHA224-RSA-PKCS-PSS": hashes.SHA224, "SHA256-RSA-PKCS-PSS": hashes.SHA256,
       "SHA384-RSA-PKCS-PSS": hashes.SHA384, "SHA512-RSA-PKCS-PSS": hashes.SHA512}
PKCS1 = {"SHA1-RSA-PKCS": hashes.SHA1, "SHA224-RSA-PKCS": hashes.SHA224, "SHA256-RSA-PKCS": hashes.SHA256,
         "SHA384-RSA-PKCS": hashes.SHA384, "SHA512-RSA-PKCS": hashes.SHA512}
ECDSA = {"ECDSA-SHA1": hashes.SHA1, "ECDSA-SHA256": hashes.SHA256, "ECDSA-SHA384": hashes.SHA384}


def signature(token, mechanism, number, data, *more, **kw):
    (token.folder / "in").write_bytes(data)
    token.tool("--sign", "-m", mechanism, "--id", f"{number:x}", "-i", "in", "-o", "sig", *more, **kw)
    return (token.folder / "sig").read_bytes()


def check_all(token, **kw):
    """Every signature mechanism once. One message is longer than pkcs11-tool's buffer: SignUpdate and SignFinal."""
    from cryptography.hazmat.primitives.asymmetric import ec
    for i, message in enumerate((b"hello", bytes(range(256)) * 40)):
        for name, hash_ in list(PKCS1.items())[i:]:
            sig = signature(token, name, RSA_ID, message, **kw)
            token.rsa.public_key().verify(sig, message, padding.PKCS1v15(), hash_())
        for name, hash_ in list(PSS.items())[2 * i:3 + i]:
            sig = signature(token, name, RSA_ID, message, **kw)
            token.rsa.public_key().verify(sig, message, padding.PSS(padding.MGF1(hash_()), hash_.digest_size), hash_())
        for name, hash_ in ECDSA.items():
            sig = signature(token, name, EC_ID, message, **kw)
            assert len(sig) == 64
            token.ec.public_key().verify(der_of(sig), message, ec.ECDSA(hash_()))


def test_every_signature_is_accepted_by_foreign_code(token):
    check_all(token)


def test_digests_signed_as_given(token):
    """RSA_PKCS_PSS and ECDSA of a digest, RSA_PKCS of a DigestInfo: what TLS libraries ask for."""
    (token.folder / "digest").write_bytes(bytes(range(32)))
    token.tool("--sign", "-m", "RSA-PKCS-PSS", "--hash-algorithm", "SHA256", "--id", "20181001", "-i", "digest", "-o", "sig")
    token.run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", token.rsa_pub, "-pkeyopt", "rsa_padding_mode:pss",
              "-pkeyopt", "digest:sha256", "-pkeyopt", "rsa_pss_saltlen:32", "-sigfile", "sig", "-in", "digest")
    info = bytes.fromhex("3031300d060960864801650304020105000420") + bytes(range(32))
    (token.folder / "sig").write_bytes(signature(token, "RSA-PKCS", RSA_ID, info))
    token.run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", token.rsa_pub, "-pkeyopt", "digest:sha256",
              "-sigfile", "sig", "-in", "digest")
    (token.folder / "sig").write_bytes(der_of(signature(token, "ECDSA", EC_ID, bytes(range(32)))))
    token.run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", token.ec_pub, "-sigfile", "sig", "-in", "digest")


def test_decrypt_what_openssl_encrypted(token):
    (token.folder / "plain").write_bytes(b"a secret resource")
    token.run("openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey", token.rsa_pub, "-in", "plain", "-out", "cipher")
    token.tool("--decrypt", "-m", "RSA-PKCS", "--id", "20181001", "-i", "cipher", "-o", "again")
    assert (token.folder / "again").read_bytes() == b"a secret resource"


def test_opensc_own_tests_pass(token):
    p = token.tool("--test")
    assert b"No errors" in p.stdout and b"ERR" not in p.stdout


def test_keys_made_in_the_chip_sign(token):
    out = token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "sss:20181010").stdout.decode()
    assert label_of(out) == [0x20181010] * 2
    token.tool("--keypairgen", "--key-type", "EC:secp384r1", "--id", "20181011")
    token.tool("--keypairgen", "--key-type", "rsa:1024", "--label", "iotkey")  # the last bytes of its SHA-512
    for number, mechanism in ((0x20181010, "ECDSA-SHA256"), (0x20181011, "ECDSA-SHA384"), (0xC702DBC7, "SHA256-RSA-PKCS")):
        # (pkcs11-tool 0.23 cannot export P-384 keys, of SoftHSM2's token neither)
        token.run("p11tool", "--provider", MODULE, "--login", "--set-pin", PIN, "--export-pubkey",
                  f"pkcs11:token=SSS_PKCS11;object=sss:{number:08X}", "--outfile", "pub.pem")
        sig = signature(token, mechanism, number, b"hello")
        (token.folder / "sig").write_bytes(sig if "RSA" in mechanism else der_of(sig))
        token.run("openssl", "dgst", f"-sha{mechanism.split('SHA')[1][:3]}", "-verify", "pub.pem",
                  "-signature", "sig", data=b"hello")
    p = token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", "20181001", ok=False)
    assert p.returncode != 0  # an id in use is not overwritten
    token.tool("--delete-object", "--type", "privkey", "--id", "20181010")
    assert 0x20181010 not in label_of(token.tool("-O").stdout.decode())


# ---- OpenSSL's engine ------------------------------------------------------------------------------------------------


def request(token, number, env=None):
    """A certificate request signed in the chip."""
    token.run("openssl", "req", "-new", "-engine", "pkcs11", "-keyform", "engine", "-key", URI.format(number),
              "-subj", "/CN=core", "-out", "csr", env={"PKCS11_MODULE_PATH": str(MODULE), **(env or {})})
    token.run("openssl", "req", "-in", "csr", "-verify", "-noout")
    want = (token.rsa_pub if number == RSA_ID else token.ec_pub).read_bytes()
    assert token.run("openssl", "req", "-in", "csr", "-pubkey", "-noout").stdout == want
    return (token.folder / "csr").read_bytes()


@pytest.mark.parametrize("number", [RSA_ID, EC_ID])
def test_engine_makes_a_request(token, number):
    request(token, number)


def test_engine_with_a_wrong_pin_fails_and_does_not_ask(token):
    token.set_pins()
    p = token.run("openssl", "req", "-new", "-engine", "pkcs11", "-keyform", "engine", "-key", URI.format(RSA_ID).replace("1234", "4321"),
                  "-subj", "/CN=core", "-out", "csr", ok=False, env={"PKCS11_MODULE_PATH": str(MODULE)})
    assert p.returncode != 0 and b"Login failed" in p.stderr


def test_everything_works_below_an_engine_that_is_default_for_all(token):
    """The module's own OpenSSL calls must not come back into the module; every mechanism, signing and verifying."""
    env = all_engines(token.folder)
    check_all(token, env=env)
    for number, mechanism in ((RSA_ID, "SHA256-RSA-PKCS"), (RSA_ID, "SHA384-RSA-PKCS-PSS"), (RSA_ID, "RSA-X-509"),
                              (EC_ID, "ECDSA-SHA256")):
        signature(token, mechanism, number, b"hello", env=env)
        p = token.tool("--verify", "-m", mechanism, "--id", f"{number:x}", "-i", "in", "--signature-file", "sig", env=env)
        assert b"Signature is valid" in p.stdout
    for number in (RSA_ID, EC_ID):
        request(token, number, env)
        token.run("p11tool", "--provider", MODULE, "--login", "--set-pin", PIN, "--test-sign",
                  f"pkcs11:token=SSS_PKCS11;object=sss:{number:08X};type=private", env=env)


def make_ca(token):
    token.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
              "-subj", "/CN=localhost", "-days", "2")


def issue(token, number):
    request(token, number)
    token.run("openssl", "x509", "-req", "-in", "csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
              "-out", f"{number:x}.crt", "-days", "2")


def test_tls_client_with_the_chips_keys(token, procs):
    """TLS 1.2 and 1.3, RSA and EC, by s_client and curl; the chip does one private operation per full handshake."""
    make_ca(token)
    for number in (RSA_ID, EC_ID):
        issue(token, number)
    port = free_port()
    server = procs.start("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", "ca.crt", "-key", "ca.key",
                         "-CAfile", "ca.crt", "-Verify", "1", "-verify_return_error", "-www", cwd=token.folder)
    wait_for(lambda: b"ACCEPT" in server.log.read_bytes())
    env = {"PKCS11_MODULE_PATH": str(MODULE)}
    for number in (RSA_ID, EC_ID):
        for version in ("-tls1_2", "-tls1_3"):
            before = token.part.private_ops()
            p = token.run("openssl", "s_client", version, "-connect", f"127.0.0.1:{port}", "-CAfile", "ca.crt", "-cert",
                          f"{number:x}.crt", "-engine", "pkcs11", "-keyform", "engine", "-key", URI.format(number),
                          "-verify_return_error", "-ign_eof", data=b"GET / HTTP/1.0\r\n\r\n", env=env)
            assert b"CN=core" in p.stdout.replace(b" = ", b"=")  # the server's page names the client it saw
            assert token.part.private_ops() - before == 1
        out = token.run("curl", "-sS", "--cacert", "ca.crt", "--resolve", f"localhost:{port}:127.0.0.1", "--engine", "pkcs11",
                        "--key-type", "ENG", "--key", URI.format(number), "--cert", f"{number:x}.crt",
                        f"https://localhost:{port}/", env=env).stdout
        assert b"CN=core" in out.replace(b" = ", b"=")


def test_nothing_is_printed_by_the_module(token):
    """Whatever goes wrong, the terminal is the program's."""
    code = ("import sys; sys.path.insert(0, sys.argv[1]); import cryptoki as c; m = c.Module(sys.argv[2]); m.C_Initialize(None)\n"
            "try: m.open('4321')\nexcept c.CryptokiError: pass\n")
    here = __file__.rsplit("/", 1)[0]
    for gone in (False, True):
        if gone:
            token.part.stop()
        p = token.run("/usr/bin/python3", "-c", code, here, MODULE)
        assert (p.stdout, p.stderr) == (b"", b"")


def test_only_the_three_names_are_visible():
    out = subprocess.run(["nm", "-D", "--defined-only", str(MODULE)], capture_output=True, text=True, check=True).stdout
    assert sorted(line.split()[-1] for line in out.splitlines()) == ["C_GetFunctionList", "C_GetInterface", "C_GetInterfaceList"]
