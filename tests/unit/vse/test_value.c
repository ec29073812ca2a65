/* Counters and PCRs: how their values move, and that a refused move leaves them alone. */
#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "vse/value.h"

static const struct {
    const char *what, *from;
    const char *to; /* NULL: step */
    err_t want;
    const char *then;
} moves[] = {
    { "step", "00", NULL, ERR_OK, "01" },
    { "step with a carry", "00ffff", NULL, ERR_OK, "010000" },
    { "step to the highest", "fffe", NULL, ERR_OK, "ffff" },
    { "step past the highest, one byte", "ff", NULL, ERR_TOO_BIG, "ff" },
    { "step past the highest, eight bytes", "ffffffffffffffff", NULL, ERR_TOO_BIG, "ffffffffffffffff" },
    { "raise", "0005", "0100", ERR_OK, "0100" },
    { "raise by a short number", "0005", "06", ERR_OK, "0006" },
    { "raise by a number with leading zeros", "05", "000000000000000006", ERR_OK, "06" },
    { "raise to the highest", "0000", "ffff", ERR_OK, "ffff" },
    { "one byte too many", "0005", "010000", ERR_TOO_BIG, "0005" },
    { "to the same", "0005", "0005", ERR_CONFLICT, "0005" },
    { "down", "0105", "0104", ERR_CONFLICT, "0105" },
    { "to nothing", "05", "", ERR_CONFLICT, "05" },
};

static void counters_only_go_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
        autobuf value = BUF_INIT(16), to = BUF_INIT(16), then = BUF_INIT(16);

        print_message("  %s\n", moves[i].what);
        assert_int_equal(hex_decode(&value, slice_str(moves[i].from)), ERR_OK);
        assert_int_equal(hex_decode(&to, slice_str(moves[i].to)), ERR_OK);
        assert_int_equal(hex_decode(&then, slice_str(moves[i].then)), ERR_OK);
        assert_int_equal(moves[i].to ? vse_counter_raise(value.p, value.n, buf_slice(&to))
                                     : vse_counter_step(value.p, value.n),
                         moves[i].want);
        assert_true(slice_eq(buf_slice(&value), buf_slice(&then)));
    }
}

/* Computed with sha256sum. */
static void pcr_is_a_chain_of_hashes(void **state)
{
    static const char *const after[] = {
        "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925", /* 32 zeros */
        "2ac71ac8cc2af5aa591301af3c74daa9de69ea99a08185e82d3ed35f62e5fb2f", /* and "abc" */
    };
    uint8_t value[VSE_PCR_LEN] = { 0 };
    char hex[2 * VSE_PCR_LEN + 1];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(after); i++) {
        assert_int_equal(vse_pcr_extend(value, slice_str(i ? "abc" : "")), ERR_OK);
        hex_str(hex, SLICE_ARRAY(value));
        assert_string_equal(hex, after[i]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_only_go_up),
        cmocka_unit_test(pcr_is_a_chain_of_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
