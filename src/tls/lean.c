#include "tls/lean.h"

#include "base/mem.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <strings.h>

#define SHOWN_MAX 64u

static const char *const certificate_keys[] = { "EC", "RSA", "RSA-PSS", "ED25519", "ED448", NULL };
/* Those, what can be the key of a key exchange, and what TLS makes of secrets: an HMAC's key
 * is a key type of its own, which CBC suites and TLS 1.3 tickets need. */
static const char *const key_types[] = { "EC",   "RSA",  "RSA-PSS", "ED25519",  "ED448", "X25519",
                                         "X448", "HMAC", "HKDF",    "TLS1-PRF", NULL };
/* CTR and ECB are the random generator's; MD5 and SHA-1 SSL_CTX_new's and those of old suites. */
static const char *const ciphers[] = { "AES-128-GCM",
                                       "AES-256-GCM",
                                       "ChaCha20-Poly1305",
                                       "ChaCha20",
                                       "AES-128-CCM",
                                       "AES-256-CCM",
                                       "AES-128-CBC",
                                       "AES-256-CBC",
                                       "AES-128-CBC-HMAC-SHA1",
                                       "AES-256-CBC-HMAC-SHA1",
                                       "AES-128-CBC-HMAC-SHA256",
                                       "AES-256-CBC-HMAC-SHA256",
                                       "AES-128-ECB",
                                       "AES-256-ECB",
                                       "AES-256-CTR",
                                       "NULL",
                                       NULL };
static const char *const digests[] = { "SHA1",     "SHA2-224", "SHA2-256", "SHA2-384",
                                       "SHA2-512", "MD5",      "MD5-SHA1", NULL };
static const char *const macs[] = { "HMAC", NULL };
static const char *const kdfs[] = { "HKDF", "TLS13-KDF", "TLS1-PRF", NULL };
static const char *const exchanges[] = { "ECDH", "X25519", "X448", "HKDF", "TLS1-PRF", NULL };
static const char *const signatures[] = { "ECDSA", "RSA", "ED25519", "ED448", "HMAC", NULL };

/* What is shown of each operation. OpenSSL goes through all methods that a context has loaded, ciphers and
 * digests too, each time it decodes a certificate: fewer cost less. */
static const struct {
    int operation;
    const char *const *names;
} shows[] = {
    { OSSL_OP_DECODER, certificate_keys },
    { OSSL_OP_KEYMGMT, key_types },
    { OSSL_OP_CIPHER, ciphers },
    { OSSL_OP_DIGEST, digests },
    { OSSL_OP_MAC, macs },
    { OSSL_OP_KDF, kdfs },
    { OSSL_OP_KEYEXCH, exchanges },
    { OSSL_OP_SIGNATURE, signatures },
};

static struct {
    OSSL_LIB_CTX *lib, *real_lib;
    OSSL_PROVIDER *real;
    OSSL_ALGORITHM shown[ARRAY_LEN(shows)][SHOWN_MAX]; /* each ends with zeros */
} lean;

/* `names` is "EC:id-ecPublicKey:1.2.840.10045.2.1" */
static bool is_among(const char *names, const char *const *list)
{
    size_t n = strcspn(names, ":");

    for (; *list; list++) {
        if (strlen(*list) == n && strncasecmp(names, *list, n) == 0)
            return true;
    }
    return false;
}

/* Of the decoders those of a certificate's public key. */
static bool is_needed(const OSSL_ALGORITHM *a, size_t i)
{
    return is_among(a->algorithm_names, shows[i].names) &&
           (shows[i].operation != OSSL_OP_DECODER ||
            (strstr(a->property_definition, "input=der") &&
             strstr(a->property_definition, "structure=SubjectPublicKeyInfo")));
}

static void choose(size_t i)
{
    int no_cache;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(lean.real, shows[i].operation, &no_cache);
    size_t n = 0;

    for (; a && a->algorithm_names && n + 1 < SHOWN_MAX; a++) {
        if (is_needed(a, i))
            lean.shown[i][n++] = *a;
    }
}

/* ---- the provider ---- */

static const OSSL_ALGORITHM *query(void *ctx, int operation, int *no_cache)
{
    (void)ctx;
    *no_cache = 0;
    for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
        if (shows[i].operation == operation)
            return lean.shown[i];
    }
    if (operation == OSSL_OP_ENCODER || operation == OSSL_OP_STORE)
        return NULL;
    return OSSL_PROVIDER_query_operation(lean.real, operation, no_cache);
}

static int capabilities(void *ctx, const char *which, OSSL_CALLBACK *fn, void *arg)
{
    (void)ctx;
    return OSSL_PROVIDER_get_capabilities(lean.real, which, fn, arg);
}

/* Its algorithms are the default provider's own, so its context is that one's. */
static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                void **ctx)
{
    static const OSSL_DISPATCH functions[] = {
        { OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
        { OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities },
        { 0, NULL },
    };

    (void)handle;
    (void)in;
    *out = functions;
    *ctx = OSSL_PROVIDER_get0_provider_ctx(lean.real);
    return 1;
}

static void make(void)
{
    OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();

    lean.real_lib = OSSL_LIB_CTX_new();
    lean.real = lean.real_lib ? OSSL_PROVIDER_load(lean.real_lib, "default") : NULL;
    if (lib && lean.real) {
        for (size_t i = 0; i < ARRAY_LEN(shows); i++)
            choose(i);
        if (OSSL_PROVIDER_add_builtin(lib, "sedge-tls", init) == 1 && OSSL_PROVIDER_load(lib, "sedge-tls"))
            lean.lib = steal(&lib);
    }
    OSSL_LIB_CTX_free(lib);
}

OSSL_LIB_CTX *tls_lean_lib(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, make);
    return lean.lib;
}
