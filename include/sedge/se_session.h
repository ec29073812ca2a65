/* sedge/se_session.h - sessions: proof to an authentication object, and commands inside.
 */
#ifndef SEDGE_SE_SESSION_H
#define SEDGE_SE_SESSION_H

#include <sedge/se.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sedge_se_session sedge_se_session;

enum sedge_se_auth_kind {
    SEDGE_SE_AUTH_USERID = 0, /* secret: 4 to 16 bytes. Commands inside are not encrypted. */
    SEDGE_SE_AUTH_AES = 1,    /* secret: the AES-128 key. Inside as SCP03. */
    SEDGE_SE_AUTH_ECKEY =
        2, /* secret: the host's P-256 scalar, 32 bytes. The chip's key is checked by attestation. */
};

/* Open a session with the authentication object `id`. The secret is borrowed for the call; with `keep` a
 * wiped copy stays in locked memory, so that a session that died with a reset of the chip is opened again by
 * itself. SEDGE_ERR_AUTH: wrong (the chip counts the attempt); _DENIED: blocked; _NOT_FOUND: no such object;
 * _BUSY: the chip has no free session. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_session_open(sedge_se *se, enum sedge_se_auth_kind kind,
                                                           uint32_t id, sedge_bytes secret, bool keep,
                                                           sedge_se_session **ret);
/* NULL is fine. Close it before its handle. */
SEDGE_API void sedge_se_session_close(sedge_se_session *s);

/* All calls of this thread on the handle go into the session until its end; nests. SEDGE_ERR_WRONG_STATE: the
 * session died and its secret was not kept. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_session_begin(sedge_se_session *s);
SEDGE_API void sedge_se_session_end(sedge_se_session *s);

/* Limits of a session; 0: none. It dies when it reaches one. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_session_limit(sedge_se_session *s, uint16_t max_apdus,
                                                            uint16_t max_seconds, bool may_refresh);
/* Begin counting anew. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_session_refresh(sedge_se_session *s);

#ifdef __cplusplus
}
#endif
#endif
