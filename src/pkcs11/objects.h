/* src/pkcs11/objects.h - the list of objects: what the chip holds and what sessions made, under handles that
 * stay.
 *
 * Any thread. Lookups are short and without I/O; p11_objects_refresh talks to the chip. A key shows a
 * private and a public key object with the same CKA_ID and CKA_LABEL. A handle belongs to one key value:
 * when somebody (ssscli in another process) deletes or replaces the key, the next search notices, its
 * handles die and the new value gets new ones. PKCS#11 v2.40 §6.7.5, §10.
 */
#pragma once
#include "pkcs11/device.h"
#include "pkcs11/object.h"
#include "pkcs11/view.h"

struct p11_objects;

/* NULL when out of memory. The profile objects are in it from the start. */
struct p11_objects *p11_objects_new(void);
void p11_objects_free(struct p11_objects *os);

/* Make of the token's part of the list what the chip holds now, as far as it is wanted (view.h). */
err_t p11_objects_refresh(struct p11_objects *os, struct p11_device *d, const struct p11_wanted *wanted);

/* The object behind a handle; the caller gives the reference back (p11_object_unref). A private object is
 * there only for those who are logged in. ERR_NOT_FOUND. */
err_t p11_objects_get(struct p11_objects *os, CK_OBJECT_HANDLE handle, bool logged_in,
                      struct p11_object **ret);

/* Append the handles of all objects for which `take` says yes. *ret is a heap array the caller frees. */
typedef bool (*p11_objects_take)(const struct p11_object *o, void *arg);
err_t p11_objects_select(struct p11_objects *os, p11_objects_take take, void *arg, CK_OBJECT_HANDLE **ret,
                         size_t *ret_n);

/* Take in an object that was just made: it is numbered, the list takes a reference. */
err_t p11_objects_add(struct p11_objects *os, struct p11_object *o);
/* Put `with` in the place of the object that has this handle, under the same handle. ERR_NOT_FOUND. */
err_t p11_objects_replace(struct p11_objects *os, CK_OBJECT_HANDLE handle, struct p11_object *with);
/* Forget all objects of this id in the chip. */
void p11_objects_drop(struct p11_objects *os, uint32_t id);
/* Forget one session object; all of one session; all of all sessions; private ones of all sessions (logout).
 */
void p11_objects_drop_handle(struct p11_objects *os, CK_OBJECT_HANDLE handle);
void p11_objects_drop_session(struct p11_objects *os, CK_SESSION_HANDLE owner);
void p11_objects_drop_sessions(struct p11_objects *os, bool only_private);
