/* src/se/desfire.h - MIFARE DESFire EV2: the card keys are in the chip, the card's bytes go through the
 * caller.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. AN12413 DESFire commands; reference 3.12;
 * docs/spec/chip.md 31 to 37. The authentication belongs to the session of the chip that began it: do all of
 * it between se_chip_begin and se_chip_end.
 */
#pragma once
#include "base/buf.h"
#include "se/chip.h"

enum {
    SE_DESFIRE_CHALLENGE = 16,    /* the card's encrypted RndB */
    SE_DESFIRE_RESPONSE = 32,     /* what the card is answered */
    SE_DESFIRE_CAPABILITIES = 12, /* PDcap2 and PCDcap2 */
    SE_DESFIRE_SESSION = 38,      /* KSesAuthENC KSesAuthMAC TI CmdCtr */
    SE_DESFIRE_MAC = 8,
    SE_DESFIRE_CHANGE = 40, /* cryptogram and MAC of a key change */
};

/* target = key derived from `master` and 1..31 bytes (AN10922). */
err_t se_desfire_diversify(struct se_chip *chip, uint32_t master, uint32_t target, struct slice input);

/* AuthenticateEV2First. part2: the card's 32 bytes. ERR_DENIED: the card does not have the key. */
err_t se_desfire_first_part1(struct se_chip *chip, uint32_t key,
                             const uint8_t challenge[SE_DESFIRE_CHALLENGE], uint8_t ret[SE_DESFIRE_RESPONSE]);
err_t se_desfire_first_part2(struct se_chip *chip, const uint8_t card[SE_DESFIRE_RESPONSE],
                             uint8_t ret[SE_DESFIRE_CAPABILITIES]);
/* AuthenticateEV2NonFirst. part2: the card's 16 bytes. */
err_t se_desfire_next_part1(struct se_chip *chip, uint32_t key, const uint8_t challenge[SE_DESFIRE_CHALLENGE],
                            uint8_t ret[SE_DESFIRE_RESPONSE]);
err_t se_desfire_next_part2(struct se_chip *chip, const uint8_t card[SE_DESFIRE_CHALLENGE]);

/* The session keys, where policy allows. They are secrets. */
err_t se_desfire_dump(struct se_chip *chip, uint8_t ret[SE_DESFIRE_SESSION]);

struct se_desfire_change {
    uint32_t old_key; /* SE_ID_NONE: the key that is authenticated with is the one that changes */
    uint32_t new_key;
    uint8_t set, number, version;
};
/* What to send to the card with ChangeKey, and then the MAC it answered with: ERR_AUTH when it is wrong. */
err_t se_desfire_change_part1(struct se_chip *chip, const struct se_desfire_change *change, struct buf *out);
err_t se_desfire_change_part2(struct se_chip *chip, const uint8_t mac[SE_DESFIRE_MAC]);
err_t se_desfire_end(struct se_chip *chip);
