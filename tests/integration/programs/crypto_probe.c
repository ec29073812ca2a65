/* tests/integration/programs/crypto_probe.c - exercise src/crypto on a key from outside.
 *
 *   crypto_probe load URI [MODULE LABEL PIN]...   load, sign and verify; several keys one after the other
 *   crypto_probe tls URI [MODULE LABEL PIN]...    TLS 1.2 and 1.3 handshakes in memory with the key as the
 * client's crypto_probe keep URI MODULE LABEL PIN        load (trying again for each line while it fails),
 * then sign once for each line of standard input One line per key: "ERR_CLASS|text|warning" or "ok|kind
 * bits|warning". Exit status 0 unless misused.
 */
#include "base/clock.h"
#include "crypto/issue.h"
#include "crypto/key.h"

#include <openssl/ssl.h>
#include <stdio.h>

static bool sign_pss(EVP_PKEY *key)
{
    static const uint8_t text[] = "pss";
    uint8_t sig[1024];
    size_t n = sizeof(sig);
    EVP_PKEY_CTX *pctx = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = EVP_DigestSignInit(md, &pctx, EVP_sha256(), NULL, key) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1 &&
                EVP_DigestSign(md, sig, &n, text, sizeof(text)) == 1;
    EVP_MD_CTX_free(md);
    return good;
}

static bool sign_all(const struct crypto_ctx *ctx, EVP_PKEY *key, struct crypto_error *why)
{
    struct slice text = SLICE_LIT("some bytes");
    autobuf sig = BUF_INIT(4096);

    if (crypto_sign(ctx, key, text, &sig, why) || crypto_verify(ctx, key, text, buf_slice(&sig)))
        return false;
    sig.p[sig.n - 1] ^= 1;
    if (crypto_verify(ctx, key, text, buf_slice(&sig)) != ERR_AUTH)
        return false;
    return !crypto_key_is_rsa(key) || sign_pss(key);
}

struct pki {
    EVP_PKEY *ca_key;
    X509 *ca;
};

static bool issue(const struct crypto_ctx *ctx, struct pki *p, enum crypto_cert_kind kind, EVP_PKEY *key,
                  X509 **ret)
{
    static const char *const san[] = { "localhost" };
    struct crypto_error why;
    struct crypto_cert_spec spec = {
        .kind = kind,
        .common_name = "probe",
        .san = kind == CRYPTO_CERT_SERVER ? san : NULL,
        .san_count = kind == CRYPTO_CERT_SERVER,
        .not_before_ms = clock_wall_ms() - 1000,
        .not_after_ms = clock_wall_ms() + 3600000,
    };
    if (!crypto_cert_issue(ctx, &spec, key, p->ca, p->ca_key, ret, &why))
        return true;
    (void)fprintf(stderr, "issue: %s\n", why.text);
    return false;
}

static bool handshake(SSL_CTX *client_ctx, SSL_CTX *server_ctx)
{
    SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
    BIO *a, *b;
    bool good = false;

    (void)BIO_new_bio_pair(&a, 65536, &b, 65536);
    SSL_set_bio(client, a, a);
    SSL_set_bio(server, b, b);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int i = 0; i < 20 && !good; i++) {
        int c = SSL_do_handshake(client);
        int s = SSL_do_handshake(server);
        good = c == 1 && s == 1 && SSL_get_verify_result(server) == X509_V_OK &&
               SSL_get0_peer_certificate(server);
    }
    SSL_free(client);
    SSL_free(server);
    return good;
}

static bool tls_version(struct pki *p, int version, X509 *cert, EVP_PKEY *key, X509 *server_cert,
                        EVP_PKEY *server_key)
{
    SSL_CTX *c = SSL_CTX_new(TLS_client_method()), *s = SSL_CTX_new(TLS_server_method());
    bool good = SSL_CTX_set_min_proto_version(c, version) && SSL_CTX_set_max_proto_version(c, version) &&
                SSL_CTX_use_certificate(c, cert) == 1 && SSL_CTX_use_PrivateKey(c, key) == 1 &&
                SSL_CTX_use_certificate(s, server_cert) == 1 && SSL_CTX_use_PrivateKey(s, server_key) == 1 &&
                X509_STORE_add_cert(SSL_CTX_get_cert_store(s), p->ca) == 1;
    SSL_CTX_set_verify(s, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    good = good && handshake(c, s);
    SSL_CTX_free(c);
    SSL_CTX_free(s);
    return good;
}

static bool tls_all(const struct crypto_ctx *ctx, EVP_PKEY *key)
{
    struct pki p = { 0 };
    auto_pkey EVP_PKEY *ca_key = NULL, *server_key = NULL;
    auto_x509 X509 *ca = NULL, *server = NULL, *cert = NULL;

    if (crypto_key_generate(ctx, CRYPTO_KEY_EC_P256, &ca_key) ||
        crypto_key_generate(ctx, CRYPTO_KEY_EC_P256, &server_key))
        return false;
    p.ca_key = ca_key;
    if (!issue(ctx, &p, CRYPTO_CERT_CA, ca_key, &ca))
        return false;
    p.ca = ca;
    if (!issue(ctx, &p, CRYPTO_CERT_SERVER, server_key, &server) ||
        !issue(ctx, &p, CRYPTO_CERT_CLIENT, key, &cert))
        return false;
    return crypto_cert_matches_key(cert, key, NULL) == ERR_OK &&
           tls_version(&p, TLS1_2_VERSION, cert, key, server, server_key) &&
           tls_version(&p, TLS1_3_VERSION, cert, key, server, server_key);
}

static void one(const struct crypto_ctx *ctx, bool tls, const char *uri, const struct crypto_token *token)
{
    struct crypto_error why = { 0 };
    auto_pkey EVP_PKEY *key = NULL;
    err_t e = crypto_key_load(ctx, uri, token, &key, &why);

    if (e) {
        (void)printf("%s|%s|%s\n", err_str(e), why.text, why.warning);
        return;
    }
    bool good = tls ? tls_all(ctx, key) : sign_all(ctx, key, &why);
    (void)printf("%s|%s %d %s|%s\n", good ? "ok" : "bad signature", crypto_key_is_rsa(key) ? "rsa" : "ec",
                 crypto_key_bits(key), crypto_key_token(key) ? "token" : "file", why.warning);
}

/* A daemon's life: one key, whatever happens to the chip meanwhile. */
static void keep(const struct crypto_ctx *ctx, const char *uri, const struct crypto_token *token)
{
    auto_pkey EVP_PKEY *key = NULL;
    char line[16];

    while (fgets(line, sizeof(line), stdin)) {
        struct crypto_error why = { 0 };
        err_t e = key ? ERR_OK : crypto_key_load(ctx, uri, token, &key, &why);
        if (e)
            (void)printf("%s|%s|%s\n", err_str(e), why.text, why.warning);
        else
            (void)printf("%s|%s|\n", sign_all(ctx, key, &why) ? "ok" : "bad signature", why.text);
        (void)fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    auto_crypto_ctx struct crypto_ctx *ctx = NULL;

    if (argc < 3 || (argc > 3 && (argc - 2) % 4 != 0) || crypto_process_init(false) ||
        crypto_ctx_new(NULL, &ctx))
        return 2;
    if (strcmp(argv[1], "keep") == 0 && argc == 6) {
        struct crypto_token token = { argv[3], argv[4], argv[5] };
        keep(ctx, argv[2], &token);
        return 0;
    }
    bool tls = strcmp(argv[1], "tls") == 0;
    if (argc == 3) {
        one(ctx, tls, argv[2], NULL);
        return 0;
    }
    for (int i = 2; i + 3 < argc; i += 4) {
        struct crypto_token token = { argv[i + 1], argv[i + 2], argv[i + 3] };
        one(ctx, tls, argv[i], &token);
    }
    return 0;
}
