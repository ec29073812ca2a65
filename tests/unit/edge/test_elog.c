/* V1's line format to the byte, and the file: levels and space. */
#include "../cm.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/elog.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define WHEN 1611855827220 /* 2021-01-28T17:43:47.22Z */

static const struct {
    const char *message;
    struct elog_field fields[3];
    size_t n;
    const char *want;
} lines[] = {
    { "Connecting with MQTT.",
      { ELOG_S("endpoint", "h:8883"), ELOG_S("clientId", "SE050_Core") },
      2,
      "[2021-01-28T17:43:47.22Z][INFO]-Connecting with MQTT.\t{\"endpoint\": \"h:8883\", \"clientId\": "
      "\"SE050_Core\"}\n" },
    { "MQTT connection connected. Start subscribing.",
      { ELOG_S("clientId", "SE050_Core"), ELOG_N("count", 1) },
      2,
      "[2021-01-28T17:43:47.22Z][INFO]-MQTT connection connected. Start subscribing.\t{\"clientId\": "
      "\"SE050_Core\", \"count\": 1}\n" },
    { "Daemon connected to cloud.",
      { { 0 } },
      0,
      "[2021-01-28T17:43:47.22Z][INFO]-Daemon connected to cloud.\n" },
    { "two\nlines\tand a tab", { { 0 } }, 0, "[2021-01-28T17:43:47.22Z][INFO]-two lines and a tab\n" },
    { "m",
      { ELOG_S("k\"", "a\\b\n\x7f") },
      1,
      "[2021-01-28T17:43:47.22Z][INFO]-m\t{\"k\\\"\": \"a\\\\b\\u000a\\u007f\"}\n" },
    { "m",
      { ELOG_S("k", "gr\xc3\xbc\xc3\x9f") },
      1,
      "[2021-01-28T17:43:47.22Z][INFO]-m\t{\"k\": \"gr\xc3\xbc\xc3\x9f\"}\n" },
    { "m", { ELOG_S("k", "bad \xff") }, 1, "[2021-01-28T17:43:47.22Z][INFO]-m\t{\"k\": \"bad \\u00ff\"}\n" },
    { "m",
      { ELOG_S("k", NULL), ELOG_N("n", -7) },
      2,
      "[2021-01-28T17:43:47.22Z][INFO]-m\t{\"k\": \"\", \"n\": -7}\n" },
};

static void each_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        autobuf out = BUF_INIT(1000);
        assert_int_equal(elog_format(&out, WHEN, ELOG_INFO, lines[i].message, lines[i].fields, lines[i].n),
                         ERR_OK);
        assert_string_equal(buf_str(&out), lines[i].want);
    }
}

static void too_long_leaves_the_buffer_alone(void **state)
{
    autobuf out = BUF_INIT(60);
    struct elog_field f = ELOG_S("key", "0123456789012345678901234567890123456789");

    (void)state;
    assert_int_equal(buf_add_str(&out, "before"), ERR_OK);
    assert_int_equal(elog_format(&out, WHEN, ELOG_INFO, "message", &f, 1), ERR_TOO_BIG);
    assert_string_equal(buf_str(&out), "before");
}

static void levels(void **state)
{
    static const char *const names[] = { "DEBUG", "INFO", "WARN", "ERROR", "FATAL" };
    enum elog_level l = ELOG_WARN;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(elog_level_parse(names[i], &l), ERR_OK);
        assert_int_equal(l, i);
        assert_string_equal(elog_level_str(l), names[i]);
    }
    assert_int_equal(elog_level_parse("TRACE", &l), ERR_INVALID);
    assert_int_equal(elog_level_parse("info", &l), ERR_INVALID);
    assert_int_equal(elog_level_parse(NULL, &l), ERR_INVALID);
    assert_int_equal(l, ELOG_FATAL); /* untouched */
}

static char dir[] = "/tmp/sedge-elog-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    (void)state;
    elog_close();
    return file_remove_tree(dir) ? -1 : 0;
}

static int64_t size_of(const char *name)
{
    autofree char *path = mem_printf("%s/var/log/system/%s", dir, name);
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void the_level_decides(void **state)
{
    (void)state;
    assert_int_equal(elog_open(dir), ERR_OK);
    elog_configure(ELOG_INFO, 128);
    elogf(ELOG_DEBUG, "not this");
    assert_int_equal(size_of("runtime.log"), 0);
    elog_configure(ELOG_DEBUG, 128);
    elogf(ELOG_DEBUG, "this");
    assert_true(size_of("runtime.log") > 0);
    elog_configure(ELOG_ERROR, 128);
    int64_t before = size_of("runtime.log");
    elogf(ELOG_WARN, "not this");
    assert_int_equal(size_of("runtime.log"), before);
}

static void space_is_kept(void **state)
{
    (void)state;
    assert_int_equal(elog_open(dir), ERR_OK);
    elog_configure(ELOG_INFO, 8);
    for (int i = 0; i < 1000; i++) {
        elogf(ELOG_INFO, "line %d of a log that must not grow without end", i);
        assert_true(size_of("runtime.log") + (size_of("runtime.log.1") > 0 ? size_of("runtime.log.1") : 0) <=
                    8 * 1024);
    }
    assert_true(size_of("runtime.log.1") > 0);
    elog_configure(ELOG_INFO, ELOG_DEFAULT_SPACE_KB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line),     cmocka_unit_test(too_long_leaves_the_buffer_alone),
        cmocka_unit_test(levels),        cmocka_unit_test(the_level_decides),
        cmocka_unit_test(space_is_kept),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
