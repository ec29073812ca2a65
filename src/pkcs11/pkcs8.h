/* src/pkcs11/pkcs8.h - private keys of templates as PKCS#8 (RFC 5208), which OpenSSL reads. Pure but for
 * p11_pkcs8_public.
 *
 * Values are big endian, or the bytes of RFC 8032 and 7748. out should be a BUF_SECRET. Any thread.
 */
#pragma once
#include "pkcs11/ossl.h"
#include "se/curve.h"
#include "se/key.h"

/* scalar: up to the curve's length, padded here. ERR_INVALID: empty or longer. */
err_t p11_pkcs8_curve(const struct se_curve_info *curve, struct slice scalar, struct buf *out);
/* All of n, e, d, p, q, dp, dq, qinv. */
err_t p11_pkcs8_rsa(const struct se_rsa_pair *k, struct buf *out);

/* The public point of a curve's private key: append what CKA_EC_POINT has inside its OCTET STRING.
 * ERR_CRYPTO: the scalar is none of this curve. */
err_t p11_pkcs8_public(struct p11_ossl *o, struct slice pkcs8, struct buf *out);
