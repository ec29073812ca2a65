#include "tls/identity.h"

#include "base/mem.h"
#include "tls/stream.h"

#include <openssl/x509.h>
#include <stdio.h>

err_t tls_identity_of(const struct net_stream *s, struct tls_identity **ret)
{
    struct tls_identity *id;
    X509 *cert;

    if (!tls_stream_is_tls(s) || !net_stream_is_open(s))
        return ERR_WRONG_STATE;
    if (!(id = mem_calloc(1, sizeof(*id))))
        return ERR_NOMEM;
    if ((cert = tls_stream_peer_cert(s)) && X509_up_ref(cert))
        id->cert = cert;
    (void)snprintf(id->sni, sizeof(id->sni), "%s", tls_stream_sni(s));
    (void)snprintf(id->alpn, sizeof(id->alpn), "%s", tls_stream_alpn(s));
    *ret = id;
    return ERR_OK;
}

void tls_identity_free(struct tls_identity *id)
{
    if (!id)
        return;
    X509_free(id->cert);
    free(id);
}
