#include "vse/edwards.h"

#include "base/mem.h"
#include "vse/keys_private.h"

enum { HALF = VSE_ED25519_SIGNATURE / 2 };

static err_t private_key(const struct vse_object *o, EVP_PKEY **ret)
{
    struct slice seed = vse_object_part(o, VSE_EC_PRIVATE);
    EVP_PKEY *key;

    if (seed.n == 0)
        return ERR_WRONG_STATE;
    key = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL, seed.p, seed.n);
    if (!key)
        return vse_crypto_failed();
    *ret = key;
    return ERR_OK;
}

static err_t public_key(const struct vse_object *o, EVP_PKEY **ret)
{
    struct slice wire = vse_object_part(o, VSE_EC_PUBLIC);
    uint8_t point[VSE_ED25519_KEY];
    EVP_PKEY *key;

    if (wire.n == 0)
        return ERR_WRONG_STATE;
    if (wire.n != sizeof(point))
        return ERR_INVALID;
    vse_reverse(point, wire);
    key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, point, sizeof(point));
    if (!key)
        return vse_crypto_failed();
    *ret = key;
    return ERR_OK;
}

/* The public half of key as the wire has it. */
static err_t wire_public(const EVP_PKEY *key, uint8_t ret[VSE_ED25519_KEY])
{
    uint8_t point[VSE_ED25519_KEY];
    size_t n = sizeof(point);

    if (EVP_PKEY_get_raw_public_key(key, point, &n) != 1)
        return vse_crypto_failed();
    vse_reverse(ret, slice_of(point, n));
    return ERR_OK;
}

err_t vse_ed25519_generate(struct vse_object *o)
{
    auto_pkey EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    uint8_t seed[VSE_ED25519_KEY], point[VSE_ED25519_KEY];
    size_t n = sizeof(seed);
    err_t e = key && EVP_PKEY_get_raw_private_key(key, seed, &n) == 1 ? ERR_OK : vse_crypto_failed();

    if (!e)
        e = wire_public(key, point);
    if (!e)
        e = vse_object_set(o, VSE_EC_PRIVATE, slice_of(seed, n));
    if (!e)
        e = vse_object_set(o, VSE_EC_PUBLIC, SLICE_ARRAY(point));
    mem_wipe(seed, sizeof(seed));
    return e;
}

err_t vse_ed25519_check(const struct vse_object *o)
{
    struct slice seed = vse_object_part(o, VSE_EC_PRIVATE), public = vse_object_part(o, VSE_EC_PUBLIC);
    auto_pkey EVP_PKEY *key = NULL;
    uint8_t point[VSE_ED25519_KEY];
    err_t e;

    if ((seed.n && seed.n != VSE_ED25519_KEY) || (public.n && public.n != VSE_ED25519_KEY))
        return ERR_INVALID;
    if (seed.n == 0)
        return public.n ? ERR_OK : ERR_WRONG_STATE;
    e = private_key(o, &key);
    if (!e)
        e = wire_public(key, point);
    if (e)
        return e;
    return public.n == 0 || slice_eq(public, SLICE_ARRAY(point)) ? ERR_OK : ERR_INVALID;
}

static void swap_halves(uint8_t to[VSE_ED25519_SIGNATURE], const uint8_t *from)
{
    vse_reverse(to, slice_of(from, HALF));
    vse_reverse(to + HALF, slice_of(from + HALF, HALF));
}

err_t vse_ed25519_sign(const struct vse_object *o, struct slice message, struct buf *out)
{
    auto_pkey EVP_PKEY *key = NULL;
    uint8_t signature[VSE_ED25519_SIGNATURE], wire[VSE_ED25519_SIGNATURE];
    size_t n = sizeof(signature);
    EVP_MD_CTX *md;
    int done;
    err_t e = private_key(o, &key);

    if (e)
        return e;
    md = EVP_MD_CTX_new();
    done = md && EVP_DigestSignInit_ex(md, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
           EVP_DigestSign(md, signature, &n, message.p, message.n) == 1;
    EVP_MD_CTX_free(md);
    if (!done)
        return vse_crypto_failed();
    swap_halves(wire, signature);
    return buf_add(out, SLICE_ARRAY(wire));
}

err_t vse_ed25519_verify(const struct vse_object *o, struct slice message, struct slice signature,
                         bool *ret_good)
{
    auto_pkey EVP_PKEY *key = NULL;
    uint8_t plain[VSE_ED25519_SIGNATURE];
    EVP_MD_CTX *md;
    err_t e = public_key(o, &key);

    if (e)
        return e;
    if (signature.n != sizeof(plain)) {
        *ret_good = false; /* not a signature, so not a good one */
        return ERR_OK;
    }
    swap_halves(plain, signature.p);
    md = EVP_MD_CTX_new();
    if (!md || EVP_DigestVerifyInit_ex(md, NULL, NULL, NULL, NULL, key, NULL) != 1) {
        EVP_MD_CTX_free(md);
        return vse_crypto_failed();
    }
    *ret_good = EVP_DigestVerify(md, plain, sizeof(plain), message.p, message.n) == 1;
    EVP_MD_CTX_free(md);
    (void)vse_crypto_failed(); /* for the queue */
    return ERR_OK;
}
