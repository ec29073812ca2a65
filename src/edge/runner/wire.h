/* src/edge/runner/wire.h - what core and runner say to each other: one message, one packet.
 *
 * Pure; any thread. The reader distrusts: the runner may be root and the core is not. Both ends are of one
 * installation, so there is no version. Descriptors of a START travel beside it (SCM_RIGHTS).
 */
#pragma once
#include "base/buf.h"

#define RUNNER_PACKET_MAX (160u * 1024) /* below the default of a socket's buffer */
#define RUNNER_WORDS_MAX 1024u          /* arguments, and variables */
#define RUNNER_FDS_MAX 8u
#define RUNNER_TEXT_MAX 512u

enum runner_kind {
    RUNNER_START = 1,   /* to the runner */
    RUNNER_STOP,        /* to the runner: grace_ms */
    RUNNER_STARTED,     /* to the core: number is the pid */
    RUNNER_NOT_STARTED, /* to the core: text says why */
    RUNNER_ENDED,       /* to the core: number is the wait status */
};

/* A program to be run. Borrowed everywhere. */
struct runner_command {
    const char *program;                   /* a path with '/', or a name that is looked up in `path` */
    const char *const *argv, *const *envp; /* NULL-terminated; argv[0] included */
    const char *cwd;
    const char *path; /* folders with colons between */
    int64_t uid, gid; /* both -1: the runner's own; at most INT32_MAX. Where the runner is not root they count
                         for nothing */
    int fds[RUNNER_FDS_MAX]; /* become 1, 2, 3 ... of the process; 0 is /dev/null */
    size_t fd_count;
};

struct runner_message {
    enum runner_kind kind;
    uint64_t worker;
    int64_t number;                /* pid, wait status, grace in ms */
    char text[RUNNER_TEXT_MAX];    /* NOT_STARTED; cut when longer */
    struct runner_command command; /* START; strings point into `words`, fds are the receiver's to fill in */
    char *words;                   /* owned, wiped */
    size_t words_len;
    const char **lists; /* owned: argv and envp */
};

/* Append one message. ERR_TOO_BIG, ERR_NOMEM. */
err_t runner_write(struct buf *out, const struct runner_message *m);
/* Read a whole packet. ERR_PROTO: malformed, a count or text over its cap, a NUL in a text, no argument,
 * an unknown kind, bytes left over; ERR_NOMEM. Release with runner_message_done on success only. */
err_t runner_read(struct slice packet, struct runner_message *ret);
void runner_message_done(struct runner_message *m); /* a zeroed one is fine */
