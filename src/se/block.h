/* src/se/block.h - one block of T=1 over I2C: NAD PCB LEN INF CRC.
 *
 * Pure: no I/O, no allocation; any thread. Spec: NXP UM11225, one-byte LEN, CRC low byte first.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "se/wire.h"

enum se_block_kind { SE_BLOCK_I, SE_BLOCK_R, SE_BLOCK_S_REQUEST, SE_BLOCK_S_RESPONSE, SE_BLOCK_UNKNOWN };

struct se_block {
    uint8_t pcb;
    struct slice inf; /* borrowed from the input */
};

/* Bytes that follow the three header bytes (INF and CRC), from an answer of the chip.
 * ERR_PROTO: wrong NAD, or a LEN of 255. */
err_t se_block_rest(const uint8_t header[SE_T1_HEADER], size_t *ret_n);

/* Read one whole block from the chip. ERR_PROTO wrong NAD or length, ERR_CORRUPT wrong CRC. */
err_t se_block_decode(struct slice bytes, struct se_block *ret);

/* Write a block from the host; returns its length. inf.n <= SE_T1_INF_MAX. */
size_t se_block_encode(uint8_t out[SE_T1_BLOCK_MAX], uint8_t pcb, struct slice inf);

/* What a PCB says, reserved bits included: UNKNOWN when one is set. */
enum se_block_kind se_block_kind(uint8_t pcb);
