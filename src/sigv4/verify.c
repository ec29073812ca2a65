#include "base/mem.h"
#include "sigv4/canonical.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct check {
    const struct crypto_ctx *ctx;
    const struct sigv4_request *req;
    const struct sigv4_auth *auth;
    struct slice secret_key;
    int64_t now_ms;
    enum sigv4_verdict verdict;
    char *why;
};

__attribute__((format(printf, 3, 4))) static err_t refuse(struct check *c, enum sigv4_verdict verdict,
                                                          const char *fmt, ...)
{
    va_list ap;

    c->verdict = verdict;
    if (c->why) {
        va_start(ap, fmt);
        (void)vsnprintf(c->why, SIGV4_WHY_MAX, fmt, ap);
        va_end(ap);
    }
    return ERR_AUTH;
}

static bool is_signed(const char *list, struct slice name)
{
    struct slice rest = slice_str(list);

    while (rest.n) {
        const uint8_t *semi = memchr(rest.p, ';', rest.n);
        struct slice one = semi ? slice_head(rest, (size_t)(semi - rest.p)) : rest;
        if (sigv4_name_eq(one, name))
            return true;
        rest = slice_skip(rest, one.n + 1);
    }
    return false;
}

/* 9.4 no. 4: the host, so that a signature is good for one server; every x-amz-* header, so that none can be
 * added. */
static err_t check_signed_headers(struct check *c)
{
    if (!is_signed(c->auth->signed_headers, SLICE_LIT("host")))
        return refuse(c, SIGV4_INCOMPLETE, "'Host' must be a signed header.");
    for (size_t i = 0; i < c->req->header_count; i++) {
        struct slice name = c->req->headers[i].name;
        if (sigv4_name_eq(slice_head(name, 6), SLICE_LIT("x-amz-")) &&
            !is_signed(c->auth->signed_headers, name))
            return refuse(c, SIGV4_INCOMPLETE, "'%.*s' must be a signed header.",
                          SLICE_FMT(slice_head(name, 64)));
    }
    return ERR_OK;
}

static err_t check_dates(struct check *c)
{
    int64_t then;
    char now[17];

    if (sigv4_date_parse(c->auth->amz_date, &then))
        return refuse(c, SIGV4_INCOMPLETE, "X-Amz-Date cannot be read.");
    if (strncmp(c->auth->date, c->auth->amz_date, 8) != 0)
        return refuse(c, SIGV4_MISMATCH,
                      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of"
                      " date from HTTP: '%s' != '%.8s'.",
                      c->auth->date, c->auth->amz_date);
    int64_t last = then + (c->auth->expires_s ? c->auth->expires_s * 1000 : SIGV4_SKEW_MS);
    sigv4_date_format(c->now_ms, now);
    if (c->now_ms > last)
        return refuse(c, SIGV4_EXPIRED,
                      "Signature expired: %s is too long before %s; is the client's clock right?",
                      c->auth->amz_date, now);
    if (c->now_ms < then - SIGV4_SKEW_MS)
        return refuse(c, SIGV4_NOT_YET,
                      "Signature not yet current: %s is still later than %s; is the client's clock"
                      " right?",
                      c->auth->amz_date, now);
    return ERR_OK;
}

/* The hash the client signed: of the body as it came, unless it declared otherwise by a signed header. */
static err_t payload_hash(struct check *c, char ret[CRYPTO_SHA256_HEX])
{
    struct slice unsigned_payload = SLICE_LIT("UNSIGNED-PAYLOAD");
    size_t count;
    struct slice declared = sigv4_header_find(c->req, SLICE_LIT("x-amz-content-sha256"), &count);
    char actual[CRYPTO_SHA256_HEX];

    if (count == 1 && slice_eq(declared, unsigned_payload)) {
        memcpy(ret, unsigned_payload.p, unsigned_payload.n + 1);
        return ERR_OK;
    }
    err_t e = crypto_sha256_hex(c->ctx, c->req->body, actual);
    if (e)
        return e;
    if (count && !slice_eq(declared, slice_str(actual)))
        return refuse(c, SIGV4_MISMATCH,
                      "The provided 'x-amz-content-sha256' header does not match what was computed.");
    memcpy(ret, actual, sizeof(actual));
    return ERR_OK;
}

/* Does the signature fit this reading of the query? ERR_AUTH when not. */
static err_t try_reading(struct check *c, const char *hash, unsigned reading)
{
    const struct sigv4_canonical canonical = { c->req, c->auth->signed_headers, hash, reading };
    const struct sigv4_scope scope = { c->auth->amz_date, c->auth->region, c->auth->service };
    autobuf text = BUF_INIT(SIGV4_CANONICAL_MAX * 4);
    char signature[65];
    err_t e = sigv4_canonical_request(&canonical, &text);

    if (e == ERR_NOT_FOUND)
        return refuse(c, SIGV4_INCOMPLETE, "a header named in SignedHeaders is not in the request.");
    if (e == ERR_INVALID)
        return ERR_AUTH; /* the query cannot be read this way */
    if (!e)
        e = sigv4_signature(c->ctx, &scope, c->secret_key, buf_slice(&text), signature);
    if (e)
        return e;
    return mem_eq_ct(signature, c->auth->signature, 64) ? ERR_OK : ERR_AUTH;
}

static err_t check_signature(struct check *c)
{
    char hash[CRYPTO_SHA256_HEX];
    err_t e = payload_hash(c, hash);
    /* The readings without the token come last; only the device gateway's clients sign so (9.5). */
    unsigned readings = c->auth->form == SIGV4_IN_QUERY && strcmp(c->auth->service, "iotdevicegateway") == 0
                            ? SIGV4_QUERY_READINGS
                            : SIGV4_QUERY_NO_TOKEN;

    if (e)
        return e;
    e = ERR_AUTH;
    for (unsigned reading = 0; e == ERR_AUTH && !c->verdict && reading < readings; reading++)
        e = try_reading(c, hash, reading);
    if (e == ERR_AUTH && !c->verdict)
        return refuse(
            c, SIGV4_MISMATCH,
            "The request signature we calculated does not match the signature you provided. Check your AWS"
            " Secret Access Key and signing method.");
    return e;
}

err_t sigv4_verify(const struct crypto_ctx *ctx, const struct sigv4_request *req,
                   const struct sigv4_auth *auth, struct slice secret_key, int64_t now_ms,
                   enum sigv4_verdict *ret_verdict, char *why)
{
    struct check c = { ctx, req, auth, secret_key, now_ms, SIGV4_OK, why };
    err_t e = check_signed_headers(&c);

    if (!e)
        e = check_dates(&c);
    if (!e)
        e = check_signature(&c);
    if (e == ERR_AUTH && ret_verdict)
        *ret_verdict = c.verdict;
    return e;
}
