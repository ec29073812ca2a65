#include "vse/secured.h"

#include "base/mem.h"
#include "vse/apdu.h"

enum { SHORT_LC_MAX = 0xff };

/* The command as its host wrote it before wrapping: Lc short when it fits. Appends to ret. */
static err_t plain_command(struct slice header, struct slice data, struct buf *ret)
{
    struct writer w = writer_of(ret);

    writer_u8(&w, header.p[0] & (uint8_t)~SE_CLA_SECURE_BIT);
    writer_bytes(&w, slice_skip(header, 1));
    if (data.n > SHORT_LC_MAX) {
        writer_u8(&w, 0);
        writer_be16(&w, (uint16_t)data.n);
    } else if (data.n) {
        writer_u8(&w, (uint8_t)data.n);
    }
    writer_bytes(&w, data);
    return writer_done(&w);
}

static err_t unwrap(struct vse_scp *scp, struct slice in, struct buf *ret_plain)
{
    autobuf data = BUF_SECRET(SE_APDU_MAX);
    struct slice header = slice_head(in, VSE_APDU_HEADER);
    struct vse_apdu apdu;
    err_t e;

    if (vse_apdu_decode(in, &apdu) || apdu.cla != SE_CLA_SECURED) {
        vse_scp_close(scp);
        return ERR_DENIED;
    }
    e = vse_scp_unwrap(scp, header, apdu.data, &data);
    if (!e)
        e = plain_command(header, buf_slice(&data), ret_plain);
    if (e)
        vse_scp_close(scp);
    return e;
}

uint16_t vse_run_secured(struct vse_applet *a, struct vse_session *s, struct vse_scp *scp, struct slice in,
                         struct writer *out)
{
    autobuf plain = BUF_SECRET(SE_APDU_MAX), data = BUF_SECRET(SE_ANSWER_MAX),
            wrapped = BUF_SECRET(SE_ANSWER_MAX);
    struct writer w = writer_of(&data);
    struct vse_scp channel;
    uint16_t sw;
    err_t e = unwrap(scp, in, &plain);

    if (e)
        return SE_SW_SECURITY_STATUS;
    channel = *scp; /* the command may end the session, whose last answer is wrapped all the same */
    sw = vse_run_plain(a, s, true, buf_slice(&plain), &w);
    if (sw == SE_SW_OK)
        e = writer_done(&w);
    if (sw == SE_SW_OK && !e)
        e = vse_scp_wrap(&channel, buf_slice(&data), &wrapped);
    mem_wipe(&channel, sizeof(channel));
    if (sw == SE_SW_OK && !e)
        writer_bytes(out, buf_slice(&wrapped));
    return e ? vse_sw_from_err(e) : sw;
}
