#include "base/hex.h"
#include "base/mem.h"
#include "sigv4/canonical.h"

/* HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request"). */
static err_t signing_key(const struct crypto_ctx *ctx, const struct sigv4_scope *scope,
                         struct slice secret_key, uint8_t ret[CRYPTO_SHA256_LEN])
{
    const struct slice links[] = { slice_of(scope->amz_date, 8), slice_str(scope->region),
                                   slice_str(scope->service), SLICE_LIT("aws4_request") };
    autobuf first = BUF_SECRET(4096);
    uint8_t key[CRYPTO_SHA256_LEN] = { 0 };
    err_t e = buf_add_str(&first, "AWS4");

    if (!e)
        e = buf_add(&first, secret_key);
    struct slice k = buf_slice(&first);
    for (size_t i = 0; !e && i < ARRAY_LEN(links); i++) {
        e = crypto_hmac_sha256(ctx, k, links[i], key);
        k = SLICE_ARRAY(key);
    }
    if (!e)
        memcpy(ret, key, sizeof(key));
    mem_wipe(key, sizeof(key));
    return e;
}

err_t sigv4_signature(const struct crypto_ctx *ctx, const struct sigv4_scope *scope, struct slice secret_key,
                      struct slice canonical, char ret[65])
{
    uint8_t key[CRYPTO_SHA256_LEN] = { 0 }, mac[CRYPTO_SHA256_LEN];
    char digest[CRYPTO_SHA256_HEX];
    autobuf text = BUF_INIT(1024);
    err_t e = crypto_sha256_hex(ctx, canonical, digest);

    if (!e)
        e = buf_printf(&text, SIGV4_ALGORITHM "\n%s\n%.8s/%s/%s/aws4_request\n%s", scope->amz_date,
                       scope->amz_date, scope->region, scope->service, digest);
    if (!e)
        e = signing_key(ctx, scope, secret_key, key);
    if (!e)
        e = crypto_hmac_sha256(ctx, SLICE_ARRAY(key), buf_slice(&text), mac);
    mem_wipe(key, sizeof(key));
    if (!e)
        hex_str(ret, SLICE_ARRAY(mac));
    return e;
}
