#include "cloud/provisioning/hook.h"

#include "base/file.h"
#include "base/mem.h"
#include "cloud/provisioning/hook_program.h"
#include "http/client.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX (64u << 10)
#define TARGETS_MAX 256u
#define EVENT_MAX (256u << 10)
#define ANSWER_DEPTH 16u /* an authorizer's policies may be objects */

struct target {
    char *name, *what; /* a program's path or a URL */
};

struct asking {
    struct hooks *owner;
    hook_done_fn done;
    void *ctx;
    struct hook_program *program; /* or */
    bool http;
    uint64_t http_id;
};

struct hooks {
    struct net_loop *loop;
    struct target *targets;
    size_t n, cap;
    struct http_client *client; /* NULL: no URL among them */
    struct asking *under_way[HOOK_UNDER_WAY_MAX];
    unsigned http_left; /* callbacks of the client to come */
    bool closing;
};

/* ---- the file ---- */

static struct slice trim(struct slice s)
{
    while (s.n && strchr(" \t\r", s.p[0]))
        s = slice_skip(s, 1);
    while (s.n && strchr(" \t\r", s.p[s.n - 1]))
        s = slice_head(s, s.n - 1);
    return s;
}

static bool is_url(const char *what)
{
    return strncmp(what, "https://", 8) == 0 || strncmp(what, "http://", 7) == 0;
}

static err_t add_target(struct hooks *h, struct slice name, struct slice what)
{
    autofree char *n = mem_str(name), *w = mem_str(what);
    err_t e;

    if (!n || !w)
        return ERR_NOMEM;
    if (!*n || (*w != '/' && !is_url(w)))
        return ERR_INVALID;
    if ((e = mem_grow(&h->targets, &h->cap, h->n + 1, TARGETS_MAX, sizeof(*h->targets))))
        return e;
    h->targets[h->n++] = (struct target){ steal(&n), steal(&w) };
    return ERR_OK;
}

static err_t take_line(struct hooks *h, struct slice line)
{
    const uint8_t *eq;

    line = trim(line);
    if (!line.n || line.p[0] == '#')
        return ERR_OK;
    if (!(eq = memmem(line.p, line.n, " = ", 3))) /* an ARN may hold a bare = */
        return ERR_INVALID;
    return add_target(h, trim(slice_head(line, (size_t)(eq - line.p))),
                      trim(slice_skip(line, (size_t)(eq - line.p) + 3)));
}

static err_t read_targets(struct hooks *h, const char *path, char why[HOOK_WHY_MAX])
{
    autobuf text = BUF_INIT(FILE_MAX);
    struct slice rest;
    err_t e = file_read_private(path, &text);
    unsigned number = 0;

    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (e)
        (void)snprintf(why, HOOK_WHY_MAX, "cannot read %.150s: %s%s", path, err_str(e),
                       e == ERR_DENIED ? "; it names programs to run: chmod 600" : "");
    for (rest = buf_slice(&text); !e && rest.n;) {
        const uint8_t *end = memchr(rest.p, '\n', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;
        number++;
        if ((e = take_line(h, slice_head(rest, n))))
            (void)snprintf(why, HOOK_WHY_MAX,
                           "%.150s, line %u: it must be 'TARGET = /path/of/program' or 'TARGET = URL'", path,
                           number);
        rest = slice_skip(rest, n + (end ? 1 : 0));
    }
    return e;
}

static err_t start_client(struct hooks *h)
{
    const struct http_client_opts opts = { .user_agent = "sedge-cloud" };

    for (size_t i = 0; i < h->n; i++) {
        if (is_url(h->targets[i].what))
            return http_client_new(&opts, &h->client, NULL);
    }
    return ERR_OK;
}

err_t hooks_new(struct net_loop *loop, const char *path, struct hooks **ret, char why[HOOK_WHY_MAX])
{
    struct hooks *h = mem_calloc(1, sizeof(*h));
    err_t e;

    if (!h)
        return ERR_NOMEM;
    h->loop = loop;
    if ((e = read_targets(h, path, why)) || (e = start_client(h))) {
        hooks_free(h);
        return e;
    }
    *ret = h;
    return ERR_OK;
}

/* ---- asking ---- */

static void asking_free(struct asking *a)
{
    struct hooks *h = a->owner;

    for (size_t i = 0; i < HOOK_UNDER_WAY_MAX; i++) {
        if (h->under_way[i] == a)
            h->under_way[i] = NULL;
    }
    hook_program_free(a->program);
    free(a);
}

static void answer(struct asking *a, struct slice text, const char *why)
{
    hook_done_fn done = a->done;
    void *ctx = a->ctx;
    auto_json *j = NULL;

    if (!why && (json_parse(text, ANSWER_DEPTH, &j, NULL) || !json_is_object(j)))
        why = "its answer is not a JSON object";
    asking_free(a);
    done(ctx, why ? NULL : j, why);
}

static void on_program(void *ctx, struct slice text, const char *why)
{
    answer(ctx, text, why);
}

static void on_http(void *ctx, struct http_answer *http)
{
    struct asking *a = ctx;
    struct hooks *h = a->owner;
    char why[64];

    h->http_left--;
    if (h->closing) {
        asking_free(a);
        return;
    }
    (void)snprintf(why, sizeof(why), "it answered with status %d", http->status);
    if (http->err)
        answer(a, (struct slice){ 0 }, http->why ? http->why : err_str(http->err));
    else
        answer(a, buf_slice(&http->body), http->status == 200 ? NULL : why);
}

static err_t post(struct asking *a, const char *url, struct slice event)
{
    static const struct http_header json = { SLICE_LIT("Content-Type"), SLICE_LIT("application/json") };
    const struct http_fetch f = { .method = "POST",
                                  .url = url,
                                  .headers = &json,
                                  .header_count = 1,
                                  .body = event,
                                  .connect_ms = HOOK_DEADLINE_MS,
                                  .total_ms = HOOK_DEADLINE_MS,
                                  .max_answer = HOOK_ANSWER_MAX };
    err_t e = http_client_start(a->owner->client, &f, a->owner->loop, on_http, a, &a->http_id);

    a->http = !e;
    a->owner->http_left += e ? 0 : 1;
    return e;
}

static const char *find(const struct hooks *h, const char *name)
{
    for (size_t i = 0; i < h->n; i++) {
        if (strcmp(h->targets[i].name, name) == 0)
            return h->targets[i].what;
    }
    return NULL;
}

static err_t start(struct asking *a, const char *what, const json_t *event)
{
    autobuf text = BUF_INIT(EVENT_MAX);
    err_t e = json_write(&text, event, 0);

    if (e)
        return e;
    if (is_url(what))
        return post(a, what, buf_slice(&text));
    return hook_program_start(a->owner->loop, what, buf_slice(&text), HOOK_DEADLINE_MS, on_program, a,
                              &a->program);
}

err_t hook_ask(struct hooks *h, const char *target, const json_t *event, hook_done_fn done, void *ctx)
{
    const char *what = find(h, target);
    struct asking *a;
    size_t slot = 0;
    err_t e;

    if (!what)
        return ERR_NOT_FOUND;
    while (slot < HOOK_UNDER_WAY_MAX && h->under_way[slot])
        slot++;
    if (slot == HOOK_UNDER_WAY_MAX)
        return ERR_BUSY;
    if (!(a = mem_calloc(1, sizeof(*a))))
        return ERR_NOMEM;
    *a = (struct asking){ .owner = h, .done = done, .ctx = ctx };
    h->under_way[slot] = a;
    if ((e = start(a, what, event)))
        asking_free(a);
    return e;
}

/* The client ends its requests when it is freed; their callbacks come from the loop, which is turned until
 * they have. */
void hooks_free(struct hooks *h)
{
    if (!h)
        return;
    h->closing = true;
    for (size_t i = 0; i < HOOK_UNDER_WAY_MAX; i++) {
        if (h->under_way[i] && !h->under_way[i]->http)
            asking_free(h->under_way[i]);
    }
    http_client_free(h->client);
    while (h->http_left && !net_loop_turn(h->loop, 0))
        ;
    for (size_t i = 0; i < h->n; i++) {
        free(h->targets[i].name);
        free(h->targets[i].what);
    }
    free(h->targets);
    free(h);
}
