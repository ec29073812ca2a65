#include "vse/applet.h"

#include "base/clock.h"
#include "base/mem.h"
#include "vse/apdu.h"
#include "vse/command.h"
#include "vse/dispatch.h"
#include "vse/scp_keys.h"
#include "vse/secured.h"

#include <assert.h>

enum {
    CURVE_COST = 48,
    TRANSIENT_RAM =
        2048, /* values of transient objects; the reference has "roughly 1 kB": room for one RSA key */
};

void vse_applet_init(struct vse_applet *a, const struct vse_personality *part, struct vse_nvm nvm)
{
    *a = (struct vse_applet){ .part = part, .nvm = nvm, .now_ms = clock_mono_ms };
    a->sessions.standard = (struct vse_session){ .kind = VSE_SESSION_DEFAULT, .open = true };
    a->settings.features = part->features;
    vse_hidden_init(&a->hidden);
    vse_i2cm_init(&a->i2cm);
    (void)vse_scp_keys_named(part->scp_keys, &a->settings.scp_keys); /* without memory: keys nobody has */
}

void vse_applet_done(struct vse_applet *a)
{
    vse_applet_deselect(a);
    vse_objects_done(&a->objects);
    vse_hidden_done(&a->hidden);
    mem_wipe(&a->settings, sizeof(a->settings));
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

static err_t load_crypto_object(struct vse_applet *a, uint32_t id, struct slice value)
{
    return vse_crypto_object_load(&a->crypto, id, value);
}

static err_t load_hidden(struct vse_applet *a, uint32_t id, struct slice value)
{
    return vse_hidden_load(&a->hidden, id, value);
}

err_t vse_applet_load(struct vse_applet *a, uint8_t kind, uint32_t id, struct slice value)
{
    static const struct {
        uint8_t kind;
        err_t (*load)(struct vse_applet *a, uint32_t id, struct slice value);
    } kinds[] = {
        { VSE_NVM_CURVE, load_curve },         { VSE_NVM_OBJECT, load_object },
        { VSE_NVM_SETTING, vse_setting_load }, { VSE_NVM_CRYPTO_OBJECT, load_crypto_object },
        { VSE_NVM_HIDDEN, load_hidden },
    };

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].load(a, id, value);
    return ERR_CORRUPT;
}

size_t vse_applet_memory_free(const struct vse_applet *a)
{
    size_t used = 0;

    for (size_t i = 0; i < a->objects.n; i++)
        if (a->objects.v[i]->origin != VSE_ORIGIN_PROVISIONED)
            used += vse_object_size(a->objects.v[i]);
    for (size_t i = 0; i < sizeof(a->curves); i++)
        used += a->curves[i] ? CURVE_COST : 0;
    return used < a->part->memory ? a->part->memory - used : 0;
}

static size_t ram_of(const struct vse_object *o)
{
    size_t n = 0;

    for (unsigned i = 0; i < VSE_PARTS && o->transient; i++)
        n += vse_object_part(o, i).n;
    return n;
}

size_t vse_applet_ram_free(const struct vse_applet *a)
{
    size_t used = 0;

    for (size_t i = 0; i < a->objects.n; i++)
        used += ram_of(a->objects.v[i]);
    return used < TRANSIENT_RAM ? TRANSIENT_RAM - used : 0;
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

    if (ram_of(o) > vse_applet_ram_free(a) + (old ? ram_of(old) : 0))
        return false;
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

err_t vse_applet_keep_object(struct vse_applet *a, struct vse_object *o)
{
    auto_object *mine = o;
    err_t e = vse_objects_reserve(&a->objects);

    if (!e)
        e = make_durable(a, mine);
    if (!e)
        vse_objects_put(&a->objects, steal(&mine));
    return e;
}

uint16_t vse_applet_remove(struct vse_applet *a, uint32_t id)
{
    struct vse_nvm_op op = { .kind = VSE_NVM_OBJECT, .id = id };
    err_t e = a->nvm.apply(a->nvm.ctx, &op, 1);

    if (e)
        return vse_sw_from_err(e);
    vse_sessions_close_of(a, id);
    vse_objects_remove(&a->objects, id);
    return SE_SW_OK;
}

void vse_applet_deselect(struct vse_applet *a)
{
    a->selected = false;
    vse_scp_close(&a->platform);
    vse_sessions_close_all(a);
    vse_crypto_objects_stop(&a->crypto);
    mem_wipe(&a->tls, sizeof(a->tls));
    vse_desfire_end(&a->desfire);
}

void vse_applet_reset(struct vse_applet *a)
{
    vse_applet_deselect(a);
    a->settings.locked_transient = false;
    a->settings.restricted_transient = 0;
    vse_i2cm_init(&a->i2cm);
    for (size_t i = 0; i < a->objects.n; i++)
        if (a->objects.v[i]->transient)
            vse_object_clear(a->objects.v[i]);
}

size_t vse_applet_data_max(const struct vse_applet *a)
{
    return a->part->data_max;
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

/* ---- one command ---- */

static uint16_t select_applet(struct vse_applet *a, const struct vse_apdu *apdu, struct writer *out)
{
    if (apdu->p1 != SE_P1_SELECT_BY_AID || apdu->p2 != 0)
        return SE_SW_WRONG_P1P2;
    vse_applet_deselect(a); /* also ends the platform's channel */
    if (!slice_eq(apdu->data, slice_of(SE_APPLET_AID, SE_APPLET_AID_LEN)))
        return SE_SW_FILE_NOT_FOUND;
    a->selected = true;
    vse_put_version(a, out);
    return SE_SW_OK;
}

static uint16_t run_select(struct vse_applet *a, const struct vse_apdu *apdu, struct writer *out)
{
    uint16_t sw = select_applet(a, apdu, out);

    vse_observe(a, "SELECT", apdu, buf_slice(out->b), sw);
    return sw;
}

static bool is_handshake(const struct vse_applet *a, const struct vse_apdu *apdu)
{
    const struct vse_command *row = vse_command_find(a->part->generation, apdu->ins, apdu->p1, apdu->p2);

    return row && (row->flags & VSE_CMD_HANDSHAKE);
}

/* Outside the platform's channel. */
static uint16_t run_open(struct vse_applet *a, const struct vse_apdu *apdu, struct slice in,
                         struct writer *out)
{
    if (!is_handshake(a, apdu) && (a->settings.scp_required || apdu->cla == SE_CLA_SECURED))
        return SE_SW_SECURITY_STATUS;
    return vse_run_plain(a, &a->sessions.standard, false, in, out);
}

/* When a wrong MAC ends the channel, what was opened over it ends as well. */
static uint16_t run_in_channel(struct vse_applet *a, struct slice in, struct writer *out)
{
    uint16_t sw = vse_run_secured(a, &a->sessions.standard, &a->platform, in, out);

    if (a->platform.state != VSE_SCP_OPEN)
        vse_sessions_close_all(a);
    return sw;
}

static uint16_t run_apdu(struct vse_applet *a, struct slice in, struct writer *out)
{
    struct vse_apdu apdu;

    if (vse_apdu_decode(in, &apdu))
        return SE_SW_WRONG_LENGTH;
    if (apdu.cla == SE_CLA_ISO && apdu.ins == SE_INS_SELECT)
        return run_select(a, &apdu, out);
    if (!a->selected) /* the card manager knows none of these */
        return SE_SW_INS_NOT_SUPPORTED;
    return a->platform.state == VSE_SCP_OPEN ? run_in_channel(a, in, out) : run_open(a, &apdu, in, out);
}

void vse_applet_run(struct vse_applet *a, struct slice apdu, struct buf *out)
{
    autobuf data = BUF_SECRET(vse_applet_data_max(a) + 2 * SE_SECURED_MORE);
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
