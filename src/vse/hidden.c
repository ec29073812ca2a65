#include "vse/hidden.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/writer.h"
#include "vse/applet.h"

#include <openssl/rand.h>

enum { VALUE_MAX = 4096, EPOCH_LEN = 4 };

void vse_hidden_init(struct vse_hidden *h)
{
    *h = (struct vse_hidden){ 0 };
    for (size_t i = 0; i < ARRAY_LEN(h->kept); i++)
        h->kept[i] = BUF_SECRET(VALUE_MAX);
}

void vse_hidden_done(struct vse_hidden *h)
{
    for (size_t i = 0; i < ARRAY_LEN(h->kept); i++)
        buf_done(&h->kept[i]);
}

static bool sound(uint32_t which, struct slice value)
{
    if (which == VSE_HIDDEN_EXPORT_KEY)
        return value.n == VSE_EXPORT_KEY;
    if (which == VSE_HIDDEN_EPOCH)
        return value.n == EPOCH_LEN;
    return which > 0 && which < VSE_HIDDEN_END && value.n && value.n <= VALUE_MAX;
}

err_t vse_hidden_load(struct vse_hidden *h, uint32_t which, struct slice value)
{
    if (!sound(which, value))
        return ERR_CORRUPT;
    buf_clear(&h->kept[which]);
    return buf_add(&h->kept[which], value);
}

static err_t keep(struct vse_applet *a, enum vse_hidden_id which, struct slice value)
{
    struct vse_nvm_op op = { .put = true, .kind = VSE_NVM_HIDDEN, .id = which, .value = value };
    err_t e = buf_reserve(&a->hidden.kept[which], value.n);

    if (!e)
        e = a->nvm.apply(a->nvm.ctx, &op, 1);
    return e ? e : vse_hidden_load(&a->hidden, which, value);
}

err_t vse_hidden_export_key(struct vse_applet *a, struct slice *ret)
{
    uint8_t key[VSE_EXPORT_KEY];
    err_t e = ERR_OK;

    if (!a->hidden.kept[VSE_HIDDEN_EXPORT_KEY].n) {
        e = RAND_bytes(key, sizeof(key)) == 1 ? keep(a, VSE_HIDDEN_EXPORT_KEY, SLICE_ARRAY(key)) : ERR_CRYPTO;
        mem_wipe(key, sizeof(key));
    }
    if (!e)
        *ret = buf_slice(&a->hidden.kept[VSE_HIDDEN_EXPORT_KEY]);
    return e;
}

static uint32_t epoch(const struct vse_hidden *h)
{
    const uint8_t *p = h->kept[VSE_HIDDEN_EPOCH].p;

    return h->kept[VSE_HIDDEN_EPOCH].n ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | p[2] << 8 | p[3] : 0;
}

static err_t begin_epoch(struct vse_applet *a)
{
    uint32_t next = epoch(&a->hidden) + 1;
    uint8_t bytes[EPOCH_LEN] = { (uint8_t)(next >> 24), (uint8_t)(next >> 16), (uint8_t)(next >> 8),
                                 (uint8_t)next };
    err_t e = keep(a, VSE_HIDDEN_EPOCH, SLICE_ARRAY(bytes));

    a->hidden.ticking = a->hidden.ticking || !e;
    return e;
}

err_t vse_timestamp_next(struct vse_applet *a, uint8_t ret[VSE_TIMESTAMP])
{
    uint64_t now = (uint64_t)clock_mono_ms();
    autobuf out = BUF_INIT(VSE_TIMESTAMP);
    struct writer w = writer_of(&out);
    err_t e = a->hidden.ticking ? ERR_OK : begin_epoch(a);

    if (e)
        return e;
    writer_be32(&w, epoch(&a->hidden));
    writer_be64(&w, now > a->hidden.tick ? now : a->hidden.tick + 1);
    e = writer_done(&w);
    if (e)
        return e;
    a->hidden.tick = now > a->hidden.tick ? now : a->hidden.tick + 1;
    memcpy(ret, out.p, VSE_TIMESTAMP);
    return ERR_OK;
}
