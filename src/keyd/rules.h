/* src/keyd/rules.h - who may use which key for what: the rules and the decision.
 *
 * Pure; constant after loading, any thread. Allowed is what some `allow` matches and no `deny` does; the
 * order of the lines does not matter, and without rules nothing is allowed. docs/spec/keyd.md section 3.
 */
#pragma once
#include "base/err.h"
#include "keyd/op.h"

#include <stddef.h>
#include <sys/types.h>

enum {
    KEYD_UNIT_MAX = 128, /* a systemd unit's name, NUL included */
    KEYD_GROUPS_MAX = 128,
    KEYD_RANGES_MAX = 16,
    KEYD_RULES_MAX = 1024,
};

/* Who is at the other end of a connection, as the kernel told when it was accepted. */
struct keyd_peer {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    bool unit_known;
    char unit[KEYD_UNIT_MAX]; /* "" when it is in no unit of the system's manager, or that is not known */
    gid_t groups[KEYD_GROUPS_MAX];
    size_t group_count;
};

struct keyd_range {
    uint32_t first, last;
};

struct keyd_rule {
    bool deny;
    bool has_user, has_group;
    uid_t user;
    gid_t group;
    char unit[KEYD_UNIT_MAX]; /* "": any */
    struct keyd_range ranges[KEYD_RANGES_MAX];
    size_t range_count;
    unsigned ops;
};

struct keyd_rules {
    struct keyd_rule *rule;
    size_t count, cap;
};

/* Append a copy. ERR_TOO_BIG over KEYD_RULES_MAX, ERR_NOMEM. */
err_t keyd_rules_add(struct keyd_rules *r, const struct keyd_rule *rule);
void keyd_rules_done(struct keyd_rules *r);

/* Is there anything this peer may do at all? */
bool keyd_rules_know(const struct keyd_rules *r, const struct keyd_peer *peer);
/* May it see that the object exists? */
bool keyd_rules_see(const struct keyd_rules *r, const struct keyd_peer *peer, uint32_t id);
/* The decision. `id` is not looked at for operations without object. */
bool keyd_rules_allow(const struct keyd_rules *r, const struct keyd_peer *peer, enum keyd_op op, uint32_t id);
