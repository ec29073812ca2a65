#include "cloud/policy/compare.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

bool compare_equal(const char *have, const char *want)
{
    return strcmp(have, want) == 0;
}

bool compare_equal_fold(const char *have, const char *want)
{
    return strcasecmp(have, want) == 0;
}

typedef bool (*read_fn)(const char *text, double *ret);

static bool read_number(const char *text, double *ret)
{
    char *end;
    double v = strtod(text, &end);

    if (end == text || *end)
        return false;
    *ret = v;
    return true;
}

static bool read_date(const char *text, double *ret)
{
    static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d" };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = { 0 };
        const char *end = strptime(text, forms[i], &tm);
        if (end && !*end) {
            *ret = (double)timegm(&tm);
            return true;
        }
    }
    return read_number(text, ret);
}

/* -1, 0, 1 as have is less, equal, greater; 2 when one of them cannot be read. */
static int order(read_fn read, const char *have, const char *want)
{
    double a, b;

    if (!read(have, &a) || !read(want, &b))
        return 2;
    return a < b ? -1 : a > b;
}

#define COMPARISON(name, read, test)              \
    bool name(const char *have, const char *want) \
    {                                             \
        int o = order(read, have, want);          \
        return o != 2 && (test);                  \
    }

COMPARISON(compare_num_eq, read_number, o == 0)
COMPARISON(compare_num_lt, read_number, o < 0)
COMPARISON(compare_num_le, read_number, o <= 0)
COMPARISON(compare_num_gt, read_number, o > 0)
COMPARISON(compare_num_ge, read_number, o >= 0)
COMPARISON(compare_date_eq, read_date, o == 0)
COMPARISON(compare_date_lt, read_date, o < 0)
COMPARISON(compare_date_le, read_date, o <= 0)
COMPARISON(compare_date_gt, read_date, o > 0)
COMPARISON(compare_date_ge, read_date, o >= 0)

struct address {
    int family;
    uint8_t bytes[16];
    unsigned bits;
};

static bool read_address(const char *text, struct address *ret)
{
    struct address a = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

    a.bits = a.family == AF_INET ? 32 : 128;
    if (inet_pton(a.family, text, a.bytes) != 1)
        return false;
    *ret = a;
    return true;
}

static bool read_range(const char *text, struct address *ret, unsigned *ret_prefix)
{
    char copy[64];
    char *slash, *end;
    unsigned long prefix;

    if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
        return false;
    if ((slash = strchr(copy, '/')))
        *slash++ = 0;
    if (!read_address(copy, ret))
        return false;
    prefix = slash ? strtoul(slash, &end, 10) : ret->bits;
    if (slash && (end == slash || *end || *slash == '-' || prefix > ret->bits))
        return false;
    *ret_prefix = (unsigned)prefix;
    return true;
}

bool compare_ip(const char *have, const char *want)
{
    struct address a, range;
    unsigned prefix;
    uint8_t mask;

    if (!read_address(have, &a) || !read_range(want, &range, &prefix) || a.family != range.family)
        return false;
    if (memcmp(a.bytes, range.bytes, prefix / 8) != 0)
        return false;
    mask = (uint8_t)(0xff << (8 - prefix % 8));
    return prefix % 8 == 0 || ((a.bytes[prefix / 8] ^ range.bytes[prefix / 8]) & mask) == 0;
}
