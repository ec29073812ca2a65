#include "vse/dump.h"

#include "base/hex.h"
#include "base/mem.h"
#include "vse/applet.h"
#include "vse/curve.h"

#include <openssl/objects.h>

static const char *const type_names[] = {
    [SE_TYPE_EC_PAIR] = "EC key pair",
    [SE_TYPE_EC_PRIVATE] = "EC private key",
    [SE_TYPE_EC_PUBLIC] = "EC public key",
    [SE_TYPE_RSA_PAIR] = "RSA key pair",
    [SE_TYPE_RSA_PAIR_CRT] = "RSA key pair (CRT)",
    [SE_TYPE_RSA_PRIVATE] = "RSA private key",
    [SE_TYPE_RSA_PRIVATE_CRT] = "RSA private key (CRT)",
    [SE_TYPE_RSA_PUBLIC] = "RSA public key",
    [SE_TYPE_BINARY] = "binary",
};

static const char *const origin_names[] = {
    [VSE_ORIGIN_EXTERNAL] = "imported",
    [VSE_ORIGIN_INTERNAL] = "generated",
    [VSE_ORIGIN_PROVISIONED] = "provisioned",
};

static const char *name_of(const char *const *names, size_t n, unsigned i)
{
    return i < n && names[i] ? names[i] : "unknown";
}

static const char *curve_name(uint8_t id)
{
    const struct vse_curve *c = vse_curve_find(id);

    return c ? OBJ_nid2sn(c->nid) : "unknown";
}

static err_t dump_size(const struct vse_object *o, struct buf *out)
{
    if (vse_object_is_ec(o))
        return buf_printf(out, ", %s", curve_name(o->curve));
    if (vse_object_is_rsa(o))
        return buf_printf(out, ", %u bits", (unsigned)o->size);
    return buf_printf(out, ", %u bytes", (unsigned)o->size);
}

err_t vse_dump_object(const struct vse_object *o, struct buf *out)
{
    err_t e =
        buf_printf(out, "0x%08X  %s", (unsigned)o->id, name_of(type_names, ARRAY_LEN(type_names), o->type));

    if (!e)
        e = dump_size(o, out);
    if (!e)
        e = buf_printf(out, ", %s, %s%s", o->transient ? "transient" : "persistent",
                       name_of(origin_names, ARRAY_LEN(origin_names), o->origin),
                       o->auth ? ", authentication" : "");
    if (!e && o->policy.n) {
        e = buf_add_str(out, ", policy ");
        if (!e)
            e = hex_encode(out, buf_slice(&o->policy));
    }
    return e ? e : buf_add_str(out, "\n");
}

err_t vse_dump_curve(uint8_t id, uint8_t params, struct buf *out)
{
    bool whole = params == (VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL);

    return buf_printf(out, "curve 0x%02X  %s%s\n", (unsigned)id, curve_name(id), whole ? "" : ", incomplete");
}
