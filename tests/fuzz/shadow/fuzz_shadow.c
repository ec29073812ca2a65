/* tests/fuzz/shadow/fuzz_shadow.c - requests on one shadow, each in the state the one before left.
 *
 * One request a line; the line's first byte is the operation (g, u, d). A line "t..." is a topic, "s..." a
 * stored document to begin with. What was stored must load again, and memory that runs out (every seventh
 * allocation of jansson when the input asks for it with a first byte of 'F') must end in ERR_NOMEM, nothing
 * else.
 */
#include "base/mem.h"
#include "shadow/shadow.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned countdown; /* 0: allocations do not fail */

static void *failing_malloc(size_t n)
{
    if (countdown && --countdown == 0) {
        countdown = 7;
        return NULL;
    }
    return malloc(n);
}

static void handle(struct buf *stored, char op, struct slice body)
{
    struct shadow_request req = {
        .op = op == 'u'   ? SHADOW_UPDATE
              : op == 'd' ? SHADOW_DELETE
                          : SHADOW_GET,
        .thing = SLICE_LIT("thing"),
        .body = body,
        .now_s = 1600000000,
    };
    struct shadow_result r = { 0 };
    err_t e = shadow_handle(&SHADOW_LIMITS_DEFAULT, buf_slice(stored), &req, &r);

    if (e == ERR_CORRUPT && !countdown)
        buf_clear(stored);
    if (e)
        return;
    if (r.code == 200 && r.n_messages == 0)
        abort();
    if (r.changed) {
        buf_clear(stored);
        (void)buf_add(stored, buf_slice(&r.stored));
    }
    shadow_result_done(&r);
    if (!countdown) {
        req.op = SHADOW_GET;
        req.body = (struct slice){ 0 };
        e = shadow_handle(&SHADOW_LIMITS_DEFAULT, buf_slice(stored), &req, &r);
        if (e)
            abort(); /* what we stored we can read */
        shadow_result_done(&r);
    }
}

static void topic(struct slice text)
{
    struct shadow_topic t;
    autobuf out = BUF_INIT(1024);

    if (shadow_topic_parse(text, &t))
        return;
    if (shadow_topic_build(&out, &t) || !slice_eq(buf_slice(&out), text))
        abort();
}

static void line(struct buf *stored, struct slice l)
{
    struct slice rest = slice_skip(l, 1);

    if (!l.n)
        return;
    if (l.p[0] == 't') {
        topic(rest);
    } else if (l.p[0] == 's') {
        buf_clear(stored);
        (void)buf_add(stored, rest);
    } else {
        handle(stored, (char)l.p[0], rest);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autobuf stored = BUF_INIT(1 << 22);
    struct slice in = { data, size };

    countdown = size && data[0] == 'F' ? 7 : 0;
    json_set_alloc_funcs(failing_malloc, free);
    while (in.n) {
        const uint8_t *lf = memchr(in.p, '\n', in.n);
        struct slice l = lf ? slice_head(in, (size_t)(lf - in.p)) : in;

        line(&stored, l);
        in = slice_skip(in, l.n + 1);
    }
    return 0;
}
