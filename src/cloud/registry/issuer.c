#include "cloud/registry/issuer.h"

#include <stdio.h>

struct search {
    const struct cloud_env *env;
    const X509 *cert;
    struct issuer *ret;
    bool found;
};

static void take(struct issuer *ret, const struct db_rows *row)
{
    *ret = (struct issuer){ .not_before_ms = db_int(row, 5), .not_after_ms = db_int(row, 6) };
    (void)snprintf(ret->ca_id, sizeof(ret->ca_id), "%s", db_str(row, 0));
    (void)snprintf(ret->status, sizeof(ret->status), "%s", db_str(row, 2));
    (void)snprintf(ret->mode, sizeof(ret->mode), "%s", db_str(row, 3));
    (void)snprintf(ret->auto_registration, sizeof(ret->auto_registration), "%s", db_str(row, 4));
}

static err_t try_ca(void *ctx, const struct db_rows *row)
{
    struct search *s = ctx;
    auto_x509 X509 *ca = NULL;
    err_t e = crypto_cert_parse_pem(s->env->crypto, db_text(row, 1), &ca, NULL);

    if (e || s->found || crypto_cert_issued_by(s->cert, ca) != ERR_OK)
        return e;
    s->found = true;
    take(s->ret, row);
    return ERR_OK;
}

err_t issuer_find(const struct cloud_env *env, struct db *db, const X509 *cert, struct issuer *ret)
{
    struct search s = { env, cert, ret, false };
    char hash[CRYPTO_SHA256_HEX];
    err_t e;

    if ((e = crypto_cert_issuer_hash(env->crypto, cert, hash)) ||
        (e = db_each(db,
                     "SELECT cert_id, pem, status, mode, auto_registration, not_before_ms, not_after_ms"
                     " FROM cas WHERE subject_hash = $1",
                     DB_ARGS(DB_TEXT(hash)), try_ca, &s)))
        return e;
    return s.found ? ERR_OK : ERR_NOT_FOUND;
}
