#include "patterns.h"

#include "base/file.h"
#include "base/hex.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <stdio.h>

enum { WINDOW = 16 };

static err_t add(struct patterns *ps, struct slice bytes, bool text, const char *what, const char *form)
{
    err_t e = mem_grow(&ps->list, &ps->room, ps->n + 1, 4096, sizeof(*ps->list));

    if (e || bytes.n > PATTERN_MAX)
        return e ? e : ERR_TOO_BIG;
    struct pattern *p = &ps->list[ps->n++];
    memcpy(p->bytes, bytes.p, bytes.n);
    p->n = bytes.n;
    p->text = text;
    (void)snprintf(p->what, sizeof(p->what), "%s, %s", what, form);
    if (p->n > ps->longest)
        ps->longest = p->n;
    return ERR_OK;
}

/* `shift` unknown bytes stand before the window within its group of three: the characters they touch, and
 * those the unknown bytes behind the window touch, are cut away. */
static err_t add_base64(struct patterns *ps, struct slice window, size_t shift, const char *what)
{
    static const size_t cut_front[] = { 0, 2, 3 };
    static const char *const forms[] = { "base64 (0)", "base64 (1)", "base64 (2)" };
    static const uint8_t zeros[3];
    autobuf plain = BUF_SECRET(64), text = BUF_SECRET(128);
    size_t bits = 8 * (shift + window.n);

    err_t e = buf_add_mem(&plain, zeros, shift);
    if (!e)
        e = buf_add(&plain, window);
    if (!e)
        e = base64_encode(&text, buf_slice(&plain));
    if (e)
        return e;
    buf_cut(&text, bits / 6);
    return add(ps, slice_skip(buf_slice(&text), cut_front[shift]), true, what, forms[shift]);
}

static err_t add_window(struct patterns *ps, struct slice window, const char *what)
{
    autobuf lower = BUF_SECRET(64), upper = BUF_SECRET(64);

    err_t e = add(ps, window, false, what, "raw");
    if (!e)
        e = hex_encode(&lower, window);
    if (!e)
        e = hex_encode_upper(&upper, window);
    if (!e)
        e = add(ps, buf_slice(&lower), true, what, "hex");
    if (!e)
        e = add(ps, buf_slice(&upper), true, what, "HEX");
    for (size_t shift = 0; !e && shift < 3; shift++)
        e = add_base64(ps, window, shift, what);
    return e;
}

static err_t add_part(struct patterns *ps, const uint8_t *bytes, size_t n, const char *part,
                      const char *order)
{
    static const char *const where[] = { "start", "middle", "end" };
    const size_t at[] = { 0, (n - WINDOW) / 2, n - WINDOW };
    err_t e = ERR_OK;

    for (size_t i = 0; !e && i < ARRAY_LEN(at); i++) {
        char what[64];
        (void)snprintf(what, sizeof(what), "%s, %s, %s", part, where[i], order);
        e = add_window(ps, slice_of(bytes + at[i], WINDOW), what);
    }
    return e;
}

static err_t add_number(struct patterns *ps, const BIGNUM *number, const char *part)
{
    uint8_t bytes[1024], reversed[1024];
    int n = BN_num_bytes(number);

    if (n < WINDOW || n > (int)sizeof(bytes))
        return ERR_INVALID;
    (void)BN_bn2bin(number, bytes);
    for (int i = 0; i < n; i++)
        reversed[i] = bytes[n - 1 - i];
    err_t e = add_part(ps, bytes, (size_t)n, part, "big endian");
    if (!e)
        e = add_part(ps, reversed, (size_t)n, part, "little endian");
    mem_wipe(bytes, sizeof(bytes));
    mem_wipe(reversed, sizeof(reversed));
    return e;
}

static const struct {
    const char *type, *param, *name;
} secret_parts[] = {
    { "RSA", OSSL_PKEY_PARAM_RSA_D, "RSA d" },
    { "RSA", OSSL_PKEY_PARAM_RSA_FACTOR1, "RSA p" },
    { "RSA", OSSL_PKEY_PARAM_RSA_FACTOR2, "RSA q" },
    { "RSA", OSSL_PKEY_PARAM_RSA_EXPONENT1, "RSA dp" },
    { "RSA", OSSL_PKEY_PARAM_RSA_EXPONENT2, "RSA dq" },
    { "RSA", OSSL_PKEY_PARAM_RSA_COEFFICIENT1, "RSA qinv" },
    { "EC", OSSL_PKEY_PARAM_PRIV_KEY, "EC scalar" },
};

static err_t add_key(struct patterns *ps, const EVP_PKEY *key)
{
    size_t parts = 0;
    err_t e = ERR_OK;

    for (size_t i = 0; !e && i < ARRAY_LEN(secret_parts); i++) {
        BIGNUM *number = NULL;
        if (!EVP_PKEY_is_a(key, secret_parts[i].type))
            continue;
        if (EVP_PKEY_get_bn_param(key, secret_parts[i].param, &number) != 1)
            return ERR_INVALID;
        e = add_number(ps, number, secret_parts[i].name);
        BN_clear_free(number);
        parts++;
    }
    return e ? e : parts ? ERR_OK : ERR_INVALID;
}

err_t patterns_load(struct patterns *ps, const char *pem_path)
{
    autobuf pem = BUF_SECRET(64 * 1024);
    err_t e = file_read(pem_path, &pem);

    if (e)
        return e;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    if (!key)
        return ERR_INVALID;
    e = add_key(ps, key);
    EVP_PKEY_free(key);
    return e;
}

void patterns_done(struct patterns *ps)
{
    if (ps->list)
        mem_wipe(ps->list, ps->room * sizeof(*ps->list));
    free(ps->list);
    *ps = (struct patterns){ 0 };
}
