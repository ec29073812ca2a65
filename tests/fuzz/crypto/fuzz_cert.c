/* A device's certificate or signing request: everything we read from one. The first byte chooses the door. */
#include "crypto/issue.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct crypto_ctx *ctx, const X509 *cert)
{
    autobuf text = BUF_INIT(1 << 20);
    char id[CRYPTO_SHA256_HEX], cn[65];
    int64_t from, to;
    auto_pkey EVP_PKEY *key = NULL;

    (void)crypto_cert_id(ctx, cert, id); /* what is asked is that nothing breaks, here and below */
    (void)crypto_cert_subject_hash(ctx, cert, id);
    (void)crypto_cert_issuer_hash(ctx, cert, id);
    (void)crypto_cert_subject_text(cert, &text);
    (void)crypto_cert_issuer_text(cert, &text);
    (void)crypto_cert_serial_hex(cert, &text);
    (void)crypto_cert_common_name(cert, cn, sizeof(cn));
    (void)crypto_cert_validity(cert, &from, &to);
    (void)crypto_cert_time_check(cert, 0);
    (void)crypto_cert_is_ca(cert);
    (void)crypto_cert_issued_by(cert, cert);
    if (!crypto_cert_public_key(cert, &key))
        (void)crypto_key_acceptable(key);
}

static void read_chain(const struct crypto_ctx *ctx, struct slice in)
{
    auto_x509_stack STACK_OF(X509) *list = NULL;
    struct crypto_error why;

    if (crypto_chain_parse_pem(ctx, in, 4, &list, &why))
        return;
    assert(sk_X509_num(list) >= 1 && sk_X509_num(list) <= 4);
    (void)crypto_cert_verify(ctx, sk_X509_value(list, 0), list, list, CRYPTO_EKU_CODE_SIGNING, 1700000000000,
                             &why);
}

static void read_csr(const struct crypto_ctx *ctx, struct slice in)
{
    auto_x509_req X509_REQ *csr = NULL;
    auto_pkey EVP_PKEY *key = NULL;

    if (!crypto_csr_parse_pem(ctx, in, &csr, NULL))
        assert(crypto_csr_public_key(csr, &key) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct crypto_ctx *ctx;
    auto_x509 X509 *cert = NULL;

    if (!ctx && crypto_ctx_new(NULL, &ctx))
        abort();
    if (size == 0)
        return 0;
    struct slice in = slice_of(data + 1, size - 1);
    if (data[0] == 'c')
        read_csr(ctx, in);
    else if (data[0] == 'p')
        read_chain(ctx, in);
    else if (!crypto_cert_parse_der(ctx, in, &cert))
        read_all(ctx, cert);
    return 0;
}
