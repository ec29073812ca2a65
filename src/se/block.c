#include "se/block.h"

#include "base/crc.h"

#include <assert.h>

enum { LEN_RESERVED = 0xff };

err_t se_block_rest(const uint8_t header[SE_T1_HEADER], size_t *ret_n)
{
    if (header[0] != SE_T1_NAD_SE || header[2] == LEN_RESERVED)
        return ERR_PROTO;
    *ret_n = (size_t)header[2] + SE_T1_CRC;
    return ERR_OK;
}

static uint16_t crc_at(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

err_t se_block_decode(struct slice bytes, struct se_block *ret)
{
    size_t rest;
    size_t body;

    if (bytes.n < SE_T1_BLOCK_MIN || se_block_rest(bytes.p, &rest))
        return ERR_PROTO;
    if (bytes.n != SE_T1_HEADER + rest)
        return ERR_PROTO;
    body = bytes.n - SE_T1_CRC;
    if (crc16_x25(slice_head(bytes, body)) != crc_at(bytes.p + body))
        return ERR_CORRUPT;
    *ret = (struct se_block){ bytes.p[1], slice_of(bytes.p + SE_T1_HEADER, rest - SE_T1_CRC) };
    return ERR_OK;
}

size_t se_block_encode(uint8_t out[SE_T1_BLOCK_MAX], uint8_t pcb, struct slice inf)
{
    size_t n = SE_T1_HEADER + inf.n;
    uint16_t crc;

    assert(inf.n <= SE_T1_INF_MAX);
    out[0] = SE_T1_NAD_HOST;
    out[1] = pcb;
    out[2] = (uint8_t)inf.n;
    if (inf.n)
        memcpy(out + SE_T1_HEADER, inf.p, inf.n);
    crc = crc16_x25(slice_of(out, n));
    out[n] = (uint8_t)crc;
    out[n + 1] = (uint8_t)(crc >> 8);
    return n + SE_T1_CRC;
}

enum se_block_kind se_block_kind(uint8_t pcb)
{
    if ((pcb & 0x80) == 0)
        return pcb & SE_PCB_I_RFU ? SE_BLOCK_UNKNOWN : SE_BLOCK_I;
    if ((pcb & SE_PCB_R_MASK) == SE_PCB_R)
        return SE_BLOCK_R;
    if ((pcb & SE_PCB_S_RESPONSE) == SE_PCB_S_RESPONSE)
        return SE_BLOCK_S_RESPONSE;
    return (pcb & SE_PCB_S_REQUEST) == SE_PCB_S_REQUEST ? SE_BLOCK_S_REQUEST : SE_BLOCK_UNKNOWN;
}
