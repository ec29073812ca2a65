/* The command table of ssscli: paths, arguments, options and help in NXP's order. */
#include "cli/ssscli.h"
#include "cli/ssscli_commands.h"

// clang-format off
#define OPTION(name, ...) static const struct cli_option name = { __VA_ARGS__ }

OPTION(format_in, "--format", "[DER|PEM]", "Format of the file; default: by its contents.", CLI_FORMAT);
OPTION(format_out, "--format", "[DER|PEM]", "Format of the file; default: PEM.", CLI_FORMAT);
OPTION(policy_name, "--policy_name", "NAME", "Policy for a new object; see `ssscli policy`.", CLI_POLICY_NAME);
OPTION(auth_type, "--auth_type", "TYPE", "None, PlatformSCP, UserID, ECKey, AESKey, or one of the last three with _PlatformSCP.", CLI_AUTH_TYPE);
OPTION(scpkey, "--scpkey", "FILE", "Platform SCP keys; default: EX_SSS_BOOT_SCP03_PATH, or the published set that fits.", CLI_SCPKEY);
OPTION(auth_id, "--auth_id", "KEYID", "Authentication object; default: NXP's demonstration one.", CLI_AUTH_ID);
OPTION(auth_key, "--auth_key", "FILE", "UserID or AES key in hex, or EC private key, in a closed file.", CLI_AUTH_KEY);
OPTION(ref_format, "--format", "[PEM|DER|PKCS12]", "Format of the file; default: PEM.", CLI_FORMAT);
OPTION(password, "--password", "TEXT", "Password of the PKCS12 file; default: empty.", CLI_PASSWORD);
OPTION(cert, "--cert", "FILE", "Certificate to put into the PKCS12 file.", CLI_CERT);
OPTION(algo, "--algo", "[oaep|rsaes]", "Padding; default: oaep (with SHA-1, the chip has no other).", CLI_ALGO);
OPTION(informat, "--informat", "[DER|PEM]", "PEM: what is inside the armour of the input; default: its bytes.", CLI_INFORMAT);
OPTION(outformat, "--outformat", "[DER|PEM]", "Format of the signature; default: DER, verify looks at it.", CLI_OUTFORMAT);
OPTION(sig_format, "--format", "[DER|PEM]", "The same as --outformat.", CLI_FORMAT);
OPTION(hashalgo, "--hashalgo", "NAME", "SHA1, SHA224, SHA256 (default), SHA384, SHA512; RSA: also after RSASSA_PKCS1_V1_5_ or RSASSA_PKCS1_PSS_MGF1_.", CLI_HASHALGO);
OPTION(pcr_id, "--pcr_obj_id", "KEYID", "Only while this PCR ...", CLI_PCR_ID);
OPTION(pcr_value, "--pcr_expected_value", "HEX", "... has this value (32 bytes).", CLI_PCR_VALUE);

/* One for each right, numbered as cli_rights has them. */
OPTION(right_sign, "--sign", "BOOLEAN", "Sign, or make a MAC.", CLI_RIGHT + 0);
OPTION(right_verify, "--verify", "BOOLEAN", "Verify a signature or MAC.", CLI_RIGHT + 1);
OPTION(right_encrypt, "--encrypt", "BOOLEAN", "Encrypt.", CLI_RIGHT + 2);
OPTION(right_decrypt, "--decrypt", "BOOLEAN", "Decrypt.", CLI_RIGHT + 3);
OPTION(right_key_agreement, "--key_agreement", "BOOLEAN", "Agree on a secret (ECDH).", CLI_RIGHT + 4);
OPTION(right_hkdf, "--hkdf", "BOOLEAN", "Derive keys with HKDF.", CLI_RIGHT + 5);
OPTION(right_pbkdf, "--pbkdf", "BOOLEAN", "Derive keys with PBKDF2 (7.x).", CLI_RIGHT + 6);
OPTION(right_tls_kdf, "--tls_kdf", "BOOLEAN", "Derive TLS keys (7.x).", CLI_RIGHT + 7);
OPTION(right_tls_kdf_ext_random, "--tls_kdf_ext_random", "BOOLEAN", "Derive TLS keys with randoms from outside (7.x).", CLI_RIGHT + 8);
OPTION(right_tls_pms, "--tls_pms", "BOOLEAN", "Make TLS pre-master secrets.", CLI_RIGHT + 9);
OPTION(right_wrap, "--wrap", "BOOLEAN", "Wrap and unwrap keys.", CLI_RIGHT + 10);
OPTION(right_generate, "--generate", "BOOLEAN", "Generate anew over it.", CLI_RIGHT + 11);
OPTION(right_read, "--read", "BOOLEAN", "Read what can be read.", CLI_RIGHT + 12);
OPTION(right_write, "--write", "BOOLEAN", "Overwrite.", CLI_RIGHT + 13);
OPTION(right_delete, "--delete", "BOOLEAN", "Delete.", CLI_RIGHT + 14);
OPTION(right_import_export, "--import_export", "BOOLEAN", "Export and import (transient objects).", CLI_RIGHT + 15);
OPTION(right_attestation, "--attestation", "BOOLEAN", "Attest other objects.", CLI_RIGHT + 16);
OPTION(right_desfire_auth, "--desfire_auth", "BOOLEAN", "Authenticate to DESFire.", CLI_RIGHT + 17);
OPTION(right_desfire_dump, "--desfire_dump", "BOOLEAN", "Dump DESFire session keys.", CLI_RIGHT + 18);
OPTION(right_desfire_kdf, "--desfire_kdf", "BOOLEAN", "Derive DESFire keys (7.x).", CLI_RIGHT + 19);
OPTION(right_forbid_derived_output, "--forbid_derived_output", "BOOLEAN", "Refuse derived output that leaves the chip (7.x).", CLI_RIGHT + 20);
OPTION(right_forbid_external_iv, "--forbid_external_iv", "BOOLEAN", "Refuse IVs from outside (7.x).", CLI_RIGHT + 21);
OPTION(right_hmac_pepper, "--hmac_pepper", "BOOLEAN", "Be the pepper of an HMAC (7.x).", CLI_RIGHT + 22);
OPTION(right_internal_sign, "--internal_sign", "BOOLEAN", "Sign internal data (SE051H).", CLI_RIGHT + 23);
OPTION(right_require_sm, "--require_sm", "BOOLEAN", "Only over a secure channel.", CLI_RIGHT + 24);
OPTION(right_forbid_all, "--forbid_all", "BOOLEAN", "Nothing at all.", CLI_RIGHT + 25);

#define OPTIONS(...) (const struct cli_option *const[]) { __VA_ARGS__, NULL }
static const struct cli_option *const asymkey_options[] = {
    &right_sign, &right_verify, &right_encrypt, &right_decrypt, &right_key_agreement, &right_hkdf,
    &right_tls_pms, &right_wrap, &right_generate, &right_read, &right_write, &right_delete,
    &right_import_export, &right_attestation, &right_forbid_derived_output, &right_internal_sign,
    &right_require_sm, &right_forbid_all, &pcr_id, &pcr_value, NULL
};
static const struct cli_option *const symkey_options[] = {
    &right_sign, &right_verify, &right_encrypt, &right_decrypt, &right_hkdf, &right_pbkdf, &right_tls_kdf,
    &right_tls_kdf_ext_random, &right_tls_pms, &right_wrap, &right_read, &right_write, &right_delete,
    &right_import_export, &right_desfire_auth, &right_desfire_dump, &right_desfire_kdf,
    &right_forbid_derived_output, &right_forbid_external_iv, &right_hmac_pepper, &right_require_sm,
    &right_forbid_all, &pcr_id, &pcr_value, NULL
};
static const struct cli_option *const userid_options[] = {
    &right_write, &right_delete, &right_require_sm, &right_forbid_all, &pcr_id, &pcr_value, NULL
};
static const struct cli_option *const file_options[] = {
    &right_read, &right_write, &right_delete, &right_require_sm, &right_forbid_all, &pcr_id, &pcr_value, NULL
};
static const struct cli_option *const counter_options[] = {
    &right_read, &right_write, &right_delete, &right_require_sm, &right_forbid_all, &pcr_id, &pcr_value, NULL
};
static const struct cli_option *const pcr_options[] = {
    &right_read, &right_write, &right_delete, &right_require_sm, &right_forbid_all, &pcr_id, &pcr_value, NULL
};

const struct cli_group cli_groups[] = {
    { "", "Provision and inspect an SE05x secure element." },
    { "generate", "Make keys inside the chip; take out public parts." },
    { "get", "Read keys, certificates and files from the chip." },
    { "get ecc", "Read the public part of an ECC key." },
    { "get rsa", "Read the public part of an RSA key." },
    { "policy", "Name what may be done with objects, and by whom." },
    { "refpem", "Make key files that name an object of the chip." },
    { "refpem ecc", "Make a key file that names an ECC key." },
    { "refpem rsa", "Make a key file that names an RSA key." },
    { "se05x", "The SE05x itself: ids, list of objects, reset." },
    { "set", "Write keys, certificates and files into the chip." },
    { "set ecc", "Write an ECC key." },
    { "set rsa", "Write an RSA key." },
};
const size_t cli_group_count = ARRAY_LEN(cli_groups);

#define KEY_FILE { "KEYID", "FILENAME" }
#define POLICY { "POLICY_NAME", "AUTH_OBJ_ID" }

const struct cli_command cli_commands[] = {
    { "connect", { "SUBSYSTEM", "METHOD", "PORT_NAME" },
      "Open a session.\n\n"
      "  SUBSYSTEM is se05x (se050 and se051 mean the same), METHOD t1oi2c. PORT_NAME is a bus such as\n"
      "  /dev/i2c-1:0x48, vse:SOCKET for a virtual chip, or none: then EX_SSS_BOOT_SSS_PORT, the\n"
      "  configuration file (SEDGE_CONF, default /etc/sedge/se.conf) or /dev/i2c-1:0x48 decide.",
      cli_connect, true, OPTIONS(&auth_type, &scpkey, &auth_id, &auth_key) },
    { "decrypt", { "KEYID", "INPUT_FILE", "OUTPUT_FILE" }, "Decrypt a file with an RSA key.", cli_decrypt, false,
      OPTIONS(&algo) },
    { "disconnect", { NULL }, "Close the session.", cli_disconnect, true, NULL },
    { "encrypt", { "KEYID", "INPUT_FILE", "OUTPUT_FILE" }, "Encrypt a short file with an RSA key.", cli_encrypt,
      false, OPTIONS(&algo) },
    { "erase", { "KEYID" }, "Erase an object.", cli_erase, false, NULL },
    { "generate ecc", { "KEYID", "CURVE" },
      "Generate an ECC key pair.\n\n"
      "  CURVE is NIST_P192, NIST_P224, NIST_P256, NIST_P384, NIST_P521, Brainpool160, Brainpool192,\n"
      "  Brainpool224, Brainpool256, Brainpool320, Brainpool384, Brainpool512, Secp160k1, Secp192k1,\n"
      "  Secp224k1, Secp256k1, ED_25519, MONT_DH_25519 or MONT_DH_448.",
      cli_generate_ecc, false, OPTIONS(&policy_name) },
    { "generate pub", KEY_FILE,
      "Write the public part of a key pair to a file.",
      cli_generate_pub, false, OPTIONS(&format_out) },
    { "generate rsa", { "KEYID", "BITS" },
      "Generate an RSA key pair of 1024, 2048, 3072 or 4096 bits.",
      cli_generate_rsa, false, OPTIONS(&policy_name) },
    { "get aes", KEY_FILE, "Read an AES key, where the chip gives it.", cli_get_aes, false, NULL },
    { "get bin", KEY_FILE, "Read a file.", cli_get_bin, false, NULL },
    { "get cert", KEY_FILE, "Read a certificate.", cli_get_cert, false, OPTIONS(&format_out) },
    { "get ecc pair", KEY_FILE,
      "Read the public part of an ECC key pair.",
      cli_get_ecc, false, OPTIONS(&format_out) },
    { "get ecc pub", KEY_FILE, "Read an ECC public key.", cli_get_ecc, false, OPTIONS(&format_out) },
    { "get rsa pair", KEY_FILE,
      "Read the public part of an RSA key pair.",
      cli_get_rsa, false, OPTIONS(&format_out) },
    { "get rsa pub", KEY_FILE, "Read an RSA public key.", cli_get_rsa, false, OPTIONS(&format_out) },
    { "policy asymkey", POLICY,
      "Name rights to EC and RSA keys; another AUTH_OBJ_ID adds a rule.",
      cli_policy_asymkey, true, asymkey_options },
    { "policy symkey", POLICY,
      "Name rights to AES, DES and HMAC keys; another AUTH_OBJ_ID adds a rule.",
      cli_policy_symkey, true, symkey_options },
    { "policy userid", POLICY,
      "Name rights to UserIDs; another AUTH_OBJ_ID adds a rule.",
      cli_policy_userid, true, userid_options },
    { "policy file", POLICY,
      "Name rights to files and certificates; another AUTH_OBJ_ID adds a rule.",
      cli_policy_file, true, file_options },
    { "policy counter", POLICY,
      "Name rights to counters; another AUTH_OBJ_ID adds a rule.",
      cli_policy_counter, true, counter_options },
    { "policy pcr", POLICY,
      "Name rights to PCRs; another AUTH_OBJ_ID adds a rule.",
      cli_policy_pcr, true, pcr_options },
    { "policy dump", { "POLICY_NAME" }, "Show a policy.", cli_policy_dump, true, NULL },
    { "refpem ecc pair", KEY_FILE,
      "Make a key file that names an ECC key pair.",
      cli_refpem_ecc_pair, false, OPTIONS(&ref_format, &password, &cert) },
    { "refpem ecc pub", KEY_FILE,
      "Make a key file that names an ECC public key.",
      cli_refpem_ecc_pub, false, OPTIONS(&ref_format, &password, &cert) },
    { "refpem rsa pair", KEY_FILE,
      "Make a key file that names an RSA key pair.",
      cli_refpem_rsa_pair, false, OPTIONS(&ref_format, &password, &cert) },
    { "se05x certuid", { NULL }, "Print the 10-byte id that certificates carry.", cli_se05x_certuid, false, NULL },
    { "se05x getrng", { NULL }, "Print 10 random bytes.", cli_se05x_getrng, false, NULL },
    { "se05x readidlist", { NULL }, "List the objects in the chip.", cli_se05x_readidlist, false, NULL },
    { "se05x reset", { NULL },
      "Erase all objects but reserved, demo and provisioned ones.",
      cli_se05x_reset, false, NULL },
    { "se05x uid", { NULL }, "Print the chip's 18-byte unique id.", cli_se05x_uid, false, NULL },
    { "set aes", { "KEYID", "KEY" },
      "Write an AES key: hex, or a file with it.",
      cli_set_aes, false, OPTIONS(&policy_name) },
    { "set bin", KEY_FILE, "Write a file.", cli_set_bin, false, OPTIONS(&policy_name) },
    { "set cert", KEY_FILE, "Write a certificate.", cli_set_cert, false, OPTIONS(&format_in, &policy_name) },
    { "set ecc pair", KEY_FILE,
      "Write an ECC key pair.",
      cli_set_ecc_pair, false, OPTIONS(&format_in, &policy_name) },
    { "set ecc pub", KEY_FILE,
      "Write an ECC public key.",
      cli_set_ecc_pub, false, OPTIONS(&format_in, &policy_name) },
    { "set hmac", { "KEYID", "KEY" },
      "Write an HMAC key: hex, or a file with it.",
      cli_set_hmac, false, OPTIONS(&policy_name) },
    { "set rsa pair", KEY_FILE,
      "Write an RSA key pair.",
      cli_set_rsa_pair, false, OPTIONS(&format_in, &policy_name) },
    { "set rsa pub", KEY_FILE,
      "Write an RSA public key.",
      cli_set_rsa_pub, false, OPTIONS(&format_in, &policy_name) },
    { "sign", { "KEYID", "INPUT_FILE", "SIGNATURE_FILE" }, "Sign a file.", cli_sign, false,
      OPTIONS(&informat, &outformat, &sig_format, &hashalgo) },
    { "verify", { "KEYID", "INPUT_FILE", "SIGNATURE_FILE" }, "Verify the signature of a file.", cli_verify, false,
      OPTIONS(&informat, &outformat, &sig_format, &hashalgo) },
};
// clang-format on
const size_t cli_command_count = ARRAY_LEN(cli_commands);
