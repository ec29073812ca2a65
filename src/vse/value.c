#include "vse/value.h"

#include "base/mem.h"

#include <openssl/evp.h>

err_t vse_counter_step(uint8_t *value, size_t n)
{
    size_t i = n;

    while (i && value[i - 1] == 0xff)
        i--;
    if (i == 0)
        return ERR_TOO_BIG;
    value[i - 1]++;
    memset(value + i, 0, n - i);
    return ERR_OK;
}

err_t vse_counter_raise(uint8_t *value, size_t n, struct slice to)
{
    uint8_t next[VSE_COUNTER_MAX] = { 0 };

    while (to.n && to.p[0] == 0)
        to = slice_skip(to, 1);
    if (to.n > n || n > sizeof(next))
        return ERR_TOO_BIG;
    if (to.n)
        memcpy(next + n - to.n, to.p, to.n);
    if (memcmp(next, value, n) <= 0)
        return ERR_CONFLICT;
    memcpy(value, next, n);
    return ERR_OK;
}

err_t vse_pcr_extend(uint8_t value[VSE_PCR_LEN], struct slice data)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t next[VSE_PCR_LEN];
    bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
                EVP_DigestUpdate(ctx, value, VSE_PCR_LEN) == 1 &&
                EVP_DigestUpdate(ctx, data.p, data.n) == 1 && EVP_DigestFinal_ex(ctx, next, NULL) == 1;

    EVP_MD_CTX_free(ctx);
    if (!good)
        return ERR_CRYPTO;
    memcpy(value, next, sizeof(next));
    return ERR_OK;
}
