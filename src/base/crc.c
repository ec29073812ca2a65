#include "base/crc.h"

uint16_t crc16_x25(struct slice s)
{
    uint16_t crc = 0xffff;

    for (size_t i = 0; i < s.n; i++) {
        crc ^= s.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? (uint16_t)(crc >> 1 ^ 0x8408) : (uint16_t)(crc >> 1);
    }
    return (uint16_t)~crc;
}

uint32_t crc32_ieee_add(uint32_t crc, struct slice s)
{
    crc = ~crc;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= s.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

uint32_t crc32_ieee(struct slice s)
{
    return crc32_ieee_add(0, s);
}
