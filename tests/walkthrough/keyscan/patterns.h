/* patterns.h - what a private key looks like wherever a copy of it may lie.
 *
 * From each secret part of the key (RSA d, p, q, dp, dq, qinv; the EC scalar), big and little endian, windows
 * are cut from its start, middle and end, and written raw, in hex (both cases) and in base64 at its three
 * alignments. One thread.
 */
#pragma once
#include "base/buf.h"

enum { PATTERN_MAX = 64 };

struct pattern {
    uint8_t bytes[PATTERN_MAX];
    size_t n;
    bool text;     /* hex or base64: also looked for across white space and line breaks */
    char what[80]; /* "RSA d, middle, little endian, base64 (2)" */
};

struct patterns {
    struct pattern *list;
    size_t n, room;
    size_t longest;
};

/* The patterns of the private key in a PEM file. ERR_NOT_FOUND, ERR_INVALID (no RSA or EC private key in it),
 * ERR_NOMEM. */
err_t patterns_load(struct patterns *ps, const char *pem_path);
void patterns_done(struct patterns *ps); /* wipes */
