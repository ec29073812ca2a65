#include "crypto/key.h"

#include "base/file.h"
#include "crypto/cert.h"
#include "crypto/ctx.h"
#include "crypto/p11uri.h"
#include "crypto/token.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define KEY_FILE_MAX 65536

/* An encrypted PEM would make OpenSSL ask on the terminal. */
static int refuse_password(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)ctx;
    return -1;
}

static err_t slice_bio(struct slice s, BIO **ret)
{
    if (s.n > CRYPTO_CERT_MAX)
        return ERR_TOO_BIG;
    *ret = BIO_new_mem_buf(s.n ? (const void *)s.p : "", (int)s.n);
    return *ret ? ERR_OK : ERR_NOMEM;
}

err_t crypto_key_parse_pem(const struct crypto_ctx *ctx, struct slice pem, EVP_PKEY **ret,
                           struct crypto_error *why)
{
    auto_bio BIO *bio = NULL;
    err_t e = slice_bio(pem, &bio);

    if (e)
        return crypto_fail(why, e, "reading a PEM private key: %s", err_str(e));
    EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(bio, NULL, refuse_password, NULL, ctx->lib, NULL);
    if (!key)
        return crypto_fail_openssl(why, ERR_INVALID, "not an unencrypted PEM private key");
    *ret = key;
    return ERR_OK;
}

err_t crypto_pubkey_parse_pem(const struct crypto_ctx *ctx, struct slice pem, EVP_PKEY **ret,
                              struct crypto_error *why)
{
    auto_bio BIO *bio = NULL;
    err_t e = slice_bio(pem, &bio);

    if (e)
        return crypto_fail(why, e, "reading a PEM public key: %s", err_str(e));
    EVP_PKEY *key = PEM_read_bio_PUBKEY_ex(bio, NULL, refuse_password, NULL, ctx->lib, NULL);
    if (!key)
        return crypto_fail_openssl(why, ERR_INVALID, "not a PEM public key");
    *ret = key;
    return ERR_OK;
}

static err_t key_load_file(const struct crypto_ctx *ctx, const char *path, EVP_PKEY **ret,
                           struct crypto_error *why)
{
    autobuf pem = BUF_SECRET(KEY_FILE_MAX);
    struct crypto_error inner = { 0 };
    err_t e;

    errno = 0;
    e = file_read_private(path, &pem);
    if (e == ERR_DENIED && errno == 0)
        return crypto_fail(
            why, e,
            "the private key file %s is open to others or belongs to another user; it must belong to root"
            " or to the user this program runs as: chmod 600 %s",
            path, path);
    if (e)
        return crypto_fail(why, e, "cannot read the private key file %s: %s", path,
                           errno ? strerror(errno) : err_str(e));
    e = crypto_key_parse_pem(ctx, buf_slice(&pem), ret, &inner);
    if (e)
        return crypto_fail(why, e, "the private key file %s: %s", path, inner.text);
    return ERR_OK;
}

static err_t check_token_conf(const struct crypto_p11uri *uri, const struct crypto_token *token,
                              struct crypto_error *why)
{
    if (!token->module_path || !token->module_path[0])
        return crypto_fail(why, ERR_INVALID,
                           "the key \"%s\" is in a token but P11Provider names no PKCS#11 module",
                           uri->object);
    if (!token->slot_label || !token->slot_label[0])
        return crypto_fail(why, ERR_INVALID, "the key \"%s\" is in a token but slotLabel is missing",
                           uri->object);
    if (!uri->pin[0] && (!token->pin || !token->pin[0]))
        return crypto_fail(why, ERR_INVALID, "the key \"%s\" is in a token but slotUserPin is missing",
                           uri->object);
    if (uri->token[0] && strcmp(uri->token, token->slot_label) != 0)
        return crypto_fail(why, ERR_INVALID,
                           "the key's URI names the token \"%s\" but slotLabel is \"%s\"; make them agree",
                           uri->token, token->slot_label);
    return ERR_OK;
}

static err_t key_load_configured(const struct crypto_p11uri *uri, const struct crypto_token *token,
                                 EVP_PKEY **ret, struct crypto_error *why)
{
    err_t e = check_token_conf(uri, token, why);

    crypto_p11uri_warn_place(uri, why);
    return e ? e : crypto_token_key(uri, token, ret, why);
}

/* The first line of a private file. */
static err_t read_pin(const char *source, struct buf *pin, struct crypto_error *why)
{
    const char *path = strncmp(source, "file:", 5) == 0 ? source + 5 : source;
    size_t n;
    err_t e;

    path += strncmp(path, "//", 2) == 0 && path[2] == '/' ? 2 : 0;
    if (*path != '/')
        return crypto_fail(
            why, ERR_INVALID,
            "the key's URI: pin-source must be the absolute path of a file that holds the PIN");
    if ((e = file_read_private(path, pin)))
        return crypto_fail(why, e == ERR_NOT_FOUND ? ERR_INVALID : e, "cannot read the PIN from %s: %s%s",
                           path, err_str(e),
                           e == ERR_DENIED ? "; it must be yours or root's, chmod 600" : "");
    n = strcspn(buf_str(pin), "\r\n");
    if (n == 0)
        return crypto_fail(why, ERR_INVALID, "the file %s holds no PIN in its first line", path);
    pin->p[n] = 0;
    return ERR_OK;
}

/* RFC 7512 §2.4: the URI says itself where its token is. */
static err_t key_load_placed(const struct crypto_p11uri *uri, EVP_PKEY **ret, struct crypto_error *why)
{
    autobuf pin = BUF_SECRET(CRYPTO_P11_VALUE_MAX);
    struct crypto_token token = { .module_path = uri->module_path, .slot_label = uri->token };
    err_t e;

    if (!uri->token[0] || !uri->module_path[0] || !uri->pin_source[0])
        return crypto_fail(
            why, ERR_INVALID,
            "the key's URI must say where the token is: "
            "pkcs11:token=LABEL;object=KEY;type=private?module-path=/MODULE.so&pin-source=/FILE");
    if ((e = read_pin(uri->pin_source, &pin, why)))
        return e;
    token.pin = buf_str(&pin);
    return crypto_token_key(uri, &token, ret, why);
}

static err_t key_load_token(const char *text, const struct crypto_token *token, EVP_PKEY **ret,
                            struct crypto_error *why)
{
    struct crypto_p11uri uri;
    err_t e = crypto_p11uri_parse(slice_str(text), &uri, why);

    if (e)
        return e;
    e = token ? key_load_configured(&uri, token, ret, why) : key_load_placed(&uri, ret, why);
    crypto_p11uri_done(&uri);
    return e;
}

err_t crypto_key_load(const struct crypto_ctx *ctx, const char *uri, const struct crypto_token *token,
                      EVP_PKEY **ret, struct crypto_error *why)
{
    if (why)
        why->warning[0] = 0;
    if (crypto_p11uri_is(slice_str(uri)))
        return key_load_token(uri, token, ret, why);
    const char *path = crypto_file_path(uri);
    if (!path || path == uri)
        return crypto_fail(why, ERR_UNSUPPORTED,
                           "a private key must be file:///PATH or pkcs11:object=LABEL;type=private");
    return key_load_file(ctx, path, ret, why);
}

err_t crypto_key_generate(const struct crypto_ctx *ctx, enum crypto_key_type type, EVP_PKEY **ret)
{
    EVP_PKEY *key = NULL;

    if (type == CRYPTO_KEY_RSA_2048)
        key = EVP_PKEY_Q_keygen(ctx->lib, NULL, "RSA", (size_t)2048);
    else if (type == CRYPTO_KEY_EC_P256)
        key = EVP_PKEY_Q_keygen(ctx->lib, NULL, "EC", "P-256");
    else
        return ERR_INVALID;
    if (!key)
        return crypto_fail_quiet(ERR_CRYPTO);
    *ret = key;
    return ERR_OK;
}

bool crypto_key_is_rsa(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA");
}

bool crypto_key_is_ec(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "EC");
}

int crypto_key_bits(const EVP_PKEY *key)
{
    return EVP_PKEY_get_bits(key);
}

bool crypto_key_same_public(const EVP_PKEY *a, const EVP_PKEY *b)
{
    bool same = EVP_PKEY_eq(a, b) == 1;

    ERR_clear_error();
    return same;
}

bool crypto_key_acceptable(const EVP_PKEY *key)
{
    static const char *const curves[] = { SN_X9_62_prime256v1, SN_secp384r1, SN_secp521r1 };
    char name[40];

    if (crypto_key_is_rsa(key))
        return EVP_PKEY_get_bits(key) >= 2048;
    if (!crypto_key_is_ec(key) || EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) != 1) {
        ERR_clear_error();
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        if (strcmp(name, curves[i]) == 0)
            return true;
    return false;
}

/* A memory BIO's buffer is OpenSSL's heap: wiped when freed in programs that called crypto_process_init. */
static err_t add_bio(BIO *bio, struct buf *out)
{
    char *p = NULL;
    long n = BIO_get_mem_data(bio, &p);

    return n > 0 ? buf_add_mem(out, p, (size_t)n) : ERR_CRYPTO;
}

err_t crypto_key_private_pem(const EVP_PKEY *key, struct buf *out)
{
    auto_bio BIO *bio = BIO_new(BIO_s_secmem());

    if (!bio)
        return ERR_NOMEM;
    if (PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return crypto_fail_quiet(ERR_CRYPTO);
    return add_bio(bio, out);
}

err_t crypto_key_public_pem(const EVP_PKEY *key, struct buf *out)
{
    auto_bio BIO *bio = BIO_new(BIO_s_mem());

    if (!bio)
        return ERR_NOMEM;
    if (PEM_write_bio_PUBKEY(bio, key) != 1)
        return crypto_fail_quiet(ERR_CRYPTO);
    return add_bio(bio, out);
}
