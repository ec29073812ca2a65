#include "se/detail.h"

#include "se/apdu.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char text[SE_DETAIL_MAX];
static _Thread_local uint16_t last_sw;

const char *se_detail(void)
{
    return text;
}

void se_detail_clear(void)
{
    text[0] = '\0';
    last_sw = 0;
}

void se_detail_save(char out[SE_DETAIL_MAX])
{
    memcpy(out, text, SE_DETAIL_MAX);
}

void se_detail_restore(const char saved[SE_DETAIL_MAX])
{
    memcpy(text, saved, SE_DETAIL_MAX);
}

void se_note(const char *fmt, ...)
{
    va_list ap;

    last_sw = 0;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
}

err_t se_fail_sw(err_t e, uint16_t sw)
{
    se_note("SW %04x (%s)", sw, se_sw_text(sw));
    last_sw = sw;
    return e;
}

uint16_t se_last_sw(void)
{
    return last_sw;
}

err_t se_fail_at(err_t e, const char *fmt, ...)
{
    char old[SE_DETAIL_MAX];
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
