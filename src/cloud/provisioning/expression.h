/* src/cloud/provisioning/expression.h - the functions of provisioning templates: Ref and Fn::Join,
 * Fn::Select, Fn::Split, Fn::FindInMap, Fn::Sub, Fn::Base64.
 *
 * Pure; one thread at a time. What is computed is counted, so a small template cannot make a big answer.
 * Spec: iot-core reference 2.5, docs/spec/provisioning.md PV-1..9.
 */
#pragma once
#include "base/json.h"

#define EXPRESSION_WHY_MAX 256u
#define EXPRESSION_TEXT_MAX (256u * 1024u) /* bytes of all texts that one template's functions make */
#define EXPRESSION_STEPS_MAX 20000u        /* values looked at */

struct expression {
    const json_t *declared; /* the template's Parameters */
    const json_t *mappings; /* NULL: none */
    const json_t *values;   /* the parameters' values, texts; NULL while only checking */
    size_t text, steps;     /* used up so far */
    char why[EXPRESSION_WHY_MAX];
};

/* Are the functions in `j`, however deep, known and well formed, and is every parameter they name declared?
 * Names that begin with "AWS::IoT::" are the service's and need no declaration. ERR_INVALID: x->why says what
 * is the matter. */
err_t expression_check(struct expression *x, const json_t *j);

/* A copy of `j` with every function replaced by what it gives. ERR_INVALID: a parameter without a value, a
 * list that is too short, a name that is in no map; ERR_TOO_BIG: over the bounds above; x->why says what.
 * ERR_NOMEM.
 */
err_t expression_value(struct expression *x, const json_t *j, json_t **ret);
