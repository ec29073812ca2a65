/* src/keyd/login.h - the daemon's own UserID session, and commands put into sessions. Used by the worker's
 * thread.
 */
#pragma once
#include "base/buf.h"
#include "base/secret.h"
#include "se/path.h"
#include "se/wire.h"

struct keyd_login {
    const struct secret *pin; /* NULL: there is no session of ours */
    uint32_t object;
    bool refused;        /* the chip did not take the PIN: never tried again, it would lock it */
    uint64_t generation; /* of the path when the session was opened; 0: not open */
    uint8_t session[SE_SESSION_ID_LEN];
};

/* One command there and back, sent once more when it was certainly not executed. Errors as se/path.h. */
err_t keyd_exchange(struct se_path *path, struct slice apdu, struct slice *ret_answer);

/* See that the session is open. ERR_AUTH: the chip refuses the PIN, with se_detail(). */
err_t keyd_login_ensure(struct keyd_login *l, struct se_path *path);

/* ProcessSessionCmd around a command without Le. ERR_TOO_BIG. */
err_t keyd_session_wrap(const uint8_t session[SE_SESSION_ID_LEN], struct slice stem, struct buf *out);
