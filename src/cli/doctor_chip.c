/* sedgectl doctor: bus, daemon, chip, applet, secure channel. */
#include "cli/doctor.h"
#include "se/conf.h"
#include "se/detail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { OLDEST_MAJOR = 3, OLDEST_MINOR = 1 };

/* ---- bus ---- */

static int open_node(const char *path)
{
    autoclose int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);

    return fd < 0 ? errno : 0;
}

static int open_socket(const char *path)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    if (strlen(path) >= sizeof(sa.sun_path))
        return ENAMETOOLONG;
    memcpy(sa.sun_path, path, strlen(path) + 1);
    return connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ? errno : 0;
}

static const struct {
    const char *what;
    int (*try)(const char *path);
    const char *missing, *denied;
} kinds[] = {
    [SE_PORT_I2C] = { "the I2C bus", open_node,
                      "enable I2C (raspi-config, Interface Options), or name the bus in EX_SSS_BOOT_SSS_PORT",
                      "add the user to the group that owns it (usermod -aG i2c USER) and log in again" },
    [SE_PORT_VSE] = { "the virtual chip's socket", open_socket,
                      "start the virtual chip (sedge-chip serve --state FILE --socket PATH)",
                      "the socket is its owner's alone: run as that user" },
    [SE_PORT_KEYD] = { "the access daemon's socket", open_socket,
                       "start the daemon (systemctl start sedge-keyd.socket, or sedge-keyd serve)",
                       "give the user a rule in the daemon's configuration and access to the socket" },
};

void doctor_bus(struct doctor *d, struct doctor_finding *f)
{
    err_t e = se_port_resolve(d->port, false, &d->where);
    int errnum;

    if (e) {
        doctor_fail(f, "correct EX_SSS_BOOT_SSS_PORT or the file", "where the chip is: %s (%s)", se_detail(),
                    se_conf_path());
        return;
    }
    errnum = kinds[d->where.kind].try(d->where.path);
    d->bus_ok = errnum == 0;
    if (d->bus_ok)
        doctor_ok(f, "%s %s can be opened", kinds[d->where.kind].what, d->where.path);
    else
        doctor_fail(f,
                    errnum == EACCES || errnum == EPERM ? kinds[d->where.kind].denied
                                                        : kinds[d->where.kind].missing,
                    "%s %s cannot be opened: %s", kinds[d->where.kind].what, d->where.path, strerror(errnum));
}

static err_t open_plain(const struct doctor *d, struct se_chip **ret)
{
    struct se_chip_options options = { .port = d->port,
                                       .scp03 = d->where.kind == SE_PORT_KEYD ? NULL : "none" };

    return se_chip_open_options(&options, ret);
}

/* A daemon that refuses this user is its finding; a chip that it cannot reach is the chip's. */
static void ask_keyd(struct doctor *d, struct doctor_finding *f)
{
    struct se_chip *chip = NULL;
    err_t e = open_plain(d, &chip);

    se_chip_close(chip);
    d->bus_ok = e != ERR_DENIED && e != ERR_BUSY;
    if (d->bus_ok)
        doctor_ok(f, "listens at %s and serves this user", d->where.path);
    else
        doctor_fail(f, kinds[SE_PORT_KEYD].denied, "the access daemon at %s refuses: %s", d->where.path,
                    se_detail());
}

void doctor_keyd(struct doctor *d, struct doctor_finding *f)
{
    if (d->where.kind != SE_PORT_KEYD)
        doctor_ok(f, "not configured: programs share the bus by its lock");
    else if (!d->bus_ok)
        doctor_fail(f, kinds[SE_PORT_KEYD].missing, "nobody listens at %s", d->where.path);
    else
        ask_keyd(d, f);
}

/* ---- chip and applet ---- */

static const char *const look_at_the_wires =
    "check power, wiring (SDA, SCL, ground), jumper J14 at 1-2, and that `i2cdetect` shows the address";

static void judge_version(struct doctor *d, struct doctor_finding *f, struct se_version v)
{
    d->applet_ok = v.major > OLDEST_MAJOR || (v.major == OLDEST_MAJOR && v.minor >= OLDEST_MINOR);
    if (d->applet_ok)
        doctor_ok(f, "SE05x applet %u.%u.%u, features %04x", v.major, v.minor, v.patch, v.config);
    else
        doctor_fail(f, "use a part with applet 3.1 or newer", "the applet is version %u.%u.%u, too old",
                    v.major, v.minor, v.patch);
}

/* Chip and applet are two findings of one attempt: SELECT that is refused shows a chip that is well. */
static void open_and_look(struct doctor *d, struct doctor_finding *chip, struct doctor_finding *applet)
{
    struct se_chip *plain = NULL;
    err_t e = open_plain(d, &plain);

    d->chip_ok = !e || e == ERR_UNSUPPORTED || e == ERR_DENIED;
    if (!d->chip_ok) {
        doctor_fail(chip, look_at_the_wires, "%s", se_detail()[0] ? se_detail() : err_str(e));
        doctor_skip(applet, "no chip answers");
        return;
    }
    doctor_ok(chip, "answers at %s", d->where.kind == SE_PORT_I2C ? "its address on the bus" : d->where.path);
    if (e)
        doctor_fail(applet, "is this an SE05x with the IoT applet? Another chip may have its address",
                    "the applet cannot be selected: %s", se_detail());
    else
        judge_version(d, applet, se_chip_version(plain));
    se_chip_close(plain);
}

void doctor_chip(struct doctor *d, struct doctor_finding *f)
{
    struct doctor_finding applet;

    if (!d->bus_ok)
        doctor_skip(f, "there is no way to it");
    else
        open_and_look(d, f, &applet);
}

void doctor_applet(struct doctor *d, struct doctor_finding *f)
{
    struct doctor_finding chip;

    if (!d->chip_ok)
        doctor_skip(f, "no chip answers");
    else
        open_and_look(d, &chip, f);
}

/* ---- secure channel ---- */

static void judge_channel(const struct doctor *d, struct doctor_finding *f)
{
    struct se_channel c = se_chip_channel(d->chip);

    if (d->where.kind == SE_PORT_KEYD)
        doctor_ok(f, "the access daemon's business");
    else if (!c.on)
        doctor_warn(f, "set `scp03 = FILE` in se.conf, with keys of your own that you have put into the chip",
                    "no secure channel: who can listen on the bus reads PINs and data");
    else if (c.published)
        doctor_warn(
            f, "put keys of your own into the chip (PUT KEY) and name their file: `scp03 = FILE` in se.conf",
            "the channel is open with %s, default keys that anybody can look up: it gives no secrecy",
            c.keys);
    else
        doctor_ok(f, "open with the keys of %s", c.keys);
}

void doctor_channel(struct doctor *d, struct doctor_finding *f)
{
    struct se_chip_options options = { .port = d->port };
    uint8_t uid[SE_UNIQUE_ID_LEN];
    err_t e;

    if (!d->applet_ok) {
        doctor_skip(f, "no applet answers");
        return;
    }
    e = se_chip_open_options(&options, &d->chip);
    if (!e)
        e = se_chip_uid(d->chip, uid);
    d->channel_ok = !e;
    if (!e)
        judge_channel(d, f);
    else if (e == ERR_AUTH)
        doctor_fail(
            f, "name the file with this chip's keys: `scp03 = FILE` in se.conf, or EX_SSS_BOOT_SCP03_PATH",
            "the SCP03 keys are not this chip's: %s", se_detail());
    else
        doctor_fail(f, "correct `scp03` in se.conf or EX_SSS_BOOT_SCP03_PATH", "%s", se_detail());
}
