/* Files: written whole, in part, or made empty (AN12413 WriteBinary; reference 3.3). */
#include "se/detail.h"
#include "se/object.h"
#include "se/write_start.h"

/* A new file of `size` bytes when size is not 0; `bytes` go to `offset`. */
static err_t send(struct se_chip *chip, uint32_t id, size_t size, size_t offset, struct slice bytes,
                  const struct se_write *how)
{
    char what[SE_WHAT_MAX];
    auto_command c = { 0 };

    se_write_start(&c, SE_P1_BINARY, SE_P2_DEFAULT, id, how, size != 0);
    se_put_be16(&c, SE_TAG_2, (uint16_t)offset);
    se_put_be16(&c, SE_TAG_3, (uint16_t)size);
    se_put_bytes(&c, SE_TAG_4, bytes);
    if (size)
        se_write_finish(&c, how);
    return se_command_status(chip, &c, se_what(what, id, "writing the file"));
}

/* All of bytes from `offset` on; the first command makes the file when `size` is not 0. */
static err_t send_pieces(struct se_chip *chip, uint32_t id, size_t size, size_t offset, struct slice bytes,
                         const struct se_write *how)
{
    err_t e = ERR_OK;

    for (size_t at = 0; !e && at < bytes.n; at += SE_BINARY_CHUNK)
        e = send(chip, id, at == 0 ? size : 0, offset + at,
                 slice_head(slice_skip(bytes, at), SE_BINARY_CHUNK), how);
    return e;
}

static err_t check_size(uint32_t id, size_t n)
{
    if (n == 0)
        return se_fail(ERR_INVALID, "object %08x: an empty file cannot be stored", id);
    if (n > SE_BINARY_MAX)
        return se_fail(ERR_TOO_BIG, "object %08x: %zu bytes are more than a file's %d", id, n, SE_BINARY_MAX);
    return ERR_OK;
}

/* Make way for a file of `size` bytes; *ret_fresh tells whether it has to be created. A policy needs a new
 * file. */
static err_t make_way(struct se_chip *chip, uint32_t id, size_t size, bool anew, bool *ret_fresh)
{
    struct se_object_type type = { 0 };
    size_t old = 0;
    bool there = false;
    err_t e = se_object_exists(chip, id, &there);

    if (e || !there) {
        *ret_fresh = true;
        return e;
    }
    e = se_object_type(chip, id, &type);
    if (!e && type.type != SE_TYPE_BINARY)
        return se_fail(ERR_EXISTS, "object %08x: exists and is not a file; erase it first", id);
    if (!e)
        e = se_object_size(chip, id, &old);
    if (e)
        return e;
    *ret_fresh = anew || old != size;
    return *ret_fresh ? se_object_delete(chip, id) : ERR_OK;
}

err_t se_object_write_binary(struct se_chip *chip, uint32_t id, struct slice bytes,
                             const struct se_write *how)
{
    auto_hold *held = NULL;
    bool fresh = false;
    err_t e = check_size(id, bytes.n);

    if (!e)
        e = se_hold(chip, &held);
    if (!e)
        e = make_way(chip, id, bytes.n, how && how->policy && how->policy->n, &fresh);
    if (e)
        return e;
    e = send_pieces(chip, id, fresh ? bytes.n : 0, 0, bytes, how);
    if (e && fresh)
        (void)se_object_delete(chip, id); /* half a file helps nobody; e is what matters */
    return e;
}

err_t se_object_create_binary(struct se_chip *chip, uint32_t id, size_t size, const struct se_write *how)
{
    auto_hold *held = NULL;
    bool there = false;
    err_t e = check_size(id, size);

    if (!e)
        e = se_hold(chip, &held);
    if (!e)
        e = se_object_exists(chip, id, &there);
    if (!e && there)
        return se_fail(ERR_EXISTS, "object %08x: exists; erase it first", id);
    return e ? e : send(chip, id, size, 0, (struct slice){ 0 }, how);
}

err_t se_object_update_binary(struct se_chip *chip, uint32_t id, size_t offset, struct slice bytes)
{
    auto_hold *held = NULL;
    err_t e = check_size(id, bytes.n);

    if (!e && offset > SE_BINARY_MAX - bytes.n)
        e = se_fail(ERR_TOO_BIG, "object %08x: a file has at most %d bytes", id, SE_BINARY_MAX);
    if (!e)
        e = se_hold(chip, &held);
    return e ? e : send_pieces(chip, id, 0, offset, bytes, NULL);
}
