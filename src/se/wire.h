/* src/se/wire.h - the numbers of the SE05x wire: T=1 over I2C, APDU, applet, virtual-bus socket.
 *
 * Constants only, no code, no types with behaviour: the host side (src/se) and the virtual part
 * (src/vse) share this file and nothing else, so that a misreading of a *rule* cannot hide in both.
 * Sources: NXP UM11225 (T=1 over I2C), NXP AN12413 (SE05x APDU specification).
 */
#pragma once

/* ---- T=1 over I2C: UM11225 ---------------------------------------------------------------- */

#define SE_I2C_ADDRESS 0x48 /* 7 bit */

enum {
    SE_T1_NAD_HOST = 0x5a, /* host to SE */
    SE_T1_NAD_SE = 0xa5,   /* SE to host */

    SE_T1_HEADER = 3, /* NAD PCB LEN */
    SE_T1_CRC = 2,    /* CRC-16/X-25 over NAD..INF, low byte first */
    SE_T1_INF_MAX = 254,
    SE_T1_BLOCK_MIN = SE_T1_HEADER + SE_T1_CRC,
    SE_T1_BLOCK_MAX = SE_T1_HEADER + SE_T1_INF_MAX + SE_T1_CRC,
    SE_T1_OVERREAD = 260, /* NXP's host reads this much at start-up, whatever is there */
};

/* PCB: I-block 0 NS M 00000; R-block 100 NR 00EE; S-block 11 R CCCCC */
enum {
    SE_PCB_I_NS = 0x40,
    SE_PCB_I_MORE = 0x20,
    SE_PCB_I_RFU = 0x1f,

    SE_PCB_R = 0x80,
    SE_PCB_R_MASK = 0xec, /* (pcb & MASK) == SE_PCB_R: an R-block */
    SE_PCB_R_NR = 0x10,
    SE_PCB_R_ERROR = 0x03,
    SE_R_ACK = 0,
    SE_R_CRC = 1,
    SE_R_OTHER = 2,
    SE_R_SOF = 3, /* NXP: start of frame missed */

    SE_PCB_S_REQUEST = 0xc0,
    SE_PCB_S_RESPONSE = 0xe0,
    SE_PCB_S_CODE = 0x1f,
};

enum {
    SE_S_RESYNC = 0x00,
    SE_S_IFS = 0x01,
    SE_S_ABORT = 0x02,
    SE_S_WTX = 0x03,
    SE_S_END_SESSION = 0x05,
    SE_S_CHIP_RESET = 0x06,
    SE_S_GET_ATR = 0x07,
    SE_S_SOFT_RESET = 0x0f,
    SE_S_DEEP_POWER_DOWN = 0x1f,
};

enum {
    SE_BWT_MS = 1000, /* from the ATR */
    SE_MPOT_MS = 1,   /* minimum polling time */
    SE_SEGT_US = 100, /* guard time */
    SE_ATR_LEN = 35,
    SE_ATR_MAX = 100, /* NXP's host keeps this much room */
    SE_WTX_MAX = 500, /* WTX requests a host puts up with per answer */
};

/* ATR field offsets (1.5) */
enum {
    SE_ATR_OFF_VENDOR = 1,
    SE_ATR_OFF_DLL_LEN = 6,
    SE_ATR_OFF_BWT = 7,
    SE_ATR_OFF_IFSC = 9,
    SE_ATR_OFF_MPOT = 16,
    SE_ATR_OFF_SEGT = 20,
    SE_ATR_OFF_HIST_LEN = 24,
    SE_ATR_OFF_HIST = 25,
};

/* ---- APDU: AN12413 ------------------------------------------------------------------------- */

/* SELECT of the IoT applet: 00 A4 04 00 10 AID 00 */
#define SE_APPLET_AID "\xa0\x00\x00\x03\x96\x54\x53\x00\x00\x00\x01\x03\x00\x00\x00\x00"
#define SE_APPLET_AID_LEN 16
#define SE_SELECT_ANSWER_LEN 7 /* major minor patch config(2) securebox(2), raw */
#define SE_APPLET_VERSION_3_1 0x030100
#define SE_APPLET_VERSION_7_2 0x070200
#define SE_SECUREBOX_VERSION 0x010b

enum {
    SE_CLA_ISO = 0x00,
    SE_CLA_APPLET = 0x80,
    SE_CLA_SECURED = 0x84,
    SE_CLA_SECURE_BIT = 0x04,

    SE_INS_SELECT = 0xa4, /* with CLA 00, P1 04, P2 00 */
    SE_P1_SELECT_BY_AID = 0x04,
    SE_INS_INITIALIZE_UPDATE = 0x50,
    SE_INS_EXTERNAL_AUTHENTICATE = 0x82,
    SE_INS_INTERNAL_AUTHENTICATE = 0x88,
    SE_INS_PUT_KEY = 0xd8,

    SE_INS_WRITE = 0x01,
    SE_INS_READ = 0x02,
    SE_INS_CRYPTO = 0x03,
    SE_INS_MGMT = 0x04,
    SE_INS_PROCESS = 0x05,
    SE_INS_IMPORT_EXTERNAL = 0x06,
    SE_INS_MASK = 0x1f,
    SE_INS_ATTEST = 0x20,
    SE_INS_AUTH_OBJECT = 0x40,
    SE_INS_TRANSIENT = 0x80,
};

/* P1 = key part | credential type */
enum {
    SE_P1_DEFAULT = 0x00,
    SE_P1_EC = 0x01,
    SE_P1_RSA = 0x02,
    SE_P1_AES = 0x03,
    SE_P1_DES = 0x04,
    SE_P1_HMAC = 0x05,
    SE_P1_BINARY = 0x06,
    SE_P1_USERID = 0x07,
    SE_P1_COUNTER = 0x08,
    SE_P1_PCR = 0x09,
    SE_P1_CURVE = 0x0b,
    SE_P1_SIGNATURE = 0x0c,
    SE_P1_MAC = 0x0d,
    SE_P1_CIPHER = 0x0e,
    SE_P1_TLS = 0x0f,
    SE_P1_CRYPTO_OBJECT = 0x10,
    SE_P1_AEAD = 0x11,
    SE_P1_PAKE = 0x12,
    SE_P1_TYPE_MASK = 0x1f,

    SE_P1_PART_MASK = 0x60,
    SE_P1_PAIR = 0x60,
    SE_P1_PRIVATE = 0x40,
    SE_P1_PUBLIC = 0x20,
};

enum {
    SE_P2_DEFAULT = 0x00,
    SE_P2_GENERATE = 0x03,
    SE_P2_CREATE = 0x04,
    SE_P2_SIZE = 0x07,
    SE_P2_SIGN = 0x09,
    SE_P2_VERIFY = 0x0a,
    SE_P2_INIT = 0x0b,
    SE_P2_UPDATE = 0x0c,
    SE_P2_FINAL = 0x0d,
    SE_P2_ONESHOT = 0x0e,
    SE_P2_DH = 0x0f,
    SE_P2_DIVERSIFY = 0x10, /* MIFARE DESFire, to 17, and 53, 54 */
    SE_P2_AUTH_FIRST_PART2 = 0x12,
    SE_P2_AUTH_NONFIRST_PART2 = 0x13,
    SE_P2_DUMP_KEY = 0x14,
    SE_P2_CHANGE_KEY_PART1 = 0x15,
    SE_P2_CHANGE_KEY_PART2 = 0x16,
    SE_P2_KILL_AUTH = 0x17,
    SE_P2_IMPORT = 0x18,
    SE_P2_EXPORT = 0x19,
    SE_P2_SESSION_CREATE = 0x1b,
    SE_P2_SESSION_CLOSE = 0x1c,
    SE_P2_SESSION_REFRESH = 0x1e,
    SE_P2_SESSION_POLICY = 0x1f,
    SE_P2_VERSION = 0x20,
    SE_P2_VERSION_EXT = 0x21,
    SE_P2_MEMORY = 0x22,
    SE_P2_LIST = 0x25,
    SE_P2_TYPE = 0x26,
    SE_P2_EXIST = 0x27,
    SE_P2_DELETE_OBJECT = 0x28,
    SE_P2_DELETE_ALL = 0x2a,
    SE_P2_SESSION_USERID = 0x2c,
    SE_P2_HKDF = 0x2d,
    SE_P2_PBKDF2 = 0x2e,
    SE_P2_HKDF_EXPAND = 0x2f,
    SE_P2_I2CM = 0x30,
    SE_P2_CURVE_LIST = 0x34,
    SE_P2_SIGN_ECDAA = 0x35,
    SE_P2_ID = 0x36,
    SE_P2_ENCRYPT_ONESHOT = 0x37,
    SE_P2_DECRYPT_ONESHOT = 0x38,
    SE_P2_ATTRIBUTES = 0x3b,
    SE_P2_TIME = 0x3d,
    SE_P2_TRANSPORT = 0x3e,
    SE_P2_VARIANT = 0x3f,
    SE_P2_PARAM = 0x40,
    SE_P2_ENCRYPT = 0x42,
    SE_P2_DECRYPT = 0x43,
    SE_P2_VALIDATE = 0x44,
    SE_P2_GENERATE_ONESHOT = 0x45,
    SE_P2_VALIDATE_ONESHOT = 0x46,
    SE_P2_RANDOM = 0x49,
    SE_P2_TLS_PMS = 0x4a,
    SE_P2_TLS_PRF_CLI_HELLO = 0x4b,
    SE_P2_TLS_PRF_SRV_HELLO = 0x4c,
    SE_P2_TLS_PRF_CLI_RANDOM = 0x4d,
    SE_P2_TLS_PRF_SRV_RANDOM = 0x4e,
    SE_P2_RAW = 0x4f,
    SE_P2_SCP = 0x52,
    SE_P2_AUTH_FIRST_PART1 = 0x53,
    SE_P2_AUTH_NONFIRST_PART1 = 0x54,
    SE_P2_RESTRICT = 0x57,
    SE_P2_SELF_TEST = 0x58,
    SE_P2_DH_REVERSE = 0x59,
    SE_P2_TLS_PRF_BOTH = 0x5a,
    SE_P2_READ_STATE = 0x5b,
    SE_P2_ECPM = 0x62,
};

enum {
    SE_TAG_SESSION_ID = 0x10,
    SE_TAG_POLICY = 0x11,
    SE_TAG_MAX_ATTEMPTS = 0x12,
    SE_TAG_IMPORT_AUTH_DATA = 0x13,
    SE_TAG_IMPORT_AUTH_KEY_ID = 0x14,
    SE_TAG_POLICY_CHECK = 0x15,
    SE_TAG_1 = 0x41,
    SE_TAG_2 = 0x42,
    SE_TAG_3 = 0x43,
    SE_TAG_4 = 0x44,
    SE_TAG_5 = 0x45,
    SE_TAG_6 = 0x46,
    SE_TAG_7 = 0x47,
    SE_TAG_8 = 0x48,
    SE_TAG_9 = 0x49,
    SE_TAG_10 = 0x4a,
    SE_TAG_11 = 0x4b,
    SE_TAG_TIMESTAMP = 0x4f, /* attested answers of 7.x */
    SE_TAG_SIGNATURE = 0x52,
};

enum {
    SE_SW_OK = 0x9000,
    SE_SW_THROUGHPUT = 0x66a6,
    SE_SW_WRONG_LENGTH = 0x6700,
    SE_SW_SECURITY_STATUS = 0x6982,
    SE_SW_AUTH_BLOCKED = 0x6983,
    SE_SW_DATA_INVALID = 0x6984,
    SE_SW_CONDITIONS = 0x6985,
    SE_SW_COMMAND_NOT_ALLOWED = 0x6986,
    SE_SW_WRONG_DATA = 0x6a80,
    SE_SW_FILE_NOT_FOUND = 0x6a82,
    SE_SW_REFERENCED_DATA = 0x6a88, /* no such key version (GlobalPlatform) */
    SE_SW_NO_MEMORY = 0x6a84,
    SE_SW_WRONG_P1P2 = 0x6a86,
    SE_SW_INS_NOT_SUPPORTED = 0x6d00,
    SE_SW_CLA_NOT_SUPPORTED = 0x6e00,
};

/* Booleans on the wire are never 00 */
enum {
    SE_RESULT_SUCCESS = 0x01,
    SE_RESULT_FAILURE = 0x02,
    SE_MORE_NO = 0x01,
    SE_MORE_YES = 0x02,
    SE_CURVE_NOT_SET = 0x01,
    SE_CURVE_SET = 0x02,
    SE_PERSISTENT = 0x01, /* ReadType's second answer */
    SE_TRANSIENT = 0x02,
};

/* Applet configuration bits (SELECT, GetVersion) */
enum {
    SE_CONFIG_ECDAA = 0x0001,
    SE_CONFIG_ECDSA_ECDH = 0x0002,
    SE_CONFIG_EDDSA = 0x0004,
    SE_CONFIG_DH_MONT = 0x0008,
    SE_CONFIG_HMAC = 0x0010,
    SE_CONFIG_RSA_PLAIN = 0x0020,
    SE_CONFIG_RSA_CRT = 0x0040,
    SE_CONFIG_AES = 0x0080,
    SE_CONFIG_DES = 0x0100,
    SE_CONFIG_PBKDF = 0x0200,
    SE_CONFIG_TLS = 0x0400,
    SE_CONFIG_DESFIRE = 0x0800,
    SE_CONFIG_FIPS_DISABLED = 0x1000,
    SE_CONFIG_I2CM = 0x2000,
    SE_CONFIG_ALL = 0x3fff,
};

/* TriggerSelfTest (7.x) */
enum {
    SE_TEST_FIPS = 0xf906,
    SE_TEST_CODE = 0xfe01,
    SE_TEST_FLASH = 0xfd02,
    SE_TEST_SHIELD = 0xfc03,
    SE_TEST_SENSOR = 0xfb04,
    SE_TEST_SFR = 0xfa05,
};

/* GetFreeMemory */
enum {
    SE_MEM_PERSISTENT = 0x01,
    SE_MEM_TRANSIENT_RESET = 0x02,
    SE_MEM_TRANSIENT_DESELECT = 0x03,
    SE_MEM_REPORT_MAX = 0x7fff, /* "32767 or more" */
};

/* ---- objects -------------------------------------------------------------------------------- */

#define SE_ID_NONE 0x00000000u
#define SE_ID_DEMO_FIRST 0x7da00000u /* demo authentication objects */
#define SE_ID_DEMO_LAST 0x7da0ffffu
#define SE_ID_RESERVED_FIRST 0x7fff0000u
#define SE_ID_RESERVED_LAST 0x7fffffffu
#define SE_ID_TRANSPORT 0x7fff0200u
#define SE_ID_ECKEY_USER 0x7fff0201u
#define SE_ID_ECKEY_IMPORT 0x7fff0202u
#define SE_ID_FEATURE 0x7fff0204u
#define SE_ID_FACTORY_RESET 0x7fff0205u
#define SE_ID_UNIQUE_ID 0x7fff0206u
#define SE_ID_PLATFORM_SCP 0x7fff0207u
#define SE_ID_I2CM_ACCESS 0x7fff0208u
#define SE_ID_RESTRICT 0x7fff020au
#define SE_ID_PROVISIONED_FIRST 0xf0000000u
#define SE_ID_ATTESTATION_KEY 0xf0000012u
#define SE_ID_ATTESTATION_CERT 0xf0000013u
#define SE_ID_PROVISIONED_LAST 0xffffffffu
#define SE_UNIQUE_ID_LEN 18
#define SE_TIMESTAMP_LEN 12
#define SE_ATTEST_RANDOM_LEN 16
#define SE_VERSION_EXT_LEN 37 /* GetVersion ext: 30 more feature bytes */
#define SE_CERT_UID_LEN 10    /* UID bytes 2,3,8..15 */

/* ReadType, attributes, list filter (3.15) */
enum {
    SE_TYPE_EC_PAIR = 0x01,
    SE_TYPE_EC_PRIVATE = 0x02,
    SE_TYPE_EC_PUBLIC = 0x03,
    SE_TYPE_RSA_PAIR = 0x04,
    SE_TYPE_RSA_PAIR_CRT = 0x05,
    SE_TYPE_RSA_PRIVATE = 0x06,
    SE_TYPE_RSA_PRIVATE_CRT = 0x07,
    SE_TYPE_RSA_PUBLIC = 0x08,
    SE_TYPE_AES = 0x09,
    SE_TYPE_DES = 0x0a,
    SE_TYPE_BINARY = 0x0b,
    SE_TYPE_USERID = 0x0c,
    SE_TYPE_COUNTER = 0x0d,
    SE_TYPE_PCR = 0x0f,
    SE_TYPE_CURVE = 0x10,
    SE_TYPE_HMAC = 0x11,
    SE_TYPE_ALL = 0xff, /* filter only */
    /* 7.x EC types are per curve: base + 0 pair, + 1 private, + 2 public */
    SE_TYPE_7X_EC_P192 = 0x21,
    SE_TYPE_7X_EC_P224 = 0x25,
    SE_TYPE_7X_EC_P256 = 0x29,
    SE_TYPE_7X_EC_P384 = 0x2d,
    SE_TYPE_7X_EC_P521 = 0x31,
    SE_TYPE_7X_EC_BP160 = 0x35,
    SE_TYPE_7X_EC_BP192 = 0x39,
    SE_TYPE_7X_EC_BP224 = 0x3d,
    SE_TYPE_7X_EC_BP256 = 0x41,
    SE_TYPE_7X_EC_BP320 = 0x45,
    SE_TYPE_7X_EC_BP384 = 0x49,
    SE_TYPE_7X_EC_BP512 = 0x4d,
    SE_TYPE_7X_EC_K160 = 0x51,
    SE_TYPE_7X_EC_K192 = 0x55,
    SE_TYPE_7X_EC_K224 = 0x59,
    SE_TYPE_7X_EC_K256 = 0x5d,
    SE_TYPE_7X_EC_BN256 = 0x61,
    SE_TYPE_7X_EC_ED25519 = 0x65,
    SE_TYPE_7X_EC_X25519 = 0x69,
    SE_TYPE_7X_EC_X448 = 0x71,
};

enum {
    SE_CURVE_P192 = 0x01,
    SE_CURVE_P224 = 0x02,
    SE_CURVE_P256 = 0x03,
    SE_CURVE_P384 = 0x04,
    SE_CURVE_P521 = 0x05,
    SE_CURVE_BP160 = 0x06, /* Brainpool r1 */
    SE_CURVE_BP192 = 0x07,
    SE_CURVE_BP224 = 0x08,
    SE_CURVE_BP256 = 0x09,
    SE_CURVE_BP320 = 0x0a,
    SE_CURVE_BP384 = 0x0b,
    SE_CURVE_BP512 = 0x0c,
    SE_CURVE_K160 = 0x0d, /* secp160k1 ... */
    SE_CURVE_K192 = 0x0e,
    SE_CURVE_K224 = 0x0f,
    SE_CURVE_K256 = 0x10,
    SE_CURVE_BN256 = 0x11,
    SE_CURVE_WEIERSTRASS_COUNT = 0x11, /* ReadECCurveList answers this many bytes */
    SE_CURVE_ED25519 = 0x40,
    SE_CURVE_X25519 = 0x41,
    SE_CURVE_X448 = 0x43,
};

/* SetECCurveParam; a host sends A, B, G, N, prime in this order */
enum {
    SE_CURVE_PARAM_A = 0x01,
    SE_CURVE_PARAM_B = 0x02,
    SE_CURVE_PARAM_G = 0x04,
    SE_CURVE_PARAM_N = 0x08,
    SE_CURVE_PARAM_PRIME = 0x10,
    SE_CURVE_PARAM_ALL = 0x1f,
};

/* ReadRSA */
enum {
    SE_RSA_MODULUS = 0x00,
    SE_RSA_EXPONENT = 0x01,
};

/* ---- algorithms ------------------------------------------------------------------------------ */

/* ECDSA: the data is the digest, of the named hash's length */
enum {
    SE_ECDSA_PLAIN = 0x09,
    SE_ECDSA_SHA1 = 0x11,
    SE_ECDSA_SHA224 = 0x25,
    SE_ECDSA_SHA256 = 0x21,
    SE_ECDSA_SHA384 = 0x22,
    SE_ECDSA_SHA512 = 0x26,
    SE_EDDSA_PURE = 0xa3,
    SE_ECDAA = 0xf4,
};

/* RSA signatures: the data is the message, the SE hashes */
enum {
    SE_RSA_PSS_SHA1 = 0x15,
    SE_RSA_PSS_SHA224 = 0x2b,
    SE_RSA_PSS_SHA256 = 0x2c,
    SE_RSA_PSS_SHA384 = 0x2d,
    SE_RSA_PSS_SHA512 = 0x2e,
    SE_RSA_PKCS1_SHA1 = 0x0a,
    SE_RSA_PKCS1_SHA224 = 0x27,
    SE_RSA_PKCS1_SHA256 = 0x28,
    SE_RSA_PKCS1_SHA384 = 0x29,
    SE_RSA_PKCS1_SHA512 = 0x2a,
};

/* RSA encryption */
enum {
    SE_RSA_NO_PAD = 0x0c,
    SE_RSA_PKCS1 = 0x0a,
    SE_RSA_OAEP_SHA1 = 0x0f,
};

enum {
    SE_DIGEST_NONE = 0x00,
    SE_DIGEST_SHA1 = 0x01,
    SE_DIGEST_SHA224 = 0x07,
    SE_DIGEST_SHA256 = 0x04,
    SE_DIGEST_SHA384 = 0x05,
    SE_DIGEST_SHA512 = 0x06,
};

/* Crypto objects: what kind of work one is for; its subtype is the digest, cipher, MAC or AEAD mode */
enum {
    SE_CONTEXT_DIGEST = 0x01,
    SE_CONTEXT_CIPHER = 0x02,
    SE_CONTEXT_SIGNATURE = 0x03, /* MACs */
    SE_CONTEXT_AEAD = 0x04,
    SE_CONTEXT_PAKE = 0x05,
};

enum {
    SE_CIPHER_DES_CBC = 0x01,
    SE_CIPHER_DES_CBC_M1 = 0x02, /* ISO 9797-1 padding methods 1 and 2 */
    SE_CIPHER_DES_CBC_M2 = 0x03,
    SE_CIPHER_DES_CBC_PKCS5 = 0x04,
    SE_CIPHER_DES_ECB = 0x05,
    SE_CIPHER_DES_ECB_M1 = 0x06,
    SE_CIPHER_DES_ECB_M2 = 0x07,
    SE_CIPHER_DES_ECB_PKCS5 = 0x08,
    SE_CIPHER_AES_CBC = 0x0d,
    SE_CIPHER_AES_ECB = 0x0e,
    SE_CIPHER_AES_CBC_M1 = 0x16,
    SE_CIPHER_AES_CBC_M2 = 0x17,
    SE_CIPHER_AES_CBC_PKCS5 = 0x18, /* has a number, is not offered */
    SE_CIPHER_AES_CTR = 0xf0,
    SE_CIPHER_AES_CTR_INTERNAL_IV = 0xf1, /* 7.x */
};

enum {
    SE_AEAD_GCM = 0xb0,
    SE_AEAD_GCM_INTERNAL_IV = 0xf3,
    SE_AEAD_CCM = 0xf4,
    SE_AEAD_CCM_INTERNAL_IV = 0xf5,
};

enum {
    SE_MAC_HMAC_SHA1 = 0x18,
    SE_MAC_HMAC_SHA256 = 0x19,
    SE_MAC_HMAC_SHA384 = 0x1a,
    SE_MAC_HMAC_SHA512 = 0x1b,
    SE_MAC_CMAC_128 = 0x31,
    SE_MAC_AES_CMAC16 = 0x66,
    SE_MAC_DES_CMAC8 = 0x7a,
};

/* Key agreement */
enum {
    SE_ECDH_SHA1 = 0x01, /* SVDP-DH: SHA-1 of x */
    SE_ECDH_PLAIN = 0x03,
    SE_ECPM_PACE_GM = 0x05,
    SE_ECPM_PLAIN_XY = 0x06,
};

/* SPAKE2+ (7.x): curve, digest of HKDF, MAC; device type; state */
enum {
    SE_PAKE_P256_SHA256_HMAC = 0x01,
    SE_PAKE_P256_SHA512_HMAC = 0x02,
    SE_PAKE_P384_SHA256_HMAC = 0x03,
    SE_PAKE_P384_SHA512_HMAC = 0x04,
    SE_PAKE_P521_SHA512_HMAC = 0x05,
    SE_PAKE_P256_SHA256_CMAC = 0x08,
    SE_PAKE_P256_SHA512_CMAC = 0x09,

    SE_PAKE_DEVICE_A = 0x01, /* proves */
    SE_PAKE_DEVICE_B = 0x02, /* verifies */

    SE_PAKE_SETUP = 0x00,
    SE_PAKE_SHARED = 0xa5, /* the key share is made */
    SE_PAKE_KEYS = 0x5a,   /* the session keys are made */
};

/* ---- module settings (3.2), sessions (3.1) ---- */

enum {
    SE_LOCK_TRANSIENT = 0x01,
    SE_LOCK_PERSISTENT = 0x02,
    SE_LOCKED = 0x01, /* anything else: not */
    SE_UNLOCKED = 0x02,
    SE_SCP_REQUIRED = 0x01,
    SE_SCP_NOT_REQUIRED = 0x02,
    SE_RESTRICT_NEW = 0x01, /* no new objects */
    SE_RESTRICT_ALL = 0x02, /* neither new nor changed ones */
};

enum {
    SE_SESSION_ID_LEN = 8,
    SE_SESSION_MAX_APDU = 0x8000, /* session policy */
    SE_SESSION_MAX_TIME = 0x4000,
    SE_SESSION_REFRESH = 0x2000,
    SE_SESSION_RULES = 0xe000,
};

/* ---- policies (3.16): rights in the 4-byte header --------------------------------------------- */

#define SE_POLICY_FORBID_ALL 0x20000000u
#define SE_POLICY_TLS_KDF 0x80000000u /* 7.x */
#define SE_POLICY_TLS_PMS 0x40000000u
#define SE_POLICY_SIGN 0x10000000u
#define SE_POLICY_VERIFY 0x08000000u
#define SE_POLICY_KEY_AGREEMENT 0x04000000u
#define SE_POLICY_ENCRYPT 0x02000000u
#define SE_POLICY_DECRYPT 0x01000000u
#define SE_POLICY_KDF 0x00800000u
#define SE_POLICY_WRAP 0x00400000u
#define SE_POLICY_READ 0x00200000u
#define SE_POLICY_WRITE 0x00100000u
#define SE_POLICY_GENERATE 0x00080000u
#define SE_POLICY_DELETE 0x00040000u
#define SE_POLICY_REQUIRE_SM 0x00020000u
#define SE_POLICY_REQUIRE_PCR 0x00010000u
#define SE_POLICY_ATTEST 0x00008000u
#define SE_POLICY_DESFIRE_AUTH 0x00004000u
#define SE_POLICY_DESFIRE_DUMP 0x00002000u
#define SE_POLICY_IMPORT_EXPORT 0x00001000u
/* 7.x */
#define SE_POLICY_FORBID_DERIVED_OUTPUT 0x00000800u
#define SE_POLICY_TLS_KDF_EXT_RANDOM 0x00000400u
#define SE_POLICY_DESFIRE_CHANGE_KEY 0x00000200u /* with an id */
#define SE_POLICY_DERIVED_INPUT 0x00000100u      /* with an id */
#define SE_POLICY_PBKDF 0x00000080u
#define SE_POLICY_DESFIRE_KDF 0x00000040u
#define SE_POLICY_FORBID_EXTERNAL_IV 0x00000020u
#define SE_POLICY_HMAC_PEPPER 0x00000010u
#define SE_POLICY_INTERNAL_SIGN 0x00000008u

/* ---- limits (5) -------------------------------------------------------------------------------- */

enum {
    SE_APDU_DATA_MAX_3X = 892,
    SE_APDU_DATA_MAX_7X = 1024,
    SE_APDU_MAX = 7 + 1024 + 2 * 24 + 3, /* header, extended Lc, data, Le: room for either applet */
    SE_SECURED_MORE = 16 + 8,            /* padding and MAC, once for the session and once for the platform */
    SE_ANSWER_MAX = 1024 + 2 * SE_SECURED_MORE + 2,
    SE_BINARY_MAX = 0x7fff,
    SE_HMAC_KEY_MAX = 256,
    SE_USERID_MIN = 4,
    SE_USERID_MAX = 16,
    SE_COUNTER_MAX = 8,
    SE_PCR_LEN = 32,
    SE_BINARY_CHUNK = 500, /* what hosts read and write at a time */
    SE_RANDOM_CHUNK = 512,
    SE_POLICY_SET_MAX = 256,
    SE_RSA_BITS_MAX = 4096,
    SE_RSA_BYTES_MAX = SE_RSA_BITS_MAX / 8,
    SE_EC_PRIVATE_MAX = 66,
    SE_EC_PUBLIC_MAX = 133,
    SE_EC_SIGNATURE_MAX = 142, /* DER, P-521 */
};

/* ---- the virtual bus socket (architecture, "the command surface") -------------------------------- */

/* request: op(1) address(1) flags(1) 0 length(2 BE) [data of a write]
 * reply:   status(1) 0 length(2 BE) [data of a read] */
enum {
    SE_BUS_OP_WRITE = 0x57,
    SE_BUS_OP_READ = 0x52,
    SE_BUS_FLAG_REPEATED_START = 0x01, /* no STOP: the bus stays with this master */
    SE_BUS_REQUEST_HEADER = 6,
    SE_BUS_REPLY_HEADER = 4,
    SE_BUS_STATUS_DONE = 0,
    SE_BUS_STATUS_ADDRESS_NACK = 1,
    SE_BUS_STATUS_DATA_NACK = 2,
    SE_BUS_STATUS_BUS_ERROR = 3,
};
