/* The installed library: attestation (include/sedge/se_attest.h). */
#include "se/attest.h"
#include "se/i2cm.h"
#include "se/public.h"

static const struct se_attest *by_of(const struct sedge_se_attest *by, struct se_attest *room)
{
    if (!by)
        return NULL;
    *room = (struct se_attest){ by->key, in(by->point) };
    return room;
}

static void proof_of(const struct se_proof *p, struct sedge_se_proof *ret)
{
    se_attributes_of(&p->attributes, &ret->attributes);
    memcpy(ret->chip_id, p->chip_id, sizeof(ret->chip_id));
    memcpy(ret->timestamp, p->timestamp, sizeof(ret->timestamp));
    ret->generated_inside = se_proof_generated_inside(p);
}

sedge_err sedge_se_attest_attributes(sedge_se *se, uint32_t id, const struct sedge_se_attest *by,
                                     struct sedge_se_proof *ret)
{
    struct se_attest room;
    struct se_proof p;
    err_t e = se_attest_attributes(chip(se), id, by_of(by, &room), &p);

    if (!e)
        proof_of(&p, ret);
    return (sedge_err)e;
}

sedge_err sedge_se_attest_read(sedge_se *se, uint32_t id, const struct sedge_se_attest *by, sedge_out *ret,
                               struct sedge_se_proof *ret_proof)
{
    autobuf b = room_for(ret);
    struct se_attest room;
    struct se_proof p;
    err_t e = se_attest_read(chip(se), id, by_of(by, &room), &b, &p);

    if (!e)
        proof_of(&p, ret_proof);
    return give(e, &b, ret);
}

sedge_err sedge_se_attest_self_test(sedge_se *se, uint16_t test, const struct sedge_se_attest *by,
                                    bool *ret_passed)
{
    struct se_attest room;

    return (sedge_err)se_attest_self_test(chip(se), test, by_of(by, &room), ret_passed);
}

sedge_err sedge_se_attest_i2cm(sedge_se *se, struct sedge_se_i2cm *steps, size_t n,
                               const struct sedge_se_attest *by)
{
    autobuf list = BUF_INIT(SE_I2CM_COMMAND_MAX), answer = BUF_INIT(SE_I2CM_ANSWER_MAX);
    struct se_attest room;
    err_t e = se_i2cm_list_of(steps, n, &list);

    if (!e)
        e = se_attest_i2cm(chip(se), buf_slice(&list), by_of(by, &room), &answer);
    if (!e)
        se_i2cm_results_of(buf_slice(&answer), steps, n);
    return (sedge_err)e;
}
