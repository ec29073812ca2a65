/* src/keyd/rule_text.h - one rule as text: "allow user alice unit web.service key 0xEF000001 sign read".
 *
 * Looks names up (getpwnam, getgrnam); one thread at a time. Grammar: docs/spec/keyd.md section 3.
 */
#pragma once
#include "keyd/rules.h"

/* Is the first word allow or deny? */
bool keyd_rule_starts(struct slice line);
/* Append the rule to `to`. ERR_INVALID with the reason in `why` (KEYD_WHY_MAX bytes), ERR_TOO_BIG, ERR_NOMEM.
 */
err_t keyd_rule_parse(struct slice line, struct keyd_rules *to, char *why);
/* "0xEF000001", "EF000001": up to eight hex digits. */
bool keyd_rule_object(struct slice text, uint32_t *ret);
