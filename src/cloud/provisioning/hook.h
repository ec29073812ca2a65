/* src/cloud/provisioning/hook.h - asking the operator's own program or HTTP service whether a device may be
 * provisioned. Belongs to its loop's thread.
 *
 * A template names a target (an ARN, by the API); what it stands for is said only by the server's own file,
 * DIR/hooks.conf: lines `TARGET = /path/of/program` or `TARGET = https://host/path`. A program is run without
 * a shell and without arguments; it gets the event on its standard input and writes its answer, one JSON
 * object, to its standard output. A URL gets the event by POST. Five seconds, 64 KiB.
 *
 * Spec: iot-core reference 2.6, docs/spec/fleet.md FP-20..24.
 */
#pragma once
#include "base/json.h"
#include "net/loop.h"

struct hooks;

#define HOOK_DEADLINE_MS 5000
#define HOOK_UNDER_WAY_MAX 16u
#define HOOK_WHY_MAX 256u

/* Read `path`; no such file: no targets. ERR_INVALID: `why` names the line. Others as file_read's. */
err_t hooks_new(struct net_loop *loop, const char *path, struct hooks **ret, char why[HOOK_WHY_MAX]);
/* Ends what is under way; those callbacks do not run. NULL is fine. */
void hooks_free(struct hooks *h);

/* On the loop, once. answer: an object, borrowed; NULL on failure, and `why` says what happened. */
typedef void (*hook_done_fn)(void *ctx, const json_t *answer, const char *why);

/* ERR_NOT_FOUND: the file has no such target; ERR_BUSY: HOOK_UNDER_WAY_MAX are asked already; ERR_NOMEM,
 * ERR_IO. `done` runs only after ERR_OK. */
err_t hook_ask(struct hooks *h, const char *target, const json_t *event, hook_done_fn done, void *ctx);
