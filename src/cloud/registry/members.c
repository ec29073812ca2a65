#include "cloud/registry/members.h"

#include "base/mem.h"
#include "cloud/api/field.h"
#include "cloud/registry/names.h"

#define TEXT_MAX 65536

static const struct api_field members[] = {
    { "thingName", API_TEXT, 1, 128, .ok = name_thing_ok },
    { "thingTypeName", API_TEXT, 1, 128, .ok = name_thing_ok },
    { "thingGroupName", API_TEXT, 1, 128, .ok = name_thing_ok },
    { "parentGroupName", API_TEXT, 1, 128, .ok = name_thing_ok },
    { "billingGroupName", API_TEXT, 1, 128, .ok = name_thing_ok },
    { "thingArn", API_TEXT, 1, 2048 },
    { "thingGroupArn", API_TEXT, 1, 2048 },
    { "billingGroupArn", API_TEXT, 1, 2048 },
    { "resourceArn", API_TEXT, 1, 2048 },
    { "target", API_TEXT, 1, 2048 },
    { "certificateMode", API_TEXT, 1, 64 },
    { "caCertificatePem", API_TEXT, 1, TEXT_MAX },
    { "verificationCertificate", API_TEXT, 1, TEXT_MAX },
    { "status", API_TEXT, 1, 64 },
    { "thingGroupProperties", API_OBJECT },
    { "thingTypeProperties", API_OBJECT },
    { "billingGroupProperties", API_OBJECT },
    { "attributePayload", API_OBJECT },
    { "attributes", API_OBJECT },
    { "eventConfigurations", API_OBJECT },
    { "tags", API_LIST },
    { "tagKeys", API_LIST },
    { "merge", API_BOOL },
    { "undoDeprecate", API_BOOL },
    { "removeThingType", API_BOOL },
    { "removeAutoRegistration", API_BOOL },
    { "overrideDynamicGroups", API_BOOL },
    { "expectedVersion", API_INT, INT64_MIN, INT64_MAX },
};
/* Whose own members are looked at, too; those of others are names that callers chose, or checked elsewhere.
 */
static const char *const deeper[] = { "thingGroupProperties", "thingTypeProperties", "attributePayload" };

static err_t check_in(struct api_call *c, const json_t *o, unsigned depth)
{
    auto_json *checked = json_object();
    err_t e = checked ? api_fields_take(c, o, members, ARRAY_LEN(members), false, checked) : ERR_NOMEM;

    for (size_t i = 0; !e && depth && i < ARRAY_LEN(deeper); i++) {
        const json_t *sub = json_get_obj(o, deeper[i]);
        if (sub)
            e = check_in(c, sub, depth - 1);
    }
    return e;
}

err_t members_check(struct api_call *c)
{
    return c->body ? check_in(c, c->body, 2) : ERR_OK;
}
