/* src/pkcs11/new.h - an object under way: what its template asks for, where it goes, and making it.
 *
 * Called with the session's lock held. p11_new_make is blocking I/O. PKCS#11 v2.40 §4.1.1 (creating objects),
 * §5.7. Token objects get their id in the chip here, and where the chip has a PIN a policy bound to it
 * (docs/spec/pkcs11.md). What the directory must remember is written in the same chip sequence; when that
 * fails the object is deleted again.
 */
#pragma once
#include "pkcs11/module.h"
#include "pkcs11/template.h"
#include "se/write.h"

struct p11_new {
    struct p11_object *o; /* attributes of the template over the defaults */
    struct p11_template t;
    CK_KEY_TYPE type;    /* keys */
    unsigned may_public; /* private keys: what the public half may be used for */
    bool token;          /* into the chip; else an object of the session */
    bool in_parts;       /* an import of several commands: the policy lets the user write */
    bool address;        /* the template names the id in the chip: `sss:` label, CKA_ID of four bytes */
    bool wish;           /* a plain label stands for an id, to be taken when free */
    uint32_t id;         /* those; the final one once made */
    bool started;        /* an earlier try got as far as the command and lost its answer */
    /* How the chip makes it; called inside a sequence, with the id chosen. */
    err_t (*write)(struct se_chip *chip, struct p11_new *n);
    void *arg; /* for write */
    struct se_policy policy;
    struct se_write how; /* policy or none */
};

/* Judge a template for an object of this class (and, for keys, type) and take its attributes.
 * CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID,
 * CKR_ATTRIBUTE_READ_ONLY, CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN, CKR_HOST_MEMORY. Undo with
 * p11_new_done in any case. token_default: what an absent CKA_TOKEN means. */
CK_RV p11_new_judge(struct p11_module *m, struct p11_session *s, struct p11_template t, CK_OBJECT_CLASS class,
                    CK_KEY_TYPE type, bool token_default, struct p11_new *ret);
void p11_new_done(struct p11_new *n);
#define auto_new __attribute__((cleanup(p11_new_done)))

/* Make a token object in the chip: choose the id, call write, keep the names. ERR_EXISTS: the id is taken. */
err_t p11_new_make(struct p11_module *m, struct p11_new *n);
/* Put it in the list: a token key's objects as the chip has them (key is not looked at), session objects and
 * files as they are. ret_other: the public half of a pair, may be NULL. */
CK_RV p11_new_show(struct p11_module *m, struct p11_session *s, struct p11_new *n, struct p11_key *key,
                   CK_OBJECT_HANDLE *ret, CK_OBJECT_HANDLE *ret_other);
