/* The command table of ssscli: paths, arguments, options and help in NXP's order. */
#include "cli/ssscli.h"
#include "cli/ssscli_commands.h"

static const struct cli_option format_in = { "--format", "[DER|PEM]",
                                             "Format of the file; default: by its contents.", CLI_FORMAT };
static const struct cli_option format_out = { "--format", "[DER|PEM]", "Format of the file; default: PEM.",
                                              CLI_FORMAT };
static const struct cli_option auth_type = { "--auth_type", "TYPE",
                                             "Authentication; only None is supported yet.", CLI_AUTH_TYPE };
static const struct cli_option scpkey = { "--scpkey", "FILE", "Platform SCP keys; not supported yet.",
                                          CLI_SCPKEY };

const struct cli_group cli_groups[] = {
    { "", "Provision and inspect an SE05x secure element." },
    { "generate", "Make keys inside the chip; take out public parts." },
    { "get", "Read keys, certificates and files from the chip." },
    { "get ecc", "Read the public part of an ECC key." },
    { "get rsa", "Read the public part of an RSA key." },
    { "se05x", "The SE05x itself: ids, list of objects, reset." },
    { "set", "Write keys, certificates and files into the chip." },
    { "set ecc", "Write an ECC key." },
    { "set rsa", "Write an RSA key." },
};
const size_t cli_group_count = ARRAY_LEN(cli_groups);

#define KEY_FILE            \
    {                       \
        "KEYID", "FILENAME" \
    }

const struct cli_command cli_commands[] = {
    { .path = "connect",
      .args = { "SUBSYSTEM", "METHOD", "PORT_NAME" },
      .help = "Open a session.\n\n"
              "  SUBSYSTEM is se05x (se050 means the same), METHOD t1oi2c. PORT_NAME is a bus such as\n"
              "  /dev/i2c-1:0x48, vse:SOCKET for a virtual chip, or none: then EX_SSS_BOOT_SSS_PORT, the\n"
              "  configuration file (SEDGE_CONF, default /etc/sedge/se.conf) or /dev/i2c-1:0x48 decide.",
      .run = cli_connect,
      .no_session = true,
      .options = { &auth_type, &scpkey } },
    { .path = "disconnect", .help = "Close the session.", .run = cli_disconnect, .no_session = true },
    { .path = "erase", .args = { "KEYID" }, .help = "Erase an object.", .run = cli_erase },
    { .path = "generate ecc",
      .args = { "KEYID", "CURVE" },
      .help =
          "Generate an ECC key pair.\n\n"
          "  CURVE is NIST_P192, NIST_P224, NIST_P256, NIST_P384, NIST_P521, Brainpool160, Brainpool192,\n"
          "  Brainpool224, Brainpool256, Brainpool320, Brainpool384, Brainpool512, Secp160k1, Secp192k1,\n"
          "  Secp224k1 or Secp256k1.",
      .run = cli_generate_ecc },
    { .path = "generate pub",
      .args = KEY_FILE,
      .help = "Write the public part of a key pair to a file.",
      .run = cli_generate_pub,
      .options = { &format_out } },
    { .path = "generate rsa",
      .args = { "KEYID", "BITS" },
      .help = "Generate an RSA key pair of 1024, 2048, 3072 or 4096 bits.",
      .run = cli_generate_rsa },
    { .path = "get bin", .args = KEY_FILE, .help = "Read a file.", .run = cli_get_bin },
    { .path = "get cert",
      .args = KEY_FILE,
      .help = "Read a certificate.",
      .run = cli_get_cert,
      .options = { &format_out } },
    { .path = "get ecc pair",
      .args = KEY_FILE,
      .help = "Read the public part of an ECC key pair.",
      .run = cli_get_ecc,
      .options = { &format_out } },
    { .path = "get ecc pub",
      .args = KEY_FILE,
      .help = "Read an ECC public key.",
      .run = cli_get_ecc,
      .options = { &format_out } },
    { .path = "get rsa pair",
      .args = KEY_FILE,
      .help = "Read the public part of an RSA key pair.",
      .run = cli_get_rsa,
      .options = { &format_out } },
    { .path = "get rsa pub",
      .args = KEY_FILE,
      .help = "Read an RSA public key.",
      .run = cli_get_rsa,
      .options = { &format_out } },
    { .path = "se05x certuid",
      .help = "Print the 10-byte id that certificates carry.",
      .run = cli_se05x_certuid },
    { .path = "se05x readidlist", .help = "List the objects in the chip.", .run = cli_se05x_readidlist },
    { .path = "se05x reset",
      .help = "Erase all objects but reserved, demo and provisioned ones.",
      .run = cli_se05x_reset },
    { .path = "se05x uid", .help = "Print the chip's 18-byte unique id.", .run = cli_se05x_uid },
    { .path = "set bin", .args = KEY_FILE, .help = "Write a file.", .run = cli_set_bin },
    { .path = "set cert",
      .args = KEY_FILE,
      .help = "Write a certificate.",
      .run = cli_set_cert,
      .options = { &format_in } },
    { .path = "set ecc pair",
      .args = KEY_FILE,
      .help = "Write an ECC key pair.",
      .run = cli_set_ecc_pair,
      .options = { &format_in } },
    { .path = "set ecc pub",
      .args = KEY_FILE,
      .help = "Write an ECC public key.",
      .run = cli_set_ecc_pub,
      .options = { &format_in } },
    { .path = "set rsa pair",
      .args = KEY_FILE,
      .help = "Write an RSA key pair.",
      .run = cli_set_rsa_pair,
      .options = { &format_in } },
    { .path = "set rsa pub",
      .args = KEY_FILE,
      .help = "Write an RSA public key.",
      .run = cli_set_rsa_pub,
      .options = { &format_in } },
};
const size_t cli_command_count = ARRAY_LEN(cli_commands);
