/* function-sdk/c/text.h - the small pieces of JSON and base64 that requests are made of. Pure. */
#pragma once
#include "base/buf.h"

/* A JSON string with its quotes. ERR_INVALID: s is not UTF-8. */
err_t text_add_json(struct buf *out, const char *s);
/* `,"name":"value"`, or nothing when value is NULL; without the comma when the buf ends with `{`. */
err_t text_add_member(struct buf *out, const char *name, const char *value);
/* Whether s is canonical base64 (empty is). */
bool text_is_base64(const char *s);
/* The text in a client context as it comes: base64 of a JSON object, empty for none (gives "{}").
 * ERR_INVALID: it is neither. How the object looks inside is the handler's to find out. */
err_t text_client_context(struct slice header, struct buf *out);
