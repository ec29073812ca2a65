"""ssscli policy, and secret keys: what objects may do is what the chip then allows."""

import json

import pytest

import chip_client as cc
import chip_commands as cmd
from ssscli_host import cli, ec_works, part, pem  # noqa: F401
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def attributes(part, oid):
    with cc.Chip(part.socket) as c:
        return cc.untlv(c.raw(bytes(cmd.read_attributes(oid)))[0])[cmd.T2]


def test_defaults_and_what_is_switched_off(part, cli):
    assert cli.ok("policy", "asymkey", "p", "0") == "Policy p: 1 rule\n"
    out = cli.ok("policy", "dump", "p")
    assert out.splitlines()[1] == "  0x00000000  sign, verify, encrypt, decrypt, generate, read, write, delete"
    cli.ok("policy", "asymkey", "p", "0", "--write", "False", "--delete=no", "--key_agreement", "1")
    assert "key_agreement" in cli.ok("policy", "dump", "p") and "delete" not in cli.ok("policy", "dump", "p")
    cli.ok("generate", "ecc", "0x10", "NIST_P256", "--policy_name", "p")
    want = cmd.policy(["sign", "verify", "encrypt", "decrypt", "generate", "read", "key agreement"])
    assert want in attributes(part, 0x10)
    assert "6986" in cli.fails(1, "erase", "0x10")


def test_each_kind_is_what_the_chip_gets(part, cli):
    (cli.home / "f").write_bytes(b"data")
    cli.ok("policy", "symkey", "sym", "0x7DA00001", "--decrypt", "off", "--wrap", "on")
    cli.ok("policy", "file", "file", "0", "--write", "0")
    cli.ok("set", "aes", "0x20", "00112233445566778899aabbccddeeff", "--policy_name", "sym")
    cli.ok("set", "bin", "0x21", "f", "--policy_name", "file")
    assert cmd.policy(["sign", "verify", "encrypt", "kdf", "wrap", "read", "write", "delete"], auth=0x7DA00001) in attributes(part, 0x20)
    assert cmd.policy(["read", "delete"]) in attributes(part, 0x21)
    (cli.home / "f").write_bytes(b"DATA")
    assert "6986" in cli.fails(1, "set", "bin", "0x21", "f")
    assert "for objects of type file" in cli.fails(1, "set", "aes", "0x22", "00" * 16, "--policy_name", "file")
    for kind in ("userid", "counter", "pcr"):
        cli.ok("policy", kind, kind, "1")
        assert f"for {kind}:" in cli.ok("policy", "dump", kind)


def test_rules_for_several_and_a_pcr(cli):
    value = "ab" * 32
    cli.ok("policy", "asymkey", "p", "0", "--write", "0", "--generate", "0", "--delete", "0")
    assert cli.ok("policy", "asymkey", "p", "7DA00001") == "Policy p: 2 rules\n"
    cli.ok("policy", "asymkey", "p", "7DA00003", "--pcr_obj_id", "0x99", "--pcr_expected_value", value)
    rules = json.loads(cli.ok("policy", "dump", "p", "--json"))["rules"]
    assert [r["auth"] for r in rules] == ["0x00000000", "0x7DA00001", "0x7DA00003"]
    assert rules[2]["pcr"] == {"id": "0x00000099", "value": value}
    assert "for objects of type asymkey" in cli.fails(1, "policy", "file", "p", "0")
    assert "belong together" in cli.fails(2, "policy", "asymkey", "p", "0", "--pcr_obj_id", "1")


def test_the_file_is_private_and_where_it_says(cli):
    cli.ok("policy", "asymkey", "p", "0")
    path = cli.home / ".local/state/sedge/policies/p.json"
    assert path.stat().st_mode & 0o777 == 0o600
    good = path.read_text()
    path.chmod(0o666)
    assert "chmod 600" in cli.fails(1, "policy", "dump", "p")
    path.chmod(0o600)
    for bad in ("", "[]", "{", good.replace('"v": 1', '"v": 2'), good.replace("sign", "sing"), good.replace("0x0", "0"),
                good.replace("asymkey", "counter"), '{"v":1,"type":"asymkey","rules":[]}'):
        path.write_text(bad)
        assert "is not a policy file: " in cli.fails(1, "policy", "dump", "p"), bad
    for name in ("../p", "", ".p", "a/b", "x" * 65):
        assert "is not a name" in cli.fails(2, "policy", "dump", name)
    assert "there is no policy q" in cli.fails(1, "generate", "ecc", "1", "NIST_P256", "--policy_name", "q")
    other = {"SEDGE_SSSCLI_POLICIES": str(cli.home / "pol")}
    cli.ok("policy", "pcr", "p", "0", env=other)
    assert (cli.home / "pol/p.json").is_file()


@pytest.mark.parametrize("args, message", [
    (["--sign", "maybe"], "is not a valid boolean"), (["--desfire_auth", "1"], "No such option"),
    (["--pcr_obj_id", "1", "--pcr_expected_value", "00"], "32 bytes in hex")])
def test_options_that_are_refused(cli, args, message):
    assert message in cli.fails(2, "policy", "asymkey", "p", "0", *args)


def test_a_policy_is_for_new_objects(part, cli):
    cli.ok("policy", "asymkey", "p", "0")
    cli.ok("generate", "ecc", "1", "NIST_P256")
    assert "erase it first" in cli.fails(1, "generate", "ecc", "1", "NIST_P256", "--policy_name", "p")


# ---- secret keys ----


@pytest.mark.parametrize("size", [16, 24, 32])
def test_aes_keys(part, cli, rng, size):
    key = rng.randbytes(size)
    (cli.home / "hex").write_text(key.hex() + "\n")
    (cli.home / "raw").write_bytes(b"\xff" + key[1:])
    assert cli.ok("set", "aes", "1", key.hex()) == "Injecting AES key at KeyID = 0x00000001\n"
    cli.ok("set", "aes", "2", "hex")
    cli.ok("set", "aes", "3", "raw")
    with cc.Chip(part.socket) as c:
        for oid, value in ((1, key), (2, key), (3, b"\xff" + key[1:])):
            e = Cipher(algorithms.AES(value), modes.ECB()).encryptor()
            got = cc.untlv(c.raw(bytes(cmd.cipher_oneshot(oid, cmd.AES_ECB, bytes(16), encrypt=True)))[0])
            assert got[cmd.T1] == e.update(bytes(16)) + e.finalize()
    assert "does not give secret keys away" in cli.fails(1, "get", "aes", "1", "out")
    assert not (cli.home / "out").exists()


def test_secret_keys_of_other_lengths(cli):
    assert cli.ok("set", "hmac", "1", "00" * 255)
    for kind, key in (("aes", "00" * 15), ("hmac", "00" * 257), ("aes", "nothing"), ("aes", "00" * 33)):
        assert cli.fails(1, "set", kind, "2", key)
    assert "is not an AES key" in cli.fails(1, "get", "aes", "1", "out")
