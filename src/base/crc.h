/* src/base/crc.h - CRC-16/X-25 (T=1 over I2C) and CRC-32 (stored records). Pure; any thread. */
#pragma once
#include "base/slice.h"

uint16_t crc16_x25(struct slice s);
uint32_t crc32_ieee(struct slice s);
/* Continue a CRC-32 over more bytes; start with 0. */
uint32_t crc32_ieee_add(uint32_t crc, struct slice s);
