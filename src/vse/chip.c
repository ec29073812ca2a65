#include "vse/chip.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "vse/t1.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    WTX_MS = SE_BWT_MS * 9 / 10, /* a host may give up at BWT sharp */
    COUNTERS_LEN = 64,
};

struct vse_chip {
    struct vse_applet *applet; /* the worker's alone, once it runs */
    struct vse_chip_options options;
    uint64_t counted;   /* the worker's: private-key operations told so far */
    struct vse_t1 t1;   /* the bus thread's */
    int64_t wtx_due_ms; /* the bus thread's */

    pthread_t worker;
    pthread_mutex_t lock; /* for all below */
    pthread_cond_t work;
    bool stop;
    enum vse_t1_event reset; /* DESELECT or RESET to be done before the next command */
    bool has_command, has_answer;
    uint32_t command_ticket, answer_ticket;
    struct buf command, answer;
};

/* ---- the worker ---- */

static void tell_counters(struct vse_chip *c)
{
    char line[COUNTERS_LEN + 1];
    int n;

    if (c->options.counters_fd < 0)
        return;
    /* of one length always, so that a reader never sees half of two lines */
    n = snprintf(line, sizeof(line), "{\"private_key_operations\": %" PRIu64 "}", c->counted);
    memset(line + n, ' ', sizeof(line) - (size_t)n);
    line[COUNTERS_LEN - 1] = '\n';
    if (pwrite(c->options.counters_fd, line, COUNTERS_LEN, 0) < 0)
        return; /* a counter nobody can read harms nobody */
}

/* Takes that long, unless the part is switched off meanwhile. */
static void pause_ms(struct vse_chip *c, unsigned ms)
{
    struct timespec end;

    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += ms / 1000;
    end.tv_nsec += (long)(ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&c->lock);
    while (!c->stop && pthread_cond_clockwait(&c->work, &c->lock, CLOCK_MONOTONIC, &end) == 0)
        ; /* new work wakes it early; it waits its turn */
    (void)pthread_mutex_unlock(&c->lock);
}

static void run_command(struct vse_chip *c, struct slice command, struct buf *answer)
{
    vse_applet_run(c->applet, command, answer);
    if (c->applet->private_ops == c->counted)
        return;
    c->counted = c->applet->private_ops;
    if (c->options.private_op_ms)
        pause_ms(c, c->options.private_op_ms);
    tell_counters(c);
}

static void run_reset(struct vse_chip *c, enum vse_t1_event reset)
{
    if (reset == VSE_T1_RESET)
        vse_applet_reset(c->applet);
    else if (reset == VSE_T1_DESELECT)
        vse_applet_deselect(c->applet);
}

/* One reset and one command at most, in this order. Called and left with the lock held. */
static void do_work(struct vse_chip *c)
{
    struct buf command = c->command, answer = BUF_SECRET(SE_ANSWER_MAX);
    enum vse_t1_event reset = c->reset;
    bool has_command = c->has_command;
    uint32_t ticket = c->command_ticket;

    c->command = BUF_SECRET(SE_APDU_MAX);
    c->reset = VSE_T1_NONE;
    c->has_command = false;
    (void)pthread_mutex_unlock(&c->lock);
    run_reset(c, reset);
    if (has_command)
        run_command(c, buf_slice(&command), &answer);
    buf_done(&command);
    (void)pthread_mutex_lock(&c->lock);
    buf_done(&c->answer);
    c->answer = answer;
    c->answer_ticket = ticket;
    c->has_answer = has_command;
}

static void *worker(void *arg)
{
    struct vse_chip *c = arg;

    (void)pthread_mutex_lock(&c->lock);
    while (!c->stop) {
        if (c->reset == VSE_T1_NONE && !c->has_command)
            (void)pthread_cond_wait(&c->work, &c->lock);
        else
            do_work(c);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- the bus side; all with the lock held ---- */

static void give_command(struct vse_chip *c)
{
    buf_clear(&c->command);
    if (buf_add(&c->command, vse_t1_apdu(&c->t1)))
        return; /* no memory: silence, and the host recovers by a reset */
    c->command_ticket = vse_t1_ticket(&c->t1);
    c->has_command = true;
    c->wtx_due_ms = clock_mono_ms() + WTX_MS;
    (void)pthread_cond_signal(&c->work);
}

static void give_reset(struct vse_chip *c, enum vse_t1_event reset)
{
    c->has_command = false; /* one that has not begun: its host does not want it any more */
    if (c->reset != VSE_T1_RESET)
        c->reset = reset;
    (void)pthread_cond_signal(&c->work);
}

/* Let the block layer know what happened since the last transaction. */
static void catch_up(struct vse_chip *c)
{
    static const uint8_t no_memory[] = { SE_SW_NO_MEMORY >> 8, SE_SW_NO_MEMORY & 0xff };
    int64_t now = clock_mono_ms();

    if (c->has_answer) {
        bool good = c->answer.n >= 2;
        vse_t1_answer(&c->t1, c->answer_ticket, good ? buf_slice(&c->answer) : SLICE_ARRAY(no_memory));
        c->has_answer = false;
        buf_clear(&c->answer);
    }
    if (vse_t1_busy(&c->t1) && now >= c->wtx_due_ms) {
        vse_t1_wtx(&c->t1);
        c->wtx_due_ms = now + WTX_MS;
    }
}

void vse_chip_write(struct vse_chip *c, struct slice block)
{
    enum vse_t1_event event;

    (void)pthread_mutex_lock(&c->lock);
    catch_up(c);
    event = vse_t1_write(&c->t1, block);
    if (event == VSE_T1_EXECUTE)
        give_command(c);
    else if (event != VSE_T1_NONE)
        give_reset(c, event);
    (void)pthread_mutex_unlock(&c->lock);
}

bool vse_chip_read(struct vse_chip *c, uint8_t *out, size_t n)
{
    bool have;

    (void)pthread_mutex_lock(&c->lock);
    catch_up(c);
    have = vse_t1_read(&c->t1, out, n);
    (void)pthread_mutex_unlock(&c->lock);
    return have;
}

/* ---- life ---- */

err_t vse_chip_new(struct vse_applet *applet, const struct vse_chip_options *options, struct vse_chip **ret)
{
    struct vse_chip *c = mem_calloc(1, sizeof(*c));

    if (!c)
        return ERR_NOMEM;
    c->applet = applet;
    c->options = *options;
    c->counted = applet->private_ops;
    c->command = BUF_SECRET(SE_APDU_MAX);
    c->answer = BUF_SECRET(SE_ANSWER_MAX);
    vse_t1_init(&c->t1);
    (void)pthread_mutex_init(&c->lock, NULL); /* cannot fail with default attributes on this libc */
    (void)pthread_cond_init(&c->work, NULL);
    tell_counters(c);
    if (pthread_create(&c->worker, NULL, worker, c) != 0) {
        free(c);
        return ERR_IO;
    }
    *ret = c;
    return ERR_OK;
}

void vse_chip_free(struct vse_chip *c)
{
    if (!c)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->stop = true;
    (void)pthread_cond_signal(&c->work);
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_join(c->worker, NULL);
    (void)pthread_cond_destroy(&c->work);
    (void)pthread_mutex_destroy(&c->lock);
    buf_done(&c->command);
    buf_done(&c->answer);
    mem_wipe(&c->t1, sizeof(c->t1));
    free(c);
}
