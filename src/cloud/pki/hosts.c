#include "cloud/pki/hosts.h"

#include "base/file.h"
#include "base/mem.h"

#include <ctype.h>

#define HOSTS_FILE_MAX 16384u

void hosts_done(struct hosts *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->list[i]);
    *h = (struct hosts){ 0 };
}

static bool host_ok(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!isalnum(s.p[i]) && !strchr(".-:_*", s.p[i]))
            return false;
    }
    return s.n > 0 && s.n <= 253;
}

static err_t add(struct hosts *h, struct slice name)
{
    if (!host_ok(name) || h->n >= HOSTS_MAX)
        return ERR_INVALID;
    for (size_t i = 0; i < h->n; i++) {
        if (slice_eq(slice_str(h->list[i]), name))
            return ERR_OK;
    }
    if (!(h->list[h->n] = mem_str(name)))
        return ERR_NOMEM;
    h->n++;
    return ERR_OK;
}

err_t hosts_parse(const char *text, struct hosts *ret)
{
    struct hosts h = { 0 };
    bool local = false;
    err_t e = ERR_OK;

    for (const char *p = text; !e && p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        struct slice name = slice_of(p, strcspn(p, ","));
        local = local || slice_eq(name, SLICE_LIT("localhost"));
        e = add(&h, name);
    }
    if (!e && local)
        e = add(&h, SLICE_LIT("127.0.0.1"));
    if (!e && local)
        e = add(&h, SLICE_LIT("::1"));
    if (e) {
        hosts_done(&h);
        return e;
    }
    *ret = h;
    return ERR_OK;
}

static err_t as_text(const struct hosts *h, struct buf *out)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < h->n && !e; i++)
        e = buf_printf(out, "%s\n", h->list[i]);
    return e;
}

err_t hosts_changed(const char *dir, const struct hosts *h, bool *ret)
{
    autofree char *path = mem_printf("%s/server.hosts", dir);
    autobuf have = BUF_INIT(HOSTS_FILE_MAX), want = BUF_INIT(HOSTS_FILE_MAX);
    err_t e;

    if (!path)
        return ERR_NOMEM;
    if ((e = as_text(h, &want)))
        return e;
    e = file_read(path, &have);
    if (e && e != ERR_NOT_FOUND)
        return e;
    *ret = e == ERR_NOT_FOUND || !slice_eq(buf_slice(&have), buf_slice(&want));
    return ERR_OK;
}

err_t hosts_remember(const char *dir, const struct hosts *h)
{
    autofree char *path = mem_printf("%s/server.hosts", dir);
    autobuf text = BUF_INIT(HOSTS_FILE_MAX);
    err_t e;

    if (!path)
        return ERR_NOMEM;
    if ((e = as_text(h, &text)))
        return e;
    return file_write_durable(path, buf_slice(&text), 0644);
}
