#include "se/command.h"
#include "se/detail.h"
#include "se/object.h"

enum { ENTRY = 4 }; /* id(2) context(1) subtype(1) */

err_t se_crypto_object_list(struct se_chip *chip, struct se_crypto_object out[SE_CRYPTO_OBJECTS_MAX],
                            size_t *ret_n)
{
    static const char what[] = "listing the crypto objects";
    auto_hold *held = NULL;
    auto_command c = { 0 };
    struct slice answer, list;
    struct reader r;
    err_t e;

    se_command_init(&c, SE_INS_READ, SE_P1_CRYPTO_OBJECT, SE_P2_LIST, SE_COMMAND_ANSWER);
    e = se_hold(chip, &held);
    if (!e)
        e = se_command_run(chip, &c, what, &answer);
    if (e)
        return e;
    if (se_answer_only(answer, SE_TAG_1, &list) || list.n % ENTRY)
        return se_command_malformed(what);
    if (list.n / ENTRY > SE_CRYPTO_OBJECTS_MAX)
        return se_fail(ERR_TOO_BIG, "%s: more than %d", what, SE_CRYPTO_OBJECTS_MAX);
    r = reader_of(list);
    for (size_t i = 0; !reader_empty(&r); i++) {
        out[i].id = reader_be16(&r);
        out[i].context = reader_u8(&r);
        out[i].subtype = reader_u8(&r);
    }
    *ret_n = list.n / ENTRY;
    return ERR_OK;
}

err_t se_crypto_object_delete(struct se_chip *chip, uint16_t id)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_MGMT, SE_P1_CRYPTO_OBJECT, SE_P2_DELETE_OBJECT, SE_COMMAND_STATUS);
    tlv_put_be16(&c.w, SE_TAG_1, id);
    return se_call_status(chip, &c, "deleting a crypto object");
}

err_t se_crypto_object_create(struct se_chip *chip, const struct se_crypto_object *object)
{
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_WRITE, SE_P1_CRYPTO_OBJECT, SE_P2_DEFAULT, SE_COMMAND_STATUS);
    tlv_put_be16(&c.w, SE_TAG_1, object->id);
    tlv_put_u8(&c.w, SE_TAG_2, object->context);
    tlv_put_u8(&c.w, SE_TAG_3, object->subtype);
    return se_call_status(chip, &c, "creating a crypto object");
}

err_t se_crypto_object_ensure(struct se_chip *chip, const struct se_crypto_object *object)
{
    struct se_crypto_object list[SE_CRYPTO_OBJECTS_MAX] = { 0 };
    auto_hold *held = NULL;
    size_t n = 0;
    err_t e = se_hold(chip, &held);

    if (!e)
        e = se_crypto_object_list(chip, list, &n);
    if (e)
        return e;
    for (size_t i = 0; i < n; i++)
        if (list[i].id == object->id)
            return list[i].context == object->context && list[i].subtype == object->subtype
                       ? ERR_OK
                       : se_fail(ERR_EXISTS, "crypto object %u is for something else; delete it first",
                                 object->id);
    return se_crypto_object_create(chip, object);
}
