/* src/http/reply.h - private to src/http: an answer as bytes. RFC 9112 §4. Pure but for the Date header. */
#pragma once
#include "base/buf.h"
#include "http/server.h"

/* close: announce the end of the connection; head_only: leave the body out (HEAD).
 * ERR_INVALID for headers that cannot be sent; ERR_TOO_BIG, ERR_NOMEM; out is unchanged then. */
err_t http_reply_encode(struct buf *out, const struct http_response *resp, bool close, bool head_only);
/* The head of "101 Switching Protocols". Errors as above. */
err_t http_upgrade_encode(struct buf *out, const struct http_header *headers, size_t header_count);
