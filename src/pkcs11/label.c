#include "pkcs11/label.h"

#include <stdio.h>
#include <strings.h>

#define PREFIX "sss:"
#define PREFIX_LEN 4

void p11_label_of(uint32_t id, char out[P11_LABEL_LEN + 1])
{
    snprintf(out, P11_LABEL_LEN + 1, PREFIX "%08X", id);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (uint8_t)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool p11_label_is_id(struct slice label, uint32_t *ret)
{
    uint32_t id = 0;

    if (label.n < PREFIX_LEN || strncasecmp((const char *)label.p, PREFIX, PREFIX_LEN) != 0)
        return false;
    struct slice digits = slice_skip(label, PREFIX_LEN);
    if (digits.n >= 2 && digits.p[0] == '0' && (digits.p[1] | 0x20) == 'x')
        digits = slice_skip(digits, 2);
    if (digits.n < 1 || digits.n > 8)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        int d = hex_digit(digits.p[i]);
        if (d < 0)
            return false;
        id = id << 4 | (uint32_t)d;
    }
    *ret = id;
    return true;
}

err_t p11_label_to_id(struct p11_ossl *o, struct slice label, uint32_t *ret)
{
    uint8_t digest[P11_HASH_MAX];
    EVP_MD_CTX *ctx = NULL;

    if (label.n == 0)
        return ERR_INVALID;
    if (p11_label_is_id(label, ret))
        return ERR_OK;
    err_t e = p11_ossl_digest_start(o, p11_hash_by_ckm(CKM_SHA512), &ctx);
    if (!e)
        e = p11_ossl_digest_add(ctx, label);
    if (!e)
        e = p11_ossl_digest_end(ctx, digest);
    p11_ossl_digest_free(ctx);
    if (e)
        return e;
    const uint8_t *last = digest + 60;
    *ret = (uint32_t)last[0] << 24 | (uint32_t)last[1] << 16 | (uint32_t)last[2] << 8 | last[3];
    return ERR_OK;
}
