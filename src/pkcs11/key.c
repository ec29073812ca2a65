#include "pkcs11/key.h"

#include "base/tlv.h"
#include "base/writer.h"
#include "pkcs11/pad.h"
#include "se/key.h"
#include "se/object.h"

#include <stdatomic.h>

#define POINT_MAX 160 /* P-521: 133 bytes and the DER header */
#define TAG_OCTET_STRING 0x04

static struct p11_key *new_key(uint32_t id, CK_KEY_TYPE type)
{
    struct p11_key *key = mem_calloc(1, sizeof(*key));

    if (!key)
        return NULL;
    atomic_init(&key->refs, 1);
    key->id = id;
    key->type = type;
    key->n = BUF_INIT(P11_RSA_MAX);
    key->e = BUF_INIT(P11_RSA_MAX);
    key->point = BUF_INIT(POINT_MAX);
    key->value = BUF_SECRET(P11_KEY_VALUE_MAX);
    key->in_chip = id != 0;
    return key;
}

struct p11_key *p11_key_ref(struct p11_key *key)
{
    atomic_fetch_add(&key->refs, 1);
    return key;
}

void p11_key_unref(struct p11_key *key)
{
    if (!key || atomic_fetch_sub(&key->refs, 1) != 1)
        return;
    buf_done(&key->n);
    buf_done(&key->e);
    buf_done(&key->point);
    buf_done(&key->value);
    free(key);
}

void p11_key_unref_ptr(struct p11_key **key)
{
    p11_key_unref(*key);
}

static size_t bit_length(struct slice n)
{
    size_t bits = n.n * 8;

    if (n.n == 0)
        return 0;
    for (uint8_t top = n.p[0]; !(top & 0x80) && bits; top = (uint8_t)(top << 1))
        bits--;
    return bits;
}

/* What the chip shows of a public part; a policy that forbids reading is no failure. */
static err_t readable(err_t e, bool *ret_shown)
{
    *ret_shown = e == ERR_OK;
    return e == ERR_DENIED || e == ERR_INVALID || e == ERR_UNSUPPORTED ? ERR_OK : e;
}

static err_t set_point(struct p11_key *key, struct slice point)
{
    struct writer w = writer_of(&key->point);

    buf_clear(&key->point);
    tlv_put(&w, TAG_OCTET_STRING, point);
    return writer_done(&w);
}

static err_t load_rsa(struct se_chip *chip, struct p11_key *key)
{
    err_t e = readable(se_rsa_public(chip, key->id, &key->n, &key->e), &key->has_public);

    if (e || key->has_public) {
        key->bits = bit_length(buf_slice(&key->n));
        return e;
    }
    size_t size = 0;
    e = se_object_size(chip, key->id, &size);
    key->bits = size * 8;
    return e;
}

static const CK_KEY_TYPE curve_kinds[] = {
    [SE_CURVE_WEIERSTRASS] = CKK_EC,
    [SE_CURVE_EDWARDS] = CKK_EC_EDWARDS,
    [SE_CURVE_MONTGOMERY] = CKK_EC_MONTGOMERY,
};

CK_KEY_TYPE p11_key_type_of_curve(const struct se_curve_info *curve)
{
    return curve_kinds[curve->kind];
}

static err_t load_ec(struct se_chip *chip, struct p11_key *key)
{
    autobuf point = BUF_INIT(POINT_MAX);
    uint8_t curve = 0;
    err_t e = readable(se_ec_public(chip, key->id, &point), &key->has_public);

    if (!e && key->has_public)
        e = set_point(key, buf_slice(&point));
    if (!e)
        e = se_ec_curve(chip, key->id, &curve);
    if (!e)
        key->curve = se_curve_by_id(curve);
    if (e)
        return e;
    if (!key->curve || !key->curve->oid_der.n)
        return ERR_UNSUPPORTED; /* nothing that PKCS#11 has a name for */
    key->type = curve_kinds[key->curve->kind];
    key->bits = key->curve->bits;
    return ERR_OK;
}

static err_t load_secret(struct se_chip *chip, struct p11_key *key)
{
    size_t size = 0;
    err_t e = se_object_size(chip, key->id, &size);

    key->bits = size * 8;
    return e;
}

static err_t load(struct se_chip *chip, struct p11_key *key)
{
    if (key->type == CKK_RSA)
        return load_rsa(chip, key);
    return key->type == CKK_EC ? load_ec(chip, key) : load_secret(chip, key);
}

/* One command tells whether a key that we know is still the one: does the chip show the same point? */
static bool still_there(struct se_chip *chip, const struct p11_key *known)
{
    autobuf point = BUF_INIT(POINT_MAX);
    struct slice der = buf_slice(&known->point);
    struct tlv t;

    if (!known->has_public || !known->curve || tlv_next(&der, &t) != ERR_OK)
        return false;
    return se_ec_public(chip, known->id, &point) == ERR_OK && slice_eq(buf_slice(&point), t.value);
}

static bool same(const struct p11_key *a, const struct p11_key *b)
{
    return a->type == b->type && a->has_private == b->has_private && a->has_public == b->has_public &&
           a->bits == b->bits && a->curve == b->curve && slice_eq(buf_slice(&a->n), buf_slice(&b->n)) &&
           slice_eq(buf_slice(&a->e), buf_slice(&b->e)) &&
           slice_eq(buf_slice(&a->point), buf_slice(&b->point));
}

static const struct {
    CK_KEY_TYPE key_type;
    uint8_t type;
    bool has_private;
} types[] = {
    { CKK_EC, SE_TYPE_EC_PAIR, true },
    { CKK_EC, SE_TYPE_EC_PRIVATE, true },
    { CKK_EC, SE_TYPE_EC_PUBLIC, false },
    { CKK_RSA, SE_TYPE_RSA_PAIR, true },
    { CKK_RSA, SE_TYPE_RSA_PAIR_CRT, true },
    { CKK_RSA, SE_TYPE_RSA_PRIVATE, true },
    { CKK_RSA, SE_TYPE_RSA_PRIVATE_CRT, true },
    { CKK_RSA, SE_TYPE_RSA_PUBLIC, false },
    { CKK_AES, SE_TYPE_AES, true },
    { CKK_GENERIC_SECRET, SE_TYPE_HMAC, true },
};

static err_t ask_type(struct se_chip *chip, uint32_t id, uint8_t *type)
{
    struct se_object_type answer = { 0 };
    err_t e = *type ? ERR_OK : se_object_type(chip, id, &answer);

    if (!e && !*type)
        *type = se_type_class(answer.type);
    return e;
}

err_t p11_key_load(struct se_chip *chip, uint32_t id, uint8_t type, struct p11_key *known,
                   struct p11_key **ret)
{
    size_t i = 0;

    err_t e = ask_type(chip, id, &type);
    if (e)
        return e;
    while (i < ARRAY_LEN(types) && types[i].type != type)
        i++;
    if (i == ARRAY_LEN(types))
        return ERR_UNSUPPORTED;
    if (known && known->has_private == types[i].has_private && still_there(chip, known)) {
        *ret = p11_key_ref(known);
        return ERR_OK;
    }
    auto_p11_key struct p11_key *key = new_key(id, types[i].key_type);
    if (!key)
        return ERR_NOMEM;
    key->has_private = types[i].has_private;
    e = load(chip, key);
    if (e)
        return e;
    *ret = known && same(known, key) ? p11_key_ref(known) : steal(&key);
    return ERR_OK;
}

err_t p11_key_make_rsa(uint32_t id, struct slice n, struct slice e, struct p11_key **ret)
{
    auto_p11_key struct p11_key *key = new_key(id, CKK_RSA);

    if (!key)
        return ERR_NOMEM;
    err_t err = buf_add(&key->n, n);
    if (!err)
        err = buf_add(&key->e, e);
    if (err)
        return err;
    key->has_private = key->has_public = true;
    key->bits = bit_length(n);
    *ret = steal(&key);
    return ERR_OK;
}

err_t p11_key_make_ec(uint32_t id, const struct se_curve_info *curve, struct slice point,
                      struct p11_key **ret)
{
    auto_p11_key struct p11_key *key = new_key(id, CKK_EC);

    if (!key)
        return ERR_NOMEM;
    err_t e = set_point(key, point);
    if (e)
        return e;
    key->has_private = key->has_public = true;
    key->curve = curve;
    key->bits = curve->bits;
    *ret = steal(&key);
    return ERR_OK;
}

err_t p11_key_make_secret(CK_KEY_TYPE type, struct slice value, struct p11_key **ret)
{
    auto_p11_key struct p11_key *key = new_key(0, type);

    if (!key)
        return ERR_NOMEM;
    err_t e = buf_add(&key->value, value);
    if (e)
        return e;
    key->has_private = true;
    key->bits = value.n * 8;
    *ret = steal(&key);
    return ERR_OK;
}

size_t p11_key_modulus_len(const struct p11_key *key)
{
    return (key->bits + 7) / 8;
}

size_t p11_key_ecdsa_len(const struct p11_key *key)
{
    return 2 * (size_t)key->curve->private_len;
}

err_t p11_key_public(struct p11_ossl *o, const struct p11_key *key, EVP_PKEY **ret)
{
    struct slice der = buf_slice(&key->point);
    struct tlv point;

    if (!key->has_public)
        return ERR_DENIED;
    if (key->type == CKK_RSA)
        return p11_ossl_rsa_public(o, buf_slice(&key->n), buf_slice(&key->e), ret);
    if (tlv_next(&der, &point) != ERR_OK)
        return ERR_CORRUPT; /* our own encoding: cannot happen */
    return (key->type == CKK_EC ? p11_ossl_ec_public : p11_ossl_raw_public)(o, key->curve->oid, point.value,
                                                                            ret);
}
