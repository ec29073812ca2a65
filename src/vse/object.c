#include "vse/object.h"

#include "base/mem.h"
#include "base/reader.h"
#include "vse/curve.h"
#include "vse/policy.h"

#include <assert.h>

enum { PART_MAX = SE_BINARY_MAX, FLAG_TRANSIENT = 1, FLAG_AUTH = 2 };

static void drop_prepared(struct vse_object *o)
{
    if (o->prepared->key)
        o->prepared->free(o->prepared->key);
    *o->prepared = (struct vse_prepared){ 0 };
}

struct vse_object *vse_object_new(uint32_t id, uint8_t type)
{
    struct vse_object *o = mem_calloc(1, sizeof(*o));
    struct vse_prepared *prepared = mem_calloc(1, sizeof(*prepared));

    if (!o || !prepared) {
        free(o);
        free(prepared);
        return NULL;
    }
    o->prepared = prepared;
    o->id = id;
    o->type = type;
    o->origin = VSE_ORIGIN_EXTERNAL;
    o->policy = BUF_INIT(SE_POLICY_SET_MAX);
    for (size_t i = 0; i < VSE_PARTS; i++)
        o->part[i] = BUF_SECRET(PART_MAX);
    return o;
}

void vse_object_free(struct vse_object *o)
{
    if (!o)
        return;
    drop_prepared(o);
    free(o->prepared);
    buf_done(&o->policy);
    for (size_t i = 0; i < VSE_PARTS; i++)
        buf_done(&o->part[i]);
    free(o);
}

void vse_object_free_ptr(struct vse_object **o)
{
    vse_object_free(*o);
    *o = NULL;
}

struct vse_object *vse_object_copy(const struct vse_object *o)
{
    auto_object *c = vse_object_new(o->id, o->type);

    if (!c)
        return NULL;
    c->curve = o->curve;
    c->origin = o->origin;
    c->transient = o->transient;
    c->auth = o->auth;
    c->size = o->size;
    c->max_attempts = o->max_attempts;
    c->attempts = o->attempts;
    c->owner = o->owner;
    c->min_tag = o->min_tag;
    c->min_output = o->min_output;
    c->session = o->session;
    c->version = o->version;
    if (buf_add(&c->policy, buf_slice(&o->policy)))
        return NULL;
    for (size_t i = 0; i < VSE_PARTS; i++)
        if (buf_add(&c->part[i], buf_slice(&o->part[i])))
            return NULL;
    return steal(&c);
}

err_t vse_object_set_number(struct vse_object *o, unsigned part, struct slice value, size_t n)
{
    struct buf fresh = BUF_SECRET(PART_MAX);
    err_t e;

    while (value.n && value.p[0] == 0)
        value = slice_skip(value, 1);
    if (value.n > n)
        return ERR_TOO_BIG;
    e = buf_reserve(&fresh, n ? n : 1);
    if (e)
        return e;
    for (size_t i = value.n; i < n && !e; i++)
        e = buf_add_u8(&fresh, 0);
    if (!e)
        e = buf_add(&fresh, value);
    assert(!e); /* the room is there */
    drop_prepared(o);
    buf_done(&o->part[part]);
    o->part[part] = fresh;
    return ERR_OK;
}

err_t vse_object_set(struct vse_object *o, unsigned part, struct slice value)
{
    struct buf fresh = BUF_SECRET(PART_MAX);
    err_t e = buf_add(&fresh, value);

    if (e)
        return e;
    drop_prepared(o);
    buf_done(&o->part[part]);
    o->part[part] = fresh;
    return ERR_OK;
}

struct slice vse_object_part(const struct vse_object *o, unsigned part)
{
    return buf_slice(&o->part[part]);
}

void vse_object_clear(struct vse_object *o)
{
    drop_prepared(o);
    for (size_t i = 0; i < VSE_PARTS; i++) {
        buf_done(&o->part[i]);
        o->part[i] = BUF_SECRET(PART_MAX);
    }
}

size_t vse_object_size(const struct vse_object *o)
{
    size_t n = VSE_OBJECT_OVERHEAD + o->policy.n;

    for (size_t i = 0; i < VSE_PARTS && !o->transient; i++)
        n += o->part[i].n;
    return n;
}

/* ---- stored form: type curve origin flags size max-attempts version, length-prefixed policy and parts, then
 * (absent in what was written before they were known) failed-attempts owner min-tag min-output ---- */

static void put_counted(struct writer *w, struct slice s)
{
    writer_be16(w, (uint16_t)s.n);
    writer_bytes(w, s);
}

err_t vse_object_encode(const struct vse_object *o, struct buf *out)
{
    struct writer w = writer_of(out);

    writer_u8(&w, o->type);
    writer_u8(&w, o->curve);
    writer_u8(&w, o->origin);
    writer_u8(&w, (uint8_t)((o->transient ? FLAG_TRANSIENT : 0) | (o->auth ? FLAG_AUTH : 0)));
    writer_be16(&w, o->size);
    writer_be16(&w, o->max_attempts);
    writer_be32(&w, o->version);
    put_counted(&w, buf_slice(&o->policy));
    for (unsigned i = 0; i < VSE_PARTS; i++)
        put_counted(&w, slice_head(vse_object_part(o, i), o->transient ? 0 : PART_MAX));
    writer_be16(&w, o->attempts);
    writer_be32(&w, o->owner);
    writer_be16(&w, o->min_tag);
    writer_be16(&w, o->min_output);
    return writer_done(&w);
}

static struct slice get_counted(struct reader *r)
{
    size_t n = reader_be16(r);

    return reader_bytes(r, n);
}

static err_t decode_into(struct vse_object *o, struct slice in)
{
    struct reader r = reader_of(in);
    uint8_t flags;
    err_t e;

    o->type = reader_u8(&r);
    o->curve = reader_u8(&r);
    o->origin = reader_u8(&r);
    flags = reader_u8(&r);
    o->transient = flags & FLAG_TRANSIENT;
    o->auth = flags & FLAG_AUTH;
    o->size = reader_be16(&r);
    o->max_attempts = reader_be16(&r);
    o->version = reader_be32(&r);
    e = buf_add(&o->policy, get_counted(&r));
    for (unsigned i = 0; i < VSE_PARTS && !e; i++)
        e = vse_object_set(o, i, get_counted(&r));
    if (!reader_empty(&r)) {
        o->attempts = reader_be16(&r);
        o->owner = reader_be32(&r);
        o->min_tag = reader_be16(&r);
        o->min_output = reader_be16(&r);
    }
    if (e == ERR_NOMEM)
        return e;
    return e || reader_done(&r) ? ERR_CORRUPT : ERR_OK;
}

err_t vse_object_decode(uint32_t id, struct slice in, struct vse_object **ret)
{
    auto_object *o = vse_object_new(id, 0);
    err_t e;

    if (!o)
        return ERR_NOMEM;
    e = decode_into(o, in);
    if (e)
        return e;
    *ret = steal(&o);
    return ERR_OK;
}

bool vse_object_is_ec(const struct vse_object *o)
{
    return o->type >= SE_TYPE_EC_PAIR && o->type <= SE_TYPE_EC_PUBLIC;
}

bool vse_object_is_rsa(const struct vse_object *o)
{
    return o->type >= SE_TYPE_RSA_PAIR && o->type <= SE_TYPE_RSA_PUBLIC;
}

bool vse_object_is_symmetric(const struct vse_object *o)
{
    return o->type == SE_TYPE_AES || o->type == SE_TYPE_DES || o->type == SE_TYPE_HMAC;
}

bool vse_object_size_valid(uint8_t type, size_t bytes)
{
    /* `step` bytes apart, counted from `min` */
    static const struct {
        uint8_t type;
        uint16_t min, max, step;
    } sizes[] = {
        { SE_TYPE_AES, 16, 32, 8 },
        { SE_TYPE_DES, 8, 24, 8 },
        { SE_TYPE_HMAC, 1, SE_HMAC_KEY_MAX, 1 },
        { SE_TYPE_USERID, SE_USERID_MIN, SE_USERID_MAX, 1 },
        { SE_TYPE_COUNTER, 1, SE_COUNTER_MAX, 1 },
        { SE_TYPE_PCR, SE_PCR_LEN, SE_PCR_LEN, 1 },
        { SE_TYPE_BINARY, 1, SE_BINARY_MAX, 1 },
    };

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (sizes[i].type == type)
            return bytes >= sizes[i].min && bytes <= sizes[i].max &&
                   (bytes - sizes[i].min) % sizes[i].step == 0;
    return false;
}

static bool value_sound(const struct vse_object *o)
{
    size_t initial = o->type == SE_TYPE_PCR ? SE_PCR_LEN : 0;

    if (o->type == SE_TYPE_BINARY && o->origin == VSE_ORIGIN_PROVISIONED && o->size == 0)
        return o->curve == 0 && o->part[VSE_DATA].n == 0;        /* a certificate nobody has wanted yet */
    bool empty_file = o->type == SE_TYPE_BINARY && o->size == 0; /* a certificate that is not made yet */

    if (o->curve || !(empty_file || vse_object_size_valid(o->type, o->size)))
        return false;
    return o->transient || (o->part[VSE_DATA].n == o->size && o->part[VSE_PCR_INITIAL].n == initial);
}

bool vse_object_sound(const struct vse_object *o)
{
    if (!vse_policy_valid(buf_slice(&o->policy)))
        return false;
    if (vse_object_is_ec(o))
        return vse_curve_find(o->curve) != NULL;
    if (vse_object_is_rsa(o))
        return o->curve == 0 && vse_rsa_bits_valid(o->size);
    return value_sound(o);
}

bool vse_rsa_bits_valid(unsigned bits)
{
    static const uint16_t sizes[] = { 512, 1024, 1152, 2048, 3072, 4096 };

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        if (sizes[i] == bits)
            return true;
    return false;
}

/* ---- the table ---- */

void vse_objects_done(struct vse_objects *t)
{
    for (size_t i = 0; i < t->n; i++)
        vse_object_free(t->v[i]);
    free(t->v);
    *t = (struct vse_objects){ 0 };
}

static size_t index_of(const struct vse_objects *t, uint32_t id)
{
    size_t i = 0;

    while (i < t->n && t->v[i]->id != id)
        i++;
    return i;
}

struct vse_object *vse_objects_find(const struct vse_objects *t, uint32_t id)
{
    size_t i = index_of(t, id);

    return i < t->n ? t->v[i] : NULL;
}

err_t vse_objects_reserve_more(struct vse_objects *t, size_t n)
{
    return mem_grow(&t->v, &t->cap, t->n + n, VSE_OBJECTS_MAX, sizeof(struct vse_object *));
}

err_t vse_objects_reserve(struct vse_objects *t)
{
    return vse_objects_reserve_more(t, 1);
}

void vse_objects_put(struct vse_objects *t, struct vse_object *o)
{
    size_t i = index_of(t, o->id);

    if (i < t->n) {
        vse_object_free(t->v[i]);
    } else {
        assert(t->n < t->cap);
        t->n++;
    }
    t->v[i] = o;
}

void vse_objects_remove(struct vse_objects *t, uint32_t id)
{
    size_t i = index_of(t, id);

    if (i == t->n)
        return;
    vse_object_free(t->v[i]);
    t->n--;
    memmove(t->v + i, t->v + i + 1, (t->n - i) * sizeof(struct vse_object *));
}
