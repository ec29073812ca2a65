/* The installed library: work with secret keys (include/sedge/se_crypto.h). */
#include "se/aead.h"
#include "se/cipher.h"
#include "se/derive.h"
#include "se/detail.h"
#include "se/mac.h"
#include "se/object.h"
#include "se/public.h"

static struct se_aead aead_of(const struct sedge_se_aead *a)
{
    return (struct se_aead){ a->mode, in(a->iv), a->own_iv_len, in(a->aad) };
}

sedge_err sedge_se_crypto_object_ensure(sedge_se *se, const struct sedge_se_crypto_object *object)
{
    const struct se_crypto_object o = { object->id, object->context, object->subtype };

    return (sedge_err)se_crypto_object_ensure(chip(se), &o);
}

sedge_err sedge_se_crypto_object_delete(sedge_se *se, uint16_t id)
{
    return (sedge_err)se_crypto_object_delete(chip(se), id);
}

sedge_err sedge_se_crypto_object_list(sedge_se *se, struct sedge_se_crypto_object *objects, size_t room,
                                      size_t *ret_n)
{
    struct se_crypto_object found[SE_CRYPTO_OBJECTS_MAX];
    size_t n = 0;
    err_t e = se_crypto_object_list(chip(se), found, &n);

    if (!e && n > room)
        e = se_fail(ERR_TOO_BIG, "there are %zu crypto objects, and room for %zu", n, room);
    if (e)
        return (sedge_err)e;
    for (size_t i = 0; i < n; i++)
        objects[i] = (struct sedge_se_crypto_object){ found[i].id, found[i].context, found[i].subtype };
    *ret_n = n;
    return SEDGE_ERR_OK;
}

sedge_err sedge_se_cipher(sedge_se *se, uint32_t key, uint8_t mode, bool encrypt, sedge_bytes iv,
                          sedge_bytes data, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_cipher_once(chip(se), key, mode, encrypt, in(iv), in(data), &b), &b, ret);
}

sedge_err sedge_se_cipher_own_iv(sedge_se *se, uint32_t key, size_t iv_len, sedge_bytes data, sedge_out *ret,
                                 sedge_out *ret_iv)
{
    autobuf b = room_for(ret), iv = room_for(ret_iv);
    err_t e = se_cipher_once_internal_iv(chip(se), key, iv_len, in(data), &b, &iv);

    return give_two(e, &b, ret, &iv, ret_iv);
}

sedge_err sedge_se_cipher_init(sedge_se *se, uint16_t object, uint32_t key, bool encrypt, sedge_bytes iv)
{
    return (sedge_err)se_cipher_init(chip(se), object, key, encrypt, in(iv));
}

sedge_err sedge_se_cipher_update(sedge_se *se, uint16_t object, sedge_bytes data, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_cipher_update(chip(se), object, in(data), &b), &b, ret);
}

sedge_err sedge_se_cipher_final(sedge_se *se, uint16_t object, sedge_bytes last, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_cipher_final(chip(se), object, in(last), &b), &b, ret);
}

sedge_err sedge_se_mac(sedge_se *se, uint32_t key, uint8_t algorithm, sedge_bytes data, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_mac_once(chip(se), key, algorithm, in(data), &b), &b, ret);
}

sedge_err sedge_se_mac_any(sedge_se *se, uint32_t key, uint8_t algorithm, sedge_bytes data, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_mac_any(chip(se), key, algorithm, in(data), &b), &b, ret);
}

sedge_err sedge_se_mac_check(sedge_se *se, uint32_t key, uint8_t algorithm, sedge_bytes data, sedge_bytes mac,
                             bool *ret_good)
{
    return (sedge_err)se_mac_check_once(chip(se), key, algorithm, in(data), in(mac), ret_good);
}

sedge_err sedge_se_mac_init(sedge_se *se, uint16_t object, uint32_t key)
{
    return (sedge_err)se_mac_init(chip(se), object, key);
}

sedge_err sedge_se_mac_check_init(sedge_se *se, uint16_t object, uint32_t key)
{
    return (sedge_err)se_mac_check_init(chip(se), object, key);
}

sedge_err sedge_se_mac_update(sedge_se *se, uint16_t object, sedge_bytes data)
{
    return (sedge_err)se_mac_update(chip(se), object, in(data));
}

sedge_err sedge_se_mac_final(sedge_se *se, uint16_t object, sedge_bytes last, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_mac_final(chip(se), object, in(last), &b), &b, ret);
}

sedge_err sedge_se_mac_check_final(sedge_se *se, uint16_t object, sedge_bytes last, sedge_bytes mac,
                                   bool *ret_good)
{
    return (sedge_err)se_mac_check_final(chip(se), object, in(last), in(mac), ret_good);
}

sedge_err sedge_se_digest(sedge_se *se, uint8_t digest, sedge_bytes data, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_digest_once(chip(se), digest, in(data), &b), &b, ret);
}

sedge_err sedge_se_digest_init(sedge_se *se, uint16_t object)
{
    return (sedge_err)se_digest_init(chip(se), object);
}

sedge_err sedge_se_digest_update(sedge_se *se, uint16_t object, sedge_bytes data)
{
    return (sedge_err)se_digest_update(chip(se), object, in(data));
}

sedge_err sedge_se_digest_final(sedge_se *se, uint16_t object, sedge_bytes last, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_digest_final(chip(se), object, in(last), &b), &b, ret);
}

sedge_err sedge_se_seal(sedge_se *se, uint32_t key, const struct sedge_se_aead *how, sedge_bytes data,
                        size_t tag_len, sedge_out *ret, sedge_out *ret_tag, sedge_out *ret_iv)
{
    const struct se_aead a = aead_of(how);
    autobuf b = room_for(ret), tag = room_for(ret_tag), iv = BUF_INIT(ret_iv ? ret_iv->room : 0);
    err_t e = se_aead_seal(chip(se), key, &a, in(data), tag_len, &b, &tag, ret_iv ? &iv : NULL);

    if (!e && ret_iv)
        (void)give(ERR_OK, &iv, ret_iv);
    return give_two(e, &b, ret, &tag, ret_tag);
}

sedge_err sedge_se_unseal(sedge_se *se, uint32_t key, const struct sedge_se_aead *how, sedge_bytes data,
                          sedge_bytes tag, sedge_out *ret)
{
    const struct se_aead a = aead_of(how);
    autobuf b = room_for(ret);

    return give(se_aead_open(chip(se), key, &a, in(data), in(tag), &b), &b, ret);
}

sedge_err sedge_se_aead_init(sedge_se *se, uint16_t object, uint32_t key, bool encrypt, sedge_bytes iv)
{
    return (sedge_err)se_aead_init(chip(se), object, key, encrypt, in(iv));
}

sedge_err sedge_se_aead_aad(sedge_se *se, uint16_t object, sedge_bytes aad)
{
    return (sedge_err)se_aead_aad(chip(se), object, in(aad));
}

sedge_err sedge_se_aead_update(sedge_se *se, uint16_t object, sedge_bytes data, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_aead_update(chip(se), object, in(data), &b), &b, ret);
}

sedge_err sedge_se_seal_final(sedge_se *se, uint16_t object, size_t tag_len, sedge_out *ret,
                              sedge_out *ret_tag)
{
    autobuf b = room_for(ret), tag = room_for(ret_tag);
    err_t e = se_aead_seal_final(chip(se), object, tag_len, &b, &tag);

    return give_two(e, &b, ret, &tag, ret_tag);
}

sedge_err sedge_se_unseal_final(sedge_se *se, uint16_t object, sedge_bytes tag, sedge_out *ret)
{
    autobuf b = room_for(ret);

    return give(se_aead_open_final(chip(se), object, in(tag), &b), &b, ret);
}

sedge_err sedge_se_hkdf(sedge_se *se, uint32_t key, const struct sedge_se_hkdf *how, sedge_out *ret)
{
    const struct se_hkdf d = { how->digest,  how->expand_only, in(how->salt), in(how->info),
                               how->salt_id, how->length,      how->target };
    autobuf b = BUF_SECRET(ret ? ret->room : 0);
    err_t e = se_hkdf(chip(se), key, &d, &b);

    return ret ? give(e, &b, ret) : (sedge_err)e;
}

sedge_err sedge_se_pbkdf2(sedge_se *se, uint32_t key, const struct sedge_se_pbkdf2 *how, sedge_out *ret)
{
    const struct se_pbkdf2 d = { in(how->salt), how->salt_id,   how->iterations,
                                 how->length,   how->algorithm, how->target };
    autobuf b = BUF_SECRET(ret ? ret->room : 0);
    err_t e = se_pbkdf2(chip(se), key, &d, &b);

    return ret ? give(e, &b, ret) : (sedge_err)e;
}

sedge_err sedge_se_tls_random(sedge_se *se, uint8_t ret[SEDGE_SE_TLS_RANDOM_LEN])
{
    return (sedge_err)se_tls_random(chip(se), ret);
}

sedge_err sedge_se_tls_pre_master(sedge_se *se, uint32_t target, uint32_t psk, uint32_t pair,
                                  sedge_bytes input, uint16_t client_version)
{
    const struct se_tls_pre_master p = { psk, pair, target, in(input), client_version };

    return (sedge_err)se_tls_pre_master(chip(se), &p);
}

sedge_err sedge_se_tls_prf(sedge_se *se, uint32_t key, enum sedge_se_tls_prf kind, uint8_t digest,
                           sedge_bytes label, sedge_bytes random, uint16_t length, sedge_out *ret)
{
    const struct se_tls_prf p = { (enum se_tls_prf_kind)kind, digest, in(label), in(random), length };
    autobuf b = room_for(ret);

    return give(se_tls_prf(chip(se), key, &p, &b), &b, ret);
}
