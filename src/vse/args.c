#include "vse/args.h"

#include "base/reader.h"
#include "base/tlv.h"

static bool tag_known(uint8_t tag)
{
    return (tag >= SE_TAG_SESSION_ID && tag <= SE_TAG_POLICY_CHECK) || (tag >= SE_TAG_1 && tag <= SE_TAG_11);
}

err_t vse_args_decode(struct slice data, struct vse_args *ret)
{
    struct vse_args a = { 0 };
    struct tlv t;

    while (data.n) {
        if (tlv_next(&data, &t) || !tag_known(t.tag) || vse_arg_has(&a, t.tag))
            return ERR_PROTO;
        a.present |= VSE_ARG_BIT(t.tag);
        a.v[VSE_ARG_INDEX(t.tag)] = t.value;
    }
    *ret = a;
    return ERR_OK;
}

bool vse_arg_has(const struct vse_args *a, uint8_t tag)
{
    return a->present & VSE_ARG_BIT(tag);
}

struct slice vse_arg_bytes(const struct vse_args *a, uint8_t tag)
{
    return a->v[VSE_ARG_INDEX(tag)];
}

static uint32_t number(struct vse_args *a, uint8_t tag, size_t width, uint32_t def)
{
    struct slice s = vse_arg_bytes(a, tag);
    uint32_t v = 0;

    if (!vse_arg_has(a, tag))
        return def;
    if (s.n != width) {
        a->bad = true;
        return def;
    }
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

uint8_t vse_arg_u8(struct vse_args *a, uint8_t tag, uint8_t def)
{
    return (uint8_t)number(a, tag, sizeof(uint8_t), def);
}

uint16_t vse_arg_u16(struct vse_args *a, uint8_t tag, uint16_t def)
{
    return (uint16_t)number(a, tag, sizeof(uint16_t), def);
}

uint32_t vse_arg_u32(struct vse_args *a, uint8_t tag, uint32_t def)
{
    return number(a, tag, sizeof(uint32_t), def);
}
