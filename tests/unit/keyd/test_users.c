/* Turns go round the users, then round each one's connections; audit budgets. */
#include "../cm.h"
#include "base/mem.h"
#include "keyd/users.h"

enum { CLIENTS = 6 };

struct fixture {
    struct keyd_users users;
    struct keyd_user *user[2]; /* 0 has one connection, 1 has five */
    struct keyd_waiting w[CLIENTS];
};

static struct keyd_user *owner(struct fixture *f, int i)
{
    return f->user[i > 0];
}

static void set_up(struct fixture *f)
{
    *f = (struct fixture){ 0 };
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(keyd_users_enter(&f->users, i ? 200 : 100, 100, 50, 0, &f->user[i > 0]), ERR_OK);
}

static void one_connection_gets_as_much_as_five(void **state)
{
    struct fixture f;
    int turns[CLIENTS] = { 0 };

    set_up(&f);
    for (int i = 0; i < CLIENTS; i++)
        keyd_users_wait(&f.users, owner(&f, i), &f.w[i]);
    for (int n = 0; n < 100; n++) {
        struct keyd_waiting *w = keyd_users_next(&f.users);
        int i = (int)(w - f.w);

        assert_false(w->queued);
        turns[i]++;
        keyd_users_wait(&f.users, owner(&f, i), w);
    }
    assert_int_equal(turns[0], 50);
    for (int i = 1; i < CLIENTS; i++)
        assert_int_equal(turns[i], 10);
    keyd_users_done(&f.users);
}

static void who_leaves_the_queue_gets_no_turn(void **state)
{
    struct fixture f;

    set_up(&f);
    for (int i = 1; i < 4; i++)
        keyd_users_wait(&f.users, f.user[1], &f.w[i]);
    keyd_users_wait(&f.users, f.user[1], &f.w[1]); /* twice is once */
    assert_int_equal(f.users.waiting, 3);
    keyd_users_forget(&f.users, f.user[1], &f.w[3]);
    keyd_users_forget(&f.users, f.user[1], &f.w[3]);
    keyd_users_wait(&f.users, f.user[1], &f.w[4]);
    assert_ptr_equal(keyd_users_next(&f.users), &f.w[1]);
    assert_ptr_equal(keyd_users_next(&f.users), &f.w[2]);
    assert_ptr_equal(keyd_users_next(&f.users), &f.w[4]);
    assert_null(keyd_users_next(&f.users));
    keyd_users_done(&f.users);
}

static void limits(void **state)
{
    struct keyd_users u = { 0 };
    struct keyd_user *a = NULL, *b = NULL;

    assert_int_equal(keyd_users_enter(&u, 1, 3, 2, 0, &a), ERR_OK);
    assert_int_equal(keyd_users_enter(&u, 1, 3, 2, 0, &a), ERR_OK);
    assert_int_equal(keyd_users_enter(&u, 1, 3, 2, 0, &b), ERR_BUSY);
    assert_null(b);
    assert_int_equal(keyd_users_enter(&u, 2, 3, 2, 0, &b), ERR_OK);
    assert_int_equal(keyd_users_enter(&u, 3, 3, 2, 0, &b), ERR_BUSY);
    keyd_users_leave(&u, a);
    assert_int_equal(keyd_users_enter(&u, 3, 3, 2, 0, &b), ERR_OK);
    keyd_users_done(&u);
}

static void lines_are_bounded_and_counted(void **state)
{
    struct keyd_users u = { 0 };
    struct keyd_user *a;
    unsigned long allowed = 0, denied = 0;
    uid_t uid;
    int said = 0;

    assert_int_equal(keyd_users_enter(&u, 7, 9, 9, 1000, &a), ERR_OK);
    for (int i = 0; i < 1000; i++)
        said += keyd_user_may_say(a, i % 4 == 0, 1000);
    assert_int_equal(said, KEYD_AUDIT_BURST);
    assert_true(keyd_users_unsaid(&u, &uid, &allowed, &denied));
    assert_int_equal(uid, 7);
    assert_int_equal(said + (int)allowed + (int)denied, 1000);
    assert_int_equal(allowed, 200);
    assert_false(keyd_users_unsaid(&u, &uid, &allowed, &denied));
    keyd_users_leave(&u, a);
    keyd_users_sweep(&u, 1100); /* still poor: coming anew is no new budget */
    assert_int_equal(keyd_users_enter(&u, 7, 9, 9, 1100, &a), ERR_OK);
    for (said = 0; keyd_user_may_say(a, true, 1100);)
        said++;
    assert_int_equal(said, 100 * KEYD_AUDIT_PER_S / 1000);
    assert_true(keyd_users_unsaid(&u, &uid, &allowed, &denied));
    keyd_users_leave(&u, a);
    keyd_users_sweep(&u, 1000 * 1000);
    assert_null(u.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_gets_as_much_as_five),
        cmocka_unit_test(who_leaves_the_queue_gets_no_turn),
        cmocka_unit_test(limits),
        cmocka_unit_test(lines_are_bounded_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
