/* src/edge/config_impl.h - what the two halves of the config.json reader share: the table and its walk
 * (config.c), the rules between members (config_rules.c). Pure; any thread.
 */
#pragma once
#include "edge/config.h"

struct parse {
    struct config *c;
    struct problem *why;
    const char *file; /* for messages */
    const char *root;
};

/* Refuse the file: its value is ERR_INVALID. */
#define bad(p, ...) problem_set((p)->why, ERR_INVALID, __VA_ARGS__)

/* Keep a warning, whose text is taken; NULL or one too many is dropped. */
void config_warn(struct config *c, char *text);

/* What one member alone cannot show; fills what is derived from others. ERR_INVALID, ERR_NOMEM. */
err_t config_apply_rules(struct parse *p);
