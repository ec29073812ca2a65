/* src/edge/deploy/gda.c */
#include "edge/deploy/gda.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>

#define MAX_DEPTH 16

static const char *const status_names[] = { "", "InProgress", "Success", "Failure" };

err_t gda_topics(const char *thing_name, char *ret[GDA_TOPICS])
{
    static const char *const ends[GDA_TOPICS] = { "get/accepted", "get/rejected", "update/accepted",
                                                  "update/rejected", "update/delta" };

    for (size_t i = 0; i < GDA_TOPICS; i++)
        ret[i] = NULL;
    for (size_t i = 0; i < GDA_TOPICS; i++) {
        ret[i] = mem_printf("$aws/things/%s-gda/shadow/%s", thing_name, ends[i]);
        if (!ret[i]) {
            gda_topics_free(ret);
            return ERR_NOMEM;
        }
    }
    return ERR_OK;
}

void gda_topics_free(char *topics[GDA_TOPICS])
{
    for (size_t i = 0; i < GDA_TOPICS; i++) {
        free(topics[i]);
        topics[i] = NULL;
    }
}

const char *gda_status_str(enum gda_status s)
{
    return status_names[s];
}

static enum gda_status status_parse(const char *s)
{
    for (size_t i = 1; s && i < ARRAY_LEN(status_names); i++)
        if (strcmp(s, status_names[i]) == 0)
            return (enum gda_status)i;
    return GDA_NONE;
}

err_t gda_check_version(const void *doc, const char *what, struct problem *why)
{
    const json_t *v = json_object_get(doc, "v");

    if (!json_is_integer(v))
        return problem_set(why, ERR_INVALID, "%s has no version (\"v\"); this core knows version %d", what,
                           GDA_VERSION);
    if (json_integer_value(v) < 1 || json_integer_value(v) > GDA_VERSION)
        return problem_set(why, ERR_INVALID,
                           "%s has version %lld, this core knows version %d: update the core", what,
                           (long long)json_integer_value(v), GDA_VERSION);
    return ERR_OK;
}

/* Ids go into URLs and file contents: letters, digits and hyphens only (they are UUIDs). */
static bool copy_id(const json_t *obj, const char *key, char out[GDA_ID_MAX])
{
    const char *s = json_get_str(obj, key);
    size_t n = s ? strlen(s) : 0;

    if (n == 0 || n >= GDA_ID_MAX ||
        strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != n)
        return false;
    memcpy(out, s, n + 1);
    return true;
}

static bool copy_text(const json_t *obj, const char *key, char *out, size_t max)
{
    const char *s = json_get_str(obj, key);

    if (!s || strlen(s) >= max)
        return false;
    memcpy(out, s, strlen(s) + 1);
    return true;
}

static err_t parse_ref(const json_t *obj, struct gda_ref *ret, const char *what, struct problem *why)
{
    struct gda_ref r = { 0 };
    err_t e = gda_check_version(obj, what, why);

    if (e)
        return e;
    if (!copy_id(obj, "deploymentId", r.deployment_id) || !copy_id(obj, "groupId", r.group_id) ||
        !copy_id(obj, "groupVersionId", r.version_id) ||
        !copy_text(obj, "deploymentType", r.type, sizeof(r.type)))
        return problem_set(why, ERR_INVALID,
                           "%s lacks one of deploymentId, groupId, groupVersionId, deploymentType", what);
    *ret = r;
    return ERR_OK;
}

static err_t parse_report(const json_t *obj, struct gda_report *ret, const char *what)
{
    struct gda_report r = { 0 };
    err_t e = parse_ref(obj, &r.ref, what, NULL);

    r.status = status_parse(json_get_str(obj, "status"));
    if (e || r.status == GDA_NONE)
        return ERR_INVALID;
    if (!copy_text(obj, "errorMessage", r.message, sizeof(r.message)))
        r.message[0] = '\0';
    *ret = r;
    return ERR_OK;
}

err_t gda_parse_get(struct slice text, struct gda_ref *ret_desired, struct gda_report *ret_reported,
                    struct problem *why)
{
    auto_json *doc = NULL;
    struct json_where at = { 0 };
    struct gda_ref desired = { 0 };
    struct gda_report reported = { 0 };
    const json_t *state, *d;
    err_t e = json_parse(text, MAX_DEPTH, &doc, &at);

    if (e)
        return problem_set(why, ERR_INVALID, "the deployment shadow is not JSON: line %d, column %d: %s",
                           at.line, at.column, at.text);
    state = json_get_obj(doc, "state");
    if (!state)
        return problem_set(why, ERR_INVALID, "the deployment shadow has no state");
    d = json_get_obj(state, "desired");
    e = d ? parse_ref(d, &desired, "the deployment shadow's desired state", why) : ERR_OK;
    if (e)
        return e;
    if (parse_report(json_get_obj(state, "reported"), &reported, "") != ERR_OK)
        reported = (struct gda_report){ 0 };
    *ret_desired = desired;
    *ret_reported = reported;
    return ERR_OK;
}

bool gda_should_start(const struct gda_ref *desired, const struct gda_report *reported)
{
    if (!desired->deployment_id[0])
        return false;
    return strcmp(desired->deployment_id, reported->ref.deployment_id) != 0 ||
           (reported->status != GDA_SUCCESS && reported->status != GDA_FAILURE);
}

/* ---- writing ---- */

static json_t *report_object(const struct gda_report *r)
{
    auto_json *o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "v", GDA_VERSION, "deploymentId",
                             r->ref.deployment_id, "deploymentType", r->ref.type, "groupId", r->ref.group_id,
                             "groupVersionId", r->ref.version_id, "status", gda_status_str(r->status));

    /* An errorMessage of an earlier failure must go: a shadow merges, null deletes. */
    if (!o || json_object_set_new(o, "errorMessage",
                                  r->status == GDA_FAILURE ? json_string(r->message) : json_null()) != 0)
        return NULL;
    return steal(&o);
}

static err_t write_object(struct buf *out, const json_t *o)
{
    return o ? json_write(out, o, 0) : ERR_NOMEM;
}

err_t gda_write_reported(struct buf *out, const struct gda_report *r, const char *client_token)
{
    json_t *report = report_object(r);
    auto_json *o =
        report ? json_pack("{s:{s:o}, s:s}", "state", "reported", report, "clientToken", client_token) : NULL;

    return write_object(out, o);
}

err_t gda_write_saved(struct buf *out, const struct gda_report *r)
{
    auto_json *o = report_object(r);

    return write_object(out, o);
}

err_t gda_write_status(struct buf *out, const struct gda_report *r)
{
    auto_json *o = json_pack("{s:i, s:s}", "v", GDA_VERSION, "status", gda_status_str(r->status));

    if (!o)
        return ERR_NOMEM;
    if (r->status == GDA_FAILURE && json_object_set_new(o, "errorMessage", json_string(r->message)) != 0)
        return ERR_NOMEM;
    return write_object(out, o);
}

err_t gda_write_ref(struct buf *out, const struct gda_ref *r)
{
    auto_json *o =
        json_pack("{s:i, s:s, s:s, s:s, s:s}", "v", GDA_VERSION, "deploymentId", r->deployment_id,
                  "deploymentType", r->type, "groupId", r->group_id, "groupVersionId", r->version_id);

    return write_object(out, o);
}

err_t gda_parse_ref(struct slice text, struct gda_ref *ret)
{
    auto_json *doc = NULL;

    return json_parse(text, MAX_DEPTH, &doc, NULL) ? ERR_INVALID : parse_ref(doc, ret, "", NULL);
}

err_t gda_parse_saved(struct slice text, struct gda_report *ret)
{
    auto_json *doc = NULL;
    err_t e = json_parse(text, MAX_DEPTH, &doc, NULL);

    return e ? ERR_INVALID : parse_report(doc, ret, "");
}

err_t gda_parse_answer(struct slice text, char token[GDA_ID_MAX], int64_t *ret_code,
                       char message[GDA_MESSAGE_MAX])
{
    auto_json *doc = NULL;
    const char *m;

    if (json_parse(text, MAX_DEPTH, &doc, NULL) != ERR_OK || !json_is_object(doc))
        return ERR_INVALID;
    if (!copy_text(doc, "clientToken", token, GDA_ID_MAX))
        token[0] = '\0';
    m = json_get_str(doc, "message");
    (void)snprintf(message, GDA_MESSAGE_MAX, "%s", m ? m : "");
    *ret_code = json_get_int(doc, "code", 0);
    return ERR_OK;
}
