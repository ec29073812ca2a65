/* src/vse/tls.h - the part's own random of a TLS handshake: between TLSGenerateRandom and TLSPerformPRF. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { VSE_TLS_RANDOM = 32 };

struct vse_tls {
    uint8_t random[VSE_TLS_RANDOM];
    bool made;
    uint64_t session; /* that asked for it */
};
