#include "base/mem.h"
#include "sigv4/canonical.h"

#include <stdlib.h>

/* The headers that get signed: the caller's, and ours. */
struct list {
    struct sigv4_header h[SIGV4_HEADERS_MAX];
    size_t n;
};

static err_t list_add(struct list *l, struct slice name, struct slice value)
{
    if (l->n == SIGV4_HEADERS_MAX)
        return ERR_TOO_BIG;
    l->h[l->n++] = (struct sigv4_header){ name, value };
    return ERR_OK;
}

static err_t list_add_all(struct list *l, const struct sigv4_request *req)
{
    bool host = false;
    err_t e = ERR_OK;

    for (size_t i = 0; !e && i < req->header_count; i++) {
        host |= sigv4_name_eq(req->headers[i].name, SLICE_LIT("host"));
        e = list_add(l, req->headers[i].name, req->headers[i].value);
    }
    return e ? e : host ? ERR_OK : ERR_INVALID;
}

static void lower(char *out, struct slice name)
{
    for (size_t i = 0; i < name.n; i++)
        out[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i]);
    out[name.n] = 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "content-type;host;x-amz-date" */
static err_t signed_names(const struct list *l, char *out)
{
    char text[SIGV4_SIGNED_MAX];
    char *names[SIGV4_HEADERS_MAX] = { 0 };
    size_t used = 0, at = 0;

    for (size_t i = 0; i < l->n; i++) {
        if (l->h[i].name.n + 1 > sizeof(text) - used)
            return ERR_TOO_BIG;
        names[i] = text + used;
        lower(names[i], l->h[i].name);
        used += l->h[i].name.n + 1;
    }
    qsort(names, l->n, sizeof(names[0]), compare_names);
    for (size_t i = 0; i < l->n; i++) {
        if (i && strcmp(names[i], names[i - 1]) == 0)
            continue; /* its values are joined */
        size_t n = strlen(names[i]);
        if (at)
            out[at++] = ';';
        memcpy(out + at, names[i], n);
        at += n;
    }
    out[at] = 0;
    return ERR_OK;
}

struct job {
    const struct crypto_ctx *ctx;
    const struct sigv4_signer *who;
    struct sigv4_request req; /* with the headers that get signed */
    char amz_date[17];
    char names[SIGV4_SIGNED_MAX];
    unsigned query_reading;
};

static err_t sign(const struct job *j, char ret[65])
{
    const struct sigv4_scope scope = { j->amz_date, j->who->region, j->who->service };
    struct sigv4_canonical c = { &j->req, j->names, NULL, j->query_reading };
    char hash[CRYPTO_SHA256_HEX];
    autobuf text = BUF_INIT(SIGV4_CANONICAL_MAX * 4);
    err_t e = crypto_sha256_hex(j->ctx, j->req.body, hash);

    c.payload_hash = hash;
    if (!e)
        e = sigv4_canonical_request(&c, &text);
    return e ? e : sigv4_signature(j->ctx, &scope, j->who->secret_key, buf_slice(&text), ret);
}

err_t sigv4_sign(const struct crypto_ctx *ctx, const struct sigv4_request *req,
                 const struct sigv4_signer *who, int64_t now_ms, char ret_amz_date[17],
                 struct buf *authorization)
{
    struct list l = { .n = 0 };
    struct job j = { .ctx = ctx, .who = who, .req = *req };
    char signature[65];
    err_t e = list_add_all(&l, req);

    sigv4_date_format(now_ms, j.amz_date);
    if (!e)
        e = list_add(&l, SLICE_LIT("x-amz-date"), slice_str(j.amz_date));
    if (!e && who->session_token)
        e = list_add(&l, SLICE_LIT("x-amz-security-token"), slice_str(who->session_token));
    j.req.headers = l.h;
    j.req.header_count = l.n;
    if (!e)
        e = signed_names(&l, j.names);
    if (!e)
        e = sign(&j, signature);
    if (!e)
        e = buf_printf(authorization,
                       SIGV4_ALGORITHM
                       " Credential=%s/%.8s/%s/%s/aws4_request, SignedHeaders=%s, Signature=%s",
                       who->access_key_id, j.amz_date, who->region, who->service, j.names, signature);
    if (!e)
        memcpy(ret_amz_date, j.amz_date, sizeof(j.amz_date));
    return e;
}

static err_t add_param(struct buf *out, const char *name, struct slice value)
{
    err_t e = buf_printf(out, "%s%s=", out->n ? "&" : "", name);

    return e ? e : sigv4_escape(value, false, out);
}

static err_t add_expires(struct buf *out, int64_t expires_s)
{
    return expires_s ? buf_printf(out, "&X-Amz-Expires=%lld", (long long)expires_s) : ERR_OK;
}

static err_t add_auth_params(const struct job *j, int64_t expires_s, struct buf *out)
{
    autobuf credential = BUF_INIT(1024);
    err_t e = buf_printf(&credential, "%s/%.8s/%s/%s/aws4_request", j->who->access_key_id, j->amz_date,
                         j->who->region, j->who->service);

    if (!e)
        e = add_param(out, "X-Amz-Algorithm", SLICE_LIT(SIGV4_ALGORITHM));
    if (!e)
        e = add_param(out, "X-Amz-Credential", buf_slice(&credential));
    if (!e)
        e = add_param(out, "X-Amz-Date", slice_str(j->amz_date));
    if (!e)
        e = add_expires(out, expires_s);
    if (!e)
        e = add_param(out, "X-Amz-SignedHeaders", slice_str(j->names));
    return e;
}

/* 9.5, trap 18: the device gateway wants the token behind the signature. */
static bool token_is_last(const struct sigv4_signer *who)
{
    return strcmp(who->service, "iotdevicegateway") == 0;
}

static err_t presign_text(struct job *j, int64_t expires_s, struct buf *text)
{
    const char *token = j->who->session_token;
    char signature[65];
    err_t e = buf_add(text, j->req.query);

    if (!e)
        e = add_auth_params(j, expires_s, text);
    if (!e && token && !token_is_last(j->who))
        e = add_param(text, "X-Amz-Security-Token", slice_str(token));
    j->req.query = buf_slice(text);
    if (!e)
        e = sign(j, signature);
    if (!e)
        e = add_param(text, "X-Amz-Signature", slice_str(signature));
    if (!e && token && token_is_last(j->who))
        e = add_param(text, "X-Amz-Security-Token", slice_str(token));
    return e;
}

err_t sigv4_presign(const struct crypto_ctx *ctx, const struct sigv4_request *req,
                    const struct sigv4_signer *who, int64_t now_ms, int64_t expires_s, struct buf *query)
{
    struct list l = { .n = 0 };
    struct job j = { .ctx = ctx, .who = who, .req = *req };
    autobuf text = BUF_INIT(SIGV4_CANONICAL_MAX);
    err_t e = list_add_all(&l, req);

    sigv4_date_format(now_ms, j.amz_date);
    j.req.headers = l.h;
    j.req.header_count = l.n;
    if (!e)
        e = signed_names(&l, j.names);
    if (!e)
        e = presign_text(&j, expires_s, &text);
    return e ? e : buf_add(query, buf_slice(&text));
}
