/* src/se/key_write.h - shared by ec.c and rsa.c only. Rules in se/key.h. */
#pragma once
#include "se/chip.h"

#define SE_WHAT_MAX 64
/* "object 20181001: signing" */
const char *se_key_what(char out[SE_WHAT_MAX], uint32_t id, const char *doing);

/* Before a write: is `id` free (*ret_fresh), or a key of the same type class and size that may be
 * replaced? ERR_EXISTS otherwise. size as ReadSize gives it. */
err_t se_key_clear_way(struct se_chip *chip, uint32_t id, uint8_t type, size_t size, bool *ret_fresh);
