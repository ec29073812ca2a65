#include "vse/apdu.h"

#include "base/reader.h"

enum { LE_MAX = 3 };

err_t vse_apdu_decode(struct slice in, struct vse_apdu *ret)
{
    struct reader r = reader_of(in);
    struct vse_apdu a;
    size_t lc = 0;

    a.cla = reader_u8(&r);
    a.ins = reader_u8(&r);
    a.p1 = reader_u8(&r);
    a.p2 = reader_u8(&r);
    if (r.rest.n > 1) { /* one byte alone is a short Le */
        bool le_only = in.n == VSE_APDU_HEADER + LE_MAX && r.rest.p[0] == 0;
        lc = reader_u8(&r);
        if (lc == 0)
            lc = reader_be16(&r);
        if (le_only) /* three bytes in all: an extended Le of any size, no Lc */
            lc = 0;
    }
    a.data = reader_bytes(&r, lc);
    if (reader_ok(&r) || r.rest.n > LE_MAX)
        return ERR_PROTO;
    *ret = a;
    return ERR_OK;
}
