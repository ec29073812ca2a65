"""sedgectl doctor: a device in order gives no finding; each planted fault is found, and named where it is."""

import os
import subprocess

import pytest

import chip_client as cc
from conftest import BIN, LIB, Processes, free_port
from doctor_world import KEYS, PIN, World, authority, certificate
from fake_chip import FakeChip
from keyd import Keyd

CHECKS = ["config", "bus", "keyd", "chip", "applet", "channel", "token", "pin", "key", "certificate", "clock", "cloud"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A device, provisioned once; the tests break copies of it. The control of every fault: as it is there is no finding."""
    folder = tmp_path_factory.mktemp("made")
    procs = Processes(folder)
    w = World(procs, folder).make().serve()
    status, found = w.doctor()
    procs.stop_all()
    assert (status, {k: v[0] for k, v in found.items()}) == (0, dict.fromkeys(CHECKS, "OK")), found
    assert all(v[2] == "" for v in found.values())
    yield w
    w.close()


@pytest.fixture
def world(procs, tmp_path):
    w = World(procs, tmp_path)
    yield w
    w.close()


@pytest.fixture
def healthy(world, made):
    return world.copy(made).serve()


def test_a_device_in_order(healthy):
    """The copies, too, are in order."""
    status, found = healthy.doctor()
    assert (status, {k: v[0] for k, v in found.items()}) == (0, dict.fromkeys(CHECKS, "OK")), found


def fault(world, check, *words, status="FAIL", **kw):
    """Only `check` has the finding: what comes before it is in order, nothing later is blamed."""
    code, found = world.doctor(**kw)
    assert code == (status == "FAIL"), found
    assert {k: v[0] for k, v in found.items() if v[0] in ("FAIL", "WARN")} == {check: status}, found
    assert all(found[k][0] == "OK" for k in CHECKS[:CHECKS.index(check)]), found
    _, text, remedy = found[check]
    assert remedy and all(w in text + "; " + remedy for w in words), (text, remedy)
    return found


# ---- the faults ----


def test_no_bus_node(healthy):
    healthy.write_conf(port="/dev/i2c-77:0x48")
    fault(healthy, "bus", "/dev/i2c-77", "No such file", "raspi-config")


def test_no_permission_on_the_node(healthy):
    node = healthy.folder / "i2c-5"
    node.write_text("")
    node.chmod(0)
    healthy.write_conf(port=f"{node}:0x48")
    # root without the right to pass by modes is anybody
    wrap = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    fault(healthy, "bus", "Permission denied", "group", wrap=wrap)


def test_socket_dead(healthy):
    healthy.part.kill()
    fault(healthy, "bus", str(healthy.part.socket), "sedge-chip serve")


def test_chip_silent_at_the_address(healthy):
    healthy.write_conf(port="/dev/i2c-1:0x49")
    env = {"LD_PRELOAD": str(LIB / "libsedge-i2c.so"), "SEDGE_I2C_SOCKET": str(healthy.part.socket)}
    fault(healthy, "chip", "no SE05x answers at /dev/i2c-1:0x49", "wiring", env=env)


@pytest.mark.parametrize("select, word", [("0200003fff010b9000", "2.0.0, too old"), ("6a82", "cannot be selected")])
def test_applet_too_old_or_not_there(healthy, select, word):
    path = healthy.folder / "fake"
    fake = FakeChip(path, bytes.fromhex(select))
    healthy.write_conf(port=f"vse:{path}", scp03=None)
    fault(healthy, "applet", word)
    fake.close()


@pytest.mark.parametrize("old, new, words", [("MAC 20", "MAC 21", ["SCP03 keys are not this chip's"]), ("ENC 10", "ENC 11", []),
                                             ("ENC 10", "ENC xx", ["scp03.txt"])])
def test_wrong_scp_keys(healthy, old, new, words):
    with open(healthy.keys, "w") as f:
        f.write(KEYS.replace(old, new))
    fault(healthy, "channel", "se.conf", *words)


def test_published_scp_keys(procs, tmp_path, world):
    """The chip's own factory setting: everything works, and no secret is kept by it."""
    world.part = cc.Part(procs, BIN / "sedge-chip", tmp_path)
    world.keys = "auto"
    fault(world.make().serve(), "channel", "default keys that anybody can look up", "no secrecy", status="WARN")


def test_no_channel_at_all(healthy):
    healthy.write_conf(scp03=None)
    fault(healthy, "channel", "no secure channel", status="WARN")


@pytest.mark.parametrize("module, word", [("/nonexistent/libsss_pkcs11.so", "cannot open shared object"), ("config", "invalid ELF"),
                                          (LIB / "libsedge-i2c.so", "not a PKCS#11 module")])
def test_module_missing_or_no_module(healthy, module, word):
    healthy.write_config(module=healthy.conf if module == "config" else module)
    fault(healthy, "token", word, "P11Provider")


def test_another_token_label(healthy):
    healthy.write_config(label="OTHER")
    fault(healthy, "token", 'none with label "OTHER"', "slotLabel")


def test_wrong_pin(healthy):
    healthy.write_config(pin="000000")
    found = fault(healthy, "pin", "the configured PIN is wrong", "slotUserPin")
    assert found["key"][0] == "SKIP"  # and not tried again with it
    healthy.write_config()
    assert healthy.doctor()[0] == 0


def test_locked_pin(healthy):
    for _ in range(20):
        if "CKR_PIN_LOCKED" in healthy.pkcs11("--login", "--pin", "000000", "-O", check=False).stderr:
            break
    fault(healthy, "pin", "the PIN is locked", "security officer")


def test_the_last_try_is_not_spent(healthy):
    """Wrong PINs until the token says that the next one locks it: the doctor stops trying there."""
    healthy.write_config(pin="000000")
    texts = []
    while len(texts) < 20 and (not texts or "not tried" not in texts[-1]):
        texts.append(healthy.doctor()[1]["pin"][1])
    assert "one more wrong PIN locks it: not tried" in texts[-1] and "the configured PIN is wrong" in texts[0]
    assert healthy.pkcs11("--login", "--pin", PIN, "-O", check=False).returncode == 0


def test_no_pin_object(world):
    found = fault(world.make(pin=False).serve(), "pin", "no PIN object", "any PIN is accepted", status="WARN")
    assert found["key"][0] == "OK"


def test_keys_without_a_pin_are_named(healthy):
    healthy.ssscli("connect", "se050", "t1oi2c", "none", "--auth_type", "PlatformSCP")
    healthy.ssscli("generate", "ecc", "0x20181001", "NIST_P256")
    healthy.ssscli("generate", "ecc", "0x20181002", "NIST_P256")
    found = fault(healthy, "pin", "2 keys", "20181001, 20181002", status="WARN")
    assert found["key"][0] == "OK"


def test_key_absent(healthy):
    healthy.write_config(object="nothing")
    fault(healthy, "key", 'no private key with label "nothing"')


def test_certificate_of_another_key(healthy):
    certificate(healthy.folder, "other")
    healthy.write_config(cert=healthy.folder / "other.pem")
    code, found = healthy.doctor()
    assert code == 1 and found["certificate"][0] == "FAIL" and "does not match the key" in found["certificate"][1]
    assert all(found[k][0] == "OK" for k in CHECKS[:CHECKS.index("certificate")])


@pytest.mark.parametrize("start, word", [(("20900101000000Z", "20910101000000Z"), "not valid before 2090-01-01"),
                                         (("20000101000000Z", "20010101000000Z"), "expired on 2001-01-01")])
def test_clock_and_certificate_disagree(healthy, start, word):
    certificate(healthy.folder, "device", start=start, key="device.key")
    code, found = healthy.doctor()
    assert code == 1 and found["clock"][0] == "FAIL" and word in found["clock"][1] and "timedatectl" in found["clock"][2]
    assert all(found[k][0] == "OK" for k in CHECKS[:CHECKS.index("clock")])


def test_endpoint_unreachable(healthy):
    healthy.write_config(port=free_port())
    fault(healthy, "cloud", "cannot be reached", "iotHost")


def test_wrong_ca(healthy):
    authority(healthy.folder, "ca2")
    healthy.write_config(ca=healthy.folder / "ca2.pem")
    fault(healthy, "cloud", "TLS with localhost", "caPath")


def test_certificate_that_the_cloud_refuses(healthy):
    authority(healthy.folder, "ca2")
    certificate(healthy.folder, "device", ca="ca2", key="device.key")
    fault(healthy, "cloud", "refused the device's certificate", "register the certificate")


def test_keyd_configured_but_not_there(healthy):
    healthy.write_conf(keyd=healthy.folder / "keyd.sock")
    code, found = healthy.doctor()
    assert code == 1 and found["bus"][0] == found["keyd"][0] == "FAIL"
    assert "access daemon" in found["bus"][1] and "sedge-keyd" in found["keyd"][2]


@pytest.fixture
def daemon(healthy, procs, tmp_path):
    """The same device with sedge-keyd between programs and chip, and the channel's keys the daemon's alone."""
    keyd = Keyd(procs, tmp_path, f"vse:{healthy.part.socket}", scp03=healthy.keys).start(env={"SEDGE_CONF": str(healthy.conf)})
    healthy.write_conf(keyd=keyd.socket, port=None, scp03=None)
    return keyd


def test_through_the_access_daemon(healthy, daemon):
    status, found = healthy.doctor()
    assert (status, {k: v[0] for k, v in found.items()}) == (0, dict.fromkeys(CHECKS, "OK")), found
    assert "serves this user" in found["keyd"][1] and "access daemon" in found["channel"][1]


def test_access_daemon_without_a_rule(healthy, daemon):
    daemon.rules("allow user 65534 admin")
    fault(healthy, "keyd", "refuses", "a rule")


def test_access_daemon_without_its_chip(healthy, daemon):
    healthy.part.kill()
    fault(healthy, "chip", "power")


# ---- how it is told ----


def test_lines_and_usage(healthy):
    argv = [str(BIN / "sedgectl"), "doctor", "--root", str(healthy.root)]
    p = subprocess.run(argv, env=healthy.env, capture_output=True, text=True, timeout=60)
    assert (p.returncode, p.stderr) == (0, "")
    assert [line.split()[:2] for line in p.stdout.splitlines()] == [["OK", name] for name in CHECKS]
    (healthy.root / "config/config.json").write_text("{")
    p = subprocess.run(argv, env=healthy.env, capture_output=True, text=True, timeout=60)
    assert p.returncode == 1 and p.stdout.startswith("FAIL  config") and "line 1" in p.stdout.splitlines()[0]
    assert "246813" not in p.stdout
    for bad in (["--nonsense"], ["--root"]):
        p = subprocess.run([*argv[:2], *bad], capture_output=True, text=True, timeout=60)
        assert p.returncode == 2 and "usage: sedgectl doctor" in p.stderr


def test_without_a_config_it_goes_by_options(healthy):
    pin = healthy.folder / "pin"
    pin.write_text("246813\n")
    pin.chmod(0o600)
    p = subprocess.run([str(BIN / "sedgectl"), "doctor", "--key", healthy.object, "--cert", str(healthy.folder / "device.pem"), "--pin-file",
                        str(pin)], env=healthy.env, capture_output=True, text=True, timeout=60)
    status = {line.split()[1]: line.split()[0] for line in p.stdout.splitlines()}
    assert p.returncode == 0
    assert status == {**dict.fromkeys(CHECKS, "OK"), "config": "SKIP", "cloud": "SKIP"}
