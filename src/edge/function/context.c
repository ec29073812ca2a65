/* src/edge/function/context.c */
#include "edge/function/context.h"

#include "base/hex.h"
#include "base/json.h"

#define MAX_DEPTH 16

void client_context_done(struct client_context *c)
{
    free(c->subject);
    free(c->queue_full_policy);
    *c = (struct client_context){ 0 };
}

/* A text without NUL, or nothing. */
static err_t read_text(const json_t *custom, const char *name, char **ret)
{
    const json_t *v = json_object_get(custom, name);
    const char *text = json_string_value(v);

    if (!v || json_is_null(v))
        return ERR_OK;
    if (!text || strlen(text) != json_string_length(v))
        return ERR_INVALID;
    *ret = mem_strdup(text);
    return *ret ? ERR_OK : ERR_NOMEM;
}

static err_t read_custom(const json_t *doc, struct client_context *ret)
{
    const json_t *custom = json_object_get(doc, "custom");
    auto_client_context c = { 0 };
    err_t e;

    if (!json_is_object(doc) || (custom && !json_is_object(custom) && !json_is_null(custom)))
        return ERR_INVALID;
    e = read_text(custom, "subject", &c.subject);
    e = e ? e : read_text(custom, "queueFullPolicy", &c.queue_full_policy);
    if (e)
        return e;
    ret->subject = steal(&c.subject);
    ret->queue_full_policy = steal(&c.queue_full_policy);
    return ERR_OK;
}

err_t client_context_parse(struct slice base64, struct client_context *ret)
{
    autobuf text = BUF_INIT(CLIENT_CONTEXT_MAX);
    auto_json *doc = NULL;
    err_t e;

    if (base64.n > CLIENT_CONTEXT_MAX)
        return ERR_TOO_BIG;
    e = base64_decode(&text, base64);
    if (e)
        return e;
    if (!text.n) {
        *ret = (struct client_context){ 0 };
        return ERR_OK;
    }
    e = json_parse(buf_slice(&text), MAX_DEPTH, &doc, NULL);
    return e ? e : read_custom(doc, ret);
}

err_t client_context_write(struct buf *out, const char *topic)
{
    auto_json *doc = json_pack("{s:{s:s}}", "custom", "subject", topic);
    autobuf text = BUF_INIT(CLIENT_CONTEXT_MAX);
    err_t e = doc ? json_write(&text, doc, 0) : ERR_NOMEM;

    return e ? e : base64_encode(out, buf_slice(&text));
}
