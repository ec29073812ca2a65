#include "../cm.h"
#include "base/log.h"

#include <stdio.h>

static char last[256];

static void sink(void *ctx, enum log_level level, const char *message)
{
    (void)snprintf(last, sizeof(last), "%d %s", level, message);
}

static void level_and_sink(void **state)
{
    log_set_sink(sink, NULL);
    log_set_level(LOG_WARN);
    log_info("hidden");
    assert_string_equal(last, "");
    log_warn("seen %d", 1);
    assert_string_equal(last, "2 seen 1");
    log_set_sink(NULL, NULL);
}

static void peer_text_is_escaped(void **state)
{
    char out[LOG_ESC_MAX], many[1000];

    assert_string_equal(log_esc(out, SLICE_LIT("a\n\x1b[\\\xff")), "a\\x0a\\x1b[\\x5c\\xff");
    memset(many, '\n', sizeof(many));
    log_esc(out, SLICE_ARRAY(many));
    assert_true(strlen(out) < LOG_ESC_MAX);
    assert_string_equal(out + strlen(out) - 3, "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(level_and_sink),
                                        cmocka_unit_test(peer_text_is_escaped) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
