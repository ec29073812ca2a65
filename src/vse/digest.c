#include "vse/digest.h"

#include "base/mem.h"
#include "se/wire.h"
#include "vse/keys_private.h"

static const struct digest {
    const char *name;
    uint8_t mode;
    uint8_t len;
} digests[] = {
    { "SHA1", SE_DIGEST_SHA1, 20 },     { "SHA224", SE_DIGEST_SHA224, 28 },
    { "SHA256", SE_DIGEST_SHA256, 32 }, { "SHA384", SE_DIGEST_SHA384, 48 },
    { "SHA512", SE_DIGEST_SHA512, 64 },
};

static const struct digest *find(uint8_t mode)
{
    for (size_t i = 0; i < ARRAY_LEN(digests); i++)
        if (digests[i].mode == mode)
            return &digests[i];
    return NULL;
}

const char *vse_digest_name(uint8_t mode)
{
    const struct digest *d = find(mode);

    return d ? d->name : NULL;
}

size_t vse_digest_len(uint8_t mode)
{
    const struct digest *d = find(mode);

    return d ? d->len : 0;
}

err_t vse_digest_new(uint8_t mode, EVP_MD_CTX **ret)
{
    const struct digest *d = find(mode);
    EVP_MD *md;
    EVP_MD_CTX *ctx;
    int done;

    if (!d)
        return ERR_UNSUPPORTED;
    ctx = EVP_MD_CTX_new();
    if (!ctx)
        return ERR_NOMEM;
    md = EVP_MD_fetch(NULL, d->name, NULL);
    done = md ? EVP_DigestInit_ex2(ctx, md, NULL) : 0;
    EVP_MD_free(md);
    if (done != 1) {
        EVP_MD_CTX_free(ctx);
        return vse_crypto_failed();
    }
    *ret = ctx;
    return ERR_OK;
}

void vse_digest_free(EVP_MD_CTX *d)
{
    EVP_MD_CTX_free(d);
}

err_t vse_digest_update(EVP_MD_CTX *d, struct slice in)
{
    return EVP_DigestUpdate(d, in.p, in.n) == 1 ? ERR_OK : vse_crypto_failed();
}

err_t vse_digest_final(EVP_MD_CTX *d, struct buf *out)
{
    uint8_t result[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (EVP_DigestFinal_ex(d, result, &n) != 1)
        return vse_crypto_failed();
    return buf_add_mem(out, result, n);
}

err_t vse_digest_once(uint8_t mode, struct slice in, struct buf *out)
{
    EVP_MD_CTX *d = NULL;
    err_t e = vse_digest_new(mode, &d);

    if (!e)
        e = vse_digest_update(d, in);
    if (!e)
        e = vse_digest_final(d, out);
    vse_digest_free(d);
    return e;
}
