/* The daemon's file: settings and rules. */
#include "keyd/config.h"
#include "keyd/peer.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keyd_config c;
    struct keyd_peer peer = { .uid = 1, .unit_known = true };
    char why[KEYD_WHY_MAX] = "";

    (void)keyd_unit_of_cgroup(slice_of(data, size), peer.unit);
    assert(strlen(peer.unit) < KEYD_UNIT_MAX);
    if (keyd_config_parse("fuzz", slice_of(data, size), &c, why)) {
        assert(why[0]);
        return 0;
    }
    assert(c.rules.count <= KEYD_RULES_MAX);
    for (unsigned op = 1; op <= KEYD_CURVE; op <<= 1)
        (void)keyd_rules_allow(&c.rules, &peer, op, 0xef000001);
    keyd_config_done(&c);
    return 0;
}
