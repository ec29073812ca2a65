/* config.json: whatever is in the file, a configuration or a message. */
#include "edge/config.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c = NULL;
    struct problem why = { "" };
    err_t e = config_parse(slice_of(data, size), "config.json", "/greengrass", &c, &why);

    if ((e == ERR_OK) != (c != NULL) || (e && !why.text[0]))
        abort();
    config_free(c);
    return 0;
}
