/* src/crypto/ctx.h - what a struct crypto_ctx holds. For the files of this room only. */
#pragma once
#include "crypto/process.h"

#include <openssl/evp.h>

struct crypto_ctx {
    OSSL_LIB_CTX *lib; /* NULL: the default one */
    EVP_MD *sha256;
    EVP_MAC *hmac;
};
