/* src/edge/keyref.h - what config.json says about where a key is: a file or an object in a token.
 *
 * Pure; any thread. Spec: Greengrass V1 HSI; RFC 7512 for the URI (crypto/p11uri.h).
 */
#pragma once
#include "base/err.h"
#include "base/secret.h"
#include "edge/problem.h"

enum keyref_kind { KEYREF_NONE, KEYREF_FILE, KEYREF_TOKEN };

struct keyref {
    enum keyref_kind kind;
    char *uri;   /* as written, but a file: URI decoded to "file:///PATH"; what crypto_key_load takes */
    char *label; /* KEYREF_TOKEN: the object's label. KEYREF_FILE: the path. For messages */
    char *token; /* KEYREF_TOKEN: token named in the URI, or NULL */
    struct secret *pin; /* KEYREF_TOKEN: pin-value of the URI, or NULL: then slotUserPin */
    char *warning;      /* attributes that are not used, or NULL */
};

void keyref_done(struct keyref *k);

/* `text` is "file:///abs/path" or "pkcs11:object=LABEL;type=private[...]". `where` names the member for
 * messages. ERR_INVALID with *why filled: no or another scheme (V1's ErrUnknownURIScheme), no object, type
 * other than private, bad percent escape, relative path. ERR_NOMEM. */
err_t keyref_parse(const char *text, const char *where, struct keyref *ret, struct problem *why);
/* A plain path, as the configuration before 1.7 has it. ERR_NOMEM. */
err_t keyref_from_path(const char *path, struct keyref *ret);

/* "file:///abs/path" to "/abs/path" (percent-decoded), for certificates and the CA file, which V1 never reads
 * from a token. ERR_INVALID, ERR_NOMEM. */
err_t keyref_file_path(const char *text, const char *where, char **ret_path, struct problem *why);
