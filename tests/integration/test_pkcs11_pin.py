"""The PINs of libsss_pkcs11.so: objects of the chip, which counts wrong ones for all processes.

docs/decisions/pkcs11-pin.md says how a change works; pkcs11-consumers.md section 6 what programs expect.
"""

import re

import pytest

import chip_client
from chip_client import SW, apdu, tlv, u32
from p11_walk import EC_ID, FACTORY_KEYS, MODULE, PIN, RSA_ID, SO_PIN, Token, any_token, keys, token  # noqa: F401 (fixtures)
from test_pkcs11_calls import Conversation, run

USER_PINS, SO_PINS = (0x7B503111, 0x7B503112), (0x7B503121, 0x7B503122)


@pytest.fixture
def pinned(token):
    return token.set_pins()


def login(token, pin, ok=True, **kw):
    return token.run("pkcs11-tool", "--module", MODULE, "--login", "--pin", pin, "-O", "--type", "privkey", ok=ok, **kw)


def flags(token):
    return re.search(r"token flags\s*:\s*(.*)", token.tool("-L", login=False).stdout.decode()).group(1)


def ids(token):
    return {int(x, 16) for x in re.findall(r"0[xX]([0-9A-Fa-f]{8})", token.ssscli("se05x", "readidlist").stdout.decode())}


# ---- a chip without a PIN --------------------------------------------------------------------------------------------


def test_an_open_token_takes_any_pin_and_needs_none(token):
    """As after the walkthrough's reset: V1's core always logs in, other programs go by the flags and do not."""
    assert "login required" not in flags(token) and "PIN initialized" not in flags(token)
    for pin in ("1234", "0000", "x" * 40):
        login(token, pin)
    run(token, """
        m.check("C_Initialize", None)
        s = m.open()
        assert len(m.find(s, [(c.CLASS, c.PRIVATE_KEY)])) == 2 + len(FACTORY_KEYS)
        m.sign(s, c.ECDSA, m.key(s, EC), DIGEST)
        rv("CKR_USER_PIN_NOT_INITIALIZED", m.C_Login(m.open(flags=6), 0, b"87654321", 8) if m.C_CloseSession(s) == 0 else 0)
        t = m.open(flags=6)
        rv("CKR_USER_PIN_NOT_INITIALIZED", m.C_SetPIN(t, b"1234", 4, b"5678", 4))
    """)


# ---- setting them ----------------------------------------------------------------------------------------------------


def test_init_token_and_init_pin(token):
    """The first C_InitToken touches no object; then a wrong PIN fails everywhere, also for keys from before."""
    before = ids(token)
    token.tool("--init-token", "--label", "my device", "--so-pin", SO_PIN, login=False)
    assert "my device" in token.tool("-L", login=False).stdout.decode()
    assert ids(token) >= before
    assert "login required" not in flags(token)              # no user PIN yet
    token.tool("--login", "--login-type", "so", "--so-pin", SO_PIN, "--init-pin", "--new-pin", PIN, login=False)
    assert "login required" in flags(token) and "PIN initialized" in flags(token)
    assert ids(token) >= {*before, *USER_PINS, *SO_PINS}     # both places of each PIN are taken
    login(token, PIN)
    p = login(token, "9999", ok=False)
    assert p.returncode != 0 and b"CKR_PIN_INCORRECT" in p.stderr
    out = token.tool("-O", login=False).stdout.decode()
    assert "Private Key" not in out
    assert b"CKR_PIN_INCORRECT" in token.tool("--init-token", "--label", "x", "--so-pin", "00000000", login=False, ok=False).stderr


def test_the_label_can_be_configured(token):
    conf = token.folder / "labelled.conf"
    conf.write_text("label = another name\n")
    assert "another name" in token.tool("-L", login=False, env={"SEDGE_CONF": str(conf)}).stdout.decode()
    assert "SSS_PKCS11" in token.tool("-L", login=False).stdout.decode()


def test_init_token_again_needs_the_officer_and_clears(pinned):
    pinned.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "mine")
    pinned.tool("--init-token", "--label", "fresh", "--so-pin", SO_PIN, login=False)
    assert "fresh" in pinned.tool("-L", login=False).stdout.decode()
    left = ids(pinned)
    assert EC_ID not in left and not left & set(USER_PINS) and left >= set(SO_PINS) and left >= set(FACTORY_KEYS)
    login(pinned, "anything")                                # open again


def test_login_rules_of_both_users(pinned):
    run(pinned, """
        m.check("C_Initialize", None)
        s = m.open(flags=6)
        for pin in (b"", b"123", b"1" * 17):
            rv("CKR_PIN_INCORRECT", m.C_Login(s, 1, pin, len(pin)))
        rv("CKR_OK", m.C_Login(s, 1, b"1234", 4))
        rv("CKR_USER_ALREADY_LOGGED_IN", m.C_Login(s, 1, b"1234", 4))
        rv("CKR_USER_ANOTHER_ALREADY_LOGGED_IN", m.C_Login(s, 0, b"87654321", 8))
        rv("CKR_USER_NOT_LOGGED_IN", m.C_InitPIN(s, b"5678", 4))
        rv("CKR_SESSION_EXISTS", m.C_InitToken(1, b"87654321", 8, b" " * 32))
        m.check("C_Logout", s)
        rv("CKR_OK", m.C_Login(s, 0, b"87654321", 8))
        h = UL()
        rv("CKR_SESSION_READ_WRITE_SO_EXISTS", m.C_OpenSession(1, 4, None, None, ct.byref(h)))
        assert m.find(s, [(c.CLASS, c.PRIVATE_KEY)]) == []      # the officer uses no keys
        for pin in (b"123", b"1" * 17):
            rv("CKR_PIN_LEN_RANGE", m.C_InitPIN(s, pin, len(pin)))
        m.check("C_Logout", s)
        rv("CKR_USER_NOT_LOGGED_IN", m.C_Logout(s))
    """)


def test_login_user_and_session_cancel(pinned):
    """v3.0: a login with a name, which cannot be right; what is cancelled can be begun again."""
    run(pinned, """
        m.use_3_0()
        m.check("C_Initialize", None)
        s = m.open(flags=6)
        rv("CKR_USER_TYPE_INVALID", m.C_LoginUser(s, 1, b"1234", 4, b"bob", 3))
        rv("CKR_PIN_INCORRECT", m.C_LoginUser(s, 1, b"9999", 4, None, 0))
        rv("CKR_OK", m.C_LoginUser(s, 1, b"1234", 4, None, 0))
        rv("CKR_USER_ALREADY_LOGGED_IN", m.C_LoginUser(s, 1, b"1234", 4, None, 0))
        key = m.key(s, EC)
        m.sign_init(s, c.ECDSA, key)
        rv("CKR_OK", m.C_FindObjectsInit(s, None, 0))
        rv("CKR_OK", m.C_SessionCancel(s, 0x40))                # the search, and nothing else
        rv("CKR_OPERATION_NOT_INITIALIZED", m.C_FindObjectsFinal(s))
        fails("CKR_OPERATION_ACTIVE", m.sign_init, s, c.ECDSA, key)
        rv("CKR_OK", m.C_SessionCancel(s, 0x800))
        m.sign(s, c.ECDSA, key, DIGEST)
        rv("CKR_OK", m.C_SessionCancel(s, 0xFFFFFFFF))          # nothing runs: fine
    """)


# ---- wrong ones ------------------------------------------------------------------------------------------------------


def test_wrong_pins_are_counted_over_processes_until_it_locks_and_the_officer_unlocks(pinned):
    assert "locked" not in flags(pinned) and "low" not in flags(pinned)
    for i in range(10):
        p = login(pinned, f"bad{i}", ok=False)
        assert b"CKR_PIN_INCORRECT" in p.stderr, (i, p.stderr)
        f = flags(pinned)
        assert ("final user PIN try" in f) == (i == 8), (i, f)
        assert ("user PIN locked" in f) == (i == 9), (i, f)
        assert ("user PIN count low" in f), (i, f)
    assert b"CKR_PIN_LOCKED" in login(pinned, PIN, ok=False).stderr     # the right one, too
    pinned.tool("--login", "--login-type", "so", "--so-pin", SO_PIN, "--init-pin", "--new-pin", "2468", login=False)
    login(pinned, "2468")
    assert "locked" not in flags(pinned) and "low" not in flags(pinned)


def test_a_right_pin_clears_the_count(pinned):
    for _ in range(3):
        for _ in range(4):
            login(pinned, "9999", ok=False)
        login(pinned, PIN)
    assert "low" not in flags(pinned)


# ---- keys are bound to it --------------------------------------------------------------------------------------------


def test_keys_made_after_the_pin_are_bound_to_it_by_the_chip(pinned):
    """Not by the module's word: whoever goes past it is refused by the chip (6986). Keys from before go on as they were."""
    pinned.tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", "20182001")
    with chip_client.Chip(pinned.part.socket) as chip:
        for number, works in ((0x20182001, False), (EC_ID, True)):
            sign = (0x03, 0x0C, 0x09, tlv(0x41, u32(number)), tlv(0x42, b"\x21"), tlv(0x43, bytes(32)))
            if works:
                chip.command(*sign)
            else:
                with pytest.raises(SW) as refused:
                    chip.command(*sign)
                assert refused.value.sw == 0x6986
        with pytest.raises(SW):
            chip.command(0x04, 0x00, 0x28, tlv(0x41, u32(0x20182001)))          # nor deleted
    (pinned.folder / "d").write_bytes(bytes(32))
    pinned.tool("--sign", "-m", "ECDSA", "--id", "20182001", "-i", "d", "-o", "sig")
    pinned.tool("--delete-object", "--type", "privkey", "--id", "20182001")


def test_everything_that_comes_in_after_the_pin_is_bound_too(pinned):
    """An RSA import takes several commands; private data is read after login only, by the chip's word; a certificate by everybody."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from test_pkcs11_objects import certificate, private_der, write
    key = rsa.generate_private_key(65537, 2048)
    pinned.tool("-w", write(pinned, "k.der", private_der(key)), "--type", "privkey", "--id", "20182001")
    pinned.tool("-w", write(pinned, "c.der", certificate(pinned.ec)), "--type", "cert", "--label", "core")
    pinned.tool("-w", write(pinned, "blob", b"top secret"), "--type", "data", "--label", "notes", "--private")
    pinned.tool("--sign", "-m", "SHA256-RSA-PKCS", "--id", "20182001", "-i", "blob", "-o", "sig")
    pinned.tool("--read-object", "--type", "data", "--label", "notes", "-o", "out")
    assert (pinned.folder / "out").read_bytes() == b"top secret"
    out = pinned.tool("-O", login=False).stdout.decode()
    assert "notes" not in out and "core" in out and "20182001" in out      # the public half
    [number] = [n for n in ids(pinned) if n >> 16 == 0x7B51 and n in readable(pinned, (0x7B51,))]
    with chip_client.Chip(pinned.part.socket) as chip:
        with pytest.raises(SW):
            chip.command(0x03, 0x02, 0x38, tlv(0x41, u32(0x20182001)), tlv(0x42, b"\x0c"), tlv(0x43, bytes(255) + b"\1"))


def readable(token, prefixes):
    """Which of our files the chip shows to a session without login."""
    found = set()
    for n in ids(token):
        if n >> 16 in prefixes:
            with chip_client.Chip(token.part.socket) as chip:
                try:
                    chip.command(0x02, 0x00, 0x00, tlv(0x41, u32(n)), tlv(0x43, b"\0\4"))
                    found.add(n)
                except SW as refused:
                    assert refused.sw == 0x6986
    return found


def test_a_changed_pin_keeps_the_keys(pinned):
    """C_SetPIN: several times, each time the key goes on; the old PIN is dead, in both of its places."""
    pinned.tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", "20182001")
    (pinned.folder / "d").write_bytes(bytes(32))
    old = PIN
    for new in ("secret-1", "secret-2", "secret-3"):
        pinned.tool("--login", "--pin", old, "--change-pin", "--new-pin", new, login=False)
        assert b"CKR_PIN_INCORRECT" in login(pinned, old, ok=False).stderr
        pinned.tool("--login", "--pin", new, "--sign", "-m", "ECDSA", "--id", "20182001", "-i", "d", "-o", "sig", login=False)
        assert ids(pinned) >= set(USER_PINS)
        old = new
    pinned.tool("--login", "--login-type", "so", "--so-pin", SO_PIN, "--change-pin", "--new-pin", "11112222", login=False)
    assert b"CKR_PIN_INCORRECT" in pinned.tool("--login", "--login-type", "so", "--so-pin", SO_PIN, "--init-pin", "--new-pin", "3333",
                                               login=False, ok=False).stderr
    pinned.tool("--login", "--login-type", "so", "--so-pin", "11112222", "--init-pin", "--new-pin", "3333", login=False)
    login(pinned, "3333")


def test_who_is_logged_in_changes_the_pin_and_goes_on(pinned):
    run(pinned, """
        s = m.start(flags=6)
        p256 = (0x180, bytes.fromhex("06082a8648ce3d030107"))
        pub, prv = m.generate(s, 0x1040, [p256], [(c.LABEL, b"mine")])
        rv("CKR_PIN_INCORRECT", m.C_SetPIN(s, b"4321", 4, b"5678", 4))
        rv("CKR_PIN_LEN_RANGE", m.C_SetPIN(s, b"1234", 4, b"567", 3))
        rv("CKR_OK", m.C_SetPIN(s, b"1234", 4, b"5678", 4))
        m.sign(s, c.ECDSA, prv, DIGEST)
    """)


def test_a_lost_session_is_renewed_with_the_pin_until_logout(pinned):
    """6: a reset, or another process that selects the applet, ends the chip's session; the program does not notice."""
    with Conversation(pinned, """
        s = m.start(flags=6)
        pub, prv = m.generate(s, 0x1040, [(0x180, bytes.fromhex("06082a8648ce3d030107"))], [(c.LABEL, b"mine")])
        for _ in range(3):
            m.sign(s, c.ECDSA, prv, DIGEST)
            ask()
        m.C_Logout(s)
        ask("out")
        fails("CKR_USER_NOT_LOGGED_IN", m.sign, s, c.ECDSA, prv, DIGEST)
    """) as p:
        p.hears()
        pinned.ssscli("se05x", "uid")                        # another process on the bus
        p.say()
        p.hears()
        pinned.part.stop()
        pinned.part.start()                                  # a reset
        p.say()
        p.hears()
        login(pinned, PIN)                                   # a UserID session of another process
        p.say()
        assert p.hears() == "out"
        p.say()
        p.ends()


def test_a_pin_that_was_changed_elsewhere_is_not_tried_again(pinned):
    """A re-opening that the chip refuses costs one attempt, never another."""
    with Conversation(pinned, """
        s = m.start(flags=6)
        pub, prv = m.generate(s, 0x1040, [(0x180, bytes.fromhex("06082a8648ce3d030107"))], [(c.LABEL, b"mine")])
        ask()
        for _ in range(5):
            fails("CKR_USER_NOT_LOGGED_IN", m.sign, s, c.ECDSA, prv, DIGEST)
        m.C_Logout(s)
        rv("CKR_OK", m.C_Login(s, 1, b"2468", 4))
        m.sign(s, c.ECDSA, m.key(s, "mine"), DIGEST)
    """) as p:
        p.hears()
        pinned.tool("--login", "--pin", PIN, "--change-pin", "--new-pin", "2468", login=False)
        p.say()
        p.ends()


def test_a_change_refused_for_a_wrong_old_pin_leaves_the_login_as_it_was(pinned):
    """The standard ties C_SetPIN to no login state: who is logged in goes on signing after a mistyped old PIN."""
    pinned.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "mine")
    run(pinned, """
        m.check("C_Initialize", None)
        s = m.open(flags=6)
        rv("CKR_OK", m.C_Login(s, 1, b"1234", 4))
        key = m.key(s, "mine")
        m.sign(s, c.ECDSA, key, DIGEST)
        rv("CKR_PIN_INCORRECT", m.C_SetPIN(s, b"9999", 4, b"5678", 4))
        m.sign(s, c.ECDSA, key, DIGEST)
    """)


def test_a_pin_set_by_another_process_counts_at_once(any_token):
    """Who looked before there was a PIN does not go by what he saw then, whichever way he came to the chip."""
    with Conversation(any_token, """
        m.check("C_Initialize", None)
        s = m.open(flags=6)
        m.find(s, [])
        ask()
        rv("CKR_PIN_INCORRECT", m.C_Login(s, 1, b"9999", 4))
        rv("CKR_OK", m.C_Login(s, 1, b"1234", 4))
        assert m.find(s, [(c.LABEL, b"mine"), (c.CLASS, c.PRIVATE_KEY)])
    """) as p:
        p.hears()
        any_token.set_pins()
        any_token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "mine")
        p.say()
        p.ends()
