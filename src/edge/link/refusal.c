/* src/edge/link/refusal.c */
#include "edge/link/refusal.h"

#include "base/json.h"
#include "base/mem.h"
#include "edge/deploy/gda.h"
#include "http/uri.h"

#define MAX_DEPTH 8
#define ANSWER_MS 8000

err_t refusal_parse(struct slice text, struct problem *ret_message)
{
    auto_json *doc = NULL;
    const char *connect, *message;

    if (json_parse(text, MAX_DEPTH, &doc, NULL) || gda_check_version(doc, "the cloud's answer", NULL))
        return ERR_INVALID;
    connect = json_get_str(doc, "connect");
    message = json_get_str(doc, "message");
    if (!connect || strcmp(connect, "refused") != 0 || !message || !*message)
        return ERR_NOT_FOUND;
    return problem_set(ret_message, ERR_OK, "%s", message);
}

static void on_answer(void *ctx, struct http_answer *answer)
{
    struct refusal_ask *ask = ctx;
    struct problem message;

    if (answer->err == ERR_CANCELLED)
        return; /* the core ends */
    if (answer->err || answer->status != 200 || refusal_parse(buf_slice(&answer->body), &message))
        ask->said(ask->ctx, NULL);
    else
        ask->said(ask->ctx, message.text);
}

err_t refusal_ask(struct refusal_ask *ask)
{
    autobuf url = BUF_INIT(4096);
    struct http_fetch f = { .max_answer = REFUSAL_MAX_BYTES, .total_ms = ANSWER_MS };
    err_t e = buf_printf(&url, "https://%s:%lld/sedge/connection?clientId=", ask->config->gg_host,
                         (long long)ask->config->gg_http_port);

    e = e ? e : http_percent_encode(&url, slice_str(ask->config->client_id), false);
    if (e)
        return e;
    f.url = buf_str(&url);
    return http_client_start(ask->http, &f, ask->loop, on_answer, ask, NULL);
}
