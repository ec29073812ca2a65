/* src/se/attest.h - what the chip says about an object, signed by the chip and checked here.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. AN12413 "read with attestation";
 * reference 3.5. The answer is fresh (it repeats, or its signature covers, a random of ours), of this chip
 * (its unique id) and of the attestation key, a P-256 pair in the chip whose policy lets it attest. Whether
 * that key is a manufacturer's is for the caller: give its point, taken from a certificate you trust. Without
 * it the point is what the chip itself tells, which binds the answer to that key and to nothing else.
 * ERR_AUTH: the signature is another key's, or the answer another chip's. ERR_PROTO: not the layout, or old.
 */
#pragma once
#include "base/buf.h"
#include "se/attribute.h"

struct se_attest {
    uint32_t key;       /* SE_ID_NONE: SE_ID_ATTESTATION_KEY */
    struct slice point; /* its public point 04 x y; empty: as the chip tells it */
};

struct se_proof {
    struct se_attributes attributes;
    uint8_t chip_id[SE_UNIQUE_ID_LEN];
    uint8_t timestamp[SE_TIMESTAMP_LEN];
};

/* by: NULL for the chip's own attestation key as it tells it. */
err_t se_attest_attributes(struct se_chip *chip, uint32_t id, const struct se_attest *by,
                           struct se_proof *ret);
/* The value, too: what ReadObject gives in one command. */
err_t se_attest_read(struct se_chip *chip, uint32_t id, const struct se_attest *by, struct buf *out,
                     struct se_proof *ret);
/* Is the private part proven to have been made in the chip and to be this object's? */
bool se_proof_generated_inside(const struct se_proof *proof);

/* What was done on the chip's own I2C bus (se/i2cm.h), and a self-test (7.x, se/manage.h), attested. */
err_t se_attest_i2cm(struct se_chip *chip, struct slice list, const struct se_attest *by, struct buf *out);
err_t se_attest_self_test(struct se_chip *chip, uint16_t test, const struct se_attest *by, bool *ret_passed);
