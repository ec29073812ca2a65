#include "keyd/config.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "keyd/rule_text.h"
#include "se/keyd_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 256 * 1024 };

/* ---- settings: `name = value` ---- */

static bool take_number(struct slice text, int base, unsigned long least, unsigned long most,
                        unsigned long *ret)
{
    char digits[32], *end;
    unsigned long v;

    if (text.n == 0 || text.n >= sizeof(digits))
        return false;
    memcpy(digits, text.p, text.n);
    digits[text.n] = '\0';
    if (digits[0] < '0' || digits[0] > '9')
        return false;
    errno = 0;
    v = strtoul(digits, &end, base);
    if (errno || *end || v < least || v > most)
        return false;
    *ret = v;
    return true;
}

enum setting_kind { TEXT, COUNT, MODE, OBJECT, AUDIT };

static const struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset;
    const char *wants;
} settings[] = {
    { "port", TEXT, offsetof(struct keyd_config, port), "a port such as /dev/i2c-1:0x48" },
    { "socket", TEXT, offsetof(struct keyd_config, socket), "a path" },
    { "scp03", TEXT, offsetof(struct keyd_config, scp03), "a name, a path or credential:NAME" },
    { "pin", TEXT, offsetof(struct keyd_config, pin), "a path or credential:NAME" },
    { "pin-object", OBJECT, offsetof(struct keyd_config, pin_object), "an object id, not 0" },
    { "socket-mode", MODE, offsetof(struct keyd_config, socket_mode), "an octal mode such as 0666" },
    { "clients", COUNT, offsetof(struct keyd_config, clients), "a number from 1 to 4096" },
    { "clients-per-user", COUNT, offsetof(struct keyd_config, clients_per_user), "a number from 1 to 4096" },
    { "audit", AUDIT, offsetof(struct keyd_config, audit_denied_only), "all or denied" },
};

static bool set_text(char *out, struct slice value)
{
    if (value.n == 0 || value.n >= KEYD_TEXT_MAX)
        return false;
    memcpy(out, value.p, value.n);
    out[value.n] = '\0';
    return true;
}

static bool set_unsigned(unsigned *out, struct slice value, int base, unsigned long least, unsigned long most)
{
    unsigned long v;

    if (!take_number(value, base, least, most, &v))
        return false;
    *out = (unsigned)v;
    return true;
}

static bool set_audit(bool *out, struct slice value)
{
    *out = slice_eq(value, SLICE_LIT("denied"));
    return *out || slice_eq(value, SLICE_LIT("all"));
}

static bool apply(const struct setting *s, struct slice value, struct keyd_config *c)
{
    void *at = (char *)c + s->offset;

    switch (s->kind) {
    case TEXT:
        return set_text(at, value);
    case COUNT:
        return set_unsigned(at, value, 10, 1, 4096);
    case MODE:
        return set_unsigned(at, value, 8, 0, 0777);
    case OBJECT:
        return keyd_rule_object(value, at) && *(uint32_t *)at != 0;
    case AUDIT:
        return set_audit(at, value);
    }
    return false;
}

static const struct setting *find_setting(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (slice_eq(name, slice_str(settings[i].name)))
            return &settings[i];
    }
    return NULL;
}

static struct slice trimmed(struct slice s)
{
    static const char blanks[] = { ' ', '\t', '\r' };

    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = slice_skip(s, 1);
    while (s.n && memchr(blanks, s.p[s.n - 1], sizeof(blanks)))
        s.n--;
    return s;
}

static err_t take_setting(struct slice line, size_t eq, struct keyd_config *c, char *why)
{
    struct slice name = trimmed(slice_head(line, eq)), value = trimmed(slice_skip(line, eq + 1));
    const struct setting *s = find_setting(name);

    if (s && apply(s, value, c))
        return ERR_OK;
    if (s)
        (void)snprintf(why, KEYD_WHY_MAX, "%s wants %s", s->name, s->wants);
    else
        (void)snprintf(why, KEYD_WHY_MAX,
                       "no such setting (a line is `name = value`, `allow ...` or `deny ...`)");
    return ERR_INVALID;
}

/* ---- the file ---- */

static err_t take_line(struct slice line, struct keyd_config *c, char *why)
{
    const uint8_t *eq;

    line = trimmed(line);
    if (line.n == 0 || line.p[0] == '#')
        return ERR_OK;
    eq = memchr(line.p, '=', line.n);
    if (keyd_rule_starts(line))
        return keyd_rule_parse(line, &c->rules, why);
    return take_setting(line, eq ? (size_t)(eq - line.p) : line.n, c, why);
}

static struct slice next_line(struct slice *rest)
{
    const uint8_t *end = memchr(rest->p, '\n', rest->n);
    struct slice line = slice_head(*rest, end ? (size_t)(end - rest->p) : rest->n);

    *rest = slice_skip(*rest, line.n + 1);
    return line;
}

err_t keyd_config_parse(const char *path, struct slice text, struct keyd_config *ret, char *why)
{
    struct keyd_config c = { .socket_mode = 0666, .clients = 1024, .clients_per_user = 512 };
    char reason[KEYD_WHY_MAX] = "not valid";
    unsigned number = 0;
    err_t e = ERR_OK;

    while (!e && text.n) {
        number++;
        e = take_line(next_line(&text), &c, reason);
    }
    if (!e && c.pin[0] && !c.pin_object) {
        e = ERR_INVALID;
        (void)snprintf(reason, sizeof(reason),
                       "pin needs pin-object, the id of the UserID it is the value of");
    }
    if (e) {
        (void)snprintf(why, KEYD_WHY_MAX, "%s:%u: %.350s", path, number, reason);
        keyd_config_done(&c);
        return e;
    }
    *ret = c;
    return ERR_OK;
}

void keyd_config_done(struct keyd_config *c)
{
    keyd_rules_done(&c->rules);
}

static err_t check_owner(int fd, const char *path, char *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)snprintf(why, KEYD_WHY_MAX, "%s is not a regular file", path);
        return ERR_INVALID;
    }
    if ((st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & (S_IWGRP | S_IWOTH)))
        return ERR_OK;
    (void)snprintf(why, KEYD_WHY_MAX,
                   "%s must belong to root or to the daemon's user and be writable by nobody else (chown "
                   "root, chmod go-w)",
                   path);
    return ERR_DENIED;
}

static err_t read_all(int fd, struct buf *out)
{
    uint8_t chunk[4096];
    ssize_t n;
    err_t e = ERR_OK;

    while (!e && (n = read(fd, chunk, sizeof(chunk))) != 0) {
        if (n > 0)
            e = buf_add_mem(out, chunk, (size_t)n);
        else if (errno != EINTR)
            e = ERR_IO;
    }
    return e;
}

err_t keyd_config_load(const char *path, struct keyd_config *ret, char *why)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    autobuf text = BUF_INIT(FILE_MAX);
    err_t e = fd < 0 ? file_err(errno) : ERR_OK;

    if (e) {
        (void)snprintf(why, KEYD_WHY_MAX, "cannot open %s: %s", path, strerror(errno));
        return e;
    }
    e = check_owner(fd, path, why);
    if (e)
        return e;
    e = read_all(fd, &text);
    if (e) {
        (void)snprintf(why, KEYD_WHY_MAX, "cannot read %s: %s", path, err_str(e));
        return e;
    }
    return keyd_config_parse(path, buf_slice(&text), ret, why);
}
