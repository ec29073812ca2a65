/* What functions print, as lines of a file. */
#include "../../cm.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "edge/function/userlog.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARN "arn:aws:lambda:us-east-1:123456789012:function:hello:7"
#define OTHER_VERSION "arn:aws:lambda:us-east-1:123456789012:function:hello:8"
#define FILE_NAME "/var/log/user/us-east-1/123456789012/hello.log"

struct scene {
    char dir[32];
    struct net_loop *loop;
    struct userlogs *logs;
    int fds[USERLOG_FDS];
};

static int setup(void **state)
{
    struct scene *s = mem_calloc(1, sizeof(*s));

    strcpy(s->dir, "/tmp/userlog.XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    assert_int_equal(net_loop_new(&s->loop), ERR_OK);
    assert_int_equal(userlogs_new(s->loop, s->dir, &s->logs), ERR_OK);
    userlogs_configure(s->logs, ELOG_DEBUG, 128);
    assert_int_equal(userlogs_pipes(s->logs, ARN, s->fds), ERR_OK);
    *state = s;
    return 0;
}

static void close_all(struct scene *s)
{
    for (size_t i = 0; i < USERLOG_FDS; i++) {
        mem_close_fd(&s->fds[i]);
        s->fds[i] = -1;
    }
}

static int teardown(void **state)
{
    struct scene *s = *state;

    close_all(s);
    userlogs_free(s->logs);
    net_loop_free(s->loop);
    assert_int_equal(file_remove_tree(s->dir), ERR_OK);
    free(s);
    return 0;
}

static void say(struct scene *s, size_t level, const char *text)
{
    assert_int_equal(file_write_all(s->fds[level], slice_str(text)), ERR_OK);
}

static void turns(struct scene *s, int n)
{
    while (n-- > 0)
        assert_int_equal(net_loop_turn(s->loop, 0), ERR_OK);
}

/* The file without its times: "[INFO]-text|[ERROR]-..." */
static void lines(struct scene *s, struct buf *out)
{
    autofree char *path = mem_printf("%s" FILE_NAME, s->dir);
    autobuf text = BUF_INIT(1 << 20);

    if (file_read(path, &text))
        return;
    for (char *line = strtok(buf_str(&text) ? (char *)text.p : NULL, "\n"); line; line = strtok(NULL, "\n")) {
        char *level = strchr(line, ']');
        assert_non_null(level);
        assert_int_equal(buf_printf(out, "%s|", level + 1), ERR_OK);
    }
}

static void expect(struct scene *s, const char *want)
{
    autobuf got = BUF_INIT(1 << 20);

    lines(s, &got);
    assert_string_equal(got.n ? buf_str(&got) : "", want);
}

static void a_level_for_each_pipe(void **state)
{
    struct scene *s = *state;
    static const char *const names[USERLOG_FDS] = { "INFO", "ERROR", "DEBUG", "WARN", "FATAL", "DEBUG" };
    autobuf want = BUF_INIT(1024);

    for (size_t i = 0; i < USERLOG_FDS; i++) {
        say(s, i, "one\n");
        turns(s, 2);
        assert_int_equal(buf_printf(&want, "[%s]-one|", names[i]), ERR_OK);
    }
    expect(s, buf_str(&want));
}

static void lines_as_they_come(void **state)
{
    struct scene *s = *state;

    say(s, 0, "two li");
    turns(s, 2);
    expect(s, "");
    say(s, 0, "nes\nand\n\nthe\x1b[31m\trest");
    turns(s, 2);
    expect(s, "[INFO]-two lines|[INFO]-and|");
    close_all(s);
    turns(s, 4);
    expect(s, "[INFO]-two lines|[INFO]-and|[INFO]-the [31m rest|");
}

static void a_line_without_end(void **state)
{
    struct scene *s = *state;
    autofree char *text = mem_calloc(1, 10001);
    autobuf got = BUF_INIT(1 << 20);

    memset(text, 'x', 10000);
    say(s, 0, text);
    turns(s, 4);
    lines(s, &got);
    assert_int_equal(got.n, 2 * (4096 + strlen("[INFO]-|")));
}

static void all_versions_share_a_file(void **state)
{
    struct scene *s = *state;
    int fds[USERLOG_FDS];

    assert_int_equal(userlogs_pipes(s->logs, OTHER_VERSION, fds), ERR_OK);
    assert_int_equal(file_write_all(fds[0], SLICE_LIT("eight\n")), ERR_OK);
    turns(s, 2);
    say(s, 0, "seven\n");
    turns(s, 2);
    userlogs_write(s->logs, ARN, ELOG_FATAL, "the core's");
    expect(s, "[INFO]-eight|[INFO]-seven|[FATAL]-the core's|");
    for (size_t i = 0; i < USERLOG_FDS; i++)
        mem_close_fd(&fds[i]);
}

static void a_level_filters(void **state)
{
    struct scene *s = *state;

    userlogs_configure(s->logs, ELOG_ERROR, 128);
    say(s, 0, "info\n");
    say(s, 1, "error\n");
    turns(s, 3);
    expect(s, "[ERROR]-error|");
}

/* A function that prints without end waits in its write: the core reads so much of it in a tick and no more.
 */
static void a_flood_waits(void **state)
{
    struct scene *s = *state;
    autofree char *text = mem_calloc(1, 65537);
    size_t written = 0;

    memset(text, '\n', 65536);
    for (size_t i = 0; i < 65536; i += 64)
        memset(text + i, 'x', 63);
    assert_int_equal(fcntl(s->fds[0], F_SETFL, O_NONBLOCK), 0);
    for (int i = 0; i < 200; i++) {
        ssize_t n = write(s->fds[0], text, 65536);
        written += n > 0 ? (size_t)n : 0;
        turns(s, 1);
    }
    assert_true(written >= 65536 && written <= 65536 * 4);
    userlogs_configure(s->logs, ELOG_DEBUG, 16);
    close_all(s);
    userlogs_free(s->logs); /* reads what is there, in the end */
    s->logs = NULL;
}

/* More than its log takes is left out, and how much that was is said. */
static void too_many_lines(void **state)
{
    struct scene *s = *state;
    autobuf got = BUF_INIT(1 << 20);

    userlogs_configure(s->logs, ELOG_DEBUG, 10240);
    for (int i = 0; i < 30000; i++)
        userlogs_write(s->logs, ARN, ELOG_INFO, "0123456789");
    lines(s, &got);
    assert_true(got.n > 256 * 1024 / 4 && got.n < 256 * 1024);
    assert_null(strstr(buf_str(&got), "left out"));
    (void)usleep(400 * 1000);
    userlogs_write(s->logs, ARN, ELOG_INFO, "again");
    buf_clear(&got);
    lines(s, &got);
    assert_non_null(
        strstr(buf_str(&got),
               " lines were left out: the function prints more than 16384 bytes a second|[INFO]-again|"));
}

static void names_that_are_none(void **state)
{
    static const char *const bad[] = { "",
                                       "x",
                                       "arn:aws:lambda:::function:GGRouter",
                                       "arn:aws:lambda:us-east-1:1:function:..:7",
                                       "arn:aws:lambda:a/b:1:function:f:7",
                                       "arn:aws:lambda:us-east-1:1:function:f" };
    struct scene *s = *state;
    int fds[USERLOG_FDS];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(userlogs_pipes(s->logs, bad[i], fds), ERR_INVALID);
}

/* The folder cannot be made: lines are lost and nothing else. */
static void no_place_to_write(void **state)
{
    struct scene *s = *state;
    autofree char *path = mem_printf("%s/var", s->dir);

    assert_int_equal(file_write_durable(path, SLICE_LIT("a file"), 0600), ERR_OK);
    say(s, 0, "lost\n");
    turns(s, 2);
    assert_int_equal(unlink(path), 0);
    say(s, 0, "found\n");
    turns(s, 2);
    expect(s, "[INFO]-found|");
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_level_for_each_pipe), WITH(lines_as_they_come),
        WITH(a_line_without_end),    WITH(all_versions_share_a_file),
        WITH(a_level_filters),       WITH(a_flood_waits),
        WITH(too_many_lines),        WITH(names_that_are_none),
        WITH(no_place_to_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
