/* src/se/command.h - run one command on a chip; for the files of this room only.
 *
 * Thread and error rules in se/chip.h. se_command_*: inside a sequence, hold the chip first (with auto_hold
 * it is released when the local leaves scope). se_call_*: hold, run and judge in one, for calls that are one
 * command. An answer that does not have exactly the stated shape is ERR_PROTO and changes nothing.
 */
#pragma once
#include "base/mem.h"
#include "base/tlv.h"
#include "se/apdu.h"
#include "se/chip.h"
#include "se/detail.h"

#define SE_WHAT_MAX 64
/* "object 20181001: signing"; returns out. */
const char *se_what(char out[SE_WHAT_MAX], uint32_t id, const char *doing);

/* A sequence that ends with the scope: `auto_hold *held = NULL; e = se_hold(chip, &held);` */
err_t se_hold(struct se_chip *chip, struct se_chip **ret_held);
void se_release(struct se_chip **held);
#define auto_hold __attribute__((cleanup(se_release))) struct se_chip

/* `what` starts the message of a failure: "object 20181001: reading the size". */
err_t se_command_run(struct se_chip *chip, const struct se_command *c, const char *what,
                     struct slice *ret_answer);
/* No data is expected back: ERR_PROTO when some comes. */
err_t se_command_status(struct se_chip *chip, const struct se_command *c, const char *what);
/* ERR_PROTO: the answer does not have the shape the specification gives it. */
#define se_command_malformed(what) se_fail(ERR_PROTO, "%s: the chip's answer is malformed", (what))

/* Put a TLV only when there is something to put: an absent one means empty, or none (reference 2.4). */
void se_put_bytes(struct se_command *c, uint8_t tag, struct slice value);
void se_put_u8(struct se_command *c, uint8_t tag, uint8_t value);
void se_put_be16(struct se_command *c, uint8_t tag, uint16_t value);
void se_put_id(struct se_command *c, uint8_t tag, uint32_t id);

/* Only a status word comes back. */
err_t se_call_status(struct se_chip *chip, const struct se_command *c, const char *what);
/* T1 of min..max bytes comes back and is appended (unchanged on failure). */
err_t se_call_bytes(struct se_chip *chip, const struct se_command *c, const char *what, size_t min,
                    size_t max, struct buf *out);
/* The same, where nothing at all may come back instead: no bytes then. */
err_t se_call_optional(struct se_chip *chip, const struct se_command *c, const char *what, size_t max,
                       struct buf *out);
/* The same, of n bytes, into ret. */
err_t se_call_fixed(struct se_chip *chip, const struct se_command *c, const char *what, uint8_t *ret,
                    size_t n);
/* T1 is 01 (true) or 02 (false). */
err_t se_call_result(struct se_chip *chip, const struct se_command *c, const char *what, bool *ret);

/* The data of a command for this applet: what is over it is refused before it is sent. */
size_t se_data_max(const struct se_chip *chip);
/* Is the applet one of 6.x, 7.x? */
bool se_is_7x(const struct se_chip *chip);
/* ERR_UNSUPPORTED with a sentence unless the applet is 7.x. */
err_t se_need_7x(const struct se_chip *chip, const char *what);

/* Inside a parsed answer: 01 is true, 02 is false, all else ERR_PROTO. */
err_t se_result(struct slice value, bool *ret);
