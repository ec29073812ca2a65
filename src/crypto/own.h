/* src/crypto/own.h - cleanup attributes for OpenSSL's objects: freed when the local leaves scope. */
#pragma once
#include <openssl/types.h>
#include <openssl/x509.h>

void crypto_pkey_free_ptr(EVP_PKEY **p);
void crypto_x509_free_ptr(X509 **p);
void crypto_x509_req_free_ptr(X509_REQ **p);
void crypto_x509_stack_free_ptr(STACK_OF(X509) **p); /* with its certificates */
void crypto_bio_free_ptr(BIO **p);

#define auto_pkey __attribute__((cleanup(crypto_pkey_free_ptr)))
#define auto_x509 __attribute__((cleanup(crypto_x509_free_ptr)))
#define auto_x509_req __attribute__((cleanup(crypto_x509_req_free_ptr)))
#define auto_x509_stack __attribute__((cleanup(crypto_x509_stack_free_ptr)))
#define auto_bio __attribute__((cleanup(crypto_bio_free_ptr)))
