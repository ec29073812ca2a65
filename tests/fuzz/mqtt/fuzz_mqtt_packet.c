/* tests/fuzz/mqtt/fuzz_mqtt_packet.c - frames and packets of both directions and both versions.
 *
 * The first byte chooses the version, the rest is the stream. What a decoder accepts the encoder must accept
 * too, and what it writes must decode again. The buf's cap doubles as an allocation that fails on purpose.
 */
#include "../../unit/mqtt/recode.h"
#include "base/mem.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mqtt_frame *f, enum mqtt_version v)
{
    autobuf out = BUF_INIT(1 << 20);
    autobuf again = BUF_INIT(1 << 20);
    autobuf small = BUF_INIT(16);
    struct mqtt_frame g;
    struct slice in;
    err_t decoded = ERR_OK, e = recode(f, v, &out, &decoded);

    if (decoded || e) /* filters are judged by the encoder only, and several subscription identifiers are
                         never written */
        return;
    in = buf_slice(&out);
    if (mqtt_frame_next(&in, SIZE_MAX, &g) || in.n || recode(&g, v, &again, &decoded) || decoded ||
        !slice_eq(buf_slice(&out), buf_slice(&again)))
        abort();
    if (recode(f, v, &small, &decoded) == ERR_OK && small.n != out.n)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_skip(slice_of(data, size), 1);
    struct mqtt_frame f;

    while (size && mqtt_frame_next(&in, 1 << 16, &f) == ERR_OK)
        check(&f, data[0] & 1 ? MQTT_V5 : MQTT_V311);
    return 0;
}
