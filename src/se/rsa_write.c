/* RSA keys into the chip: whole import component by component, generation (reference 3.3). */
#include "se/detail.h"
#include "se/key.h"
#include "se/object.h"
#include "se/rsa_block.h"
#include "se/slow.h"
#include "se/write_start.h"

struct component {
    uint8_t tag;
    struct slice value;
};

/* One kind of key: what P1 and P2 say, what it becomes, what it is made of. */
struct form {
    uint8_t part, p2, type;
    const struct component *parts;
    size_t n;
};

static err_t send_component(struct se_chip *chip, uint32_t id, const struct form *f, size_t i, size_t bits,
                            const struct se_write *how)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_write_start(&c, (uint8_t)((bits ? f->part : 0u) | SE_P1_RSA), f->p2, id, how, bits != 0);
    se_put_be16(&c, SE_TAG_2, (uint16_t)bits);
    tlv_put(&c.w, f->parts[i].tag, f->parts[i].value);
    if (i + 1 == f->n)
        se_write_finish(&c, how);
    return se_command_status(chip, &c, se_what(what, id, "writing the RSA key"));
}

static bool known_size(size_t bits)
{
    static const uint16_t sizes[] = { 512, 1024, 1152, 2048, 3072, 4096 };

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (sizes[i] == bits)
            return true;
    return false;
}

/* Make sure that a key of this size may be written: *fresh says that it needs a new object. */
static err_t begin_key(struct se_chip *chip, uint32_t id, uint8_t type, size_t bits,
                       const struct se_write *how, struct se_chip **held, bool *fresh)
{
    err_t e;

    if (!known_size(bits))
        return se_fail(ERR_UNSUPPORTED, "object %08x: the chip has no RSA keys of %zu bits", id, bits);
    e = se_hold(chip, held);
    return e ? e : se_write_clear_way(chip, id, type, bits / 8, how, fresh);
}

/* The first command names size and part, each carries one component. The key becomes usable with the
 * last one (reference 3.3). */
static err_t import(struct se_chip *chip, uint32_t id, const struct form *f, size_t bits,
                    const struct se_write *how)
{
    auto_hold *held = NULL;
    bool fresh = false;
    err_t e;

    for (size_t i = 0; i < f->n; i++)
        if (f->parts[i].value.n == 0 || f->parts[i].value.n > SE_RSA_BYTES_MAX)
            return se_fail(ERR_INVALID, "object %08x: a part of the RSA key is missing or too long", id);
    e = begin_key(chip, id, f->type, bits, how, &held, &fresh);
    if (e)
        return e;
    for (size_t i = 0; !e && i < f->n; i++)
        e = send_component(chip, id, f, i, i == 0 && fresh ? bits : 0, how);
    if (e && fresh)
        (void)se_object_delete(chip, id); /* half a key helps nobody; e is what matters */
    return e;
}

static err_t write_crt(struct se_chip *chip, uint32_t id, const struct se_rsa_pair *key,
                       const struct se_write *how)
{
    struct slice n = se_rsa_number(key->n);
    const struct component parts[] = {
        { SE_TAG_3, key->p },    { SE_TAG_4, key->q }, { SE_TAG_5, key->dp }, { SE_TAG_6, key->dq },
        { SE_TAG_7, key->qinv }, { SE_TAG_8, key->e }, { SE_TAG_10, n },
    };
    const struct form f = { SE_P1_PAIR, SE_P2_DEFAULT, SE_TYPE_RSA_PAIR_CRT, parts, ARRAY_LEN(parts) };

    return import(chip, id, &f, n.n * 8, how);
}

static err_t write_plain(struct se_chip *chip, uint32_t id, const struct se_rsa_pair *key, uint8_t part,
                         uint8_t type, const struct se_write *how)
{
    struct slice n = se_rsa_number(key->n);
    const struct component parts[] = { { SE_TAG_10, n }, { SE_TAG_8, key->e }, { SE_TAG_9, key->d } };
    const struct form f = { part, SE_P2_RAW, type, parts, ARRAY_LEN(parts) };

    return import(chip, id, &f, n.n * 8, how);
}

err_t se_rsa_write_pair(struct se_chip *chip, uint32_t id, const struct se_rsa_pair *key,
                        const struct se_write *how)
{
    return key->p.n || !key->d.n ? write_crt(chip, id, key, how)
                                 : write_plain(chip, id, key, SE_P1_PAIR, SE_TYPE_RSA_PAIR, how);
}

err_t se_rsa_write_private(struct se_chip *chip, uint32_t id, const struct se_rsa_pair *key,
                           const struct se_write *how)
{
    const struct component parts[] = {
        { SE_TAG_3, key->p },  { SE_TAG_4, key->q },    { SE_TAG_5, key->dp },
        { SE_TAG_6, key->dq }, { SE_TAG_7, key->qinv },
    };
    const struct form crt = { SE_P1_PRIVATE, SE_P2_DEFAULT, SE_TYPE_RSA_PRIVATE_CRT, parts,
                              ARRAY_LEN(parts) };

    if (!key->p.n)
        return write_plain(chip, id, key, SE_P1_PRIVATE, SE_TYPE_RSA_PRIVATE, how);
    return import(chip, id, &crt, se_rsa_number(key->p).n * 16, how);
}

err_t se_rsa_write_public(struct se_chip *chip, uint32_t id, struct slice n, struct slice e,
                          const struct se_write *how)
{
    const struct component parts[] = { { SE_TAG_10, se_rsa_number(n) }, { SE_TAG_8, se_rsa_number(e) } };
    const struct form f = { SE_P1_PUBLIC, SE_P2_RAW, SE_TYPE_RSA_PUBLIC, parts, ARRAY_LEN(parts) };

    return import(chip, id, &f, parts[0].value.n * 8, how);
}

static err_t start_generate(struct se_chip *chip, uint32_t id, size_t bits, uint8_t type, uint8_t p2,
                            const struct se_write *how, struct se_slow **ret)
{
    char what[SE_WHAT_MAX];
    auto_hold *held = NULL;
    auto_command c = { 0 };
    bool fresh = false;
    err_t e;

    e = begin_key(chip, id, type, bits, how, &held, &fresh);
    if (e)
        return e;
    se_write_start(&c, SE_P1_PAIR | SE_P1_RSA, p2, id, how, fresh);
    if (fresh)
        tlv_put_be16(&c.w, SE_TAG_2, (uint16_t)bits);
    se_write_finish(&c, how);
    return se_slow_start(chip, &c, se_what(what, id, "generating the RSA key"), 0, ret);
}

static err_t generate(struct se_chip *chip, uint32_t id, size_t bits, uint8_t type, uint8_t p2,
                      const struct se_write *how)
{
    auto_slow *op = NULL;
    err_t e = start_generate(chip, id, bits, type, p2, how, &op);

    return e ? e : se_slow_finish(op, INT64_MAX, NULL);
}

err_t se_rsa_generate_start(struct se_chip *chip, uint32_t id, size_t bits, const struct se_write *how,
                            struct se_slow **ret)
{
    return start_generate(chip, id, bits, SE_TYPE_RSA_PAIR_CRT, SE_P2_DEFAULT, how, ret);
}

err_t se_rsa_generate(struct se_chip *chip, uint32_t id, size_t bits, const struct se_write *how)
{
    return generate(chip, id, bits, SE_TYPE_RSA_PAIR_CRT, SE_P2_DEFAULT, how);
}

err_t se_rsa_generate_plain(struct se_chip *chip, uint32_t id, size_t bits, const struct se_write *how)
{
    return generate(chip, id, bits, SE_TYPE_RSA_PAIR, SE_P2_RAW, how);
}
