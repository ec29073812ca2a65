#include "fixture.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cloud/api/ops.h"
#include "cloud/schema.h"
#include "crypto/issue.h"

#include <stdio.h>
#include <string.h>

int fixture_setup(void **state)
{
    struct fixture *f = mem_calloc(1, sizeof(*f));
    struct crypto_error why = { .text = "" };

    strcpy(f->dir, "/tmp/sedge-cloud-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(crypto_ctx_new(NULL, &f->crypto), ERR_OK);
    assert_int_equal(pki_open(f->crypto, &(struct pki_opts){ .dir = f->dir, .hosts = "localhost" },
                              clock_wall_ms(), &f->pki, &why),
                     ERR_OK);
    assert_int_equal(db_open("sqlite::memory:", &f->db, NULL), ERR_OK);
    assert_int_equal(schema_apply(f->db), ERR_OK);
    f->env = (struct cloud_env){ .crypto = f->crypto,
                                 .pki = f->pki,
                                 .account = "123456789012",
                                 .region = "us-east-1",
                                 .host = "localhost",
                                 .mqtt_port = 8883,
                                 .https_port = 8443 };
    api_call_init(&f->call, &f->env, NULL);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    api_call_done(&f->call);
    db_close(f->db);
    pki_free(f->pki);
    crypto_ctx_free(f->crypto);
    assert_int_equal(file_remove_tree(f->dir), ERR_OK);
    free(f);
    return 0;
}

static const struct api_op *find_op(const char *name)
{
    for (size_t i = 0; i < api_ops_count; i++) {
        if (strcmp(api_ops[i].name, name) == 0)
            return &api_ops[i];
    }
    fail_msg("no operation %s", name);
    return NULL;
}

static err_t run(struct db *db, void *ctx)
{
    return api_call_run(ctx, db);
}

enum api_error fixture_call(struct fixture *f, const char *op, const char *const *params, const char *body)
{
    struct api_call *c = &f->call;

    api_call_done(c);
    api_call_init(c, &f->env, find_op(op));
    for (; *params; params++) {
        char name[64];
        const char *eq = strchr(*params, '=');
        (void)snprintf(name, sizeof(name), "%.*s", (int)(eq - *params), *params);
        assert_int_equal(api_call_add(c, name, eq + 1), ERR_OK);
    }
    if (c->op->flags & API_RAW_BODY)
        assert_int_equal(buf_add_str(&c->raw, body ? body : ""), ERR_OK);
    else
        assert_int_equal(json_parse(slice_str(body ? body : "{}"), 24, &c->body, NULL), ERR_OK);
    f->result = db_tx(f->db, run, c);
    assert_true((f->result == ERR_OK) == (c->error == API_OK));
    return c->error;
}

json_t *fixture_member(struct fixture *f, const char *path)
{
    json_t *j = f->call.reply;

    while (*path) {
        char name[64];
        size_t n = strcspn(path, ".");
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, path);
        j = json_object_get(j, name);
        path += n + (path[n] == '.');
    }
    assert_non_null(j);
    return j;
}

const char *fixture_text(struct fixture *f, const char *path)
{
    const char *text = json_string_value(fixture_member(f, path));

    assert_non_null(text);
    return text;
}

void fixture_certificate(struct fixture *f, char id[65], char arn[160])
{
    struct crypto_cert_spec spec = { .kind = CRYPTO_CERT_CLIENT,
                                     .common_name = "device",
                                     .not_before_ms = clock_wall_ms() - 60000,
                                     .not_after_ms = clock_wall_ms() + 3600000 };
    auto_pkey EVP_PKEY *key = NULL;
    auto_x509 X509 *cert = NULL;
    autobuf pem = BUF_INIT(65536);
    auto_json *body = NULL;
    autobuf text = BUF_INIT(65536);

    assert_int_equal(crypto_key_generate(f->crypto, CRYPTO_KEY_EC_P256, &key), ERR_OK);
    assert_int_equal(crypto_cert_issue(f->crypto, &spec, key, NULL, key, &cert, NULL), ERR_OK);
    assert_int_equal(crypto_cert_pem(cert, &pem), ERR_OK);
    body = json_pack("{s:s,s:s}", "certificatePem", buf_str(&pem), "status", "ACTIVE");
    assert_int_equal(json_write(&text, body, 0), ERR_OK);
    assert_int_equal(CALL(f, "RegisterCertificateWithoutCA", buf_str(&text)), API_OK);
    (void)snprintf(id, 65, "%s", fixture_text(f, "certificateId"));
    (void)snprintf(arn, 160, "%s", fixture_text(f, "certificateArn"));
}
