#include "se/keyd_path.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/reader.h"
#include "se/bus_open.h"
#include "se/detail.h"
#include "se/keyd_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECT_PATIENCE_MS = 10 * 1000, /* its queue of connections may be full for a moment */
    CONNECT_RETRY_MS = 5,
    /* The queue before us and an RSA-4096 generation; the daemon gives up before this. */
    ANSWER_PATIENCE_MS = 180 * 1000,
    ANSWER_HEAD = 4,  /* generation */
    REFUSED_HEAD = 5, /* generation, code */
};

struct keyd {
    struct se_path path;
    char socket[SE_PORT_PATH_MAX];
    struct se_bus_fd own;
    bool connected;
    bool begun;   /* the daemon knows of this sequence */
    bool fallen;  /* the connection was lost in this sequence */
    unsigned due; /* answers that will come: the last one is wanted, the others were cancelled */
    int64_t sent_ms;
    uint32_t generation; /* as the daemon counts */
    struct buf in, out;
    size_t taken; /* bytes at the front of `in` that the answer shown lies in */
};

static struct keyd *of(struct se_path *path)
{
    return CONTAINER_OF(path, struct keyd, path);
}

/* ---- the connection ---- */

static void disconnect(struct keyd *k)
{
    if (k->connected)
        se_bus_fd_close(&k->own);
    k->connected = k->begun = false;
    k->due = 0;
    k->taken = 0;
    buf_clear(&k->in);
    buf_clear(&k->out);
}

static err_t not_there(const struct keyd *k, int errnum)
{
    err_t e = errnum == EACCES || errnum == EPERM ? ERR_DENIED : ERR_UNAVAILABLE;

    return se_fail(e,
                   "sedge-keyd does not answer at %s (%s); it is configured, so the bus is not opened: "
                   "systemctl status sedge-keyd, or start it: sedge-keyd serve",
                   k->socket, strerror(errnum));
}

static err_t connect_fd(struct keyd *k, int fd)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    int64_t deadline_ms = clock_mono_ms() + CONNECT_PATIENCE_MS;
    size_t n = strlen(k->socket);

    if (n >= sizeof(sa.sun_path))
        return se_fail(ERR_INVALID, "%s: longer than the %zu bytes a socket's path may have", k->socket,
                       sizeof(sa.sun_path) - 1);
    memcpy(sa.sun_path, k->socket, n);
    while (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) != 0) {
        struct timespec ts = { 0, CONNECT_RETRY_MS * 1000 * 1000 };

        if ((errno != EAGAIN && errno != EINTR) || clock_mono_ms() > deadline_ms)
            return not_there(k, errno);
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
    }
    return ERR_OK;
}

/* Did the daemon close it since we last looked? Nothing is due between sequences. */
static bool is_stale(const struct keyd *k)
{
    uint8_t byte;

    return k->due || recv(k->own.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
           (errno != EAGAIN && errno != EINTR);
}

/* ERR_MORE at the deadline. */
static err_t wait_for(const struct keyd *k, short events, int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_mono_ms();
    struct pollfd p = { .fd = k->own.fd, .events = events };
    int n = poll(&p, 1, left < 0 ? 0 : left > 60000 ? 60000 : (int)left);

    if (n < 0 && errno != EINTR)
        return ERR_IO;
    return n > 0 ? ERR_OK : ERR_MORE;
}

/* ---- frames ---- */

/* ERR_EOF: the daemon is gone and has not had the whole frame. */
static err_t write_out(struct keyd *k)
{
    int64_t deadline_ms = clock_mono_ms() + CONNECT_PATIENCE_MS;
    size_t at = 0;

    while (at < k->out.n) {
        ssize_t n = send(k->own.fd, k->out.p + at, k->out.n - at, MSG_NOSIGNAL);

        if (n > 0)
            at += (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            return ERR_EOF;
        else if (wait_for(k, POLLOUT, deadline_ms) == ERR_MORE && clock_mono_ms() > deadline_ms)
            return ERR_EOF; /* it does not read: what it has is no whole frame */
    }
    buf_clear(&k->out);
    return ERR_OK;
}

static err_t write_frame(struct keyd *k, uint8_t type, uint8_t flags, struct slice body)
{
    buf_clear(&k->out);
    if (se_keyd_frame_put(&k->out, type, flags, body))
        return se_fail(ERR_TOO_BIG, "%s: the command is too long", k->path.name);
    return write_out(k);
}

static err_t read_some(struct keyd *k)
{
    uint8_t chunk[SE_KEYD_FRAME_MAX];
    ssize_t n = recv(k->own.fd, chunk, sizeof(chunk), 0);
    err_t e;

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? ERR_MORE : ERR_EOF;
    e = n == 0 ? ERR_EOF : buf_add_mem(&k->in, chunk, (size_t)n);
    mem_wipe(chunk, n > 0 ? (size_t)n : 0);
    return e;
}

/* The next frame, in k->in. ERR_MORE at the deadline, ERR_EOF the daemon is gone. */
static err_t read_frame(struct keyd *k, int64_t deadline_ms, struct se_keyd_frame *ret)
{
    struct slice in;
    err_t e;

    buf_drop(&k->in, k->taken);
    k->taken = 0;
    for (;;) {
        in = buf_slice(&k->in);
        e = se_keyd_frame_next(&in, ret);
        if (e != ERR_MORE)
            break;
        e = wait_for(k, POLLIN, deadline_ms);
        if (!e)
            e = read_some(k);
        if (e && (e != ERR_MORE || clock_mono_ms() >= deadline_ms))
            return e;
    }
    if (!e)
        k->taken = k->in.n - in.n;
    return e;
}

static err_t refusal(const struct keyd *k, struct slice body)
{
    if (body.n < REFUSED_HEAD)
        return se_fail(ERR_PROTO, "%s: malformed refusal", k->path.name);
    return se_fail(se_keyd_err(body.p[REFUSED_HEAD - 1]), "sedge-keyd: %.*s",
                   SLICE_FMT(slice_skip(body, REFUSED_HEAD)));
}

/* ---- hello ---- */

static void set_generation(struct keyd *k, uint32_t generation, bool fresh)
{
    if (fresh || generation != k->generation)
        k->path.state.generation++;
    k->generation = generation;
}

static void take_welcome(struct keyd *k, const struct se_keyd_welcome *w)
{
    struct se_path_state *s = &k->path.state;

    s->version = (struct se_version){ .major = w->select[0],
                                      .minor = w->select[1],
                                      .patch = w->select[2],
                                      .config = (uint16_t)(w->select[3] << 8 | w->select[4]),
                                      .secure_box = (uint16_t)(w->select[5] << 8 | w->select[6]) };
    s->channel.on = w->flags & SE_KEYD_WELCOME_CHANNEL;
    s->channel.published = w->flags & SE_KEYD_WELCOME_PUBLISHED;
    s->pin_held = w->flags & SE_KEYD_WELCOME_PIN;
    (void)snprintf(s->channel.keys, sizeof(s->channel.keys), "%s", w->keys);
    set_generation(k, w->generation, true);
}

static err_t hello(struct keyd *k)
{
    static const uint8_t version[] = { SE_KEYD_VERSION };
    struct se_keyd_frame f;
    struct se_keyd_welcome w;
    err_t e = write_frame(k, SE_KEYD_HELLO, 0, SLICE_ARRAY(version));

    if (!e || e == ERR_EOF) /* it may have hung up before we spoke, and said why */
        e = read_frame(k, clock_mono_ms() + ANSWER_PATIENCE_MS, &f);
    if (e == ERR_EOF)
        return se_fail(ERR_UNAVAILABLE, "sedge-keyd at %s hung up", k->socket);
    if (e)
        return se_fail(e == ERR_MORE ? ERR_TIMEOUT : e, "sedge-keyd at %s does not answer", k->socket);
    if (f.type == SE_KEYD_REFUSED)
        return refusal(k, f.body);
    e = f.type == SE_KEYD_WELCOME ? se_keyd_welcome_decode(f.body, &w) : ERR_PROTO;
    if (e)
        return se_fail(ERR_PROTO, "%s: what listens there is not a sedge-keyd of this version", k->socket);
    take_welcome(k, &w);
    return ERR_OK;
}

static err_t connect_keyd(struct keyd *k)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    err_t e;

    if (fd < 0)
        return se_fail(ERR_IO, "no socket: %s", strerror(errno));
    k->own = se_bus_fd_own(fd);
    k->connected = true;
    e = connect_fd(k, fd);
    if (!e)
        e = hello(k);
    if (e)
        disconnect(k);
    return e;
}

/* ---- the path ---- */

static err_t keyd_begin(struct se_path *path)
{
    struct keyd *k = of(path);

    if (k->connected && is_stale(k))
        disconnect(k);
    k->fallen = false;
    return k->connected ? ERR_OK : connect_keyd(k);
}

/* The connection ended. The daemon's later life knows nothing of our sequence. */
static err_t fallen(struct keyd *k, err_t e)
{
    disconnect(k);
    k->fallen = true;
    return e;
}

static err_t send_apdu(struct keyd *k, struct slice apdu)
{
    return write_frame(k, SE_KEYD_EXCHANGE, k->begun ? 0 : SE_KEYD_FLAG_BEGIN, apdu);
}

static err_t keyd_send(struct se_path *path, struct slice apdu)
{
    struct keyd *k = of(path);
    err_t e = k->connected ? send_apdu(k, apdu) : ERR_EOF;

    if (e == ERR_EOF && !k->begun && !k->fallen) { /* the first command of the sequence: as if it began now */
        disconnect(k);
        e = connect_keyd(k);
        if (!e)
            e = send_apdu(k, apdu);
    }
    if (e == ERR_EOF) {
        (void)fallen(k, e);
        return se_fail(ERR_TIMEOUT,
                       "sedge-keyd at %s was restarted in the middle of a sequence; it was not finished",
                       k->socket);
    }
    if (e)
        return fallen(k, e);
    k->begun = true;
    k->due++;
    k->sent_ms = clock_mono_ms();
    return ERR_OK;
}

static err_t no_answer(struct keyd *k, err_t e)
{
    (void)fallen(k, e);
    if (e == ERR_EOF)
        return se_fail(ERR_UNAVAILABLE,
                       "sedge-keyd at %s ended before it answered; the command may have been executed",
                       k->socket);
    if (e == ERR_TIMEOUT)
        return se_fail(e, "sedge-keyd at %s has not answered for %d s", k->socket, ANSWER_PATIENCE_MS / 1000);
    return se_fail(e, "sedge-keyd at %s: %s", k->socket, err_str(e));
}

static err_t take_answer(struct keyd *k, const struct se_keyd_frame *f, struct slice *ret_answer)
{
    struct reader r = reader_of(f->body);
    uint32_t generation = reader_be32(&r);

    if (reader_ok(&r) || (f->type != SE_KEYD_ANSWER && f->type != SE_KEYD_REFUSED))
        return no_answer(k, ERR_PROTO);
    set_generation(k, generation, false);
    if (f->type == SE_KEYD_REFUSED)
        return refusal(k, f->body);
    *ret_answer = r.rest;
    return ERR_OK;
}

static err_t keyd_receive(struct se_path *path, int64_t deadline_ms, struct slice *ret_answer)
{
    struct keyd *k = of(path);
    struct se_keyd_frame f = { 0 };
    err_t e = ERR_OK;

    if (!k->due)
        return se_fail(ERR_WRONG_STATE, "%s: no answer is due", k->path.name);
    while (!e && k->due) {
        e = read_frame(k, deadline_ms, &f);
        k->due -= !e;
    }
    if (e == ERR_MORE)
        return clock_mono_ms() - k->sent_ms > ANSWER_PATIENCE_MS ? no_answer(k, ERR_TIMEOUT) : ERR_MORE;
    return e ? no_answer(k, e) : take_answer(k, &f, ret_answer);
}

static void keyd_cancel(struct se_path *path)
{
    (void)path; /* the answer is dropped when it comes before the next one: k->due counts it */
}

static void keyd_end(struct se_path *path)
{
    struct keyd *k = of(path);

    if (k->connected && k->begun && write_frame(k, SE_KEYD_END, 0, (struct slice){ 0 }))
        disconnect(k);
    if (k->due) /* cancelled, and nobody will read it */
        disconnect(k);
    k->begun = false;
    k->taken = 0;
    buf_clear(&k->in);
    buf_clear(&k->out);
}

static void keyd_close(struct se_path *path)
{
    struct keyd *k = of(path);

    disconnect(k);
    buf_done(&k->in);
    buf_done(&k->out);
    free(k);
}

static const struct se_path_ops ops = {
    .begin = keyd_begin,
    .send = keyd_send,
    .receive = keyd_receive,
    .cancel = keyd_cancel,
    .end = keyd_end,
    .close = keyd_close,
    .leave =
        keyd_close, /* closing our copy of a socket tells the daemon nothing while the parent has its own */
};

err_t se_keyd_path_open(const struct se_port *port, struct se_path **ret)
{
    struct keyd *k = mem_calloc(1, sizeof(*k));

    if (!k)
        return se_fail(ERR_NOMEM, "out of memory");
    k->path.ops = &ops;
    se_port_text(port, k->path.name);
    (void)snprintf(k->socket, sizeof(k->socket), "%s", port->path);
    k->in = BUF_SECRET(2 * SE_KEYD_FRAME_MAX);
    k->out = BUF_SECRET(SE_KEYD_FRAME_MAX);
    *ret = &k->path;
    return ERR_OK;
}
