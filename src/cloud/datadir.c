#include "cloud/datadir.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static err_t check_private(const char *dir, char *why, size_t why_n)
{
    struct stat st;

    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        (void)snprintf(why, why_n, "%s: not a folder", dir);
        return ERR_INVALID;
    }
    if (st.st_uid != geteuid() || (st.st_mode & 077)) {
        (void)snprintf(why, why_n,
                       "%s: must belong to you and be closed to others (chmod 700), it holds keys", dir);
        return ERR_DENIED;
    }
    return ERR_OK;
}

err_t datadir_open(const char *dir, int *ret_lock, char *why, size_t why_n)
{
    autofree char *path = mem_printf("%s/lock", dir);
    autoclose int fd = -1;
    err_t e;

    if (!path)
        return ERR_NOMEM;
    if ((e = file_mkdirs(dir, 0700))) {
        (void)snprintf(why, why_n, "cannot make the folder %s: %s", dir, err_str(e));
        return e;
    }
    if ((e = check_private(dir, why, why_n)))
        return e;
    if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0) {
        (void)snprintf(why, why_n, "%s: %s", path, err_str(file_err(errno)));
        return file_err(errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)snprintf(why, why_n,
                       "%s is in use by another sedge-cloud: stop that one, or give another --data", dir);
        return ERR_BUSY;
    }
    *ret_lock = steal_fd(&fd);
    return ERR_OK;
}

err_t datadir_write_endpoints(const char *dir, const struct cloud_env *env, const char *api_url)
{
    autofree char *path = mem_printf("%s/endpoints.json", dir);
    auto_json *j = json_pack("{s:i,s:s,s:i,s:i,s:s,s:s,s:s,s:i}", "v", 1, "host", env->host, "mqttPort",
                             (int)env->mqtt_port, "httpsPort", (int)env->https_port, "api", api_url, "region",
                             env->region, "accountId", env->account, "pid", (int)getpid());
    autobuf text = BUF_INIT(4096);
    err_t e;

    if (!path || !j ||
        (env->plain_port && json_object_set_new(j, "plainMqttPort", json_integer(env->plain_port))))
        return ERR_NOMEM;
    if ((e = json_write(&text, j, 2)) || (e = buf_add_u8(&text, '\n')))
        return e;
    return file_write_durable(path, buf_slice(&text), 0600);
}
