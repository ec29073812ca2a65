#include "base/log.h"
#include "cloud/backup/backup.h"

#include <stdio.h>
#include <string.h>

const char backup_usage[] =
    "usage: sedge-cloud backup --data DIR FILE\n"
    "       sedge-cloud restore --data DIR FILE\n"
    "\n"
    "backup writes the data folder, keys included, to a new file (mode 0600), also while it is served. A\n"
    "PostgreSQL database is not in it: back that up with pg_dump. restore makes DIR, which must be missing "
    "or\n"
    "empty, from such a file.\n";

static bool parse(int argc, char **argv, const char **data, const char **file)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--data") == 0 && i + 1 < argc && !*data)
            *data = argv[++i];
        else if (argv[i][0] != '-' && !*file)
            *file = argv[i];
        else
            return false;
    }
    return *data && **data && *file;
}

int backup_command(int argc, char **argv)
{
    const char *data = NULL, *file = NULL;
    bool restoring = strcmp(argv[1], "restore") == 0;
    char why[BACKUP_WHY_MAX] = "";
    struct crypto_ctx *crypto = NULL;
    err_t e;

    if (argc > 2 && strcmp(argv[2], "--help") == 0)
        return fputs(backup_usage, stdout) < 0;
    if (!parse(argc, argv, &data, &file)) {
        (void)fputs(backup_usage, stderr);
        return 2;
    }
    if (!(e = crypto_ctx_new(NULL, &crypto)))
        e = restoring ? backup_restore(crypto, file, data, why) : backup_write(crypto, data, file, why);
    crypto_ctx_free(crypto);
    if (e)
        log_error("%s was not %s: %s", restoring ? data : file, restoring ? "restored" : "written",
                  why[0] ? why : err_str(e));
    return e ? 1 : 0;
}
