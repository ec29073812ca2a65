/* src/crypto/p11uri.h - PKCS #11 URIs. Pure; any thread. Spec: RFC 7512 §2.3, §2.4.
 *
 * Values are percent-decoded. What V1's config.json asks of them (greengrass-v1.md 2.2): `object` is
 * mandatory, `type` if present is `private`, unknown attributes are ignored and counted.
 */
#pragma once
#include "base/slice.h"
#include "crypto/error.h"

#define CRYPTO_P11_VALUE_MAX 256

struct crypto_p11uri {
    char object[CRYPTO_P11_VALUE_MAX]; /* CKA_LABEL, never empty */
    char token[33];                    /* CK_TOKEN_INFO.label without its blanks; "" when absent */
    uint8_t id[64];                    /* CKA_ID */
    size_t id_len;                     /* 0 when absent */
    char pin[CRYPTO_P11_VALUE_MAX];    /* pin-value; "" when absent. Wipe the whole with crypto_p11uri_done */
    bool has_type;                     /* type=private was there */
    char module_path[CRYPTO_P11_VALUE_MAX]; /* module-path; "" when absent */
    char pin_source[CRYPTO_P11_VALUE_MAX];  /* pin-source: file:PATH or PATH; "" when absent */
};

/* ERR_INVALID: not a pkcs11: URI, a broken escape, a character §2.3 does not allow, an attribute given
 * twice, a value with a NUL or not UTF-8 (id may be any bytes), no object, an object or token empty,
 * type other than private; ERR_TOO_BIG: a value longer than its room. *ret untouched then. Attributes we do
 * not know are named in why->warning. */
err_t crypto_p11uri_parse(struct slice uri, struct crypto_p11uri *ret, struct crypto_error *why);
void crypto_p11uri_done(struct crypto_p11uri *u);

/* Where the token is configured apart from the URI, module-path and pin-source count for nothing: adds that
 * to why->warning. why may be NULL. */
void crypto_p11uri_warn_place(const struct crypto_p11uri *u, struct crypto_error *why);

/* Is this text a pkcs11: URI (by its scheme)? */
bool crypto_p11uri_is(struct slice uri);
