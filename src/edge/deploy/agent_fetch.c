/* src/edge/deploy/agent_fetch.c - the steps up to the group: document, signature, staging folder, group.json,
 * and whether this core can run it.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "edge/deploy/agent_impl.h"
#include "edge/deploy/check.h"

#include <inttypes.h>

#define GROUP_FILE "group.json"

err_t agent_start_document(struct agent *a, struct problem *why)
{
    return agent_request(a, "", DEPLOYDOC_MAX_BYTES, -1, why);
}

err_t agent_finish_document(struct agent *a, struct http_answer *answer, struct problem *why)
{
    buf_clear(&a->document);
    return buf_add(&a->document, buf_slice(&answer->body)) ? problem_set(why, ERR_NOMEM, "out of memory")
                                                           : ERR_OK;
}

err_t agent_verify_document(struct agent *a, struct problem *why)
{
    struct deploydoc_expect x = { a->o.crypto, a->o.roots, clock_wall_ms(), &a->ref, a->o.config->thing_arn };

    return deploydoc_open(buf_slice(&a->document), &x, &a->doc, why);
}

err_t agent_stage(struct agent *a, struct problem *why)
{
    return store_begin(a->o.store, why);
}

err_t agent_start_group_file(struct agent *a, struct problem *why)
{
    const struct deploydoc_artifact *file = deploydoc_find(a->doc, GROUP_FILE);

    /* EC-9: stops at `size`; one byte more of room because 0 stands for the client's default. */
    return agent_request(a, "/artifacts/" GROUP_FILE, file->size + 1, -1, why);
}

err_t agent_finish_group_file(struct agent *a, struct http_answer *answer, struct problem *why)
{
    struct slice bytes = buf_slice(&answer->body);
    err_t e = deploydoc_check_artifact(a->o.crypto, deploydoc_find(a->doc, GROUP_FILE), bytes, why);

    if (!e && bytes.n > GROUP_MAX_BYTES)
        e = problem_set(why, ERR_TOO_BIG, GROUP_FILE " has over %d bytes", GROUP_MAX_BYTES);
    e = e ? e : store_put(a->o.store, GROUP_FILE, bytes, why);
    if (!e && buf_add(&a->group_text, bytes))
        e = problem_set(why, ERR_NOMEM, "out of memory");
    return e;
}

err_t agent_check_group(struct agent *a, struct problem *why)
{
    struct check_env env = { .config = a->o.config, .doc = a->doc, .path = getenv("PATH") };
    err_t e = group_parse(buf_slice(&a->group_text), &a->next_group, why);

    return e ? e : check_group(&env, a->next_group, why);
}
