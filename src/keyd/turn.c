/* Who is next. The one whose turn it is keeps it to the end of its sequence, unless it pauses, or goes on for
 * very long, while others wait: then they come first, and it goes on where it was when its turn comes again.
 * Nothing is lost by that but exclusiveness: what somebody else changed meanwhile is noticed (request.c). */
#include "base/clock.h"
#include "base/mem.h"
#include "keyd/server.h"

static bool waits(const struct keyd_client *c)
{
    return c->waiting.queued;
}

static bool turn_is_long(const struct keyd_server *s, int64_t now_ms)
{
    return s->turn_commands >= KEYD_TURN_COMMANDS || now_ms - s->turn_since_ms > KEYD_TURN_MS;
}

static void give_turn(struct keyd_server *s, struct keyd_client *c)
{
    s->holder = c;
    s->turn_commands = 0;
    s->turn_since_ms = clock_mono_ms();
}

/* The holder's next command; the others' when it has none, or had enough. NULL: nobody, or wait a moment. */
static struct keyd_client *choose(struct keyd_server *s)
{
    struct keyd_client *c = s->holder;
    int64_t now_ms = clock_mono_ms();
    struct keyd_waiting *w;

    if (c && waits(c) && !turn_is_long(s, now_ms)) {
        keyd_users_forget(&s->users, c->user, &c->waiting);
        return c;
    }
    if (c && !waits(c) && s->users.waiting && now_ms - s->turn_used_ms < KEYD_GAP_MS) {
        net_timer_set(s->gap, KEYD_GAP_MS - (now_ms - s->turn_used_ms));
        return NULL;
    }
    w = keyd_users_next(&s->users);
    if (!w)
        return NULL;
    c = CONTAINER_OF(w, struct keyd_client, waiting);
    give_turn(s, c);
    return c;
}

static void start_job(struct keyd_server *s, struct keyd_client *c)
{
    s->busy = true;
    s->running = c;
    keyd_worker_do(s->worker, &s->job);
}

static bool close_orphan(struct keyd_server *s)
{
    struct keyd_session *orphan = keyd_session_orphan(s);

    if (!orphan || keyd_session_close_job(s, orphan))
        return false;
    s->closing = orphan;
    start_job(s, NULL);
    return true;
}

void keyd_turn_next(struct keyd_server *s)
{
    struct keyd_client *c;

    if (s->busy || s->over || close_orphan(s))
        return;
    while (!s->busy && (c = choose(s))) {
        s->turn_commands++;
        if (!keyd_request_prepare(c))
            start_job(s, c);
    }
}

void keyd_turn_wait(struct keyd_client *c)
{
    keyd_users_wait(&c->server->users, c->user, &c->waiting);
    keyd_turn_next(c->server);
}

void keyd_turn_end(struct keyd_client *c)
{
    struct keyd_server *s = c->server;

    c->in_sequence = false;
    if (s->holder != c)
        return;
    s->holder = NULL;
    keyd_turn_next(s);
}

void keyd_turn_gap(void *server)
{
    keyd_turn_next(server);
}

/* The chip came to a new life: what it kept for clients is gone. */
static void take_state(struct keyd_server *s)
{
    bool reset = s->known && s->state.generation != s->job.state.generation;

    s->state = s->job.state;
    if (reset)
        keyd_session_lost(s);
}

void keyd_turn_done(void *server)
{
    struct keyd_server *s = server;
    struct keyd_client *c = s->running;

    if (s->over)
        return;
    s->running = NULL;
    s->turn_used_ms = clock_mono_ms();
    take_state(s);
    if (s->closing) {
        s->closing->open = false;
        s->closing = NULL;
    }
    if (c)
        keyd_request_finish(c);
    if (c && c->gone)
        keyd_client_free(c);
    if (s->holder && !s->holder->in_sequence)
        s->holder = NULL;
    buf_clear(&s->job.apdu);
    buf_clear(&s->job.answer);
    buf_clear(&s->job.before);
    s->busy = false; /* only now: what was called above must not begin the next job over this one */
    keyd_turn_next(s);
}
