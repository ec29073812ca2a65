/* src/vse/object.h - secure objects and the table that holds them.
 *
 * Pure apart from allocation. One thread at a time. Values are wiped when freed.
 * Reference: NXP AN12413 "secure objects".
 */
#pragma once
#include "base/buf.h"
#include "base/writer.h"
#include "se/wire.h"

/* Where the wire puts a value decides where it is kept: part = tag - SE_TAG_3. */
enum vse_part {
    VSE_RSA_P,
    VSE_RSA_Q,
    VSE_RSA_DP,
    VSE_RSA_DQ,
    VSE_RSA_QINV,
    VSE_RSA_E,
    VSE_RSA_D,
    VSE_RSA_N,
    VSE_PARTS,
    VSE_EC_PRIVATE = 0,
    VSE_EC_PUBLIC = 1,
    VSE_DATA = 0,        /* of every other type: key, file, UserID, counter, PCR */
    VSE_PCR_INITIAL = 1, /* what a PCR is reset to */
};

enum vse_origin { VSE_ORIGIN_EXTERNAL = 1, VSE_ORIGIN_INTERNAL = 2, VSE_ORIGIN_PROVISIONED = 3 };

enum {
    VSE_OBJECTS_MAX = 4096,
    VSE_OBJECT_OVERHEAD = 32, /* bytes of memory an entry costs beside its values */
};

/* What the cryptographic library made of an object's values, kept for the next use. */
struct vse_prepared {
    void *key;
    void (*free)(void *key);
};

struct vse_object {
    uint32_t id;
    uint8_t type;  /* SE_TYPE_*, the 3.x names */
    uint8_t curve; /* SE_CURVE_*, EC only */
    uint8_t origin;
    bool transient;        /* values live in RAM, the entry in non-volatile memory */
    bool auth;             /* for authentication only */
    uint16_t size;         /* RSA: bits of the modulus; others: bytes of VSE_DATA */
    uint16_t max_attempts; /* authentication objects; 0 = unlimited */
    uint16_t attempts;     /* that failed since the last good one */
    uint32_t owner;        /* authentication object of the session that made it; 0: none */
    uint16_t min_tag;      /* AES, WriteSymmKey T4: shortest GCM tag; 0: not given */
    uint16_t min_output;   /* 7.x, WriteSymmKey T5; 0: not given */
    uint64_t session;      /* transient: only this user session has the value; 0: all. Not stored */
    uint32_t version;      /* 7.x */
    struct buf policy;     /* the policy set as it was given; empty: the default */
    struct buf part[VSE_PARTS];
    struct vse_prepared *prepared; /* dropped when a part is replaced; not copied, not stored */
};

/* NULL when out of memory. */
struct vse_object *vse_object_new(uint32_t id, uint8_t type);
struct vse_object *vse_object_copy(const struct vse_object *o);
void vse_object_free(struct vse_object *o); /* NULL is fine */
void vse_object_free_ptr(struct vse_object **o);
#define auto_object __attribute__((cleanup(vse_object_free_ptr))) struct vse_object

/* Replace a part by `n` bytes: `value` without its leading zeros, left-padded. ERR_TOO_BIG when it
 * does not fit; the part is unchanged then. */
err_t vse_object_set_number(struct vse_object *o, unsigned part, struct slice value, size_t n);
/* Replace a part by these bytes. */
err_t vse_object_set(struct vse_object *o, unsigned part, struct slice value);
struct slice vse_object_part(const struct vse_object *o, unsigned part);
/* Forget the values, keep the entry (transient objects at reset). */
void vse_object_clear(struct vse_object *o);
/* Bytes of chip memory it takes. */
size_t vse_object_size(const struct vse_object *o);

/* The stored form. Of a transient object only the entry. */
err_t vse_object_encode(const struct vse_object *o, struct buf *out);
/* ERR_CORRUPT, ERR_NOMEM. */
err_t vse_object_decode(uint32_t id, struct slice in, struct vse_object **ret);

/* Do type, curve, size and policy go together? What is loaded must be what could have been made. */
bool vse_object_sound(const struct vse_object *o);
bool vse_rsa_bits_valid(unsigned bits);
bool vse_object_is_ec(const struct vse_object *o);
bool vse_object_is_rsa(const struct vse_object *o);
/* AES, DES or HMAC. */
bool vse_object_is_symmetric(const struct vse_object *o);
/* Bytes a value of this type may have: AES 16/24/32, DES 8/16/24, HMAC 1..256, UserID 4..16, counter 1..8,
 * PCR 32, binary 1..32767. False for other types. */
bool vse_object_size_valid(uint8_t type, size_t bytes);

struct vse_objects {
    struct vse_object **v; /* in order of creation */
    size_t n, cap;
};

void vse_objects_done(struct vse_objects *t);
/* Borrowed; NULL when absent. */
struct vse_object *vse_objects_find(const struct vse_objects *t, uint32_t id);
/* Make room for one more, so that the next vse_objects_put cannot fail. ERR_TOO_BIG, ERR_NOMEM. */
err_t vse_objects_reserve(struct vse_objects *t);
/* The same for n more. */
err_t vse_objects_reserve_more(struct vse_objects *t, size_t n);
/* Take ownership of o; replaces one with the same id in place. Room must have been reserved. */
void vse_objects_put(struct vse_objects *t, struct vse_object *o);
void vse_objects_remove(struct vse_objects *t, uint32_t id);
