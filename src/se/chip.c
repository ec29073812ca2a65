#include "se/chip.h"

#include "base/clock.h"
#include "base/mem.h"
#include "se/chip_impl.h"
#include "se/chip_open.h"
#include "se/command.h"
#include "se/detail.h"
#include "se/session_impl.h"

#include <assert.h>
#include <unistd.h>

enum {
    SLICE_MS = 50,   /* a wait looks this often whether it was interrupted */
    REPEATS_MAX = 1, /* of a command that was certainly not executed */
};

static void leave(struct se_chip *chip)
{
    buf_clear(&chip->pending);
    buf_clear(&chip->answer);
    chip->insides = 0;
    chip->path->ops->end(chip->path);
}

static err_t enter(struct se_chip *chip)
{
    err_t e = chip->path->ops->begin(chip->path);

    if (e || !chip->standing)
        return e;
    e = se_session_ready(chip->standing);
    if (e)
        leave(chip);
    else
        chip->inside[chip->insides++] = chip->standing;
    return e;
}

err_t se_chip_begin(struct se_chip *chip)
{
    err_t e = ERR_OK;

    if (chip->pid != getpid())
        return se_fail(ERR_WRONG_STATE,
                       "%s: the connection belongs to the parent process; open a new one after fork",
                       chip->path->name);
    (void)pthread_mutex_lock(&chip->mutex);
    if (chip->depth == 0)
        e = enter(chip);
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
    if (--chip->depth == 0)
        leave(chip);
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
    buf_done(&chip->answer);
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
    chip->answer = BUF_SECRET(SE_ANSWER_MAX);
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

static err_t open_own_session(struct se_chip *chip, const struct se_auth *auth)
{
    err_t e = se_session_open(chip, auth, &chip->own);

    if (!e)
        se_chip_set_session(chip, chip->own);
    return e;
}

err_t se_chip_open_options(const struct se_chip_options *options, struct se_chip **ret)
{
    struct se_chip *chip = NULL;
    struct se_path *path = NULL;
    struct se_port port;
    err_t e;

    se_detail_clear();
    e = se_port_resolve(options->port, options->direct, &port);
    if (!e)
        e = se_path_open(&port, options->scp03, &path);
    if (!e)
        e = se_chip_open_path(path, &chip);
    if (!e && options->auth)
        e = open_own_session(chip, options->auth);
    if (e)
        se_chip_close(chip);
    else
        *ret = chip;
    return e;
}

err_t se_chip_open(const char *port, struct se_chip **ret)
{
    return se_chip_open_options(&(struct se_chip_options){ .port = port }, ret);
}

void se_chip_close(struct se_chip *chip)
{
    if (!chip)
        return;
    se_session_close(chip->own);
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

struct se_channel se_chip_channel(const struct se_chip *chip)
{
    return chip->channel;
}

uint64_t se_chip_generation(const struct se_chip *chip)
{
    return chip->path->state.generation;
}

bool se_chip_pin_held(const struct se_chip *chip)
{
    return chip->path->state.pin_held;
}

const char *se_chip_port(const struct se_chip *chip)
{
    return chip->path->name;
}

/* ---- one command ---- */

err_t se_chip_exchange(struct se_chip *chip, struct slice apdu, struct buf *out)
{
    struct slice raw;
    err_t e = chip->path->ops->send(chip->path, apdu);

    if (!e)
        e = chip->path->ops->receive(chip->path, INT64_MAX, &raw);
    return e ? e : buf_add(out, raw);
}

/* Not executed, and not for the second time: the chip keeps being reset or used under our feet. */
static err_t given_up(err_t e)
{
    return e == ERR_CONFLICT ? se_fail_at(ERR_IO, "again: ") : e;
}

/* Send what is pending, into the session it is for, which may have to be opened again first. */
static err_t dispatch(struct se_chip *chip)
{
    autobuf wrapped = BUF_SECRET(SE_APDU_MAX);
    err_t e;

    if (!chip->where)
        return chip->path->ops->send(chip->path, buf_slice(&chip->pending));
    e = se_session_ready(chip->where);
    if (!e)
        e = se_session_wrap(chip->where, buf_slice(&chip->pending), &wrapped);
    return e ? e : chip->path->ops->send(chip->path, buf_slice(&wrapped));
}

static bool may_repeat(struct se_chip *chip)
{
    return chip->repeats++ < REPEATS_MAX;
}

err_t se_chip_send(struct se_chip *chip, struct slice apdu)
{
    err_t e;

    assert(chip->depth > 0);
    buf_clear(&chip->pending);
    chip->repeats = 0;
    chip->where = chip->insides ? chip->inside[chip->insides - 1] : NULL;
    e = buf_add(&chip->pending, apdu);
    if (e)
        return se_fail(e, "%s: the command is too long", chip->path->name);
    e = dispatch(chip);
    if (e == ERR_CONFLICT && may_repeat(chip))
        e = dispatch(chip);
    return given_up(e);
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

/* Commands that change nothing may be executed twice. */
static bool only_reads(const struct buf *apdu)
{
    enum { INS_AT = 1 };

    return apdu->n > INS_AT && (apdu->p[INS_AT] & SE_INS_MASK) == SE_INS_READ;
}

static bool link_failed(err_t e)
{
    return e == ERR_IO || e == ERR_PROTO || e == ERR_TIMEOUT;
}

/* The plain answer. ERR_CONFLICT: the command may be sent once more. */
static err_t receive_plain(struct se_chip *chip, int64_t deadline_ms, struct slice *ret_data,
                           uint16_t *ret_sw)
{
    struct slice raw;
    err_t e = receive_some(chip, deadline_ms, &raw);

    if (link_failed(e) && only_reads(&chip->pending) && chip->repeats < REPEATS_MAX)
        return ERR_CONFLICT;
    if (!e && chip->where) {
        buf_clear(&chip->answer);
        e = se_session_unwrap(chip->where, raw, &chip->answer);
        raw = buf_slice(&chip->answer);
    }
    if (e)
        return e;
    if (se_answer_split(raw, ret_data, ret_sw))
        return se_fail(ERR_PROTO, "%s: the answer has no status word", chip->path->name);
    if (*ret_sw != SE_SW_OK && chip->where && se_session_is_dead(chip->where, *ret_sw))
        return se_fail(ERR_CONFLICT, "%s: the session has ended", chip->path->name);
    return ERR_OK;
}

err_t se_chip_receive(struct se_chip *chip, int64_t deadline_ms, struct slice *ret_answer)
{
    struct slice data;
    uint16_t sw;
    err_t e = receive_plain(chip, deadline_ms, &data, &sw);

    if (e == ERR_CONFLICT && may_repeat(chip)) {
        e = dispatch(chip);
        if (!e)
            e = receive_plain(chip, deadline_ms, &data, &sw);
    }
    if (e)
        return given_up(e);
    e = se_err_from_sw(sw);
    if (e)
        return se_fail_sw(e, sw);
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
