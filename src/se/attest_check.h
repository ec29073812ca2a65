/* src/se/attest_check.h - an attested answer taken apart and its signature verified.
 *
 * Pure but for OpenSSL; one thread at a time. AN12413, reference 3.5: 3.x signs the values one after the
 * other, 7.x the command's SHA-256 and the answer as it stands.
 */
#pragma once
#include "se/chip.h"
#include "se/crypt.h"

struct se_attested {
    struct slice data;       /* T1; empty where only attributes were read */
    struct slice attributes; /* empty when the chip gave none */
    struct slice chip_id;    /* SE_UNIQUE_ID_LEN */
    struct slice timestamp;  /* SE_TIMESTAMP_LEN */
    struct slice random;     /* 3.x: what it repeats of the command */
    struct slice signature;
    struct slice signed_tlvs; /* 7.x: the answer up to the signature */
};

/* Take it apart. All slices point into `answer`. ERR_PROTO: not the layout of that generation. */
err_t se_attest_parse(bool is_7x, struct slice answer, struct se_attested *ret);

/* The digest that was signed, and for 3.x: that `random` came back. `command` is the plain APDU as it was
 * sent. ERR_PROTO: the random is another one. */
err_t se_attest_digest(struct se_crypt *crypt, bool is_7x, const struct se_attested *a, struct slice command,
                       struct slice random, uint8_t ret[SE_SHA256]);

/* Parse and verify with the public point of a P-256 attestation key. ERR_AUTH: the signature is not that
 * key's. */
err_t se_attest_check(struct se_crypt *crypt, bool is_7x, struct slice answer, struct slice command,
                      struct slice random, struct slice point, struct se_attested *ret);

/* The same for a command as it was sent. 7.x signs it as the applet has it: as it was sent, or, where a
 * channel carried it, with the shortest Lc and without Le. */
err_t se_attest_check_sent(struct se_crypt *crypt, bool is_7x, struct slice answer, struct slice apdu,
                           struct slice random, struct slice point, struct se_attested *ret);
