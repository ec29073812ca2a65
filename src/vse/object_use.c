/* Asking for an object: is it there, and may this command use it? */
#include "base/mem.h"
#include "vse/command.h"
#include "vse/provision.h"

static bool pcr_is(const void *ctx, uint32_t id, struct slice value)
{
    const struct vse_applet *a = ctx;
    const struct vse_object *o = vse_objects_find(&a->objects, id);

    return o && o->type == SE_TYPE_PCR && slice_eq(vse_object_part(o, VSE_DATA), value);
}

struct vse_policy_who vse_call_who(const struct vse_applet *a, const struct vse_call *c)
{
    return (struct vse_policy_who){ c->session->auth_id, c->secured, pcr_is, a };
}

/* The applet's own objects are read, or used by the applet itself; nobody changes them. */
static bool own_object(const struct vse_object *o)
{
    return vse_id_reserved(o->id) && !vse_id_authentication(o->id);
}

/* The rights that make sense at all: of its type, and an authentication object is for that alone. */
static bool type_has(const struct vse_object *o, uint32_t right)
{
    static const uint32_t keeping = SE_POLICY_READ | SE_POLICY_WRITE | SE_POLICY_GENERATE | SE_POLICY_DELETE;

    return (vse_policy_rights_of(o->type) & right) && (!o->auth || (right & keeping));
}

uint16_t vse_policy_check(const struct vse_applet *a, const struct vse_call *c, const struct vse_object *o,
                          uint32_t right)
{
    struct vse_policy_who who = vse_call_who(a, c);
    struct slice set = buf_slice(&o->policy);

    if (own_object(o) && right != SE_POLICY_READ)
        return SE_SW_COMMAND_NOT_ALLOWED;
    if (!type_has(o, right))
        return SE_SW_CONDITIONS;
    if (set.n && !vse_policy_gives(set, right, &who))
        return SE_SW_COMMAND_NOT_ALLOWED;
    /* A transient value belongs to the session it was made in; the entry may be deleted by others. */
    if (o->session && o->session != c->session->id && right != SE_POLICY_DELETE)
        return SE_SW_CONDITIONS;
    return SE_SW_OK;
}

uint16_t vse_object_by_id(struct vse_applet *a, const struct vse_call *c, uint32_t id, uint32_t right,
                          struct vse_object **ret)
{
    struct vse_object *o = vse_objects_find(&a->objects, id);
    uint16_t sw = SE_SW_OK;

    if (!o)
        return SE_SW_CONDITIONS;
    if (right)
        sw = vse_policy_check(a, c, o, right);
    if (right && sw == SE_SW_OK)
        sw = vse_object_ripe(a, &o);
    if (sw == SE_SW_OK)
        *ret = o;
    return sw;
}

uint16_t vse_object_ripe(struct vse_applet *a, struct vse_object **o)
{
    uint32_t id = (*o)->id;
    err_t e = (*o)->origin == VSE_ORIGIN_PROVISIONED ? vse_provision_ripen(a, id) : ERR_OK;

    if (e)
        return vse_sw_from_err(e);
    *o = vse_objects_find(&a->objects, id);
    return SE_SW_OK;
}

uint16_t vse_object_at(struct vse_applet *a, struct vse_call *c, uint8_t tag, uint32_t right,
                       struct vse_object **ret)
{
    uint32_t id = vse_arg_u32(&c->args, tag, SE_ID_NONE);

    return c->args.bad ? SE_SW_WRONG_DATA : vse_object_by_id(a, c, id, right, ret);
}

uint16_t vse_object_for(struct vse_applet *a, struct vse_call *c, uint32_t right, struct vse_object **ret)
{
    return vse_object_at(a, c, SE_TAG_1, right, ret);
}
