/* The payload of a deployment document: signed, and still not trusted to be well-formed. */
#include "edge/deploy/deploydoc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct gda_ref ref = { "d1", "g1", "v1", "NewDeployment" };
    struct deploydoc *d = NULL;
    struct problem why = { "" };
    err_t e = deploydoc_parse_payload(slice_of(data, size), &ref, "arn:aws:iot:r:1:thing/C", &d, &why);

    if ((e == ERR_OK) != (d != NULL) || (e && !why.text[0]))
        abort();
    for (size_t i = 0; d && i < d->count; i++)
        if (!deploydoc_name_ok(d->artifacts[i].name))
            abort();
    deploydoc_free(d);
    return 0;
}
