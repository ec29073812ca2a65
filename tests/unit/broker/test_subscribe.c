#include "world.h"

/* iot-core.md 3.6 and 1.4: what a SUBSCRIBE gets. */
static const struct {
    const char *what;
    bool v5;
    enum broker_verdict verdict;
    struct slice in, out;
    bool closed;
} cases[] = {
    { "3.1.1 granted", false, BROKER_ALLOW, SLICE_LIT(SUB1("t")), SLICE_LIT(SUBACK1), false },
    { "3.1.1 denied", false, BROKER_DENY, SLICE_LIT(SUB1("t")), SLICE_LIT("\x90\x03\x00\x01\x80"), false },
    { "3.1.1 denied and closed", false, BROKER_DENY_CLOSE, SLICE_LIT(SUB1("t")), SLICE_LIT(""), true },
    { "5 denied", true, BROKER_DENY, SLICE_LIT("\x82\x07\x00\x01\x00\x00\x01t\x01"),
      SLICE_LIT("\x90\x04\x00\x01\x00\x87"), false },
    { "5 denied and closed", true, BROKER_DENY_CLOSE, SLICE_LIT("\x82\x07\x00\x01\x00\x00\x01t\x01"),
      SLICE_LIT("\xe0\x01\x87"), true },
    { "3.1.1 bad filter", false, BROKER_ALLOW, SLICE_LIT("\x82\x07\x00\x01\x00\x02t#\x01"), SLICE_LIT(""),
      true },
    { "5 bad filter beside a good one", true, BROKER_ALLOW,
      SLICE_LIT("\x82\x0c\x00\x01\x00\x00\x02t#\x01\x00\x01t\x00"), SLICE_LIT("\x90\x05\x00\x01\x00\x8f\x00"),
      false },
    { "5 bad shared filter", true, BROKER_ALLOW, SLICE_LIT("\x82\x0e\x00\x01\x00\x00\x08$share/g\x01"),
      SLICE_LIT("\x90\x04\x00\x01\x00\x8f"), false },
    { "3.1.1 QoS 2", false, BROKER_ALLOW, SLICE_LIT("\x82\x06\x00\x01\x00\x01t\x02"), SLICE_LIT(""), true },
    { "5 QoS 2", true, BROKER_ALLOW, SLICE_LIT("\x82\x07\x00\x01\x00\x00\x01t\x02"),
      SLICE_LIT("\xe0\x01\x9b"), true },
    { "5 subscription identifier", true, BROKER_ALLOW, SLICE_LIT("\x82\x09\x00\x01\x02\x0b\x01\x00\x01t\x00"),
      SLICE_LIT("\xe0\x01\xa1"), true },
    { "8 filters", false, BROKER_ALLOW,
      SLICE_LIT("\x82\x22\x00\x01\x00\x01"
                "1\x00\x00\x01"
                "2\x00\x00\x01"
                "3\x00\x00\x01"
                "4\x00\x00\x01"
                "5\x00\x00\x01"
                "6\x00\x00\x01"
                "7\x00\x00\x01"
                "8\x00"),
      SLICE_LIT("\x90\x0a\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00"), false },
    { "9 filters", false, BROKER_ALLOW,
      SLICE_LIT("\x82\x26\x00\x01\x00\x01"
                "1\x00\x00\x01"
                "2\x00\x00\x01"
                "3\x00\x00\x01"
                "4\x00\x00\x01"
                "5\x00\x00\x01"
                "6\x00\x00\x01"
                "7\x00\x00\x01"
                "8\x00\x00\x01"
                "9\x00"),
      SLICE_LIT(""), true },
    { "7 slashes", false, BROKER_ALLOW,
      SLICE_LIT("\x82\x14\x00\x01\x00\x0f"
                "1/2/3/4/5/6/7/8\x00"),
      SLICE_LIT(SUBACK0), false },
    { "8 slashes", false, BROKER_ALLOW,
      SLICE_LIT("\x82\x16\x00\x01\x00\x11"
                "1/2/3/4/5/6/7/8/9\x00"),
      SLICE_LIT(""), true },
    { "8 slashes, two of them $share/g/", false, BROKER_ALLOW,
      SLICE_LIT("\x82\x17\x00\x01\x00\x12$share/g/1/2/3/4/5\x00"), SLICE_LIT(SUBACK0), false },
};

static void granted_or_not(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("  %s\n", cases[i].what);
        join(w, 0, cases[i].v5 ? SLICE_LIT(CONNECT5("c")) : SLICE_LIT(CONNECT("c")));
        w->verdict[BROKER_SUBSCRIBE] = cases[i].verdict;
        send_slice(w, 0, cases[i].in);
        see_slice(w, 0, cases[i].out, __FILE__, __LINE__);
        assert_int_equal(w->c[0].closed, cases[i].closed);
    }
}

static void denied_means_no_messages(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    w->verdict[BROKER_SUBSCRIBE] = BROKER_DENY;
    send(w, 0, SUB1("t"));
    see(w, 0, "\x90\x03\x00\x01\x80");
    send(w, 0, PUB0("t", "x"));
    see(w, 0, "");
}

static void a_server_may_grant_less(void **state)
{
    struct world *w = *state;
    CONFIGURE(w, {
        broker_config_standard(cf);
        cf->max_qos = 1;
    });
    JOIN(w, 0, "c");
    send(w, 0, "\x82\x06\x00\x01\x00\x01t\x02");
    see(w, 0, SUBACK1); /* §3.8.4: the server may grant a lower maximum QoS */
}

static void limit_of_one_session(void **state)
{
    struct world *w = *state;
    CONFIGURE(w, cf->max_subscriptions = 2);
    JOIN(w, 0, "c");
    send(w, 0,
         "\x82\x0e\x00\x01\x00\x01"
         "1\x00\x00\x01"
         "2\x00\x00\x01"
         "3\x00");
    see(w, 0, "\x90\x05\x00\x01\x00\x00\x80");
    send(w, 0, SUB1("1")); /* one it has: changed, not added */
    see(w, 0, SUBACK1);
    send(w, 0,
         "\xa2\x05\x00\x02\x00\x01"
         "1");
    see(w, 0, "\xb0\x02\x00\x02");
    send(w, 0, SUB1("3"));
    see(w, 0, SUBACK1);
}

static void answers_come_one_after_the_other(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    w->verdict[BROKER_SUBSCRIBE] = BROKER_LATER;
    send(w, 0,
         "\x82\x0a\x00\x01\x00\x01"
         "a\x00\x00\x01"
         "b\x01");
    assert_asked(w, 0, "SUBSCRIBE a");
    broker_answer(w->b, w->ticket, BROKER_DENY);
    see(w, 0, "");
    assert_asked(w, 1, "SUBSCRIBE b");
    broker_answer(w->b, w->ticket, BROKER_ALLOW);
    see(w, 0, "\x90\x04\x00\x01\x80\x01");
    assert_int_equal(w->n_asked, 2);
}

static void suback_waits_for_the_journal(void **state)
{
    struct world *w = *state;
    join(w, 0, SLICE_LIT(CONNECT_KEEP("c")));
    w->journal_says = ERR_MORE;
    send(w, 0, SUB1("t"));
    see(w, 0, "");
    broker_journal_done(w->b, w->journal_ticket, ERR_OK);
    see(w, 0, SUBACK1);
    JOIN(w, 1, "d"); /* a clean session has nothing to keep */
    send(w, 1, SUB1("t"));
    see(w, 1, SUBACK1);
}

static void unsubscribe(void **state)
{
    struct world *w = *state;
    JOIN5(w, 0, "c");
    send(w, 0, "\x82\x07\x00\x01\x00\x00\x01t\x00");
    see(w, 0, "\x90\x04\x00\x01\x00\x00");
    send(w, 0, "\xa2\x09\x00\x02\x00\x00\x01t\x00\x01u");
    see(w, 0, "\xb0\x05\x00\x02\x00\x00\x11"); /* 0x11: there was none */
    send(w, 0, "\x30\x05\x00\x01t\x00x");
    see(w, 0, "");
}

/* ---- retained: iot-core.md 1.4 ---- */

static void retained_for_exact_filters_only(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    send(w, 0, "\x31\x04\x00\x01tx");
    send(w, 0, "\x82\x06\x00\x01\x00\x01#\x00");
    see(w, 0, SUBACK0);
    send(w, 0, SUB0("t"));
    see(w, 0, SUBACK0 "\x31\x04\x00\x01tx"); /* RETAIN set */
    send(w, 0, "\x82\x0f\x00\x01\x00\x0a$share/g/t\x00");
    see(w, 0, SUBACK0);
    send(w, 0, "\x31\x03\x00\x01t"); /* empty: deletes, and is forwarded without RETAIN */
    see(w, 0, "\x30\x03\x00\x01t");
    send(w, 0, SUB0("t"));
    see(w, 0, SUBACK0);
}

static void retained_for_wildcards_in_the_standard_profile(void **state)
{
    struct world *w = *state;
    CONFIGURE(w, broker_config_standard(cf));
    JOIN(w, 0, "c");
    send(w, 0,
         "\x31\x04\x00\x01tx"
         "\x33\x06\x00\x01u\x00\x01y");
    see(w, 0, PUBACK("\x01"));
    send(w, 0, "\x82\x06\x00\x01\x00\x01+\x01");
    turn(w);
    assert_int_equal(w->c[0].in.n, 5 + 6 + 8);
    assert_non_null(memmem(w->c[0].in.p, w->c[0].in.n, "\x31\x04\x00\x01tx", 6));
    assert_non_null(memmem(w->c[0].in.p, w->c[0].in.n, "\x33\x06\x00\x01u\x00\x01y", 8));
}

static void retained_limit(void **state)
{
    struct world *w = *state;
    CONFIGURE(w, cf->max_retained = 1);
    JOIN5(w, 0, "c");
    send(w, 0,
         "\x33\x07\x00\x01t\x00\x01\x00x"
         "\x33\x07\x00\x01u\x00\x02\x00x");
    see(w, 0, PUBACK("\x01") "\x40\x03\x00\x02\x97");
    send(w, 0, "\x33\x07\x00\x01t\x00\x03\x00y"); /* one there is may change */
    see(w, 0, PUBACK("\x03"));
    CONFIGURE(w, cf->max_retained = 0);
    JOIN5(w, 0, "c");
    send(w, 0, "\x31\x05\x00\x01t\x00x");
    see(w, 0, "\xe0\x01\x9a");
}

static void retain_permission_is_asked(void **state)
{
    struct world *w = *state;
    JOIN(w, 0, "c");
    send(w, 0, "\x31\x04\x00\x01tx");
    assert_asked(w, 0, "PUBLISH t retain");
}

static void version_5_options(void **state)
{
    struct world *w = *state;
    JOIN5(w, 0, "c");
    JOIN5(w, 1, "d");
    send(w, 0,
         "\x31\x05\x00\x01r\x00"
         "1");
    /* no local: not what it sent itself */
    send(w, 0, "\x82\x07\x00\x01\x00\x00\x01t\x04");
    see(w, 0, "\x90\x04\x00\x01\x00\x00");
    send(w, 0, "\x30\x05\x00\x01t\x00x");
    see(w, 0, "");
    send(w, 1, "\x30\x05\x00\x01t\x00y");
    see(w, 0, "\x30\x05\x00\x01t\x00y");
    /* retain handling 2: none; retain as published: live ones marked */
    send(w, 0, "\x82\x07\x00\x01\x00\x00\x01r\x28");
    see(w, 0, "\x90\x04\x00\x01\x00\x00");
    send(w, 1,
         "\x31\x05\x00\x01r\x00"
         "2");
    see(w, 0,
        "\x31\x05\x00\x01r\x00"
        "2");
    /* retain handling 1: not again for a subscription it has */
    send(w, 0, "\x82\x07\x00\x01\x00\x00\x01r\x10");
    see(w, 0, "\x90\x04\x00\x01\x00\x00");
    send(w, 1, "\x82\x07\x00\x01\x00\x00\x01r\x10");
    see(w, 1,
        "\x90\x04\x00\x01\x00\x00\x31\x05\x00\x01r\x00"
        "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(granted_or_not),
        T(denied_means_no_messages),
        T(a_server_may_grant_less),
        T(limit_of_one_session),
        T(answers_come_one_after_the_other),
        T(suback_waits_for_the_journal),
        T(unsubscribe),
        T(retained_for_exact_filters_only),
        T(retained_for_wildcards_in_the_standard_profile),
        T(retained_limit),
        T(retain_permission_is_asked),
        T(version_5_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
