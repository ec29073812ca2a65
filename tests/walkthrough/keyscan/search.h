/* search.h - look for all patterns in a stream of bytes, as it stands and with white space taken out. One
 * thread. */
#pragma once
#include "patterns.h"

struct search;

/* Called for each find; `offset` counts from the start of the stream (of the squeezed one when `squeezed`).
 */
typedef void (*search_found_fn)(void *ctx, const struct pattern *p, uint64_t offset, bool squeezed);

/* Borrows ps. NULL when out of memory. */
struct search *search_new(const struct patterns *ps);
void search_free(struct search *s); /* wipes */

/* A new stream: what was fed before is forgotten. */
void search_start(struct search *s, search_found_fn found, void *ctx);
/* The next bytes of the stream. A pattern may lie across two calls. */
void search_feed(struct search *s, struct slice bytes);
