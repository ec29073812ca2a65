#include "se/object.h"

#include "se/command.h"
#include "se/detail.h"

/* A command whose only TLV is the id. */
static err_t ask(struct se_chip *chip, uint8_t ins, uint8_t p2, uint32_t id, const char *doing,
                 struct slice *ret_answer)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_command_init(&c, ins, SE_P1_DEFAULT, p2, SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    return se_command_run(chip, &c, se_what(what, id, doing), ret_answer);
}

err_t se_object_exists(struct se_chip *chip, uint32_t id, bool *ret)
{
    static const char doing[] = "asking whether it exists";
    auto_hold *held = NULL;
    struct slice answer;
    uint8_t v;
    err_t e = se_hold(chip, &held);

    if (!e)
        e = ask(chip, SE_INS_MGMT, SE_P2_EXIST, id, doing, &answer);
    if (e)
        return e;
    if (se_answer_u8(answer, SE_TAG_1, &v) || (v != SE_RESULT_SUCCESS && v != SE_RESULT_FAILURE))
        return se_command_malformed(doing);
    *ret = v == SE_RESULT_SUCCESS;
    return ERR_OK;
}

err_t se_object_type(struct se_chip *chip, uint32_t id, struct se_object_type *ret)
{
    static const char doing[] = "reading the type";
    auto_hold *held = NULL;
    struct slice answer, type, kind;
    err_t e = se_hold(chip, &held);

    if (!e)
        e = ask(chip, SE_INS_READ, SE_P2_TYPE, id, doing, &answer);
    if (e)
        return e;
    if (se_answer_take(&answer, SE_TAG_1, &type) || se_answer_only(answer, SE_TAG_2, &kind) || type.n != 1 ||
        kind.n != 1)
        return se_command_malformed(doing);
    *ret = (struct se_object_type){ type.p[0], kind.p[0] == SE_TRANSIENT };
    return ERR_OK;
}

uint8_t se_type_class(uint8_t type)
{
    static const uint8_t part[4] = { SE_TYPE_EC_PAIR, SE_TYPE_EC_PRIVATE, SE_TYPE_EC_PUBLIC,
                                     SE_TYPE_EC_PAIR };

    /* pair, private, public are base, +1, +2, and the bases are 4 apart */
    if (type < SE_TYPE_7X_EC_P192 || type > SE_TYPE_7X_EC_X448 + 2)
        return type;
    return part[(type - SE_TYPE_7X_EC_P192) % 4];
}

err_t se_object_size(struct se_chip *chip, uint32_t id, size_t *ret)
{
    static const char doing[] = "reading the size";
    auto_hold *held = NULL;
    struct slice answer;
    uint16_t size;
    err_t e = se_hold(chip, &held);

    if (!e)
        e = ask(chip, SE_INS_READ, SE_P2_SIZE, id, doing, &answer);
    if (e)
        return e;
    if (se_answer_be16(answer, SE_TAG_1, &size))
        return se_command_malformed(doing);
    *ret = size;
    return ERR_OK;
}

/* ---- the list ---- */

struct id_list {
    uint32_t *ids;
    size_t n, room;
};

static err_t list_add(struct id_list *l, struct slice ids)
{
    struct reader r = reader_of(ids);
    err_t e = mem_grow(&l->ids, &l->room, l->n + ids.n / 4, SE_LIST_MAX, sizeof(*l->ids));

    if (e)
        return e;
    while (!reader_empty(&r))
        l->ids[l->n++] = reader_be32(&r);
    return ERR_OK;
}

/* One answer's worth. The offset counts objects, not bytes (reference 3.4). */
static err_t list_page(struct se_chip *chip, uint8_t type, struct id_list *l, bool *ret_more)
{
    static const char what[] = "listing the objects";
    auto_command c = { 0 };
    struct slice answer, more, ids;
    err_t e;

    se_command_init(&c, SE_INS_READ, SE_P1_DEFAULT, SE_P2_LIST, SE_COMMAND_EXT_ANSWER);
    tlv_put_be16(&c.w, SE_TAG_1, (uint16_t)l->n);
    tlv_put_u8(&c.w, SE_TAG_2, type);
    e = se_command_run(chip, &c, what, &answer);
    if (e)
        return e;
    if (se_answer_take(&answer, SE_TAG_1, &more) || se_answer_only(answer, SE_TAG_2, &ids) || more.n != 1 ||
        ids.n % 4)
        return se_command_malformed(what);
    e = list_add(l, ids);
    if (e)
        return se_fail(e, "%s: more than %d", what, SE_LIST_MAX);
    *ret_more = more.p[0] == SE_MORE_YES && ids.n; /* "more" with nothing in it would go on for ever */
    return ERR_OK;
}

err_t se_object_list(struct se_chip *chip, uint8_t type, uint32_t **ret, size_t *ret_n)
{
    auto_hold *held = NULL;
    struct id_list l = { 0 };
    autofree uint32_t *ids = NULL;
    bool more = true;
    err_t e = se_hold(chip, &held);

    while (!e && more)
        e = list_page(chip, type, &l, &more);
    ids = l.ids;
    if (!e && !ids)
        ids = mem_calloc(1, sizeof(*ids));
    if (e || !ids)
        return e ? e : ERR_NOMEM;
    *ret = steal(&ids);
    *ret_n = l.n;
    return ERR_OK;
}

/* ---- reading ---- */

/* T2 and T3 are left out when zero, as NXP's host does. Length 0: all there is. */
static err_t read_piece(struct se_chip *chip, uint32_t id, uint16_t offset, uint16_t length, struct buf *out)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_READ, SE_P1_DEFAULT, SE_P2_DEFAULT, SE_COMMAND_EXT_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    if (offset)
        tlv_put_be16(&c.w, SE_TAG_2, offset);
    if (length)
        tlv_put_be16(&c.w, SE_TAG_3, length);
    return se_call_bytes(chip, &c, se_what(what, id, "reading"), length, length ? length : SE_ANSWER_MAX,
                         out);
}

/* length > 0 bytes from offset on, in pieces. */
static err_t read_range(struct se_chip *chip, uint32_t id, size_t offset, size_t length, struct buf *out)
{
    err_t e = ERR_OK;

    for (size_t at = 0; !e && at < length; at += SE_BINARY_CHUNK)
        e = read_piece(chip, id, (uint16_t)(offset + at),
                       (uint16_t)(length - at < SE_BINARY_CHUNK ? length - at : SE_BINARY_CHUNK), out);
    return e;
}

static err_t read_file(struct se_chip *chip, uint32_t id, struct buf *out)
{
    size_t size = 0;
    err_t e = se_object_size(chip, id, &size);

    if (e)
        return e;
    if (size > SE_BINARY_MAX || size > out->max - out->n)
        return se_fail(ERR_TOO_BIG, "object %08x: %zu bytes are more than expected", id, size);
    return read_range(chip, id, 0, size, out);
}

/* The applet answers 6985 to absent and to secret alike: having found the type we know which. */
static err_t read_by_type(struct se_chip *chip, uint32_t id, struct buf *out)
{
    struct se_object_type type = { 0 };
    err_t e = se_object_type(chip, id, &type);

    if (e)
        return e;
    e = type.type == SE_TYPE_BINARY ? read_file(chip, id, out) : read_piece(chip, id, 0, 0, out);
    return e == ERR_NOT_FOUND ? ERR_DENIED : e;
}

/* As short a command as it can be; only a refusal costs a second one. */
static err_t read_small(struct se_chip *chip, uint32_t id, struct buf *out)
{
    struct se_object_type type = { 0 };
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_READ, SE_P1_DEFAULT, SE_P2_DEFAULT, SE_COMMAND_ANSWER);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    err_t e = se_call_bytes(chip, &c, se_what(what, id, "reading"), 0, SE_ANSWER_MAX, out);
    if (e != ERR_NOT_FOUND)
        return e;
    e = se_object_type(chip, id, &type);
    return e ? e : se_fail(ERR_DENIED, "object %08x: its value cannot be read", id);
}

err_t se_object_read_small(struct se_chip *chip, uint32_t id, struct buf *out)
{
    auto_hold *held = NULL;
    size_t start = out->n;
    err_t e = se_hold(chip, &held);

    if (!e)
        e = read_small(chip, id, out);
    if (e)
        buf_cut(out, start);
    return e;
}

err_t se_object_read(struct se_chip *chip, uint32_t id, struct buf *out)
{
    auto_hold *held = NULL;
    size_t start = out->n;
    err_t e = se_hold(chip, &held);

    if (!e)
        e = read_by_type(chip, id, out);
    if (e)
        buf_cut(out, start);
    return e;
}

err_t se_object_read_at(struct se_chip *chip, uint32_t id, size_t offset, size_t length, struct buf *out)
{
    auto_hold *held = NULL;
    size_t start = out->n;
    err_t e;

    if (length == 0 || length > SE_BINARY_MAX || offset > SE_BINARY_MAX - length)
        return se_fail(ERR_INVALID, "object %08x: no file has bytes %zu to %zu", id, offset, offset + length);
    e = se_hold(chip, &held);
    if (!e)
        e = read_range(chip, id, offset, length, out);
    if (e)
        buf_cut(out, start);
    return e;
}

/* ---- deleting ---- */

err_t se_object_delete(struct se_chip *chip, uint32_t id)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_command_init(&c, SE_INS_MGMT, SE_P1_DEFAULT, SE_P2_DELETE_OBJECT, SE_COMMAND_STATUS);
    tlv_put_be32(&c.w, SE_TAG_1, id);
    return se_call_status(chip, &c, se_what(what, id, "deleting"));
}
