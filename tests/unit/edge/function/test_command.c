/* FN-15: how a worker is called. */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/function/command.h"

#include <string.h>

static void each_runtime(void **state)
{
    static const struct {
        const char *runtime, *handler, *executable, *args;
        err_t want;
        const char *program, *line;
    } cases[] = {
        { "python3.7", "hello.handler", NULL, NULL, ERR_OK, "python3.7",
          "python3.7|/pkg/runtime/python/lambda_runtime.py|--handler=hello.handler|" },
        { "nodejs12.x", "index.handler", NULL, "ignored", ERR_OK, "nodejs12.x",
          "nodejs12.x|/pkg/runtime/nodejs/lambda_nodejs_runtime.js|--handler=index.handler|" },
        { "python3.8", "a b;c", NULL, NULL, ERR_OK, "python3.8",
          "python3.8|/pkg/runtime/python/lambda_runtime.py|--handler=a b;c|" }, /* no shell anywhere */
        { GROUP_EXECUTABLE, "hello", NULL, NULL, ERR_OK, "/code/hello", "/code/hello|" },
        { GROUP_EXECUTABLE, "bin/..hello", NULL, NULL, ERR_OK, "/code/bin/..hello", "/code/bin/..hello|" },
        { GROUP_EXECUTABLE, "hello", "other", " -v  --to=x ", ERR_OK, "/code/other",
          "/code/other|-v|--to=x|" },
        { GROUP_EXECUTABLE, "../hello", NULL, NULL, ERR_INVALID, NULL, "not inside its package" },
        { GROUP_EXECUTABLE, "a/../../hello", NULL, NULL, ERR_INVALID, NULL, "not inside its package" },
        { GROUP_EXECUTABLE, "a/..", NULL, NULL, ERR_INVALID, NULL, "not inside its package" },
        { GROUP_EXECUTABLE, "/bin/sh", NULL, NULL, ERR_INVALID, NULL, "not inside its package" },
        { GROUP_EXECUTABLE, "", NULL, NULL, ERR_INVALID, NULL, "not inside its package" },
        { GROUP_EXECUTABLE, "x", NULL, "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2",
          ERR_INVALID, NULL, "more than 31 arguments" },
        { "java8", "a.B::c", NULL, NULL, ERR_UNSUPPORTED, NULL, "no runtime for java8" },
        { "", "x", NULL, NULL, ERR_UNSUPPORTED, NULL, "no runtime for" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct group_function f = { .arn = (char[]){ "arn" },
                                    .runtime = mem_strdup(cases[i].runtime),
                                    .handler = mem_strdup(cases[i].handler),
                                    .executable =
                                        cases[i].executable ? mem_strdup(cases[i].executable) : NULL,
                                    .exec_args = cases[i].args ? mem_strdup(cases[i].args) : NULL };
        auto_command c = { 0 };
        autobuf line = BUF_INIT(1000);
        struct problem why = { "" };
        assert_int_equal(command_make(&f, "/pkg", "/code", &c, &why), cases[i].want);
        for (size_t a = 0; c.argv[a]; a++)
            assert_int_equal(buf_printf(&line, "%s|", c.argv[a]), ERR_OK);
        if (cases[i].want)
            assert_non_null(strstr(why.text, cases[i].line));
        else {
            assert_string_equal(c.program, cases[i].program);
            assert_string_equal(buf_str(&line), cases[i].line);
        }
        if (cases[i].want)
            assert_null(c.program);
        free(f.runtime);
        free(f.handler);
        free(f.executable);
        free(f.exec_args);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_runtime) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
