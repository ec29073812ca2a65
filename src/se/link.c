#include "se/link.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/reader.h"
#include "se/detail.h"

#include <errno.h>
#include <time.h>

/* What every SE05x says in its ATR, so that it need not be read. A part that works sends a WTX once per BWT:
 * longer silence means a lost block. */
const struct se_timing se_timing_default = {
    .guard_us = SE_SEGT_US,
    .poll_us = SE_MPOT_MS * 1000,
    .write_patience_ms = 400,
    .request_patience_ms = SE_BWT_MS,
    .apdu_patience_ms = SE_BWT_MS * 5 / 4,
    .bwt_ms = SE_BWT_MS,
};

enum {
    POLL_MAX_US = 20 * 1000,
    POLL_SHARE = 16,       /* poll about this often during a wait: at most 6 % late */
    RESET_PAUSE_US = 3500, /* NXP's host, before an interface soft reset */
    DRAIN_READS_MAX = 4,
    REST_PATIENCE_MS = 20, /* a part that paused inside a block */
    GUARD_MAX_US = 50 * 1000,
    BWT_MAX_MS = 10 * 1000,
    EXTENSION_MAX_MS = 10 * 1000, /* a part that needs longer asks again */
};

void se_link_init(struct se_link *link, struct se_bus *bus)
{
    *link = (struct se_link){ .bus = bus, .timing = se_timing_default };
    se_t1_init(&link->t1);
}

static void pause_us(uint32_t us)
{
    struct timespec ts = { us / 1000000, (long)(us % 1000000) * 1000 };

    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
        ;
}

/* Sleep before the next poll: MPOT at first, growing with the time already waited. */
static void poll_pause(const struct se_link *link, int64_t started_us)
{
    int64_t us = (clock_mono_us() - started_us) / POLL_SHARE;

    if (us < link->timing.poll_us)
        us = link->timing.poll_us;
    pause_us(us > POLL_MAX_US ? POLL_MAX_US : (uint32_t)us);
}

static bool over(int64_t started_us, int64_t patience_ms)
{
    return clock_mono_us() - started_us > patience_ms * 1000;
}

/* ERR_MORE: NACKed for the whole of our patience. */
static err_t read_patiently(struct se_link *link, uint8_t *out, size_t n, int64_t patience_ms)
{
    int64_t started = clock_mono_us();
    err_t e;

    while ((e = link->bus->ops->read(link->bus, out, n)) == ERR_MORE && !over(started, patience_ms))
        poll_pause(link, started);
    return e;
}

static err_t write_block(struct se_link *link)
{
    int64_t started = clock_mono_us();
    struct slice block = slice_of(link->t1.out, link->t1.out_n);
    err_t e;

    while ((e = link->bus->ops->write(link->bus, block)) == ERR_MORE &&
           !over(started, link->timing.write_patience_ms))
        poll_pause(link, started);
    if (e == ERR_MORE)
        return se_fail(ERR_UNAVAILABLE, "%s: nobody acknowledges the address", link->bus->name);
    if (e)
        return se_fail_at(e, "%s: write failed: ", link->bus->name);
    pause_us(link->timing.guard_us);
    return ERR_OK;
}

/* Throw away what the part still has in its read buffer; it NACKs when there is nothing. */
static void drain(struct se_link *link)
{
    uint8_t waste[SE_T1_OVERREAD];

    for (int i = 0; i < DRAIN_READS_MAX; i++)
        if (link->bus->ops->read(link->bus, waste, sizeof(waste)))
            break;
    mem_wipe(waste, sizeof(waste));
}

/* The first bytes of the next block. ERR_MORE: not there until the deadline. ERR_TIMEOUT: nor for the whole
 * of our patience. */
static err_t await_head(struct se_link *link, int64_t deadline_us, uint8_t *out)
{
    err_t e;

    while ((e = link->bus->ops->read(link->bus, out, SE_T1_BLOCK_MIN)) == ERR_MORE) {
        if (over(link->since_us, link->wait_ms))
            return ERR_TIMEOUT;
        if (clock_mono_us() >= deadline_us)
            return ERR_MORE;
        poll_pause(link, link->since_us);
    }
    return e;
}

/* Read the rest behind the head: the part keeps its place in the block between reads. The shortest block is
 * whole by then, and any other costs one more read. */
static err_t read_rest(struct se_link *link, uint8_t *bytes, struct se_block *ret)
{
    size_t rest;
    err_t e = se_block_rest(bytes, &rest);

    if (!e && rest > SE_T1_CRC)
        e = read_patiently(link, bytes + SE_T1_BLOCK_MIN, rest - SE_T1_CRC, REST_PATIENCE_MS);
    if (e == ERR_MORE)
        return ERR_PROTO;
    return e ? e : se_block_decode(slice_of(bytes, SE_T1_HEADER + rest), ret);
}

/* Wait for the next block and let the machine judge it. */
static err_t read_event(struct se_link *link, int64_t deadline_us)
{
    uint8_t bytes[SE_T1_BLOCK_MAX];
    struct se_block block;
    err_t e = await_head(link, deadline_us, bytes);

    if (e == ERR_MORE)
        return e;
    if (e == ERR_TIMEOUT) {
        link->act = se_t1_rx_silent(&link->t1);
        return ERR_OK;
    }
    if (!e)
        e = read_rest(link, bytes, &block);
    if (e == ERR_PROTO || e == ERR_CORRUPT)
        link->act = se_t1_rx_bad(&link->t1);
    else if (!e)
        link->act = se_t1_rx_block(&link->t1, &block);
    else
        e = se_fail_at(e, "%s: read failed: ", link->bus->name);
    mem_wipe(bytes, sizeof(bytes));
    return e == ERR_PROTO || e == ERR_CORRUPT ? ERR_OK : e;
}

/* How long the next answer may take. */
static int64_t patience(struct se_link *link)
{
    const struct se_t1 *t = &link->t1;
    int64_t extra = (int64_t)t->wtx * link->timing.bwt_ms;

    if (t->state == SE_T1_ASKING)
        return link->timing.request_patience_ms;
    if (extra > EXTENSION_MAX_MS)
        extra = EXTENSION_MAX_MS;
    return ((int64_t)link->timing.apdu_patience_ms << t->nacked[SE_T1_SILENT]) + extra;
}

static err_t write_wanted(struct se_link *link)
{
    err_t e;

    if (link->act == SE_T1_DRAIN_WRITE)
        drain(link);
    e = write_block(link);
    if (e)
        return e;
    link->since_us = clock_mono_us();
    link->wait_ms = patience(link);
    link->t1.wtx = 0;
    link->written = true;
    return ERR_OK;
}

/* Start an exchange, then run it to DONE (ERR_OK) or FAIL (the machine's error). */
static void begin(struct se_link *link, enum se_t1_act act)
{
    link->act = act;
    link->written = false;
}

static err_t run(struct se_link *link, int64_t deadline_us)
{
    while (link->act == SE_T1_WRITE || link->act == SE_T1_DRAIN_WRITE) {
        err_t e = link->written ? ERR_OK : write_wanted(link);

        if (!e)
            e = read_event(link, deadline_us);
        if (e)
            return e;
        link->written = false;
    }
    return link->act == SE_T1_DONE ? ERR_OK : se_t1_error(&link->t1);
}

static err_t request(struct se_link *link, uint8_t code)
{
    link->t1.state = SE_T1_IDLE; /* whatever was under way is given up */
    begin(link, se_t1_request(&link->t1, code));
    return run(link, INT64_MAX);
}

static err_t soft_reset(struct se_link *link)
{
    err_t e;

    pause_us(RESET_PAUSE_US);
    drain(link);
    e = request(link, SE_S_SOFT_RESET);
    if (!e)
        (void)se_atr_apply(se_t1_answer(&link->t1), &link->timing, &link->t1.ifsc); /* defaults serve too */
    return e;
}

static const char *why(err_t e)
{
    switch (e) {
    case ERR_TIMEOUT:
        return "no answer in time";
    case ERR_TOO_BIG:
        return "the answer is longer than the part's limit";
    case ERR_CANCELLED:
        return "the part aborted the transfer";
    default:
        return "the answers cannot be understood (noise on the bus, or another program that does not lock "
               "it)";
    }
}

/* The exchange failed: leave the interface in a known state. */
static err_t lost_apdu(struct se_link *link, err_t e)
{
    err_t reset;

    link->t1.state = SE_T1_IDLE;
    if (e == ERR_UNAVAILABLE || e == ERR_IO)
        return e;
    if (e == ERR_CONFLICT)
        return se_fail(e, "%s: the part has lost count: it was reset, or another program used it",
                       link->bus->name);
    reset = soft_reset(link);
    return se_fail(e, "%s: %s; the interface was reset%s", link->bus->name, why(e),
                   reset ? ", which the part did not answer either" : "");
}

err_t se_link_send(struct se_link *link, struct slice apdu)
{
    err_t e = ERR_OK;

    begin(link, se_t1_apdu(&link->t1, apdu));
    while (link->t1.state == SE_T1_SENDING && !e) {
        e = write_wanted(link);
        if (!e)
            e = read_event(link, INT64_MAX);
        link->written = false;
        if (!e && link->act == SE_T1_FAIL)
            e = se_t1_error(&link->t1);
    }
    if (!e && !link->written)
        e = write_wanted(link);
    return e ? lost_apdu(link, e) : ERR_OK;
}

err_t se_link_receive(struct se_link *link, int64_t deadline_ms, struct slice *ret_answer)
{
    err_t e = run(link, deadline_ms > INT64_MAX / 1000 ? INT64_MAX : deadline_ms * 1000);

    if (e == ERR_MORE)
        return e;
    if (e)
        return lost_apdu(link, e);
    *ret_answer = se_t1_answer(&link->t1);
    return ERR_OK;
}

err_t se_link_apdu(struct se_link *link, struct slice apdu, struct slice *ret_answer)
{
    err_t e = se_link_send(link, apdu);

    return e ? e : se_link_receive(link, INT64_MAX, ret_answer);
}

err_t se_link_resync(struct se_link *link)
{
    err_t e = request(link, SE_S_RESYNC);

    if (e == ERR_OK || e == ERR_UNAVAILABLE || e == ERR_IO)
        return e;
    e = soft_reset(link);
    if (e == ERR_OK || e == ERR_UNAVAILABLE || e == ERR_IO)
        return e;
    return se_fail(e == ERR_TIMEOUT ? ERR_UNAVAILABLE : e, "%s: neither resync nor reset was answered: %s",
                   link->bus->name, why(e));
}

err_t se_link_atr(struct se_link *link)
{
    err_t e = request(link, SE_S_GET_ATR);

    if (e)
        return e;
    return se_atr_apply(se_t1_answer(&link->t1), &link->timing, &link->t1.ifsc);
}

err_t se_link_end(struct se_link *link)
{
    return request(link, SE_S_END_SESSION);
}

static uint32_t at_most(uint32_t v, uint32_t max)
{
    return v > max ? max : v;
}

err_t se_atr_apply(struct slice atr, struct se_timing *timing, uint8_t *ifsc)
{
    struct reader r = reader_of(atr);
    struct reader dll, phys;
    uint16_t bwt, size, segt;
    uint8_t mpot;

    (void)reader_bytes(&r, SE_ATR_OFF_DLL_LEN);
    dll = reader_of(reader_bytes(&r, reader_u8(&r)));
    (void)reader_u8(&r); /* physical layer */
    phys = reader_of(reader_bytes(&r, reader_u8(&r)));
    bwt = reader_be16(&dll);
    size = reader_be16(&dll);
    (void)reader_bytes(&phys, 3); /* clock, configuration */
    mpot = reader_u8(&phys);
    (void)reader_bytes(&phys, 3);
    segt = reader_be16(&phys);
    if (reader_ok(&r) || reader_ok(&dll) || reader_ok(&phys) || bwt == 0 || size == 0)
        return ERR_PROTO;
    timing->bwt_ms = at_most(bwt, BWT_MAX_MS);
    timing->request_patience_ms = timing->bwt_ms < SE_BWT_MS ? SE_BWT_MS : timing->bwt_ms;
    timing->poll_us = at_most(mpot ? mpot * 1000u : 1000u, POLL_MAX_US);
    timing->guard_us = at_most(segt, GUARD_MAX_US);
    *ifsc = (uint8_t)at_most(size, SE_T1_INF_MAX);
    return ERR_OK;
}
