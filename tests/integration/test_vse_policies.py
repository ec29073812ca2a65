"""Every right of every object type, asked through the commands: a policy with that right alone lets the command
through, one with all rights but that refuses it with 6986 and changes nothing.

The rights and their commands are the reference's (3.3 to 3.16); who, over what and when are in test_vse_policy_conditions.py.
"""

import pathlib
import re

import pytest
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives import hmac as hmac_of
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

import chip_commands as cmd
from chip_client import SW, Chip, Part
from conftest import APPLETS, BIN, Processes

ID, OTHER, ATTESTED = 0x100, 0x200, 0x7FFF0206
KEY, DATA = bytes(range(0x40, 0x50)), bytes(range(32))
HOST = ec.derive_private_key(0x1234567, ec.SECP256R1())
POINT = HOST.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
SCALAR = HOST.private_numbers().private_value.to_bytes(32, "big")
RSA = rsa.generate_private_key(65537, 1024)
CONDITIONS = ("forbid all", "secure messaging", "pcr")  # give nothing by themselves
ALL = [name for name in cmd.RIGHTS if name not in CONDITIONS]
#: what takes something away by being there, instead of giving it
TAKES = ("forbid derived output", "forbid external iv")
ALL_7X = ALL + [name for name in cmd.RIGHTS_7X if name not in TAKES]


def ec_pair(rules):
    return [cmd.write_ec(ID, 3, private=SCALAR, public=POINT, rules=rules)]


def ec_transient(rules):
    return [cmd.write_ec(ID, 3, private=SCALAR, public=POINT, rules=rules, flags=cmd.TRANSIENT)]


def ec_private(rules):
    return [cmd.write_ec(ID, 3, private=SCALAR, part=0x40, rules=rules)]


def ec_public(rules):
    return [cmd.write_ec(ID, 3, public=POINT, part=0x20, rules=rules)]


def rsa_pair(rules):
    n, half = RSA.private_numbers(), 64
    values = dict(p=n.p, q=n.q, dp=n.dmp1, dq=n.dmq1, qinv=n.iqmp, e=n.public_numbers.e, n=n.public_numbers.n)
    out = []
    for name, value in values.items():
        width = {"e": 3, "n": 128}.get(name, half)
        first = dict(bits=1024, rules=rules) if not out else dict(part=0)
        out.append(cmd.write_rsa(ID, **{name: value.to_bytes(width, "big")}, **first))
    return out


def rsa_public(rules):
    n = RSA.public_key().public_numbers()
    return [cmd.write_rsa(ID, bits=1024, n=n.n.to_bytes(128, "big"), part=0x20, raw=True, rules=rules),
            cmd.write_rsa(ID, e=b"\1\0\1", part=0, raw=True)]


def aes(rules):
    return [cmd.write_symm(ID, 3, KEY, rules=rules)]


def aes_transient(rules):
    return [cmd.write_symm(ID, 3, KEY, rules=rules, flags=cmd.TRANSIENT)]


def des(rules):
    return [cmd.write_symm(ID, 4, KEY + KEY[:8], rules=rules)]


def hmac(rules):
    return [cmd.write_symm(ID, 5, KEY, rules=rules)]


def binary(rules):
    return [cmd.write_binary(ID, b"abc", size=3, rules=rules)]


def counter(rules):
    return [cmd.write_counter(ID, size=4, rules=rules)]


def pcr(rules):
    return [cmd.write_pcr(ID, initial=bytes(32), rules=rules)]


def userid(rules):
    return [cmd.write_userid(ID, b"1234", rules=rules)]


def mac_of(algorithm):
    m = hmac_of.HMAC(KEY, algorithm)
    m.update(DATA)
    return m.finalize()


EC_SIGNED = HOST.sign(DATA, ec.ECDSA(hashes.SHA256()))  # over the digest of DATA; any well-formed signature does
RSA_SIGNED = RSA.sign(DATA, padding.PKCS1v15(), hashes.SHA256())
RSA_BOX = RSA.public_key().encrypt(DATA, padding.PKCS1v15())
DELETE = cmd.delete(ID)

CASES = [
    (ec_pair, "sign", cmd.sign(ID, 0x21, DATA)),
    (ec_pair, "verify", cmd.verify(ID, 0x21, DATA, EC_SIGNED)),
    (ec_pair, "key agreement", cmd.ecdh(ID, POINT)),
    (ec_pair, "read", cmd.read_object(ID)),
    (ec_pair, "write", cmd.write_ec(ID, private=SCALAR, public=POINT)),
    (ec_pair, "generate", cmd.write_ec(ID)),
    (ec_pair, "delete", DELETE),
    (ec_pair, "attest", cmd.read_attested(ATTESTED, ID, 0x21, bytes(16))),
    (ec_transient, "import export", cmd.export(ID)),
    (ec_private, "sign", cmd.sign(ID, 0x21, DATA)),
    (ec_private, "key agreement", cmd.ecdh(ID, POINT)),
    (ec_private, "write", cmd.write_ec(ID, private=SCALAR)),
    (ec_private, "delete", DELETE),
    (ec_public, "verify", cmd.verify(ID, 0x21, DATA, EC_SIGNED)),
    (ec_public, "read", cmd.read_object(ID)),
    (ec_public, "write", cmd.write_ec(ID, public=POINT)),
    (ec_public, "delete", DELETE),
    (rsa_pair, "sign", cmd.sign(ID, cmd.PKCS1["SHA256"], DATA, name="RSASign")),
    (rsa_pair, "verify", cmd.verify(ID, cmd.PKCS1["SHA256"], DATA, RSA_SIGNED, name="RSAVerify")),
    (rsa_pair, "encrypt", cmd.rsa_encrypt(ID, cmd.RSA_PKCS1, DATA)),
    (rsa_pair, "decrypt", cmd.rsa_decrypt(ID, cmd.RSA_PKCS1, RSA_BOX)),
    (rsa_pair, "read", cmd.read_rsa(ID, 0)),
    (rsa_pair, "write", cmd.write_rsa(ID, e=b"\1\0\1", part=0)),
    (rsa_pair, "generate", cmd.write_rsa(ID)),
    (rsa_pair, "delete", DELETE),
    (rsa_pair, "attest", cmd.read_attested(ATTESTED, ID, cmd.PKCS1["SHA256"], bytes(16))),
    (rsa_public, "verify", cmd.verify(ID, cmd.PKCS1["SHA256"], DATA, RSA_SIGNED, name="RSAVerify")),
    (rsa_public, "encrypt", cmd.rsa_encrypt(ID, cmd.RSA_PKCS1, DATA)),
    (rsa_public, "read", cmd.read_rsa(ID, 1)),
    (rsa_public, "write", cmd.write_rsa(ID, e=b"\1\0\1", part=0, raw=True)),
    (rsa_public, "delete", DELETE),
    (aes, "encrypt", cmd.cipher_oneshot(ID, cmd.AES_ECB, DATA)),
    (aes, "decrypt", cmd.cipher_oneshot(ID, cmd.AES_ECB, DATA, encrypt=False)),
    (aes, "sign", cmd.mac_oneshot(ID, cmd.CMAC_128, DATA)),
    (aes, "verify", cmd.mac_validate(ID, cmd.CMAC_128, DATA, bytes(16))),
    (aes, "wrap", cmd.write_symm(OTHER, 3, keywrap.aes_key_wrap(KEY, KEY), kek=ID)),
    (aes, "write", cmd.write_symm(ID, 3, KEY)),
    (aes, "delete", DELETE),
    (aes_transient, "import export", cmd.export(ID)),
    (des, "encrypt", cmd.cipher_oneshot(ID, cmd.DES_ECB, DATA)),
    (des, "decrypt", cmd.cipher_oneshot(ID, cmd.DES_ECB, DATA, encrypt=False)),
    (des, "sign", cmd.mac_oneshot(ID, cmd.DES_CMAC8, DATA)),
    (des, "verify", cmd.mac_validate(ID, cmd.DES_CMAC8, DATA, bytes(8))),
    (des, "write", cmd.write_symm(ID, 4, KEY + KEY[:8])),
    (des, "delete", DELETE),
    (hmac, "sign", cmd.mac_oneshot(ID, cmd.HMAC_SHA256, DATA)),
    (hmac, "verify", cmd.mac_validate(ID, cmd.HMAC_SHA256, DATA, mac_of(hashes.SHA256()))),
    (hmac, "kdf", cmd.hkdf(ID, cmd.SHA256, b"salt", b"info", 32)),
    (hmac, "write", cmd.write_symm(ID, 5, KEY)),
    (hmac, "delete", DELETE),
    (binary, "read", cmd.read_object(ID)),
    (binary, "write", cmd.write_binary(ID, b"xyz")),
    (binary, "delete", DELETE),
    (counter, "read", cmd.read_object(ID)),
    (counter, "write", cmd.write_counter(ID)),
    (counter, "delete", DELETE),
    (pcr, "read", cmd.read_object(ID)),
    (pcr, "write", cmd.write_pcr(ID, extend=b"x")),
    (pcr, "delete", DELETE),
    (userid, "delete", DELETE),
]
#: rights that are one generation's, or that a command wants: generation, object, rights it needs, the one that is asked about, commands before, command
ONE_GENERATION = [
    ("3.1", hmac, ["kdf"], "kdf", [], cmd.pbkdf2(ID, b"salt", 2, 20)),
    ("3.1", hmac, ["kdf"], "kdf", [cmd.tls_random()], cmd.tls_prf(ID, cmd.SHA256, b"label", bytes(32), 32, p2=0x4B)),
    ("3.1", hmac, ["tls pms"], "tls pms", [], cmd.tls_pms(OTHER, psk=ID)),
    ("3.1", ec_pair, ["tls pms"], "tls pms", [], cmd.tls_pms(OTHER, key_pair=ID, data=POINT)),
    ("3.1", rsa_pair, ["tls pms"], "tls pms", [], cmd.tls_pms(OTHER, key_pair=ID, data=bytes(127) + b"\2", version=0x0303)),
    ("3.1", aes, ["desfire auth"], "desfire auth", [], cmd.auth_first_part1(ID, bytes(16))),
    ("3.1", aes, ["kdf"], "kdf", [], cmd.diversify(ID, OTHER, b"card")),
    ("7.2", hmac, ["pbkdf"], "pbkdf", [], cmd.pbkdf2(ID, b"salt", 2, 20)),
    ("7.2", hmac, ["tls kdf"], "tls kdf", [cmd.tls_random()], cmd.tls_prf(ID, cmd.SHA256, b"label", bytes(32), 32, p2=0x4B)),
    ("7.2", hmac, ["tls kdf", "external random"], "external random", [], cmd.tls_prf(ID, cmd.SHA256, b"label", bytes(64), 32)),
    ("7.2", hmac, ["tls kdf", "external random"], "tls kdf", [], cmd.tls_prf(ID, cmd.SHA256, b"label", bytes(64), 32)),
    ("7.2", hmac, ["tls pms"], "tls pms", [], cmd.tls_pms(OTHER, psk=ID)),
    ("7.2", hmac, ["kdf"], "kdf", [cmd.write_symm(OTHER, 5, KEY)], cmd.hkdf(OTHER, cmd.SHA256, info=b"x", salt_id=ID)),
    ("7.2", aes, ["desfire auth"], "desfire auth", [], cmd.auth_first_part1(ID, bytes(16))),
    ("7.2", aes, ["desfire kdf"], "desfire kdf", [], cmd.diversify(ID, OTHER, b"card")),
    ("7.2", ec_pair, ["key agreement"], "key agreement", [], cmd.point_multiply(ID, POINT)),
]
#: bits whose negative test is elsewhere, because it takes more than one command or the bit takes something away
ELSEWHERE = {
    "forbid all": "test_vse_policies.py::test_each_right_of_each_type", "secure messaging": "test_vse_policy_conditions.py::test_secure_messaging_required",
    "pcr": "test_vse_policy_conditions.py::test_pcr_required", "desfire dump": "test_vse_desfire.py::test_the_right_to_dump",
    "forbid derived output": "test_vse_derive.py::test_hkdf_output_kept_in_the_part", "forbid external iv": "test_vse_symmetric.py::test_ctr_with_an_iv_of_the_parts_own",
    "desfire change key": "test_vse_desfire.py::test_the_right_to_be_written_to_a_card", "derived input": "test_vse_derive.py::test_a_target_may_be_derived_into_from_one_key_only",
}
#: bits no command of the reference asks for: they are kept and told, and give nothing
NOTHING = {"pepper", "internal sign"}


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    """A part of each personality for all cases: a fresh one for each would be dear."""
    procs = Processes(tmp_path_factory.mktemp("policies"))
    chips = {}
    for one in APPLETS:
        chips[one] = Chip(Part(procs, BIN / "sedge-chip", procs.folder, "--applet", one, name=one).start().socket)
        chips[one].make_curve(3)
    yield chips
    for chip in chips.values():
        chip.close()
    procs.stop_all()


@pytest.fixture
def chip(chips, applet):
    return chips[applet]


def fresh(chip, make, rights):
    """Start with no object of ours: what forbids its deletion is ended by DeleteAll."""
    reset = cmd.write_userid(0x7FFF0205, b"reset")
    if not chip.exists(0x7FFF0205):
        chip.run(reset)
    if chip.exists(ID) or chip.exists(OTHER):
        session = chip.run(cmd.create_session(0x7FFF0205))[0x41]
        for inner in (cmd.verify_userid(b"reset"), cmd.delete_all(), cmd.close_session()):
            chip.run(cmd.process_session(session, inner))
        chip.make_curve(3)
    for command in make(cmd.policy(rights)):
        chip.run(command)


@pytest.mark.parametrize("make,right,command", [
    pytest.param(m, r, c, id=f"{m.__name__}-{r.replace(' ', '_')}", marks=pytest.mark.chip(c.name, kind="denied")) for m, r, c in CASES])
def test_each_right_of_each_type(chip, make, right, command):
    fresh(chip, make, [right])
    data, sw = chip.raw(bytes(command))
    assert sw == 0x9000, f"with the right alone: {sw:04X}"
    fresh(chip, make, [r for r in ALL if r != right])
    before = chip.all_ids()
    assert chip.raw(bytes(command)) == (b"", 0x6986)
    assert chip.all_ids() == before
    # nobody is given anything but one who does not ask
    fresh(chip, make, [])
    assert chip.raw(bytes(command)) == (b"", 0x6986)
    fresh(chip, make, ["forbid all"] + ALL)
    assert chip.raw(bytes(command)) == (b"", 0x6986)


def bits(names):
    return sum({**cmd.RIGHTS, **cmd.RIGHTS_7X}[n] for n in names)


@pytest.mark.parametrize("applet, make, needs, right, before, command", [
    pytest.param(*row, id=f"{row[0]}-{row[1].__name__}-{row[5].name}-{row[3].replace(' ', '_')}", marks=pytest.mark.chip(row[5].name, kind="denied", applet=(row[0],)))
    for row in ONE_GENERATION])
def test_each_right_that_is_one_generations(chip, applet, make, needs, right, before, command):
    def told(rights):
        fresh(chip, make, rights)
        for one in before:
            chip.run(one)
        return chip.raw(bytes(command))

    every = ALL_7X if applet == "7.2" else ALL
    assert told(bits(needs))[1] == 0x9000
    assert told(bits(r for r in every if r != right)) == (b"", 0x6986)
    assert told(0) == (b"", 0x6986)


def test_every_bit_has_a_negative_test():
    here = {right for _, right, _ in CASES} | {row[3] for row in ONE_GENERATION}
    known = set(cmd.RIGHTS) | set(cmd.RIGHTS_7X) | {"desfire change key", "derived input"}
    assert here | set(ELSEWHERE) | NOTHING == known and not here & NOTHING
    for name in ELSEWHERE.values():
        file, test = name.split("::")
        assert re.search(rf"^def {test}\(", (pathlib.Path(__file__).parent / file).read_text(), re.M), name


@pytest.mark.parametrize("right", sorted(NOTHING))
@pytest.mark.parametrize("applet", ["7.2"])
def test_bits_that_give_nothing(chip, right):
    fresh(chip, hmac, cmd.RIGHTS_7X[right])
    for command in (cmd.mac_oneshot(ID, cmd.HMAC_SHA256, DATA), cmd.hkdf(ID, cmd.SHA256, b"salt", b"info", 32), cmd.pbkdf2(ID, b"salt", 2, 20), DELETE):
        assert chip.raw(bytes(command)) == (b"", 0x6986)


@pytest.mark.parametrize("make,right,command", [
    pytest.param(m, r, c, id=f"{m.__name__}-{r.replace(' ', '_')}") for m, r, c in CASES if r != "delete"])
def test_the_default_gives_it(chip, make, right, command):
    fresh(chip, make, ALL)  # so that whatever was is gone
    chip.delete(ID)
    for one in make(None):
        chip.run(one)
    assert chip.raw(bytes(command))[1] == 0x9000


@pytest.mark.parametrize("make", [ec_pair, rsa_pair, aes, des, hmac, binary, counter, pcr, userid], ids=lambda m: m.__name__)
def test_malformed_sets(chip, make):
    fresh(chip, make, ALL)
    chip.delete(ID)
    good = cmd.policy(["sign"])
    for bad in (good[:-1], good + b"\0", b"\7" + good[1:8], b"\0", cmd.policy(["sign", "pcr"]), good * 29):
        with pytest.raises(SW) as e:
            chip.run(make(bad)[0])
        assert e.value.sw == 0x6984
        assert not chip.exists(ID)
    assert chip.raw(bytes(make(good * 28)[0]))[1] == 0x9000  # 252 bytes
