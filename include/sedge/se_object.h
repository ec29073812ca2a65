/* sedge/se_object.h - secure objects: what is there, files, counters, PCRs, secret keys, UserIDs, policies.
 */
#ifndef SEDGE_SE_OBJECT_H
#define SEDGE_SE_OBJECT_H

#include <sedge/se.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Policies and the other things that can be said about an object when it is made. */
struct sedge_se_rule {
    uint32_t auth;   /* authentication object; 0: any session, none needed */
    uint32_t rights; /* SEDGE_SE_POLICY_* */
    /* with SEDGE_SE_POLICY_REQUIRE_PCR: while this PCR has this value */
    uint32_t pcr;
    uint8_t pcr_value[SEDGE_SE_PCR_LEN];
    uint32_t desfire_target; /* with SEDGE_SE_POLICY_DESFIRE_CHANGE_KEY (7.x) */
    uint32_t derived_from;   /* with SEDGE_SE_POLICY_DERIVED_INPUT (7.x) */
};

/* `how` of every call that writes; NULL is an ordinary object with the chip's default policy. Rules and
 * attempts are for new objects: where the id is taken such a write is SEDGE_ERR_EXISTS. Zero is the default
 * of each. */
struct sedge_se_write {
    const struct sedge_se_rule *rules;
    size_t n_rules;        /* up to 28 */
    uint16_t max_attempts; /* authentication objects; 0: no limit */
    bool auth;             /* for authentication only */
    bool transient;        /* the value is in RAM */
    uint32_t version;      /* 7.x */
};

/* An absent object is false, not an error. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_exists(sedge_se *se, uint32_t id, bool *ret);

/* SEDGE_SE_TYPE_*; 7.x tells EC types per curve, which sedge_se_type_class folds to EC_PAIR, _PRIVATE,
 * _PUBLIC. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_type(sedge_se *se, uint32_t id, uint8_t *ret_type,
                                                   bool *ret_transient);
SEDGE_API uint8_t sedge_se_type_class(uint8_t type);

/* Bytes: private part of an EC key, modulus, secret key, file. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_size(sedge_se *se, uint32_t id, size_t *ret);

/* The ids of all objects of a type (SEDGE_SE_TYPE_ALL), in the chip's order. SEDGE_ERR_TOO_BIG: there are
 * more than room. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_list(sedge_se *se, uint8_t type, uint32_t *ids, size_t room,
                                                   size_t *ret_n);

enum sedge_se_origin {
    SEDGE_SE_ORIGIN_EXTERNAL = 1,
    SEDGE_SE_ORIGIN_INTERNAL = 2, /* made in the chip */
    SEDGE_SE_ORIGIN_PROVISIONED = 3,
};

struct sedge_se_attributes {
    uint32_t id;
    uint8_t type;
    bool auth;
    uint16_t attempts, max_attempts; /* of an authentication object; max 0: no limit */
    uint16_t min_tag;
    uint32_t owner;
    enum sedge_se_origin origin;
    uint32_t version;
    size_t n_rules;
    struct sedge_se_rule rules[28];
};

/* What the chip says about an object. Nobody has signed that: see sedge/se_attest.h. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_attributes(sedge_se *se, uint32_t id,
                                                         struct sedge_se_attributes *ret);

/* The value that may be read: a file, the point of an EC key, a counter, a PCR. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_read(sedge_se *se, uint32_t id, sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_read_at(sedge_se *se, uint32_t id, size_t offset, size_t length,
                                                      sedge_out *ret);

/* Write a whole file (1 to SEDGE_SE_BINARY_MAX bytes). One of another size, or any when `how` has rules, is
 * deleted and made anew. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_write_file(sedge_se *se, uint32_t id, sedge_bytes bytes,
                                                         const struct sedge_se_write *how);

/* A file of zeros, to be filled with sedge_se_update_file. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_create_file(sedge_se *se, uint32_t id, size_t size,
                                                          const struct sedge_se_write *how);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_update_file(sedge_se *se, uint32_t id, size_t offset,
                                                          sedge_bytes bytes);

SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_delete(sedge_se *se, uint32_t id);

/* The sealed value of a transient object, and back. component: SEDGE_SE_EXPORT_WHOLE, or an RSA component's
 * number. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_export(sedge_se *se, uint32_t id, uint8_t component,
                                                     sedge_out *ret);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_import(sedge_se *se, uint32_t id, uint8_t component,
                                                     sedge_bytes blob);

enum { SEDGE_SE_EXPORT_WHOLE = 0xff };

/* A write that the holder of the key `host` agreed with the chip's import key. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_import_external(sedge_se *se, sedge_bytes auth, uint32_t host,
                                                              sedge_bytes command);

struct sedge_se_secret {
    uint8_t type;        /* SEDGE_SE_TYPE_AES (16, 24, 32 bytes), _DES (8, 16, 24), _HMAC (1..256) */
    sedge_bytes value;   /* with kek: wrapped by RFC 3394 */
    uint32_t kek;        /* AES key in the chip, or 0 */
    uint16_t min_tag;    /* AES: shortest AEAD tag; 0: the chip's default */
    uint16_t min_output; /* 7.x: shortest MAC or derived value; 0: the chip's default */
};

/* Write a secret key; the value is wiped from the library's buffers. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_write_secret(sedge_se *se, uint32_t id,
                                                           const struct sedge_se_secret *key,
                                                           const struct sedge_se_write *how);

/* Write a secret key from the chip's generator; it passes through this process. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_generate_secret(sedge_se *se, uint32_t id, uint8_t type,
                                                              size_t n, const struct sedge_se_write *how);

/* A UserID (PIN) of 4 to 16 bytes. It cannot be changed, only deleted. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_write_userid(sedge_se *se, uint32_t id, sedge_bytes value,
                                                           const struct sedge_se_write *how);

/* Counters of 1 to 8 bytes go only up. */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_create_counter(sedge_se *se, uint32_t id, size_t size,
                                                             uint64_t first,
                                                             const struct sedge_se_write *how);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_raise_counter(sedge_se *se, uint32_t id, size_t size,
                                                            uint64_t value);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_increment_counter(sedge_se *se, uint32_t id);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_read_counter(sedge_se *se, uint32_t id, uint64_t *ret);

/* PCRs: value = SHA-256(old value, data). */
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_create_pcr(sedge_se *se, uint32_t id,
                                                         const uint8_t initial[SEDGE_SE_PCR_LEN],
                                                         const struct sedge_se_write *how);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_extend_pcr(sedge_se *se, uint32_t id, sedge_bytes data);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_reset_pcr(sedge_se *se, uint32_t id);
SEDGE_API SEDGE_MUST_CHECK sedge_err sedge_se_read_pcr(sedge_se *se, uint32_t id,
                                                       uint8_t ret[SEDGE_SE_PCR_LEN]);

#ifdef __cplusplus
}
#endif
#endif
