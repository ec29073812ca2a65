/* Whatever is sent as a function's code: taken, or refused with a reason. */
#include "base/err.h"
#include "cloud/lambda/package.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[PACKAGE_WHY_MAX] = "";
    err_t e = package_check(slice_of(data, size), why);

    if ((e == ERR_INVALID || e == ERR_TOO_BIG) && !why[0])
        abort();
    return 0;
}
