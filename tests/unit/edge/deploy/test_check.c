/* Can this core run the group: each refusal names the function and what to do. EC-28. */
#include "../../cm.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/deploy/check.h"

#include <stdio.h>

#define ARN "arn:aws:lambda:us-east-1:123456789012:function:hello:7"

static char dir[64];
static struct deploydoc_artifact artifacts[] = { { "group.json", 2, "" }, { "lambda-00.zip", 9, "" } };
static struct deploydoc doc = { .artifacts = artifacts, .count = 2 };
static struct config config;

static int setup(void **state)
{
    autofree char *program = NULL, *plain = NULL;

    (void)state;
    config = (struct config){ 0 };
    (void)snprintf(dir, sizeof(dir), "/tmp/sedge-check-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    program = mem_printf("%s/python3.7", dir);
    plain = mem_printf("%s/nodejs8.10", dir);
    return file_write_durable(program, SLICE_LIT("#!"), 0755) ||
           file_write_durable(plain, SLICE_LIT("#!"), 0644);
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(dir) ? -1 : 0;
}

static struct group_function good_function(void)
{
    return (struct group_function){ .arn = (char *)(uintptr_t)ARN,
                                    .artifact = (char *)(uintptr_t) "lambda-00.zip",
                                    .handler = (char *)(uintptr_t) "a.b",
                                    .runtime = (char *)(uintptr_t) "python3.7",
                                    .uid = 1000,
                                    .gid = 1000 };
}

static err_t check(struct group_function *f, struct problem *why)
{
    struct group g = { .functions = f, .function_count = 1 };
    autofree char *path = mem_printf("/nowhere::%s:", dir);
    struct check_env env = { .config = &config, .doc = &doc, .path = path };

    return check_group(&env, &g, why);
}

static void what_runs(void **state)
{
    struct group_function f = good_function();
    struct group none = { 0 };
    struct check_env env = { .config = &config, .doc = &doc, .path = dir };
    struct problem why = { "" };

    (void)state;
    if (check(&f, &why))
        fail_msg("%s", why.text);
    f.runtime = (char *)(uintptr_t)GROUP_EXECUTABLE;
    f.handler = (char *)(uintptr_t) "bin/run";
    assert_int_equal(check(&f, &why), ERR_OK);
    assert_int_equal(check_group(&env, &none, &why), ERR_OK);
}

static const struct {
    const char *runtime, *handler, *artifact;
    int64_t uid;
    err_t want;
    const char *says;
} refused[] = {
    { "nodejs12.x", "a.b", "lambda-00.zip", -1, ERR_NOT_FOUND,
      "exec: \"nodejs12.x\": executable file not found in $PATH" },
    { "nodejs12.x", "a.b", "lambda-00.zip", -1, ERR_NOT_FOUND,
      "cannot find executable nodejs12.x under any of the provided paths" },
    { "nodejs8.10", "a.b", "lambda-00.zip", -1, ERR_NOT_FOUND,
      "make a link of that name" }, /* not executable */
    { "java8", "a.B::c", "lambda-00.zip", -1, ERR_UNSUPPORTED, "java8 is not of this release" },
    { "ruby2.7", "a.b", "lambda-00.zip", -1, ERR_UNSUPPORTED, "ruby2.7 is not known" },
    { "python3.7/../sh", "a.b", "lambda-00.zip", -1, ERR_UNSUPPORTED, "is not known" },
    { "python3.7", "a.b", "lambda-01.zip", -1, ERR_INVALID, "lambda-01.zip is not among" },
    { GROUP_EXECUTABLE, "/bin/sh", "lambda-00.zip", -1, ERR_INVALID,
      "not the name of a file in its package" },
    { GROUP_EXECUTABLE, "../sh", "lambda-00.zip", -1, ERR_INVALID, "not the name of a file in its package" },
    { GROUP_EXECUTABLE, "a/../../sh", "lambda-00.zip", -1, ERR_INVALID, "not the name of a file" },
    { "python3.7", "a.b", "lambda-00.zip", 0, ERR_DENIED,
      "lambda(s) [" ARN
      "] are configured to run as root while Greengrass is not configured to run lambdas with root "
      "permissions" },
};

static void each_refusal(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct group_function f = good_function();
        struct problem why = { "" };
        err_t e;
        f.runtime = (char *)(uintptr_t)refused[i].runtime;
        f.handler = (char *)(uintptr_t)refused[i].handler;
        f.artifact = (char *)(uintptr_t)refused[i].artifact;
        f.uid = refused[i].uid;
        e = check(&f, &why);
        print_message("  %s\n", why.text);
        if (e != refused[i].want || !strstr(why.text, refused[i].says) || !strstr(why.text, ARN))
            fail_msg("%d", (int)e);
    }
}

static void root_where_it_is_allowed(void **state)
{
    struct group_function f = good_function();
    struct problem why;

    (void)state;
    f.gid = 0;
    assert_int_equal(check(&f, &why), ERR_DENIED);
    config.allow_root_functions = true;
    assert_int_equal(check(&f, &why), ERR_OK);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = { T(what_runs), T(each_refusal), T(root_where_it_is_allowed) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
