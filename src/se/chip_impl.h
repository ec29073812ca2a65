/* src/se/chip_impl.h - what a handle holds. Only chip.c and session*.c include this; rules in se/chip.h.
 */
#pragma once
#include "base/buf.h"
#include "se/path.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

struct se_session;

enum { SE_NESTED_SESSIONS_MAX = 8 };

struct se_chip {
    pthread_mutex_t mutex; /* recursive: one thread's sequence */
    pid_t pid;             /* who opened it; nobody else may touch mutex, lock or bus */
    unsigned depth;
    struct se_path *path;
    struct se_version version; /* of the path when the handle was opened: read without the mutex */
    struct se_channel channel;

    struct se_session *own;      /* opened with the handle, closed with it */
    struct se_session *standing; /* every sequence runs in it; NULL: in the default session */
    struct se_session *inside[SE_NESTED_SESSIONS_MAX]; /* the last one is where commands go */
    unsigned insides;

    struct buf pending; /* the command whose answer is due: sent again when it was certainly not executed */
    struct se_session *where; /* and the session it is for */
    struct buf answer;        /* unwrapped */
    unsigned repeats;
    atomic_bool interrupted;
};

/* One command in the default session, whatever sessions are open, its answer with status word appended to
 * `out`. Not repeated: ERR_CONFLICT as from the path. */
err_t se_chip_exchange(struct se_chip *chip, struct slice apdu, struct buf *out);
