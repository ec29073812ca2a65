#include "cli/ssscli_key.h"

#include "base/file.h"
#include "crypto/key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

enum { KEY_FILE_MAX = 64 * 1024 };

err_t cli_format(const struct cli *cli, enum cli_option_id option, enum cli_format *ret)
{
    static const char *const words[] = { "DER", "PEM", NULL };
    static const char *const names[] = {
        [CLI_FORMAT] = "--format", [CLI_INFORMAT] = "--informat", [CLI_OUTFORMAT] = "--outformat"
    };
    const char *text = cli->options[option];
    size_t i;
    err_t e;

    if (!text) {
        *ret = CLI_FORMAT_AUTO;
        return ERR_OK;
    }
    e = cli_choice(names[option], text, words, &i);
    if (!e)
        *ret = i ? CLI_FORMAT_PEM : CLI_FORMAT_DER;
    return e;
}

err_t cli_read_file(const char *path, struct buf *out)
{
    err_t e = file_read(path, out);

    if (e == ERR_TOO_BIG)
        return cli_fail(e, "%s is larger than %zu bytes", path, out->max);
    if (e)
        return cli_fail(e, "cannot read %s: %s", path, e == ERR_IO ? strerror(errno) : err_str(e));
    return out->n ? ERR_OK : cli_fail(ERR_INVALID, "%s is empty", path);
}

err_t cli_write_file(const char *path, struct slice bytes)
{
    err_t e = file_write_durable(path, bytes, 0644);

    return e ? cli_fail(e, "cannot write %s: %s", path, err_str(e)) : ERR_OK;
}

err_t cli_write_private(const char *path, struct slice bytes)
{
    err_t e = file_write_durable(path, bytes, 0600);

    return e ? cli_fail(e, "cannot write %s: %s", path, err_str(e)) : ERR_OK;
}

static bool looks_like_pem(struct slice bytes)
{
    return memmem(bytes.p, bytes.n, "-----BEGIN ", 11) != NULL;
}

static EVP_PKEY *from_der(const struct cli *cli, struct slice der, bool private)
{
    const unsigned char *p = der.p;
    EVP_PKEY *key = private ? d2i_AutoPrivateKey_ex(NULL, &p, (long)der.n, crypto_ctx_lib(cli->crypto), NULL)
                            : d2i_PUBKEY_ex(NULL, &p, (long)der.n, crypto_ctx_lib(cli->crypto), NULL);

    if (key && p != der.p + der.n) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    ERR_clear_error();
    return key;
}

static err_t from_pem(const struct cli *cli, struct slice pem, bool private, EVP_PKEY **ret,
                      struct crypto_error *why)
{
    return private ? crypto_key_parse_pem(cli->crypto, pem, ret, why)
                   : crypto_pubkey_parse_pem(cli->crypto, pem, ret, why);
}

static err_t decode(const struct cli *cli, const char *path, struct slice bytes, bool pair, EVP_PKEY **ret)
{
    struct crypto_error why = { .text = "" };
    enum cli_format format = CLI_FORMAT_AUTO;
    err_t e = cli_format(cli, CLI_FORMAT, &format);

    if (e)
        return e;
    if (format == CLI_FORMAT_AUTO)
        format = looks_like_pem(bytes) ? CLI_FORMAT_PEM : CLI_FORMAT_DER;
    if (format == CLI_FORMAT_PEM) {
        e = from_pem(cli, bytes, pair, ret, &why);
        if (e && !pair && !from_pem(cli, bytes, true, ret, NULL))
            e = ERR_OK; /* the public part of a private key will do */
        return e ? cli_fail(e, "%s: not a usable %s key in PEM: %s", path, pair ? "private" : "public",
                            why.text)
                 : e;
    }
    *ret = from_der(cli, bytes, pair);
    if (!*ret && !pair)
        *ret = from_der(cli, bytes, true);
    return *ret ? ERR_OK
                : cli_fail(ERR_INVALID, "%s: not a usable %s key in DER (and no PEM either)", path,
                           pair ? "private" : "public");
}

static bool is_ec_or_raw(const EVP_PKEY *key)
{
    int type = EVP_PKEY_get_base_id(key);

    return crypto_key_is_ec(key) || type == EVP_PKEY_ED25519 || type == EVP_PKEY_X25519 ||
           type == EVP_PKEY_X448;
}

err_t cli_key_read(const struct cli *cli, const char *path, enum cli_key_kind kind, bool pair, EVP_PKEY **ret)
{
    autobuf bytes = BUF_SECRET(KEY_FILE_MAX);
    auto_pkey EVP_PKEY *key = NULL;
    err_t e = cli_read_file(path, &bytes);

    if (!e)
        e = decode(cli, path, buf_slice(&bytes), pair, &key);
    if (e)
        return e;
    if (kind == CLI_KEY_EC ? !is_ec_or_raw(key) : !crypto_key_is_rsa(key))
        return cli_fail(ERR_INVALID, "%s: this is not an %s key; use `ssscli set %s`", path,
                        kind == CLI_KEY_EC ? "EC" : "RSA", kind == CLI_KEY_EC ? "rsa" : "ecc");
    *ret = steal(&key);
    return ERR_OK;
}

static err_t public_der(const EVP_PKEY *key, struct buf *out)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(key, &der);
    err_t e = n > 0 ? buf_add_mem(out, der, (size_t)n) : ERR_CRYPTO;

    OPENSSL_free(der);
    return e;
}

err_t cli_key_write_public(const struct cli *cli, const char *path, const EVP_PKEY *key)
{
    autobuf out = BUF_INIT(KEY_FILE_MAX);
    enum cli_format format = CLI_FORMAT_AUTO;
    err_t e = cli_format(cli, CLI_FORMAT, &format);

    if (e)
        return e;
    e = format == CLI_FORMAT_DER ? public_der(key, &out) : crypto_key_public_pem(key, &out);
    if (e)
        return cli_fail(e, "cannot encode the public key: %s", err_str(e));
    return cli_write_file(path, buf_slice(&out));
}
