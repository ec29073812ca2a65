/* What comes over the socket, in either direction: frames, and the daemon's greeting. */
#include "se/keyd_wire.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    struct se_keyd_frame f;
    struct se_keyd_welcome w;

    while (se_keyd_frame_next(&in, &f) == ERR_OK) {
        autobuf again = BUF_INIT(SE_KEYD_FRAME_MAX);

        assert(f.body.n <= SE_KEYD_BODY_MAX);
        assert(!se_keyd_frame_put(&again, f.type, f.flags, f.body));
        assert(slice_eq(buf_slice(&again), slice_of(f.body.p - SE_KEYD_FRAME_HEADER, again.n)));
        if (!se_keyd_welcome_decode(f.body, &w)) {
            buf_clear(&again);
            assert(!se_keyd_welcome_encode(&w, &again) && slice_eq(buf_slice(&again), f.body));
        }
    }
    return 0;
}
