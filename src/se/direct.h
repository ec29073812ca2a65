/* src/se/direct.h - the path over a bus of our own: lock, T=1, SELECT, the platform's secure channel.
 *
 * Rules in se/path.h. Processes share the bus. Each sequence takes its lock (se/bus.h) and looks at the mark
 * on it: who finds his own mark goes on where he stopped, who finds another's brings the T=1 link in step
 * (resync), selects the applet and opens the channel anew. docs/decisions/bus-sharing.md.
 */
#pragma once
#include "se/bus.h"
#include "se/path.h"

/* Called for the first connection and again when it was lost. */
typedef err_t se_bus_open_fn(const struct se_port *port, struct se_bus **ret);

err_t se_direct_open(const struct se_port *port, se_bus_open_fn *open_bus, const char *scp03,
                     struct se_path **ret);
