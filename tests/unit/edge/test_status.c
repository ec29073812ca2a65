/* What the daemon tells greengrassd, through a pipe. */
#include "../cm.h"
#include "base/mem.h"
#include "edge/status.h"

#include <string.h>
#include <unistd.h>

static char notes[1000];

static void note(const char *text)
{
    (void)strncat(notes, text, sizeof(notes) - strlen(notes) - 1);
}

static err_t listen_to(const char *bytes, enum status_kind *kind, char text[100])
{
    int fds[2];

    notes[0] = '\0';
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], bytes, strlen(bytes)), strlen(bytes));
    (void)close(fds[1]);
    err_t e = status_listen(fds[0], 1000, note, kind, text, 100);
    (void)close(fds[0]);
    return e;
}

static const struct {
    const char *bytes;
    err_t want;
    enum status_kind kind;
    const char *text, *notes;
} cases[] = {
    { "ready \n", ERR_OK, STATUS_READY, "", "" },
    { "note a\nnote b\nready \nnote c\n", ERR_OK, STATUS_READY, "", "ab" },
    { "fatal no such key\n", ERR_OK, STATUS_FATAL, "no such key", "" },
    { "partial no chip\n", ERR_OK, STATUS_PARTIAL, "no chip", "" },
    { "what is this\nfatal x\n", ERR_OK, STATUS_FATAL, "x", "" },
    { "", ERR_EOF, STATUS_NOTE, "untouched", "" },
    { "note a\n", ERR_EOF, STATUS_NOTE, "untouched", "a" },
    { "ready", ERR_EOF, STATUS_NOTE, "untouched", "" },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum status_kind kind = STATUS_NOTE;
        char text[100] = "untouched";
        assert_int_equal(listen_to(cases[i].bytes, &kind, text), cases[i].want);
        assert_int_equal(kind, cases[i].kind);
        assert_string_equal(text, cases[i].text);
        assert_string_equal(notes, cases[i].notes);
    }
}

static void silence_is_a_timeout(void **state)
{
    enum status_kind kind = STATUS_NOTE;
    char text[10];
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(status_listen(fds[0], 20, note, &kind, text, sizeof(text)), ERR_TIMEOUT);
    assert_true(status_listened(fds[1]));
    (void)close(fds[0]);
    assert_false(status_listened(fds[1]));
    (void)close(fds[1]);
    assert_false(status_listened(-1));
}

static void told_is_heard(void **state)
{
    enum status_kind kind = STATUS_NOTE;
    char text[100];
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    status_tell(fds[1], STATUS_FATAL, "wrong PIN");
    assert_int_equal(status_listen(fds[0], 1000, note, &kind, text, sizeof(text)), ERR_OK);
    assert_int_equal(kind, STATUS_FATAL);
    assert_string_equal(text, "wrong PIN");
    (void)close(fds[0]);
    (void)close(fds[1]);
    status_tell(-1, STATUS_READY, "nobody listens");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(silence_is_a_timeout),
        cmocka_unit_test(told_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
