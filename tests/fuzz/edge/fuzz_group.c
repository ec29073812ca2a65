/* group.json comes from the cloud under a signature, and from operators' editors without one. */
#include "edge/deploy/group.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct group *g = NULL;
    struct problem why = { "" };
    err_t e = group_parse(slice_of(data, size), &g, &why);

    if ((e == ERR_OK) != (g != NULL) || (e && !why.text[0]))
        abort();
    group_free(g);
    return 0;
}
