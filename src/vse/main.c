/* sedge-chip - a virtual SE050 on a Unix socket, its memory in one file. For development: it protects
 * nothing, whoever reads the state file has the keys. */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "vse/applet.h"
#include "vse/chip.h"
#include "vse/dump.h"
#include "vse/server.h"
#include "vse/store.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char usage[] =
    "Usage: sedge-chip serve --state FILE --socket PATH [--applet 3.1|7.2] [--sign-ms N] [--counters FILE]\n"
    "       sedge-chip dump FILE\n"
    "       sedge-chip --help | --version\n"
    "\n"
    "A virtual SE050 secure element: its I2C bus is a Unix socket, its memory a file.\n"
    "It is for development and protects nothing: the state file holds the keys.\n"
    "\n"
    "  --state FILE     the chip's memory; made when missing, mode 0600\n"
    "  --socket PATH    where bus masters connect, mode 0600\n"
    "  --applet V       applet version to be: 3.1 (default) or 7.2\n"
    "  --sign-ms N      add N milliseconds to every private-key operation (default 0)\n"
    "  --counters FILE  keep the number of private-key operations in FILE\n";

enum { EXIT_USAGE = 2, SIGN_MS_MAX = 600000 };

struct options {
    const char *state, *socket, *counters;
    uint32_t applet;
    unsigned sign_ms;
};

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

static int usage_error(const char *what)
{
    fprintf(stderr, "sedge-chip: %s; see sedge-chip --help\n", what);
    return EXIT_USAGE;
}

/* ---- options ---- */

static bool parse_applet(const char *text, uint32_t *ret)
{
    if (strcmp(text, "3.1") == 0)
        *ret = SE_APPLET_VERSION_3_1;
    else if (strcmp(text, "7.2") == 0)
        *ret = SE_APPLET_VERSION_7_2;
    else
        return false;
    return true;
}

static bool parse_number(const char *text, unsigned max, unsigned *ret)
{
    char *end;
    unsigned long v;

    errno = 0;
    v = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || v > max)
        return false;
    *ret = (unsigned)v;
    return true;
}

static const char *set_option(struct options *o, int which, const char *value)
{
    if (which == 's')
        o->state = value;
    else if (which == 'p')
        o->socket = value;
    else if (which == 'c')
        o->counters = value;
    else if (which == 'a')
        return parse_applet(value, &o->applet) ? NULL : "--applet wants 3.1 or 7.2";
    else if (which == 'm')
        return parse_number(value, SIGN_MS_MAX, &o->sign_ms) ? NULL : "--sign-ms wants a number up to 600000";
    else
        return "unknown option or missing value";
    return NULL;
}

/* NULL, or what is wrong. */
static const char *parse_serve(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        { "state", required_argument, NULL, 's' },    { "socket", required_argument, NULL, 'p' },
        { "applet", required_argument, NULL, 'a' },   { "sign-ms", required_argument, NULL, 'm' },
        { "counters", required_argument, NULL, 'c' }, { 0 },
    };
    const char *wrong = NULL;
    int which;

    opterr = 0;
    while (!wrong && (which = getopt_long(argc, argv, "", names, NULL)) != -1)
        wrong = set_option(o, which, optarg);
    if (wrong)
        return wrong;
    if (optind < argc)
        return "serve takes options only";
    return o->state && o->socket ? NULL : "serve wants --state FILE and --socket PATH";
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

static err_t run_chip(const struct options *o, struct vse_applet *applet, int listen_fd, int stop_fd)
{
    autoclose int counters = open_counters(o->counters);
    struct vse_chip_options how = { .private_op_ms = o->sign_ms, .counters_fd = counters };
    struct vse_chip *chip;
    err_t e = vse_chip_new(applet, &how, &chip);

    if (e)
        return e;
    log_info("virtual SE050 at address 0x48 of the bus at %s, state in %s", o->socket, o->state);
    e = vse_server_run(listen_fd, stop_fd, chip);
    vse_chip_free(chip);
    return e;
}

static err_t open_applet(const struct options *o, struct vse_applet *applet, struct vse_store **ret_store)
{
    err_t e;

    vse_applet_init(applet, o->applet, (struct vse_nvm){ 0 });
    e = vse_store_open(o->state, load_entry, applet, ret_store);
    if (e)
        return e;
    applet->nvm = (struct vse_nvm){ *ret_store, vse_store_apply };
    return vse_applet_provision(applet);
}

static err_t serve_state(const struct options *o, int stop_fd)
{
    struct vse_applet applet;
    struct vse_store *store = NULL;
    autoclose int listen_fd = -1;
    err_t e = open_applet(o, &applet, &store);

    if (e) {
        log_error("cannot use the state file %s: %s", o->state, state_advice(e));
    } else {
        e = vse_server_listen(o->socket, &listen_fd);
        if (e)
            log_error("cannot make the socket %s: %s", o->socket, socket_advice(e));
    }
    if (!e) {
        e = run_chip(o, &applet, listen_fd, stop_fd);
        if (e)
            log_error("the bus at %s failed: %s", o->socket, err_str(e));
        (void)unlink(o->socket); /* the next start replaces it anyway */
    }
    vse_applet_done(&applet);
    vse_store_close(store);
    return e;
}

static int cmd_serve(int argc, char **argv)
{
    struct options o = { .applet = SE_APPLET_VERSION_3_1 };
    const char *wrong = parse_serve(argc, argv, &o);
    autoclose int stop_fd = -1;

    if (wrong)
        return usage_error(wrong);
    stop_fd = stop_signals(); /* before the threads, which inherit the mask */
    if (stop_fd < 0) {
        log_error("cannot watch for signals: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    return serve_state(&o, stop_fd) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- dump ---- */

static err_t dump_entry(void *ctx, uint8_t kind, uint32_t id, struct slice value)
{
    struct buf *out = ctx;
    auto_object *o = NULL;
    err_t e;

    if (kind == VSE_NVM_CURVE)
        return value.n == 1 ? vse_dump_curve((uint8_t)id, value.p[0], out) : ERR_CORRUPT;
    e = vse_object_decode(id, value, &o);
    return e ? e : vse_dump_object(o, out);
}

static int cmd_dump(int argc, char **argv)
{
    autobuf out = BUF_INIT(SIZE_MAX / 2);
    err_t e;

    if (argc != 2)
        return usage_error("dump wants one state file");
    e = vse_store_peek(argv[1], dump_entry, &out);
    if (e) {
        log_error("cannot read the state file %s: %s", argv[1], state_advice(e));
        return EXIT_FAILURE;
    }
    fputs(buf_str(&out), stdout);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- ---- */

static int cmd_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fputs(usage, stdout);
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
    { "serve", cmd_serve }, { "dump", cmd_dump },         { "--help", cmd_help },
    { "-h", cmd_help },     { "--version", cmd_version },
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
