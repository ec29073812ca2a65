/* tests/fuzz/http/fuzz_http_uri.c - paths against a route table, queries, escapes. */
#include "http/route.h"

#include <stdlib.h>

static void nothing(void *ctx, struct http_request *req)
{
    (void)ctx, (void)req;
}

static const struct http_route routes[] = {
    { "GET", "/things/{thingName}", nothing, NULL },
    { "GET", "/things/{thingName}/shadow", nothing, NULL },
    { "PUT", "/greengrass/groups/{GroupId}/deployments/$reset", nothing, NULL },
    { "POST", "/topics/{topic}", nothing, NULL },
};

/* Decoding what we encode gives back what it was. */
static void round_trip(struct slice s)
{
    autobuf enc = BUF_INIT(1u << 20), dec = BUF_INIT(1u << 18);
    if (http_percent_encode(&enc, s, false))
        abort();
    err_t e = http_percent_decode(&dec, buf_slice(&enc), true);
    bool nul = s.n && memchr(s.p, 0, s.n);
    if (nul ? e != ERR_INVALID : e || !slice_eq(buf_slice(&dec), s))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = { data, size };
    struct http_params labels = { 0 }, params = { 0 };
    const struct http_route *r = NULL;
    if (size > 65536)
        return 0;
    round_trip(in);
    err_t e = http_route_match(routes, ARRAY_LEN(routes), SLICE_LIT("GET"), in, &r, &labels);
    if (e ? r || labels.n : labels.n != 1)
        abort();
    e = http_query_parse(&params, in);
    if (e && e != ERR_INVALID && e != ERR_TOO_BIG)
        abort();
    http_params_done(&labels);
    http_params_done(&params);
    return 0;
}
