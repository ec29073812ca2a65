#include "vse/montgomery.h"

#include "base/mem.h"
#include "vse/keys_private.h"

static const char *name_of(const struct vse_object *o)
{
    return o->curve == SE_CURVE_X448 ? "X448" : "X25519";
}

static size_t length_of(const struct vse_object *o)
{
    return o->curve == SE_CURVE_X448 ? VSE_X448_KEY : VSE_X25519_KEY;
}

static err_t private_key(const struct vse_object *o, EVP_PKEY **ret)
{
    struct slice wire = vse_object_part(o, VSE_EC_PRIVATE);
    uint8_t scalar[VSE_X448_KEY];
    EVP_PKEY *key;

    if (wire.n == 0)
        return ERR_WRONG_STATE;
    if (wire.n != length_of(o))
        return ERR_INVALID;
    vse_reverse(scalar, wire);
    key = EVP_PKEY_new_raw_private_key_ex(NULL, name_of(o), NULL, scalar, wire.n);
    mem_wipe(scalar, sizeof(scalar));
    if (!key)
        return vse_crypto_failed();
    *ret = key;
    return ERR_OK;
}

static err_t peer_key(const struct vse_object *o, struct slice wire, EVP_PKEY **ret)
{
    uint8_t point[VSE_X448_KEY];
    EVP_PKEY *key;

    if (wire.n != length_of(o))
        return ERR_INVALID;
    vse_reverse(point, wire);
    key = EVP_PKEY_new_raw_public_key_ex(NULL, name_of(o), NULL, point, wire.n);
    if (!key)
        return vse_crypto_failed();
    *ret = key;
    return ERR_OK;
}

/* The public half of key as the wire has it. */
static err_t wire_public(const EVP_PKEY *key, uint8_t ret[VSE_X448_KEY], size_t *ret_n)
{
    uint8_t point[VSE_X448_KEY];
    size_t n = sizeof(point);

    if (EVP_PKEY_get_raw_public_key(key, point, &n) != 1)
        return vse_crypto_failed();
    vse_reverse(ret, slice_of(point, n));
    *ret_n = n;
    return ERR_OK;
}

err_t vse_montgomery_generate(struct vse_object *o)
{
    auto_pkey EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, name_of(o));
    uint8_t scalar[VSE_X448_KEY], wire[VSE_X448_KEY], point[VSE_X448_KEY];
    size_t n = sizeof(scalar);
    err_t e = key && EVP_PKEY_get_raw_private_key(key, scalar, &n) == 1 ? ERR_OK : vse_crypto_failed();

    if (!e) {
        vse_reverse(wire, slice_of(scalar, n));
        e = vse_object_set(o, VSE_EC_PRIVATE, slice_of(wire, n));
    }
    mem_wipe(scalar, sizeof(scalar));
    mem_wipe(wire, sizeof(wire));
    if (!e)
        e = wire_public(key, point, &n);
    return e ? e : vse_object_set(o, VSE_EC_PUBLIC, slice_of(point, n));
}

err_t vse_montgomery_check(const struct vse_object *o)
{
    struct slice private = vse_object_part(o, VSE_EC_PRIVATE), public = vse_object_part(o, VSE_EC_PUBLIC);
    auto_pkey EVP_PKEY *key = NULL;
    uint8_t point[VSE_X448_KEY];
    size_t n = 0;
    err_t e;

    if (public.n && public.n != length_of(o))
        return ERR_INVALID;
    if (private.n == 0)
        return public.n ? ERR_OK : ERR_WRONG_STATE;
    e = private_key(o, &key);
    if (!e)
        e = wire_public(key, point, &n);
    if (e)
        return e;
    return public.n == 0 || slice_eq(public, slice_of(point, n)) ? ERR_OK : ERR_INVALID;
}

err_t vse_montgomery_shared(const struct vse_object *o, struct slice peer, struct buf *out)
{
    auto_pkey EVP_PKEY *key = NULL, *other = NULL;
    auto_pkey_ctx EVP_PKEY_CTX *ctx = NULL;
    uint8_t secret[VSE_X448_KEY], wire[VSE_X448_KEY];
    size_t n = sizeof(secret);
    err_t e = private_key(o, &key);

    if (!e)
        e = peer_key(o, peer, &other);
    if (e)
        return e;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!ctx || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, other) != 1)
        return vse_crypto_failed();
    if (EVP_PKEY_derive(ctx, secret, &n) != 1) { /* RFC 7748 §6: all zeros, a peer of small order */
        (void)vse_crypto_failed();               /* for the queue */
        return ERR_INVALID;
    }
    vse_reverse(wire, slice_of(secret, n));
    e = buf_add_mem(out, wire, n);
    mem_wipe(secret, sizeof(secret));
    mem_wipe(wire, sizeof(wire));
    return e;
}
