/* Bytes from the cloud into the MQTT client: any split of them gives the same events. */
#include "edge/link/mqttc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned events_of(struct slice in)
{
    struct mqttc m;
    struct mqttc_event ev;
    struct problem why;
    uint16_t id;
    unsigned n = 0;

    mqttc_init(&m, 600, 5);
    if (mqttc_open(&m, "CORE", 0))
        abort();
    for (err_t e = ERR_OK; !e; n++) {
        size_t before = in.n;
        e = mqttc_input(&m, &in, n, &ev, &why);
        if (!e && in.n >= before)
            abort();
        if (!e && ev.type == MQTTC_EV_CONNECTED && mqttc_subscribe(&m, SLICE_LIT("t"), 1, n, &id))
            abort();
    }
    mqttc_done(&m);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned whole = events_of(slice_of(data, size));

    if (size && events_of(slice_of(data, size - 1)) > whole)
        abort();
    return 0;
}
