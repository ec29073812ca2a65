#include "vse/dump.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/cert.h"
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
    [SE_TYPE_AES] = "AES key",
    [SE_TYPE_DES] = "DES key",
    [SE_TYPE_BINARY] = "binary",
    [SE_TYPE_USERID] = "UserID",
    [SE_TYPE_COUNTER] = "counter",
    [SE_TYPE_PCR] = "PCR",
    [SE_TYPE_HMAC] = "HMAC key",
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
    if (o->type == SE_TYPE_BINARY && o->size == 0)
        return buf_add_str(out, ", not made yet");
    return buf_printf(out, ", %u byte%s", (unsigned)o->size, o->size == 1 ? "" : "s");
}

/* What a user of the object meets besides its policy. */
static err_t dump_limits(const struct vse_object *o, struct buf *out)
{
    err_t e = ERR_OK;

    if (o->auth)
        e = buf_add_str(out, ", authentication");
    if (!e && o->max_attempts)
        e = buf_printf(out, " (%u of %u attempts failed)", (unsigned)o->attempts, (unsigned)o->max_attempts);
    if (!e && o->owner)
        e = buf_printf(out, ", owner 0x%08X", (unsigned)o->owner);
    if (!e && o->version)
        e = buf_printf(out, ", version %u", (unsigned)o->version);
    return e;
}

err_t vse_dump_object(const struct vse_object *o, struct buf *out)
{
    err_t e =
        buf_printf(out, "0x%08X  %s", (unsigned)o->id, name_of(type_names, ARRAY_LEN(type_names), o->type));

    if (!e)
        e = dump_size(o, out);
    if (!e)
        e = buf_printf(out, ", %s, %s", o->transient ? "transient" : "persistent",
                       name_of(origin_names, ARRAY_LEN(origin_names), o->origin));
    if (!e)
        e = dump_limits(o, out);
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

err_t vse_dump_certificate(struct slice der, struct buf *out)
{
    struct crypto_ctx *ctx = NULL;
    auto_x509 X509 *cert = NULL;
    err_t e = crypto_ctx_new(NULL, &ctx);

    if (!e)
        e = crypto_cert_parse_der(ctx, der, &cert);
    if (!e)
        e = crypto_cert_pem(cert, out);
    crypto_ctx_free(ctx);
    return e == ERR_INVALID ? ERR_CORRUPT : e;
}
