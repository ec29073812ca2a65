"""Every command with every length and order wrong that its form has, on both personalities.

A row of COMMANDS is one well-formed command with the tags it cannot do without and those of a fixed width. From it come the cases: a
tag missing, twice, of another width, cut short; a tag that has no business there; an Lc beyond the end; tags in another order. What is
malformed is refused with the reference's status word, changes nothing (the well-formed command is answered as ever afterwards), and
never stops the chip.
"""

import dataclasses

import pytest

import chip_client as cc
import chip_commands as cmd
from chip_sessions import UserIdSession
from conftest import APPLETS, BIN, TOP, Processes

T1, T2, T3, T4, T5, T6, T7, T11 = cmd.T1, cmd.T2, cmd.T3, cmd.T4, cmd.T5, cmd.T6, cmd.T7, cmd.T11
FILE, EC, RSA, AES, DES, HMAC, USER, COUNT, PCR, ED, X, EXPORTED = range(0x300, 0x30C)
NEW, CID = 0x3FF, 0x70
MAY_LOCK, MAY_SET_FEATURES, MAY_DELETE_ALL, MAY_REQUEST_SCP, MAY_RESTRICT = 0x7FFF0200, 0x7FFF0204, 0x7FFF0205, 0x7FFF0207, 0x7FFF020A
CHIP_KEY = 0xF0000012  # the attestation key
WRONG_LENGTH, WRONG_DATA, CONDITIONS, INVALID, OK = 0x6700, 0x6A80, 0x6985, 0x6984, 0x9000

#: what the rows use, made once for each chip
MADE = {
    FILE: [cmd.write_binary(FILE, b"abcdefgh", size=8)],
    EC: [cmd.write_ec(EC, cc.P256)],
    RSA: [cmd.write_rsa(RSA, 1024)],
    AES: [cmd.write_symm(AES, 3, bytes(range(16)))],
    DES: [cmd.write_symm(DES, 4, bytes(range(16)))],
    HMAC: [cmd.write_symm(HMAC, 5, bytes(range(32)))],
    USER: [cmd.write_userid(USER, b"1234")],
    COUNT: [cmd.write_counter(COUNT, 4)],
    PCR: [cmd.write_pcr(PCR, bytes(32))],
    ED: [cmd.write_ec(ED, cmd.ED25519)],
    X: [cmd.write_ec(X, cmd.X25519)],
    **{oid: [cmd.write_userid(oid, b"1234")] for oid in (MAY_LOCK, MAY_SET_FEATURES, MAY_DELETE_ALL, MAY_REQUEST_SCP, MAY_RESTRICT)},
    EXPORTED: [cmd.write_symm(EXPORTED, 3, bytes(16), flags=cmd.TRANSIENT)],
}


@dataclasses.dataclass
class Row:
    command: cmd.Command
    must: tuple = ()      #: tags whose absence is an error
    fixed: tuple = ()     #: tags of a fixed width
    needs: tuple = ()     #: keys of MADE
    before: tuple = ()    #: commands that come first each time
    after: tuple = ()     #: and what tidies up (its status word does not matter)
    answers: int = OK     #: to the well-formed command
    alien: int = 0x15     #: a known tag without business in this command
    on: tuple = APPLETS
    without: dict = dataclasses.field(default_factory=dict)  #: {tag: status word} where its absence is another error
    misfit: int = WRONG_DATA  #: to a tag of another width
    inside: int = 0       #: the UserID object of the session in which it works; 0: the default session


def _crypto_object(context, subtype, *more):
    return dict(before=(cmd.create_crypto_object(CID, context, subtype), *more), after=(cmd.delete_crypto_object(CID),))


DIGEST = _crypto_object(cmd.DIGEST_OBJECT, cmd.SHA256)
DIGESTING = _crypto_object(cmd.DIGEST_OBJECT, cmd.SHA256, cmd.digest_init(CID))
CIPHER = _crypto_object(cmd.CIPHER_OBJECT, cmd.AES_ECB)
CIPHERING = _crypto_object(cmd.CIPHER_OBJECT, cmd.AES_ECB, cmd.cipher_init(AES, CID))
MAC = _crypto_object(cmd.MAC_OBJECT, cmd.HMAC_SHA256)
MACING = _crypto_object(cmd.MAC_OBJECT, cmd.HMAC_SHA256, cmd.mac_init(HMAC, CID))
AEAD = _crypto_object(cmd.AEAD_OBJECT, cmd.GCM)
AEADING = _crypto_object(cmd.AEAD_OBJECT, cmd.GCM, cmd.aead_init(AES, CID, bytes(12)))
PAKE = _crypto_object(cmd.PAKE_OBJECT, 1)
PAKING = _crypto_object(cmd.PAKE_OBJECT, 1, cmd.pake_configure(CID, cmd.DEVICE_A))
GONE = dict(after=(cmd.delete(NEW),))
#: a P-256 point: twice the base point
POINT = bytes.fromhex("047cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc4766997807775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1")

COMMANDS = [
    Row(cmd.create_session(USER), (T1,), (T1,), needs=(USER,), after=(cmd.get_version(),)),
    Row(cmd.get_version()),
    Row(cmd.get_version_ext(), on=("7.2",)),
    Row(cmd.get_timestamp()),
    Row(cmd.get_free_memory(1), (T1,), (T1,)),
    Row(cmd.get_random(16), (T1,), (T1,)),
    Row(cmd.read_state(), on=("7.2",)),
    Row(cmd.trigger_self_test(0xFE01), (T1,), (T1,), on=("7.2",)),
    Row(cmd.trigger_self_test_attested(0xFE01, CHIP_KEY, 0x21, bytes(16)), (T1, T5, T6, T7), (T1, T5, T6, T7), on=("7.2",)),
    Row(cmd.write_ec(NEW, cc.P256), (T1,), (T1, T2), **GONE),
    Row(cmd.write_rsa(NEW, 1024, e=b"\1\0\1", part=0x20, raw=True), (T1,), (T1, T2), **GONE),
    Row(cmd.write_symm(NEW, 3, bytes(16)), (T1, T3), (T1, T3), **GONE),
    Row(cmd.write_binary(NEW, b"xy", offset=1, size=9), (T1, T3), (T1, T2, T3), **GONE),
    Row(cmd.write_userid(NEW, b"12345678"), (T1, T2), (T1,), **GONE),
    Row(cmd.write_counter(NEW, 4), (T1,), (T1, T2), without={T2: CONDITIONS}, **GONE),  # T1 alone: count on, or reset
    Row(cmd.write_pcr(NEW, bytes(32)), (T1,), (T1, T2), without={T2: CONDITIONS}, **GONE),
    Row(cmd.read_object(FILE, 1, 2), (T1,), (T1, T2, T3), needs=(FILE,)),
    Row(cmd.read_rsa(RSA, 1), (T1,), (T1, T4), needs=(RSA,), without={T4: CONDITIONS}),
    Row(cmd.read_attested(FILE, CHIP_KEY, 0x21, bytes(16)), (T1, T5, T6, T7), (T1, T5, T6, T7), needs=(FILE,)),
    Row(cmd.read_attributes(FILE), (T1,), (T1,), needs=(FILE,)),
    Row(cmd.read_attributes_attested(FILE, CHIP_KEY, 0x21, bytes(16)), (T1, T5, T6, T7), (T1, T5, T6, T7), needs=(FILE,)),
    Row(cmd.read_type(FILE), (T1,), (T1,), needs=(FILE,)),
    Row(cmd.read_size(FILE), (T1,), (T1,), needs=(FILE,)),
    Row(cmd.read_id_list(), (T1, T2), (T1, T2)),
    Row(cmd.exists(FILE), (T1,), (T1,), needs=(FILE,)),
    Row(cmd.delete(NEW), (T1,), (T1,), before=(cmd.write_binary(NEW, b"x", size=1),), **GONE),
    Row(cmd.export(EXPORTED), (T1, T2), (T1, T2), needs=(EXPORTED,)),
    Row(cmd.create_curve(1), (T1,), (T1,), after=(cmd.delete_curve(1),)),
    Row(cmd.set_curve_param(1, 1, bytes.fromhex("ff" * 15 + "fe" + "ff" * 7 + "fc")), (T1, T2, T3), (T1, T2, T3),
        before=(cmd.create_curve(1),), after=(cmd.delete_curve(1),)),
    Row(cmd.get_curve_id(EC), (T1,), (T1,), needs=(EC,)),
    Row(cmd.read_curve_list()),
    Row(cmd.delete_curve(1), (T1,), (T1,), before=(cmd.create_curve(1),), after=(cmd.delete_curve(1),)),
    Row(cmd.sign(EC, 0x21, bytes(32)), (T1, T2), (T1, T2, T3), needs=(EC,)),
    Row(cmd.verify(EC, 0x21, bytes(32), bytes.fromhex("3006020101020101")), (T1, T2, T5), (T1, T2, T3), needs=(EC,)),
    Row(cmd.sign(ED, cmd.EDDSA, b"abc", name="EdDSASign"), (T1, T2), (T1, T2), needs=(ED,)),
    Row(cmd.verify(ED, cmd.EDDSA, b"abc", bytes(64), name="EdDSAVerify"), (T1, T2, T5), (T1, T2), needs=(ED,)),
    Row(cmd.ecdh(EC, POINT), (T1, T2), (T1, T2), needs=(EC,)),
    Row(cmd.ecdh(X, bytes([9]) * 32, target=HMAC, reverse=True), (T1, T2), (T1, T2), needs=(X, HMAC), on=("7.2",)),
    Row(cmd.point_multiply(EC, POINT), (T1, T4), (T1, T4), needs=(EC,), on=("7.2",)),
    Row(cmd.sign(RSA, 0x28, b"abc", name="RSASign"), (T1, T2), (T1, T2), needs=(RSA,)),
    Row(cmd.verify(RSA, 0x28, b"abc", bytes(128), name="RSAVerify"), (T1, T2, T5), (T1, T2), needs=(RSA,)),
    Row(cmd.rsa_encrypt(RSA, 0x0A, b"abc"), (T1, T2), (T1, T2), needs=(RSA,)),
    Row(cmd.rsa_decrypt(RSA, 0x0C, bytes(127) + b"\1"), (T1, T2), (T1, T2, T3), needs=(RSA,)),
    Row(cmd.create_crypto_object(CID, 1, 4), (T1, T2, T3), (T1, T2, T3), after=(cmd.delete_crypto_object(CID),)),
    Row(cmd.read_crypto_list()),
    Row(cmd.delete_crypto_object(CID), (T1,), (T1,), **DIGEST),
    Row(cmd.cipher_init(AES, CID), (T1, T2), (T1, T2), needs=(AES,), **CIPHER),
    Row(cmd.cipher_update(CID, bytes(16)), (T2,), (T2,), needs=(AES,), **CIPHERING),
    Row(cmd.cipher_final(CID, bytes(16)), (T2,), (T2,), needs=(AES,), **CIPHERING),
    Row(cmd.cipher_oneshot(AES, cmd.AES_CBC, bytes(16), iv=bytes(16)), (T1, T2), (T1, T2, T3, T4), needs=(AES,)),
    Row(cmd.mac_init(HMAC, CID), (T1, T2), (T1, T2), needs=(HMAC,), **MAC),
    Row(cmd.mac_update(CID, b"abc"), (T2,), (T2,), needs=(HMAC,), **MACING),
    Row(cmd.mac_final(CID, b"abc"), (T2,), (T2,), needs=(HMAC,), **MACING),
    Row(cmd.mac_oneshot(HMAC, cmd.HMAC_SHA256, b"abc"), (T1, T2), (T1, T2), needs=(HMAC,)),
    Row(cmd.mac_validate(HMAC, cmd.HMAC_SHA256, b"abc", bytes(32)), (T1, T2, T5), (T1, T2), needs=(HMAC,)),
    Row(cmd.digest_init(CID), (T2,), (T2,), **DIGEST),
    Row(cmd.digest_update(CID, b"abc"), (T2,), (T2,), **DIGESTING),
    Row(cmd.digest_final(CID, b"abc"), (T2,), (T2,), **DIGESTING),
    Row(cmd.digest_oneshot(cmd.SHA256, b"abc"), (T1,), (T1,)),
    Row(cmd.aead_init(AES, CID, bytes(12)), (T1, T2, T5), (T1, T2), needs=(AES,), on=("7.2",), **AEAD),
    Row(cmd.aead_update(CID, aad=b"abc"), (T2, T4), (T2,), needs=(AES,), on=("7.2",), **AEADING),
    Row(cmd.aead_final(CID, b"\0\x10"), (T2,), (T2,), needs=(AES,), on=("7.2",), **AEADING),
    Row(cmd.aead_oneshot(AES, cmd.GCM, b"abc", b"aad", bytes(12), b"\0\x10"), (T1, T2, T5), (T1, T2), needs=(AES,)),
    Row(cmd.hkdf(HMAC, cmd.SHA256, b"salt", b"info", 32), (T1, T2, T5), (T1, T2, T5), needs=(HMAC,)),
    Row(cmd.hkdf(HMAC, cmd.SHA256, b"", b"info", 32, expand_only=True), (T1, T2, T5), (T1, T2, T5), needs=(HMAC,)),
    Row(cmd.pbkdf2(HMAC, b"salt", 2, 20), (T1, T3, T4), (T1, T3, T4), needs=(HMAC,)),
    Row(cmd.tls_random()),
    Row(cmd.tls_prf(HMAC, cmd.SHA256, b"key expansion", bytes(32), 32, p2=0x4B), (T1, T2, T3, T4, T5), (T1, T2, T4, T5), needs=(HMAC,),
        before=(cmd.tls_random(),)),
    Row(cmd.tls_prf(HMAC, cmd.SHA256, b"key expansion", bytes(64), 32, p2=0x5A), (T1, T2, T3, T4, T5), (T1, T2, T4, T5), needs=(HMAC,),
        on=("7.2",)),
    Row(cmd.diversify(AES, NEW, b"card"), (T1, T2, T3), (T1, T2), needs=(AES,), **GONE),
    Row(cmd.auth_first_part1(AES, bytes(16)), (T1, T2), (T1, T2), needs=(AES,)),
    Row(cmd.auth_nonfirst_part1(AES, bytes(16)), (T1, T2), (T1, T2), needs=(AES,), answers=CONDITIONS),  # nothing came before
    Row(cmd.auth_first_part2(bytes(32)), (T1,), (T1,), answers=CONDITIONS),
    Row(cmd.auth_nonfirst_part2(bytes(16)), (T1,), (T1,), answers=CONDITIONS),
    Row(cmd.dump_session_keys(), answers=CONDITIONS),
    Row(cmd.change_key_part1(AES, 0xFF, 1, 2, old=AES), (T2, T3, T4, T5), (T1, T2, T3, T4, T5), needs=(AES,), answers=CONDITIONS),
    Row(cmd.change_key_part2(bytes(8)), (T1,), (T1,), answers=CONDITIONS),
    Row(cmd.kill_authentication(), answers=CONDITIONS),
    Row(cmd.pake_configure(CID, cmd.DEVICE_A), (T2, T3), (T2, T3), on=("7.2",), **PAKE),
    Row(cmd.pake_init(CID, b"context", b"prover", b"verifier"), (T2,), (T2,), on=("7.2",), **PAKING),
    Row(cmd.pake_credentials(CID, HMAC, HMAC), (T2, T3, T4), (T2, T3, T4), needs=(HMAC,), on=("7.2",), **PAKING),
    Row(cmd.pake_share(CID, POINT), (T2,), (T2,), answers=CONDITIONS, on=("7.2",), **PAKING),  # the exchange is in test_vse_pake.py
    Row(cmd.pake_keys(CID, POINT), (T2, T3), (T2,), answers=CONDITIONS, on=("7.2",), **PAKING),
    Row(cmd.pake_verify(CID, bytes(32)), (T2, T3), (T2,), answers=CONDITIONS, on=("7.2",), **PAKING),
    Row(cmd.pake_type(CID), (T2,), (T2,), on=("7.2",), **PAKING),
    Row(cmd.pake_state(CID), (T2,), (T2,), on=("7.2",), **PAKING),
    Row(cmd.delete_all(), inside=MAY_DELETE_ALL),
    Row(cmd.set_lock_state(True, 2), (T1, T2), (T1, T2), inside=MAY_LOCK),
    Row(cmd.set_platform_scp(2), (T1,), (T1,), inside=MAY_REQUEST_SCP),
    Row(cmd.set_applet_features(0x7FFF), (T1,), (T1,), inside=MAY_SET_FEATURES),
    Row(cmd.disable_object_creation(False, 1), (T1, T2), (T1, T2), inside=MAY_RESTRICT),
    Row(cmd.exchange_session_data(cmd.session_policy()), (T1,), (T1,), misfit=INVALID, inside=USER),
    Row(cmd.refresh_session(cmd.session_policy(0x2000)), (), (cmd.POLICY,), misfit=INVALID, inside=USER),
    Row(cmd.close_session(), inside=USER),
    Row(cmd.i2cm(b"\1\0\2\x20\0"), (T1,), ()),
    Row(cmd.i2cm_attested(b"\1\0\2\x20\0", CHIP_KEY, 0x21), (T1, T2, T3, T7), (T2, T3, T7)),
]


def not_there():
    """(name, applet) of the commands that chip-commands.txt says are not there: a reason for every kind of case."""
    out = set()
    for line in (TOP / "tests/vectors/chip-commands.txt").read_text().splitlines():
        if line.startswith("!") and line.split()[3] == "*":
            _, name, applet, *_ = line.split()
            out |= {(name, a) for a in (APPLETS if applet == "*" else (applet,))}
    return out


def retag(part, tag=None, value=None):
    """A TLV with another tag or value."""
    (old, content), = cc.untlv(part).items()
    return cc.tlv(old if tag is None else tag, content if value is None else value)


def variants(row):
    """(what, kind, bytes, status word)"""
    c = row.command
    tags = [p[0] for p in c.parts]
    for i, part in enumerate(c.parts):
        others = c.parts[:i], c.parts[i + 1:]
        value = part[len(part) - next(iter(map(len, cc.untlv(part).values()))):]
        name = f"T{part[0] - 0x40}" if part[0] > 0x40 else f"tag {part[0]:02X}"
        if part[0] in row.must:
            yield f"{name} missing", "order", c.with_parts(others[0] + others[1]), WRONG_DATA
        if part[0] in row.without:
            yield f"{name} missing", "order", c.with_parts(others[0] + others[1]), row.without[part[0]]
        yield f"{name} twice", "order", c.with_parts(others[0] + [part, part] + others[1]), WRONG_DATA
        if part[0] in row.fixed:
            yield f"{name} short", "length", c.with_parts(others[0] + [retag(part, value=value[:-1])] + others[1]), row.misfit
            yield f"{name} long", "length", c.with_parts(others[0] + [retag(part, value=value + b"\0")] + others[1]), row.misfit
    if c.parts:
        yield "the last TLV cut", "length", c.with_parts([c.data[:-1]]), WRONG_DATA
        yield "a tag without length", "length", c.with_parts([c.data + b"\x4a"]), WRONG_DATA
    yield "a TLV without business here", "order", c.with_parts(c.parts + [cc.tlv(row.alien, b"\0")]), WRONG_DATA
    assert row.alien not in tags
    yield "Lc beyond the end", "length", bytes(c)[:4] + bytes([min(len(c.data), 200) + 5]) + (c.data[:200] or b"\0"), WRONG_LENGTH
    if len(c.parts) > 1:
        yield "tags in another order", "order", c.with_parts(c.parts[::-1]), row.answers


def cases():
    absent = not_there()
    for row in COMMANDS:
        for applet in row.on:
            if (row.command.name, applet) in absent:
                continue
            for what, kind, command, sw in variants(row):
                yield pytest.param(applet, row, command, sw, id=f"{row.command.name}-{applet}-{what}",
                                   marks=pytest.mark.chip(row.command.name, kind=kind, applet=applet))


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    """A chip of each personality, with what the rows need made on demand: {applet: (chip, made)}."""
    procs = Processes(tmp_path_factory.mktemp("logs"))
    out = {}
    for applet in APPLETS:
        part = cc.Part(procs, BIN / "sedge-chip", tmp_path_factory.mktemp("chip"), "--applet", applet).start()
        chip = cc.Chip(part.socket)
        chip.make_curve(cc.P256)
        out[applet] = chip, set()
    yield out
    for chip, _ in out.values():
        chip.close()
    procs.stop_all()


def ready(chips, applet, row):
    chip, made = chips[applet]
    for key in ({*row.needs, row.inside} - {0}) - made:
        for command in MADE[key]:
            chip.run(command)
        made.add(key)
    if row.inside:
        chip = UserIdSession(chip, row.inside, b"1234")
    for command in row.before:
        chip.run(command)
    return chip


@pytest.mark.parametrize("applet, row, malformed, sw", cases())
def test_malformed_commands_are_refused_and_change_nothing(chips, applet, row, malformed, sw):
    chip = ready(chips, applet, row)
    try:
        # Lc beyond the end is no command that a session's layer could take apart
        send = chip.process if row.inside and isinstance(malformed, bytes) else chip.raw
        data, got = send(bytes(malformed))
        assert f"{got:04X}" == f"{sw:04X}"
        if sw != OK:
            assert data == b""
            _, got = chip.raw(bytes(row.command))
            assert f"{got:04X}" == f"{row.answers:04X}", "the well-formed command afterwards"
    finally:
        chip = chips[applet][0]
        chip.select()  # ends sessions
        if row.command.name == "DeleteAll":
            chips[applet][1].intersection_update({oid for oid in MADE if oid >= 0x7FFF0000})
        if row.command.name == "DisableObjectCreation":  # until the next reset
            chip.t1.exchange(0xC6)
            chip.t1.ns = 0
            chip.select()
        for command in row.after:
            chip.raw(bytes(command))


@pytest.mark.parametrize("what, command", [("not-there", bytes(cmd.Command("", 3, 0, p2, [b"\x41\1\0"]))) for p2 in (0x11, 0x1A, 0x7F)])
def test_commands_that_are_not_there_say_so(chips, applet, what, command):
    assert chips[applet][0].raw(command) == (b"", 0x6A86)


SELECT = bytes.fromhex("00a4040010") + cc.AID
SELECTS = [  # kind, command, answer of 3.1 and 7.2
    ("positive", SELECT + b"\0", ("0301003fff010b9000", "0702003fff010b9000")),
    ("positive", SELECT, ("0301003fff010b9000", "0702003fff010b9000")),
    ("denied", SELECT[:-1] + b"\1\0", ("6a82", "6a82")), ("denied", bytes.fromhex("00a4040005a00000000100"), ("6a82", "6a82")),
    ("length", SELECT[:-1], ("6700", "6700")), ("length", SELECT[:4] + b"\x0f" + cc.AID[:-1] + b"\0", ("6a82", "6a82")),
    ("order", bytes.fromhex("00a4000010") + cc.AID + b"\0", ("6a86", "6a86")), ("order", bytes.fromhex("00a4040110") + cc.AID + b"\0", ("6a86", "6a86")),
    ("order", bytes.fromhex("80a4040010") + cc.AID + b"\0", ("6a86", "6a86")),  # A4 is MGMT with flags there
]


@pytest.mark.parametrize("applet, command, answer", [
    pytest.param(a, c, bytes.fromhex(answer[i]), id=f"{n}-{a}", marks=pytest.mark.chip("Select", kind=kind, applet=a))
    for n, (kind, c, answer) in enumerate(SELECTS) for i, a in enumerate(APPLETS)])
def test_select(chips, applet, command, answer):
    chip = chips[applet][0]
    try:
        assert chip.t1.transceive(command) == answer
    finally:
        chip.select()


@pytest.mark.parametrize("malformed, sw", [
    ([], WRONG_DATA), ([cc.tlv(0x41, b"1234")] * 2, WRONG_DATA), ([cc.tlv(0x42, b"1234")], WRONG_DATA), ([cc.tlv(0x41, b"1234"), cc.tlv(0x42, b"")], WRONG_DATA),
], ids=["missing", "twice", "another tag", "one more"])
@pytest.mark.chip("VerifySessionUserID", kind="order")
def test_a_malformed_userid_costs_no_attempt(chips, applet, malformed, sw):
    oid, (chip, _) = 0x320, chips[applet]
    chip.run(cmd.write_userid(oid, b"1234", attempts=1))
    try:
        session = chip.run(cmd.create_session(oid))[0x41]
        assert chip.raw(bytes(cmd.process_session(session, cmd.verify_userid(b"").with_parts(malformed)))) == (b"", sw)
        assert chip.run(cmd.process_session(session, cmd.verify_userid(b"1234"))) == {}
    finally:
        chip.select()
        chip.delete(oid)


def test_every_command_of_the_reference_has_its_row():
    """Except those that only work inside a session or a handshake, which have tests of their own."""
    own = {"Select", "ProcessSessionCmd", "VerifySessionUserID", "SCPInitializeUpdate",
           "SCPExternalAuthenticate", "ECKeySessionInternalAuthenticate", "ECKeySessionGetECKAPublicKey", "ImportObject", "ImportExternalObject", "TLSCalculatePreMasterSecret"}
    listed = {(line.split()[0], a) for line in (TOP / "tests/vectors/chip-commands.txt").read_text().splitlines()
              if line[:1].isalpha() for a in line.split()[2:]}
    rows = {(row.command.name, a) for row in COMMANDS for a in row.on}
    assert {name for name, a in listed - rows - not_there()} <= own
    assert rows <= listed
