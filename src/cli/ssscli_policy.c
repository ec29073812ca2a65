/* ssscli policy ...: make and show named policies. */
#include "cli/ssscli_policy.h"

#include "base/hex.h"
#include "cli/ssscli_commands.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* As click reads a BOOLEAN. */
static err_t parse_bool(const char *option, const char *text, bool *ret)
{
    static const char *const yes[] = { "1", "true", "t", "yes", "y", "on" };
    static const char *const no[] = { "0", "false", "f", "no", "n", "off" };

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (strcasecmp(text, yes[i]) != 0 && strcasecmp(text, no[i]) != 0)
            continue;
        *ret = strcasecmp(text, yes[i]) == 0;
        return ERR_OK;
    }
    return cli_fail_usage("Invalid value for '--%s': '%.40s' is not a valid boolean.", option, text);
}

static err_t take_rights(const struct cli *cli, enum cli_policy_kind kind, uint32_t *ret)
{
    uint32_t rights = 0;

    for (size_t i = 0; i < cli_right_count; i++) {
        const struct cli_right *r = &cli_rights[i];
        const char *text = cli->options[CLI_RIGHT + i];
        bool given = r->defaults & 1u << kind;
        err_t e = text ? parse_bool(r->name, text, &given) : ERR_OK;

        if (e)
            return e;
        if (given)
            rights |= r->bit;
    }
    *ret = rights;
    return ERR_OK;
}

static err_t take_pcr(const struct cli *cli, struct se_policy_rule *rule)
{
    const char *id = cli->options[CLI_PCR_ID], *value = cli->options[CLI_PCR_VALUE];
    autobuf bytes = BUF_INIT(SE_PCR_LEN);
    err_t e;

    if (!id && !value)
        return ERR_OK;
    if (!id || !value)
        return cli_fail_usage("Options '--pcr_obj_id' and '--pcr_expected_value' belong together.");
    e = cli_any_id("--pcr_obj_id", id, &rule->pcr);
    if (e)
        return e;
    if (hex_decode(&bytes, slice_str(value)) || bytes.n != SE_PCR_LEN)
        return cli_fail_usage("Invalid value for '--pcr_expected_value': %d bytes in hex are expected.",
                              SE_PCR_LEN);
    memcpy(rule->pcr_value, bytes.p, SE_PCR_LEN);
    rule->rights |= SE_POLICY_REQUIRE_PCR;
    return ERR_OK;
}

/* The rule for that authentication object: the one there is, or a new one. */
static err_t put_rule(struct cli_policy *p, const char *name, const struct se_policy_rule *rule)
{
    for (size_t i = 0; i < p->set.n; i++)
        if (p->set.rules[i].auth == rule->auth) {
            p->set.rules[i] = *rule;
            return ERR_OK;
        }
    if (p->set.n == SE_POLICY_RULES_MAX)
        return cli_fail(ERR_TOO_BIG, "policy %s has %d rules already, no more fit", name,
                        SE_POLICY_RULES_MAX);
    p->set.rules[p->set.n++] = *rule;
    return ERR_OK;
}

/* The policy to add to: the one of that name, or an empty one. */
static err_t start_policy(const char *name, enum cli_policy_kind kind, struct cli_policy *ret)
{
    struct cli_policy p = { 0 };
    err_t e = cli_policy_load(name, &p);

    if (e == ERR_NOT_FOUND) {
        *ret = (struct cli_policy){ .kind = kind };
        return ERR_OK;
    }
    if (!e && p.kind != kind)
        return cli_fail(ERR_EXISTS, "policy %s is there and for objects of type %s", name,
                        cli_policy_kind_name(p.kind));
    if (!e)
        *ret = p;
    return e;
}

static err_t check_size(const struct cli_policy *p, const char *name)
{
    autobuf bytes = BUF_INIT(SE_POLICY_SET_MAX);
    err_t e = se_policy_encode(&p->set, &bytes);

    return e ? cli_fail(e, "policy %s is longer than the %d bytes that a chip takes", name, SE_POLICY_SET_MAX)
             : ERR_OK;
}

static err_t make(struct cli *cli, enum cli_policy_kind kind)
{
    const char *name = cli->args[0];
    struct se_policy_rule rule = { 0 };
    struct cli_policy p = { 0 };
    err_t e = cli_any_id("AUTH_OBJ_ID", cli->args[1], &rule.auth);

    if (!e)
        e = take_rights(cli, kind, &rule.rights);
    if (!e)
        e = take_pcr(cli, &rule);
    if (!e)
        e = start_policy(name, kind, &p);
    if (!e)
        e = put_rule(&p, name, &rule);
    if (!e)
        e = check_size(&p, name);
    if (!e)
        e = cli_policy_save(name, &p);
    if (e)
        return e;
    cli_say(cli, "Policy %s: %zu rule%s\n", name, p.set.n, p.set.n == 1 ? "" : "s");
    cli_put_str(cli, "policy", name);
    cli_put(cli, "rules", cli_policy_rules_json(&p.set));
    return ERR_OK;
}

err_t cli_policy_asymkey(struct cli *cli)
{
    return make(cli, CLI_POLICY_ASYMKEY);
}

err_t cli_policy_symkey(struct cli *cli)
{
    return make(cli, CLI_POLICY_SYMKEY);
}

err_t cli_policy_userid(struct cli *cli)
{
    return make(cli, CLI_POLICY_USERID);
}

err_t cli_policy_file(struct cli *cli)
{
    return make(cli, CLI_POLICY_FILE);
}

err_t cli_policy_counter(struct cli *cli)
{
    return make(cli, CLI_POLICY_COUNTER);
}

err_t cli_policy_pcr(struct cli *cli)
{
    return make(cli, CLI_POLICY_PCR);
}

static err_t say_rule(const struct cli *cli, const struct se_policy_rule *r)
{
    autobuf rights = BUF_INIT(1024);
    char value[2 * SE_PCR_LEN + 1];
    err_t e = cli_policy_rights_text(r->rights, ", ", &rights);

    if (e)
        return e;
    cli_say(cli, "  0x%08" PRIX32 "  %s\n", r->auth, buf_str(&rights));
    if (r->rights & SE_POLICY_REQUIRE_PCR) {
        hex_str(value, SLICE_ARRAY(r->pcr_value));
        cli_say(cli, "              while PCR 0x%08" PRIX32 " is %s\n", r->pcr, value);
    }
    return ERR_OK;
}

err_t cli_policy_dump(struct cli *cli)
{
    autobuf bytes = BUF_INIT(SE_POLICY_SET_MAX), hex = BUF_INIT(2 * SE_POLICY_SET_MAX);
    struct cli_policy p = { 0 };
    err_t e = cli_policy_load(cli->args[0], &p);

    if (!e)
        e = se_policy_encode(&p.set, &bytes);
    if (!e)
        e = hex_encode_upper(&hex, buf_slice(&bytes));
    if (e)
        return e;
    cli_say(cli, "Policy %s for %s: %s\n", cli->args[0], cli_policy_kind_name(p.kind), buf_str(&hex));
    for (size_t i = 0; !e && i < p.set.n; i++)
        e = say_rule(cli, &p.set.rules[i]);
    cli_put_str(cli, "policy", cli->args[0]);
    cli_put_str(cli, "type", cli_policy_kind_name(p.kind));
    cli_put_str(cli, "bytes", buf_str(&hex));
    cli_put(cli, "rules", cli_policy_rules_json(&p.set));
    return e;
}
