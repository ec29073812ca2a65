/* The envelope with its certificate and signature: nothing without a trusted signer may be accepted. */
#include "edge/deploy/deploydoc.h"

#include <openssl/x509.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gda_ref ref = { "d1", "g1", "v1", "NewDeployment" };
    static struct crypto_ctx *ctx;
    static STACK_OF(X509) *no_roots;
    struct deploydoc *d = NULL;
    struct problem why = { "" };

    if (!ctx && (crypto_ctx_new(NULL, &ctx) || !(no_roots = sk_X509_new_null())))
        abort();
    struct deploydoc_expect x = { ctx, no_roots, 1800000000000, &ref, "arn:aws:iot:r:1:thing/C" };
    if (deploydoc_open(slice_of(data, size), &x, &d, &why) == ERR_OK || d || !why.text[0])
        abort();
    return 0;
}
