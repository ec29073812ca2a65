/* The counter of failed attempts: kept with the object, durable before the attempt's outcome is known. */
#include "base/mem.h"
#include "vse/authenticate.h"

enum { ATTEMPTS_TOLD_MAX = 0xffff }; /* two bytes in the attributes */

static uint16_t set_attempts(struct vse_applet *a, const struct vse_object *o, uint16_t n)
{
    auto_object *copy = NULL;

    if (o->attempts == n)
        return SE_SW_OK;
    copy = vse_object_copy(o);
    if (!copy)
        return SE_SW_NO_MEMORY;
    copy->attempts = n;
    return vse_applet_commit(a, steal(&copy));
}

static const struct vse_object *authentication_object(const struct vse_applet *a, uint32_t id)
{
    const struct vse_object *o = vse_objects_find(&a->objects, id);

    return o && o->auth ? o : NULL;
}

uint16_t vse_attempt_begin(struct vse_applet *a, uint32_t id, const struct vse_object **ret)
{
    const struct vse_object *o = authentication_object(a, id);
    uint16_t sw = SE_SW_OK;

    if (!o)
        return SE_SW_CONDITIONS;
    if (o->max_attempts && o->attempts >= o->max_attempts)
        return SE_SW_AUTH_BLOCKED;
    if (o->max_attempts)
        sw = set_attempts(a, o, o->attempts + 1);
    if (sw == SE_SW_OK)
        *ret = authentication_object(a, id);
    return sw;
}

uint16_t vse_attempt_end(struct vse_applet *a, uint32_t id, bool good)
{
    const struct vse_object *o = authentication_object(a, id);

    if (!o)
        return SE_SW_CONDITIONS;
    if (good)
        return set_attempts(a, o, 0);
    if (!o->max_attempts && o->attempts < ATTEMPTS_TOLD_MAX)
        return set_attempts(a, o, o->attempts + 1);
    return SE_SW_OK;
}
