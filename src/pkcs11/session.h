/* src/pkcs11/session.h - sessions and login: the table, handles, one session's operations.
 *
 * No I/O. Any thread: the table has a lock of its own, held for moments; a session's lock is held for
 * the length of one call on it, so a slow signature in one session holds up no other. PKCS#11 v2.40
 * §6.7, §5.6. Sessions are the module's own: the chip knows nothing of them.
 */
#pragma once
#include "pkcs11/cryptoki.h"
#include "pkcs11/op.h"

#include <pthread.h>

#define P11_SESSIONS_MAX 4096
#define P11_SLOT_ID 1 /* as NXP's; stands in configuration files, stays */

struct p11_session {
    CK_SESSION_HANDLE handle;
    bool rw;
    unsigned refs;        /* under the table's lock */
    pthread_mutex_t lock; /* for what follows */
    struct p11_op op[P11_OP_KINDS];
    bool finding; /* between C_FindObjectsInit and -Final */
    CK_OBJECT_HANDLE *found;
    size_t found_n, found_at;
};

struct p11_sessions;

struct p11_sessions *p11_sessions_new(void);
void p11_sessions_free(struct p11_sessions *ss);

/* C_OpenSession after its arguments were judged. CKR_SESSION_COUNT, CKR_HOST_MEMORY,
 * CKR_SESSION_READ_WRITE_SO_EXISTS. */
CK_RV p11_session_open(struct p11_sessions *ss, bool rw, CK_SESSION_HANDLE *ret);
/* CKR_SESSION_HANDLE_INVALID. The last one closed ends the login. A call that runs on it in another
 * thread ends in peace. */
CK_RV p11_session_close(struct p11_sessions *ss, CK_SESSION_HANDLE handle);
void p11_session_close_all(struct p11_sessions *ss);

/* Find a session, take its lock, hold it alive; p11_session_leave undoes both.
 * CKR_SESSION_HANDLE_INVALID. */
CK_RV p11_session_enter(struct p11_sessions *ss, CK_SESSION_HANDLE handle, struct p11_session **ret);
void p11_session_leave(struct p11_sessions *ss, struct p11_session *s);

/* C_GetSessionInfo; does not wait for a call that runs in the session. */
CK_RV p11_session_info(struct p11_sessions *ss, CK_SESSION_HANDLE handle, CK_SESSION_INFO *ret);
/* How many: all, and read-write ones. */
void p11_session_counts(struct p11_sessions *ss, CK_ULONG *ret_all, CK_ULONG *ret_rw);

/* Login state is the process's and the token's. check: may this session log this user in now?
 * CKR_SESSION_HANDLE_INVALID, CKR_USER_ALREADY_LOGGED_IN, CKR_SESSION_READ_ONLY_EXISTS,
 * CKR_USER_TYPE_INVALID, CKR_OPERATION_NOT_INITIALIZED (context-specific login: no key asks for it). */
CK_RV p11_login_check(struct p11_sessions *ss, CK_SESSION_HANDLE handle, CK_USER_TYPE user);
/* After the PIN was right. CKR_USER_ALREADY_LOGGED_IN when another thread was faster. */
CK_RV p11_login_set(struct p11_sessions *ss, CK_SESSION_HANDLE handle, CK_USER_TYPE user);
CK_RV p11_logout(struct p11_sessions *ss, CK_SESSION_HANDLE handle); /* CKR_USER_NOT_LOGGED_IN */
/* May private objects be seen and used: the user is logged in, or the token is open (it has no user PIN). */
bool p11_logged_in(struct p11_sessions *ss);
/* This one and nobody else; as C_Login had it. */
bool p11_logged_in_as(struct p11_sessions *ss, CK_USER_TYPE user);
/* Anybody. */
bool p11_logged_in_any(struct p11_sessions *ss);
/* What the chip says: it has no user PIN. */
void p11_sessions_set_open(struct p11_sessions *ss, bool open);
