"""Cut the power of sedge-chip in every write to storage and at every byte on the bus.

A script of 60 acknowledged writes makes, changes and deletes objects of every kind. Power is cut within it (--cut-storage N, --cut-bus N); when it comes back,
everything acknowledged must be whole, the write under way there or not there, nothing else there, and the chip must take commands. A sample in the
ordinary run, all with SEDGE_LONG=1. What a disk does to writes that were not synced is the other half: the same script under tests/powercut's recorder,
its events cut one by one and the unsynced sectors kept, lost and mixed.
"""

import hashlib
import hmac
import pathlib
import shutil
import sys

import pytest
from cryptography.hazmat.primitives import keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import chip_client as cc
import chip_commands as cmd
from chip_sessions import UserIdSession, aes_ecb
from conftest import BIN, LONG, MESON, SEED
from test_vse_durability import RECORDER, OneReadHost, is_success

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "powercut"))
import replay  # noqa: E402

APPLET = "7.2"
SECP256K1 = 0x10
CUT = 3  # exit status of a chip whose power was cut

# ---- what the host can see of an object, by kind: absent is None ----


def see_file(chip, oid):
    n = chip.size(oid)
    return b"".join(chip.read(oid, at, min(400, n - at)) for at in range(0, n, 400))


def see_pair(chip, oid):
    """The public key, and that the private one is its other half."""
    point, digest = chip.read(oid), bytes(range(32))
    assert chip.verify(oid, cc.ECDSA_SHA256, digest, chip.sign(oid, cc.ECDSA_SHA256, digest))
    return point


def see_edwards(chip, oid):
    assert chip.verify(oid, cmd.EDDSA, b"abc", chip.sign(oid, cmd.EDDSA, b"abc"))
    return chip.read(oid)


def see_public(chip, oid):
    return chip.read(oid)


def see_aes(chip, oid):
    return chip.run(cmd.cipher_oneshot(oid, cmd.AES_ECB, bytes(16)))[0x41]


def see_des(chip, oid):
    return chip.run(cmd.cipher_oneshot(oid, cmd.DES_ECB, bytes(8)))[0x41]


def see_hmac(chip, oid):
    return chip.run(cmd.mac_oneshot(oid, cmd.HMAC_SHA256, b"abc"))[0x41]


def see_user(chip, oid):
    session = UserIdSession(chip, oid, b"%08x" % oid)
    session.end()
    return True


def see_value(chip, oid):
    return chip.read(oid)


def see_type(chip, oid):
    return chip.type(oid)


def see_rsa(chip, oid):
    """How much of an import is there; finished, that it works."""
    try:
        n = chip.read_rsa(oid, 0)
    except cc.SW:
        n = b""
    return chip.type(oid)[0], chip.size(oid), n


def see_curve(chip, curve):
    return chip.curve_list()[curve - 1] == 2 or None


def see_container(chip, cid):
    listed = chip.run(cmd.read_crypto_list())[0x41]
    return next((listed[i + 2:i + 4] for i in range(0, len(listed), 4) if listed[i:i + 2] == cc.u16(cid)), None)


def look(chip, what):
    see, oid = what
    if see not in (see_curve, see_container) and not chip.exists(oid):
        return None
    return see(chip, oid)


ANYTHING = object()  #: a key that the chip made: what it is must only stay


class Script:
    """60 commands and what each changes: [(command, {(see, id): value afterwards})]."""

    def __init__(self, rng, rsa_key):
        self.steps = []
        self.rng = rng
        self.curve()
        self.keys(rsa_key)
        self.symmetric()
        self.files()
        self.values()
        self.rest()
        assert len(self.steps) == 60, len(self.steps)
        #: model[k]: what is seen after k acknowledged steps
        self.model = [{}]
        for _, changes in self.steps:
            self.model.append({**self.model[-1], **changes})

    def add(self, command, **changes):
        self.steps.append((command, {(globals()["see_" + see], oid): value for see, (oid, value) in changes.items()}))

    def curve(self):
        numbers = cc.CURVES[SECP256K1]  # P-256 is there from the factory
        self.add(cmd.create_curve(SECP256K1))
        for param, name in ((1, "a"), (2, "b"), (4, "g"), (8, "n"), (0x10, "p")):
            self.add(cmd.set_curve_param(SECP256K1, param, bytes.fromhex(numbers[name])),
                     **({"curve": (SECP256K1, True)} if name == "p" else {}))  # the last one makes it usable

    def keys(self, rsa_key):
        own = ec.derive_private_key(self.rng.randrange(1, 1 << 255), ec.SECP256R1())
        point = own.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        private = own.private_numbers().private_value.to_bytes(32, "big")
        self.add(cmd.write_ec(0x10, 3), pair=(0x10, ANYTHING))
        self.add(cmd.write_ec(0x11, 3, private=private, public=point), pair=(0x11, point))
        self.add(cmd.write_ec(0x12, 3, public=point, part=0x20), public=(0x12, point))
        self.add(cmd.write_ec(0x13, cmd.ED25519), edwards=(0x13, ANYTHING))
        self.add(cmd.write_ec(0x14, cmd.X25519), public=(0x14, ANYTHING))
        self.add(cmd.write_ec(0x15, 3, public=point, part=0x20, attempts=5, flags=cmd.AUTH), type=(0x15, (0x2B, 1)))
        n = rsa_key.private_numbers()
        pub = n.public_numbers
        wide, half = 128, 64
        crt = [dict(p=n.p.to_bytes(half, "big"), bits=1024), dict(q=n.q.to_bytes(half, "big")), dict(dp=n.dmp1.to_bytes(half, "big")),
               dict(dq=n.dmq1.to_bytes(half, "big")), dict(qinv=n.iqmp.to_bytes(half, "big")), dict(e=b"\1\0\1"), dict(n=pub.n.to_bytes(wide, "big"))]
        for part in crt:
            modulus = part.get("n", b"")
            self.add(cmd.write_rsa(0x18, part=0x60 if "p" in part else 0, **part), rsa=(0x18, (5, wide, modulus)))
        self.add(cmd.write_rsa(0x19, bits=1024, n=pub.n.to_bytes(wide, "big"), part=0x20, raw=True), rsa=(0x19, (8, wide, pub.n.to_bytes(wide, "big"))))
        self.add(cmd.write_rsa(0x19, e=b"\1\0\1", part=0x20, raw=True), rsa=(0x19, (8, wide, pub.n.to_bytes(wide, "big"))))

    def symmetric(self):
        kek, key, hkey = self.rng.randbytes(16), self.rng.randbytes(32), self.rng.randbytes(40)
        self.add(cmd.write_symm(0x20, 3, kek), aes=(0x20, aes_ecb(kek, bytes(16))))
        self.add(cmd.write_symm(0x21, 3, keywrap.aes_key_wrap(kek, key), kek=0x20), aes=(0x21, aes_ecb(key, bytes(16))))
        self.add(cmd.write_symm(0x21, 3, kek[::-1]  + kek), aes=(0x21, aes_ecb(kek[::-1] + kek, bytes(16))))
        self.add(cmd.write_symm(0x22, 4, bytes.fromhex("0123456789abcdef") * 3), des=(0x22, bytes.fromhex("d5d44ff720683d0d")))
        self.add(cmd.write_symm(0x23, 5, hkey), hmac=(0x23, hmac.new(hkey, b"abc", "sha256").digest()))
        self.add(cmd.write_symm(0x24, 3, kek, attempts=3, flags=cmd.AUTH), type=(0x24, (9, 1)))
        self.add(cmd.write_symm(0x25, 3, kek, flags=cmd.TRANSIENT), type=(0x25, (9, 2)))
        self.add(cmd.write_userid(0x26, b"%08x" % 0x26), user=(0x26, True))
        self.add(cmd.write_userid(0x27, b"%08x" % 0x27, attempts=9), user=(0x27, True))

    def files(self):
        big = bytearray(5000)
        first = self.rng.randbytes(300)
        big[:300] = first
        self.add(cmd.write_binary(0x30, first, size=5000), file=(0x30, bytes(big)))
        for at in (4700, 250, 1000, 0, 2500, 4999):
            piece = self.rng.randbytes(min(300, 5000 - at))
            big[at:at + len(piece)] = piece
            self.add(cmd.write_binary(0x30, piece, offset=at), file=(0x30, bytes(big)))
        self.add(cmd.write_binary(0x31, b"x", size=1), file=(0x31, b"x"))
        self.add(cmd.write_binary(0x31, b"y"), file=(0x31, b"y"))
        self.add(cmd.write_binary(0x32, b"policy", size=6, rules=cmd.policy(["read", "delete"])), file=(0x32, b"policy"))
        self.add(cmd.delete(0x31), file=(0x31, None))
        self.add(cmd.write_binary(0x31, b"back", size=4), file=(0x31, b"back"))

    def values(self):
        self.add(cmd.write_counter(0x40, size=4), value=(0x40, bytes(4)))
        self.add(cmd.write_counter(0x40, value=cc.u32(77)), value=(0x40, cc.u32(77)))
        self.add(cmd.write_counter(0x40), value=(0x40, cc.u32(78)))
        self.add(cmd.write_counter(0x40), value=(0x40, cc.u32(79)))
        start = self.rng.randbytes(32)
        extended = hashlib.sha256(start + b"event").digest()
        self.add(cmd.write_pcr(0x41, initial=start), value=(0x41, start))
        self.add(cmd.write_pcr(0x41, extend=b"event"), value=(0x41, extended))
        self.add(cmd.write_pcr(0x41, extend=b"more"), value=(0x41, hashlib.sha256(extended + b"more").digest()))
        self.add(cmd.write_pcr(0x41), value=(0x41, start))

    def rest(self):
        self.add(cmd.create_crypto_object(9, cmd.DIGEST_OBJECT, cmd.SHA256), container=(9, b"\1\4"))
        self.add(cmd.create_crypto_object(10, cmd.CIPHER_OBJECT, cmd.AES_CTR), container=(10, b"\2\xf0"))
        self.add(cmd.delete_crypto_object(9), container=(9, None))
        self.add(cmd.write_symm(0x28, 5, bytes(32)), hmac=(0x28, hmac.new(bytes(32), b"abc", "sha256").digest()))
        self.add(cmd.write_ec(0x10), pair=(0x10, ANYTHING))  # another pair under the same id
        self.add(cmd.delete(0x11), pair=(0x11, None))
        self.add(cmd.delete(0x22), des=(0x22, None))
        self.add(cmd.write_symm(0x29, 3, bytes(24)), aes=(0x29, aes_ecb(bytes(24), bytes(16))))
        derived = hmac.new(hmac.new(bytes(32), bytes(32), "sha256").digest(), b"info\1", "sha256").digest()  # RFC 5869, one block
        self.add(cmd.hkdf(0x28, cmd.SHA256, bytes(32), b"info", 32, target=0x2A), hmac=(0x2A, hmac.new(derived, b"abc", "sha256").digest()))
        self.add(cmd.write_binary(0x33, b"versioned", size=9, version=3), file=(0x33, b"versioned"))


def same(seen, want):
    return seen is not None if want is ANYTHING else seen == want


def objects_of(model):
    """The ids that should be listed, curves and crypto objects apart."""
    return {oid for (see, oid), value in model.items() if value is not None and see not in (see_curve, see_container)}


def check(chip, script, acknowledged, before, words):
    """Everything acknowledged is whole; the step under way is there or not; the chip takes commands."""
    now = script.model[acknowledged]
    step = script.model[min(acknowledged + 1, len(script.steps))]
    ids = set(chip.all_ids()) - before
    assert ids in (objects_of(now), objects_of(step)), f"{words}: other objects than written: {sorted(map(hex, ids ^ objects_of(now)))}"
    for what in step:
        seen = look(chip, what)
        wanted = [m.get(what) for m in (now, step)]
        assert any(same(seen, w) for w in wanted), f"{words}: {what[0].__name__[4:]} {what[1]:#x} is {seen!r}, not one of {wanted!r}"
    chip.write_binary(0x99, b"next", size=4)
    assert chip.read(0x99) == b"next"


# ---- the switch: every byte ----


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 1024)


class Sweep:
    """Runs of the script from its saved states, with the power cut in them."""

    def __init__(self, procs, folder, rng, rsa_key, capsys):
        self.procs, self.folder, self.script, self.capsys = procs, folder, Script(rng, rsa_key), capsys
        self.part = cc.Part(procs, BIN / "sedge-chip", folder, "--applet", APPLET)
        self.part.start()
        with cc.Chip(self.part.socket) as chip:
            self.before = set(chip.all_ids())
        self.part.stop()
        self.images = [self.part.state.read_bytes()]
        self.cuts = self.losses = 0

    def power_on(self, image=None, *options):
        if image is not None:
            self.part.state.write_bytes(image)
        self.part.options = ("--applet", APPLET, *options)
        return self.part.start()

    def dry(self, first, last):
        """Run steps first..last from the saved state; the bytes written and sent until the last answer was read."""
        self.power_on(self.images[first])
        with cc.Chip(self.part.socket) as chip:
            for command, _ in self.script.steps[first:last]:
                assert chip.run(command) == {}
            counters = self.part.read_counters()
        self.part.stop()
        return counters["storage_bytes"], counters["bus_bytes"]

    def save_states(self):
        """The state file after each step: images[k]."""
        for k in range(len(self.script.steps)):
            self.dry(k, k + 1)
            self.images.append(self.part.state.read_bytes())

    def points(self, k):
        """Where to cut in step k: every byte of the bus; of each write to storage the first byte, the middle, the end."""
        log = self.folder / f"events.{k}"
        self.part.env = {"LD_PRELOAD": str(RECORDER), "POWERCUT_DIR": str(self.folder), "POWERCUT_LOG": str(log)}
        storage, bus = self.dry(k, k + 1)
        self.part.env = None
        names, at = {}, 0
        for e in replay.read_log(log):
            if e[0] in "CO":
                names[e[1]] = e[2]
            if e[0] == "W" and ".state" in names.get(e[1], ""):
                for n in {1, (len(e[3]) + 1) // 2, len(e[3])}:
                    yield k, "--cut-storage", at + n
                at += len(e[3])
        assert at == storage, "the chip's count of bytes and the recorder's"
        for n in range(1, bus + 1):
            yield k, "--cut-bus", n

    def cut(self, option, n, first, last):
        """One cut: the chip dies in the steps first..last; then look."""
        self.power_on(self.images[first], option, n)
        acknowledged = first
        try:
            with cc.Chip(self.part.socket) as chip:
                for command, _ in self.script.steps[first:last]:
                    assert chip.run(command) == {}
                    acknowledged += 1
        except OSError:
            pass
        words = f"{option} {n} in steps {first + 1} to {last} ({acknowledged} acknowledged), seed {SEED}"
        assert self.part.process.wait(10) == CUT, f"{words}: it was not cut"
        self.power_on()
        self.cuts += 1
        self.losses += 1  # unless:
        with cc.Chip(self.part.socket) as chip:
            check(chip, self.script, acknowledged, self.before, words)
        self.losses -= 1
        self.part.kill()

    def print(self, what):
        with self.capsys.disabled():
            print(f"\n  {what}: {self.cuts} cuts, {self.losses} losses")


@pytest.fixture
def sweep(procs, tmp_path, rng, rsa_key, capsys):
    return Sweep(procs, tmp_path, rng, rsa_key, capsys)


def test_a_cut_in_the_script_loses_nothing_acknowledged(sweep, rng):
    """The whole script in one run of the chip, cut anywhere."""
    storage, bus = sweep.dry(0, 60)
    assert storage > 60 * 50 and bus > 60 * 15
    for option, total in (("--cut-storage", storage), ("--cut-bus", bus)):
        for n in sorted(rng.sample(range(1, total + 1), 200 if LONG else 15)):
            sweep.cut(option, n, 0, 60)
    sweep.print("cuts in one run of 60 writes")
    assert sweep.losses == 0 and sweep.cuts == (400 if LONG else 30)


def test_a_cut_in_every_write_and_at_every_byte_on_the_bus_loses_nothing(sweep, rng):
    """Each step from its saved state (a sample of the cuts in the ordinary run)."""
    sweep.save_states()
    points = [p for k in (range(60) if LONG else sorted(rng.sample(range(60), 20))) for p in sweep.points(k)]
    storage = [p for p in points if p[1] == "--cut-storage"]
    bus = [p for p in points if p[1] == "--cut-bus"]
    assert len(storage) > 2 * 20 and len(bus) > 15 * 20
    for k, option, n in points if LONG else sorted(rng.sample(storage, 16) + rng.sample(bus, 16)):
        sweep.cut(option, n, k, k + 1)
    sweep.print(f"cuts within single writes, of {len(storage)} in storage and {len(bus)} on the bus")
    assert sweep.losses == 0


def test_the_sweep_can_fail(sweep):
    """A chip that lost one acknowledged write is noticed, whatever kind of object it was."""
    sweep.save_states()
    for k in (6, 7, 22, 31, 45, 58):
        sweep.power_on(sweep.images[k])
        with cc.Chip(sweep.part.socket) as chip:
            check(chip, sweep.script, k, sweep.before, "whole")
            chip.delete(0x99)
            # two acknowledged, or one and the other under way: the state before both is neither
            with pytest.raises((AssertionError, cc.SW)):
                check(chip, sweep.script, k + 1, sweep.before, "lost")
        sweep.part.kill()


# ---- the disk: writes that were not synced ----


def test_what_the_disk_may_lose_was_not_acknowledged(procs, tmp_path, rng, rsa_key, capsys):
    script = Script(rng, rsa_key)
    disk, log = tmp_path / "disk", tmp_path / "events"
    disk.mkdir()
    part = cc.Part(procs, BIN / "sedge-chip", disk, "--applet", APPLET, env={
        "LD_PRELOAD": str(RECORDER), "POWERCUT_DIR": str(disk), "POWERCUT_LOG": str(log)}).start()
    chip = OneReadHost(part.socket).chip
    before = set(chip.all_ids())
    events_before = len(replay.read_log(log))
    for command, _ in script.steps:
        assert chip.run(command) == {}
    part.stop()
    events = replay.read_log(log)
    marks = [k for k, e in enumerate(events) if k >= events_before and e[0] == "A" and is_success(e[2])]
    assert len(marks) == 60
    points = range(events_before, len(events) + 1)
    cuts = list(points) if LONG else sorted(rng.sample(points, 12))
    tried = 0
    folder = tmp_path / "image"
    for n, way, image in replay.images(events, cuts, rng):
        folder.mkdir()
        replay.write_image({name: c for name, c in image.items() if name.endswith(".state")}, folder)
        again = cc.Part(procs, BIN / "sedge-chip", folder, "--applet", APPLET).start()
        with cc.Chip(again.socket) as chip:
            check(chip, script, sum(m < n for m in marks), before, f"cut after {n} events, {way}, seed {SEED}")
        again.kill()
        shutil.rmtree(folder)
        tried += 1
    with capsys.disabled():
        print(f"\n  cuts of the disk between two events, sectors kept or lost: {tried} cuts, 0 losses")
    assert tried >= len(cuts)
