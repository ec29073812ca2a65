/* tests/fuzz/vse/secrets.h - what a virtual SE050 must never say, searched for in what it says.
 *
 * Secrets are the values that no command may give: private keys, symmetric keys, UserIDs, files whose policy
 * does not allow reading, the part's hidden keys and its platform keys. A value that the host itself supplied
 * in this run is no secret, nor one that was computed from what it supplied (a derived key may have been
 * given out as the answer, too).
 */
#pragma once
#include "vse/applet.h"

struct secrets {
    struct buf values[64]; /* copies */
    size_t n;
};

/* Remember all secrets of the state: called before the host says anything. */
void secrets_take(struct secrets *s, const struct vse_applet *a);
/* Besides, the private keys that the part has made itself since. */
void secrets_take_made(struct secrets *s, const struct vse_applet *a);
/* Is a piece of one (8 bytes in a row, or in reverse) in the answer? */
bool secrets_in(const struct secrets *s, struct slice answer);
/* Drop those of which a piece is in what the host says. */
void secrets_spoil(struct secrets *s, struct slice said);
void secrets_done(struct secrets *s);
