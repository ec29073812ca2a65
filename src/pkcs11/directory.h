/* src/pkcs11/directory.h - the directory object: names and usage of the chip's objects, as bytes.
 *
 * Pure; any thread. The chip knows a 32-bit id and a value; labels, CKA_IDs and what a key shall be used for
 * are kept in a file of the chip. docs/spec/pkcs11.md numbers the format; reading and writing it: store.h.
 * The bytes come from the chip and are hostile: everything is bounded by their own length.
 */
#pragma once
#include "base/buf.h"

#define P11_DIRECTORY_MAX (30 * 1024) /* a file of the chip holds 32767 bytes */
#define P11_TOKEN_LABEL_LEN 32

enum p11_record_kind {
    P11_RECORD_KEY = 0,
    P11_RECORD_CERTIFICATE = 1,
    P11_RECORD_DATA = 2,
};

/* What is kept of one object of the chip. A key pair has one record for both halves. */
struct p11_record {
    uint32_t id;
    enum p11_record_kind kind;
    bool private;
    uint16_t may; /* P11_MAY_* of both halves */
    /* Borrowed: from the directory's bytes, or from whoever adds the record. */
    struct slice label, cka_id, application, object_id; /* up to 255 bytes each */
};

enum { P11_PENDING_USER = 0x01, P11_PENDING_SO = 0x02 };

struct p11_directory {
    uint32_t sequence;                  /* 0: there is none yet */
    uint8_t pending;                    /* P11_PENDING_*: a PIN change is not tidied up */
    uint8_t user_pin, so_pin;           /* which of its two objects a PIN is (pin.h): 0 or 1 */
    uint8_t label[P11_TOKEN_LABEL_LEN]; /* blank padded; all zero: not set */
    struct p11_record *v;
    size_t n, cap;
    struct buf bytes; /* what was read; the records point into it */
};

void p11_directory_init(struct p11_directory *d);
void p11_directory_done(struct p11_directory *d);
#define auto_directory __attribute__((cleanup(p11_directory_done)))

/* Take `bytes` over (copied). A file may be longer than the directory in it. d is empty on failure.
 * ERR_CORRUPT      not a whole directory of ours
 * ERR_UNSUPPORTED  a whole one, of a later format */
err_t p11_directory_decode(struct slice bytes, struct p11_directory *d);
/* How long the file is, from its first P11_DIRECTORY_HEADER bytes. ERR_CORRUPT. */
#define P11_DIRECTORY_HEADER 52
err_t p11_directory_size(struct slice start, size_t *ret);
/* The whole file. ERR_TOO_BIG: more than P11_DIRECTORY_MAX. */
err_t p11_directory_encode(const struct p11_directory *d, struct buf *out);

const struct p11_record *p11_directory_find(const struct p11_directory *d, uint32_t id);
/* Add or replace. What the record points to must live until the directory is encoded. */
err_t p11_directory_put(struct p11_directory *d, const struct p11_record *r);
void p11_directory_remove(struct p11_directory *d, uint32_t id);
