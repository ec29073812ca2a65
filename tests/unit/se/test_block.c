/* T=1 over I2C blocks (UM11225). The bytes are from the reference's check values and from a separate
 * bitwise CRC, not from the code under test. */
#include "../cm.h"
#include "base/mem.h"
#include "se/block.h"

static const struct {
    const char *what;
    uint8_t pcb;
    struct slice inf, wire;
} encoded[] = {
    { "soft reset", 0xcf, SLICE_LIT(""), SLICE_LIT("\x5a\xcf\x00\x37\x7f") },
    { "resync", 0xc0, SLICE_LIT(""), SLICE_LIT("\x5a\xc0\x00\xff\xfc") },
    { "get ATR", 0xc7, SLICE_LIT(""), SLICE_LIT("\x5a\xc7\x00\xf7\xb1") },
    { "end of session", 0xc5, SLICE_LIT(""), SLICE_LIT("\x5a\xc5\x00\x47\x82") },
    { "I-block", 0x00, SLICE_LIT("\x80\x04\x11\x22"), SLICE_LIT("\x5a\x00\x04\x80\x04\x11\x22\xae\xfa") },
};

static void encode_each(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(encoded); i++) {
        uint8_t out[SE_T1_BLOCK_MAX];
        size_t n = se_block_encode(out, encoded[i].pcb, encoded[i].inf);

        print_message("  %s\n", encoded[i].what);
        assert_int_equal(n, encoded[i].wire.n);
        assert_memory_equal(out, encoded[i].wire.p, n);
    }
}

#define ATR_ANSWER                                                                                         \
    "\xa5\xef\x23\x00\xa0\x00\x00\x03\x96\x04\x03\xe8\x00\xfe\x02\x0b\x03\xe8\x08\x01\x00\x00\x00\x00\x64" \
    "\x00\x00\x0a"                                                                                         \
    "\x4a\x43\x4f\x50\x34\x20\x41\x54\x50\x4f\x87\x77"

static const struct {
    const char *what;
    struct slice in;
    err_t want;
    uint8_t pcb;
    size_t inf;
} decoded[] = {
    { "resync answer", SLICE_LIT("\xa5\xe0\x00\x3f\x19"), ERR_OK, 0xe0, 0 },
    { "soft reset answer with ATR", SLICE_LIT(ATR_ANSWER), ERR_OK, 0xef, 35 },
    { "status word", SLICE_LIT("\xa5\x00\x02\x90\x00\x02\xaf"), ERR_OK, 0x00, 2 },
    { "host's NAD", SLICE_LIT("\x5a\xe0\x00\x3f\x19"), ERR_PROTO, 0, 0 },
    { "CRC swapped", SLICE_LIT("\xa5\xe0\x00\x19\x3f"), ERR_CORRUPT, 0, 0 },
    { "one bit of INF wrong", SLICE_LIT("\xa5\x00\x02\x91\x00\x02\xaf"), ERR_CORRUPT, 0, 0 },
    { "one byte more", SLICE_LIT("\xa5\xe0\x00\x3f\x19\x00"), ERR_PROTO, 0, 0 },
    { "LEN beyond the bytes", SLICE_LIT("\xa5\xe0\x01\x3f\x19"), ERR_PROTO, 0, 0 },
    { "LEN 255", SLICE_LIT("\xa5\x00\xff\x00\x00"), ERR_PROTO, 0, 0 },
    { "nothing", SLICE_LIT(""), ERR_PROTO, 0, 0 },
};

static void decode_each(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(decoded); i++) {
        struct se_block b = { .pcb = 0x77 };

        print_message("  %s\n", decoded[i].what);
        assert_int_equal(se_block_decode(decoded[i].in, &b), decoded[i].want);
        assert_int_equal(b.pcb, decoded[i].want ? 0x77 : decoded[i].pcb);
        if (!decoded[i].want)
            assert_int_equal(b.inf.n, decoded[i].inf);
    }
}

static void every_prefix_is_refused(void **state)
{
    struct slice whole = SLICE_LIT(ATR_ANSWER);

    for (size_t n = 0; n < whole.n; n++) {
        autofree uint8_t *copy = mem_dup(whole.p, n);
        struct se_block b;

        assert_int_equal(se_block_decode(slice_of(copy, n), &b), ERR_PROTO);
    }
}

static void largest_block(void **state)
{
    uint8_t inf[SE_T1_INF_MAX] = { 1, 2, 3 };
    uint8_t out[SE_T1_BLOCK_MAX];
    size_t rest = 0;

    assert_int_equal(se_block_encode(out, 0x00, SLICE_ARRAY(inf)), 259);
    out[0] = 0xa5;
    assert_int_equal(se_block_rest(out, &rest), ERR_OK);
    assert_int_equal(rest, 256);
}

static const struct {
    uint8_t pcb;
    enum se_block_kind kind;
} kinds[] = {
    { 0x00, SE_BLOCK_I },         { 0x40, SE_BLOCK_I },          { 0x20, SE_BLOCK_I },
    { 0x60, SE_BLOCK_I },         { 0x01, SE_BLOCK_UNKNOWN },    { 0x10, SE_BLOCK_UNKNOWN },
    { 0x80, SE_BLOCK_R },         { 0x90, SE_BLOCK_R },          { 0x81, SE_BLOCK_R },
    { 0x93, SE_BLOCK_R },         { 0x84, SE_BLOCK_UNKNOWN },    { 0xa0, SE_BLOCK_UNKNOWN },
    { 0x88, SE_BLOCK_UNKNOWN },   { 0xc0, SE_BLOCK_S_REQUEST },  { 0xc3, SE_BLOCK_S_REQUEST },
    { 0xdf, SE_BLOCK_S_REQUEST }, { 0xe0, SE_BLOCK_S_RESPONSE }, { 0xff, SE_BLOCK_S_RESPONSE },
};

static void kind_of_each(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        assert_int_equal(se_block_kind(kinds[i].pcb), kinds[i].kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode_each),
        cmocka_unit_test(decode_each),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(largest_block),
        cmocka_unit_test(kind_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
