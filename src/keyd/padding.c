#include "keyd/padding.h"

#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

enum {
    BLOCK_MIN = 64,
    BLOCK_MAX = 512,
    SALT_MAX = 64,
    PKCS1_FILL_MIN = 8,
    PSS_ZEROS_MIN = 16, /* 128 bits that a blinded ciphertext would have to hit by chance */
};

/* ---- EMSA-PKCS1-v1_5 (9.2): 00 01 FF.. 00 DigestInfo ---- */

static const struct {
    struct slice info; /* DER up to the digest */
    size_t digest;
} infos[] = {
    { SLICE_LIT("\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"), 20 },
    { SLICE_LIT("\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c"), 28 },
    { SLICE_LIT("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), 32 },
    { SLICE_LIT("\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"), 48 },
    { SLICE_LIT("\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"), 64 },
};

static bool is_digest_info(struct slice s)
{
    for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
        if (s.n == infos[i].info.n + infos[i].digest && slice_starts(s, infos[i].info))
            return true;
    }
    return s.n == 36; /* TLS 1.0: MD5 and SHA-1, without a name */
}

static bool is_pkcs1(struct slice block)
{
    size_t at = 2;

    if (!slice_starts(block, SLICE_LIT("\x00\x01")))
        return false;
    while (at < block.n && block.p[at] == 0xff)
        at++;
    return at >= 2 + PKCS1_FILL_MIN && at < block.n && block.p[at] == 0 &&
           is_digest_info(slice_skip(block, at + 1));
}

/* ---- EMSA-PSS (9.1.2): maskedDB H BC, where DB is 00.. 01 salt ---- */

static bool is_pss_with(struct slice block, const EVP_MD *md)
{
    uint8_t mask[BLOCK_MAX];
    size_t hash = (size_t)EVP_MD_get_size(md), db = block.n - hash - 1, at = 0;

    if (block.n < hash + 2 || PKCS1_MGF1(mask, (long)db, block.p + db, (long)hash, md) != 0)
        return false;
    for (size_t i = 0; i < db; i++)
        mask[i] ^= block.p[i];
    mask[0] &= 0x7f; /* the block is one bit longer than the encoding */
    while (at < db && mask[at] == 0)
        at++;
    return at < db && mask[at] == 1 && at >= PSS_ZEROS_MIN && db - at - 1 <= SALT_MAX;
}

static bool is_pss(struct slice block)
{
    const EVP_MD *digests[] = { EVP_sha256(), EVP_sha384(), EVP_sha512(), EVP_sha1(), EVP_sha224() };

    if ((block.p[0] & 0x80) || block.p[block.n - 1] != 0xbc)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        if (is_pss_with(block, digests[i]))
            return true;
    }
    return false;
}

bool keyd_is_signature_block(struct slice block)
{
    return block.n >= BLOCK_MIN && block.n <= BLOCK_MAX && (is_pkcs1(block) || is_pss(block));
}
