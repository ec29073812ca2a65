/* The clock model: every row says where its number is from, and time grows as it should. */
#include "../cm.h"
#include "base/mem.h"
#include "se/wire.h"
#include "vse/times.h"

static void every_row_names_its_source(void **state)
{
    const struct vse_time *t;
    size_t n = 0;
    (void)state;

    for (; (t = vse_time_at(n)); n++) {
        print_message("  %-40s %8u us  %s\n", t->what, (unsigned)t->us, t->source);
        assert_true(t->what[0] && t->source[0]);
        assert_true(t->us > 0);
        assert_int_equal(t->ins == 0, n < VSE_TIME_FIXED);
    }
    assert_true(n > VSE_TIME_FIXED);
    assert_int_equal(vse_time_fixed(VSE_TIME_GUARD)->us, SE_SEGT_US);
    assert_int_equal(vse_time_fixed(VSE_TIME_POLL)->us, 1000);
}

static void the_wire(void **state)
{
    (void)state;
    assert_int_equal(vse_time_wire_bits(0), 11);
    assert_int_equal(vse_time_wire_bits(5), 56);
    assert_int_equal(vse_time_wire_ns(56, 400), 140000);
    assert_int_equal(vse_time_wire_ns(56, 100), 560000);
    assert_int_equal(vse_time_polled_us(0), 0);
    assert_int_equal(vse_time_polled_us(1), 1000);
    assert_int_equal(vse_time_polled_us(1000), 1000);
    assert_int_equal(vse_time_polled_us(1001), 2000);
}

#define SIGN .ins = SE_INS_CRYPTO, .p1 = SE_P1_SIGNATURE, .p2 = SE_P2_SIGN

/* Later rows take longer than earlier ones, in pairs. */
static const struct {
    const char *what;
    struct vse_work less, more;
} pairs[] = {
    { "a larger curve", { SIGN, .bits = 256 }, { SIGN, .bits = 521 } },
    { "RSA", { SIGN, .bits = 256 }, { SIGN, .bits = 2048, .rsa = true } },
    { "a larger modulus", { SIGN, .bits = 1024, .rsa = true }, { SIGN, .bits = 4096, .rsa = true } },
    { "no signature at all", { .ins = SE_INS_MGMT, .p2 = SE_P2_VERSION }, { SIGN, .bits = 256 } },
    { "a transient object",
      { .ins = SE_INS_WRITE | SE_INS_TRANSIENT, .p1 = SE_P1_BINARY, .data = 100 },
      { .ins = SE_INS_WRITE, .p1 = SE_P1_BINARY, .data = 100 } },
    { "more data",
      { .ins = SE_INS_WRITE, .p1 = SE_P1_BINARY, .data = 100 },
      { .ins = SE_INS_WRITE, .p1 = SE_P1_BINARY, .data = 500 } },
    { "importing a key",
      { .ins = SE_INS_WRITE, .p1 = SE_P1_PAIR | SE_P1_EC },
      { .ins = SE_INS_WRITE, .p1 = SE_P1_PAIR | SE_P1_EC, .generates = true } },
    { "RSA components",
      { .ins = SE_INS_WRITE, .p1 = SE_P1_RSA, .rsa = true, .bits = 2048 },
      { .ins = SE_INS_WRITE, .p1 = SE_P1_RSA, .rsa = true, .bits = 2048, .generates = true } },
    { "AES of less",
      { .ins = SE_INS_CRYPTO, .p1 = SE_P1_CIPHER, .data = 16 },
      { .ins = SE_INS_CRYPTO, .p1 = SE_P1_CIPHER, .data = 448 } },
    { "reading without attestation", { .ins = SE_INS_READ }, { .ins = SE_INS_READ | SE_INS_ATTEST } },
};

static void commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        print_message("  %s\n", pairs[i].what);
        assert_true(vse_time_command_us(&pairs[i].less) < vse_time_command_us(&pairs[i].more));
    }
    /* GlobalPlatform's INITIALIZE UPDATE (50) is no transient something */
    assert_true(vse_time_command_us(&(struct vse_work){ .ins = SE_INS_INITIALIZE_UPDATE }) >
                vse_time_command_us(&(struct vse_work){ .ins = SE_INS_MGMT }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_names_its_source),
        cmocka_unit_test(the_wire),
        cmocka_unit_test(commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
