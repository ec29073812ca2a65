/* X-Amz-Client-Context as any function may send it. What it says is then a topic the router must check. */
#include "edge/function/context.h"
#include "edge/route/topics.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_client_context c = { 0 };
    auto_client_context again = { 0 };
    autobuf out = BUF_INIT(CLIENT_CONTEXT_MAX);

    if (client_context_parse(slice_of(data, size), &c)) {
        if (c.subject || c.queue_full_policy)
            abort();
        return 0;
    }
    if (!c.subject || route_topic_check(slice_str(c.subject), NULL))
        return 0;
    if (client_context_write(&out, c.subject) || client_context_parse(buf_slice(&out), &again) ||
        !again.subject || strcmp(c.subject, again.subject) != 0)
        abort();
    return 0;
}
