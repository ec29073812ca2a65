/* src/cloud/serve.h - `sedge-cloud serve`: build the parts, connect them, run until SIGTERM or SIGINT. */
#pragma once
#include "cloud/options.h"

/* Returns the exit status; what went wrong has been logged. */
int serve(const struct options *o);
