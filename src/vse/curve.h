/* src/vse/curve.h - the curves the chip model knows. Pure table, parameters from OpenSSL. */
#pragma once
#include "base/buf.h"
#include "se/wire.h"

#include <openssl/ec.h>

struct vse_curve {
    uint8_t id;      /* SE_CURVE_* */
    uint8_t type_7x; /* object type of a pair on a 7.x applet; private + 1, public + 2 */
    uint8_t bytes;   /* length of a private key and of a coordinate */
    int nid;         /* OpenSSL's; 0: it has no name for it */
};

/* NULL for a curve that is not known. */
const struct vse_curve *vse_curve_find(uint8_t id);

static inline bool vse_curve_is_weierstrass(const struct vse_curve *c)
{
    return c->id <= SE_CURVE_WEIERSTRASS_COUNT;
}

/* Length of a public key: 04 x y, or one coordinate. */
static inline size_t vse_curve_public_bytes(const struct vse_curve *c)
{
    return vse_curve_is_weierstrass(c) ? 2 * (size_t)c->bytes + 1 : c->bytes;
}

/* The group of a Weierstrass curve; NULL when OpenSSL fails. Free with EC_GROUP_free. */
EC_GROUP *vse_curve_group(const struct vse_curve *c);

/* Is `value` parameter `param` (one of SE_CURVE_PARAM_*) of the curve, leading zeros aside?
 * ERR_INVALID when it is not, ERR_NOMEM, ERR_CRYPTO. */
err_t vse_curve_param_check(const struct vse_curve *curve, uint8_t param, struct slice value);
