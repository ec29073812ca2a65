/* Sessions (reference 3.1, 4.4, 4.5): opened against an authentication object, used through
 * ProcessSessionCmd. */
#include "base/mem.h"
#include "vse/authenticate.h"
#include "vse/dispatch.h"
#include "vse/secured.h"

/* ---- opening ---- */

/* How one authenticates against this object; FREE: not at all. */
static enum vse_session_kind kind_for(const struct vse_object *o)
{
    if (!o->auth)
        return VSE_SESSION_FREE;
    if (o->type == SE_TYPE_USERID)
        return VSE_SESSION_USERID;
    if (o->type == SE_TYPE_AES && o->size == VSE_SCP_KEY)
        return VSE_SESSION_AES;
    return o->type == SE_TYPE_EC_PUBLIC || o->type == SE_TYPE_EC_PAIR ? VSE_SESSION_ECKEY : VSE_SESSION_FREE;
}

static uint16_t cmd_create(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_session *s;
    struct vse_object *o;
    uint16_t sw = vse_object_for(a, c, 0, &o);

    if (sw != SE_SW_OK)
        return sw;
    if (kind_for(o) == VSE_SESSION_FREE)
        return SE_SW_CONDITIONS;
    s = vse_session_new(a, kind_for(o), o->id);
    if (!s)
        return SE_SW_CONDITIONS;
    writer_u8(out, SE_TAG_1);
    writer_u8(out, SE_SESSION_ID_LEN);
    writer_be64(out, s->id);
    return SE_SW_OK;
}

/* ---- using ---- */

static bool too_many(const struct vse_session *s)
{
    return (s->policy.rules & SE_SESSION_MAX_APDU) && s->apdus >= s->policy.max_apdus;
}

static bool too_old(const struct vse_applet *a, const struct vse_session *s)
{
    static const int64_t ms = 1000;

    return (s->policy.rules & SE_SESSION_MAX_TIME) &&
           a->now_ms() - s->started_ms >= s->policy.max_seconds * ms;
}

/* RefreshSession alone is possible in a session whose limits are reached. */
static bool expired(const struct vse_applet *a, const struct vse_session *s)
{
    return too_many(s) || too_old(a, s);
}

static uint16_t run_inner(struct vse_applet *a, struct vse_session *s, bool secured, struct slice inner,
                          struct writer *out)
{
    uint64_t id = s->id;
    uint16_t sw;

    if (!s->open || s->kind == VSE_SESSION_USERID)
        return vse_run_plain(a, s, secured, inner, out);
    sw = vse_run_secured(a, s, &s->scp, inner, out);
    s = vse_session_find(a, id);
    if (s && s->scp.state != VSE_SCP_OPEN) /* a wrong MAC ends a session that lives on its channel */
        vse_session_close(a, s);
    return sw;
}

static uint16_t cmd_process(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct slice id = vse_arg_bytes(&c->args, SE_TAG_SESSION_ID);
    struct reader r = reader_of(id);
    struct vse_session *s;

    if (id.n != SE_SESSION_ID_LEN)
        return SE_SW_WRONG_DATA;
    s = vse_session_find(a, reader_be64(&r));
    if (!s)
        return SE_SW_CONDITIONS;
    if (expired(a, s)) {
        vse_session_close(a, s);
        return SE_SW_CONDITIONS;
    }
    s->apdus += s->open;
    return run_inner(a, s, c->secured, vse_arg_bytes(&c->args, SE_TAG_1), out);
}

/* ---- UserID ---- */

static uint16_t cmd_verify_userid(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct slice value = vse_arg_bytes(&c->args, SE_TAG_1);
    uint16_t sw;

    (void)out;
    if (c->session->kind != VSE_SESSION_USERID || c->session->open)
        return SE_SW_CONDITIONS;
    if (value.n < SE_USERID_MIN || value.n > SE_USERID_MAX)
        return SE_SW_WRONG_DATA;
    sw = vse_authenticate_userid(a, c->session->auth_id, value);
    c->session->open = sw == SE_SW_OK;
    return sw;
}

/* ---- policy, refresh, close ---- */

/* len(1) AR(2) [max APDUs(2)] [max time s(2)]; what AR announces must be there and nothing else. */
static bool decode_policy(struct slice in, struct vse_session_policy *ret)
{
    struct vse_session_policy p = { 0 };
    struct reader r = reader_of(in);

    if (reader_u8(&r) != r.rest.n)
        return false;
    p.rules = reader_be16(&r);
    if (p.rules & SE_SESSION_MAX_APDU)
        p.max_apdus = reader_be16(&r);
    if (p.rules & SE_SESSION_MAX_TIME)
        p.max_seconds = reader_be16(&r);
    if (reader_done(&r) || (p.rules & ~SE_SESSION_RULES))
        return false;
    *ret = p;
    return true;
}

/* The session's limits from now on. Its use so far counts. */
static uint16_t cmd_exchange(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    (void)a;
    (void)out;
    return decode_policy(vse_arg_bytes(&c->args, SE_TAG_1), &c->session->policy) ? SE_SW_OK
                                                                                 : SE_SW_DATA_INVALID;
}

/* Counting begins anew. Needs the policy's leave; a session without policy has nothing to refresh, and may.
 */
static uint16_t cmd_refresh(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    struct vse_session *s = c->session;
    struct vse_session_policy policy = s->policy;

    (void)out;
    if (policy.rules && !(policy.rules & SE_SESSION_REFRESH))
        return SE_SW_COMMAND_NOT_ALLOWED;
    if (vse_arg_has(&c->args, SE_TAG_POLICY) &&
        !decode_policy(vse_arg_bytes(&c->args, SE_TAG_POLICY), &policy))
        return SE_SW_DATA_INVALID;
    s->policy = policy;
    s->apdus = 0;
    s->started_ms = a->now_ms();
    return SE_SW_OK;
}

static uint16_t cmd_close(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    (void)out;
    vse_session_close(a, c->session);
    return SE_SW_OK;
}

/* ---- SCP03 handshakes: the platform's in the default session, the session's own in it ---- */

static uint16_t cmd_initialize_update(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    return c->session->kind == VSE_SESSION_DEFAULT ? vse_platform_challenge(a, c, out)
                                                   : vse_session_challenge(a, c, out);
}

static uint16_t cmd_external_authenticate(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    (void)out;
    return c->session->kind == VSE_SESSION_DEFAULT ? vse_platform_authenticate(a, c)
                                                   : vse_session_authenticate(a, c);
}

static uint16_t cmd_internal_authenticate(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    return vse_session_agree(a, c, out);
}

/* ---- ---- */

enum { LOGIN = VSE_CMD_IN_SESSION | VSE_CMD_UNAUTHENTICATED | VSE_CMD_WHEN_LOCKED };

const struct vse_command vse_commands_session[] = {
    { .name = "CreateSession",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_SESSION_CREATE,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_OUTSIDE | VSE_CMD_WHEN_LOCKED,
      .must = VSE_T(1),
      .run = cmd_create },
    { .name = "ProcessSessionCmd",
      .ins = SE_INS_PROCESS,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_DEFAULT,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_OUTSIDE | VSE_CMD_WHEN_LOCKED,
      .must = VSE_T(1) | VSE_ARG_BIT(SE_TAG_SESSION_ID),
      .run = cmd_process },
    { .name = "ExchangeSessionData",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_SESSION_POLICY,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_IN_SESSION | VSE_CMD_WHEN_LOCKED,
      .must = VSE_T(1),
      .run = cmd_exchange },
    { .name = "RefreshSession",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_SESSION_REFRESH,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_IN_SESSION | VSE_CMD_WHEN_LOCKED,
      .may = VSE_ARG_BIT(SE_TAG_POLICY),
      .run = cmd_refresh },
    { .name = "CloseSession",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_SESSION_CLOSE,
      .on = VSE_ON_ALL,
      .flags = LOGIN,
      .run = cmd_close },
    { .name = "VerifySessionUserID",
      .ins = SE_INS_MGMT,
      .p1 = SE_P1_DEFAULT,
      .p2 = SE_P2_SESSION_USERID,
      .on = VSE_ON_ALL,
      .flags = LOGIN,
      .must = VSE_T(1),
      .run = cmd_verify_userid },
    { .name = "SCPInitializeUpdate",
      .ins = SE_INS_INITIALIZE_UPDATE,
      .p1_free = 0xff,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_HANDSHAKE | VSE_CMD_UNAUTHENTICATED | VSE_CMD_WHEN_LOCKED,
      .run = cmd_initialize_update },
    { .name = "SCPExternalAuthenticate",
      .ins = SE_INS_EXTERNAL_AUTHENTICATE,
      .p1_free = 0xff,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_HANDSHAKE | VSE_CMD_UNAUTHENTICATED | VSE_CMD_WHEN_LOCKED,
      .run = cmd_external_authenticate },
    { .name = "ECKeySessionInternalAuthenticate",
      .ins = SE_INS_INTERNAL_AUTHENTICATE,
      .on = VSE_ON_ALL,
      .flags = VSE_CMD_HANDSHAKE | LOGIN,
      .run = cmd_internal_authenticate },
    VSE_COMMANDS_END,
};
