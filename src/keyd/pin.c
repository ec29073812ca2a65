#include "keyd/pin.h"

#include "base/file.h"
#include "base/mem.h"
#include "se/wire.h"

#define CREDENTIAL "credential:"

enum { PIN_FILE_MAX = 256 };

/* NULL: no such credential can be. */
static char *credential_path(const char *name)
{
    const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");

    if (!folder || folder[0] != '/' || !*name || strchr(name, '/') || name[0] == '.')
        return NULL;
    return mem_printf("%s/%s", folder, name);
}

static const char *advice(err_t e)
{
    switch (e) {
    case ERR_NOT_FOUND:
        return "there is no such file";
    case ERR_DENIED:
        return "it must belong to root or the daemon's user and be closed to others (chmod 600)";
    case ERR_INVALID:
        return "it must be a regular file with one line of 4 to 16 characters";
    default:
        return err_str(e);
    }
}

static err_t read_pin(const char *path, struct secret **ret)
{
    autobuf text = BUF_SECRET(PIN_FILE_MAX);
    err_t e = file_read_private(path, &text);

    if (e)
        return e == ERR_TOO_BIG ? ERR_INVALID : e;
    if (text.n && text.p[text.n - 1] == '\n')
        buf_cut(&text, text.n - 1);
    if (text.n < SE_USERID_MIN || text.n > SE_USERID_MAX)
        return ERR_INVALID;
    return secret_new(buf_slice(&text), ret);
}

err_t keyd_pin_read(const char *from, struct secret **ret, const char **why)
{
    bool named = strncmp(from, CREDENTIAL, strlen(CREDENTIAL)) == 0;
    autofree char *path = named ? credential_path(from + strlen(CREDENTIAL)) : mem_strdup(from);
    err_t e = path && path[0] == '/' ? read_pin(path, ret) : ERR_INVALID;

    if (e)
        *why = path ? path[0] == '/' ? advice(e) : "it must be an absolute path, or credential:NAME"
                    : "the service manager gave no such credential (LoadCredential=)";
    return e;
}
