/* Signatures from a hostile part. What is accepted must survive the way there and back. */
#include "base/mem.h"
#include "se/sig.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autofree uint8_t *copy = mem_dup(data, size);
    autobuf raw = BUF_INIT(132);
    autobuf der = BUF_INIT(160);
    autobuf again = BUF_INIT(132);

    if (se_sig_der_to_raw(slice_of(copy, size), 66, &raw))
        return 0;
    if (se_sig_raw_to_der(buf_slice(&raw), &der) || se_sig_der_to_raw(buf_slice(&der), 66, &again))
        abort();
    if (!slice_eq(buf_slice(&raw), buf_slice(&again)))
        abort();
    return 0;
}
