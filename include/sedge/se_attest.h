/* sedge/se_attest.h - what the chip says about an object, signed by the chip and checked by the library.
 */
#ifndef SEDGE_SE_ATTEST_H
#define SEDGE_SE_ATTEST_H

#include <sedge/se_manage.h>
#include <sedge/se_object.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The answer is fresh, of this chip (its unique id), and signed by the attestation key, a P-256 pair in the
 * chip. Give the key's point from a certificate that you trust; without it the chip's own word is taken for
 * which key it is. Zero is the default of each. */
struct sedge_se_attest {
    uint32_t key;      /* 0: SEDGE_SE_ID_ATTESTATION_KEY */
    sedge_bytes point; /* 04 x y; empty: as the chip tells it */
};

struct sedge_se_proof {
    struct sedge_se_attributes attributes;
    uint8_t chip_id[SEDGE_SE_UNIQUE_ID_LEN];
    uint8_t timestamp[SEDGE_SE_TIMESTAMP_LEN];
    bool generated_inside; /* proven: made in the chip, never anywhere else */
};

/* by may be NULL. SEDGE_ERR_AUTH: the signature is another key's, or the answer another chip's. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_attest_attributes(sedge_se *se, uint32_t id,
                                                                const struct sedge_se_attest *by,
                                                                struct sedge_se_proof *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_attest_read(sedge_se *se, uint32_t id,
                                                          const struct sedge_se_attest *by, sedge_out *ret,
                                                          struct sedge_se_proof *ret_proof);
/* 7.x: a self-test. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_attest_self_test(sedge_se *se, uint16_t test,
                                                               const struct sedge_se_attest *by,
                                                               bool *ret_passed);
/* As sedge_se_i2cm. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_attest_i2cm(sedge_se *se, struct sedge_se_i2cm *steps, size_t n,
                                                          const struct sedge_se_attest *by);

#ifdef __cplusplus
}
#endif
#endif
