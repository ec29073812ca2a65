/* src/se/keyset.h - SCP03 keys: the published ones, key files, credentials of the service manager.
 *
 * se_keyset_parse is pure; the others read files and the environment (secure_getenv). Every failure has a
 * sentence in se_detail(), which never holds key material. Key sets are plain data: whoever has one wipes it,
 * and keeps it in memory that is not swapped out where it stays. NXP AN12436 for the published sets; the
 * file's form as NXP's tools have it (reference 4.1).
 */
#pragma once
#include "se/chip.h"
#include "se/crypt.h"

struct se_keyset {
    uint8_t enc[SE_AES_KEY], mac[SE_AES_KEY], dek[SE_AES_KEY];
    bool has_dek; /* needed to change keys only */
};

enum { SE_KEYSETS_MAX = 8 };

/* The sets to try, as somebody named them. */
struct se_keysets {
    struct se_keyset set[SE_KEYSETS_MAX];
    char name[SE_KEYSETS_MAX][SE_CHANNEL_KEYS_MAX]; /* "se050-a1f4", "file", "credential:NAME" */
    size_t n;                                       /* 0: no channel */
    bool published;
};

/* What `spec` stands for: "none", "auto" (all published sets), the name of a published set in either case
 * ("se050-a1f4" or "a1f4"), an absolute path, "credential:NAME". NULL: the file that EX_SSS_BOOT_SCP03_PATH
 * names, else `scp03` of the configuration, else none. ERR_INVALID: nothing of the kind, or a malformed file;
 * ERR_NOT_FOUND no such file; ERR_DENIED: a file that is not regular, belongs to neither root nor the caller,
 * is open to group or others, or lies below /tmp or /var/tmp. */
err_t se_keysets_find(const char *spec, struct se_keysets *ret);
void se_keysets_wipe(struct se_keysets *k);

/* The text of a key file: lines `ENC hex`, `MAC hex`, `DEK hex` (optional), comments with #. *ret_line: the
 * number of the first line that is not understood, 0 for a missing key. ERR_INVALID. */
err_t se_keyset_parse(struct slice text, struct se_keyset *ret, unsigned *ret_line);
/* Read a key file. Errors as above. */
err_t se_keyset_read(const char *path, struct se_keyset *ret);
