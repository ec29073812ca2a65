#include "keyd/login.h"

#include "base/tlv.h"
#include "se/apdu.h"
#include "se/detail.h"

err_t keyd_exchange(struct se_path *path, struct slice apdu, struct slice *ret_answer)
{
    err_t e = path->ops->send(path, apdu);

    if (!e)
        e = path->ops->receive(path, INT64_MAX, ret_answer);
    return e;
}

err_t keyd_session_wrap(const uint8_t session[SE_SESSION_ID_LEN], struct slice stem, struct buf *out)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_PROCESS, SE_P1_DEFAULT, SE_P2_DEFAULT, SE_COMMAND_EXT_ANSWER);
    tlv_put(&c.w, SE_TAG_SESSION_ID, slice_of(session, SE_SESSION_ID_LEN));
    tlv_put(&c.w, SE_TAG_1, stem);
    return se_command_encode(&c, out);
}

/* A command whose answer must be 9000; ERR_AUTH otherwise. */
static err_t must(struct se_path *path, struct slice apdu, const char *what, struct slice *ret_data)
{
    struct slice raw;
    uint16_t sw;
    err_t e = keyd_exchange(path, apdu, &raw);

    if (e)
        return se_fail_at(e, "%s: ", what);
    if (se_answer_split(raw, ret_data, &sw))
        return se_fail(ERR_PROTO, "%s: no status word", what);
    return sw == SE_SW_OK ? ERR_OK : se_fail(ERR_AUTH, "%s: SW %04x (%s)", what, sw, se_sw_text(sw));
}

static err_t create(struct keyd_login *l, struct se_path *path)
{
    autobuf apdu = BUF_INIT(SE_APDU_MAX);
    auto_command c = { 0 };
    struct slice data = { 0 }, id;
    err_t e;

    se_command_init(&c, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_SESSION_CREATE, SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, l->object);
    e = se_command_encode(&c, &apdu);
    if (!e)
        e = must(path, buf_slice(&apdu), "opening the session of the PIN object", &data);
    if (e)
        return e;
    if (se_answer_only(data, SE_TAG_1, &id) || id.n != SE_SESSION_ID_LEN)
        return se_fail(ERR_PROTO, "opening the session of the PIN object: malformed answer");
    memcpy(l->session, id.p, id.n);
    return ERR_OK;
}

static err_t verify(struct keyd_login *l, struct se_path *path)
{
    struct slice pin = secret_expose_bytes(l->pin), data; /* to the chip, nowhere else */
    autobuf inner = BUF_SECRET(64), apdu = BUF_SECRET(SE_APDU_MAX);
    struct writer w = writer_of(&inner);
    const uint8_t head[] = { SE_CLA_APPLET, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_SESSION_USERID,
                             (uint8_t)(pin.n + 2) };
    err_t e;

    writer_bytes(&w, SLICE_ARRAY(head));
    tlv_put(&w, SE_TAG_1, pin);
    e = writer_done(&w);
    if (!e)
        e = keyd_session_wrap(l->session, buf_slice(&inner), &apdu);
    if (!e)
        e = must(path, buf_slice(&apdu), "logging in with the daemon's PIN", &data);
    l->refused = e == ERR_AUTH;
    return e;
}

err_t keyd_login_ensure(struct keyd_login *l, struct se_path *path)
{
    err_t e;

    if (l->generation == path->state.generation)
        return ERR_OK;
    if (l->refused)
        return se_fail(
            ERR_AUTH, "the chip refused the daemon's PIN; it is not tried again before a restart, so that it "
                      "is not locked: mend `pin` or `pin-object` in keyd.conf");
    l->generation = 0;
    e = create(l, path);
    if (!e)
        e = verify(l, path);
    if (!e)
        l->generation = path->state.generation;
    return e;
}
