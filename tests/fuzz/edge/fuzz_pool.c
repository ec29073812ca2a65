/* Events in any order: the rules of pool_chaos.h hold. */
#include "../../unit/edge/function/pool_chaos.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    chaos_run(slice_of(data, size));
    return 0;
}
