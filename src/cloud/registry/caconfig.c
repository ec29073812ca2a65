#include "cloud/registry/caconfig.h"

#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/provisioning/templaterow.h"

#define CONFIG_MAX 65536u

static const struct api_field fields[] = {
    { "templateBody", API_TEXT, 0, TEMPLATE_BODY_MAX },
    { "roleArn", API_TEXT, 20, 2048 },
    { "templateName", API_TEXT, 1, TEMPLATE_NAME_MAX, .ok = template_name_ok },
};

static err_t check_stored(struct api_call *c, const char *name)
{
    auto_template_row r = { 0 };
    err_t e = template_row_load(c->db, name, &r);

    if (e)
        return e == ERR_NOT_FOUND ? api_fail(c, API_NOT_FOUND, "Provisioning template %s not found", name)
                                  : e;
    return template_row_is(&r, "JITP")
               ? ERR_OK
               : api_fail(c, API_INVALID_REQUEST,
                          "Provisioning template %s is not of type JITP, the one for CA certificates", name);
}

static err_t check(struct api_call *c, const json_t *config)
{
    const char *body = json_get_str(config, "templateBody"), *name = json_get_str(config, "templateName");

    if (!body == !name)
        return api_fail(c, API_INVALID_REQUEST,
                        "registrationConfig needs either a templateName or a templateBody with its roleArn");
    if (name)
        return check_stored(c, name);
    if (!json_get_str(config, "roleArn"))
        return api_fail(c, API_INVALID_REQUEST, "registrationConfig: a templateBody needs a roleArn");
    return template_of_body(c, body, true, NULL);
}

err_t ca_config_read(struct api_call *c, json_t **ret)
{
    const json_t *given = json_object_get(c->body, "registrationConfig");
    auto_json *config = NULL;
    err_t e;

    if (!given || json_is_null(given))
        return ERR_OK;
    if (!json_is_object(given))
        return api_fail(c, API_INVALID_REQUEST, "registrationConfig must be an object");
    if (!(config = json_object()))
        return ERR_NOMEM;
    if ((e = api_fields_take(c, given, fields, ARRAY_LEN(fields), false, config)) || (e = check(c, config)))
        return e;
    *ret = steal(&config);
    return ERR_OK;
}

err_t ca_config_store(struct api_call *c, const char *ca_id, const json_t *config)
{
    autobuf text = BUF_INIT(CONFIG_MAX);
    err_t e = config ? json_write(&text, config, 0) : ERR_OK;

    return e ? e
             : db_run(c->db, "UPDATE cas SET registration = $1, template = $2 WHERE cert_id = $3",
                      DB_ARGS(DB_TEXT(config ? buf_str(&text) : NULL),
                              DB_TEXT(json_get_str(config, "templateName")), DB_TEXT(ca_id)),
                      NULL);
}

static err_t take(void *ctx, const struct db_rows *row)
{
    return db_is_null(row, 0) ? ERR_OK : json_parse(db_text(row, 0), 2, ctx, NULL);
}

err_t ca_config_load(struct db *db, const char *ca_id, json_t **ret)
{
    auto_json *config = NULL;
    err_t e =
        db_one(db, "SELECT registration FROM cas WHERE cert_id = $1", DB_ARGS(DB_TEXT(ca_id)), take, &config);

    if (e)
        return e;
    *ret = steal(&config);
    return ERR_OK;
}
