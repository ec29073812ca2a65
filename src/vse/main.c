/* sedge-chip - a virtual SE050 on a Unix socket, its memory in one file. For development: it protects
 * nothing, whoever reads the state file has the keys. */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "vse/applet.h"
#include "vse/chip.h"
#include "vse/dump.h"
#include "vse/faults.h"
#include "vse/options.h"
#include "vse/power.h"
#include "vse/provision.h"
#include "vse/scp_keys.h"
#include "vse/server.h"
#include "vse/store.h"
#include "vse/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, FAULTS_MAX = 1024 * 1024 };

/* ---- words for failures ---- */

static const char *state_advice(err_t e)
{
    switch (e) {
    case ERR_BUSY:
        return "another sedge-chip is using it; stop that one or name another file";
    case ERR_CORRUPT:
        return "it is damaged or not a chip's state; it was left as it is: restore a copy or name another "
               "file";
    case ERR_UNSUPPORTED:
        return "it was written by another version of sedge-chip";
    case ERR_DENIED:
        return "it must belong to you and be closed to others (chmod 600)";
    case ERR_NOT_FOUND:
        return "no such file or folder";
    case ERR_NO_SPACE:
        return "the disk is full";
    default:
        return err_str(e);
    }
}

static const char *socket_advice(err_t e)
{
    switch (e) {
    case ERR_EXISTS:
        return "something is there already: another sedge-chip, or a file that is not a socket";
    case ERR_DENIED:
        return "its folder may be changed by anybody (chmod o-w), or not by you";
    case ERR_TOO_BIG:
        return "the path is longer than the 107 bytes a socket may have";
    case ERR_NOT_FOUND:
        return "no such folder";
    default:
        return err_str(e);
    }
}

static const char *tcp_advice(err_t e)
{
    switch (e) {
    case ERR_INVALID:
        return "it wants HOST:PORT, in numbers";
    case ERR_DENIED:
        return "the host must be a loopback address (127.0.0.1): whoever reaches the port has the bus";
    case ERR_EXISTS:
        return "the port is taken";
    default:
        return err_str(e);
    }
}

static int usage_error(const char *what)
{
    fprintf(stderr, "sedge-chip: %s; see sedge-chip --help\n", what);
    return EXIT_USAGE;
}

/* ---- serve ---- */

static int stop_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static err_t load_entry(void *ctx, uint8_t kind, uint32_t id, struct slice value)
{
    return vse_applet_load(ctx, kind, id, value);
}

static int open_counters(const char *path)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644) : -1;

    if (path && fd < 0)
        log_warn("cannot write the counters to %s (%s): going on without", path, strerror(errno));
    return fd;
}

/* What serving holds besides applet and state. */
struct service {
    const struct vse_options *o;
    struct vse_trace *trace;
    struct vse_faults *faults;
    int listen_fds[VSE_SERVER_LISTENERS];
};

static err_t open_faults(const char *path, struct vse_faults **ret)
{
    autobuf script = BUF_INIT(FAULTS_MAX);
    unsigned line = 0;
    err_t e = file_read(path, &script);

    if (e) {
        log_error("cannot read the faults in %s: %s", path, err_str(e));
        return e;
    }
    e = vse_faults_parse(buf_slice(&script), ret, &line);
    if (e)
        log_error("%s:%u: not understood: a line is \"at UNIT N FAULT [ARGUMENT]\", see sedge-chip(1)", path,
                  line);
    return e;
}

static err_t open_tcp(const char *where, int *ret_fd)
{
    uint16_t port;
    err_t e = vse_server_listen_tcp(where, ret_fd, &port);

    if (e)
        log_error("cannot listen on %s: %s", where, tcp_advice(e));
    else
        log_info("the bus is also at %.*s:%u", (int)(strrchr(where, ':') - where), where, port);
    return e;
}

static err_t open_service(struct service *s)
{
    const struct vse_options *o = s->o;
    err_t e = o->faults ? open_faults(o->faults, &s->faults) : ERR_OK;

    if (!e && o->trace) {
        e = vse_trace_open(o->trace, &s->trace);
        if (e)
            log_error("cannot write the trace to %s: %s", o->trace, err_str(e));
    }
    return e;
}

static err_t listen_for_hosts(struct service *s)
{
    const struct vse_options *o = s->o;
    err_t e = o->tcp ? open_tcp(o->tcp, &s->listen_fds[1]) : ERR_OK;

    if (!e) {
        e = vse_server_listen(o->socket, &s->listen_fds[0]); /* last: it leaves something to unlink */
        if (e)
            log_error("cannot make the socket %s: %s", o->socket, socket_advice(e));
    }
    return e;
}

static void close_service(struct service *s)
{
    if (s->listen_fds[0] >= 0)
        (void)unlink(s->o->socket); /* the next start replaces it anyway */
    for (size_t i = 0; i < VSE_SERVER_LISTENERS; i++)
        mem_close_fd(&s->listen_fds[i]);
    vse_trace_close(s->trace);
    vse_faults_free(s->faults);
}

/* The chip first, the socket then: who finds the socket finds the counters, too. */
static err_t run_chip(struct service *s, struct vse_applet *applet, int stop_fd)
{
    autoclose int counters = open_counters(s->o->counters);
    struct vse_chip_options how = { .private_op_ms = s->o->sign_ms,
                                    .counters_fd = counters,
                                    .bus_khz = s->o->bus_khz,
                                    .realtime = s->o->realtime,
                                    .trace = s->trace };
    struct vse_bus bus = { .faults = s->faults };
    err_t e = vse_chip_new(applet, &how, &bus.chip);

    if (e) {
        log_error("the chip cannot be started: %s", err_str(e));
        return e;
    }
    e = listen_for_hosts(s);
    if (!e) {
        log_info("virtual SE050 at address 0x48 of the bus at %s, state in %s", s->o->socket, s->o->state);
        e = vse_server_run(s->listen_fds, stop_fd, &bus);
        if (e)
            log_error("the bus at %s failed: %s", s->o->socket, err_str(e));
    }
    vse_chip_free(bus.chip);
    return e;
}

static const char *keys_advice(err_t e)
{
    switch (e) {
    case ERR_NOT_FOUND:
        return "it is neither a published set (devkit, A1F4, A200, A201, A921) nor a file";
    case ERR_DENIED:
        return "it must belong to you and be closed to others (chmod 600)";
    case ERR_PROTO:
        return "its lines must be \"ENC hex\", \"MAC hex\" and \"DEK hex\"";
    default:
        return err_str(e);
    }
}

static err_t set_scp_keys(const char *name, struct vse_scp_keys *keys)
{
    err_t e = vse_scp_keys_named(name, keys);

    if (e == ERR_NOT_FOUND)
        e = vse_scp_keys_read(name, keys);
    if (e)
        log_error("cannot take the platform keys from %s: %s", name, keys_advice(e));
    return e;
}

static err_t open_state(const struct vse_options *o, struct vse_applet *applet, struct vse_store **ret_store)
{
    err_t e = vse_store_open(o->state, load_entry, applet, ret_store); /* keys rotated there win */

    if (!e) {
        applet->nvm = (struct vse_nvm){ *ret_store, vse_store_apply };
        e = vse_applet_provision(applet, o->full_factory ? VSE_FACTORY_FULL : VSE_FACTORY_EC);
    }
    if (e)
        log_error("cannot use the state file %s: %s", o->state, state_advice(e));
    return e;
}

static err_t open_applet(const struct vse_options *o, struct vse_applet *applet, struct vse_store **ret_store)
{
    err_t e;

    vse_applet_init(applet, o->part, (struct vse_nvm){ 0 });
    e = o->scp_keys ? set_scp_keys(o->scp_keys, &applet->settings.scp_keys) : ERR_OK;
    return e ? e : open_state(o, applet, ret_store);
}

static err_t serve_state(const struct vse_options *o, int stop_fd)
{
    struct service service = { .o = o, .listen_fds = { -1, -1 } };
    struct vse_applet applet;
    struct vse_store *store = NULL;
    err_t e = open_applet(o, &applet, &store);

    if (!e)
        e = open_service(&service);
    if (!e)
        e = run_chip(&service, &applet, stop_fd);
    close_service(&service);
    vse_applet_done(&applet);
    vse_store_close(store);
    return e;
}

static int cmd_serve(int argc, char **argv)
{
    struct vse_options o;
    const char *wrong = vse_options_parse(argc, argv, &o);
    autoclose int stop_fd = -1;

    if (wrong)
        return usage_error(wrong);
    vse_power_cut_storage(o.cut_storage);
    vse_power_cut_bus(o.cut_bus);
    stop_fd = stop_signals(); /* before the threads, which inherit the mask */
    if (stop_fd < 0) {
        log_error("cannot watch for signals: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    return serve_state(&o, stop_fd) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- dump ---- */

static err_t dump_object(uint32_t id, struct slice value, struct buf *out)
{
    auto_object *o = NULL;
    err_t e = vse_object_decode(id, value, &o);

    return e ? e : vse_dump_object(o, out);
}

static err_t dump_entry(void *ctx, uint8_t kind, uint32_t id, struct slice value)
{
    struct buf *out = ctx;

    switch (kind) {
    case VSE_NVM_OBJECT:
        return dump_object(id, value, out);
    case VSE_NVM_CURVE:
        return value.n == 1 ? vse_dump_curve((uint8_t)id, value.p[0], out) : ERR_CORRUPT;
    case VSE_NVM_CRYPTO_OBJECT:
        return vse_dump_crypto_object(id, value, out);
    case VSE_NVM_SETTING:
        return vse_dump_setting(id, value, out);
    default:
        return ERR_OK; /* what nobody is shown */
    }
}

/* What take finds in a state file, to standard output. */
static int show_state(const char *path, vse_store_fn *take)
{
    autobuf out = BUF_INIT(SIZE_MAX / 2);
    err_t e = vse_store_peek(path, take, &out);

    if (e) {
        log_error("cannot read the state file %s: %s", path, state_advice(e));
        return EXIT_FAILURE;
    }
    fputs(buf_str(&out), stdout);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int cmd_dump(int argc, char **argv)
{
    return argc == 2 ? show_state(argv[1], dump_entry) : usage_error("dump wants one state file");
}

/* ---- ca ---- */

static err_t ca_entry(void *ctx, uint8_t kind, uint32_t id, struct slice value)
{
    return kind == VSE_NVM_HIDDEN && id == VSE_HIDDEN_CA_CERT ? vse_dump_certificate(value, ctx) : ERR_OK;
}

static int cmd_ca(int argc, char **argv)
{
    return argc == 2 ? show_state(argv[1], ca_entry) : usage_error("ca wants one state file");
}

/* ---- ---- */

static int cmd_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fputs(vse_options_usage, stdout);
    return EXIT_SUCCESS;
}

static int cmd_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("sedge-chip " SEDGE_VERSION);
    return EXIT_SUCCESS;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "serve", cmd_serve }, { "dump", cmd_dump }, { "ca", cmd_ca },
    { "--help", cmd_help }, { "-h", cmd_help },   { "--version", cmd_version },
};

int main(int argc, char **argv)
{
    secret_process_init(false);
    if (argc < 2)
        return usage_error("a command is missing");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return usage_error("unknown command");
}
