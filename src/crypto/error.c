#include "crypto/error.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_text(struct crypto_error *why, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void set_text(struct crypto_error *why, const char *fmt, va_list ap)
{
    (void)vsnprintf(why->text, sizeof(why->text), fmt, ap);
}

err_t crypto_fail(struct crypto_error *why, err_t e, const char *fmt, ...)
{
    va_list ap;

    if (!why)
        return e;
    va_start(ap, fmt);
    set_text(why, fmt, ap);
    va_end(ap);
    return e;
}

/* Oldest first: the first entry is the cause, the later ones say who passed it on. Reasons that repeat the
 * one before are left out. The file and line of OpenSSL's source mean nothing to a user. */
static void append_queue(struct crypto_error *why)
{
    const char *last = "";
    const char *sep = ": ";
    unsigned long code;
    const char *data;
    int flags;

    while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags))) {
        const char *reason = ERR_reason_error_string(code);
        size_t used = strlen(why->text);
        if (!reason || strcmp(reason, last) == 0)
            continue;
        (void)snprintf(why->text + used, sizeof(why->text) - used, "%s%s%s%s%s", sep, reason,
                       (flags & ERR_TXT_STRING) && *data ? " (" : "", (flags & ERR_TXT_STRING) ? data : "",
                       (flags & ERR_TXT_STRING) && *data ? ")" : "");
        last = reason;
        sep = "; ";
    }
}

err_t crypto_fail_openssl(struct crypto_error *why, err_t e, const char *fmt, ...)
{
    va_list ap;

    if (why) {
        va_start(ap, fmt);
        set_text(why, fmt, ap);
        va_end(ap);
        append_queue(why);
    }
    ERR_clear_error();
    return e;
}

err_t crypto_fail_quiet(err_t e)
{
    ERR_clear_error();
    return e;
}
