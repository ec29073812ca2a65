/* src/cloud/provisioning/hook_program.h - run one program of the operator's: bytes in, bytes out, a deadline.
 * Belongs to its loop's thread.
 *
 * No shell, no arguments, a small environment, a process group of its own that is killed when the time is
 * over.
 */
#pragma once
#include "base/buf.h"
#include "net/loop.h"

#define HOOK_ANSWER_MAX (64u << 10)

struct hook_program;

/* On the loop, once: what it wrote, or (why) what went wrong. The callee frees the hook_program. */
typedef void (*hook_program_done_fn)(void *ctx, struct slice out, const char *why);

/* ERR_IO: no process, ERR_NOMEM. */
err_t hook_program_start(struct net_loop *loop, const char *path, struct slice in, int64_t deadline_ms,
                         hook_program_done_fn done, void *ctx, struct hook_program **ret);
/* Kills it if it still runs. NULL is fine. */
void hook_program_free(struct hook_program *p);
