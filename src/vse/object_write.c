/* What all writes of objects have in common. An object is changed as a copy that becomes durable and takes
 * the place of the old one, or is dropped: no half-written object is ever seen. */
#include "base/mem.h"
#include "vse/command.h"

/* MAXATT is for the types that authenticate (reference 3.3). */
static bool limits_attempts(const struct vse_call *c)
{
    uint8_t type = c->p1 & SE_P1_TYPE_MASK;

    return (c->ins & SE_INS_AUTH_OBJECT) && (type == SE_P1_USERID || type == SE_P1_AES || type == SE_P1_EC);
}

static uint16_t describe_new(struct vse_call *c, struct vse_object *o)
{
    struct slice policy = vse_arg_bytes(&c->args, SE_TAG_POLICY);

    o->transient = c->ins & SE_INS_TRANSIENT;
    o->auth = c->ins & SE_INS_AUTH_OBJECT;
    o->owner = c->session->auth_id;
    o->session = o->transient ? c->session->id : 0;
    o->max_attempts = vse_arg_u16(&c->args, SE_TAG_MAX_ATTEMPTS, 0);
    if (c->args.bad || (vse_arg_has(&c->args, SE_TAG_MAX_ATTEMPTS) && !limits_attempts(c)))
        return SE_SW_WRONG_DATA;
    if (!vse_policy_valid(policy))
        return SE_SW_DATA_INVALID;
    return buf_add(&o->policy, policy) ? SE_SW_NO_MEMORY : SE_SW_OK;
}

/* DisableObjectCreation. */
static bool restricted(const struct vse_applet *a, bool is_new)
{
    uint8_t most = is_new ? SE_RESTRICT_NEW : SE_RESTRICT_ALL;
    const struct vse_settings *s = &a->settings;

    return s->restricted >= most || s->restricted_transient >= most;
}

/* May anybody write here? Of the reserved ids only those that authenticate, and only to do that. */
static uint16_t may_write(const struct vse_applet *a, const struct vse_call *c, uint32_t id, bool is_new)
{
    if (vse_id_reserved(id) && !(vse_id_authentication(id) && (c->ins & SE_INS_AUTH_OBJECT)))
        return SE_SW_COMMAND_NOT_ALLOWED;
    return restricted(a, is_new) ? SE_SW_COMMAND_NOT_ALLOWED : SE_SW_OK;
}

static uint16_t begin_old(struct vse_call *c, const struct vse_object *old, struct vse_object **ret)
{
    if (vse_arg_has(&c->args, SE_TAG_POLICY) || vse_arg_has(&c->args, SE_TAG_MAX_ATTEMPTS))
        return SE_SW_CONDITIONS; /* both are for new objects only */
    *ret = vse_object_copy(old);
    return *ret ? SE_SW_OK : SE_SW_NO_MEMORY;
}

static uint16_t begin_new(struct vse_call *c, uint32_t id, struct vse_object **ret)
{
    auto_object *o = vse_object_new(id, 0);
    uint16_t sw = o ? describe_new(c, o) : SE_SW_NO_MEMORY;

    if (sw == SE_SW_OK)
        *ret = steal(&o);
    return sw;
}

uint16_t vse_write_begin(struct vse_applet *a, struct vse_call *c, struct vse_object **ret)
{
    uint32_t id = vse_arg_u32(&c->args, SE_TAG_1, SE_ID_NONE);
    const struct vse_object *old = vse_objects_find(&a->objects, id);
    auto_object *o = NULL;
    uint16_t sw;

    if (c->args.bad || id == SE_ID_NONE)
        return SE_SW_WRONG_DATA;
    sw = may_write(a, c, id, !old);
    if (sw == SE_SW_OK)
        sw = old ? begin_old(c, old, &o) : begin_new(c, id, &o);
    if (sw != SE_SW_OK)
        return sw;
    o->version = vse_arg_u32(&c->args, SE_TAG_11, o->version);
    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    *ret = steal(&o);
    return SE_SW_OK;
}

uint16_t vse_write_need(const struct vse_applet *a, const struct vse_call *c, const struct vse_object *o,
                        bool is_new, uint32_t right)
{
    return is_new ? SE_SW_OK : vse_policy_check(a, c, o, right);
}

uint16_t vse_write_object(struct vse_applet *a, struct vse_call *c, const struct vse_write *how)
{
    auto_object *o = NULL;
    uint16_t sw = vse_write_begin(a, c, &o);

    if (sw != SE_SW_OK)
        return sw;
    bool is_new = o->type == 0;

    sw = is_new ? how->create(a, c, o) : how->same(a, c, o);
    if (sw == SE_SW_OK && how->right)
        sw = vse_write_need(a, c, o, is_new, how->right);
    if (sw == SE_SW_OK)
        sw = how->change(a, c, o);
    return sw == SE_SW_OK ? vse_applet_commit(a, steal(&o)) : sw;
}
