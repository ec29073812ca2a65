/* The compiled subscriptions against a matcher that reads them one by one, written from reference 4.6 alone.
 */
#include "../../cm.h"
#include "base/mem.h"
#include "edge/route/table.h"

#include <stdio.h>

#define A "arn:aws:lambda:us-east-1:123456789012:function:a:1"
#define B "arn:aws:lambda:us-east-1:123456789012:function:b:7"
#define THING "arn:aws:iot:us-east-1:123456789012:thing/dev"

static struct group_subscription sub(const char *source, const char *subject, const char *target)
{
    return (struct group_subscription){ (char *)"id", (char *)source, (char *)subject, (char *)target };
}

/* ---- what a message finds ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct hits {
    const char *names[64];
    size_t n;
};

static void on_found(void *ctx, const struct route_target *target)
{
    struct hits *h = ctx;

    assert_true(h->n < ARRAY_LEN(h->names));
    assert_int_equal(target->kind, route_kind_of(target->name));
    h->names[h->n++] = target->name;
}

static void join(struct hits *h, char *out, size_t room)
{
    qsort(h->names, h->n, sizeof(h->names[0]), by_text);
    out[0] = '\0';
    for (size_t i = 0; i < h->n; i++)
        (void)snprintf(out + strlen(out), room - strlen(out), "%s ", h->names[i]);
}

static void match(struct route_table *t, const char *source, const char *topic, char *out, size_t room)
{
    struct hits h = { .n = 0 };

    route_table_match(t, source, slice_str(topic), on_found, &h);
    join(&h, out, room);
}

/* ---- by hand ---- */

static const struct {
    const char *source, *topic, *want;
} cases[] = {
    { A, "hello/world", "cloud " },
    { B, "hello/world", "" }, /* another source */
    { "arn:aws:lambda:us-east-1:123456789012:function:a", "hello/world", "" },
    { A, "hello/World", "" },
    { A, "hello", "" },
    { A, "sensor", "" }, /* sensor/# does not match sensor */
    { A, "sensor/", "GGShadowService cloud " },
    { A, "sensor/1", "GGShadowService cloud " },
    { A, "sensor/1/2", "GGShadowService " },
    { "cloud", "to/a", A " " },
    { "cloud", "to/both", A " " B " " },
    { "cloud", "x", THING " " },
    { "cloud", "$aws/things/t/shadow/update/accepted", "" }, /* # and + do not match $aws [MQTT-4.7.2-1] */
    { "GGShadowService", "$aws/things/t/shadow/update/delta", A " " },
    { "GGShadowService", "$aws/things/t/shadow/update/accepted", "" },
    { THING, "any/thing", "cloud cloud " }, /* once for each subscription that matches */
    { "nobody", "hello/world", "" },
};

static void each_case(void **state)
{
    const struct group_subscription subs[] = {
        sub(A, "hello/world", "cloud"),
        sub(A, "hello/world", "cloud"), /* the same again counts once */
        sub(A, "sensor/#", "GGShadowService"),
        sub(A, "sensor/+", "cloud"),
        sub("cloud", "to/a", A),
        sub("cloud", "to/both", A),
        sub("cloud", "to/both", B),
        sub("cloud", "+", THING),
        sub("GGShadowService", "$aws/things/+/shadow/update/delta", A),
        sub(THING, "#", "cloud"),
        sub(THING, "any/+", "cloud"),
        sub("cloud", "x", "cloud"), /* would go round for ever */
        sub("GGShadowService", "#", "GGShadowService"),
    };
    struct route_table *t;
    char got[512];
    (void)state;

    assert_int_equal(route_table_new(subs, ARRAY_LEN(subs), &t), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        match(t, cases[i].source, cases[i].topic, got, sizeof(got));
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s on %s: %s, not %s", cases[i].source, cases[i].topic, got, cases[i].want);
    }
    assert_true(route_table_uses_cloud(t));
    route_table_free(t);
}

static void without_the_cloud(void **state)
{
    const struct group_subscription subs[] = { sub(A, "x", B), sub("cloud", "x", "cloud") };
    struct route_table *t;
    char got[512];
    (void)state;

    assert_int_equal(route_table_new(NULL, 0, &t), ERR_OK);
    match(t, A, "x", got, sizeof(got));
    assert_string_equal(got, "");
    assert_false(route_table_uses_cloud(t));
    route_table_free(t);
    assert_int_equal(route_table_new(subs, ARRAY_LEN(subs), &t), ERR_OK);
    assert_false(route_table_uses_cloud(t));
    route_table_free(t);
}

/* ---- against the naive matcher ---- */

static bool naive_levels(const char *filter, const char *topic)
{
    size_t f = strcspn(filter, "/"), t = strcspn(topic, "/");

    if (strcmp(filter, "#") == 0)
        return true;
    if (!(f == 1 && *filter == '+') && (f != t || strncmp(filter, topic, f) != 0))
        return false;
    if (!filter[f] || !topic[t])
        return !filter[f] && !topic[t];
    return naive_levels(filter + f + 1, topic + t + 1);
}

static bool naive_matches(const char *filter, const char *topic)
{
    if (*topic == '$' && (*filter == '+' || *filter == '#'))
        return false;
    return naive_levels(filter, topic);
}

static unsigned next(unsigned *seed, unsigned n)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % n;
}

static const char *const sources[] = { "cloud", "GGShadowService", A, B };
static const char *const words[] = { "a", "b", "", "$x", "+", "#" };

/* One to four levels; a # only last, no wildcard in a topic. */
static void random_text(unsigned *seed, bool filter, char out[64])
{
    unsigned levels = 1 + next(seed, 4);

    out[0] = '\0';
    for (unsigned i = 0; i < levels; i++) {
        unsigned kinds = !filter ? 4 : i + 1 < levels ? 5 : 6;
        (void)snprintf(out + strlen(out), 64 - strlen(out), "%s%s", i ? "/" : "", words[next(seed, kinds)]);
    }
    if (!*out)
        (void)snprintf(out, 64, "a");
}

#define SUBS 48

struct world {
    struct group_subscription subs[SUBS];
    char subjects[SUBS][64];
};

static void random_world(unsigned *seed, struct world *w)
{
    for (size_t i = 0; i < SUBS; i++) {
        random_text(seed, true, w->subjects[i]);
        w->subs[i] = sub(sources[next(seed, 4)], w->subjects[i], sources[next(seed, 4)]);
    }
}

static bool seen_before(const struct world *w, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(w->subs[j].source, w->subs[i].source) == 0 &&
            strcmp(w->subs[j].subject, w->subs[i].subject) == 0 &&
            strcmp(w->subs[j].target, w->subs[i].target) == 0)
            return true;
    return false;
}

static void naive_match(const struct world *w, const char *source, const char *topic, char *out, size_t room)
{
    struct hits h = { .n = 0 };

    for (size_t i = 0; i < SUBS; i++)
        if (strcmp(w->subs[i].source, source) == 0 && !route_goes_round(&w->subs[i]) && !seen_before(w, i) &&
            naive_matches(w->subs[i].subject, topic))
            h.names[h.n++] = w->subs[i].target;
    join(&h, out, room);
}

static void agrees_with_the_naive_matcher(void **state)
{
    static char want[4096], got[4096];
    struct world w;
    (void)state;

    for (unsigned s = 0; s < 300; s++) {
        unsigned seed = s * 7919 + 1;
        struct route_table *t;
        random_world(&seed, &w);
        assert_int_equal(route_table_new(w.subs, SUBS, &t), ERR_OK);
        for (int i = 0; i < 40; i++) {
            const char *source = sources[next(&seed, 4)];
            char topic[64];
            random_text(&seed, false, topic);
            naive_match(&w, source, topic, want, sizeof(want));
            match(t, source, topic, got, sizeof(got));
            if (strcmp(want, got) != 0)
                fail_msg("seed %u: %s on %s: %s, not %s", s, source, topic, got, want);
        }
        route_table_free(t);
    }
}

/* ---- what a match costs ---- */

static void ten_thousand_subscriptions(void **state)
{
    static struct group_subscription subs[GROUP_MAX_SUBSCRIPTIONS];
    static char subjects[GROUP_MAX_SUBSCRIPTIONS][32];
    struct route_table *t;
    uint64_t before;
    char got[512];
    (void)state;

    for (size_t i = 0; i < GROUP_MAX_SUBSCRIPTIONS; i++) {
        (void)snprintf(subjects[i], sizeof(subjects[i]), "site/%zu/line/%zu", i / 100, i);
        subs[i] = sub(A, subjects[i], i % 2 ? "cloud" : B);
    }
    assert_int_equal(route_table_new(subs, GROUP_MAX_SUBSCRIPTIONS, &t), ERR_OK);
    before = route_table_visits(t);
    match(t, A, "site/77/line/7777", got, sizeof(got));
    assert_string_equal(got, "cloud ");
    assert_true(route_table_visits(t) - before <= 8);
    before = route_table_visits(t);
    match(t, B, "site/77/line/7777", got, sizeof(got));
    assert_string_equal(got, "");
    assert_true(route_table_visits(t) - before <= 8);
    route_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(without_the_cloud),
        cmocka_unit_test(agrees_with_the_naive_matcher),
        cmocka_unit_test(ten_thousand_subscriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
