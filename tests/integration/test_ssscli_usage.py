"""ssscli: commands, help and usage errors."""

import json
import re
import subprocess

import pytest

from ssscli_host import Cli, cli, part, pem, rsa_key  # noqa: F401


COMMANDS = ["connect", "decrypt", "disconnect", "encrypt", "erase", "generate ecc", "generate pub", "generate rsa", "get aes",
            "get bin", "get cert", "get ecc pair", "get ecc pub", "get rsa pair", "get rsa pub", "policy asymkey",
            "policy counter", "policy dump", "policy file", "policy pcr", "policy symkey", "policy userid",
            "refpem ecc pair", "refpem ecc pub", "refpem rsa pair", "se05x certuid", "se05x getrng", "se05x readidlist",
            "se05x reset", "se05x uid", "set aes", "set bin", "set cert", "set ecc pair", "set ecc pub", "set hmac",
            "set rsa pair", "set rsa pub", "sign", "verify"]


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
    (["connect", "se050", "t1oi2c", "none", "--auth_type", "SCP"], "'SCP' is not known"),
    (["connect", "se050", "t1oi2c", "none", "--scpkey", "f"], "needs '--auth_type PlatformSCP'"),
    (["connect", "se050", "t1oi2c", "none", "--auth_key", "f"], "need an '--auth_type' that authenticates"),
    (["connect", "se050", "t1oi2c", "none", "--auth_type", "ECKey"], "needs '--auth_key'"),
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
    (["se050", "t1oi2c", "COM3"], "expected DEVICE"),
])
def test_what_is_known_but_not_offered(tmp_path, args, message):
    assert message in Cli(tmp_path).fails(1, "connect", *args)


# ---- JSON ----


def test_every_command_that_prints_has_json(part, cli):
    (cli.home / "f").write_bytes(b"text")
    for args, want in [
        (("se05x", "uid"), {"uniqueId"}), (("se05x", "certuid"), {"certUid"}), (("se05x", "getrng"), {"random"}),
        (("generate", "ecc", "1", "NIST_P256"), {"keyId", "curve"}), (("generate", "pub", "1", "p"), {"keyId", "file"}),
        (("get", "ecc", "pub", "1", "p"), {"keyId", "file"}), (("generate", "rsa", "2", "1024"), {"keyId", "bits"}),
        (("set", "bin", "3", "f"), {"keyId"}), (("get", "bin", "3", "g"), {"keyId", "file", "bytes"}),
        (("set", "aes", "4", "00" * 16), {"keyId", "bits"}), (("set", "ecc", "pub", "5", "p"), {"keyId"}),
        (("sign", "1", "f", "s"), {"keyId", "file"}), (("verify", "1", "f", "s"), {"keyId", "verified"}),
        (("encrypt", "2", "f", "e"), {"keyId", "file"}), (("decrypt", "2", "e", "d"), {"keyId", "file"}),
        (("policy", "asymkey", "p", "0"), {"policy", "rules"}), (("policy", "dump", "p"), {"policy", "type", "bytes", "rules"}),
        (("refpem", "ecc", "pair", "1", "r"), {"keyId", "file"}), (("erase", "1"), {"keyId"}),
        (("se05x", "readidlist"), {"objects", "cryptoObjects"}), (("se05x", "reset"), {"erased"}),
    ]:
        for argv in ((*args, "--json"), ("--json", *args)) if args[0] == "se05x" else ((*args, "--json"),):
            result = json.loads(cli.ok(*argv))
            assert set(result) == want | {"command"}, args
            assert " ".join(args).startswith(result["command"])


def test_the_list_as_json(cli):
    cli.ok("generate", "ecc", "0x20181001", "NIST_P384")
    objects = json.loads(cli.ok("se05x", "readidlist", "--json"))["objects"]
    assert {"keyId": "0x20181001", "type": "NIST-P", "part": "(Key Pair)", "bits": 384} in objects


def test_failures_as_json(cli):
    p = cli.run("erase", "77", "--json")
    assert p.returncode == 1 and p.stderr.startswith("Error: there is no object")
    error = json.loads(p.stdout)["error"]
    assert error["class"] == "not found" and error["message"] == p.stderr[len("Error: "):-1]


def test_a_full_disk_is_told(cli):
    with open("/dev/full", "w") as full:
        p = subprocess.run(cli.argv("se05x", "uid"), env=cli.environment(), stdout=full, stderr=subprocess.PIPE, text=True)
    assert p.returncode == 1 and "standard output" in p.stderr
