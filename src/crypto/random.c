#include "crypto/random.h"

#include "base/hex.h"
#include "base/slice.h"
#include "crypto/error.h"

#include <openssl/rand.h>
#include <stdio.h>

err_t crypto_random(const struct crypto_ctx *ctx, void *out, size_t n)
{
    if (RAND_bytes_ex(crypto_ctx_lib(ctx), out, n, 0) == 1)
        return ERR_OK;
    return crypto_fail_quiet(ERR_CRYPTO);
}

err_t crypto_random_uuid(const struct crypto_ctx *ctx, char ret[CRYPTO_UUID_MAX])
{
    uint8_t b[16];
    char hex[33];
    err_t e = crypto_random(ctx, b, sizeof(b));

    if (e)
        return e;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* RFC 4122 §4.4: version 4 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80); /* and the variant */
    hex_str(hex, SLICE_ARRAY(b));
    (void)snprintf(ret, CRYPTO_UUID_MAX, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
    return ERR_OK;
}
