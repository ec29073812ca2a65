/* src/se/detail.h - the sentence that goes with the last failure of this room, per thread.
 *
 * err_t says what a caller can do; this text says to a person what was attempted, why it failed and
 * what to look at: bus and address, status word, what `i2cdetect -y 1` should show. Programs print it,
 * libraries do not. Never holds key material or PINs. Any thread: the text is thread-local.
 */
#pragma once
#include "base/err.h"

#include <stdint.h>

/* The text of the last failure in this thread; "" when there was none. Valid until the next call of
 * this room in this thread. */
const char *se_detail(void);
void se_detail_clear(void);
/* The status word of the last failure in this thread that was a refusal of the applet; 0 when it was none. */
uint16_t se_last_sw(void);

/* For this room: keep the text over calls that may change it. */
#define SE_DETAIL_MAX 768
void se_detail_save(char out[SE_DETAIL_MAX]);
void se_detail_restore(const char text[SE_DETAIL_MAX]);

/* For this room: set the text and give back `e`, so that a failure is one line. */
void se_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A macro so that compilers and analysers see which error it is: never ERR_OK. */
#define se_fail(error, ...)      \
    ({                           \
        err_t failure = (error); \
        se_note(__VA_ARGS__);    \
        failure;                 \
    })
/* The same for a refusal of the applet. */
err_t se_fail_sw(err_t e, uint16_t sw);
/* Put a prefix before the text there is ("reading object 20181001: ..."). */
err_t se_fail_at(err_t e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
