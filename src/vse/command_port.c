/* Objects out of the part and back: ExportObject, ImportObject, and in from others: ImportExternalObject
 * (AN12413; reference 3.3, 3.4). Of what was exported: only the part that exported a value can take it back,
 * and only into the object it came from. */
#include "vse/apdu.h"
#include "vse/authenticate.h"
#include "vse/dispatch.h"
#include "vse/hidden.h"
#include "vse/keywrap.h"
#include "vse/secured.h"

#include "base/mem.h"
#include "base/reader.h"

enum {
    WHOLE = 0xff,    /* T2 of what is no RSA key */
    BLOB_MAX = 1024, /* more than one APDU carries */
    LENGTH_OF_PART = 2,
};

/* T2 of RSA keys: the two that ReadRSA knows, then the others in the order of the middleware's names. */
static const uint8_t rsa_components[] = { VSE_RSA_N, VSE_RSA_E,  VSE_RSA_D,  VSE_RSA_P,
                                          VSE_RSA_Q, VSE_RSA_DP, VSE_RSA_DQ, VSE_RSA_QINV };

struct ported {
    uint8_t component;    /* T2 as it came */
    unsigned first, last; /* the parts it means */
};

static uint16_t what_is_ported(struct vse_call *c, const struct vse_object *o, struct ported *ret)
{
    struct ported p = { .component = vse_arg_u8(&c->args, SE_TAG_2, WHOLE) };

    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    if (!o->transient || o->auth)
        return SE_SW_CONDITIONS;
    if (vse_object_is_rsa(o)) {
        if (p.component >= ARRAY_LEN(rsa_components))
            return SE_SW_WRONG_DATA;
        p.first = p.last = rsa_components[p.component];
    } else if (vse_object_is_ec(o) || vse_object_is_symmetric(o)) {
        if (p.component != WHOLE)
            return SE_SW_WRONG_DATA;
        p.last = vse_object_is_ec(o) ? VSE_EC_PUBLIC : VSE_DATA;
    } else {
        return SE_SW_CONDITIONS; /* keys only */
    }
    *ret = p;
    return SE_SW_OK;
}

/* What a blob belongs to. */
static err_t describe(const struct vse_object *o, const struct ported *p, struct buf *out)
{
    struct writer w = writer_of(out);

    writer_be32(&w, o->id);
    writer_u8(&w, o->type);
    writer_u8(&w, o->curve);
    writer_be16(&w, o->size);
    writer_u8(&w, p->component);
    return writer_done(&w);
}

/* ---- out ---- */

static uint16_t gather(const struct vse_object *o, const struct ported *p, struct buf *out)
{
    struct writer w = writer_of(out);
    size_t n = 0;

    for (unsigned i = p->first; i <= p->last; i++) {
        struct slice part = vse_object_part(o, i);
        writer_be16(&w, (uint16_t)part.n);
        writer_bytes(&w, part);
        n += part.n;
    }
    if (n == 0) /* never written, or gone at a reset */
        return SE_SW_CONDITIONS;
    return writer_done(&w) ? SE_SW_WRONG_LENGTH : SE_SW_OK;
}

static uint16_t export_object(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf about = BUF_INIT(BLOB_MAX), plain = BUF_SECRET(BLOB_MAX), blob = BUF_INIT(2 * BLOB_MAX);
    struct slice key = { 0 };
    struct vse_object *o;
    struct ported p;
    uint16_t sw = vse_object_for(a, c, SE_POLICY_IMPORT_EXPORT, &o);
    err_t e;

    if (sw == SE_SW_OK)
        sw = what_is_ported(c, o, &p);
    if (sw == SE_SW_OK)
        sw = gather(o, &p, &plain);
    if (sw != SE_SW_OK)
        return sw;
    e = vse_hidden_export_key(a, &key);
    if (!e)
        e = describe(o, &p, &about);
    if (!e)
        e = vse_blob_seal(key, buf_slice(&about), buf_slice(&plain), &blob);
    if (e)
        return vse_sw_from_err(e);
    tlv_put(out, SE_TAG_1, buf_slice(&blob));
    return SE_SW_OK;
}

/* ---- back ---- */

static err_t scatter(struct vse_object *o, const struct ported *p, struct slice plain)
{
    struct reader r = reader_of(plain);
    err_t e = ERR_OK;

    for (unsigned i = p->first; i <= p->last && !e; i++) {
        struct slice part = reader_bytes(&r, reader_be16(&r));
        e = reader_ok(&r) ? ERR_INVALID : vse_object_set(o, i, part);
    }
    return e ? e : reader_done(&r);
}

static uint16_t import_object(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf about = BUF_INIT(BLOB_MAX), plain = BUF_SECRET(2 * BLOB_MAX);
    auto_object *o = NULL;
    struct slice key = { 0 };
    struct ported p;
    uint16_t sw = vse_write_begin(a, c, &o);
    err_t e;

    (void)out;
    if (sw == SE_SW_OK && o->type == 0)
        sw = SE_SW_CONDITIONS; /* only what was exported, whose entry is still there */
    if (sw == SE_SW_OK)
        sw = vse_write_need(a, c, o, false, SE_POLICY_IMPORT_EXPORT);
    if (sw == SE_SW_OK)
        sw = what_is_ported(c, o, &p);
    if (sw != SE_SW_OK)
        return sw;
    e = vse_hidden_export_key(a, &key);
    if (!e)
        e = describe(o, &p, &about);
    if (!e)
        e = vse_blob_open(key, buf_slice(&about), vse_arg_bytes(&c->args, SE_TAG_3), &plain);
    if (!e)
        e = scatter(o, &p, buf_slice(&plain));
    if (e)
        return e == ERR_AUTH ? SE_SW_WRONG_DATA : vse_sw_from_err(e);
    return vse_applet_commit(a, steal(&o));
}

/* ---- ImportExternalObject ---- */

/* T1 is one of the writes of an object, whole, wrapped for the channel. */
static bool is_object_write(struct slice apdu)
{
    uint8_t type;

    if (apdu.n < VSE_APDU_HEADER)
        return false;
    type = apdu.p[2] & SE_P1_TYPE_MASK;
    return apdu.p[0] == SE_CLA_SECURED && (apdu.p[1] & SE_INS_MASK) == SE_INS_WRITE && type >= SE_P1_EC &&
           type <= SE_P1_PCR;
}

static uint16_t import_external(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint32_t host = vse_arg_u32(&c->args, SE_TAG_IMPORT_AUTH_KEY_ID, SE_ID_NONE);
    struct slice apdu = vse_arg_bytes(&c->args, SE_TAG_1);
    struct vse_session session = { .kind = VSE_SESSION_ECKEY, .auth_id = host, .open = true };
    autobuf answer = BUF_SECRET(SE_ANSWER_MAX); /* its R-MAC is for nobody */
    struct writer w = writer_of(&answer);
    uint16_t sw;

    (void)out;
    if (c->args.bad || !is_object_write(apdu))
        return SE_SW_WRONG_DATA;
    sw = vse_external_agree(a, vse_arg_bytes(&c->args, SE_TAG_IMPORT_AUTH_DATA), host, &session.scp);
    if (sw == SE_SW_OK)
        sw = vse_run_secured(a, &session, &session.scp, apdu, &w);
    vse_scp_close(&session.scp);
    return sw;
}

const struct vse_command vse_commands_port[] = {
    { .name = "ExportObject",
      .ins = SE_INS_READ,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_EXPORT,
      .on = VSE_ON_ALL,
      .must = VSE_T(1) | VSE_T(2),
      .run = export_object },
    { .name = "ImportObject",
      .ins = SE_INS_WRITE,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_IMPORT,
      .on = VSE_ON_ALL,
      .must = VSE_T(1) | VSE_T(3),
      .may = VSE_T(2),
      .run = import_object },
    { .name = "ImportExternalObject",
      .ins = SE_INS_IMPORT_EXTERNAL,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_DEFAULT,
      .on = VSE_ON_ALL,
      .must = VSE_T(1) | VSE_ARG_BIT(SE_TAG_IMPORT_AUTH_DATA) | VSE_ARG_BIT(SE_TAG_IMPORT_AUTH_KEY_ID),
      .run = import_external },
    VSE_COMMANDS_END,
};
