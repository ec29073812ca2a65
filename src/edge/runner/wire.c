#include "edge/runner/wire.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/writer.h"

#include <stdio.h>
#include <string.h>

void runner_message_done(struct runner_message *m)
{
    if (m->words)
        mem_wipe(m->words, m->words_len); /* a worker's token is among them */
    free(m->words);
    free((void *)m->lists);
    *m = (struct runner_message){ 0 };
}

/* ---- writing ---- */

static void write_text(struct writer *w, const char *s)
{
    writer_be32(w, (uint32_t)strlen(s));
    writer_str(w, s);
}

static void write_list(struct writer *w, const char *const *list)
{
    uint16_t n = 0;

    while (n < RUNNER_WORDS_MAX && list[n])
        n++;
    if (list[n]) {
        w->err = ERR_TOO_BIG;
        return;
    }
    writer_be16(w, n);
    for (uint16_t i = 0; i < n; i++)
        write_text(w, list[i]);
}

static void write_command(struct writer *w, const struct runner_command *c)
{
    writer_be64(w, (uint64_t)c->uid);
    writer_be64(w, (uint64_t)c->gid);
    write_text(w, c->program);
    write_text(w, c->cwd);
    write_text(w, c->path);
    write_list(w, c->argv);
    write_list(w, c->envp);
}

err_t runner_write(struct buf *out, const struct runner_message *m)
{
    struct writer w = writer_of(out);

    writer_u8(&w, (uint8_t)m->kind);
    writer_be64(&w, m->worker);
    if (m->kind == RUNNER_START)
        write_command(&w, &m->command);
    else if (m->kind == RUNNER_NOT_STARTED)
        write_text(&w, m->text);
    else
        writer_be64(&w, (uint64_t)m->number);
    return writer_done(&w);
}

/* ---- reading ---- */

/* Strings move to the front of m->words, each with its NUL. That fits: a length was four bytes. */
struct words {
    struct reader *r;
    char *at;
};

static const char *read_text(struct words *w)
{
    uint32_t n = reader_be32(w->r);
    struct slice s = reader_bytes(w->r, n);
    char *text = w->at;

    if (w->r->failed || (s.n && memchr(s.p, 0, s.n))) {
        reader_fail(w->r);
        return "";
    }
    if (s.n)
        memcpy(text, s.p, s.n);
    text[s.n] = 0;
    w->at = text + s.n + 1;
    return text;
}

/* NULL-terminated, at `list`; where the next one begins is returned. */
static const char **read_list(struct words *w, const char **list)
{
    uint16_t n = reader_be16(w->r);

    if (n > RUNNER_WORDS_MAX) {
        reader_fail(w->r);
        n = 0;
    }
    for (uint16_t i = 0; i < n && !w->r->failed; i++)
        *list++ = read_text(w);
    *list++ = NULL;
    return list;
}

/* Both, or neither; nothing that a uid_t would cut to another number. */
static bool ids_ok(const struct runner_command *c)
{
    if (c->uid == -1 || c->gid == -1)
        return c->uid == c->gid;
    return c->uid >= 0 && c->uid <= INT32_MAX && c->gid >= 0 && c->gid <= INT32_MAX;
}

static err_t read_command(struct reader *r, struct runner_message *m)
{
    struct words w = { r, NULL };
    const char **lists;

    m->words_len = r->rest.n + 1;
    m->words = w.at = mem_calloc(m->words_len, 1);
    m->lists = lists = mem_calloc(2 * (RUNNER_WORDS_MAX + 1), sizeof(*lists));
    if (!w.at || !lists)
        return ERR_NOMEM;
    m->command.uid = (int64_t)reader_be64(r);
    m->command.gid = (int64_t)reader_be64(r);
    m->command.program = read_text(&w);
    m->command.cwd = read_text(&w);
    m->command.path = read_text(&w);
    m->command.argv = lists;
    lists = read_list(&w, lists);
    m->command.envp = lists;
    (void)read_list(&w, lists);
    if (!ids_ok(&m->command))
        reader_fail(r);
    if (!r->failed && (!m->command.argv[0] || !m->command.program[0] || m->command.cwd[0] != '/'))
        reader_fail(r);
    return ERR_OK;
}

static void read_why(struct reader *r, struct runner_message *m)
{
    uint32_t n = reader_be32(r);
    struct slice s = reader_bytes(r, n);

    (void)snprintf(m->text, sizeof(m->text), "%.*s", SLICE_FMT(s));
}

err_t runner_read(struct slice packet, struct runner_message *ret)
{
    struct runner_message m = { 0 };
    struct reader r = reader_of(packet);
    uint8_t kind = reader_u8(&r);
    err_t e = ERR_OK;

    m.kind = (enum runner_kind)kind;
    m.worker = reader_be64(&r);
    if (kind < RUNNER_START || kind > RUNNER_ENDED || packet.n > RUNNER_PACKET_MAX)
        reader_fail(&r);
    else if (kind == RUNNER_START)
        e = read_command(&r, &m);
    else if (kind == RUNNER_NOT_STARTED)
        read_why(&r, &m);
    else
        m.number = (int64_t)reader_be64(&r);
    if (!e)
        e = reader_done(&r);
    if (e)
        runner_message_done(&m);
    else
        *ret = m;
    return e;
}
