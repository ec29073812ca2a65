#include "keyd/classify.h"

#include "base/mem.h"
#include "keyd/commands.h"
#include "se/wire.h"

/* These would open a second platform channel over ours, or put other keys in its place (reference 4.2). */
static bool touches_channel(uint8_t ins)
{
    static const uint8_t theirs[] = { SE_INS_INITIALIZE_UPDATE,
                                      SE_INS_EXTERNAL_AUTHENTICATE,
                                      SE_INS_INTERNAL_AUTHENTICATE,
                                      SE_INS_PUT_KEY,
                                      SE_INS_SELECT,
                                      0xca };

    return memchr(theirs, ins, sizeof(theirs)) != NULL;
}

static err_t add_use(struct keyd_command *c, enum keyd_op op, uint32_t id)
{
    if (c->count == KEYD_USES_MAX)
        return ERR_PROTO;
    c->uses[c->count++] = (struct keyd_use){ op, id };
    return ERR_OK;
}

static err_t object_id(struct slice value, uint32_t *ret)
{
    struct reader r = reader_of(value);
    uint32_t id = reader_be32(&r);

    if (reader_done(&r) || id == SE_ID_NONE)
        return ERR_PROTO;
    *ret = id;
    return ERR_OK;
}

/* The objects that the row's fields name: the first has to be there. */
static err_t take_uses(const struct keyd_row *row, struct keyd_command *c)
{
    err_t e = ERR_OK;

    for (size_t i = 0; !e && i < ARRAY_LEN(row->use) && row->use[i].tag; i++) {
        uint32_t id = 0;

        if (i > 0 && !keyd_apdu_has(&c->apdu, row->use[i].tag))
            continue;
        e = object_id(keyd_apdu_field(&c->apdu, row->use[i].tag), &id);
        if (!e)
            e = add_use(c, row->use[i].op, id);
    }
    return !e && row->op ? add_use(c, row->op, 0) : e;
}

static err_t take_context(const struct keyd_row *row, struct keyd_command *c)
{
    c->phase = row->phase;
    if (!row->context)
        return ERR_OK;
    c->context = keyd_apdu_field(&c->apdu, row->context);
    return c->context.n == KEYD_CRYPTO_OBJECT_LEN ? ERR_OK : ERR_PROTO;
}

static err_t from_row(const struct keyd_row *row, struct keyd_command *c)
{
    err_t e = take_uses(row, c);

    c->kind = row->kind;
    if (!e)
        e = take_context(row, c);
    return !e && row->special ? row->special(c) : e;
}

/* One command, not in a session or taken out of its ProcessSessionCmd. */
static err_t judge(struct keyd_command *c)
{
    const struct keyd_row *row = keyd_row_of(&c->apdu);

    if (touches_channel(c->apdu.ins) || (c->apdu.ins & SE_INS_MASK) == SE_INS_PROCESS)
        return ERR_DENIED; /* ProcessSessionCmd came here inside another one, or misspelt */
    return row ? from_row(row, c) : add_use(c, KEYD_ADMIN, 0);
}

static bool is_process_session(const struct keyd_apdu *a)
{
    return a->ins == SE_INS_PROCESS && a->p1 == SE_P1_DEFAULT && a->p2 == SE_P2_DEFAULT && a->count == 2 &&
           a->field[0].tag == SE_TAG_SESSION_ID && a->field[1].tag == SE_TAG_1;
}

/* A session with secure messaging of its own: what goes on inside cannot be checked. */
static bool is_wrapped(struct slice inner)
{
    return inner.n > 4 && inner.p[0] == SE_CLA_SECURED;
}

static err_t judge_inner(struct slice inner, struct keyd_command *c)
{
    if (is_wrapped(inner))
        return add_use(c, KEYD_ADMIN, 0);
    if (keyd_apdu_parse(inner, KEYD_APDU_INNER, &c->apdu))
        return ERR_PROTO;
    err_t e = judge(c);
    return !e && c->kind == KEYD_SESSION_CREATE ? ERR_DENIED : e; /* no session inside a session */
}

err_t keyd_classify(struct slice bytes, struct keyd_command *ret)
{
    struct keyd_command c = { .kind = KEYD_PLAIN };
    err_t e = keyd_apdu_parse(bytes, KEYD_APDU_OUTER, &c.apdu);

    if (e)
        return e;
    c.in_session = is_process_session(&c.apdu);
    if (c.in_session) {
        struct slice inner = c.apdu.field[1].value;

        c.session = c.apdu.field[0].value;
        e = c.session.n == SE_SESSION_ID_LEN ? judge_inner(inner, &c) : ERR_PROTO;
    } else {
        e = judge(&c);
    }
    if (!e && !c.in_session && (c.kind == KEYD_SESSION_ONLY || c.kind == KEYD_SESSION_CLOSE))
        e = ERR_DENIED; /* in the default session, which is the daemon's */
    if (!e)
        *ret = c;
    return e;
}
