/* The directory object as a chip might give it: any bytes. What is taken is written again and must read the
 * same. */
#include "base/crc.h"
#include "pkcs11/directory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good)
        abort();
}

static bool same_record(const struct p11_record *a, const struct p11_record *b)
{
    return b && a->id == b->id && a->kind == b->kind && a->private == b->private && a->may == b->may &&
           slice_eq(a->label, b->label) && slice_eq(a->cka_id, b->cka_id) &&
           slice_eq(a->application, b->application) && slice_eq(a->object_id, b->object_id);
}

static void round_trip(const struct p11_directory *d)
{
    autobuf again = BUF_INIT(P11_DIRECTORY_MAX);
    auto_directory struct p11_directory e = { 0 };

    p11_directory_init(&e);
    must(p11_directory_encode(d, &again) == ERR_OK && p11_directory_decode(buf_slice(&again), &e) == ERR_OK);
    must(e.n == d->n && e.sequence == d->sequence && e.user_pin == d->user_pin && e.so_pin == d->so_pin &&
         e.pending == d->pending);
    for (size_t i = 0; i < d->n; i++)
        must(same_record(&d->v[i], p11_directory_find(&e, d->v[i].id)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_directory struct p11_directory d = { 0 };
    autobuf mended = BUF_INIT(P11_DIRECTORY_MAX);
    size_t n = 0;

    p11_directory_init(&d);
    (void)p11_directory_size(slice_of(data, size), &n);
    if (p11_directory_decode(slice_of(data, size), &d) == ERR_OK)
        round_trip(&d);
    /* The same with the checksum put right, or nothing would get behind it. */
    if (size < P11_DIRECTORY_HEADER || buf_add(&mended, slice_of(data, size)) != ERR_OK ||
        p11_directory_size(buf_slice(&mended), &n) != ERR_OK || n > size)
        return 0;
    uint32_t crc = crc32_ieee(slice_of(mended.p, P11_DIRECTORY_HEADER - 4));
    crc = crc32_ieee_add(crc, slice_of(mended.p + P11_DIRECTORY_HEADER, n - P11_DIRECTORY_HEADER));
    for (int i = 0; i < 4; i++)
        mended.p[P11_DIRECTORY_HEADER - 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
    if (p11_directory_decode(buf_slice(&mended), &d) == ERR_OK)
        round_trip(&d);
    return 0;
}
