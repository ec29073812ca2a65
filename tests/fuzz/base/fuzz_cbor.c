/* What we write for an item that decoded decodes again to an equal one. */
#include "base/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cbor_limits limits = { 8, 512 };
    auto_json *j = NULL, *again = NULL;
    autobuf out = BUF_INIT(1 << 20);

    if (cbor_to_json(slice_of(data, size), &limits, &j))
        return 0;
    if (cbor_write(&out, j) || cbor_to_json(buf_slice(&out), &limits, &again) || !json_equal(j, again))
        abort();
    return 0;
}
