#include "cli/lock_copy.h"

#include "se/attribute.h"
#include "se/counter.h"
#include "se/key.h"
#include "se/object.h"
#include "se/symmetric.h"

#include <stdlib.h>
#include <string.h>

enum { RSA_COPIED_BITS = 2048, USERID_LEN = 8 };

struct copy {
    struct se_chip *from, *to;
    uint32_t id;
    size_t size; /* as ReadSize tells it */
    struct se_attributes attributes;
    struct se_write how;
};

static err_t copy_ec(const struct copy *c)
{
    uint8_t curve;
    err_t e = se_ec_curve(c->from, c->id, &curve);

    return e ? e : se_ec_generate(c->to, c->id, curve, &c->how);
}

/* Large ones take minutes on a laptop: their size does not matter here. */
static err_t copy_rsa(const struct copy *c)
{
    size_t bits = 8 * c->size < RSA_COPIED_BITS ? 8 * c->size : RSA_COPIED_BITS;

    return se_rsa_generate(c->to, c->id, bits, &c->how);
}

static err_t copy_symmetric(const struct copy *c)
{
    return se_symmetric_generate(c->to, c->id, c->attributes.type, c->size, &c->how);
}

static err_t copy_file(const struct copy *c)
{
    return se_object_create_binary(c->to, c->id, c->size, &c->how);
}

static err_t copy_userid(const struct copy *c)
{
    uint8_t value[USERID_LEN];
    err_t e = se_chip_random(c->to, value, sizeof(value));

    return e ? e : se_userid_write(c->to, c->id, SLICE_ARRAY(value), &c->how);
}

static err_t copy_counter(const struct copy *c)
{
    return se_counter_create(c->to, c->id, c->size, 0, &c->how);
}

static err_t copy_pcr(const struct copy *c)
{
    static const uint8_t zeros[SE_PCR_LEN];

    return se_pcr_create(c->to, c->id, zeros, &c->how);
}

static const struct {
    uint8_t class;
    err_t (*copy)(const struct copy *c);
} copiers[] = {
    { SE_TYPE_EC_PAIR, copy_ec },
    { SE_TYPE_EC_PRIVATE, copy_ec },
    { SE_TYPE_EC_PUBLIC, copy_ec },
    { SE_TYPE_RSA_PAIR, copy_rsa },
    { SE_TYPE_RSA_PAIR_CRT, copy_rsa },
    { SE_TYPE_RSA_PRIVATE, copy_rsa },
    { SE_TYPE_RSA_PRIVATE_CRT, copy_rsa },
    { SE_TYPE_RSA_PUBLIC, copy_rsa },
    { SE_TYPE_AES, copy_symmetric },
    { SE_TYPE_DES, copy_symmetric },
    { SE_TYPE_HMAC, copy_symmetric },
    { SE_TYPE_BINARY, copy_file },
    { SE_TYPE_USERID, copy_userid },
    { SE_TYPE_COUNTER, copy_counter },
    { SE_TYPE_PCR, copy_pcr },
};

static err_t copy_one(struct copy *c)
{
    err_t e = se_object_attributes(c->from, c->id, &c->attributes);

    if (!e)
        e = se_object_size(c->from, c->id, &c->size);
    if (e)
        return e;
    c->how = (struct se_write){ .policy = &c->attributes.policy,
                                .auth = c->attributes.auth,
                                .max_attempts = c->attributes.auth ? c->attributes.max_attempts : 0 };
    for (size_t i = 0; i < ARRAY_LEN(copiers); i++)
        if (copiers[i].class == se_type_class(c->attributes.type))
            return copiers[i].copy(c);
    return ERR_UNSUPPORTED;
}

err_t lock_copy_objects(struct se_chip *from, struct se_chip *to, uint32_t but, struct lock_copied *ret)
{
    struct copy c = { .from = from, .to = to };
    struct lock_copied copied = { 0 };
    autofree uint32_t *ids = NULL;
    size_t n = 0;
    err_t e = se_object_list(from, SE_TYPE_ALL, &ids, &n);

    for (size_t i = 0; !e && i < n; i++) {
        bool there;

        c.id = ids[i];
        e = se_object_exists(to, c.id, &there);
        if (e || there || c.id == but)
            continue; /* there: what every chip leaves the factory with */
        if (copy_one(&c))
            copied.left_out++;
        else
            copied.done++;
    }
    if (!e)
        *ret = copied;
    return e;
}
