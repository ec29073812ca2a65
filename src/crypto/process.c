#include "crypto/process.h"

#include "base/mem.h"
#include "base/secret.h"
#include "crypto/ctx.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>

/* OpenSSL wipes what it knows to be secret, but not every temporary: the wNAF recoding and big-number
 * scratch space of EC operations leave the scalar in freed heap. So everything is wiped. */
static void *heap_alloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return n ? malloc(n) : NULL;
}

static void heap_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (!p)
        return;
    mem_wipe(p, malloc_usable_size(p));
    free(p);
}

/* realloc(3) may move the block and leave the old bytes behind. */
static void *heap_realloc(void *p, size_t n, const char *file, int line)
{
    size_t old = p ? malloc_usable_size(p) : 0;

    if (n == 0) {
        heap_free(p, file, line);
        return NULL;
    }
    if (p && n <= old)
        return p;
    void *fresh = malloc(n);
    if (!fresh)
        return NULL;
    if (p)
        memcpy(fresh, p, old);
    heap_free(p, file, line);
    return fresh;
}

err_t crypto_process_init(bool undumpable)
{
    secret_process_init(undumpable);
    if (CRYPTO_set_mem_functions(heap_alloc, heap_realloc, heap_free) != 1)
        return ERR_WRONG_STATE;
    return ERR_OK;
}

err_t crypto_ctx_new(OSSL_LIB_CTX *lib, struct crypto_ctx **ret)
{
    auto_crypto_ctx struct crypto_ctx *ctx = mem_calloc(1, sizeof(*ctx));

    if (!ctx)
        return ERR_NOMEM;
    ctx->lib = lib;
    ctx->sha256 = EVP_MD_fetch(lib, "SHA256", NULL);
    ctx->hmac = EVP_MAC_fetch(lib, "HMAC", NULL);
    if (!ctx->sha256 || !ctx->hmac)
        return ERR_CRYPTO;
    *ret = steal(&ctx);
    return ERR_OK;
}

void crypto_ctx_free(struct crypto_ctx *ctx)
{
    if (!ctx)
        return;
    EVP_MD_free(ctx->sha256);
    EVP_MAC_free(ctx->hmac);
    free(ctx);
}

void crypto_ctx_free_ptr(struct crypto_ctx **ctx)
{
    crypto_ctx_free(*ctx);
}

OSSL_LIB_CTX *crypto_ctx_lib(const struct crypto_ctx *ctx)
{
    return ctx->lib;
}
