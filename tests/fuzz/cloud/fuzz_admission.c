/* Whatever a stranger presents as his certificate: judged, and its subject read, as before the registry is
 * asked. */
#include "cloud/provisioning/admissible.h"
#include "cloud/provisioning/jitp.h"

#include <stdlib.h>

#define NOW_MS 1700000000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct crypto_ctx *crypto;
    auto_x509 X509 *cert = NULL;
    auto_json *params = NULL;
    char why[ADMISSIBLE_WHY_MAX] = "", id[CRYPTO_SHA256_HEX], issuer[CRYPTO_SHA256_HEX];

    if (!crypto && crypto_ctx_new(NULL, &crypto))
        abort();
    if (crypto_cert_parse_der(crypto, slice_of(data, size), &cert))
        return 0;
    if (admissible_certificate(cert, NOW_MS, why) && !why[0])
        abort();
    if (crypto_cert_id(crypto, cert, id) || crypto_cert_issuer_hash(crypto, cert, issuer))
        return 0;
    (void)crypto_cert_issued_by(cert, cert);
    if (jitp_parameters(cert, &params) == ERR_OK && !json_is_object(params))
        abort();
    return 0;
}
