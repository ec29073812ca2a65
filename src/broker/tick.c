#include "broker/internal.h"

/* Deadlines, once a second: everything that waits has one. */

#define SWEEP_MS 60000 /* looking for retained messages that have expired */

static bool older(int64_t now_ms, int64_t since_ms, int64_t limit_ms)
{
    return now_ms - since_ms > limit_ms;
}

static void check_answers(struct conn *c, int64_t now_ms)
{
    int64_t limit = (int64_t)c->b->o.config.answer_timeout_s * 1000;

    if (c->ticket && older(now_ms, c->asked_ms, limit))
        conn_doom(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED, "the authority did not answer in time");
    if (c->owed_head && older(now_ms, c->owed_head->since_ms, limit))
        conn_doom(c, BROKER_WHY_SERVER_ERROR, MQTT_RC_UNSPECIFIED,
                  "an acknowledgement was not ready in time");
}

static void check_output(struct conn *c, int64_t now_ms)
{
    if (!conn_output_full(c))
        c->over_soft_ms = 0;
    else if (!c->over_soft_ms)
        c->over_soft_ms = now_ms;
    else if (older(now_ms, c->over_soft_ms, (int64_t)c->b->o.config.output_stall_s * 1000))
        conn_doom(c, BROKER_WHY_THROTTLED, 0, "the client reads too slowly");
}

static void tick_conn(struct conn *c, int64_t now_ms)
{
    const struct broker_config *cf = &c->b->o.config;

    check_answers(c, now_ms);
    if (c->state == CONN_NEW && !c->ticket &&
        older(now_ms, c->started_ms, (int64_t)cf->connect_timeout_s * 1000))
        conn_doom(c, BROKER_WHY_CLIENT_ERROR, 0, "no CONNECT that could be taken within %u s",
                  cf->connect_timeout_s);
    if (!conn_up(c))
        return;
    check_output(c, now_ms);
    /* [MQTT-3.1.2-24] (3.1.1), [MQTT-3.1.2-22] (5.0): one and a half times the keep-alive */
    if (c->keep_alive_s && !c->paused && older(now_ms, c->last_rx_ms, (int64_t)c->keep_alive_s * 1500))
        conn_doom(c, BROKER_WHY_KEEP_ALIVE, MQTT_RC_KEEP_ALIVE_TIMEOUT, "silent for more than 1.5 times %u s",
                  c->keep_alive_s);
    conn_new_second(c);
    session_give_up(c->session);
    if (conn_up(c))
        session_pump(c->session);
    conn_flow(c);
}

static void tick_session(struct session *s, int64_t wall_ms)
{
    if (s->conn)
        return;
    if (s->will && wall_ms >= s->will_due_ms)
        session_publish_will(s);
    if (wall_ms >= s->ends_ms)
        session_end(s);
}

/* CONNECTs over their client id's rate, in the order of their coming: the newest wins in the end. */
static void wake_new(struct broker *b)
{
    for (struct conn *c = b->oldest; c; c = c->newer) {
        if (!c->waits)
            continue;
        conn_new_second(c);
        conn_flow(c);
    }
}

void broker_tick(struct broker *b)
{
    int64_t now_ms = broker_mono(b), wall_ms = broker_wall(b);

    broker_new_second(b);
    broker_enter(b);
    wake_new(b);
    for (struct conn *c = b->conns; c; c = c->next)
        tick_conn(c, now_ms);
    for (struct session *s = b->session_list, *next; s; s = next) {
        next = s->next;
        tick_session(s, wall_ms);
    }
    if (now_ms - b->swept_ms > SWEEP_MS) {
        b->swept_ms = now_ms;
        retain_expire(b);
    }
    broker_leave(b);
}
