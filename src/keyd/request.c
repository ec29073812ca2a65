/* What a client asks for: may it, what does the chip get to see of it, what does the client get of the
 * answer. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tlv.h"
#include "keyd/audit.h"
#include "keyd/server.h"
#include "se/apdu.h"

#include <stdio.h>

enum { LIST_ANSWER_IDS = 200 }; /* what fits every applet's answer */

/* A PIN that is shown is a use of the object it is for. */
static void name_login(struct keyd_client *c)
{
    const struct keyd_session *session = keyd_session_find(c, c->command.session);

    if (c->command.kind == KEYD_SESSION_ONLY && c->command.apdu.p2 == SE_P2_SESSION_USERID && session)
        c->command.uses[0] = (struct keyd_use){ KEYD_LOGIN, session->object };
}

static void audit(struct keyd_client *c, enum keyd_result result, unsigned sw)
{
    keyd_audit(c->user, &c->peer, &c->command, NULL, result, sw, c->server->config.audit_denied_only);
}

/* ---- may it? ---- */

static const struct keyd_use *forbidden(const struct keyd_client *c)
{
    for (unsigned i = 0; i < c->command.count; i++) {
        const struct keyd_use *use = &c->command.uses[i];

        if (!keyd_rules_allow(&c->server->config.rules, &c->peer, use->op, use->id))
            return use;
    }
    return NULL;
}

static err_t authorise(struct keyd_client *c)
{
    const struct keyd_use *use = forbidden(c);
    char object[40] = "";

    if (!use)
        return ERR_OK;
    audit(c, KEYD_REFUSED, 0);
    if (use->id)
        (void)snprintf(object, sizeof(object), " object %08X", use->id);
    keyd_client_refuse(c, ERR_DENIED, "user %u%s%s may not %s%s: no rule in %s allows it",
                       (unsigned)c->peer.uid, c->peer.unit[0] ? " in unit " : "", c->peer.unit,
                       keyd_op_name(use->op), object, c->server->config_path);
    return ERR_DENIED;
}

static void malformed(struct keyd_client *c, err_t e)
{
    keyd_audit(c->user, &c->peer, NULL, e == ERR_DENIED ? "channel" : "malformed", KEYD_REFUSED, 0, false);
    if (e == ERR_DENIED)
        keyd_client_refuse(c, ERR_DENIED, "the command would touch the daemon's own channel to the chip");
    else
        keyd_client_refuse(c, ERR_DENIED, "the command is not spelt as docs/spec/keyd.md section 4 wants it");
}

void keyd_request_start(struct keyd_client *c)
{
    err_t e;

    if (c->begins) {
        c->in_sequence = true;
        c->interrupted = false;
        c->touched_count = 0;
    }
    e = keyd_classify(buf_slice(&c->apdu), &c->command);
    if (e) {
        malformed(c, e);
        return;
    }
    if (!authorise(c))
        keyd_turn_wait(c);
}

/* ---- what somebody else changes ---- */

static void touch(struct keyd_client *c, uint32_t id)
{
    if (id && c->touched_count < KEYD_TOUCHED_MAX)
        c->touched[c->touched_count++] = id;
}

static bool has_touched(const struct keyd_client *c, uint32_t id)
{
    for (size_t i = 0; i < c->touched_count; i++) {
        if (c->touched[i] == id)
            return true;
    }
    return c->touched_count == KEYD_TOUCHED_MAX;
}

static void interrupt_others(struct keyd_client *c, const struct keyd_use *use)
{
    for (struct keyd_client *other = c->server->clients; other; other = other->next) {
        if (other != c && other->in_sequence && (use->op == KEYD_ADMIN || has_touched(other, use->id)))
            other->interrupted = true;
    }
}

static void note_uses(struct keyd_client *c)
{
    for (unsigned i = 0; i < c->command.count; i++) {
        touch(c, c->command.uses[i].id);
        if (c->command.uses[i].op & KEYD_OPS_CHANGE)
            interrupt_others(c, &c->command.uses[i]);
    }
}

/* ---- the job ---- */

static err_t refuse_state(struct keyd_client *c, err_t e)
{
    static const struct {
        err_t e;
        const char *text;
    } texts[] = {
        { ERR_WRONG_STATE, "no crypto object of that id is this client's, or it was not initialised" },
        { ERR_BUSY, "all of the chip's sessions or crypto objects are taken" },
        { ERR_CONFLICT, "the session is gone: log in again" },
        { ERR_INVALID, "the client has a crypto object of that id already" },
    };
    const char *text = err_str(e);

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        text = texts[i].e == e ? texts[i].text : text;
    keyd_client_refuse(c, e, "%s", text);
    return e;
}

static void answer_sw(struct keyd_client *c, uint16_t sw)
{
    const uint8_t bytes[] = { (uint8_t)(sw >> 8), (uint8_t)sw };

    keyd_client_answer(c, SLICE_ARRAY(bytes));
}

/* What the daemon answers by itself. ERR_OK: it is the chip's to answer. */
static err_t answer_here(struct keyd_client *c)
{
    autobuf list = BUF_INIT(SE_ANSWER_MAX);
    err_t e;

    switch (c->command.kind) {
    case KEYD_CONTEXT_CREATE:
        e = keyd_context_create(c);
        if (e == ERR_EXISTS)
            answer_sw(c, SE_SW_OK);
        return e && e != ERR_EXISTS ? refuse_state(c, e) : e;
    case KEYD_CONTEXT_DELETE:
        e = keyd_context_delete(c);
        answer_sw(c, e ? SE_SW_CONDITIONS : SE_SW_OK);
        return ERR_EXISTS;
    case KEYD_CONTEXT_LIST:
        e = keyd_context_list(c, &list);
        if (e)
            return refuse_state(c, e);
        keyd_client_answer(c, buf_slice(&list));
        return ERR_EXISTS;
    case KEYD_CONTEXT:
        e = keyd_context_use(c);
        if (e)
            answer_sw(c, SE_SW_CONDITIONS); /* as the chip says it of an object that is not there */
        return e;
    default:
        return ERR_OK;
    }
}

static err_t prepare_session(struct keyd_client *c)
{
    struct keyd_job *job = &c->server->job;
    struct keyd_session *session;

    if (c->command.kind == KEYD_SESSION_CREATE) {
        job->bare = true;
        return keyd_session_room(c);
    }
    if (!c->command.in_session)
        return ERR_OK;
    session = keyd_session_find(c, c->command.session);
    if (!session)
        return ERR_CONFLICT;
    session->used_ms = clock_mono_ms();
    job->bare = true;
    job->generation = session->generation;
    memcpy(job->session, session->id, sizeof(job->session));
    return ERR_OK;
}

static bool sees_everything(const struct keyd_client *c)
{
    return keyd_rules_allow(&c->server->config.rules, &c->peer, KEYD_ADMIN, 0);
}

static err_t fill_command(struct keyd_client *c)
{
    struct keyd_job *job = &c->server->job;
    bool list = c->command.kind == KEYD_LIST_OBJECTS && !sees_everything(c);

    job->kind = list ? KEYD_JOB_LIST : KEYD_JOB_COMMAND;
    job->wrap = list && c->command.in_session;
    return buf_add(&job->apdu, job->wrap ? c->command.apdu.stem : buf_slice(&c->apdu));
}

static void reset_job(struct keyd_job *job)
{
    buf_clear(&job->apdu);
    buf_clear(&job->before);
    buf_clear(&job->answer);
    job->kind = KEYD_JOB_OPEN;
    job->bare = job->wrap = false;
    job->generation = 0;
    job->detail[0] = '\0';
}

static err_t prepare_hello(struct keyd_client *c)
{
    if (!c->server->known || c->server->contexts_unsure)
        return ERR_OK; /* the job that begins a sequence and reads which crypto objects there are */
    keyd_client_welcome(c);
    return ERR_EXISTS;
}

err_t keyd_request_prepare(struct keyd_client *c)
{
    err_t e;

    reset_job(&c->server->job);
    if (c->request == KEYD_REQUEST_HELLO)
        return prepare_hello(c);
    e = authorise(c); /* once more: the rules may be others than when it began to wait */
    if (e)
        return e;
    if (c->interrupted) {
        keyd_client_refuse(c, ERR_TIMEOUT,
                           "the sequence paused, and an object it uses was changed meanwhile; start it "
                           "over");
        return ERR_TIMEOUT;
    }
    e = prepare_session(c);
    if (e)
        return refuse_state(c, e);
    e = answer_here(c);
    if (e)
        return e;
    e = fill_command(c);
    return e ? refuse_state(c, e) : ERR_OK;
}

/* ---- the answer ---- */

/* A page of those the client may see, in the form of the chip's answer. */
static err_t list_answer(const struct keyd_client *c, struct slice ids, struct buf *out)
{
    struct reader from = reader_of(keyd_apdu_field(&c->command.apdu, SE_TAG_1)), r = reader_of(ids);
    size_t skip = reader_be16(&from), seen = 0;
    autobuf page = BUF_INIT(4 * LIST_ANSWER_IDS);
    struct writer w = writer_of(out);
    bool more = false;
    err_t e = ERR_OK;

    while (!e && !reader_empty(&r)) {
        uint32_t id = reader_be32(&r);

        if (!keyd_rules_see(&c->server->config.rules, &c->peer, id) || seen++ < skip)
            continue;
        more = page.n == page.max;
        e = more ? ERR_EXISTS : buf_add_be32(&page, id);
    }
    if (e && !more)
        return e;
    tlv_put_u8(&w, SE_TAG_1, more ? SE_MORE_YES : SE_MORE_NO);
    tlv_put(&w, SE_TAG_2, buf_slice(&page));
    writer_be16(&w, SE_SW_OK);
    return writer_done(&w);
}

static void finish_list(struct keyd_client *c, struct slice answer)
{
    autobuf out = BUF_INIT(SE_ANSWER_MAX);

    if (list_answer(c, slice_head(answer, answer.n - 2), &out))
        keyd_client_refuse(c, ERR_NOMEM, "no memory for the list");
    else
        keyd_client_answer(c, buf_slice(&out));
}

/* What the chip's answer means for the daemon's books. */
static void book(struct keyd_client *c, struct slice data, bool ok)
{
    switch (c->command.kind) {
    case KEYD_SESSION_CREATE:
        if (ok)
            keyd_session_opened(c, data);
        break;
    case KEYD_SESSION_CLOSE:
        if (ok)
            keyd_session_closed(c, c->command.session);
        break;
    case KEYD_CONTEXT_CREATE:
        keyd_context_created(c, ok);
        break;
    case KEYD_CONTEXT:
        keyd_context_used(c, ok);
        break;
    default:
        break;
    }
}

static void finish_command(struct keyd_client *c)
{
    struct keyd_job *job = &c->server->job;
    struct slice answer = buf_slice(&job->answer), data;
    uint16_t sw;

    if (se_answer_split(answer, &data, &sw)) {
        keyd_client_refuse(c, ERR_PROTO, "the chip's answer has no status word");
        return;
    }
    note_uses(c);
    book(c, data, sw == SE_SW_OK);
    name_login(c);
    audit(c, KEYD_ALLOWED, sw);
    if (job->kind == KEYD_JOB_LIST && sw == SE_SW_OK)
        finish_list(c, answer);
    else
        keyd_client_answer(c, answer);
}

/* Said once when the chip goes, and once when it is back. */
static void note_reach(struct keyd_server *s)
{
    bool down = s->job.err == ERR_UNAVAILABLE || s->job.err == ERR_AUTH;

    if (down && !s->down)
        log_error("the chip cannot be used: %s; clients are told, and the next request tries again",
                  s->job.detail);
    if (!down && s->down)
        log_info("the chip answers again");
    s->down = down;
    s->known = s->known || !s->job.err;
}

void keyd_request_finish(struct keyd_client *c)
{
    struct keyd_server *s = c->server;
    err_t e = s->job.err;

    note_reach(s);
    if (c->request == KEYD_REQUEST_HELLO && !e) {
        keyd_context_adopt(s, buf_slice(&s->job.answer));
        keyd_client_welcome(c);
    } else if (!e) {
        finish_command(c);
    } else {
        if (c->request == KEYD_REQUEST_COMMAND) {
            note_uses(c); /* it may have been executed */
            book(c, (struct slice){ 0 }, false);
            s->contexts_unsure = s->contexts_unsure || c->command.kind == KEYD_CONTEXT_CREATE;
            audit(c, KEYD_ALLOWED, 0);
        }
        keyd_client_refuse(c, e == ERR_AUTH ? ERR_UNAVAILABLE : e, "%s",
                           s->job.detail[0] ? s->job.detail : err_str(e));
    }
}
