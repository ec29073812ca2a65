"""The power goes while the module writes its directory or changes a PIN: at any write of the chip.

What was there before is there again, whole, or what was to come is; and the next program puts the rest in order.
Cut in a sample of places in the ordinary run, in many with SEDGE_LONG=1.
"""



import pytest

from conftest import LONG
from p11_walk import EC_ID, MODULE, PIN, SO_PIN, Token, keys, token  # noqa: F401 (fixtures)
from test_pkcs11_calls import program
from test_pkcs11_pin import SO_PINS, USER_PINS, ids, login

DIRECTORY = (0x7B503101, 0x7B503102)


class Cutter:
    def __init__(self, token, action):
        self.token, self.action = token, action
        token.part.stop()
        self.image = token.part.state.read_bytes()
        self.power_on()
        assert self.act().returncode == 0                   # it works when nothing is cut
        self.total = token.part.read_counters()["storage_bytes"]
        token.part.stop()

    def power_on(self, *options):
        self.token.part.options = options
        self.token.part.start()

    def act(self):
        return self.token.run(*program(self.action), ok=False)

    def cuts(self, rng, count):
        """For each cut: power on again, give the number of the byte."""
        for n in sorted(rng.sample(range(1, self.total), 40 if LONG else count)):
            self.token.part.state.write_bytes(self.image)
            self.power_on("--cut-storage", str(n))
            self.act()
            assert self.token.part.process.wait(20) is not None
            self.power_on()
            yield n
            self.token.part.kill()


def test_the_directory_survives(token, rng):
    """Two names known, a third written: the two are always there; the third is, with its certificate, or is not at all."""
    token.run(*program("""
        s = m.start(flags=6)
        m.set(s, m.key(s, EC), [(c.LABEL, b"identity")])
        m.create(s, [(c.CLASS, 0), (c.TOKEN, b"\\1"), (c.VALUE, b"one"), (c.LABEL, b"first")])
        m.C_Finalize(None)
    """))
    outcomes = set()
    cutter = Cutter(token, """
        s = m.start(flags=6)
        m.create(s, [(c.CLASS, 0), (c.TOKEN, b"\\1"), (c.VALUE, b"z" * 900), (c.LABEL, b"second")])
    """)
    for n in cutter.cuts(rng, 10):
        out = token.run(*program("""
            s = m.start(flags=6)
            assert m.key(s, "identity").value == m.key(s, EC).value
            [first] = m.find(s, [(c.CLASS, 0), (c.LABEL, b"first")])
            assert m.attribute(s, first, c.VALUE) == b"one"
            second = m.find(s, [(c.CLASS, 0), (c.LABEL, b"second")])
            for h in second:
                assert m.attribute(s, h, c.VALUE) == b"z" * 900
            assert len(m.find(s, [(c.CLASS, 0)])) == 1 + len(second)      # nothing half written is shown
            m.create(s, [(c.CLASS, 0), (c.TOKEN, b"\\1"), (c.VALUE, b"3"), (c.LABEL, b"third")])
            print(len(second))
            m.C_Finalize(None)
        """)).stdout.decode().strip()
        outcomes.add(out)
        assert len(ids(token) & set(DIRECTORY)) == 1, n               # the other one was tidied away
    assert "0" in outcomes


@pytest.mark.parametrize("who", ["user", "officer"])
def test_a_pin_change_leaves_one_pin(token, rng, who):
    """The old or the new one opens the token, at every moment; the key that is bound to it goes on; no place stays vacant."""
    token.set_pins()
    token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", "20182001")
    change = {"user": 'm.check("C_SetPIN", s, b"1234", 4, b"new-secret", 10)',
              "officer": 'm.check("C_Login", s, 0, b"87654321", 8); m.check("C_InitPIN", s, b"new-secret", 10)'}[who]
    cutter = Cutter(token, f"""
        m.check("C_Initialize", None)
        s = m.open(flags=6)
        {change}
    """)
    outcomes = set()
    for n in cutter.cuts(rng, 10):
        good = [pin for pin in (PIN, "new-secret") if login(token, pin, ok=False).returncode == 0]
        assert len(good) == 1, (n, good)
        outcomes.add(good[0])
        token.run("pkcs11-tool", "--module", MODULE, "--login", "--pin", good[0], "--sign", "-m", "ECDSA", "--id", "20182001",
                  "-i", write_digest(token), "-o", "sig")
        assert ids(token) >= {*USER_PINS, *SO_PINS}, n                # both places are taken again
        assert login(token, "wrong", ok=False).returncode != 0
    assert len(outcomes) == 2 or not LONG


def write_digest(token):
    (token.folder / "digest").write_bytes(bytes(32))
    return "digest"
