#include "../cm.h"

#include "base/mem.h"
#include "crypto/key.h"
#include "crypto/process.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK 0xa5

/* A process in which OpenSSL has allocated already; a child, because nothing brings the first state back. */
static void too_late_is_told(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        OPENSSL_free(OPENSSL_malloc(1));
        _exit(crypto_process_init(false) == ERR_WRONG_STATE ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void in_time_is_good(void **state)
{
    (void)state;
    assert_int_equal(crypto_process_init(false), ERR_OK);
}

/* The freed block itself must not be looked at, so the memory handed to the next caller of the same size is:
 * glibc gives the same block back (with MALLOC_PERTURB_=0). A sanitizer does not; there only the calls are
 * exercised. */
static void freed_memory_is_wiped(void **state)
{
    uint8_t *p = OPENSSL_malloc(200);
    volatile uint8_t *again;
    size_t found = 0;

    (void)state;
    memset(p, MARK, 200);
    OPENSSL_free(p);
    again = malloc(200);
    for (size_t i = 16; i < 200; i++) /* glibc keeps a pointer and a random key in the first sixteen */
        found += again[i] == MARK;
    free((void *)(uintptr_t)again);
    assert_int_equal(found, 0);
}

static void grown_memory_keeps_its_bytes(void **state)
{
    (void)state;
    for (size_t n = 1; n < 3000; n = n * 3 + 1) {
        uint8_t *p = OPENSSL_malloc(n);
        memset(p, MARK, n);
        p = OPENSSL_realloc(p, n * 5);
        assert_non_null(p);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], MARK);
        p = OPENSSL_realloc(p, 1);
        assert_int_equal(p[0], MARK);
        assert_null(OPENSSL_realloc(p, 0));
    }
    uint8_t *fresh = OPENSSL_realloc(NULL, 10);
    assert_non_null(fresh);
    OPENSSL_free(fresh);
    OPENSSL_free(NULL);
}

static void read_sign_free(const struct crypto_ctx *ctx, struct slice pem)
{
    auto_pkey EVP_PKEY *key = NULL;
    autobuf sig = BUF_INIT(200);

    assert_int_equal(crypto_key_parse_pem(ctx, pem, &key, NULL), ERR_OK);
    assert_int_equal(crypto_sign(ctx, key, SLICE_LIT("bytes"), &sig, NULL), ERR_OK);
}

/* After a P-256 key was read, used and freed, its scalar is in none of the blocks that malloc hands out next.
 */
static void no_scalar_left_behind(void **state)
{
    static uint8_t scalar[32];
    auto_crypto_ctx struct crypto_ctx *ctx = NULL;
    autobuf pem = BUF_SECRET(4096);
    struct crypto_ec_parts parts;
    EVP_PKEY *key = NULL;
    size_t found = 0;
    void *blocks[1000];

    (void)state;
    assert_int_equal(crypto_ctx_new(NULL, &ctx), ERR_OK);
    assert_int_equal(crypto_key_generate(ctx, CRYPTO_KEY_EC_P256, &key), ERR_OK);
    assert_int_equal(crypto_ec_parts_get(key, &parts), ERR_OK);
    assert_int_equal(crypto_key_private_pem(key, &pem), ERR_OK);
    memcpy(scalar, parts.scalar.p, sizeof(scalar));
    crypto_ec_parts_done(&parts);
    EVP_PKEY_free(key);
    for (int i = 0; i < 5; i++)
        read_sign_free(ctx, buf_slice(&pem));
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        blocks[i] = malloc(16 + i * 8 % 2000);
        found += memmem(blocks[i], malloc_usable_size(blocks[i]), scalar + 16, 16) != NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        free(blocks[i]);
    assert_int_equal(found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_late_is_told),
        cmocka_unit_test(in_time_is_good), /* the ones below need it */
        cmocka_unit_test(freed_memory_is_wiped),
        cmocka_unit_test(grown_memory_keeps_its_bytes),
        cmocka_unit_test(no_scalar_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
