#include "vse/preload/bus.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { START_BIT = 1, STOP_BIT = 1, BYTE_BITS = 9 /* eight and the acknowledge */ };

void preload_stats_count(struct preload_stats *s, uint8_t op, size_t n, bool acked, bool repeated_start)
{
    size_t bytes = acked ? n : 0;

    s->bus_bits += START_BIT + BYTE_BITS * (1 + bytes) + (repeated_start ? 0 : STOP_BIT);
    s->nacks += !acked;
    if (op == SE_BUS_OP_WRITE) {
        s->writes++;
        s->bytes_written += bytes;
    } else {
        s->reads++;
        s->bytes_read += bytes;
    }
}

void preload_stats_write(const struct preload_stats *s)
{
    const char *path = secure_getenv("SEDGE_I2C_STATS");
    char line[256];
    int n, fd;

    if (!path || !*path || s->writes + s->reads == 0)
        return;
    n = snprintf(line, sizeof(line),
                 "{\"pid\": %ld, \"writes\": %" PRIu64 ", \"reads\": %" PRIu64 ", \"bytes_written\": %" PRIu64
                 ", \"bytes_read\": %" PRIu64 ", \"nacks\": %" PRIu64 ", \"bus_bits\": %" PRIu64 "}\n",
                 (long)getpid(), s->writes, s->reads, s->bytes_written, s->bytes_read, s->nacks, s->bus_bits);
    fd = CALL_NEXT(open, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return; /* statistics must not disturb the program they are about */
    (void)!CALL_NEXT(write, fd, line, (size_t)n);
    (void)CALL_NEXT(close, fd);
}
