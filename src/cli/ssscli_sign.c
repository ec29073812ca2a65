/* ssscli sign, verify: a file, hashed here, signed and verified in the chip. */
#include "cli/ssscli_commands.h"
#include "cli/ssscli_hash.h"
#include "cli/ssscli_key.h"
#include "cli/ssscli_public.h"
#include "cli/ssscli_rsa.h"
#include "se/key.h"

enum { SIGNATURE_MAX = 1024, SIGNATURE_FILE_MAX = 8192, MESSAGE_MAX = 4096 };

#define LABEL "SIGNATURE"

/* --outformat, or --format, which NXP's tool takes for both. */
static err_t signature_format(const struct cli *cli, enum cli_format *ret)
{
    return cli_format(cli, cli->options[CLI_OUTFORMAT] ? CLI_OUTFORMAT : CLI_FORMAT, ret);
}

static bool is_edwards(const struct cli_public *p)
{
    return p->curve && p->curve->kind == SE_CURVE_EDWARDS;
}

static err_t read_key(struct cli *cli, struct cli_public *p)
{
    err_t e = cli_public_read(cli, CLI_WANT_KEY, p);

    if (!e && p->curve && p->curve->kind == SE_CURVE_MONTGOMERY)
        return cli_fail(ERR_INVALID, "object 0x%08X: keys on curve %s agree on secrets, they do not sign",
                        cli->id, p->curve->name);
    return e;
}

/* The chip hashes Ed25519 messages itself: no --hashalgo, and no more than an APDU holds. */
static err_t ed_message(const struct cli *cli, struct buf *out)
{
    err_t e;

    if (cli->options[CLI_HASHALGO])
        return cli_fail_usage(
            "Option '--hashalgo' has no meaning for an Ed25519 key, which signs the file itself.");
    e = cli_input_file(cli, cli->args[1], out);
    return e == ERR_TOO_BIG
               ? cli_fail(e, "%s: Ed25519 signs files of up to about 800 bytes in the chip", cli->args[1])
               : e;
}

/* ---- sign ---- */

static err_t sign_ed(const struct cli *cli, struct buf *out)
{
    autobuf message = BUF_SECRET(MESSAGE_MAX);
    uint8_t signature[SE_ED_SIGNATURE_LEN];
    err_t e = ed_message(cli, &message);

    if (!e)
        e = se_ed_sign(cli->chip, cli->id, buf_slice(&message), signature);
    return e ? e : buf_add(out, SLICE_ARRAY(signature));
}

static err_t sign_digest(const struct cli *cli, const struct cli_public *p, struct buf *out)
{
    uint8_t digest[CLI_HASH_MAX];
    struct cli_hash h;
    err_t e = cli_hash_option(cli, !p->curve, &h);

    if (!e)
        e = cli_hash_file(cli, &h, cli->args[1], digest);
    if (e)
        return e;
    return p->curve ? se_ec_sign(cli->chip, cli->id, slice_of(digest, h.len), out)
                    : cli_rsa_sign(cli, p->key, &h, digest, out);
}

static err_t write_signature(struct cli *cli, struct slice signature)
{
    autobuf pem = BUF_INIT(SIGNATURE_FILE_MAX);
    enum cli_format format = CLI_FORMAT_AUTO;
    err_t e = signature_format(cli, &format);

    if (!e && format == CLI_FORMAT_PEM) {
        e = cli_pem_close(signature, LABEL, &pem);
        signature = buf_slice(&pem);
    }
    if (!e)
        e = cli_write_file(cli->args[2], signature);
    if (e)
        return e;
    cli_say(cli, "Signed %s with KeyID = 0x%08X, signature in %s\n", cli->args[1], cli->id, cli->args[2]);
    cli_put_id(cli, "keyId", cli->id);
    cli_put_str(cli, "file", cli->args[2]);
    return ERR_OK;
}

err_t cli_sign(struct cli *cli)
{
    autobuf signature = BUF_INIT(SIGNATURE_MAX);
    auto_cli_public p = { 0 };
    enum cli_format format;
    err_t e = signature_format(cli, &format);

    if (!e)
        e = read_key(cli, &p);
    if (!e)
        e = is_edwards(&p) ? sign_ed(cli, &signature) : sign_digest(cli, &p, &signature);
    return e ? e : write_signature(cli, buf_slice(&signature));
}

/* ---- verify ---- */

static err_t verify_ed(const struct cli *cli, struct slice signature, bool *ret_good)
{
    autobuf message = BUF_INIT(MESSAGE_MAX);
    err_t e = ed_message(cli, &message);

    if (e)
        return e;
    if (signature.n != SE_ED_SIGNATURE_LEN) {
        *ret_good = false;
        return ERR_OK;
    }
    return se_ed_verify(cli->chip, cli->id, buf_slice(&message), signature.p, ret_good);
}

static err_t verify_digest(const struct cli *cli, const struct cli_public *p, struct slice signature,
                           bool *ret_good)
{
    uint8_t digest[CLI_HASH_MAX];
    struct cli_hash h;
    err_t e = cli_hash_option(cli, !p->curve, &h);

    if (!e)
        e = cli_hash_file(cli, &h, cli->args[1], digest);
    if (e)
        return e;
    return p->curve ? se_ec_verify(cli->chip, cli->id, slice_of(digest, h.len), signature, ret_good)
                    : cli_rsa_verify(cli, p->key, &h, digest, signature, ret_good);
}

static err_t read_signature(const struct cli *cli, struct buf *out)
{
    autobuf file = BUF_INIT(SIGNATURE_FILE_MAX);
    enum cli_format format = CLI_FORMAT_AUTO;
    err_t e = signature_format(cli, &format);

    if (!e)
        e = cli_read_file(cli->args[2], &file);
    if (e)
        return e;
    if (format == CLI_FORMAT_AUTO)
        format = memmem(file.p, file.n, "-----BEGIN ", 11) ? CLI_FORMAT_PEM : CLI_FORMAT_DER;
    e = format == CLI_FORMAT_PEM ? cli_pem_open(buf_slice(&file), NULL, out) : buf_add(out, buf_slice(&file));
    return e ? cli_fail(e, "%s does not hold a signature", cli->args[2]) : ERR_OK;
}

err_t cli_verify(struct cli *cli)
{
    autobuf signature = BUF_INIT(SIGNATURE_MAX);
    auto_cli_public p = { 0 };
    bool good = false;
    err_t e = read_signature(cli, &signature);

    if (!e)
        e = read_key(cli, &p);
    if (!e)
        e = is_edwards(&p) ? verify_ed(cli, buf_slice(&signature), &good)
                           : verify_digest(cli, &p, buf_slice(&signature), &good);
    if (e)
        return e;
    if (!good)
        return cli_fail(ERR_AUTH, "verification failed: %s is not a signature of %s by KeyID = 0x%08X",
                        cli->args[2], cli->args[1], cli->id);
    cli_say(cli, "Verified: %s is a signature of %s by KeyID = 0x%08X\n", cli->args[2], cli->args[1],
            cli->id);
    cli_put_id(cli, "keyId", cli->id);
    cli_put(cli, "verified", json_true());
    return ERR_OK;
}
