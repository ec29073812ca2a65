/* src/vse/scp.h - SCP03 as the part does it: handshake, unwrapping commands, wrapping answers.
 *
 * One struct vse_scp is one channel: the platform's or a session's. Pure apart from OpenSSL; one thread at a
 * time. Every failure of authentication closes the channel: the caller answers 6982.
 * Reference 4.2, 4.3 (GlobalPlatform amendment D, NIST SP 800-108).
 */
#pragma once
#include "base/buf.h"

enum { VSE_SCP_KEY = 16, VSE_SCP_CHALLENGE = 8, VSE_SCP_MAC = 8, VSE_SCP_KEY_VERSION = 0x0b };

struct vse_scp_keys {
    uint8_t enc[VSE_SCP_KEY], mac[VSE_SCP_KEY], dek[VSE_SCP_KEY];
    bool has_dek; /* known; needed to put new keys */
};

enum vse_scp_state { VSE_SCP_CLOSED, VSE_SCP_CHALLENGED, VSE_SCP_OPEN };

struct vse_scp {
    enum vse_scp_state state;
    bool counts_empty; /* commands without data count, too */
    uint64_t counter;  /* of the next command */
    uint8_t enc[VSE_SCP_KEY], mac[VSE_SCP_KEY], rmac[VSE_SCP_KEY];
    uint8_t chain[VSE_SCP_KEY]; /* MAC chaining value */
    uint8_t host_cryptogram[VSE_SCP_CHALLENGE];
};

/* Forget everything, keys wiped. */
void vse_scp_close(struct vse_scp *s);

/* INITIALIZE UPDATE: derive the session keys for these challenges; what was before is gone.
 * ret_cryptogram: the card's. ERR_CRYPTO: OpenSSL failed; the channel is closed. */
err_t vse_scp_challenge(struct vse_scp *s, const struct vse_scp_keys *keys, bool counts_empty,
                        const uint8_t host[VSE_SCP_CHALLENGE], const uint8_t card[VSE_SCP_CHALLENGE],
                        uint8_t ret_cryptogram[VSE_SCP_CHALLENGE]);
/* EXTERNAL AUTHENTICATE: the whole command with its MAC. On ERR_OK the channel is open.
 * ERR_DENIED: cryptogram or MAC wrong, or no challenge before; closed. */
err_t vse_scp_authenticate(struct vse_scp *s, struct slice header, struct slice data);
/* ECKey sessions: keys and first chaining value from a master secret; open at once. */
err_t vse_scp_open_master(struct vse_scp *s, const uint8_t master[VSE_SCP_KEY]);
/* A MAC under S-RMAC over these pieces, outside the sequence of messages. */
err_t vse_scp_receipt(const struct vse_scp *s, const struct slice *pieces, size_t n,
                      uint8_t ret[VSE_SCP_KEY]);

/* A wrapped command's header (4 bytes, CLA 84) and data field; the plain data is appended to `ret`.
 * ERR_DENIED: no channel, wrong MAC, wrong padding; closed. */
err_t vse_scp_unwrap(struct vse_scp *s, struct slice header, struct slice data, struct buf *ret);
/* The answer 9000 to the command unwrapped last: append [encrypted data] R-MAC. */
err_t vse_scp_wrap(struct vse_scp *s, struct slice data, struct buf *out);
