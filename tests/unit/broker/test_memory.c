#include "../cm.h"
#include "base/mem.h"
#include "broker/journal.h"

#include <stdio.h>

#define ID(x) .client_id = SLICE_LIT(x)

static char told[512];

static err_t tell(void *arg, const struct broker_record *r)
{
    size_t n = strlen(told);
    snprintf(told + n, sizeof(told) - n, "%d %.*s %.*s %.*s %llu;", (int)r->kind, SLICE_FMT(r->client_id),
             SLICE_FMT(r->topic), SLICE_FMT(r->payload), (unsigned long long)r->seq);
    return ERR_OK;
}

static void assert_told(struct broker_journal *j, const char *want)
{
    told[0] = '\0';
    assert_int_equal(j->load(j->ctx, tell, NULL), ERR_OK);
    assert_string_equal(told, want);
}

static void put(struct broker_journal *j, struct broker_record r)
{
    assert_int_equal(j->write(j->ctx, &r, 1, 0), ERR_OK);
}

static void folds_what_it_is_told(void **state)
{
    struct broker_memory *m;
    struct broker_journal j;
    (void)state;

    assert_int_equal(broker_memory_new(100000, &m), ERR_OK);
    j = broker_memory_journal(m);
    put(&j, (struct broker_record){ .kind = BROKER_REC_SESSION, ID("a") });
    put(&j, (struct broker_record){ .kind = BROKER_REC_SUBSCRIPTION, ID("a"), .topic = SLICE_LIT("t") });
    put(&j, (struct broker_record){ .kind = BROKER_REC_SESSION, ID("b") });
    put(&j, (struct broker_record){ .kind = BROKER_REC_QUEUED,
                                    ID("a"),
                                    .topic = SLICE_LIT("t"),
                                    .payload = SLICE_LIT("x"),
                                    .seq = 1 });
    put(&j, (struct broker_record){ .kind = BROKER_REC_QUEUED,
                                    ID("a"),
                                    .topic = SLICE_LIT("t"),
                                    .payload = SLICE_LIT("y"),
                                    .seq = 2 });
    put(&j, (struct broker_record){
                .kind = BROKER_REC_RETAINED, .topic = SLICE_LIT("t"), .payload = SLICE_LIT("r") });
    put(&j, (struct broker_record){ .kind = BROKER_REC_SESSION,
                                    ID("a") }); /* again: stays before its subscription */
    put(&j, (struct broker_record){
                .kind = BROKER_REC_RETAINED, .topic = SLICE_LIT("t"), .payload = SLICE_LIT("s") });
    put(&j, (struct broker_record){ .kind = BROKER_REC_QUEUED_END, ID("a"), .seq = 1 });
    put(&j, (struct broker_record){ .kind = BROKER_REC_QUEUED_END, ID("a"), .seq = 77 }); /* unknown: fine */
    assert_told(&j, "0 a   0;2 a t  0;0 b   0;4 a t y 2;9  t s 0;");
    put(&j, (struct broker_record){ .kind = BROKER_REC_SESSION_END, ID("a") });
    assert_told(&j, "0 b   0;9  t s 0;");
    put(&j, (struct broker_record){ .kind = BROKER_REC_RETAINED_END, .topic = SLICE_LIT("t") });
    put(&j, (struct broker_record){ .kind = BROKER_REC_SESSION_END, ID("b") });
    assert_int_equal(broker_memory_count(m), 0);
    broker_memory_free(m);
}

static void full_is_all_or_nothing(void **state)
{
    static const uint8_t big[4000];
    const struct broker_record two[] = {
        { .kind = BROKER_REC_RETAINED, .topic = SLICE_LIT("a"), .payload = { big, sizeof(big) } },
        { .kind = BROKER_REC_RETAINED, .topic = SLICE_LIT("b"), .payload = { big, sizeof(big) } },
    };
    const struct broker_record end = { .kind = BROKER_REC_RETAINED_END, .topic = SLICE_LIT("a") };
    struct broker_memory *m;
    struct broker_journal j;
    (void)state;

    assert_int_equal(broker_memory_new(5000, &m), ERR_OK);
    j = broker_memory_journal(m);
    assert_int_equal(j.write(j.ctx, two, 2, 0), ERR_NO_SPACE);
    assert_int_equal(broker_memory_count(m), 0);
    assert_int_equal(j.write(j.ctx, two, 1, 0), ERR_OK);
    assert_int_equal(j.write(j.ctx, &two[1], 1, 0), ERR_NO_SPACE);
    assert_int_equal(j.write(j.ctx, &end, 1, 0), ERR_OK); /* room can always be made */
    assert_int_equal(j.write(j.ctx, &two[1], 1, 0), ERR_OK);
    broker_memory_free(m);
}

static err_t refuse(void *arg, const struct broker_record *r)
{
    return ERR_CORRUPT;
}

static void load_stops_at_an_error(void **state)
{
    struct broker_memory *m;
    struct broker_journal j;
    (void)state;
    assert_int_equal(broker_memory_new(5000, &m), ERR_OK);
    j = broker_memory_journal(m);
    put(&j, (struct broker_record){ .kind = BROKER_REC_SESSION, ID("a") });
    assert_int_equal(j.load(j.ctx, refuse, NULL), ERR_CORRUPT);
    broker_memory_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(folds_what_it_is_told),
                                        cmocka_unit_test(full_is_all_or_nothing),
                                        cmocka_unit_test(load_stops_at_an_error) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
