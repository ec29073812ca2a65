/* How a call runs: who is refused spoils nothing for those in the same transaction. */
#include "../fixture.h"

#include "cloud/api/ops.h"

static const char create[] = "CreateThing";

static const struct api_op *op_named(const char *name)
{
    size_t i = 0;

    while (i < api_ops_count && strcmp(api_ops[i].name, name) != 0)
        i++;
    assert_true(i < api_ops_count);
    return &api_ops[i];
}

static err_t refuse(struct api_call *c)
{
    return api_fail(c, API_FORBIDDEN, "not you");
}

static err_t broken(struct api_call *c)
{
    (void)c;
    return ERR_IO;
}

struct pair {
    struct api_call good, other;
};

static err_t run_both(struct db *db, void *ctx)
{
    struct pair *p = ctx;
    err_t e = api_call_run(&p->good, db);

    return e ? e : api_call_run(&p->other, db);
}

static err_t together(struct fixture *f, api_handler_fn authorize, struct pair *p)
{
    api_call_init(&p->good, &f->env, op_named(create));
    api_call_init(&p->other, &f->env, op_named(create));
    assert_int_equal(api_call_add(&p->good, "thingName", "good"), ERR_OK);
    assert_int_equal(api_call_add(&p->other, "thingName", "other"), ERR_OK);
    p->good.body = json_object();
    p->other.body = json_object();
    p->other.authorize = authorize;
    return db_tx(f->db, run_both, p);
}

static void done(struct pair *p)
{
    api_call_done(&p->good);
    api_call_done(&p->other);
}

static void a_stranger_does_not_roll_others_back(void **state)
{
    struct fixture *f = *state;
    struct pair p;

    assert_int_equal(together(f, refuse, &p), ERR_OK);
    assert_int_equal(p.good.error, API_OK);
    assert_int_equal(p.other.error, API_FORBIDDEN);
    assert_string_equal(p.other.message, "not you");
    assert_int_equal(p.other.text.n, 0);
    done(&p);
    assert_int_equal(CALL(f, "DescribeThing", NULL, "thingName=good"), API_OK);
    assert_int_equal(CALL(f, "DescribeThing", NULL, "thingName=other"), API_NOT_FOUND);
}

/* A registry that cannot be read is no refusal. */
static void a_failure_still_does(void **state)
{
    struct fixture *f = *state;
    struct pair p;

    assert_int_equal(together(f, broken, &p), ERR_IO);
    assert_int_equal(p.other.error, API_INTERNAL);
    done(&p);
    assert_int_equal(CALL(f, "DescribeThing", NULL, "thingName=good"), API_NOT_FOUND);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = { T(a_stranger_does_not_roll_others_back), T(a_failure_still_does) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
