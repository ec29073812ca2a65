/* src/edge/layout.c */
#include "edge/layout.h"

#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* Cut the last path component off `path` and return it. */
static char *cut_component(char *path)
{
    char *slash = strrchr(path, '/');

    if (!slash)
        return NULL;
    *slash = '\0';
    return slash + 1;
}

char *layout_root_of(const char *program)
{
    autofree char *p = mem_strdup(program);
    const char *name = p ? cut_component(p) : NULL;

    name = name ? cut_component(p) : NULL; /* the folder: core, VERSION or bin */
    if (name && strcmp(name, "bin") == 0)
        name = cut_component(p);
    if (name && strcmp(name, "core") != 0) {
        name = cut_component(p);
        if (!name || strcmp(name, "packages") != 0)
            return NULL;
    }
    name = name ? cut_component(p) : NULL;
    if (!name || strcmp(name, "ggc") != 0)
        return NULL;
    return mem_strdup(*p ? p : "/");
}

static err_t own_path(char out[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);

    if (n <= 0)
        return ERR_IO;
    out[n] = '\0';
    return ERR_OK;
}

err_t layout_find_root(const char *option, char **ret_root, struct problem *why)
{
    char program[PATH_MAX];
    char *root;

    if (option) {
        root = realpath(option, NULL);
        if (!root)
            return problem_set(why, ERR_NOT_FOUND, "the Greengrass root %s cannot be found: %s", option,
                               strerror(errno));
        *ret_root = root;
        return ERR_OK;
    }
    root = own_path(program) ? NULL : layout_root_of(program);
    if (!root)
        return problem_set(why, ERR_NOT_FOUND,
                           "the Greengrass root is not known: start ROOT/ggc/core/greengrassd or name the "
                           "root with --root DIR");
    *ret_root = root;
    return ERR_OK;
}

err_t layout_program(const char *name, char **ret)
{
    char own[PATH_MAX];
    /* In the release, from greengrassd; beside each other in the build tree; installed; in the release, from
     * bin. */
    static const char *const places[] = { "/bin/", "/greengrass-", "/../libexec/sedge/greengrass-", "/" };

    if (own_path(own) || !cut_component(own))
        return ERR_NOT_FOUND;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        autofree char *p = mem_printf("%s%s%s", own, places[i], name);
        if (!p)
            return ERR_NOMEM;
        if (access(p, X_OK) == 0) {
            *ret = steal(&p);
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

char *layout_pid_dir(const struct config *c, const char *root)
{
    if (c->pid_dir)
        return mem_strdup(c->pid_dir);
    if (strcmp(root, "/greengrass") == 0)
        return mem_strdup("/var/run");
    return mem_printf("%s/var/run", c->write_dir);
}

err_t layout_check_socket(const struct config *c, struct problem *why)
{
    autofree char *path = mem_printf("%s/socket/greengrass_ipc.sock", c->write_dir);

    if (!path)
        return ERR_NOMEM;
    if (strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path))
        return ERR_OK;
    return problem_set(
        why, ERR_INVALID,
        "ds server failed to start listening to socket: listen unix %s: bind: invalid argument: the path has "
        "%zu bytes, "
        "a socket's name may have %zu; install in a shorter folder or give a shorter writeDirectory",
        path, strlen(path), sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
}
