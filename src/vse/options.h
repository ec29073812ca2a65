/* src/vse/options.h - the command line of `sedge-chip serve`. Pure apart from getopt's state; one thread. */
#pragma once
#include "vse/personality.h"

struct vse_options {
    const char *state, *socket, *tcp, *counters, *faults, *trace,
        *scp_keys; /* of argv; NULL when not given */
    const struct vse_personality *part;
    unsigned sign_ms, bus_khz;
    bool realtime;
    bool full_factory; /* RSA keys and certificates, too */
    uint64_t cut_storage, cut_bus;
};

extern const char vse_options_usage[];

/* argv[0] is "serve". NULL and *ret set, or what is wrong, in words. */
const char *vse_options_parse(int argc, char **argv, struct vse_options *ret);
