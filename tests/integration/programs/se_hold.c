/* tests/integration/programs/se_hold.c - keep a chip open and do as told, a line at a time.
 *
 *   se_hold PORT
 * Commands on standard input: random, busy, lock, unlock, fork, daemon. Each is answered with one line: "ok"
 * or "error TEXT". fork: the child calls the chip and closes its handle; "ok" when it was refused and the
 * parent's next call works. daemon: the same with a child that closes all descriptors and opens files of its
 * own before it closes its handle; "ok" when its files are still open. busy: call after call without a pause
 * for two seconds. Exit status 0.
 */
#include "base/clock.h"
#include "base/err.h"
#include "se/chip.h"
#include "se/detail.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static err_t get_random(struct se_chip *chip)
{
    uint8_t bytes[16];

    return se_chip_random(chip, bytes, sizeof(bytes));
}

static err_t keep_busy(struct se_chip *chip)
{
    int64_t end = clock_mono_ms() + 2000;
    err_t e = ERR_OK;

    while (!e && clock_mono_ms() < end)
        e = get_random(chip);
    return e;
}

enum { FILES = 32 };

/* What daemons do; then a call into the library that still has the old handle. */
static bool files_survive(struct se_chip *chip)
{
    int fds[FILES];

    for (int fd = 3; fd < FILES; fd++)
        (void)close(fd);
    for (int i = 0; i < FILES; i++)
        fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
    se_chip_close(chip);
    for (int i = 0; i < FILES; i++)
        if (fcntl(fds[i], F_GETFD) < 0)
            return false;
    return true;
}

static err_t fork_daemon(struct se_chip *chip)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0)
        _exit(files_survive(chip) ? 0 : 1);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return ERR_IO;
    return get_random(chip);
}

static err_t fork_and_use(struct se_chip *chip)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        err_t e = get_random(chip);

        se_chip_close(chip);
        _exit(e == ERR_WRONG_STATE ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return ERR_IO;
    return get_random(chip);
}

static err_t obey(struct se_chip *chip, const char *line)
{
    if (strcmp(line, "random\n") == 0)
        return get_random(chip);
    if (strcmp(line, "busy\n") == 0)
        return keep_busy(chip);
    if (strcmp(line, "lock\n") == 0)
        return se_chip_begin(chip);
    if (strcmp(line, "daemon\n") == 0)
        return fork_daemon(chip);
    if (strcmp(line, "fork\n") == 0)
        return fork_and_use(chip);
    if (strcmp(line, "unlock\n") != 0)
        return ERR_INVALID;
    se_chip_end(chip);
    return ERR_OK;
}

static void answer(err_t e)
{
    if (e)
        printf("error %s: %s\n", err_str(e), se_detail());
    else
        printf("ok\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct se_chip *chip = NULL;
    char line[80];
    err_t e = se_chip_open(argc > 1 ? argv[1] : NULL, &chip);

    answer(e);
    while (!e && fgets(line, sizeof(line), stdin))
        answer(obey(chip, line));
    se_chip_close(chip);
    return 0;
}
