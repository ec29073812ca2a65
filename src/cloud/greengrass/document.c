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

/* What the group version refers to for one kind: {LIST: [...]}, NULL when it does not have that kind. */
static err_t load_definition(struct api_call *c, const struct gg_kind *k, const json_t *group_version,
                             json_t **ret)
{
    const char *arn = json_get_str(group_version, k->version_member);
    const char *id = arn ? gg_version_of_arn(arn, k->name) : NULL;

    return id ? db_one(c->db, "SELECT content FROM gg_definition_versions WHERE uuid = $1 AND kind = $2",
                       DB_ARGS(DB_TEXT(id), DB_TEXT(k->name)), take_json, ret)
              : ERR_OK;
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

static err_t add_kind(const struct gg_kind *k, json_t *document, json_t *definitions, json_t *content)
{
    auto_json *none = json_array();
    json_t *list = json_get_arr(content, k->list), *value;

    if (!list)
        list = none;
    value = k->document ? json_pack("{s:O}", "Content", list) : thing_list(list);
    if (!value || json_object_set_new(k->document ? definitions : document,
                                      k->document ? k->document : k->list, value) != 0)
        return ERR_NOMEM;
    return ERR_OK;
}

static err_t load_version(struct api_call *c, const char *group, const char *version, json_t **ret)
{
    return db_one(c->db, "SELECT content FROM gg_group_versions WHERE uuid = $1 AND owner = $2",
                  DB_ARGS(DB_TEXT(version), DB_TEXT(group)), take_json, ret);
}

/* The members that definitions have, functions as their owners wrote them. */
static err_t assemble(struct api_call *c, const json_t *members, json_t *document, json_t **ret_defaults)
{
    auto_json *definitions = json_object();
    err_t e = definitions ? ERR_OK : ERR_NOMEM;

    for (size_t i = 0; i < GG_KINDS && !e; i++) {
        auto_json *content = NULL;
        if (!(e = load_definition(c, &gg_kinds[i], members, &content)))
            e = add_kind(&gg_kinds[i], document, definitions, content);
        if (!*ret_defaults)
            *ret_defaults = json_incref(json_get_obj(content, "DefaultConfig"));
    }
    if (!e && json_object_set(document, "GroupDefinitions", definitions) != 0)
        e = ERR_NOMEM;
    return e;
}

void gg_parts_done(struct gg_parts *p)
{
    buf_done(&p->group_json);
    free(p->core_arn);
    gg_artifacts_done(&p->artifacts);
}

err_t gg_parts_build(struct api_call *c, const char *group, const char *version, struct gg_parts *ret,
                     char why[GG_WHY_MAX])
{
    auto_json *members = NULL, *document = NULL, *defaults = NULL;
    const char *core;
    char arn[ARN_MAX];
    err_t e = load_version(c, group, version, &members);

    if (e)
        return e;
    document = json_pack("{s:s,s:s}", "Arn", gg_arn(c, arn, "groups/%s/versions/%s", group, version),
                         "Region", c->region);
    if (!document)
        return ERR_NOMEM;
    if ((e = assemble(c, members, document, &defaults)) ||
        (e = gg_resolve(c, document, defaults, &ret->artifacts, why)) ||
        (e = json_write(&ret->group_json, document, 0)))
        return e;
    core = json_get_str(json_array_get(json_object_get(document, "Cores"), 0), "thingArn");
    return !core || (ret->core_arn = mem_strdup(core)) ? ERR_OK : ERR_NOMEM;
}

static err_t take_core(void *ctx, const struct db_rows *row)
{
    struct gg_parts *p = ctx;

    if (db_is_null(row, 0))
        return ERR_NOT_FOUND; /* it was never built */
    p->core_arn = mem_str(db_text(row, 0));
    return p->core_arn ? ERR_OK : ERR_NOMEM;
}

err_t gg_parts_load(struct api_call *c, const char *deployment, struct gg_parts *ret)
{
    err_t e = db_one(c->db, "SELECT core_arn FROM gg_deployments WHERE uuid = $1",
                     DB_ARGS(DB_TEXT(deployment)), take_core, ret);

    if (!e)
        e = gg_artifact_read(c, deployment, GG_GROUP_ARTIFACT, &ret->group_json);
    return e ? e : gg_artifacts_load(c, deployment, &ret->artifacts);
}

err_t gg_parts_store(struct api_call *c, const char *deployment, const struct gg_parts *p)
{
    err_t e = db_run(
        c->db,
        "INSERT INTO gg_artifacts (deployment, name, content) VALUES ($1, $2, $3)"
        " ON CONFLICT (deployment, name) DO UPDATE SET content = excluded.content",
        DB_ARGS(DB_TEXT(deployment), DB_TEXT(GG_GROUP_ARTIFACT), DB_BLOB(buf_slice(&p->group_json))), NULL);

    return e ? e : gg_artifacts_store(c, deployment, &p->artifacts);
}

err_t gg_has_core(struct api_call *c, const char *group, const char *version, bool *ret)
{
    auto_json *members = NULL, *cores = NULL;
    err_t e = load_version(c, group, version, &members);

    if (e || (e = load_definition(c, gg_kind_find("cores"), members, &cores)))
        return e;
    *ret = json_array_size(json_get_arr(cores, "Cores")) > 0;
    return ERR_OK;
}

static err_t list_one(json_t *list, const char *name, int64_t size, const char *sha256)
{
    json_t *j = json_pack("{s:s,s:I,s:s}", "name", name, "size", (json_int_t)size, "sha256", sha256);

    return json_array_append_new(list, j) == 0 ? ERR_OK : ERR_NOMEM;
}

/* EC-8's list: group.json and the packages. */
static err_t list_artifacts(struct api_call *c, const struct gg_parts *p, json_t *list)
{
    const struct gg_artifact *a = p->artifacts.items;
    char digest[CRYPTO_SHA256_HEX];
    err_t e = crypto_sha256_hex(c->env->crypto, buf_slice(&p->group_json), digest);

    if (!e)
        e = list_one(list, GG_GROUP_ARTIFACT, (int64_t)p->group_json.n, digest);
    for (size_t i = 0; i < p->artifacts.n && !e; i++)
        e = list_one(list, a[i].name, a[i].size, a[i].sha256);
    return e;
}

static err_t payload(struct api_call *c, const struct gg_deployment_text *d, struct buf *out)
{
    auto_json *list = json_array(), *j = NULL;
    char created[CLOCK_ISO_MAX];
    err_t e = list ? list_artifacts(c, d->parts, list) : ERR_NOMEM;

    if (e)
        return e;
    clock_iso(created, d->created_ms);
    j = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:O}", "v", 1, "deploymentId", d->id, "deploymentType",
                  d->kind, "groupId", d->group, "groupVersionId", d->version, "coreThingArn",
                  d->parts->core_arn, "createdAt", created, "artifacts", list);
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
