/* Whatever is sent to CreatePolicy: parsed or refused with a reason; what parses can be judged. */
#include "base/err.h"
#include "cloud/policy/evaluate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct policy_vars none;
    struct policy_request rq = { SLICE_LIT("iot:Publish"),
                                 SLICE_LIT("arn:aws:iot:us-east-1:123456789012:topic/a/b"), &none };
    auto_policy_doc *doc = NULL;
    char why[POLICY_WHY_MAX] = "";
    err_t e = policy_doc_parse(slice_of(data, size), &doc, why);

    if (e == ERR_INVALID && !why[0])
        abort();
    if (!e)
        (void)policy_evaluate(&doc, 1, &rq);
    return 0;
}
