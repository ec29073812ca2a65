/* The script of bus faults: what it takes, and what each rule does. */
#include "../cm.h"
#include "base/mem.h"
#include "vse/faults.h"

static const struct {
    const char *script;
    err_t want;
    unsigned line;
} scripts[] = {
    { "", ERR_OK, 0 },
    { "\n# nothing\n   \n", ERR_OK, 0 },
    { "at block 4 flip 17 # a comment", ERR_OK, 0 },
    { "at transaction 1 nack-reads 3\r\nat byte 9 lose 0\nat block 2 stuck\nat block 3 reset\n", ERR_OK, 0 },
    { "at byte 1 flip 7", ERR_OK, 0 },
    { "at byte 1 flip 8", ERR_INVALID, 1 },
    { "at byte 1 lose 1", ERR_INVALID, 1 },
    { "\nat block 0 stuck", ERR_INVALID, 2 },
    { "at block -1 stuck", ERR_INVALID, 1 },
    { "at block 1 stuck 1", ERR_INVALID, 1 },
    { "at block 1 flip", ERR_INVALID, 1 },
    { "at block 1 flip x", ERR_INVALID, 1 },
    { "at block 1 flip 1000001", ERR_INVALID, 1 },
    { "at block 1 nack-writes 0", ERR_INVALID, 1 },
    { "at block 1 melt", ERR_INVALID, 1 },
    { "at bit 1 stuck", ERR_INVALID, 1 },
    { "block 1 stuck", ERR_INVALID, 1 },
    { "at block 1 flip 1 2", ERR_INVALID, 1 },
    { "at block 11111111111111111111 stuck", ERR_INVALID, 1 },
    { "at", ERR_INVALID, 1 },
};

static void parsing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        struct vse_faults *f = NULL;
        unsigned line = 0;
        print_message("  %s\n", scripts[i].script);
        assert_int_equal(vse_faults_parse(slice_str(scripts[i].script), &f, &line), scripts[i].want);
        assert_int_equal(line, scripts[i].line);
        assert_int_equal(f != NULL, scripts[i].want == ERR_OK);
        vse_faults_free(f);
    }
    assert_int_equal(
        vse_faults_parse(SLICE_LIT("at block 1 st\0uck"), &(struct vse_faults *){ NULL }, &(unsigned){ 0 }),
        ERR_INVALID);
}

static struct vse_faults *script(const char *text)
{
    struct vse_faults *f;
    unsigned line;

    assert_int_equal(vse_faults_parse(slice_str(text), &f, &line), ERR_OK);
    return f;
}

/* Send n letters; what arrives, "-" when it is not acknowledged, with "!" in front when the part loses power.
 */
static const char *go(struct vse_faults *f, bool write, const char *bytes, bool starts)
{
    static char out[32];
    size_t n = strlen(bytes), at = 0;
    unsigned acts = write ? vse_faults_write(f, n) : vse_faults_read(f, n, starts);

    if (acts & VSE_FAULT_RESET)
        out[at++] = '!';
    if (acts & VSE_FAULT_NACK) {
        memcpy(out + at, "-", 2);
        return out;
    }
    memcpy(out + at, bytes, n + 1);
    out[at + vse_faults_bytes(f, (uint8_t *)out + at, n)] = 0;
    return out;
}

static void bytes(void **state)
{
    struct vse_faults *f =
        script("at transaction 2 flip 7\nat block 2 lose 3\nat byte 8 flip 6\nat byte 10 lose 0\n"
               "at byte 9 lose 0");
    (void)state;

    assert_string_equal(go(f, true, "abc", true), "abc");
    assert_string_equal(go(f, false, "abc", true), "`bc"); /* the block goes on */
    assert_string_equal(go(f, false, "def", false), "g");  /* 7 is its fourth; 8 is flipped, 9 lost */
    assert_string_equal(go(f, false, "ghi", false), "hi");
    assert_string_equal(go(f, false, "jkl", false), "jkl"); /* each happens once */
    vse_faults_free(f);
}

static void bursts(void **state)
{
    struct vse_faults *f = script("at transaction 2 nack-reads 2\nat transaction 3 nack-writes 1\n");
    (void)state;

    assert_string_equal(go(f, true, "w", true), "w");
    assert_string_equal(go(f, false, "r", true), "-");
    vse_faults_poll(f); /* a poll of nothing is one of the burst */
    assert_string_equal(go(f, false, "r", true), "r");
    assert_string_equal(go(f, true, "w", true), "-");
    assert_string_equal(go(f, true, "w", true), "w");
    vse_faults_free(f);
}

static void a_write_is_never_nacked_by_a_burst_of_reads(void **state)
{
    struct vse_faults *f = script("at transaction 1 nack-reads 1");
    (void)state;

    assert_string_equal(go(f, true, "w", true), "w");
    assert_string_equal(go(f, false, "r", true), "-");
    assert_string_equal(go(f, false, "r", true), "r");
    vse_faults_free(f);
}

static void silence_lasts_until_the_master_writes(void **state)
{
    struct vse_faults *f = script("at block 2 stuck\nat block 4 reset\nat block 5 reset");
    (void)state;

    assert_string_equal(go(f, true, "w", true), "w");
    assert_string_equal(go(f, false, "r", true), "-");
    assert_string_equal(go(f, false, "r", true), "-");
    assert_string_equal(go(f, true, "w", true), "w"); /* block 2 */
    assert_string_equal(go(f, false, "r", true), "r");
    assert_string_equal(go(f, false, "r", true), "!-"); /* 4: what it had to say is gone */
    assert_string_equal(go(f, true, "w", true), "w");
    assert_string_equal(go(f, true, "w", true), "!w"); /* 5: comes to a fresh part */
    vse_faults_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing),
        cmocka_unit_test(bytes),
        cmocka_unit_test(bursts),
        cmocka_unit_test(a_write_is_never_nacked_by_a_burst_of_reads),
        cmocka_unit_test(silence_lasts_until_the_master_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
