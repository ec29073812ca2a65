"""ssscli: commands, help and usage errors."""

import re

import pytest

from ssscli_host import Cli, cli, pem, rsa_key, part  # noqa: F401


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
