#include "cloud/status.h"

#include "base/json.h"
#include "base/mem.h"
#include "net/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX 65536u
#define WAIT_S 3

struct status {
    struct net_loop *loop;
    struct net_listener *listener;
    const struct report_source *src;
};

/* ---- the server's side ---- */

/* A question to the database: does it answer? */
struct question {
    struct store_job job; /* first */
    const struct status *s;
    struct net_stream *stream;
};

static err_t run(struct store_job *job, struct db *db)
{
    (void)job;
    return db_run(db, "SELECT 1", DB_NO_ARGS, NULL);
}

static void answer(const struct status *s, struct net_stream *stream, err_t database)
{
    auto_json *j = report_json(s->src, database ? err_str(database) : "ok");
    autobuf text = BUF_INIT(ANSWER_MAX);

    if (j && json_write(&text, j, 0) == ERR_OK)
        (void)net_stream_write(stream, buf_slice(&text)); /* who hears nothing asks again */
    net_stream_finish(stream);
}

static void done(struct store_job *job, err_t result)
{
    struct question *q = CONTAINER_OF(job, struct question, job);

    answer(q->s, q->stream, result);
    free(q);
}

static void on_accept(void *ctx, struct net_stream *stream)
{
    const struct status *s = ctx;
    struct question *q = mem_calloc(1, sizeof(*q));
    err_t e = ERR_NOMEM;

    if (q) {
        *q =
            (struct question){ .job = { .run = run, .done = done, .reads = true }, .s = s, .stream = stream };
        e = store_submit(accounts_at(s->src->accounts, 0)->store, s->loop, &q->job);
    }
    if (!e)
        return;
    free(q);
    answer(s, stream, e);
}

err_t status_new(struct net_loop *loop, const char *dir, const struct report_source *src, struct status **ret)
{
    autofree char *path = mem_printf("%s/status.sock", dir);
    autofree struct status *s = mem_calloc(1, sizeof(*s));
    struct net_listen_opts o = { .max_open = 16 };
    err_t e;

    if (!path || !s)
        return ERR_NOMEM;
    *s = (struct status){ .loop = loop, .src = src };
    if ((e = net_listen_unix(loop, path, 0600, &o, on_accept, s, &s->listener)))
        return e;
    *ret = steal(&s);
    return ERR_OK;
}

void status_free(struct status *s)
{
    if (!s)
        return;
    net_listener_free(s->listener);
    free(s);
}

/* ---- the command's side ---- */

static int fail(int code, const char *what, const char *dir, const char *why)
{
    (void)fprintf(stderr, "sedge-cloud: %s %s: %s\n", what, dir, why);
    return code;
}

/* -1 with errno. */
static int dial(const char *dir)
{
    struct timeval wait = { .tv_sec = WAIT_S };
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    autoclose int fd = -1;

    errno = ENAMETOOLONG;
    if (snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/status.sock", dir) >= (int)sizeof(sa.sun_path) ||
        (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
        connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) != 0)
        return -1;
    return steal_fd(&fd);
}

static err_t read_all(int fd, struct buf *out)
{
    char part[4096];
    ssize_t n;
    err_t e = ERR_OK;

    while (!e && (n = read(fd, part, sizeof(part))) != 0) {
        if (n < 0 && errno != EINTR)
            return ERR_TIMEOUT;
        if (n > 0)
            e = buf_add_mem(out, part, (size_t)n);
    }
    return e;
}

static void print_for_people(const json_t *j)
{
    static const char *const numbers[] = { "connections",   "sessions", "subscriptions",
                                           "retained",      "queued",   "received",
                                           "delivered",     "dropped",  "threads",
                                           "residentBytes", "pid" };

    printf("sedge-cloud runs for %lld s\n",
           (long long)json_integer_value(json_object_get(j, "uptimeSeconds")));
    printf("database: %s\n", json_string_value(json_object_get(j, "database")));
    printf("server certificate until: %s\n",
           json_string_value(json_object_get(j, "serverCertificateExpires")));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        printf("%s: %lld\n", numbers[i], (long long)json_integer_value(json_object_get(j, numbers[i])));
}

static int ask(const char *dir, bool as_json)
{
    autobuf text = BUF_INIT(ANSWER_MAX);
    auto_json *j = NULL;
    autoclose int fd = dial(dir);
    const char *database;

    if (fd < 0)
        return errno == ECONNREFUSED || errno == ENOENT
                   ? fail(3, "no server runs on", dir, "start one with sedge-cloud serve --data DIR")
                   : fail(4, "the server cannot be asked in", dir, strerror(errno));
    if (read_all(fd, &text) || json_parse(buf_slice(&text), 4, &j, NULL) ||
        !(database = json_string_value(json_object_get(j, "database"))))
        return fail(4, "the server does not answer in", dir,
                    "it may be stopping, or it hangs: look at its log");
    if (as_json)
        printf("%s\n", buf_str(&text));
    else
        print_for_people(j);
    return strcmp(database, "ok") == 0 ? 0 : 1;
}

int status_command(int argc, char **argv)
{
    const char *dir = NULL;
    bool as_json = false;

    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            as_json = true;
        else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc)
            dir = argv[++i];
        else
            return fail(2, "status does not know", argv[i], "usage: sedge-cloud status --data DIR [--json]");
    }
    if (!dir)
        return fail(2, "status needs", "--data DIR", "usage: sedge-cloud status --data DIR [--json]");
    return ask(dir, as_json);
}
