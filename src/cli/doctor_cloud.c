/* sedgectl doctor: the cloud's endpoint, as the core will meet it: TLS with the device's certificate. */
#include "cli/doctor.h"
#include "net/stream.h"
#include "tls/stream.h"

#include <string.h>

enum { CONNECT_MS = 10 * 1000, HANDSHAKE_MS = 15 * 1000, VERDICT_MS = 700 };

struct visit {
    struct net_loop *loop;
    struct net_timer *verdict; /* TLS 1.3: the server judges our certificate after we are open */
    bool open, ended;
    err_t why;
};

static void on_open(void *ctx)
{
    struct visit *v = ctx;

    v->open = true;
    net_timer_set(v->verdict, VERDICT_MS);
}

static size_t on_read(void *ctx, struct slice in)
{
    (void)ctx;
    return in.n;
}

static void on_close(void *ctx, err_t why)
{
    struct visit *v = ctx;

    v->ended = true;
    v->why = why;
    net_loop_stop(v->loop);
}

static void on_verdict(void *ctx)
{
    struct visit *v = ctx;

    net_loop_stop(v->loop);
}

static const struct net_handler handler = { .on_open = on_open, .on_read = on_read, .on_close = on_close };

/* Plain TCP first: what answers at all is another finding than what TLS makes of it. */
static void judge(const struct doctor *d, struct doctor_finding *f, const struct visit *v,
                  const struct net_stream *s)
{
    const char *why = net_stream_why(s);

    if (!v->ended)
        doctor_ok(f, "%s:%u: %s with the device's certificate", d->host, d->mqtt_port, tls_stream_version(s));
    else if (v->why == ERR_UNAVAILABLE || (v->why == ERR_TIMEOUT && !v->open))
        doctor_fail(f, "check iotHost and iotMqttPort of config.json, the network and the firewall",
                    "the endpoint %s:%u cannot be reached: %s", d->host, d->mqtt_port, why);
    else if (v->why == ERR_AUTH && !v->open)
        doctor_fail(f, "caPath must be the CA of this endpoint, and the endpoint must know this certificate",
                    "TLS with %s:%u failed: %s", d->host, d->mqtt_port, why);
    else if (v->why == ERR_AUTH || v->why == ERR_EOF)
        doctor_fail(f, "register the certificate, activate it and attach a policy",
                    "%s:%u refused the device's certificate: %s", d->host, d->mqtt_port, why);
    else
        doctor_fail(f, "is this a TLS endpoint that asks for certificates?", "TLS with %s:%u failed: %s",
                    d->host, d->mqtt_port, why);
}

static err_t visit_endpoint(struct doctor *d, struct doctor_finding *f, struct tls_context *tls)
{
    struct visit v = { 0 };
    struct net_stream *s = NULL;
    err_t e = net_loop_new(&v.loop);

    if (e)
        return e;
    e = net_timer_new(v.loop, on_verdict, &v, &v.verdict);
    if (!e)
        e = tls_connect(v.loop, tls, d->host, (uint16_t)d->mqtt_port, CONNECT_MS, &s);
    if (!e) {
        net_stream_set_handler(s, &handler, &v);
        e = net_loop_run(v.loop);
    }
    if (!e)
        judge(d, f, &v, s);
    net_stream_free(s);
    net_timer_free(v.verdict);
    net_loop_free(v.loop);
    return e;
}

static void look(struct doctor *d, struct doctor_finding *f)
{
    struct tls_client_opts opts = {
        .ca_file = d->ca_path, .cert = d->certificate, .key = d->private_key, .handshake_ms = HANDSHAKE_MS
    };
    struct crypto_error why = { .text = "" };
    struct tls_context *tls = NULL;
    err_t e = tls_client_context_new(&opts, &tls, &why);

    if (e) {
        doctor_fail(f, "correct caPath, and see the findings about key and certificate", "%s: %s", d->ca_path,
                    why.text);
        return;
    }
    e = visit_endpoint(d, f, tls);
    if (e)
        doctor_fail(f, "try again", "no connection can be made: %s", err_str(e));
    tls_context_free(tls);
}

void doctor_cloud(struct doctor *d, struct doctor_finding *f)
{
    if (!d->host)
        doctor_skip(f, "no endpoint is named (coreThing.iotHost of config.json)");
    else if (!d->ca_path)
        doctor_fail(f, "add caPath to config.json", "config.json names the endpoint %s but no CA", d->host);
    else if (!d->private_key || !d->certificate)
        doctor_skip(f, "no key and certificate to show to %s", d->host);
    else
        look(d, f);
}
