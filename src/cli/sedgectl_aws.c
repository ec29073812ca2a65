#include "cli/sedgectl_aws.h"

#include "base/clock.h"
#include "base/mem.h"
#include "http/client.h"
#include "sigv4/sigv4.h"

#include <stdio.h>
#include <stdlib.h>

#define JSON_DEPTH 16u
#define AUTHORIZATION_MAX 8192u

/* The Host header that libcurl sends for this endpoint: without the scheme's own port. */
static err_t host_of(const char *endpoint, struct buf *out)
{
    bool tls = strncmp(endpoint, "https://", 8) == 0;
    const char *from = tls ? endpoint + 8 : endpoint + 7, *standard = tls ? ":443" : ":80";
    size_t n = strcspn(from, "/"), s = strlen(standard);

    if ((!tls && strncmp(endpoint, "http://", 7) != 0) || n == 0)
        return ERR_INVALID;
    if (n > s && memcmp(from + n - s, standard, s) == 0)
        n -= s;
    return buf_add_mem(out, from, n);
}

struct signature {
    char date[17];
    struct buf authorization;
};

static err_t sign(const struct crypto_ctx *crypto, const struct aws_account *account, const char *host,
                  const char *path, struct signature *ret)
{
    size_t n = strcspn(path, "?");
    struct sigv4_header header = { SLICE_LIT("Host"), slice_str(host) };
    struct sigv4_request rq = { .method = SLICE_LIT("GET"),
                                .path = slice_of(path, n),
                                .query = slice_str(path[n] ? path + n + 1 : ""),
                                .headers = &header,
                                .header_count = 1 };
    struct sigv4_signer who = { account->access_key_id, secret_expose_bytes(account->secret_key),
                                account->session_token, account->region, "iot" };

    return sigv4_sign(crypto, &rq, &who, clock_wall_ms(), ret->date, &ret->authorization);
}

/* What the service says about a failure, for a person. */
static void explain(const char *path, const struct http_answer *a, const json_t *body, char *why)
{
    struct slice type = http_header_get(a->headers, a->header_count, "x-amzn-ErrorType");
    const char *message = json_get_str(body, "message");

    if (a->err)
        (void)snprintf(why, AWS_WHY_MAX, "%s", a->why ? a->why : err_str(a->err));
    else
        (void)snprintf(why, AWS_WHY_MAX, "GET %s: status %d %.*s: %s", path, a->status, SLICE_FMT(type),
                       message ? message : "no message");
}

static err_t judge(const char *path, const struct http_answer *a, json_t **ret, char *why)
{
    auto_json *body = NULL;

    if (!a->err && json_parse(buf_slice(&a->body), JSON_DEPTH, &body, NULL))
        body = NULL;
    if (!a->err && a->status == 200 && json_is_object(body)) {
        *ret = steal(&body);
        return ERR_OK;
    }
    explain(path, a, body, why);
    if (a->err)
        return a->err;
    return a->status == 404 ? ERR_NOT_FOUND : a->status == 403 ? ERR_DENIED : ERR_PROTO;
}

/* A slash at the end of the endpoint does not count. */
static char *url_of(struct slice endpoint, const char *path)
{
    if (endpoint.n && endpoint.p[endpoint.n - 1] == '/')
        endpoint.n--;
    return mem_printf("%.*s%s", SLICE_FMT(endpoint), path);
}

err_t aws_get(const struct crypto_ctx *crypto, const struct aws_account *account, const char *endpoint,
              const char *path, json_t **ret, char *why)
{
    struct signature s = { .authorization = BUF_INIT(AUTHORIZATION_MAX) };
    autobuf host = BUF_INIT(512);
    autofree char *url = url_of(slice_str(endpoint), path);
    auto_http_answer a = { 0 };
    err_t e = url ? host_of(endpoint, &host) : ERR_NOMEM;

    if (!e && account)
        e = sign(crypto, account, buf_str(&host), path, &s);
    if (e) {
        (void)snprintf(why, AWS_WHY_MAX, "endpoint %s: %s", endpoint, err_str(e));
    } else {
        struct http_header headers[] = {
            { SLICE_LIT("X-Amz-Date"), slice_str(s.date) },
            { SLICE_LIT("Authorization"), buf_slice(&s.authorization) },
            { SLICE_LIT("X-Amz-Security-Token"), slice_str(account ? account->session_token : NULL) },
        };
        struct http_client_opts opts = { .ca_file = secure_getenv("AWS_CA_BUNDLE"),
                                         .user_agent = "sedgectl" };
        struct http_fetch f = { .url = url,
                                .headers = headers,
                                .header_count = !account                 ? 0
                                                : account->session_token ? 3
                                                                         : 2,
                                .connect_ms = 10000 };
        (void)http_fetch(&opts, &f, &a); /* its result is in a.err */
        e = judge(path, &a, ret, why);
    }
    buf_done(&s.authorization);
    return e;
}
