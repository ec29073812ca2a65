"""ssscli, the real program, against sedge-chip; what it wrote is checked by a host written apart (chip_client)
and by python-cryptography."""

import hashlib
import os
import re
import signal
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import (BestAvailableEncryption, Encoding, NoEncryption,
                                                          PrivateFormat, PublicFormat)

import chip_client as cc
import exit_memory
from conftest import BIN, LIB, MESON, wait_for

KEY = 0x20181001


@pytest.fixture
def part(procs, tmp_path):
    return cc.Part(procs, BIN / "sedge-chip", tmp_path).start()


class Cli:
    """ssscli with a home of its own."""

    def __init__(self, home, port=None):
        self.home = home
        self.env = {"HOME": str(home)}
        if port:
            self.env["EX_SSS_BOOT_SSS_PORT"] = port

    def argv(self, *args):
        return [str(BIN / "ssscli"), *[str(a) for a in args]]

    def environment(self, env=None):
        base = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
        return {**base, **self.env, **(env or {})}

    def run(self, *args, env=None, cwd=None):
        return subprocess.run(self.argv(*args), env=self.environment(env), cwd=cwd or self.home, capture_output=True,
                              text=True, timeout=60, stdin=subprocess.DEVNULL)

    def ok(self, *args, **kw):
        p = self.run(*args, **kw)
        assert (p.returncode, p.stderr) == (0, ""), (args, p.stdout, p.stderr)
        return p.stdout

    def fails(self, status, *args, **kw):
        p = self.run(*args, **kw)
        assert p.returncode == status, (args, p.stdout, p.stderr)
        return p.stderr

    def start(self, *args, env=None):
        return subprocess.Popen(self.argv(*args), env=self.environment(env), cwd=self.home, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def cli(part, tmp_path):
    """Connected to the part."""
    home = tmp_path / "home"
    home.mkdir()
    c = Cli(home, f"vse:{part.socket}")
    c.ok("connect", "se050", "t1oi2c", "none")
    return c


@pytest.fixture(scope="session")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def pem(key, form=PrivateFormat.TraditionalOpenSSL, encoding=Encoding.PEM):
    return key.private_bytes(encoding, form, NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def object_ids(part):
    with cc.Chip(part.socket) as c:
        return c.all_ids()


def rsa_works(part, oid, public):
    """Sign with the chip (raw private operation over our own padding), verify outside."""
    n = (public.key_size + 7) // 8
    digest = hashlib.sha256(b"text").digest()
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    block = b"\x00\x01" + b"\xff" * (n - 3 - len(info)) + b"\x00" + info
    with cc.Chip(part.socket) as c:
        signature = c.rsa_crypt(oid, 0x0C, block, decrypt=True)
    public.verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())


def ec_works(part, oid, public):
    digest = hashlib.sha256(b"text").digest()
    with cc.Chip(part.socket) as c:
        signature = c.sign(oid, cc.ECDSA_SHA256, digest)
    public.verify(signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


# ---- the session ----


def test_connect_uid_certuid(part, cli):
    with cc.Chip(part.socket) as c:
        uid = c.read(cc.UNIQUE_ID)
    assert len(uid) == 18
    assert cli.ok("se05x", "uid") == f"Unique ID: {uid.hex()}\n"
    want = bytes(uid[i] for i in (2, 3, 8, 9, 10, 11, 12, 13, 14, 15))
    assert cli.ok("se05x", "certuid") == f"Cert UID: {want.hex()}\n"


@pytest.mark.parametrize("command", [("se05x", "uid"), ("erase", "1"), ("set", "bin", "1", "f"), ("se05x", "reset")])
def test_a_command_before_connect_says_so(part, tmp_path, command):
    c = Cli(tmp_path, f"vse:{part.socket}")
    assert "No open session: connect first" in c.fails(1, *command)


def test_disconnect_ends_the_session(cli):
    cli.ok("disconnect")
    assert "connect first" in cli.fails(1, "se05x", "uid")
    cli.ok("disconnect")
    cli.ok("connect", "se05x", "t1oi2c", "none")
    cli.ok("connect", "se05x", "t1oi2c", "none")
    cli.ok("se05x", "uid")


def test_session_file_is_text_and_private(cli):
    path = cli.home / ".local/state/sedge/ssscli-session"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "port = none\n" in path.read_text()
    path.chmod(0o666)
    assert "chmod 600" in cli.fails(1, "se05x", "uid")
    path.chmod(0o600)
    path.write_text("nonsense\n")
    assert "not a session file" in cli.fails(1, "se05x", "uid")


def test_session_file_elsewhere(part, tmp_path):
    c = Cli(tmp_path, f"vse:{part.socket}")
    named = {"SEDGE_SSSCLI_SESSION": str(tmp_path / "deep/er/session")}
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    for env, path in ((named, tmp_path / "deep/er/session"), (state, tmp_path / "state/sedge/ssscli-session")):
        c.ok("connect", "se050", "t1oi2c", "none", env=env)
        assert path.is_file()
        c.ok("se05x", "uid", env=env)
    c.fails(1, "se05x", "uid")


def test_port_from_argument_environment_and_file(part, tmp_path):
    c = Cli(tmp_path)
    c.ok("connect", "se050", "t1oi2c", f"vse:{part.socket}")
    c.ok("se05x", "uid", env={"EX_SSS_BOOT_SSS_PORT": "vse:/nonexistent"})  # the argument wins
    c.ok("connect", "se050", "t1oi2c", f"vse:{part.socket.name}", cwd=part.socket.parent)  # relative
    c.ok("se05x", "uid", cwd="/")
    conf = tmp_path / "se.conf"
    conf.write_text(f"# here\nport = vse:{part.socket}\n")
    c.ok("connect", "se050", "t1oi2c", "none", env={"SEDGE_CONF": str(conf)})
    c.ok("se05x", "uid", env={"SEDGE_CONF": str(conf)})
    conf.write_text("prot = x\n")
    assert f"{conf}:1" in c.fails(1, "se05x", "uid", env={"SEDGE_CONF": str(conf)})


def test_verbose_names_port_and_applet(part, cli):
    p = cli.run("-v", "se05x", "uid")
    assert p.returncode == 0
    assert p.stderr == f"port vse:{part.socket}, applet 3.1.0, features 3fff\n"


# ---- keys ----


@pytest.mark.parametrize("form", ["pkcs1", "pkcs8", "pkcs1.der", "pkcs8.der"])
def test_set_rsa_pair(part, cli, rsa_key, form):
    encoding = Encoding.DER if form.endswith(".der") else Encoding.PEM
    kind = PrivateFormat.PKCS8 if form.startswith("pkcs8") else PrivateFormat.TraditionalOpenSSL
    (cli.home / "k").write_bytes(pem(rsa_key, kind, encoding))
    assert cli.ok("set", "rsa", "pair", "0x20181001", "k") == "Injecting RSA key pair at KeyID = 0x20181001\n"
    with cc.Chip(part.socket) as c:
        assert c.type(KEY) == (cc.RSA_PAIR_CRT, 1)
        assert c.size(KEY) == 256
    rsa_works(part, KEY, rsa_key.public_key())
    cli.ok("get", "rsa", "pair", "20181001", "pub.pem")
    assert (cli.home / "pub.pem").read_bytes() == public_pem(rsa_key)


@pytest.mark.parametrize("bits", [1024, 3072, 4096])
def test_set_rsa_pair_of_other_sizes(part, cli, bits):
    key = rsa.generate_private_key(65537, bits)
    (cli.home / "k").write_bytes(pem(key))
    cli.ok("set", "rsa", "pair", "1", "k")
    rsa_works(part, 1, key.public_key())


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1, ec.SECP224R1, ec.BrainpoolP256R1,
                                   ec.BrainpoolP512R1, ec.SECP256K1])
@pytest.mark.parametrize("form", ["sec1", "pkcs8.der"])
def test_set_ecc_pair(part, cli, curve, form):
    key = ec.generate_private_key(curve())
    data = pem(key) if form == "sec1" else pem(key, PrivateFormat.PKCS8, Encoding.DER)
    (cli.home / "k").write_bytes(data)
    assert cli.ok("set", "ecc", "pair", "0x20181001", "k") == "Injecting ECC key pair at KeyID = 0x20181001\n"
    ec_works(part, KEY, key.public_key())
    cli.ok("get", "ecc", "pair", "0x20181001", "pub.pem")
    assert (cli.home / "pub.pem").read_bytes() == public_pem(key)


def test_openssl_ecparam_file_with_parameters_first(part, cli):
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-out", str(cli.home / "k")], check=True)
    assert (cli.home / "k").read_text().startswith("-----BEGIN EC PARAMETERS")
    cli.ok("set", "ecc", "pair", "1", "k")
    ec_works(part, 1, serialization.load_pem_private_key((cli.home / "k").read_bytes(), None).public_key())


def test_a_key_is_replaced_by_one_of_its_kind_only(part, cli, rsa_key):
    first, second = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    for name, key in (("a", first), ("b", second), ("c", ec.generate_private_key(ec.BrainpoolP256R1())), ("r", rsa_key)):
        (cli.home / name).write_bytes(pem(key))
    cli.ok("set", "ecc", "pair", "1", "a")
    cli.ok("set", "ecc", "pair", "1", "b")
    for kind, name in (("ecc", "c"), ("rsa", "r")):
        assert "erase it first" in cli.fails(1, "set", kind, "pair", "1", name)
    ec_works(part, 1, second.public_key())
    cli.ok("erase", "1")
    cli.ok("set", "rsa", "pair", "1", "r")
    rsa_works(part, 1, rsa_key.public_key())


def test_public_keys(part, cli, rsa_key):
    key = ec.generate_private_key(ec.SECP256R1())
    (cli.home / "e").write_bytes(public_pem(key))
    (cli.home / "r").write_bytes(public_pem(rsa_key))
    (cli.home / "p").write_bytes(pem(key))
    cli.ok("set", "ecc", "pub", "1", "e")
    cli.ok("set", "rsa", "pub", "2", "r")
    cli.ok("set", "ecc", "pub", "3", "p")  # the public part of a private key
    with cc.Chip(part.socket) as c:
        assert [c.type(i)[0] for i in (1, 2, 3)] == [3, 8, 3]
    for oid, kind, want in ((1, "ecc", public_pem(key)), (2, "rsa", public_pem(rsa_key)), (3, "ecc", public_pem(key))):
        cli.ok("get", kind, "pub", oid, "out")
        assert (cli.home / "out").read_bytes() == want
    cli.ok("get", "ecc", "pub", "1", "out", "--format", "DER")
    assert (cli.home / "out").read_bytes() == key.public_key().public_bytes(Encoding.DER,
                                                                           PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("curve", ["NIST_P256", "NIST_P384", "Brainpool256", "Secp256k1"])
def test_generate_ecc(part, cli, curve):
    cli.ok("generate", "ecc", "0x20181001", curve)
    cli.ok("generate", "pub", "0x20181001", "pub.pem")
    ec_works(part, KEY, serialization.load_pem_public_key((cli.home / "pub.pem").read_bytes()))


def test_generate_rsa(part, cli):
    cli.ok("generate", "rsa", "0x20181001", "1024")
    cli.ok("generate", "pub", "0x20181001", "pub.pem")
    public = serialization.load_pem_public_key((cli.home / "pub.pem").read_bytes())
    assert public.key_size == 1024
    rsa_works(part, KEY, public)


@pytest.mark.parametrize("size", [1, 499, 500, 501, 5000, 32767])
def test_files(part, cli, rng, size):
    data = rng.randbytes(size)
    (cli.home / "f").write_bytes(data)
    cli.ok("set", "bin", "0x300", "f")
    cli.ok("get", "bin", "0x300", "g")
    assert (cli.home / "g").read_bytes() == data


def test_certificates_are_kept_as_der(part, cli, rsa_key):
    subprocess.run(["openssl", "req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=x", "-out",
                    str(cli.home / "c.pem")], input=pem(rsa_key), check=True)
    cert = x509.load_pem_x509_certificate((cli.home / "c.pem").read_bytes())
    cli.ok("set", "cert", "0x301", "c.pem")
    with cc.Chip(part.socket) as c:
        assert c.size(0x301) == len(cert.public_bytes(Encoding.DER))
    cli.ok("get", "cert", "0x301", "out.pem")
    assert (cli.home / "out.pem").read_bytes() == cert.public_bytes(Encoding.PEM)
    cli.ok("get", "cert", "--format=DER", "0x301", "out.der")
    assert (cli.home / "out.der").read_bytes() == cert.public_bytes(Encoding.DER)
    cli.ok("set", "cert", "0x302", "out.der")
    (cli.home / "f").write_bytes(b"not one")
    assert "not a usable certificate" in cli.fails(1, "set", "cert", "0x303", "f")
    cli.ok("set", "bin", "0x304", "f")
    assert "does not hold a certificate" in cli.fails(1, "get", "cert", "0x304", "out")


# ---- the chip as a whole ----


def test_readidlist(part, cli, rsa_key):
    (cli.home / "r").write_bytes(pem(rsa_key))
    (cli.home / "f").write_bytes(b"12345")
    cli.ok("set", "rsa", "pair", "0x20181001", "r")
    cli.ok("generate", "ecc", "0x20181002", "NIST_P521")
    cli.ok("generate", "ecc", "0x20181003", "Brainpool384")
    cli.ok("set", "bin", "0x300", "f")
    lines = cli.ok("se05x", "readidlist").splitlines()
    # "Key-Id: 0X", the id to 10, the type to 17, the part to 15
    assert "Key-Id: 0X20181001  RSA_CRT          (Key Pair)     Size(Bits): 2048" in lines
    assert "Key-Id: 0X20181002  NIST-P           (Key Pair)     Size(Bits): 521" in lines
    assert "Key-Id: 0X20181003  EC_BRAINPOOL     (Key Pair)     Size(Bits): 384" in lines
    assert "Key-Id: 0X300       BINARY                          Size(Bits): 40" in lines
    assert len(lines) == len(object_ids(part))


def test_reset_erases_all_but_reserved(part, cli):
    before = set(object_ids(part))
    (cli.home / "f").write_bytes(b"x")
    for oid in (0x20181001, 0x7BFFFFFF, 0x7DA00001, 0x7DA10000, 0xEF000001, 0xF0000000 - 1, 4, 3):
        cli.ok("set", "bin", f"{oid:x}", "f")
    assert cli.ok("se05x", "reset") == "Reset done, 6 objects erased\n"
    assert set(object_ids(part)) == before | {0x7DA00001, 3}
    assert cli.ok("se05x", "reset") == "Reset done, 0 objects erased\n"


def test_reset_of_many_objects(part, cli):
    with cc.Chip(part.socket) as c:
        before = set(c.all_ids())
        for oid in range(0x1000, 0x1000 + 400):
            c.write_binary(oid, b"x", size=1)
    assert cli.ok("se05x", "reset") == "Reset done, 400 objects erased\n"
    assert set(object_ids(part)) == before


def test_erase(part, cli):
    cli.ok("generate", "ecc", "5", "NIST_P256")
    assert cli.ok("erase", "0x5") == "Erased KeyID = 0x00000005\n"
    assert "there is no object 0x00000005" in cli.fails(1, "erase", "5")


def test_what_cannot_be_read(part, cli):
    (cli.home / "f").write_bytes(b"x")
    cli.ok("set", "bin", "1", "f")
    cli.ok("generate", "ecc", "2", "NIST_P256")
    assert "not an EC key" in cli.fails(1, "get", "ecc", "pub", "1", "out")
    assert "not an RSA key" in cli.fails(1, "get", "rsa", "pub", "2", "out")
    assert "not a file" in cli.fails(1, "get", "bin", "2", "out")
    assert "00000003" in cli.fails(1, "get", "ecc", "pub", "3", "out")
    assert "cannot write /nonexistent/out" in cli.fails(1, "get", "ecc", "pub", "2", "/nonexistent/out")
    assert not (cli.home / "out").exists()


# ---- bad key files ----


def encrypted(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


BAD_FILES = {
    "empty": lambda k: b"",
    "text": lambda k: b"hello\n",
    "cut": lambda k: pem(k)[: len(pem(k)) // 2],
    "damaged": lambda k: pem(k).replace(b"MII", b"MIJ", 1),
    "cut DER": lambda k: pem(k, encoding=Encoding.DER)[:-1],
    "more behind the DER": lambda k: pem(k, encoding=Encoding.DER) + b"\0",
    "only public": public_pem,
    "encrypted": encrypted,
    "too large": lambda k: pem(k) + b"\n" * 70000,
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_key_file(part, cli, rsa_key, kind):
    (cli.home / "bad").write_bytes(BAD_FILES[kind](rsa_key))
    before = object_ids(part)
    message = cli.fails(1, "set", "rsa", "pair", "0x20181001", "bad")
    assert message.startswith("Error: ") and "bad" in message
    assert object_ids(part) == before


def test_no_such_file_wrong_kind_wrong_curve(part, cli, rsa_key):
    before = object_ids(part)
    assert "cannot read nothing: " in cli.fails(1, "set", "rsa", "pair", "1", "nothing")
    (cli.home / "r").write_bytes(pem(rsa_key))
    (cli.home / "e").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    (cli.home / "s").write_bytes(pem(ec.generate_private_key(ec.SECT283K1())))
    (cli.home / "o").write_bytes(pem(rsa.generate_private_key(65537, 2040)))
    assert "this is not an EC key; use `ssscli set rsa`" in cli.fails(1, "set", "ecc", "pair", "1", "r")
    assert "this is not an RSA key; use `ssscli set ecc`" in cli.fails(1, "set", "rsa", "pair", "1", "e")
    assert "the chip has no curve sect283k1" in cli.fails(1, "set", "ecc", "pair", "1", "s")
    assert "no RSA keys of 2040 bits" in cli.fails(1, "set", "rsa", "pair", "1", "o")
    assert "DER" in cli.fails(1, "set", "rsa", "pair", "1", "r", "--format", "DER")
    assert object_ids(part) == before


# ---- no chip ----


def test_no_socket_is_told_at_once(tmp_path):
    start = time.monotonic()
    message = Cli(tmp_path).fails(1, "connect", "se050", "t1oi2c", f"vse:{tmp_path}/none.sock")
    assert time.monotonic() - start < 5
    assert f"{tmp_path}/none.sock" in message and "sedge-chip serve" in message


def test_no_bus_is_told_with_what_to_look_at(tmp_path):
    start = time.monotonic()
    message = Cli(tmp_path).fails(1, "connect", "se050", "t1oi2c", "/dev/i2c-99:0x48")
    assert time.monotonic() - start < 5
    for word in ("/dev/i2c-99", "0x48", "i2cdetect -y 99", "should show 48", "raspi-config", "group i2c", "wiring", "J14"):
        assert word in message


def preload(part):
    return {"LD_PRELOAD": str(LIB / "libsedge-i2c.so"), "SEDGE_I2C_SOCKET": str(part.socket)}


def test_nobody_at_the_address_is_told_soon(part, tmp_path):
    start = time.monotonic()
    message = Cli(tmp_path).fails(1, "connect", "se050", "t1oi2c", "/dev/i2c-1:0x49", env=preload(part))
    assert time.monotonic() - start < 10
    assert "no SE05x answers at /dev/i2c-1:0x49" in message and "should show 49" in message


def test_chip_stopped_after_connect(part, cli):
    part.stop()
    assert "start the virtual chip" in cli.fails(1, "se05x", "uid")
    part.start()
    cli.ok("se05x", "uid")


@pytest.mark.parametrize("path", ["/etc/passwd", "/dev/null"])
def test_not_an_i2c_bus(tmp_path, path):
    message = Cli(tmp_path).fails(1, "connect", "se050", "t1oi2c", path)
    assert path in message


# ---- through /dev/i2c-1 ----


def test_through_the_device_node(part, tmp_path, rsa_key):
    c = Cli(tmp_path)
    c.env.update(preload(part))
    (tmp_path / "k").write_bytes(pem(rsa_key))
    c.ok("connect", "se050", "t1oi2c", "none")
    with cc.Chip(part.socket) as chip:
        uid = chip.read(cc.UNIQUE_ID)
    assert c.ok("se05x", "uid") == f"Unique ID: {uid.hex()}\n"
    c.ok("set", "rsa", "pair", "0x20181001", "k")
    rsa_works(part, KEY, rsa_key.public_key())
    assert c.ok("se05x", "reset") == "Reset done, 1 object erased\n"


# ---- usage ----


COMMANDS = ["connect", "disconnect", "erase", "generate ecc", "generate pub", "generate rsa", "get bin", "get cert",
            "get ecc pair", "get ecc pub", "get rsa pair", "get rsa pub", "se05x certuid", "se05x readidlist",
            "se05x reset", "se05x uid", "set bin", "set cert", "set ecc pair", "set ecc pub", "set rsa pair",
            "set rsa pub"]


def test_help_at_every_level(tmp_path):
    c = Cli(tmp_path)
    groups = {" ".join(path.split()[:i]) for path in COMMANDS for i in range(len(path.split()))}
    seen = set()
    for group in groups:
        text = c.ok(*group.split(), "--help")
        assert text.startswith(f"Usage: ssscli{' ' if group else ''}{group} [OPTIONS] COMMAND [ARGS]...\n")
        for word in re.findall(r"^  (\w+) ", text.split("Commands:\n")[1], re.M):
            seen.add(f"{group} {word}".strip())
    assert seen - groups == set(COMMANDS)
    for path in COMMANDS:
        assert c.ok(*path.split(), "--help").startswith(f"Usage: ssscli {path} [OPTIONS]")


@pytest.mark.parametrize("args, message", [
    (["nonsense"], "No such command 'nonsense'."),
    (["set", "dsa"], "No such command 'dsa'."),
    (["--wrong"], "No such option: --wrong"),
    (["set", "rsa", "pair", "1"], "Missing argument 'FILENAME'."),
    (["erase"], "Missing argument 'KEYID'."),
    (["erase", "1", "2"], "Got unexpected extra argument (2)"),
    (["erase", "--force", "1"], "No such option: --force"),
    (["set", "rsa", "pair", "1", "k", "--format"], "Option '--format' requires an argument."),
    (["erase", "0"], "is not a key id"),
    (["erase", "0x"], "is not a key id"),
    (["erase", "xyz"], "is not a key id"),
    (["erase", "123456789"], "is not a key id"),
    (["erase", "-1"], "No such option"),
    (["connect", "se060", "t1oi2c", "none"], "'se060' is not known"),
    (["connect", "se050", "spi", "none"], "'spi' is not known"),
])
def test_usage_errors(tmp_path, args, message):
    text = Cli(tmp_path).fails(2, *args)
    assert text.startswith("Usage: ssscli") and "--help' for help.\n\nError: " in text and message in text


def test_values_that_are_refused_with_a_chip(cli, rsa_key):
    (cli.home / "k").write_bytes(pem(rsa_key))
    assert "'NIST_P257' is not a curve" in cli.fails(2, "generate", "ecc", "1", "NIST_P257")
    assert "'2047' is not one of" in cli.fails(2, "generate", "rsa", "1", "2047")
    assert "'XML' is not one of 'DER', 'PEM'" in cli.fails(2, "set", "rsa", "pair", "1", "k", "--format", "XML")


@pytest.mark.parametrize("args, message", [
    (["a71ch", "t1oi2c", "none"], "the A71CH is not supported"),
    (["se050", "vcom", "none"], "use t1oi2c"),
    (["se050", "t1oi2c", "none", "--auth_type", "PlatformSCP"], "not supported yet"),
    (["se050", "t1oi2c", "none", "--scpkey", "f"], "not supported yet"),
    (["se050", "t1oi2c", "COM3"], "expected DEVICE"),
])
def test_what_is_known_but_not_offered(tmp_path, args, message):
    assert message in Cli(tmp_path).fails(1, "connect", *args)


# ---- several processes on one bus ----


class Hold:
    """A process that keeps the chip open (programs/se_hold.c)."""

    def __init__(self, port, env=None):
        self.p = subprocess.Popen([str(MESON / "tests/integration/programs/se_hold"), port], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        assert self.p.stdout.readline() == "ok\n"

    def say(self, command):
        self.p.stdin.write(command + "\n")
        self.p.stdin.flush()
        return self.p.stdout.readline()

    def end(self):
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait(10)
        self.p.stdin.close()
        self.p.stdout.close()


@pytest.fixture
def hold(part):
    held = []

    def start(port=None, env=None):
        held.append(Hold(port or f"vse:{part.socket}", env))
        return held[-1]

    yield start
    for h in held:
        h.end()


def test_uid_while_another_process_keeps_its_connection(part, cli, hold):
    h = hold()
    for _ in range(5):
        assert h.say("random") == "ok\n"
        cli.ok("se05x", "uid")
    assert h.say("random") == "ok\n"


def test_processes_in_parallel(part, cli, rng):
    """Each must get its own answers, and every write must arrive."""
    (cli.home / "d").mkdir()
    jobs = []
    for i in range(6):
        data = rng.randbytes(700 + i)
        (cli.home / f"d/{i}").write_bytes(data)
        script = f"""set -e
            for n in 1 2 3 4; do
              {BIN}/ssscli set bin {0x500 + i:x} d/{i} >/dev/null
              {BIN}/ssscli get bin {0x500 + i:x} d/{i}.back >/dev/null
              cmp d/{i} d/{i}.back
              {BIN}/ssscli se05x uid
            done"""
        jobs.append(subprocess.Popen(["bash", "-c", script], cwd=cli.home, env=cli.environment(),
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    outs = [j.communicate(timeout=60) for j in jobs]
    assert [(j.returncode, e) for j, (_, e) in zip(jobs, outs)] == [(0, "")] * 6
    assert len({line for o, _ in outs for line in o.splitlines()}) == 1


def test_a_locked_bus_is_waited_for(part, cli, hold):
    h = hold()
    assert h.say("lock") == "ok\n"
    p = cli.start("se05x", "uid")
    with pytest.raises(subprocess.TimeoutExpired):
        p.wait(0.5)
    assert h.say("random") == "ok\n"
    assert h.say("unlock") == "ok\n"
    out, err = p.communicate(timeout=10)
    assert p.returncode == 0 and out.startswith("Unique ID: ") and err == ""


def test_a_busy_process_lets_others_have_their_turn(part, cli, hold):
    h = hold()
    h.p.stdin.write("busy\n")
    h.p.stdin.flush()
    time.sleep(0.1)
    worst = 0.0
    for _ in range(8):
        start = time.monotonic()
        cli.ok("se05x", "uid")
        worst = max(worst, time.monotonic() - start)
    assert worst < 1.5  # the holder is at it for two seconds
    assert h.p.stdout.readline() == "ok\n"


def test_device_node_and_socket_share_the_lock(part, cli, hold):
    h = hold()
    assert h.say("lock") == "ok\n"
    c = Cli(cli.home / "other")
    c.home.mkdir()
    c.env.update(preload(part))
    p = c.start("connect", "se050", "t1oi2c", "none")
    with pytest.raises(subprocess.TimeoutExpired):
        p.wait(0.5)
    assert h.say("unlock") == "ok\n"
    assert p.communicate(timeout=10) == ("", "")
    assert p.returncode == 0


def test_the_lock_dies_with_its_holder(part, cli, hold):
    h = hold()
    assert h.say("lock") == "ok\n"
    p = cli.start("se05x", "uid")
    time.sleep(0.2)
    assert p.poll() is None
    h.p.send_signal(signal.SIGKILL)
    out, err = p.communicate(timeout=10)
    assert p.returncode == 0 and out.startswith("Unique ID: ") and err == ""


def test_fork_leaves_the_parents_session_alone(part, cli, hold):
    h = hold()
    assert h.say("fork") == "ok\n"
    assert h.say("lock") == "ok\n"
    assert h.say("fork") == "ok\n"  # mutex and bus held at the fork
    p = cli.start("se05x", "uid")
    with pytest.raises(subprocess.TimeoutExpired):  # the child did not free the parent's lock
        p.wait(0.5)
    assert h.say("unlock") == "ok\n"
    assert p.wait(10) == 0
    p.communicate()


def test_a_daemons_own_descriptors_are_not_closed(hold):
    assert hold().say("daemon") == "ok\n"


def test_an_open_handle_survives_a_restart_of_the_chip(part, hold):
    h = hold()
    part.stop()
    assert "start the virtual chip" in h.say("random")
    part.start()
    assert h.say("random") == "ok\n"


def test_rubbish_left_on_the_bus_by_others(part, cli):
    """A program without any lock stopped in the middle: half a chain, an unread answer, odd counters."""
    uid = cli.ok("se05x", "uid")
    bus = cc.Bus(part.socket)
    bus.write(cc.block(0x20, b"\x80" * 254))
    assert cli.ok("se05x", "uid") == uid
    bus.write(cc.block(0x00, bytes.fromhex("00a4040010") + cc.AID + b"\x00"))
    assert cli.ok("se05x", "uid") == uid
    bus.write(cc.block(0xC0))
    bus.read(3)
    assert cli.ok("se05x", "uid") == uid
    bus.write(b"\x00" * 5)
    assert cli.ok("se05x", "uid") == uid
    bus.close()


def test_killed_while_writing_a_key(part, cli, rsa_key, rng):
    """Whatever moment kill -9 chooses, the next command finds a working chip and can write the key."""
    (cli.home / "k").write_bytes(pem(rsa_key))
    for _ in range(8):
        p = cli.start("set", "rsa", "pair", "0x20181001", "k")
        time.sleep(rng.uniform(0.002, 0.02))
        p.kill()
        p.communicate()
        cli.ok("se05x", "uid")
        if KEY in object_ids(part):
            cli.ok("erase", "0x20181001")
    cli.ok("set", "rsa", "pair", "0x20181001", "k")
    rsa_works(part, KEY, rsa_key.public_key())


def test_transactions_on_the_bus_are_few(part, tmp_path):
    """One uid: resync, ATR, SELECT; resync, SELECT, read; end. Each is a write and at most two reads and some polls."""
    c = Cli(tmp_path)
    c.env.update(preload(part))
    c.ok("connect", "se050", "t1oi2c", "none")
    stats = tmp_path / "stats"
    c.ok("se05x", "uid", env={"SEDGE_I2C_STATS": str(stats)})
    import json
    seen = json.loads(stats.read_text().splitlines()[-1])
    assert seen["writes"] == 7
    assert seen["reads"] - seen["nacks"] <= 14


# ---- nothing of the key stays in the process ----


def secrets_of(key):
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.private_numbers()
        return {"d": n.d, "p": n.p, "q": n.q, "dp": n.dmp1, "dq": n.dmq1, "qinv": n.iqmp}
    return {"scalar": key.private_numbers().private_value}


def found_in(image, key):
    """Names of the secret numbers of which 12 bytes are there: start, middle or end, both byte orders."""
    out = set()
    for name, value in secrets_of(key).items():
        big = value.to_bytes((value.bit_length() + 7) // 8, "big")
        for form in (big, big[::-1]):
            if any(w in image for w in (form[:12], form[len(form) // 2:][:12], form[-12:])):
                out.add(name)
    if pem(key).splitlines()[2][:24] in image:
        out.add("PEM")
    return out


@pytest.mark.skipif(os.geteuid() != 0, reason="reading an undumpable process needs root")
@pytest.mark.parametrize("kind", ["rsa", "ecc"])
def test_no_key_is_left_in_memory(part, cli, rsa_key, kind):
    key = rsa_key if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    (cli.home / "k").write_bytes(pem(key))
    status, image = exit_memory.at_exit(cli.argv("set", kind, "pair", "1", "k"), cli.environment(), cli.home)
    assert status == 0 and len(image) > 1000000
    assert found_in(image, key) == set()
    # the control: a program that takes no care leaves all of it, and this scan finds it
    careless = "import base64; b = open('k').read().split('-----')[2]; d = base64.b64decode(b)"
    status, image = exit_memory.at_exit(["/usr/bin/python3", "-c", careless], cli.environment(), cli.home)
    assert status == 0 and found_in(image, key) == {*secrets_of(key), "PEM"}
