/* src/se/curve.h - the elliptic curves an SE05x knows, and making them exist on the chip.
 *
 * Weierstrass curves must be created with their parameters before a key on them can be written; a
 * fresh part has none or only provisioned ones (AN12413: CreateECCurve, SetECCurveParam,
 * ReadECCurveList). Parameters are a constant table (SEC 2, FIPS 186-4, RFC 5639).
 * Lookups are pure, any thread; se_curve_ensure is blocking I/O, rules in se/chip.h.
 */
#pragma once
#include "se/chip.h"

enum se_curve_kind { SE_CURVE_WEIERSTRASS, SE_CURVE_EDWARDS, SE_CURVE_MONTGOMERY };

struct se_curve_info {
    uint8_t id;           /* SE_CURVE_* */
    const char *name;     /* ssscli's: NIST_P256, Brainpool256, Secp256k1, ... */
    const char *oid;      /* dotted: 1.2.840.10045.3.1.7; "" when it has none */
    struct slice oid_der; /* the complete OBJECT IDENTIFIER TLV, as CKA_EC_PARAMS carries it; or empty */
    uint16_t bits;        /* of the field */
    uint16_t private_len; /* bytes on the wire */
    uint16_t public_len;
    enum se_curve_kind kind;
};

/* The table, in id order; NULL when unknown to us. Static storage. */
const struct se_curve_info *se_curve_by_id(uint8_t id);
const struct se_curve_info *
se_curve_by_name(const char *name); /* case ignored; accepts P-256, prime256v1 too */
const struct se_curve_info *se_curve_by_oid_der(struct slice oid_der);
const struct se_curve_info *se_curve_at(size_t i); /* NULL past the end */

/* Create the curve with its parameters when the chip lacks it; the 25519 and 448 ones are always there.
 * ERR_UNSUPPORTED: not in our table. */
err_t se_curve_ensure(struct se_chip *chip, uint8_t id);
/* Which Weierstrass curves are complete: ret_set[id] for the ids 1 to SE_CURVE_WEIERSTRASS_COUNT. */
err_t se_curve_list(struct se_chip *chip, bool ret_set[SE_CURVE_WEIERSTRASS_COUNT + 1]);
/* ERR_NOT_FOUND: not there, or (by the applet's word for both) keys use it. */
err_t se_curve_delete(struct se_chip *chip, uint8_t id);
