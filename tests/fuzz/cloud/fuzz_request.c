/* Request bodies against every handler of the control plane: the first byte chooses the operation, the rest
 * is the body. A database in memory, rolled back each time. Whatever comes, the answer is JSON or an error of
 * the API, never a failure of ours. */
#include "base/mem.h"
#include "cloud/api/ops.h"
#include "cloud/pki/pki.h"
#include "cloud/schema.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UUID "01234567-89ab-cdef-0123-456789abcdef"
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct db *db;
static struct cloud_env env = { .account = "123456789012", .region = "us-east-1", .host = "localhost" };

static const char *const labels[][2] = {
    { "thingName", "t" },
    { "policyName", "p" },
    { "certificateId", ID },
    { "kind", "cores" },
    { "id", UUID },
    { "groupId", UUID },
    { "version", UUID },
    { "deploymentId", UUID },
    { "name", "n" },
    { "target", "arn:aws:iot:us-east-1:123456789012:cert/" ID },
    { "coreArn", "arn:aws:iot:us-east-1:123456789012:thing/t" },
    { "x-amzn-principal", "arn:aws:iot:us-east-1:123456789012:cert/" ID },
};

static void setup(void)
{
    struct crypto_ctx *crypto;

    if (crypto_ctx_new(NULL, &crypto) || db_open("sqlite::memory:", &db, NULL) || schema_apply(db))
        abort();
    env.crypto = crypto;
    if (db_run(db, "INSERT INTO gg_groups (uuid, name, created_ms, updated_ms) VALUES ($1, 'g', 0, 0)",
               DB_ARGS(DB_TEXT(UUID)), NULL) ||
        db_run(db,
               "INSERT INTO gg_definitions (uuid, kind, created_ms, updated_ms) VALUES ($1, 'cores', 0, 0)",
               DB_ARGS(DB_TEXT(UUID)), NULL))
        abort();
}

/* What needs the CA's key or a key pair is no body parser's business. */
static bool usable(const struct api_op *op)
{
    return !(op->flags & (API_NEEDS_KEY | API_PUBLIC)) && strcmp(op->name, "CreateCertificateFromCsr") != 0;
}

static err_t run(struct db *handle, void *ctx)
{
    err_t e = api_call_run(ctx, handle);

    return e ? e : ERR_CANCELLED; /* roll back in any case */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct api_call c;
    const struct api_op *op;
    bool ok;

    if (!db)
        setup();
    if (size < 1 || !usable(op = &api_ops[data[0] % api_ops_count]))
        return 0;
    api_call_init(&c, &env, op);
    c.cert_id = mem_strdup(ID);
    ok = !(op->flags & API_RAW_BODY)
             ? json_parse(slice_of(data + 1, size - 1), 24, &c.body, NULL) == ERR_OK && json_is_object(c.body)
             : buf_add_mem(&c.raw, data + 1, size - 1) == ERR_OK;
    for (size_t i = 0; ok && i < ARRAY_LEN(labels); i++)
        ok = api_call_add(&c, labels[i][0], labels[i][1]) == ERR_OK;
    if (ok && db_tx(db, run, &c) == ERR_OK)
        abort();
    if (ok && c.error == API_INTERNAL)
        abort();
    api_call_done(&c);
    return 0;
}
