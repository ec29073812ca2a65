#include "pkcs11/pad.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

/* H = Hash(00 x8 || mHash || salt), §9.1.1 steps 5 and 6. */
static err_t hash_with_salt(struct p11_ossl *o, const struct p11_pss *pss, struct slice digest,
                            struct slice salt, uint8_t *out)
{
    static const uint8_t zeros[8];
    EVP_MD_CTX *ctx = NULL;
    err_t e = p11_ossl_digest_start(o, pss->hash, &ctx);

    if (!e)
        e = p11_ossl_digest_add(ctx, SLICE_ARRAY(zeros));
    if (!e)
        e = p11_ossl_digest_add(ctx, digest);
    if (!e)
        e = p11_ossl_digest_add(ctx, salt);
    if (!e)
        e = p11_ossl_digest_end(ctx, out);
    p11_ossl_digest_free(ctx);
    return e;
}

err_t p11_pad_pss(struct p11_ossl *o, const struct p11_pss *pss, size_t mod_bits, struct slice digest,
                  uint8_t *em)
{
    size_t em_bits = mod_bits - 1, em_len = (em_bits + 7) / 8, h_len = pss->hash->len;
    uint8_t salt[P11_RSA_MAX], h[P11_HASH_MAX], mask[P11_RSA_MAX];

    if (mod_bits > P11_RSA_MAX * 8 || digest.n != h_len || pss->salt_len > P11_RSA_MAX ||
        em_len < h_len + pss->salt_len + 2) /* step 3 */
        return ERR_TOO_BIG;
    const EVP_MD *mgf = NULL;
    err_t e = p11_ossl_md(o, pss->mgf, &mgf);
    if (!e)
        e = p11_ossl_random(o, salt, pss->salt_len);
    if (!e)
        e = hash_with_salt(o, pss, digest, slice_of(salt, pss->salt_len), h);
    if (e)
        return e;

    size_t db_len = em_len - h_len - 1;
    if (PKCS1_MGF1(mask, (long)db_len, h, (long)h_len, mgf) != 0) /* step 9 */
        return ERR_CRYPTO;
    /* One more byte in front when the modulus is a whole number of bytes plus one bit. */
    if (em_len < (mod_bits + 7) / 8)
        *em++ = 0;
    memset(em, 0, db_len); /* DB = PS || 01 || salt, steps 7 and 8 */
    em[db_len - pss->salt_len - 1] = 0x01;
    memcpy(em + db_len - pss->salt_len, salt, pss->salt_len);
    for (size_t i = 0; i < db_len; i++) /* step 10 */
        em[i] ^= mask[i];
    em[0] &= (uint8_t)(0xff >> (8 * em_len - em_bits)); /* step 11 */
    memcpy(em + db_len, h, h_len);
    em[em_len - 1] = 0xbc; /* step 12 */
    return ERR_OK;
}

err_t p11_pad_pkcs1(struct slice info, size_t n, uint8_t *em)
{
    static const uint8_t none;

    if (n < 11 || info.n > n - 11)
        return ERR_TOO_BIG;
    ERR_set_mark();
    int ok = RSA_padding_add_PKCS1_type_1(em, (int)n, info.n ? info.p : &none, (int)info.n);
    ERR_pop_to_mark();
    return ok == 1 ? ERR_OK : ERR_CRYPTO;
}

err_t p11_unpad_pkcs1(const uint8_t *em, size_t n, uint8_t *out, size_t *ret_n)
{
    ERR_set_mark();
    int len = RSA_padding_check_PKCS1_type_2(out, (int)n, em, (int)n, (int)n);
    ERR_pop_to_mark();
    if (len < 0)
        return ERR_INVALID;
    *ret_n = (size_t)len;
    return ERR_OK;
}

err_t p11_unpad_oaep(struct p11_ossl *o, const struct p11_oaep *oaep, struct slice label, const uint8_t *em,
                     size_t n, uint8_t *out, size_t *ret_n)
{
    const EVP_MD *md = NULL, *mgf = NULL;
    err_t e = p11_ossl_md(o, oaep->hash, &md);

    if (!e)
        e = p11_ossl_md(o, oaep->mgf, &mgf);
    if (e)
        return e;
    ERR_set_mark();
    int len =
        RSA_padding_check_PKCS1_OAEP_mgf1(out, (int)n, em, (int)n, (int)n, label.p, (int)label.n, md, mgf);
    ERR_pop_to_mark();
    if (len < 0)
        return ERR_INVALID;
    *ret_n = (size_t)len;
    return ERR_OK;
}

/* All n bytes are looked at, whatever they are. */
err_t p11_unpad_block(const uint8_t *block, size_t n, size_t *ret_n)
{
    unsigned pad = block[n - 1], bad = 0;

    bad |= (pad - 1) >> 8 & 1;           /* 0 */
    bad |= ((unsigned)n - pad) >> 8 & 1; /* more than there is */
    for (unsigned i = 0; i < n; i++) {
        unsigned counts = ~((pad - 1 - i) >> 8) & 1; /* i < pad: the byte belongs to the padding */
        unsigned differs = (block[n - 1 - i] ^ pad);
        bad |= counts & ((differs + 255) >> 8);
    }
    if (bad)
        return ERR_INVALID;
    *ret_n = n - pad;
    return ERR_OK;
}
