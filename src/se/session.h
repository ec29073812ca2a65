/* src/se/session.h - application sessions: proof to an authentication object, and commands inside.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. A session lives above the seam
 * (se/path.h): on a bus of our own, inside the platform's channel, and through the access daemon. A handle
 * may have several; the chip has two. Credentials that are kept are in memory that is not swapped out, and
 * wiped.
 *
 * A session dies with the applet's state: a reset of the chip, another process's SELECT, a limit of its
 * policy. Where its credentials are kept it is opened again by itself before the next command, which is then
 * certain not to have been executed. A refused credential is never tried again: each try costs an attempt.
 * AN12413: CreateSession, ProcessSessionCmd, VerifySessionUserID, ECKeySessionInternalAuthenticate;
 * reference 4.4, 4.5.
 */
#pragma once
#include "se/chip.h"

enum se_auth_kind {
    SE_AUTH_USERID, /* secret: the value, 4 to 16 bytes. Commands inside are not encrypted. */
    SE_AUTH_AES,    /* secret: the AES-128 key. Inside as SCP03. */
    SE_AUTH_ECKEY,  /* secret: the host's P-256 scalar, 32 bytes. The chip's key is checked by attestation. */
};

struct se_auth {
    enum se_auth_kind kind;
    uint32_t id;         /* the authentication object */
    struct slice secret; /* borrowed for the call */
    bool keep;           /* open the session again when it died */
};

struct se_session;

/* ERR_AUTH       the credential is wrong (the chip counts the attempt); or what the chip said of its own key
 * ERR_DENIED     the object is blocked after too many wrong ones
 * ERR_NOT_FOUND  no such authentication object, or of another type
 * ERR_BUSY       the chip has no free session
 * ERR_INVALID    a credential of a length the kind does not have */
err_t se_session_open(struct se_chip *chip, const struct se_auth *auth, struct se_session **ret);
/* CloseSession where it lives, take it off the handle, wipe, free. Sends nothing that costs an attempt. In a
 * child of fork it only wipes and frees. NULL is fine. */
void se_session_close(struct se_session *s);

/* As se_chip_begin, and all commands of this thread on the handle go into the session until its end. Nests,
 * also with other sessions. ERR_WRONG_STATE: the session died and its credentials were not kept. ERR_AUTH,
 * ERR_DENIED: they were refused when it was to be opened again, now or before; only se_session_close helps.
 */
err_t se_session_begin(struct se_session *s);
void se_session_end(struct se_session *s);

/* From now on every sequence of the handle runs inside the session (NULL: no longer); it begins with the
 * errors above. Between sequences only. */
void se_chip_set_session(struct se_chip *chip, struct se_session *s);

struct se_session_limits {
    uint16_t max_apdus, max_seconds; /* 0: no limit */
    bool may_refresh;
};
/* Give the session limits. A session that reached one dies. */
err_t se_session_limit(struct se_session *s, const struct se_session_limits *limits);
/* Begin counting anew; limits: new ones, or NULL. ERR_DENIED: the session's limits do not allow it. */
err_t se_session_refresh(struct se_session *s, const struct se_session_limits *limits);
