/* src/se/ec_order.h - RFC byte order to the wire's and back (reference 3.6). Pure; for this room's files.
 *
 * On the wire X25519 and X448 values are big endian, Ed25519 public keys and each half of a signature are
 * reversed, and the Ed25519 seed is as it is. Weierstrass values are the same on both sides. Each call turns
 * either way; where nothing is to be turned the input comes back.
 */
#pragma once
#include "se/curve.h"

/* v backwards, in `room` of at least v.n bytes. */
static inline struct slice se_ec_reversed(struct slice v, uint8_t *room)
{
    for (size_t i = 0; i < v.n; i++)
        room[i] = v.p[v.n - 1 - i];
    return slice_of(room, v.n);
}

static inline struct slice se_ec_private_order(const struct se_curve_info *curve, struct slice v,
                                               uint8_t room[SE_EC_PRIVATE_MAX])
{
    return curve->kind == SE_CURVE_MONTGOMERY ? se_ec_reversed(v, room) : v;
}

static inline struct slice se_ec_public_order(const struct se_curve_info *curve, struct slice v,
                                              uint8_t room[SE_EC_PUBLIC_MAX])
{
    return curve->kind == SE_CURVE_WEIERSTRASS ? v : se_ec_reversed(v, room);
}
