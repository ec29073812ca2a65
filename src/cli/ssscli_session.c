#include "cli/ssscli_session.h"

#include "base/file.h"
#include "cli/ssscli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SESSION_MAX = 4096 };

#define HEADER "# written by ssscli connect, removed by ssscli disconnect\n"
#define KEY "port = "

/* Owned by the caller; NULL: no home, or out of memory. */
static char *session_path(void)
{
    const char *named = secure_getenv("SEDGE_SSSCLI_SESSION");
    const char *state = secure_getenv("XDG_STATE_HOME");
    const char *home = secure_getenv("HOME");

    if (named && *named)
        return mem_strdup(named);
    if (state && *state == '/') /* XDG Base Directory Specification: relative paths are ignored */
        return mem_printf("%s/sedge/ssscli-session", state);
    return home && *home ? mem_printf("%s/.local/state/sedge/ssscli-session", home) : NULL;
}

static err_t no_home(void)
{
    return cli_fail(ERR_INVALID, "no place for the session file: set HOME or SEDGE_SSSCLI_SESSION");
}

static err_t parse(const char *path, const char *text, struct cli_session *ret)
{
    struct cli_session s;
    const char *line = strstr(text, "\n" KEY);
    size_t n;

    if (!line)
        return cli_fail(ERR_CORRUPT, "%s is not a session file; run `ssscli connect` again", path);
    line += strlen("\n" KEY);
    n = strcspn(line, "\n");
    if (n == 0 || n >= sizeof(s.port))
        return cli_fail(ERR_CORRUPT, "%s names no usable port; run `ssscli connect` again", path);
    memcpy(s.port, line, n);
    s.port[n] = '\0';
    *ret = s;
    return ERR_OK;
}

err_t cli_session_load(struct cli_session *ret)
{
    autobuf text = BUF_INIT(SESSION_MAX);
    autofree char *path = session_path();
    err_t e;

    if (!path)
        return no_home();
    e = file_read_private(path, &text);
    if (e == ERR_NOT_FOUND)
        return cli_fail(e, "No open session: connect first, e.g. `ssscli connect se05x t1oi2c none`");
    if (e == ERR_DENIED)
        return cli_fail(e, "session file %s: must belong to you and be closed to others (chmod 600)", path);
    if (e)
        return cli_fail(e, "cannot read session file %s: %s", path, err_str(e));
    return parse(path, buf_str(&text), ret);
}

static err_t make_parent(const char *path)
{
    autofree char *parent = mem_strdup(path);
    char *slash = parent ? strrchr(parent, '/') : NULL;

    if (!parent)
        return ERR_NOMEM;
    if (!slash || slash == parent)
        return ERR_OK;
    *slash = '\0';
    return file_mkdirs(parent, 0700);
}

err_t cli_session_save(const struct cli_session *s)
{
    autobuf text = BUF_INIT(SESSION_MAX);
    autofree char *path = session_path();
    err_t e;

    if (!path)
        return no_home();
    e = buf_printf(&text, HEADER "subsystem = se05x\nmethod = t1oi2c\n" KEY "%s\nauth_type = None\n",
                   s->port);
    if (!e)
        e = make_parent(path);
    if (!e)
        e = file_write_durable(path, buf_slice(&text), 0600);
    return e ? cli_fail(e, "cannot write session file %s: %s", path, err_str(e)) : ERR_OK;
}

err_t cli_session_remove(void)
{
    autofree char *path = session_path();

    if (!path)
        return no_home();
    if (unlink(path) < 0 && errno != ENOENT)
        return cli_fail(file_err(errno), "cannot remove session file %s: %s", path, strerror(errno));
    return ERR_OK;
}
