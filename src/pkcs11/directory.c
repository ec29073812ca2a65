#include "pkcs11/directory.h"

#include "base/crc.h"
#include "base/reader.h"
#include "base/writer.h"

#define MAGIC "SDGd"
#define FORMAT 1
#define HEADER_LEN \
    P11_DIRECTORY_HEADER /* magic, format, two PIN slots, pending, sequence, body length, label, CRC */
#define BODY_LEN_AT 12
#define CRC_AT 48
#define RECORDS_MAX 4096
#define TEXT_MAX 255
#define FLAG_PRIVATE 0x01

void p11_directory_init(struct p11_directory *d)
{
    *d = (struct p11_directory){ .bytes = BUF_INIT(P11_DIRECTORY_MAX) };
}

void p11_directory_done(struct p11_directory *d)
{
    free(d->v);
    buf_done(&d->bytes);
    p11_directory_init(d);
}

static struct slice read_text(struct reader *r)
{
    return reader_bytes(r, reader_u8(r));
}

/* A record may be longer than we know: a later version adds at its end. */
static err_t read_record(struct reader *body, struct p11_record *ret)
{
    uint16_t len = reader_be16(body);
    struct reader r = reader_of(reader_bytes(body, len));
    struct p11_record rec = { .id = reader_be32(&r) };
    uint8_t kind = reader_u8(&r);

    rec.private = (reader_u8(&r) & FLAG_PRIVATE) != 0;
    rec.may = reader_be16(&r);
    rec.label = read_text(&r);
    rec.cka_id = read_text(&r);
    rec.application = read_text(&r);
    rec.object_id = read_text(&r);
    if (body->failed || reader_ok(&r) != ERR_OK || kind > P11_RECORD_DATA || rec.id == 0)
        return ERR_CORRUPT;
    rec.kind = (enum p11_record_kind)kind;
    *ret = rec;
    return ERR_OK;
}

static err_t read_body(struct slice bytes, struct p11_directory *d)
{
    struct reader body = reader_of(bytes);
    struct p11_record rec;

    while (!reader_empty(&body)) {
        if (read_record(&body, &rec) != ERR_OK || p11_directory_find(d, rec.id))
            return ERR_CORRUPT;
        err_t e = p11_directory_put(d, &rec);
        if (e)
            return e;
    }
    return ERR_OK;
}

static uint32_t crc_of(struct slice file, size_t body_len)
{
    uint32_t crc = crc32_ieee(slice_head(file, CRC_AT));
    return crc32_ieee_add(crc, slice_head(slice_skip(file, HEADER_LEN), body_len));
}

static err_t decode(struct p11_directory *d)
{
    struct slice file = buf_slice(&d->bytes);
    struct reader r = reader_of(file);
    bool ours = slice_eq(reader_bytes(&r, 4), SLICE_LIT(MAGIC));
    uint8_t format = reader_u8(&r);
    uint8_t user = reader_u8(&r), so = reader_u8(&r);
    uint8_t pending = reader_u8(&r);
    uint32_t sequence = reader_be32(&r), body_len = reader_be32(&r);
    struct slice label = reader_bytes(&r, P11_TOKEN_LABEL_LEN);
    uint32_t crc = reader_be32(&r);

    if (!ours || reader_ok(&r) != ERR_OK || body_len > r.rest.n || crc != crc_of(file, body_len))
        return ERR_CORRUPT;
    if (format > FORMAT)
        return ERR_UNSUPPORTED;
    if (format != FORMAT || user > 1 || so > 1 || sequence == 0)
        return ERR_CORRUPT;
    d->sequence = sequence;
    d->user_pin = user;
    d->so_pin = so;
    d->pending = pending;
    memcpy(d->label, label.p, sizeof(d->label));
    return read_body(slice_head(r.rest, body_len), d);
}

err_t p11_directory_decode(struct slice bytes, struct p11_directory *d)
{
    p11_directory_done(d);
    err_t e = buf_add(&d->bytes, bytes);
    if (!e)
        e = decode(d);
    if (e)
        p11_directory_done(d);
    return e == ERR_TOO_BIG ? ERR_CORRUPT : e;
}

err_t p11_directory_size(struct slice start, size_t *ret)
{
    struct reader r = reader_of(slice_skip(start, BODY_LEN_AT));
    uint32_t body = reader_be32(&r);

    if (!slice_starts(start, SLICE_LIT(MAGIC)) || reader_ok(&r) != ERR_OK ||
        body > P11_DIRECTORY_MAX - HEADER_LEN)
        return ERR_CORRUPT;
    *ret = HEADER_LEN + body;
    return ERR_OK;
}

static void write_text(struct writer *w, struct slice s)
{
    s = slice_head(s, TEXT_MAX);
    writer_u8(w, (uint8_t)s.n);
    writer_bytes(w, s);
}

static void write_record(struct writer *w, const struct p11_record *r)
{
    size_t len = 8 + 4 + r->label.n + r->cka_id.n + r->application.n + r->object_id.n;

    writer_be16(w, (uint16_t)len);
    writer_be32(w, r->id);
    writer_u8(w, (uint8_t)r->kind);
    writer_u8(w, r->private ? FLAG_PRIVATE : 0);
    writer_be16(w, r->may);
    write_text(w, r->label);
    write_text(w, r->cka_id);
    write_text(w, r->application);
    write_text(w, r->object_id);
}

err_t p11_directory_encode(const struct p11_directory *d, struct buf *out)
{
    autobuf file = BUF_INIT(P11_DIRECTORY_MAX), body = BUF_INIT(P11_DIRECTORY_MAX);
    struct writer b = writer_of(&body), w = writer_of(&file);

    for (size_t i = 0; i < d->n; i++)
        write_record(&b, &d->v[i]);
    writer_str(&w, MAGIC);
    writer_u8(&w, FORMAT);
    writer_u8(&w, d->user_pin);
    writer_u8(&w, d->so_pin);
    writer_u8(&w, d->pending);
    writer_be32(&w, d->sequence);
    writer_be32(&w, (uint32_t)body.n);
    writer_bytes(&w, SLICE_ARRAY(d->label));
    writer_be32(&w, crc32_ieee_add(crc32_ieee(buf_slice(&file)), buf_slice(&body)));
    writer_bytes(&w, buf_slice(&body));
    err_t e = writer_done(&b);
    if (!e)
        e = writer_done(&w);
    return e ? e : buf_add(out, buf_slice(&file));
}

static struct p11_record *find(const struct p11_directory *d, uint32_t id)
{
    for (size_t i = 0; i < d->n; i++) {
        if (d->v[i].id == id)
            return &d->v[i];
    }
    return NULL;
}

const struct p11_record *p11_directory_find(const struct p11_directory *d, uint32_t id)
{
    return find(d, id);
}

err_t p11_directory_put(struct p11_directory *d, const struct p11_record *r)
{
    struct p11_record *known = find(d, r->id);

    if (known) {
        *known = *r;
        return ERR_OK;
    }
    err_t e = mem_grow(&d->v, &d->cap, d->n + 1, RECORDS_MAX, sizeof(d->v[0]));
    if (!e)
        d->v[d->n++] = *r;
    return e;
}

void p11_directory_remove(struct p11_directory *d, uint32_t id)
{
    struct p11_record *r = find(d, id);

    if (r)
        *r = d->v[--d->n];
}
