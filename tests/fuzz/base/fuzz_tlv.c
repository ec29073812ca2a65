#include "base/tlv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    struct tlv t;
    size_t total = 0;

    while (tlv_next(&in, &t) == ERR_OK)
        total += t.value.n + 2;
    if (total > size)
        abort();
    return 0;
}
