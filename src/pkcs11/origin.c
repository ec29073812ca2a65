#include "pkcs11/origin.h"

#include "se/attest.h"

#include <stdatomic.h>

static bool speaks_of_it(const CK_ATTRIBUTE *attrs, CK_ULONG n)
{
    static const CK_ATTRIBUTE_TYPE types[] = { CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE,
                                               CKA_KEY_GEN_MECHANISM };
    for (CK_ULONG i = 0; i < n; i++) {
        for (size_t j = 0; j < ARRAY_LEN(types); j++) {
            if (attrs[i].type == types[j])
                return true;
        }
    }
    return false;
}

struct question {
    uint32_t id;
    struct se_proof proof;
};

static err_t ask(struct se_chip *chip, void *arg)
{
    struct question *q = arg;
    return se_attest_attributes(chip, q->id, NULL, &q->proof);
}

/* A fault of the link says nothing: the next one asks again. */
static bool is_fault(err_t e)
{
    return e == ERR_IO || e == ERR_TIMEOUT || e == ERR_UNAVAILABLE || e == ERR_BUSY || e == ERR_NOMEM;
}

void p11_origin_learn(struct p11_module *m, const struct p11_object *o, const CK_ATTRIBUTE *attrs, CK_ULONG n)
{
    if (!o->key || !o->key->in_chip || !o->key->has_private || !speaks_of_it(attrs, n) ||
        atomic_load(&o->key->origin) != P11_ORIGIN_UNKNOWN)
        return;
    struct question q = { .id = o->id };
    err_t e = p11_device_do(m->device, ask, &q);
    if (is_fault(e))
        return;
    atomic_store(&o->key->origin,
                 !e && se_proof_generated_inside(&q.proof) ? P11_ORIGIN_INSIDE : P11_ORIGIN_OTHER);
}
