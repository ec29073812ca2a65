/* src/pkcs11/module.h - the life of the module in one process: C_Initialize to C_Finalize.
 *
 * No I/O: initialising opens nothing, the chip is met by the first call that needs it. Any thread.
 * PKCS#11 v2.40 §5.4, §6.6.1 (applications and processes), §6.5.2 (threads).
 *
 * fork: the state belongs to the process that made it. A child finds itself not initialised and may
 * initialise at once; what it got from the parent is given up without touching a lock of it, because
 * another thread of the parent may have held that lock at the fork.
 */
#pragma once
#include "pkcs11/cryptoki.h"
#include "pkcs11/device.h"
#include "pkcs11/objects.h"
#include "pkcs11/ossl.h"
#include "pkcs11/pin.h"
#include "pkcs11/session.h"

#include <sys/types.h>

struct p11_module {
    pid_t pid;
    struct p11_ossl *ossl;
    struct p11_device *device;
    struct p11_objects *objects;
    struct p11_sessions *sessions;
    struct p11_pin *pin;
};

/* The state of this process; NULL when there is none (CKR_CRYPTOKI_NOT_INITIALIZED). */
struct p11_module *p11_module_get(void);

/* C_Initialize. CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_ARGUMENTS_BAD (some but not all callbacks, a
 * pReserved), CKR_HOST_MEMORY. Callbacks are accepted and not used: we lock with the system's own. */
CK_RV p11_module_open(const CK_C_INITIALIZE_ARGS *args);
/* C_Finalize. CKR_CRYPTOKI_NOT_INITIALIZED. No other thread may be inside the module (§5.4). */
CK_RV p11_module_close(void);
