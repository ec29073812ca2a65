"""ssscli se05x and erase: the chip as a whole."""

import chip_client as cc
from ssscli_host import cli, object_ids, part, pem, rsa_key  # noqa: F401


def test_readidlist(part, cli, rsa_key):
    (cli.home / "r").write_bytes(pem(rsa_key))
    (cli.home / "f").write_bytes(b"12345")
    cli.ok("set", "rsa", "pair", "0x20181001", "r")
    cli.ok("generate", "ecc", "0x20181002", "NIST_P521")
    cli.ok("generate", "ecc", "0x20181003", "Brainpool384")
    cli.ok("set", "bin", "0x300", "f")
    lines = cli.ok("se05x", "readidlist").splitlines()
    # "Key-Id: 0X", the id to 10, the type to 17, the part to 15
    assert "Key-Id: 0X20181001  RSA_CRT          (Key Pair)     Size(Bits): 2048" in lines
    assert "Key-Id: 0X20181002  NIST-P           (Key Pair)     Size(Bits): 521" in lines
    assert "Key-Id: 0X20181003  EC_BRAINPOOL     (Key Pair)     Size(Bits): 384" in lines
    assert "Key-Id: 0X300       BINARY                          Size(Bits): 40" in lines
    assert len(lines) == len(object_ids(part))


def test_reset_erases_all_but_reserved(part, cli):
    before = set(object_ids(part))
    (cli.home / "f").write_bytes(b"x")
    for oid in (0x20181001, 0x7BFFFFFF, 0x7DA00001, 0x7DA10000, 0xEF000001, 0xF0000000 - 1, 4, 3):
        cli.ok("set", "bin", f"{oid:x}", "f")
    assert cli.ok("se05x", "reset") == "Reset done, 6 objects erased\n"
    assert set(object_ids(part)) == before | {0x7DA00001, 3}
    assert cli.ok("se05x", "reset") == "Reset done, 0 objects erased\n"


def test_reset_of_many_objects(part, cli):
    with cc.Chip(part.socket) as c:
        before = set(c.all_ids())
        for oid in range(0x1000, 0x1000 + 400):
            c.write_binary(oid, b"x", size=1)
    assert cli.ok("se05x", "reset") == "Reset done, 400 objects erased\n"
    assert set(object_ids(part)) == before


def test_erase(part, cli):
    cli.ok("generate", "ecc", "5", "NIST_P256")
    assert cli.ok("erase", "0x5") == "Erased KeyID = 0x00000005\n"
    assert "there is no object 0x00000005" in cli.fails(1, "erase", "5")


def test_what_cannot_be_read(part, cli):
    (cli.home / "f").write_bytes(b"x")
    cli.ok("set", "bin", "1", "f")
    cli.ok("generate", "ecc", "2", "NIST_P256")
    assert "not an EC key" in cli.fails(1, "get", "ecc", "pub", "1", "out")
    assert "not an RSA key" in cli.fails(1, "get", "rsa", "pub", "2", "out")
    assert "not a file" in cli.fails(1, "get", "bin", "2", "out")
    assert "00000003" in cli.fails(1, "get", "ecc", "pub", "3", "out")
    assert "cannot write /nonexistent/out" in cli.fails(1, "get", "ecc", "pub", "2", "/nonexistent/out")
    assert not (cli.home / "out").exists()
