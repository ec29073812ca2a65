/* src/edge/function/command.c */
#include "edge/function/command.h"

#include "base/mem.h"

#include <string.h>

void command_done(struct command *c)
{
    free(c->program);
    for (size_t i = 0; i < COMMAND_MAX_ARGS; i++)
        free(c->argv[i]);
    *c = (struct command){ 0 };
}

/* Takes `arg`, which may be NULL for want of memory. */
static err_t add(struct command *c, char *arg)
{
    size_t n = 0;

    while (c->argv[n])
        n++;
    if (!arg)
        return ERR_NOMEM;
    if (n == COMMAND_MAX_ARGS) {
        free(arg);
        return ERR_TOO_BIG;
    }
    c->argv[n] = arg;
    return ERR_OK;
}

/* RUNTIME SHIM --handler=H: the interpreter is looked up under exactly the runtime's name. */
static err_t interpreted(const struct group_function *f, const char *package_dir, const char *shim,
                         struct command *c)
{
    err_t e;

    c->program = mem_strdup(f->runtime);
    e = c->program ? add(c, mem_strdup(f->runtime)) : ERR_NOMEM;
    e = e ? e : add(c, mem_printf("%s/runtime/%s", package_dir, shim));
    return e ? e : add(c, mem_printf("--handler=%s", f->handler));
}

/* Below the folder it is joined to, whatever it says. */
static bool stays_inside(const char *path)
{
    if (!path[0] || path[0] == '/')
        return false;
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (!part[2] || part[2] == '/'))
            return false;
    }
    return true;
}

static err_t add_words(struct command *c, const char *text)
{
    err_t e = ERR_OK;

    while (!e && text && *(text += strspn(text, " "))) {
        size_t n = strcspn(text, " ");
        e = add(c, mem_str(slice_of(text, n)));
        text += n;
    }
    return e;
}

static err_t executable(const struct group_function *f, const char *code_dir, struct command *c,
                        struct problem *why)
{
    const char *file = f->executable ? f->executable : f->handler;
    err_t e;

    if (!stays_inside(file))
        return problem_set(why, ERR_INVALID,
                           "the executable %s of %s is not inside its package: name a file of the zip", file,
                           f->arn);
    c->program = mem_printf("%s/%s", code_dir, file);
    e = c->program ? add(c, mem_strdup(c->program)) : ERR_NOMEM;
    e = e ? e : add_words(c, f->exec_args);
    return e == ERR_TOO_BIG ? problem_set(why, ERR_INVALID, "%s has more than %d arguments in ExecArgs",
                                          f->arn, COMMAND_MAX_ARGS - 1)
                            : e;
}

static err_t make(const struct group_function *f, const char *package_dir, const char *code_dir,
                  struct command *c, struct problem *why)
{
    static const struct {
        const char *prefix, *shim;
    } shims[] = { { "python", "python/lambda_runtime.py" }, { "nodejs", "nodejs/lambda_nodejs_runtime.js" } };

    if (strcmp(f->runtime, GROUP_EXECUTABLE) == 0)
        return executable(f, code_dir, c, why);
    for (size_t i = 0; i < ARRAY_LEN(shims); i++)
        if (strncmp(f->runtime, shims[i].prefix, strlen(shims[i].prefix)) == 0)
            return interpreted(f, package_dir, shims[i].shim, c);
    return problem_set(
        why, ERR_UNSUPPORTED,
        "this core has no runtime for %s, which %s needs: python*, nodejs* and executables run", f->runtime,
        f->arn);
}

err_t command_make(const struct group_function *f, const char *package_dir, const char *code_dir,
                   struct command *ret, struct problem *why)
{
    auto_command c = { 0 };
    err_t e = make(f, package_dir, code_dir, &c, why);

    if (e == ERR_NOMEM)
        return problem_set(why, e, "out of memory");
    if (e)
        return e;
    *ret = c;
    c = (struct command){ 0 };
    return ERR_OK;
}
