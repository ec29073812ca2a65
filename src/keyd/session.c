/* The chip has two sessions for applications, and any number of clients may log in: whoever used his longest
 * ago loses it, and logs in again when he needs it. A session is its client's: nobody else can name it. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/tlv.h"
#include "keyd/login.h"
#include "keyd/server.h"
#include "se/apdu.h"

static size_t places(const struct keyd_server *s)
{
    return KEYD_SESSIONS_MAX - (s->pin != NULL); /* the daemon's own is one */
}

struct keyd_session *keyd_session_find(const struct keyd_client *c, struct slice id)
{
    for (size_t i = 0; i < places(c->server); i++) {
        struct keyd_session *at = &c->server->sessions[i];

        if (at->open && at->owner == c && slice_eq(id, SLICE_ARRAY(at->id)))
            return at;
    }
    return NULL;
}

static struct keyd_session *free_place(struct keyd_server *s)
{
    for (size_t i = 0; i < places(s); i++) {
        if (!s->sessions[i].open)
            return &s->sessions[i];
    }
    return NULL;
}

/* Somebody else's that was used longest ago; NULL: none. */
static struct keyd_session *oldest_other(struct keyd_client *c)
{
    struct keyd_session *oldest = NULL;

    for (size_t i = 0; i < places(c->server); i++) {
        struct keyd_session *at = &c->server->sessions[i];

        if (at->owner != c && (!oldest || at->used_ms < oldest->used_ms))
            oldest = at;
    }
    return oldest;
}

/* CloseSession inside the session. */
static err_t close_command(const struct keyd_session *session, struct buf *out)
{
    static const uint8_t stem[] = { SE_CLA_APPLET, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_SESSION_CLOSE };

    return keyd_session_wrap(session->id, SLICE_ARRAY(stem), out);
}

static void take_away(struct keyd_session *session)
{
    if (session->owner)
        session->owner->generation++;
    session->owner = NULL;
    session->open = false;
}

err_t keyd_session_room(struct keyd_client *c)
{
    struct keyd_session *victim;
    err_t e;

    if (free_place(c->server))
        return ERR_OK;
    victim = oldest_other(c);
    if (!victim)
        return ERR_BUSY;
    e = close_command(victim, &c->server->job.before);
    if (!e)
        take_away(victim);
    return e;
}

void keyd_session_opened(struct keyd_client *c, struct slice answer)
{
    struct keyd_session *place = free_place(c->server);
    struct slice id;

    if (!place || se_answer_only(answer, SE_TAG_1, &id) || id.n != SE_SESSION_ID_LEN)
        return;
    place->owner = c;
    place->open = true;
    place->object = c->command.uses[0].id;
    place->generation = c->server->state.generation;
    place->used_ms = clock_mono_ms();
    memcpy(place->id, id.p, id.n);
}

void keyd_session_closed(struct keyd_client *c, struct slice id)
{
    struct keyd_session *session = keyd_session_find(c, id);

    if (session) /* not after a reset in between */
        session->open = false;
}

void keyd_session_release(struct keyd_client *c)
{
    for (size_t i = 0; i < KEYD_SESSIONS_MAX; i++) {
        if (c->server->sessions[i].owner == c)
            c->server->sessions[i].owner = NULL;
    }
}

struct keyd_session *keyd_session_orphan(struct keyd_server *s)
{
    for (size_t i = 0; i < KEYD_SESSIONS_MAX; i++) {
        if (s->sessions[i].open && !s->sessions[i].owner)
            return &s->sessions[i];
    }
    return NULL;
}

err_t keyd_session_close_job(struct keyd_server *s, struct keyd_session *session)
{
    buf_clear(&s->job.apdu);
    buf_clear(&s->job.before);
    s->job.kind = KEYD_JOB_COMMAND;
    s->job.bare = true;
    s->job.wrap = false;
    s->job.generation = session->generation;
    return close_command(session, &s->job.apdu);
}

void keyd_session_lost(struct keyd_server *s)
{
    for (size_t i = 0; i < KEYD_SESSIONS_MAX; i++)
        s->sessions[i].open = false;
    for (struct keyd_client *c = s->clients; c; c = c->next)
        c->generation++;
    for (size_t i = 0; i < KEYD_CONTEXTS_MAX; i++)
        s->contexts[i].ready = false;
}
