#include "cloud/provisioning/taskinput.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_LEN 255u

struct task_input {
    FILE *f;
    int64_t size, position;
};

void task_input_free(struct task_input *in)
{
    if (in && in->f)
        (void)fclose(in->f); /* it was only read */
    free(in);
}

static bool name_ok(struct slice name)
{
    return name.n > 0 && name.n <= NAME_MAX_LEN && !slice_eq(name, SLICE_LIT(".")) &&
           !slice_eq(name, SLICE_LIT("..")) && !memchr(name.p, 0, name.n);
}

/* One step down from *fd, which is replaced. */
static err_t step(int *fd, struct slice name, int flags)
{
    char text[NAME_MAX_LEN + 1];
    int next;

    if (!name_ok(name))
        return ERR_INVALID;
    memcpy(text, name.p, name.n);
    text[name.n] = 0;
    if ((next = openat(*fd, text, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)) < 0)
        return errno == ELOOP || errno == ENOTDIR ? ERR_DENIED : file_err(errno);
    (void)close(*fd);
    *fd = next;
    return ERR_OK;
}

static err_t walk(const char *buckets, const char *bucket, const char *key, int *ret)
{
    autoclose int fd = open(buckets, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    err_t e;

    if (fd < 0)
        return file_err(errno);
    if ((e = step(&fd, slice_str(bucket), O_RDONLY | O_DIRECTORY)))
        return e;
    for (const char *end; (end = strchr(key, '/')); key = end + 1) {
        if ((e = step(&fd, slice_of(key, (size_t)(end - key)), O_RDONLY | O_DIRECTORY)))
            return e;
    }
    if ((e = step(&fd, slice_str(key), O_RDONLY)))
        return e;
    *ret = steal_fd(&fd);
    return ERR_OK;
}

static err_t check_file(int fd, int64_t *size)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return file_err(errno);
    if (!S_ISREG(st.st_mode))
        return ERR_DENIED;
    *size = st.st_size;
    return st.st_size <= TASK_SIZE_MAX ? ERR_OK : ERR_TOO_BIG;
}

static err_t open_at(const char *buckets, const char *bucket, const char *key, int64_t position,
                     struct task_input *in)
{
    autoclose int fd = -1;
    err_t e;

    if ((e = walk(buckets, bucket, key, &fd)) || (e = check_file(fd, &in->size)))
        return e;
    if (lseek(fd, position, SEEK_SET) < 0)
        return file_err(errno);
    in->position = position;
    if (!(in->f = fdopen(fd, "r")))
        return ERR_NOMEM;
    (void)steal_fd(&fd); /* in->f has it */
    return ERR_OK;
}

err_t task_input_open(const char *buckets, const char *bucket, const char *key, int64_t position,
                      struct task_input **ret, char why[TASK_INPUT_WHY_MAX])
{
    struct task_input *in = mem_calloc(1, sizeof(*in));
    err_t e = in ? open_at(buckets, bucket, key, position, in) : ERR_NOMEM;

    if (e) {
        (void)snprintf(
            why, TASK_INPUT_WHY_MAX,
            "%.200s in the bucket %.100s cannot be read: %s. Put a regular file of at most 1 GiB, not a"
            " link, at buckets/BUCKET/KEY below the server's data folder",
            key, bucket, err_str(e));
        task_input_free(in);
        return e;
    }
    *ret = in;
    return ERR_OK;
}

int64_t task_input_size(const struct task_input *in)
{
    return in->size;
}

err_t task_input_line(struct task_input *in, struct buf *out, int64_t *ret_next)
{
    int ch;

    buf_clear(out);
    while ((ch = getc_unlocked(in->f)) != EOF && ch != '\n') {
        err_t e = buf_add_u8(out, (uint8_t)ch);
        if (e)
            return e;
    }
    if (ferror(in->f))
        return ERR_IO;
    if (ch == EOF && out->n == 0)
        return ERR_EOF;
    in->position += (int64_t)out->n + (ch == '\n');
    *ret_next = in->position;
    return ERR_OK;
}
