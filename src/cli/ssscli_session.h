/* src/cli/ssscli_session.h - what `ssscli connect` remembers for the commands that follow.
 *
 * A small text file, mode 0600, of the calling user: SEDGE_SSSCLI_SESSION when set, otherwise
 * $XDG_STATE_HOME/sedge/ssscli-session, otherwise $HOME/.local/state/sedge/ssscli-session. It holds
 * no secret (keys are named by the files they are in), but whoever can change it decides which chip gets the
 * next key: so a file that others may read or write is refused. Blocking file I/O; cli_session_parse is pure.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "se/port.h"

#include <stdbool.h>

#define CLI_PATH_MAX 1024
/* As configured when each command runs; the published set that fits where nothing is. */
#define CLI_DEFAULT_KEYS "default"

enum cli_auth { CLI_AUTH_NONE, CLI_AUTH_USERID, CLI_AUTH_ECKEY, CLI_AUTH_AESKEY };

struct cli_session {
    char port[SE_PORT_TEXT_MAX]; /* "none": as configured when the command runs */
    enum cli_auth auth;
    uint32_t auth_id;            /* authentication object; 0 with CLI_AUTH_NONE */
    char auth_key[CLI_PATH_MAX]; /* file with its value; "": the demonstration value */
    bool platform_scp;
    char scp_keys[CLI_PATH_MAX]; /* key file or CLI_DEFAULT_KEYS; "" without platform_scp */
};

/* "UserID_PlatformSCP"; ERR_INVALID: no such word. */
err_t cli_session_auth_parse(const char *word, struct cli_session *s);
const char *cli_session_auth_text(const struct cli_session *s);

/* ERR_CORRUPT: not what cli_session_save writes. *ret untouched then. */
err_t cli_session_parse(struct slice text, struct cli_session *ret);

/* ERR_NOT_FOUND: no session; other classes with a message set by cli_fail. */
err_t cli_session_load(struct cli_session *ret);
err_t cli_session_save(const struct cli_session *s);
err_t cli_session_remove(void); /* none there is ERR_OK */

/* The path of `leaf` among the things ssscli keeps: $`variable` when set, otherwise
 * $XDG_STATE_HOME/sedge/`leaf` or $HOME/.local/state/sedge/`leaf`. Owned by the caller; NULL: no home. */
char *cli_state_path(const char *variable, const char *leaf);
/* Make the folder that `path` is in, closed to others. */
err_t cli_state_parent(const char *path);
