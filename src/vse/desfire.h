/* src/vse/desfire.h - the reader's half of MIFARE DESFire EV2 (reference 3.12): authentication with an
 * AES-128 key, session keys, key changes, diversified keys. Done with OpenSSL's AES and CMAC.
 *
 * Pure apart from allocation; one thread at a time. The part that the reference leaves open is decided in
 * docs/spec/chip.md, "MIFARE DESFire". Secrets are wiped by vse_desfire_end.
 *
 * Errors: ERR_INVALID: a length; ERR_WRONG_STATE: not now; ERR_AUTH: the card does not know the key;
 * ERR_CRYPTO, ERR_NOMEM; ERR_TOO_BIG: no room in out.
 */
#pragma once
#include "base/buf.h"

enum {
    VSE_DESFIRE_KEY = 16,
    VSE_DESFIRE_RANDOM = 16,
    VSE_DESFIRE_TI = 4, /* transaction identifier: the card's name for the authentication */
    VSE_DESFIRE_CAPS = 12,
    VSE_DESFIRE_MAC = 8,
    VSE_DESFIRE_DIVERSIFIER_MAX = 31,
    VSE_DESFIRE_NO_SET = 0xff, /* key set: none is named, the command is ChangeKey and not ChangeKeyEV2 */
};

enum vse_desfire_step {
    VSE_DESFIRE_NONE,
    VSE_DESFIRE_FIRST,    /* the card has been asked, with AuthenticateEV2First */
    VSE_DESFIRE_NONFIRST, /* the same with AuthenticateEV2NonFirst */
    VSE_DESFIRE_OPEN,     /* authenticated */
    VSE_DESFIRE_CHANGING, /* a key change is with the card */
};

struct vse_desfire {
    enum vse_desfire_step step;
    uint32_t key_id;  /* the authentication key; the caller's to set */
    uint64_t session; /* whose it is; the same */
    uint8_t rnd_a[VSE_DESFIRE_RANDOM];
    uint8_t enc[VSE_DESFIRE_KEY], mac[VSE_DESFIRE_KEY]; /* session keys */
    uint8_t ti[VSE_DESFIRE_TI];
    uint16_t counter; /* commands under this authentication */
};

/* Answer the card's E(K, RndB) with E(K, RndA || RndB'), and derive the session keys. `how` is FIRST or
 * NONFIRST; the latter needs one that is open. */
err_t vse_desfire_ask(struct vse_desfire *d, enum vse_desfire_step how, struct slice key,
                      struct slice challenge, const uint8_t rnd_a[VSE_DESFIRE_RANDOM], struct buf *out);
/* Check the card's last word: 32 bytes with identifier and capabilities, which are appended, after FIRST; 16
 * after NONFIRST. A wrong one ends the authentication. */
err_t vse_desfire_check(struct vse_desfire *d, enum vse_desfire_step how, struct slice key,
                        struct slice answer, struct buf *out_caps);
/* Session keys, identifier, counter (low byte first): 38 bytes. */
err_t vse_desfire_dump(const struct vse_desfire *d, struct buf *out);

struct vse_desfire_change {
    struct slice key, old; /* old: empty when the key changed is the one authenticated with */
    uint8_t set, number, version;
};

/* The cryptogram and the MAC of the card's command: 40 bytes. Changing the authentication key ends it, as the
 * card does. */
err_t vse_desfire_change(struct vse_desfire *d, const struct vse_desfire_change *what, struct buf *out);
/* Is this the card's MAC of having done so? If not the authentication is over. */
err_t vse_desfire_changed(struct vse_desfire *d, struct slice mac, bool *ret_good);
void vse_desfire_end(struct vse_desfire *d);

/* NXP AN10922: the key of a card, from the master key and 1 to 31 bytes that name the card. Appends 16. */
err_t vse_desfire_diversify(struct slice master, struct slice input, struct buf *out);
