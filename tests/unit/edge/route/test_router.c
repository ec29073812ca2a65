/* The router between a pool, a shadow service and a cloud that the test plays. */
#include "../../cm.h"
#include "base/hex.h"
#include "base/mem.h"
#include "edge/route/router.h"
#include "edge/route/table.h"
#include "edge/route/topics.h"
#include "log.h"

#define A "arn:aws:lambda:us-east-1:123456789012:function:a:1"
#define B "arn:aws:lambda:us-east-1:123456789012:function:b:2"
#define GONE "arn:aws:lambda:us-east-1:123456789012:function:gone:3"
#define THING "arn:aws:iot:us-east-1:123456789012:thing/dev"
#define SHADOW_GET "$aws/things/t/shadow/get"
#define SHADOW_ACCEPTED "$aws/things/t/shadow/get/accepted"

/* The members are the group's to free, so they are not const. */
#define SUB(id, source, subject, target)                                    \
    {                                                                       \
        (char *)(id), (char *)(source), (char *)(subject), (char *)(target) \
    }

static struct group_subscription subs[] = {
    SUB("1", A, "hello", "cloud"),
    SUB("2", "cloud", "to/a", A),
    SUB("3", "cloud", "to/both", A),
    SUB("4", "cloud", "to/both", B),
    SUB("5", A, "$aws/things/+/shadow/#", ROUTE_SHADOWS_NAME),
    SUB("6", ROUTE_SHADOWS_NAME, "$aws/things/+/shadow/#", B),
    SUB("7", A, "gone", GONE),
    SUB("8", A, "gone", "cloud"),
    SUB("9", A, "thing", THING),
    SUB("10", A, "all", "cloud"),
    SUB("11", A, "all", B),
    SUB("12", "cloud", "round", "cloud"),
    SUB("13", ROUTE_SHADOWS_NAME, "echo", A),
};

struct world {
    struct net_loop *loop;
    struct spooler *spooler;
    struct router *router;
    struct drops drops;
    char got[2048]; /* "TARGET<SOURCE:TOPIC=PAYLOAD " for each delivery */
    size_t room;    /* items that the work queue takes */
    int echoes;     /* publishes of the shadow service for each message it is given */
    int depth, depth_max;
};

static void note(struct world *w, const char *target, const char *source, struct slice topic,
                 struct slice payload)
{
    size_t n = strlen(w->got);

    (void)snprintf(w->got + n, sizeof(w->got) - n, "%s<%s:%.*s=%.*s ", target, source, SLICE_FMT(topic),
                   SLICE_FMT(payload));
}

static const char *short_name(const char *arn)
{
    return strcmp(arn, A) == 0 ? "a" : strcmp(arn, B) == 0 ? "b" : arn;
}

static err_t invoke(void *ctx, const char *function, const char *source, struct slice context,
                    struct slice payload)
{
    struct world *w = ctx;
    autobuf json = BUF_INIT(1000);

    if (strcmp(function, GONE) == 0)
        return ERR_NOT_FOUND;
    if (!w->room)
        return ERR_BUSY;
    w->room--;
    assert_int_equal(base64_decode(&json, context), ERR_OK);
    note(w, short_name(function), short_name(source), buf_slice(&json), payload);
    return ERR_OK;
}

static bool has_room(void *ctx, size_t items, size_t bytes)
{
    assert_true(bytes >= items);
    return items <= ((struct world *)ctx)->room;
}

static bool has_function(void *ctx, const char *function)
{
    return strcmp(function, A) == 0 || strcmp(function, B) == 0;
}

static err_t to_shadows(void *ctx, struct slice topic, struct slice payload)
{
    struct world *w = ctx;

    note(w, "shadows", "", topic, payload);
    w->depth++;
    w->depth_max = w->depth > w->depth_max ? w->depth : w->depth_max;
    for (int i = 0; i < w->echoes; i++)
        (void)router_publish(w->router, ROUTE_SHADOWS_NAME, SHADOW_ACCEPTED, SLICE_LIT("yes"),
                             QUEUE_BEST_EFFORT); /* counted by the router */
    w->depth--;
    return slice_eq(payload, SLICE_LIT("bad")) ? ERR_INVALID : ERR_OK;
}

static const struct router_ports ports = { invoke, has_room, has_function, to_shadows };

static err_t cloud_send(void *ctx, const char *topic, struct slice payload, uint16_t *ret_id)
{
    note(ctx, "cloud", "", slice_str(topic), payload);
    return ERR_WRONG_STATE; /* it stays with the spooler */
}

static void cloud_dropped(void *ctx, enum drop why, const char *topic)
{
    router_note_drop(((struct world *)ctx)->router, why, topic);
}

static int64_t now_ms(void *ctx)
{
    return 0;
}

static const struct spooler_port spooler_port = { cloud_send, cloud_dropped, now_ms };

static void begin(struct world *w, int64_t spool)
{
    struct router_opts o = { .drops = &w->drops, .ports = &ports, .ctx = w };

    *w = (struct world){ .room = 100 };
    assert_int_equal(net_loop_new(&w->loop), ERR_OK);
    assert_int_equal(spooler_new(spool, &spooler_port, w, &w->spooler), ERR_OK);
    o.loop = w->loop;
    o.spooler = w->spooler;
    assert_int_equal(router_new(&o, &w->router), ERR_OK);
    assert_int_equal(router_set(w->router, subs, ARRAY_LEN(subs), NULL), ERR_OK);
}

static void end(struct world *w)
{
    router_free(w->router);
    spooler_free(w->spooler);
    net_loop_free(w->loop);
}

static size_t in_spool(const struct world *w)
{
    struct spooler_stats s;

    spooler_stats(w->spooler, &s);
    return s.waiting;
}

/* ---- who gets it ---- */

static const struct {
    const char *source, *topic;
    const char *want; /* deliveries in any order are one here */
    size_t spooled;
    int drop; /* DROP_...; -1 none */
} cases[] = {
    { A, "hello", "", 1, -1 },
    { B, "hello", "", 0, DROP_NO_ROUTE },
    { A, "nobody", "", 0, DROP_NO_ROUTE },
    { "cloud", "to/a", "a<cloud:{\"custom\":{\"subject\":\"to/a\"}}=m ", 0, -1 },
    { A, SHADOW_GET, "shadows<:" SHADOW_GET "=m ", 0, -1 },
    { A, "thing", "", 0, DROP_NO_DEVICE },
    { A, "gone", "", 1, DROP_NO_FUNCTION }, /* the other target gets it */
    { "cloud", "round", "", 0, DROP_NO_ROUTE },
};

static void each_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w;
        begin(&w, GROUP_SPOOL_BYTES);
        assert_int_equal(
            router_publish(w.router, cases[i].source, cases[i].topic, SLICE_LIT("m"), QUEUE_BEST_EFFORT),
            ERR_OK);
        if (strcmp(w.got, cases[i].want) != 0 || in_spool(&w) != cases[i].spooled)
            fail_msg("%s on %s: %s", cases[i].source, cases[i].topic, w.got);
        for (int d = 0; d < DROPS; d++)
            assert_int_equal(w.drops.of[d].total, d == cases[i].drop);
        end(&w);
    }
}

static void to_both(void **state)
{
    struct world w;
    struct router_stats s;
    (void)state;

    begin(&w, GROUP_SPOOL_BYTES);
    assert_int_equal(router_publish(w.router, "cloud", "to/both", SLICE_LIT("m"), QUEUE_BEST_EFFORT), ERR_OK);
    assert_non_null(strstr(w.got, "a<cloud"));
    assert_non_null(strstr(w.got, "b<cloud"));
    router_stats(w.router, &s);
    assert_int_equal(s.published, 1);
    assert_int_equal(s.to_functions, 2);
    end(&w);
}

static void what_no_message_may_be(void **state)
{
    static uint8_t big[ROUTE_MESSAGE_MAX + 1];
    struct world w;
    (void)state;

    begin(&w, GROUP_SPOOL_BYTES);
    assert_int_equal(router_publish(w.router, A, "hel+lo", SLICE_LIT("m"), QUEUE_BEST_EFFORT), ERR_INVALID);
    assert_int_equal(router_publish(w.router, A, "#", SLICE_LIT("m"), QUEUE_BEST_EFFORT), ERR_INVALID);
    assert_int_equal(router_publish(w.router, A, "", SLICE_LIT("m"), QUEUE_BEST_EFFORT), ERR_INVALID);
    assert_int_equal(router_publish(w.router, A, "1/2/3/4/5/6/7/8/9", SLICE_LIT("m"), QUEUE_BEST_EFFORT),
                     ERR_TOO_BIG);
    assert_int_equal(router_publish(w.router, A, "hello", SLICE_ARRAY(big), QUEUE_BEST_EFFORT), ERR_TOO_BIG);
    assert_int_equal(w.drops.of[DROP_BAD_TOPIC].total, 5);
    assert_int_equal(in_spool(&w), 0);
    assert_int_equal(
        router_publish(w.router, A, "hello", slice_of(big, ROUTE_MESSAGE_MAX), QUEUE_BEST_EFFORT), ERR_OK);
    assert_int_equal(in_spool(&w), 1);
    end(&w);
}

/* ---- a function's publish ---- */

static err_t publish_with(struct world *w, const char *json)
{
    autobuf context = BUF_INIT(10000), result = BUF_INIT(100);
    char error[16] = "";
    err_t e;

    assert_int_equal(base64_encode(&context, slice_str(json)), ERR_OK);
    e = router_builtin(w->router, A, buf_slice(&context), SLICE_LIT("m"), &result, error);
    assert_int_equal(result.n, 0);
    assert_string_equal(error, "");
    return e;
}

static void published_by_a_function(void **state)
{
    struct world w;
    (void)state;

    begin(&w, GROUP_SPOOL_BYTES);
    assert_int_equal(publish_with(&w, "{\"custom\":{\"source\":\"" A "\",\"subject\":\"hello\"}}"), ERR_OK);
    assert_int_equal(in_spool(&w), 1);
    /* Nobody may speak for another: the source is the token's function, whatever the context says. */
    assert_int_equal(publish_with(&w, "{\"custom\":{\"source\":\"cloud\",\"subject\":\"to/a\"}}"), ERR_OK);
    assert_string_equal(w.got, "");
    assert_int_equal(publish_with(&w, "{\"custom\":{\"source\":\"" B "\",\"subject\":\"hello\"}}"), ERR_OK);
    assert_int_equal(in_spool(&w), 2);
    end(&w);
}

static void contexts_that_are_none(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "{\"custom\":{}}",
        "{\"custom\":{\"subject\":1}}",
        "nonsense",
        "{\"custom\":{\"subject\":\"hello\",\"queueFullPolicy\":\"Perhaps\"}}"
    };
    struct world w;
    (void)state;

    begin(&w, GROUP_SPOOL_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(publish_with(&w, bad[i]), ERR_INVALID);
    assert_int_equal(in_spool(&w), 0);
    assert_int_equal(publish_with(&w, "{\"custom\":{\"subject\":\"hello\",\"queueFullPolicy\":\"\"}}"),
                     ERR_OK);
    assert_int_equal(in_spool(&w), 1);
    end(&w);
}

/* ---- no room ---- */

#define ALL "{\"custom\":{\"subject\":\"all\",\"queueFullPolicy\":\"AllOrError\"}}"
#define SOME "{\"custom\":{\"subject\":\"all\",\"queueFullPolicy\":\"BestEffort\"}}"

static void best_effort(void **state)
{
    struct world w;
    (void)state;

    begin(&w, GROUP_SPOOL_BYTES);
    w.room = 0;
    assert_int_equal(publish_with(&w, SOME), ERR_OK);
    assert_int_equal(in_spool(&w), 1);
    assert_int_equal(w.drops.of[DROP_QUEUE_FULL].total, 1);
    end(&w);
}

static void all_or_none(void **state)
{
    struct world w;
    (void)state;

    begin(&w, GROUP_SPOOL_BYTES);
    w.room = 0;
    assert_int_equal(publish_with(&w, ALL), ERR_BUSY);
    assert_int_equal(in_spool(&w), 0);
    w.room = 1;
    assert_int_equal(publish_with(&w, ALL), ERR_OK);
    assert_int_equal(in_spool(&w), 1);
    spooler_set_max(w.spooler, 100);
    w.room = 1;
    w.got[0] = '\0';
    assert_int_equal(publish_with(&w, ALL), ERR_BUSY);
    assert_string_equal(w.got, "");
    assert_int_equal(in_spool(&w), 1);
    assert_int_equal(w.drops.of[DROP_ALL_OR_ERROR].total, 2);
    assert_int_equal(
        publish_with(&w, "{\"custom\":{\"subject\":\"gone\",\"queueFullPolicy\":\"AllOrError\"}}"), ERR_BUSY);
    assert_int_equal(
        publish_with(&w, "{\"custom\":{\"subject\":\"nobody\",\"queueFullPolicy\":\"AllOrError\"}}"),
        ERR_OK); /* no target lacks room */
    end(&w);
}

static void the_oldest_for_the_cloud_goes(void **state)
{
    struct world w;
    (void)state;

    begin(&w, 2 * (SPOOLER_OVERHEAD + 6));
    for (int i = 0; i < 5; i++)
        assert_int_equal(router_publish(w.router, A, "hello", SLICE_LIT("m"), QUEUE_BEST_EFFORT), ERR_OK);
    assert_int_equal(in_spool(&w), 2);
    assert_int_equal(w.drops.of[DROP_SPOOL_FULL].total, 3);
    end(&w);
}

/* ---- circles ---- */

static void turn(struct world *w, int times)
{
    for (int i = 0; i < times; i++)
        assert_int_equal(net_loop_turn(w->loop, 0), ERR_OK);
}

static void an_answer_waits_for_the_next_turn(void **state)
{
    struct world w;
    (void)state;

    begin(&w, GROUP_SPOOL_BYTES);
    w.echoes = 1;
    assert_int_equal(router_publish(w.router, A, SHADOW_GET, SLICE_LIT("m"), QUEUE_BEST_EFFORT), ERR_OK);
    assert_string_equal(w.got, "shadows<:" SHADOW_GET "=m ");
    turn(&w, 2);
    assert_non_null(strstr(w.got, " b<GGShadowService:"));
    assert_non_null(strstr(w.got, SHADOW_ACCEPTED "\"}}=yes "));
    end(&w);
}

/* A shadow service that says ten things for each it hears, and hears them all: the stack does not grow, the
 * queue is bounded, a turn ends. */
static void a_circle_does_not_keep_the_loop(void **state)
{
    static struct group_subscription circle[] = {
        SUB("1", A, "$aws/#", ROUTE_SHADOWS_NAME),
        SUB("2", ROUTE_SHADOWS_NAME, "$aws/#",
            "GGShadowService "), /* a device's, as far as the router knows */
    };
    struct world w;
    (void)state;

    begin(&w, GROUP_SPOOL_BYTES);
    assert_int_equal(router_set(w.router, circle, 2, NULL), ERR_OK);
    w.echoes = 3000;
    assert_int_equal(router_publish(w.router, A, SHADOW_GET, SLICE_LIT("m"), QUEUE_BEST_EFFORT), ERR_OK);
    assert_int_equal(w.depth_max, 1);
    assert_true(w.drops.of[DROP_QUEUE_FULL].total > 0);
    turn(&w, 1);
    assert_true(w.drops.of[DROP_NO_DEVICE].total <= 64); /* the rest has to wait */
    turn(&w, 100);
    assert_int_equal(w.drops.of[DROP_NO_DEVICE].total + w.drops.of[DROP_QUEUE_FULL].total, 3000);
    end(&w);
}

static void what_the_shadows_refuse(void **state)
{
    struct world w;
    (void)state;

    begin(&w, GROUP_SPOOL_BYTES);
    assert_int_equal(router_publish(w.router, A, SHADOW_GET, SLICE_LIT("bad"), QUEUE_BEST_EFFORT), ERR_OK);
    assert_int_equal(w.drops.of[DROP_SHADOWS].total, 1);
    end(&w);
}

/* ---- the log ---- */

static void what_cannot_work_is_said_once(void **state)
{
    struct log_room l;
    struct world w;
    (void)state;

    log_begin(&l, ELOG_INFO);
    begin(&w, GROUP_SPOOL_BYTES);
    assert_int_equal(log_count(&l, "\"id\": \"7\""), 1);
    assert_int_equal(log_count(&l, "names a function that the group does not have"), 1);
    assert_int_equal(log_count(&l, "\"id\": \"9\""), 1);
    assert_int_equal(log_count(&l, "\"id\": \"12\""), 1);
    assert_int_equal(log_count(&l, "[WARN]"), 3);
    end(&w);
    log_end(&l);
}

static void a_flood_is_summed_up(void **state)
{
    struct log_room l;
    struct world w;
    (void)state;

    log_begin(&l, ELOG_INFO);
    begin(&w, GROUP_SPOOL_BYTES);
    for (int i = 0; i < 500; i++)
        assert_int_equal(router_publish(w.router, A, "gone", SLICE_LIT("m"), QUEUE_BEST_EFFORT), ERR_OK);
    assert_int_equal(log_count(&l, drop_str(DROP_NO_FUNCTION)), DROPS_LINES);
    for (int i = 0; i < 50 && !log_count(&l, "\"more\": 495, \"total\": 500"); i++)
        assert_int_equal(net_loop_turn(w.loop, 100), ERR_OK);
    assert_int_equal(log_count(&l, "\"more\": 495, \"total\": 500"), 1);
    end(&w);
    log_end(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(to_both),
        cmocka_unit_test(what_no_message_may_be),
        cmocka_unit_test(published_by_a_function),
        cmocka_unit_test(contexts_that_are_none),
        cmocka_unit_test(best_effort),
        cmocka_unit_test(all_or_none),
        cmocka_unit_test(the_oldest_for_the_cloud_goes),
        cmocka_unit_test(an_answer_waits_for_the_next_turn),
        cmocka_unit_test(a_circle_does_not_keep_the_loop),
        cmocka_unit_test(what_the_shadows_refuse),
        cmocka_unit_test(what_cannot_work_is_said_once),
        cmocka_unit_test(a_flood_is_summed_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
