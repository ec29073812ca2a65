/* Whatever answers on the cloud's HTTPS port. */
#include "edge/link/refusal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problem message = { "" };
    err_t e = refusal_parse(slice_of(data, size), &message);

    if ((e == ERR_OK) != (message.text[0] != '\0'))
        abort();
    return 0;
}
