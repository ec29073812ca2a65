/* src/pkcs11/ossl_impl.h - what the files of ossl.h share, and nobody else. */
#pragma once
#include "pkcs11/ossl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>

/* Undo on leaving scope what a call left in the calling program's error queue. (On an empty queue the
 * mark is not set, and popping empties the queue: right as well.) */
static inline void p11_pop_errors(const int *mark)
{
    (void)mark;
    ERR_pop_to_mark();
}
#define QUIET_ERRORS __attribute__((cleanup(p11_pop_errors), unused)) const int error_mark = ERR_set_mark()

#define P11_AUTO(name, type, release)           \
    static inline void p11_free_##name(type *p) \
    {                                           \
        release(*p);                            \
    }
P11_AUTO(pkey_ctx, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
P11_AUTO(params, OSSL_PARAM *, OSSL_PARAM_free)
P11_AUTO(param_bld, OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
P11_AUTO(bn, BIGNUM *, BN_clear_free)
P11_AUTO(md_ctx, EVP_MD_CTX *, EVP_MD_CTX_free)
P11_AUTO(cipher_ctx, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)
P11_AUTO(cipher, EVP_CIPHER *, EVP_CIPHER_free)
P11_AUTO(mac, EVP_MAC *, EVP_MAC_free)
P11_AUTO(mac_ctx, EVP_MAC_CTX *, EVP_MAC_CTX_free)
P11_AUTO(kdf, EVP_KDF *, EVP_KDF_free)
P11_AUTO(kdf_ctx, EVP_KDF_CTX *, EVP_KDF_CTX_free)
#define auto_ossl(name) __attribute__((cleanup(p11_free_##name)))

/* The private context; NULL when out of memory. */
OSSL_LIB_CTX *p11_ossl_ctx(struct p11_ossl *o);

/* Even for a key of our own context OpenSSL 3.0 looks the type up in the engine tables here (by the name
 * "RSA" or "EC"), and an engine set as default for all gets the context. It hands keys that are not its
 * own to OpenSSL's own methods, which ignore the parameters of EVP_PKEY_verify_init_ex: so settings are
 * made one by one by the calls that work on either kind of context (docs/decisions/pkcs11-openssl.md). */
EVP_PKEY_CTX *p11_ossl_key_ctx(struct p11_ossl *o, EVP_PKEY *key);
