#include "shadow/shadow.h"

#include "base/mem.h"
#include "shadow/document.h"

#include <stdio.h>

#define STORED_DEPTH 64
/* 5.4: recreated within 48 hours the version goes on, later it starts again. */
#define DELETED_KEPT_S (48 * 3600)

const struct shadow_limits SHADOW_LIMITS_DEFAULT = {
    .max_document = 8 * 1024,
    .max_request = 128 * 1024,
    .max_depth = 8,
    .max_token = 64,
};

static const struct {
    int code;
    const char *text;
} texts[] = {
    { SHADOW_OK, "OK" },
    { SHADOW_BAD_REQUEST, "Bad Request" },
    { SHADOW_UNAUTHORIZED, "Unauthorized" },
    { SHADOW_FORBIDDEN, "Forbidden" },
    { SHADOW_NOT_FOUND, "Thing not found" },
    { SHADOW_CONFLICT, "Version conflict" },
    { SHADOW_TOO_LARGE, "The payload exceeds the maximum size allowed" },
    { SHADOW_UNSUPPORTED_ENCODING, "Unsupported documented encoding; supported encoding is UTF-8" },
    { SHADOW_TOO_MANY_REQUESTS, "too many in-flight requests" },
};

const char *shadow_code_str(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i].code == code)
            return texts[i].text;
    return "Internal service failure";
}

/* ---- the stored form ---- */

void shadow_doc_done(struct shadow_doc *d)
{
    json_decref(d->state);
    json_decref(d->meta);
    *d = (struct shadow_doc){ 0 };
}

/* d->state and d->meta: those of `root` copied, or empty ones. */
static err_t load_trees(struct shadow_doc *d, json_t *root)
{
    d->state = d->exists ? json_deep_copy(json_object_get(root, "state")) : json_object();
    d->meta = d->exists ? json_deep_copy(json_object_get(root, "metadata")) : json_object();
    return d->state && d->meta ? ERR_OK : ERR_NOMEM;
}

static bool stored_ok(json_t *root)
{
    bool deleted = json_is_integer(json_object_get(root, "deleted"));

    return json_get_int(root, "v", 0) == SHADOW_STORED_VERSION && json_get_int(root, "version", 0) > 0 &&
           json_get_int(root, "deleted", 0) >= 0 &&
           (deleted || (json_get_obj(root, "state") && json_get_obj(root, "metadata")));
}

err_t shadow_doc_load(struct slice stored, int64_t now_s, struct shadow_doc *ret)
{
    auto_doc d = { 0 };
    auto_json *root = NULL;

    if (stored.n) {
        if (json_parse(stored, STORED_DEPTH, &root, NULL) || !stored_ok(root))
            return ERR_CORRUPT;
        d.version = json_get_int(root, "version", 0);
        d.deleted_s = json_get_int(root, "deleted", 0);
        d.exists = !json_object_get(root, "deleted");
        if (!d.exists && now_s - d.deleted_s > DELETED_KEPT_S)
            d.version = 0;
    }
    if (load_trees(&d, root))
        return ERR_NOMEM;
    *ret = d;
    d = (struct shadow_doc){ 0 };
    return ERR_OK;
}

err_t shadow_doc_store(const struct shadow_doc *d, int64_t now_s, struct buf *out)
{
    auto_json *root = json_pack("{s:i}", "v", SHADOW_STORED_VERSION);
    err_t e = root ? ERR_OK : ERR_NOMEM;

    if (!e && d->exists)
        e = shadow_put(root, "state", json_deep_copy(d->state));
    if (!e && d->exists)
        e = shadow_put(root, "metadata", json_deep_copy(d->meta));
    if (!e)
        e = shadow_put(root, "version", json_integer(d->version));
    if (!e)
        e = shadow_put(root, d->exists ? "timestamp" : "deleted", json_integer(now_s));
    return e ? e : json_write(out, root, 0);
}

err_t shadow_doc_copy(const struct shadow_doc *d, struct shadow_doc *ret)
{
    struct shadow_doc copy = *d;

    copy.state = json_deep_copy(d->state);
    copy.meta = json_deep_copy(d->meta);
    if (!copy.state || !copy.meta) {
        shadow_doc_done(&copy);
        return ERR_NOMEM;
    }
    *ret = copy;
    return ERR_OK;
}

bool shadow_is_deleted(struct slice stored, int64_t *ret_deleted_s)
{
    auto_json *root = NULL;

    if (json_parse(stored, STORED_DEPTH, &root, NULL) || !json_is_integer(json_object_get(root, "deleted")))
        return false;
    *ret_deleted_s = json_get_int(root, "deleted", 0);
    return true;
}

bool shadow_is_expired(struct slice stored, int64_t now_s)
{
    int64_t deleted_s;

    return shadow_is_deleted(stored, &deleted_s) && now_s - deleted_s > DELETED_KEPT_S;
}

/* ---- results ---- */

void shadow_result_done(struct shadow_result *r)
{
    buf_done(&r->stored);
    for (size_t i = 0; i < SHADOW_MESSAGES_MAX; i++)
        buf_done(&r->messages[i].payload);
    *r = (struct shadow_result){ 0 };
}
#define auto_result __attribute__((cleanup(shadow_result_done))) struct shadow_result

/* The next message's payload, to be written; count it with r->n_messages++ once it is. */
static struct buf *message_next(struct shadow_result *r, enum shadow_kind kind)
{
    struct shadow_message *m = &r->messages[r->n_messages];

    m->kind = kind;
    buf_init(&m->payload, SHADOW_PAYLOAD_MAX);
    return &m->payload;
}

static err_t refused(struct shadow_result *r, int code, const char *token, int64_t now_s)
{
    err_t e = shadow_payload_rejected(message_next(r, SHADOW_REJECTED), code, r->message, token, now_s);

    r->code = code;
    r->n_messages++;
    return e;
}

/* 404; the classic shadow goes by the thing's name. */
static err_t refuse_missing(const struct shadow_request *req, struct shadow_result *r, const char *token)
{
    struct slice name = req->name.n ? req->name : req->thing;

    (void)snprintf(r->message, sizeof(r->message), "No shadow exists with name: '%.*s'",
                   SLICE_FMT(slice_head(name, 64)));
    return refused(r, SHADOW_NOT_FOUND, token, req->now_s);
}

static err_t refuse_usual(const struct shadow_request *req, struct shadow_result *r, int code,
                          const char *token)
{
    (void)snprintf(r->message, sizeof(r->message), "%s", shadow_code_str(code));
    return refused(r, code, token, req->now_s);
}

static err_t keep(const struct shadow_doc *d, const struct shadow_request *req, struct shadow_result *r)
{
    r->changed = true;
    buf_init(&r->stored, SHADOW_PAYLOAD_MAX);
    return shadow_doc_store(d, req->now_s, &r->stored);
}

/* ---- get, delete ---- */

static err_t do_get(const struct shadow_doc *d, const struct shadow_body *b, const struct shadow_request *req,
                    struct shadow_result *r)
{
    if (!d->exists)
        return refuse_missing(req, r, b->token);
    r->version = d->version;
    return shadow_payload_get(&r->messages[r->n_messages++].payload, d, b->token, req->now_s);
}

/* The answer names the version that was deleted; the deletion takes the next one, so that nobody who saw the
 * old document mistakes its version for the counter's. */
static err_t do_delete(const struct shadow_doc *d, const struct shadow_body *b,
                       const struct shadow_request *req, struct shadow_result *r)
{
    struct shadow_doc gone = { .version = d->version + 1 };
    err_t e;

    if (!d->exists)
        return refuse_missing(req, r, b->token);
    e = shadow_payload_deleted(&r->messages[r->n_messages++].payload, d->version, b->token, req->now_s);
    return e ? e : keep(&gone, req, r);
}

/* ---- update ---- */

/* One section of the request. A section set to null, or left empty, disappears. */
static err_t merge_section(struct shadow_doc *d, json_t *patch, const char *section, int64_t now_s)
{
    json_t *state = json_object_get(d->state, section), *meta = json_object_get(d->meta, section);
    err_t e = ERR_OK;

    if (json_is_object(patch)) {
        if (!state)
            e = shadow_put(d->state, section, json_object());
        if (!e && !meta)
            e = shadow_put(d->meta, section, json_object());
        if (!e)
            e = shadow_merge(json_object_get(d->state, section), json_object_get(d->meta, section), patch,
                             now_s);
    }
    if (!e && (json_is_null(patch) || !json_object_size(json_object_get(d->state, section)))) {
        (void)json_object_del(d->state, section); /* may not be there */
        (void)json_object_del(d->meta, section);
    }
    return e;
}

/* `after` = `before` with the request applied. */
static err_t apply(const struct shadow_doc *before, json_t *patch, int64_t now_s, struct shadow_doc *after)
{
    static const char *const sections[] = { "desired", "reported" };
    err_t e = shadow_doc_copy(before, after);

    if (e)
        return e;
    after->exists = true;
    after->version = before->version + 1;
    if (json_is_null(patch)) {
        (void)json_object_clear(after->state); /* cannot fail: it is an object */
        (void)json_object_clear(after->meta);
        return ERR_OK;
    }
    for (size_t i = 0; !e && i < ARRAY_LEN(sections); i++)
        if (json_object_get(patch, sections[i]))
            e = merge_section(after, json_object_get(patch, sections[i]), sections[i], now_s);
    return e;
}

/* ERR_TOO_BIG when the state without metadata is over the limit. */
static err_t check_size(const struct shadow_doc *d, size_t max)
{
    autobuf text = BUF_INIT(max);

    return json_write(&text, d->state, 0);
}

static err_t announce(const struct shadow_doc *before, const struct shadow_doc *after,
                      const struct shadow_body *b, const struct shadow_request *req, struct shadow_result *r)
{
    err_t e = shadow_payload_updated(message_next(r, SHADOW_ACCEPTED), b->state, after->version, b->token,
                                     req->now_s);

    if (e)
        return e;
    r->n_messages++;
    e = shadow_payload_delta(message_next(r, SHADOW_DELTA), after, b->token, req->now_s);
    if (!e)
        r->n_messages++;
    else if (e != ERR_NOT_FOUND)
        return e;
    e = shadow_payload_documents(message_next(r, SHADOW_DOCUMENTS), before, after, b->token, req->now_s);
    if (!e)
        r->n_messages++;
    return e;
}

static err_t do_update(const struct shadow_limits *limits, const struct shadow_doc *before,
                       const struct shadow_body *b, const struct shadow_request *req, struct shadow_result *r)
{
    auto_doc after = { 0 };
    err_t e;

    if (b->version >= 0 && b->version != before->version)
        return refuse_usual(req, r, SHADOW_CONFLICT, b->token);
    e = apply(before, b->state, req->now_s, &after);
    if (e)
        return e;
    e = check_size(&after, limits->max_document);
    if (e == ERR_TOO_BIG)
        return refuse_usual(req, r, SHADOW_TOO_LARGE, b->token);
    if (!e)
        e = announce(before, &after, b, req, r);
    r->version = after.version;
    return e ? e : keep(&after, req, r);
}

err_t shadow_handle(const struct shadow_limits *limits, struct slice stored, const struct shadow_request *req,
                    struct shadow_result *ret)
{
    auto_doc doc = { 0 };
    auto_body body = { 0 };
    auto_result r = { .code = SHADOW_OK };
    int code;
    err_t e = shadow_doc_load(stored, req->now_s, &doc);

    if (e)
        return e;
    r.version = doc.exists ? doc.version : 0;
    code = shadow_body_parse(limits, req->op, req->body, &body, r.message, sizeof(r.message));
    if (code != SHADOW_OK) {
        e = refused(&r, code, body.token, req->now_s);
    } else if (req->op == SHADOW_UPDATE) {
        e = do_update(limits, &doc, &body, req, &r);
    } else {
        (void)message_next(&r, SHADOW_ACCEPTED);
        e = req->op == SHADOW_GET ? do_get(&doc, &body, req, &r) : do_delete(&doc, &body, req, &r);
    }
    if (e)
        return e;
    *ret = r;
    r = (struct shadow_result){ 0 };
    return ERR_OK;
}

err_t shadow_rejected(struct buf *out, int code, const char *message, struct slice body, int64_t now_s)
{
    auto_body b = { 0 };
    char ignored[128];

    (void)shadow_body_parse(&SHADOW_LIMITS_DEFAULT, SHADOW_UPDATE, body, &b, ignored,
                            sizeof(ignored)); /* for its token */
    return shadow_payload_rejected(out, code, message ? message : shadow_code_str(code), b.token, now_s);
}
