/* The signature of a request from anybody. The input is lines: method, path, query, then "name:value"
 * headers, an empty line, the body. Nothing of it may be accepted: the secret is not in the corpus. */
#include "sigv4/sigv4.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADERS_MAX 200

static struct slice take_line(struct slice *rest)
{
    const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct slice line = end ? slice_head(*rest, (size_t)(end - rest->p)) : *rest;

    *rest = slice_skip(*rest, line.n + 1);
    return line;
}

static size_t take_headers(struct slice *rest, struct sigv4_header h[HEADERS_MAX])
{
    size_t n = 0;
    struct slice line;

    while (n < HEADERS_MAX && (line = take_line(rest)).n) {
        const uint8_t *colon = memchr(line.p, ':', line.n);
        h[n].name = colon ? slice_head(line, (size_t)(colon - line.p)) : line;
        h[n].value = slice_skip(line, h[n].name.n + 1);
        n++;
    }
    return n;
}

static void check_auth(const struct sigv4_auth *a)
{
    assert(strlen(a->access_key_id) > 0 && strlen(a->access_key_id) < SIGV4_NAME_MAX);
    assert(strlen(a->date) == 8 && strlen(a->amz_date) == 16 && strlen(a->signature) == 64);
    assert(strlen(a->region) > 0 && strlen(a->service) > 0);
    assert(a->expires_s >= 0 && a->expires_s <= SIGV4_EXPIRES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct crypto_ctx *ctx;
    static struct sigv4_header h[HEADERS_MAX];
    struct slice rest = slice_of(data, size);
    struct sigv4_request req = { 0 };
    struct sigv4_auth a;
    enum sigv4_verdict v = SIGV4_OK;
    char why[SIGV4_WHY_MAX] = "";

    if (!ctx && crypto_ctx_new(NULL, &ctx))
        abort();
    req.method = take_line(&rest);
    req.path = take_line(&rest);
    req.query = take_line(&rest);
    req.header_count = take_headers(&rest, h);
    req.headers = h;
    req.body = rest;
    err_t e = sigv4_auth_parse(&req, &a, why);
    if (e) {
        assert(why[0] && (e == ERR_NOT_FOUND || e == ERR_INVALID));
        return 0;
    }
    check_auth(&a);
    e = sigv4_verify(ctx, &req, &a, SLICE_LIT("not this one"), 1440938160000, &v, why);
    assert(e == ERR_TOO_BIG || (e == ERR_AUTH && v != SIGV4_OK && why[0]));
    return 0;
}
