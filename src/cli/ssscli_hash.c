#include "cli/ssscli_hash.h"

#include "base/file.h"
#include "cli/ssscli_key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PIECE = 64 * 1024, PEM_INPUT_MAX = 16 * 1024 * 1024 };

/* ---- --hashalgo ---- */

static const struct {
    const char *word, *name;
    size_t len;
} hashes[] = {
    { "SHA1", "SHA1", 20 },     { "SHA224", "SHA224", 28 }, { "SHA256", "SHA256", 32 },
    { "SHA384", "SHA384", 48 }, { "SHA512", "SHA512", 64 },
};

#define PKCS1_PREFIX "RSASSA_PKCS1_V1_5_"
#define PSS_PREFIX "RSASSA_PKCS1_PSS_MGF1_"

static const char *after(const char *word, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncasecmp(word, prefix, n) == 0 ? word + n : NULL;
}

static err_t unknown(const char *word, bool rsa)
{
    return cli_fail_usage(
        "Invalid value for '--hashalgo': '%.60s' is not one of SHA1, SHA224, SHA256, SHA384, "
        "SHA512%s.",
        word, rsa ? ", or these after " PKCS1_PREFIX " or " PSS_PREFIX : " (an EC key)");
}

err_t cli_hash_option(const struct cli *cli, bool rsa, struct cli_hash *ret)
{
    const char *word = cli->options[CLI_HASHALGO] ? cli->options[CLI_HASHALGO] : "SHA256";
    const char *pkcs1 = rsa ? after(word, PKCS1_PREFIX) : NULL, *pss = rsa ? after(word, PSS_PREFIX) : NULL;
    const char *hash = pkcs1 ? pkcs1 : pss ? pss : word;

    for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
        if (strcasecmp(hashes[i].word, hash) == 0) {
            *ret = (struct cli_hash){ hashes[i].name, hashes[i].len,
                                      !rsa  ? CLI_PAD_NONE
                                      : pss ? CLI_PAD_PSS
                                            : CLI_PAD_PKCS1 };
            return ERR_OK;
        }
    return unknown(word, rsa);
}

EVP_MD *cli_hash_md(const struct cli *cli, const struct cli_hash *h)
{
    return EVP_MD_fetch(crypto_ctx_lib(cli->crypto), h->name, NULL);
}

/* ---- PEM armour ---- */

err_t cli_pem_open(struct slice pem, const char *label, struct buf *out)
{
    BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long n = 0;
    err_t e = ERR_INVALID;

    if (in && PEM_read_bio(in, &name, &header, &data, &n) == 1 && (!label || strcmp(label, name) == 0))
        e = buf_add_mem(out, data, (size_t)n);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    BIO_free(in);
    ERR_clear_error();
    return e;
}

err_t cli_pem_close(struct slice bytes, const char *label, struct buf *out)
{
    BIO *mem = BIO_new(BIO_s_mem());
    char *text = NULL;
    long n;
    err_t e = ERR_NOMEM;

    if (mem && PEM_write_bio(mem, label, "", bytes.p, (long)bytes.n) > 0 &&
        (n = BIO_get_mem_data(mem, &text)) > 0)
        e = buf_add_mem(out, text, (size_t)n);
    BIO_free(mem);
    ERR_clear_error();
    return e;
}

/* ---- input ---- */

static bool is_pem(const struct cli *cli, err_t *e)
{
    enum cli_format format = CLI_FORMAT_AUTO;

    *e = cli_format(cli, CLI_INFORMAT, &format);
    return format == CLI_FORMAT_PEM;
}

err_t cli_input_file(const struct cli *cli, const char *path, struct buf *out)
{
    autobuf text = BUF_SECRET(PEM_INPUT_MAX);
    err_t e;

    if (!is_pem(cli, &e)) {
        if (!e)
            e = file_read(path, out);
        return !e || e == ERR_INVALID ? e : cli_fail(e, "cannot read %s: %s", path, err_str(e));
    }
    e = cli_read_file(path, &text);
    if (e)
        return e;
    e = cli_pem_open(buf_slice(&text), NULL, out);
    return e ? cli_fail(e, "%s: no PEM in it that can be read, as --informat PEM says", path) : ERR_OK;
}

static err_t hash_stream(EVP_MD_CTX *ctx, FILE *f)
{
    autofree uint8_t *piece = mem_calloc(1, PIECE);
    size_t n;

    if (!piece)
        return ERR_NOMEM;
    while ((n = fread(piece, 1, PIECE, f)) > 0)
        if (EVP_DigestUpdate(ctx, piece, n) != 1)
            return ERR_CRYPTO;
    mem_wipe(piece, PIECE);
    return ferror(f) ? ERR_IO : ERR_OK;
}

static err_t hash_plain(EVP_MD_CTX *ctx, const char *path)
{
    FILE *f = fopen(path, "rbe");
    err_t e;

    if (!f)
        return cli_fail(file_err(errno), "cannot read %s: %s", path, strerror(errno));
    e = hash_stream(ctx, f);
    if (e)
        (void)cli_fail(e, "cannot read %s: %s", path, e == ERR_IO ? strerror(errno) : err_str(e));
    (void)fclose(f); /* opened for reading: nothing can be lost */
    return e;
}

static err_t hash_pem(const struct cli *cli, EVP_MD_CTX *ctx, const char *path)
{
    autobuf bytes = BUF_INIT(PEM_INPUT_MAX);
    err_t e = cli_input_file(cli, path, &bytes);

    if (e)
        return e;
    return EVP_DigestUpdate(ctx, bytes.p, bytes.n) == 1 ? ERR_OK : ERR_CRYPTO;
}

err_t cli_hash_file(const struct cli *cli, const struct cli_hash *h, const char *path,
                    uint8_t ret[CLI_HASH_MAX])
{
    EVP_MD *md = cli_hash_md(cli, h);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t digest[CLI_HASH_MAX];
    err_t e = ERR_OK;
    bool pem = is_pem(cli, &e);

    if (!e && (!md || !ctx || EVP_DigestInit_ex2(ctx, md, NULL) != 1))
        e = cli_fail(ERR_CRYPTO, "OpenSSL does not offer %s", h->name);
    if (!e)
        e = pem ? hash_pem(cli, ctx, path) : hash_plain(ctx, path);
    if (!e && EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
        e = ERR_CRYPTO;
    if (!e)
        memcpy(ret, digest, h->len);
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    return e;
}
