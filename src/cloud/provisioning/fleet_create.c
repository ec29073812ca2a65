/* Fleet provisioning's first step: a certificate that is not active yet, and a token that proves whose it is.
 */
#include "base/mem.h"
#include "cloud/provisioning/fleet_handlers.h"
#include "cloud/provisioning/ownership.h"
#include "cloud/registry/certissue.h"
#include "crypto/key.h"

#define PENDING "PENDING_ACTIVATION"

static err_t reply(struct api_call *c, const struct cert_row *r)
{
    char token[OWNERSHIP_TOKEN_MAX];
    err_t e = ownership_new(c, r->id, token);

    if (e)
        return e;
    e = api_reply(c, json_pack("{s:s,s:s,s:s}", "certificateId", r->id, "certificatePem", r->pem,
                               "certificateOwnershipToken", token));
    mem_wipe(token, sizeof(token));
    return e;
}

err_t fleet_create_keys(struct api_call *c)
{
    auto_pkey EVP_PKEY *key = NULL;
    auto_cert_row r = { 0 };
    err_t e;

    if ((e = crypto_pubkey_parse_pem(c->env->crypto, buf_slice(&c->key_public), &key, NULL)) ||
        (e = certificate_issue(c, key, NULL, PENDING, &r)))
        return e;
    return reply(c, &r);
}

err_t fleet_create_csr(struct api_call *c)
{
    auto_cert_row r = { 0 };
    err_t e = certificate_issue_csr(c, PENDING, &r);

    return e ? e : reply(c, &r);
}
