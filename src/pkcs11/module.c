#include "pkcs11/module.h"

#include <stdatomic.h>
#include <unistd.h>

/* No lock around it: one that another thread of the parent held at a fork would hang the child. */
static _Atomic(struct p11_module *) current;

static void free_module(struct p11_module *m)
{
    if (!m)
        return;
    p11_sessions_free(m->sessions);
    p11_pin_free(m->pin);
    p11_objects_free(m->objects);
    p11_device_free(m->device);
    p11_ossl_free(m->ossl);
    free(m);
}

struct p11_module *p11_module_get(void)
{
    struct p11_module *m = atomic_load(&current);
    return m && m->pid == getpid() ? m : NULL;
}

static struct p11_module *new_module(void)
{
    struct p11_module *m = mem_calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->pid = getpid();
    m->ossl = p11_ossl_new();
    m->device = p11_device_new();
    m->objects = p11_objects_new();
    m->sessions = p11_sessions_new();
    m->pin = p11_pin_new();
    if (!m->ossl || !m->device || !m->objects || !m->sessions || !m->pin) {
        free_module(m);
        return NULL;
    }
    return m;
}

/* PKCS#11 v2.40 §5.4: all four callbacks or none, pReserved NULL. */
static bool args_ok(const CK_C_INITIALIZE_ARGS *a)
{
    if (!a)
        return true;
    int given = (a->CreateMutex != NULL) + (a->DestroyMutex != NULL) + (a->LockMutex != NULL) +
                (a->UnlockMutex != NULL);
    return (given == 0 || given == 4) && !a->pReserved;
}

CK_RV p11_module_open(const CK_C_INITIALIZE_ARGS *args)
{
    if (!args_ok(args))
        return CKR_ARGUMENTS_BAD;
    struct p11_module *old = atomic_load(&current);
    if (old && old->pid == getpid())
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    struct p11_module *m = new_module();
    if (!m)
        return CKR_HOST_MEMORY;
    if (!atomic_compare_exchange_strong(&current, &old, m)) {
        free_module(m); /* another thread was faster */
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    }
    /* `old` is the parent's, copied by the fork. Its memory is given up: freeing it would take locks. */
    if (old)
        p11_device_leave(old->device);
    return CKR_OK;
}

CK_RV p11_module_close(void)
{
    struct p11_module *m = p11_module_get();

    if (!m || !atomic_compare_exchange_strong(&current, &m, NULL))
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    free_module(m);
    return CKR_OK;
}
