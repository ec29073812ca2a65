/* src/vse/times.h - how long things take on the virtual part: the one table of the clock model.
 *
 * Pure; any thread. Each row names where its number is from; most say "assumed", because no table of the
 * part's times has been published (reference, section 5). They are of the right order, not more.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VSE_BUS_KHZ = 400,
    VSE_BUS_KHZ_MAX = 3400
}; /* what boards run at; high-speed mode by the data sheet */

/* How a row's time grows. */
enum vse_time_scale {
    VSE_TIME_ONCE,
    VSE_TIME_EC,  /* with the square of the key's bits; the row is for 256 */
    VSE_TIME_RSA, /* with the cube of the modulus; for 2048 bits, RSA keys only. What the private key does */
    VSE_TIME_RSA_E,  /* with the square of the modulus; the same. What the public key does */
    VSE_TIME_BLOCKS, /* with the data, per 16 bytes begun */
};

struct vse_time {
    const char *what;
    const char *source;
    uint32_t us;
    uint8_t scale; /* enum vse_time_scale */
    /* A command the row applies to; the first that matches counts. VSE_TIME_ANY in p1 or p2: whatever it is.
     * Rows with ins 0 are named by enum vse_time_fixed instead. */
    uint8_t ins, p1, p2;
    bool generates; /* only when the part makes the key itself */
};

enum { VSE_TIME_ANY = 0xff };

enum vse_time_fixed {
    VSE_TIME_GUARD,    /* after a write, before the part may be read */
    VSE_TIME_POLL,     /* between two polls */
    VSE_TIME_COMMAND,  /* any command, beside what it does */
    VSE_TIME_NVM,      /* a change of non-volatile memory */
    VSE_TIME_NVM_DATA, /* and its data, per 16 bytes begun */
    VSE_TIME_FIXED,
};

/* The row of that name. */
const struct vse_time *vse_time_fixed(enum vse_time_fixed which);
/* The i-th row of the table, or NULL past its end. */
const struct vse_time *vse_time_at(size_t i);

/* What a command was, as far as its time goes. */
struct vse_work {
    uint8_t ins, p1, p2; /* as in the header; INS with its flags */
    bool rsa;            /* the key is an RSA key */
    bool generates;      /* a write without key material */
    unsigned bits;       /* of the key; 0: none, or the row's own size */
    size_t data;         /* bytes of the command's data */
};

/* Time the part computes. */
uint64_t vse_time_command_us(const struct vse_work *w);
/* Time of the same as a host sees it that polls as often as it may. */
uint64_t vse_time_polled_us(uint64_t us);
/* A transaction with n bytes of data at that clock: START, nine bits for the address and for each byte, STOP.
 */
uint64_t vse_time_wire_bits(size_t n);
uint64_t vse_time_wire_ns(uint64_t bits, unsigned khz);
