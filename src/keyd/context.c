/* Crypto objects: programs name theirs by fixed numbers, all of them the same ones. So each client has its
 * own names, and the chip sees ids of the daemon's. Those stay in the chip when a client is done, for the
 * next one that needs the kind: making one writes flash. Nobody gets to see what is in one: it must be
 * initialised first. */
#include "base/mem.h"
#include "base/tlv.h"
#include "keyd/server.h"
#include "se/apdu.h"

enum { ID_FIRST = 0x5e00 }; /* the daemon's ids in the chip: from here KEYD_CONTEXTS_MAX */

static uint16_t be16(struct slice s)
{
    return (uint16_t)(s.p[0] << 8 | s.p[1]);
}

static struct keyd_context *find(const struct keyd_client *c, uint16_t name)
{
    for (size_t i = 0; i < KEYD_CONTEXTS_MAX; i++) {
        struct keyd_context *at = &c->server->contexts[i];

        if (at->id && at->owner == c && at->name == name)
            return at;
    }
    return NULL;
}

static struct keyd_context *find_spare(struct keyd_server *s, uint8_t context, uint8_t subtype)
{
    for (size_t i = 0; i < KEYD_CONTEXTS_MAX; i++) {
        struct keyd_context *at = &s->contexts[i];

        if (at->id && !at->owner && at->context == context && at->subtype == subtype)
            return at;
    }
    return NULL;
}

static struct keyd_context *find_empty(struct keyd_server *s)
{
    for (size_t i = 0; i < KEYD_CONTEXTS_MAX; i++) {
        if (!s->contexts[i].id)
            return &s->contexts[i];
    }
    return NULL;
}

static void put_id(struct keyd_client *c, uint16_t id)
{
    uint8_t *at = c->apdu.p + (c->command.context.p - c->apdu.p);

    at[0] = (uint8_t)(id >> 8);
    at[1] = (uint8_t)id;
}

err_t keyd_context_create(struct keyd_client *c)
{
    struct keyd_server *s = c->server;
    struct slice kind = keyd_apdu_field(&c->command.apdu, SE_TAG_2);
    struct slice subtype = keyd_apdu_field(&c->command.apdu, SE_TAG_3);
    uint16_t name = be16(c->command.context);
    struct keyd_context *at;

    if (kind.n != 1 || subtype.n != 1 || find(c, name))
        return ERR_INVALID;
    at = find_spare(s, kind.p[0], subtype.p[0]);
    if (at) {
        at->owner = c;
        at->name = name;
        at->ready = false;
        return ERR_EXISTS;
    }
    at = find_empty(s);
    if (!at)
        return ERR_BUSY;
    *at = (struct keyd_context){ .id = (uint16_t)(ID_FIRST + (at - s->contexts)),
                                 .context = kind.p[0],
                                 .subtype = subtype.p[0],
                                 .owner = c,
                                 .name = name };
    put_id(c, at->id);
    return ERR_OK;
}

/* Its id in the chip stands in the command now. */
static struct keyd_context *in_command(struct keyd_client *c)
{
    uint16_t id = be16(c->command.context);
    struct keyd_context *at =
        id >= ID_FIRST && id < ID_FIRST + KEYD_CONTEXTS_MAX ? &c->server->contexts[id - ID_FIRST] : NULL;

    return at && at->id && at->owner == c ? at : NULL;
}

void keyd_context_created(struct keyd_client *c, bool ok)
{
    struct keyd_context *at = in_command(c);

    if (at && !ok)
        *at = (struct keyd_context){ 0 };
}

err_t keyd_context_use(struct keyd_client *c)
{
    struct keyd_context *at = find(c, be16(c->command.context));

    if (!at || (c->command.phase != KEYD_PHASE_INIT && !at->ready))
        return ERR_WRONG_STATE;
    put_id(c, at->id);
    return ERR_OK;
}

void keyd_context_used(struct keyd_client *c, bool ok)
{
    struct keyd_context *at = in_command(c);

    if (at && c->command.phase == KEYD_PHASE_INIT)
        at->ready = ok;
    if (at && c->command.phase == KEYD_PHASE_FINAL)
        at->ready = false;
}

err_t keyd_context_delete(struct keyd_client *c)
{
    struct keyd_context *at = find(c, be16(c->command.context));

    if (!at)
        return ERR_WRONG_STATE;
    at->owner = NULL;
    at->ready = false;
    return ERR_OK;
}

err_t keyd_context_list(const struct keyd_client *c, struct buf *out)
{
    autobuf list = BUF_INIT(4 * KEYD_CONTEXTS_MAX);
    struct writer w = writer_of(&list), to = writer_of(out);

    for (size_t i = 0; i < KEYD_CONTEXTS_MAX; i++) {
        const struct keyd_context *at = &c->server->contexts[i];

        if (!at->id || at->owner != c)
            continue;
        writer_be16(&w, at->name);
        writer_u8(&w, at->context);
        writer_u8(&w, at->subtype);
    }
    tlv_put(&to, SE_TAG_1, buf_slice(&list));
    writer_be16(&to, SE_SW_OK);
    return writer_done(&w) ? writer_done(&w) : writer_done(&to);
}

void keyd_context_release(struct keyd_client *c)
{
    for (size_t i = 0; i < KEYD_CONTEXTS_MAX; i++) {
        if (c->server->contexts[i].owner == c) {
            c->server->contexts[i].owner = NULL;
            c->server->contexts[i].ready = false;
        }
    }
}

void keyd_context_adopt(struct keyd_server *s, struct slice answer)
{
    struct slice list;
    struct reader r;

    if (answer.n < 2 || se_answer_only(slice_head(answer, answer.n - 2), SE_TAG_1, &list))
        return;
    s->contexts_unsure = false;
    r = reader_of(list);
    while (r.rest.n >= 4) {
        uint16_t id = reader_be16(&r);
        uint8_t context = reader_u8(&r), subtype;

        subtype = reader_u8(&r);
        if (id >= ID_FIRST && id < ID_FIRST + KEYD_CONTEXTS_MAX && !s->contexts[id - ID_FIRST].id)
            s->contexts[id - ID_FIRST] =
                (struct keyd_context){ .id = id, .context = context, .subtype = subtype };
    }
}
