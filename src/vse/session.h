/* src/vse/session.h - the sessions of the applet: the default one and up to two that a user opened.
 *
 * State only; session.c opens, finds and closes, command_session.c has the commands. One thread at a time.
 * Reference 3.1, 4.4, 4.5.
 */
#pragma once
#include "vse/scp.h"

struct vse_applet;

enum vse_session_kind {
    VSE_SESSION_FREE,
    VSE_SESSION_DEFAULT, /* opened by SELECT, no authentication */
    VSE_SESSION_USERID,
    VSE_SESSION_AES,
    VSE_SESSION_ECKEY,
};

enum { VSE_SESSIONS = 2 }; /* beside the default one */

/* Session policy: rights and limits. */
struct vse_session_policy {
    uint16_t rules; /* SE_SESSION_* */
    uint16_t max_apdus, max_seconds;
};

struct vse_session {
    enum vse_session_kind kind;
    uint64_t id;      /* 0: the default session */
    uint32_t auth_id; /* the authentication object; 0: none */
    bool open;        /* authenticated; the default session always is */
    struct vse_scp scp;
    struct vse_session_policy policy;
    uint32_t apdus;     /* commands since it was opened or refreshed */
    int64_t started_ms; /* the same for time */
};

struct vse_sessions {
    struct vse_session standard; /* the default session */
    struct vse_session user[VSE_SESSIONS];
};

/* A session to be authenticated against that object. NULL when none is free. */
struct vse_session *vse_session_new(struct vse_applet *a, enum vse_session_kind kind, uint32_t auth_id);
/* The user session with this id, or NULL. */
struct vse_session *vse_session_find(struct vse_applet *a, uint64_t id);
/* End it: its keys are wiped, the transient objects made in it lose their values. */
void vse_session_close(struct vse_applet *a, struct vse_session *s);
void vse_sessions_close_all(struct vse_applet *a);
/* Sessions that authenticated against object `id` end with it. */
void vse_sessions_close_of(struct vse_applet *a, uint32_t id);
