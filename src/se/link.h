/* src/se/link.h - T=1 over a bus: the blocking loop that reads, writes and waits for the machine in t1.h.
 *
 * Blocking I/O; one thread at a time; the caller holds the bus lock. Spec: NXP UM11225: guard
 * time after a write, polling no faster than MPOT.
 */
#pragma once
#include "se/bus.h"
#include "se/t1.h"

struct se_timing {
    uint32_t guard_us;            /* SEGT: between a write and the first read */
    uint32_t poll_us;             /* MPOT: between two reads that are NACKed, at first */
    uint32_t write_patience_ms;   /* a sleeping part NACKs its address for a while */
    uint32_t request_patience_ms; /* S-requests are answered within BWT */
    uint32_t apdu_patience_ms; /* per block of an answer, doubled after each silence; a WTX starts it again */
    uint32_t bwt_ms;
};
extern const struct se_timing se_timing_default;

struct se_link {
    struct se_bus *bus; /* borrowed */
    struct se_timing timing;
    struct se_t1 t1;
    enum se_t1_act act; /* what the machine wants next */
    bool written;       /* and its block is out: the answer is due */
    int64_t since_us, wait_ms;
};

void se_link_init(struct se_link *link, struct se_bus *bus);

/* Send an APDU: all of its blocks but for the answer to the last. `apdu` is borrowed for the call. Errors as
 * se_link_receive. */
err_t se_link_send(struct se_link *link, struct slice apdu);

/* Take the answer (*ret_answer points into the link, dead with the next call). ERR_MORE: it did not come
 * until deadline_ms of clock_mono_ms; call again. When recovery by R-NACK and resend is exhausted the
 * interface is soft-reset (applet deselected) and the APDU is lost: ERR_TIMEOUT, ERR_PROTO, ERR_TOO_BIG,
 * ERR_CANCELLED. ERR_CONFLICT: the part has not taken it (se/t1.h), nothing was reset. ERR_UNAVAILABLE: not
 * even the write was taken. ERR_IO the bus. */
err_t se_link_receive(struct se_link *link, int64_t deadline_ms, struct slice *ret_answer);

/* Both, waiting as long as there is patience. */
err_t se_link_apdu(struct se_link *link, struct slice apdu, struct slice *ret_answer);

/* Bring both counters to 0 whatever happened before: resync, and a soft reset when that does not
 * help. ERR_UNAVAILABLE nobody answers; others as above. */
err_t se_link_resync(struct se_link *link);

/* Read the ATR and take timing and block size from it. */
err_t se_link_atr(struct se_link *link);

/* Let the part rest. Failure is harmless. */
err_t se_link_end(struct se_link *link);

/* Take BWT, IFSC, MPOT and SEGT out of an ATR within sane limits. Pure. ERR_PROTO malformed: *timing and
 * *ifsc untouched. */
err_t se_atr_apply(struct slice atr, struct se_timing *timing, uint8_t *ifsc);
