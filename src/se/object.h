/* src/se/object.h - secure objects: find, list, read, write files, delete.
 *
 * Blocking I/O over a handle; thread and error rules in se/chip.h. Each call is one sequence
 * (se_chip_begin/end inside), so a file read in pieces is not torn by another process.
 * SE05x APDU specification AN12413: ReadObject, ReadType, ReadSize, ReadIDList, CheckObjectExists,
 * WriteBinary, DeleteSecureObject.
 */
#pragma once
#include "base/buf.h"
#include "se/chip.h"
#include "se/write.h"

/* An absent object is false, not an error. */
err_t se_object_exists(struct se_chip *chip, uint32_t id, bool *ret);

struct se_object_type {
    uint8_t type; /* SE_TYPE_*: a 7.x applet answers per-curve EC types, see se_type_class */
    bool transient;
};
/* ERR_NOT_FOUND when absent. */
err_t se_object_type(struct se_chip *chip, uint32_t id, struct se_object_type *ret);

/* 7.x curve-specific EC types folded to SE_TYPE_EC_PAIR, _PRIVATE, _PUBLIC; others unchanged. Pure. */
uint8_t se_type_class(uint8_t type);

/* Bytes: EC private-key length, RSA modulus length, symmetric length, file length. ERR_NOT_FOUND. */
err_t se_object_size(struct se_chip *chip, uint32_t id, size_t *ret);

/* All ids of a type (SE_TYPE_ALL), in the chip's order, up to SE_LIST_MAX (ERR_TOO_BIG beyond).
 * *ret is a heap array of *ret_n ids; the caller frees it. An empty chip gives 0 and a pointer. */
#define SE_LIST_MAX 4096
err_t se_object_list(struct se_chip *chip, uint8_t type, uint32_t **ret, size_t *ret_n);

/* Append the object's readable value: a binary file whole (read in pieces), an EC public point.
 * out's cap is the limit (ERR_TOO_BIG). Contents of out are unchanged on failure.
 * ERR_NOT_FOUND absent, ERR_DENIED secret or forbidden by policy. */
err_t se_object_read(struct se_chip *chip, uint32_t id, struct buf *out);

/* The same for what one answer holds, a public point: one command when all is well. */
err_t se_object_read_small(struct se_chip *chip, uint32_t id, struct buf *out);

/* Append `length` bytes of a file from `offset` on; one command per SE_BINARY_CHUNK, nothing is asked first.
 * ERR_NOT_FOUND: no file, or it ends before. */
err_t se_object_read_at(struct se_chip *chip, uint32_t id, size_t offset, size_t length, struct buf *out);

/* Create a file of bytes.n bytes and fill it. An existing binary of the same size is overwritten; of
 * another size, or where `how` has a policy, it is deleted and created anew; an object of another type is
 * ERR_EXISTS. Up to SE_BINARY_MAX bytes (ERR_TOO_BIG); not empty (ERR_INVALID). A failure halfway deletes a
 * file this call created. */
err_t se_object_write_binary(struct se_chip *chip, uint32_t id, struct slice bytes,
                             const struct se_write *how);
/* Make a file of `size` zero bytes. ERR_EXISTS. */
err_t se_object_create_binary(struct se_chip *chip, uint32_t id, size_t size, const struct se_write *how);
/* Overwrite a part of a file that is there. ERR_NOT_FOUND: no file, or it ends before. More than
 * SE_BINARY_CHUNK bytes are several commands: a power cut between them leaves the first ones written. */
err_t se_object_update_binary(struct se_chip *chip, uint32_t id, size_t offset, struct slice bytes);

/* ERR_NOT_FOUND when absent, ERR_DENIED when its policy forbids. */
err_t se_object_delete(struct se_chip *chip, uint32_t id);

/* ---- crypto objects: contexts of multi-step operations (AN12413 CreateCryptoObject) ---- */
#define SE_CRYPTO_OBJECTS_MAX 128
struct se_crypto_object {
    uint16_t id;
    uint8_t context, subtype;
};
/* Up to SE_CRYPTO_OBJECTS_MAX (ERR_TOO_BIG beyond) into out, their number into *ret_n. */
err_t se_crypto_object_list(struct se_chip *chip, struct se_crypto_object out[SE_CRYPTO_OBJECTS_MAX],
                            size_t *ret_n);
/* The entry costs flash and stays; what is computed in it is in RAM. ERR_NOT_FOUND: the id is taken. */
err_t se_crypto_object_create(struct se_chip *chip, const struct se_crypto_object *object);
/* Create it unless it is there. ERR_EXISTS: the id is used for something else. */
err_t se_crypto_object_ensure(struct se_chip *chip, const struct se_crypto_object *object);
err_t se_crypto_object_delete(struct se_chip *chip, uint16_t id);
