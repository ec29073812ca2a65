#include "base/err.h"

const char *err_str(err_t e)
{
    static const char *const text[] = {
        [ERR_OK] = "no error",
        [ERR_MORE] = "not complete yet",
        [ERR_EOF] = "closed by the other side",
        [ERR_PROTO] = "protocol error",
        [ERR_INVALID] = "not valid",
        [ERR_TOO_BIG] = "over the limit",
        [ERR_NOMEM] = "out of memory",
        [ERR_DENIED] = "not permitted",
        [ERR_AUTH] = "authentication failed",
        [ERR_NOT_FOUND] = "not found",
        [ERR_EXISTS] = "exists already",
        [ERR_BUSY] = "busy",
        [ERR_TIMEOUT] = "timed out",
        [ERR_IO] = "input/output error",
        [ERR_NO_SPACE] = "no space left",
        [ERR_UNAVAILABLE] = "not reachable",
        [ERR_UNSUPPORTED] = "not supported",
        [ERR_WRONG_STATE] = "not possible in this state",
        [ERR_CORRUPT] = "damaged",
        [ERR_CRYPTO] = "cryptographic operation failed",
        [ERR_CONFLICT] = "changed meanwhile",
        [ERR_CANCELLED] = "cancelled",
    };
    if ((unsigned)e >= sizeof(text) / sizeof(text[0]))
        return "unknown error";
    return text[e];
}
