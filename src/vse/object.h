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
    VSE_DATA = 0, /* of a binary */
};

enum vse_origin { VSE_ORIGIN_EXTERNAL = 1, VSE_ORIGIN_INTERNAL = 2, VSE_ORIGIN_PROVISIONED = 3 };

enum {
    VSE_OBJECTS_MAX = 4096,
    VSE_OBJECT_OVERHEAD = 32, /* bytes of memory an entry costs beside its values */
};

struct vse_object {
    uint32_t id;
    uint8_t type;  /* SE_TYPE_*, the 3.x names */
    uint8_t curve; /* SE_CURVE_*, EC only */
    uint8_t origin;
    bool transient;        /* values live in RAM, the entry in non-volatile memory */
    bool auth;             /* for authentication only */
    uint16_t size;         /* RSA: bits of the modulus; binary: bytes */
    uint16_t max_attempts; /* authentication objects; 0 = unlimited */
    uint32_t version;      /* 7.x */
    struct buf policy;     /* the policy set as it was given; empty: the default */
    struct buf part[VSE_PARTS];
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

struct vse_objects {
    struct vse_object **v; /* in order of creation */
    size_t n, cap;
};

void vse_objects_done(struct vse_objects *t);
/* Borrowed; NULL when absent. */
struct vse_object *vse_objects_find(const struct vse_objects *t, uint32_t id);
/* Make room for one more, so that the next vse_objects_put cannot fail. ERR_TOO_BIG, ERR_NOMEM. */
err_t vse_objects_reserve(struct vse_objects *t);
/* Take ownership of o; replaces one with the same id in place. Room must have been reserved. */
void vse_objects_put(struct vse_objects *t, struct vse_object *o);
void vse_objects_remove(struct vse_objects *t, uint32_t id);
