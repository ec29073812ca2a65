#include "vse/image.h"

#include "base/crc.h"
#include "base/reader.h"
#include "base/writer.h"

enum { FORMAT = 1, HEADER_LEN = 12, CRC_LEN = 4, RECORD_HEAD = 12 };

static const char magic[] = "SEDGEVSE";

/* ---- writing ---- */

static err_t pad_to(struct buf *out, size_t n)
{
    err_t e = ERR_OK;

    while (!e && out->n < n)
        e = buf_add_u8(out, 0);
    return e;
}

uint64_t vse_image_slot_offset(uint64_t seq)
{
    return VSE_IMAGE_SECTOR * (1 + (seq & 1));
}

static void put_be64(uint8_t *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

void vse_image_slot(uint8_t out[VSE_IMAGE_SLOT_LEN], uint64_t seq, uint64_t end)
{
    uint32_t crc;

    put_be64(out, seq);
    put_be64(out + 8, end);
    crc = crc32_ieee(slice_of(out, 16));
    for (int i = 19; i >= 16; i--, crc >>= 8)
        out[i] = (uint8_t)crc;
}

err_t vse_image_head(struct buf *out, uint64_t seq, uint64_t end)
{
    uint8_t slot[VSE_IMAGE_SLOT_LEN];
    err_t e = buf_add_str(out, magic);

    if (!e)
        e = buf_add_be32(out, FORMAT);
    if (!e)
        e = buf_add_be32(out, crc32_ieee(buf_slice(out)));
    vse_image_slot(slot, seq, end);
    for (unsigned i = 0; i < 2 && !e; i++) {
        e = pad_to(out, VSE_IMAGE_SECTOR * (1 + i));
        if (!e)
            e = buf_add(out, SLICE_ARRAY(slot));
    }
    return e ? e : pad_to(out, VSE_IMAGE_RECORDS);
}

static void put_op(struct writer *w, const struct vse_nvm_op *op)
{
    writer_u8(w, op->put);
    writer_u8(w, op->kind);
    writer_be32(w, op->id);
    writer_be32(w, (uint32_t)(op->put ? op->value.n : 0));
    if (op->put)
        writer_bytes(w, op->value);
}

err_t vse_image_record(struct buf *out, uint64_t seq, const struct vse_nvm_op *ops, size_t n)
{
    autobuf body = BUF_SECRET(VSE_RECORD_MAX);
    struct writer w = writer_of(&body);
    size_t start = out->n;
    err_t e;

    for (size_t i = 0; i < n; i++)
        put_op(&w, &ops[i]);
    e = writer_done(&w);
    if (!e)
        e = buf_reserve(out, body.n + VSE_RECORD_OVERHEAD);
    if (e)
        return e;
    w = writer_of(out);
    writer_be32(&w, (uint32_t)body.n);
    writer_be64(&w, seq);
    writer_bytes(&w, buf_slice(&body));
    writer_be32(&w, crc32_ieee(slice_skip(buf_slice(out), start)));
    return writer_done(&w);
}

/* ---- reading ---- */

static err_t check_header(struct slice image)
{
    struct reader r = reader_of(image);
    struct slice name = reader_bytes(&r, sizeof(magic) - 1);
    uint32_t format = reader_be32(&r);
    uint32_t crc = reader_be32(&r);

    if (reader_ok(&r) || image.n < VSE_IMAGE_RECORDS || !slice_eq(name, slice_str(magic)))
        return ERR_CORRUPT;
    if (crc != crc32_ieee(slice_head(image, HEADER_LEN)))
        return ERR_CORRUPT;
    return format == FORMAT ? ERR_OK : ERR_UNSUPPORTED;
}

static bool get_slot(struct slice image, unsigned which, struct vse_image_end *ret)
{
    struct slice bytes = slice_head(slice_skip(image, VSE_IMAGE_SECTOR * (1 + which)), VSE_IMAGE_SLOT_LEN);
    struct reader r = reader_of(bytes);
    uint64_t seq = reader_be64(&r);
    uint64_t end = reader_be64(&r);

    if (reader_be32(&r) != crc32_ieee(slice_head(bytes, VSE_IMAGE_SLOT_LEN - CRC_LEN)) ||
        end < VSE_IMAGE_RECORDS)
        return false;
    *ret = (struct vse_image_end){ .seq = seq, .end = end };
    return true;
}

/* The slot that covers most. */
static err_t newest_slot(struct slice image, struct vse_image_end *ret)
{
    struct vse_image_end s[2];
    bool good[2] = { get_slot(image, 0, &s[0]), get_slot(image, 1, &s[1]) };

    if (!good[0] && !good[1])
        return ERR_CORRUPT;
    *ret = good[1] && (!good[0] || s[1].seq > s[0].seq) ? s[1] : s[0];
    ret->mend = !good[0] || !good[1];
    return ERR_OK;
}

static err_t apply_body(struct slice body, vse_image_fn *fn, void *ctx)
{
    struct reader r = reader_of(body);
    err_t e = ERR_OK;

    while (!e && !reader_empty(&r)) {
        struct vse_nvm_op op = { .put = reader_u8(&r) };
        op.kind = reader_u8(&r);
        op.id = reader_be32(&r);
        op.value = reader_bytes(&r, reader_be32(&r));
        e = reader_ok(&r) ? ERR_CORRUPT : fn(ctx, &op);
    }
    return e;
}

/* The record at the front of `in`, if it is whole and the one after `seq`. */
static bool get_record(struct slice in, uint64_t seq, struct slice *ret_body)
{
    struct reader r = reader_of(in);
    uint32_t n = reader_be32(&r);
    uint64_t have = reader_be64(&r);
    struct slice body = reader_bytes(&r, n);
    uint32_t crc = reader_be32(&r);

    if (reader_ok(&r) || n > VSE_RECORD_MAX || have != seq + 1 ||
        crc != crc32_ieee(slice_head(in, RECORD_HEAD + n)))
        return false;
    *ret_body = body;
    return true;
}

err_t vse_image_load(struct slice image, vse_image_fn *fn, void *ctx, struct vse_image_end *ret)
{
    struct vse_image_end slot, at = { .end = VSE_IMAGE_RECORDS };
    struct slice body;
    err_t e = check_header(image);

    if (!e)
        e = newest_slot(image, &slot);
    if (e)
        return e;
    while (get_record(slice_skip(image, (size_t)at.end), at.seq, &body)) {
        e = apply_body(body, fn, ctx);
        if (e)
            return e;
        at.seq++;
        at.end += body.n + VSE_RECORD_OVERHEAD;
        if ((at.seq == slot.seq) != (at.end == slot.end))
            return ERR_CORRUPT;
    }
    if (at.seq < slot.seq || at.end < slot.end)
        return ERR_CORRUPT;
    at.mend = slot.mend || at.seq > slot.seq;
    *ret = at;
    return ERR_OK;
}
