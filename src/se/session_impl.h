/* src/se/session_impl.h - sessions as the handle and the kinds of authentication see them. Rules in
 * se/session.h.
 */
#pragma once
#include "base/secret.h"
#include "se/scp.h"
#include "se/session.h"
#include "se/wire.h"

struct se_session {
    struct se_chip *chip;
    enum se_auth_kind kind;
    uint32_t auth_id;
    struct secret *secret; /* NULL: not kept */
    err_t refused;         /* why its credentials are not tried again */
    bool open;
    uint64_t generation; /* of the path when it was opened: it died when that is another one */
    uint8_t id[SE_SESSION_ID_LEN];
    struct se_crypt *crypt;
    struct se_scp scp;
};

/* ---- for the handle, inside a sequence ---- */

/* Make sure that it is open. Errors of se_session_begin. */
err_t se_session_ready(struct se_session *s);
/* Append ProcessSessionCmd with the command inside. */
err_t se_session_wrap(struct se_session *s, struct slice apdu, struct buf *out);
/* Append the plain answer. */
err_t se_session_unwrap(struct se_session *s, struct slice raw, struct buf *out);
/* Is the refusal one that also means "no such session", and was there none? Then it is closed, and the
 * command it answered was not executed. */
bool se_session_is_dead(struct se_session *s, uint16_t sw);

/* ---- for the kinds ---- */

/* Send a command into the session as it stands, not wrapped in its channel; *ret_sw, data appended to `out`.
 */
err_t se_session_say(struct se_session *s, struct slice inner, struct buf *out, uint16_t *ret_sw);

/* Prove the credential. Called with a session id, not authenticated. */
err_t se_session_prove_userid(struct se_session *s, struct slice value);
err_t se_session_prove_aes(struct se_session *s, struct slice key);
err_t se_session_prove_eckey(struct se_session *s, struct slice scalar);
/* What the chip's answer says of a credential: only ERR_AUTH (wrong) and ERR_DENIED (blocked) speak of it. */
err_t se_session_judged(const struct se_session *s, uint16_t sw);
