"""What the gateway acknowledged is there after kill -9, a restart and a power cut: sessions, subscriptions, queued and retained
messages, QoS 2 (docs/spec/cloud.md CL-36)."""

import collections
import concurrent.futures
import contextlib
import json
import pathlib
import selectors
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest
from cloud import Cloud, arn
from conftest import LONG, MESON, SEED
from mqtt_wire import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, Client, Closed, ack, eventually, publish, will
from postgres import postgres  # noqa: F401

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "powercut"))
import replay  # noqa: E402

RECORDER = MESON / "tests/powercut/libpowercut-recorder.so"
both = pytest.mark.parametrize("v", [4, 5])
KEPT = {4: {}, 5: {"properties": {"session_expiry": 600}}}


@pytest.fixture
def start(procs, tmp_path):
    def make(*more, profile="standard"):
        return Gateway(procs, tmp_path, "--plain-mqtt", "127.0.0.1:0", "--profile", profile, *more)

    return make


class Recorded:
    """Starts programs under the recorder of power cuts; `log` is what they did to the folder `disk`."""

    def __init__(self, procs, disk, log):
        self.procs, self.log = procs, log
        self.env = {"LD_PRELOAD": str(RECORDER), "POWERCUT_DIR": str(disk), "POWERCUT_LOG": str(log)}

    def start(self, *argv, env=None):
        assert RECORDER.exists(), f"{RECORDER} is missing: build first"
        return self.procs.start(*argv, env={**(env or {}), **self.env})

    def stop(self, p, **kw):
        return self.procs.stop(p, **kw)

    def events(self):
        return replay.read_log(self.log)


class Gateway(Cloud):
    """A sedge-cloud with a port without TLS."""

    def start(self, *more):
        self.__dict__.pop("api", None)  # on other ports each time: somebody may have taken the old ones meanwhile
        super().start(*more)
        self.plain = json.loads(self.data.joinpath("endpoints.json").read_text())["plainMqttPort"]

    def again(self):
        self.kill()
        self.start()

    def client(self, name, v=5, present=None, **kw):
        c = Client(self.plain, v)
        p = c.connect(name, clean=kw.pop("clean", False), **{**KEPT[v], **kw})
        assert p.code == 0
        assert present is None or p.session == present, p
        return c

    def rows(self, sql):
        with sqlite3.connect(self.data / "sedge.db") as db:
            return db.execute(sql).fetchall()

    def count(self, *tables):
        return [self.rows(f"SELECT count(*) FROM mqtt_{t}")[0][0] for t in tables]


@both
def test_session_and_messages_survive_a_kill(start, v):
    g = start()
    s = g.client("s", v, present=0)
    assert s.subscribe(("a/#", 2), ("b", 1)) == [2, 1]
    s.leave()
    p = g.client("p", v, clean=True)
    for i, qos in enumerate((1, 2, 0, 1)):
        p.publish("a/x", f"m{i}", qos)
    p.publish("b", b"retained", 1, retain=True)
    g.again()
    s = g.client("s", v, present=1)
    got = [s.receive() for _ in range(4)]
    assert [(m.topic, m.payload, m.qos) for m in got] == [("a/x", b"m0", 1), ("a/x", b"m1", 2), ("a/x", b"m3", 1), ("b", b"retained", 1)]
    assert g.client("p", v).publish("a/y", b"more", 1) == 0  # the subscription is there
    assert s.receive().payload == b"more"
    s.quiet()
    s.subscribe(("b", 1))
    assert s.receive(topic="b", payload=b"retained", retain=1)
    s.leave()
    eventually(lambda: g.count("queue", "messages") == [0, 0])
    g.again()
    g.client("s", v, present=1).quiet()


# ---- kill -9 under load ----

KILLS = 1000 if LONG else 50
PUBLISHERS = 4
MOST = 9000 // PUBLISHERS  # a session's queue holds 10,000
WINDOW = 16


class Publisher:
    """Sends numbered messages with QoS 1 and 2, and after a reconnect those that were not acknowledged again, as MQTT asks."""

    def __init__(self, n, most):
        self.name, self.topic, self.most = f"p{n}", f"t/{n}", most
        self.sent = self.last_pid = 0
        self.open = {}  # packet identifier -> (number, QoS, has the server said PUBREC?)
        self.promised = []  # numbers that the server took responsibility for
        self.kept = False  # something was acknowledged in this session

    def packet(self, pid, dup):
        number, qos, released = self.open[pid]
        return ack(5, PUBREL, pid) if released else publish(5, self.topic, str(number), qos, pid, dup=dup)

    def fresh(self):
        """New messages up to the window."""
        out = []
        while len(self.open) < WINDOW and self.sent < self.most:
            self.sent += 1
            self.last_pid = self.last_pid % 65535 + 1
            self.open[self.last_pid] = (self.sent, 1 + self.sent % 2, False)
            out.append(self.packet(self.last_pid, False))
        return out

    def take(self, p):
        """An acknowledgement; what is to be sent for it."""
        assert p.kind in (PUBACK, PUBREC, PUBCOMP) and p.code in (0, 0x92), p
        number, qos, released = self.open[p.pid]
        self.kept = True
        if p.kind != PUBCOMP:
            assert p.kind == (PUBACK if qos == 1 else PUBREC) and not (p.kind == PUBACK and released)
            if not released:
                self.promised.append(number)
        if p.kind == PUBREC:
            self.open[p.pid] = (number, qos, True)
            return [self.packet(p.pid, False)]
        del self.open[p.pid]
        return []

    def run(self, g):
        """Until the server is gone, or everything is acknowledged."""
        c = Client(g.plain, 5)
        present = c.connect(self.name, clean=False, **KEPT[5]).session
        assert present or not self.kept, "a session in which something was acknowledged is gone"
        c.send(*[self.packet(pid, True) for pid in self.open], *self.fresh())
        while self.open:
            out = self.take(c.get()) + self.fresh()
            if out:
                c.send(*out)
        c.leave()


class Subscriber:
    """A persistent session that counts what it gets; a QoS 2 message counts once as long as its identifier is in use."""

    def __init__(self, name):
        self.name, self.got, self.unreleased, self.known = name, collections.Counter(), set(), False

    def take(self, p):
        if p.kind == PUBREL:
            self.unreleased.discard(p.pid)
            return ack(5, PUBCOMP, p.pid)
        assert p.kind == PUBLISH and p.qos in (1, 2)
        if p.qos == 1 or p.pid not in self.unreleased:
            self.got[p.topic, int(p.payload)] += 1
        if p.qos == 2:
            self.unreleased.add(p.pid)
        return ack(5, PUBACK if p.qos == 1 else PUBREC, p.pid)

    def run(self, g, until=lambda: False):
        c = Client(g.plain, 5, timeout=20)
        assert c.connect(self.name, clean=False, **KEPT[5]).session == self.known
        if not self.known:
            assert c.subscribe(("t/#", 2)) == [2]
            self.known = True
        c.send(*[self.take(p) for p in c.messages])
        while not until() or self.unreleased:
            c.send(self.take(c.get()))
        c.leave()


def until_gone(fn, *args):
    """The server may die at any moment; anything else that goes wrong is kept for the test."""
    try:
        fn(*args)
    except (Closed, OSError):
        pass


def round_of_load(g, pool, parties, rng, seconds):
    """All of them at once, and a kill in the middle."""
    jobs = [pool.submit(until_gone, x.run, g) for x in parties]
    time.sleep(rng.uniform(0, seconds))
    g.kill()
    for j in jobs:
        j.result(30)


def check_all(publishers, got):
    for p in publishers:
        assert sorted(set(p.promised)) == list(range(1, p.sent + 1))
        for number in range(1, p.sent + 1):
            times = got[p.topic, number]
            assert times >= 1, f"{p.topic} {number} was acknowledged and is lost"
            assert times == 1 or number % 2 == 0, f"{p.topic} {number} with QoS 2 came {times} times"
    assert len(got) == sum(p.sent for p in publishers)


def kill_under_load(g, rng, kills):
    publishers = [Publisher(n, MOST) for n in range(PUBLISHERS)]
    here, away = Subscriber("here"), Subscriber("away")
    for s in (here, away):
        s.run(g, lambda: True)
    with concurrent.futures.ThreadPoolExecutor(PUBLISHERS + 1) as pool:
        for kill in range(kills):
            round_of_load(g, pool, [*publishers, *([here] if rng.random() < 0.8 else [])], rng, 0.1)
            g.start()
            if kill % 50 == 49:  # before its queue is full
                away.run(g, lambda: len(away.got) >= sum(len(p.promised) for p in publishers))
                for p in publishers:
                    p.most = p.sent + MOST
        for p in publishers:
            p.most = p.sent
            p.run(g)
    everything = sum(p.sent for p in publishers)
    for s in (here, away):
        until_gone(s.run, g, lambda s=s: len(s.got) >= everything)  # what is lost does not come
        check_all(publishers, s.got)
    return everything


def test_random_kills_lose_nothing_acknowledged(start, rng):
    """Every acknowledged message reaches both sessions, the one that comes and goes and the one that was away; QoS 2 once."""
    g = start()
    assert kill_under_load(g, rng, KILLS) > KILLS * 4
    eventually(lambda: g.count("queue", "messages", "received") == [0, 0, 0])  # nothing is left behind


# ---- power cuts ----


@pytest.fixture
def recorded(procs, tmp_path):
    """A gateway whose disk is recorded, and the recording."""
    r = Recorded(procs, tmp_path / "cloud", tmp_path / "events")
    g = Gateway(r, tmp_path, "--plain-mqtt", "127.0.0.1:0", "--profile", "standard")
    return g, r


def frames(data):
    """Packet identifiers of the PUBACKs and PUBRECs that a 3.1.1 client is sent."""
    cut = [data[i:i + 4] for i in range(0, len(data), 4)]
    if any(len(f) != 4 or f[:2] not in (b"\x40\2", b"\x50\2") for f in cut):
        return []
    return [int.from_bytes(f[2:], "big") for f in cut]


def script(g, rng, messages):
    """Messages for two sessions that are away, and now and then a retained one; nothing is released."""
    for name in ("one", "two"):
        s = g.client(name, 4)
        assert s.subscribe(("m", 2)) == [2]
        s.leave()
    p = g.client("p", 4)
    while messages:
        burst = min(rng.randint(1, 8), messages)
        p.send(*[publish(4, "r" if pid % 5 == 0 else "m", str(pid), 1 if pid % 5 == 0 else 1 + pid % 2, pid, retain=pid % 5 == 0)
                 for pid in range(messages, messages - burst, -1)])
        for _ in range(burst):
            assert p.get().kind in (PUBACK, PUBREC)
        messages -= burst


def kept(folder):
    """What a database holds: numbers of messages by session, QoS 2 identifiers of the publisher, the retained number."""
    with contextlib.closing(sqlite3.connect(folder / "sedge.db")) as db:
        rows = db.execute("SELECT q.client_id, coalesce(m.payload, q.payload) FROM mqtt_queue q LEFT JOIN mqtt_messages m"
                          " ON m.id = q.message").fetchall()
        received = {n for (n,) in db.execute("SELECT packet_id FROM mqtt_received")}
        retained = [int(x) for (x,) in db.execute("SELECT payload FROM mqtt_retained WHERE topic = 'r'")]
        subscribed = {c for (c,) in db.execute("SELECT client_id FROM mqtt_subscriptions")}
        sessions = {c for (c,) in db.execute("SELECT client_id FROM mqtt_sessions")}
    numbers = {name: sorted(int(x) for c, x in rows if c == name) for name in ("one", "two")}
    return numbers, received, retained, subscribed, sessions


def check_disk(folder, promised):
    numbers, received, retained, subscribed, sessions = kept(folder)
    assert subscribed == {"one", "two"} <= sessions
    assert numbers["one"] == numbers["two"], "half of a write"
    have = set(numbers["one"])
    assert len(have) == len(numbers["one"]), "a message twice"
    lost = {n for n in promised if n % 5} - have
    assert not lost, f"{sorted(lost)} were acknowledged and are lost"
    assert received == {n for n in have if n % 2}, "a QoS 2 message without its identifier, or the other way round"
    told = [n for n in promised if n % 5 == 0]
    assert not told or retained[0] <= min(told), "an acknowledged retained message is lost"


def disk_after_cut(image, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    replay.write_image({n: c for n, c in image.items() if n in ("sedge.db", "sedge.db-wal")}, folder)
    return folder


def promised_before(events, n):
    return {pid for e in events[:n] if e[0] == "A" for pid in frames(e[2])}


def test_power_cuts_lose_nothing_acknowledged(recorded, tmp_path, rng, procs):
    """A cut at every point of the recording (sampled in make check): the database holds every acknowledged message for both sessions,
    once, with the QoS 2 identifiers that belong to it. Some of the disks are given to a gateway."""
    g, r = recorded
    script(g, rng, 60)
    g.kill()
    events = r.events()
    marks = [i for i, e in enumerate(events) if e[0] == "A" and frames(e[2])]
    begin = marks[0]
    assert promised_before(events, len(events)) == set(range(1, 61))
    points = range(begin, len(events) + 1)
    cuts = points if LONG else sorted(set(rng.sample(points, min(120, len(points)))) | {m + 1 for m in marks})
    for n, way, image in replay.images(events, cuts, rng, every=LONG):
        try:
            check_disk(disk_after_cut(image, tmp_path / "image"), promised_before(events, n))
        except (AssertionError, sqlite3.Error) as e:
            raise AssertionError(f"cut after {n} of {len(events)} events, {way}, seed {SEED}: {e}") from e
    restart_after_cut(procs, tmp_path, events, begin, rng)


def restart_after_cut(procs, tmp_path, events, begin, rng):
    """The gateway itself on such a disk: both sessions get all of it."""
    for n, _, image in replay.images(events, sorted(rng.sample(range(begin, len(events)), 3)), rng):
        shutil.rmtree(tmp_path / "cloud")
        (tmp_path / "cloud").mkdir(mode=0o700)
        (tmp_path / "cloud" / "pki").mkdir(mode=0o700)
        replay.write_image({name: c for name, c in image.items() if not name.endswith("-shm")}, tmp_path / "cloud")
        g = Gateway(procs, tmp_path, "--plain-mqtt", "127.0.0.1:0", "--profile", "standard")
        want = {p for p in promised_before(events, n) if p % 5}
        for name in ("one", "two"):
            c = g.client(name, 4, present=1)
            seen = set()
            while not want <= seen:
                seen.add(int(c.receive().payload))
        g.kill()


def test_the_power_cut_test_can_fail(recorded, tmp_path, rng):
    """The same recording without the syncs after the first acknowledgement: messages must be missing."""
    g, r = recorded
    script(g, rng, 12)
    g.kill()
    events = r.events()
    first = next(i for i, e in enumerate(events) if e[0] == "A" and frames(e[2]))
    unsafe = events[:first] + [e for e in events[first:] if e[0] != "S"]
    disk = replay.Disk()
    for e in unsafe:
        disk.event(e)
    image = disk.after_cut("all", "none", rng)
    with pytest.raises(AssertionError, match="lost"):
        check_disk(disk_after_cut(image, tmp_path / "image"), set(range(1, 13)))


# ---- what it costs ----


def disk_events(events):
    return collections.Counter(e[0] for e in events if e[0] in "WST")


def publish_from_many(g, publishers, each):
    """Every publisher sends its next QoS 1 message when the last one was acknowledged."""
    poll, left = selectors.DefaultSelector(), {}
    for i in range(publishers):
        c = Client(g.plain, 4)
        assert c.connect(f"many{i}").code == 0
        left[c] = each
        poll.register(c.s, selectors.EVENT_READ, c)
    mark = time.monotonic()
    for c in left:
        c.send(publish(4, "m", b"x" * 128, 1, each))
    while left:
        for key, _ in poll.select(20):
            c = key.data
            c.expect(PUBACK, pid=left[c])
            left[c] -= 1
            if left[c]:
                c.send(publish(4, "m", b"x" * 128, 1, left[c]))
            else:
                poll.unregister(c.s)
                c.s.close()
                del left[c]
    return time.monotonic() - mark


def test_publishers_share_an_fsync(recorded):
    """1,000 publishers whose messages a session waits for: at least 20 acknowledged messages for each fsync, those of checkpoints
    included."""
    g, r = recorded
    g.client("s", 4).subscribe(("m", 1))
    before = disk_events(r.events())
    each = 9 if LONG else 5  # a queue takes 10,000
    seconds = publish_from_many(g, 1000, each)
    syncs = disk_events(r.events())["S"] - before["S"]
    print(f"{1000 * each} acknowledged in {seconds:.2f} s, {syncs} fsyncs, {1000 * each / syncs:.0f} for each")
    assert 1000 * each / syncs >= 20


def test_what_no_session_waits_for_touches_no_disk(recorded):
    """QoS 1 and 2 for connected clients without a persistent session, and for nobody; the control is one with a session."""
    g, r = recorded
    s = g.client("clean", 5, clean=True, properties={})
    s.subscribe(("m", 2))
    p = g.client("p", 5, clean=True, properties={})
    g.client("q", 5, clean=True, properties={}).publish("m", b"warm", 1)
    s.receive()
    before = disk_events(r.events())
    for i in range(20):
        assert p.publish("m", str(i), 1 + i % 2) == 0
        assert p.publish("nobody", str(i), 1) in (0, 0x10)
        s.receive(payload=str(i).encode())
    assert disk_events(r.events()) == before
    g.client("kept", 5).subscribe(("m", 1))
    p.publish("m", b"control", 1)
    after = disk_events(r.events())
    assert after["S"] > before["S"] and after["W"] > before["W"]


def test_payload_of_many_sessions_is_written_once(recorded):
    """A message for 200 sessions that are away: its payload is one row, and the disk takes far less than 200 copies."""
    g, r = recorded
    sessions = 200
    for i in range(sessions):
        c = g.client(f"s{i}", 4)
        c.subscribe(("m", 1))
        c.leave()
    p = g.client("p", 4)
    mark = len(r.events())
    p.publish("m", b"x" * 20000, 1)
    written = sum(len(e[3]) for e in r.events()[mark:] if e[0] == "W")
    print(f"{written} bytes written for {sessions} sessions of 20,000")
    assert written < sessions * 20000 / 8
    assert g.count("queue", "messages") == [sessions, 1]
    for i in range(sessions):
        c = g.client(f"s{i}", 4, present=1)
        assert len(c.receive().payload) == 20000
        c.leave()
    eventually(lambda: g.count("queue", "messages") == [0, 0])


# ---- when it cannot be kept, and when it ends ----


def refused(g, name, payload):
    """The publisher's connection ends without an acknowledgement."""
    p = g.client(name, 5, clean=True, properties={})
    p.send(publish(5, "m", payload, 1, 1))
    p.closed(0x80)


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "cloud"
    disk.mkdir(mode=0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("cannot mount a small tmpfs here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_acknowledges_nothing(small_disk, start):
    """No acknowledgement, a line in the log that says what to do, and everything goes on once there is room."""
    g = start()
    s = g.client("s")
    s.subscribe(("m", 1))
    s.cut()
    p = g.client("p", 5, clean=True, properties={})
    assert p.publish("m", b"before", 1) == 0
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as f:
        while f.write(bytes(4096)):
            pass
    for i in range(3):
        refused(g, f"p{i}", b"x" * 60000)
    said = [line for line in g.log().splitlines() if "cannot be kept" in line]
    assert len(said) == 1 and "no space left" in said[0] and "free space" in said[0], said  # once, not for each message
    assert p.publish("nobody", b"", 1) in (0, 0x10)  # what needs no disk goes on
    filler.unlink()
    assert p.publish("m", b"after", 1) == 0
    eventually(lambda: "are kept again" in g.log())
    g.again()
    s = g.client("s", present=1)
    got = [s.receive().payload]
    while got[-1] != b"after":
        got.append(s.receive().payload)
    assert got[0] == b"before"


@both
def test_sessions_that_expire_leave_nothing(start, v):
    """An end of a session, by clean start or by expiry, takes its rows along; retained messages end with an empty one."""
    g = start()
    if v == 5:
        c = g.client("short", 5, properties={"session_expiry": 1})
        c.subscribe(("m", 2))
        c.leave()
    c = g.client("s", v)
    c.subscribe(("m", 2), ("x", 0))
    c.leave()
    p = g.client("p", v)
    p.publish("m", b"1", 2)
    p.publish("r", b"kept", 1, retain=True)
    assert g.count("subscriptions", "retained") == [v - 2, 1]
    p.publish("r", b"", 1, retain=True)
    g.client("s", v, clean=True, properties={}).leave()
    p.send(b"\xc0\0")
    g.client("p", v, clean=True, properties={})
    tables = ("sessions", "subscriptions", "queue", "messages", "received", "wills", "retained")
    eventually(lambda: g.count(*tables) == [0] * 7, 15)


def test_what_belongs_to_nobody_is_swept(start):
    """Rows that no session has, as a failed write may leave them, are removed at the start and disturb nobody."""
    g = start()
    g.kill()
    with sqlite3.connect(g.data / "sedge.db") as db:
        db.execute("INSERT INTO mqtt_subscriptions VALUES ('ghost', 'm', 1, 0, 0)")
        db.execute("INSERT INTO mqtt_queue (n, client_id, seq, qos, retain, released, sub_ids, message) VALUES (7, 'ghost', 1, 1, 0, 0, x'', 7)")
        db.execute("INSERT INTO mqtt_messages VALUES (7, 'm', x'', x'', 0)")
        db.execute("INSERT INTO mqtt_received VALUES ('ghost', 3)")
        db.execute("INSERT INTO mqtt_wills VALUES ('ghost', 'm', x'', x'', 0, 0, 0, 0)")
    g.start()
    eventually(lambda: g.count("subscriptions", "queue", "messages", "received", "wills") == [0] * 5)


def test_a_delayed_will_survives(start):
    """Due while the broker was down: it is sent after the start. One whose client came back in time is not."""
    g = start()
    w = g.client("w", 5, clean=True, properties={})
    w.subscribe(("will/#", 1))
    for name, delay in (("gone", 1), ("back", 600)):
        g.client(name, 5, will=will("will/" + name, b"late", 1, properties={"will_delay": delay})).cut()
    eventually(lambda: g.count("wills") == [2])
    g.again()
    w = g.client("w", 5, clean=True, properties={})
    w.subscribe(("will/#", 1))
    g.client("back", 5, present=1)
    w.receive(topic="will/gone", payload=b"late")
    eventually(lambda: g.count("wills") == [0])
    w.quiet()


def test_sigterm_keeps_what_is_due(start):
    """An orderly end writes down what nobody waited for: an acknowledged delivery is not repeated."""
    g = start()
    s, p = g.client("s"), g.client("p")
    s.subscribe(("m", 1))
    for i in range(20):
        p.publish("m", str(i), 1)
        s.receive(payload=str(i).encode())
    assert g.stop() == 0
    g.start()
    g.client("s", present=1).quiet()


# ---- the aws profile, over TLS, with policies ----


def test_rights_are_those_of_the_return(procs, tmp_path):
    """A session that was kept has no rights: its messages are judged by the policies when its client comes back."""
    cloud = Cloud(procs, tmp_path)
    d = cloud.device("dev")
    assert d.mosquitto("sub", "-c", "-q", "1", "-t", "a/#", "-E").returncode == 0
    other = cloud.device("pub", thing=False)
    for topic in ("a/open", "a/secret", "a/open"):
        assert other.publish(topic, topic).returncode == 0
    narrow = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "iot:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "iot:Receive", "Resource": arn("topic/a/secret")}]}
    iot = cloud.client("iot")
    iot.create_policy_version(policyName=d.policy, policyDocument=json.dumps(narrow), setAsDefault=True)
    cloud.kill()
    cloud.start()
    out = d.mosquitto("sub", "-c", "-q", "1", "-t", "a/#", "-C", "2", "-v")
    assert out.stdout.splitlines() == ["a/open a/open"] * 2
    assert d.mosquitto("sub", "-c", "-q", "1", "-t", "a/#", "-C", "1", "-W", "1").stdout == ""


# ---- PostgreSQL ----


def test_kills_on_postgresql(postgres, start, rng):
    g = start("--db", postgres.url)
    assert kill_under_load(g, rng, 100 if LONG else 5) > 20
    eventually(lambda: postgres.sql("SELECT count(*) FROM mqtt_queue") == "0")
    assert postgres.sql("SELECT count(*) FROM mqtt_messages") == "0"


def test_without_postgresql_nothing_is_acknowledged(postgres, start):
    """The server goes away: publishers get no acknowledgement; it comes back: they do, and nothing that was kept is lost."""
    g = start("--db", postgres.url)
    s = g.client("s")
    s.subscribe(("m", 1))
    s.leave()
    p = g.client("p", 5, clean=True, properties={})
    assert p.publish("m", b"before", 1) == 0
    postgres.procs.stop(postgres.process, 2)
    refused(g, "q", b"lost")
    assert "is PostgreSQL running" in g.log()
    postgres.start()
    assert p.publish("m", b"after", 1) == 0
    g.again()
    s = g.client("s", present=1)
    assert s.receive().payload == b"before"
    while s.receive().payload != b"after":
        pass
