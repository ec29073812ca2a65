/* src/cli/ssscli_session.h - what `ssscli connect` remembers for the commands that follow.
 *
 * A small text file, mode 0600, of the calling user: SEDGE_SSSCLI_SESSION when set, otherwise
 * $XDG_STATE_HOME/sedge/ssscli-session, otherwise $HOME/.local/state/sedge/ssscli-session. It holds
 * no secret, but whoever can change it decides which chip gets the next key: so a file that others
 * may write is refused. Blocking file I/O.
 */
#pragma once
#include "base/err.h"
#include "se/port.h"

struct cli_session {
    char port[SE_PORT_TEXT_MAX]; /* "none": as configured when the command runs */
};

/* ERR_NOT_FOUND: no session; other classes with a message set by cli_fail. */
err_t cli_session_load(struct cli_session *ret);
err_t cli_session_save(const struct cli_session *s);
err_t cli_session_remove(void); /* none there is ERR_OK */
