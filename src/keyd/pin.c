#include "keyd/pin.h"

#include "base/buf.h"
#include "se/detail.h"
#include "se/private_file.h"
#include "se/wire.h"

enum { PIN_FILE_MAX = 256 };

err_t keyd_pin_read(const char *from, struct secret **ret)
{
    autobuf text = BUF_SECRET(PIN_FILE_MAX);
    err_t e = se_private_read(from, "PIN file", &text);

    if (e)
        return e;
    if (text.n && text.p[text.n - 1] == '\n')
        buf_cut(&text, text.n - 1);
    if (text.n < SE_USERID_MIN || text.n > SE_USERID_MAX)
        return se_fail(ERR_INVALID, "%s is no PIN file: one line of %d to %d characters is expected", from,
                       SE_USERID_MIN, SE_USERID_MAX);
    return secret_new(buf_slice(&text), ret);
}
