/* src/cli/ssscli_policy.h - policies by name: rights, the file that keeps one, what is written with an
 * object.
 *
 * A named policy is a JSON file of the calling user, mode 0600, in SEDGE_SSSCLI_POLICIES when set, otherwise
 * $XDG_STATE_HOME/sedge/policies, otherwise $HOME/.local/state/sedge/policies: NAME.json. Whoever can change
 * it decides what a key may do, so one that others may write is refused. cli_policy_parse and
 * cli_policy_write are pure; the others are blocking file I/O. docs/spec/ssscli.md CLI-20 has the form.
 */
#pragma once
#include "base/buf.h"
#include "cli/ssscli.h"
#include "se/policy.h"

#include <jansson.h>

enum cli_policy_kind {
    CLI_POLICY_ASYMKEY,
    CLI_POLICY_SYMKEY,
    CLI_POLICY_USERID,
    CLI_POLICY_FILE,
    CLI_POLICY_COUNTER,
    CLI_POLICY_PCR,
    CLI_POLICY_KINDS
};
const char *cli_policy_kind_name(enum cli_policy_kind kind);

struct cli_right {
    const char *name;  /* "key_agreement"; the option is --key_agreement */
    uint32_t bit;      /* SE_POLICY_* */
    unsigned kinds;    /* 1 << CLI_POLICY_*: to which it can be given */
    unsigned defaults; /* ... and to which it is given unless it says otherwise */
};
extern const struct cli_right cli_rights[];
extern const size_t cli_right_count;

struct cli_policy {
    enum cli_policy_kind kind;
    struct se_policy set;
};

/* ERR_CORRUPT: not a policy file; `why` says what is wrong. *ret untouched then. */
err_t cli_policy_parse(struct slice text, struct cli_policy *ret, char *why, size_t room);
err_t cli_policy_write(const struct cli_policy *p, struct buf *out);
/* The rules as JSON: [{"auth":"0x00000000","rights":["sign"]}]; NULL: out of memory. */
json_t *cli_policy_rules_json(const struct se_policy *set);
/* Names of the rights, with `between` between them; "none" for no right. */
err_t cli_policy_rights_text(uint32_t rights, const char *between, struct buf *out);

/* Messages are set with cli_fail. ERR_NOT_FOUND: no policy of that name. */
err_t cli_policy_load(const char *name, struct cli_policy *ret);
err_t cli_policy_save(const char *name, const struct cli_policy *p);
/* --policy_name, which must be for one of `kinds` (1 << CLI_POLICY_*); empty set when not given. */
err_t cli_policy_option(const struct cli *cli, unsigned kinds, struct se_policy *ret);
