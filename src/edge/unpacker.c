/* src/edge/unpacker.c - greengrass-unpack DIR: the zip on standard input becomes the folder DIR.
 *
 * Started by the core for one package of a deployment. What is wrong goes to standard output, the class of
 * the error is the exit status. It has no keys and no network, and little memory: it reads foreign bytes.
 */
#include "base/file.h"
#include "edge/deploy/unpack.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define MEMORY_MAX ((rlim_t)256 << 20)

int main(int argc, char **argv)
{
    [[maybe_unused]] const struct rlimit memory = { MEMORY_MAX, MEMORY_MAX };
    struct problem why = { "" };
    err_t e;

    if (argc != 2) {
        (void)fprintf(stderr, "this program is started by greengrassd\n");
        return ERR_INVALID;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#ifndef __SANITIZE_ADDRESS__ /* which maps terabytes */
    (void)setrlimit(RLIMIT_AS, &memory);
#endif
    e = unpack_zip(STDIN_FILENO, argv[1], NULL, &why);
    if (e)
        (void)file_write_all(STDOUT_FILENO, slice_str(why.text));
    return (int)e;
}
