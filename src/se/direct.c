#include "se/direct.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/secret.h"
#include "se/apdu.h"
#include "se/bus_open.h"
#include "se/detail.h"
#include "se/link.h"
#include "se/scp.h"

enum {
    LOCK_PATIENCE_MS = 60 * 1000, /* an RSA-4096 generation in another process takes this long */
    END_PATIENCE_MS = 50,
    SELECT_ANSWER_MIN = 4, /* early applets answer 4 or 5 bytes */
    /* After such a pause the link is brought in step though nobody put his mark: programs that put none, and
     * a chip that lost its power, are found before they can do harm. */
    PAUSE_MAX_MS = 5 * 1000,
};

struct direct {
    struct se_path path;
    struct se_port port;
    se_bus_open_fn *open_bus;
    struct se_bus *bus; /* NULL while not connected */
    struct se_bus_mark mark;
    struct se_link link;
    bool in_step;  /* our T=1 counters are the chip's */
    bool selected; /* the applet is, and the channel is open where there is to be one */
    int64_t used_ms;

    struct se_crypt *crypt;
    struct se_scp scp;   /* open with `selected`, where there are keys */
    struct secret *keys; /* struct se_keyset[keys_n]; NULL: no channel */
    size_t keys_n;
    struct se_keysets names; /* without the keys */
    struct buf answer;
};

static struct direct *of(struct se_path *path)
{
    return CONTAINER_OF(path, struct direct, path);
}

/* ---- the bus ---- */

static void disconnect(struct direct *d)
{
    se_bus_close(d->bus);
    d->bus = NULL;
    d->mark = (struct se_bus_mark){ 0 };
    d->in_step = d->selected = false;
}

static err_t connect_bus(struct direct *d)
{
    err_t e;

    if (d->bus)
        return ERR_OK;
    e = d->open_bus(&d->port, &d->bus);
    if (!e)
        se_link_init(&d->link, d->bus);
    return e;
}

static bool lost(err_t e)
{
    return e == ERR_UNAVAILABLE || e == ERR_IO || e == ERR_TIMEOUT;
}

static err_t advise(const struct direct *d, err_t e)
{
    char advice[SE_ADVICE_MAX];

    if (e != ERR_UNAVAILABLE)
        return e;
    se_bus_advice(&d->port, advice, sizeof(advice));
    if (strstr(se_detail(), advice))
        return e;
    return se_fail_at(e, "no SE05x answers at %s: %s (", d->path.name, advice);
}

/* ---- the applet ---- */

static const uint8_t select_head[] = { SE_CLA_ISO, SE_INS_SELECT, SE_P1_SELECT_BY_AID, 0, SE_APPLET_AID_LEN };

static err_t parse_select(struct slice answer, struct se_version *ret)
{
    struct reader r = reader_of(answer);
    struct se_version v = { 0 };

    if (answer.n < SELECT_ANSWER_MIN)
        return ERR_PROTO;
    v.major = reader_u8(&r);
    v.minor = reader_u8(&r);
    v.patch = reader_u8(&r);
    v.config = reader_be16(&r);
    v.secure_box = reader_be16(&r); /* 0 when the answer is an early applet's: the reader gives zeros */
    *ret = v;
    return ERR_OK;
}

static err_t select_applet(struct direct *d)
{
    uint8_t apdu[sizeof(select_head) + SE_APPLET_AID_LEN + 1] = { 0 }; /* with Le */
    struct se_version version = { 0 };
    struct slice raw, answer;
    uint16_t sw;
    err_t e;

    memcpy(apdu, select_head, sizeof(select_head));
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): bytes, not text */
    memcpy(apdu + sizeof(select_head), SE_APPLET_AID, SE_APPLET_AID_LEN);
    e = se_link_apdu(&d->link, SLICE_ARRAY(apdu), &raw);
    if (e)
        return se_fail_at(e, "selecting the SE05x applet: ");
    if (se_answer_split(raw, &answer, &sw) || (sw == SE_SW_OK && parse_select(answer, &version)))
        return se_fail(ERR_PROTO, "%s: malformed answer to SELECT", d->path.name);
    if (sw != SE_SW_OK)
        return se_fail(se_err_from_sw(sw), "%s: selecting the SE05x applet: SW %04x (%s)", d->path.name, sw,
                       se_sw_text(sw));
    d->path.state.version = version;
    d->path.state.generation++;
    return ERR_OK;
}

/* ---- the platform's channel ---- */

static const struct se_keyset *keys(const struct direct *d)
{
    return (const struct se_keyset *)(const void *)secret_expose_bytes(d->keys).p;
}

/* One command of the handshake; *ret_answer points into the link. */
static err_t handshake(struct direct *d, const struct buf *apdu, struct slice *ret_answer)
{
    struct slice raw;
    uint16_t sw;
    err_t e = se_link_apdu(&d->link, buf_slice(apdu), &raw);

    if (!e)
        e = se_answer_split(raw, ret_answer, &sw);
    if (e)
        return se_fail_at(e, "opening the secure channel: ");
    if (sw != SE_SW_OK)
        return se_fail(ERR_AUTH,
                       "%s: opening the secure channel: SW %04x (%s); the chip may have other SCP03 keys",
                       d->path.name, sw, se_sw_text(sw));
    return ERR_OK;
}

static err_t wrong_keys(const struct direct *d, err_t e)
{
    if (e != ERR_AUTH)
        return se_fail(e, "%s: the answer to INITIALIZE UPDATE is malformed", d->path.name);
    return se_fail(
        e,
        "%s: the SCP03 keys (%s) are not the chip's; name the right set or a key file: `scp03` in se.conf, "
        "EX_SSS_BOOT_SCP03_PATH",
        d->path.name, d->keys_n > 1 ? "all published sets" : d->names.name[0]);
}

/* Applets below 4.3 do not count commands without data on this channel (reference 4.3). */
static bool counts_empty(const struct se_version *v)
{
    enum { MAJOR = 4, MINOR = 3 };

    return v->major > MAJOR || (v->major == MAJOR && v->minor >= MINOR);
}

static err_t open_channel(struct direct *d)
{
    autobuf apdu = BUF_SECRET(SE_APDU_MAX);
    struct slice answer = { 0 };
    size_t which = 0;
    err_t e = se_scp_initialize(&d->scp, SE_SCP_PLATFORM_VERSION, &apdu);

    if (e)
        return se_fail(e, "%s: opening the secure channel: %s", d->path.name, err_str(e));
    e = handshake(d, &apdu, &answer);
    if (e)
        return e;
    buf_clear(&apdu);
    e = se_scp_authenticate(&d->scp, keys(d), d->keys_n, counts_empty(&d->path.state.version), answer, &which,
                            &apdu);
    if (e)
        return wrong_keys(d, e);
    e = handshake(d, &apdu, &answer);
    if (e) {
        se_scp_close(&d->scp);
        return e;
    }
    d->path.state.channel = (struct se_channel){ .on = true, .published = d->names.published };
    memcpy(d->path.state.channel.keys, d->names.name[which], SE_CHANNEL_KEYS_MAX);
    return ERR_OK;
}

static err_t greet(struct direct *d)
{
    err_t e = select_applet(d);

    if (!e && d->keys)
        e = open_channel(d);
    d->selected = !e;
    return e;
}

/* From whatever state to ours. With unknown counters our next I-block could look like a repetition and be
 * answered with somebody else's answer: so never trust the state, make it. */
static err_t take_over(struct direct *d)
{
    err_t e = ERR_OK;

    if (!d->in_step)
        e = se_link_resync(&d->link);
    d->in_step = !e;
    if (!e && !d->selected)
        e = greet(d);
    if (e)
        d->in_step = d->selected = false;
    return e;
}

/* ---- the path ---- */

static err_t enter_once(struct direct *d)
{
    bool mine = false;
    err_t e = connect_bus(d);

    if (!e)
        e = se_bus_lock(d->bus, LOCK_PATIENCE_MS);
    if (e == ERR_BUSY)
        return e;
    mine = !e && d->bus->ops->is_marked(d->bus, &d->mark);
    if (!e && !mine)
        d->bus->ops->mark(d->bus, &d->mark);
    if (!mine)
        d->in_step = d->selected = false;
    if (clock_mono_ms() - d->used_ms > PAUSE_MAX_MS)
        d->in_step = false;
    if (!e)
        e = take_over(d);
    if (e && d->bus)
        se_bus_unlock(d->bus);
    if (lost(e))
        disconnect(d);
    return e;
}

static err_t direct_begin(struct se_path *path)
{
    struct direct *d = of(path);
    bool old = d->bus != NULL;
    err_t e = enter_once(d);

    if (old && lost(e)) /* the connection may be older than the chip's last restart */
        e = enter_once(d);
    return advise(d, e);
}

/* A failure after which nothing is known of the link. Where the command was not executed the caller may want
 * to repeat it, and finds the path in order. */
static err_t fallen(struct direct *d, err_t e)
{
    err_t heal;

    d->in_step = d->selected = false;
    if (e != ERR_CONFLICT)
        return advise(d, e);
    heal = take_over(d);
    return heal ? advise(d, heal) : e;
}

static err_t send_wrapped(struct direct *d, struct slice apdu)
{
    autobuf wrapped = BUF_SECRET(SE_APDU_MAX);
    err_t e = se_scp_wrap(&d->scp, apdu, &wrapped);

    if (e)
        return se_fail(e, "%s: the command cannot be wrapped: %s", d->path.name, err_str(e));
    return se_link_send(&d->link, buf_slice(&wrapped));
}

/* The command, or the rest of it, could not be written: it was not executed. The connection may be older than
 * the chip's last restart. */
static err_t reconnected(struct direct *d)
{
    err_t e;

    se_bus_unlock(d->bus);
    disconnect(d);
    e = enter_once(d);
    if (e)
        return advise(d, e);
    return se_fail(ERR_CONFLICT, "%s: the chip went away and came back", d->path.name);
}

static err_t direct_send(struct se_path *path, struct slice apdu)
{
    struct direct *d = of(path);
    bool held = d->bus && d->bus->locked; /* not so after the bus was lost in this sequence */
    err_t e = held ? take_over(d) : enter_once(d);

    if (!e)
        e = d->keys ? send_wrapped(d, apdu) : se_link_send(&d->link, apdu);
    if (e == ERR_UNAVAILABLE)
        return reconnected(d);
    return e ? fallen(d, e) : ERR_OK;
}

/* The answer as it came over the channel, or without one. Appended to d->answer. */
static err_t take_answer(struct direct *d, struct slice raw)
{
    err_t e = d->keys ? se_scp_unwrap(&d->scp, raw, &d->answer) : buf_add(&d->answer, raw);

    if (e == ERR_AUTH)
        return se_fail(e,
                       "%s: the MAC of the chip's answer is wrong: something on the bus changes what passes",
                       d->path.name);
    return e ? se_fail(e, "%s: the chip's answer is malformed", d->path.name) : ERR_OK;
}

/* Is the applet, and the channel, still there? GetVersion tells, which every session may ask. */
static bool is_alive(struct direct *d)
{
    static const uint8_t get_version[] = { SE_CLA_APPLET, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_VERSION, 0 };
    autobuf wrapped = BUF_SECRET(SE_APDU_MAX);
    autobuf plain = BUF_SECRET(SE_ANSWER_MAX);
    struct slice apdu = SLICE_ARRAY(get_version);
    struct slice raw, data;
    uint16_t sw;

    if (d->keys && se_scp_wrap(&d->scp, apdu, &wrapped))
        return false;
    if (se_link_apdu(&d->link, d->keys ? buf_slice(&wrapped) : apdu, &raw))
        return false;
    if (d->keys && se_scp_unwrap(&d->scp, raw, &plain))
        return false;
    return !se_answer_split(d->keys ? buf_slice(&plain) : raw, &data, &sw) && sw == SE_SW_OK;
}

/* Refusals that also come from a chip that was reset or whose applet somebody selected anew: nothing was
 * executed then. */
static bool is_doubtful(const struct direct *d, struct slice raw)
{
    struct slice data;
    uint16_t sw;

    if (se_answer_split(raw, &data, &sw))
        return false;
    /* wrong length: the rest of a chain, which a chip that was reset takes for a command */
    return sw == SE_SW_INS_NOT_SUPPORTED || sw == SE_SW_CLA_NOT_SUPPORTED || sw == SE_SW_WRONG_LENGTH ||
           (d->keys && sw == SE_SW_SECURITY_STATUS);
}

static err_t direct_receive(struct se_path *path, int64_t deadline_ms, struct slice *ret_answer)
{
    struct direct *d = of(path);
    struct slice raw;
    bool doubtful, certain;
    err_t e = se_link_receive(&d->link, deadline_ms, &raw);

    if (e == ERR_MORE)
        return e;
    buf_clear(&d->answer);
    doubtful = !e && is_doubtful(d, raw);
    certain = d->link.t1.certain; /* of this command, not of those that look whether the applet lives */
    if (!e)
        e = take_answer(d, raw);
    if (!e && doubtful && !is_alive(d))
        e = certain ? se_fail(ERR_CONFLICT, "%s: the applet was deselected behind our back", path->name)
                    : se_fail(ERR_IO,
                              "%s: the chip was reset while it had the command, which may have been executed",
                              path->name);
    if (e)
        return fallen(d, e);
    *ret_answer = buf_slice(&d->answer);
    return ERR_OK;
}

static void direct_cancel(struct se_path *path)
{
    of(path)->in_step = false; /* the resync that follows drops the answer */
}

static void direct_end(struct se_path *path)
{
    struct direct *d = of(path);

    se_t1_wipe(&d->link.t1); /* it may have carried a private key */
    buf_clear(&d->answer);
    d->used_ms = clock_mono_ms();
    if (d->bus)
        se_bus_unlock(d->bus);
    if (!d->in_step)
        disconnect(d);
}

/* Let the part sleep if we were the last to use it, and nobody does now. Courtesy: failures are ignored. */
static void say_goodbye(struct direct *d)
{
    if (!d->bus || !d->selected || se_bus_lock(d->bus, END_PATIENCE_MS))
        return;
    d->link.timing.write_patience_ms = END_PATIENCE_MS;
    d->link.timing.request_patience_ms = END_PATIENCE_MS;
    if (d->bus->ops->is_marked(d->bus, &d->mark))
        (void)se_link_end(&d->link);
    se_bus_unlock(d->bus);
}

static void release(struct direct *d)
{
    se_bus_close(d->bus);
    se_scp_close(&d->scp);
    se_crypt_free(d->crypt);
    secret_free(d->keys);
    buf_done(&d->answer);
    mem_wipe(d, sizeof(*d));
    free(d);
}

static void direct_close(struct se_path *path)
{
    say_goodbye(of(path));
    release(of(path));
}

static void direct_leave(struct se_path *path)
{
    struct direct *d = of(path);

    if (d->bus) /* the parent's lock: closing our copies leaves it alone, unlocking would not */
        d->bus->locked = false;
    release(d);
}

static const struct se_path_ops ops = {
    .begin = direct_begin,
    .send = direct_send,
    .receive = direct_receive,
    .cancel = direct_cancel,
    .end = direct_end,
    .close = direct_close,
    .leave = direct_leave,
};

/* The keys go into memory that is not swapped out, what they are called stays here. */
static err_t take_keys(struct direct *d, struct se_keysets *k)
{
    err_t e = ERR_OK;

    if (k->n)
        e = secret_new(slice_of(k->set, k->n * sizeof(k->set[0])), &d->keys);
    d->keys_n = k->n;
    mem_wipe(k->set, sizeof(k->set));
    d->names = *k;
    return e ? se_fail(e, "out of memory") : ERR_OK;
}

err_t se_direct_open(const struct se_port *port, se_bus_open_fn *open_bus, const char *scp03,
                     struct se_path **ret)
{
    struct se_keysets k = { 0 };
    struct direct *d;
    err_t e = se_keysets_find(scp03, &k);

    if (e)
        return e;
    d = mem_calloc(1, sizeof(*d));
    if (d)
        d->crypt = se_crypt_new();
    e = d && d->crypt ? take_keys(d, &k) : se_fail(ERR_NOMEM, "out of memory");
    se_keysets_wipe(&k);
    if (e) {
        if (d)
            release(d);
        return e;
    }
    d->path.ops = &ops;
    se_port_text(port, d->path.name);
    d->port = *port;
    d->open_bus = open_bus;
    d->answer = BUF_SECRET(SE_ANSWER_MAX);
    se_scp_init(&d->scp, d->crypt);
    *ret = &d->path;
    return ERR_OK;
}
