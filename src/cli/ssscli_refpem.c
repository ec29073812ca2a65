/* ssscli refpem ...: key files that name an object of the chip instead of holding a key (reference 6,
 * "Reference keys"): programs that only load key files find the public half in them, engines that know the
 * form the object. Nothing in them is secret. */
#include "cli/ssscli_commands.h"
#include "cli/ssscli_key.h"
#include "cli/ssscli_public.h"
#include "crypto/cert.h"
#include "crypto/key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pkcs12.h>

enum {
    MARK_LEN = 14, /* of key id, magic twice, class and index at the end of the private value */
    FIRST_BYTE = 0x10,
    CLASS_PAIR = 0x10,
    CLASS_PUBLIC = 0x20,
    REF_FILE_MAX = 64 * 1024,
};
static const uint8_t magic[] = { 0xa5, 0xa6, 0xb5, 0xb6 };

static void free_bn(BIGNUM **p)
{
    BN_free(*p);
}
#define auto_bn __attribute__((cleanup(free_bn)))

static void free_builder(OSSL_PARAM_BLD **p)
{
    OSSL_PARAM_BLD_free(*p);
}
#define auto_builder __attribute__((cleanup(free_builder)))

/* ---- the keys ---- */

static err_t from_builder(const struct cli *cli, const char *type, OSSL_PARAM_BLD *b, EVP_PKEY **ret)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(crypto_ctx_lib(cli->crypto), type, NULL);
    bool ok = params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
              EVP_PKEY_fromdata(ctx, ret, EVP_PKEY_KEYPAIR, params) == 1;

    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    ERR_clear_error();
    return ok ? ERR_OK
              : cli_fail(ERR_CRYPTO, "OpenSSL does not take the reference key of object 0x%08X", cli->id);
}

/* 10 00..00 keyid magic magic class index, in the curve's length. */
static err_t ec_value(uint32_t id, bool pair, size_t len, uint8_t *out)
{
    const uint8_t tail[MARK_LEN] = { (uint8_t)(id >> 24),
                                     (uint8_t)(id >> 16),
                                     (uint8_t)(id >> 8),
                                     (uint8_t)id,
                                     magic[0],
                                     magic[1],
                                     magic[2],
                                     magic[3],
                                     magic[0],
                                     magic[1],
                                     magic[2],
                                     magic[3],
                                     pair ? CLASS_PAIR : CLASS_PUBLIC,
                                     0 };

    if (len < MARK_LEN + 1)
        return ERR_UNSUPPORTED;
    memset(out, 0, len);
    out[0] = FIRST_BYTE;
    memcpy(out + len - MARK_LEN, tail, MARK_LEN);
    return ERR_OK;
}

static err_t ref_ec(const struct cli *cli, const struct cli_public *p, bool pair, EVP_PKEY **ret)
{
    struct crypto_ec_parts parts = { 0 };
    auto_builder OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    auto_bn BIGNUM *value = NULL;
    uint8_t bytes[SE_EC_PRIVATE_MAX];
    err_t e = crypto_ec_parts_get(p->key, &parts);

    if (!e)
        e = ec_value(cli->id, pair, p->curve->private_len, bytes);
    if (!e)
        value = BN_bin2bn(bytes, p->curve->private_len, NULL);
    if (!e &&
        (!b || !value ||
         OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, parts.curve, 0) != 1 ||
         OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, parts.point.p, parts.point.n) != 1 ||
         OSSL_PARAM_BLD_push_BN_pad(b, OSSL_PKEY_PARAM_PRIV_KEY, value, p->curve->private_len) != 1))
        e = ERR_NOMEM;
    if (!e)
        e = from_builder(cli, "EC", b, ret);
    crypto_ec_parts_done(&parts);
    return e;
}

/* n and e are the key's; p = 1, q = the id, the coefficient is the magic; the rest has to be there and is 1.
 */
static err_t ref_rsa(const struct cli *cli, const struct cli_public *p, EVP_PKEY **ret)
{
    auto_builder OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    auto_bn BIGNUM *n = NULL, *e = NULL, *one = BN_new(), *id = BN_new(),
                   *mark = BN_bin2bn(magic, sizeof(magic), NULL);

    (void)EVP_PKEY_get_bn_param(p->key, OSSL_PKEY_PARAM_RSA_N, &n);
    (void)EVP_PKEY_get_bn_param(p->key, OSSL_PKEY_PARAM_RSA_E, &e);
    if (!b || !n || !e || !one || !id || !mark || BN_one(one) != 1 || BN_set_word(id, cli->id) != 1)
        return ERR_NOMEM;
    const struct {
        const char *name;
        const BIGNUM *value;
    } numbers[] = {
        { OSSL_PKEY_PARAM_RSA_N, n },           { OSSL_PKEY_PARAM_RSA_E, e },
        { OSSL_PKEY_PARAM_RSA_D, one },         { OSSL_PKEY_PARAM_RSA_FACTOR1, one },
        { OSSL_PKEY_PARAM_RSA_FACTOR2, id },    { OSSL_PKEY_PARAM_RSA_EXPONENT1, one },
        { OSSL_PKEY_PARAM_RSA_EXPONENT2, one }, { OSSL_PKEY_PARAM_RSA_COEFFICIENT1, mark },
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (OSSL_PARAM_BLD_push_BN(b, numbers[i].name, numbers[i].value) != 1)
            return ERR_NOMEM;
    return from_builder(cli, "RSA", b, ret);
}

/* ---- the files ---- */

static err_t add_der(unsigned char *der, int n, struct buf *out)
{
    err_t e = n > 0 ? buf_add_mem(out, der, (size_t)n) : ERR_CRYPTO;

    OPENSSL_free(der);
    ERR_clear_error();
    return e;
}

/* SEC1 or PKCS#1, as the form of reference keys is published. */
static err_t write_der(const EVP_PKEY *key, struct buf *out)
{
    unsigned char *der = NULL;
    int n = i2d_PrivateKey(key, &der);

    return add_der(der, n, out);
}

static err_t load_certificate(const struct cli *cli, const EVP_PKEY *key, X509 **ret)
{
    struct crypto_error why = { .text = "" };
    const char *path = cli->options[CLI_CERT];
    auto_x509 X509 *cert = NULL;
    err_t e;

    if (!path)
        return ERR_OK;
    e = crypto_cert_load(cli->crypto, path, &cert, &why);
    if (!e)
        e = crypto_cert_matches_key(cert, key, &why);
    if (e)
        return cli_fail(e, "--cert %s: %s", path, why.text);
    *ret = cert;
    cert = NULL;
    return ERR_OK;
}

static err_t write_pkcs12(const struct cli *cli, EVP_PKEY *key, struct buf *out)
{
    const char *password = cli->options[CLI_PASSWORD];
    auto_x509 X509 *cert = NULL;
    unsigned char *der = NULL;
    char name[16];
    PKCS12 *p12;
    int n;
    err_t e = load_certificate(cli, key, &cert);

    if (e)
        return e;
    (void)snprintf(name, sizeof(name), "sss:%08X", cli->id);
    p12 = PKCS12_create_ex(password ? password : "", name, key, cert, NULL, 0, 0, 0, 0, 0,
                           crypto_ctx_lib(cli->crypto), NULL);
    n = p12 ? i2d_PKCS12(p12, &der) : 0;
    PKCS12_free(p12);
    return add_der(der, n, out);
}

enum ref_format { REF_PEM, REF_DER, REF_PKCS12 };

static err_t take_format(const struct cli *cli, enum ref_format *ret)
{
    static const char *const words[] = { "PEM", "DER", "PKCS12", NULL };
    const char *text = cli->options[CLI_FORMAT];
    size_t i = REF_PEM;
    err_t e = text ? cli_choice("--format", text, words, &i) : ERR_OK;

    if (e)
        return e;
    if (i != REF_PKCS12 && (cli->options[CLI_PASSWORD] || cli->options[CLI_CERT]))
        return cli_fail_usage("Options '--password' and '--cert' are for '--format PKCS12'.");
    *ret = (enum ref_format)i;
    return ERR_OK;
}

static err_t write_reference(struct cli *cli, enum ref_format format, EVP_PKEY *key)
{
    autobuf out = BUF_INIT(REF_FILE_MAX);
    err_t e = format == REF_PKCS12 ? write_pkcs12(cli, key, &out)
              : format == REF_DER  ? write_der(key, &out)
                                   : crypto_key_private_pem(key, &out);

    if (!e)
        e = cli_write_file(cli->args[1], buf_slice(&out));
    if (e)
        return e;
    cli_say(cli, "Created reference key for KeyID = 0x%08X in %s\n", cli->id, cli->args[1]);
    cli_put_id(cli, "keyId", cli->id);
    cli_put_str(cli, "file", cli->args[1]);
    return ERR_OK;
}

static err_t refpem(struct cli *cli, enum cli_public_wanted wanted, bool pair)
{
    auto_cli_public p = { 0 };
    auto_pkey EVP_PKEY *key = NULL;
    enum ref_format format = REF_PEM;
    err_t e = take_format(cli, &format);

    if (!e)
        e = cli_public_read(cli, wanted, &p);
    if (e)
        return e;
    if (pair && (p.class == SE_TYPE_EC_PUBLIC || p.class == SE_TYPE_RSA_PUBLIC))
        return cli_fail(ERR_INVALID, "object 0x%08X is a public key only", cli->id);
    if (wanted == CLI_WANT_EC && !crypto_key_is_ec(p.key))
        return cli_fail(ERR_UNSUPPORTED, "object 0x%08X: there are no reference keys on curve %s", cli->id,
                        p.curve->name);
    e = wanted == CLI_WANT_EC ? ref_ec(cli, &p, pair, &key) : ref_rsa(cli, &p, &key);
    return e ? e : write_reference(cli, format, key);
}

err_t cli_refpem_ecc_pair(struct cli *cli)
{
    return refpem(cli, CLI_WANT_EC, true);
}

err_t cli_refpem_ecc_pub(struct cli *cli)
{
    return refpem(cli, CLI_WANT_EC, false);
}

err_t cli_refpem_rsa_pair(struct cli *cli)
{
    return refpem(cli, CLI_WANT_RSA, true);
}
