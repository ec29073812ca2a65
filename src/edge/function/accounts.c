#include "edge/function/accounts.h"

#include "edge/function/system_account.h"

#include <unistd.h>

#define USER "ggc_user"
#define GROUP "ggc_group"
#define REMEDY                                                                                          \
    "create both (addgroup --system " GROUP "; adduser --system --ingroup " GROUP " " USER "), or set " \
    "RunAs in the group's default configuration"

static err_t default_uid(int64_t *ret, struct problem *why)
{
    err_t e = system_uid(USER, ret);

    return e ? problem_set(why, e,
                           "could not find UID based on user name, userName: " USER
                           ": user: unknown user " USER "; " REMEDY)
             : ERR_OK;
}

static err_t default_gid(int64_t *ret, struct problem *why)
{
    err_t e = system_gid(GROUP, ret);

    return e ? problem_set(why, e,
                           "could not find GID based on group name, groupName: " GROUP
                           ": group: unknown group " GROUP "; " REMEDY)
             : ERR_OK;
}

err_t account_of(const struct config *config, const struct group_function *f, struct account *ret,
                 struct problem *why)
{
    struct account a = { f->uid, f->gid };
    err_t e = ERR_OK;

    if (geteuid() != 0) {
        *ret = (struct account){ -1, -1 };
        return ERR_OK;
    }
    if (a.uid < 0)
        e = default_uid(&a.uid, why);
    if (!e && a.gid < 0)
        e = default_gid(&a.gid, why);
    if (e)
        return e;
    if ((a.uid == 0 || a.gid == 0) && !config->allow_root_functions)
        return problem_set(
            why, ERR_DENIED,
            "lambda(s) [%s] are configured to run as root while Greengrass is not configured to "
            "run lambdas with root permissions; give them another RunAs, or set "
            "runtime.allowFunctionsToRunAsRoot to yes in config.json and restart",
            f->arn);
    *ret = a;
    return ERR_OK;
}
