#include "se/chip.h"

#include "base/clock.h"
#include "base/mem.h"
#include "se/chip_open.h"
#include "se/command.h"
#include "se/detail.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { SLICE_MS = 50 }; /* a wait looks this often whether it was interrupted */

struct se_chip {
    pthread_mutex_t mutex; /* recursive: one thread's sequence */
    pid_t pid;             /* who opened it; nobody else may touch mutex, lock or bus */
    unsigned depth;
    struct se_path *path;
    struct se_version version; /* of the path when the handle was opened: read without the mutex */
    struct se_channel channel;
    struct buf pending; /* the command whose answer is due: sent again when it was certainly not executed */
    bool repeated;
    atomic_bool interrupted;
};

err_t se_chip_begin(struct se_chip *chip)
{
    err_t e = ERR_OK;

    if (chip->pid != getpid())
        return se_fail(ERR_WRONG_STATE,
                       "%s: the connection belongs to the parent process; open a new one after fork",
                       chip->path->name);
    (void)pthread_mutex_lock(&chip->mutex);
    if (chip->depth == 0)
        e = chip->path->ops->begin(chip->path);
    if (e)
        (void)pthread_mutex_unlock(&chip->mutex);
    else
        chip->depth++;
    return e;
}

void se_chip_end(struct se_chip *chip)
{
    if (chip->pid != getpid())
        return;
    if (--chip->depth == 0) {
        buf_clear(&chip->pending);
        chip->path->ops->end(chip->path);
    }
    (void)pthread_mutex_unlock(&chip->mutex);
}

static err_t init_mutex(pthread_mutex_t *m)
{
    pthread_mutexattr_t attr;
    int rc = pthread_mutexattr_init(&attr);

    if (rc)
        return ERR_NOMEM;
    rc = pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    if (!rc)
        rc = pthread_mutex_init(m, &attr);
    (void)pthread_mutexattr_destroy(&attr);
    return rc ? ERR_NOMEM : ERR_OK;
}

static void chip_free(struct se_chip *chip)
{
    buf_done(&chip->pending);
    free(chip);
}

err_t se_chip_open_path(struct se_path *path, struct se_chip **ret)
{
    struct se_chip *chip = mem_calloc(1, sizeof(*chip));
    err_t e;

    if (!chip || init_mutex(&chip->mutex)) {
        free(chip);
        path->ops->close(path);
        return se_fail(ERR_NOMEM, "out of memory");
    }
    chip->pid = getpid();
    chip->path = path;
    chip->pending = BUF_SECRET(SE_APDU_MAX);
    e = se_chip_begin(chip);
    if (e) {
        se_chip_close(chip);
        return e;
    }
    chip->version = path->state.version;
    chip->channel = path->state.channel;
    se_chip_end(chip);
    *ret = chip;
    return ERR_OK;
}

err_t se_chip_open_with(const struct se_port *port, se_bus_open_fn *open_bus, struct se_chip **ret)
{
    struct se_path *path = NULL;
    err_t e = se_direct_open(port, open_bus, "none", &path);

    return e ? e : se_chip_open_path(path, ret);
}

err_t se_chip_open_options(const struct se_chip_options *options, struct se_chip **ret)
{
    struct se_path *path = NULL;
    struct se_port port;
    err_t e;

    se_detail_clear();
    e = se_port_resolve(options->port, options->direct, &port);
    if (!e)
        e = se_path_open(&port, options->scp03, &path);
    return e ? e : se_chip_open_path(path, ret);
}

err_t se_chip_open(const char *port, struct se_chip **ret)
{
    return se_chip_open_options(&(struct se_chip_options){ .port = port }, ret);
}

void se_chip_close(struct se_chip *chip)
{
    if (!chip)
        return;
    if (chip->pid == getpid()) {
        chip->path->ops->close(chip->path);
        (void)pthread_mutex_destroy(&chip->mutex);
    } else {
        chip->path->ops->leave(chip->path);
    }
    chip_free(chip);
}

struct se_version se_chip_version(const struct se_chip *chip)
{
    return chip->version;
}

uint64_t se_chip_generation(const struct se_chip *chip)
{
    return chip->path->state.generation;
}

struct se_channel se_chip_channel(const struct se_chip *chip)
{
    return chip->channel;
}

const char *se_chip_port(const struct se_chip *chip)
{
    return chip->path->name;
}

/* ---- one command ---- */

static err_t dispatch(struct se_chip *chip)
{
    return chip->path->ops->send(chip->path, buf_slice(&chip->pending));
}

/* Certainly not executed: once more, and only once. */
static err_t again(struct se_chip *chip, err_t e)
{
    if (e != ERR_CONFLICT || chip->repeated)
        return e;
    chip->repeated = true;
    return dispatch(chip);
}

err_t se_chip_send(struct se_chip *chip, struct slice apdu)
{
    err_t e;

    assert(chip->depth > 0);
    buf_clear(&chip->pending);
    chip->repeated = false;
    e = buf_add(&chip->pending, apdu);
    if (e)
        return se_fail(e, "%s: the command is too long", chip->path->name);
    return again(chip, dispatch(chip));
}

/* As the path's receive, but it notices an interruption. */
static err_t receive_some(struct se_chip *chip, int64_t deadline_ms, struct slice *ret_raw)
{
    err_t e = ERR_MORE;

    while (e == ERR_MORE) {
        int64_t until = clock_mono_ms() + SLICE_MS;

        if (atomic_exchange(&chip->interrupted, false)) {
            se_chip_cancel(chip);
            return se_fail(ERR_CANCELLED, "%s: the wait was cancelled", chip->path->name);
        }
        e = chip->path->ops->receive(chip->path, until < deadline_ms ? until : deadline_ms, ret_raw);
        if (e == ERR_MORE && clock_mono_ms() >= deadline_ms)
            break;
    }
    return e;
}

static err_t receive_raw(struct se_chip *chip, int64_t deadline_ms, struct slice *ret_raw)
{
    err_t e = receive_some(chip, deadline_ms, ret_raw);

    if (e != ERR_CONFLICT)
        return e;
    e = again(chip, e);
    return e ? e : receive_some(chip, deadline_ms, ret_raw);
}

err_t se_chip_receive(struct se_chip *chip, int64_t deadline_ms, struct slice *ret_answer)
{
    struct slice raw, data;
    uint16_t sw;
    err_t e = receive_raw(chip, deadline_ms, &raw);

    if (e)
        return e;
    if (se_answer_split(raw, &data, &sw))
        return se_fail(ERR_PROTO, "%s: the answer has no status word", chip->path->name);
    e = se_err_from_sw(sw);
    if (e)
        return se_fail(e, "status %04x: %s", sw, se_sw_text(sw));
    *ret_answer = data;
    return ERR_OK;
}

void se_chip_cancel(struct se_chip *chip)
{
    chip->path->ops->cancel(chip->path);
}

void se_chip_interrupt(struct se_chip *chip)
{
    atomic_store(&chip->interrupted, true);
}

err_t se_chip_command(struct se_chip *chip, struct slice apdu, struct slice *ret_answer)
{
    err_t e = se_chip_send(chip, apdu);

    return e ? e : se_chip_receive(chip, INT64_MAX, ret_answer);
}
