/* src/pkcs11/objects.h - the token's objects: what the chip lists, under handles that stay.
 *
 * Any thread. Lookups are short and without I/O; p11_objects_refresh talks to the chip. A key shows a
 * private and a public key object with the same CKA_ID and CKA_LABEL. A handle belongs to one key value:
 * when somebody (ssscli in another process) deletes or replaces the key, the next search notices, its
 * handles die and the new value gets new ones. PKCS#11 v2.40 §6.7.5, §10.
 */
#pragma once
#include "pkcs11/device.h"
#include "pkcs11/key.h"

struct p11_objects;

struct p11_object {
    struct p11_key *key;
    CK_OBJECT_CLASS class; /* CKO_PRIVATE_KEY or CKO_PUBLIC_KEY */
};

/* NULL when out of memory. */
struct p11_objects *p11_objects_new(void);
void p11_objects_free(struct p11_objects *os);

/* Make the list what the chip holds now. Reads public parts of new keys, compares those of known ones. */
err_t p11_objects_refresh(struct p11_objects *os, struct p11_device *d);

/* The object behind a handle, with a reference the caller gives back. ERR_NOT_FOUND. */
err_t p11_objects_get(struct p11_objects *os, CK_OBJECT_HANDLE handle, struct p11_object *ret);

/* Append the handles of all objects for which `take` says yes. *ret is a heap array the caller frees. */
typedef bool (*p11_objects_take)(const struct p11_object *o, void *arg);
err_t p11_objects_select(struct p11_objects *os, p11_objects_take take, void *arg, CK_OBJECT_HANDLE **ret,
                         size_t *ret_n);

/* Take in one key that is known to be new or replaced (just generated): its handles. */
err_t p11_objects_add(struct p11_objects *os, struct p11_key *key, CK_OBJECT_HANDLE *ret_private,
                      CK_OBJECT_HANDLE *ret_public);
/* Forget the key with this id. */
void p11_objects_drop(struct p11_objects *os, uint32_t id);
