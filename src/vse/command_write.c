/* Writing EC keys, RSA keys and files (AN12413). */
#include "base/mem.h"
#include "vse/command.h"
#include "vse/curve.h"
#include "vse/dispatch.h"
#include "vse/keys.h"

enum { RSA_E_MAX = 8 };

/* The type for P1's key part: pair, private, public; 0 for none. */
static uint8_t type_of_part(uint8_t p1, uint8_t pair, uint8_t private, uint8_t public)
{
    switch (p1 & SE_P1_PART_MASK) {
    case SE_P1_PAIR:
        return pair;
    case SE_P1_PRIVATE:
        return private;
    case SE_P1_PUBLIC:
        return public;
    default:
        return 0;
    }
}

/* ---- EC ---- */

static uint16_t ec_create(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    o->type = type_of_part(c->p1, SE_TYPE_EC_PAIR, SE_TYPE_EC_PRIVATE, SE_TYPE_EC_PUBLIC);
    o->curve = vse_arg_u8(&c->args, SE_TAG_2, 0);
    if (!o->type)
        return SE_SW_WRONG_P1P2;
    if (c->args.bad || !vse_curve_find(o->curve))
        return SE_SW_WRONG_DATA;
    return vse_curve_usable(a, o->curve) ? SE_SW_OK : SE_SW_CONDITIONS;
}

static uint16_t ec_same(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    uint8_t curve = vse_arg_u8(&c->args, SE_TAG_2, o->curve);

    return vse_object_is_ec(o) && !c->args.bad && curve == o->curve ? SE_SW_OK : SE_SW_CONDITIONS;
}

/* A pair takes both values, a private or public key its own. */
static bool ec_values_fit(const struct vse_call *c, const struct vse_object *o)
{
    bool private = vse_arg_has(&c->args, SE_TAG_3), public = vse_arg_has(&c->args, SE_TAG_4);

    return private == (o->type != SE_TYPE_EC_PUBLIC) && public == (o->type != SE_TYPE_EC_PRIVATE);
}

/* Points travel uncompressed only. */
static err_t ec_set_point(struct vse_object *o, struct slice point)
{
    static const uint8_t uncompressed = 0x04;

    const struct vse_curve *curve = vse_curve_find(o->curve);

    if (point.n != vse_curve_public_bytes(curve) ||
        (vse_curve_is_weierstrass(curve) && point.p[0] != uncompressed))
        return ERR_INVALID;
    return vse_object_set(o, VSE_EC_PUBLIC, point);
}

static uint16_t ec_import(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    size_t n = vse_curve_find(o->curve)->bytes;
    err_t e = ERR_OK;

    if (!ec_values_fit(c, o))
        return SE_SW_WRONG_DATA;
    if (o->type != SE_TYPE_EC_PUBLIC)
        e = vse_object_set_number(o, VSE_EC_PRIVATE, vse_arg_bytes(&c->args, SE_TAG_3), n);
    if (!e && o->type != SE_TYPE_EC_PRIVATE)
        e = ec_set_point(o, vse_arg_bytes(&c->args, SE_TAG_4));
    if (!e)
        e = vse_ec_check(o);
    o->origin = VSE_ORIGIN_EXTERNAL;
    return vse_sw_from_err(e == ERR_WRONG_STATE ? ERR_INVALID : e); /* an empty value */
}

static uint16_t ec_generate(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    if (o->type != SE_TYPE_EC_PAIR)
        return SE_SW_WRONG_DATA;
    o->origin = VSE_ORIGIN_INTERNAL;
    return vse_sw_from_err(vse_ec_generate(o));
}

static uint16_t write_ec(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    bool generate = !vse_arg_has(&c->args, SE_TAG_3) && !vse_arg_has(&c->args, SE_TAG_4);
    struct vse_write how = { .create = ec_create,
                             .same = ec_same,
                             .right = generate ? SE_POLICY_GENERATE : SE_POLICY_WRITE,
                             .change = generate ? ec_generate : ec_import };

    (void)out;
    return vse_write_object(a, c, &how);
}

/* ---- RSA ---- */

#define PART(p) (1u << VSE_RSA_##p)

enum {
    PUBLIC_PARTS = PART(N) | PART(E),
    CRT_PARTS = PART(P) | PART(Q) | PART(DP) | PART(DQ) | PART(QINV),
};

/* Which components make a key of this type whole; others are refused. */
static const struct {
    uint8_t type;
    uint32_t parts;
} rsa_parts[] = {
    { SE_TYPE_RSA_PAIR, PUBLIC_PARTS | PART(D) },
    { SE_TYPE_RSA_PAIR_CRT, PUBLIC_PARTS | CRT_PARTS },
    { SE_TYPE_RSA_PRIVATE, PUBLIC_PARTS | PART(D) },
    { SE_TYPE_RSA_PRIVATE_CRT, CRT_PARTS },
    { SE_TYPE_RSA_PUBLIC, PUBLIC_PARTS },
};

static uint32_t rsa_wanted(uint8_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(rsa_parts); i++)
        if (rsa_parts[i].type == type)
            return rsa_parts[i].parts;
    return 0;
}

static bool rsa_whole(const struct vse_object *o)
{
    uint32_t have = 0;

    for (unsigned i = 0; i < VSE_PARTS; i++)
        have |= vse_object_part(o, i).n ? 1u << i : 0;
    return (have & rsa_wanted(o->type)) == rsa_wanted(o->type);
}

/* An import that is under way. The factory's keys that nobody has wanted yet are none. */
static bool rsa_unfinished(const struct vse_object *o)
{
    return !rsa_whole(o) && o->origin != VSE_ORIGIN_PROVISIONED;
}

static uint16_t rsa_create(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    bool raw = c->p2 == SE_P2_RAW;

    o->type = raw ? type_of_part(c->p1, SE_TYPE_RSA_PAIR, SE_TYPE_RSA_PRIVATE, SE_TYPE_RSA_PUBLIC)
                  : type_of_part(c->p1, SE_TYPE_RSA_PAIR_CRT, SE_TYPE_RSA_PRIVATE_CRT, SE_TYPE_RSA_PUBLIC);
    o->size = vse_arg_u16(&c->args, SE_TAG_2, 0);
    if (!o->type)
        return SE_SW_WRONG_P1P2;
    return c->args.bad || !vse_rsa_bits_valid(o->size) ? SE_SW_WRONG_DATA : SE_SW_OK;
}

/* The one component this command carries: VSE_PARTS when none, VSE_PARTS + 1 when several. */
static unsigned rsa_component(const struct vse_call *c)
{
    unsigned found = VSE_PARTS;

    for (unsigned i = 0; i < VSE_PARTS; i++)
        if (vse_arg_has(&c->args, (uint8_t)(SE_TAG_3 + i)))
            found = found == VSE_PARTS ? i : VSE_PARTS + 1;
    return found;
}

/* A key whose import is under way asks for no right. */
static uint16_t rsa_same(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    uint32_t right = rsa_component(c) == VSE_PARTS ? SE_POLICY_GENERATE : SE_POLICY_WRITE;

    if (!vse_object_is_rsa(o) || vse_arg_u16(&c->args, SE_TAG_2, o->size) != o->size || c->args.bad)
        return SE_SW_CONDITIONS;
    return vse_write_need(a, c, o, rsa_unfinished(o), right);
}

static size_t rsa_part_size(const struct vse_object *o, unsigned part, struct slice value)
{
    if (part == VSE_RSA_E) {
        while (value.n && value.p[0] == 0)
            value = slice_skip(value, 1);
        return value.n < RSA_E_MAX ? value.n : RSA_E_MAX;
    }
    return part == VSE_RSA_N || part == VSE_RSA_D ? o->size / 8 : o->size / 16;
}

static bool rsa_part_sound(const struct vse_object *o, unsigned part)
{
    struct slice v = vse_object_part(o, part);

    if (v.n == 0)
        return false;
    if (part == VSE_RSA_N)
        return (v.p[0] & 0x80) && (v.p[v.n - 1] & 1);
    return part != VSE_RSA_E || ((v.p[v.n - 1] & 1) && (v.n > 1 || v.p[0] > 1));
}

/* Components come one command at a time. The first one for a whole key ends that key: old and new parts
 * never work together. Until the new key is whole nobody's right to write is asked again. */
static uint16_t rsa_import(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    unsigned part = rsa_component(c);
    struct slice value = vse_arg_bytes(&c->args, (uint8_t)(SE_TAG_3 + part));
    err_t e;

    if (!(rsa_wanted(o->type) & 1u << part))
        return SE_SW_WRONG_DATA;
    if (rsa_whole(o))
        vse_object_clear(o);
    e = vse_object_set_number(o, part, value, rsa_part_size(o, part, value));
    o->origin = VSE_ORIGIN_EXTERNAL;
    if (!e && !rsa_part_sound(o, part))
        e = ERR_INVALID;
    return vse_sw_from_err(e);
}

static uint16_t rsa_generate(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    err_t e;

    if (o->type != SE_TYPE_RSA_PAIR && o->type != SE_TYPE_RSA_PAIR_CRT)
        return SE_SW_WRONG_DATA;
    o->origin = VSE_ORIGIN_INTERNAL;
    e = vse_rsa_generate(o);
    for (unsigned i = 0; i < VSE_PARTS && !e; i++)
        if (!(rsa_wanted(o->type) & 1u << i))
            e = vse_object_set(o, i, (struct slice){ 0 });
    return vse_sw_from_err(e);
}

static uint16_t write_rsa(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    unsigned part = rsa_component(c);
    struct vse_write how = { .create = rsa_create,
                             .same = rsa_same,
                             .change = part == VSE_PARTS ? rsa_generate : rsa_import };

    (void)out;
    return part > VSE_PARTS ? SE_SW_WRONG_DATA : vse_write_object(a, c, &how);
}

/* ---- binary files ---- */

static uint16_t binary_create(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    o->type = SE_TYPE_BINARY;
    o->size = vse_arg_u16(&c->args, SE_TAG_3, 0);
    return c->args.bad || o->size == 0 || o->size > SE_BINARY_MAX ? SE_SW_WRONG_DATA : SE_SW_OK;
}

static uint16_t binary_same(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    uint16_t size = vse_arg_u16(&c->args, SE_TAG_3, o->size);

    return o->type == SE_TYPE_BINARY && !c->args.bad && size == o->size ? SE_SW_OK : SE_SW_CONDITIONS;
}

static uint16_t binary_put(struct vse_applet *a, struct vse_call *c, struct vse_object *o)
{
    size_t offset = vse_arg_u16(&c->args, SE_TAG_2, 0);
    struct slice data = vse_arg_bytes(&c->args, SE_TAG_4);
    err_t e = ERR_OK;

    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    if (offset + data.n > o->size)
        return SE_SW_CONDITIONS;
    if (o->part[VSE_DATA].n == 0) /* fresh, or a transient one after a reset */
        e = vse_object_set_number(o, VSE_DATA, (struct slice){ 0 }, o->size);
    if (e)
        return vse_sw_from_err(e);
    if (data.n)
        memcpy(o->part[VSE_DATA].p + offset, data.p, data.n);
    return SE_SW_OK;
}

static uint16_t write_binary(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    static const struct vse_write how = { binary_create, binary_same, SE_POLICY_WRITE, binary_put };

    (void)out;
    return vse_write_object(a, c, &how);
}

/* ---- ---- */

enum {
    RSA_PARTS = VSE_T(3) | VSE_T(4) | VSE_T(5) | VSE_T(6) | VSE_T(7) | VSE_T(8) | VSE_T(9) | VSE_T(10),
    ANY_EC = SE_CONFIG_ECDSA_ECDH | SE_CONFIG_EDDSA | SE_CONFIG_DH_MONT,
};

/* clang-format off */
const struct vse_command vse_commands_write[] = {
    { .name = "WriteECKey", .ins = SE_INS_WRITE, .ins_free = SE_INS_TRANSIENT | SE_INS_AUTH_OBJECT,
      .p1 = SE_P1_EC, .p1_free = VSE_P1_ANY_PART, .p2 = SE_P2_DEFAULT, .on = VSE_ON_ALL, .feature = ANY_EC,
      .must = VSE_T(1), .may = VSE_NEW_AUTH | VSE_T(2) | VSE_T(3) | VSE_T(4), .may_7x = VSE_WRITE_7X,
      .run = write_ec },
    { .name = "WriteRSAKey", .ins = SE_INS_WRITE, .ins_free = SE_INS_TRANSIENT, .p1 = SE_P1_RSA,
      .p1_free = VSE_P1_ANY_PART, .p2 = SE_P2_DEFAULT, .on = VSE_ON_ALL, .feature = SE_CONFIG_RSA_CRT,
      .must = VSE_T(1), .may = VSE_NEW | VSE_T(2) | RSA_PARTS, .may_7x = VSE_WRITE_7X,
      .run = write_rsa },
    { .name = "WriteRSAKey raw", .ins = SE_INS_WRITE, .ins_free = SE_INS_TRANSIENT, .p1 = SE_P1_RSA,
      .p1_free = VSE_P1_ANY_PART, .p2 = SE_P2_RAW, .on = VSE_ON_ALL, .feature = SE_CONFIG_RSA_PLAIN,
      .must = VSE_T(1), .may = VSE_NEW | VSE_T(2) | RSA_PARTS, .may_7x = VSE_WRITE_7X,
      .run = write_rsa },
    { .name = "WriteBinary", .ins = SE_INS_WRITE, .ins_free = SE_INS_TRANSIENT, .p1 = SE_P1_BINARY,
      .p2 = SE_P2_DEFAULT, .on = VSE_ON_ALL, .must = VSE_T(1),
      .may = VSE_NEW | VSE_T(2) | VSE_T(3) | VSE_T(4), .may_7x = VSE_WRITE_7X, .run = write_binary },
    VSE_COMMANDS_END,
};
/* clang-format on */
