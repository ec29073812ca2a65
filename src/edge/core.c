/* src/edge/core.c - the core process: connects to the cloud and deploys. Started by daemon.c. */
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/random.h"
#include "edge/backoff.h"
#include "edge/deploy/agent.h"
#include "edge/elog.h"
#include "edge/exit.h"
#include "edge/identity.h"
#include "edge/layout.h"
#include "edge/link/link.h"
#include "edge/link/refusal.h"
#include "edge/runtime.h"
#include "edge/status.h"
#include "edge/version.h"
#include "tls/signer.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define VERDICT_MS 10000 /* greengrassd waits this long to tell how the first connection went */

struct core {
    const char *root, *package_dir;
    int status_fd, runner_fd;
    struct config *config;
    struct crypto_ctx *crypto;
    struct identity id;
    struct net_loop *loop;
    struct net_signal *on_term, *on_int;
    struct net_timer *verdict_timer;
    struct tls_signer *signer;
    struct tls_context *tls;
    struct http_client *http;
    struct store *store;
    struct runtime *runtime;
    struct agent *agent;
    struct link *link;
    struct refusal_ask refusal;
    bool asking; /* the cloud, why it closed the connection */
    bool told;   /* greengrassd has its answer */
    bool failed; /* ends to be started again */
};

/* ---- telling ---- */

static void tell(struct core *c, enum status_kind kind, const char *text)
{
    if (c->told)
        return;
    status_tell(c->status_fd, kind, text);
    if (kind == STATUS_NOTE)
        return;
    c->told = true;
    mem_close_fd(&c->status_fd);
    c->status_fd = -1;
}

/* A mistake that trying again would not cure: in runtime.log and on the terminal. */
static int fatal(struct core *c, const struct problem *why)
{
    elogf(ELOG_FATAL, "Greengrass daemon cannot start: %s", why->text);
    tell(c, STATUS_FATAL, why->text);
    return EXIT_CODE_CONFIG;
}

static void banner(const struct core *c)
{
    elogf(ELOG_INFO, "===========================================");
    elogf(ELOG_INFO, "Greengrass Version: " EDGE_GGC_VERSION);
    elogf(ELOG_INFO, "Sedge Version: " SEDGE_VERSION);
    elogf(ELOG_INFO, "Greengrass Root: %s", c->root);
    elogf(ELOG_INFO, "Greengrass Write Directory: %s", c->config->write_dir);
    elogf(ELOG_INFO, "Group File Directory: %s/deployment/group", c->config->write_dir);
    elog(ELOG_INFO, "The core keeps the user and group it was started with.", ELOG_N("uid", geteuid()),
         ELOG_N("gid", getegid()));
    for (size_t i = 0; i < c->config->warning_count; i++)
        elogf(ELOG_WARN, "%s", c->config->warnings[i]);
}

/* ---- identity: the one part that may have to wait for hardware ---- */

static void describe_identity(const struct core *c)
{
    elog(ELOG_INFO, "The current core is using the AWS IoT certificates with fingerprint.",
         ELOG_S("fingerprint", c->id.fingerprint));
    if (!c->id.mqtt_key)
        elogf(ELOG_WARN, "[5]GK Remote: Error retrieving public key data: ErrPrincipalNotConfigured: private "
                         "key for MqttCertificate is not set.");
    if (!crypto_key_is_rsa(c->id.secret_key))
        elogf(ELOG_WARN,
              "Secret resources need an RSA key and crypto.principals.SecretsManager%s is an EC key: the "
              "core connects and deploys, but a group with secrets will be refused. To use secrets make an "
              "RSA key of 2048 bits or more in the same slot and name it in "
              "crypto.principals.SecretsManager.privateKeyPath.",
              c->config->secret_key.kind == KEYREF_NONE ? " (by default the IoTCertificate key)" : "");
}

/* True when SIGTERM or SIGINT came meanwhile. They are blocked here. */
static bool wait_or_signal(int64_t ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    return sigtimedwait(&set, NULL, &t) > 0;
}

/* ERR_CANCELLED: told to end. Other errors are final. */
static err_t wait_for_identity(struct core *c, struct problem *why)
{
    struct backoff b = backoff_of(1000, c->config->max_retry_interval_s * 1000);
    err_t e;

    for (;;) {
        uint32_t random = 0;
        int64_t wait;
        e = identity_load(c->crypto, c->config, clock_wall_ms(), &c->id, why);
        if (e != ERR_UNAVAILABLE)
            return e;
        (void)crypto_random(c->crypto, &random, sizeof(random)); /* without entropy: no jitter */
        wait = backoff_next(&b, random);
        elog(ELOG_ERROR, "The core's key is not available, trying again.", ELOG_S("errorString", why->text),
             ELOG_N("retryInMs", wait));
        tell(c, STATUS_PARTIAL, why->text);
        if (wait_or_signal(wait))
            return ERR_CANCELLED;
    }
}

/* ---- the parts ---- */

static void on_ready(void *ctx)
{
    struct core *c = ctx;

    tell(c, STATUS_READY, "");
    agent_on_ready(c->agent);
}

static void on_message(void *ctx, struct slice topic, struct slice payload)
{
    agent_on_message(((struct core *)ctx)->agent, topic, payload);
}

static void tell_not_connected(struct core *c, const char *why)
{
    autofree char *note = mem_printf("Not connected to the cloud yet, the daemon keeps trying: %s", why);

    tell(c, STATUS_NOTE, note ? note : why);
    tell(c, STATUS_READY, "");
}

static void on_refusal_said(void *ctx, const char *message)
{
    struct core *c = ctx;

    c->asking = false;
    if (message)
        elog(ELOG_ERROR, "The cloud says why it refuses the connection.", ELOG_S("errorString", message));
    tell_not_connected(c, message ? message : "the cloud gives no reason, see above");
}

/* A close without a word: the reason can be asked for over HTTPS. */
static void ask_for_reason(struct core *c)
{
    c->refusal = (struct refusal_ask){ c->loop, c->http, c->config, on_refusal_said, c };
    c->asking = refusal_ask(&c->refusal) == ERR_OK;
}

static void on_down(void *ctx, enum link_state at, err_t e, const char *why)
{
    struct core *c = ctx;

    (void)e;
    if (at == LINK_CONNACK && !c->asking)
        ask_for_reason(c);
    if (c->asking)
        tell(c, STATUS_NOTE, why); /* the rest follows with the answer */
    else
        tell_not_connected(c, why);
}

static const struct link_handler link_events = { .on_ready = on_ready,
                                                 .on_message = on_message,
                                                 .on_down = on_down };

static err_t publish(void *ctx, const char *topic, struct slice payload)
{
    return link_publish(((struct core *)ctx)->link, topic, payload, NULL);
}

static void on_functions_stopped(void *ctx)
{
    struct core *c = ctx;

    link_stop(c->link);
    net_loop_stop(c->loop);
}

/* Functions first: their last messages may still go out. */
static void on_stop(void *ctx)
{
    struct core *c = ctx;

    elogf(ELOG_INFO, "Greengrass daemon is stopping.");
    agent_end(c->agent);
    runtime_stop(c->runtime, on_functions_stopped, c);
}

static void on_verdict_timer(void *ctx)
{
    struct core *c = ctx;

    tell(c, STATUS_NOTE, "Not connected to the cloud yet, the first attempt is still under way.");
    tell(c, STATUS_READY, "");
}

static err_t make_loop(struct core *c, struct problem *why)
{
    err_t e = net_loop_new(&c->loop);

    e = e ? e : net_signal_new(c->loop, SIGTERM, on_stop, c, &c->on_term);
    e = e ? e : net_signal_new(c->loop, SIGINT, on_stop, c, &c->on_int);
    e = e ? e : net_timer_new(c->loop, on_verdict_timer, c, &c->verdict_timer);
    return e ? problem_set(why, e, "cannot make the event loop: %s", err_str(e)) : ERR_OK;
}

static err_t make_tls(struct core *c, struct problem *why)
{
    X509 *chain[16];
    struct tls_client_opts o = { .ca_file = c->config->ca_file,
                                 .cert = identity_cert(&c->id),
                                 .chain = chain,
                                 .key = c->id.key,
                                 .alpn = c->config->iot_mqtt_port == 443 ? "x-amzn-mqtt-ca" : NULL,
                                 .sigalgs = identity_sigalgs(&c->id) };
    struct crypto_error ce = { 0 };
    err_t e = crypto_key_token(c->id.key) ? tls_signer_new(0, &c->signer) : ERR_OK;

    o.signer = c->signer;
    o.no_tls13 = o.sigalgs != NULL;
    for (int i = 1; i < sk_X509_num(c->id.certs) && o.chain_count < ARRAY_LEN(chain); i++)
        chain[o.chain_count++] = sk_X509_value(c->id.certs, i);
    e = e ? e : tls_client_context_new(&o, &c->tls, &ce);
    return e ? problem_set(why, e, "cannot prepare TLS: %s", ce.text) : ERR_OK;
}

static err_t make_http(struct core *c, struct problem *why)
{
    struct http_client_opts o = { .ca_file = c->config->ca_file,
                                  .cert_file = c->config->cert_file,
                                  .key = c->id.key,
                                  .sigalgs = identity_sigalgs(&c->id),
                                  .user_agent = "greengrass/" EDGE_GGC_VERSION " sedge/" SEDGE_VERSION };
    struct crypto_error ce = { 0 };
    err_t e;

    o.no_tls13 = o.sigalgs != NULL;
    e = http_client_new(&o, &c->http, &ce);
    return e ? problem_set(why, e, "cannot prepare HTTPS: %s", ce.text) : ERR_OK;
}

static err_t make_agent(struct core *c, struct problem *why)
{
    struct agent_opts o = { .loop = c->loop,
                            .crypto = c->crypto,
                            .http = c->http,
                            .config = c->config,
                            .roots = c->id.roots,
                            .store = c->store,
                            .runtime = c->runtime,
                            .publish = publish,
                            .publish_ctx = c };

    return agent_new(&o, &c->agent, why);
}

static err_t make_link(struct core *c, struct problem *why)
{
    char *topics[GDA_TOPICS] = { NULL };
    struct link_opts o = { .loop = c->loop,
                           .crypto = c->crypto,
                           .tls = c->tls,
                           .role = LINK_DEPLOYMENTS,
                           .topics = (const char *const *)topics,
                           .topic_count = GDA_TOPICS,
                           .qos = 1,
                           .host = c->config->iot_host,
                           .port = (uint16_t)c->config->iot_mqtt_port,
                           .client_id = c->config->client_id,
                           .thing_name = c->config->thing_name,
                           .keep_alive_s = c->config->keep_alive_s,
                           .operation_timeout_s = c->config->mqtt_operation_timeout_s,
                           .max_retry_s = c->config->max_retry_interval_s,
                           .handler = &link_events,
                           .ctx = c };
    err_t e = gda_topics(c->config->thing_name, topics);

    e = e ? e : link_new(&o, &c->link);
    gda_topics_free(topics);
    return e ? problem_set(why, e, "out of memory") : ERR_OK;
}

static err_t open_store(struct core *c, struct problem *why)
{
    return store_open(c->config->write_dir, &c->store, why);
}

static void on_runner_lost(void *ctx)
{
    struct core *c = ctx;

    elogf(ELOG_ERROR, "The runner of the functions is gone; both are started again.");
    c->failed = true;
    net_loop_stop(c->loop);
}

static err_t make_runtime(struct core *c, struct problem *why)
{
    struct runtime_opts o = { .loop = c->loop,
                              .crypto = c->crypto,
                              .config = c->config,
                              .tls = c->tls,
                              .package_dir = c->package_dir,
                              .runner_fd = steal_fd(&c->runner_fd),
                              .on_lost = on_runner_lost,
                              .ctx = c };

    return runtime_new(&o, &c->runtime, why);
}

static err_t (*const parts[])(struct core *, struct problem *) = {
    make_loop, make_tls, make_http, open_store, make_runtime, make_agent, make_link,
};

static err_t build(struct core *c, struct problem *why)
{
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        err_t e = parts[i](c, why);
        if (e)
            return e;
    }
    return ERR_OK;
}

/* Threads first, then what they post to. What was posted before comes in the loop's last turn, when neither
 * the link nor the HTTP client is there any more. */
static void take_apart(struct core *c)
{
    agent_end(c->agent);
    link_free(c->link);
    runtime_free(c->runtime);
    http_client_free(c->http);
    tls_signer_free(c->signer);
    tls_context_free(c->tls);
    net_signal_free(c->on_term);
    net_signal_free(c->on_int);
    net_timer_free(c->verdict_timer);
    if (c->loop)
        (void)net_loop_turn(c->loop, 0); /* answers that were cancelled reach the agent */
    agent_free(c->agent);
    net_loop_free(c->loop);
    store_close(c->store);
    identity_done(&c->id);
    crypto_ctx_free(c->crypto);
    config_free(c->config);
    elog_close();
}

/* ---- main ---- */

static void mask_stop_signals(int how)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(how, &set, NULL);
}

static int run(struct core *c)
{
    struct problem why = { "" };
    err_t e = wait_for_identity(c, &why);

    if (e == ERR_CANCELLED)
        return 0;
    if (!e) {
        describe_identity(c);
        e = build(c, &why);
    }
    if (e)
        return fatal(c, &why);
    mask_stop_signals(SIG_UNBLOCK);
    net_timer_set(c->verdict_timer, VERDICT_MS);
    link_start(c->link);
    return net_loop_run(c->loop) || c->failed ? EXIT_CODE_CRASH : 0;
}

static int start(struct core *c)
{
    struct problem why;

    if (config_load(c->root, &c->config, &why) || layout_check_socket(c->config, &why))
        return fatal(c, &why);
    if (elog_open(c->config->write_dir)) {
        (void)problem_set(
            &why, ERR_IO,
            "cannot write the log %s/var/log/system/runtime.log: check the folder's owner and the disk",
            c->config->write_dir);
        return fatal(c, &why);
    }
    banner(c);
    if (crypto_ctx_new(NULL, &c->crypto)) {
        (void)problem_set(&why, ERR_CRYPTO, "OpenSSL cannot be set up");
        return fatal(c, &why);
    }
    return run(c);
}

static bool parse_options(struct core *c, int argc, char **argv)
{
    static const struct option options[] = {
        { "daemonRoot", required_argument, NULL, 'r' }, { "core-dir", required_argument, NULL, 'd' },
        { "daemonPid", required_argument, NULL, 'p' },  { "status-fd", required_argument, NULL, 's' },
        { "runner-fd", required_argument, NULL, 'f' },  { 0 }
    };
    int o;

    while ((o = getopt_long_only(argc, argv, "", options, NULL)) != -1) {
        if (o == 'r')
            c->root = optarg;
        else if (o == 's')
            c->status_fd = atoi(optarg);
        else if (o == 'f')
            c->runner_fd = atoi(optarg);
        else if (o == 'd')
            c->package_dir = optarg;
        else if (o == '?')
            return false;
    }
    return c->root != NULL;
}

int main(int argc, char **argv)
{
    struct core c = { .status_fd = -1, .runner_fd = -1 };
    int code;

    if (crypto_process_init(false) || !parse_options(&c, argc, argv)) {
        (void)fprintf(stderr, "this program is started by greengrassd\n");
        return EXIT_CODE_CONFIG;
    }
    mask_stop_signals(SIG_BLOCK);
    (void)signal(SIGPIPE, SIG_IGN);
    code = start(&c);
    take_apart(&c);
    return code;
}
