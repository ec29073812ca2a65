/* sedge-cloud: an AWS-IoT-compatible control plane and device gateway. See docs/cloud.md. */
#include "base/log.h"
#include "cloud/backup/backup.h"
#include "cloud/keys.h"
#include "cloud/pki/keymaker.h"
#include "cloud/serve.h"
#include "cloud/status.h"
#include "crypto/process.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int usage_error(const char *why)
{
    (void)fprintf(stderr, "sedge-cloud: %s\n%s", why, options_usage);
    return 2;
}

static int serve_command(int argc, char **argv)
{
    struct options o;
    char why[256];

    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return fputs(options_usage, stdout) < 0;
    }
    if (options_parse(argc, argv, 2, &o, why, sizeof(why)))
        return usage_error(why);
    return serve(&o);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    (void)umask(077);
    /* No core dumps; but its owner may read its memory: that is how `make demo` shows that no device key
     * stays in it. */
    if (crypto_process_init(false)) {
        log_error("OpenSSL was used before its memory could be set up");
        return 1;
    }
    if (strcmp(command, "--help") == 0)
        return fputs(options_usage, stdout) < 0;
    if (strcmp(command, "--version") == 0)
        return printf("sedge-cloud %s\n", SEDGE_VERSION) < 0;
    if (strcmp(command, "serve") == 0)
        return serve_command(argc, argv);
    if (strcmp(command, "status") == 0)
        return status_command(argc, argv);
    if (strcmp(command, "keys") == 0)
        return keys_command(argc, argv);
    if (strcmp(command, "backup") == 0 || strcmp(command, "restore") == 0)
        return backup_command(argc, argv);
    if (strcmp(command, "make-key") == 0) /* the cloud's own child: pki/keymaker.h */
        return keymaker_child();
    return usage_error(*command ? "no such command" : "a command is missing");
}
