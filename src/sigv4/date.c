#include "sigv4/canonical.h"

#include <stdio.h>
#include <time.h>

void sigv4_date_format(int64_t ms, char ret[17])
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm;

    (void)gmtime_r(&t, &tm);
    if (strftime(ret, 17, "%Y%m%dT%H%M%SZ", &tm) != 16)
        ret[0] = 0; /* before the year 0 or after 9999: no server takes an empty date */
}

static bool digits(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

static int number(const char *s, size_t n)
{
    int v = 0;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (s[i] - '0');
    return v;
}

err_t sigv4_date_parse(const char *text, int64_t *ret_ms)
{
    char again[17];

    if (strlen(text) != 16 || !digits(text, 8) || text[8] != 'T' || !digits(text + 9, 6) || text[15] != 'Z')
        return ERR_INVALID;
    struct tm tm = { .tm_year = number(text, 4) - 1900,
                     .tm_mon = number(text + 4, 2) - 1,
                     .tm_mday = number(text + 6, 2),
                     .tm_hour = number(text + 9, 2),
                     .tm_min = number(text + 11, 2),
                     .tm_sec = number(text + 13, 2) };
    int64_t ms = (int64_t)timegm(&tm) * 1000;
    sigv4_date_format(ms, again);
    if (strcmp(again, text) != 0) /* the 31st of February became another day */
        return ERR_INVALID;
    *ret_ms = ms;
    return ERR_OK;
}
