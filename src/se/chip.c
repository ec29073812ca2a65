#include "se/chip.h"

#include "base/mem.h"
#include "base/tlv.h"
#include "se/bus_open.h"
#include "se/chip_open.h"
#include "se/command.h"
#include "se/detail.h"
#include "se/link.h"

#include <assert.h>
#include <pthread.h>
#include <unistd.h>

enum {
    LOCK_PATIENCE_MS = 60 * 1000, /* an RSA-4096 generation in another process takes this long */
    END_PATIENCE_MS = 50,
    SELECT_ANSWER_MIN = 4, /* early applets answer 4 or 5 bytes */
};

static const uint8_t select_apdu[] = { SE_CLA_ISO, SE_INS_SELECT, SE_P1_SELECT_BY_AID,
                                       0x00,       0x10,          0xa0,
                                       0x00,       0x00,          0x03,
                                       0x96,       0x54,          0x53,
                                       0x00,       0x00,          0x00,
                                       0x01,       0x03,          0x00,
                                       0x00,       0x00,          0x00,
                                       0x00 };

struct se_chip {
    pthread_mutex_t mutex; /* recursive: one thread's sequence */
    pid_t pid;             /* who opened it; nobody else may touch mutex, lock or bus */
    unsigned depth;
    struct se_port port;
    se_bus_open_fn *open_bus;
    char name[SE_PORT_TEXT_MAX];
    struct se_bus *bus; /* NULL while not connected */
    struct se_link link;
    bool greeted;  /* the ATR of this connection was read */
    bool selected; /* the applet is selected, in this sequence */
    struct se_version version;
};

static void disconnect(struct se_chip *chip)
{
    se_bus_close(chip->bus);
    chip->bus = NULL;
    chip->greeted = chip->selected = false;
}

static err_t connect_bus(struct se_chip *chip)
{
    err_t e;

    if (chip->bus)
        return ERR_OK;
    e = chip->open_bus(&chip->port, &chip->bus);
    if (e)
        return e;
    se_link_init(&chip->link, chip->bus);
    chip->greeted = false;
    return ERR_OK;
}

static err_t parse_select(struct slice answer, struct se_version *ret)
{
    struct reader r = reader_of(answer);
    struct se_version v = { 0 };

    if (answer.n < SELECT_ANSWER_MIN)
        return ERR_PROTO;
    v.major = reader_u8(&r);
    v.minor = reader_u8(&r);
    v.patch = reader_u8(&r);
    v.config = reader_be16(&r);
    v.secure_box = reader_be16(&r); /* 0 when the answer is an early applet's: the reader gives zeros */
    *ret = v;
    return ERR_OK;
}

static err_t select_applet(struct se_chip *chip)
{
    struct se_version version = { 0 };
    struct slice raw, answer;
    uint16_t sw;
    err_t e = se_link_apdu(&chip->link, SLICE_ARRAY(select_apdu), &raw);

    if (e)
        return se_fail_at(e, "selecting the SE05x applet: ");
    if (se_answer_split(raw, &answer, &sw) || (sw == SE_SW_OK && parse_select(answer, &version)))
        return se_fail(ERR_PROTO, "%s: malformed answer to SELECT", chip->name);
    if (sw != SE_SW_OK)
        return se_fail(se_err_from_sw(sw), "%s: selecting the SE05x applet: status %04x: %s", chip->name, sw,
                       se_sw_text(sw));
    if (chip->version.major == 0) /* once: se_chip_version reads it without the mutex */
        chip->version = version;
    chip->selected = true;
    return ERR_OK;
}

/* Somebody else may have used the chip since our last sequence, perhaps without any lock (i2cdetect,
 * another vendor's tool), perhaps killed in the middle. With unknown counters our next I-block could
 * look like a repetition and be answered with *their* answer: so never trust the state, make it. */
static err_t take_over(struct se_chip *chip)
{
    err_t e = se_link_resync(&chip->link);

    if (!e && !chip->greeted) {
        e = se_link_atr(&chip->link);
        if (e == ERR_PROTO)
            e = ERR_OK; /* an unreadable ATR is no obstacle: the defaults are slow enough for every part */
        chip->greeted = !e;
    }
    return e ? e : select_applet(chip);
}

static bool lost(err_t e)
{
    return e == ERR_UNAVAILABLE || e == ERR_IO || e == ERR_TIMEOUT;
}

static err_t advise(struct se_chip *chip, err_t e)
{
    char advice[SE_ADVICE_MAX];

    if (e != ERR_UNAVAILABLE)
        return e;
    se_bus_advice(&chip->port, advice, sizeof(advice));
    if (strstr(se_detail(), advice))
        return e;
    return se_fail_at(e, "no SE05x answers at %s: %s (", chip->name, advice);
}

static err_t enter_once(struct se_chip *chip)
{
    err_t e = connect_bus(chip);

    if (e)
        return e;
    chip->selected = false;
    e = se_bus_lock(chip->bus, LOCK_PATIENCE_MS);
    if (!e)
        e = take_over(chip);
    if (e && e != ERR_BUSY)
        se_bus_unlock(chip->bus);
    if (lost(e))
        disconnect(chip);
    return e;
}

static err_t enter(struct se_chip *chip)
{
    bool old = chip->bus != NULL;
    err_t e = enter_once(chip);

    if (old && lost(e)) /* the connection may be older than the chip's last restart */
        e = enter_once(chip);
    return advise(chip, e);
}

err_t se_chip_begin(struct se_chip *chip)
{
    err_t e = ERR_OK;

    if (chip->pid != getpid())
        return se_fail(ERR_WRONG_STATE,
                       "%s: the connection belongs to the parent process; open a new one after fork",
                       chip->name);
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
    if (--chip->depth == 0) {
        se_t1_wipe(&chip->link.t1); /* it may have carried a private key */
        if (chip->bus)
            se_bus_unlock(chip->bus);
        if (!chip->selected)
            disconnect(chip);
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

static struct se_chip *chip_new(const struct se_port *port, se_bus_open_fn *open_bus)
{
    struct se_chip *chip = mem_calloc(1, sizeof(*chip));

    if (!chip || init_mutex(&chip->mutex)) {
        free(chip);
        return NULL;
    }
    chip->pid = getpid();
    chip->port = *port;
    chip->open_bus = open_bus;
    se_port_text(port, chip->name);
    return chip;
}

err_t se_chip_open_with(const struct se_port *port, se_bus_open_fn *open_bus, struct se_chip **ret)
{
    struct se_chip *chip = chip_new(port, open_bus);
    err_t e;

    if (!chip)
        return se_fail(ERR_NOMEM, "out of memory");
    e = se_chip_begin(chip);
    if (e) {
        se_chip_close(chip);
        return e;
    }
    se_chip_end(chip);
    *ret = chip;
    return ERR_OK;
}

err_t se_chip_open(const char *text, struct se_chip **ret)
{
    struct se_port port;
    err_t e;

    se_detail_clear();
    e = text ? se_port_parse(text, &port) : se_port_default(&port);
    return e ? e : se_chip_open_with(&port, se_bus_open, ret);
}

/* Let the part sleep, if nobody else is using it: courtesy, so every failure is ignored. */
static void say_goodbye(struct se_chip *chip)
{
    if (!chip->bus || se_bus_lock(chip->bus, END_PATIENCE_MS))
        return;
    chip->link.timing.write_patience_ms = END_PATIENCE_MS;
    chip->link.timing.request_patience_ms = END_PATIENCE_MS;
    (void)se_link_end(&chip->link);
    se_bus_unlock(chip->bus);
}

void se_chip_close(struct se_chip *chip)
{
    if (!chip)
        return;
    if (chip->pid == getpid()) {
        say_goodbye(chip);
        (void)pthread_mutex_destroy(&chip->mutex);
    } else if (chip->bus) {
        chip->bus->locked =
            false; /* the parent's lock: closing our copies leaves it alone, unlocking would not */
    }
    se_bus_close(chip->bus);
    mem_wipe(&chip->link, sizeof(chip->link));
    free(chip);
}

struct se_version se_chip_version(const struct se_chip *chip)
{
    return chip->version;
}

const char *se_chip_port(const struct se_chip *chip)
{
    return chip->name;
}

err_t se_chip_command(struct se_chip *chip, struct slice apdu, struct slice *ret_answer)
{
    struct slice raw, data;
    uint16_t sw;
    err_t e;

    assert(chip->depth > 0);
    e = chip->selected ? ERR_OK : take_over(chip); /* an interface reset deselected the applet */
    if (!e) {
        e = se_link_apdu(&chip->link, apdu, &raw);
        chip->selected = !e;
    }
    if (e)
        return advise(chip, e);
    if (se_answer_split(raw, &data, &sw))
        return se_fail(ERR_PROTO, "%s: the answer has no status word", chip->name);
    e = se_err_from_sw(sw);
    if (e)
        return se_fail(e, "status %04x: %s", sw, se_sw_text(sw));
    *ret_answer = data;
    return ERR_OK;
}
