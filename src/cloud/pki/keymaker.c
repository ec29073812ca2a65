#include "cloud/pki/keymaker.h"

#include "base/file.h"
#include "base/mem.h"
#include "crypto/key.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX 16384u
#define PUBLIC_BEGIN "-----BEGIN PUBLIC KEY-----"

extern char **environ;

struct child {
    struct keymaker *owner;
    pid_t pid;
    int fd;
    struct net_watch *watch;
    struct net_timer *deadline;
    struct buf text;
    keymaker_done_fn done;
    void *ctx;
};

struct keymaker {
    struct net_loop *loop;
    struct child *children[KEYMAKER_CHILDREN_MAX];
};

err_t keymaker_new(struct net_loop *loop, struct keymaker **ret)
{
    struct keymaker *k = mem_calloc(1, sizeof(*k));

    if (!k)
        return ERR_NOMEM;
    k->loop = loop;
    *ret = k;
    return ERR_OK;
}

/* The child has closed its output or overstayed: it is at its end in any case, so the wait is short. */
static void reap(const struct child *c)
{
    if (c->pid <= 0)
        return;
    (void)kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void child_free(struct child *c)
{
    for (size_t i = 0; i < KEYMAKER_CHILDREN_MAX; i++) {
        if (c->owner->children[i] == c)
            c->owner->children[i] = NULL;
    }
    net_watch_free(c->watch);
    net_timer_free(c->deadline);
    reap(c);
    mem_close_fd(&c->fd);
    buf_done(&c->text);
    free(c);
}

void keymaker_free(struct keymaker *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < KEYMAKER_CHILDREN_MAX; i++) {
        if (k->children[i])
            child_free(k->children[i]);
    }
    free(k);
}

static err_t split(const struct buf *text, struct buf *private_pem, struct buf *public_pem)
{
    const uint8_t *at = text->n ? memmem(text->p, text->n, PUBLIC_BEGIN, sizeof(PUBLIC_BEGIN) - 1) : NULL;
    size_t n = at ? (size_t)(at - text->p) : 0;
    err_t e;

    if (!at || n == 0)
        return ERR_IO; /* the child died before it was done */
    if ((e = buf_add(private_pem, slice_head(buf_slice(text), n))))
        return e;
    return buf_add(public_pem, slice_skip(buf_slice(text), n));
}

static void finish(struct child *c, err_t e)
{
    autobuf private_pem = BUF_SECRET(TEXT_MAX), public_pem = BUF_INIT(TEXT_MAX);
    keymaker_done_fn done = c->done;
    void *ctx = c->ctx;

    if (!e)
        e = split(&c->text, &private_pem, &public_pem);
    child_free(c);
    done(ctx, e, &private_pem, &public_pem);
}

static void on_deadline(void *ctx)
{
    finish(ctx, ERR_TIMEOUT);
}

static void on_readable(void *ctx, bool readable, bool writable)
{
    struct child *c = ctx;
    uint8_t part[4096];
    ssize_t n = read(c->fd, part, sizeof(part));

    (void)readable;
    (void)writable;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0 && buf_add_mem(&c->text, part, (size_t)n) == ERR_OK) {
        mem_wipe(part, sizeof(part));
        return;
    }
    mem_wipe(part, sizeof(part));
    finish(c, n == 0 ? ERR_OK : ERR_IO);
}

static int spawn_child(int out, pid_t *ret)
{
    static char self[] = "/proc/self/exe", name[] = "sedge-cloud", command[] = "make-key";
    char *argv[] = { name, command, NULL };
    posix_spawn_file_actions_t files;
    int rc = posix_spawn_file_actions_init(&files);

    if (rc)
        return rc;
    rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (!rc)
        rc = posix_spawn(ret, self, &files, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    return rc;
}

static err_t child_run(struct child *c)
{
    int fds[2], rc;
    err_t e;

    if (pipe2(fds, O_CLOEXEC) != 0)
        return ERR_IO;
    c->fd = fds[0];
    rc = spawn_child(fds[1], &c->pid);
    mem_close_fd(&fds[1]);
    if (rc || fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
        return ERR_IO;
    if ((e = net_watch_new(c->owner->loop, c->fd, on_readable, c, &c->watch)) ||
        (e = net_watch_set(c->watch, true, false)) ||
        (e = net_timer_new(c->owner->loop, on_deadline, c, &c->deadline)))
        return e;
    net_timer_set(c->deadline, KEYMAKER_DEADLINE_MS);
    return ERR_OK;
}

err_t keymaker_start(struct keymaker *k, keymaker_done_fn done, void *ctx)
{
    struct child *c;
    size_t slot = 0;
    err_t e;

    while (slot < KEYMAKER_CHILDREN_MAX && k->children[slot])
        slot++;
    if (slot == KEYMAKER_CHILDREN_MAX)
        return ERR_BUSY;
    if (!(c = mem_calloc(1, sizeof(*c))))
        return ERR_NOMEM;
    *c = (struct child){ .owner = k, .fd = -1, .text = BUF_SECRET(TEXT_MAX), .done = done, .ctx = ctx };
    k->children[slot] = c;
    if ((e = child_run(c)))
        child_free(c);
    return e;
}

int keymaker_child(void)
{
    struct crypto_ctx *crypto = NULL;
    auto_pkey EVP_PKEY *key = NULL;
    autobuf text = BUF_SECRET(TEXT_MAX);
    bool ok = crypto_ctx_new(NULL, &crypto) == ERR_OK &&
              crypto_key_generate(crypto, CRYPTO_KEY_RSA_2048, &key) == ERR_OK &&
              crypto_key_private_pem(key, &text) == ERR_OK && crypto_key_public_pem(key, &text) == ERR_OK &&
              file_write_all(STDOUT_FILENO, buf_slice(&text)) == ERR_OK;

    crypto_ctx_free(crypto);
    return ok ? 0 : 1;
}
