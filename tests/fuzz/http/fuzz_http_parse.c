/* tests/fuzz/http/fuzz_http_parse.c - requests, also pipelined, in pieces whose size the first byte gives.
 * However the bytes are cut, the outcome must be the same: that is what smuggling would break first. */
#include "http/parse.h"

#include <stdlib.h>

struct outcome {
    unsigned complete;
    err_t last;
    int status;
    uint32_t sum; /* over what was understood */
};

static uint32_t mix(uint32_t sum, struct slice s)
{
    for (size_t i = 0; i < s.n; i++)
        sum = (sum ^ s.p[i]) * 16777619u;
    return (sum ^ (uint32_t)s.n) * 16777619u;
}

static uint32_t mix_request(uint32_t sum, const struct http_parsed *r)
{
    sum = mix(mix(mix(mix(sum, r->method), r->path), r->query), r->body);
    for (size_t i = 0; i < r->header_count; i++) {
        if (!http_header_ok(&r->headers[i]))
            abort(); /* what we hand on could be sent on */
        sum = mix(mix(sum, r->headers[i].name), r->headers[i].value);
    }
    return sum * 3 + r->keep_alive;
}

/* Feed one piece; returns false when the connection would end. */
static bool feed(struct http_parse *p, struct slice part, struct outcome *o)
{
    while (part.n) {
        size_t before = part.n;
        bool head_done = http_parse_head_done(p);
        o->last = http_parse_feed(p, &part);
        if (o->last == ERR_OK) {
            o->complete++;
            o->sum = mix_request(o->sum, http_parse_get(p));
            http_parse_reset(p);
            o->last = ERR_MORE;
        } else if (o->last != ERR_MORE) {
            o->status = http_parse_status(p);
            return false;
        } else if (part.n == before && head_done == http_parse_head_done(p)) {
            abort(); /* no progress: the server would spin */
        }
    }
    return true;
}

static struct outcome run(struct slice in, size_t step)
{
    struct outcome o = { .last = ERR_MORE, .sum = 2166136261u };
    struct http_parse *p = NULL;
    if (http_parse_new(&(struct http_parse_limits){ .max_head = 2048, .max_body = 512 }, &p))
        abort();
    bool on = true;
    while (in.n && on) {
        size_t n = in.n < step ? in.n : step;
        uint8_t *copy = malloc(n); /* exactly n bytes: AddressSanitizer watches the end */
        memcpy(copy, in.p, n);
        on = feed(p, slice_of(copy, n), &o);
        free(copy);
        in = slice_skip(in, n);
    }
    http_parse_free(p);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice in = { data + 1, size - 1 };
    struct outcome whole = run(in, in.n), cut = run(in, (size_t)data[0] % 64 + 1);
    if (whole.complete != cut.complete || whole.last != cut.last || whole.status != cut.status ||
        whole.sum != cut.sum)
        abort();
    return 0;
}
