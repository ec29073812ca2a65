/* A packet to the runner, or from it: what is read can be written, and is the same again. */
#include "edge/runner/wire.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autobuf again = BUF_INIT(RUNNER_PACKET_MAX);
    struct runner_message m;

    if (runner_read(slice_of(data, size), &m))
        return 0;
    assert(runner_write(&again, &m) == ERR_OK);
    if (m.kind != RUNNER_NOT_STARTED) /* a text is cut, or at a NUL */
        assert(again.n == size && memcmp(again.p, data, size) == 0);
    runner_message_done(&m);
    return 0;
}
