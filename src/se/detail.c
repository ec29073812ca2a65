#include "se/detail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DETAIL_MAX = 768 };

static _Thread_local char text[DETAIL_MAX];

const char *se_detail(void)
{
    return text;
}

void se_detail_clear(void)
{
    text[0] = '\0';
}

err_t se_fail(err_t e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return e;
}

err_t se_fail_at(err_t e, const char *fmt, ...)
{
    char old[DETAIL_MAX];
    int n;
    va_list ap;

    memcpy(old, text, sizeof(old));
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(text))
        (void)snprintf(text + n, sizeof(text) - (size_t)n, "%s", old[0] ? old : err_str(e));
    return e;
}
