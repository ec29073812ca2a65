#include "tls/lean.h"

#include "base/mem.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <strings.h>

#define SHOWN_MAX 64u

static struct {
    OSSL_LIB_CTX *lib, *real_lib;
    OSSL_PROVIDER *real;
    OSSL_ALGORITHM decoders[SHOWN_MAX], key_types[SHOWN_MAX]; /* each ends with zeros */
} lean;

/* What can be the key of a certificate, and of a key exchange; and what TLS makes of secrets: an HMAC's key
 * is a key type of its own, which CBC suites and TLS 1.3 tickets need. */
static const char *const key_types[] = { "EC",     "RSA",  "RSA-PSS", "ED25519", "ED448",
                                         "X25519", "X448", "HMAC",    "HKDF",    "TLS1-PRF" };

/* `names` is "EC:id-ecPublicKey:1.2.840.10045.2.1" */
static bool is_shown(const char *names)
{
    size_t n = strcspn(names, ":");

    for (size_t i = 0; i < ARRAY_LEN(key_types); i++) {
        if (strlen(key_types[i]) == n && strncasecmp(names, key_types[i], n) == 0)
            return true;
    }
    return false;
}

/* The decoders of a certificate's public key. */
static bool is_needed(const OSSL_ALGORITHM *a, int operation)
{
    return is_shown(a->algorithm_names) &&
           (operation != OSSL_OP_DECODER ||
            (strstr(a->property_definition, "input=der") &&
             strstr(a->property_definition, "structure=SubjectPublicKeyInfo")));
}

static void choose(int operation, OSSL_ALGORITHM shown[SHOWN_MAX])
{
    int no_cache;
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(lean.real, operation, &no_cache);
    size_t n = 0;

    for (; a && a->algorithm_names && n + 1 < SHOWN_MAX; a++) {
        if (is_needed(a, operation))
            shown[n++] = *a;
    }
}

/* ---- the provider ---- */

static const OSSL_ALGORITHM *query(void *ctx, int operation, int *no_cache)
{
    (void)ctx;
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_DECODER:
        return lean.decoders;
    case OSSL_OP_KEYMGMT:
        return lean.key_types;
    case OSSL_OP_ENCODER:
    case OSSL_OP_STORE:
        return NULL;
    default:
        return OSSL_PROVIDER_query_operation(lean.real, operation, no_cache);
    }
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
        choose(OSSL_OP_DECODER, lean.decoders);
        choose(OSSL_OP_KEYMGMT, lean.key_types);
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
