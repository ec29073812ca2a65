/* src/vse/nvm.h - what the applet wants of non-volatile memory: sets of changes, whole or not at all.
 *
 * An interface, so that the applet runs on a file (store.h), on nothing (fuzzing) or on a failing
 * memory (tests). One thread at a time.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

enum vse_nvm_kind {
    VSE_NVM_OBJECT = 1,        /* id: object id; value: vse_object_encode */
    VSE_NVM_CURVE = 2,         /* id: curve id; value: one byte, the parameters set */
    VSE_NVM_SETTING = 3,       /* id: enum vse_setting; value: as it says */
    VSE_NVM_CRYPTO_OBJECT = 4, /* id: crypto object id; value: context(1) subtype(1) */
    VSE_NVM_HIDDEN = 5,        /* id: enum vse_hidden_id; value: as it says */
};

struct vse_nvm_op {
    bool put;     /* otherwise delete; deleting what is not there is no error */
    uint8_t kind; /* enum vse_nvm_kind */
    uint32_t id;
    struct slice value; /* of a put */
};

struct vse_nvm {
    void *ctx;
    /* Make n changes durable, all or none. ERR_OK means they survive power loss from now on.
     * ERR_NO_SPACE, ERR_IO, ERR_NOMEM: nothing is to be relied on but the state before. */
    err_t (*apply)(void *ctx, const struct vse_nvm_op *ops, size_t n);
};
