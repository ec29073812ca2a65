/* What was found in an answer's head lies within it, and is the same when more bytes follow. */
#include "answer.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct slice s, const uint8_t *data, size_t size)
{
    return s.n == 0 || (s.p >= data && s.p + s.n <= data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct answer_head h, again;
    autobuf longer = BUF_INIT(1 << 22);

    if (answer_head_parse(slice_of(data, size), &h))
        return 0;
    if (h.head_size > size || h.body_size > ANSWER_BODY_MAX || h.status < 200 || h.status > 999)
        abort();
    if (!within(h.invocation_id, data, size) || !within(h.function_error, data, size) ||
        !within(h.client_context, data, size))
        abort();
    if (buf_add_mem(&longer, data, size) || buf_add_str(&longer, "more\r\n\r\n"))
        return 0;
    if (answer_head_parse(buf_slice(&longer), &again) || again.head_size != h.head_size ||
        again.body_size != h.body_size)
        abort();
    return 0;
}
