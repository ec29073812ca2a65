#include "vse/keys.h"

#include "base/mem.h"
#include "vse/curve.h"
#include "vse/keys_private.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

/* ---- an EVP_PKEY from numbers ---- */

void vse_pkey_free_ptr(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

void vse_pkey_ctx_free_ptr(EVP_PKEY_CTX **c)
{
    EVP_PKEY_CTX_free(*c);
}

void vse_bn_free_ptr(BIGNUM **b)
{
    BN_clear_free(*b);
}

err_t vse_crypto_failed(void)
{
    ERR_clear_error();
    return ERR_CRYPTO;
}

void vse_reverse(uint8_t *to, struct slice from)
{
    for (size_t i = 0; i < from.n; i++)
        to[i] = from.p[from.n - 1 - i];
}

BIGNUM *vse_bn(struct slice s)
{
    BIGNUM *b = BN_secure_new(); /* so marked, every copy OpenSSL makes of it is wiped */

    if (b && s.n && !BN_bin2bn(s.p, (int)s.n, b)) {
        BN_clear_free(b);
        return NULL;
    }
    return b;
}

err_t vse_keymaker_init(struct vse_keymaker *m)
{
    *m = (struct vse_keymaker){ .bld = OSSL_PARAM_BLD_new() };
    return m->bld ? ERR_OK : ERR_NOMEM;
}

void vse_keymaker_done(struct vse_keymaker *m)
{
    for (size_t i = 0; i < m->n; i++)
        BN_clear_free(m->bn[i]);
    OSSL_PARAM_BLD_free(m->bld);
}

void vse_keymaker_bn(struct vse_keymaker *m, const char *name, BIGNUM *b)
{
    if (b && m->n < ARRAY_LEN(m->bn)) {
        m->bn[m->n++] = b;
        m->failed = m->failed || OSSL_PARAM_BLD_push_BN(m->bld, name, b) != 1;
    } else {
        BN_clear_free(b);
        m->failed = true;
    }
}

void vse_keymaker_number(struct vse_keymaker *m, const char *name, struct slice s)
{
    if (s.n)
        vse_keymaker_bn(m, name, vse_bn(s));
}

err_t vse_keymaker_make(struct vse_keymaker *m, const char *type, enum vse_keymaker_what what, EVP_PKEY **ret)
{
    static const int selections[] = { EVP_PKEY_PUBLIC_KEY, EVP_PKEY_KEYPAIR, EVP_PKEY_KEY_PARAMETERS };
    auto_pkey_ctx EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = m->failed ? NULL : OSSL_PARAM_BLD_to_param(m->bld);
    EVP_PKEY *key = NULL;

    if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &key, selections[what], params); /* key tells */
    OSSL_PARAM_free(params);
    if (!key)
        return vse_crypto_failed();
    *ret = key;
    return ERR_OK;
}

/* ---- out of an EVP_PKEY ---- */

err_t vse_take_number(const EVP_PKEY *key, const char *name, struct vse_object *o, unsigned part, size_t n)
{
    auto_bn BIGNUM *b = NULL;
    uint8_t bytes[SE_RSA_BYTES_MAX];
    err_t e = ERR_OK;

    if (EVP_PKEY_get_bn_param(key, name, &b) != 1 || BN_num_bytes(b) > (int)sizeof(bytes))
        return vse_crypto_failed();
    if (n == 0) /* as long as it is */
        n = (size_t)BN_num_bytes(b);
    if (BN_bn2binpad(b, bytes, (int)n) < 0)
        e = ERR_CRYPTO;
    if (!e)
        e = vse_object_set(o, part, slice_of(bytes, n));
    mem_wipe(bytes, sizeof(bytes));
    return e;
}

static void free_key(void *key)
{
    EVP_PKEY_free(key);
}

err_t vse_prepared_key(const struct vse_object *o, vse_key_maker *make, EVP_PKEY **ret)
{
    EVP_PKEY *key;
    err_t e;

    if (!o->prepared->key) {
        e = make(o, &key);
        if (e)
            return e;
        *o->prepared = (struct vse_prepared){ key, free_key };
    }
    *ret = o->prepared->key;
    return ERR_OK;
}
