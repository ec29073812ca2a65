#include "cloud/greengrass/document.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/mem.h"
#include "cloud/greengrass/ids.h"
#include "cloud/greengrass/kinds.h"
#include "cloud/pki/pki.h"

#define DEPTH_MAX 24u
#define SIGNATURE_MAX 512u

static err_t take_json(void *ctx, const struct db_rows *row)
{
    json_t **out = ctx;

    json_decref(*out);
    *out = NULL;
    return json_parse(db_text(row, 0), DEPTH_MAX, out, NULL);
}

/* The entities of one kind; an empty list when the group does not have that kind. */
static err_t load_entities(struct api_call *c, const struct gg_kind *k, const json_t *group_version,
                           json_t **ret)
{
    const char *arn = json_get_str(group_version, k->version_member);
    const char *id = arn ? gg_version_of_arn(arn, k->name) : NULL;
    auto_json *content = NULL;
    json_t *list;
    err_t e;

    if (id && (e = db_one(c->db, "SELECT content FROM gg_definition_versions WHERE uuid = $1 AND kind = $2",
                          DB_ARGS(DB_TEXT(id), DB_TEXT(k->name)), take_json, &content)))
        return e;
    list = json_get_arr(content, k->list);
    *ret = list ? json_incref(list) : json_array();
    return *ret ? ERR_OK : ERR_NOMEM;
}

/* V1's group.json writes cores and devices with small letters. */
static json_t *thing_entry(const json_t *e)
{
    return json_pack("{s:s,s:s,s:s,s:b}", "thingArn", json_get_str(e, "ThingArn"), "certificateArn",
                     json_get_str(e, "CertificateArn"), "id", json_get_str(e, "Id"), "syncShadow",
                     (int)json_get_bool(e, "SyncShadow", false));
}

static json_t *thing_list(const json_t *entities)
{
    json_t *out = json_array(), *e;
    size_t i;

    json_array_foreach(entities, i, e)
    {
        if (json_array_append_new(out, thing_entry(e)) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static err_t add_kind(const struct gg_kind *k, json_t *document, json_t *definitions, json_t *entities)
{
    json_t *value = k->document ? json_pack("{s:O}", "Content", entities) : thing_list(entities);

    if (!value || json_object_set_new(k->document ? definitions : document,
                                      k->document ? k->document : k->list, value) != 0)
        return ERR_NOMEM;
    return ERR_OK;
}

static err_t keep_core(json_t *document, char **ret)
{
    const char *arn = json_get_str(json_array_get(json_object_get(document, "Cores"), 0), "thingArn");

    if (arn && !(*ret = mem_strdup(arn)))
        return ERR_NOMEM;
    return ERR_OK;
}

static err_t load_version(struct api_call *c, const char *group, const char *version, json_t **ret)
{
    return db_one(c->db, "SELECT content FROM gg_group_versions WHERE uuid = $1 AND owner = $2",
                  DB_ARGS(DB_TEXT(version), DB_TEXT(group)), take_json, ret);
}

err_t gg_group_document(struct api_call *c, const char *group, const char *version, struct buf *out,
                        char **ret_core_arn)
{
    auto_json *members = NULL, *document = NULL, *definitions = json_object();
    char arn[ARN_MAX];
    err_t e = load_version(c, group, version, &members);

    if (e)
        return e;
    document = json_pack("{s:s,s:s}", "Arn", gg_arn(c, arn, "groups/%s/versions/%s", group, version),
                         "Region", c->region);
    if (!document || !definitions)
        return ERR_NOMEM;
    for (size_t i = 0; i < GG_KINDS; i++) {
        auto_json *entities = NULL;
        if ((e = load_entities(c, &gg_kinds[i], members, &entities)) ||
            (e = add_kind(&gg_kinds[i], document, definitions, entities)))
            return e;
    }
    if (json_object_set(document, "GroupDefinitions", definitions) != 0)
        return ERR_NOMEM;
    if ((e = json_write(out, document, 0)))
        return e;
    return keep_core(document, ret_core_arn);
}

static err_t payload(struct api_call *c, const struct gg_deployment_text *d, struct buf *out)
{
    char created[CLOCK_ISO_MAX], digest[CRYPTO_SHA256_HEX];
    auto_json *j = NULL;
    err_t e = crypto_sha256_hex(c->env->crypto, d->group_json, digest);

    if (e)
        return e;
    clock_iso(created, d->created_ms);
    j = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:[{s:s,s:I,s:s}]}", "v", 1, "deploymentId", d->id,
                  "deploymentType", d->kind, "groupId", d->group, "groupVersionId", d->version,
                  "coreThingArn", d->core_arn, "createdAt", created, "artifacts", "name", "group.json",
                  "size", (json_int_t)d->group_json.n, "sha256", digest);
    return j ? json_write(out, j, 0) : ERR_NOMEM;
}

err_t gg_envelope(struct api_call *c, const struct gg_deployment_text *d, struct buf *out)
{
    autobuf text = BUF_INIT(65536), text64 = BUF_INIT(131072), signature = BUF_INIT(SIGNATURE_MAX);
    autobuf signature64 = BUF_INIT(2 * SIGNATURE_MAX);
    auto_json *j = NULL;
    err_t e;

    if ((e = payload(c, d, &text)) || (e = base64_encode(&text64, buf_slice(&text))) ||
        (e = pki_sign_deployment(c->env->pki, buf_slice(&text), &signature)) ||
        (e = base64_encode(&signature64, buf_slice(&signature))))
        return e;
    struct slice pem = pki_signing_pem(c->env->pki);
    j = json_pack("{s:i,s:s,s:s,s:s%,s:s}", "v", 1, "payload", buf_str(&text64), "algorithm", "ES256",
                  "certificate", (const char *)pem.p, pem.n, "signature", buf_str(&signature64));
    return j ? json_write(out, j, 0) : ERR_NOMEM;
}
