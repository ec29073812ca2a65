/* src/edge/deploy/codetree.c */
#include "edge/deploy/codetree.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 65536

struct walk {
    const char *from, *to;
    struct crypto_hash *hash;
    err_t (*visit)(struct walk *, const FTSENT *, const char *below);
    struct problem *why;
};

static err_t failed(const struct walk *w, const char *path, int number)
{
    return problem_set(w->why, file_err(number) ? file_err(number) : ERR_IO, "%s: %s", path,
                       strerror(number));
}

/* The same order wherever it is done. */
static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static err_t visit_entry(struct walk *w, const FTSENT *ent)
{
    const char *below = ent->fts_path + strlen(w->from);

    if (ent->fts_info == FTS_DP)
        return ERR_OK;
    if (ent->fts_info == FTS_DNR || ent->fts_info == FTS_ERR || ent->fts_info == FTS_NS)
        return failed(w, ent->fts_path, ent->fts_errno);
    if ((ent->fts_info != FTS_D && ent->fts_info != FTS_F) || ent->fts_statp->st_mode & 07000 ||
        ent->fts_level > CODETREE_MAX_DEPTH)
        return problem_set(w->why, ERR_INVALID, "%s is not a file or folder that was unpacked",
                           ent->fts_path);
    return w->visit(w, ent, below);
}

static err_t walk(struct walk *w)
{
    char *paths[] = { (char *)(uintptr_t)w->from, NULL };
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, by_name);
    const FTSENT *ent;
    err_t e = ERR_OK;

    if (!tree)
        return failed(w, w->from, errno);
    while (!e && (errno = 0, ent = fts_read(tree)))
        e = visit_entry(w, ent);
    if (!e && errno)
        e = failed(w, w->from, errno);
    (void)fts_close(tree);
    return e;
}

/* ---- the digest ---- */

static err_t hash_content(struct walk *w, const char *path)
{
    autoclose int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    autofree uint8_t *block = mem_calloc(1, BLOCK);
    ssize_t n = 0;
    err_t e = ERR_OK;

    if (fd < 0 || !block)
        return failed(w, path, fd < 0 ? errno : ENOMEM);
    while (!e && (n = read(fd, block, BLOCK)) > 0)
        e = crypto_hash_add(w->hash, (struct slice){ block, (size_t)n });
    return n < 0 ? failed(w, path, errno) : e;
}

/* A line per entry, names ended by a zero byte, so that no two trees have the same bytes. */
static err_t hash_entry(struct walk *w, const FTSENT *ent, const char *below)
{
    bool folder = ent->fts_info == FTS_D;
    char head[64];
    int n = snprintf(head, sizeof(head), "%c%d %lld ", folder ? 'd' : 'f',
                     !folder && (ent->fts_statp->st_mode & 0111),
                     folder ? 0LL : (long long)ent->fts_statp->st_size);
    err_t e = crypto_hash_add(w->hash, (struct slice){ (const uint8_t *)head, (size_t)n });

    e = e ? e : crypto_hash_add(w->hash, (struct slice){ (const uint8_t *)below, strlen(below) + 1 });
    return e || folder ? e : hash_content(w, ent->fts_path);
}

err_t codetree_digest(const struct crypto_ctx *crypto, const char *path, char ret[CRYPTO_SHA256_HEX],
                      struct problem *why)
{
    struct walk w = { .from = path, .visit = hash_entry, .why = why };
    err_t e = crypto_hash_new(crypto, &w.hash);

    e = e ? problem_set(why, e, "SHA-256 cannot be computed") : walk(&w);
    e = e ? e : crypto_hash_hex(w.hash, ret);
    crypto_hash_free(w.hash);
    return e;
}

/* ---- the second tree ---- */

static err_t link_entry(struct walk *w, const FTSENT *ent, const char *below)
{
    autofree char *to = mem_printf("%s%s", w->to, below);

    if (!to)
        return ERR_NOMEM;
    if (ent->fts_info == FTS_D)
        return mkdir(to, 0755) == 0 && chmod(to, 0755) == 0 ? ERR_OK : failed(w, to, errno);
    return link(ent->fts_path, to) == 0 ? ERR_OK : failed(w, to, errno);
}

err_t codetree_link(const char *from, const char *to, struct problem *why)
{
    struct walk w = { .from = from, .to = to, .visit = link_entry, .why = why };

    return walk(&w);
}
