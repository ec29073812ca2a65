"""src/crypto's keys in a token: Debian's SoftHSM2 set up as the Greengrass V1 guide does, and our own module.

greengrass-v1.md 1.4: label greengrass, PIN 1234, key iotkey; every wrong setting has a message of its own.
"""

import glob
import os
import subprocess

import pytest

from conftest import MESON
from p11_walk import EC_ID, MODULE, PIN, RSA_ID, keys, token  # noqa: F401 (fixtures)

PROBE = MESON / "tests/integration/programs/crypto_probe"
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
IOTKEY = "pkcs11:object=iotkey;type=private"


def probe(op, *keys, env=None):
    """[(result, text, warning)] for keys given as (uri, module, label, pin) or one (uri,)."""
    r = subprocess.run([PROBE, op, *(str(x) for k in keys for x in k)], capture_output=True, text=True, timeout=60,
                       env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL)
    assert r.returncode == 0 and r.stderr == "", r.stderr  # a library says nothing, and asks for nothing
    return [tuple(line.split("|")) for line in r.stdout.splitlines()]


def run(*argv, env):
    subprocess.run([str(a) for a in argv], check=True, capture_output=True, env={**os.environ, **env}, timeout=60)


@pytest.fixture(scope="module")
def softhsm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    env = {"SOFTHSM2_CONF": str(conf)}
    run("softhsm2-util", "--init-token", "--free", "--label", "greengrass", "--so-pin", "12345", "--pin", PIN, env=env)
    run("softhsm2-util", "--init-token", "--free", "--label", "other token", "--so-pin", "12345", "--pin", "5678", env=env)
    for label, pin, kind, name, ident in (("greengrass", PIN, "rsa:2048", "iotkey", "0000"), ("greengrass", PIN, "EC:prime256v1", "eckey", "0001"),
                                          ("other token", "5678", "EC:secp384r1", "a key;%", "0002")):
        run("pkcs11-tool", "--module", SOFTHSM, "--token-label", label, "--login", "--pin", pin, "--keypairgen",
            "--key-type", kind, "--label", name, "--id", ident, env=env)
    return env


@pytest.mark.parametrize("op", ["load", "tls"])
def test_keys_of_the_v1_guide(softhsm, op):
    """Sign (PKCS#1 v1.5, PSS, ECDSA), and TLS 1.2 and 1.3 client authentication."""
    assert probe(op, (IOTKEY, SOFTHSM, "greengrass", PIN), ("pkcs11:object=eckey;type=private", SOFTHSM, "greengrass", PIN),
                 env=softhsm) == [("ok", "rsa 2048 token", ""), ("ok", "ec 256 token", "")]


def test_uri_forms(softhsm):
    got = probe("load", ("pkcs11:token=greengrass;object=iotkey;type=private?pin-value=1234", SOFTHSM, "greengrass", "0000"),
                ("pkcs11:object=eckey;id=%00%01;manufacturer=x", SOFTHSM, "greengrass", PIN),
                ("pkcs11:token=other%20token;object=a%20key%3b%25;type=private", SOFTHSM, "other token", "5678"), env=softhsm)
    assert got == [("ok", "rsa 2048 token", ""), ("ok", "ec 256 token", "pkcs11: URI: ignored manufacturer"),
                   ("ok", "ec 384 token", "")]


def test_wrong_settings_are_told_apart(softhsm):
    good = (IOTKEY, SOFTHSM, "greengrass", PIN)
    for key, result, says in (
        ((IOTKEY, "/usr/lib/none.so", "greengrass", PIN), "not found", ["/usr/lib/none.so", "No such file", "P11Provider"]),
        ((IOTKEY, "/etc/os-release", "greengrass", PIN), "not supported", ["cannot load", "/etc/os-release"]),
        ((IOTKEY, SOFTHSM, "green", PIN), "not found", ['no slot with label "green"', '"greengrass"', "slotLabel"]),
        (("pkcs11:object=nokey", SOFTHSM, "greengrass", PIN), "not found", ['"nokey"', '"greengrass"', "CKR_"]),
        (("pkcs11:object=iotkey;token=x", SOFTHSM, "greengrass", PIN), "not valid", ['"x"', '"greengrass"']),
        (("pkcs11:type=private", SOFTHSM, "greengrass", PIN), "not valid", ["object=LABEL"]),
    ):
        # a failure leaves nothing behind that would harm the next try
        bad, again = probe("load", key, good, env=softhsm)
        assert bad[0] == result and all(s in bad[1] for s in says), bad
        assert PIN not in bad[1].replace("slotLabel", "")
        assert again[0] == "ok", again


def test_without_the_engine_package(softhsm, tmp_path):
    (result, text, _), = probe("load", (IOTKEY, SOFTHSM, "greengrass", PIN), env={**softhsm, "OPENSSL_ENGINES": str(tmp_path)})
    assert result == "not supported" and "libengine-pkcs11-openssl" in text


def test_a_wrong_pin_fails_and_is_not_tried_again(softhsm):
    wrong = (IOTKEY, SOFTHSM, "greengrass", "73195")
    first, second, right = probe("load", wrong, wrong, (IOTKEY, SOFTHSM, "greengrass", PIN), env=softhsm)
    assert first[0] == "authentication failed" and "CKR_PIN_INCORRECT" in first[1] and '"greengrass"' in first[1]
    assert second[0] == "authentication failed" and "not tried again" in second[1]
    assert "73195" not in first[1] + second[1]
    assert right[0] == "ok"


def test_one_login_per_wrong_pin(softhsm, tmp_path):
    """Counted at the module's own border by OpenSC's spy."""
    spy, = glob.glob("/usr/lib/*/pkcs11-spy.so")
    log = tmp_path / "spy.log"
    env = {**softhsm, "PKCS11SPY": SOFTHSM, "PKCS11SPY_OUTPUT": str(log),
           "ASAN_OPTIONS": "detect_leaks=0"}  # the spy itself leaks
    wrong = ("pkcs11:object=iotkey", spy, "greengrass", "9999")
    assert [r[0] for r in probe("load", wrong, wrong, wrong, env=env)] == ["authentication failed"] * 3
    assert log.read_text().count("C_Login\n") == 1


def test_our_module(token):
    """The chip's keys by the names of the published walk."""
    for op in ("load", "tls"):
        got = probe(op, *((f"pkcs11:object=sss:{n:x};type=private", MODULE, "SSS_PKCS11", PIN) for n in (RSA_ID, EC_ID)), env=token.env)
        assert got == [("ok", "rsa 2048 token", ""), ("ok", "ec 256 token", "")]


def test_our_module_with_wrong_settings(token):
    token.set_pins()
    uri = f"pkcs11:object=sss:{RSA_ID:x};type=private"
    for key, result, says in (
        ((uri, MODULE, "SSS_PKCS", PIN), "not found", ['no slot with label "SSS_PKCS"', '"SSS_PKCS11"']),
        (("pkcs11:object=sss:20189999", MODULE, "SSS_PKCS11", PIN), "not found", ['"sss:20189999"']),
        ((uri, MODULE, "SSS_PKCS11", "9876"), "authentication failed", ["CKR_PIN_INCORRECT", '"SSS_PKCS11"']),
    ):
        (got, text, _), = probe("load", key, env=token.env)
        assert got == result and all(s in text for s in says), (got, text)


def test_one_module_per_process(softhsm, token):
    """libp11 has one engine; the second module is refused in words, and the first goes on."""
    soft, chip = (IOTKEY, SOFTHSM, "greengrass", PIN), (f"pkcs11:object=sss:{RSA_ID:x}", MODULE, "SSS_PKCS11", PIN)
    first, second, third = probe("load", soft, chip, soft, env={**softhsm, **token.env})
    assert (first[0], third[0]) == ("ok", "ok")
    assert second[0] == "not supported" and str(MODULE) in second[1] and SOFTHSM in second[1]


def test_no_chip(token, tmp_path):
    """Retry later: not the same class as a wrong setting."""
    uri = f"pkcs11:object=sss:{RSA_ID:x};type=private"
    env = {**token.env, "EX_SSS_BOOT_SSS_PORT": f"vse:{tmp_path}/nobody"}
    (got, text, _), = probe("load", (uri, MODULE, "SSS_PKCS11", PIN), env=env)
    assert got == "not reachable" and "CKR_" in text and "SSS_PKCS11" in text, (got, text)


def test_the_chip_goes_and_comes_back(token):
    """One loaded key outlives a chip that stops and starts; a load that failed works once the chip is there."""
    uri = f"pkcs11:object=sss:{EC_ID:x};type=private"

    def start():
        return subprocess.Popen([PROBE, "keep", uri, MODULE, "SSS_PKCS11", PIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                text=True, env={**os.environ, **token.env})

    def sign(p):
        p.stdin.write("\n")
        p.stdin.flush()
        return p.stdout.readline().split("|")[0]

    early = start()
    late = None
    try:
        assert sign(early) == "ok"
        token.part.stop()
        late = start()
        assert sign(early) == "bad signature"
        assert sign(late) == "not reachable"
        assert sign(late) == "not reachable"
        token.part.start()
        assert sign(early) == "ok"
        assert sign(late) == "ok"
        assert sign(early) == "ok"
    finally:
        for p in (early, late):
            if p:
                p.stdin.close()
                p.wait(10)
                p.stdout.close()
