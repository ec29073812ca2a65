/* src/vse/scp_keys.h - where the platform's keys come from: a published set by name, or a file.
 *
 * Reference 4.1. Blocking when it is a file.
 */
#pragma once
#include "vse/scp.h"

/* The set NXP published under this name: devkit (or A1F4), A200, A201, A921. For all but the first the
 * reference has no DEK: has_dek is false then, and keys cannot be rotated. ERR_NOT_FOUND. */
err_t vse_scp_keys_named(const char *name, struct vse_scp_keys *ret);

/* A file of lines "ENC <hex>", "MAC <hex>", "DEK <hex>" and # comments; DEK may be missing.
 * It must be regular, owned by root or the caller and closed to others (ERR_DENIED, ERR_INVALID otherwise).
 * ERR_PROTO: a line is not understood, comes twice, or ENC or MAC is missing; and what reading a file gives.
 */
err_t vse_scp_keys_read(const char *path, struct vse_scp_keys *ret);
/* The same for text. */
err_t vse_scp_keys_parse(struct slice text, struct vse_scp_keys *ret);
