/* tests/unit/se/script_bus.h - a bus that plays a script, for tests of the link.
 *
 * Steps: 'w' the host must write exactly these bytes; 'r' bytes the part has to say, in as many reads as
 * the host likes, padded with FF beyond their end; 'n' the next `count` reads are NACKed; 'x' the next
 * `count` writes are NACKed; 'd' the bus dies. A read with nothing to say is NACKed.
 */
#pragma once
#include "se/bus.h"

struct script_step {
    char kind;
    struct slice bytes;
    int count;
};

struct script_bus {
    struct se_bus bus;
    const struct script_step *steps;
    size_t n, at;
    size_t taken; /* of the bytes of an 'r' step */
    int nacks;    /* of an 'n' or 'x' step */
    int reads, writes;
};

#define W(s)                 \
    {                        \
        'w', SLICE_LIT(s), 0 \
    }
#define R(s)                 \
    {                        \
        'r', SLICE_LIT(s), 0 \
    }
#define NACK_READS(c) \
    {                 \
        'n', { 0 }, c \
    }
#define NACK_WRITES(c) \
    {                  \
        'x', { 0 }, c  \
    }
#define DIES          \
    {                 \
        'd', { 0 }, 0 \
    }

void script_bus_init(struct script_bus *b, const struct script_step *steps, size_t n);
