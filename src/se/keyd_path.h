/* src/se/keyd_path.h - the path through the access daemon: its client half. Rules in se/path.h, messages in
 * se/keyd_wire.h, spec in docs/spec/keyd.md.
 *
 * Never opens the bus: while the daemon is away every sequence fails with ERR_UNAVAILABLE, and the first one
 * after it came back connects anew. A command is sent again only when the daemon cannot have had it whole.
 * What a rule refuses is ERR_DENIED with the daemon's sentence in se_detail().
 */
#pragma once
#include "se/path.h"

/* No I/O yet. ERR_NOMEM. */
err_t se_keyd_path_open(const struct se_port *port, struct se_path **ret);
