#include "cloud/auth/caller.h"

#include "base/mem.h"
#include "http/uri.h"

#include <stdio.h>

#define HEADERS_MAX 128u

static const char *const services[] = { "iot",           "execute-api", "iotdata", "iotdevicegateway",
                                        "iot-jobs-data", "greengrass",  "lambda" };

static bool service_known(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        if (strcmp(services[i], name) == 0)
            return true;
    }
    return false;
}

static enum api_error verdict_error(enum sigv4_verdict v)
{
    switch (v) {
    case SIGV4_OK:
        return API_OK;
    case SIGV4_MISSING:
        return API_MISSING_TOKEN;
    case SIGV4_INCOMPLETE:
        return API_INCOMPLETE_SIGNATURE;
    case SIGV4_EXPIRED:
    case SIGV4_NOT_YET:
    case SIGV4_MISMATCH:
        break;
    }
    return API_INVALID_SIGNATURE;
}

static bool listed(const char *list, struct slice name)
{
    for (size_t n; *list; list += n + (list[n] == ';')) {
        n = strcspn(list, ";");
        if (http_name_eq(slice_of(list, n), name))
            return true;
    }
    return false;
}

/* Operations have parameters in x-amzn-* headers (x-amzn-principal): one that is not signed could be
 * anybody's. Proxies add x-amzn-trace-id, which no SDK signs. */
static bool parameters_signed(const struct http_request *req, const struct sigv4_auth *auth)
{
    for (size_t i = 0; i < req->header_count; i++) {
        struct slice name = req->headers[i].name;
        if (http_name_eq(slice_head(name, 7), SLICE_LIT("x-amzn-")) &&
            !http_name_eq(name, SLICE_LIT("x-amzn-trace-id")) && !listed(auth->signed_headers, name))
            return false;
    }
    return true;
}

/* MQTT clients sign the host's name without the port that the browser or library then sends (iot-core
 * reference 9.5). The signature names the service, so it is good for nothing else. */
static bool without_port(struct sigv4_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct slice *host = &headers[i].value;
        size_t digits = host->n;

        if (!http_name_eq(headers[i].name, SLICE_LIT("host")))
            continue;
        while (digits && host->p[digits - 1] >= '0' && host->p[digits - 1] <= '9')
            digits--;
        if (!digits || digits == host->n || host->p[digits - 1] != ':')
            return false;
        host->n = digits - 1;
        return true;
    }
    return false;
}

static err_t verify(const struct crypto_ctx *crypto, const struct sigv4_request *rq,
                    const struct sigv4_auth *auth, const struct secret *secret, int64_t now_ms,
                    enum sigv4_verdict *verdict, char *why)
{
    struct sigv4_header headers[HEADERS_MAX];
    struct sigv4_request bare = *rq;
    err_t e = sigv4_verify(crypto, rq, auth, secret_expose_bytes(secret), now_ms, verdict, why);

    if (e != ERR_AUTH || *verdict != SIGV4_MISMATCH || strcmp(auth->service, "iotdevicegateway") != 0)
        return e;
    memcpy(headers, rq->headers, rq->header_count * sizeof(*headers));
    bare.headers = headers;
    if (!without_port(headers, rq->header_count))
        return e;
    return sigv4_verify(crypto, &bare, auth, secret_expose_bytes(secret), now_ms, verdict, why);
}

static enum api_error unknown_key(char *why)
{
    (void)snprintf(why, CALLER_WHY_MAX, "The security token included in the request is invalid.");
    return API_UNKNOWN_KEY;
}

/* A token belongs to temporary credentials: AWS refuses one with a static key. */
static enum api_error find_session(struct access_keys *keys, const struct sigv4_auth *auth, int64_t now_ms,
                                   struct caller *ret, const struct access_key **ret_key, char *why)
{
    autobuf token = BUF_INIT(SESSION_TOKEN_MAX);
    err_t e = auth->form == SIGV4_IN_QUERY ? http_percent_decode(&token, auth->security_token, false)
                                           : buf_add(&token, auth->security_token);

    if (!e)
        e = access_keys_of_token(keys, auth->access_key_id, buf_slice(&token), now_ms, ret_key,
                                 &ret->session);
    if (e != ERR_TIMEOUT)
        return e ? unknown_key(why) : API_OK;
    (void)snprintf(why, CALLER_WHY_MAX, "The security token included in the request is expired");
    return API_EXPIRED_TOKEN;
}

static enum api_error find_key(struct access_keys *keys, const struct sigv4_auth *auth, int64_t now_ms,
                               struct caller *ret, const struct access_key **ret_key, char *why)
{
    if (auth->security_token.n)
        return find_session(keys, auth, now_ms, ret, ret_key, why);
    *ret_key = access_keys_find(keys, auth->access_key_id);
    return *ret_key ? API_OK : unknown_key(why);
}

/* Its body could be anybody's. */
static bool payload_unsigned(const struct http_request *req)
{
    return slice_eq(http_request_header(req, "x-amz-content-sha256"), SLICE_LIT("UNSIGNED-PAYLOAD"));
}

/* The secret is looked up last, so that nothing about keys is told to who cannot even write a signature. */
static enum api_error check(const struct crypto_ctx *crypto, const struct access_key *key,
                            const struct sigv4_request *rq, const struct sigv4_auth *auth, int64_t now_ms,
                            char *why)
{
    enum sigv4_verdict verdict = SIGV4_MISMATCH;
    err_t e = verify(crypto, rq, auth, key->secret, now_ms, &verdict, why);

    if (e == ERR_AUTH)
        return verdict_error(verdict);
    return e ? API_INTERNAL : API_OK;
}

/* Whose signature is it, and is it good? `any_key`: known keys are told, none is checked. */
static enum api_error judge(const struct crypto_ctx *crypto, struct access_keys *keys, bool any_key,
                            const struct http_request *req, const struct sigv4_request *rq,
                            const struct sigv4_auth *auth, int64_t now_ms, struct caller *ret, char *why)
{
    const struct access_key *key = NULL;
    enum api_error error;

    if (!service_known(auth->service)) {
        (void)snprintf(why, CALLER_WHY_MAX, "Credential should be scoped to correct service: 'iot'.");
        return API_INVALID_SIGNATURE;
    }
    error = find_key(keys, auth, now_ms, ret, &key, why);
    if (!error && !any_key)
        error = check(crypto, key, rq, auth, now_ms, why);
    if (!any_key && error)
        return error;
    if (!any_key && payload_unsigned(req)) {
        (void)snprintf(why, CALLER_WHY_MAX, "The payload must be signed.");
        return API_INVALID_SIGNATURE;
    }
    if (!any_key && !parameters_signed(req, auth)) {
        (void)snprintf(why, CALLER_WHY_MAX, "x-amzn-* headers must be signed.");
        return API_INCOMPLETE_SIGNATURE;
    }
    ret->policy = key ? key->policy : NULL;
    (void)snprintf(ret->account, sizeof(ret->account), "%s", key ? key->account : "");
    return API_OK;
}

enum api_error caller_identify(const struct crypto_ctx *crypto, struct access_keys *keys, bool any_key,
                               const struct http_request *req, int64_t now_ms, struct caller *ret,
                               char why[CALLER_WHY_MAX])
{
    struct sigv4_header headers[HEADERS_MAX];
    struct sigv4_request rq = { req->method, req->path, req->query, headers, req->header_count, req->body };
    struct sigv4_auth auth;
    enum api_error error;
    err_t e;

    if (req->header_count > HEADERS_MAX) {
        (void)snprintf(why, CALLER_WHY_MAX, "too many headers");
        return API_INCOMPLETE_SIGNATURE;
    }
    for (size_t i = 0; i < req->header_count; i++)
        headers[i] = (struct sigv4_header){ req->headers[i].name, req->headers[i].value };
    why[0] = 0;
    if ((e = sigv4_auth_parse(&rq, &auth, why))) {
        if (e == ERR_NOT_FOUND)
            (void)snprintf(why, CALLER_WHY_MAX, "Missing Authentication Token");
        return e == ERR_NOT_FOUND ? API_MISSING_TOKEN : API_INCOMPLETE_SIGNATURE;
    }
    *ret = (struct caller){ 0 };
    if ((error = judge(crypto, keys, any_key, req, &rq, &auth, now_ms, ret, why)))
        return error;
    (void)snprintf(ret->access_key_id, sizeof(ret->access_key_id), "%s", auth.access_key_id);
    (void)snprintf(ret->region, sizeof(ret->region), "%s", auth.region);
    (void)snprintf(ret->service, sizeof(ret->service), "%s", auth.service);
    return API_OK;
}
