/* How a session proves its credential: a UserID's value, or the SCP03 handshake with an AES key. */
#include "base/tlv.h"
#include "se/apdu.h"
#include "se/detail.h"
#include "se/session_impl.h"

err_t se_session_judged(const struct se_session *s, uint16_t sw)
{
    switch (sw) {
    case SE_SW_OK:
        return ERR_OK;
    case SE_SW_SECURITY_STATUS:
        return se_fail(ERR_AUTH, "session of %08x: the credential is wrong, and the chip counts it",
                       s->auth_id);
    case SE_SW_AUTH_BLOCKED:
        return se_fail(ERR_DENIED, "session of %08x: blocked after too many wrong credentials", s->auth_id);
    case SE_SW_CONDITIONS:
        return se_fail(ERR_NOT_FOUND, "session of %08x: status 6985: not an object for this kind of session",
                       s->auth_id);
    default:
        return se_fail(se_err_from_sw(sw), "session of %08x: SW %04x (%s)", s->auth_id, sw, se_sw_text(sw));
    }
}

/* One step of a proof. After VerifySessionUserID the chip may have counted an attempt though its answer was
 * lost. */
static err_t step(struct se_session *s, const struct buf *inner, struct buf *answer)
{
    uint16_t sw = 0;
    err_t e = se_session_say(s, buf_slice(inner), answer, &sw);

    return e ? e : se_session_judged(s, sw);
}

err_t se_session_prove_userid(struct se_session *s, struct slice value)
{
    autobuf inner = BUF_SECRET(SE_APDU_MAX), none = BUF_INIT(SE_ANSWER_MAX);
    auto_command c = { 0 };
    err_t e;

    se_command_init(&c, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_SESSION_USERID, SE_COMMAND_STATUS);
    tlv_put(&c.w, SE_TAG_1, value);
    e = se_command_encode(&c, &inner);
    return e ? e : step(s, &inner, &none);
}

err_t se_session_prove_aes(struct se_session *s, struct slice key)
{
    autobuf inner = BUF_SECRET(SE_APDU_MAX), answer = BUF_INIT(SE_ANSWER_MAX);
    struct se_keyset set = { 0 };
    size_t which = 0;
    err_t e = se_scp_initialize(&s->scp, SE_SCP_SESSION_VERSION, &inner);

    if (!e)
        e = step(s, &inner, &answer);
    if (e)
        return e;
    memcpy(set.enc, key.p, SE_AES_KEY);
    memcpy(set.mac, key.p, SE_AES_KEY);
    buf_clear(&inner);
    e = se_scp_authenticate(&s->scp, &set, 1, true, buf_slice(&answer), &which, &inner);
    mem_wipe(&set, sizeof(set));
    if (e == ERR_AUTH)
        return se_fail(e, "session of %08x: the AES key is not the chip's", s->auth_id);
    if (e)
        return se_fail(e, "session of %08x: malformed answer to INITIALIZE UPDATE", s->auth_id);
    buf_clear(&answer);
    return step(s, &inner, &answer);
}
