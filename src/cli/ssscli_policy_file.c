/* Named policies: the table of rights, the file's form, loading and saving. */
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "cli/ssscli_policy.h"
#include "cli/ssscli_session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { POLICY_FILE_MAX = 64 * 1024, NAME_LEN_MAX = 64, JSON_DEPTH = 5, VERSION = 1 };

#define ASYM (1u << CLI_POLICY_ASYMKEY)
#define SYM (1u << CLI_POLICY_SYMKEY)
#define USER (1u << CLI_POLICY_USERID)
#define FILES (1u << CLI_POLICY_FILE)
#define COUNT (1u << CLI_POLICY_COUNTER)
#define PCR (1u << CLI_POLICY_PCR)
#define DATA (FILES | COUNT | PCR)
#define KEYS (ASYM | SYM)
#define ALL (KEYS | USER | DATA)

// clang-format off
const struct cli_right cli_rights[] = {
    /* name                     bit                               can be given to  given unless refused */
    { "sign",                   SE_POLICY_SIGN,                   KEYS,            KEYS },
    { "verify",                 SE_POLICY_VERIFY,                 KEYS,            KEYS },
    { "encrypt",                SE_POLICY_ENCRYPT,                KEYS,            KEYS },
    { "decrypt",                SE_POLICY_DECRYPT,                KEYS,            KEYS },
    { "key_agreement",          SE_POLICY_KEY_AGREEMENT,          ASYM,            0 },
    { "hkdf",                   SE_POLICY_KDF,                    KEYS,            SYM },
    { "pbkdf",                  SE_POLICY_PBKDF,                  SYM,             0 },
    { "tls_kdf",                SE_POLICY_TLS_KDF,                SYM,             0 },
    { "tls_kdf_ext_random",     SE_POLICY_TLS_KDF_EXT_RANDOM,     SYM,             0 },
    { "tls_pms",                SE_POLICY_TLS_PMS,                KEYS,            0 },
    { "wrap",                   SE_POLICY_WRAP,                   KEYS,            0 },
    { "generate",               SE_POLICY_GENERATE,               ASYM,            ASYM },
    { "read",                   SE_POLICY_READ,                   ALL & ~USER,     ALL & ~USER },
    { "write",                  SE_POLICY_WRITE,                  ALL,             ALL },
    { "delete",                 SE_POLICY_DELETE,                 ALL,             ALL },
    { "import_export",          SE_POLICY_IMPORT_EXPORT,          KEYS,            0 },
    { "attestation",            SE_POLICY_ATTEST,                 ASYM,            0 },
    { "desfire_auth",           SE_POLICY_DESFIRE_AUTH,           SYM,             0 },
    { "desfire_dump",           SE_POLICY_DESFIRE_DUMP,           SYM,             0 },
    { "desfire_kdf",            SE_POLICY_DESFIRE_KDF,            SYM,             0 },
    { "forbid_derived_output",  SE_POLICY_FORBID_DERIVED_OUTPUT,  KEYS,            0 },
    { "forbid_external_iv",     SE_POLICY_FORBID_EXTERNAL_IV,     SYM,             0 },
    { "hmac_pepper",            SE_POLICY_HMAC_PEPPER,            SYM,             0 },
    { "internal_sign",          SE_POLICY_INTERNAL_SIGN,          ASYM,            0 },
    { "require_sm",             SE_POLICY_REQUIRE_SM,             ALL,             0 },
    { "forbid_all",             SE_POLICY_FORBID_ALL,             ALL,             0 },
};
// clang-format on
const size_t cli_right_count = ARRAY_LEN(cli_rights);

static const char *const kind_names[CLI_POLICY_KINDS] = {
    [CLI_POLICY_ASYMKEY] = "asymkey", [CLI_POLICY_SYMKEY] = "symkey",   [CLI_POLICY_USERID] = "userid",
    [CLI_POLICY_FILE] = "file",       [CLI_POLICY_COUNTER] = "counter", [CLI_POLICY_PCR] = "pcr",
};

const char *cli_policy_kind_name(enum cli_policy_kind kind)
{
    return kind_names[kind];
}

/* ---- writing ---- */

static json_t *rights_json(uint32_t rights)
{
    json_t *list = json_array();

    for (size_t i = 0; i < cli_right_count; i++)
        if (rights & cli_rights[i].bit)
            (void)json_array_append_new(list, json_string(cli_rights[i].name));
    return list;
}

static json_t *rule_json(const struct se_policy_rule *r)
{
    char value[2 * SE_PCR_LEN + 1];
    json_t *j = json_pack("{s:o,s:o}", "auth", cli_json_id(r->auth), "rights", rights_json(r->rights));

    if (!j || !(r->rights & SE_POLICY_REQUIRE_PCR))
        return j;
    hex_str(value, SLICE_ARRAY(r->pcr_value));
    (void)json_object_set_new(j, "pcr", json_pack("{s:o,s:s}", "id", cli_json_id(r->pcr), "value", value));
    return j;
}

json_t *cli_policy_rules_json(const struct se_policy *set)
{
    json_t *rules = json_array();

    for (size_t i = 0; rules && i < set->n; i++)
        (void)json_array_append_new(rules, rule_json(&set->rules[i]));
    return rules;
}

err_t cli_policy_write(const struct cli_policy *p, struct buf *out)
{
    auto_json *j = json_pack("{s:i,s:s,s:o}", "v", VERSION, "type", kind_names[p->kind], "rules",
                             cli_policy_rules_json(&p->set));
    err_t e = j ? json_write(out, j, 2) : ERR_NOMEM;

    return e ? e : buf_add_u8(out, '\n');
}

err_t cli_policy_rights_text(uint32_t rights, const char *between, struct buf *out)
{
    const char *before = "";
    err_t e = ERR_OK;

    for (size_t i = 0; !e && i < cli_right_count; i++) {
        if (!(rights & cli_rights[i].bit))
            continue;
        e = buf_printf(out, "%s%s", before, cli_rights[i].name);
        before = between;
    }
    return !e && !*before ? buf_add_str(out, "none") : e;
}

/* ---- reading ---- */

struct parse {
    struct cli_policy p;
    char *why;
    size_t room;
};

#define CORRUPT(c, ...) ((void)snprintf((c)->why, (c)->room, __VA_ARGS__), ERR_CORRUPT)

static err_t parse_id(struct parse *c, const json_t *obj, const char *name, uint32_t *ret)
{
    const char *text = json_get_str(obj, name);

    if (!text || strncmp(text, "0x", 2) != 0 || strlen(text) > 10 || !text[2] ||
        strspn(text + 2, "0123456789abcdefABCDEF") != strlen(text + 2))
        return CORRUPT(c, "\"%s\" is not an object id such as \"0x7DA00001\"", name);
    *ret = (uint32_t)strtoul(text, NULL, 16);
    return ERR_OK;
}

static err_t parse_right(struct parse *c, const json_t *name, struct se_policy_rule *rule)
{
    const char *text = json_string_value(name);

    for (size_t i = 0; text && i < cli_right_count; i++) {
        if (strcmp(cli_rights[i].name, text) != 0)
            continue;
        if (!(cli_rights[i].kinds & 1u << c->p.kind))
            return CORRUPT(c, "a policy for %s cannot give \"%s\"", kind_names[c->p.kind], text);
        rule->rights |= cli_rights[i].bit;
        return ERR_OK;
    }
    return CORRUPT(c, "\"%.40s\" is not a right", text ? text : "?");
}

static err_t parse_pcr(struct parse *c, const json_t *pcr, struct se_policy_rule *rule)
{
    autobuf value = BUF_INIT(SE_PCR_LEN);
    const char *text = json_get_str(pcr, "value");
    err_t e = parse_id(c, pcr, "id", &rule->pcr);

    if (e)
        return e;
    if (!text || hex_decode(&value, slice_str(text)) || value.n != SE_PCR_LEN)
        return CORRUPT(c, "the value of a PCR is %d bytes in hex", SE_PCR_LEN);
    memcpy(rule->pcr_value, value.p, SE_PCR_LEN);
    rule->rights |= SE_POLICY_REQUIRE_PCR;
    return ERR_OK;
}

static err_t parse_rule(struct parse *c, const json_t *j)
{
    struct se_policy_rule rule = { 0 };
    const json_t *rights = json_get_arr(j, "rights"), *pcr = json_object_get(j, "pcr");
    const json_t *name;
    size_t i;
    err_t e = parse_id(c, j, "auth", &rule.auth);

    if (!e && !rights)
        e = CORRUPT(c, "a rule without \"rights\"");
    json_array_foreach(rights, i, name)
    {
        if (!e)
            e = parse_right(c, name, &rule);
    }
    if (!e && pcr)
        e = parse_pcr(c, pcr, &rule);
    if (!e && c->p.set.n == SE_POLICY_RULES_MAX)
        e = CORRUPT(c, "more than %d rules", SE_POLICY_RULES_MAX);
    if (!e)
        c->p.set.rules[c->p.set.n++] = rule;
    return e;
}

static err_t parse_kind(struct parse *c, const json_t *j)
{
    const char *type = json_get_str(j, "type");

    if (json_get_int(j, "v", 0) != VERSION)
        return CORRUPT(c, "\"v\" is not %d", VERSION);
    for (size_t i = 0; type && i < CLI_POLICY_KINDS; i++)
        if (strcmp(kind_names[i], type) == 0) {
            c->p.kind = (enum cli_policy_kind)i;
            return ERR_OK;
        }
    return CORRUPT(c, "\"type\" is not that of a policy");
}

err_t cli_policy_parse(struct slice text, struct cli_policy *ret, char *why, size_t room)
{
    struct parse c = { .why = why, .room = room };
    auto_json *j = NULL;
    struct json_where where;
    const json_t *rule;
    size_t i;
    err_t e;

    if (json_parse(text, JSON_DEPTH, &j, &where))
        return CORRUPT(&c, "line %d, column %d: %s", where.line, where.column, where.text);
    e = parse_kind(&c, j);
    json_array_foreach(json_get_arr(j, "rules"), i, rule)
    {
        if (!e)
            e = parse_rule(&c, rule);
    }
    if (!e && c.p.set.n == 0)
        e = CORRUPT(&c, "no rule in it");
    if (!e)
        *ret = c.p;
    return e;
}

/* ---- files ---- */

static err_t policy_path(const char *name, char **ret)
{
    autofree char *folder = cli_state_path("SEDGE_SSSCLI_POLICIES", "policies");
    size_t n = strlen(name);

    if (n == 0 || n > NAME_LEN_MAX || name[0] == '.' ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != n)
        return cli_fail_usage(
            "Invalid value for 'POLICY_NAME': '%.40s' is not a name: up to %d letters, digits, "
            "'.', '_', '-'",
            name, NAME_LEN_MAX);
    if (!folder)
        return cli_fail(ERR_INVALID, "no place for policies: set HOME or SEDGE_SSSCLI_POLICIES");
    *ret = mem_printf("%s/%s.json", folder, name);
    return *ret ? ERR_OK : ERR_NOMEM;
}

err_t cli_policy_load(const char *name, struct cli_policy *ret)
{
    autobuf text = BUF_INIT(POLICY_FILE_MAX);
    autofree char *path = NULL;
    char why[200] = "";
    err_t e = policy_path(name, &path);

    if (e)
        return e;
    e = file_read_private(path, &text);
    if (e == ERR_NOT_FOUND)
        return cli_fail(
            e, "there is no policy %s (%s): make it with `ssscli policy asymkey %s AUTHID` or its kin", name,
            path, name);
    if (e == ERR_DENIED)
        return cli_fail(e, "policy file %s: must belong to you and be closed to others (chmod 600)", path);
    if (e)
        return cli_fail(e, "cannot read policy file %s: %s", path, err_str(e));
    e = cli_policy_parse(buf_slice(&text), ret, why, sizeof(why));
    return e ? cli_fail(e, "%s is not a policy file: %s", path, why) : ERR_OK;
}

err_t cli_policy_save(const char *name, const struct cli_policy *p)
{
    autobuf text = BUF_INIT(POLICY_FILE_MAX);
    autofree char *path = NULL;
    err_t e = policy_path(name, &path);

    if (e)
        return e;
    e = cli_policy_write(p, &text);
    if (!e)
        e = cli_state_parent(path);
    if (!e)
        e = file_write_durable(path, buf_slice(&text), 0600);
    return e ? cli_fail(e, "cannot write policy file %s: %s", path, err_str(e)) : ERR_OK;
}

err_t cli_policy_option(const struct cli *cli, unsigned kinds, struct se_policy *ret)
{
    const char *name = cli->options[CLI_POLICY_NAME];
    struct cli_policy p = { 0 };
    err_t e;

    *ret = (struct se_policy){ 0 };
    if (!name)
        return ERR_OK;
    e = cli_policy_load(name, &p);
    if (e)
        return e;
    if (!(kinds & 1u << p.kind))
        return cli_fail(ERR_INVALID, "policy %s is for objects of type %s, not for this one", name,
                        kind_names[p.kind]);
    *ret = p.set;
    return ERR_OK;
}
