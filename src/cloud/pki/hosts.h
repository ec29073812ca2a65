/* src/cloud/pki/hosts.h - the names in the server certificate. Parsing is pure; the rest is file I/O. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define HOSTS_MAX 96u /* --host, and with several accounts one more for each of them */

struct hosts {
    char *list[HOSTS_MAX + 2];
    size_t n;
};

void hosts_done(struct hosts *h);
/* Split "a,b,c". "localhost" brings 127.0.0.1 and ::1 along: clients on the machine use either. ERR_INVALID.
 */
err_t hosts_parse(const char *text, struct hosts *ret);
/* Does DIR/server.hosts hold another list than this one? No file: changed. */
err_t hosts_changed(const char *dir, const struct hosts *h, bool *ret);
/* Written after the certificate: a crash between the two makes one certificate more, never an old one. */
err_t hosts_remember(const char *dir, const struct hosts *h);
