#include "base/utf8.h"

/* Length of the well-formed sequence at the front of s, 0 when there is none. Unicode 15 table 3-7. */
static size_t utf8_sequence(struct slice s)
{
    uint8_t b = s.p[0];
    uint8_t low = 0x80, high = 0xbf;
    size_t n;

    if (b < 0x80)
        return 1;
    if (b >= 0xc2 && b <= 0xdf)
        n = 2;
    else if (b >= 0xe0 && b <= 0xef)
        n = 3;
    else if (b >= 0xf0 && b <= 0xf4)
        n = 4;
    else
        return 0;
    if (b == 0xe0)
        low = 0xa0; /* overlong */
    if (b == 0xed)
        high = 0x9f; /* surrogates */
    if (b == 0xf0)
        low = 0x90; /* overlong */
    if (b == 0xf4)
        high = 0x8f; /* beyond U+10FFFF */
    if (s.n < n || s.p[1] < low || s.p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (s.p[i] < 0x80 || s.p[i] > 0xbf)
            return 0;
    return n;
}

bool utf8_valid(struct slice s)
{
    while (s.n) {
        size_t n = utf8_sequence(s);
        if (n == 0)
            return false;
        s = slice_skip(s, n);
    }
    return true;
}

bool utf8_valid_no_nul(struct slice s)
{
    return (s.n == 0 || !memchr(s.p, 0, s.n)) && utf8_valid(s);
}
