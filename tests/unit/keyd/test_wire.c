/* The messages of docs/spec/keyd.md section 1. */
#include "../cm.h"
#include "base/mem.h"
#include "se/keyd_wire.h"

static void frames_there_and_back(void **state)
{
    autobuf out = BUF_INIT(SE_KEYD_FRAME_MAX * 2);
    struct se_keyd_frame f = { .type = 0xee };
    struct slice in;

    assert_int_equal(se_keyd_frame_put(&out, SE_KEYD_EXCHANGE, SE_KEYD_FLAG_BEGIN, SLICE_LIT("abc")), ERR_OK);
    assert_int_equal(se_keyd_frame_put(&out, SE_KEYD_END, 0, (struct slice){ 0 }), ERR_OK);
    assert_true(slice_eq(buf_slice(&out), SLICE_LIT("\x00\x03\x02\x01"
                                                    "abc\x00\x00\x03\x00")));
    in = buf_slice(&out);
    assert_int_equal(se_keyd_frame_next(&in, &f), ERR_OK);
    assert_true(f.type == SE_KEYD_EXCHANGE && f.flags == SE_KEYD_FLAG_BEGIN &&
                slice_eq(f.body, SLICE_LIT("abc")));
    assert_int_equal(se_keyd_frame_next(&in, &f), ERR_OK);
    assert_true(f.type == SE_KEYD_END && f.body.n == 0 && in.n == 0);
}

static void every_prefix_asks_for_more(void **state)
{
    struct slice whole = SLICE_LIT("\x00\x03\x02\x01"
                                   "abc");

    for (size_t n = 0; n < whole.n; n++) {
        autofree uint8_t *copy = mem_dup(whole.p, n);
        struct slice in = slice_of(copy, n);
        struct se_keyd_frame f = { .type = 0xee };

        assert_int_equal(se_keyd_frame_next(&in, &f), ERR_MORE);
        assert_true(in.n == n && f.type == 0xee);
    }
}

static void too_big_is_told_before_it_comes(void **state)
{
    uint8_t head[] = { (SE_KEYD_BODY_MAX + 1) >> 8, (SE_KEYD_BODY_MAX + 1) & 0xff };
    struct slice in = SLICE_ARRAY(head);
    autofree uint8_t *body = mem_calloc(1, SE_KEYD_BODY_MAX + 1);
    autobuf out = BUF_INIT(1 << 20);
    struct se_keyd_frame f;

    assert_int_equal(se_keyd_frame_next(&in, &f), ERR_TOO_BIG);
    head[1]--;
    assert_int_equal(se_keyd_frame_next(&in, &f), ERR_MORE);
    assert_int_equal(se_keyd_frame_put(&out, 1, 0, slice_of(body, SE_KEYD_BODY_MAX + 1)), ERR_TOO_BIG);
    assert_int_equal(out.n, 0);
    assert_int_equal(se_keyd_frame_put(&out, 1, 0, slice_of(body, SE_KEYD_BODY_MAX)), ERR_OK);
}

static void welcome(void **state)
{
    struct se_keyd_welcome w = {
        SE_KEYD_VERSION, SE_KEYD_WELCOME_PIN, { 3, 1, 0, 0x3f, 0xff, 1, 0x0b }, 77, "a921"
    };
    struct se_keyd_welcome got = { .version = 99 };
    autobuf out = BUF_INIT(256), again = BUF_INIT(256);
    struct slice all;

    assert_int_equal(se_keyd_welcome_encode(&w, &out), ERR_OK);
    all = buf_slice(&out);
    assert_int_equal(all.n, 13 + 4);
    for (size_t n = 0; n < 13; n++)
        assert_int_equal(se_keyd_welcome_decode(slice_head(all, n), &got), ERR_PROTO);
    assert_int_equal(got.version, 99);
    assert_int_equal(se_keyd_welcome_decode(all, &got), ERR_OK);
    assert_int_equal(se_keyd_welcome_encode(&got, &again), ERR_OK);
    assert_true(slice_eq(buf_slice(&again), all));
    assert_string_equal(got.keys, "a921");
    assert_int_equal(got.generation, 77);
    out.p[0] = 2;
    assert_int_equal(se_keyd_welcome_decode(buf_slice(&out), &got), ERR_UNSUPPORTED);
    out.p[0] = 1;
    out.p[14] = 0;
    assert_int_equal(se_keyd_welcome_decode(buf_slice(&out), &got), ERR_PROTO);
}

static void codes(void **state)
{
    static const err_t errs[] = { ERR_DENIED, ERR_BUSY,  ERR_UNAVAILABLE, ERR_TIMEOUT,
                                  ERR_IO,     ERR_PROTO, ERR_CONFLICT };

    for (size_t i = 0; i < ARRAY_LEN(errs); i++) {
        assert_int_equal(se_keyd_code(errs[i]), i + 1); /* on the wire: docs/spec/keyd.md */
        assert_int_equal(se_keyd_err((uint8_t)(i + 1)), errs[i]);
    }
    assert_int_equal(se_keyd_code(ERR_NOMEM), SE_KEYD_FAILED);
    assert_int_equal(se_keyd_err(0), ERR_IO);
    assert_int_equal(se_keyd_err(200), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_there_and_back),
        cmocka_unit_test(every_prefix_asks_for_more),
        cmocka_unit_test(too_big_is_told_before_it_comes),
        cmocka_unit_test(welcome),
        cmocka_unit_test(codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
