"""sedge-chip's applet over its socket, by a host written apart; what it signs is checked by python-cryptography."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

import chip_client as cc
from conftest import BIN

KEY = 0x20181001


@pytest.fixture
def part(procs, tmp_path):
    return cc.Part(procs, BIN / "sedge-chip", tmp_path).start()


@pytest.fixture
def chip(part):
    with cc.Chip(part.socket) as c:
        yield c


def refused(sw, fn, *args, **kw):
    with pytest.raises(cc.SW) as e:
        fn(*args, **kw)
    assert e.value.sw in (sw if isinstance(sw, tuple) else (sw,)), hex(e.value.sw)


def ec_numbers(key):
    n = (key.curve.key_size + 7) // 8
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return key.private_numbers().private_value.to_bytes(n, "big"), point


# ---- management ----


def test_select_says_which_part_it_is(procs, tmp_path):
    for version, want in (("3.1", "0301003fff010b"), ("7.2", "0702003fff010b")):
        p = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", version, name=version).start()
        with cc.Chip(p.socket) as c:
            assert c.version.hex() == want
            assert c.get_version().hex() == want


def test_another_applet_is_not_found_and_nothing_runs_unselected(part):
    with cc.Chip(part.socket, select=False) as c:
        assert c.raw(cc.apdu(4, 0, 0x20)) == (b"", 0x6D00)
        assert c.raw(bytes.fromhex("00a4040005a00000000100")) == (b"", 0x6A82)


@pytest.mark.parametrize("command, sw", [
    ("80", 0x6700), ("800400", 0x6700), ("8004002000ff", 0x6700),
    ("8204002000", 0x6E00), ("8009002000", 0x6D00), ("8004006600", 0x6A86),
    ("80040049", 0x6A80),                # random without a size
    ("800400490341 01 10".replace(" ", ""), 0x6A80),    # a size of one byte
    ("8004004904 41020010 42".replace(" ", ""), 0x9000),  # anything up to three bytes behind is an Le
    ("80040049 06 41020010 4101".replace(" ", ""), 0x6A80),
    ("80040049 08 41020010 41020010".replace(" ", ""), 0x6A80),  # a tag twice
    ("8004002200 ".strip(), 0x6A80),
])
def test_malformed_commands_have_their_status_word(chip, command, sw):
    assert chip.raw(bytes.fromhex(command))[1] == sw


def test_any_mix_of_short_and_extended_lengths_is_taken(chip):
    t = cc.tlv(0x41, cc.u16(8))
    head = bytes.fromhex("80040049")
    for lengths in (b"\x04" + t, b"\x04" + t + b"\x00", b"\x00\x00\x04" + t, b"\x00\x00\x04" + t + b"\x00\x00"):
        data, sw = chip.raw(head + lengths)
        assert sw == 0x9000 and len(cc.untlv(data)[0x41]) == 8


def test_random(chip):
    seen = {chip.random(n) for n in (1, 16, 16, 300, 512, 888)}
    assert sorted(map(len, seen)) == [1, 16, 16, 300, 512, 888]
    refused(0x6700, chip.random, 889)
    refused(0x6A80, chip.random, 0)


def test_unique_id_belongs_to_the_state_file(procs, tmp_path):
    first = cc.Part(procs, BIN / "sedge-chip", tmp_path, name="a").start()
    other = cc.Part(procs, BIN / "sedge-chip", tmp_path, name="b").start()
    with cc.Chip(first.socket) as a, cc.Chip(other.socket) as b:
        uid = a.read(cc.UNIQUE_ID)
        assert len(uid) == 18 and uid != b.read(cc.UNIQUE_ID)
        refused(0x6986, a.write_binary, cc.UNIQUE_ID, b"x")
        refused(0x6986, a.delete, cc.UNIQUE_ID)
    first.stop()
    first.start()
    with cc.Chip(first.socket) as a:
        assert a.read(cc.UNIQUE_ID) == uid


def test_a_plain_session_may_not_delete_all(chip):
    refused((0x6985, 0x6982), chip.command, 4, 0, 0x2A)
    assert chip.exists(cc.UNIQUE_ID)


# ---- binaries, lists ----


def test_binary_objects(chip):
    before = chip.free_memory()
    chip.write_binary(1, b"abc", size=1000)
    assert chip.read(1, length=5) == b"abc\0\0"
    chip.write_binary(1, b"xyz", offset=997)
    assert chip.read(1, offset=996) == b"\0xyz"
    assert chip.size(1) == 1000 and chip.type(1) == (cc.BINARY, 1)
    assert before - 1100 < chip.free_memory() < before or before == 0x7FFF
    refused((0x6985, 0x6A80), chip.write_binary, 1, b"wxyz", offset=997)
    refused(0x6985, chip.write_binary, 1, size=999)
    refused(0x6985, chip.read, 1, offset=1001)
    refused(0x6985, chip.read, 1, offset=999, length=2)
    refused(0x6985, chip.read, 2)
    refused(0x6A80, chip.write_binary, 3, b"no size")
    refused(0x6A80, chip.write_binary, 3, size=0x8000)
    refused(0x6A80, chip.write_binary, 0, b"x", size=1)
    chip.delete(1)
    assert not chip.exists(1)
    refused(0x6985, chip.delete, 1)


def test_id_list_counts_objects_and_runs_empty(chip):
    factory = chip.all_ids()
    for i in range(300):
        chip.write_binary(0x1000 + i, b"x", size=1)
    more, ids = chip.id_list()
    assert more and len(ids) > 200
    assert cc.UNIQUE_ID in factory
    assert chip.all_ids() == factory + [0x1000 + i for i in range(300)]
    assert chip.id_list(len(factory) + 299) == (False, [0x1000 + 299])
    assert chip.id_list(len(factory) + 300) == (False, [])
    assert chip.id_list(5000) == (False, [])
    assert chip.id_list(0, kind=cc.RSA_PAIR) == (False, [])
    assert chip.command(2, 0x10, 0x25) == {0x41: b""}


def test_memory_runs_full_and_loses_nothing(chip):
    n = 0
    while True:
        try:
            chip.write_binary(0x100 + n, b"x", size=4000)
        except cc.SW as e:
            assert e.sw == 0x6A84
            break
        n += 1
    assert 10 <= n <= 13
    assert not chip.exists(0x100 + n)
    assert all(chip.read(0x100 + i, length=1) == b"x" for i in range(n))


def test_transient_objects_lose_their_value_at_reset_only(chip):
    chip.write_binary(9, b"secret", size=6, ins=0x81)
    assert chip.type(9) == (cc.BINARY, 2)
    chip.t1.end_session()
    chip.select()
    assert chip.read(9) == b"secret"
    assert chip.t1.exchange(0xC6) == (0xE6, b"")
    chip.t1.ns = 0
    chip.select()
    assert chip.exists(9)
    refused(0x6985, chip.read, 9)


# ---- curves and EC ----


FACTORY_CURVES = b"\x01\x01\x02" + b"\x01" * 14


def test_a_curve_must_exist_before_its_keys(chip):
    assert chip.curve_list() == FACTORY_CURVES  # P-256, for the keys of the factory
    refused(0x6985, chip.write_ec, KEY, cc.P384)
    chip.command(1, 0x0B, 4, cc.tlv(0x41, b"\x04"))
    assert chip.curve_list() == FACTORY_CURVES  # parameters are missing
    refused(0x6985, chip.write_ec, KEY, cc.P384)
    chip.make_curve(cc.P384)
    assert chip.curve_list() == b"\x01\x01\x02\x02" + b"\x01" * 13
    chip.write_ec(KEY, cc.P384)
    assert chip.command(2, 0x0B, 0x36, cc.tlv(0x41, cc.u32(KEY))) == {0x41: b"\x04"}
    refused(0x6985, chip.command, 4, 0x0B, 0x28, cc.tlv(0x41, b"\x04"))  # in use
    refused(0x6985, chip.command, 4, 0x0B, 0x28, cc.tlv(0x41, b"\x03"))  # by the factory's keys
    refused(0x6985, chip.command, 1, 0x0B, 4, cc.tlv(0x41, b"\x40"))     # Ed25519 always exists
    chip.delete(KEY)
    chip.command(4, 0x0B, 0x28, cc.tlv(0x41, b"\x04"))
    refused(0x6985, chip.write_ec, KEY, cc.P384)


def test_a_curve_with_other_parameters_is_refused(chip):
    chip.command(1, 0x0B, 4, cc.tlv(0x41, b"\x04"))
    wrong = bytes.fromhex(cc.CURVES[cc.P384]["b"])[:-1] + b"\x00"
    refused(0x6A80, chip.command, 1, 0x0B, 0x40, cc.tlv(0x41, b"\x04"), cc.tlv(0x42, b"\x02"), cc.tlv(0x43, wrong))


@pytest.mark.parametrize("curve, kind, algorithm, digest", [
    (cc.P256, ec.SECP256R1(), cc.ECDSA_SHA256, hashes.SHA256()),
    (cc.P384, ec.SECP384R1(), cc.ECDSA_SHA384, hashes.SHA384()),
    (cc.P256, ec.SECP256R1(), 0x11, hashes.SHA1()),
])
def test_ecdsa_imported_and_generated(part, chip, curve, kind, algorithm, digest):
    h = hashes.Hash(digest)
    h.update(b"message")
    tbs = h.finalize()
    key = ec.generate_private_key(kind)
    chip.make_curve(curve)
    private, public = ec_numbers(key)
    chip.write_ec(KEY, curve, private, public)
    chip.write_ec(KEY + 1, curve)
    assert chip.read(KEY) == public and chip.size(KEY) == len(private) and chip.type(KEY) == (cc.EC_PAIR, 1)
    for oid in (KEY, KEY + 1):
        before = part.private_ops()
        signature = chip.sign(oid, algorithm, tbs)
        assert part.private_ops() == before + 1
        pub = ec.EllipticCurvePublicKey.from_encoded_point(kind, chip.read(oid))
        pub.verify(signature, tbs, ec.ECDSA(utils.Prehashed(digest)))
        assert chip.verify(oid, algorithm, tbs, signature)
        assert not chip.verify(oid, algorithm, tbs[:-1] + bytes([tbs[-1] ^ 1]), signature)
        assert not chip.verify(oid, algorithm, tbs, signature[:-1] + bytes([signature[-1] ^ 1]))
        assert not chip.verify(oid, algorithm, tbs, b"\x30\x00")
        refused(0x6A80, chip.sign, oid, algorithm, tbs + b"\x00")  # the digest's length must be the hash's
        refused(0x6A80, chip.sign, oid, algorithm, b"")
        refused(0x6A80, chip.sign, oid, 0x77, tbs)
    foreign = key.sign(tbs, ec.ECDSA(utils.Prehashed(digest)))
    assert chip.verify(KEY, algorithm, tbs, foreign)


def test_verify_takes_der_that_was_not_normalised(chip):
    """NXP's PKCS#11 module leaves out the 00 before a high top bit; others pad too much."""
    chip.make_curve(cc.P256)
    chip.write_ec(KEY, cc.P256)
    tbs = hashlib.sha256(b"m").digest()
    for _ in range(8):
        r, s = utils.decode_dss_signature(chip.sign(KEY, cc.ECDSA_SHA256, tbs))
        for width in (32, 40):
            body = b"".join(b"\x02" + bytes([width]) + v.to_bytes(width, "big") for v in (r, s))
            assert chip.verify(KEY, cc.ECDSA_SHA256, tbs, b"\x30" + bytes([len(body)]) + body)


def test_ec_imports_that_make_no_key(chip):
    chip.make_curve(cc.P256)
    private, public = ec_numbers(ec.generate_private_key(ec.SECP256R1()))
    other = ec_numbers(ec.generate_private_key(ec.SECP256R1()))[1]
    order = bytes.fromhex(cc.CURVES[cc.P256]["n"])
    for d, q in ((private, None), (None, public), (private, other), (b"\0" * 32, public), (order, public),
                 (private, public[:-1] + bytes([public[-1] ^ 1])), (private, public[:-1]), (b"\1" + private, public),
                 (private, bytes([2 + (public[-1] & 1)]) + public[1:33])):  # compressed
        refused(0x6A80, chip.write_ec, KEY, cc.P256, d, q)
        assert not chip.exists(KEY)
    chip.write_ec(KEY, cc.P256, b"\0\0" + private, public)  # leading zeros are fine
    refused(0x6985, chip.write_ec, KEY, cc.P384, private, public)
    refused(0x6A86, chip.write_ec, KEY + 1, cc.P256, private, public, part=0)


def test_private_and_public_halves(chip):
    chip.make_curve(cc.P256)
    private, public = ec_numbers(ec.generate_private_key(ec.SECP256R1()))
    tbs = bytes(range(32))
    chip.write_ec(1, cc.P256, private, None, part=cc.PRIVATE)
    chip.write_ec(2, cc.P256, None, public, part=cc.PUBLIC)
    assert (chip.type(1)[0], chip.type(2)[0]) == (2, 3)
    assert chip.verify(2, cc.ECDSA_SHA256, tbs, chip.sign(1, cc.ECDSA_SHA256, tbs))
    refused((0x6985, 0x6986), chip.read, 1)
    refused(0x6985, chip.sign, 2, cc.ECDSA_SHA256, tbs)
    refused(0x6985, chip.verify, 1, cc.ECDSA_SHA256, tbs, b"\x30\x00")


def test_types_of_a_7x_part_name_the_curve(procs, tmp_path):
    p = cc.Part(procs, BIN / "sedge-chip", tmp_path, "--applet", "7.2").start()
    with cc.Chip(p.socket) as c:
        c.make_curve(cc.P256)
        c.write_ec(KEY, cc.P256)
        assert c.type(KEY) == (0x29, 1)
        assert c.id_list(0, 0x29)[1][-1] == KEY and KEY not in c.id_list(0, 0x2D)[1]
        c.command(1, 0x61, 0, cc.tlv(0x41, cc.u32(KEY + 1)), cc.tlv(0x42, b"\x03"), cc.tlv(0x4B, cc.u32(7)))


# ---- RSA ----


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


PKCS1 = {0x0A: hashes.SHA1(), 0x27: hashes.SHA224(), 0x28: hashes.SHA256(), 0x29: hashes.SHA384(), 0x2A: hashes.SHA512()}
PSS = {0x15: hashes.SHA1(), 0x2B: hashes.SHA224(), 0x2C: hashes.SHA256(), 0x2D: hashes.SHA384(), 0x2E: hashes.SHA512()}


@pytest.mark.parametrize("raw", [False, True])
def test_rsa_import_in_both_forms(part, chip, rsa_key, raw):
    chip.write_rsa(KEY, rsa_key, raw=raw)
    pub = rsa_key.public_key()
    n = pub.public_numbers()
    assert chip.type(KEY) == (cc.RSA_PAIR if raw else cc.RSA_PAIR_CRT, 1) and chip.size(KEY) == 256
    assert chip.read_rsa(KEY, 0) == n.n.to_bytes(256, "big") and chip.read_rsa(KEY, 1) == b"\x01\x00\x01"
    before = part.private_ops()
    for message in (b"", b"hello", bytes(500)):
        for algorithm, digest in PKCS1.items():
            signature = chip.sign(KEY, algorithm, message)
            pub.verify(signature, message, padding.PKCS1v15(), digest)
            assert chip.verify(KEY, algorithm, message, signature)
        for algorithm, digest in PSS.items():
            signature = chip.sign(KEY, algorithm, message)
            pub.verify(signature, message, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
            assert chip.verify(KEY, algorithm, message, signature)
            assert not chip.verify(KEY, algorithm, message + b"x", signature)
    assert part.private_ops() == before + 30
    # decryption of what others encrypted, and no padding as hosts use it to sign a digest
    assert chip.rsa_crypt(KEY, 0x0A, pub.encrypt(b"pkcs1", padding.PKCS1v15()), True) == b"pkcs1"
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    assert chip.rsa_crypt(KEY, 0x0F, pub.encrypt(b"oaep", oaep), True) == b"oaep"
    assert rsa_key.decrypt(chip.rsa_crypt(KEY, 0x0F, b"back", False), oaep) == b"back"
    block = b"\0\1" + b"\xff" * 202 + b"\0" + bytes.fromhex("3031300d060960864801650304020105000420") + bytes(32)
    signature = chip.rsa_crypt(KEY, 0x0C, block, True)
    pub.verify(signature, bytes(32), padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
    assert chip.rsa_crypt(KEY, 0x0C, signature, False) == block
    refused(0x6A80, chip.rsa_crypt, KEY, 0x0C, block[1:], True)
    refused(0x6A80, chip.rsa_crypt, KEY, 0x0C, b"\xff" * 256, True)
    refused(0x6A80, chip.rsa_crypt, KEY, 0x77, block, True)
    refused((0x6985, 0x6A80), chip.read, KEY)


def test_rsa_generate(chip):
    chip.write_rsa_part(KEY, bits=1024)
    pub = rsa.RSAPublicNumbers(int.from_bytes(chip.read_rsa(KEY, 1), "big"),
                               int.from_bytes(chip.read_rsa(KEY, 0), "big")).public_key()
    assert pub.key_size == 1024 and pub.public_numbers().e == 65537
    pub.verify(chip.sign(KEY, 0x28, b"m"), b"m", padding.PKCS1v15(), hashes.SHA256())
    refused(0x6A80, chip.sign, KEY, 0x2E, b"m")  # PSS with SHA-512 needs more than 1024 bits
    old = chip.read_rsa(KEY, 0)
    chip.write_rsa_part(KEY)  # again
    assert chip.read_rsa(KEY, 0) != old
    for bits in (0, 1000, 2047, 8192):
        refused(0x6A80, chip.write_rsa_part, KEY + 1, bits=bits)


def test_an_rsa_key_works_when_its_last_component_is_in(chip, rsa_key):
    n = rsa_key.private_numbers()
    chip.write_rsa_part(KEY, 0x4A, n.public_numbers.n.to_bytes(256, "big"), bits=2048, raw=True)
    refused(0x6985, chip.sign, KEY, 0x28, b"m")
    chip.write_rsa_part(KEY, 0x48, b"\0\1\0\1", part=0, raw=True)
    refused(0x6985, chip.sign, KEY, 0x28, b"m")
    chip.write_rsa_part(KEY, 0x49, b"\0" + n.d.to_bytes(256, "big"), part=0, raw=True)
    rsa_key.public_key().verify(chip.sign(KEY, 0x28, b"m"), b"m", padding.PKCS1v15(), hashes.SHA256())
    refused(0x6A80, chip.write_rsa_part, KEY, 0x43, n.p.to_bytes(128, "big"), part=0, raw=True)  # not of a raw key
    refused(0x6A80, chip.command, 1, 2, 0x4F, cc.tlv(0x41, cc.u32(KEY)), cc.tlv(0x48, b"\3"), cc.tlv(0x49, b"\3"))
    refused(0x6A80, chip.write_rsa_part, KEY + 1, 0x4A, bytes(257), bits=2048, raw=True)
    refused(0x6A80, chip.write_rsa_part, KEY + 1, 0x4A, b"\x7f" + bytes(254) + b"\1", bits=2048, raw=True)
    # the first component of another key ends the old one
    other = rsa.generate_private_key(65537, 2048).private_numbers()
    chip.write_rsa_part(KEY, 0x4A, other.public_numbers.n.to_bytes(256, "big"), part=0, raw=True)
    refused(0x6985, chip.sign, KEY, 0x28, b"m")


def test_an_rsa_private_key_without_its_public_half(chip, rsa_key):
    n = rsa_key.private_numbers()
    parts = ((0x43, n.p), (0x44, n.q), (0x45, n.dmp1), (0x46, n.dmq1), (0x47, n.iqmp))
    for i, (tag, value) in enumerate(parts):
        chip.write_rsa_part(KEY, tag, value.to_bytes(128, "big"), bits=None if i else 2048, part=cc.PRIVATE)
    assert chip.type(KEY)[0] == 7
    rsa_key.public_key().verify(chip.sign(KEY, 0x28, b"m"), b"m", padding.PKCS1v15(), hashes.SHA256())
    refused(0x6985, chip.read_rsa, KEY, 0)


def test_published_ecdsa_vector(chip):
    """RFC 6979 A.2.5: P-256, SHA-256, "sample". The pair is taken as one, its signature is good."""
    chip.make_curve(cc.P256)
    private = bytes.fromhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
    public = bytes.fromhex("0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                           "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299")
    r = 0xefd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716
    s = 0xf7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8
    chip.write_ec(KEY, cc.P256, private, public)
    digest = hashlib.sha256(b"sample").digest()
    assert chip.verify(KEY, cc.ECDSA_SHA256, digest, utils.encode_dss_signature(r, s))
    assert not chip.verify(KEY, cc.ECDSA_SHA256, digest, utils.encode_dss_signature(r, s ^ 1))


# ---- policies ----


def policy(auth, rights):
    return b"\x08" + cc.u32(auth) + cc.u32(rights)


def test_policies_are_kept_and_obeyed(chip):
    chip.make_curve(cc.P256)
    tbs = bytes(32)
    chip.write_ec(1, cc.P256, policy=policy(0, 0x10000000))  # sign only
    chip.sign(1, cc.ECDSA_SHA256, tbs)
    refused(0x6986, chip.read, 1)
    refused(0x6986, chip.verify, 1, cc.ECDSA_SHA256, tbs, b"\x30\x00")
    refused(0x6986, chip.write_ec, 1)
    refused(0x6986, chip.delete, 1)
    chip.write_ec(2, cc.P256, policy=policy(0x7DA00001, 0x3FFFFFFF & ~0x20010000))  # for another session
    refused(0x6986, chip.sign, 2, cc.ECDSA_SHA256, tbs)
    chip.write_binary(3, b"x", size=1, policy=policy(0, 0x00240000) + policy(0, 0x20000000))  # forbid all
    refused(0x6986, chip.read, 3)
    chip.write_binary(4, b"x", size=1, policy=policy(0, 0x00220000))  # only with secure messaging
    refused(0x6986, chip.read, 4)
    chip.write_binary(5, b"x", size=1, policy=policy(0, 0x00040000))
    chip.delete(5)
    for bad in (b"\x07" + bytes(7), b"\x08" + bytes(7), b"\x09" + bytes(9), policy(0, 0x00010000)):
        refused(0x6984, chip.write_binary, 6, b"x", size=1, policy=bad)
    refused(0x6985, chip.write_binary, 4, b"x", policy=policy(0, 0x00200000))  # not on what exists


def test_policy_allows_finishing_an_import(chip, rsa_key):
    chip.write_rsa(KEY, rsa_key, policy=policy(0, 0x10200000))  # sign, read; no write
    chip.sign(KEY, 0x28, b"m")
    refused(0x6986, chip.write_rsa_part, KEY, 0x48, b"\1\0\1", part=0)
