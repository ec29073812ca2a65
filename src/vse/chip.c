#include "vse/chip.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "vse/apdu.h"
#include "vse/args.h"
#include "vse/power.h"
#include "vse/t1.h"
#include "vse/times.h"
#include "vse/trace.h"

#include <pthread.h>
#include <time.h>

enum {
    WTX_US = SE_BWT_MS * 1000 * 9 / 10, /* a host may give up at BWT sharp */
};

struct vse_chip {
    struct vse_applet *applet; /* the worker's alone, once it runs */
    struct vse_chip_options options;
    uint64_t counted;    /* the worker's: private-key operations told so far */
    uint64_t command_us; /* the worker's: virtual time of the running command */
    unsigned commands;   /* the worker's: commands inside the running one */

    pthread_t worker;
    pthread_mutex_t lock; /* for all below */
    struct vse_t1 t1;
    int64_t wtx_due_us;
    int64_t quiet_until_us; /* realtime: guard and polling time */
    int64_t arrived_us;     /* realtime: when the running command's last byte was here */
    struct vse_meter meter;
    pthread_cond_t work;
    bool stop;
    enum vse_t1_event reset; /* DESELECT or RESET to be done before the next command */
    bool has_command, has_answer;
    uint32_t command_ticket, answer_ticket;
    uint64_t answer_us; /* the part took that long for it */
    uint64_t left_us;   /* of that: not counted yet, because the host is to answer requests for time first */
    unsigned wtx_sent;  /* for the running command, and not accounted with it */
    bool wtx_owed;      /* one is out that virtual time brought */
    struct buf command, answer;
};

/* ---- what a command was ---- */

static void look_at_key(const struct vse_chip *c, struct vse_args *args, struct vse_work *w)
{
    const struct vse_object *o =
        vse_objects_find(&c->applet->objects, vse_arg_u32(args, SE_TAG_1, SE_ID_NONE));

    if (args->bad || !o)
        return;
    w->rsa = vse_object_is_rsa(o);
    w->bits = w->rsa ? o->size : vse_object_is_ec(o) ? 8u * o->size : 0;
}

static bool has_key_material(const struct vse_args *args)
{
    for (unsigned tag = SE_TAG_3; tag <= SE_TAG_10; tag++)
        if (vse_arg_has(args, (uint8_t)tag))
            return true;
    return false;
}

/* The applet's observer: on the worker. */
static void on_command(void *ctx, const char *name, const struct vse_apdu *apdu, struct slice answer,
                       uint16_t sw)
{
    struct vse_chip *c = ctx;
    struct vse_work w = { .ins = apdu->ins, .p1 = apdu->p1, .p2 = apdu->p2, .data = apdu->data.n };
    struct vse_args args;

    if (vse_args_decode(apdu->data, &args) == ERR_OK) {
        look_at_key(c, &args, &w);
        w.generates = (apdu->ins & SE_INS_MASK) == SE_INS_WRITE && !has_key_material(&args);
    }
    if (apdu->ins != SE_INS_PROCESS) { /* its inside came by itself */
        c->command_us += vse_time_command_us(&w);
        c->commands++;
    }
    if (c->options.trace)
        vse_trace_command(c->options.trace, name, apdu, answer, sw);
}

/* Of the work that is done and was not counted yet. */
static void pass_work(struct vse_chip *c, uint64_t us)
{
    c->left_us -= us;
    vse_meter_pass(&c->meter, us);
}

/* ---- the worker ---- */

/* Takes that long, unless the part is switched off or reset meanwhile. */
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
    while (!c->stop && c->reset == VSE_T1_NONE &&
           pthread_cond_clockwait(&c->work, &c->lock, CLOCK_MONOTONIC, &end) == 0)
        ; /* a new command wakes it early, too, and waits its turn */
    (void)pthread_mutex_unlock(&c->lock);
}

static void run_command(struct vse_chip *c, struct slice command, struct buf *answer)
{
    c->command_us = 0;
    c->commands = 0;
    vse_applet_run(c->applet, command, answer);
    if (c->applet->private_ops == c->counted)
        return;
    c->counted = c->applet->private_ops;
    c->command_us += c->options.private_op_ms * UINT64_C(1000);
    if (c->options.private_op_ms && !c->options.realtime) /* else the answer waits for its time */
        pause_ms(c, c->options.private_op_ms);
}

static void run_reset(struct vse_chip *c, enum vse_t1_event reset)
{
    if (reset == VSE_T1_RESET)
        vse_applet_reset(c->applet);
    else if (reset == VSE_T1_DESELECT)
        vse_applet_deselect(c->applet);
}

static void keep_answer(struct vse_chip *c, struct buf answer, uint32_t ticket)
{
    buf_done(&c->answer);
    c->answer = answer;
    c->answer_ticket = ticket;
    pass_work(c, c->left_us); /* of an answer that nobody fetched */
    c->answer_us = vse_time_polled_us(c->command_us);
    c->has_answer = true;
    c->meter.totals.private_key_operations = c->counted;
    c->meter.totals.commands += c->commands;
    c->meter.totals.computing_us += c->answer_us;
    c->left_us = c->options.realtime ? 0 : c->answer_us;
    vse_meter_pass(&c->meter, c->answer_us - c->left_us);
    vse_meter_tell(&c->meter);
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
    if (has_command)
        keep_answer(c, answer, ticket);
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

static void give_command(struct vse_chip *c, int64_t arrived_us)
{
    buf_clear(&c->command);
    if (buf_add(&c->command, vse_t1_apdu(&c->t1)))
        return; /* no memory: silence, and the host recovers by a reset */
    c->command_ticket = vse_t1_ticket(&c->t1);
    c->has_command = true;
    c->arrived_us = arrived_us;
    c->wtx_due_us = arrived_us + WTX_US;
    c->wtx_sent = 0;
    c->wtx_owed = false;
    (void)pthread_cond_signal(&c->work);
}

static void give_reset(struct vse_chip *c, enum vse_t1_event reset)
{
    c->has_command = false; /* one that has not begun: its host does not want it any more */
    if (c->reset != VSE_T1_RESET)
        c->reset = reset;
    (void)pthread_cond_signal(&c->work);
}

static bool answer_is_due(const struct vse_chip *c, int64_t now)
{
    return c->has_answer && (!c->options.realtime || now >= c->arrived_us + (int64_t)c->answer_us);
}

static void give_answer(struct vse_chip *c)
{
    static const uint8_t no_memory[] = { SE_SW_NO_MEMORY >> 8, SE_SW_NO_MEMORY & 0xff };
    bool good = c->answer.n >= 2;

    pass_work(c, c->left_us);
    vse_t1_answer(&c->t1, c->answer_ticket, good ? buf_slice(&c->answer) : SLICE_ARRAY(no_memory));
    c->has_answer = false;
    buf_clear(&c->answer);
}

static void ask_for_time(struct vse_chip *c)
{
    vse_t1_wtx(&c->t1);
    c->wtx_sent++;
}

/* In virtual time a request for each WTX_US of the work that is done, one after the other, before the answer.
 * Those that the real clock brought count, too. Is there one that the host is to answer first? */
static bool owes_wtx(struct vse_chip *c)
{
    for (; c->wtx_sent && c->left_us > WTX_US; c->wtx_sent--)
        pass_work(c, WTX_US);
    if (!vse_t1_busy(&c->t1) || c->answer_ticket != vse_t1_ticket(&c->t1))
        return false; /* nobody wants the answer any more */
    if (c->t1.state == VSE_T1_WTX && c->wtx_owed)
        return true;
    c->wtx_owed = c->left_us > WTX_US;
    if (c->wtx_owed && c->t1.state == VSE_T1_EXECUTING)
        ask_for_time(c);
    return c->wtx_owed;
}

/* Let the block layer know what happened since the last transaction. */
static void catch_up(struct vse_chip *c)
{
    int64_t now = clock_mono_us();

    if (answer_is_due(c, now) && !owes_wtx(c))
        give_answer(c);
    if (vse_t1_busy(&c->t1) && now >= c->wtx_due_us && (!c->has_answer || c->options.realtime)) {
        ask_for_time(c);
        c->wtx_due_us = now + WTX_US;
    }
}

/* Too early for the part, whatever it has. Polls in that time do not make it longer. */
static bool quiet(const struct vse_chip *c)
{
    return c->options.realtime && clock_mono_us() < c->quiet_until_us;
}

static bool has_block(struct vse_chip *c, bool *ret_start)
{
    size_t pos;
    struct slice block;

    catch_up(c);
    block = vse_t1_block(&c->t1, &pos);
    *ret_start = pos == 0;
    return pos < block.n;
}

static bool ready(struct vse_chip *c, bool *ret_start)
{
    bool have;

    if (quiet(c))
        return false;
    have = has_block(c, ret_start);
    if (!have)
        c->quiet_until_us = clock_mono_us() + vse_time_fixed(VSE_TIME_POLL)->us;
    return have;
}

static void take_block(struct vse_chip *c, struct slice block, int64_t arrived_us)
{
    enum vse_t1_event event = vse_t1_write(&c->t1, block);

    if (event == VSE_T1_EXECUTE)
        give_command(c, arrived_us);
    else if (event != VSE_T1_NONE)
        give_reset(c, event);
}

/* ---- the bus side ---- */

void vse_chip_write(struct vse_chip *c, struct slice block)
{
    uint32_t guard_us = vse_time_fixed(VSE_TIME_GUARD)->us;
    int64_t arrived_us = clock_mono_us() + (c->options.realtime ? (int64_t)vse_chip_wire_us(c, block.n) : 0);

    (void)pthread_mutex_lock(&c->lock);
    catch_up(c);
    vse_meter_write(&c->meter, block.n);
    c->quiet_until_us = arrived_us + guard_us;
    if (c->options.trace)
        vse_trace_block(c->options.trace, c->meter.totals.virtual_us, VSE_TRACE_FROM_HOST, block);
    take_block(c, block, arrived_us);
    vse_meter_tell(&c->meter);
    (void)pthread_mutex_unlock(&c->lock);
}

bool vse_chip_read(struct vse_chip *c, uint8_t *out, size_t n)
{
    bool start, have;
    size_t pos;

    (void)pthread_mutex_lock(&c->lock);
    have = ready(c, &start);
    if (have && start && c->options.trace)
        vse_trace_block(c->options.trace, c->meter.totals.virtual_us, VSE_TRACE_TO_HOST,
                        vse_t1_block(&c->t1, &pos));
    if (have)
        have = vse_t1_read(&c->t1, out, n);
    if (have)
        vse_meter_read(&c->meter, n);
    else
        c->meter.totals.nacks++;
    vse_meter_tell(&c->meter);
    (void)pthread_mutex_unlock(&c->lock);
    return have;
}

bool vse_chip_ready(struct vse_chip *c, bool *ret_start)
{
    bool have;

    (void)pthread_mutex_lock(&c->lock);
    have = ready(c, ret_start);
    if (!have)
        c->meter.totals.nacks++;
    (void)pthread_mutex_unlock(&c->lock);
    return have;
}

void vse_chip_power_cycle(struct vse_chip *c)
{
    uint32_t next;

    (void)pthread_mutex_lock(&c->lock);
    next = vse_t1_ticket(&c->t1) + 1;
    mem_wipe(&c->t1, sizeof(c->t1));
    vse_t1_init(&c->t1);
    c->t1.ticket = next; /* the answer of what runs now is for nobody */
    if (c->options.trace)
        vse_trace_note(c->options.trace, c->meter.totals.virtual_us, "the power was away for a moment");
    give_reset(c, VSE_T1_RESET);
    (void)pthread_mutex_unlock(&c->lock);
}

uint64_t vse_chip_wire_us(const struct vse_chip *c, size_t n)
{
    return vse_time_wire_ns(vse_time_wire_bits(n), c->options.bus_khz) / 1000;
}

bool vse_chip_realtime(const struct vse_chip *c)
{
    return c->options.realtime;
}

struct vse_totals vse_chip_totals(struct vse_chip *c)
{
    struct vse_totals t;

    (void)pthread_mutex_lock(&c->lock);
    t = c->meter.totals;
    (void)pthread_mutex_unlock(&c->lock);
    return t;
}

/* ---- life ---- */

err_t vse_chip_new(struct vse_applet *applet, const struct vse_chip_options *options, struct vse_chip **ret)
{
    struct vse_chip *c = mem_calloc(1, sizeof(*c));

    if (!c)
        return ERR_NOMEM;
    c->applet = applet;
    c->options = *options;
    if (c->options.bus_khz == 0)
        c->options.bus_khz = VSE_BUS_KHZ;
    c->meter = (struct vse_meter){ .bus_khz = c->options.bus_khz, .fd = c->options.counters_fd };
    c->counted = c->meter.totals.private_key_operations = applet->private_ops;
    c->command = BUF_SECRET(SE_APDU_MAX);
    c->answer = BUF_SECRET(SE_ANSWER_MAX);
    applet->observer = (struct vse_observer){ c, on_command };
    vse_t1_init(&c->t1);
    (void)pthread_mutex_init(&c->lock, NULL); /* cannot fail with default attributes on this libc */
    (void)pthread_cond_init(&c->work, NULL);
    vse_meter_tell(&c->meter);
    if (pthread_create(&c->worker, NULL, worker, c) != 0) {
        applet->observer = (struct vse_observer){ 0 };
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
    c->applet->observer = (struct vse_observer){ 0 };
    buf_done(&c->command);
    buf_done(&c->answer);
    mem_wipe(&c->t1, sizeof(c->t1));
    free(c);
}
