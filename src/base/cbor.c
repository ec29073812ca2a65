#include "base/cbor.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <cbor/streaming.h>
#include <math.h>
#include <string.h>

#define INDEFINITE SIZE_MAX

enum frame_kind { FRAME_ARRAY, FRAME_MAP, FRAME_TEXT };

/* Something that is open: an array, a map, or a text that comes in chunks. */
struct frame {
    enum frame_kind kind;
    size_t left;  /* values still to come (keys count), INDEFINITE until a break */
    json_t *json; /* array or object, owned */
    char *key;    /* FRAME_MAP: read, its value not yet */
    struct buf text;
};

struct decoder {
    struct frame open[CBOR_DEPTH_MAX];
    size_t depth;
    const struct cbor_limits *limits;
    size_t items, size; /* heads so far; bytes of the whole input, which no text exceeds */
    json_t *top;
    err_t err;
};

static void refuse(struct decoder *d, err_t e)
{
    if (!d->err)
        d->err = e;
}

static struct frame *inner(struct decoder *d)
{
    return d->depth ? &d->open[d->depth - 1] : NULL;
}

static void frame_done(struct frame *f)
{
    json_decref(f->json);
    free(f->key);
    buf_done(&f->text);
}

static void add(struct decoder *d, json_t *value);

/* Close the innermost: what it became is a value of the one around it. */
static void close_frame(struct decoder *d)
{
    struct frame *f = inner(d);
    json_t *value = f->kind == FRAME_TEXT ? json_stringn(buf_str(&f->text), f->text.n) : json_incref(f->json);

    d->depth--;
    frame_done(f);
    add(d, value);
}

static void count_down(struct decoder *d, struct frame *f)
{
    if (f->left != INDEFINITE && --f->left == 0)
        close_frame(d);
}

/* A key of a map: text, new, without a NUL (jansson's keys end at one). */
static void take_key(struct decoder *d, struct frame *f, json_t *value)
{
    if (!json_is_string(value))
        refuse(d, ERR_UNSUPPORTED);
    else if (json_object_get(f->json, json_string_value(value)))
        refuse(d, ERR_INVALID);
    else if (!(f->key = mem_strdup(json_string_value(value))))
        refuse(d, ERR_NOMEM);
    json_decref(value);
    count_down(d, f);
}

static void take_member(struct decoder *d, struct frame *f, json_t *value)
{
    if (json_object_set_new(f->json, f->key, value) != 0)
        refuse(d, ERR_NOMEM);
    free(steal(&f->key));
    count_down(d, f);
}

/* One value is complete. Takes it. */
static void add(struct decoder *d, json_t *value)
{
    struct frame *f = inner(d);

    if (!value || d->err) {
        refuse(d, ERR_NOMEM);
        json_decref(value);
    } else if (!f) {
        d->top = value;
    } else if (f->kind == FRAME_TEXT) {
        refuse(d, ERR_INVALID); /* only chunks may come here */
        json_decref(value);
    } else if (f->kind == FRAME_MAP && !f->key) {
        take_key(d, f, value);
    } else if (f->kind == FRAME_MAP) {
        take_member(d, f, value);
    } else {
        if (json_array_append_new(f->json, value) != 0)
            refuse(d, ERR_NOMEM);
        count_down(d, f);
    }
}

static void open_frame(struct decoder *d, enum frame_kind kind, size_t count, json_t *json)
{
    struct frame *f = inner(d);

    if (d->depth >= d->limits->depth || d->depth >= CBOR_DEPTH_MAX ||
        (count != INDEFINITE && count > d->limits->items - d->items)) {
        refuse(d, ERR_TOO_BIG);
    } else if (f && f->kind == FRAME_TEXT) {
        refuse(d, ERR_INVALID);
    } else if (f && f->kind == FRAME_MAP && !f->key && kind != FRAME_TEXT) {
        refuse(d, ERR_UNSUPPORTED);
    } else if (kind != FRAME_TEXT && !json) {
        refuse(d, ERR_NOMEM);
    } else {
        d->open[d->depth++] = (struct frame){ kind, count, json, NULL, BUF_INIT(d->size) };
        if (count == 0)
            close_frame(d);
        return;
    }
    json_decref(json);
}

/* ---- what libcbor calls ---- */

static void on_uint(struct decoder *d, uint64_t v)
{
    if (v > INT64_MAX)
        refuse(d, ERR_UNSUPPORTED);
    else
        add(d, json_integer((json_int_t)v));
}

/* -1 - v */
static void on_negative(struct decoder *d, uint64_t v)
{
    if (v > INT64_MAX)
        refuse(d, ERR_UNSUPPORTED);
    else
        add(d, json_integer(-1 - (json_int_t)v));
}

static void on_uint8(void *d, uint8_t v)
{
    on_uint(d, v);
}
static void on_uint16(void *d, uint16_t v)
{
    on_uint(d, v);
}
static void on_uint32(void *d, uint32_t v)
{
    on_uint(d, v);
}
static void on_uint64(void *d, uint64_t v)
{
    on_uint(d, v);
}
static void on_negint8(void *d, uint8_t v)
{
    on_negative(d, v);
}
static void on_negint16(void *d, uint16_t v)
{
    on_negative(d, v);
}
static void on_negint32(void *d, uint32_t v)
{
    on_negative(d, v);
}
static void on_negint64(void *d, uint64_t v)
{
    on_negative(d, v);
}

static void on_real(void *arg, double v)
{
    struct decoder *d = arg;

    if (isfinite(v))
        add(d, json_real(v));
    else
        refuse(d, ERR_UNSUPPORTED);
}

static void on_float(void *d, float v)
{
    on_real(d, v);
}

static void on_text(void *arg, cbor_data p, size_t n)
{
    struct decoder *d = arg;
    struct frame *f = inner(d);
    struct slice text = { p, n };

    if (!utf8_valid_no_nul(text))
        refuse(d, ERR_INVALID);
    else if (!f || f->kind != FRAME_TEXT)
        add(d, json_stringn((const char *)p, n));
    else if (buf_add(&f->text, text))
        refuse(d, ERR_NOMEM);
}

static void on_bytes(void *d, cbor_data p, size_t n)
{
    (void)p;
    (void)n;
    refuse(d, ERR_UNSUPPORTED);
}

static void on_no_word(void *d)
{
    refuse(d, ERR_UNSUPPORTED);
}

static void on_text_start(void *d)
{
    open_frame(d, FRAME_TEXT, INDEFINITE, NULL);
}

static void on_array(void *d, size_t n)
{
    open_frame(d, FRAME_ARRAY, n, json_array());
}

static void on_array_start(void *d)
{
    open_frame(d, FRAME_ARRAY, INDEFINITE, json_array());
}

static void on_map(void *arg, size_t n)
{
    struct decoder *d = arg;

    if (n > d->limits->items) /* before it is doubled */
        refuse(d, ERR_TOO_BIG);
    else
        open_frame(d, FRAME_MAP, 2 * n, json_object());
}

static void on_map_start(void *d)
{
    open_frame(d, FRAME_MAP, INDEFINITE, json_object());
}

/* A tag wraps the next value. Inside a text in chunks there is no place for one, nor before a break; libcbor
 * does not say that, so the item after it is looked at in cbor_to_json. */
static void on_tag(void *arg, uint64_t v)
{
    struct decoder *d = arg;
    struct frame *f = inner(d);

    (void)v;
    if (f && f->kind == FRAME_TEXT)
        refuse(d, ERR_INVALID);
}

static void on_null(void *d)
{
    add(d, json_null());
}

static void on_bool(void *d, bool v)
{
    add(d, json_boolean(v));
}

/* Only what began without a length ends so, and a map not between key and value. */
static void on_break(void *arg)
{
    struct decoder *d = arg;
    struct frame *f = inner(d);

    if (!f || f->left != INDEFINITE || f->key)
        refuse(d, ERR_INVALID);
    else
        close_frame(d);
}

static const struct cbor_callbacks callbacks = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint8 = on_negint8,
    .negint16 = on_negint16,
    .negint32 = on_negint32,
    .negint64 = on_negint64,
    .byte_string_start = on_no_word,
    .byte_string = on_bytes,
    .string = on_text,
    .string_start = on_text_start,
    .indef_array_start = on_array_start,
    .array_start = on_array,
    .indef_map_start = on_map_start,
    .map_start = on_map,
    .tag = on_tag,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_real,
    .undefined = on_no_word,
    .null = on_null,
    .boolean = on_bool,
    .indef_break = on_break,
};

#define MAJOR(byte) ((byte) >> 5)
#define MAJOR_TAG 6
#define BREAK 0xff

/* One head, and the bytes of a string. */
static void step(struct decoder *d, struct slice *in, bool *tagged)
{
    struct cbor_decoder_result r;
    uint8_t first = in->p[0];

    if (++d->items > d->limits->items) {
        refuse(d, ERR_TOO_BIG);
        return;
    }
    if (*tagged && first == BREAK) {
        refuse(d, ERR_INVALID);
        return;
    }
    *tagged = MAJOR(first) == MAJOR_TAG;
    r = cbor_stream_decode(in->p, in->n, &callbacks, d);
    if (r.status != CBOR_DECODER_FINISHED)
        refuse(d, ERR_INVALID);
    else
        *in = slice_skip(*in, r.read);
}

err_t cbor_to_json(struct slice in, const struct cbor_limits *limits, json_t **ret)
{
    struct decoder d = { .limits = limits, .size = in.n };
    bool tagged = false;

    while (!d.err && !d.top && in.n)
        step(&d, &in, &tagged);
    while (d.depth)
        frame_done(&d.open[--d.depth]);
    if (!d.err && (!d.top || in.n))
        refuse(&d, ERR_INVALID);
    if (d.err) {
        json_decref(d.top);
        return d.err;
    }
    *ret = d.top;
    return ERR_OK;
}

/* ---- writing ---- */

enum major { MAJOR_UINT = 0, MAJOR_NEGATIVE = 1, MAJOR_TEXT = 3, MAJOR_ARRAY = 4, MAJOR_MAP = 5 };

static void put_head(struct writer *w, enum major major, uint64_t v)
{
    uint8_t top = (uint8_t)(major << 5);

    if (v < 24) {
        writer_u8(w, (uint8_t)(top | v));
    } else if (v <= UINT8_MAX) {
        writer_u8(w, top | 24);
        writer_u8(w, (uint8_t)v);
    } else if (v <= UINT16_MAX) {
        writer_u8(w, top | 25);
        writer_be16(w, (uint16_t)v);
    } else if (v <= UINT32_MAX) {
        writer_u8(w, top | 26);
        writer_be32(w, (uint32_t)v);
    } else {
        writer_u8(w, top | 27);
        writer_be64(w, v);
    }
}

void cbor_put_map(struct writer *w, uint64_t members)
{
    put_head(w, MAJOR_MAP, members);
}

void cbor_put_text(struct writer *w, struct slice utf8)
{
    put_head(w, MAJOR_TEXT, utf8.n);
    writer_bytes(w, utf8);
}

static void put_integer(struct writer *w, json_int_t v)
{
    if (v < 0)
        put_head(w, MAJOR_NEGATIVE, (uint64_t)(-1 - v));
    else
        put_head(w, MAJOR_UINT, (uint64_t)v);
}

static void put_real(struct writer *w, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    writer_u8(w, 0xfb);
    writer_be64(w, bits);
}

static void put_value(struct writer *w, const json_t *j, unsigned depth);

static void put_object(struct writer *w, const json_t *j, unsigned depth)
{
    const char *key;
    json_t *v;

    cbor_put_map(w, json_object_size(j));
    json_object_foreach((json_t *)(uintptr_t)j, key, v)
    {
        cbor_put_text(w, slice_str(key));
        put_value(w, v, depth + 1);
    }
}

static void put_array(struct writer *w, const json_t *j, unsigned depth)
{
    size_t i;
    json_t *v;

    put_head(w, MAJOR_ARRAY, json_array_size(j));
    json_array_foreach(j, i, v)
    {
        put_value(w, v, depth + 1);
    }
}

static void put_value(struct writer *w, const json_t *j, unsigned depth)
{
    if (depth >= CBOR_DEPTH_MAX) {
        w->err = w->err ? w->err : ERR_TOO_BIG;
        return;
    }
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        put_object(w, j, depth);
        break;
    case JSON_ARRAY:
        put_array(w, j, depth);
        break;
    case JSON_STRING:
        cbor_put_text(w, slice_of(json_string_value(j), json_string_length(j)));
        break;
    case JSON_INTEGER:
        put_integer(w, json_integer_value(j));
        break;
    case JSON_REAL:
        put_real(w, json_real_value(j));
        break;
    case JSON_TRUE:
        writer_u8(w, 0xf5);
        break;
    case JSON_FALSE:
        writer_u8(w, 0xf4);
        break;
    case JSON_NULL:
        writer_u8(w, 0xf6);
        break;
    }
}

err_t cbor_write(struct buf *out, const json_t *j)
{
    struct writer w = writer_of(out);

    put_value(&w, j, 0);
    return writer_done(&w);
}
