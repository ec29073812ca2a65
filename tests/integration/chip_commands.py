"""Every applet command as a builder, written from the reference's section 3 and from nothing of ours.

A builder gives a Command: header, TLVs in the stated order, and how a host sends it. `chip.run(command)` (chip_client)
sends it and takes the answer apart; `bytes(command)` is the APDU. Integers are as wide as the reference says.
"""

import dataclasses

from chip_client import apdu, tlv, u8, u16, u32

WRITE, READ, CRYPTO, MGMT, PROCESS, IMPORT = 1, 2, 3, 4, 5, 6
TRANSIENT, AUTH, ATTEST = 0x80, 0x40, 0x20
T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11 = range(0x41, 0x4C)
SESSION, POLICY, MAX_ATTEMPTS, IMPORT_AUTH, IMPORT_KEY = 0x10, 0x11, 0x12, 0x13, 0x14

#: modes and algorithms
SHA1, SHA224, SHA256, SHA384, SHA512 = 0x01, 0x07, 0x04, 0x05, 0x06
DES_CBC, DES_CBC_M1, DES_CBC_M2, DES_CBC_PKCS5 = 1, 2, 3, 4
DES_ECB, DES_ECB_M1, DES_ECB_M2, DES_ECB_PKCS5 = 5, 6, 7, 8
AES_ECB, AES_CBC, AES_CBC_M1, AES_CBC_M2, AES_CTR = 0x0E, 0x0D, 0x16, 0x17, 0xF0
GCM, GCM_INT_IV, CCM, CCM_INT_IV = 0xB0, 0xF3, 0xF4, 0xF5
HMAC_SHA1, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, CMAC_128, DES_CMAC8, AES_CMAC16 = 0x18, 0x19, 0x1A, 0x1B, 0x31, 0x7A, 0x66
DIGEST_OBJECT, CIPHER_OBJECT, MAC_OBJECT, AEAD_OBJECT, PAKE_OBJECT = 1, 2, 3, 4, 5
RSA_NO_PAD, RSA_PKCS1, RSA_OAEP = 0x0C, 0x0A, 0x0F
PKCS1 = {"SHA1": 0x0A, "SHA224": 0x27, "SHA256": 0x28, "SHA384": 0x29, "SHA512": 0x2A}
PSS = {"SHA1": 0x15, "SHA224": 0x2B, "SHA256": 0x2C, "SHA384": 0x2D, "SHA512": 0x2E}
ECDSA = {"SHA1": 0x11, "SHA224": 0x25, "SHA256": 0x21, "SHA384": 0x22, "SHA512": 0x26, "PLAIN": 0x09}
EDDSA = 0xA3
BRAINPOOL = {160: 6, 192: 7, 224: 8, 256: 9, 320: 0x0A, 384: 0x0B, 512: 0x0C}
ED25519, X25519, X448 = 0x40, 0x41, 0x43

#: policy bits (3.16)
RIGHTS = {
    "tls pms": 0x40000000, "forbid all": 0x20000000, "sign": 0x10000000, "verify": 0x08000000, "key agreement": 0x04000000,
    "encrypt": 0x02000000, "decrypt": 0x01000000, "kdf": 0x00800000, "wrap": 0x00400000, "read": 0x00200000,
    "write": 0x00100000, "generate": 0x00080000, "delete": 0x00040000, "secure messaging": 0x00020000, "pcr": 0x00010000,
    "attest": 0x00008000, "desfire auth": 0x00004000, "desfire dump": 0x00002000, "import export": 0x00001000}
#: those of 7.x; the two that are missing carry an object's id
RIGHTS_7X = {"tls kdf": 0x80000000, "forbid derived output": 0x00000800, "external random": 0x00000400, "pbkdf": 0x00000080, "desfire kdf": 0x00000040,
             "forbid external iv": 0x00000020, "pepper": 0x00000010, "internal sign": 0x00000008}
DESFIRE_CHANGE_KEY, DERIVED_INPUT = 0x00000200, 0x00000100


def policy(rights, auth=0, pcr=None):
    """One policy of a set; join several with +."""
    body = u32(auth) + u32(rights if isinstance(rights, int) else sum(RIGHTS[r] for r in rights)) + (b"" if pcr is None else pcr)
    return bytes([len(body)]) + body


@dataclasses.dataclass
class Command:
    name: str  #: as in tests/vectors/chip-commands.txt
    ins: int
    p1: int
    p2: int
    parts: list  #: the TLVs, or raw bytes
    extended: bool = False
    cla: int = 0x80
    answers: bool = True  #: does the host expect data?

    @property
    def data(self):
        return b"".join(self.parts)

    def __bytes__(self):
        return apdu(self.ins, self.p1, self.p2, self.data, cla=self.cla, le=self.answers, extended=self.extended)

    def inner(self):
        """As it goes into ProcessSessionCmd: no Le, no Lc without data."""
        head = bytes([self.cla, self.ins, self.p1, self.p2])
        if not self.data:
            return head
        short = len(self.data) < 255 and not self.extended
        return head + (u8(len(self.data)) if short else b"\0" + u16(len(self.data))) + self.data

    def with_parts(self, parts):
        return dataclasses.replace(self, parts=list(parts))


def _some(*pairs):
    """TLVs of what is not None; a number needs its width: (tag, value, width)."""
    out = []
    for tag, value, *width in pairs:
        if value is not None:
            out.append(tlv(tag, value.to_bytes(width[0], "big") if width else value))
    return out


def _bytes(tag, value):
    """NXP's host drops an empty byte string altogether (2.4)."""
    return (tag, value or None)


def _c(name, ins, p1, p2, *pairs, **kw):
    return Command(name, ins, p1, p2, _some(*pairs), **kw)


# ---- 3.1 sessions ----

def create_session(auth_id):
    return _c("CreateSession", MGMT, 0, 0x1B, (T1, auth_id, 4))


def process_session(session, inner):
    inner = inner.inner() if isinstance(inner, Command) else inner
    return _c("ProcessSessionCmd", PROCESS, 0, 0, (SESSION, session), (T1, inner))


def session_policy(rules=0, max_apdus=None, max_seconds=None):
    rules |= (0x8000 if max_apdus is not None else 0) | (0x4000 if max_seconds is not None else 0)
    body = u16(rules) + (b"" if max_apdus is None else u16(max_apdus)) + (b"" if max_seconds is None else u16(max_seconds))
    return u8(len(body)) + body


def exchange_session_data(session_rules):
    return _c("ExchangeSessionData", MGMT, 0, 0x1F, (T1, session_rules), answers=False)


def refresh_session(session_rules=None):
    return _c("RefreshSession", MGMT, 0, 0x1E, (POLICY, session_rules), answers=False)


def close_session():
    return _c("CloseSession", MGMT, 0, 0x1C, answers=False)


def verify_userid(value):
    return _c("VerifySessionUserID", MGMT, 0, 0x2C, (T1, value), answers=False)


def initialize_update(challenge, version=0x0B):
    return Command("SCPInitializeUpdate", 0x50, version, 0, [challenge])


def internal_authenticate(data):
    return Command("ECKeySessionInternalAuthenticate", 0x88, 0, 0, [data], cla=0x84)


# ---- 3.2 module management ----

def get_version():
    return _c("GetVersion", MGMT, 0, 0x20)


def get_version_ext():
    return _c("GetVersionExt", MGMT, 0, 0x21)


def get_timestamp():
    return _c("GetTimestamp", MGMT, 0, 0x3D)


def get_free_memory(kind=1):
    return _c("GetFreeMemory", MGMT, 0, 0x22, (T1, kind, 1))


def get_random(n):
    return _c("GetRandom", MGMT, 0, 0x49, (T1, n, 2), extended=True)


def delete_all():
    return _c("DeleteAll", MGMT, 0, 0x2A, answers=False)


def set_lock_state(persistent, state):
    return _c("SetLockState", MGMT, 0, 0x3E, (T1, 2 if persistent else 1, 1), (T2, state, 1), answers=False)


def set_platform_scp(request):
    return _c("SetPlatformSCPRequest", MGMT, 0, 0x52, (T1, request, 1), answers=False)


def set_applet_features(features, more=b""):
    return _c("SetAppletFeatures", MGMT, 0, 0x3F, (T1, u16(features) + more), answers=False)


def disable_object_creation(persistent, mode):
    return _c("DisableObjectCreation", MGMT, 0, 0x57, (T1, 2 if persistent else 1, 1), (T2, mode, 1), answers=False)


def trigger_self_test(mode):
    return _c("TriggerSelfTest", MGMT, 0, 0x58, (T1, mode, 2))


def trigger_self_test_attested(mode, key, algorithm, random):
    return _c("TriggerSelfTestAttested", MGMT | ATTEST, 0, 0x58, (T1, mode, 2), (T5, key, 4), (T6, algorithm, 1), (T7, random))


def read_state():
    return _c("ReadState", READ, 0, 0x5B)


# ---- 3.3 writing ----

def write_ec(oid, curve=None, private=None, public=None, part=0x60, rules=None, attempts=None, version=None, flags=0):
    return _c("WriteECKey", WRITE | flags, part | 1, 0, (POLICY, rules), (MAX_ATTEMPTS, attempts, 2), (T1, oid, 4), (T2, curve, 1),
              (T3, private), (T4, public), (T11, version, 4), answers=False)


def write_rsa(oid, bits=None, p=None, q=None, dp=None, dq=None, qinv=None, e=None, d=None, n=None, part=0x60, raw=False,
              rules=None, version=None, flags=0):
    return _c("WriteRSAKey", WRITE | flags, part | 2, 0x4F if raw else 0, (POLICY, rules), (T1, oid, 4), (T2, bits, 2), (T3, p), (T4, q),
              (T5, dp), (T6, dq), (T7, qinv), (T8, e), (T9, d), (T10, n), (T11, version, 4), answers=False)


def write_symm(oid, kind, value, kek=None, min_tag=None, min_output=None, rules=None, attempts=None, version=None, flags=0):
    """kind: 3 AES, 4 DES, 5 HMAC"""
    return _c("WriteSymmKey", WRITE | flags, kind, 0, (POLICY, rules), (MAX_ATTEMPTS, attempts, 2), (T1, oid, 4), (T2, kek, 4),
              (T3, value), (T4, min_tag, 2), (T5, min_output, 2), (T11, version, 4), answers=False)


def write_binary(oid, data=None, offset=None, size=None, rules=None, version=None, flags=0):
    return _c("WriteBinary", WRITE | flags, 6, 0, (POLICY, rules), (T1, oid, 4), (T2, offset, 2), (T3, size, 2), _bytes(T4, data),
              (T11, version, 4), answers=False)


def write_userid(oid, value, rules=None, attempts=None, flags=AUTH):
    return _c("WriteUserID", WRITE | flags, 7, 0, (POLICY, rules), (MAX_ATTEMPTS, attempts, 2), (T1, oid, 4), (T2, value), answers=False)


def write_counter(oid, size=None, value=None, rules=None, flags=0):
    """value: bytes, as wide as the counter"""
    return _c("WriteCounter", WRITE | flags, 8, 0, (POLICY, rules), (T1, oid, 4), (T2, size, 1), (T3, value), answers=False)


def write_pcr(oid, initial=None, extend=None, rules=None, flags=0):
    return _c("WritePCR", WRITE | flags, 9, 0, (POLICY, rules), (T1, oid, 4), (T2, initial), (T3, extend), answers=False)


def import_object(oid, blob, component=None):
    return _c("ImportObject", WRITE, 0, 0x18, (T1, oid, 4), (T2, component, 1), (T3, blob), answers=False)


def import_external(auth_data, host_key_id, command):
    return _c("ImportExternalObject", IMPORT, 0, 0, (IMPORT_AUTH, auth_data), (IMPORT_KEY, host_key_id), (T1, command), answers=False)


# ---- 3.4 reading and managing ----

def read_object(oid, offset=None, length=None):
    return _c("ReadObject", READ, 0, 0, (T1, oid, 4), (T2, offset or None, 2), (T3, length or None, 2), extended=True)


def read_rsa(oid, component, offset=None, length=None):
    return _c("ReadRSA", READ, 0, 0, (T1, oid, 4), (T2, offset or None, 2), (T3, length or None, 2), (T4, component, 1), extended=True)


def read_attested(oid, key, algorithm, random, offset=None, length=None, component=None):
    return _c("ReadObjectAttested", READ | ATTEST, 0, 0, (T1, oid, 4), (T2, offset, 2), (T3, length, 2), (T4, component, 1),
              (T5, key, 4), (T6, algorithm, 1), (T7, random), extended=True)


def read_attributes(oid):
    return _c("ReadAttributes", READ, 0, 0x3B, (T1, oid, 4), extended=True)


def read_attributes_attested(oid, key, algorithm, random):
    return _c("ReadAttributesAttested", READ | ATTEST, 0, 0x3B, (T1, oid, 4), (T5, key, 4), (T6, algorithm, 1), (T7, random), extended=True)


def read_type(oid):
    return _c("ReadType", READ, 0, 0x26, (T1, oid, 4))


def read_size(oid):
    return _c("ReadSize", READ, 0, 7, (T1, oid, 4))


def read_id_list(offset=0, kind=0xFF):
    return _c("ReadIDList", READ, 0, 0x25, (T1, offset, 2), (T2, kind, 1), extended=True)


def exists(oid):
    return _c("CheckObjectExists", MGMT, 0, 0x27, (T1, oid, 4))


def delete(oid):
    return _c("DeleteSecureObject", MGMT, 0, 0x28, (T1, oid, 4), answers=False)


def export(oid, component=0xFF):
    return _c("ExportObject", READ, 0, 0x19, (T1, oid, 4), (T2, component, 1), extended=True)


# ---- 3.6 curves ----

def create_curve(curve):
    return _c("CreateECCurve", WRITE, 0x0B, 4, (T1, curve, 1), answers=False)


def set_curve_param(curve, param, value):
    return _c("SetECCurveParam", WRITE, 0x0B, 0x40, (T1, curve, 1), (T2, param, 1), (T3, value), answers=False)


def get_curve_id(oid):
    return _c("GetECCurveId", READ, 0x0B, 0x36, (T1, oid, 4))


def read_curve_list():
    return _c("ReadECCurveList", READ, 0x0B, 0x25)


def delete_curve(curve):
    return _c("DeleteECCurve", MGMT, 0x0B, 0x28, (T1, curve, 1), answers=False)


# ---- 3.7, 3.8 asymmetric keys ----

def sign(oid, algorithm, data, name="ECDSASign"):
    return _c(name, CRYPTO, 0x0C, 9, (T1, oid, 4), (T2, algorithm, 1), _bytes(T3, data), extended=name == "RSASign")


def verify(oid, algorithm, data, signature, name="ECDSAVerify"):
    return _c(name, CRYPTO, 0x0C, 0x0A, (T1, oid, 4), (T2, algorithm, 1), _bytes(T3, data), (T5, signature), extended=name == "RSAVerify")


def ecdaa_sign(oid, data, random):
    return _c("ECDAASign", CRYPTO, 0x0C, 0x35, (T1, oid, 4), (T2, 0xF4, 1), (T3, data), (T4, random))


def ecdh(oid, peer, algorithm=None, target=None, reverse=False):
    return _c("ECDHReverse" if reverse else "ECDHGenerateSharedSecret", CRYPTO, 1, 0x59 if reverse else 0x0F, (T1, oid, 4), (T2, peer),
              (T4, algorithm, 1), (T7, target, 4), extended=True, answers=target is None)


def point_multiply(oid, point=None, public_id=None, algorithm=6, target=None):
    return _c("ECPointMultiply", CRYPTO, 1, 0x62, (T1, oid, 4), (T2, point), (T3, public_id, 4), (T4, algorithm, 1), (T7, target, 4),
              extended=True, answers=target is None)


def rsa_encrypt(oid, algorithm, data):
    return _c("RSAEncrypt", CRYPTO, 2, 0x37, (T1, oid, 4), (T2, algorithm, 1), _bytes(T3, data), extended=True)


def rsa_decrypt(oid, algorithm, data):
    return _c("RSADecrypt", CRYPTO, 2, 0x38, (T1, oid, 4), (T2, algorithm, 1), (T3, data), extended=True)


# ---- 3.9 crypto objects ----

def create_crypto_object(cid, context, subtype):
    return _c("CreateCryptoObject", WRITE, 0x10, 0, (T1, cid, 2), (T2, context, 1), (T3, subtype, 1), answers=False)


def read_crypto_list():
    return _c("ReadCryptoObjectList", READ, 0x10, 0x25)


def delete_crypto_object(cid):
    return _c("DeleteCryptoObject", MGMT, 0x10, 0x28, (T1, cid, 2), answers=False)


# ---- 3.10 ciphers, MAC, digest, AEAD ----

def cipher_init(oid, cid, encrypt=True, iv=None):
    return _c("CipherInit", CRYPTO, 0x0E, 0x42 if encrypt else 0x43, (T1, oid, 4), (T2, cid, 2), _bytes(T4, iv), answers=False)


def cipher_update(cid, data):
    return _c("CipherUpdate", CRYPTO, 0x0E, 0x0C, (T2, cid, 2), (T3, data), extended=True)


def cipher_final(cid, data=b""):
    return _c("CipherFinal", CRYPTO, 0x0E, 0x0D, (T2, cid, 2), _bytes(T3, data), extended=True)


def cipher_oneshot(oid, mode, data, encrypt=True, iv=None):
    return _c("CipherOneShot", CRYPTO, 0x0E, 0x37 if encrypt else 0x38, (T1, oid, 4), (T2, mode, 1), _bytes(T3, data), _bytes(T4, iv),
              extended=True)


def mac_init(oid, cid, validate=False):
    return _c("MACInit", CRYPTO, 0x0D, 0x44 if validate else 3, (T1, oid, 4), (T2, cid, 2), answers=False)


def mac_update(cid, data):
    return _c("MACUpdate", CRYPTO, 0x0D, 0x0C, (T1, data), (T2, cid, 2), answers=False)


def mac_final(cid, data=b"", mac=None):
    return _c("MACFinal", CRYPTO, 0x0D, 0x0D, _bytes(T1, data), (T2, cid, 2), (T3, mac), extended=True)


def mac_oneshot(oid, algorithm, data):
    return _c("MACOneShot", CRYPTO, 0x0D, 0x45, (T1, oid, 4), (T2, algorithm, 1), _bytes(T3, data))


def mac_validate(oid, algorithm, data, mac):
    return _c("MACOneShotValidate", CRYPTO, 0x0D, 0x46, (T1, oid, 4), (T2, algorithm, 1), _bytes(T3, data), (T5, mac))


def digest_init(cid):
    return _c("DigestInit", CRYPTO, 0, 0x0B, (T2, cid, 2), answers=False)


def digest_update(cid, data):
    return _c("DigestUpdate", CRYPTO, 0, 0x0C, (T2, cid, 2), (T3, data), answers=False)


def digest_final(cid, data=b""):
    return _c("DigestFinal", CRYPTO, 0, 0x0D, (T2, cid, 2), _bytes(T3, data))


def digest_oneshot(mode, data):
    return _c("DigestOneShot", CRYPTO, 0, 0x0E, (T1, mode, 1), _bytes(T2, data))


def aead_init(oid, cid, iv, encrypt=True):
    return _c("AEADInit", CRYPTO, 0x11, 0x42 if encrypt else 0x43, (T1, oid, 4), (T2, cid, 2), (T5, iv))


def aead_update(cid, data=None, aad=None):
    return _c("AEADUpdate", CRYPTO, 0x11, 0x0C, (T2, cid, 2), (T3, data), (T4, aad), extended=True)


def aead_final(cid, tag=None):
    """tag: the tag to check, or the wanted length as two bytes"""
    return _c("AEADFinal", CRYPTO, 0x11, 0x0D, (T2, cid, 2), (T6, tag), extended=True)


def aead_oneshot(oid, mode, data=b"", aad=b"", iv=None, tag=None, encrypt=True):
    return _c("AEADOneShot", CRYPTO, 0x11, 0x37 if encrypt else 0x38, (T1, oid, 4), (T2, mode, 1), _bytes(T3, data), _bytes(T4, aad),
              _bytes(T5, iv), (T6, tag), extended=True)


# ---- 3.11 derivation, TLS ----

def hkdf(oid, digest, salt=b"", info=b"", length=32, salt_id=None, target=None, expand_only=False):
    return _c("HKDFExpandOnly" if expand_only else "HKDF", CRYPTO, 0, 0x2F if expand_only else 0x2D, (T1, oid, 4), (T2, digest, 1),
              _bytes(T3, salt), _bytes(T4, info), (T5, length, 2), (T6, salt_id, 4), (T7, target, 4), answers=target is None)


def pbkdf2(oid, salt, iterations, length, algorithm=None, salt_id=None, target=None):
    return _c("PBKDF2", CRYPTO, 0, 0x2E, (T1, oid, 4), _bytes(T2, salt), (T3, iterations, 2), (T4, length, 2), (T5, algorithm, 1),
              (T6, salt_id, 4), (T7, target, 4), answers=target is None)


def tls_random():
    return _c("TLSGenerateRandom", CRYPTO, 0x0F, 0x49)


def tls_pms(target, psk=None, key_pair=None, data=None, version=None):
    return _c("TLSCalculatePreMasterSecret", CRYPTO, 0x0F, 0x4A, (T1, psk, 4), (T2, key_pair, 4), (T3, target, 4), (T4, data),
              (T6, version, 2), answers=False)


def tls_prf(oid, digest, label, random, length, p2=0x5A):
    return _c("TLSPerformPRF", CRYPTO, 0x0F, p2, (T1, oid, 4), (T2, digest, 1), (T3, label), (T4, random), (T5, length, 2), extended=True)


# ---- 3.13 I2C master ----

def i2cm(commands):
    return _c("I2CM", CRYPTO, 0, 0x30, (T1, commands))


def i2cm_attested(commands, key=0, algorithm=0, random=bytes(16)):
    return _c("I2CMAttested", CRYPTO | ATTEST, 0, 0x30, (T1, commands), (T2, key, 4), (T3, algorithm, 1), (T7, random), extended=True)


# ---- 3.12 MIFARE DESFire ----

def diversify(master, target, data):
    return _c("DiversifyKey", CRYPTO, 0, 0x10, (T1, master, 4), (T2, target, 4), (T3, data), answers=False)


def auth_first_part1(key, challenge):
    return _c("AuthFirstPart1", CRYPTO, 0, 0x53, (T1, key, 4), (T2, challenge))


def auth_nonfirst_part1(key, challenge):
    return _c("AuthNonFirstPart1", CRYPTO, 0, 0x54, (T1, key, 4), (T2, challenge))


def auth_first_part2(answer):
    return _c("AuthFirstPart2", CRYPTO, 0, 0x12, (T1, answer))


def auth_nonfirst_part2(answer):
    return _c("AuthNonFirstPart2", CRYPTO, 0, 0x13, (T1, answer), answers=False)


def dump_session_keys():
    return _c("DumpSessionKeys", CRYPTO, 0, 0x14)


def change_key_part1(new, key_set, number, version, old=None):
    return _c("ChangeKeyPart1", CRYPTO, 0, 0x15, (T1, old, 4), (T2, new, 4), (T3, key_set, 1), (T4, number, 1), (T5, version, 1))


def change_key_part2(mac):
    return _c("ChangeKeyPart2", CRYPTO, 0, 0x16, (T1, mac))


def kill_authentication():
    return _c("KillAuthentication", CRYPTO, 0, 0x17, answers=False)


# ---- 3.14 SPAKE2+ ----

PAKE_SETUP, PAKE_SHARED, PAKE_KEYS = 0x00, 0xA5, 0x5A
DEVICE_A, DEVICE_B = 1, 2  # prover, verifier


def pake_configure(cid, device):
    return _c("PAKEConfigure", CRYPTO, 0x12, 0x26, (T2, cid, 2), (T3, device, 1), answers=False)


def pake_init(cid, context=b"", prover=b"", verifier=b""):
    return _c("PAKEInit", CRYPTO, 0x12, 0x36, (T2, cid, 2), _bytes(T3, context), _bytes(T4, prover), _bytes(T5, verifier), answers=False)


def pake_credentials(cid, w0, w1=None, point=None):
    return _c("PAKECredentials", CRYPTO, 0x12, 0x40, (T2, cid, 2), (T3, w0, 4), (T4, w1, 4), (T5, point, 4), answers=False)


def pake_share(cid, peer=None):
    return _c("PAKEKeyShare", CRYPTO, 0x12, 0x0C, (T2, cid, 2), (T3, peer))


def pake_keys(cid, peer):
    return _c("PAKESessionKeys", CRYPTO, 0x12, 3, (T2, cid, 2), (T3, peer))


def pake_verify(cid, confirm):
    return _c("PAKEVerify", CRYPTO, 0x12, 0x0A, (T2, cid, 2), (T3, confirm))


def pake_type(cid):
    return _c("PAKEReadType", READ, 0x12, 0, (T2, cid, 2))


def pake_state(cid):
    return _c("PAKEReadState", READ, 0x12, 0x5B, (T2, cid, 2))
