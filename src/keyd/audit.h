/* src/keyd/audit.h - a line in the log for each use of an object, and for each refusal.
 *
 * `audit uid=1000 pid=4711 unit=web.service op=sign key=0xEF000001 result=allowed sw=9000`. A user has a
 * budget of lines; what is over it is counted, and the count is a line. Never data.
 */
#pragma once
#include "keyd/classify.h"
#include "keyd/rules.h"
#include "keyd/users.h"

enum keyd_result { KEYD_ALLOWED, KEYD_REFUSED };

/* The command, or NULL for what is none (a connection, malformed bytes: `what` says it). sw: the chip's, 0
 * when it was not asked or did not answer; `why` a word more, or NULL. Commands about no object are silent
 * when allowed. */
void keyd_audit(struct keyd_user *user, const struct keyd_peer *peer, const struct keyd_command *command,
                const char *what, enum keyd_result result, unsigned sw, bool denied_only);
/* Tell the counts. */
void keyd_audit_unsaid(struct keyd_users *users);
