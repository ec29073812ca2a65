/* A policy, a client id and resources, a line each: the compiled policies must answer as the written ones. */
#include "base/buf.h"
#include "base/utf8.h"
#include "cloud/policy/matcher.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PREFIX "arn:aws:iot:us-east-1:123456789012:"

static const char *const actions[POLICY_RIGHTS] = { "iot:Connect", "iot:Publish", "iot:RetainPublish",
                                                    "iot:Subscribe", "iot:Receive" };

static struct slice line(struct slice *rest)
{
    const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct slice s = slice_head(*rest, end ? (size_t)(end - rest->p) : rest->n);

    *rest = slice_skip(*rest, s.n < rest->n ? s.n + 1 : s.n);
    return s;
}

static void compare(struct policy_doc *const *doc, const struct policy_matcher *m,
                    const struct policy_vars *vars, struct slice resource)
{
    autobuf arn = BUF_INIT(4096);

    if (buf_add_str(&arn, PREFIX) || buf_add(&arn, resource))
        return;
    for (int i = 0; i < POLICY_RIGHTS; i++) {
        struct policy_request rq = { slice_str(actions[i]), buf_slice(&arn), vars };
        if (policy_matcher_check(m, (enum policy_right)i, resource, NULL) != policy_evaluate(doc, 1, &rq))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(data, size), text = line(&rest), client = line(&rest);
    auto_policy_vars vars = { 0 };
    auto_policy_doc *doc = NULL;
    struct policy_matcher *m = NULL;
    char why[POLICY_WHY_MAX] = "";

    if (!utf8_valid_no_nul(client) || !utf8_valid_no_nul(rest) ||
        policy_vars_add(&vars, "iot:ClientId", client) || policy_doc_parse(text, &doc, why) ||
        policy_matcher_new(&doc, 1, &vars, slice_str(PREFIX), &m))
        return 0;
    for (size_t i = 0; rest.n && i < 8; i++) {
        struct slice resource = line(&rest);
        if (resource.n <= 1000)
            compare(&doc, m, &vars, resource);
    }
    policy_matcher_free(m);
    return 0;
}
