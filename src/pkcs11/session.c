#include "pkcs11/session.h"

struct p11_sessions {
    pthread_mutex_t lock;
    struct p11_session **v;
    size_t n, cap, rw;
    CK_SESSION_HANDLE last; /* handles go up and are not used twice */
    bool logged_in;
    CK_USER_TYPE user; /* when logged in */
    bool open;         /* the token has no user PIN */
};

struct p11_sessions *p11_sessions_new(void)
{
    struct p11_sessions *ss = mem_calloc(1, sizeof(*ss));

    if (ss && pthread_mutex_init(&ss->lock, NULL) != 0) {
        free(ss);
        return NULL;
    }
    return ss;
}

void p11_sessions_free(struct p11_sessions *ss)
{
    if (!ss)
        return;
    p11_session_close_all(ss);
    free(ss->v);
    pthread_mutex_destroy(&ss->lock);
    free(ss);
}

static void free_session(struct p11_session *s)
{
    for (size_t i = 0; i < P11_OP_KINDS; i++)
        p11_op_end(&s->op[i]);
    free(s->found);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* With the table's lock held. */
static void unref(struct p11_session *s)
{
    if (--s->refs == 0)
        free_session(s);
}

static struct p11_session *find(const struct p11_sessions *ss, CK_SESSION_HANDLE handle, size_t *ret_at)
{
    for (size_t i = 0; i < ss->n; i++) {
        if (ss->v[i]->handle == handle) {
            *ret_at = i;
            return ss->v[i];
        }
    }
    return NULL;
}

CK_RV p11_session_open(struct p11_sessions *ss, bool rw, CK_SESSION_HANDLE *ret)
{
    struct p11_session *s = mem_calloc(1, sizeof(*s));

    if (!s || pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        return CKR_HOST_MEMORY;
    }
    s->rw = rw;
    s->refs = 1;
    pthread_mutex_lock(&ss->lock);
    if (!rw && ss->logged_in && ss->user == CKU_SO) {
        pthread_mutex_unlock(&ss->lock);
        free_session(s);
        return CKR_SESSION_READ_WRITE_SO_EXISTS;
    }
    err_t e = mem_grow(&ss->v, &ss->cap, ss->n + 1, P11_SESSIONS_MAX, sizeof(struct p11_session *));
    if (!e) {
        s->handle = ++ss->last;
        ss->v[ss->n++] = s;
        ss->rw += rw;
        *ret = s->handle;
    }
    pthread_mutex_unlock(&ss->lock);
    if (!e)
        return CKR_OK;
    free_session(s);
    return e == ERR_TOO_BIG ? CKR_SESSION_COUNT : CKR_HOST_MEMORY;
}

static void remove_at(struct p11_sessions *ss, size_t i)
{
    struct p11_session *s = ss->v[i];

    ss->v[i] = ss->v[--ss->n];
    ss->rw -= s->rw;
    if (ss->n == 0)
        ss->logged_in = false; /* §6.7.4: the last session takes the login with it */
    unref(s);
}

CK_RV p11_session_close(struct p11_sessions *ss, CK_SESSION_HANDLE handle)
{
    size_t at = 0;

    pthread_mutex_lock(&ss->lock);
    bool known = find(ss, handle, &at) != NULL;
    if (known)
        remove_at(ss, at);
    pthread_mutex_unlock(&ss->lock);
    return known ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

void p11_session_close_all(struct p11_sessions *ss)
{
    pthread_mutex_lock(&ss->lock);
    while (ss->n)
        remove_at(ss, ss->n - 1);
    pthread_mutex_unlock(&ss->lock);
}

CK_RV p11_session_enter(struct p11_sessions *ss, CK_SESSION_HANDLE handle, struct p11_session **ret)
{
    size_t at = 0;

    pthread_mutex_lock(&ss->lock);
    struct p11_session *s = find(ss, handle, &at);
    if (s)
        s->refs++;
    pthread_mutex_unlock(&ss->lock);
    if (!s)
        return CKR_SESSION_HANDLE_INVALID;
    pthread_mutex_lock(&s->lock);
    *ret = s;
    return CKR_OK;
}

void p11_session_leave(struct p11_sessions *ss, struct p11_session *s)
{
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_lock(&ss->lock);
    unref(s);
    pthread_mutex_unlock(&ss->lock);
}

CK_RV p11_session_info(struct p11_sessions *ss, CK_SESSION_HANDLE handle, CK_SESSION_INFO *ret)
{
    static const CK_STATE states[2][3] = {
        { CKS_RO_PUBLIC_SESSION, CKS_RO_USER_FUNCTIONS },
        { CKS_RW_PUBLIC_SESSION, CKS_RW_USER_FUNCTIONS, CKS_RW_SO_FUNCTIONS },
    };
    size_t at = 0;

    pthread_mutex_lock(&ss->lock);
    const struct p11_session *s = find(ss, handle, &at);
    if (s) {
        *ret = (CK_SESSION_INFO){
            .slotID = P11_SLOT_ID,
            .state = states[s->rw][!ss->logged_in       ? 0
                                   : ss->user == CKU_SO ? 2
                                                        : 1],
            .flags = CKF_SERIAL_SESSION | (s->rw ? CKF_RW_SESSION : 0),
        };
    }
    pthread_mutex_unlock(&ss->lock);
    return s ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

void p11_session_counts(struct p11_sessions *ss, CK_ULONG *ret_all, CK_ULONG *ret_rw)
{
    pthread_mutex_lock(&ss->lock);
    *ret_all = ss->n;
    *ret_rw = ss->rw;
    pthread_mutex_unlock(&ss->lock);
}

/* With the lock held. */
static CK_RV login_allowed(const struct p11_sessions *ss, CK_SESSION_HANDLE handle, CK_USER_TYPE user)
{
    size_t at = 0;

    if (!find(ss, handle, &at))
        return CKR_SESSION_HANDLE_INVALID;
    if (user == CKU_CONTEXT_SPECIFIC)
        return CKR_OPERATION_NOT_INITIALIZED; /* no key has CKA_ALWAYS_AUTHENTICATE */
    if (user != CKU_USER && user != CKU_SO)
        return CKR_USER_TYPE_INVALID;
    if (ss->logged_in)
        return ss->user == user ? CKR_USER_ALREADY_LOGGED_IN : CKR_USER_ANOTHER_ALREADY_LOGGED_IN;
    return user == CKU_SO && ss->rw != ss->n ? CKR_SESSION_READ_ONLY_EXISTS : CKR_OK;
}

CK_RV p11_login_check(struct p11_sessions *ss, CK_SESSION_HANDLE handle, CK_USER_TYPE user)
{
    pthread_mutex_lock(&ss->lock);
    CK_RV rv = login_allowed(ss, handle, user);
    pthread_mutex_unlock(&ss->lock);
    return rv;
}

CK_RV p11_login_set(struct p11_sessions *ss, CK_SESSION_HANDLE handle, CK_USER_TYPE user)
{
    pthread_mutex_lock(&ss->lock);
    CK_RV rv = login_allowed(ss, handle, user);
    if (rv == CKR_OK) {
        ss->logged_in = true;
        ss->user = user;
    }
    pthread_mutex_unlock(&ss->lock);
    return rv;
}

CK_RV p11_logout(struct p11_sessions *ss, CK_SESSION_HANDLE handle)
{
    CK_RV rv = CKR_OK;
    size_t at = 0;

    pthread_mutex_lock(&ss->lock);
    if (!find(ss, handle, &at))
        rv = CKR_SESSION_HANDLE_INVALID;
    else if (!ss->logged_in)
        rv = CKR_USER_NOT_LOGGED_IN;
    else
        ss->logged_in = false;
    pthread_mutex_unlock(&ss->lock);
    return rv;
}

bool p11_logged_in(struct p11_sessions *ss)
{
    pthread_mutex_lock(&ss->lock);
    bool in = ss->open || (ss->logged_in && ss->user == CKU_USER);
    pthread_mutex_unlock(&ss->lock);
    return in;
}

bool p11_logged_in_as(struct p11_sessions *ss, CK_USER_TYPE user)
{
    pthread_mutex_lock(&ss->lock);
    bool in = ss->logged_in && ss->user == user;
    pthread_mutex_unlock(&ss->lock);
    return in;
}

bool p11_logged_in_any(struct p11_sessions *ss)
{
    pthread_mutex_lock(&ss->lock);
    bool in = ss->logged_in;
    pthread_mutex_unlock(&ss->lock);
    return in;
}

void p11_sessions_set_open(struct p11_sessions *ss, bool open)
{
    pthread_mutex_lock(&ss->lock);
    ss->open = open;
    pthread_mutex_unlock(&ss->lock);
}
