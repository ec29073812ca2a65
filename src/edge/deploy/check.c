/* src/edge/deploy/check.c - a table of rules, each for one function. */
#include "edge/deploy/check.h"

#include "base/mem.h"
#include "edge/function/accounts.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

bool check_is_executable(const struct group_function *f)
{
    return strcmp(f->runtime, GROUP_EXECUTABLE) == 0;
}

/* ---- runtimes ---- */

static err_t refuse_runtime(const struct group_function *f, const char *what, struct problem *why)
{
    return problem_set(
        why, ERR_UNSUPPORTED,
        "function %s: the runtime %.64s %s; set FunctionRuntimeOverride or the Lambda's runtime to "
        "one of python*, nodejs* or %s and deploy again",
        f->arn, f->runtime, what, GROUP_EXECUTABLE);
}

/* It is looked for on PATH, so it is a name and no path. */
static bool is_plain_name(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.")] == '\0';
}

static err_t check_runtime(const struct check_env *env, const struct group_function *f, struct problem *why)
{
    (void)env;
    if (check_is_executable(f))
        return ERR_OK;
    if (strncmp(f->runtime, "java", 4) == 0)
        return refuse_runtime(f, "is not of this release of the core", why);
    if ((strncmp(f->runtime, "python", 6) != 0 && strncmp(f->runtime, "nodejs", 6) != 0) ||
        !is_plain_name(f->runtime))
        return refuse_runtime(f, "is not known", why);
    return ERR_OK;
}

static bool is_program(const char *folder, size_t n, const char *name)
{
    autofree char *file = mem_printf("%.*s/%s", (int)n, folder, name);
    struct stat st;

    return file && stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0;
}

static bool on_path(const char *path, const char *name)
{
    for (size_t n; *path; path += n + (path[n] == ':')) {
        n = strcspn(path, ":");
        if (n && is_program(path, n, name))
            return true;
    }
    return false;
}

static err_t check_interpreter(const struct check_env *env, const struct group_function *f,
                               struct problem *why)
{
    const char *path = env->path && *env->path ? env->path : DEFAULT_PATH;

    if (check_is_executable(f) || on_path(path, f->runtime))
        return ERR_OK;
    return problem_set(
        why, ERR_NOT_FOUND,
        "function %s: exec: \"%s\": executable file not found in $PATH; unable to create worker "
        "process for %s. cannot find executable %s under any of the provided paths; install it, or "
        "make a link of that name to an interpreter that is installed, in one of %s",
        f->arn, f->runtime, f->arn, f->runtime, path);
}

/* ---- its package ---- */

static err_t check_artifact(const struct check_env *env, const struct group_function *f, struct problem *why)
{
    if (deploydoc_find(env->doc, f->artifact))
        return ERR_OK;
    return problem_set(why, ERR_INVALID,
                       "function %s: its code %.128s is not among the deployment's artifacts", f->arn,
                       f->artifact);
}

/* An executable's handler is a file of its package, and only of that. */
static err_t check_handler(const struct check_env *env, const struct group_function *f, struct problem *why)
{
    (void)env;
    if (!check_is_executable(f) ||
        (f->handler[0] != '/' && f->handler[0] != '.' && !strstr(f->handler, "/.")))
        return ERR_OK;
    return problem_set(
        why, ERR_INVALID,
        "function %s: the handler %.200s is not the name of a file in its package; correct the "
        "function's Executable and deploy again",
        f->arn, f->handler);
}

/* ---- as whom ---- */

static err_t check_account(const struct check_env *env, const struct group_function *f, struct problem *why)
{
    struct problem inner = { "" };
    struct account account;
    err_t e = account_of(env->config, f, &account, &inner);

    return e ? problem_set(why, e, "function %s: %s", f->arn, inner.text) : ERR_OK;
}

/* ---- the whole group ---- */

/* V1 names them all. */
static err_t check_root(const struct check_env *env, const struct group *g, struct problem *why)
{
    autobuf arns = BUF_INIT(GROUP_MAX_BYTES);

    for (size_t i = 0; i < g->function_count && !env->config->allow_root_functions; i++)
        if ((g->functions[i].uid == 0 || g->functions[i].gid == 0) &&
            buf_printf(&arns, "%s%s", arns.n ? " " : "", g->functions[i].arn))
            return problem_set(why, ERR_NOMEM, "out of memory");
    if (arns.n == 0)
        return ERR_OK;
    return problem_set(
        why, ERR_DENIED,
        "lambda(s) [%.600s] are configured to run as root while Greengrass is not configured to run "
        "lambdas with root permissions; give them another RunAs, or set "
        "runtime.allowFunctionsToRunAsRoot to yes in config.json and restart",
        buf_str(&arns));
}

static err_t (*const rules[])(const struct check_env *, const struct group_function *, struct problem *) = {
    check_runtime, check_interpreter, check_artifact, check_handler, check_account,
};

err_t check_group(const struct check_env *env, const struct group *g, struct problem *why)
{
    err_t e = check_root(env, g, why);

    for (size_t i = 0; i < g->function_count && !e; i++)
        for (size_t k = 0; k < ARRAY_LEN(rules) && !e; k++)
            e = rules[k](env, &g->functions[i], why);
    return e;
}
