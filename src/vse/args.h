/* src/vse/args.h - the TLVs of one command, each tag at most once. Pure; any thread.
 *
 * Integers inside TLVs have a fixed width (AN12413): a getter that meets another width marks the
 * arguments as bad, and the handler checks `bad` once after its last getter.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "se/wire.h"

enum { VSE_ARGS_SESSION_TAGS = SE_TAG_POLICY_CHECK - SE_TAG_SESSION_ID + 1 };

/* The place of a tag, and its bit in a mask of tags. */
#define VSE_ARG_INDEX(tag) \
    ((tag) >= SE_TAG_1 ? (tag)-SE_TAG_1 + VSE_ARGS_SESSION_TAGS : (tag)-SE_TAG_SESSION_ID)
#define VSE_ARG_BIT(tag) (1u << VSE_ARG_INDEX(tag))

enum { VSE_ARGS = VSE_ARG_INDEX(SE_TAG_11) + 1 };

struct vse_args {
    uint32_t present; /* VSE_ARG_BIT of each tag that came */
    bool bad;
    struct slice v[VSE_ARGS]; /* point into the command */
};

/* ERR_PROTO: malformed, an unknown tag, or one that came before. */
err_t vse_args_decode(struct slice data, struct vse_args *ret);

bool vse_arg_has(const struct vse_args *a, uint8_t tag);
/* Empty when absent: hosts leave an empty byte string out altogether. */
struct slice vse_arg_bytes(const struct vse_args *a, uint8_t tag);
/* The value, or `def` when absent. */
uint8_t vse_arg_u8(struct vse_args *a, uint8_t tag, uint8_t def);
uint16_t vse_arg_u16(struct vse_args *a, uint8_t tag, uint16_t def);
uint32_t vse_arg_u32(struct vse_args *a, uint8_t tag, uint32_t def);
