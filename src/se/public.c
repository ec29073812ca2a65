/* The installed library: handles (include/sedge/se.h). One line each: what they do is in se/chip.h. */
#include "se/public.h"
#include "se/detail.h"

const char *sedge_err_text(sedge_err e)
{
    return err_str((err_t)e);
}

err_t se_how_of(const struct sedge_se_write *how, struct how *ret)
{
    *ret = (struct how){ 0 };
    if (!how)
        return ERR_OK;
    if (how->n_rules > SE_POLICY_RULES_MAX)
        return se_fail(ERR_TOO_BIG, "%zu rules are more than a policy has", how->n_rules);
    for (size_t i = 0; i < how->n_rules; i++) {
        const struct sedge_se_rule *from = &how->rules[i];
        struct se_policy_rule *to = &ret->policy.rules[i];

        *to = (struct se_policy_rule){ .auth = from->auth,
                                       .rights = from->rights,
                                       .pcr = from->pcr,
                                       .desfire_target = from->desfire_target,
                                       .derived_from = from->derived_from };
        memcpy(to->pcr_value, from->pcr_value, sizeof(to->pcr_value));
    }
    ret->policy.n = how->n_rules;
    ret->write =
        (struct se_write){ &ret->policy, how->max_attempts, how->auth, how->transient, how->version };
    ret->how = &ret->write;
    return ERR_OK;
}

_Static_assert(SE_POLICY_RULES_MAX ==
                   sizeof(((struct sedge_se_attributes *)0)->rules) / sizeof(struct sedge_se_rule),
               "as many rules outside as inside");

void se_attributes_of(const struct se_attributes *a, struct sedge_se_attributes *ret)
{
    *ret = (struct sedge_se_attributes){
        .id = a->id,
        .type = a->type,
        .auth = a->auth,
        .attempts = a->attempts,
        .max_attempts = a->max_attempts,
        .min_tag = a->min_tag,
        .owner = a->owner,
        .origin = (enum sedge_se_origin)a->origin,
        .version = a->version,
        .n_rules = a->policy.n,
    };
    for (size_t i = 0; i < a->policy.n; i++) {
        const struct se_policy_rule *from = &a->policy.rules[i];

        ret->rules[i] = (struct sedge_se_rule){ .auth = from->auth,
                                                .rights = from->rights,
                                                .pcr = from->pcr,
                                                .desfire_target = from->desfire_target,
                                                .derived_from = from->derived_from };
        memcpy(ret->rules[i].pcr_value, from->pcr_value, sizeof(from->pcr_value));
    }
}

sedge_err sedge_se_open(const struct sedge_se_options *options, sedge_se **ret)
{
    struct se_chip_options o = { 0 };
    struct se_chip *opened = NULL;
    err_t e;

    if (options) {
        o.port = options->port;
        o.scp03 = options->scp03;
    }
    e = se_chip_open_options(&o, &opened);
    if (!e)
        *ret = (sedge_se *)opened;
    return (sedge_err)e;
}

void sedge_se_close(sedge_se *se)
{
    se_chip_close(chip(se));
}

sedge_err sedge_se_begin(sedge_se *se)
{
    return (sedge_err)se_chip_begin(chip(se));
}

void sedge_se_end(sedge_se *se)
{
    se_chip_end(chip(se));
}

const char *sedge_se_detail(void)
{
    return se_detail();
}

void sedge_se_version(const sedge_se *se, struct sedge_se_version *ret)
{
    struct se_version v = se_chip_version((const struct se_chip *)se);

    *ret = (struct sedge_se_version){ v.major, v.minor, v.patch, v.config, v.secure_box };
}

sedge_err sedge_se_uid(sedge_se *se, uint8_t ret[SEDGE_SE_UNIQUE_ID_LEN])
{
    return (sedge_err)se_chip_uid(chip(se), ret);
}

sedge_err sedge_se_random(sedge_se *se, uint8_t *ret, size_t n)
{
    return (sedge_err)se_chip_random(chip(se), ret, n);
}

sedge_err sedge_se_free_memory(sedge_se *se, uint8_t kind, uint32_t *ret)
{
    return (sedge_err)se_chip_free_memory(chip(se), kind, ret);
}

sedge_err sedge_se_command(sedge_se *se, sedge_bytes apdu, sedge_out *ret_answer)
{
    struct slice answer = { 0 };
    autobuf b = room_for(ret_answer);
    err_t e = se_chip_begin(chip(se));

    if (e)
        return (sedge_err)e;
    e = se_chip_command(chip(se), in(apdu), &answer);
    if (!e)
        e = buf_add(&b, answer);
    se_chip_end(chip(se));
    return give(e, &b, ret_answer);
}
