/* src/vse/apdu.h - cut a command APDU into header and data. Pure; any thread.
 *
 * Hosts mix short and extended forms freely and leave Le out or put it in (ISO 7816-4 §5.1 is
 * stricter): any mix is taken, what is left over is not.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

enum { VSE_APDU_HEADER = 4 };

struct vse_apdu {
    uint8_t cla, ins, p1, p2;
    struct slice data; /* points into the command */
};

/* ERR_PROTO: lengths do not add up (6700). */
err_t vse_apdu_decode(struct slice in, struct vse_apdu *ret);
