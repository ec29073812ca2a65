"""The gateway's worker loops: the same behaviour however many there are, and under load (tools/tsan runs this file, too)."""

import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest
from cloud import Cloud
from conftest import BIN, LONG, wait_for
from mqtt_wire import PUBACK, PUBLISH, Closed, disconnect, eventually, publish
from tls_clients import TlsClient, client_context, connected


@pytest.fixture(params=[1, 2, 3, 5] if LONG else [3])
def threads(request):
    return request.param


@pytest.fixture
def start(procs, tmp_path):
    def make(n, *more):
        return Cloud(procs, tmp_path, "--threads", n, *more)

    return make


def test_one_loop_for_each_thread(start, threads):
    """--threads counts the main loop; with 1 there is no other."""
    cloud = start(threads)
    n = len(list(pathlib.Path(f"/proc/{cloud.p.pid}/task").iterdir()))
    cloud.stop()
    cloud = start(1)
    alone = len(list(pathlib.Path(f"/proc/{cloud.p.pid}/task").iterdir()))
    assert n - alone == threads - 1


@pytest.mark.parametrize("bad", ["0", "65", "two", "-1", ""])
def test_no_other_number(tmp_path, bad):
    p = subprocess.run([BIN / "sedge-cloud", "serve", "--data", tmp_path / "d", "--threads", bad], capture_output=True, text=True)
    assert p.returncode == 2 and f"--threads {bad}: a number from 1 to 64" in p.stderr


def test_https_behind_the_workers(start, threads):
    """Requests over one connection and several, with an answer larger than what crosses at once."""
    cloud = start(threads)
    d = cloud.device()
    big = "x" * 7000
    for i in range(3):
        status, body = d.curl(f"/things/big{i}/shadow", "-X", "POST", "-d", '{"state":{"desired":{"a":"%s"}}}' % big)
        assert status == 200, body
        assert big in d.curl(f"/things/big{i}/shadow")[1]


def test_nothing_is_lost_between_loops(start, threads):
    """QoS 1 from several publishers to several subscribers, in the order of each publisher."""
    cloud = start(threads)
    d = cloud.device()
    context = client_context(d)
    n_pub, n_sub, n_msg = 4, 4, 90
    subs = [connected(d, f"s{i}", context=context) for i in range(n_sub)]
    for s in subs:
        assert s.subscribe(("load/#", 1)) == [1]
    pubs = [connected(d, f"p{i}", context=context) for i in range(n_pub)]
    failed = []

    def run_publisher(i, c):
        try:
            for k in range(n_msg):
                c.send(publish(4, f"load/{i}", f"{k} ".encode() + b"x" * (k * 37 % 3000), 1, k + 1))
            for k in range(n_msg):
                c.expect(PUBACK)
        except Exception as e:  # noqa: BLE001 - told to the test's own thread
            failed.append(e)

    def run_subscriber(c):
        try:
            seen = {i: 0 for i in range(n_pub)}
            for _ in range(n_pub * n_msg):
                p = c.receive(qos=1)
                i, k = int(p.topic[5:]), int(p.payload.split()[0])
                assert k == seen[i], f"{k} of publisher {i} after {seen[i] - 1}"
                seen[i] += 1
        except Exception as e:  # noqa: BLE001
            failed.append(e)

    work = [threading.Thread(target=run_subscriber, args=(c,)) for c in subs] + [
        threading.Thread(target=run_publisher, args=(i, c)) for i, c in enumerate(pubs)]
    for t in work:
        t.start()
    for t in work:
        t.join(120)
    assert not failed, failed[0]
    for c in subs + pubs:
        c.leave()


@pytest.mark.skipif(not LONG, reason="it is given 30 s to read on: SEDGE_LONG=1")
def test_a_slow_reader_is_dropped_by_rule(start, threads):
    """QoS 0 to it is left out first; others get everything; then it goes, with the reason THROTTLED."""
    cloud = start(threads, "--profile", "standard")
    d = cloud.device()
    context = client_context(d)
    slow, quick, pub = (connected(d, x, context=context) for x in ("slow", "quick", "pub"))
    slow.s.setsockopt(1, 8, 4096)  # SOL_SOCKET, SO_RCVBUF
    slow.subscribe(("big", 1))
    quick.subscribe(("big", 1))
    body = b"x" * 100_000
    count = 0

    def push():
        nonlocal count
        qos = count % 2
        pub.publish("big", body, qos)
        p = quick.receive(topic="big")
        assert p.qos == qos
        count += 1
        return "mqtt disconnected clientId=slow" in cloud.log()

    wait_for(push, timeout=90, message="the slow reader is still there")
    line = next(x for x in cloud.log().splitlines() if "mqtt disconnected clientId=slow" in x)
    assert "reason=THROTTLED" in line, line
    assert count * len(body) > 256 << 10  # not before output_soft
    got = 0
    with pytest.raises((Closed, OSError)):
        while True:
            assert slow.get().kind == PUBLISH
            got += 1
    assert got < count
    pub.leave()
    quick.leave()


def test_revoked_at_once(start, threads):
    cloud = start(threads)
    d, other = cloud.device("one"), cloud.device("two")
    mine = [connected(d, f"c{i}", 5, client_context(d)) for i in range(8)]
    theirs = connected(other, "other", 5)
    cloud.client("iot").update_certificate(certificateId=d.id, newStatus="INACTIVE")
    for c in mine:
        c.closed(0x98)
    theirs.quiet()


def test_the_end_over_tls(start, threads):
    """SIGTERM: the reason crosses to the worker before the end does."""
    cloud = start(threads)
    d = cloud.device()
    context = client_context(d)
    clients = [connected(d, f"c{i}", 5, context) for i in range(12)]
    cloud.p.send_signal(signal.SIGTERM)
    for c in clients:
        c.closed(0x8B)
    assert cloud.p.wait(20) == 0


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT] if LONG else [signal.SIGTERM])
def test_it_ends_in_the_middle_of_everything(start, threads, sig):
    """Handshakes, CONNECTs and messages under way, in all states, twice over: always an orderly exit."""
    cloud = start(threads)
    d = cloud.device()
    context = client_context(d)
    stop = threading.Event()

    def churn(i):
        n = 0
        while not stop.is_set():
            n += 1
            try:
                c = TlsClient(d, 5, context=context)
                c.connect(f"{i}-{n % 3}")
                c.subscribe(("churn", 1))
                c.send(*[publish(5, "churn", b"x" * 500, 0) for _ in range(50)])
                if n % 2:
                    c.s.close()
                else:
                    c.quiet()
            except (Closed, OSError, AssertionError):
                continue

    work = [threading.Thread(target=churn, args=(i,), daemon=True) for i in range(6)]
    for t in work:
        t.start()
    wait_for(lambda: cloud.log().count("mqtt connected") > 20, timeout=60)
    cloud.p.send_signal(sig)
    assert cloud.p.wait(30) == 0, cloud.log()[-3000:]
    stop.set()
    for t in work:
        t.join(30)


def test_a_stranger_does_not_hold_the_workers_up(start, threads):
    """Connections that say nothing, or nonsense, beside one that works."""
    cloud = start(threads)
    d = cloud.device()
    silent = [socket.create_connection(("127.0.0.1", cloud.mqtt)) for _ in range(50)]
    for i, s in enumerate(silent):
        if i % 2:
            s.sendall(b"GET / HTTP/1.0\r\n\r\n" * 10)
    began = time.monotonic()
    c = connected(d, "c", 5)
    c.quiet()
    assert time.monotonic() - began < 10
    for s in silent:
        s.close()
    eventually(lambda: cloud.log().count("TLS handshake failed") >= 25)
    c.quiet()


@pytest.mark.skipif(not LONG, reason="the whole load: SEDGE_LONG=1")
def test_load_for_a_while(start):
    """Four loops, sixty clients that come, publish and go, for half a minute; then all is as before."""
    cloud = start(4)
    d = cloud.device()
    context = client_context(d)
    end = time.monotonic() + 30
    failed = []

    def run(i):
        try:
            while time.monotonic() < end:
                c = connected(d, f"l{i}", 5, context)
                c.subscribe((f"load/{i % 7}", 1))
                for _ in range(30):
                    c.publish(f"load/{i % 5}", b"x" * 1000, 1)
                if i % 2:
                    c.send(disconnect(5))
                c.s.close()
        except Exception as e:  # noqa: BLE001
            failed.append(e)

    work = [threading.Thread(target=run, args=(i,)) for i in range(60)]
    for t in work:
        t.start()
    for t in work:
        t.join(120)
    assert not failed, failed[0]
    assert cloud.stop(timeout=30) == 0
