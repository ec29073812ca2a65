#include "pkcs11/derive.h"

#include "base/tlv.h"
#include "pkcs11/attr.h"
#include "pkcs11/create.h"
#include "pkcs11/keyop.h"
#include "pkcs11/rv.h"
#include "se/agree.h"

#define SECRET_MAX 128 /* of P-521 66 */
#define DERIVED_MAX P11_KEY_VALUE_MAX
#define TAG_OCTET_STRING 0x04

static err_t agree_in_chip(struct se_chip *chip, const struct p11_work *w)
{
    return se_ec_agree(chip, w->key->id, w->key->curve->id, w->in, SE_AGREE_X, w->out);
}

/* A public value of the key's kind, which OpenSSL has found to be on the curve. */
static err_t peer_key(struct p11_ossl *o, const struct p11_key *key, struct slice public, EVP_PKEY **ret)
{
    if (key->type == CKK_EC)
        return p11_ossl_ec_public(o, key->curve->oid, public, ret);
    return p11_ossl_raw_public(o, key->curve->oid, public, ret);
}

static err_t agree_here(struct p11_ossl *o, const struct p11_work *w)
{
    EVP_PKEY *own = NULL, *peer = NULL;
    err_t e = peer_key(o, w->key, w->in, &peer);

    if (!e)
        e = p11_ossl_private(o, buf_slice(&w->key->value), &own);
    if (!e)
        e = p11_ossl_agree(o, own, peer, w->out);
    p11_ossl_key_free(own);
    p11_ossl_key_free(peer);
    return e;
}

static const struct p11_worker agree_worker = { agree_in_chip, agree_here };

/* §2.3.7: the public value comes bare or as a DER OCTET STRING. */
static CK_RV read_peer(struct p11_module *m, const struct p11_key *key, struct slice given, struct slice *ret)
{
    EVP_PKEY *peer = NULL;
    struct slice rest = given;
    struct tlv der;

    if (given.n != key->curve->public_len) {
        if (tlv_next(&rest, &der) != ERR_OK || der.tag != TAG_OCTET_STRING || rest.n ||
            der.value.n != key->curve->public_len)
            return CKR_MECHANISM_PARAM_INVALID;
        given = der.value;
    }
    if (peer_key(m->ossl, key, given, &peer) != ERR_OK)
        return CKR_MECHANISM_PARAM_INVALID;
    p11_ossl_key_free(peer);
    *ret = given;
    return CKR_OK;
}

/* How long the key shall be: as the template says, otherwise as long as the agreed secret. */
static CK_RV wanted_length(struct p11_template t, const struct p11_ecdh *p, size_t agreed, size_t *ret)
{
    CK_ULONG type = CKK_GENERIC_SECRET, n = agreed;

    (void)p11_attr_ulong(t.v, t.n, CKA_KEY_TYPE, &type);
    (void)p11_attr_ulong(t.v, t.n, CKA_VALUE_LEN, &n);
    if (type != CKK_GENERIC_SECRET && type != CKK_AES)
        return CKR_TEMPLATE_INCONSISTENT;
    if (n == 0 || n > DERIVED_MAX || (!p->kdf && n > agreed) ||
        (type == CKK_AES && n != 16 && n != 24 && n != 32))
        return CKR_KEY_SIZE_RANGE;
    *ret = n;
    return CKR_OK;
}

/* §2.3.9: without a KDF the leading bytes go. */
static CK_RV shape(struct p11_module *m, const struct p11_ecdh *p, struct slice agreed, size_t n,
                   struct buf *out)
{
    if (!p->kdf)
        return p11_rv_from_err(buf_add(out, slice_skip(agreed, agreed.n - n)));
    return p11_rv_from_err(p11_ossl_x963(m->ossl, p->kdf, agreed, p->shared, n, out));
}

static CK_RV agree(struct p11_module *m, const struct p11_object *o, const struct p11_mech *mech,
                   struct slice peer, struct buf *out)
{
    struct p11_op op = { .mech = *mech, .key = o->key, .private = o->private };
    struct p11_work w = p11_work_of(&op, peer, out);
    CK_RV rv = p11_work_do(m, &op, &agree_worker, &w);

    /* What the chip says of a point that it does not take. */
    return rv == CKR_OK && out->n == 0 ? CKR_DEVICE_ERROR : rv;
}

CK_RV p11_derive(struct p11_module *m, struct p11_session *s, const CK_MECHANISM *given,
                 CK_OBJECT_HANDLE base, struct p11_template template, CK_OBJECT_HANDLE *ret)
{
    autobuf agreed = BUF_SECRET(SECRET_MAX), value = BUF_SECRET(DERIVED_MAX);
    auto_p11_object struct p11_object *o = NULL;
    struct p11_ecdh params = { 0 };
    struct p11_mech mech;
    struct slice peer = { 0 };
    size_t n = 0;
    CK_RV rv = p11_attr_check_template(template.v, template.n);

    if (rv == CKR_OK)
        rv = p11_mech_find(given->mechanism, CKF_DERIVE, &mech);
    if (rv == CKR_OK)
        rv = p11_params_ecdh(given, &params);
    if (rv == CKR_OK)
        rv = p11_keyop_find(m, CKF_DERIVE, &mech, base, &o);
    if (rv == CKR_OK)
        rv = read_peer(m, o->key, params.public, &peer);
    if (rv == CKR_OK)
        rv = wanted_length(template, &params, o->key->curve->private_len, &n);
    if (rv == CKR_OK)
        rv = agree(m, o, &mech, peer, &agreed);
    if (rv == CKR_OK && !params.kdf && agreed.n < n)
        rv = CKR_DEVICE_ERROR; /* the chip gave less than the curve's length */
    if (rv == CKR_OK)
        rv = shape(m, &params, buf_slice(&agreed), n, &value);
    if (rv == CKR_OK)
        rv = p11_create_secret(m, s, template, buf_slice(&value), ret);
    return rv;
}
