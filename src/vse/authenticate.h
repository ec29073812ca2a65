/* src/vse/authenticate.h - proving who one is: UserID, SCP03 of the platform and of AES sessions, EC keys.
 *
 * A failed proof is counted with the object before the answer is known, so that cutting power gains nobody a
 * free guess. One thread at a time. Reference 3.1, 4.2, 4.4, 4.5.
 */
#pragma once
#include "vse/command.h"

/* Failed attempts of an authentication object (attempts.c). First ask: 6983 when it is blocked, 6985 when it
 * is gone, else the attempt is counted durably (without a limit only failures are, in _end) and ret borrowed
 * until the next change. Then tell how it went. */
uint16_t vse_attempt_begin(struct vse_applet *a, uint32_t id, const struct vse_object **ret);
uint16_t vse_attempt_end(struct vse_applet *a, uint32_t id, bool good);

/* 9000; 6982 wrong; 6983 blocked. */
uint16_t vse_authenticate_userid(struct vse_applet *a, uint32_t id, struct slice value);

/* The platform's channel. */
uint16_t vse_platform_challenge(struct vse_applet *a, const struct vse_call *c, struct writer *out);
uint16_t vse_platform_authenticate(struct vse_applet *a, const struct vse_call *c);

/* An AES session's. */
uint16_t vse_session_challenge(struct vse_applet *a, const struct vse_call *c, struct writer *out);
uint16_t vse_session_authenticate(struct vse_applet *a, const struct vse_call *c);

/* An ECKey session's key agreement (authenticate_ec.c). */
uint16_t vse_session_agree(struct vse_applet *a, const struct vse_call *c, struct writer *out);
/* ImportExternalObject: `proof` is what InternalAuthenticate takes, by the host key `host_id`; the part's
 * side is 7FFF0202 and it adds no random. On 9000 the channel is open. */
uint16_t vse_external_agree(struct vse_applet *a, struct slice proof, uint32_t host_id, struct vse_scp *ret);
