/* src/vse/curve.h - the Weierstrass curves the chip model knows. Pure table, parameters from OpenSSL. */
#pragma once
#include "base/buf.h"
#include "se/wire.h"

struct vse_curve {
    uint8_t id;      /* SE_CURVE_* */
    uint8_t type_7x; /* object type of a pair on a 7.x applet; private + 1, public + 2 */
    uint8_t bytes;   /* length of a private key and of a coordinate */
    int nid;         /* OpenSSL's */
};

/* NULL for a curve that is not known. The Barreto-Naehrig curve is not: OpenSSL has no name for it. */
const struct vse_curve *vse_curve_find(uint8_t id);

/* Is `value` parameter `param` (one of SE_CURVE_PARAM_*) of the curve, leading zeros aside?
 * ERR_INVALID when it is not, ERR_NOMEM, ERR_CRYPTO. */
err_t vse_curve_param_check(const struct vse_curve *curve, uint8_t param, struct slice value);
