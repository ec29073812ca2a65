#include "../cm.h"
#include "pkcs11/session.h"

#include <unistd.h>

static CK_STATE state_of(struct p11_sessions *ss, CK_SESSION_HANDLE h)
{
    CK_SESSION_INFO info;
    assert_int_equal(p11_session_info(ss, h, &info), CKR_OK);
    assert_int_equal(info.slotID, P11_SLOT_ID);
    return info.state;
}

/* consumers §6: at least 64 at once. */
static void many_sessions_have_handles_of_their_own(void **state)
{
    struct p11_sessions *ss = p11_sessions_new();
    CK_SESSION_HANDLE h[200];
    CK_ULONG all = 0, rw = 0;

    for (size_t i = 0; i < ARRAY_LEN(h); i++) {
        assert_int_equal(p11_session_open(ss, i % 2, &h[i]), CKR_OK);
        assert_int_not_equal(h[i], CK_INVALID_HANDLE);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(h[k], h[i]);
    }
    p11_session_counts(ss, &all, &rw);
    assert_int_equal(all, 200);
    assert_int_equal(rw, 100);
    assert_int_equal(p11_session_close(ss, h[3]), CKR_OK);
    assert_int_equal(p11_session_close(ss, h[3]), CKR_SESSION_HANDLE_INVALID);
    CK_SESSION_HANDLE again;
    assert_int_equal(p11_session_open(ss, false, &again), CKR_OK);
    assert_int_not_equal(again, h[3]); /* not used twice */
    p11_session_counts(ss, &all, &rw);
    assert_int_equal(all, 200);
    assert_int_equal(rw, 99);
    p11_sessions_free(ss);
}

static void the_table_has_an_end(void **state)
{
    struct p11_sessions *ss = p11_sessions_new();
    CK_SESSION_HANDLE h = 0;

    for (size_t i = 0; i < P11_SESSIONS_MAX; i++)
        assert_int_equal(p11_session_open(ss, false, &h), CKR_OK);
    CK_SESSION_HANDLE one_more = 77;
    assert_int_equal(p11_session_open(ss, false, &one_more), CKR_SESSION_COUNT);
    assert_int_equal(one_more, 77);
    p11_sessions_free(ss);
}

static void login_is_shared_and_ends_with_the_last_session(void **state)
{
    struct p11_sessions *ss = p11_sessions_new();
    CK_SESSION_HANDLE ro, rw;

    assert_int_equal(p11_session_open(ss, false, &ro), CKR_OK);
    assert_int_equal(p11_session_open(ss, true, &rw), CKR_OK);
    assert_int_equal(state_of(ss, ro), CKS_RO_PUBLIC_SESSION);
    assert_int_equal(state_of(ss, rw), CKS_RW_PUBLIC_SESSION);
    assert_int_equal(p11_logout(ss, ro), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(p11_login_check(ss, ro, CKU_USER), CKR_OK);
    assert_int_equal(p11_login_set(ss, ro, CKU_USER), CKR_OK);
    assert_int_equal(p11_login_set(ss, rw, CKU_USER), CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(state_of(ss, ro), CKS_RO_USER_FUNCTIONS);
    assert_int_equal(state_of(ss, rw), CKS_RW_USER_FUNCTIONS);
    assert_int_equal(p11_session_close(ss, ro), CKR_OK);
    assert_true(p11_logged_in(ss));
    assert_int_equal(p11_session_close(ss, rw), CKR_OK);
    assert_false(p11_logged_in(ss));
    assert_int_equal(p11_session_open(ss, false, &ro), CKR_OK);
    assert_int_equal(state_of(ss, ro), CKS_RO_PUBLIC_SESSION);
    p11_sessions_free(ss);
}

static const struct {
    const char *what;
    CK_USER_TYPE user;
    bool ro_open, logged_in;
    CK_RV want;
} logins[] = {
    { "user", CKU_USER, true, false, CKR_OK },
    { "user again", CKU_USER, true, true, CKR_USER_ALREADY_LOGGED_IN },
    { "officer beside a read-only session", CKU_SO, true, false, CKR_SESSION_READ_ONLY_EXISTS },
    { "officer beside the user", CKU_SO, false, true, CKR_USER_ANOTHER_ALREADY_LOGGED_IN },
    { "officer", CKU_SO, false, false, CKR_OK },
    { "context specific", CKU_CONTEXT_SPECIFIC, false, true, CKR_OPERATION_NOT_INITIALIZED },
    { "no such user", 17, false, false, CKR_USER_TYPE_INVALID },
};

static void each_login(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(logins); i++) {
        struct p11_sessions *ss = p11_sessions_new();
        CK_SESSION_HANDLE h, ro;
        assert_int_equal(p11_session_open(ss, true, &h), CKR_OK);
        if (logins[i].ro_open)
            assert_int_equal(p11_session_open(ss, false, &ro), CKR_OK);
        if (logins[i].logged_in)
            assert_int_equal(p11_login_set(ss, h, CKU_USER), CKR_OK);
        print_message("  %s\n", logins[i].what);
        assert_int_equal(p11_login_check(ss, h, logins[i].user), logins[i].want);
        assert_int_equal(p11_login_check(ss, h + 100, logins[i].user), CKR_SESSION_HANDLE_INVALID);
        p11_sessions_free(ss);
    }
}

struct holder {
    struct p11_sessions *ss;
    CK_SESSION_HANDLE h;
    struct p11_session *held;
};

static void *wait_for_session(void *arg)
{
    struct holder *w = arg;
    if (p11_session_enter(w->ss, w->h, &w->held) == CKR_OK)
        p11_session_leave(w->ss, w->held);
    return NULL;
}

/* A session that another thread works in can be asked about and closed; the other ends in peace. */
static void a_busy_session_can_be_seen_and_closed(void **state)
{
    struct holder w = { .ss = p11_sessions_new() };
    struct p11_session *mine = NULL;
    pthread_t thread;

    assert_int_equal(p11_session_open(w.ss, false, &w.h), CKR_OK);
    assert_int_equal(p11_session_enter(w.ss, w.h, &mine), CKR_OK);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_session, &w), 0);
    assert_int_equal(state_of(w.ss, w.h), CKS_RO_PUBLIC_SESSION);
    usleep(20 * 1000); /* let the other one wait for the lock; either order must work */
    assert_int_equal(p11_session_close(w.ss, w.h), CKR_OK);
    CK_SESSION_INFO info;
    assert_int_equal(p11_session_info(w.ss, w.h, &info), CKR_SESSION_HANDLE_INVALID);
    mine->finding = true; /* still ours */
    p11_session_leave(w.ss, mine);
    pthread_join(thread, NULL);
    p11_sessions_free(w.ss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_sessions_have_handles_of_their_own),
        cmocka_unit_test(the_table_has_an_end),
        cmocka_unit_test(login_is_shared_and_ends_with_the_last_session),
        cmocka_unit_test(each_login),
        cmocka_unit_test(a_busy_session_can_be_seen_and_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
