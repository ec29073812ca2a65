#include "se/curve.h"

#include "base/tlv.h"
#include "se/command.h"
#include "se/curve_table.h"
#include "se/detail.h"

#include <strings.h>

const struct se_curve_info *se_curve_at(size_t i)
{
    return i < se_curve_count ? &se_curve_table[i].info : NULL;
}

static const struct se_curve_entry *entry(uint8_t id)
{
    for (size_t i = 0; i < se_curve_count; i++)
        if (se_curve_table[i].info.id == id)
            return &se_curve_table[i];
    return NULL;
}

const struct se_curve_info *se_curve_by_id(uint8_t id)
{
    const struct se_curve_entry *e = entry(id);

    return e ? &e->info : NULL;
}

static bool listed(const char *names, const char *name)
{
    size_t n = strlen(name);

    while (*names) {
        size_t len = strcspn(names, " ");

        if (len == n && strncasecmp(names, name, n) == 0)
            return true;
        names += len + strspn(names + len, " ");
    }
    return false;
}

const struct se_curve_info *se_curve_by_name(const char *name)
{
    for (size_t i = 0; i < se_curve_count; i++)
        if (strcasecmp(se_curve_table[i].info.name, name) == 0 || listed(se_curve_table[i].aliases, name))
            return &se_curve_table[i].info;
    return NULL;
}

const struct se_curve_info *se_curve_by_oid_der(struct slice oid_der)
{
    for (size_t i = 0; i < se_curve_count; i++)
        if (oid_der.n && slice_eq(se_curve_table[i].info.oid_der, oid_der))
            return &se_curve_table[i].info;
    return NULL;
}

/* ReadECCurveList answers one byte per Weierstrass curve, from id 1 on. */
static err_t parse_list(struct slice answer, bool set[SE_CURVE_WEIERSTRASS_COUNT + 1])
{
    struct slice list;

    if (se_answer_only(answer, SE_TAG_1, &list) || list.n != SE_CURVE_WEIERSTRASS_COUNT)
        return ERR_PROTO;
    for (size_t i = 0; i < list.n; i++)
        if (list.p[i] != SE_CURVE_SET && list.p[i] != SE_CURVE_NOT_SET)
            return ERR_PROTO;
    set[0] = false;
    for (size_t i = 0; i < list.n; i++)
        set[i + 1] = list.p[i] == SE_CURVE_SET;
    return ERR_OK;
}

err_t se_curve_list(struct se_chip *chip, bool ret_set[SE_CURVE_WEIERSTRASS_COUNT + 1])
{
    static const char what[] = "listing the curves";
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice answer;
    err_t e;

    se_command_init(&c, SE_INS_READ, SE_P1_CURVE, SE_P2_LIST, SE_COMMAND_ANSWER);
    e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &answer);
    if (!e && parse_list(answer, ret_set))
        e = se_command_malformed(what);
    return e;
}

static err_t create(struct se_chip *chip, uint8_t id)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_WRITE, SE_P1_CURVE, SE_P2_CREATE, SE_COMMAND_STATUS);
    tlv_put_u8(&c.w, SE_TAG_1, id);
    return se_command_status(chip, &c, "creating the curve");
}

static err_t set_param(struct se_chip *chip, uint8_t id, uint8_t param, struct slice value)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_WRITE, SE_P1_CURVE, SE_P2_PARAM, SE_COMMAND_STATUS);
    tlv_put_u8(&c.w, SE_TAG_1, id);
    tlv_put_u8(&c.w, SE_TAG_2, param);
    tlv_put(&c.w, SE_TAG_3, value);
    return se_command_status(chip, &c, "setting a curve parameter");
}

static err_t create_with_params(struct se_chip *chip, const struct se_curve_entry *curve)
{
    const struct {
        uint8_t param;
        struct slice value;
    } params[] = {
        /* in the order hosts use (reference 3.6) */
        { SE_CURVE_PARAM_A, curve->a },         { SE_CURVE_PARAM_B, curve->b },
        { SE_CURVE_PARAM_G, curve->g },         { SE_CURVE_PARAM_N, curve->n },
        { SE_CURVE_PARAM_PRIME, curve->prime },
    };
    err_t e = create(chip, curve->info.id);

    if (e == ERR_NOT_FOUND)
        e = ERR_OK; /* 6985: created before, but whoever did it never finished the parameters */
    for (size_t i = 0; !e && i < ARRAY_LEN(params); i++)
        e = set_param(chip, curve->info.id, params[i].param, params[i].value);
    return e ? se_fail_at(e, "curve %s: ", curve->info.name) : ERR_OK;
}

err_t se_curve_ensure(struct se_chip *chip, uint8_t id)
{
    const struct se_curve_entry *curve = entry(id);
    bool set[SE_CURVE_WEIERSTRASS_COUNT + 1] = { false };
    auto_hold *held = NULL;
    err_t e;

    if (!curve)
        return se_fail(ERR_UNSUPPORTED, "curve 0x%02x has no parameters here", id);
    if (curve->info.kind != SE_CURVE_WEIERSTRASS)
        return ERR_OK;
    e = se_hold(chip, &held);
    if (!e)
        e = se_curve_list(chip, set);
    return e || set[id] ? e : create_with_params(chip, curve);
}

err_t se_curve_delete(struct se_chip *chip, uint8_t id)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_MGMT, SE_P1_CURVE, SE_P2_DELETE_OBJECT, SE_COMMAND_STATUS);
    tlv_put_u8(&c.w, SE_TAG_1, id);
    return se_call_status(chip, &c, "deleting the curve");
}
