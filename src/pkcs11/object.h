/* src/pkcs11/object.h - one Cryptoki object: a key's half, a secret key, a certificate, data, a profile.
 *
 * Shared by reference count and immutable once it is in the list (objects.h): a changed attribute is a new
 * object under the same handle. Any thread. No I/O. PKCS#11 v2.40 base specification §4, v3.0 §4.
 */
#pragma once
#include "pkcs11/directory.h"
#include "pkcs11/key.h"

/* What a key may be used for (CKA_SIGN ...). */
enum {
    P11_MAY_SIGN = 0x01,
    P11_MAY_VERIFY = 0x02,
    P11_MAY_ENCRYPT = 0x04,
    P11_MAY_DECRYPT = 0x08,
    P11_MAY_DERIVE = 0x10,
    P11_MAY_WRAP = 0x20,
    P11_MAY_UNWRAP = 0x40,
};

/* Longest texts and values. */
#define P11_TEXT_MAX 255 /* label, CKA_ID, application, object id: one length byte in the directory */
#define P11_VALUE_MAX (32 * 1024) /* a file of the chip */

struct p11_object {
    _Atomic unsigned refs;
    CK_OBJECT_HANDLE handle; /* 0: not in the list yet */
    CK_OBJECT_CLASS class;
    CK_SESSION_HANDLE owner;     /* the session it dies with; 0: a token object */
    uint32_t id;                 /* of the chip's object; 0: not in the chip */
    bool recorded;               /* the directory tells about it (directory.h) */
    bool private;                /* seen after login only */
    bool sensitive, extractable; /* of secrets that live in a session; true, false in the chip */
    unsigned may;                /* P11_MAY_*; keys */
    struct p11_key *key;         /* keys: a reference, shared by the two halves of a pair */
    CK_ULONG profile;            /* profiles: CKP_* */
    struct buf label, cka_id;
    struct buf application, object_id;    /* data */
    struct buf value;                     /* certificate (DER) or data */
    struct slice subject, issuer, serial; /* certificates: within value, DER */
    struct slice public_key;              /* certificates: SubjectPublicKeyInfo, likewise */
};

/* An object without attributes but for: token object, private as its class usually is, not numbered, made by
 * nothing known. NULL when out of memory. */
struct p11_object *p11_object_new(CK_OBJECT_CLASS class);
/* One of the halves of a key (CKO_PRIVATE_KEY, CKO_PUBLIC_KEY), or CKO_SECRET_KEY: references the key; id
 * from it, label and CKA_ID as of a bare object id (label.h), usage all that the type can. */
struct p11_object *p11_object_of_key(struct p11_key *key, CK_OBJECT_CLASS class);
/* A copy with everything but handle and references; to be changed. NULL when out of memory. */
struct p11_object *p11_object_copy(const struct p11_object *o);
struct p11_object *p11_object_ref(struct p11_object *o);
void p11_object_unref(struct p11_object *o); /* NULL is fine */
void p11_object_unref_ptr(struct p11_object **o);
#define auto_p11_object __attribute__((cleanup(p11_object_unref_ptr)))

/* Is this usage attribute (CKA_SIGN, CKA_VERIFY, CKA_ENCRYPT, CKA_DECRYPT, CKA_DERIVE, CKA_WRAP, CKA_UNWRAP)
 * true? false for any other attribute. */
bool p11_object_may(const struct p11_object *o, CK_ATTRIBUTE_TYPE usage);
/* The P11_MAY_* bit of a usage attribute; 0 for any other. */
unsigned p11_may_of(CK_ATTRIBUTE_TYPE usage);
/* All usages that a key of this class and type can have. */
unsigned p11_may_all(CK_OBJECT_CLASS class, CK_KEY_TYPE type);

/* A secret whose value is told: it lives in a session, and neither attribute protects it. */
bool p11_object_is_open(const struct p11_object *o);
/* Take the directory's word for names, usage (as far as the key can) and privacy. */
err_t p11_object_apply(struct p11_object *o, const struct p11_record *rec);
/* The record that says what o says; borrows from o. */
struct p11_record p11_object_record(const struct p11_object *o);
/* The public half of a pair: it cannot be destroyed by itself. */
bool p11_object_is_view(const struct p11_object *o);
/* Set the text to a default "sss:%08X" and the id to four bytes. */
err_t p11_object_name(struct p11_object *o, uint32_t id);
/* value is a certificate: cut subject, issuer and serial out of it. ERR_PROTO when it is none. */
err_t p11_object_parse_certificate(struct p11_object *o);
/* Same in every attribute? Handles are not compared. */
bool p11_object_same(const struct p11_object *a, const struct p11_object *b);
