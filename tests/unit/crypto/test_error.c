#include "../cm.h"

#include "crypto/error.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

static void text_and_class(void **state)
{
    struct crypto_error why = { .text = "old" };

    (void)state;
    assert_int_equal(crypto_fail(&why, ERR_DENIED, "no %d", 7), ERR_DENIED);
    assert_string_equal(why.text, "no 7");
    assert_int_equal(crypto_fail(NULL, ERR_IO, "nobody listens"), ERR_IO);
}

static void queue_is_taken_and_emptied(void **state)
{
    struct crypto_error why;

    (void)state;
    ERR_raise_data(ERR_LIB_PEM, PEM_R_NO_START_LINE, "Expecting: X");
    ERR_raise(ERR_LIB_PEM, PEM_R_BAD_BASE64_DECODE);
    ERR_raise(ERR_LIB_PEM, PEM_R_BAD_BASE64_DECODE);
    assert_int_equal(crypto_fail_openssl(&why, ERR_INVALID, "reading"), ERR_INVALID);
    assert_string_equal(why.text, "reading: no start line (Expecting: X); bad base64 decode");
    assert_int_equal(ERR_peek_error(), 0);

    ERR_raise(ERR_LIB_PEM, PEM_R_NO_START_LINE);
    assert_int_equal(crypto_fail_openssl(NULL, ERR_INVALID, "reading"), ERR_INVALID);
    assert_int_equal(ERR_peek_error(), 0);

    ERR_raise(ERR_LIB_PEM, PEM_R_NO_START_LINE);
    assert_int_equal(crypto_fail_quiet(ERR_CRYPTO), ERR_CRYPTO);
    assert_int_equal(ERR_peek_error(), 0);
}

/* A text longer than its room is cut, never overrun. */
static void long_texts_are_cut(void **state)
{
    char big[4096];
    struct crypto_error why = { .warning = "w" };

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    ERR_raise_data(ERR_LIB_PEM, PEM_R_NO_START_LINE, "%s", big);
    assert_int_equal(crypto_fail_openssl(&why, ERR_INVALID, "%s", big), ERR_INVALID);
    assert_int_equal(strlen(why.text), CRYPTO_ERROR_MAX - 1);
    assert_string_equal(why.warning, "w");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_class),
        cmocka_unit_test(queue_is_taken_and_emptied),
        cmocka_unit_test(long_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
