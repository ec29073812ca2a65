#include "se/sig.h"

#include "base/tlv.h"

enum {
    DER_SEQUENCE = 0x30,
    DER_INTEGER = 0x02,
    SIG_RAW_MAX = 132, /* P-521 */
    SIG_DER_MAX = 160,
};

static struct slice unsigned_of(struct slice integer)
{
    while (integer.n && integer.p[0] == 0)
        integer = slice_skip(integer, 1);
    return integer;
}

static err_t take_integer(struct slice *in, size_t len, struct slice *ret)
{
    struct tlv t;

    if (tlv_next(in, &t) || t.tag != DER_INTEGER || t.value.n == 0)
        return ERR_PROTO;
    *ret = unsigned_of(t.value);
    return ret->n == 0 || ret->n > len ? ERR_PROTO : ERR_OK; /* zero is no signature */
}

static void put_padded(struct writer *w, struct slice v, size_t len)
{
    for (size_t i = v.n; i < len; i++)
        writer_u8(w, 0);
    writer_bytes(w, v);
}

err_t se_sig_der_to_raw(struct slice der, size_t len, struct buf *out)
{
    struct slice r, s;
    struct tlv seq;
    size_t start = out->n;
    struct writer w = writer_of(out);

    if (len == 0 || len > SIG_RAW_MAX / 2)
        return ERR_INVALID;
    if (tlv_next(&der, &seq) || seq.tag != DER_SEQUENCE || der.n)
        return ERR_PROTO;
    if (take_integer(&seq.value, len, &r) || take_integer(&seq.value, len, &s) || seq.value.n)
        return ERR_PROTO;
    put_padded(&w, r, len);
    put_padded(&w, s, len);
    if (writer_done(&w))
        buf_cut(out, start);
    return writer_done(&w);
}

static void put_integer(struct writer *w, struct slice v)
{
    v = unsigned_of(v);
    writer_u8(w, DER_INTEGER);
    writer_u8(w, (uint8_t)(v.n + (v.n == 0 || v.p[0] & 0x80)));
    if (v.n == 0 || v.p[0] & 0x80)
        writer_u8(w, 0);
    writer_bytes(w, v);
}

err_t se_sig_raw_to_der(struct slice raw, struct buf *out)
{
    autobuf body = BUF_INIT(SIG_DER_MAX);
    struct writer w = writer_of(&body);
    size_t start = out->n;
    size_t half = raw.n / 2;

    if (raw.n < 2 || raw.n % 2 || raw.n > SIG_RAW_MAX)
        return ERR_INVALID;
    put_integer(&w, slice_head(raw, half));
    put_integer(&w, slice_skip(raw, half));
    if (writer_done(&w))
        return writer_done(&w);
    w = writer_of(out);
    tlv_put(&w, DER_SEQUENCE, buf_slice(&body));
    if (writer_done(&w))
        buf_cut(out, start);
    return writer_done(&w);
}
