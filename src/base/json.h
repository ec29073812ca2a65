/* src/base/json.h - JSON on jansson: strict parsing with positions, our own shortest numbers.
 *
 * One thread at a time per document. json_t is jansson's; auto_json releases a reference.
 */
#pragma once
#include "base/buf.h"

#include <jansson.h>

void json_decref_ptr(json_t **j);
#define auto_json __attribute__((cleanup(json_decref_ptr))) json_t

struct json_where {
    int line;       /* from 1 */
    int column;     /* from 1 */
    char text[160]; /* what was wrong; what was left open */
};

/* Parse one whole document (any type at the top). Duplicate keys, trailing text, depth over
 * `max_depth`, invalid UTF-8 are refused: ERR_INVALID with *where filled (where may be NULL). */
err_t json_parse(struct slice text, unsigned max_depth, json_t **ret, struct json_where *where);

/* Levels of objects and arrays in j: 0 for a leaf, 1 for {}. Stops counting above `limit`. */
unsigned json_depth(const json_t *j, unsigned limit);

/* Compact or indented (indent > 0 spaces) text; reals in shortest round-trip form. Members in
 * insertion order. */
err_t json_write(struct buf *out, const json_t *j, unsigned indent);

/* Typed members of an object. Missing or of another type: NULL / the default. Borrowed. */
const char *json_get_str(const json_t *obj, const char *key);
int64_t json_get_int(const json_t *obj, const char *key, int64_t def);
bool json_get_bool(const json_t *obj, const char *key, bool def);
json_t *json_get_obj(const json_t *obj, const char *key);
json_t *json_get_arr(const json_t *obj, const char *key);
