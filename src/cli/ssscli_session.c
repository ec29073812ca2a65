#include "cli/ssscli_session.h"

#include "base/file.h"
#include "base/reader.h"
#include "cli/ssscli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { SESSION_MAX = 8192, LINE_MAX_LEN = CLI_PATH_MAX + 64 };

#define HEADER "# written by ssscli connect, removed by ssscli disconnect\n"
#define PLATFORM "_PlatformSCP"

/* ---- kinds of sessions ---- */

static const char *const auth_words[] = {
    [CLI_AUTH_NONE] = "None",
    [CLI_AUTH_USERID] = "UserID",
    [CLI_AUTH_ECKEY] = "ECKey",
    [CLI_AUTH_AESKEY] = "AESKey",
};

err_t cli_session_auth_parse(const char *word, struct cli_session *s)
{
    for (size_t i = 0; i < ARRAY_LEN(auth_words); i++) {
        size_t n = strlen(auth_words[i]);
        bool plain = strcasecmp(word, auth_words[i]) == 0;

        if (!plain && (i == CLI_AUTH_NONE || strncasecmp(word, auth_words[i], n) != 0 ||
                       strcasecmp(word + n, PLATFORM) != 0))
            continue;
        s->auth = (enum cli_auth)i;
        s->platform_scp = !plain;
        return ERR_OK;
    }
    if (strcasecmp(word, &PLATFORM[1]) != 0)
        return ERR_INVALID;
    s->auth = CLI_AUTH_NONE;
    s->platform_scp = true;
    return ERR_OK;
}

const char *cli_session_auth_text(const struct cli_session *s)
{
    static const char *const with_platform[] = {
        [CLI_AUTH_NONE] = "PlatformSCP",
        [CLI_AUTH_USERID] = "UserID_PlatformSCP",
        [CLI_AUTH_ECKEY] = "ECKey_PlatformSCP",
        [CLI_AUTH_AESKEY] = "AESKey_PlatformSCP",
    };

    return s->platform_scp ? with_platform[s->auth] : auth_words[s->auth];
}

/* ---- the file ---- */

char *cli_state_path(const char *variable, const char *leaf)
{
    const char *named = secure_getenv(variable);
    const char *state = secure_getenv("XDG_STATE_HOME");
    const char *home = secure_getenv("HOME");

    if (named && *named)
        return mem_strdup(named);
    if (state && *state == '/') /* XDG Base Directory Specification: relative paths are ignored */
        return mem_printf("%s/sedge/%s", state, leaf);
    return home && *home ? mem_printf("%s/.local/state/sedge/%s", home, leaf) : NULL;
}

static char *session_path(void)
{
    return cli_state_path("SEDGE_SSSCLI_SESSION", "ssscli-session");
}

static err_t no_home(void)
{
    return cli_fail(ERR_INVALID, "no place for the session file: set HOME or SEDGE_SSSCLI_SESSION");
}

static err_t take_text(const char *value, char *out, size_t room)
{
    size_t n = strlen(value);

    if (n == 0 || n >= room)
        return ERR_CORRUPT;
    memcpy(out, value, n + 1);
    return ERR_OK;
}

static err_t take_member(struct cli_session *s, const char *key, const char *value)
{
    char *end = NULL;

    if (strcmp(key, "port") == 0)
        return take_text(value, s->port, sizeof(s->port));
    if (strcmp(key, "auth_type") == 0)
        return cli_session_auth_parse(value, s);
    if (strcmp(key, "auth_key") == 0)
        return take_text(value, s->auth_key, sizeof(s->auth_key));
    if (strcmp(key, "scp_keys") == 0)
        return take_text(value, s->scp_keys, sizeof(s->scp_keys));
    if (strcmp(key, "auth_id") != 0)
        return ERR_OK; /* of another version, or for people */
    s->auth_id = (uint32_t)strtoul(value, &end, 16);
    return *value && !*end ? ERR_OK : ERR_CORRUPT;
}

/* KEY = VALUE */
static err_t take_line(struct cli_session *s, struct slice line)
{
    char text[LINE_MAX_LEN];
    char *value;

    if (line.n == 0 || line.p[0] == '#')
        return ERR_OK;
    if (line.n >= sizeof(text) || memchr(line.p, 0, line.n))
        return ERR_CORRUPT;
    memcpy(text, line.p, line.n);
    text[line.n] = '\0';
    value = strstr(text, " = ");
    if (!value)
        return ERR_CORRUPT;
    *value = '\0';
    return take_member(s, text, value + 3);
}

err_t cli_session_parse(struct slice text, struct cli_session *ret)
{
    struct cli_session s = { .port = "" };

    while (text.n) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        struct slice line = slice_head(text, end ? (size_t)(end - text.p) : text.n);

        if (take_line(&s, line))
            return ERR_CORRUPT;
        text = slice_skip(text, line.n + 1);
    }
    if (!s.port[0] || (s.auth != CLI_AUTH_NONE && !s.auth_id) || (s.platform_scp && !s.scp_keys[0]))
        return ERR_CORRUPT;
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
    e = cli_session_parse(buf_slice(&text), ret);
    return e ? cli_fail(e, "%s is not a session file; run `ssscli connect` again", path) : ERR_OK;
}

err_t cli_state_parent(const char *path)
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

static err_t session_text(const struct cli_session *s, struct buf *out)
{
    err_t e = buf_printf(out, HEADER "subsystem = se05x\nmethod = t1oi2c\nport = %s\nauth_type = %s\n",
                         s->port, cli_session_auth_text(s));

    if (!e && s->auth != CLI_AUTH_NONE)
        e = buf_printf(out, "auth_id = %08" PRIX32 "\n", s->auth_id);
    if (!e && s->auth_key[0])
        e = buf_printf(out, "auth_key = %s\n", s->auth_key);
    if (!e && s->platform_scp)
        e = buf_printf(out, "scp_keys = %s\n", s->scp_keys);
    return e;
}

err_t cli_session_save(const struct cli_session *s)
{
    autobuf text = BUF_INIT(SESSION_MAX);
    autofree char *path = session_path();
    err_t e;

    if (!path)
        return no_home();
    e = session_text(s, &text);
    if (!e)
        e = cli_state_parent(path);
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
