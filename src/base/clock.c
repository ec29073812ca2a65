#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t now_us(clockid_t id)
{
    struct timespec ts;

    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

int64_t clock_wall_ms(void)
{
    return now_us(CLOCK_REALTIME) / 1000;
}

void clock_iso(char *out, int64_t wall_ms)
{
    int64_t ms = wall_ms % 1000;
    time_t secs = (time_t)(wall_ms / 1000);
    struct tm tm;

    if (ms < 0) {
        ms += 1000;
        secs--;
    }
    if (!gmtime_r(&secs, &tm))
        (void)gmtime_r(&(time_t){ 0 }, &tm);
    size_t n = strftime(out, CLOCK_ISO_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out + n, CLOCK_ISO_MAX - n, ".%03uZ", (unsigned)ms % 1000);
}

void clock_iso_trimmed(char *out, int64_t wall_ms)
{
    clock_iso(out, wall_ms);
    char *end = out + strlen(out) - 1; /* the Z */
    while (end[-1] == '0')
        end--;
    if (end[-1] == '.')
        end--;
    (void)memcpy(end, "Z", 2);
}
