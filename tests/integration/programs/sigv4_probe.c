/* tests/integration/programs/sigv4_probe.c - src/sigv4 on requests that a Python test describes.
 *
 * A JSON object per line on standard input, one per line back:
 *   {"op":"sign"|"presign"|"verify", "method", "path", "query", "headers":[[name, value]...], "body",
 *    "access", "secret", "token"?, "region", "service", "now_ms", "expires"?}
 * sign -> {"date", "authorization"}; presign -> {"query"}; verify -> {"verdict", "why", "access", "region",
 * "service"}; a failure -> {"error"}.
 */
#include "base/json.h"
#include "sigv4/sigv4.h"

#include <stdio.h>

#define HEADERS_MAX 200

struct job {
    json_t *in;
    struct sigv4_header h[HEADERS_MAX];
    struct sigv4_request req;
    struct sigv4_signer who;
};

static struct slice text(const json_t *obj, const char *key)
{
    const char *s = json_get_str(obj, key);
    return s ? slice_of(s, json_string_length(json_object_get(obj, key))) : (struct slice){ 0 };
}

static void job_fill(struct job *j)
{
    json_t *pair;
    size_t i;

    json_array_foreach(json_get_arr(j->in, "headers"), i, pair)
    {
        if (i == HEADERS_MAX)
            break;
        j->h[i].name = slice_str(json_string_value(json_array_get(pair, 0)));
        j->h[i].value = slice_str(json_string_value(json_array_get(pair, 1)));
        j->req.header_count = i + 1;
    }
    j->req.method = text(j->in, "method");
    j->req.path = text(j->in, "path");
    j->req.query = text(j->in, "query");
    j->req.headers = j->h;
    j->req.body = text(j->in, "body");
    j->who = (struct sigv4_signer){ json_get_str(j->in, "access"), text(j->in, "secret"),
                                    json_get_str(j->in, "token"), json_get_str(j->in, "region"),
                                    json_get_str(j->in, "service") };
}

static json_t *do_sign(const struct crypto_ctx *ctx, const struct job *j)
{
    autobuf out = BUF_INIT(65536);
    char date[17];
    err_t e = sigv4_sign(ctx, &j->req, &j->who, json_get_int(j->in, "now_ms", 0), date, &out);

    return e ? json_pack("{ss}", "error", err_str(e))
             : json_pack("{ssss}", "date", date, "authorization", buf_str(&out));
}

static json_t *do_presign(const struct crypto_ctx *ctx, const struct job *j)
{
    autobuf out = BUF_INIT(65536);
    err_t e = sigv4_presign(ctx, &j->req, &j->who, json_get_int(j->in, "now_ms", 0),
                            json_get_int(j->in, "expires", 0), &out);

    return e ? json_pack("{ss}", "error", err_str(e)) : json_pack("{ss}", "query", buf_str(&out));
}

static json_t *do_verify(const struct crypto_ctx *ctx, const struct job *j)
{
    struct sigv4_auth a = { 0 };
    enum sigv4_verdict v = SIGV4_OK;
    char why[SIGV4_WHY_MAX] = "";
    err_t e = sigv4_auth_parse(&j->req, &a, why);

    if (e == ERR_NOT_FOUND)
        v = SIGV4_MISSING;
    else if (e == ERR_INVALID)
        v = SIGV4_INCOMPLETE;
    else if (!e)
        e = sigv4_verify(ctx, &j->req, &a, j->who.secret_key, json_get_int(j->in, "now_ms", 0), &v, why);
    if (e && !v)
        return json_pack("{ss}", "error", err_str(e));
    return json_pack("{si ss ss ss ss}", "verdict", (int)v, "why", why, "access", a.access_key_id, "region",
                     a.region, "service", a.service);
}

static json_t *answer(const struct crypto_ctx *ctx, json_t *in)
{
    const char *op = json_get_str(in, "op");
    struct job j = { .in = in };

    job_fill(&j);
    if (op && strcmp(op, "sign") == 0)
        return do_sign(ctx, &j);
    if (op && strcmp(op, "presign") == 0)
        return do_presign(ctx, &j);
    return do_verify(ctx, &j);
}

int main(void)
{
    auto_crypto_ctx struct crypto_ctx *ctx = NULL;
    autofree char *line = NULL;
    size_t room = 0;
    ssize_t n;

    if (crypto_ctx_new(NULL, &ctx))
        return 1;
    while ((n = getline(&line, &room, stdin)) > 0) {
        auto_json *in = NULL, *out = NULL;
        autobuf reply = BUF_INIT(1 << 20);
        if (json_parse(slice_of(line, (size_t)n), 10, &in, NULL) || !(out = answer(ctx, in)) ||
            json_write(&reply, out, 0))
            return 1;
        (void)printf("%s\n", buf_str(&reply));
        (void)fflush(stdout);
    }
    return 0;
}
