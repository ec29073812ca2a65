#include "pkcs11/store.h"

#include "se/object.h"

#include <syslog.h>

/* File sizes are rounded up to this, so that a directory that changed a little fits the same file. */
#define GRAIN 64

static const uint32_t files[2] = { P11_ID_DIRECTORY_A, P11_ID_DIRECTORY_B };

static bool listed(const uint32_t *ids, size_t n, uint32_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == id)
            return true;
    }
    return !ids;
}

/* A file of ours is a number of grains long; the first of them tells how many. */
static err_t read_bytes(struct se_chip *chip, uint32_t id, struct buf *out)
{
    size_t size = 0;
    err_t e = se_object_read_at(chip, id, 0, GRAIN, out);

    if (!e)
        e = p11_directory_size(buf_slice(out), &size);
    if (!e && size > GRAIN)
        e = se_object_read_at(chip, id, GRAIN, size - GRAIN, out);
    return e;
}

/* To take it for none would try PINs on the wrong object and write over what a later module knows. */
static err_t newer(uint32_t id)
{
    syslog(LOG_ERR,
           "libsss_pkcs11: the directory in object %08X of the chip was written by a later version: "
           "nothing is done without it; update libsss_pkcs11.so",
           id);
    return ERR_UNSUPPORTED;
}

/* ERR_NOT_FOUND for everything that is no directory: the module works without one. */
static err_t read_file(struct se_chip *chip, uint32_t id, struct p11_directory *ret)
{
    autobuf bytes = BUF_INIT(P11_DIRECTORY_MAX);
    err_t e = read_bytes(chip, id, &bytes);

    if (!e)
        e = p11_directory_decode(buf_slice(&bytes), ret);
    if (e == ERR_UNSUPPORTED)
        return newer(id);
    return e == ERR_DENIED || e == ERR_CORRUPT || e == ERR_TOO_BIG || e == ERR_INVALID ? ERR_NOT_FOUND : e;
}

/* *ret_file: which of the two it was, -1 none. */
static err_t load(struct se_chip *chip, const uint32_t *ids, size_t n, struct p11_directory *ret,
                  int *ret_file)
{
    int found = -1;

    for (int i = 0; i < 2; i++) {
        auto_directory struct p11_directory d = { 0 };
        p11_directory_init(&d);
        if (!listed(ids, n, files[i]))
            continue;
        err_t e = read_file(chip, files[i], &d);
        if (e && e != ERR_NOT_FOUND)
            return e;
        if (e || d.sequence <= ret->sequence)
            continue;
        p11_directory_done(ret);
        *ret = d;
        p11_directory_init(&d); /* handed over */
        found = i;
    }
    *ret_file = found;
    return ERR_OK;
}

err_t p11_store_load(struct se_chip *chip, const uint32_t *ids, size_t n, struct p11_directory *ret)
{
    int file = -1;

    p11_directory_done(ret);
    return load(chip, ids, n, ret, &file);
}

/* Records of objects that are gone only take room. */
static void drop_stale(struct p11_directory *d, const uint32_t *ids, size_t n)
{
    for (size_t i = d->n; i-- > 0;) {
        if (!listed(ids, n, d->v[i].id))
            p11_directory_remove(d, d->v[i].id);
    }
}

/* A file of the module's own that has no name is half of one: the power went while it was written. */
static void drop_halves(struct se_chip *chip, const struct p11_directory *d, const uint32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p11_id_is_file(ids[i]) && !p11_directory_find(d, ids[i]))
            (void)se_object_delete(chip, ids[i]); /* next time, then */
    }
}

static err_t absent_is_fine(err_t e)
{
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static err_t write_file(struct se_chip *chip, uint32_t id, const struct p11_directory *d)
{
    autobuf bytes = BUF_INIT(P11_DIRECTORY_MAX + GRAIN);
    err_t e = p11_directory_encode(d, &bytes);

    while (!e && bytes.n % GRAIN)
        e = buf_add_u8(&bytes, 0);
    return e ? e : se_object_write_binary(chip, id, buf_slice(&bytes), NULL);
}

err_t p11_store_update(struct se_chip *chip, p11_store_change change, void *arg)
{
    auto_directory struct p11_directory d = { 0 };
    autofree uint32_t *ids = NULL;
    size_t n = 0;
    int file = -1;

    p11_directory_init(&d);
    err_t e = se_object_list(chip, SE_TYPE_ALL, &ids, &n);
    if (!e)
        e = load(chip, ids, n, &d, &file);
    if (e)
        return e;
    drop_stale(&d, ids, n);
    e = change(&d, arg);
    if (e)
        return e;
    if (file >= 0)
        drop_halves(chip, &d, ids, n);
    d.sequence = d.sequence == UINT32_MAX ? 1 : d.sequence + 1;
    e = write_file(chip, files[file == 0 ? 1 : 0], &d);
    if (!e && file >= 0)
        e = absent_is_fine(se_object_delete(chip, files[file]));
    return e;
}
