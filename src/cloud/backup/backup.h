/* src/cloud/backup/backup.h - `sedge-cloud backup` and `restore`: a data folder in one file and back.
 *
 * The file is a tar archive of the folder, SQLite databases as they were at one moment each (also of a folder
 * that is being served), keys included, and at its end MANIFEST: the SHA-256 of every file in it, in order. A
 * file without that end, or with another one, is not restored. Spec: docs/spec/cloud.md CL-140..143.
 */
#pragma once
#include "base/buf.h"
#include "crypto/process.h"

#define BACKUP_WHY_MAX 1024u
#define BACKUP_MANIFEST "MANIFEST"
#define BACKUP_MANIFEST_MAX (16u << 20)
#define BACKUP_HEAD "sedge-backup 1\n"
#define BACKUP_CHUNK 65536u

/* Write `file` (0600, must not be there). Errors of files and databases; what was begun is removed. */
err_t backup_write(const struct crypto_ctx *crypto, const char *data, const char *file, char *why);
/* Make the folder `data`, which must be missing or empty. ERR_INVALID: no backup, or not whole; ERR_DENIED:
 * open to others; nothing is left behind. */
err_t backup_restore(const struct crypto_ctx *crypto, const char *file, const char *data, char *why);

extern const char backup_usage[];
/* argv[1] is backup or restore. The exit status: 0, 1, 2 for a wrong command line. */
int backup_command(int argc, char **argv);
