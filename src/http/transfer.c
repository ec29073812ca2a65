/* src/http/transfer.c - see transfer.h. */
#include "http/transfer.h"

#include "base/file.h"
#include "crypto/cert.h"
#include "crypto/key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>

#define HEAD_MAX (64u * 1024)
#define HEADERS_MAX 256
#define REQUEST_MAX (64u * 1024 * 1024)
#define CHAIN_MAX 10

/* ---- identity ---- */

static err_t load_key_file(const struct crypto_ctx *ctx, const char *path, EVP_PKEY **ret,
                           struct crypto_error *why)
{
    autobuf pem = BUF_SECRET(CRYPTO_CERT_MAX);
    err_t e = file_read_private(path, &pem);
    if (e)
        return crypto_fail(why, e, "cannot read the private key %s: %s", path, err_str(e));
    return crypto_key_parse_pem(ctx, buf_slice(&pem), ret, why);
}

static err_t load_own(struct http_identity *id, const struct http_client_opts *o, struct crypto_error *why)
{
    auto_crypto_ctx struct crypto_ctx *ctx = NULL;
    if (!o->cert_file)
        return ERR_OK;
    err_t e = crypto_ctx_new(NULL, &ctx);
    if (!e)
        e = crypto_chain_load(ctx, o->cert_file, CHAIN_MAX, &id->chain, why);
    if (!e && o->key) {
        EVP_PKEY_up_ref(o->key);
        id->key = o->key;
    } else if (!e && o->key_file) {
        e = load_key_file(ctx, o->key_file, &id->key, why);
    } else if (!e) {
        e = crypto_fail(why, ERR_INVALID, "the certificate %s needs its private key", o->cert_file);
    }
    return e ? e : crypto_cert_matches_key(sk_X509_value(id->chain, 0), id->key, why);
}

static bool copy_text(char **to, const char *from)
{
    *to = from ? mem_strdup(from) : NULL;
    return !from || *to;
}

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

err_t http_identity_init(struct http_identity *id, const struct http_client_opts *opts,
                         struct crypto_error *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static const struct http_client_opts none;
    const struct http_client_opts *o = opts ? opts : &none;
    pthread_once(&once, init_curl);
    *id = (struct http_identity){ .no_tls13 = o->no_tls13, .use_proxy = o->use_proxy };
    if (!copy_text(&id->ca_file, o->ca_file) || !copy_text(&id->sigalgs, o->sigalgs) ||
        !copy_text(&id->user_agent, o->user_agent ? o->user_agent : "sedge"))
        return crypto_fail(why, ERR_NOMEM, "no memory");
    return load_own(id, o, why);
}

void http_identity_done(struct http_identity *id)
{
    free(id->ca_file);
    free(id->sigalgs);
    free(id->user_agent);
    crypto_x509_stack_free_ptr(&id->chain);
    EVP_PKEY_free(id->key);
    *id = (struct http_identity){ 0 };
}

/* ---- callbacks of libcurl ---- */

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
    const struct http_identity *id = arg;
    SSL_CTX *ctx = ssl_ctx;
    (void)easy;
    ERR_clear_error();
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    if (id->sigalgs && SSL_CTX_set1_sigalgs_list(ctx, id->sigalgs) != 1)
        return CURLE_SSL_CIPHER;
    if (!id->chain)
        return CURLE_OK;
    if (SSL_CTX_use_certificate(ctx, sk_X509_value(id->chain, 0)) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, id->key) != 1)
        return CURLE_SSL_CERTPROBLEM;
    for (int i = 1; i < sk_X509_num(id->chain); i++)
        if (SSL_CTX_add1_chain_cert(ctx, sk_X509_value(id->chain, i)) != 1)
            return CURLE_SSL_CERTPROBLEM;
    return CURLE_OK;
}

/* Returning less than n makes libcurl give up with CURLE_WRITE_ERROR; t->local says why. */
static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct http_transfer *t = arg;
    struct slice part = slice_of(data, size * n);
    if (part.n > t->max_answer || t->answer.body_bytes > t->max_answer - part.n)
        t->local = ERR_TOO_BIG;
    else
        t->local = t->to_fd ? file_write_all(t->fd, part) : buf_add(&t->answer.body, part);
    if (t->local)
        return 0;
    t->answer.body_bytes += part.n;
    return part.n;
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
    struct http_transfer *t = arg;
    struct slice line = slice_of(data, size * n);
    if (slice_starts(line, SLICE_LIT("HTTP/")))
        buf_clear(&t->answer.head); /* a new response: what came before was an interim one */
    t->local = buf_add(&t->answer.head, line);
    return t->local ? 0 : line.n;
}

/* ---- set-up ---- */

static err_t add_header(struct http_transfer *t, const struct http_header *h)
{
    if (!http_header_ok(h))
        return ERR_INVALID;
    /* libcurl's way of writing a header without a value is a semicolon. */
    autofree char *line = h->value.n ? mem_printf("%.*s: %.*s", SLICE_FMT(h->name), SLICE_FMT(h->value))
                                     : mem_printf("%.*s;", SLICE_FMT(h->name));
    struct curl_slist *more = line ? curl_slist_append(t->headers, line) : NULL;
    if (!more)
        return ERR_NOMEM;
    t->headers = more;
    return ERR_OK;
}

/* A line "Name:" takes away what libcurl would add by itself. */
static err_t no_header(struct http_transfer *t, const char *line)
{
    struct curl_slist *more = curl_slist_append(t->headers, line);
    if (!more)
        return ERR_NOMEM;
    t->headers = more;
    return ERR_OK;
}

static err_t set_headers(struct http_transfer *t, const struct http_fetch *f)
{
    err_t e = no_header(t, "Expect:"); /* our requests are small: do not wait a second for permission */
    if (!e && !http_header_get(f->headers, f->header_count, "Content-Type").p)
        e = no_header(t, "Content-Type:");
    for (size_t i = 0; i < f->header_count && !e; i++)
        e = add_header(t, &f->headers[i]);
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    return e;
}

static err_t set_method(struct http_transfer *t, const struct http_fetch *f)
{
    const char *method = f->method ? f->method : "GET";
    bool sends = f->body.n || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    if (!http_is_token(slice_str(method)))
        return ERR_INVALID;
    if (buf_add(&t->request_body, f->body))
        return f->body.n > REQUEST_MAX ? ERR_TOO_BIG : ERR_NOMEM;
    if (sends) {
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->body.n);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, buf_str(&t->request_body)); /* not copied */
    } else if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method);
    return ERR_OK;
}

static void set_tls(struct http_transfer *t)
{
    const struct http_identity *id = t->id;
    long version =
        CURL_SSLVERSION_TLSv1_2 | (id->no_tls13 ? CURL_SSLVERSION_MAX_TLSv1_2 : CURL_SSLVERSION_MAX_DEFAULT);
    curl_easy_setopt(t->easy, CURLOPT_SSLVERSION, version);
    curl_easy_setopt(t->easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
    curl_easy_setopt(t->easy, CURLOPT_SSL_CTX_DATA, (void *)(uintptr_t)id);
    if (id->ca_file) {
        curl_easy_setopt(t->easy, CURLOPT_CAINFO, id->ca_file);
        curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL);
    }
}

static void set_limits(struct http_transfer *t, const struct http_fetch *f)
{
    int64_t stall_ms = f->stall_ms ? f->stall_ms : 30000;
    t->max_answer = f->max_answer ? f->max_answer : 1024u * 1024;
    curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(f->connect_ms ? f->connect_ms : 30000));
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)(f->total_ms ? f->total_ms : 60000));
    curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_TIME, (long)((stall_ms + 999) / 1000));
    curl_easy_setopt(t->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->max_answer);
}

static void set_general(struct http_transfer *t)
{
    CURL *easy = t->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); /* threads */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* a signature covers the path as it was given */
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, t->id->user_agent);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->text);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    if (!t->id->use_proxy)
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
}

/* For error texts. What may be secret stays out: the query (signatures) and a name and password, which are
 * refused later. */
static char *make_label(const struct http_fetch *f)
{
    const char *method = f->method ? f->method : "GET";
    const char *scheme = strstr(f->url, "://");
    const char *host = scheme ? scheme + 3 : f->url;
    const char *at = memchr(host, '@', strcspn(host, "/?"));
    if (at)
        host = at + 1;
    int scheme_len = scheme ? (int)(scheme + 3 - f->url) : 0;
    return mem_printf("%s %.*s%.*s", method, scheme_len, f->url, (int)strcspn(host, "?"), host);
}

err_t http_transfer_init(struct http_transfer *t, const struct http_identity *id, const struct http_fetch *f)
{
    *t = (struct http_transfer){ .id = id, .to_fd = f->to_fd, .fd = f->fd };
    buf_init(&t->request_body, REQUEST_MAX);
    buf_init(&t->answer.head, HEAD_MAX);
    if (!f->url)
        return ERR_INVALID;
    t->label = make_label(f);
    t->easy = curl_easy_init();
    if (!t->label || !t->easy || curl_easy_setopt(t->easy, CURLOPT_URL, f->url) != CURLE_OK)
        return ERR_NOMEM;
    set_general(t);
    set_tls(t);
    set_limits(t, f);
    buf_init(&t->answer.body, t->max_answer < SIZE_MAX / 2 ? (size_t)t->max_answer : SIZE_MAX / 2);
    err_t e = set_headers(t, f);
    return e ? e : set_method(t, f);
}

/* ---- the end ---- */

static const struct {
    CURLcode code;
    err_t err;
} classes[] = {
    { CURLE_UNSUPPORTED_PROTOCOL, ERR_INVALID },
    { CURLE_URL_MALFORMAT, ERR_INVALID },
    { CURLE_LOGIN_DENIED, ERR_INVALID }, /* a user name in the URL */
    { CURLE_COULDNT_RESOLVE_PROXY, ERR_UNAVAILABLE },
    { CURLE_COULDNT_RESOLVE_HOST, ERR_UNAVAILABLE },
    { CURLE_COULDNT_CONNECT, ERR_UNAVAILABLE },
    { CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT },
    { CURLE_SSL_CONNECT_ERROR, ERR_PROTO },
    { CURLE_PEER_FAILED_VERIFICATION, ERR_AUTH },
    { CURLE_SSL_CERTPROBLEM, ERR_AUTH },
    { CURLE_SSL_ISSUER_ERROR, ERR_AUTH },
    { CURLE_SSL_CACERT_BADFILE, ERR_NOT_FOUND },
    { CURLE_FILESIZE_EXCEEDED, ERR_TOO_BIG },
    { CURLE_OUT_OF_MEMORY, ERR_NOMEM },
    { CURLE_PARTIAL_FILE, ERR_PROTO },
    { CURLE_WEIRD_SERVER_REPLY, ERR_PROTO },
    { CURLE_GOT_NOTHING, ERR_PROTO },
};

static err_t classify(const struct http_transfer *t, CURLcode code)
{
    if (t->local)
        return t->local;
    /* A peer that does not accept our certificate sends an alert, in TLS 1.3 only after the handshake. */
    bool tls_error = code == CURLE_SSL_CONNECT_ERROR || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR;
    if (tls_error && (strstr(t->text, "alert") || strstr(t->text, "certificate")))
        return ERR_AUTH;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (classes[i].code == code)
            return classes[i].err;
    return ERR_IO;
}

static err_t split_head(struct http_answer *a)
{
    struct slice rest = buf_slice(&a->head);
    size_t room = 0;
    while (rest.n) {
        const uint8_t *lf = memchr(rest.p, '\n', rest.n);
        struct slice line = { rest.p, lf ? (size_t)(lf - rest.p) : rest.n };
        rest = slice_skip(rest, line.n + 1);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
        if (!colon || slice_starts(line, SLICE_LIT("HTTP/")))
            continue;
        err_t e = mem_grow(&a->headers, &room, a->header_count + 1, HEADERS_MAX, sizeof(*a->headers));
        if (e)
            return e;
        size_t name = (size_t)(colon - line.p);
        a->headers[a->header_count++] =
            (struct http_header){ slice_head(line, name), http_trim(slice_skip(line, name + 1)) };
    }
    return ERR_OK;
}

static const char *local_reason(const struct http_transfer *t)
{
    if (t->local == ERR_TOO_BIG)
        return "the answer is larger than allowed";
    return t->to_fd ? "the answer cannot be written to its file" : err_str(t->local);
}

void http_transfer_fail(struct http_transfer *t, err_t e, const char *reason)
{
    free(t->answer.why);
    t->answer.err = e;
    t->answer.why = mem_printf("%s: %s", t->label ? t->label : "HTTP request", reason);
}

void http_transfer_finish(struct http_transfer *t, CURLcode code)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->answer.status = (int)status;
    err_t e = code == CURLE_OK ? split_head(&t->answer) : classify(t, code);
    if (!e)
        return;
    if (t->local || code == CURLE_OK) {
        http_transfer_fail(t, e, t->local ? local_reason(t) : err_str(e));
        return;
    }
    /* libcurl's detail is often the better half, and sometimes all there is. */
    http_transfer_fail(t, e, t->text[0] ? t->text : curl_easy_strerror(code));
}

void http_transfer_done(struct http_transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    buf_done(&t->request_body);
    free(t->label);
    http_answer_done(&t->answer);
    *t = (struct http_transfer){ 0 };
}

void http_answer_done(struct http_answer *a)
{
    free(a->why);
    free(a->headers);
    buf_done(&a->head);
    buf_done(&a->body);
    *a = (struct http_answer){ 0 };
}

err_t http_fetch(const struct http_client_opts *opts, const struct http_fetch *f, struct http_answer *ret)
{
    struct http_identity id;
    struct http_transfer t = { 0 };
    struct crypto_error why = { 0 };
    err_t e = http_identity_init(&id, opts, &why);
    if (e) {
        http_transfer_fail(&t, e, why.text);
    } else {
        e = http_transfer_init(&t, &id, f);
        if (e)
            http_transfer_fail(&t, e, "not a request that can be sent");
        else
            http_transfer_finish(&t, curl_easy_perform(t.easy));
    }
    *ret = t.answer;
    t.answer = (struct http_answer){ 0 };
    http_transfer_done(&t);
    http_identity_done(&id);
    return ret->err;
}
