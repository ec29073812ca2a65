#include "cloud/gateway/front.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/loglimit.h"
#include "cloud/metrics.h"
#include "net/relay.h"
#include "tls/stream.h"

struct front {
    struct front_opts o;
    struct opening *opening;
    struct loglimit failed_log;
};

/* A handshake under way. */
struct opening {
    struct front *f;
    struct opening *next, **link;
    struct net_stream *s;
};

static struct net_stream *opening_end(struct opening *o)
{
    struct net_stream *s = o->s;

    *o->link = o->next;
    if (o->next)
        o->next->link = o->link;
    free(o);
    return s;
}

/* ---- to the home loop ---- */

struct crossing {
    front_fn fn;
    void *ctx;
    struct tls_identity *id;
};

static void arrived(void *ctx, struct net_stream *near)
{
    autofree struct crossing *c = ctx;

    c->fn(c->ctx, near, c->id);
}

static err_t cross(const struct front *f, struct net_stream *s, struct tls_identity *id)
{
    struct crossing *c = mem_calloc(1, sizeof(*c));
    err_t e;

    if (!c)
        return ERR_NOMEM;
    *c = (struct crossing){ f->o.fn, f->o.ctx, id };
    if ((e = net_relay(s, f->o.home, arrived, c)))
        free(c);
    return e;
}

static err_t hand_over(const struct front *f, struct net_stream *s)
{
    auto_tls_identity *id = NULL;
    err_t e = tls_identity_of(s, &id);

    if (!e && f->o.loop != f->o.home)
        e = cross(f, s, id);
    else if (!e)
        f->o.fn(f->o.ctx, s, id);
    if (!e)
        (void)steal(&id);
    return e;
}

/* ---- the handshake ---- */

static void on_open(void *ctx)
{
    struct opening *o = ctx;
    const struct front *f = o->f;
    struct net_stream *s = opening_end(o);
    err_t e = hand_over(f, s);

    metric_add(METRIC_HANDSHAKE_OK, 1);
    if (!e)
        return;
    log_warn("%s connection not taken: %s", f->o.name, err_str(e));
    net_stream_free(s);
}

/* Nothing is read before the protocol takes over: it shows what has come then. */
static size_t on_read(void *ctx, struct slice in)
{
    (void)ctx;
    (void)in;
    return 0;
}

static enum metric result_of(err_t why)
{
    switch (why) {
    case ERR_AUTH:
        return METRIC_HANDSHAKE_REFUSED;
    case ERR_TIMEOUT:
        return METRIC_HANDSHAKE_TIMEOUT;
    case ERR_BUSY:
        return METRIC_HANDSHAKE_BUSY;
    case ERR_EOF:
    case ERR_IO:
        return METRIC_HANDSHAKE_LOST;
    default:
        return METRIC_HANDSHAKE_PROTOCOL;
    }
}

static void on_close(void *ctx, err_t why)
{
    struct opening *o = ctx;
    struct front *f = o->f;
    struct net_stream *s = opening_end(o);
    char note[LOGLIMIT_NOTE_MAX];

    metric_add(result_of(why), 1);
    if (why != ERR_EOF && loglimit_pass(&f->failed_log, LOGLIMIT_KIND, clock_mono_ms(), note))
        log_info("%s peer=%s: TLS handshake failed: %s%s", f->o.name, net_stream_peer(s), net_stream_why(s),
                 note);
    net_stream_free(s);
}

static const struct net_handler handler = { .on_open = on_open, .on_read = on_read, .on_close = on_close };

void front_adopt(struct front *f, struct net_stream *transport)
{
    struct opening *o = mem_calloc(1, sizeof(*o));
    struct net_stream *s;
    err_t e = o ? tls_server_stream_new(f->o.tls, transport, &s) : ERR_NOMEM;

    if (e) {
        log_warn("%s connection from %s not taken: %s", f->o.name, net_stream_peer(transport), err_str(e));
        net_stream_free(transport);
        free(o);
        return;
    }
    *o = (struct opening){ .f = f, .next = f->opening, .link = &f->opening, .s = s };
    if (o->next)
        o->next->link = &o->next;
    f->opening = o;
    net_stream_set_handler(s, &handler, o);
}

err_t front_new(const struct front_opts *o, struct front **ret)
{
    struct front *f = mem_calloc(1, sizeof(*f));

    if (!f)
        return ERR_NOMEM;
    f->o = *o;
    *ret = f;
    return ERR_OK;
}

void front_free(struct front *f)
{
    if (!f)
        return;
    for (struct opening *o = f->opening, *next; o; o = next) {
        next = o->next;
        net_stream_free(opening_end(o));
    }
    free(f);
}
