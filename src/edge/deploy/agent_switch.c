/* src/edge/deploy/agent_switch.c - the steps from the switch on, and the way back. */
#include "edge/deploy/agent_impl.h"
#include "edge/elog.h"

err_t agent_run_group(struct agent *a, const struct group *g, runtime_healthy_fn done, struct problem *why)
{
    elog_configure(g->level, g->space_kb);
    elog(ELOG_DEBUG, "Logger settings applied.", ELOG_S("level", elog_level_str(g->level)),
         ELOG_N("spaceKB", g->space_kb));
    return runtime_apply(a->o.runtime, g, store_code_dir(a->o.store), done, a, why);
}

err_t agent_switch(struct agent *a, struct problem *why)
{
    err_t e = store_switch(a->o.store, &a->ref, why);

    a->switched = e == ERR_OK;
    return e;
}

static void on_started(void *ctx, err_t e, const char *why)
{
    struct agent *a = ctx;

    if (!a->ended)
        agent_go_on(a, e, why);
}

err_t agent_start_group(struct agent *a, struct problem *why)
{
    err_t e = agent_run_group(a, a->next_group, on_started, why);

    return e ? e : ERR_MORE;
}

err_t agent_commit(struct agent *a, struct problem *why)
{
    err_t e = store_commit(a->o.store, why);

    if (e)
        return e;
    group_free(a->group);
    a->group = a->next_group;
    a->next_group = NULL;
    return ERR_OK;
}

static void on_brought_back(void *ctx, err_t e, const char *why)
{
    (void)ctx;
    if (e)
        elog(ELOG_ERROR, "The previous deployment was brought back and its functions do not all start.",
             ELOG_S("errorString", why));
    else
        elogf(ELOG_INFO, "The previous deployment was brought back and runs.");
}

void agent_bring_back(struct agent *a)
{
    struct problem why;

    if (!a->switched) {
        store_abandon(a->o.store);
        return;
    }
    if (store_rollback(a->o.store, &why))
        elog(ELOG_ERROR, "The previous deployment cannot be brought back on disk.",
             ELOG_S("errorString", why.text));
    if (agent_run_group(a, a->group, on_brought_back, &why))
        elog(ELOG_ERROR, "The previous deployment cannot be started again.", ELOG_S("errorString", why.text));
}
