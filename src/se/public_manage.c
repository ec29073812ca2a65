/* The installed library: settings (include/sedge/se_manage.h). */
#include "se/desfire.h"
#include "se/detail.h"
#include "se/i2cm.h"
#include "se/manage.h"
#include "se/pake.h"
#include "se/public.h"
#include "se/rotate.h"

static err_t add_step(struct buf *list, const struct sedge_se_i2cm *step)
{
    switch (step->kind) {
    case SEDGE_SE_I2CM_CONFIGURE:
        return se_i2cm_configure(list, step->address, step->frequency);
    case SEDGE_SE_I2CM_WRITE:
        return se_i2cm_write(list, in(step->data));
    case SEDGE_SE_I2CM_READ:
        return step->read.room > SE_I2CM_ANSWER_MAX ? ERR_TOO_BIG
                                                    : se_i2cm_read(list, (uint16_t)step->read.room);
    default:
        return ERR_INVALID;
    }
}

/* The answer was found to be the one to these steps: se_i2cm_run. */
void se_i2cm_results_of(struct slice answer, struct sedge_se_i2cm *steps, size_t n)
{
    struct se_i2cm_result r;

    for (size_t i = 0; i < n && se_i2cm_next(&answer, &r) == ERR_OK; i++) {
        steps[i].done = r.done;
        if (steps[i].kind != SEDGE_SE_I2CM_READ)
            continue;
        if (r.data.n)
            memcpy(steps[i].read.p, r.data.p, r.data.n);
        steps[i].read.n = r.data.n;
    }
}

err_t se_i2cm_list_of(const struct sedge_se_i2cm *steps, size_t n, struct buf *list)
{
    err_t e = ERR_OK;

    for (size_t i = 0; !e && i < n; i++)
        e = add_step(list, &steps[i]);
    return e;
}

sedge_err sedge_se_version_ext(sedge_se *se, uint8_t ret[SEDGE_SE_VERSION_EXT_LEN])
{
    return (sedge_err)se_manage_version_ext(chip(se), ret);
}

sedge_err sedge_se_timestamp(sedge_se *se, uint8_t ret[SEDGE_SE_TIMESTAMP_LEN])
{
    return (sedge_err)se_manage_timestamp(chip(se), ret);
}

sedge_err sedge_se_state(sedge_se *se, bool *ret_locked, uint8_t *ret_restricted, bool *ret_scp_required)
{
    struct se_state s;
    err_t e = se_manage_state(chip(se), &s);

    if (e)
        return (sedge_err)e;
    *ret_locked = s.locked;
    *ret_restricted = s.restricted;
    *ret_scp_required = s.scp_required;
    return SEDGE_ERR_OK;
}

sedge_err sedge_se_self_test(sedge_se *se, uint16_t test, bool *ret_passed)
{
    return (sedge_err)se_manage_self_test(chip(se), test, ret_passed);
}

sedge_err sedge_se_delete_all(sedge_se *se)
{
    return (sedge_err)se_manage_delete_all(chip(se));
}

sedge_err sedge_se_lock(sedge_se *se, bool persistent, bool locked)
{
    return (sedge_err)se_manage_lock(chip(se), persistent, locked);
}

sedge_err sedge_se_require_scp(sedge_se *se, bool required)
{
    return (sedge_err)se_manage_require_scp(chip(se), required);
}

sedge_err sedge_se_set_features(sedge_se *se, uint16_t config, sedge_bytes more)
{
    return (sedge_err)se_manage_features(chip(se), config, in(more));
}

sedge_err sedge_se_restrict(sedge_se *se, bool persistent, uint8_t mode)
{
    return (sedge_err)se_manage_restrict(chip(se), persistent, mode);
}

sedge_err sedge_se_i2cm(sedge_se *se, struct sedge_se_i2cm *steps, size_t n)
{
    autobuf list = BUF_INIT(SE_I2CM_COMMAND_MAX), answer = BUF_INIT(SE_I2CM_ANSWER_MAX);
    err_t e = se_i2cm_list_of(steps, n, &list);

    if (!e)
        e = se_i2cm_run(chip(se), buf_slice(&list), &answer);
    if (!e)
        se_i2cm_results_of(buf_slice(&answer), steps, n);
    return (sedge_err)e;
}

sedge_err sedge_se_desfire_diversify(sedge_se *se, uint32_t master, uint32_t target, sedge_bytes input)
{
    return (sedge_err)se_desfire_diversify(chip(se), master, target, in(input));
}

sedge_err sedge_se_desfire_first_part1(sedge_se *se, uint32_t key, const uint8_t challenge[16],
                                       uint8_t ret[32])
{
    return (sedge_err)se_desfire_first_part1(chip(se), key, challenge, ret);
}

sedge_err sedge_se_desfire_first_part2(sedge_se *se, const uint8_t card[32], uint8_t ret[12])
{
    return (sedge_err)se_desfire_first_part2(chip(se), card, ret);
}

sedge_err sedge_se_desfire_next_part1(sedge_se *se, uint32_t key, const uint8_t challenge[16],
                                      uint8_t ret[32])
{
    return (sedge_err)se_desfire_next_part1(chip(se), key, challenge, ret);
}

sedge_err sedge_se_desfire_next_part2(sedge_se *se, const uint8_t card[16])
{
    return (sedge_err)se_desfire_next_part2(chip(se), card);
}

sedge_err sedge_se_desfire_dump(sedge_se *se, uint8_t ret[38])
{
    return (sedge_err)se_desfire_dump(chip(se), ret);
}

sedge_err sedge_se_desfire_change_part1(sedge_se *se, uint32_t old_key, uint32_t new_key, uint8_t set,
                                        uint8_t number, uint8_t version, sedge_out *ret)
{
    const struct se_desfire_change c = { old_key, new_key, set, number, version };
    autobuf b = room_for(ret);

    return give(se_desfire_change_part1(chip(se), &c, &b), &b, ret);
}

sedge_err sedge_se_desfire_change_part2(sedge_se *se, const uint8_t mac[8])
{
    return (sedge_err)se_desfire_change_part2(chip(se), mac);
}

sedge_err sedge_se_desfire_end(sedge_se *se)
{
    return (sedge_err)se_desfire_end(chip(se));
}

sedge_err sedge_se_pake_configure(sedge_se *se, uint16_t object, uint8_t device)
{
    return (sedge_err)se_pake_configure(chip(se), object, device);
}

sedge_err sedge_se_pake_names(sedge_se *se, uint16_t object, sedge_bytes context, sedge_bytes prover,
                              sedge_bytes verifier)
{
    return (sedge_err)se_pake_names(chip(se), object, in(context), in(prover), in(verifier));
}

sedge_err sedge_se_pake_credentials(sedge_se *se, uint16_t object, uint32_t w0, uint32_t w1, uint32_t l)
{
    return (sedge_err)se_pake_credentials(chip(se), object, w0, w1, l);
}

sedge_err sedge_se_pake_share(sedge_se *se, uint16_t object, sedge_bytes peer, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_pake_share(chip(se), object, in(peer), &b), &b, ret);
}

sedge_err sedge_se_pake_keys(sedge_se *se, uint16_t object, sedge_bytes peer, sedge_out *ret_secret,
                             sedge_out *ret_confirmation)
{
    autobuf secret = room_for(ret_secret), confirmation = room_for(ret_confirmation);
    err_t e = se_pake_keys(chip(se), object, in(peer), &secret, &confirmation);

    return give_two(e, &secret, ret_secret, &confirmation, ret_confirmation);
}

sedge_err sedge_se_pake_verify(sedge_se *se, uint16_t object, sedge_bytes confirmation)
{
    return (sedge_err)se_pake_verify(chip(se), object, in(confirmation));
}

sedge_err sedge_se_pake_device(sedge_se *se, uint16_t object, uint8_t *ret)
{
    return (sedge_err)se_pake_device(chip(se), object, ret);
}

sedge_err sedge_se_pake_state(sedge_se *se, uint16_t object, uint8_t *ret)
{
    return (sedge_err)se_pake_state(chip(se), object, ret);
}

/* Exactly one set. */
static err_t find_one(const char *spec, struct se_keysets *ret)
{
    err_t e = spec ? se_keysets_find(spec, ret) : ERR_INVALID;

    return !e && ret->n != 1 ? se_fail(ERR_INVALID, "%s: this is not one set of keys", spec) : e;
}

sedge_err sedge_se_rotate_scp(sedge_se *se, const char *now, const char *next)
{
    struct se_keysets old = { 0 }, new = { 0 };
    err_t e = find_one(now, &old);

    if (!e)
        e = find_one(next, &new);
    if (!e)
        e = se_scp_rotate(chip(se), &old.set[0], &new.set[0]);
    se_keysets_wipe(&old);
    se_keysets_wipe(&new);
    return (sedge_err)e;
}
