#include "se/keyd_path.h"

#include "se/detail.h"

err_t se_keyd_path_open(const struct se_port *port, struct se_path **ret)
{
    (void)ret;
    return se_fail(ERR_UNAVAILABLE,
                   "no sedge-keyd answers at %s; start it: systemctl start sedge-keyd.socket", port->path);
}
