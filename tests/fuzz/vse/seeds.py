#!/usr/bin/python3
"""Write the seeds of fuzz_vse_applet: sequences of well-formed commands of every family, for both personalities.

seeds.py FOLDER. The ids are those of the target's initial state (fuzz_vse_applet.c).
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "integration"))
import chip_commands as cmd  # noqa: E402
from chip_client import CURVES, u16, u32  # noqa: E402

EC, RSA, FILE, AES, DES, HMAC, USER, CLOSED, EXPORT, ED, X, PCR, COUNTER, AUTH_AES, AES16, W = range(1, 17)
NEW, CID, CHIP_KEY = 0x50, 0x70, 0xF0000012
IN_SESSION, RESET, OPEN = 0x8000, 0x4000, 0x2000
POINT = bytes.fromhex(CURVES[3]["g"])


def step(command, how=0):
    body = command.inner() if how & IN_SESSION else bytes(command) if isinstance(command, cmd.Command) else command
    return u16(how | len(body)) + body


def opened(oid, *commands):
    return step(u32(oid), OPEN) + b"".join(step(c, IN_SESSION) for c in commands)


def container(context, subtype, *commands):
    return [cmd.create_crypto_object(CID, context, subtype), *commands, cmd.delete_crypto_object(CID)]


PLAIN = {
    "manage": [cmd.get_version(), cmd.get_version_ext(), cmd.get_timestamp(), cmd.get_free_memory(1), cmd.get_free_memory(2), cmd.get_random(20), cmd.delete_all(),
               cmd.read_state(), cmd.trigger_self_test(0xFE01), cmd.trigger_self_test_attested(0xF906, CHIP_KEY, 0x21, bytes(16))],
    "write": [cmd.write_ec(NEW, 3), cmd.write_ec(NEW), cmd.write_symm(NEW + 1, 3, bytes(16), min_tag=8), cmd.write_symm(NEW + 2, 5, b"key", rules=cmd.policy(["sign"])),
              cmd.write_userid(NEW + 3, b"1234", attempts=3), cmd.write_counter(NEW + 4, 2), cmd.write_counter(NEW + 4, value=u16(7)), cmd.write_counter(NEW + 4),
              cmd.write_pcr(NEW + 5, bytes(32)), cmd.write_pcr(NEW + 5, extend=b"x"), cmd.write_pcr(NEW + 5), cmd.write_binary(NEW + 6, b"data", 1, 20, version=1),
              cmd.write_symm(NEW + 7, 3, bytes.fromhex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"), kek=AES)],
    "pcrpolicy": [cmd.write_binary(NEW, b"x", size=1, rules=cmd.policy(["read", "pcr"], 0, u32(PCR) + bytes(32)) + cmd.policy(["delete"], USER)),
                  cmd.read_object(NEW), cmd.delete(NEW), cmd.write_symm(NEW + 1, 5, bytes(32), rules=cmd.policy(["secure messaging", "sign"]))],
    "read": [cmd.read_object(oid) for oid in range(1, 15)] + [cmd.read_rsa(RSA, 0), cmd.read_rsa(RSA, 1), cmd.read_id_list(), cmd.read_size(RSA), cmd.read_type(EC)],
    "attest": [c for oid in range(1, 15) for c in (cmd.read_attributes(oid), cmd.read_attested(oid, CHIP_KEY, 0x21, bytes(16)),
                                                   cmd.read_attributes_attested(oid, CHIP_KEY, 0x21, bytes(16)))][:24],
    "port": [cmd.export(EXPORT), cmd.export(AES), cmd.export(RSA, 0x49 - 0x41), cmd.import_object(EXPORT, bytes(48)),
             cmd.import_external(bytes(70), u32(EC), bytes(cmd.write_symm(NEW, 3, bytes(16))))],
    "curves": [cmd.create_curve(16), *(cmd.set_curve_param(16, p, bytes.fromhex(CURVES[16][n])) for p, n in ((1, "a"), (2, "b"), (4, "g"), (8, "n"), (16, "p"))),
               cmd.write_ec(NEW, 16), cmd.read_curve_list(), cmd.get_curve_id(NEW), cmd.delete_curve(16), cmd.delete(NEW), cmd.delete_curve(16)],
    "sign": [cmd.sign(EC, 0x21, bytes(32)), cmd.verify(EC, 0x21, bytes(32), bytes.fromhex("3006020101020101")), cmd.sign(ED, 0xA3, b"abc"), cmd.sign(RSA, 0x28, b"abc"),
             cmd.verify(RSA, 0x28, b"abc", bytes(64)), cmd.rsa_encrypt(RSA, 10, b"abc"), cmd.rsa_decrypt(RSA, 12, bytes(63) + b"\2"), cmd.ecdaa_sign(EC, bytes(32), bytes(32))],
    "agree": [cmd.ecdh(EC, POINT), cmd.ecdh(X, bytes([9]) * 32), cmd.ecdh(X, bytes([9]) * 32, target=NEW, reverse=True), cmd.point_multiply(EC, POINT),
              cmd.point_multiply(EC, public_id=EC, algorithm=5), cmd.read_object(NEW)],
    "cipher": container(2, 0xF0, cmd.cipher_init(AES, CID, True, bytes(16)), cmd.cipher_update(CID, b"abc"), cmd.cipher_final(CID, b"d")) + [
        cmd.cipher_oneshot(AES, 0x0D, bytes(16), True, bytes(16)), cmd.cipher_oneshot(DES, 5, bytes(8)), cmd.cipher_oneshot(AES, 0x17, b"abc", False, bytes(16))],
    "mac": container(3, 0x19, cmd.mac_init(HMAC, CID), cmd.mac_update(CID, b"abc"), cmd.mac_final(CID, b"d")) + [
        cmd.mac_oneshot(AES, 0x31, b"abc"), cmd.mac_validate(HMAC, 0x18, b"abc", bytes(20)), cmd.mac_oneshot(DES, 0x7A, b"abc")],
    "digest": container(1, 4, cmd.digest_init(CID), cmd.digest_update(CID, b"abc"), cmd.digest_final(CID, b"d")) + [cmd.digest_oneshot(6, b""), cmd.read_crypto_list()],
    "aead": container(4, 0xB0, cmd.aead_init(AES, CID, bytes(12)), cmd.aead_update(CID, aad=b"a"), cmd.aead_update(CID, b"b"), cmd.aead_final(CID, b"\0\x10")) + [
        cmd.aead_oneshot(AES, 0xB0, b"abc", b"aad", bytes(12), b"\0\x10"), cmd.aead_oneshot(AES, 0xF4, b"abc", b"aad", bytes(12), bytes(16), False),
        cmd.aead_oneshot(AES, 0xF3, b"abc", b"", b"\0\x0c", b"\0\x10")],
    "derive": [cmd.hkdf(HMAC, 4, b"salt", b"info"), cmd.hkdf(HMAC, 4, b"", b"", target=NEW), cmd.hkdf(HMAC, 5, expand_only=True), cmd.pbkdf2(HMAC, b"salt", 2, 20),
               cmd.hkdf(HMAC, 4, salt_id=HMAC, info=b"x"), cmd.pbkdf2(HMAC, b"", 1, 16, algorithm=0x19, salt_id=FILE, target=NEW)],
    "tls": [cmd.tls_random(), cmd.tls_pms(NEW, psk=HMAC), cmd.tls_pms(NEW, key_pair=EC, data=POINT), cmd.tls_prf(HMAC, 4, b"master secret", bytes(32), 48, 0x4B),
            cmd.tls_prf(NEW, 4, b"key expansion", bytes(64), 40)],
    "desfire": [cmd.auth_first_part1(AES16, bytes(16)), cmd.auth_first_part2(bytes(32)), cmd.auth_nonfirst_part1(AES16, bytes(16)), cmd.auth_nonfirst_part2(bytes(16)),
                cmd.dump_session_keys(), cmd.change_key_part1(AES16, 0xFF, 1, 2, old=AES16), cmd.change_key_part2(bytes(8)), cmd.kill_authentication(),
                cmd.diversify(AES16, NEW, b"a card"), cmd.auth_first_part1(NEW, bytes(16)), cmd.dump_session_keys()],
    "pake": container(5, 1, cmd.pake_configure(CID, 1), cmd.pake_init(CID, b"c", b"p", b"v"), cmd.pake_credentials(CID, W, W), cmd.pake_share(CID), cmd.pake_keys(CID, POINT),
                      cmd.pake_verify(CID, bytes(32)), cmd.pake_state(CID), cmd.pake_configure(CID, 2), cmd.pake_init(CID), cmd.pake_type(CID)),
    "i2cm": [cmd.i2cm(b"\1\0\2\x20\0" + b"\3\0\2ab" + b"\4\0\2\0\4"), cmd.i2cm_attested(b"\1\0\2\x20\0", CHIP_KEY, 0x21)],
}
SESSIONS = {
    "session": opened(USER, cmd.get_version(), cmd.read_id_list(), cmd.refresh_session(cmd.session_policy(0x2000, 5, 60)), cmd.write_binary(NEW, b"x", size=1),
                      cmd.exchange_session_data(cmd.session_policy(0, 3)), cmd.close_session()),
    "lock": opened(0x7FFF0200, cmd.set_lock_state(True, 1)) + step(cmd.get_random(4)) + opened(0x7FFF0200, cmd.set_lock_state(True, 2)),
    "features": opened(0x7FFF0204, cmd.set_applet_features(0x0001)) + step(cmd.sign(EC, 0x21, bytes(32))),
    "deleteall": opened(0x7FFF0205, cmd.delete_all()) + step(cmd.read_id_list()),
    "platform": opened(0x7FFF0207, cmd.set_platform_scp(1)) + step(cmd.get_random(4)) + step(cmd.initialize_update(bytes(8))) + step(b"\x84\x82\x33\0\x10" + bytes(16)),
    "restrict": opened(0x7FFF020A, cmd.disable_object_creation(False, 1)) + step(cmd.write_binary(NEW, b"x", size=1)) + step(cmd.get_version(), RESET),
    "aessession": step(cmd.create_session(AUTH_AES)) + step(cmd.process_session(bytes(8), cmd.initialize_update(bytes(8), 0))),
    "eckeysession": step(cmd.create_session(EC)) + step(cmd.process_session(bytes(8), cmd.internal_authenticate(bytes(100)))),
}


def main(folder):
    for name, steps in {**{n: b"".join(map(step, c)) for n, c in PLAIN.items()}, **SESSIONS}.items():
        for applet, odd in (("31", 0), ("72", 1)):
            # the size's last bit chooses the personality; a step of one byte is noise
            (pathlib.Path(folder) / f"{name}-{applet}").write_bytes(steps if len(steps) % 2 == odd else steps + b"\0\1\0")


if __name__ == "__main__":
    main(*sys.argv[1:])
