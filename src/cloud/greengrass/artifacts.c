#include "cloud/greengrass/artifacts.h"

#include "base/hex.h"
#include "base/mem.h"

#include <stdio.h>

#define ARTIFACTS_MAX 200u /* functions of a group */

void gg_artifacts_done(struct gg_artifacts *a)
{
    free(a->items);
    *a = (struct gg_artifacts){ 0 };
}

static err_t next_item(struct gg_artifacts *a, struct gg_artifact **ret)
{
    err_t e = mem_grow(&a->items, &a->cap, a->n + 1, ARTIFACTS_MAX, sizeof(*a->items));

    if (!e)
        *ret = &a->items[a->n];
    return e;
}

err_t gg_artifacts_add(struct gg_artifacts *a, const struct function_row *r, const struct gg_artifact **ret)
{
    autobuf digest = BUF_INIT(CRYPTO_SHA256_HEX);
    struct gg_artifact *to = NULL;
    err_t e;

    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->items[i].code_sha, r->code_sha) == 0) {
            *ret = &a->items[i];
            return ERR_OK;
        }
    }
    if ((e = base64_decode(&digest, slice_str(r->code_sha))) || (e = next_item(a, &to)))
        return e;
    if (digest.n != CRYPTO_SHA256_LEN)
        return ERR_CORRUPT;
    hex_str(to->sha256, buf_slice(&digest));
    (void)snprintf(to->name, sizeof(to->name), "lambda-%s.zip", to->sha256);
    (void)snprintf(to->code_sha, sizeof(to->code_sha), "%s", r->code_sha);
    to->size = r->code_size;
    a->n++;
    *ret = to;
    return ERR_OK;
}

err_t gg_artifacts_store(struct api_call *c, const char *deployment, const struct gg_artifacts *a)
{
    err_t e = ERR_OK;

    for (size_t i = 0; i < a->n && !e; i++)
        e = db_run(
            c->db,
            "INSERT INTO gg_code (deployment, name, sha256, code_sha, size) VALUES ($1, $2, $3, $4, $5)",
            DB_ARGS(DB_TEXT(deployment), DB_TEXT(a->items[i].name), DB_TEXT(a->items[i].sha256),
                    DB_TEXT(a->items[i].code_sha), DB_INT(a->items[i].size)),
            NULL);
    return e;
}

static err_t load_row(void *ctx, const struct db_rows *row)
{
    struct gg_artifacts *a = ctx;
    struct gg_artifact *to = NULL;
    err_t e = next_item(a, &to);

    if (e)
        return e;
    (void)snprintf(to->name, sizeof(to->name), "%s", db_str(row, 0));
    (void)snprintf(to->sha256, sizeof(to->sha256), "%s", db_str(row, 1));
    (void)snprintf(to->code_sha, sizeof(to->code_sha), "%s", db_str(row, 2));
    to->size = db_int(row, 3);
    a->n++;
    return ERR_OK;
}

err_t gg_artifacts_load(struct api_call *c, const char *deployment, struct gg_artifacts *a)
{
    return db_each(c->db,
                   "SELECT name, sha256, code_sha, size FROM gg_code WHERE deployment = $1 ORDER BY name",
                   DB_ARGS(DB_TEXT(deployment)), load_row, a);
}

static err_t content_row(void *ctx, const struct db_rows *row)
{
    return buf_add(ctx, db_blob(row, 0));
}

err_t gg_artifact_read(struct api_call *c, const char *deployment, const char *name, struct buf *out)
{
    err_t e = db_one(c->db, "SELECT content FROM gg_artifacts WHERE deployment = $1 AND name = $2",
                     DB_ARGS(DB_TEXT(deployment), DB_TEXT(name)), content_row, out);

    if (e != ERR_NOT_FOUND)
        return e;
    return db_one(c->db,
                  "SELECT content FROM gg_code JOIN lambda_code ON lambda_code.sha256 = gg_code.code_sha"
                  " WHERE deployment = $1 AND name = $2",
                  DB_ARGS(DB_TEXT(deployment), DB_TEXT(name)), content_row, out);
}
