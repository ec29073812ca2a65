#include "vse/crypto_object.h"

#include "se/wire.h"
#include "vse/aead.h"
#include "vse/cipher.h"
#include "vse/digest.h"
#include "vse/mac.h"
#include "vse/personality.h"
#include "vse/spake2.h"

struct vse_crypto_object *vse_crypto_object_find(struct vse_crypto_objects *t, uint16_t id)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].id == id)
            return &t->v[i];
    return NULL;
}

err_t vse_crypto_object_add(struct vse_crypto_objects *t, uint16_t id, uint8_t context, uint8_t subtype)
{
    if (vse_crypto_object_find(t, id))
        return ERR_EXISTS;
    if (t->n == VSE_CRYPTO_OBJECTS_MAX)
        return ERR_TOO_BIG;
    t->v[t->n++] = (struct vse_crypto_object){ .id = id, .context = context, .subtype = subtype };
    return ERR_OK;
}

void vse_crypto_object_remove(struct vse_crypto_objects *t, uint16_t id)
{
    struct vse_crypto_object *o = vse_crypto_object_find(t, id);
    size_t i;

    if (!o)
        return;
    vse_crypto_object_stop(o);
    i = (size_t)(o - t->v);
    memmove(o, o + 1, (t->n - i - 1) * sizeof(*o));
    t->n--;
}

void vse_crypto_object_stop(struct vse_crypto_object *o)
{
    switch (o->work) {
    case VSE_WORK_DIGEST:
        vse_digest_free(o->run.digest);
        break;
    case VSE_WORK_CIPHER:
        vse_cipher_free(o->run.cipher);
        break;
    case VSE_WORK_MAC_GENERATE:
    case VSE_WORK_MAC_VALIDATE:
        vse_mac_free(o->run.mac);
        break;
    case VSE_WORK_AEAD:
        vse_aead_free(o->run.aead);
        break;
    case VSE_WORK_PAKE:
        vse_spake2_free(o->run.pake);
        break;
    case VSE_WORK_NONE:
        break;
    }
    o->work = VSE_WORK_NONE;
    o->session = 0;
    o->least = 0;
}

void vse_crypto_objects_stop(struct vse_crypto_objects *t)
{
    for (size_t i = 0; i < t->n; i++)
        vse_crypto_object_stop(&t->v[i]);
}

static bool aead_subtype(uint8_t subtype)
{
    return vse_aead_mode_valid(subtype) || subtype == SE_AEAD_GCM_INTERNAL_IV ||
           subtype == SE_AEAD_CCM_INTERNAL_IV;
}

bool vse_crypto_object_kind_valid(uint8_t generation, uint8_t context, uint8_t subtype)
{
    bool is_7x = generation == VSE_ON_7X;

    switch (context) {
    case SE_CONTEXT_DIGEST:
        return vse_digest_len(subtype) != 0;
    case SE_CONTEXT_CIPHER:
        return vse_cipher_key_type(subtype) != 0 || (is_7x && subtype == SE_CIPHER_AES_CTR_INTERNAL_IV);
    case SE_CONTEXT_SIGNATURE:
        return vse_mac_key_type(subtype) != 0;
    case SE_CONTEXT_AEAD:
        return is_7x && aead_subtype(subtype);
    case SE_CONTEXT_PAKE:
        return is_7x && vse_spake2_mode_valid(subtype);
    default:
        return false;
    }
}

err_t vse_crypto_object_load(struct vse_crypto_objects *t, uint32_t id, struct slice value)
{
    if (id > UINT16_MAX || value.n != VSE_CRYPTO_OBJECT_STORED ||
        !vse_crypto_object_kind_valid(VSE_ON_7X, value.p[0], value.p[1]))
        return ERR_CORRUPT;
    return vse_crypto_object_add(t, (uint16_t)id, value.p[0], value.p[1]) ? ERR_CORRUPT : ERR_OK;
}
