/* src/http/message.h - the small shared vocabulary of HTTP messages. Pure; any thread. */
#pragma once
#include "base/err.h"
#include "base/slice.h"

struct http_header {
    struct slice name;
    struct slice value;
};
#define HTTP_HEADER(n, v)          \
    {                              \
        SLICE_LIT(n), SLICE_LIT(v) \
    }

/* ASCII case does not matter in header names. */
bool http_name_eq(struct slice a, struct slice b);
/* First header of that name, or the empty slice with p NULL. */
struct slice http_header_get(const struct http_header *h, size_t n, const char *name);
/* May it go on the wire: a token as name, no control characters in the value (RFC 9110 §5.1, §5.5). */
bool http_header_ok(const struct http_header *h);
bool http_is_token(struct slice s);       /* RFC 9110 §5.6.2, not empty */
bool http_is_field_value(struct slice s); /* no control characters but tabs; may be empty */
struct slice http_trim(struct slice s);   /* without spaces and tabs at both ends */
/* "Not Found" for 404; "Unknown" for numbers we do not know. */
const char *http_status_text(int status);
