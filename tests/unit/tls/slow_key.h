/* tests/unit/tls/slow_key.h - an RSA key that signs as a chip does: correctly, but not soon. */
#pragma once
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_int slow_ms = 300;
static atomic_int slow_fails; /* the token does not answer */
static atomic_int slow_signatures;
static atomic_ulong slow_thread; /* who signed last */

static int slow_priv_enc(int n, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
    slow_thread = (unsigned long)pthread_self();
    slow_signatures++;
    usleep((useconds_t)slow_ms * 1000);
    if (slow_fails) {
        ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "CKR_DEVICE_ERROR");
        return -1;
    }
    return RSA_meth_get_priv_enc(RSA_PKCS1_OpenSSL())(n, from, to, rsa, padding);
}

/* A copy of `plain` that signs slowly; *ret_method lives as long as the key. */
static inline EVP_PKEY *slow_key_new(EVP_PKEY *plain, RSA_METHOD **ret_method)
{
    RSA *rsa = EVP_PKEY_get1_RSA(plain);
    RSA *copy = RSAPrivateKey_dup(rsa);
    RSA_METHOD *m = RSA_meth_dup(RSA_PKCS1_OpenSSL());
    EVP_PKEY *key = EVP_PKEY_new();
    RSA_meth_set1_name(m, "slow token");
    RSA_meth_set_priv_enc(m, slow_priv_enc);
    RSA_set_method(copy, m);
    EVP_PKEY_assign_RSA(key, copy);
    RSA_free(rsa);
    *ret_method = m;
    return key;
}
