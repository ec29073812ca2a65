#include "pkcs11/hash.h"

/* SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING (n bytes) } up to the digest. */
#define SHA1_INFO "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"
#define SHA2_INFO(total, arc, n) \
    "\x30" total "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" arc "\x05\x00\x04" n

static const struct p11_hash hashes[P11_HASHES] = {
    { 0, CKM_SHA_1, CKG_MGF1_SHA1, "SHA1", 20, SHA1_INFO, 15 },
    { 1, CKM_SHA224, CKG_MGF1_SHA224, "SHA2-224", 28, SHA2_INFO("\x2d", "\x04", "\x1c"), 19 },
    { 2, CKM_SHA256, CKG_MGF1_SHA256, "SHA2-256", 32, SHA2_INFO("\x31", "\x01", "\x20"), 19 },
    { 3, CKM_SHA384, CKG_MGF1_SHA384, "SHA2-384", 48, SHA2_INFO("\x41", "\x02", "\x30"), 19 },
    { 4, CKM_SHA512, CKG_MGF1_SHA512, "SHA2-512", 64, SHA2_INFO("\x51", "\x03", "\x40"), 19 },
};

const struct p11_hash *p11_hash_at(size_t i)
{
    return i < P11_HASHES ? &hashes[i] : NULL;
}

const struct p11_hash *p11_hash_by_ckm(CK_MECHANISM_TYPE ckm)
{
    for (size_t i = 0; i < P11_HASHES; i++) {
        if (hashes[i].ckm == ckm)
            return &hashes[i];
    }
    return NULL;
}

const struct p11_hash *p11_hash_by_mgf(CK_RSA_PKCS_MGF_TYPE mgf)
{
    for (size_t i = 0; i < P11_HASHES; i++) {
        if (hashes[i].mgf == mgf)
            return &hashes[i];
    }
    return NULL;
}
