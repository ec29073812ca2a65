/* src/keyd/worker.h - the thread that talks to the chip, one job at a time.
 *
 * The loop's thread gives it a job and is told by a task when it is done; until then the job is the worker's
 * alone. Where the daemon holds the PIN, commands run inside its UserID session, which is opened anew after a
 * reset of the chip.
 */
#pragma once
#include "base/buf.h"
#include "base/secret.h"
#include "net/loop.h"
#include "se/path.h"

struct keyd_worker;

enum keyd_job_kind {
    KEYD_JOB_OPEN,    /* begin a sequence: the chip answers, its version and channel are known afterwards */
    KEYD_JOB_COMMAND, /* pass the APDU on */
    KEYD_JOB_LIST,    /* the APDU is a ReadIDList with the client's filter: all ids, four bytes each */
};

struct keyd_job {
    enum keyd_job_kind kind;
    struct buf apdu;     /* a plain command without session */
    struct buf before;   /* a command to be sent first, whose answer nobody wants; empty: none */
    bool bare;           /* not inside the daemon's own session: it is about sessions itself */
    uint64_t generation; /* of the session it names; 0: it names none */
    bool wrap;           /* KEYD_JOB_LIST: put the commands into this session */
    uint8_t session[SE_SESSION_ID_LEN];
    /* results */
    err_t err;         /* ERR_CONFLICT: not executed, what it names is gone with a reset */
    char detail[400];  /* when err */
    struct buf answer; /* data and status word */
    struct se_path_state state;
    int64_t took_us;
};

struct keyd_worker_options {
    const char *port;         /* NULL: the configured one */
    const char *scp03;        /* NULL: none */
    const struct secret *pin; /* NULL: clients log in by themselves */
    uint32_t pin_object;
    struct net_loop *loop;
    net_task_fn done; /* the job is; on the loop's thread */
    void *ctx;
};

/* ERR_INVALID the port, with se_detail(); ERR_NOMEM. The options' texts and the PIN must outlive the worker.
 */
err_t keyd_worker_new(const struct keyd_worker_options *o, struct keyd_worker **ret);
/* Waits for the job under way; NULL is fine. */
void keyd_worker_free(struct keyd_worker *w);
/* Only when none is under way. */
void keyd_worker_do(struct keyd_worker *w, struct keyd_job *job);
