#include "edge/runner/descendants.h"

#include "base/mem.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROCESSES_MAX 65536u

struct process {
    pid_t pid, parent;
    unsigned long long begun; /* with the pid: this process and no later one */
    bool ours;
};

struct table {
    struct process *at;
    size_t n, cap;
};

/* Fields 4 and 22 of /proc/PID/stat; the name before them may hold blanks and parentheses. False: gone. */
static bool look_at(pid_t pid, struct process *ret)
{
    char path[64], text[1024];
    const char *end;
    size_t n = 0;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (!(f = fopen(path, "re")))
        return false;
    n = fread(text, 1, sizeof(text) - 1, f);
    (void)fclose(f);
    text[n] = 0;
    end = strrchr(text, ')');
    *ret = (struct process){ .pid = pid };
    return end &&
           sscanf(end, ") %*c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                  &ret->parent, &ret->begun) == 2;
}

static void read_table(struct table *t)
{
    DIR *d = opendir("/proc");

    for (struct dirent *e; d && (e = readdir(d));) {
        struct process p;
        if (!isdigit((unsigned char)e->d_name[0]) || !look_at((pid_t)strtol(e->d_name, NULL, 10), &p))
            continue;
        if (mem_grow(&t->at, &t->cap, t->n + 1, PROCESSES_MAX, sizeof(*t->at)))
            break; /* those found so far, and the rest the next time */
        t->at[t->n++] = p;
    }
    if (d)
        (void)closedir(d);
}

static bool spared_one(pid_t pid, const pid_t *spare, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (spare[i] == pid)
            return true;
    }
    return false;
}

static bool descends(const struct table *t, const struct process *p, pid_t self)
{
    if (p->parent == self)
        return true;
    for (size_t i = 0; i < t->n; i++) {
        if (t->at[i].pid == p->parent)
            return t->at[i].ours;
    }
    return false;
}

/* Marks until nothing new is found: parents may come behind their children. */
static void mark(struct table *t, const pid_t *spare, size_t spared)
{
    const pid_t self = getpid();
    bool more = true;

    while (more) {
        more = false;
        for (size_t i = 0; i < t->n; i++) {
            struct process *p = &t->at[i];
            if (p->ours || p->pid == self || spared_one(p->pid, spare, spared) || !descends(t, p, self))
                continue;
            p->ours = more = true;
        }
    }
}

/* Its number may be another process's by now: the descriptor stands for one process, and that is looked at
 * once more. Kernels before 5.3 have no such descriptors. */
static bool kill_one(const struct process *p)
{
    int fd = (int)syscall(SYS_pidfd_open, p->pid, 0U);
    struct process now;
    bool killed = false;

    if (fd < 0 && errno == ENOSYS)
        return kill(p->pid, SIGKILL) == 0;
    if (fd >= 0 && look_at(p->pid, &now) && now.begun == p->begun)
        killed = syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0U) == 0;
    mem_close_fd(&fd);
    return killed;
}

size_t descendants_kill(const pid_t *spare, size_t spared)
{
    struct table t = { 0 };
    size_t n = 0;

    read_table(&t);
    mark(&t, spare, spared);
    for (size_t i = 0; i < t.n; i++) {
        if (t.at[i].ours && kill_one(&t.at[i]))
            n++;
    }
    free(t.at);
    return n;
}
