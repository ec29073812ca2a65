#include "keyd/audit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

enum { LINE_MAX_BYTES = 1024 };

static bool about_object(const struct keyd_command *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (c->uses[i].op & (KEYD_OPS_KEY | KEYD_ADMIN))
            return true;
    }
    return false;
}

static err_t put_uses(struct buf *line, const struct keyd_command *c)
{
    err_t e = ERR_OK;

    for (unsigned i = 0; !e && i < c->count; i++) {
        e = buf_printf(line, " op=%s", keyd_op_name(c->uses[i].op));
        if (!e && c->uses[i].id)
            e = buf_printf(line, " key=0x%08X", c->uses[i].id);
    }
    if (!e && (c->count == 0 || c->uses[0].op == KEYD_ADMIN))
        e = buf_printf(line, " command=%02X%02X%02X", c->apdu.ins, c->apdu.p1, c->apdu.p2);
    return e;
}

static err_t put_line(struct buf *line, const struct keyd_peer *peer, const struct keyd_command *c,
                      const char *what, enum keyd_result result, unsigned sw)
{
    char unit[LOG_ESC_MAX];
    err_t e = buf_printf(line, "audit uid=%u pid=%d unit=%s", (unsigned)peer->uid, (int)peer->pid,
                         peer->unit[0] ? log_esc(unit, slice_str(peer->unit)) : "-");

    if (!e)
        e = c ? put_uses(line, c) : buf_printf(line, " op=%s", what);
    if (!e)
        e = buf_printf(line, " result=%s", result == KEYD_ALLOWED ? "allowed" : "denied");
    if (!e && result == KEYD_ALLOWED)
        e = sw ? buf_printf(line, " sw=%04X", sw) : buf_add_str(line, " sw=none");
    return e;
}

void keyd_audit(struct keyd_user *user, const struct keyd_peer *peer, const struct keyd_command *command,
                const char *what, enum keyd_result result, unsigned sw, bool denied_only)
{
    autobuf line = BUF_INIT(LINE_MAX_BYTES);

    if (result == KEYD_ALLOWED && (denied_only || (command && !about_object(command))))
        return;
    if (!keyd_user_may_say(user, result == KEYD_ALLOWED, clock_mono_ms()))
        return;
    if (put_line(&line, peer, command, what, result, sw))
        log_error("audit uid=%u: no memory for the line", (unsigned)peer->uid);
    else if (result == KEYD_ALLOWED)
        log_info("%s", buf_str(&line));
    else
        log_warn("%s", buf_str(&line));
}

void keyd_audit_unsaid(struct keyd_users *users)
{
    unsigned long allowed, denied;
    uid_t uid;

    while (keyd_users_unsaid(users, &uid, &allowed, &denied))
        log_warn("audit uid=%u suppressed=%lu allowed=%lu denied=%lu", (unsigned)uid, allowed + denied,
                 allowed, denied);
}
