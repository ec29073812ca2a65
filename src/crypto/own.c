#include "crypto/own.h"

#include <openssl/bio.h>
#include <openssl/evp.h>

void crypto_pkey_free_ptr(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

void crypto_x509_free_ptr(X509 **p)
{
    X509_free(*p);
}

void crypto_x509_req_free_ptr(X509_REQ **p)
{
    X509_REQ_free(*p);
}

void crypto_x509_stack_free_ptr(STACK_OF(X509) **p)
{
    sk_X509_pop_free(*p, X509_free);
}

void crypto_bio_free_ptr(BIO **p)
{
    BIO_free_all(*p);
}
