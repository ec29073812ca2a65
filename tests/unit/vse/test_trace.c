/* What the trace says, and what it never does. */
#include "../cm.h"
#include "base/mem.h"
#include "se/wire.h"
#include "vse/trace.h"

static const struct {
    struct slice block;
    const char *text;
} blocks[] = {
    { SLICE_LIT("\x5a\xc0\x00\xff\xfc"), "S RESYNC request" },
    { SLICE_LIT("\xa5\xe0\x00\x3f\x19"), "S RESYNC response" },
    { SLICE_LIT("\x5a\xcf\x00\x37\x7f"), "S INTERFACE SOFT RESET request" },
    { SLICE_LIT("\x5a\xc7\x00\xf7\xb1"), "S GET ATR request" },
    { SLICE_LIT("\x5a\xc7\x00\xf7\xb2"), "a block with a wrong CRC, 5 bytes" },
    { SLICE_LIT("\x5a\xc7\x00\xf7"), "a block of the wrong length, 4 bytes" },
    { SLICE_LIT("\x5a"), "a block of the wrong length, 1 bytes" },
    { SLICE_LIT("\0\0\0\0\0"), "noise, 5 bytes" },
    { SLICE_LIT(""), "nothing: is anybody there?, 0 bytes" },
};

static void blocks_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        autobuf out = BUF_INIT(256);
        autofree uint8_t *copy = mem_dup(blocks[i].block.p, blocks[i].block.n);
        assert_int_equal(vse_trace_block_text(slice_of(copy, blocks[i].block.n), &out), ERR_OK);
        assert_string_equal(buf_str(&out), blocks[i].text);
    }
}

static const struct {
    const char *name;
    struct vse_apdu apdu;
    struct slice answer;
    uint16_t sw;
    const char *text;
} commands[] = {
    { "WriteECKey",
      { 0x80, 0x01, 0x61, 0, SLICE_LIT("\x41\x04\x20\x00\x00\x01\x42\x01\x03\x43\x04kkkk") },
      SLICE_LIT(""),
      0x9000,
      "WriteECKey T1=20000001 T2=03 T3[4] -> 9000 success" },
    { "WriteUserID",
      { 0x80, 0x41, 0x07, 0, SLICE_LIT("\x11\x01p\x12\x02\0\x03\x41\x04\0\0\0\x07\x42\x04\x31\x32\x33\x34") },
      SLICE_LIT(""),
      0x9000,
      "WriteUserID policy[1] max-attempts[2] T1=00000007 T2[4] -> 9000 success" },
    { "VerifySessionUserID",
      { 0x80, 0x04, 0x00, 0x2c, SLICE_LIT("\x41\x04\x31\x32\x33\x34") },
      SLICE_LIT(""),
      0x6982,
      "VerifySessionUserID T1[4] -> 6982 security status not satisfied" },
    { "CheckObjectExists",
      { 0x80, 0x04, 0x00, 0x27, SLICE_LIT("\x41\x04\0\0\0\x01") },
      SLICE_LIT("\x41\x01\x02"),
      0x9000,
      "CheckObjectExists T1=00000001 -> 9000 success, 410102" },
    { "ReadObject",
      { 0x80, 0x02, 0x00, 0, SLICE_LIT("\x41\x04\0\0\0\x01") },
      SLICE_LIT("\x41\x01s"),
      0x9000,
      "ReadObject T1=00000001 -> 9000 success, 3 bytes" },
    { "MACUpdate",
      { 0x80, 0x03, 0x0d, 0x0c, SLICE_LIT("\x41\x02hi\x42\x02\0\x15") },
      SLICE_LIT(""),
      0x9000,
      "MACUpdate T1[2] T2=0015 -> 9000 success" },
    { "DigestOneShot",
      { 0x80, 0x03, 0x00, 0x0e, SLICE_LIT("\x41\x01\x04\x42\x02hi") },
      SLICE_LIT(""),
      0x9000,
      "DigestOneShot T1=04 T2[2] -> 9000 success" },
    { "ProcessSessionCmd",
      { 0x80, 0x05, 0x00, 0, SLICE_LIT("\x10\x02zz\x41\x04\x80\x04\x00\x2c") },
      SLICE_LIT(""),
      0x6985,
      "ProcessSessionCmd session[2] T1[4] -> 6985 conditions not satisfied" },
    { "SCPInitializeUpdate",
      { 0x80, 0x50, 0x0b, 0, SLICE_LIT("\x41\x02\0\0chal") },
      SLICE_LIT(""),
      0x9000,
      "SCPInitializeUpdate [8] -> 9000 success" },
    { NULL,
      { 0x80, 0x04, 0x00, 0x99, SLICE_LIT("\x41\x02\0\x01") },
      SLICE_LIT(""),
      0x6a86,
      "unknown command 80 04 00 99 [4] -> 6A86 wrong P1 or P2" },
    { "GetRandom",
      { 0x80, 0x04, 0x00, 0x49, SLICE_LIT("\x41\x02\0") },
      SLICE_LIT(""),
      0x6a80,
      "GetRandom [3] -> 6A80 wrong data" },
    { "GetVersion",
      { 0x80, 0x04, 0x00, 0x20, SLICE_LIT("\x77\x01x") },
      SLICE_LIT(""),
      0x1234,
      "GetVersion 77[1] -> 1234 unknown" },
};

static void commands_by_name_without_secrets(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        autobuf out = BUF_INIT(512);
        assert_int_equal(vse_trace_command_text(commands[i].name, &commands[i].apdu, commands[i].answer,
                                                commands[i].sw, &out),
                         ERR_OK);
        assert_string_equal(buf_str(&out), commands[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_by_name),
        cmocka_unit_test(commands_by_name_without_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
