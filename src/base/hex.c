#include "base/hex.h"

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";
static const char b64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void hex_fill(char *out, struct slice in, const char *digits)
{
    for (size_t i = 0; i < in.n; i++) {
        out[2 * i] = digits[in.p[i] >> 4];
        out[2 * i + 1] = digits[in.p[i] & 15];
    }
    out[2 * in.n] = 0;
}

static err_t hex_encode_with(struct buf *out, struct slice in, const char *digits)
{
    if (in.n > SIZE_MAX / 2)
        return ERR_TOO_BIG;
    err_t e = buf_reserve(out, 2 * in.n);
    if (e)
        return e;
    hex_fill((char *)out->p + out->n, in, digits);
    out->n += 2 * in.n;
    return ERR_OK;
}

err_t hex_encode(struct buf *out, struct slice in)
{
    return hex_encode_with(out, in, hex_lower);
}

err_t hex_encode_upper(struct buf *out, struct slice in)
{
    return hex_encode_with(out, in, hex_upper);
}

void hex_str(char *out, struct slice in)
{
    hex_fill(out, in, hex_lower);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

err_t hex_decode(struct buf *out, struct slice in)
{
    if (in.n % 2)
        return ERR_INVALID;
    for (size_t i = 0; i < in.n; i++)
        if (hex_digit(in.p[i]) < 0)
            return ERR_INVALID;
    err_t e = buf_reserve(out, in.n / 2);
    if (e)
        return e;
    for (size_t i = 0; i < in.n; i += 2)
        out->p[out->n++] = (uint8_t)(hex_digit(in.p[i]) << 4 | hex_digit(in.p[i + 1]));
    out->p[out->n] = 0;
    return ERR_OK;
}

err_t base64_encode(struct buf *out, struct slice in)
{
    err_t e = in.n > SIZE_MAX / 2 ? ERR_TOO_BIG : buf_reserve(out, (in.n + 2) / 3 * 4);
    if (e)
        return e;
    for (size_t i = 0; i < in.n; i += 3) {
        size_t left = in.n - i;
        uint32_t v = (uint32_t)in.p[i] << 16 | (left > 1 ? (uint32_t)in.p[i + 1] << 8 : 0) |
                     (left > 2 ? in.p[i + 2] : 0);
        uint8_t *q = out->p + out->n;
        q[0] = (uint8_t)b64_alphabet[v >> 18];
        q[1] = (uint8_t)b64_alphabet[v >> 12 & 63];
        q[2] = left > 1 ? (uint8_t)b64_alphabet[v >> 6 & 63] : '=';
        q[3] = left > 2 ? (uint8_t)b64_alphabet[v & 63] : '=';
        out->n += 4;
    }
    if (out->p)
        out->p[out->n] = 0;
    return ERR_OK;
}

static int b64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four characters; pad = how many '=' end it. 24 bits, or -1. RFC 4648 section 3.5: the
 * bits that padding leaves over are zero. */
static int32_t b64_group(const uint8_t *p, size_t pad)
{
    int32_t v = 0;

    for (size_t i = 0; i < 4; i++) {
        int d = i < 4 - pad ? b64_digit(p[i]) : 0;
        if (d < 0 || (i >= 4 - pad && p[i] != '='))
            return -1;
        v = v << 6 | d;
    }
    if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
        return -1;
    return v;
}

err_t base64_decode(struct buf *out, struct slice in)
{
    size_t start = out->n;

    if (in.n % 4)
        return ERR_INVALID;
    err_t e = buf_reserve(out, in.n / 4 * 3);
    if (e)
        return e;
    for (size_t i = 0; i < in.n; i += 4) {
        bool last = i + 4 == in.n;
        size_t pad = last && in.p[i + 3] == '=' ? (in.p[i + 2] == '=' ? 2 : 1) : 0;
        int32_t v = b64_group(in.p + i, pad);
        if (v < 0) {
            buf_cut(out, start);
            return ERR_INVALID;
        }
        for (size_t k = 0; k < 3 - pad; k++)
            out->p[out->n++] = (uint8_t)(v >> (16 - 8 * k));
    }
    if (out->p)
        out->p[out->n] = 0;
    return ERR_OK;
}
