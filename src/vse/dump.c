#include "vse/dump.h"

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/cert.h"
#include "vse/applet.h"
#include "vse/curve.h"

#include <openssl/objects.h>

static const char *const type_names[] = {
    [SE_TYPE_EC_PAIR] = "EC key pair",
    [SE_TYPE_EC_PRIVATE] = "EC private key",
    [SE_TYPE_EC_PUBLIC] = "EC public key",
    [SE_TYPE_RSA_PAIR] = "RSA key pair",
    [SE_TYPE_RSA_PAIR_CRT] = "RSA key pair (CRT)",
    [SE_TYPE_RSA_PRIVATE] = "RSA private key",
    [SE_TYPE_RSA_PRIVATE_CRT] = "RSA private key (CRT)",
    [SE_TYPE_RSA_PUBLIC] = "RSA public key",
    [SE_TYPE_AES] = "AES key",
    [SE_TYPE_DES] = "DES key",
    [SE_TYPE_BINARY] = "binary",
    [SE_TYPE_USERID] = "UserID",
    [SE_TYPE_COUNTER] = "counter",
    [SE_TYPE_PCR] = "PCR",
    [SE_TYPE_HMAC] = "HMAC key",
};

static const char *const origin_names[] = {
    [VSE_ORIGIN_EXTERNAL] = "imported",
    [VSE_ORIGIN_INTERNAL] = "generated",
    [VSE_ORIGIN_PROVISIONED] = "provisioned",
};

static const char *name_of(const char *const *names, size_t n, unsigned i)
{
    return i < n && names[i] ? names[i] : "unknown";
}

static const char *curve_name(uint8_t id)
{
    const struct vse_curve *c = vse_curve_find(id);

    if (c && c->nid == NID_undef)
        return "TPM_ECC_BN_P256"; /* the one OpenSSL has no name for */
    return c ? OBJ_nid2sn(c->nid) : "unknown";
}

static err_t dump_size(const struct vse_object *o, struct buf *out)
{
    if (vse_object_is_ec(o))
        return buf_printf(out, ", %s", curve_name(o->curve));
    if (vse_object_is_rsa(o))
        return buf_printf(out, ", %u bits", (unsigned)o->size);
    if (o->type == SE_TYPE_BINARY && o->size == 0)
        return buf_add_str(out, ", not made yet");
    return buf_printf(out, ", %u byte%s", (unsigned)o->size, o->size == 1 ? "" : "s");
}

/* What a user of the object meets besides its policy. */
static err_t dump_limits(const struct vse_object *o, struct buf *out)
{
    err_t e = ERR_OK;

    if (o->auth)
        e = buf_add_str(out, ", authentication");
    if (!e && o->max_attempts)
        e = buf_printf(out, " (%u of %u attempts failed)", (unsigned)o->attempts, (unsigned)o->max_attempts);
    if (!e && o->owner)
        e = buf_printf(out, ", owner 0x%08X", (unsigned)o->owner);
    if (!e && o->version)
        e = buf_printf(out, ", version %u", (unsigned)o->version);
    return e;
}

err_t vse_dump_object(const struct vse_object *o, struct buf *out)
{
    err_t e =
        buf_printf(out, "0x%08X  %s", (unsigned)o->id, name_of(type_names, ARRAY_LEN(type_names), o->type));

    if (!e)
        e = dump_size(o, out);
    if (!e)
        e = buf_printf(out, ", %s, %s", o->transient ? "transient" : "persistent",
                       name_of(origin_names, ARRAY_LEN(origin_names), o->origin));
    if (!e)
        e = dump_limits(o, out);
    if (!e && o->policy.n) {
        e = buf_add_str(out, ", policy ");
        if (!e)
            e = hex_encode(out, buf_slice(&o->policy));
    }
    return e ? e : buf_add_str(out, "\n");
}

err_t vse_dump_curve(uint8_t id, uint8_t params, struct buf *out)
{
    bool whole = params == (VSE_CURVE_CREATED | SE_CURVE_PARAM_ALL);

    return buf_printf(out, "curve 0x%02X  %s%s\n", (unsigned)id, curve_name(id), whole ? "" : ", incomplete");
}

/* ---- crypto objects ---- */

static const struct {
    uint8_t context, subtype;
    const char *name;
} crypto_names[] = {
    { SE_CONTEXT_DIGEST, SE_DIGEST_SHA1, "digest, SHA-1" },
    { SE_CONTEXT_DIGEST, SE_DIGEST_SHA224, "digest, SHA-224" },
    { SE_CONTEXT_DIGEST, SE_DIGEST_SHA256, "digest, SHA-256" },
    { SE_CONTEXT_DIGEST, SE_DIGEST_SHA384, "digest, SHA-384" },
    { SE_CONTEXT_DIGEST, SE_DIGEST_SHA512, "digest, SHA-512" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_DES_CBC, "cipher, DES-CBC" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_DES_CBC_M1, "cipher, DES-CBC with ISO 9797-1 M1" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_DES_CBC_M2, "cipher, DES-CBC with ISO 9797-1 M2" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_DES_CBC_PKCS5, "cipher, DES-CBC with PKCS#5" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_DES_ECB, "cipher, DES-ECB" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_DES_ECB_M1, "cipher, DES-ECB with ISO 9797-1 M1" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_DES_ECB_M2, "cipher, DES-ECB with ISO 9797-1 M2" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_DES_ECB_PKCS5, "cipher, DES-ECB with PKCS#5" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_AES_CBC, "cipher, AES-CBC" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_AES_ECB, "cipher, AES-ECB" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_AES_CBC_M1, "cipher, AES-CBC with ISO 9797-1 M1" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_AES_CBC_M2, "cipher, AES-CBC with ISO 9797-1 M2" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_AES_CTR, "cipher, AES-CTR" },
    { SE_CONTEXT_CIPHER, SE_CIPHER_AES_CTR_INTERNAL_IV, "cipher, AES-CTR, own IV" },
    { SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA1, "MAC, HMAC-SHA-1" },
    { SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA256, "MAC, HMAC-SHA-256" },
    { SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA384, "MAC, HMAC-SHA-384" },
    { SE_CONTEXT_SIGNATURE, SE_MAC_HMAC_SHA512, "MAC, HMAC-SHA-512" },
    { SE_CONTEXT_SIGNATURE, SE_MAC_CMAC_128, "MAC, CMAC-128" },
    { SE_CONTEXT_SIGNATURE, SE_MAC_AES_CMAC16, "MAC, AES-CMAC" },
    { SE_CONTEXT_SIGNATURE, SE_MAC_DES_CMAC8, "MAC, DES-CMAC" },
    { SE_CONTEXT_AEAD, SE_AEAD_GCM, "AEAD, GCM" },
    { SE_CONTEXT_AEAD, SE_AEAD_GCM_INTERNAL_IV, "AEAD, GCM, own IV" },
    { SE_CONTEXT_AEAD, SE_AEAD_CCM, "AEAD, CCM" },
    { SE_CONTEXT_AEAD, SE_AEAD_CCM_INTERNAL_IV, "AEAD, CCM, own IV" },
    { SE_CONTEXT_PAKE, SE_PAKE_P256_SHA256_HMAC, "SPAKE2+, P-256, SHA-256, HMAC" },
    { SE_CONTEXT_PAKE, SE_PAKE_P256_SHA512_HMAC, "SPAKE2+, P-256, SHA-512, HMAC" },
    { SE_CONTEXT_PAKE, SE_PAKE_P384_SHA256_HMAC, "SPAKE2+, P-384, SHA-256, HMAC" },
    { SE_CONTEXT_PAKE, SE_PAKE_P384_SHA512_HMAC, "SPAKE2+, P-384, SHA-512, HMAC" },
    { SE_CONTEXT_PAKE, SE_PAKE_P521_SHA512_HMAC, "SPAKE2+, P-521, SHA-512, HMAC" },
    { SE_CONTEXT_PAKE, SE_PAKE_P256_SHA256_CMAC, "SPAKE2+, P-256, SHA-256, CMAC" },
    { SE_CONTEXT_PAKE, SE_PAKE_P256_SHA512_CMAC, "SPAKE2+, P-256, SHA-512, CMAC" },
};

err_t vse_dump_crypto_object(uint32_t id, struct slice value, struct buf *out)
{
    const char *name = "unknown";

    if (value.n != VSE_CRYPTO_OBJECT_STORED)
        return ERR_CORRUPT;
    for (size_t i = 0; i < ARRAY_LEN(crypto_names); i++)
        if (crypto_names[i].context == value.p[0] && crypto_names[i].subtype == value.p[1])
            name = crypto_names[i].name;
    return buf_printf(out, "crypto object 0x%04X  %s\n", (unsigned)id, name);
}

/* ---- settings ---- */

static const char *lock_state(unsigned v)
{
    return v == SE_LOCKED ? "locked" : "not locked";
}

static const char *scp_request(unsigned v)
{
    return v == SE_SCP_REQUIRED ? "platform SCP required" : "platform SCP not required";
}

static const char *restriction(unsigned v)
{
    if (v == SE_RESTRICT_ALL)
        return "objects can be neither made nor changed";
    return v == SE_RESTRICT_NEW ? "no objects can be made" : "objects can be made and changed";
}

err_t vse_dump_setting(uint32_t which, struct slice value, struct buf *out)
{
    static const char *(*const words[])(unsigned v) = {
        [VSE_SETTING_LOCK] = lock_state,
        [VSE_SETTING_SCP_REQUEST] = scp_request,
        [VSE_SETTING_RESTRICT] = restriction,
        [VSE_SETTING_SCP_KEYS] = NULL,
    };

    if (which == VSE_SETTING_SCP_KEYS)
        return buf_add_str(out, "setting  platform keys changed\n");
    if (which == VSE_SETTING_FEATURES && value.n == sizeof(uint16_t))
        return buf_printf(out, "setting  features 0x%02X%02X\n", value.p[0], value.p[1]);
    if (which >= ARRAY_LEN(words) || !words[which] || value.n != 1)
        return ERR_CORRUPT;
    return buf_printf(out, "setting  %s\n", words[which](value.p[0]));
}

err_t vse_dump_certificate(struct slice der, struct buf *out)
{
    struct crypto_ctx *ctx = NULL;
    auto_x509 X509 *cert = NULL;
    err_t e = crypto_ctx_new(NULL, &ctx);

    if (!e)
        e = crypto_cert_parse_der(ctx, der, &cert);
    if (!e)
        e = crypto_cert_pem(cert, out);
    crypto_ctx_free(ctx);
    return e == ERR_INVALID ? ERR_CORRUPT : e;
}
