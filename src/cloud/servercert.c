#include "cloud/servercert.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/cert.h"

#include <signal.h>

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

struct servercert {
    struct pki *pki;
    int64_t *not_after_ms;
    struct net_signal *hup;
    struct net_timer *daily;
    struct tls_context *use[SERVERCERT_CONTEXTS_MAX];
    size_t n;
};

static err_t tell_end(const struct servercert *sc)
{
    int64_t from_ms;

    return crypto_cert_validity(pki_server_cert(sc->pki), &from_ms, sc->not_after_ms);
}

static err_t renew(const struct servercert *sc, struct crypto_error *why)
{
    err_t e = pki_renew_server(sc->pki, clock_wall_ms(), why);

    for (size_t i = 0; i < sc->n && !e; i++)
        e = tls_context_renew(sc->use[i], pki_server_cert(sc->pki), NULL, 0, pki_server_key(sc->pki), why);
    return e ? e : tell_end(sc);
}

static void log_renewed(const struct servercert *sc)
{
    char end[CLOCK_ISO_MAX];

    clock_iso(end, *sc->not_after_ms);
    log_info("server certificate: new connections get the one that ends %s", end);
}

static void on_hup(void *ctx)
{
    const struct servercert *sc = ctx;
    struct crypto_error why = { .text = "" };
    err_t e = renew(sc, &why);

    if (e)
        log_error("server certificate: the old one stays in use: %s", why.text[0] ? why.text : err_str(e));
    else
        log_renewed(sc);
}

static void on_day(void *ctx)
{
    const struct servercert *sc = ctx;

    on_hup(ctx);
    net_timer_set(sc->daily, DAY_MS);
}

err_t servercert_new(struct net_loop *loop, struct pki *pki, int64_t *not_after_ms, struct servercert **ret)
{
    struct servercert *sc = mem_calloc(1, sizeof(*sc));
    err_t e;

    if (!sc)
        return ERR_NOMEM;
    *sc = (struct servercert){ .pki = pki, .not_after_ms = not_after_ms };
    if ((e = tell_end(sc)) || (e = net_timer_new(loop, on_day, sc, &sc->daily)) ||
        (e = net_signal_new(loop, SIGHUP, on_hup, sc, &sc->hup))) {
        servercert_free(sc);
        return e;
    }
    net_timer_set(sc->daily, DAY_MS);
    *ret = sc;
    return ERR_OK;
}

err_t servercert_add(struct servercert *sc, struct tls_context *c)
{
    if (sc->n == SERVERCERT_CONTEXTS_MAX)
        return ERR_TOO_BIG;
    sc->use[sc->n++] = c;
    return ERR_OK;
}

void servercert_free(struct servercert *sc)
{
    if (!sc)
        return;
    net_signal_free(sc->hup);
    net_timer_free(sc->daily);
    free(sc);
}
