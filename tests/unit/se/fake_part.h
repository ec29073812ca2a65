/* tests/unit/se/fake_part.h - a part behind a bus, for tests of commands: it speaks T=1 without faults and
 * asks a handler what an APDU is answered with.
 */
#pragma once
#include "base/buf.h"
#include "se/chip_open.h"

/* Append the answer, status word included. */
typedef void fake_apdu_fn(struct slice apdu, struct buf *answer);

struct fake_part {
    fake_apdu_fn *handler;
    int opened, closed, locks, unlocks;
    int selects, resyncs, ends; /* seen on the wire */
    bool touched;               /* somebody else puts his mark before our next sequence */
    bool gone;                  /* every transaction fails as if the chip had been stopped */
};
extern struct fake_part fake_part;
extern uint8_t fake_part_generation; /* 3: it says 3.1 at SELECT; 7: 7.2. Set before it is opened. */

/* Open a chip on a fresh fake part. */
err_t fake_part_open(fake_apdu_fn *handler, struct se_chip **ret);
