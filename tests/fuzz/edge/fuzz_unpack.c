/* A function's zip: whatever it is, nothing but files and folders comes out, below its folder and within the
 * caps.
 */
#include "base/file.h"
#include "base/mem.h"
#include "edge/deploy/unpack.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char home[64];

static void remove_home(void)
{
    (void)file_remove_tree(home);
}

static void check_tree(char *path)
{
    char *paths[] = { path, NULL };
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    const FTSENT *ent;
    uint64_t bytes = 0;

    while (tree && (ent = fts_read(tree))) {
        mode_t mode = ent->fts_statp->st_mode;
        if (!S_ISREG(mode) && !S_ISDIR(mode))
            abort();
        if ((mode & 07777) != 0755 && (mode & 07777) != 0644)
            abort();
        bytes += S_ISREG(mode) ? (uint64_t)ent->fts_statp->st_size : 0;
    }
    if (tree)
        (void)fts_close(tree);
    if (bytes > UNPACK_MAX_BYTES)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problem why = { "" };
    autofree char *to = NULL;
    autoclose int fd = memfd_create("zip", MFD_CLOEXEC);
    err_t e;

    if (!home[0]) {
        (void)snprintf(home, sizeof(home), "/tmp/sedge-fuzz-XXXXXX");
        if (!mkdtemp(home) || atexit(remove_home))
            abort();
    }
    to = mem_printf("%s/out", home);
    if (!to || fd < 0 || file_write_all(fd, slice_of(data, size)))
        return 0;
    e = unpack_zip(fd, to, NULL, &why);
    if (e && !why.text[0])
        abort();
    if (!e)
        check_tree(to);
    if (access("/tmp/sedge-fuzz-escaped", F_OK) == 0 || file_remove_tree(to))
        abort();
    return 0;
}
