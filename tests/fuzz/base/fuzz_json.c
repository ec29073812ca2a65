/* What we write for a document that parsed parses again to an equal document. */
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_json *j = NULL, *again = NULL;
    struct json_where where;
    autobuf out = BUF_INIT(1 << 20);

    if (json_parse(slice_of(data, size), 32, &j, &where))
        return 0;
    if (json_write(&out, j, 0))
        return 0;
    if (json_parse(buf_slice(&out), 32, &again, &where) || !json_equal(j, again))
        abort();
    return 0;
}
