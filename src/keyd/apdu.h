/* src/keyd/apdu.h - a client's command APDU taken apart, in one spelling only.
 *
 * Pure; any thread. What this accepts has exactly one reading: class 80, lengths that fit to the byte, TLVs
 * with shortest lengths and strictly rising tags, so none twice. Whatever else the chip might accept is
 * refused, since it might read it in another way than we do. docs/spec/keyd.md section 4.
 */
#pragma once
#include "base/tlv.h"

enum { KEYD_FIELDS_MAX = 12 };

struct keyd_apdu {
    uint8_t ins, p1, p2;
    struct slice stem; /* the command without Le, as ProcessSessionCmd carries it; points into the input */
    unsigned count;
    struct tlv field[KEYD_FIELDS_MAX]; /* point into the input */
};

enum keyd_apdu_form {
    KEYD_APDU_OUTER, /* Le may follow */
    KEYD_APDU_INNER, /* inside ProcessSessionCmd: no Le */
};

/* ERR_PROTO: not in that one spelling. */
err_t keyd_apdu_parse(struct slice bytes, enum keyd_apdu_form form, struct keyd_apdu *ret);

/* The value of a tag; {NULL, 0} when absent. */
struct slice keyd_apdu_field(const struct keyd_apdu *a, uint8_t tag);
bool keyd_apdu_has(const struct keyd_apdu *a, uint8_t tag);
