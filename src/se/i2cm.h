/* src/se/i2cm.h - the chip as an I2C master: what its own bus finds behind it.
 *
 * Lists are pure; se_i2cm_run is blocking I/O over a handle, rules in se/chip.h. AN12413 "I2C master
 * commands"; reference 3.13. Attested: se/attest.h.
 */
#pragma once
#include "base/buf.h"
#include "se/chip.h"

enum { SE_I2CM_COMMAND_MAX = 255, SE_I2CM_ANSWER_MAX = 271 };

enum se_i2cm_kind { SE_I2CM_CONFIGURE = 0x01, SE_I2CM_WRITE = 0x03, SE_I2CM_READ = 0x04 };

/* Append one element to a list (BUF_INIT(SE_I2CM_COMMAND_MAX)). ERR_TOO_BIG. */
err_t se_i2cm_configure(struct buf *list, uint8_t address, uint8_t frequency);
err_t se_i2cm_write(struct buf *list, struct slice data);
err_t se_i2cm_read(struct buf *list, uint16_t length);

struct se_i2cm_result {
    enum se_i2cm_kind kind;
    bool done; /* false: the device did not answer */
    struct slice data;
};
/* The next result of an answer, from the front of *in. ERR_MORE at its end, ERR_PROTO malformed. */
err_t se_i2cm_next(struct slice *in, struct se_i2cm_result *ret);

/* Append the answer, checked to have one well-formed result for each element in their order. */
err_t se_i2cm_run(struct se_chip *chip, struct slice list, struct buf *out);
/* Is `answer` the one to `list`? ERR_PROTO when not. */
err_t se_i2cm_check(struct slice list, struct slice answer);
