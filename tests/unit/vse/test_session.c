/* Sessions, attempts and settings inside the applet: what non-volatile memory is told and when, what limits
 * and resets do. What a host sees is in tests/integration/test_vse_sessions.py. */
#include "../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "vse/authenticate.h"
#include "vse/dispatch.h"

#define USER 0x7da00001u

static struct vse_applet a;
static err_t nvm_says;
static unsigned nvm_calls;
static uint8_t kept_attempts;
static int64_t now;

static err_t nvm(void *ctx, const struct vse_nvm_op *ops, size_t n)
{
    auto_object *o = NULL;

    (void)ctx;
    nvm_calls += n != 0;
    if (!nvm_says && n == 1 && ops[0].put && ops[0].kind == VSE_NVM_OBJECT) {
        assert_int_equal(vse_object_decode(ops[0].id, ops[0].value, &o), ERR_OK);
        kept_attempts = (uint8_t)o->attempts;
    }
    return nvm_says;
}

static int64_t clock_now(void)
{
    return now;
}

static void put_userid(uint16_t max_attempts)
{
    struct vse_object *o = vse_object_new(USER, SE_TYPE_USERID);

    assert_non_null(o);
    o->auth = true;
    o->size = 5;
    o->max_attempts = max_attempts;
    assert_int_equal(vse_object_set(o, VSE_DATA, SLICE_LIT("12345")), ERR_OK);
    assert_int_equal(vse_objects_reserve(&a.objects), ERR_OK);
    vse_objects_put(&a.objects, o);
}

static int setup(void **state)
{
    (void)state;
    nvm_says = ERR_OK;
    nvm_calls = 0;
    now = 1000;
    vse_applet_init(&a, &vse_personality_3_1, (struct vse_nvm){ NULL, nvm });
    a.now_ms = clock_now;
    a.selected = true;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vse_applet_done(&a);
    return 0;
}

/* The SW of a command, its data dropped. */
static uint16_t run(struct slice apdu)
{
    autobuf out = BUF_INIT(SE_ANSWER_MAX);

    vse_applet_run(&a, apdu, &out);
    assert_true(out.n >= 2);
    return (uint16_t)(out.p[out.n - 2] << 8 | out.p[out.n - 1]);
}

static uint16_t run_inside(const struct vse_session *s, struct slice inner)
{
    autobuf apdu = BUF_INIT(300);
    struct writer w = writer_of(&apdu);

    writer_bytes(&w, SLICE_LIT("\x80\x05\x00\x00"));
    writer_u8(&w, (uint8_t)(2 + 8 + 2 + inner.n));
    writer_u8(&w, SE_TAG_SESSION_ID);
    writer_u8(&w, 8);
    writer_be64(&w, s->id);
    tlv_put(&w, SE_TAG_1, inner);
    assert_int_equal(writer_done(&w), ERR_OK);
    return run(buf_slice(&apdu));
}

#define VERIFY                               \
    SLICE_LIT("\x80\x04\x00\x2c\x07\x41\x05" \
              "12345")
#define VERSION SLICE_LIT("\x80\x04\x00\x20")

/* The attempt is on the disk before its outcome is known: cutting power gains no guess. */
static void an_attempt_is_durable_first(void **state)
{
    const struct vse_object *o;
    (void)state;

    put_userid(3);
    assert_int_equal(vse_attempt_begin(&a, USER, &o), SE_SW_OK);
    assert_int_equal(kept_attempts, 1);
    assert_int_equal(nvm_calls, 1);
    assert_int_equal(vse_attempt_end(&a, USER, false), SE_SW_OK);
    assert_int_equal(kept_attempts, 1);
    assert_int_equal(nvm_calls, 1);
    assert_int_equal(vse_authenticate_userid(&a, USER, SLICE_LIT("12345")), SE_SW_OK);
    assert_int_equal(nvm_calls, 3);
    assert_int_equal(kept_attempts, 0);
}

static void no_memory_no_attempt(void **state)
{
    (void)state;
    put_userid(3);
    nvm_says = ERR_NO_SPACE;
    assert_int_equal(vse_authenticate_userid(&a, USER, SLICE_LIT("12345")), SE_SW_NO_MEMORY);
    nvm_says = ERR_OK;
    assert_int_equal(vse_authenticate_userid(&a, USER, SLICE_LIT("12345")), SE_SW_OK);
    vse_objects_remove(&a.objects, USER);
    assert_int_equal(vse_authenticate_userid(&a, USER, SLICE_LIT("12345")), SE_SW_CONDITIONS);
}

static void a_blocked_one_stays_blocked(void **state)
{
    (void)state;
    put_userid(2);
    assert_int_equal(vse_authenticate_userid(&a, USER, SLICE_LIT("wrong")), SE_SW_SECURITY_STATUS);
    assert_int_equal(vse_authenticate_userid(&a, USER, SLICE_LIT("1234")), SE_SW_SECURITY_STATUS);
    nvm_calls = 0;
    assert_int_equal(vse_authenticate_userid(&a, USER, SLICE_LIT("12345")), SE_SW_AUTH_BLOCKED);
    assert_int_equal(nvm_calls, 0);
}

static struct vse_session *open_session(void)
{
    struct vse_session *s = vse_session_new(&a, VSE_SESSION_USERID, USER);

    assert_non_null(s);
    assert_int_equal(run_inside(s, VERIFY), SE_SW_OK);
    return s;
}

static void time_and_commands_run_out(void **state)
{
    struct vse_session *s;
    (void)state;

    put_userid(0);
    s = open_session();
    s->policy = (struct vse_session_policy){ SE_SESSION_MAX_TIME, 0, 10 };
    now += 9999;
    assert_int_equal(run_inside(s, VERSION), SE_SW_OK);
    now += 1;
    assert_int_equal(run_inside(s, VERSION), SE_SW_CONDITIONS);
    assert_int_equal(s->kind, VSE_SESSION_FREE);
    s = open_session();
    s->policy = (struct vse_session_policy){ SE_SESSION_MAX_APDU, 2, 0 };
    assert_int_equal(run_inside(s, VERSION), SE_SW_OK);
    assert_int_equal(run_inside(s, VERSION), SE_SW_OK);
    assert_int_equal(run_inside(s, VERSION), SE_SW_CONDITIONS);
    assert_int_equal(s->kind, VSE_SESSION_FREE);
}

static void what_ends_sessions(void **state)
{
    static const struct {
        const char *what;
        void (*end)(struct vse_applet *a);
    } cases[] = { { "deselect", vse_applet_deselect }, { "reset", vse_applet_reset } };
    (void)state;

    put_userid(0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s\n", cases[i].what);
        (void)open_session();
        (void)open_session();
        assert_null(vse_session_new(&a, VSE_SESSION_USERID, USER));
        cases[i].end(&a);
        a.selected = true;
        assert_int_equal(a.sessions.user[0].kind, VSE_SESSION_FREE);
        assert_int_equal(a.sessions.user[1].kind, VSE_SESSION_FREE);
    }
    (void)open_session();
    assert_int_equal(vse_applet_remove(&a, USER), SE_SW_OK);
    assert_int_equal(a.sessions.user[0].kind, VSE_SESSION_FREE);
}

static void ids_differ(void **state)
{
    uint64_t last = 0;
    (void)state;

    put_userid(0);
    for (int i = 0; i < 100; i++) {
        struct vse_session *s = vse_session_new(&a, VSE_SESSION_USERID, USER);
        assert_true(s->id != 0 && s->id != last);
        last = s->id;
        vse_session_close(&a, s);
    }
}

/* ---- settings ---- */

static void settings_are_checked(void **state)
{
    static const struct {
        uint32_t which;
        struct slice value;
        err_t want;
    } cases[] = {
        { VSE_SETTING_LOCK, SLICE_LIT("\x01"), ERR_OK },
        { VSE_SETTING_LOCK, SLICE_LIT("\x02"), ERR_CORRUPT },
        { VSE_SETTING_LOCK, SLICE_LIT(""), ERR_CORRUPT },
        { VSE_SETTING_SCP_REQUEST, SLICE_LIT("\x01"), ERR_OK },
        { VSE_SETTING_SCP_REQUEST, SLICE_LIT("\x01\x01"), ERR_CORRUPT },
        { VSE_SETTING_FEATURES, SLICE_LIT("\xff\x9f"), ERR_OK },
        { VSE_SETTING_FEATURES, SLICE_LIT("\xff"), ERR_CORRUPT },
        { VSE_SETTING_RESTRICT, SLICE_LIT("\x02"), ERR_OK },
        { VSE_SETTING_RESTRICT, SLICE_LIT("\x03"), ERR_CORRUPT },
        { VSE_SETTING_SCP_KEYS, SLICE_LIT("0123456789abcdef0123456789abcdef0123456789abcdef"), ERR_OK },
        { VSE_SETTING_SCP_KEYS, SLICE_LIT("0123456789abcdef0123456789abcdef0123456789abcde"), ERR_CORRUPT },
        { 0, SLICE_LIT("\x01"), ERR_CORRUPT },
        { VSE_SETTING_SCP_KEYS + 1, SLICE_LIT("\x01"), ERR_CORRUPT },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(vse_applet_load(&a, VSE_NVM_SETTING, cases[i].which, cases[i].value), cases[i].want);
    assert_true(a.settings.locked && a.settings.scp_required && a.settings.restricted == SE_RESTRICT_ALL);
    assert_int_equal(a.settings.features, SE_CONFIG_ALL & 0xff9f); /* no more than the part was made with */
    assert_true(a.settings.scp_keys.mac[0] == '0' && a.settings.scp_keys.has_dek);
}

/* ---- the table of commands ---- */

static void every_row_is_found_by_its_own_header(void **state)
{
    const struct vse_command *row;
    size_t n = 0;
    (void)state;

    for (; (row = vse_command_at(n)); n++) {
        assert_non_null(row->name);
        assert_true(row->on && !(row->on & ~VSE_ON_ALL));
        for (uint8_t g = VSE_ON_3X; g <= VSE_ON_7X; g++) {
            const struct vse_command *found = vse_command_find(g, row->ins, row->p1, row->p2);
            if (row->on & g)
                assert_ptr_equal(found, row); /* and no row hides another */
        }
    }
    assert_true(n > 20);
    assert_null(vse_command_at(n));
    assert_null(vse_command_find(VSE_ON_3X, 0x04, 0x00, 0x99));
    assert_null(vse_command_find(VSE_ON_3X, 0x24, 0x00, 0x20)); /* a flag that this one does not have */
}

static void personalities(void **state)
{
    static const struct {
        const char *applet;
        char variant;
        uint16_t features;
    } cases[] = {
        { "3.1", 0, 0x3fff },   { "3.1", 'A', 0x379f }, { "3.1", 'B', 0x37f0 },
        { "3.1", 'C', 0x3fff }, { "7.2", 0, 0x3fff },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct vse_personality *p = vse_personality_find(cases[i].applet, cases[i].variant);
        assert_non_null(p);
        assert_int_equal(p->features, cases[i].features);
        assert_string_equal(p->applet, cases[i].applet);
    }
    assert_null(vse_personality_find("3.1", 'D'));
    assert_null(vse_personality_find("7.2", 'C'));
    assert_null(vse_personality_find("7.1", 0));
    assert_null(vse_personality_find("", 0));
    assert_false(vse_personality_3_1.scp_counts_empty || vse_personality_3_1.eckey_kdf_counter);
    assert_true(vse_personality_7_2.scp_counts_empty && vse_personality_7_2.eckey_kdf_counter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_attempt_is_durable_first, setup, teardown),
        cmocka_unit_test_setup_teardown(no_memory_no_attempt, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blocked_one_stays_blocked, setup, teardown),
        cmocka_unit_test_setup_teardown(time_and_commands_run_out, setup, teardown),
        cmocka_unit_test_setup_teardown(what_ends_sessions, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(settings_are_checked, setup, teardown),
        cmocka_unit_test(every_row_is_found_by_its_own_header),
        cmocka_unit_test(personalities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
