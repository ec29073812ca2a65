/* Crypto objects (reference 3.9): made, listed, deleted. What runs in them is in the files of its family. */
#include "vse/dispatch.h"
#include "vse/work.h"

/* The entry is kept; the work that will run in it is not. */
static uint16_t create(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint16_t id = vse_arg_u16(&c->args, SE_TAG_1, 0);
    uint8_t kind[VSE_CRYPTO_OBJECT_STORED] = { vse_arg_u8(&c->args, SE_TAG_2, 0),
                                               vse_arg_u8(&c->args, SE_TAG_3, 0) };
    struct vse_nvm_op op = {
        .put = true, .kind = VSE_NVM_CRYPTO_OBJECT, .id = id, .value = SLICE_ARRAY(kind)
    };
    err_t e;

    (void)out;
    if (c->args.bad || !vse_crypto_object_kind_valid(a->part->generation, kind[0], kind[1]))
        return SE_SW_WRONG_DATA;
    if (vse_crypto_object_find(&a->crypto, id))
        return SE_SW_CONDITIONS;
    if (a->crypto.n == VSE_CRYPTO_OBJECTS_MAX)
        return SE_SW_NO_MEMORY;
    e = a->nvm.apply(a->nvm.ctx, &op, 1);
    if (!e)
        e = vse_crypto_object_add(&a->crypto, id, kind[0], kind[1]);
    return vse_sw_from_err(e);
}

static uint16_t list(struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    autobuf entries = BUF_INIT(VSE_CRYPTO_OBJECTS_MAX * 4);
    struct writer w = writer_of(&entries);

    (void)c;
    for (size_t i = 0; i < a->crypto.n; i++) {
        writer_be16(&w, a->crypto.v[i].id);
        writer_u8(&w, a->crypto.v[i].context);
        writer_u8(&w, a->crypto.v[i].subtype);
    }
    if (writer_done(&w))
        return vse_sw_from_err(writer_done(&w));
    tlv_put(out, SE_TAG_1, buf_slice(&entries));
    return SE_SW_OK;
}

static uint16_t delete (struct vse_applet *a, struct vse_call *c, struct writer *out)
{
    uint16_t id = vse_arg_u16(&c->args, SE_TAG_1, 0);
    struct vse_nvm_op op = { .kind = VSE_NVM_CRYPTO_OBJECT, .id = id };
    err_t e;

    (void)out;
    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    if (!vse_crypto_object_find(&a->crypto, id))
        return SE_SW_CONDITIONS;
    e = a->nvm.apply(a->nvm.ctx, &op, 1);
    if (!e)
        vse_crypto_object_remove(&a->crypto, id);
    return vse_sw_from_err(e);
}

/* clang-format off */
const struct vse_command vse_commands_crypto_object[] = {
    { .name = "CreateCryptoObject", .ins = SE_INS_WRITE, .p1 = SE_P1_CRYPTO_OBJECT, .p2 = SE_P2_DEFAULT,
      .on = VSE_ON_ALL, .must = VSE_T(1) | VSE_T(2) | VSE_T(3), .run = create },
    { .name = "ReadCryptoObjectList", .ins = SE_INS_READ, .p1 = SE_P1_CRYPTO_OBJECT, .p2 = SE_P2_LIST,
      .on = VSE_ON_ALL, .run = list },
    { .name = "DeleteCryptoObject", .ins = SE_INS_MGMT, .p1 = SE_P1_CRYPTO_OBJECT, .p2 = SE_P2_DELETE_OBJECT,
      .on = VSE_ON_ALL, .must = VSE_T(1), .run = delete },
    VSE_COMMANDS_END,
};
/* clang-format on */
