#include "keyd/apdu.h"

#include "se/wire.h"

enum { HEADER_LEN = 4 };

/* The data field between the header and Le, if Lc and Le fit the bytes exactly (ISO 7816-4, reference 2.3).
 */
static err_t data_field(struct slice rest, enum keyd_apdu_form form, struct slice *ret)
{
    struct reader r = reader_of(rest);
    bool extended = rest.n >= 3 && rest.p[0] == 0;
    size_t le = 0;

    if (rest.n == 0 || (form == KEYD_APDU_OUTER &&
                        (slice_eq(rest, SLICE_LIT("\0")) || slice_eq(rest, SLICE_LIT("\0\0\0"))))) {
        *ret = (struct slice){ 0 };
        return ERR_OK;
    }
    if (extended)
        (void)reader_u8(&r);
    size_t n = extended ? reader_be16(&r) : reader_u8(&r);
    struct slice data = reader_bytes(&r, n);
    if (form == KEYD_APDU_OUTER && !reader_empty(&r)) {
        le = extended ? reader_be16(&r) : reader_u8(&r);
    }
    if (reader_done(&r) || n == 0 || le != 0)
        return ERR_PROTO;
    *ret = data;
    return ERR_OK;
}

static size_t tlv_size(const struct tlv *t)
{
    return 2 + (t->value.n > 0x7f) + (t->value.n > 0xff) + t->value.n;
}

static err_t take_fields(struct slice data, struct keyd_apdu *a)
{
    while (data.n) {
        size_t before = data.n;
        struct tlv *t = &a->field[a->count];

        if (a->count == KEYD_FIELDS_MAX || tlv_next(&data, t) || before - data.n != tlv_size(t))
            return ERR_PROTO;
        if (a->count && t->tag <= a->field[a->count - 1].tag)
            return ERR_PROTO;
        a->count++;
    }
    return ERR_OK;
}

err_t keyd_apdu_parse(struct slice bytes, enum keyd_apdu_form form, struct keyd_apdu *ret)
{
    struct reader r = reader_of(bytes);
    uint8_t cla = reader_u8(&r);
    struct keyd_apdu a = { 0 };
    struct slice data;

    a.ins = reader_u8(&r);
    a.p1 = reader_u8(&r);
    a.p2 = reader_u8(&r);
    if (reader_ok(&r) || cla != SE_CLA_APPLET || data_field(r.rest, form, &data) || take_fields(data, &a))
        return ERR_PROTO;
    a.stem = slice_head(bytes, data.n ? (size_t)(data.p + data.n - bytes.p) : HEADER_LEN);
    *ret = a;
    return ERR_OK;
}

static const struct tlv *find(const struct keyd_apdu *a, uint8_t tag)
{
    for (unsigned i = 0; i < a->count; i++) {
        if (a->field[i].tag == tag)
            return &a->field[i];
    }
    return NULL;
}

struct slice keyd_apdu_field(const struct keyd_apdu *a, uint8_t tag)
{
    const struct tlv *t = find(a, tag);

    return t ? t->value : (struct slice){ 0 };
}

bool keyd_apdu_has(const struct keyd_apdu *a, uint8_t tag)
{
    return find(a, tag) != NULL;
}
