/* sedgectl: the umbrella over what a person does with devices, cores and clouds. See docs/man/sedgectl.1. */
#include "base/mem.h"
#include "cli/doctor.h"
#include "cli/enrol.h"
#include "cli/lock.h"
#include "cli/sedgectl_setup.h"
#include "crypto/process.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
    const char *help;
} commands[] = {
    { "doctor", doctor_command, "look at everything a core's identity stands on, from the bus to the cloud" },
    { "enrol", enrol_command, "give a device its identity: key in the chip, certificate, config.json" },
    { "lock", lock_command, "make a key that can only sign, and that nobody can overwrite or delete" },
    { "setup-archive", setup_archive_command,
      "write the archive of config.json and certificates that the V1 console handed out" },
};

static int help(FILE *to)
{
    (void)fprintf(to, "usage: sedgectl COMMAND [OPTION...]\n       sedgectl --help | --version\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(to, "  %-16s %s\n", commands[i].name, commands[i].help);
    (void)fprintf(to, "\nsedgectl COMMAND --help tells a command's options.\n");
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    (void)umask(077);
    if (crypto_process_init(true)) {
        (void)fprintf(stderr, "sedgectl: OpenSSL was used before its memory could be set up\n");
        return 1;
    }
    if (strcmp(name, "--help") == 0)
        return help(stdout);
    if (strcmp(name, "--version") == 0)
        return printf("sedgectl %s\n", SEDGE_VERSION) < 0;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    if (*name)
        (void)fprintf(stderr, "sedgectl: %s is no command\n", name);
    return help(stderr);
}
