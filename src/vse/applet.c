#include "vse/applet.h"

#include "base/mem.h"
#include "vse/apdu.h"
#include "vse/command.h"

#include <openssl/rand.h>

#include <assert.h>

enum {
    MEMORY_SIZE = 50 * 1024, /* user memory of an SE050 (product pages: about 50 kB) */
    CURVE_COST = 48,
};

void vse_applet_init(struct vse_applet *a, uint32_t version, struct vse_nvm nvm)
{
    *a = (struct vse_applet){ .version = version, .nvm = nvm };
}

void vse_applet_done(struct vse_applet *a)
{
    vse_objects_done(&a->objects);
}

/* ---- what is kept ---- */

static err_t load_curve(struct vse_applet *a, uint32_t id, struct slice value)
{
    if (id == 0 || id > SE_CURVE_WEIERSTRASS_COUNT || value.n != 1)
        return ERR_CORRUPT;
    a->curves[id] = value.p[0];
    return ERR_OK;
}

static err_t load_object(struct vse_applet *a, uint32_t id, struct slice value)
{
    struct vse_object *o;
    err_t e = vse_objects_reserve(&a->objects);

    if (!e)
        e = vse_object_decode(id, value, &o);
    if (e)
        return e;
    if (!vse_object_sound(o)) {
        vse_object_free(o);
        return ERR_CORRUPT;
    }
    vse_objects_put(&a->objects, o);
    return ERR_OK;
}

err_t vse_applet_load(struct vse_applet *a, uint8_t kind, uint32_t id, struct slice value)
{
    if (kind == VSE_NVM_CURVE)
        return load_curve(a, id, value);
    if (kind == VSE_NVM_OBJECT)
        return load_object(a, id, value);
    return ERR_CORRUPT;
}

size_t vse_applet_memory_free(const struct vse_applet *a)
{
    size_t used = 0;

    for (size_t i = 0; i < a->objects.n; i++)
        used += vse_object_size(a->objects.v[i]);
    for (size_t i = 0; i < sizeof(a->curves); i++)
        used += a->curves[i] ? CURVE_COST : 0;
    return used < MEMORY_SIZE ? MEMORY_SIZE - used : 0;
}

static err_t make_durable(struct vse_applet *a, const struct vse_object *o)
{
    autobuf value = BUF_SECRET(2 * SE_BINARY_MAX);
    err_t e = vse_object_encode(o, &value);
    struct vse_nvm_op op = { .put = true, .kind = VSE_NVM_OBJECT, .id = o->id };

    if (e)
        return e;
    op.value = buf_slice(&value);
    return a->nvm.apply(a->nvm.ctx, &op, 1);
}

static bool fits(const struct vse_applet *a, const struct vse_object *o)
{
    const struct vse_object *old = vse_objects_find(&a->objects, o->id);

    return vse_object_size(o) <= vse_applet_memory_free(a) + (old ? vse_object_size(old) : 0);
}

uint16_t vse_applet_commit(struct vse_applet *a, struct vse_object *o)
{
    auto_object *mine = o;
    err_t e;

    if (!fits(a, mine))
        return SE_SW_NO_MEMORY;
    e = vse_objects_reserve(&a->objects);
    if (!e && !(mine->transient && vse_objects_find(&a->objects, mine->id))) /* its entry is there already */
        e = make_durable(a, mine);
    if (e)
        return vse_sw_from_err(e);
    vse_objects_put(&a->objects, steal(&mine));
    return SE_SW_OK;
}

err_t vse_applet_provision(struct vse_applet *a)
{
    /* As the part's own ids look: a fixed maker and type in front, then the individual part. */
    uint8_t uid[SE_UNIQUE_ID_LEN] = { 0x04, 0x00, 0x50, 0x01 };
    auto_object *o = NULL;
    err_t e;

    if (vse_objects_find(&a->objects, SE_ID_UNIQUE_ID))
        return ERR_OK;
    if (RAND_bytes(uid + 4, sizeof(uid) - 4) != 1)
        return ERR_CRYPTO;
    o = vse_object_new(SE_ID_UNIQUE_ID, SE_TYPE_BINARY);
    e = o ? vse_object_set(o, VSE_DATA, SLICE_ARRAY(uid)) : ERR_NOMEM;
    if (!e)
        e = vse_objects_reserve(&a->objects);
    if (!e) {
        o->origin = VSE_ORIGIN_PROVISIONED;
        o->size = sizeof(uid);
        e = make_durable(a, o);
    }
    if (!e)
        vse_objects_put(&a->objects, steal(&o));
    return e;
}

void vse_applet_deselect(struct vse_applet *a)
{
    a->selected = false;
}

void vse_applet_reset(struct vse_applet *a)
{
    vse_applet_deselect(a);
    for (size_t i = 0; i < a->objects.n; i++)
        if (a->objects.v[i]->transient)
            vse_object_clear(a->objects.v[i]);
}

size_t vse_applet_data_max(const struct vse_applet *a)
{
    return a->version >= SE_APPLET_VERSION_7_2 ? SE_APDU_DATA_MAX_7X : SE_APDU_DATA_MAX_3X;
}

/* ---- shared by the handlers ---- */

uint16_t vse_sw_from_err(err_t e)
{
    static const struct {
        err_t e;
        uint16_t sw;
    } map[] = {
        { ERR_OK, SE_SW_OK },
        { ERR_NO_SPACE, SE_SW_NO_MEMORY },
        { ERR_NOMEM, SE_SW_NO_MEMORY },
        { ERR_TOO_BIG, SE_SW_WRONG_DATA },
        { ERR_INVALID, SE_SW_WRONG_DATA },
        { ERR_PROTO, SE_SW_WRONG_DATA },
        { ERR_UNSUPPORTED, SE_SW_WRONG_DATA },
        { ERR_CRYPTO, SE_SW_WRONG_DATA },
        { ERR_DENIED, SE_SW_COMMAND_NOT_ALLOWED },
    };

    for (size_t i = 0; i < ARRAY_LEN(map); i++)
        if (map[i].e == e)
            return map[i].sw;
    return SE_SW_CONDITIONS;
}

uint16_t vse_object_for(struct vse_applet *a, struct vse_call *c, uint32_t right, struct vse_object **ret)
{
    uint32_t id = vse_arg_u32(&c->args, SE_TAG_1, SE_ID_NONE);
    struct vse_object *o = vse_objects_find(&a->objects, id);

    if (c->args.bad)
        return SE_SW_WRONG_DATA;
    if (!o)
        return SE_SW_CONDITIONS;
    if (right && !vse_policy_allows(buf_slice(&o->policy), right))
        return SE_SW_COMMAND_NOT_ALLOWED;
    *ret = o;
    return SE_SW_OK;
}

/* ---- dispatch ---- */

#define T(n) VSE_ARG_BIT(SE_TAG_##n)

enum {
    ANY_PART = SE_P1_PART_MASK, /* P1 bits that may be anything */
    NEW = VSE_ARG_BIT(SE_TAG_POLICY),
    NEW_AUTH = NEW | VSE_ARG_BIT(SE_TAG_MAX_ATTEMPTS),
    RSA_PARTS = T(3) | T(4) | T(5) | T(6) | T(7) | T(8) | T(9) | T(10),
};

/* A row: the command, the tags it must and may have, who runs it. The table is AN12413's. */
static const struct command {
    uint8_t ins, ins_free; /* flag bits of INS that may be set */
    uint8_t p1, p1_free;
    uint8_t p2;
    uint32_t must, may;
    vse_handler *run;
} commands[] = {
    { SE_INS_MGMT, 0, SE_P1_DEFAULT, 0, SE_P2_VERSION, 0, 0, vse_cmd_version },
    { SE_INS_MGMT, 0, SE_P1_DEFAULT, 0, SE_P2_MEMORY, T(1), 0, vse_cmd_free_memory },
    { SE_INS_MGMT, 0, SE_P1_DEFAULT, 0, SE_P2_RANDOM, T(1), 0, vse_cmd_random },
    { SE_INS_MGMT, 0, SE_P1_DEFAULT, 0, SE_P2_EXIST, T(1), 0, vse_cmd_exists },
    { SE_INS_MGMT, 0, SE_P1_DEFAULT, 0, SE_P2_DELETE_OBJECT, T(1), 0, vse_cmd_delete },
    { SE_INS_MGMT, 0, SE_P1_DEFAULT, 0, SE_P2_DELETE_ALL, 0, 0, vse_cmd_delete_all },
    { SE_INS_READ, 0, SE_P1_DEFAULT, 0, SE_P2_DEFAULT, T(1), T(2) | T(3) | T(4), vse_cmd_read },
    { SE_INS_READ, 0, SE_P1_DEFAULT, 0, SE_P2_TYPE, T(1), 0, vse_cmd_read_type },
    { SE_INS_READ, 0, SE_P1_DEFAULT, 0, SE_P2_SIZE, T(1), 0, vse_cmd_read_size },
    { SE_INS_READ, 0, SE_P1_DEFAULT, 0, SE_P2_LIST, T(1) | T(2), 0, vse_cmd_read_id_list },
    { SE_INS_READ, 0, SE_P1_CRYPTO_OBJECT, 0, SE_P2_LIST, 0, 0, vse_cmd_crypto_list },
    { SE_INS_WRITE, SE_INS_TRANSIENT | SE_INS_AUTH_OBJECT, SE_P1_EC, ANY_PART, SE_P2_DEFAULT, T(1),
      NEW_AUTH | T(2) | T(3) | T(4) | T(11), vse_cmd_write_ec },
    { SE_INS_WRITE, SE_INS_TRANSIENT, SE_P1_RSA, ANY_PART, SE_P2_DEFAULT, T(1),
      NEW | T(2) | RSA_PARTS | T(11), vse_cmd_write_rsa },
    { SE_INS_WRITE, SE_INS_TRANSIENT, SE_P1_RSA, ANY_PART, SE_P2_RAW, T(1), NEW | T(2) | RSA_PARTS | T(11),
      vse_cmd_write_rsa_raw },
    { SE_INS_WRITE, SE_INS_TRANSIENT, SE_P1_BINARY, 0, SE_P2_DEFAULT, T(1), NEW | T(2) | T(3) | T(4) | T(11),
      vse_cmd_write_binary },
    { SE_INS_WRITE, 0, SE_P1_CURVE, 0, SE_P2_CREATE, T(1), 0, vse_cmd_curve_create },
    { SE_INS_WRITE, 0, SE_P1_CURVE, 0, SE_P2_PARAM, T(1) | T(2) | T(3), 0, vse_cmd_curve_param },
    { SE_INS_READ, 0, SE_P1_CURVE, 0, SE_P2_ID, T(1), 0, vse_cmd_curve_id },
    { SE_INS_READ, 0, SE_P1_CURVE, 0, SE_P2_LIST, 0, 0, vse_cmd_curve_list },
    { SE_INS_MGMT, 0, SE_P1_CURVE, 0, SE_P2_DELETE_OBJECT, T(1), 0, vse_cmd_curve_delete },
    { SE_INS_CRYPTO, 0, SE_P1_SIGNATURE, 0, SE_P2_SIGN, T(1) | T(2), T(3), vse_cmd_sign },
    { SE_INS_CRYPTO, 0, SE_P1_SIGNATURE, 0, SE_P2_VERIFY, T(1) | T(2) | T(5), T(3), vse_cmd_verify },
    { SE_INS_CRYPTO, 0, SE_P1_RSA, 0, SE_P2_ENCRYPT_ONESHOT, T(1) | T(2), T(3), vse_cmd_rsa_encrypt },
    { SE_INS_CRYPTO, 0, SE_P1_RSA, 0, SE_P2_DECRYPT_ONESHOT, T(1) | T(2), T(3), vse_cmd_rsa_decrypt },
};

static bool row_matches(const struct command *row, const struct vse_apdu *apdu)
{
    return row->ins == (apdu->ins & ~row->ins_free) && row->p1 == (apdu->p1 & ~row->p1_free) &&
           row->p2 == apdu->p2;
}

static uint16_t no_such_command(const struct vse_apdu *apdu)
{
    uint8_t base = apdu->ins & SE_INS_MASK;

    return base >= SE_INS_WRITE && base <= SE_INS_IMPORT_EXTERNAL ? SE_SW_WRONG_P1P2
                                                                  : SE_SW_INS_NOT_SUPPORTED;
}

static uint16_t run_row(struct vse_applet *a, const struct command *row, const struct vse_apdu *apdu,
                        struct writer *out)
{
    struct vse_call c = { .ins = apdu->ins, .p1 = apdu->p1, .p2 = apdu->p2 };

    if (vse_args_decode(apdu->data, &c.args))
        return SE_SW_WRONG_DATA;
    if ((c.args.present & row->must) != row->must || (c.args.present & ~(row->must | row->may)))
        return SE_SW_WRONG_DATA;
    if (vse_arg_has(&c.args, SE_TAG_11) && a->version < SE_APPLET_VERSION_7_2)
        return SE_SW_WRONG_DATA;
    return row->run(a, &c, out);
}

static uint16_t run_select(struct vse_applet *a, const struct vse_apdu *apdu, struct writer *out)
{
    if (apdu->p1 != SE_P1_SELECT_BY_AID || apdu->p2 != 0)
        return SE_SW_WRONG_P1P2;
    a->selected = false;
    if (!slice_eq(apdu->data, slice_of(SE_APPLET_AID, SE_APPLET_AID_LEN)))
        return SE_SW_FILE_NOT_FOUND;
    a->selected = true;
    vse_put_version(a, out);
    return SE_SW_OK;
}

static uint16_t run_apdu(struct vse_applet *a, struct slice in, struct writer *out)
{
    struct vse_apdu apdu;

    if (vse_apdu_decode(in, &apdu) || apdu.data.n > vse_applet_data_max(a))
        return SE_SW_WRONG_LENGTH;
    if (apdu.cla == SE_CLA_ISO && apdu.ins == SE_INS_SELECT)
        return run_select(a, &apdu, out);
    if (apdu.cla != SE_CLA_APPLET)
        return SE_SW_CLA_NOT_SUPPORTED;
    if (!a->selected) /* the card manager knows none of these */
        return SE_SW_INS_NOT_SUPPORTED;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (row_matches(&commands[i], &apdu))
            return run_row(a, &commands[i], &apdu, out);
    return no_such_command(&apdu);
}

void vse_applet_run(struct vse_applet *a, struct slice apdu, struct buf *out)
{
    autobuf data = BUF_SECRET(vse_applet_data_max(a));
    struct writer w = writer_of(&data);
    uint16_t sw = run_apdu(a, apdu, &w);
    err_t e;

    if (sw == SE_SW_OK && writer_done(&w))
        sw = writer_done(&w) == ERR_TOO_BIG ? SE_SW_WRONG_LENGTH : SE_SW_NO_MEMORY;
    e = buf_reserve(out, data.n + sizeof(sw));
    if (!e && sw == SE_SW_OK)
        e = buf_add(out, buf_slice(&data));
    if (!e)
        e = buf_add_be16(out, sw);
    assert(!e || e == ERR_NOMEM); /* an answer that cannot be held is no answer: see chip.c */
}
