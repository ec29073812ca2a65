/* The host's half of SCP03, byte for byte. The expected bytes were computed with another library from the
 * texts of NIST SP 800-38B, 800-108 and GlobalPlatform Amendment D (reference 4.2, 4.3). */
#include "../cm.h"
#include "base/mem.h"
#include "se/apdu.h"
#include "se/attest_check.h"
#include "se/detail.h"
#include "se/scp.h"

#define DEVKIT_UPDATE                                                                                      \
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0b\x03\x60\x11\x12\x13\x14\x15\x16\x17\x18\x63\x80\xad\x5e" \
    "\x21\x10\x71\x11"
#define DEVKIT_AUTHENTICATE \
    "\x84\x82\x33\x00\x10\xb9\xd8\xa7\x81\xfb\x85\x6f\x2a\x56\xed\x9f\x8a\x84\x11\xb6\x15"
/* What the card answers: with data where the command has some, else an applet version. */
#define WITH_DATA "\x41\x02ok\x90\x00"
#define VERSION "\x03\x01\x00\x3f\xff\x01\x0b\x90\x00"

struct exchange {
    struct slice plain, wrapped, answer;
};

/* clang-format off */
static const struct exchange exchanges[2][5] = {
    { /* the platform's channel below 4.3: commands without data do not count */
      { SLICE_LIT("\x80\x04\x00\x49\x00\x00\x04\x41\x02\x00\x08\x00\x00"),
        SLICE_LIT("\x84\x04\x00\x49\x18\x6a\xa4\x4c\x02\x74\x84\xe8\xd5\xb0\xd2\xdf\x5e\x42\x65\xf3\x77\xbb\x28\xd3\xca\x5f\x34\xec\xad"),
        SLICE_LIT("\x13\x11\xb3\x93\x79\xb1\xdd\x96\xac\xd3\x13\xb4\x9f\xde\xa5\xef\x90\xc8\x5b\x7d\x78\x6d\xc5\xc6\x90\x00") },
      { SLICE_LIT("\x80\x04\x00\x20\x00"),
        SLICE_LIT("\x84\x04\x00\x20\x08\x7d\x6b\x42\x04\x17\x9e\x97\xa8"),
        SLICE_LIT("\x3f\xa4\x4a\xc1\x90\x9c\x2c\x22\x85\xca\x0f\x8c\x33\xcd\x62\xe0\x4f\x63\xbc\x45\x9f\xc0\x7e\x48\x90\x00") },
      { SLICE_LIT("\x80\x04\x00\x27\x06\x41\x04\x7f\xff\x02\x06"),
        SLICE_LIT("\x84\x04\x00\x27\x18\x15\x43\xcb\x94\x20\x11\xb8\xc2\x7f\x35\x6a\x28\x38\xbc\xfb\xbb\xf0\x0d\xd3\xa8\x96\xab\x65\xbe"),
        SLICE_LIT("\xce\x75\x07\x13\xcf\x2d\xb5\xe4\x5a\x7b\xe0\xa5\xd4\x72\xeb\x5e\xc8\x82\x40\xea\x8b\xb8\x14\xe8\x90\x00") },
      { SLICE_LIT("\x80\x04\x00\x20\x00"),
        SLICE_LIT("\x84\x04\x00\x20\x08\x56\x0e\x87\x69\xac\x4c\x4b\xce"),
        SLICE_LIT("\x29\x1c\x27\x88\x5f\x4d\xc6\xb5\xa9\x81\xe5\xb7\x95\x33\x16\x88\x76\xab\xdf\x40\xe5\xee\x32\x59\x90\x00") },
      { SLICE_LIT("\x80\x01\x06\x00\x10\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"),
        SLICE_LIT("\x84\x01\x06\x00\x28\x34\x07\x8a\x67\x70\xd7\x04\xc1\x0e\xe3\xe8\xfe\xee\x10\x23\x13\x87\xa8\x8f\xfe\x7b\xa2\xc9\xc4\x5f\x53\x5e\xf9\x07\xd2\xec\x0f\xa1\x0f\xe8\x36\x98\xc5\xc4\xcf"),
        SLICE_LIT("\x29\xb5\x61\x84\x38\xcf\x92\x1a\x62\xde\x0a\xb1\x1f\x5b\x6e\x29\x68\x0d\x71\xde\x97\x55\x72\xc6\x90\x00") },
    },
    { /* all others */
      { SLICE_LIT("\x80\x04\x00\x49\x00\x00\x04\x41\x02\x00\x08\x00\x00"),
        SLICE_LIT("\x84\x04\x00\x49\x18\x6a\xa4\x4c\x02\x74\x84\xe8\xd5\xb0\xd2\xdf\x5e\x42\x65\xf3\x77\xbb\x28\xd3\xca\x5f\x34\xec\xad"),
        SLICE_LIT("\x13\x11\xb3\x93\x79\xb1\xdd\x96\xac\xd3\x13\xb4\x9f\xde\xa5\xef\x90\xc8\x5b\x7d\x78\x6d\xc5\xc6\x90\x00") },
      { SLICE_LIT("\x80\x04\x00\x20\x00"),
        SLICE_LIT("\x84\x04\x00\x20\x08\x7d\x6b\x42\x04\x17\x9e\x97\xa8"),
        SLICE_LIT("\x29\x1c\x27\x88\x5f\x4d\xc6\xb5\xa9\x81\xe5\xb7\x95\x33\x16\x88\x5a\xc2\x6a\xdc\x74\x84\x75\xb4\x90\x00") },
      { SLICE_LIT("\x80\x04\x00\x27\x06\x41\x04\x7f\xff\x02\x06"),
        SLICE_LIT("\x84\x04\x00\x27\x18\xdc\x2d\x89\xc3\x72\xce\x40\x10\x82\x5b\x56\xb7\xe6\xfa\xb1\x2d\xba\x2a\x02\xc7\x75\x6e\x7d\x2e"),
        SLICE_LIT("\x29\xb5\x61\x84\x38\xcf\x92\x1a\x62\xde\x0a\xb1\x1f\x5b\x6e\x29\xca\x99\x98\x03\x89\x83\xf7\x40\x90\x00") },
      { SLICE_LIT("\x80\x04\x00\x20\x00"),
        SLICE_LIT("\x84\x04\x00\x20\x08\xcc\x36\xb8\xfc\xd1\xcf\x1c\x3a"),
        SLICE_LIT("\x7a\x33\x9b\xaf\x47\xdf\xa7\x2d\xf6\xdc\x43\x30\x32\xb9\xdd\x13\xa0\xf7\xb4\xd7\x0f\x1b\xa1\xa6\x90\x00") },
      { SLICE_LIT("\x80\x01\x06\x00\x10\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"),
        SLICE_LIT("\x84\x01\x06\x00\x28\xee\xd3\x6b\x73\x8c\xd4\x73\x4e\x9a\x2e\x61\xbb\x06\x3c\x77\x86\x74\x37\xca\x94\x6d\x9b\xb5\x15\x23\xaa\xa4\x49\x7c\x81\x51\xd1\x53\xaf\xc6\x34\xe0\x63\x2e\x03"),
        SLICE_LIT("\x1a\xd0\x63\xc9\x26\x2e\x95\x67\x5f\x1c\x0b\x04\xd9\x1d\xa0\x37\xe9\x3c\xdd\x56\x57\x6a\x84\x98\x90\x00") },
    },
};
/* clang-format on */

static struct se_crypt *crypt;
static struct se_keysets devkit;

static int setup(void **state)
{
    crypt = se_crypt_new();
    return crypt && !se_keysets_find("SE050-a1f4", &devkit) ? 0 : -1;
}

static int teardown(void **state)
{
    se_crypt_free(crypt);
    return 0;
}

/* INITIALIZE UPDATE with the challenge of the vectors. */
static void initialized(struct se_scp *s)
{
    autobuf apdu = BUF_INIT(64);

    se_scp_init(s, crypt);
    assert_int_equal(se_scp_initialize(s, SE_SCP_PLATFORM_VERSION, &apdu), ERR_OK);
    assert_int_equal(apdu.n, 13);
    assert_memory_equal(apdu.p, "\x80\x50\x0b\x00\x08", 5);
    assert_memory_equal(apdu.p + 5, s->host, 8);
    memcpy(s->host, "\1\2\3\4\5\6\7\x08", 8);
}

static void opened(struct se_scp *s, bool counts_empty)
{
    autobuf apdu = BUF_INIT(64);
    size_t which = 9;

    initialized(s);
    assert_int_equal(
        se_scp_authenticate(s, devkit.set, 1, counts_empty, SLICE_LIT(DEVKIT_UPDATE), &which, &apdu), ERR_OK);
    assert_int_equal(which, 0);
    assert_true(slice_eq(buf_slice(&apdu), SLICE_LIT(DEVKIT_AUTHENTICATE)));
}

static void exchanges_as_computed(void **state)
{
    for (size_t counts = 0; counts < 2; counts++) {
        struct se_scp s;

        opened(&s, counts);
        for (size_t i = 0; i < 5; i++) {
            const struct exchange *x = &exchanges[counts][i];
            autobuf out = BUF_SECRET(256), plain = BUF_SECRET(256);

            assert_int_equal(se_scp_wrap(&s, x->plain, &out), ERR_OK);
            assert_true(slice_eq(buf_slice(&out), x->wrapped));
            assert_int_equal(se_scp_unwrap(&s, x->answer, &plain), ERR_OK);
            assert_true(
                slice_eq(buf_slice(&plain), x->plain.n > 5 ? SLICE_LIT(WITH_DATA) : SLICE_LIT(VERSION)));
        }
        se_scp_close(&s);
    }
}

/* Every bit of an answer, and every length: refused, the channel closed, its keys gone. The status word is
 * under the MAC, but another one means a bare refusal. */
static void a_changed_answer_closes_the_channel(void **state)
{
    struct slice good = exchanges[0][0].answer;

    for (size_t bit = 0; bit < (good.n - 2) * 8; bit++) {
        autobuf out = BUF_SECRET(256), plain = BUF_SECRET(256);
        uint8_t answer[64];
        struct se_scp s;

        opened(&s, false);
        assert_int_equal(se_scp_wrap(&s, exchanges[0][0].plain, &out), ERR_OK);
        memcpy(answer, good.p, good.n);
        answer[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(se_scp_unwrap(&s, slice_of(answer, good.n), &plain), ERR_AUTH);
        assert_int_equal(plain.n, 0);
        assert_false(s.open);
        assert_memory_equal(s.enc, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
        assert_int_equal(se_scp_wrap(&s, exchanges[0][0].plain, &out), ERR_WRONG_STATE);
    }
}

static void a_short_answer_closes_the_channel(void **state)
{
    struct slice good = exchanges[0][0].answer;

    for (size_t n = 0; n < good.n; n++) {
        autobuf out = BUF_SECRET(256), plain = BUF_SECRET(256);
        autofree uint8_t *answer = mem_dup(good.p + good.n - n, n); /* its end: with the status word */
        struct se_scp s;

        opened(&s, false);
        assert_int_equal(se_scp_wrap(&s, exchanges[0][0].plain, &out), ERR_OK);
        assert_int_equal(se_scp_unwrap(&s, slice_of(answer, n), &plain), n < 2 ? ERR_PROTO : ERR_AUTH);
        assert_false(s.open);
    }
}

static void a_bare_refusal_is_passed_on(void **state)
{
    autobuf out = BUF_SECRET(256), plain = BUF_SECRET(256);
    struct se_scp s;

    opened(&s, false);
    assert_int_equal(se_scp_wrap(&s, exchanges[0][0].plain, &out), ERR_OK);
    assert_int_equal(se_scp_unwrap(&s, SLICE_LIT("\x69\x85"), &plain), ERR_OK);
    assert_true(slice_eq(buf_slice(&plain), SLICE_LIT("\x69\x85")));
    assert_true(s.open);
    assert_int_equal(se_scp_unwrap(&s, SLICE_LIT("\x41\x69\x85"), &plain), ERR_PROTO);
    assert_false(s.open);
}

static void the_set_that_fits_is_found(void **state)
{
    struct se_keysets all;
    autobuf apdu = BUF_INIT(64);
    struct se_scp s;
    size_t which = 9;

    assert_int_equal(se_keysets_find("AUTO", &all), ERR_OK);
    assert_int_equal(all.n, 4);
    initialized(&s);
    assert_int_equal(se_scp_authenticate(&s, all.set, all.n, false, SLICE_LIT(DEVKIT_UPDATE), &which, &apdu),
                     ERR_OK);
    assert_string_equal(all.name[which], "se050-a1f4");
    initialized(&s);
    buf_clear(&apdu);
    which = 9;
    assert_int_equal(
        se_scp_authenticate(&s, all.set + 1, all.n - 1, false, SLICE_LIT(DEVKIT_UPDATE), &which, &apdu),
        ERR_AUTH);
    assert_int_equal(which, 9);
    assert_int_equal(apdu.n, 0);
    assert_false(s.open);
}

/* Every length but 29, and 32 with a sequence counter; another protocol. */
static void malformed_updates(void **state)
{
    uint8_t update[40] = { 0 };
    size_t which;

    memcpy(update, DEVKIT_UPDATE, sizeof(DEVKIT_UPDATE) - 1);
    for (size_t n = 0; n < sizeof(update); n++) {
        autobuf apdu = BUF_INIT(64);
        autofree uint8_t *copy = mem_dup(update, n);
        struct se_scp s;

        initialized(&s);
        assert_int_equal(se_scp_authenticate(&s, devkit.set, 1, false, slice_of(copy, n), &which, &apdu),
                         n == 29 || n == 32 ? ERR_OK : ERR_PROTO);
    }
    update[11] = 2; /* SCP02 */
    autobuf apdu = BUF_INIT(64);
    struct se_scp s;
    initialized(&s);
    assert_int_equal(se_scp_authenticate(&s, devkit.set, 1, false, slice_of(update, 29), &which, &apdu),
                     ERR_PROTO);
}

/* ---- key files ---- */

#define HEX "00112233445566778899aabbccddeeff"
static const struct {
    const char *what, *text;
    err_t want;
    unsigned line;
    bool dek;
} files[] = {
    { "all three", "ENC " HEX "\nMAC " HEX "\nDEK " HEX "\n", ERR_OK, 0, true },
    { "no DEK, comments, blanks", "# keys\n\n  MAC\t" HEX "\r\n ENC " HEX "  ", ERR_OK, 0, false },
    { "nothing", "", ERR_INVALID, 0, false },
    { "no MAC", "ENC " HEX "\n", ERR_INVALID, 0, false },
    { "twice", "ENC " HEX "\nMAC " HEX "\nENC " HEX "\n", ERR_INVALID, 3, false },
    { "a digit too few", "ENC " HEX "\nMAC 0011223344556677889aabbccddeeff\n", ERR_INVALID, 2, false },
    { "a digit too many", "ENC " HEX "0\nMAC " HEX "\n", ERR_INVALID, 1, false },
    { "no digit", "ENC g0112233445566778899aabbccddeeff\n", ERR_INVALID, 1, false },
    { "another word", "KEY " HEX "\n", ERR_INVALID, 1, false },
    { "lower case", "enc " HEX "\n", ERR_INVALID, 1, false },
    { "no blank", "ENC" HEX "\n", ERR_INVALID, 1, false },
};

static void key_files(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct se_keyset k = { .enc = { 0xee } };
        unsigned line = 0;

        print_message("  %s\n", files[i].what);
        assert_int_equal(se_keyset_parse(slice_str(files[i].text), &k, &line), files[i].want);
        assert_int_equal(line, files[i].line);
        assert_int_equal(k.enc[0], files[i].want ? 0xee : 0);
        assert_int_equal(k.enc[15], files[i].want ? 0 : 0xff);
        assert_int_equal(k.has_dek, files[i].dek);
    }
}

/* ---- attested answers ---- */

#define TIME "\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c"
#define RANDOM "0123456789abcdef"
#define CHIP "unique-id-of-chip!"
static const struct slice attested_3x =
    SLICE_LIT("\x41\x02hi\x42\x01"
              "a"
              "\x43\x0c" TIME "\x44\x10" RANDOM "\x45\x12" CHIP "\x46\x03sig");
static const struct slice attested_7x = SLICE_LIT("\x41\x02hi\x42\x12" CHIP "\x43\x01"
                                                  "a"
                                                  "\x44\x02\x00\x02\x4f\x0c" TIME "\x52\x03sig");

static void attested_layouts(void **state)
{
    const struct slice answers[2] = { attested_3x, attested_7x };

    for (size_t is_7x = 0; is_7x < 2; is_7x++) {
        struct se_attested a;

        assert_int_equal(se_attest_parse(is_7x, answers[is_7x], &a), ERR_OK);
        assert_true(slice_eq(a.data, SLICE_LIT("hi")));
        assert_true(slice_eq(a.attributes, SLICE_LIT("a")));
        assert_true(slice_eq(a.chip_id, SLICE_LIT(CHIP)));
        assert_true(slice_eq(a.timestamp, SLICE_LIT(TIME)));
        assert_true(slice_eq(a.signature, SLICE_LIT("sig")));
        assert_int_equal(se_attest_parse(!is_7x, answers[is_7x], &a), ERR_PROTO);
        for (size_t n = 0; n < answers[is_7x].n; n++) {
            autofree uint8_t *copy = mem_dup(answers[is_7x].p, n);

            assert_int_equal(se_attest_parse(is_7x, slice_of(copy, n), &a), ERR_PROTO);
        }
    }
}

static void another_random_is_refused(void **state)
{
    uint8_t digest[SE_SHA256];
    struct se_attested a;

    assert_int_equal(se_attest_parse(false, attested_3x, &a), ERR_OK);
    assert_int_equal(se_attest_digest(crypt, false, &a, SLICE_LIT("cmd"), SLICE_LIT(RANDOM), digest), ERR_OK);
    assert_int_equal(
        se_attest_digest(crypt, false, &a, SLICE_LIT("cmd"), SLICE_LIT("0123456789abcdeF"), digest),
        ERR_PROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges_as_computed),
        cmocka_unit_test(a_changed_answer_closes_the_channel),
        cmocka_unit_test(a_short_answer_closes_the_channel),
        cmocka_unit_test(a_bare_refusal_is_passed_on),
        cmocka_unit_test(the_set_that_fits_is_found),
        cmocka_unit_test(malformed_updates),
        cmocka_unit_test(key_files),
        cmocka_unit_test(attested_layouts),
        cmocka_unit_test(another_random_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
