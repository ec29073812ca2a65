/* The runner's packets: what is written is read, and nothing else is. Malformed ones:
 * tests/integration/test_edge_runner.py and the fuzzer. */
#include "../../cm.h"

#include "base/mem.h"
#include "edge/runner/wire.h"

#include <string.h>

static const char *const argv[] = { "node", "--handler=index.handler", "", NULL };
static const char *const envp[] = { "A=1", "B=\xc3\xa9 = x", NULL };
static const struct runner_message start = {
    .kind = RUNNER_START,
    .worker = UINT64_MAX - 1,
    .command = { .program = "node",
                 .argv = argv,
                 .envp = envp,
                 .cwd = "/code",
                 .path = "/a:/b",
                 .uid = 1000,
                 .gid = 7 },
};

static void same_list(const char *const *a, const char *const *b)
{
    for (; *a; a++, b++)
        assert_string_equal(*a, *b);
    assert_null(*b);
}

static void a_start(void **state)
{
    autobuf packet = BUF_INIT(RUNNER_PACKET_MAX);
    struct runner_message m;

    (void)state;
    assert_int_equal(runner_write(&packet, &start), ERR_OK);
    assert_int_equal(runner_read(buf_slice(&packet), &m), ERR_OK);
    assert_int_equal(m.kind, RUNNER_START);
    assert_true(m.worker == UINT64_MAX - 1);
    assert_string_equal(m.command.program, "node");
    assert_string_equal(m.command.cwd, "/code");
    assert_string_equal(m.command.path, "/a:/b");
    assert_int_equal(m.command.uid, 1000);
    assert_int_equal(m.command.gid, 7);
    assert_int_equal(m.command.fd_count, 0);
    same_list(m.command.argv, argv);
    same_list(m.command.envp, envp);
    runner_message_done(&m);
    assert_null(m.words);
}

static void others(void **state)
{
    static const struct runner_message cases[] = {
        { .kind = RUNNER_STOP, .worker = 1, .number = 3000 },
        { .kind = RUNNER_STARTED, .worker = 2, .number = 4711 },
        { .kind = RUNNER_ENDED, .worker = 3, .number = 0x0700 },
        { .kind = RUNNER_NOT_STARTED, .worker = 4, .text = "cannot find executable x" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf packet = BUF_INIT(RUNNER_PACKET_MAX);
        struct runner_message m;
        assert_int_equal(runner_write(&packet, &cases[i]), ERR_OK);
        assert_int_equal(runner_read(buf_slice(&packet), &m), ERR_OK);
        assert_int_equal(m.kind, cases[i].kind);
        assert_true(m.worker == cases[i].worker);
        assert_int_equal(m.number, cases[i].number);
        assert_string_equal(m.text, cases[i].text);
        runner_message_done(&m);
    }
}

/* Every shorter packet, and every longer one. */
static void cut_or_longer(void **state)
{
    autobuf packet = BUF_INIT(RUNNER_PACKET_MAX);
    struct runner_message m = { .worker = 77 };

    (void)state;
    assert_int_equal(runner_write(&packet, &start), ERR_OK);
    for (size_t n = 0; n < packet.n; n++)
        assert_int_equal(runner_read(slice_of(packet.p, n), &m), ERR_PROTO);
    assert_int_equal(buf_add_u8(&packet, 0), ERR_OK);
    assert_int_equal(runner_read(buf_slice(&packet), &m), ERR_PROTO);
    assert_int_equal(m.worker, 77);
}

/* What a uid_t would cut to root, and half an account. */
static void ids(void **state)
{
    static const struct {
        int64_t uid, gid;
        err_t want;
    } cases[] = {
        { -1, -1, ERR_OK },
        { 0, 0, ERR_OK },
        { INT32_MAX, INT32_MAX, ERR_OK },
        { -1, 7, ERR_PROTO },
        { 7, -1, ERR_PROTO },
        { -2, -2, ERR_PROTO },
        { 1LL << 32, 7, ERR_PROTO },
        { 7, 1LL << 32, ERR_PROTO },
        { UINT32_MAX, 7, ERR_PROTO },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        autobuf packet = BUF_INIT(RUNNER_PACKET_MAX);
        struct runner_message m = start, back = { 0 };
        m.command.uid = cases[i].uid;
        m.command.gid = cases[i].gid;
        assert_int_equal(runner_write(&packet, &m), ERR_OK);
        assert_int_equal(runner_read(buf_slice(&packet), &back), cases[i].want);
        runner_message_done(&back);
    }
}

static void too_big(void **state)
{
    autofree char *huge = mem_calloc(1, RUNNER_PACKET_MAX + 1);
    const char *list[] = { huge, NULL };
    const char **many = mem_calloc(RUNNER_WORDS_MAX + 2, sizeof(*many));
    autobuf packet = BUF_INIT(RUNNER_PACKET_MAX);
    struct runner_message m = start;

    (void)state;
    memset(huge, 'x', RUNNER_PACKET_MAX);
    m.command.envp = list;
    assert_int_equal(runner_write(&packet, &m), ERR_TOO_BIG);
    buf_clear(&packet);
    for (size_t i = 0; i <= RUNNER_WORDS_MAX; i++)
        many[i] = "x";
    m.command.envp = many;
    assert_int_equal(runner_write(&packet, &m), ERR_TOO_BIG);
    buf_clear(&packet);
    many[RUNNER_WORDS_MAX] = NULL;
    m.command.argv = many;
    assert_int_equal(runner_write(&packet, &m), ERR_OK);
    assert_int_equal(runner_read(buf_slice(&packet), &m), ERR_OK);
    runner_message_done(&m);
    free((void *)many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start), cmocka_unit_test(others),  cmocka_unit_test(cut_or_longer),
        cmocka_unit_test(ids),     cmocka_unit_test(too_big),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
