#include "se/conf.h"

#include "base/file.h"
#include "base/mem.h"
#include "se/detail.h"

#include <stdlib.h>
#include <string.h>

#define CONF_DEFAULT "/etc/sedge/se.conf"
#define CONF_MAX (16 * 1024)

static const char *const known_keys[] = { "port", "pin", "scp03", "keyd", "label" };

static const char *named_path(void)
{
    const char *named = secure_getenv("SEDGE_CONF");
    return named && *named ? named : NULL;
}

const char *se_conf_path(void)
{
    const char *named = named_path();
    return named ? named : CONF_DEFAULT;
}

static char *trimmed(char *s)
{
    size_t n;

    s += strspn(s, " \t\r");
    n = strlen(s);
    while (n && strchr(" \t\r", s[n - 1]))
        s[--n] = '\0';
    return s;
}

static bool known(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(known_keys); i++) {
        if (strcmp(key, known_keys[i]) == 0)
            return true;
    }
    return false;
}

/* One line of the file; *value is changed only where it sets `key`. */
static err_t take_line(unsigned number, char *line, const char *key, char **value)
{
    char *eq;

    line = trimmed(line);
    if (*line == '\0' || *line == '#')
        return ERR_OK;
    eq = strchr(line, '=');
    if (!eq)
        return se_fail(ERR_INVALID, "%s:%u: expected key = value, found \"%.60s\"", se_conf_path(), number,
                       line);
    *eq = '\0';
    line = trimmed(line);
    if (!known(line))
        return se_fail(ERR_INVALID, "%s:%u: unknown key \"%.60s\"; known: port, pin, scp03, keyd",
                       se_conf_path(), number, line);
    if (strcmp(line, key) == 0)
        *value = trimmed(eq + 1);
    return ERR_OK;
}

static err_t find_value(char *text, const char *key, char **value)
{
    char *save = NULL;
    unsigned number = 0;

    /* strtok would swallow empty lines and with them the line numbers */
    for (char *line = text; line; line = save) {
        save = strchr(line, '\n');
        if (save)
            *save++ = '\0';
        err_t e = take_line(++number, line, key, value);
        if (e)
            return e;
    }
    return *value ? ERR_OK : ERR_NOT_FOUND;
}

err_t se_conf_value(const char *key, char *out, size_t room)
{
    autobuf text = BUF_SECRET(CONF_MAX);
    char *value = NULL;
    err_t e = file_read(se_conf_path(), &text);

    if (e == ERR_NOT_FOUND && !named_path())
        return e;
    if (!e)
        e = buf_add_u8(&text, 0);
    if (e)
        return se_fail(e == ERR_NOT_FOUND ? ERR_INVALID : e, "cannot read the configuration file %s: %s",
                       se_conf_path(), err_str(e));
    e = find_value((char *)text.p, key, &value);
    if (e)
        return e;
    if (strlen(value) >= room)
        return se_fail(ERR_INVALID, "%s: the value of %s is longer than %zu characters", se_conf_path(), key,
                       room - 1);
    memcpy(out, value, strlen(value) + 1);
    return ERR_OK;
}
