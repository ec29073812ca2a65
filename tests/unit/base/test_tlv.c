#include "../cm.h"
#include "base/mem.h"
#include "base/tlv.h"

static const struct {
    const char *what;
    struct slice in;
    err_t want;
    size_t value;
} cases[] = {
    { "short",
      SLICE_LIT("\x41\x02"
                "ab"),
      ERR_OK, 2 },
    { "empty value", SLICE_LIT("\x41\x00"), ERR_OK, 0 },
    { "81 form",
      SLICE_LIT("\x41\x81\x01"
                "a"),
      ERR_OK, 1 },
    { "82 form",
      SLICE_LIT("\x41\x82\x00\x01"
                "a"),
      ERR_OK, 1 },
    { "end", SLICE_LIT(""), ERR_MORE, 0 },
    { "tag alone", SLICE_LIT("\x41"), ERR_PROTO, 0 },
    { "80 form", SLICE_LIT("\x41\x80"), ERR_PROTO, 0 },
    { "83 form",
      SLICE_LIT("\x41\x83\x00\x00\x01"
                "a"),
      ERR_PROTO, 0 },
    { "value cut",
      SLICE_LIT("\x41\x02"
                "a"),
      ERR_PROTO, 0 },
    { "length cut", SLICE_LIT("\x41\x82\x00"), ERR_PROTO, 0 },
};

static void each_case(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice in = cases[i].in;
        struct tlv t = { .tag = 0xee };
        print_message("  %s\n", cases[i].what);
        assert_int_equal(tlv_next(&in, &t), cases[i].want);
        if (cases[i].want) {
            assert_int_equal(t.tag, 0xee);
            assert_int_equal(in.n, cases[i].in.n);
        } else {
            assert_int_equal(t.value.n, cases[i].value);
            assert_int_equal(in.n, 0);
        }
    }
}

static void shortest_lengths_are_written(void **state)
{
    static const struct {
        size_t n, header;
    } sizes[] = { { 0, 2 }, { 127, 2 }, { 128, 3 }, { 255, 3 }, { 256, 4 }, { 65535, 4 } };
    static const uint8_t zeros[65536];

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        autobuf b = BUF_INIT(70000);
        struct writer w = writer_of(&b);
        tlv_put(&w, 0x42, slice_of(zeros, sizes[i].n));
        assert_int_equal(writer_done(&w), ERR_OK);
        assert_int_equal(b.n, sizes[i].header + sizes[i].n);
        struct slice in = buf_slice(&b);
        struct tlv t;
        assert_int_equal(tlv_next(&in, &t), ERR_OK);
        assert_int_equal(t.value.n, sizes[i].n);
    }
    autobuf b = BUF_INIT(70000);
    struct writer w = writer_of(&b);
    tlv_put(&w, 0x42, slice_of(zeros, 65536));
    assert_int_equal(writer_done(&w), ERR_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_case),
                                        cmocka_unit_test(shortest_lengths_are_written) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
