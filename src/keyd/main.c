/* sedge-keyd - owns the chip and lets programs use its keys by rule. See sedge-keyd(8). */
#include "base/log.h"
#include "base/mem.h"
#include "crypto/process.h"
#include "keyd/config.h"
#include "keyd/server.h"

#include <stdio.h>

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "Usage: sedge-keyd serve [--config FILE] [--socket PATH]\n"
    "       sedge-keyd check [--config FILE]\n"
    "       sedge-keyd --help | --version\n"
    "\n"
    "Owns an SE05x secure element and shares it among programs, by rule.\n"
    "\n"
    "  serve           wait for clients; SIGHUP reads the rules anew, SIGTERM finishes what waits and ends\n"
    "  check           read FILE and say whether it is right\n"
    "  --config FILE   settings and rules (default " KEYD_CONFIG_DEFAULT ")\n"
    "  --socket PATH   where clients connect (default: as in FILE, SEDGE_KEYD_SOCKET, " SE_KEYD_SOCKET_DEFAULT
    ")\n";

struct options {
    const char *config, *socket;
};

static int usage_error(const char *what)
{
    (void)fprintf(stderr, "sedge-keyd: %s; see sedge-keyd --help\n", what);
    return EXIT_USAGE;
}

/* NULL when it is right. */
static const char *parse(int argc, char **argv, struct options *o)
{
    *o = (struct options){ .config = KEYD_CONFIG_DEFAULT };
    for (int i = 2; i < argc; i += 2) {
        const char **value = strcmp(argv[i], "--config") == 0   ? &o->config
                             : strcmp(argv[i], "--socket") == 0 ? &o->socket
                                                                : NULL;
        if (!value)
            return "unknown option";
        if (i + 1 == argc || !*argv[i + 1])
            return "an option needs a value";
        *value = argv[i + 1];
    }
    return NULL;
}

static int check(const char *path)
{
    struct keyd_config c;
    char why[KEYD_WHY_MAX];

    if (keyd_config_load(path, &c, why)) {
        (void)fprintf(stderr, "sedge-keyd: %s\n", why);
        return EXIT_FAILURE;
    }
    (void)printf("%s: %zu rules\n", path, c.rules.count);
    keyd_config_done(&c);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "--help";
    const char *wrong;
    struct options o;

    if (crypto_process_init(true)) {
        log_error("OpenSSL was used before its memory could be set up");
        return EXIT_FAILURE;
    }
    if (strcmp(command, "--help") == 0)
        return fputs(usage, stdout) < 0;
    if (strcmp(command, "--version") == 0)
        return puts("sedge-keyd " SEDGE_VERSION) < 0;
    wrong = parse(argc, argv, &o);
    if (wrong)
        return usage_error(wrong);
    if (strcmp(command, "check") == 0)
        return check(o.config);
    if (strcmp(command, "serve") == 0)
        return keyd_serve(o.config, o.socket) ? EXIT_FAILURE : EXIT_SUCCESS;
    return usage_error("unknown command");
}
