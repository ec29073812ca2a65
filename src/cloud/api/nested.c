#include "cloud/api/nested.h"

#include "base/mem.h"
#include "cloud/registry/members.h"

#include <stdio.h>

static err_t prepare(const struct api_call *c, const struct api_nested *n, struct api_call *sub)
{
    err_t e = ERR_OK;

    sub->db = c->db;
    sub->now_ms = c->now_ms;
    (void)snprintf(sub->region, sizeof(sub->region), "%s", c->region);
    sub->body = n->body ? n->body : json_object();
    if (!sub->body)
        return ERR_NOMEM;
    for (size_t i = 0; !e && i < API_NESTED_PARAMS_MAX && n->params[i].name; i++)
        e = api_call_add(sub, n->params[i].name, n->params[i].value);
    return e;
}

static void take_error(struct api_call *c, struct api_call *sub)
{
    json_decref(c->error_members);
    c->error = sub->error;
    c->error_members = steal(&sub->error_members);
    memcpy(c->message, sub->message, sizeof(c->message));
}

err_t api_nested_run(struct api_call *c, const struct api_nested *n, json_t **ret)
{
    struct api_call sub;
    err_t e;

    api_call_init(&sub, c->env, c->op);
    sub.effects = c->effects; /* lent: what the handler adds comes behind ours */
    c->effects = (struct effects){ 0 };
    if (!(e = prepare(c, n, &sub)) && !(e = members_check(&sub)))
        e = n->run(&sub);
    if (e)
        take_error(c, &sub);
    else if (ret)
        *ret = sub.reply ? json_incref(sub.reply) : json_object();
    c->effects = sub.effects;
    sub.effects = (struct effects){ 0 };
    api_call_done(&sub);
    return !e && ret && !*ret ? ERR_NOMEM : e;
}

void api_nested_forget(struct api_call *c)
{
    json_decref(c->error_members);
    c->error_members = NULL;
    c->error = API_OK;
    c->message[0] = 0;
}
