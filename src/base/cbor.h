/* src/base/cbor.h - CBOR of peers into jansson values and back, under caps.
 *
 * Pure; any thread. Spec: RFC 8949. Only libcbor's streaming decoder is used: cbor_load allocates what the
 * peer announces.
 */
#pragma once
#include "base/json.h"
#include "base/writer.h"

#define CBOR_DEPTH_MAX 16u

struct cbor_limits {
    unsigned depth; /* of maps, arrays and strings in chunks; at most CBOR_DEPTH_MAX */
    size_t items;   /* heads: every value, key, chunk, tag and break counts */
};

/* Decode one whole data item. Memory is taken only for bytes that are there; what a head announces is met by
 * the limits first. Tags are passed over, their content counts. Integers, reals (of any width), text, arrays,
 * maps with text keys, true, false and null have a JSON value.
 *
 * ERR_INVALID      not well formed, cut short, bytes behind it, text that is not UTF-8 or holds U+0000, a
 *                  repeated key, a chunk of another type
 * ERR_UNSUPPORTED  well formed, but JSON has no word for it: byte strings, undefined, keys that are not text,
 *                  integers beyond 64 bits with sign, NaN and infinities
 * ERR_TOO_BIG      over a limit
 * ERR_NOMEM */
err_t cbor_to_json(struct slice in, const struct cbor_limits *limits, json_t **ret);

/* Append `j`: heads as short as can be, definite lengths, members in their order, reals as doubles.
 * ERR_TOO_BIG: nested deeper than CBOR_DEPTH_MAX, or the buffer's cap; ERR_NOMEM. */
err_t cbor_write(struct buf *out, const json_t *j);

/* The same piece by piece, for what must not pass through jansson's memory. `members` pairs of a text and a
 * value follow a map's head. */
void cbor_put_map(struct writer *w, uint64_t members);
void cbor_put_text(struct writer *w, struct slice utf8);
