/* src/se/scp.h - the host's half of SCP03, for the platform's channel and for application sessions.
 *
 * No I/O: command bytes in, wrapped bytes out, and back. One thread at a time. Keys are wiped by
 * se_scp_close, which every failure implies: a channel whose counters or chaining value are in doubt is of no
 * use. GlobalPlatform SCP03 (Amendment D) as AN12413 and AN12436 use it: AES-128, security level 33.
 */
#pragma once
#include "se/crypt.h"
#include "se/keyset.h"

enum {
    SE_SCP_CHALLENGE = 8,
    SE_SCP_MAC = 8,
    SE_SCP_PLATFORM_VERSION = 0x0b, /* key version of the platform's keys */
    SE_SCP_SESSION_VERSION = 0x00,
};

struct se_scp {
    struct se_crypt *crypt; /* borrowed */
    bool open;
    bool counts_empty; /* commands without data count; not on the platform's channel of applets below 4.3 */
    uint8_t host[SE_SCP_CHALLENGE];
    uint8_t enc[SE_AES_KEY], mac[SE_AES_KEY], rmac[SE_AES_KEY];
    uint8_t chain[SE_AES_BLOCK]; /* MAC chaining value */
    uint64_t counter;
};

void se_scp_init(struct se_scp *s, struct se_crypt *crypt);
void se_scp_close(struct se_scp *s);

/* Append INITIALIZE UPDATE, with a fresh challenge. */
err_t se_scp_initialize(struct se_scp *s, uint8_t key_version, struct buf *out);
/* Judge its answer (without status word) under each of n key sets until one fits: *ret_which. Append EXTERNAL
 * AUTHENTICATE. The channel is open once that is answered with 9000.
 * ERR_PROTO malformed; ERR_AUTH none of the sets is the chip's. */
err_t se_scp_authenticate(struct se_scp *s, const struct se_keyset *sets, size_t n, bool counts_empty,
                          struct slice answer, size_t *ret_which, struct buf *out);
/* Open at once with keys derived from a master secret without challenges (ECKey sessions). */
err_t se_scp_open_master(struct se_scp *s, const uint8_t master[SE_AES_KEY]);
/* CMAC under the response key: receipts. */
err_t se_scp_receipt(struct se_scp *s, const struct slice *pieces, size_t n, uint8_t ret[SE_AES_BLOCK]);

/* Append the wrapped form of a plain command APDU. ERR_PROTO: that is none. ERR_WRONG_STATE: not open. */
err_t se_scp_wrap(struct se_scp *s, struct slice apdu, struct buf *out);
/* Append the plain form of an answer, status word included. An error status comes bare and is passed on.
 * ERR_AUTH: the MAC is wrong; ERR_PROTO: malformed. The channel is closed then. */
err_t se_scp_unwrap(struct se_scp *s, struct slice answer, struct buf *out);
