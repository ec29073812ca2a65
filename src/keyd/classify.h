/* src/keyd/classify.h - what a client's command would do: which operations on which objects.
 *
 * Pure; any thread. The table is docs/spec/keyd.md section 5. A command that is well spelled but not in the
 * table needs KEYD_ADMIN.
 */
#pragma once
#include "keyd/apdu.h"
#include "keyd/op.h"

enum { KEYD_USES_MAX = 4, KEYD_CRYPTO_OBJECT_LEN = 2 };

struct keyd_use {
    enum keyd_op op;
    uint32_t id; /* 0 where no object is meant */
};

enum keyd_kind {
    KEYD_PLAIN,          /* passed on */
    KEYD_LIST_OBJECTS,   /* ReadIDList: the daemon answers with what the client may see */
    KEYD_CONTEXT,        /* works on a crypto object: its id is replaced by one of the daemon's */
    KEYD_CONTEXT_CREATE, /* these three the daemon answers by itself */
    KEYD_CONTEXT_DELETE,
    KEYD_CONTEXT_LIST,
    KEYD_SESSION_CREATE, /* the session will be the client's */
    KEYD_SESSION_ONLY,   /* has a meaning only inside a session: VerifySessionUserID */
    KEYD_SESSION_CLOSE,
};

enum keyd_phase { KEYD_PHASE_INIT, KEYD_PHASE_UPDATE, KEYD_PHASE_FINAL };

struct keyd_command {
    enum keyd_kind kind;
    enum keyd_phase phase; /* with KEYD_CONTEXT */
    bool in_session;       /* it came in a ProcessSessionCmd */
    struct slice session;  /* its 8 bytes */
    struct keyd_apdu apdu; /* the command; the inner one when in_session */
    struct slice context;  /* the 2 bytes of the crypto object's id, in the client's bytes */
    struct keyd_use uses[KEYD_USES_MAX];
    unsigned count;
};

/* Everything in *ret points into `bytes`.
 * ERR_PROTO   not the one spelling of a command (keyd/apdu.h), or a known command with fields that make no
 * sense ERR_DENIED  never passed on for anybody: what would end or replace the daemon's channel to the chip
 */
err_t keyd_classify(struct slice bytes, struct keyd_command *ret);
