#include "se/session.h"

#include "base/mem.h"
#include "base/tlv.h"
#include "se/apdu.h"
#include "se/chip_impl.h"
#include "se/command.h"
#include "se/detail.h"
#include "se/session_impl.h"

#include <unistd.h>

enum { HEADER = 4 };

/* ---- commands inside ---- */

/* A command as ProcessSessionCmd carries it: without Le, and without Lc when there is no data
 * (reference 3.1). */
static struct slice inner_form(struct slice apdu)
{
    size_t lc_len = apdu.n > HEADER + 2 && apdu.p[HEADER] == 0 ? 3 : 1;
    size_t lc = 0;

    if (apdu.n <= HEADER + lc_len)
        return slice_head(apdu, HEADER);
    lc = lc_len == 1 ? apdu.p[HEADER] : (size_t)(apdu.p[HEADER + 1] << 8 | apdu.p[HEADER + 2]);
    return slice_head(apdu, HEADER + lc_len + lc);
}

static err_t process(const struct se_session *s, struct slice inner, struct buf *out)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_PROCESS, SE_P1_DEFAULT, SE_P2_DEFAULT, SE_COMMAND_ANSWER);
    tlv_put(&c.w, SE_TAG_SESSION_ID, SLICE_ARRAY(s->id));
    tlv_put(&c.w, SE_TAG_1, inner);
    return se_command_encode(&c, out);
}

err_t se_session_wrap(struct se_session *s, struct slice apdu, struct buf *out)
{
    autobuf wrapped = BUF_SECRET(SE_APDU_MAX);
    struct slice inner = inner_form(apdu);
    err_t e = ERR_OK;

    if (s->kind != SE_AUTH_USERID) {
        e = se_scp_wrap(&s->scp, inner, &wrapped);
        inner = buf_slice(&wrapped);
    }
    if (!e)
        e = process(s, inner, out);
    return e ? se_fail(e, "session of %08x: the command is too long for the chip", s->auth_id) : ERR_OK;
}

err_t se_session_unwrap(struct se_session *s, struct slice raw, struct buf *out)
{
    err_t e = s->kind == SE_AUTH_USERID ? buf_add(out, raw) : se_scp_unwrap(&s->scp, raw, out);

    if (!e)
        return ERR_OK;
    s->open = false;
    if (e == ERR_AUTH)
        return se_fail(e, "session of %08x: the MAC of the chip's answer is wrong", s->auth_id);
    return se_fail(e, "session of %08x: the chip's answer is malformed", s->auth_id);
}

err_t se_session_say(struct se_session *s, struct slice inner, struct buf *out, uint16_t *ret_sw)
{
    autobuf apdu = BUF_SECRET(SE_APDU_MAX), raw = BUF_SECRET(SE_ANSWER_MAX);
    struct slice data;
    err_t e = process(s, inner, &apdu);

    if (!e)
        e = se_chip_exchange(s->chip, buf_slice(&apdu), &raw);
    if (!e)
        e = se_answer_split(buf_slice(&raw), &data, ret_sw);
    return e ? e : buf_add(out, data);
}

/* ---- life and death ---- */

static bool lives(const struct se_session *s)
{
    return s->open && s->generation == s->chip->path->state.generation;
}

static void died(struct se_session *s)
{
    s->open = false;
    se_scp_close(&s->scp);
}

/* CheckObjectExists is allowed to everybody about an id that always exists: it fails only where there is no
 * session. */
bool se_session_is_dead(struct se_session *s, uint16_t sw)
{
    autobuf apdu = BUF_SECRET(SE_APDU_MAX), outer = BUF_SECRET(SE_APDU_MAX), raw = BUF_SECRET(SE_ANSWER_MAX),
            plain = BUF_SECRET(SE_ANSWER_MAX);
    auto_command c = { 0 };
    struct slice data;
    err_t e;

    if (sw != SE_SW_CONDITIONS && sw != SE_SW_SECURITY_STATUS)
        return false;
    se_command_init(&c, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_EXIST, SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, SE_ID_UNIQUE_ID);
    e = se_command_encode(&c, &apdu);
    if (!e)
        e = se_session_wrap(s, buf_slice(&apdu), &outer);
    if (!e)
        e = se_chip_exchange(s->chip, buf_slice(&outer), &raw);
    if (!e)
        e = se_session_unwrap(s, buf_slice(&raw), &plain);
    if (!e)
        e = se_answer_split(buf_slice(&plain), &data, &sw);
    if (!e && sw == SE_SW_OK)
        return false;
    died(s);
    return true;
}

/* ---- opening ---- */

static err_t not_created(struct se_session *s, uint16_t sw)
{
    autobuf apdu = BUF_INIT(SE_APDU_MAX), raw = BUF_INIT(SE_ANSWER_MAX);
    auto_command c = { 0 };
    uint8_t exists = 0;
    struct slice data;

    if (sw != SE_SW_CONDITIONS && sw != SE_SW_NO_MEMORY)
        return se_fail(se_err_from_sw(sw), "session of %08x: SW %04x (%s)", s->auth_id, sw, se_sw_text(sw));
    se_command_init(&c, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_EXIST, SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, s->auth_id);
    if (se_command_encode(&c, &apdu) || se_chip_exchange(s->chip, buf_slice(&apdu), &raw) ||
        se_answer_split(buf_slice(&raw), &data, &sw) || se_answer_u8(data, SE_TAG_1, &exists))
        return se_fail(ERR_PROTO, "session of %08x: malformed answer", s->auth_id);
    if (exists == SE_RESULT_SUCCESS)
        return se_fail(
            ERR_BUSY,
            "session of %08x: the chip opens none: it is no authentication object, or no session is free",
            s->auth_id);
    return se_fail(ERR_NOT_FOUND, "session of %08x: there is no such object", s->auth_id);
}

static err_t create(struct se_session *s)
{
    autobuf apdu = BUF_INIT(SE_APDU_MAX), raw = BUF_INIT(SE_ANSWER_MAX);
    auto_command c = { 0 };
    struct slice data, id;
    uint16_t sw;
    err_t e;

    se_command_init(&c, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_SESSION_CREATE, SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, s->auth_id);
    e = se_command_encode(&c, &apdu);
    if (!e)
        e = se_chip_exchange(s->chip, buf_slice(&apdu), &raw);
    if (!e)
        e = se_answer_split(buf_slice(&raw), &data, &sw);
    if (e)
        return e;
    if (sw != SE_SW_OK)
        return not_created(s, sw);
    if (se_answer_only(data, SE_TAG_1, &id) || id.n != SE_SESSION_ID_LEN)
        return se_fail(ERR_PROTO, "session of %08x: malformed answer", s->auth_id);
    memcpy(s->id, id.p, id.n);
    return ERR_OK;
}

/* CloseSession, as far as that goes. */
static void say_close(struct se_session *s)
{
    static const uint8_t close_apdu[] = { SE_CLA_APPLET, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_SESSION_CLOSE, 0 };
    autobuf outer = BUF_SECRET(SE_APDU_MAX), raw = BUF_INIT(SE_ANSWER_MAX);

    if (s->scp.open || s->kind == SE_AUTH_USERID) {
        if (!se_session_wrap(s, SLICE_ARRAY(close_apdu), &outer))
            (void)se_chip_exchange(s->chip, buf_slice(&outer), &raw);
    } else if (!process(s, slice_head(SLICE_ARRAY(close_apdu), HEADER), &outer)) {
        (void)se_chip_exchange(s->chip, buf_slice(&outer), &raw); /* not authenticated yet: not wrapped */
    }
}

static err_t prove(struct se_session *s, struct slice secret)
{
    static err_t (*const provers[])(struct se_session * s, struct slice secret) = {
        [SE_AUTH_USERID] = se_session_prove_userid,
        [SE_AUTH_AES] = se_session_prove_aes,
        [SE_AUTH_ECKEY] = se_session_prove_eckey,
    };

    return provers[s->kind](s, secret);
}

static err_t open_once(struct se_session *s, struct slice secret)
{
    err_t e;

    died(s);
    e = create(s);
    if (e)
        return e;
    e = prove(s, secret);
    if (e == ERR_CONFLICT || e == ERR_TIMEOUT || e == ERR_UNAVAILABLE)
        return e;
    if (e) {
        char text[SE_DETAIL_MAX];

        se_detail_save(text);
        say_close(s);
        died(s);
        se_detail_restore(text);
        return e;
    }
    s->generation = s->chip->path->state.generation;
    s->open = true;
    return ERR_OK;
}

/* The chip may be reset between the steps: then all of them again, unless an attempt may have been counted.
 */
static err_t open_session(struct se_session *s, struct slice secret)
{
    err_t e = open_once(s, secret);

    if (e == ERR_CONFLICT)
        e = open_once(s, secret);
    if (e == ERR_AUTH || e == ERR_DENIED)
        s->refused = e;
    return e;
}

err_t se_session_ready(struct se_session *s)
{
    if (lives(s))
        return ERR_OK;
    if (s->refused)
        return se_fail(s->refused, "session of %08x: the chip refused its credential; it is not tried again",
                       s->auth_id);
    if (!s->secret)
        return se_fail(
            ERR_WRONG_STATE,
            "session of %08x: it ended with a reset of the chip or another program's use of it; open it anew",
            s->auth_id);
    return open_session(s, secret_expose_bytes(s->secret));
}

static bool length_fits(const struct se_auth *auth)
{
    static const struct {
        size_t min, max;
    } lengths[] = {
        [SE_AUTH_USERID] = { SE_USERID_MIN, SE_USERID_MAX },
        [SE_AUTH_AES] = { SE_AES_KEY, SE_AES_KEY },
        [SE_AUTH_ECKEY] = { SE_P256_SCALAR, SE_P256_SCALAR },
    };

    return auth->secret.n >= lengths[auth->kind].min && auth->secret.n <= lengths[auth->kind].max;
}

static void session_free(struct se_session *s)
{
    secret_free(s->secret);
    se_scp_close(&s->scp);
    se_crypt_free(s->crypt);
    mem_wipe(s, sizeof(*s));
    free(s);
}

static struct se_session *session_new(struct se_chip *chip, const struct se_auth *auth)
{
    struct se_session *s = mem_calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->chip = chip;
    s->kind = auth->kind;
    s->auth_id = auth->id;
    s->crypt = se_crypt_new();
    se_scp_init(&s->scp, s->crypt);
    if (!s->crypt || (auth->keep && secret_new(auth->secret, &s->secret))) {
        session_free(s);
        return NULL;
    }
    return s;
}

err_t se_session_open(struct se_chip *chip, const struct se_auth *auth, struct se_session **ret)
{
    struct se_session *s;
    err_t e;

    if (!length_fits(auth))
        return se_fail(ERR_INVALID, "session of %08x: a credential of %zu bytes does not fit", auth->id,
                       auth->secret.n);
    s = session_new(chip, auth);
    if (!s)
        return se_fail(ERR_NOMEM, "out of memory");
    e = se_chip_begin(chip);
    if (!e) {
        e = open_session(s, auth->secret);
        se_chip_end(chip);
    }
    if (e) {
        session_free(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

/* ---- using ---- */

void se_chip_set_session(struct se_chip *chip, struct se_session *s)
{
    if (chip->pid != getpid())
        return;
    (void)pthread_mutex_lock(&chip->mutex);
    chip->standing = s;
    (void)pthread_mutex_unlock(&chip->mutex);
}

static err_t push(struct se_session *s)
{
    struct se_chip *chip = s->chip;
    err_t e;

    if (chip->insides == SE_NESTED_SESSIONS_MAX)
        return se_fail(ERR_WRONG_STATE, "sessions are nested more than %d deep", SE_NESTED_SESSIONS_MAX);
    e = se_session_ready(s);
    if (!e)
        chip->inside[chip->insides++] = s;
    return e;
}

err_t se_session_begin(struct se_session *s)
{
    err_t e = se_chip_begin(s->chip);

    if (e)
        return e;
    e = push(s);
    if (e)
        se_chip_end(s->chip);
    return e;
}

void se_session_end(struct se_session *s)
{
    if (s->chip->pid != getpid())
        return;
    s->chip->insides--;
    se_chip_end(s->chip);
}

void se_session_close(struct se_session *s)
{
    struct se_session *standing;

    if (!s)
        return;
    standing = s->chip->pid == getpid() ? s->chip->standing : NULL;
    if (s->chip->pid == getpid()) {
        se_chip_set_session(s->chip, standing == s ? NULL : standing);
        if (s->open && !se_chip_begin(s->chip)) {
            if (lives(s))
                say_close(s);
            se_chip_end(s->chip);
        }
    }
    session_free(s);
}

/* ---- limits ---- */

static void put_limits(struct writer *w, uint8_t tag, const struct se_session_limits *l)
{
    uint8_t bytes[7];
    size_t n = 3;
    uint16_t rules = l->may_refresh ? SE_SESSION_REFRESH : 0;

    if (l->max_apdus) {
        rules |= SE_SESSION_MAX_APDU;
        bytes[n++] = (uint8_t)(l->max_apdus >> 8);
        bytes[n++] = (uint8_t)l->max_apdus;
    }
    if (l->max_seconds) {
        rules |= SE_SESSION_MAX_TIME;
        bytes[n++] = (uint8_t)(l->max_seconds >> 8);
        bytes[n++] = (uint8_t)l->max_seconds;
    }
    bytes[0] = (uint8_t)(n - 1);
    bytes[1] = (uint8_t)(rules >> 8);
    bytes[2] = (uint8_t)rules;
    tlv_put(w, tag, slice_of(bytes, n));
}

static err_t run_inside(struct se_session *s, struct se_command *c, const char *what)
{
    err_t e = se_session_begin(s);

    if (e)
        return e;
    e = se_command_status(s->chip, c, what);
    se_session_end(s);
    return e;
}

err_t se_session_limit(struct se_session *s, const struct se_session_limits *limits)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_SESSION_POLICY, SE_COMMAND_STATUS);
    put_limits(&c.w, SE_TAG_1, limits);
    return run_inside(s, &c, "limiting the session");
}

err_t se_session_refresh(struct se_session *s, const struct se_session_limits *limits)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_SESSION_REFRESH, SE_COMMAND_STATUS);
    if (limits)
        put_limits(&c.w, SE_TAG_POLICY, limits);
    return run_inside(s, &c, "refreshing the session");
}
