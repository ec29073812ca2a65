/* src/se/apdu.h - command APDUs and their answers as bytes.
 *
 * Pure: no I/O; any thread. SE05x: AN12413; ISO 7816-4 for the lengths. Answers come from the chip and
 * are judged, not trusted.
 */
#pragma once
#include "base/buf.h"
#include "base/writer.h"
#include "se/wire.h"

/* A command under construction: put TLVs with tlv_put*(&c.w, ...). Wiped when freed. */
struct se_command {
    uint8_t ins, p1, p2;
    bool ext;    /* one of the commands that always go with extended length (reference 2.3) */
    bool answer; /* data is expected back */
    struct buf data;
    struct writer w; /* into data */
};

enum se_command_form {
    SE_COMMAND_STATUS = 0,     /* only a status word comes back */
    SE_COMMAND_ANSWER = 1,     /* data comes back */
    SE_COMMAND_EXT_ANSWER = 2, /* data comes back, extended length */
};

/* `c` must not move afterwards (the writer points into it). Declare an auto_command zeroed, so that it may be
 * released before this was reached. */
void se_command_init(struct se_command *c, uint8_t ins, uint8_t p1, uint8_t p2, enum se_command_form form);
void se_command_done(struct se_command *c);
#define auto_command __attribute__((cleanup(se_command_done))) struct se_command

/* Append header, Lc, data, Le. ERR_TOO_BIG: over SE_APDU_DATA_MAX_7X; the writer's error otherwise. */
err_t se_command_encode(const struct se_command *c, struct buf *out);

/* Split data and status word. ERR_PROTO: shorter than a status word. */
err_t se_answer_split(struct slice answer, struct slice *ret_data, uint16_t *ret_sw);

/* The one table from status words to classes; ERR_OK for 9000. */
err_t se_err_from_sw(uint16_t sw);
/* What the specification calls it; "unknown status" otherwise. Static storage. */
const char *se_sw_text(uint16_t sw);

/* Take a TLV of this tag from the front of *in. ERR_PROTO: another tag, malformed. *in advances only on
 * success. */
err_t se_answer_take(struct slice *in, uint8_t tag, struct slice *ret);
/* The answer is exactly one TLV of this tag. ERR_PROTO otherwise, also when bytes follow. */
err_t se_answer_only(struct slice in, uint8_t tag, struct slice *ret);
/* The same for a fixed-width integer. */
err_t se_answer_u8(struct slice in, uint8_t tag, uint8_t *ret);
err_t se_answer_be16(struct slice in, uint8_t tag, uint16_t *ret);
