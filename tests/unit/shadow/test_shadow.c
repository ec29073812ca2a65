#include "../cm.h"
#include "base/mem.h"
#include "shadow/shadow.h"

#include <stdio.h>

/* A shadow between requests, as a caller keeps it. */
struct fixture {
    struct buf stored;
    int64_t now_s;
    struct shadow_result r;
};

static int setup(void **state)
{
    struct fixture *f = mem_calloc(1, sizeof(*f));
    if (!f)
        return -1;
    f->now_s = 1000;
    buf_init(&f->stored, 1 << 20);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buf_done(&f->stored);
    shadow_result_done(&f->r);
    free(f);
    return 0;
}

static int ask_slice(struct fixture *f, enum shadow_op op, struct slice body)
{
    struct shadow_request req = {
        .op = op, .thing = SLICE_LIT("t"), .name = SLICE_LIT("n"), .body = body, .now_s = f->now_s
    };
    shadow_result_done(&f->r);
    assert_int_equal(shadow_handle(&SHADOW_LIMITS_DEFAULT, buf_slice(&f->stored), &req, &f->r), ERR_OK);
    assert_int_equal(f->r.changed, f->r.code == 200 && op != SHADOW_GET);
    if (f->r.changed) {
        buf_clear(&f->stored);
        assert_int_equal(buf_add(&f->stored, buf_slice(&f->r.stored)), ERR_OK);
    }
    return f->r.code;
}

static int ask(struct fixture *f, enum shadow_op op, const char *body)
{
    return ask_slice(f, op, slice_str(body));
}

static void assert_message(struct fixture *f, size_t i, enum shadow_kind kind, const char *payload)
{
    assert_true(i < f->r.n_messages);
    assert_int_equal(f->r.messages[i].kind, kind);
    assert_string_equal(buf_str(&f->r.messages[i].payload), payload);
}

static void first_update(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{\"desired\":{\"a\":1}},\"clientToken\":\"k\"}"), 200);
    assert_int_equal(f->r.version, 1);
    assert_int_equal(f->r.n_messages, 3); /* accepted, delta, documents: in this order */
    assert_message(
        f, 0, SHADOW_ACCEPTED,
        "{\"state\":{\"desired\":{\"a\":1}},\"metadata\":{\"desired\":{\"a\":{\"timestamp\":1000}}},"
        "\"version\":1,\"timestamp\":1000,\"clientToken\":\"k\"}");
    assert_message(
        f, 1, SHADOW_DELTA,
        "{\"version\":1,\"timestamp\":1000,\"state\":{\"a\":1},\"metadata\":{\"a\":{\"timestamp\":1000}},"
        "\"clientToken\":\"k\"}");
    assert_message(f, 2, SHADOW_DOCUMENTS,
                   "{\"previous\":{\"state\":{},\"metadata\":{},\"version\":0},\"current\":{\"state\":{"
                   "\"desired\":{\"a\":1}},"
                   "\"metadata\":{\"desired\":{\"a\":{\"timestamp\":1000}}},\"version\":1},\"timestamp\":"
                   "1000,\"clientToken\":\"k\"}");
}

/* 5.2: accepted echoes only what was sent; get adds the delta. */
static void accepted_echoes_get_adds(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{\"desired\":{\"a\":1,\"b\":2}}}"), 200);
    f->now_s = 1001;
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{\"reported\":{\"a\":1,\"x\":null}}}"), 200);
    assert_message(f, 0, SHADOW_ACCEPTED,
                   "{\"state\":{\"reported\":{\"a\":1,\"x\":null}},\"metadata\":{\"reported\":{\"a\":{"
                   "\"timestamp\":1001},"
                   "\"x\":{\"timestamp\":1001}}},\"version\":2,\"timestamp\":1001}");
    assert_message(
        f, 1, SHADOW_DELTA, /* desired's value and desired's time */
        "{\"version\":2,\"timestamp\":1001,\"state\":{\"b\":2},\"metadata\":{\"b\":{\"timestamp\":1000}}}");
    f->now_s = 1002;
    assert_int_equal(ask(f, SHADOW_GET, "{\"clientToken\":\"g\"}"), 200);
    assert_int_equal(f->r.n_messages, 1);
    assert_message(f, 0, SHADOW_ACCEPTED,
                   "{\"state\":{\"desired\":{\"a\":1,\"b\":2},\"reported\":{\"a\":1},\"delta\":{\"b\":2}},"
                   "\"metadata\":{\"desired\":{\"a\":{\"timestamp\":1000},\"b\":{\"timestamp\":1000}},"
                   "\"reported\":{\"a\":{\"timestamp\":1001}},\"delta\":{\"b\":{\"timestamp\":1000}}},"
                   "\"version\":2,\"timestamp\":1002,\"clientToken\":\"g\"}");
}

static void no_delta_when_equal(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{\"desired\":{\"a\":1},\"reported\":{\"a\":1}}}"),
                     200);
    assert_int_equal(f->r.n_messages, 2);
    assert_int_equal(f->r.messages[1].kind, SHADOW_DOCUMENTS);
    assert_int_equal(ask(f, SHADOW_GET, ""), 200);
    assert_null(strstr(buf_str(&f->r.messages[0].payload), "delta"));
}

/* [T] state null clears; a later get has empty objects. */
static void state_null(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{\"desired\":{\"a\":1},\"reported\":{\"b\":1}}}"),
                     200);
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":null}"), 200);
    assert_message(f, 0, SHADOW_ACCEPTED,
                   "{\"state\":null,\"metadata\":{\"timestamp\":1000},\"version\":2,\"timestamp\":1000}");
    assert_int_equal(ask(f, SHADOW_GET, ""), 200);
    assert_message(f, 0, SHADOW_ACCEPTED, "{\"state\":{},\"metadata\":{},\"version\":2,\"timestamp\":1000}");
}

static void section_null_and_empty_section(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{\"desired\":{\"a\":1},\"reported\":{\"b\":1}}}"),
                     200);
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{\"desired\":null,\"reported\":{\"b\":null}}}"), 200);
    assert_message(f, 0, SHADOW_ACCEPTED,
                   "{\"state\":{\"desired\":null,\"reported\":{\"b\":null}},\"metadata\":{\"desired\":{"
                   "\"timestamp\":1000},"
                   "\"reported\":{\"b\":{\"timestamp\":1000}}},\"version\":2,\"timestamp\":1000}");
    assert_int_equal(ask(f, SHADOW_GET, ""), 200);
    assert_message(f, 0, SHADOW_ACCEPTED, "{\"state\":{},\"metadata\":{},\"version\":2,\"timestamp\":1000}");
}

/* [T] an empty object is stored and shows in the delta. */
static void empty_object(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{\"desired\":{\"d\":{}}}}"), 200);
    assert_message(f, 1, SHADOW_DELTA,
                   "{\"version\":1,\"timestamp\":1000,\"state\":{\"d\":{}},\"metadata\":{\"d\":{}}}");
}

/* 5.4 */
static void versions(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{},\"version\":1}"), 409); /* there is none yet */
    assert_string_equal(f->r.message, "Version conflict");
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{},\"version\":0}"), 200);
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{}}"), 200); /* nothing changed, counts all the same */
    assert_int_equal(f->r.version, 2);
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{},\"version\":1,\"clientToken\":\"c\"}"), 409);
    assert_int_equal(f->r.n_messages, 1);
    assert_message(
        f, 0, SHADOW_REJECTED,
        "{\"code\":409,\"message\":\"Version conflict\",\"timestamp\":1000,\"clientToken\":\"c\"}");
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{},\"version\":2}"), 200);
    assert_int_equal(f->r.version, 3);
}

static void delete_keeps_the_counter(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, SHADOW_DELETE, ""), 404);
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{\"desired\":{\"a\":1}}}"), 200);
    assert_int_equal(ask(f, SHADOW_DELETE, "{\"clientToken\":\"d\"}"), 200);
    assert_message(f, 0, SHADOW_ACCEPTED, "{\"version\":1,\"timestamp\":1000,\"clientToken\":\"d\"}");
    assert_int_equal(f->r.n_messages, 1);
    assert_int_equal(ask(f, SHADOW_GET, ""), 404);
    assert_string_equal(f->r.message, "No shadow exists with name: 'n'");
    assert_int_equal(ask(f, SHADOW_DELETE, "not json"), 404);
    assert_false(shadow_is_expired(buf_slice(&f->stored), 1000 + 48 * 3600));
    assert_true(shadow_is_expired(buf_slice(&f->stored), 1001 + 48 * 3600));
    f->now_s = 1000 + 48 * 3600;
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{\"desired\":{\"b\":1}}}"), 200);
    assert_int_equal(f->r.version, 3); /* the deletion took 2 */
    assert_null(strstr(buf_str(&f->stored), "\"a\""));
    assert_false(shadow_is_expired(buf_slice(&f->stored), f->now_s));
}

static void after_48_hours_it_starts_again(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{}}"), 200);
    assert_int_equal(ask(f, SHADOW_DELETE, ""), 200);
    f->now_s = 1001 + 48 * 3600;
    assert_int_equal(ask(f, SHADOW_UPDATE, "{\"state\":{}}"), 200);
    assert_int_equal(f->r.version, 1);
}

#define NEST7 "{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":1}}}}}}}"
#define NEST8 "{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{}}}}}}}}"
#define TOKEN64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* 5.5 */
static const struct {
    struct slice body;
    int code;
    const char *message;
} updates[] = {
    { SLICE_LIT(""), 400, "Invalid JSON" },
    { SLICE_LIT("{"), 400, "Invalid JSON" },
    { SLICE_LIT("[]"), 400, "Invalid JSON" },
    { SLICE_LIT("{\"state\":{}} x"), 400, "Invalid JSON" },
    { SLICE_LIT("{}"), 400, "Missing required node: state" },
    { SLICE_LIT("{\"state\":[]}"), 400, "State node must be an object" },
    { SLICE_LIT("{\"state\":1}"), 400, "State node must be an object" },
    { SLICE_LIT("{\"state\":{\"desired\":1}}"), 400, "Desired node must be an object" },
    { SLICE_LIT("{\"state\":{\"reported\":\"x\"}}"), 400, "Reported node must be an object" },
    { SLICE_LIT("{\"state\":{\"wish\":{}}}"), 400, "State contains an invalid node: 'wish'" },
    { SLICE_LIT("{\"state\":{\"desired\":{\"a\":[1,null]}}}"), 400,
      "State contains an invalid node: 'null'" },
    { SLICE_LIT("{\"state\":{},\"version\":\"1\"}"), 400, "Invalid version" },
    { SLICE_LIT("{\"state\":{},\"version\":1.0}"), 400, "Invalid version" },
    { SLICE_LIT("{\"state\":{},\"version\":-1}"), 400, "Invalid version" },
    { SLICE_LIT("{\"state\":{},\"clientToken\":1}"), 400, "Invalid clientToken" },
    { SLICE_LIT("{\"state\":{},\"clientToken\":\"" TOKEN64 "\"}"), 200, "" },
    { SLICE_LIT("{\"state\":{},\"clientToken\":\"" TOKEN64 "x\"}"), 400, "Invalid clientToken" },
    { SLICE_LIT("{\"state\":{\"desired\":{\"1\":" NEST7 "}}}"), 200, "" },
    { SLICE_LIT("{\"state\":{\"desired\":{\"1\":" NEST8 "}}}"), 400,
      "JSON contains too many levels of nesting; maximum is 6" },
    { SLICE_LIT("{\"state\":{\"desired\":{\"a\":\"\xff\"}}}"), 415,
      "Unsupported documented encoding; supported encoding is UTF-8" },
};

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(updates); i++) {
        void *fresh = NULL;
        print_message("  %.*s\n", SLICE_FMT(updates[i].body));
        assert_int_equal(setup(&fresh), 0);
        assert_int_equal(ask_slice(fresh, SHADOW_UPDATE, updates[i].body), updates[i].code);
        assert_string_equal(((struct fixture *)fresh)->r.message, updates[i].message);
        if (updates[i].code != 200) {
            assert_int_equal(((struct fixture *)fresh)->r.n_messages, 1);
            assert_int_equal(((struct fixture *)fresh)->r.messages[0].kind, SHADOW_REJECTED);
        }
        assert_int_equal(teardown(&fresh), 0);
    }
}

/* A request with n bytes of state: {"desired":{"a":"xx..."}} is 20 + x long. */
static int update_of_size(struct fixture *f, size_t n)
{
    autobuf body = BUF_INIT(1 << 20);
    assert_int_equal(buf_add_str(&body, "{\"state\":{\"desired\":{\"a\":\""), ERR_OK);
    for (size_t i = 20; i < n; i++)
        assert_int_equal(buf_add_u8(&body, 'x'), ERR_OK);
    assert_int_equal(buf_add_str(&body, "\"}}}"), ERR_OK);
    return ask_slice(f, SHADOW_UPDATE, buf_slice(&body));
}

static void size_limit(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(update_of_size(f, 8 * 1024), 200);
    assert_int_equal(update_of_size(f, 8 * 1024 + 1), 413);
    assert_string_equal(f->r.message, "The payload exceeds the maximum size allowed");
    assert_int_equal(f->r.version, 1);                    /* what was there stays */
    assert_int_equal(update_of_size(f, 200 * 1024), 413); /* over max_request: not even parsed */
}

static void cut_requests(void **state)
{
    struct slice whole = SLICE_LIT("{\"state\":{\"desired\":{\"a\":[1,\"\xc3\xa4\"]}},\"version\":0}");
    (void)state;
    for (size_t n = 0; n < whole.n; n++) {
        autofree uint8_t *copy = mem_dup(whole.p, n);
        void *fresh = NULL;
        assert_int_equal(setup(&fresh), 0);
        assert_int_not_equal(ask_slice(fresh, SHADOW_UPDATE, slice_of(copy, n)), 200);
        assert_int_equal(teardown(&fresh), 0);
    }
}

static void corrupt_store(void **state)
{
    static const char *const bad[] = { "x",
                                       "{}",
                                       "{\"v\":2,\"state\":{},\"metadata\":{},\"version\":1}",
                                       "{\"v\":1,\"metadata\":{},\"version\":1}",
                                       "{\"v\":1,\"state\":{},\"metadata\":{}}",
                                       "{\"v\":1,\"version\":1,\"deleted\":-1}" };
    struct shadow_request req = { .op = SHADOW_GET, .thing = SLICE_LIT("t") };
    struct shadow_result r = { .code = 77 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(shadow_handle(&SHADOW_LIMITS_DEFAULT, slice_str(bad[i]), &req, &r), ERR_CORRUPT);
        assert_int_equal(r.code, 77); /* untouched */
    }
}

static void rejections_from_outside(void **state)
{
    autobuf out = BUF_INIT(256);
    (void)state;
    assert_int_equal(shadow_rejected(&out, 429, NULL, SLICE_LIT("{\"state\":7,\"clientToken\":\"x\"}"), 0),
                     ERR_OK);
    assert_string_equal(buf_str(&out),
                        "{\"code\":429,\"message\":\"too many in-flight requests\",\"clientToken\":\"x\"}");
    buf_clear(&out);
    assert_int_equal(shadow_rejected(&out, 500, NULL, SLICE_LIT("garbage"), 9), ERR_OK);
    assert_string_equal(buf_str(&out),
                        "{\"code\":500,\"message\":\"Internal service failure\",\"timestamp\":9}");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(first_update),
        T(accepted_echoes_get_adds),
        T(no_delta_when_equal),
        T(state_null),
        T(section_null_and_empty_section),
        T(empty_object),
        T(versions),
        T(delete_keeps_the_counter),
        T(after_48_hours_it_starts_again),
        T(refusals),
        T(size_limit),
        T(cut_requests),
        T(corrupt_store),
        T(rejections_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
