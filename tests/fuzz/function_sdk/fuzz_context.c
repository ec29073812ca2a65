/* A client context is text without NUL in braces, or refused. */
#include "base/utf8.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autobuf out = BUF_INIT(1 << 20);

    if (text_client_context(slice_of(data, size), &out)) {
        if (out.n)
            abort();
        return 0;
    }
    if (out.n < 2 || !memchr(out.p, '{', out.n) || !memchr(out.p, '}', out.n) ||
        !utf8_valid_no_nul(buf_slice(&out)))
        abort();
    return 0;
}
