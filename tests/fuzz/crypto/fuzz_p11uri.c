/* A pkcs11: URI from a config.json: any bytes give a verdict, and what is accepted keeps its promises. */
#include "base/utf8.h"
#include "crypto/p11uri.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct crypto_p11uri u;
    struct crypto_error why;
    err_t e = crypto_p11uri_parse(slice_of(data, size), &u, &why);

    if (e) {
        assert(e == ERR_INVALID || e == ERR_TOO_BIG);
        assert(why.text[0]);
        return 0;
    }
    assert(u.object[0] && strlen(u.object) < sizeof(u.object) && utf8_valid_no_nul(slice_str(u.object)));
    assert(strlen(u.token) < sizeof(u.token) && utf8_valid_no_nul(slice_str(u.token)));
    assert(strlen(u.pin) < sizeof(u.pin) && u.id_len <= sizeof(u.id));
    assert(crypto_p11uri_parse(slice_of(data, size), &u, NULL) == ERR_OK);
    crypto_p11uri_done(&u);
    return 0;
}
