#include "cli/ssscli_open.h"

#include "base/file.h"
#include "base/hex.h"
#include "crypto/key.h"
#include "se/keyset.h"
#include "se/session.h"

#include <openssl/evp.h>

#include <string.h>

enum { AUTH_FILE_MAX = 8192, AUTH_VALUE_MAX = 64 };

static void say_hello(const struct cli *cli)
{
    struct se_version v = se_chip_version(cli->chip);
    struct se_channel channel = se_chip_channel(cli->chip);

    fprintf(stderr, "port %s, applet %u.%u.%u, features %04x\n", se_chip_port(cli->chip), v.major, v.minor,
            v.patch, v.config);
    if (channel.on)
        fprintf(stderr, "secure channel with keys %s%s\n", channel.keys,
                channel.published ? ", which are published: no secrecy" : "");
}

/* Which keys PlatformSCP means without --scpkey: the configured ones, else whichever published set fits. */
static err_t default_keys(const char **ret)
{
    struct se_keysets sets;
    err_t e = se_keysets_find(NULL, &sets);

    if (e)
        return e;
    *ret = sets.n ? NULL : "auto";
    se_keysets_wipe(&sets);
    return ERR_OK;
}

/* ---- application sessions ---- */

static const struct {
    enum se_auth_kind kind;
    struct slice demo; /* NXP's published value; empty: there is none */
} kinds[] = {
    [CLI_AUTH_USERID] = { SE_AUTH_USERID, SLICE_LIT("\xc0\x01\x02\x03\x04") },
    [CLI_AUTH_AESKEY] = { SE_AUTH_AES,
                          SLICE_LIT("\x40\x41\x42\x43\x44\x45\x46\x47\x48\x49\x4a\x4b\x4c\x4d\x4e\x4f") },
    [CLI_AUTH_ECKEY] = { SE_AUTH_ECKEY, { 0 } },
};

static err_t read_closed(const char *path, struct buf *out)
{
    err_t e = file_read_private(path, out);

    if (e == ERR_DENIED)
        return cli_fail(e, "--auth_key %s: must belong to you or root and be closed to others (chmod 600)",
                        path);
    return e ? cli_fail(e, "--auth_key %s: %s", path, err_str(e)) : ERR_OK;
}

static err_t hex_value(const char *path, struct buf *text, struct buf *out)
{
    while (text->n && (text->p[text->n - 1] == '\n' || text->p[text->n - 1] == '\r'))
        buf_cut(text, text->n - 1);
    if (!text->n || hex_decode(out, buf_slice(text)))
        return cli_fail(ERR_INVALID, "--auth_key %s: a value in hex is expected", path);
    return ERR_OK;
}

/* The host's P-256 scalar. */
static err_t ec_value(const struct cli *cli, const char *path, const struct buf *pem, struct buf *out)
{
    struct crypto_error why = { .text = "not on P-256" };
    struct crypto_ec_parts parts = { 0 };
    auto_pkey EVP_PKEY *key = NULL;
    err_t e = crypto_key_parse_pem(cli->crypto, buf_slice(pem), &key, &why);

    if (!e)
        e = crypto_ec_parts_get(key, &parts);
    if (!e)
        e = strcmp(parts.curve, "prime256v1") == 0 ? buf_add(out, buf_slice(&parts.scalar)) : ERR_INVALID;
    crypto_ec_parts_done(&parts);
    return e ? cli_fail(e, "--auth_key %s: a P-256 private key in PEM is expected: %s", path, why.text)
             : ERR_OK;
}

static err_t read_value(const struct cli *cli, const struct cli_session *s, struct buf *out)
{
    autobuf file = BUF_SECRET(AUTH_FILE_MAX);
    err_t e;

    if (!s->auth_key[0])
        return buf_add(out, kinds[s->auth].demo);
    e = read_closed(s->auth_key, &file);
    if (e)
        return e;
    return s->auth == CLI_AUTH_ECKEY ? ec_value(cli, s->auth_key, &file, out)
                                     : hex_value(s->auth_key, &file, out);
}

err_t cli_open_chip(struct cli *cli, const struct cli_session *s)
{
    autobuf value = BUF_SECRET(AUTH_VALUE_MAX);
    struct se_auth auth = { .kind = kinds[s->auth].kind, .id = s->auth_id };
    struct se_chip_options options = { .port = strcmp(s->port, "none") == 0 ? NULL : s->port,
                                       .scp03 = s->platform_scp ? s->scp_keys : NULL,
                                       .auth = s->auth == CLI_AUTH_NONE ? NULL : &auth };
    err_t e = s->auth == CLI_AUTH_NONE ? ERR_OK : read_value(cli, s, &value);

    auth.secret = buf_slice(&value);
    if (!e && s->platform_scp && strcmp(s->scp_keys, CLI_DEFAULT_KEYS) == 0)
        e = default_keys(&options.scp03);
    if (!e)
        e = se_chip_open_options(&options, &cli->chip);
    if (!e && cli->verbose)
        say_hello(cli);
    return e;
}

err_t cli_open_session(struct cli *cli)
{
    struct cli_session session;
    err_t e = cli_session_load(&session);

    return e ? e : cli_open_chip(cli, &session);
}
