/* The applet: status words, what non-volatile memory is told, what happens when it fails. Cryptographic
 * results are checked from outside (tests/integration/test_vse_applet.py). */
#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "vse/provision.h"

static struct vse_applet a;
static err_t nvm_says;
static unsigned nvm_calls;

static err_t nvm(void *ctx, const struct vse_nvm_op *ops, size_t n)
{
    (void)ctx;
    (void)ops;
    nvm_calls += n != 0;
    return nvm_says;
}

static int setup(void **state)
{
    (void)state;
    nvm_says = ERR_OK;
    nvm_calls = 0;
    vse_applet_init(&a, &vse_personality_3_1, (struct vse_nvm){ NULL, nvm });
    a.selected = true;
    a.curves[SE_CURVE_P256] = VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vse_applet_done(&a);
    return 0;
}

/* Run a command given in hex; the whole answer in hex. */
static const char *run(const char *hex)
{
    static char out[2 * SE_ANSWER_MAX + 1];
    autobuf in = BUF_INIT(2000), answer = BUF_INIT(SE_ANSWER_MAX);

    assert_int_equal(hex_decode(&in, slice_str(hex)), ERR_OK);
    vse_applet_run(&a, buf_slice(&in), &answer);
    hex_str(out, buf_slice(&answer));
    return out;
}

static void status_words(void **state)
{
    static const struct {
        const char *what, *in, *out;
    } cases[] = {
        { "SELECT", "00a4040010a000000396545300000001030000000000", "0301003fff010b9000" },
        { "another applet", "00a4040005a00000000100", "6a82" },
        { "not selected any more", "8004002000", "6d00" },
        { "SELECT again", "00a4040010a0000003965453000000010300000000", "0301003fff010b9000" },
        { "SELECT by other means", "00a4000000", "6a86" },
        { "version", "8004002000", "41070301003fff010b9000" },
        { "other class", "9004002000", "6e00" },
        { "secured without a channel", "8404002000", "6982" },
        { "unknown INS", "8010002000", "6d00" },
        { "unknown P2", "8004009900", "6a86" },
        { "attested read without a key", "8022000006410400000005", "6a80" },
        { "nothing", "", "6700" },
        { "exists not", "80040027064104000000ff", "4101029000" },
        { "id of three bytes", "80040027054103000000", "6a80" },
        { "unwanted tag",
          "800400270841040000000542"
          "00",
          "6a80" },
        { "missing tag", "8004002700", "6a80" },
        { "delete what is not there", "80040028064104000000ff", "6985" },
        { "crypto objects: none", "8002102500", "41009000" },
        { "id list: empty",
          "80020025074102000042"
          "01ff",
          "41010142009000" },
        { "version tag is for 7.x",
          "80010600104104000000054302000"
          "34b0400000001",
          "6a80" },
        { "curve list", "80020b2500",
          "4111010102"
          "0101010101010101010101010101"
          "9000" },
        { "curve of no object", "80020b36064104000000ff", "6985" },
        { "unknown curve",
          "80010b0403410"
          "112",
          "6a80" },
        { "sign with nothing",
          "80030c090941040000000142"
          "0121",
          "6985" },
        { "memory of no kind", "8004002203410104", "6a80" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s\n", cases[i].what);
        assert_string_equal(run(cases[i].in), cases[i].out);
    }
    assert_int_equal(nvm_calls, 0);
}

#define NEW_FILE "800106000e4104000000054302000344026869" /* id 5, three bytes, begins "hi" */
#define READ_FILE          \
    "80020000064104000000" \
    "05"
#define NEW_EC                   \
    "80016100094104000000014201" \
    "03"

static void nothing_changes_when_memory_fails(void **state)
{
    static const struct {
        err_t e;
        const char *sw;
    } fails[] = { { ERR_NO_SPACE, "6a84" }, { ERR_IO, "6985" } };
    (void)state;

    assert_string_equal(run(NEW_FILE), "9000");
    for (size_t i = 0; i < ARRAY_LEN(fails); i++) {
        nvm_says = fails[i].e;
        assert_string_equal(run("800106000a41040000000544"
                                "026f6f"),
                            fails[i].sw); /* update */
        assert_string_equal(run("80040028064104000000"
                                "05"),
                            fails[i].sw); /* delete */
        assert_string_equal(run(NEW_EC), fails[i].sw);
        assert_string_equal(run("80010b04034101"
                                "04"),
                            fails[i].sw); /* curve P-384 */
        assert_string_equal(run(READ_FILE), "41036869009000");
        assert_string_equal(run("8004002706410400000001"), "4101029000");
        assert_int_equal(a.curves[SE_CURVE_P384], 0);
    }
    nvm_says = ERR_OK;
    assert_string_equal(run("800106000a41040000000544"
                            "026f6f"),
                        "9000");
    assert_string_equal(run(READ_FILE), "41036f6f009000");
}

static void every_acknowledged_write_was_made_durable(void **state)
{
    (void)state;
    assert_string_equal(run(NEW_FILE), "9000");
    assert_int_equal(nvm_calls, 1);
    assert_string_equal(run(NEW_EC), "9000");
    assert_int_equal(nvm_calls, 2);
    assert_string_equal(run("80040028064104000000"
                            "05"),
                        "9000");
    assert_int_equal(nvm_calls, 3);
    assert_string_equal(run("810106000e4104000000064302000344026869"), "6e00"); /* the flag is INS's */
    assert_string_equal(run("808106000e4104000000064302000344026869"), "9000"); /* transient: its entry */
    assert_int_equal(nvm_calls, 4);
    assert_string_equal(run("808106000a41040000000644"
                            "026f6f"),
                        "9000"); /* its value is RAM */
    assert_int_equal(nvm_calls, 4);
    vse_applet_reset(&a);
    assert_false(a.selected);
    a.selected = true;
    assert_string_equal(run("80020000064104000000"
                            "06"),
                        "6985");
    assert_string_equal(run("80020026064104000000"
                            "06"),
                        "41010b4201029000");
}

static void factory_state(void **state)
{
    (void)state;
    assert_int_equal(vse_applet_provision(&a, VSE_FACTORY_EC), ERR_OK);
    assert_int_equal(vse_applet_provision(&a, VSE_FACTORY_EC), ERR_OK); /* once only */
    assert_int_equal(nvm_calls, 1);
    assert_int_equal(strlen(run("8002000006"
                                "41047fff0206")),
                     2 * (2 + 18 + 2));
    assert_string_equal(run("8004002806"
                            "41047fff0206"),
                        "6986");
    assert_string_equal(run("800106000a"
                            "41047fff0206"
                            "4402"
                            "0000"),
                        "6986");
    vse_applet_done(&a);
    (void)setup(NULL);
    nvm_says = ERR_NO_SPACE;
    assert_int_equal(vse_applet_provision(&a, VSE_FACTORY_EC), ERR_NO_SPACE);
    assert_int_equal(a.objects.n, 0);
}

static void what_is_loaded_is_checked(void **state)
{
    static const struct {
        uint8_t kind;
        uint32_t id;
        struct slice value;
        err_t want;
    } cases[] = {
        { VSE_NVM_CURVE, 3, SLICE_LIT("\x9f"), ERR_OK },
        { VSE_NVM_CURVE, 0, SLICE_LIT("\x9f"), ERR_CORRUPT },
        { VSE_NVM_CURVE, SE_CURVE_WEIERSTRASS_COUNT + 1, SLICE_LIT("\x9f"), ERR_CORRUPT },
        { VSE_NVM_CURVE, 3, SLICE_LIT(""), ERR_CORRUPT },
        { VSE_NVM_OBJECT, 1, SLICE_LIT("junk"), ERR_CORRUPT },
        { 3, 1, SLICE_LIT(""), ERR_CORRUPT },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(vse_applet_load(&a, cases[i].kind, cases[i].id, cases[i].value), cases[i].want);
    assert_int_equal(a.objects.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(status_words, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_changes_when_memory_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(every_acknowledged_write_was_made_durable, setup, teardown),
        cmocka_unit_test_setup_teardown(factory_state, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_loaded_is_checked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
