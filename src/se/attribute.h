/* src/se/attribute.h - what the chip says about an object: type, owner, attempts, policies, origin.
 *
 * se_attributes_decode is pure; se_object_attributes is blocking I/O, rules in se/chip.h. AN12413
 * ReadAttributes; reference 3.5. Attested attributes: se/attest.h.
 */
#pragma once
#include "se/chip.h"
#include "se/policy.h"

enum se_origin { /* where the value came from */
                 SE_ORIGIN_EXTERNAL = 0x01,
                 SE_ORIGIN_INTERNAL = 0x02, /* made in the chip */
                 SE_ORIGIN_PROVISIONED = 0x03,
};

struct se_attributes {
    uint32_t id;
    uint8_t type;                    /* SE_TYPE_*, as the applet tells it: se_type_class folds 7.x */
    bool auth;                       /* for authentication only */
    uint16_t attempts, max_attempts; /* failed ones; 0 unless auth. max 0: not limited */
    uint16_t min_tag;                /* AEAD tag length; 0 when auth */
    uint32_t owner;                  /* authentication object of the session that made it, SE_ID_NONE */
    enum se_origin origin;
    uint32_t version; /* 7.x */
    struct se_policy policy;
};

/* ERR_PROTO malformed. */
err_t se_attributes_decode(struct slice bytes, struct se_attributes *ret);
/* ERR_NOT_FOUND when absent. */
err_t se_object_attributes(struct se_chip *chip, uint32_t id, struct se_attributes *ret);
