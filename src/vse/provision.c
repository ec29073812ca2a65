#include "vse/provision.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/issue.h"
#include "crypto/random.h"
#include "vse/keys.h"

#define CA_NAME "Sedge virtual SE050, not for production"

enum {
    KEY = SE_POLICY_SIGN | SE_POLICY_VERIFY | SE_POLICY_KEY_AGREEMENT | SE_POLICY_READ,
    RSA_KEY = SE_POLICY_SIGN | SE_POLICY_VERIFY | SE_POLICY_ENCRYPT | SE_POLICY_DECRYPT | SE_POLICY_READ,
    ATTESTATION = SE_POLICY_VERIFY | SE_POLICY_READ | SE_POLICY_ATTEST,
    READ_ONLY = SE_POLICY_READ,
    POLICY_LEN = 8,
};

/* Keys before the certificates that name them. */
static const struct item {
    uint32_t id;
    uint8_t type;
    uint16_t bits;
    uint32_t rights;  /* of everybody; nobody may write or delete */
    uint32_t key;     /* of a certificate: whose */
    const char *name; /* of a certificate: the subject's unit */
} items[] = {
    { SE_ID_UNIQUE_ID, SE_TYPE_BINARY, 0, READ_ONLY, 0, NULL },
    { SE_ID_ECKEY_USER, SE_TYPE_EC_PAIR, 256, READ_ONLY, 0, NULL },
    { SE_ID_ECKEY_IMPORT, SE_TYPE_EC_PAIR, 256, READ_ONLY, 0, NULL },
    { SE_ID_ATTESTATION_KEY, SE_TYPE_EC_PAIR, 256, ATTESTATION, 0, NULL },
    { SE_ID_ATTESTATION_CERT, SE_TYPE_BINARY, 0, READ_ONLY, SE_ID_ATTESTATION_KEY, "attestation" },
    { 0xf0000000, SE_TYPE_EC_PAIR, 256, KEY, 0, NULL },
    { 0xf0000001, SE_TYPE_BINARY, 0, READ_ONLY, 0xf0000000, "cloud connection 0" },
    { 0xf0000002, SE_TYPE_EC_PAIR, 256, KEY, 0, NULL },
    { 0xf0000003, SE_TYPE_BINARY, 0, READ_ONLY, 0xf0000002, "cloud connection 1" },
    { 0xf0000100, SE_TYPE_EC_PAIR, 256, KEY, 0, NULL },
    { 0xf0000101, SE_TYPE_BINARY, 0, READ_ONLY, 0xf0000100, "device" },
    { 0xf0000102, SE_TYPE_EC_PAIR, 256, KEY, 0, NULL },
    { 0xf0000103, SE_TYPE_BINARY, 0, READ_ONLY, 0xf0000102, "gateway" },
    { 0xf0000110, SE_TYPE_RSA_PAIR_CRT, 2048, RSA_KEY, 0, NULL },
    { 0xf0000111, SE_TYPE_BINARY, 0, READ_ONLY, 0xf0000110, "device" },
    { 0xf0000112, SE_TYPE_RSA_PAIR_CRT, 2048, RSA_KEY, 0, NULL },
    { 0xf0000113, SE_TYPE_BINARY, 0, READ_ONLY, 0xf0000112, "gateway" },
    { 0xf0000120, SE_TYPE_RSA_PAIR_CRT, 4096, RSA_KEY, 0, NULL },
    { 0xf0000121, SE_TYPE_BINARY, 0, READ_ONLY, 0xf0000120, "device" },
    { 0xf0000122, SE_TYPE_RSA_PAIR_CRT, 4096, RSA_KEY, 0, NULL },
    { 0xf0000123, SE_TYPE_BINARY, 0, READ_ONLY, 0xf0000122, "gateway" },
};

static const struct item *item_of(uint32_t id)
{
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        if (items[i].id == id)
            return &items[i];
    return NULL;
}

/* ---- the CA: PEM of its key, DER of its certificate ---- */

struct work {
    struct vse_applet *a;
    struct crypto_ctx *ctx;
    EVP_PKEY *ca_key;
    X509 *ca_cert;
    char uid[2 * SE_UNIQUE_ID_LEN + 1];
    /* what is to be made durable, and put into the table after that */
    struct vse_object *object[ARRAY_LEN(items)];
    struct buf value[ARRAY_LEN(items) + 3];
    struct vse_nvm_op op[ARRAY_LEN(items) + 3];
    size_t objects, ops;
};

static void work_done(struct work *w)
{
    for (size_t i = 0; i < w->objects; i++)
        vse_object_free(w->object[i]);
    for (size_t i = 0; i < w->ops; i++)
        buf_done(&w->value[i]);
    crypto_pkey_free_ptr(&w->ca_key);
    crypto_x509_free_ptr(&w->ca_cert);
    crypto_ctx_free(w->ctx);
}

/* Room for the value of the next change. */
static struct buf *next_op(struct work *w, uint8_t kind, uint32_t id)
{
    w->value[w->ops] = BUF_SECRET(2 * SE_BINARY_MAX);
    w->op[w->ops] = (struct vse_nvm_op){ .put = true, .kind = kind, .id = id };
    return &w->value[w->ops++];
}

/* From 2020 on, for ever (RFC 5280 §4.1.2.5): a chip has no clock to lose. */
static struct crypto_cert_spec spec_of(enum crypto_cert_kind kind)
{
    return (struct crypto_cert_spec){
        .kind = kind,
        .organization = kind == CRYPTO_CERT_CA ? NULL : CA_NAME,
        .common_name = CA_NAME,
        .not_before_ms = INT64_C(1577836800000),
        .not_after_ms = INT64_C(253402300799000),
    };
}

static err_t ca_make(struct work *w)
{
    struct crypto_cert_spec spec = spec_of(CRYPTO_CERT_CA);
    err_t e = crypto_key_generate(w->ctx, CRYPTO_KEY_EC_P256, &w->ca_key);

    if (!e)
        e = crypto_cert_issue(w->ctx, &spec, w->ca_key, NULL, w->ca_key, &w->ca_cert, NULL);
    if (!e)
        e = crypto_key_private_pem(w->ca_key, next_op(w, VSE_NVM_HIDDEN, VSE_HIDDEN_CA_KEY));
    if (!e)
        e = crypto_cert_der(w->ca_cert, next_op(w, VSE_NVM_HIDDEN, VSE_HIDDEN_CA_CERT));
    return e;
}

static err_t ca_get(struct work *w)
{
    const struct buf *kept = w->a->hidden.kept;
    err_t e;

    if (w->ca_cert)
        return ERR_OK;
    if (!kept[VSE_HIDDEN_CA_KEY].n || !kept[VSE_HIDDEN_CA_CERT].n)
        return ca_make(w);
    e = crypto_key_parse_pem(w->ctx, buf_slice(&kept[VSE_HIDDEN_CA_KEY]), &w->ca_key, NULL);
    return e ? e : crypto_cert_parse_der(w->ctx, buf_slice(&kept[VSE_HIDDEN_CA_CERT]), &w->ca_cert);
}

/* ---- one object ---- */

static struct vse_object *find(const struct work *w, uint32_t id)
{
    for (size_t i = 0; i < w->objects; i++)
        if (w->object[i]->id == id)
            return w->object[i];
    return vse_objects_find(&w->a->objects, id);
}

static err_t set_policy(struct vse_object *o, uint32_t rights)
{
    err_t e = buf_add_u8(&o->policy, POLICY_LEN);

    if (!e)
        e = buf_add_be32(&o->policy, SE_ID_NONE);
    return e ? e : buf_add_be32(&o->policy, rights);
}

/* As the part's own ids look: a fixed maker and type in front, then the individual part. */
static err_t make_unique_id(const struct work *w, struct vse_object *o)
{
    uint8_t uid[SE_UNIQUE_ID_LEN] = { 0x04, 0x00, 0x50, 0x01 };
    err_t e = crypto_random(w->ctx, uid + 4, sizeof(uid) - 4);

    if (!e)
        e = vse_object_set(o, VSE_DATA, SLICE_ARRAY(uid));
    o->size = sizeof(uid);
    return e;
}

static err_t public_key(const struct work *w, const struct vse_object *o, EVP_PKEY **ret)
{
    if (vse_object_is_ec(o))
        return crypto_pubkey_from_ec(w->ctx, "prime256v1", vse_object_part(o, VSE_EC_PUBLIC), ret);
    return crypto_pubkey_from_rsa(w->ctx, vse_object_part(o, VSE_RSA_N), vse_object_part(o, VSE_RSA_E), ret);
}

static err_t make_certificate(struct work *w, const struct item *item, struct vse_object *o)
{
    struct crypto_cert_spec spec = spec_of(CRYPTO_CERT_CLIENT);
    auto_pkey EVP_PKEY *key = NULL;
    auto_x509 X509 *cert = NULL;
    autobuf der = BUF_INIT(SE_BINARY_MAX);
    err_t e = ca_get(w);

    spec.organizational_unit = item->name;
    spec.common_name = w->uid;
    if (!e)
        e = public_key(w, find(w, item->key), &key);
    if (!e)
        e = crypto_cert_issue(w->ctx, &spec, key, w->ca_cert, w->ca_key, &cert, NULL);
    if (!e)
        e = crypto_cert_der(cert, &der);
    if (!e)
        e = vse_object_set(o, VSE_DATA, buf_slice(&der));
    o->size = (uint16_t)der.n;
    return e;
}

static err_t make_rsa(struct vse_object *o)
{
    err_t e = vse_rsa_generate(o);

    return e ? e : vse_object_set(o, VSE_RSA_D, (struct slice){ 0 }); /* a CRT key has none */
}

static err_t make_value(struct work *w, const struct item *item, struct vse_object *o)
{
    if (item->id == SE_ID_UNIQUE_ID)
        return make_unique_id(w, o);
    if (item->type == SE_TYPE_EC_PAIR)
        return vse_ec_generate(o);
    if (item->type == SE_TYPE_RSA_PAIR_CRT)
        return make_rsa(o);
    return make_certificate(w, item, o);
}

/* `o` is always taken over. */
static err_t add(struct work *w, struct vse_object *o)
{
    w->object[w->objects++] = o;
    return vse_object_encode(o, next_op(w, VSE_NVM_OBJECT, o->id));
}

/* ---- sets of them ---- */

static bool is_rsa(const struct item *item)
{
    const struct item *key = item->key ? item_of(item->key) : item;

    return key->type == SE_TYPE_RSA_PAIR_CRT;
}

static err_t provision_one(struct work *w, const struct item *item)
{
    auto_object *o = vse_object_new(item->id, item->type);
    err_t e = o ? set_policy(o, item->rights) : ERR_NOMEM;

    if (e)
        return e;
    o->origin = VSE_ORIGIN_PROVISIONED;
    o->curve = item->type == SE_TYPE_EC_PAIR ? SE_CURVE_P256 : 0;
    o->size = item->type == SE_TYPE_RSA_PAIR_CRT ? item->bits : 0;
    if (!is_rsa(item))
        e = make_value(w, item, o);
    return e ? e : add(w, steal(&o));
}

/* The user may have put something of his own there, before this part had a factory. */
static bool wanted(const struct work *w, const struct item *item, enum vse_factory what)
{
    const struct vse_object *key = item->key ? find(w, item->key) : NULL;

    if (find(w, item->id) || (is_rsa(item) && what != VSE_FACTORY_FULL))
        return false;
    return !item->key || (key && key->origin == VSE_ORIGIN_PROVISIONED);
}

static err_t provision_curve(struct work *w)
{
    static const uint8_t whole = VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL;

    if (!w->objects || w->a->curves[SE_CURVE_P256] == whole)
        return ERR_OK;
    return buf_add_u8(next_op(w, VSE_NVM_CURVE, SE_CURVE_P256), whole);
}

static void name_the_part(struct work *w)
{
    const struct vse_object *uid = find(w, SE_ID_UNIQUE_ID);

    if (uid && vse_object_part(uid, VSE_DATA).n == SE_UNIQUE_ID_LEN)
        hex_str(w->uid, vse_object_part(uid, VSE_DATA));
}

static err_t provision(struct work *w, enum vse_factory what)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < ARRAY_LEN(items) && !e; i++) {
        name_the_part(w);
        if (wanted(w, &items[i], what))
            e = provision_one(w, &items[i]);
    }
    return e ? e : provision_curve(w);
}

static err_t ripen(struct work *w, const struct item *key, const struct item *cert)
{
    const struct item *both[] = { key, cert };
    err_t e = ERR_OK;

    name_the_part(w);
    for (size_t i = 0; i < ARRAY_LEN(both) && !e; i++) {
        auto_object *o = vse_object_copy(vse_objects_find(&w->a->objects, both[i]->id));
        e = o ? make_value(w, both[i], o) : ERR_NOMEM;
        if (!e)
            e = add(w, steal(&o));
    }
    return e;
}

/* ---- whole or not at all ---- */

/* What was made durable beside objects is taken over as at the next start. */
static err_t take_over(struct work *w)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < w->ops && !e; i++)
        if (w->op[i].kind != VSE_NVM_OBJECT)
            e = vse_applet_load(w->a, w->op[i].kind, w->op[i].id, w->op[i].value);
    return e;
}

static err_t finish(struct work *w)
{
    struct vse_applet *a = w->a;
    err_t e = vse_objects_reserve_more(&a->objects, w->objects);

    if (e || !w->ops)
        return e;
    for (size_t i = 0; i < w->ops; i++)
        w->op[i].value = buf_slice(&w->value[i]);
    e = a->nvm.apply(a->nvm.ctx, w->op, w->ops);
    if (!e)
        e = take_over(w);
    for (size_t i = 0; i < w->objects && !e; i++)
        vse_objects_put(&a->objects, steal(&w->object[i]));
    return e;
}

static err_t begin(struct work *w, struct vse_applet *a)
{
    w->a = a;
    return crypto_ctx_new(NULL, &w->ctx);
}

err_t vse_applet_provision(struct vse_applet *a, enum vse_factory what)
{
    __attribute__((cleanup(work_done))) struct work w = { 0 };
    err_t e = begin(&w, a);

    if (!e)
        e = provision(&w, what);
    return e ? e : finish(&w);
}

/* The key of the pair that `id` belongs to; NULL when it is not one that ripens. */
static const struct item *ripening_key(uint32_t id)
{
    const struct item *item = item_of(id);

    if (item && item->key)
        item = item_of(item->key);
    return item && item->type == SE_TYPE_RSA_PAIR_CRT ? item : NULL;
}

err_t vse_provision_ripen(struct vse_applet *a, uint32_t id)
{
    const struct item *key = ripening_key(id);
    const struct item *cert = key ? key + 1 : NULL;
    const struct vse_object *k = key ? vse_objects_find(&a->objects, key->id) : NULL;
    const struct vse_object *c = key ? vse_objects_find(&a->objects, cert->id) : NULL;
    __attribute__((cleanup(work_done))) struct work w = { 0 };
    err_t e;

    if (!k || !c || k->origin != VSE_ORIGIN_PROVISIONED || c->origin != VSE_ORIGIN_PROVISIONED ||
        vse_object_part(k, VSE_RSA_N).n)
        return ERR_OK;
    e = begin(&w, a);
    if (!e)
        e = ripen(&w, key, cert);
    return e ? e : finish(&w);
}
