#include "se/link.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/reader.h"
#include "se/detail.h"

#include <errno.h>
#include <time.h>

const struct se_timing se_timing_default = {
    .guard_us = 1000,
    .poll_us = 1000,
    .write_patience_ms = 400,
    .request_patience_ms = SE_BWT_MS,
    .apdu_patience_ms = 20 * 1000,
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

/* Wait for the next block and let the machine judge it. The part keeps its place in the block between
 * reads, so the header tells how much more to ask for. */
static err_t read_event(struct se_link *link, int64_t patience_ms, enum se_t1_act *ret)
{
    uint8_t bytes[SE_T1_BLOCK_MAX];
    struct se_block block;
    size_t rest;
    err_t e = read_patiently(link, bytes, SE_T1_HEADER, patience_ms);

    if (e == ERR_MORE) {
        *ret = se_t1_rx_silent(&link->t1);
        return ERR_OK;
    }
    if (!e && se_block_rest(bytes, &rest)) {
        *ret = se_t1_rx_bad(&link->t1);
        return ERR_OK;
    }
    if (!e)
        e = read_patiently(link, bytes + SE_T1_HEADER, rest, REST_PATIENCE_MS);
    if (e && e != ERR_MORE)
        return se_fail_at(e, "%s: read failed: ", link->bus->name);
    if (e || se_block_decode(slice_of(bytes, SE_T1_HEADER + rest), &block))
        *ret = se_t1_rx_bad(&link->t1);
    else
        *ret = se_t1_rx_block(&link->t1, &block);
    mem_wipe(bytes, sizeof(bytes));
    return ERR_OK;
}

/* From the first WRITE to DONE (ERR_OK) or FAIL (the machine's error). */
static err_t run(struct se_link *link, enum se_t1_act act, int64_t patience_ms)
{
    while (act == SE_T1_WRITE || act == SE_T1_DRAIN_WRITE) {
        int64_t extra;
        err_t e;

        if (act == SE_T1_DRAIN_WRITE)
            drain(link);
        e = write_block(link);
        if (e)
            return e;
        extra = (int64_t)link->t1.wtx * link->timing.bwt_ms;
        if (extra > EXTENSION_MAX_MS)
            extra = EXTENSION_MAX_MS;
        link->t1.wtx = 0;
        e = read_event(link, patience_ms + extra, &act);
        if (e)
            return e;
    }
    return act == SE_T1_DONE ? ERR_OK : se_t1_error(&link->t1);
}

static err_t request(struct se_link *link, uint8_t code)
{
    link->t1.state = SE_T1_IDLE; /* whatever was under way is given up */
    return run(link, se_t1_request(&link->t1, code), link->timing.request_patience_ms);
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

err_t se_link_apdu(struct se_link *link, struct slice apdu, struct slice *ret_answer)
{
    err_t e = run(link, se_t1_apdu(&link->t1, apdu), link->timing.apdu_patience_ms);

    if (e == ERR_UNAVAILABLE || e == ERR_IO) {
        link->t1.state = SE_T1_IDLE;
        return e;
    }
    if (e) {
        err_t reset = soft_reset(link);

        return se_fail(e, "%s: %s; the interface was reset%s", link->bus->name, why(e),
                       reset ? ", which the part did not answer either" : "");
    }
    *ret_answer = se_t1_answer(&link->t1);
    return ERR_OK;
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
