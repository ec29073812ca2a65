/* src/base/clock.h - time with its unit in every name. Any thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_ms(void); /* monotonic, for deadlines */
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); /* since 1970-01-01T00:00:00Z */

#define CLOCK_ISO_MAX 32
/* 2021-01-28T17:43:47.220Z; out has CLOCK_ISO_MAX bytes. */
void clock_iso(char *out, int64_t wall_ms);
/* As Greengrass V1 writes it: RFC 3339 with trailing zeros of the fraction trimmed (.22Z). */
void clock_iso_trimmed(char *out, int64_t wall_ms);
