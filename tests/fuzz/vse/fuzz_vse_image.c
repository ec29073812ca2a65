/* The state file's loader, down to the objects: any bytes are refused or give sound objects. So that the
 * CRCs are no wall, the target also rebuilds them: an input is taken as a file, and as one record's body. */
#include "base/crc.h"
#include "base/writer.h"
#include "vse/applet.h"
#include "vse/command.h"
#include "vse/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t take(void *ctx, const struct vse_nvm_op *op)
{
    return op->put ? vse_applet_load(ctx, op->kind, op->id, op->value) : ERR_OK;
}

static void load(struct slice image)
{
    struct vse_image_end end;
    struct vse_applet a;

    vse_applet_init(&a, &vse_personality_3_1, (struct vse_nvm){ 0 });
    if (!vse_image_load(image, take, &a, &end) && end.end > image.n)
        abort();
    for (size_t i = 0; i < a.objects.n; i++)
        if (!vse_object_sound(a.objects.v[i]))
            abort();
    vse_applet_done(&a);
}

static void load_body(struct slice body)
{
    autobuf image = BUF_INIT(1 << 20);
    struct writer w = writer_of(&image);
    size_t start;

    if (body.n > 65536 || vse_image_head(&image, 1, VSE_IMAGE_RECORDS + VSE_RECORD_OVERHEAD + body.n))
        return;
    start = image.n;
    writer_be32(&w, (uint32_t)body.n);
    writer_be64(&w, 1);
    writer_bytes(&w, body);
    writer_be32(&w, crc32_ieee(slice_skip(buf_slice(&image), start)));
    if (!writer_done(&w))
        load(buf_slice(&image));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    load(slice_of(data, size));
    load_body(slice_of(data, size));
    return 0;
}
