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

/* The PIN objects of the chip, as the list and the directory tell, and with `names` the token's label. Asks
 * the chip when somebody else used it; where it has no PINs and no label is wanted, for little. */
struct p11_pins {
    bool user[2], so[2]; /* which exist */
    int user_active, so_active;
    uint8_t pending;
    bool told; /* there is a directory */
    uint8_t label[P11_TOKEN_LABEL_LEN];
};
err_t p11_objects_pins(struct p11_objects *os, struct p11_device *d, bool names, struct p11_pins *ret);
/* We changed something big ourselves: the next look at the chip lists it anew. */
void p11_objects_forget(struct p11_objects *os);
/* Somebody logged in: what the chip refused to show may be seen now. */
void p11_objects_forget_denied(struct p11_objects *os);

/* The object behind a handle; the caller gives the reference back (p11_object_unref). A private object is
 * there only for those who are logged in. ERR_NOT_FOUND. */
err_t p11_objects_get(struct p11_objects *os, CK_OBJECT_HANDLE handle, bool logged_in,
                      struct p11_object **ret);

/* The object of this class that the chip's object `id` shows; with a reference. ERR_NOT_FOUND. */
err_t p11_objects_half(struct p11_objects *os, uint32_t id, CK_OBJECT_CLASS class, struct p11_object **ret);

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
