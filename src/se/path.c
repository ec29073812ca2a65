#include "se/path.h"

#include "se/direct.h"
#include "se/keyd_path.h"

err_t se_path_open(const struct se_port *port, const char *scp03, struct se_path **ret)
{
    if (port->kind == SE_PORT_KEYD)
        return se_keyd_path_open(port, ret);
    return se_direct_open(port, se_bus_open, scp03, ret);
}
