/* src/edge/function/launch.c */
#include "edge/function/launch.h"

#include "base/mem.h"
#include "edge/function/accounts.h"
#include "edge/function/environment.h"

#include <string.h>

static void close_pipes(int fds[USERLOG_FDS])
{
    for (size_t i = 0; i < USERLOG_FDS; i++)
        mem_close_fd(&fds[i]);
}

static err_t start_with(const struct launch *l, const struct group_function *f, uint64_t worker,
                        const struct environment *env, struct problem *why)
{
    struct runner_command c = environment_command(env);
    struct account who = { -1, -1 };
    int fds[USERLOG_FDS];
    err_t e = account_of(l->config, f, &who, why);

    if (e)
        return e;
    e = userlogs_pipes(l->logs, f->arn, fds);
    if (e)
        return problem_set(why, e, "no pipes for what %s prints: %s", f->arn, err_str(e));
    c.uid = who.uid;
    c.gid = who.gid;
    memcpy(c.fds, fds, sizeof(fds));
    c.fd_count = USERLOG_FDS;
    e = runner_start(l->runner, worker, &c);
    close_pipes(fds);
    return e ? problem_set(why, e, "the runner does not take %s: %s", f->arn, err_str(e)) : ERR_OK;
}

err_t launch_worker(const struct launch *l, const struct pool_start *s, struct problem *why)
{
    const struct group_function *f = l->group ? group_find_function(l->group, s->arn) : NULL;
    autofree char *dir = mem_printf("%s/%s", l->code_dir, s->arn);
    struct environment_of of = { .config = l->config,
                                 .group = l->group,
                                 .function = f,
                                 .package_dir = l->package_dir,
                                 .code_dir = dir,
                                 .path = secure_getenv("PATH"),
                                 .token = s->token };
    struct environment *env = NULL;
    err_t e;

    if (!f)
        return problem_set(why, ERR_NOT_FOUND, "%s is not in the group", s->arn);
    e = dir ? environment_new(&of, &env) : ERR_NOMEM;
    if (e)
        return problem_set(why, e, "no environment for %s: %s", s->arn,
                           e == ERR_TOO_BIG ? "its variables and arguments are too long" : err_str(e));
    e = start_with(l, f, s->worker, env, why);
    environment_free(env);
    return e;
}
