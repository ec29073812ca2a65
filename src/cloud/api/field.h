/* src/cloud/api/field.h - members of a request's body, checked against a table of what they may be.
 *
 *     static const struct api_field fields[] = {
 *         { "roleArn", API_TEXT, 20, 2048, .required = true },
 *         { "credentialDurationSeconds", API_INT, 900, 43200 },
 *     };
 *     e = api_fields_take(c, c->body, fields, ARRAY_LEN(fields), true, content);
 *
 * Pure; any thread. Spec: iot-core reference 4.1.
 */
#pragma once
#include "cloud/api/call.h"

enum api_field_type { API_TEXT, API_INT, API_BOOL, API_ENUM, API_OBJECT, API_LIST };

struct api_field {
    const char *name;
    enum api_field_type type;
    int64_t min, max;              /* characters of a text, values of a number */
    const char *const *values;     /* API_ENUM: up to NULL */
    bool (*ok)(const char *value); /* a text's pattern; NULL: any */
    bool required;                 /* of a creation */
};

/* Copy the members of `from` (NULL: none) that the table names to `into`. JSON's null is absent. creation:
 * what is required must be there. InvalidRequestException; ERR_NOMEM. */
err_t api_fields_take(struct api_call *c, const json_t *from, const struct api_field *fields, size_t n,
                      bool creation, json_t *into);

/* How many characters valid UTF-8 has. */
int64_t api_characters(const char *s);
/* Is it one of the list that ends with NULL? */
bool api_one_of(const char *value, const char *const *values);
/* The same for a query parameter; *ret untouched when absent. InvalidRequestException. */
err_t api_param_enum(struct api_call *c, const char *name, const char *const *values, const char **ret);
