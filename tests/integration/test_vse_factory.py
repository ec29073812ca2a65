"""What the virtual SE050 leaves the factory with: keys, certificates, their CA; what nobody may do with them."""

import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

import chip_client as cc
import chip_commands as do
from conftest import BIN

NAME = "Sedge virtual SE050, not for production"
EC_PAIRS = {0xF0000000: 0xF0000001, 0xF0000002: 0xF0000003, 0xF0000100: 0xF0000101, 0xF0000102: 0xF0000103, 0xF0000012: 0xF0000013}
RSA_PAIRS = {0xF0000110: (0xF0000111, 2048), 0xF0000112: (0xF0000113, 2048)}
RSA_4096 = {0xF0000120: (0xF0000121, 4096), 0xF0000122: (0xF0000123, 4096)}
OWN = [0x7FFF0201, 0x7FFF0202]


@pytest.fixture
def start(procs, tmp_path):
    def start(*options, name="chip"):
        return cc.Part(procs, BIN / "sedge-chip", tmp_path, *options, name=name).start()
    return start


def refused(sw, chip, command):
    with pytest.raises(cc.SW) as e:
        chip.run(command)
    assert e.value.sw == sw, hex(e.value.sw)


def read_file(chip, oid):
    size = chip.size(oid)
    return b"".join(chip.read(oid, offset=i, length=min(500, size - i)) for i in range(0, size, 500))


def ca_of(part):
    out = subprocess.run([BIN / "sedge-chip", "ca", part.state], capture_output=True, check=True).stdout
    return x509.load_pem_x509_certificate(out)


def openssl_trusts(folder, ca, der):
    """Does the openssl program verify the certificate, told (or not told) to trust this CA?"""
    (folder / "leaf.der").write_bytes(der)
    trust = ["-no-CApath", "-no-CAstore", "-no-CAfile"]
    if ca:
        (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        trust = ["-CAfile", folder / "ca.pem"]
    return subprocess.run(["openssl", "verify", "-x509_strict", *trust, folder / "leaf.der"], capture_output=True).returncode == 0


def test_what_is_there_and_of_which_kind(start, applet):
    with cc.Chip(start("--applet", applet).socket) as chip:
        pair = 0x29 if applet == "7.2" else 0x01
        assert set(chip.all_ids()) == {cc.UNIQUE_ID, *OWN, *EC_PAIRS, *EC_PAIRS.values()}
        for key, certificate in EC_PAIRS.items():
            assert chip.type(key) == (pair, 1) and chip.type(certificate) == (0x0B, 1)
            assert chip.run(do.read_attributes(key))[0x43 if applet == "7.2" else 0x42][-5 if applet == "7.2" else -1] == 3
        assert chip.curve_list()[cc.P256 - 1] == 2


def test_certificates_are_for_the_keys_and_say_what_they_are(start, tmp_path):
    part = start()
    with cc.Chip(part.socket) as chip:
        uid = chip.read(cc.UNIQUE_ID)
        ca = ca_of(part)
        assert ca.subject == ca.issuer == x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
        for key, certificate in EC_PAIRS.items():
            der = read_file(chip, certificate)
            cert = x509.load_der_x509_certificate(der)
            assert cert.issuer == ca.subject
            assert cert.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == uid.hex()
            assert cert.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)[0].value == NAME
            point = cert.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
            assert point == chip.read(key)
            assert openssl_trusts(tmp_path, ca, der)
            assert not openssl_trusts(tmp_path, None, der)  # no verifier trusts it unless told


def test_cloud_keys_sign_and_nobody_changes_them(start):
    with cc.Chip(start().socket) as chip:
        for key in EC_PAIRS:
            if key == 0xF0000012:
                refused(0x6986, chip, do.sign(key, 0x21, bytes(32)))  # attests and nothing else
                continue
            public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), chip.read(key))
            public.verify(chip.sign(key, 0x21, bytes(32)), bytes(32), ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        for key, certificate in EC_PAIRS.items():
            refused(0x6986, chip, do.write_ec(key))
            refused(0x6986, chip, do.delete(key))
            refused(0x6986, chip, do.write_binary(certificate, b"x"))
            refused(0x6986, chip, do.delete(certificate))
        for own in OWN:
            assert len(chip.read(own)) == 65
            refused(0x6986, chip, do.sign(own, 0x21, bytes(32)))
            refused(0x6986, chip, do.delete(own))


def test_each_part_has_its_own_and_keeps_them(start, procs):
    one, other = start(), start(name="other")
    with cc.Chip(one.socket) as a, cc.Chip(other.socket) as b:
        mine = {oid: a.read(oid) for oid in (cc.UNIQUE_ID, *OWN, *EC_PAIRS)}
        assert all(b.read(oid) != value for oid, value in mine.items())
    assert ca_of(one) != ca_of(other)
    one.stop()
    size = one.state.stat().st_size
    one.start()
    with cc.Chip(one.socket) as a:
        assert {oid: a.read(oid) for oid in mine} == mine
    assert one.state.stat().st_size == size


def test_the_first_start_is_quick(procs, tmp_path):
    part = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--factory", "full")
    begun = time.monotonic()
    part.start()
    assert time.monotonic() - begun < 1.0


def test_rsa_keys_are_made_when_wanted(start, tmp_path):
    part = start("--factory", "full")
    with cc.Chip(part.socket) as chip:
        assert {*RSA_PAIRS, *RSA_4096} <= set(chip.all_ids())
        size = part.state.stat().st_size
        assert chip.type(0xF0000110) == (cc.RSA_PAIR_CRT, 1) and chip.size(0xF0000110) == 256
        assert part.state.stat().st_size == size  # nothing yet
        cert = x509.load_der_x509_certificate(read_file(chip, 0xF0000111))
        numbers = cert.public_key().public_numbers()
        assert numbers.n.to_bytes(256, "big") == chip.read_rsa(0xF0000110, 0)
        assert openssl_trusts(tmp_path, ca_of(part), cert.public_bytes(serialization.Encoding.DER))
        cert.public_key().verify(chip.sign(0xF0000110, 0x28, b"m"), b"m", padding.PKCS1v15(), hashes.SHA256())
    part.stop()
    part.start()
    with cc.Chip(part.socket) as chip:  # it stays
        assert chip.read_rsa(0xF0000110, 0) == numbers.n.to_bytes(256, "big")
        refused(0x6986, chip, do.write_rsa(0xF0000112))
        public = rsa.RSAPublicNumbers(65537, int.from_bytes(chip.read_rsa(0xF0000112, 0), "big")).public_key()
        public.verify(chip.sign(0xF0000112, 0x2C, b"m"), b"m", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def test_a_part_of_before_gets_what_it_lacks(start):
    """A state file without factory keys: the user's object with such an id stays his, and gets no certificate."""
    part = start("--factory", "full")
    part.stop()
    part.options = ("--factory", "ec")
    part.start()  # what is there stays, whatever the option says
    with cc.Chip(part.socket) as chip:
        assert {*RSA_PAIRS, *RSA_4096} <= set(chip.all_ids())


def test_the_users_memory_is_the_users(start):
    """Factory objects cost the user nothing."""
    with cc.Chip(start().socket) as plain, cc.Chip(start("--factory", "full", name="full").socket) as full:
        assert plain.free_memory(1) == full.free_memory(1)
        plain.run(do.write_binary(9, size=30000))  # down to what two bytes can tell
        before = plain.free_memory(1), plain.free_memory(2)
        plain.run(do.write_symm(1, 5, bytes(160), flags=do.TRANSIENT))
        assert plain.free_memory(2) == before[1] - 160
        assert before[0] - 64 <= plain.free_memory(1) < before[0]  # the entry
        plain.run(do.write_symm(2, 5, bytes(160)))
        assert plain.free_memory(1) <= before[0] - 160
        assert plain.free_memory(3) % 16 == 0


def test_no_secret_of_the_ca_is_told(start):
    part = start()
    out = subprocess.run([BIN / "sedge-chip", "dump", part.state], capture_output=True, check=True, text=True).stdout
    assert "PRIVATE" not in out and "0xF0000012" in out
    assert b"PRIVATE" not in subprocess.run([BIN / "sedge-chip", "ca", part.state], capture_output=True, check=True).stdout
