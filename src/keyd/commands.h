/* src/keyd/commands.h - the table of the applet's commands behind keyd/classify.h. Constant data; any thread.
 */
#pragma once
#include "keyd/classify.h"

/* Where the id of an object stands and what is done to it. */
struct keyd_field_use {
    uint8_t tag; /* 0: no more; the first one must be in the command, others may be absent */
    uint16_t op;
};

/* Rules that a table cannot express look at the fields and may change the uses. */
typedef err_t (*keyd_special_fn)(struct keyd_command *c);

struct keyd_row {
    uint8_t ins, p1, p2;
    uint8_t flags; /* of INS that may be set */
    bool any_part; /* P1's key part may be anything */
    enum keyd_kind kind;
    enum keyd_op op; /* for commands without object; 0 otherwise */
    struct keyd_field_use use[3];
    uint8_t context; /* tag of the crypto object's id; 0: none */
    enum keyd_phase phase;
    keyd_special_fn special;
};

/* NULL: not in the table. */
const struct keyd_row *keyd_row_of(const struct keyd_apdu *a);
