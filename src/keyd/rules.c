#include "keyd/rules.h"

#include "base/mem.h"

err_t keyd_rules_add(struct keyd_rules *r, const struct keyd_rule *rule)
{
    err_t e = mem_grow(&r->rule, &r->cap, r->count + 1, KEYD_RULES_MAX, sizeof(*r->rule));

    if (!e)
        r->rule[r->count++] = *rule;
    return e;
}

void keyd_rules_done(struct keyd_rules *r)
{
    free(r->rule);
    *r = (struct keyd_rules){ 0 };
}

static bool in_group(const struct keyd_peer *peer, gid_t group)
{
    for (size_t i = 0; i < peer->group_count; i++) {
        if (peer->groups[i] == group)
            return true;
    }
    return peer->gid == group;
}

/* A unit that is not known is no reason to allow, but one to deny. */
static bool is_unit(const struct keyd_rule *rule, const struct keyd_peer *peer)
{
    return !rule->unit[0] || (peer->unit_known ? strcmp(rule->unit, peer->unit) == 0 : rule->deny);
}

static bool is_subject(const struct keyd_rule *rule, const struct keyd_peer *peer)
{
    return (!rule->has_user || rule->user == peer->uid) &&
           (!rule->has_group || in_group(peer, rule->group)) && is_unit(rule, peer);
}

static bool covers(const struct keyd_rule *rule, uint32_t id)
{
    for (size_t i = 0; i < rule->range_count; i++) {
        if (id >= rule->ranges[i].first && id <= rule->ranges[i].last)
            return true;
    }
    return false;
}

/* One bit of `ops` on this object by a rule that is about this peer. */
static bool matches(const struct keyd_rule *rule, const struct keyd_peer *peer, unsigned op, uint32_t id)
{
    if (rule->ops & KEYD_ADMIN) /* may everything, on everything */
        return is_subject(rule, peer);
    return (rule->ops & op) && covers(rule, id) && is_subject(rule, peer);
}

static bool denied(const struct keyd_rules *r, const struct keyd_peer *peer, unsigned op, uint32_t id)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct keyd_rule *rule = &r->rule[i];

        if (rule->deny && matches(rule, peer, op, id))
            return true;
    }
    return false;
}

static bool allowed_key(const struct keyd_rules *r, const struct keyd_peer *peer, unsigned op, uint32_t id)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!r->rule[i].deny && matches(&r->rule[i], peer, op, id))
            return !denied(r, peer, op, id);
    }
    return false;
}

/* An allow for this peer with one of these bits, on whatever object. */
static bool allowed_anywhere(const struct keyd_rules *r, const struct keyd_peer *peer, unsigned ops)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct keyd_rule *rule = &r->rule[i];

        if (!rule->deny && (rule->ops & (ops | KEYD_ADMIN)) && is_subject(rule, peer))
            return true;
    }
    return false;
}

/* A `deny ... admin` shuts a peer out of everything. */
static bool banned(const struct keyd_rules *r, const struct keyd_peer *peer)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->rule[i].deny && (r->rule[i].ops & KEYD_ADMIN) && is_subject(&r->rule[i], peer))
            return true;
    }
    return false;
}

bool keyd_rules_know(const struct keyd_rules *r, const struct keyd_peer *peer)
{
    return allowed_anywhere(r, peer, KEYD_OPS_KEY) && !banned(r, peer);
}

bool keyd_rules_see(const struct keyd_rules *r, const struct keyd_peer *peer, uint32_t id)
{
    for (unsigned op = 1; op < KEYD_ADMIN; op <<= 1) {
        if (allowed_key(r, peer, op, id))
            return true;
    }
    return false;
}

bool keyd_rules_allow(const struct keyd_rules *r, const struct keyd_peer *peer, enum keyd_op op, uint32_t id)
{
    switch (op) {
    case KEYD_LIST:
        return keyd_rules_see(r, peer, id);
    case KEYD_INFO:
        return keyd_rules_know(r, peer);
    case KEYD_CURVE:
        return allowed_anywhere(r, peer, KEYD_GENERATE | KEYD_WRITE) && !banned(r, peer);
    case KEYD_ADMIN:
        return allowed_anywhere(r, peer, KEYD_ADMIN) && !banned(r, peer);
    default:
        return allowed_key(r, peer, op, id);
    }
}
