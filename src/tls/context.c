/* src/tls/context.c - see context.h. */
#include "tls/context.h"

#include "tls/lean.h"

#include "base/mem.h"
#include "tls/stream_impl.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define HANDSHAKES_DEFAULT 1000
#define SERVER_HANDSHAKE_MS 10000
#define CLIENT_HANDSHAKE_MS 30000
#define RESUME_S 86400 /* for so long a session may be resumed */

/* TLS 1.2: ephemeral keys only. RSA key exchange would need a private key operation after the one place where
 * a connection is handed to the signer, and has no forward secrecy. CBC stays for the old devices
 * iot-core 1.3 lists. */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL";

/* ---- callbacks of OpenSSL ---- */

/* Just before the flight that signs: stop here on a loop, go on on the signer's thread. */
static int on_cert(SSL *ssl, void *arg)
{
    struct tls_context *c = arg;
    struct tls_stream *t = tls_stream_of_ssl(ssl);
    return !c->signer || t->away ? 1 : -1;
}

/* The client has a certificate; TLS itself proves that it has the key (iot-core 1.3: any leaf, no chain). */
static int on_client_cert(X509_STORE_CTX *store, void *arg)
{
    const struct tls_context *c = arg;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    bool fine = leaf && (!c->verify || c->verify(c->verify_ctx, leaf) == ERR_OK);
    X509_STORE_CTX_set_error(store, fine ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
    return fine;
}

static int verify_mode(enum tls_client_cert want)
{
    switch (want) {
    case TLS_CLIENT_CERT_NONE:
        return SSL_VERIFY_NONE;
    case TLS_CLIENT_CERT_REQUEST:
        return SSL_VERIFY_PEER;
    case TLS_CLIENT_CERT_REQUIRE:
        return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

/* The client's list is length-prefixed names (RFC 7301 §3.1). Returns where `name` starts in it, or NULL. */
static const unsigned char *find_alpn(const unsigned char *in, unsigned n, const char *name)
{
    size_t want = strlen(name);
    for (unsigned i = 0; i < n && i + 1u + in[i] <= n; i += 1u + in[i])
        if (in[i] == want && memcmp(in + i + 1, name, want) == 0)
            return in + i + 1;
    return NULL;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                   unsigned n, void *arg)
{
    const struct tls_context *c = arg;
    for (size_t i = 0; i < c->alpn_count; i++) {
        const unsigned char *name = find_alpn(in, n, c->alpn[i].name);
        if (!name)
            continue;
        SSL_set_verify(ssl, verify_mode(c->alpn[i].client_cert), NULL);
        *out = name;
        *out_n = name[-1];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

/* ---- building ---- */

/* What we show the peer; borrowed. */
struct identity {
    X509 *cert;
    X509 *const *chain;
    size_t chain_count;
    EVP_PKEY *key;
};

static err_t common_settings(struct tls_context *c, SSL_CTX *ssl, struct crypto_error *why)
{
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_cert_cb(ssl, on_cert, c);
    if (!SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) || !SSL_CTX_set_num_tickets(ssl, 0) ||
        !SSL_CTX_set_cipher_list(ssl, ciphers))
        return crypto_fail_openssl(why, ERR_CRYPTO, "cannot set up TLS");
    return ERR_OK;
}

/* Only an accepted name is kept with a session: who resumes it is asked for the same account. */
static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    (void)ssl;
    (void)alert;
    (void)arg;
    return SSL_TLSEXT_ERR_OK;
}

/* Tickets that carry the whole session, client certificate included, under keys that this SSL_CTX made and
 * nobody else has; no cache, and no early data. */
static err_t allow_resumption(SSL_CTX *ssl, const char *name, struct crypto_error *why)
{
    SSL_CTX_clear_options(ssl, SSL_OP_NO_TICKET);
    SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
    (void)SSL_CTX_set_timeout(ssl, RESUME_S);
    if (!SSL_CTX_set_num_tickets(ssl, 1) || !SSL_CTX_set_max_early_data(ssl, 0) ||
        !SSL_CTX_set_session_id_context(ssl, (const unsigned char *)name, (unsigned)strlen(name)))
        return crypto_fail_openssl(why, ERR_CRYPTO, "cannot set up the resumption of TLS sessions");
    return ERR_OK;
}

static err_t use_identity(SSL_CTX *ssl, const struct identity *id, struct crypto_error *why)
{
    ERR_clear_error();
    if (!id->cert || !id->key)
        return crypto_fail(why, ERR_INVALID, "TLS needs a certificate and its private key");
    if (SSL_CTX_use_certificate(ssl, id->cert) != 1)
        return crypto_fail_openssl(why, ERR_INVALID, "the certificate cannot be used for TLS");
    /* Only public parts are compared, so this asks no token for a signature. */
    if (X509_check_private_key(id->cert, id->key) != 1)
        return crypto_fail_openssl(why, ERR_INVALID,
                                   "the certificate and the private key do not belong together");
    if (SSL_CTX_use_PrivateKey(ssl, id->key) != 1)
        return crypto_fail_openssl(why, ERR_INVALID, "the private key cannot be used for TLS");
    for (size_t i = 0; i < id->chain_count; i++)
        if (SSL_CTX_add1_chain_cert(ssl, id->chain[i]) != 1)
            return crypto_fail_openssl(why, ERR_INVALID,
                                       "certificate %zu of the chain cannot be used for TLS", i + 1);
    return ERR_OK;
}

static SSL_CTX *new_ctx(bool server)
{
    return SSL_CTX_new_ex(server ? tls_lean_lib() : NULL, NULL,
                          server ? TLS_server_method() : TLS_client_method());
}

static struct tls_context *context_alloc(bool server, int64_t handshake_ms)
{
    struct tls_context *c = mem_calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    atomic_init(&c->refs, 1);
    c->server = server;
    c->max_handshakes = HANDSHAKES_DEFAULT;
    c->newest = &c->oldest;
    (void)pthread_mutex_init(&c->lock, NULL); /* cannot fail on Linux */
    c->handshake_ms = handshake_ms;
    c->ssl = new_ctx(server);
    if (c->ssl)
        return c;
    tls_context_free(c);
    return NULL;
}

static err_t copy_alpn(struct tls_context *c, const struct tls_alpn *list, size_t n)
{
    c->alpn = n ? mem_calloc(n, sizeof(*c->alpn)) : NULL;
    if (n && !c->alpn)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(list[i].name);
        if (len == 0 || len > 255)
            return ERR_INVALID;
        c->alpn[i] = (struct tls_alpn){ mem_strdup(list[i].name), list[i].client_cert };
        if (!c->alpn[i].name)
            return ERR_NOMEM;
        c->alpn_count++;
    }
    return ERR_OK;
}

/* Everything that a server's connections take from OpenSSL's context; needs the fields of c. */
static err_t server_ctx(struct tls_context *c, SSL_CTX *ssl, const struct identity *id,
                        struct crypto_error *why)
{
    SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_verify(ssl, verify_mode(c->client_cert), NULL);
    SSL_CTX_set_cert_verify_callback(ssl, on_client_cert, c);
    if (c->alpn_count)
        SSL_CTX_set_alpn_select_cb(ssl, on_alpn, c);
    err_t e = common_settings(c, ssl, why);
    if (!e && c->resume)
        e = allow_resumption(ssl, c->resume, why);
    return e ? e : use_identity(ssl, id, why);
}

static err_t server_setup(struct tls_context *c, const struct tls_server_opts *o, struct crypto_error *why)
{
    const struct identity id = { o->cert, o->chain, o->chain_count, o->key };
    c->signer = o->signer;
    c->verify = o->verify;
    c->verify_ctx = o->verify_ctx;
    c->client_cert = o->client_cert;
    if (o->max_handshakes)
        c->max_handshakes = o->max_handshakes;
    if (o->resume && o->verify)
        return crypto_fail(why, ERR_INVALID, "a resumed session would not meet `verify`");
    if (o->resume && !(c->resume = mem_strdup(o->resume)))
        return crypto_fail(why, ERR_NOMEM, "no memory for TLS");
    if (copy_alpn(c, o->alpn, o->alpn_count))
        return crypto_fail(why, ERR_INVALID, "the list of ALPN protocols is not acceptable");
    return server_ctx(c, c->ssl, &id, why);
}

err_t tls_server_context_new(const struct tls_server_opts *opts, struct tls_context **ret,
                             struct crypto_error *why)
{
    struct tls_context *c =
        context_alloc(true, opts->handshake_ms ? opts->handshake_ms : SERVER_HANDSHAKE_MS);
    err_t e = c ? server_setup(c, opts, why) : crypto_fail(why, ERR_NOMEM, "no memory for TLS");
    if (e)
        tls_context_free(c);
    else
        *ret = c;
    return e;
}

err_t tls_context_renew(struct tls_context *c, X509 *cert, X509 *const *chain, size_t chain_count,
                        EVP_PKEY *key, struct crypto_error *why)
{
    const struct identity id = { cert, chain, chain_count, key };
    SSL_CTX *fresh = new_ctx(true), *old = NULL;
    err_t e = fresh ? server_ctx(c, fresh, &id, why) : crypto_fail(why, ERR_NOMEM, "no memory for TLS");
    if (!e) {
        (void)pthread_mutex_lock(&c->lock);
        old = c->ssl;
        c->ssl = steal(&fresh);
        (void)pthread_mutex_unlock(&c->lock);
    }
    SSL_CTX_free(old); /* its connections have references */
    SSL_CTX_free(fresh);
    return e;
}

SSL *tls_context_connection(struct tls_context *c)
{
    (void)pthread_mutex_lock(&c->lock);
    SSL_CTX *ctx = c->ssl;
    (void)SSL_CTX_up_ref(ctx); /* an increment: it does not fail */
    (void)pthread_mutex_unlock(&c->lock);
    SSL *ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    return ssl;
}

static err_t trust(struct tls_context *c, const char *ca_file, struct crypto_error *why)
{
    SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
    /* Whatever the file holds is trusted, also an intermediate CA. */
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c->ssl), X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(c->ssl), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!ca_file)
        return crypto_fail(why, ERR_INVALID, "TLS needs a file with the CA certificates to trust");
    if (SSL_CTX_load_verify_file(c->ssl, ca_file) != 1)
        return crypto_fail_openssl(why, ERR_NOT_FOUND, "cannot read CA certificates from %s", ca_file);
    return ERR_OK;
}

static err_t offer_alpn(struct tls_context *c, const char *name, struct crypto_error *why)
{
    unsigned char wire[256];
    size_t n = strlen(name);
    if (copy_alpn(c, &(struct tls_alpn){ .name = name }, 1)) /* for tls_stream_alpn; also checks the length */
        return crypto_fail(why, ERR_INVALID, "not an ALPN protocol name");
    wire[0] = (unsigned char)n;
    memcpy(wire + 1, name, n);
    /* Unlike its neighbours this one returns 0 on success. */
    if (SSL_CTX_set_alpn_protos(c->ssl, wire, (unsigned)n + 1) != 0)
        return crypto_fail_openssl(why, ERR_CRYPTO, "cannot offer the ALPN protocol %s", name);
    return ERR_OK;
}

static err_t client_setup(struct tls_context *c, const struct tls_client_opts *o, struct crypto_error *why)
{
    c->signer = o->signer;
    const struct identity id = { o->cert, o->chain, o->chain_count, o->key };
    err_t e = common_settings(c, c->ssl, why);
    if (!e)
        e = trust(c, o->ca_file, why);
    if (!e && (o->cert || o->key))
        e = use_identity(c->ssl, &id, why);
    if (!e && o->alpn)
        e = offer_alpn(c, o->alpn, why);
    if (!e && o->sigalgs && SSL_CTX_set1_sigalgs_list(c->ssl, o->sigalgs) != 1)
        e = crypto_fail_openssl(why, ERR_INVALID, "not a list of signature algorithms: %s", o->sigalgs);
    if (!e && o->no_tls13 && !SSL_CTX_set_max_proto_version(c->ssl, TLS1_2_VERSION))
        e = crypto_fail_openssl(why, ERR_CRYPTO, "cannot limit TLS to 1.2");
    return e;
}

err_t tls_client_context_new(const struct tls_client_opts *opts, struct tls_context **ret,
                             struct crypto_error *why)
{
    struct tls_context *c =
        context_alloc(false, opts->handshake_ms ? opts->handshake_ms : CLIENT_HANDSHAKE_MS);
    err_t e = c ? client_setup(c, opts, why) : crypto_fail(why, ERR_NOMEM, "no memory for TLS");
    if (e)
        tls_context_free(c);
    else
        *ret = c;
    return e;
}

void tls_context_ref(struct tls_context *c)
{
    atomic_fetch_add(&c->refs, 1);
}

void tls_context_free(struct tls_context *c)
{
    if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    for (size_t i = 0; i < c->alpn_count; i++)
        free((char *)(uintptr_t)c->alpn[i].name); /* our copy */
    free(c->alpn);
    free(c->resume);
    SSL_CTX_free(c->ssl);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}
