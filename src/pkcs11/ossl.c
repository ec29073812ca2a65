#include "pkcs11/ossl_impl.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>

struct p11_ossl {
    pthread_mutex_t lock; /* for the two lazy members */
    OSSL_LIB_CTX *ctx;
    EVP_MD *md[P11_HASHES];
};

struct p11_ossl *p11_ossl_new(void)
{
    struct p11_ossl *o = mem_calloc(1, sizeof(*o));

    if (o && pthread_mutex_init(&o->lock, NULL) != 0) {
        free(o);
        return NULL;
    }
    return o;
}

void p11_ossl_free(struct p11_ossl *o)
{
    if (!o)
        return;
    /* Answers 0 once OPENSSL_cleanup has begun; its objects must not be touched any more then. */
    if (OPENSSL_init_crypto(0, NULL) == 1) {
        for (size_t i = 0; i < P11_HASHES; i++)
            EVP_MD_free(o->md[i]);
        OSSL_LIB_CTX_free(o->ctx);
    }
    pthread_mutex_destroy(&o->lock);
    free(o);
}

OSSL_LIB_CTX *p11_ossl_ctx(struct p11_ossl *o)
{
    pthread_mutex_lock(&o->lock);
    if (!o->ctx)
        o->ctx = OSSL_LIB_CTX_new();
    OSSL_LIB_CTX *ctx = o->ctx;
    pthread_mutex_unlock(&o->lock);
    return ctx;
}

err_t p11_ossl_md(struct p11_ossl *o, const struct p11_hash *hash, const EVP_MD **ret)
{
    QUIET_ERRORS;
    OSSL_LIB_CTX *ctx = p11_ossl_ctx(o);

    if (!ctx)
        return ERR_NOMEM;
    pthread_mutex_lock(&o->lock);
    EVP_MD **slot = &o->md[hash->index];
    if (!*slot)
        *slot = EVP_MD_fetch(ctx, hash->name, NULL);
    const EVP_MD *md = *slot;
    pthread_mutex_unlock(&o->lock);
    if (!md)
        return ERR_CRYPTO;
    *ret = md;
    return ERR_OK;
}

err_t p11_ossl_digest_start(struct p11_ossl *o, const struct p11_hash *hash, EVP_MD_CTX **ret)
{
    QUIET_ERRORS;
    const EVP_MD *md = NULL;
    err_t e = p11_ossl_md(o, hash, &md);

    if (e)
        return e;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx)
        return ERR_NOMEM;
    if (EVP_DigestInit_ex2(ctx, md, NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return ERR_CRYPTO;
    }
    *ret = ctx;
    return ERR_OK;
}

err_t p11_ossl_digest_add(EVP_MD_CTX *ctx, struct slice data)
{
    QUIET_ERRORS;
    return EVP_DigestUpdate(ctx, data.p, data.n) == 1 ? ERR_OK : ERR_CRYPTO;
}

err_t p11_ossl_digest_end(EVP_MD_CTX *ctx, uint8_t *out)
{
    QUIET_ERRORS;
    return EVP_DigestFinal_ex(ctx, out, NULL) == 1 ? ERR_OK : ERR_CRYPTO;
}

void p11_ossl_digest_free(EVP_MD_CTX *ctx)
{
    EVP_MD_CTX_free(ctx);
}

err_t p11_ossl_random(struct p11_ossl *o, uint8_t *out, size_t n)
{
    QUIET_ERRORS;
    OSSL_LIB_CTX *ctx = p11_ossl_ctx(o);

    if (!ctx)
        return ERR_NOMEM;
    return RAND_bytes_ex(ctx, out, n, 0) == 1 ? ERR_OK : ERR_CRYPTO;
}
