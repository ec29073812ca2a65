#include "broker/internal.h"

/* What there is to know about one client: its connection, its session, its subscriptions. */

err_t broker_client_find(const struct broker *b, struct slice client_id, struct broker_client *ret)
{
    const struct session *s = session_find(b, client_id);
    bool up = s && conn_up(s->conn);

    if (!s)
        return ERR_NOT_FOUND;
    *ret = (struct broker_client){
        .connected = up,
        .persistent = session_persistent(s),
        .expiry_s = s->expiry_s,
        .ends_ms = s->ends_ms,
        .keep_alive_s = up ? s->conn->keep_alive_s : 0,
        .subscriptions = s->n_subs,
    };
    return ERR_OK;
}

void broker_client_subscriptions(const struct broker *b, struct slice client_id, broker_subscription_fn fn,
                                 void *ctx)
{
    const struct session *s = session_find(b, client_id);

    for (const struct sub *sub = s ? s->subs : NULL; sub; sub = sub->next)
        fn(ctx, sub->filter, sub->qos);
}

err_t broker_client_forget(struct broker *b, struct slice client_id)
{
    struct session *s = session_find(b, client_id);

    if (!s)
        return ERR_NOT_FOUND;
    if (s->conn)
        return ERR_WRONG_STATE;
    broker_enter(b);
    session_end(s);
    broker_leave(b);
    return ERR_OK;
}
