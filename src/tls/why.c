/* src/tls/why.c - a handshake failed: whose fault, and in words. */
#include "tls/stream_impl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* Alerts with which a peer says that it does not accept who we are (RFC 8446 §6.2). Others are called by
 * OpenSSL's names. */
static const struct {
    int alert;
    const char *means;
} refusals[] = {
    { SSL_AD_BAD_CERTIFICATE, "it does not accept our certificate" },
    { SSL_AD_UNSUPPORTED_CERTIFICATE, "it does not support our kind of certificate" },
    { SSL_AD_CERTIFICATE_REVOKED, "our certificate is revoked" },
    { SSL_AD_CERTIFICATE_EXPIRED, "our certificate has expired" },
    { SSL_AD_CERTIFICATE_UNKNOWN, "it does not accept our certificate" },
    { SSL_AD_UNKNOWN_CA, "it does not know the CA that issued our certificate" },
    { SSL_AD_ACCESS_DENIED, "our certificate is valid but has no access" },
    { SSL_AD_DECRYPT_ERROR,
      "our signature does not fit our certificate: is the private key the certificate's?" },
    { SSL_AD_CERTIFICATE_REQUIRED, "it wants a client certificate and we gave none" },
    { SSL_AD_UNRECOGNIZED_NAME, "it does not serve the name we asked for" },
};

static err_t by_alert(int alert, char why[TLS_WHY_MAX])
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (refusals[i].alert == alert) {
            snprintf(why, TLS_WHY_MAX, "the peer refused us: %s (alert %d, %s)", refusals[i].means, alert,
                     SSL_alert_desc_string_long(alert));
            return ERR_AUTH;
        }
    snprintf(why, TLS_WHY_MAX, "the peer ended the handshake: %s (alert %d)",
             SSL_alert_desc_string_long(alert), alert);
    return ERR_PROTO;
}

static err_t by_verify(SSL *ssl, char why[TLS_WHY_MAX])
{
    long v = SSL_get_verify_result(ssl);
    const char *host = SSL_get0_peername(ssl);
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (!host)
        host = X509_VERIFY_PARAM_get0_host(param, 0);
    snprintf(why, TLS_WHY_MAX, "the peer's certificate is not accepted: %s%s%s%s",
             X509_verify_cert_error_string(v),
             v == X509_V_ERR_HOSTNAME_MISMATCH && host ? " (it is not for '" : "",
             v == X509_V_ERR_HOSTNAME_MISMATCH && host ? host : "",
             v == X509_V_ERR_HOSTNAME_MISMATCH && host ? "')" : "");
    return ERR_AUTH;
}

static bool is_not_tls(int reason)
{
    return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
           reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_UNKNOWN_PROTOCOL ||
           reason == SSL_R_BAD_RECORD_TYPE;
}

static err_t by_reason(unsigned long code, const char *data, bool signing, char why[TLS_WHY_MAX])
{
    const char *text = ERR_reason_error_string(code);
    const char *extra = data && *data ? data : "";
    int reason = ERR_GET_REASON(code);
    if (!text)
        text = "unknown error";
    if (ERR_GET_LIB(code) != ERR_LIB_SSL && signing) {
        snprintf(why, TLS_WHY_MAX, "our private key did not sign: %s%s%s", text, *extra ? ": " : "", extra);
        return ERR_CRYPTO;
    }
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
        return by_alert(reason - SSL_AD_REASON_OFFSET, why);
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        snprintf(why, TLS_WHY_MAX, "the client sent no certificate");
        return ERR_AUTH;
    }
    snprintf(why, TLS_WHY_MAX, "%s%s%s%s%s", is_not_tls(reason) ? "the peer does not speak TLS: " : "", text,
             *extra ? " (" : "", extra, *extra ? ")" : "");
    return ERR_PROTO;
}

err_t tls_why(SSL *ssl, int ssl_error, bool signing, char why[TLS_WHY_MAX])
{
    const char *data = NULL;
    int flags = 0;
    /* The oldest entry is the cause; those after it say who passed it on. */
    unsigned long code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);
    err_t e = ERR_PROTO;
    bool local_verify = !SSL_is_server(ssl) && SSL_get_verify_result(ssl) != X509_V_OK;
    bool alert = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) > SSL_AD_REASON_OFFSET;
    if (local_verify && !alert)
        e = by_verify(ssl, why);
    else if (code)
        e = by_reason(code, (flags & ERR_TXT_STRING) ? data : NULL, signing, why);
    else
        snprintf(why, TLS_WHY_MAX, "the TLS library gave no reason (error %d)", ssl_error);
    ERR_clear_error();
    return e;
}
