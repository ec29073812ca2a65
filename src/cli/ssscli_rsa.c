#include "cli/ssscli_rsa.h"

#include "se/key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { SALT_AS_LONG_AS_DIGEST = -1, INFO_MAX = 128 };

static void free_rsa(RSA **p)
{
    RSA_free(*p);
}
#define auto_rsa __attribute__((cleanup(free_rsa)))

/* OpenSSL's padding calls take the modulus from an RSA object. */
static err_t modulus_of(const EVP_PKEY *key, RSA **ret)
{
    auto_rsa RSA *rsa = RSA_new();
    BIGNUM *n = NULL, *e = NULL;

    if (!rsa || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1 || RSA_set0_key(rsa, n, e, NULL) != 1) {
        BN_free(n);
        BN_free(e);
        return ERR_CRYPTO;
    }
    *ret = steal(&rsa);
    return ERR_OK;
}

/* DigestInfo, RFC 8017 A.2.4. */
static err_t digest_info(const struct cli_hash *h, const uint8_t *digest, struct buf *out)
{
    X509_SIG *info = X509_SIG_new();
    X509_ALGOR *algorithm = NULL;
    ASN1_OCTET_STRING *value = NULL;
    unsigned char *der = NULL;
    err_t e = ERR_NOMEM;
    int n;

    if (info) {
        X509_SIG_getm(info, &algorithm, &value);
        if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(OBJ_txt2nid(h->name)), V_ASN1_NULL, NULL) == 1 &&
            ASN1_OCTET_STRING_set(value, digest, (int)h->len) == 1 && (n = i2d_X509_SIG(info, &der)) > 0)
            e = buf_add_mem(out, der, (size_t)n);
    }
    OPENSSL_free(der);
    X509_SIG_free(info);
    return e;
}

static err_t sign_pss(const struct cli *cli, RSA *rsa, const struct cli_hash *h, const uint8_t *digest,
                      struct buf *out)
{
    uint8_t em[SE_RSA_BYTES_MAX];
    EVP_MD *md = cli_hash_md(cli, h);
    size_t n = (size_t)RSA_size(rsa);
    bool ok = md && n <= sizeof(em) &&
              RSA_padding_add_PKCS1_PSS_mgf1(rsa, em, digest, md, md, SALT_AS_LONG_AS_DIGEST) == 1;

    EVP_MD_free(md);
    ERR_clear_error();
    if (!ok)
        return cli_fail(ERR_INVALID, "a key of %zu bits is too short for PSS with %s", 8 * n, h->name);
    return se_rsa_private_raw(cli->chip, cli->id, slice_of(em, n), out);
}

err_t cli_rsa_sign(const struct cli *cli, const EVP_PKEY *key, const struct cli_hash *h,
                   const uint8_t *digest, struct buf *out)
{
    autobuf info = BUF_INIT(INFO_MAX);
    auto_rsa RSA *rsa = NULL;
    err_t e = modulus_of(key, &rsa);

    if (e || h->padding == CLI_PAD_PSS)
        return e ? e : sign_pss(cli, rsa, h, digest, out);
    e = digest_info(h, digest, &info);
    return e ? e : se_rsa_sign_pkcs1(cli->chip, cli->id, (size_t)RSA_size(rsa), buf_slice(&info), out);
}

static bool pkcs1_good(const struct cli_hash *h, const uint8_t *digest, struct slice em)
{
    autobuf info = BUF_INIT(INFO_MAX);
    uint8_t got[SE_RSA_BYTES_MAX];
    int n = RSA_padding_check_PKCS1_type_1(got, (int)sizeof(got), em.p + 1, (int)em.n - 1, (int)em.n);

    return em.p[0] == 0 && n > 0 && !digest_info(h, digest, &info) &&
           slice_eq(slice_of(got, (size_t)n), buf_slice(&info));
}

static bool pss_good(const struct cli *cli, RSA *rsa, const struct cli_hash *h, const uint8_t *digest,
                     const uint8_t *em)
{
    EVP_MD *md = cli_hash_md(cli, h);
    bool good = md && RSA_verify_PKCS1_PSS_mgf1(rsa, digest, md, md, em, SALT_AS_LONG_AS_DIGEST) == 1;

    EVP_MD_free(md);
    return good;
}

err_t cli_rsa_verify(const struct cli *cli, const EVP_PKEY *key, const struct cli_hash *h,
                     const uint8_t *digest, struct slice signature, bool *ret_good)
{
    autobuf em = BUF_INIT(SE_RSA_BYTES_MAX);
    auto_rsa RSA *rsa = NULL;
    err_t e = modulus_of(key, &rsa);

    if (e)
        return e;
    if (signature.n != (size_t)RSA_size(rsa)) {
        *ret_good = false;
        return ERR_OK;
    }
    e = se_rsa_public_raw(cli->chip, cli->id, signature, &em);
    if (e)
        return e;
    *ret_good = h->padding == CLI_PAD_PSS ? pss_good(cli, rsa, h, digest, em.p)
                                          : pkcs1_good(h, digest, buf_slice(&em));
    ERR_clear_error();
    return ERR_OK;
}
