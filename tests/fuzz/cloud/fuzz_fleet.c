/* A fleet provisioning request: topic, NUL, payload. What is read is written in both forms and read back. */
#include "base/mem.h"
#include "cloud/provisioning/fleet_message.h"
#include "cloud/provisioning/fleet_topic.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const json_t *j, bool cbor)
{
    autobuf out = BUF_INIT(1 << 20);
    char why[FLEET_WHY_MAX];
    auto_json *again = NULL;

    if (fleet_answer_write(&out, cbor, j, (struct slice){ 0 }))
        return;
    if (fleet_request_read(buf_slice(&out), cbor, &again, why) || !json_equal(j, again))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    struct slice topic = { data, nul ? (size_t)(nul - data) : size };
    struct fleet_topic t;
    char why[FLEET_WHY_MAX];
    auto_json *j = NULL;

    if (fleet_topic_parse(topic, &t) || !nul ||
        fleet_request_read(slice_skip(slice_of(data, size), topic.n + 1), t.cbor, &j, why))
        return 0;
    round_trip(j, true);
    round_trip(j, false);
    return 0;
}
