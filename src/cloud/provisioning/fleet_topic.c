#include "cloud/provisioning/fleet_topic.h"

#include "base/mem.h"

#include <string.h>

#define TEMPLATES "$aws/provisioning-templates/"
#define PROVISION "/provision/"

static bool take(struct slice *s, const char *prefix)
{
    size_t n = strlen(prefix);

    if (s->n < n || memcmp(s->p, prefix, n) != 0)
        return false;
    *s = slice_skip(*s, n);
    return true;
}

/* The last level. */
static bool take_format(struct slice s, bool *ret_cbor)
{
    *ret_cbor = slice_eq(s, SLICE_LIT("cbor"));
    return *ret_cbor || slice_eq(s, SLICE_LIT("json"));
}

static bool take_template(struct slice *s, struct slice *ret)
{
    const uint8_t *end = s->n ? memchr(s->p, '/', s->n) : NULL;

    if (!end || end == s->p)
        return false;
    *ret = slice_head(*s, (size_t)(end - s->p));
    *s = slice_skip(*s, ret->n);
    return true;
}

err_t fleet_topic_parse(struct slice topic, struct fleet_topic *ret)
{
    struct fleet_topic t = { 0 };
    struct slice rest = topic;
    bool ok;

    if (take(&rest, "$aws/certificates/create/")) {
        t.op = FLEET_CREATE_KEYS;
        ok = true;
    } else if (take(&rest, "$aws/certificates/create-from-csr/")) {
        t.op = FLEET_CREATE_CSR;
        ok = true;
    } else {
        t.op = FLEET_REGISTER;
        ok = take(&rest, TEMPLATES) && take_template(&rest, &t.template) && take(&rest, PROVISION);
    }
    if (!ok || !take_format(rest, &t.cbor))
        return ERR_INVALID;
    *ret = t;
    return ERR_OK;
}
