/* function-sdk/c/stop.h - the core asks the process to end: SIGTERM, seen by whatever waits in this library.
 * Any thread. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

bool stop_init(void);         /* once; false: the system gives no descriptor */
bool stop_catch_signal(void); /* from now on SIGTERM is the library's */
bool stop_asked(void);

/* Wait until `fd` (-1: none) is ready for `events` of poll(2), at most timeout_ms (-1: for ever).
 * ERR_TIMEOUT; ERR_CANCELLED: the process is to end; ERR_IO. */
err_t stop_wait(int fd, short events, int timeout_ms);
