#include "cloud/serve.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cloud/accounts.h"
#include "cloud/api/control.h"
#include "cloud/background.h"
#include "cloud/datadir.h"
#include "cloud/drain.h"
#include "cloud/gateway/device.h"
#include "cloud/gateway/doors.h"
#include "cloud/gateway/mqtt.h"
#include "cloud/gateway/protocol.h"
#include "cloud/greengrass/document.h"
#include "cloud/pki/pki.h"
#include "cloud/provisioning/tasks.h"
#include "cloud/servercert.h"
#include "cloud/status.h"
#include "net/listener.h"
#include "tls/stream.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define WHY_MAX 1024u
#define HOSTS_TEXT_MAX 65536u

struct cloud {
    const struct options *o;
    struct cloud_env env; /* the default account's */
    struct crypto_ctx *crypto;
    struct pki *pki;
    struct access_keys *keys;
    struct net_loop *loop;
    struct net_signal *term, *intr;
    struct keymaker *keymaker;
    struct accounts *accounts;
    struct device *device;
    struct protocols protocols; /* of the device ports */
    struct control *control;
    struct tls_context *mqtt_tls, *https_tls; /* each port counts its own handshakes */
    struct tls_context *control_tls;          /* only beyond loopback */
    struct servercert *servercert;            /* and what they show */
    struct doors *doors;                      /* of the devices */
    struct net_listener *api, *plain;
    struct report_source report;
    struct status *status;
    struct drain *drain; /* once it is to end */
    char *data;          /* absolute: keys are named by file:// URIs */
    char *host;
    int lock;
};

static void close_doors(struct cloud *c)
{
    struct net_listener **all[] = { &c->api, &c->plain };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        net_listener_free(*all[i]);
        *all[i] = NULL;
    }
    if (c->doors)
        doors_close(c->doors);
}

static size_t still_there(void *ctx)
{
    struct cloud *c = ctx;
    size_t left = 0;

    for (size_t i = 0; i < accounts_count(c->accounts); i++)
        left += broker_drain(gateway_broker(accounts_at(c->accounts, i)->gateway));
    return left;
}

/* The first one lets everybody go in an orderly way, the second one ends at once. */
static void on_signal(void *ctx)
{
    struct cloud *c = ctx;

    log_info(c->drain ? "stopping at once" : "stopping");
    close_doors(c);
    if (c->drain || drain_new(c->loop, still_there, c, &c->drain))
        net_loop_stop(c->loop);
}

/* ---- state ---- */

static err_t open_keys(struct cloud *c, size_t i)
{
    const char *id = c->o->accounts[i];
    autofree char *path = i ? mem_printf("%s/accounts/%s/admin-credentials", c->data, id)
                            : mem_printf("%s/admin-credentials", c->data);
    char why[WHY_MAX] = "";
    bool made;
    err_t e = path ? access_keys_load(c->keys, path, id, &made, why, sizeof(why)) : ERR_NOMEM;

    if (e)
        log_error("%s", why[0] ? why : err_str(e));
    else if (made)
        log_info("wrote the access key of the administrator of account %s to %s", id, path);
    return e;
}

static err_t open_all_keys(struct cloud *c)
{
    autofree char *dir = mem_printf("%s/keys", c->data);
    err_t e = dir ? ERR_OK : ERR_NOMEM;

    for (size_t i = 0; i < c->o->n_accounts && !e; i++)
        e = open_keys(c, i);
    return e ? e : access_keys_watch(c->keys, dir, c->o->accounts[0]);
}

static err_t open_sessions(struct cloud *c)
{
    char why[WHY_MAX] = "";
    err_t e = access_keys_new(c->crypto, &c->keys);

    if (!e)
        e = access_keys_sessions(c->keys, c->data, c->o->accounts[0], why, sizeof(why));
    if (e)
        log_error("%s", why[0] ? why : err_str(e));
    return e;
}

static err_t open_pki(struct cloud *c)
{
    autofree char *dir = mem_printf("%s/pki", c->data);
    struct crypto_error why = { .text = "" };
    autobuf hosts = BUF_INIT(HOSTS_TEXT_MAX);
    err_t e = dir ? accounts_hosts(c->o, &hosts) : ERR_NOMEM;

    if (e == ERR_INVALID)
        (void)crypto_fail(&why, e,
                          "--host %s: with several accounts the first must be a name, which clients give in "
                          "their TLS handshake",
                          c->o->host);
    if (!e)
        e = pki_open(c->crypto, &(struct pki_opts){ dir, buf_str(&hosts), c->o->ca_key, c->o->signing_key },
                     clock_wall_ms(), &c->pki, &why);
    if (e)
        log_error("%s", why.text[0] ? why.text : err_str(e));
    return e;
}

static err_t open_state(struct cloud *c)
{
    char why[WHY_MAX] = "";
    err_t e = datadir_open(c->o->data, &c->lock, why, sizeof(why));

    if (e) {
        log_error("%s", why[0] ? why : err_str(e));
        return e;
    }
    if (!(c->data = realpath(c->o->data, NULL)))
        return ERR_NOMEM;
    if (!(c->host = mem_str(slice_of(c->o->host, strcspn(c->o->host, ",")))))
        return ERR_NOMEM;
    if ((e = crypto_ctx_new(NULL, &c->crypto)) || (e = open_pki(c)) || (e = open_sessions(c)))
        return e;
    c->env = (struct cloud_env){ .crypto = c->crypto,
                                 .pki = c->pki,
                                 .account = c->o->accounts[0],
                                 .session_key = access_keys_session_key(c->keys),
                                 .accounts = c->o->accounts,
                                 .n_accounts = c->o->n_accounts,
                                 .region = c->o->region,
                                 .host = c->host,
                                 .standard = strcmp(c->o->profile, "standard") == 0,
                                 .limits = c->o->limits };
    return ERR_OK;
}

/* ---- parts ---- */

/* port: NULL for the control port, else the name of a device port. */
static err_t new_tls(struct cloud *c, const char *port, struct tls_context **ret)
{
    struct tls_server_opts opts = { .cert = pki_server_cert(c->pki),
                                    .key = pki_server_key(c->pki),
                                    .client_cert = port ? TLS_CLIENT_CERT_REQUIRE : TLS_CLIENT_CERT_NONE,
                                    .resume = c->o->resumption ? port : NULL,
                                    .alpn = protocol_alpn,
                                    .alpn_count = port ? PROTOCOL_COUNT : 0 };
    struct crypto_error why = { .text = "" };
    err_t e = tls_server_context_new(&opts, ret, &why);

    if (e)
        log_error("TLS cannot be set up: %s", why.text[0] ? why.text : err_str(e));
    return e ? e : servercert_add(c->servercert, *ret);
}

static err_t make_accounts(struct cloud *c)
{
    struct accounts_opts opts = {
        .o = c->o, .env = c->env, .data = c->data, .loop = c->loop, .keymaker = c->keymaker
    };
    char why[ACCOUNT_WHY_MAX] = "";
    err_t e = accounts_new(&opts, &c->accounts, why);

    if (e)
        log_error("%s", why[0] ? why : err_str(e));
    return e;
}

static err_t make_parts(struct cloud *c)
{
    err_t e;

    if ((e = servercert_new(c->loop, c->pki, &c->report.cert_not_after_ms, &c->servercert)) ||
        (e = keymaker_new(c->loop, &c->keymaker)) || (e = make_accounts(c)) || (e = open_all_keys(c)))
        return e;
    struct control_opts control = { c->accounts, c->keys, c->loop, c->o->insecure_dev, &c->report };
    if ((e = device_new(c->accounts, c->loop, &c->device)) || (e = control_new(&control, &c->control)) ||
        (e = doors_new(c->loop, c->o->threads, &c->doors)))
        return e;
    c->protocols = (struct protocols){ c->accounts, c->device };
    e = new_tls(c, "mqtt", &c->mqtt_tls);
    return e ? e : new_tls(c, "https", &c->https_tls);
}

/* ---- listeners ---- */

static struct net_stream *with_tls(struct tls_context *tls, struct net_stream *s)
{
    struct net_stream *ret = NULL;
    err_t e = tls_server_stream_new(tls, s, &ret);

    if (e) {
        log_warn("connection from %s not taken: %s", net_stream_peer(s), err_str(e));
        net_stream_free(s);
    }
    return ret;
}

static void accept_plain(void *ctx, struct net_stream *s)
{
    struct cloud *c = ctx;

    gateway_adopt_plain(accounts_at(c->accounts, 0)->gateway, s);
}

static void accept_api(void *ctx, struct net_stream *s)
{
    struct cloud *c = ctx;

    if (!c->control_tls || (s = with_tls(c->control_tls, s)))
        control_adopt(c->control, s);
}

static void say_not_listening(const char *flag, const char *addr, err_t e)
{
    if (e == ERR_BUSY)
        log_error(
            "cannot listen on %s: the port is in use; stop the program that has it, or give another with %s",
            addr, flag);
    else if (e)
        log_error("cannot listen on %s (%s): %s", addr, flag, err_str(e));
}

static err_t listen_on(struct cloud *c, const char *flag, const char *addr, net_accept_fn fn,
                       struct net_listener **ret)
{
    struct net_listen_opts opts = { .max_open = 65536 };
    err_t e = net_listen_tcp(c->loop, addr, &opts, fn, c, ret);

    say_not_listening(flag, addr, e);
    return e;
}

static err_t open_doors(struct cloud *c, bool *loopback)
{
    struct door mqtt = { "mqtt", c->o->mqtt, c->mqtt_tls, protocol_on_mqtt_port, &c->protocols };
    struct door https = { "https", c->o->https, c->https_tls, protocol_on_https_port, &c->protocols };
    err_t e = doors_open(c->doors, &mqtt);

    say_not_listening("--mqtt", mqtt.address, e);
    if (!e) {
        e = doors_open(c->doors, &https);
        say_not_listening("--https", https.address, e);
    }
    c->env.mqtt_port = mqtt.port;
    c->env.https_port = https.port;
    *loopback = mqtt.loopback && https.loopback;
    return e;
}

static err_t check_loopback(const struct cloud *c, bool doors)
{
    const struct net_listener *all[] = { c->api, c->plain };
    bool loopback = doors;

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        loopback = loopback && (!all[i] || net_listener_is_loopback(all[i]));
    if (loopback || !(c->o->insecure_dev || c->plain))
        return ERR_OK;
    log_error("%s: every listener must be on loopback", c->o->insecure_dev
                                                            ? "--insecure-dev believes any access key"
                                                            : "--plain-mqtt lets in whoever can reach it");
    return ERR_DENIED;
}

static err_t listen_all(struct cloud *c)
{
    const char *plain = c->o->plain_mqtt;
    bool loopback = false;
    err_t e;

    if ((e = open_doors(c, &loopback)) || (e = listen_on(c, "--api", c->o->api, accept_api, &c->api)) ||
        (plain && (e = listen_on(c, "--plain-mqtt", plain, accept_plain, &c->plain))) ||
        (e = check_loopback(c, loopback)))
        return e;
    c->env.plain_port = c->plain ? net_listener_port(c->plain) : 0;
    accounts_set_ports(c->accounts, c->env.mqtt_port, c->env.https_port, c->env.plain_port);
    if (!net_listener_is_loopback(c->api) && (e = new_tls(c, NULL, &c->control_tls)))
        return e;
    return doors_start(c->doors);
}

/* Scripts read the line that begins with "ready"; endpoints.json says the same. */
static err_t announce(struct cloud *c)
{
    const char *scheme = c->control_tls ? "https" : "http";
    const char *host = c->control_tls ? c->env.host : "127.0.0.1";
    autofree char *url = mem_printf("%s://%s:%u", scheme, host, net_listener_port(c->api));
    err_t e = url ? datadir_write_endpoints(c->data, &c->env, url) : ERR_NOMEM;

    accounts_set_api(c->accounts, net_listener_port(c->api), c->control_tls != NULL);
    if (e) {
        log_error("cannot write %s/endpoints.json: %s", c->data, err_str(e));
        return e;
    }
    log_info("device CA %s/pki/ca.cert.pem SHA-256 %s", c->data, pki_root_sha256(c->pki));
    printf("ready api=%s mqtt=%s:%u https=%s:%u credentials=%s/admin-credentials ca-sha256=%s", url,
           c->env.host, c->env.mqtt_port, c->env.host, c->env.https_port, c->data, pki_root_sha256(c->pki));
    if (c->plain)
        printf(" plain-mqtt=localhost:%u", c->env.plain_port);
    printf("\n");
    return fflush(stdout) == 0 ? ERR_OK : ERR_IO;
}

/* One descriptor a connection: a service's usual soft limit of 1024 is used up by as many strangers. */
static void raise_descriptor_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == r.rlim_max)
        return;
    r.rlim_cur = r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r) != 0)
        log_warn("the limit of open files cannot be raised: %s", strerror(errno));
}

static err_t open_report(struct cloud *c)
{
    err_t e;

    c->report.accounts = c->accounts;
    c->report.threads = doors_threads(c->doors);
    if ((e = status_new(c->loop, c->data, &c->report, &c->status)))
        log_warn("%s/status.sock: %s: sedge-cloud status will not work; the path of a socket has at most 107 "
                 "bytes",
                 c->data, err_str(e));
    return ERR_OK;
}

static err_t start(struct cloud *c)
{
    err_t e;

    raise_descriptor_limit();
    c->report.started_ms = clock_mono_ms();
    if ((e = open_state(c)) || (e = net_loop_new(&c->loop)) ||
        (e = net_signal_new(c->loop, SIGTERM, on_signal, c, &c->term)) ||
        (e = net_signal_new(c->loop, SIGINT, on_signal, c, &c->intr)) || (e = make_parts(c)) ||
        (e = listen_all(c)) || (e = open_report(c)) || (e = announce(c)))
        return e;
    for (size_t i = 0; i < accounts_count(c->accounts); i++) {
        background_resume(accounts_at(c->accounts, i)->background);
        tasks_wake(accounts_at(c->accounts, i)->tasks);
    }
    return ERR_OK;
}

/* Doors first, then the database: what it has finished comes back to the loop and finds everybody at home.
 * Connections are served in these turns as well (their requests are refused: the store takes no more), so
 * what their handlers call is freed after them. */
static void stop(struct cloud *c)
{
    close_doors(c);
    drain_free(c->drain);
    while (c->doors && !doors_closed(c->doors) && !net_loop_turn(c->loop, -1))
        ;
    accounts_stop(c->accounts);
    while (!accounts_are_idle(c->accounts) && !net_loop_turn(c->loop, 0))
        ;
    status_free(c->status);
    control_free(c->control);
    device_free(c->device);
    keymaker_free(c->keymaker);
    accounts_free(c->accounts);
    doors_free(c->doors);
    servercert_free(c->servercert);
    tls_context_free(c->mqtt_tls);
    tls_context_free(c->https_tls);
    tls_context_free(c->control_tls);
    net_signal_free(c->term);
    net_signal_free(c->intr);
    net_loop_free(c->loop);
    access_keys_free(c->keys);
    pki_free(c->pki);
    crypto_ctx_free(c->crypto);
    free(c->host);
    free(c->data);
    mem_close_fd(&c->lock);
}

int serve(const struct options *o)
{
    struct cloud c = { .o = o, .lock = -1 };
    err_t e = start(&c);

    if (!e && (e = net_loop_run(c.loop)))
        log_error("the event loop failed: %s", err_str(e));
    stop(&c);
    return e ? 1 : 0;
}
