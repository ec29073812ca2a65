/* src/cloud/policy/document.h - a policy document, parsed once and checked as CreatePolicy must.
 *
 * Pure; a parsed document is read-only and may be used from any thread.
 * Spec: iot-core reference 3.1 (grammar), docs/spec/cloud.md CL-20.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"
#include "cloud/policy/condition.h"
#include "cloud/policy/pattern.h"

#define POLICY_DOC_MAX 2048u /* characters, white space not counted */
#define POLICY_DOC_RAW_MAX 16384u
#define POLICY_WHY_MAX 200u

struct policy_list {
    struct pattern *p;
    size_t n;
    bool negated; /* NotAction, NotResource */
};

struct policy_statement {
    bool deny;
    struct policy_list actions, resources;
    struct conditions conditions;
};

struct policy_doc {
    struct policy_statement *st;
    size_t n;
};

/* ERR_INVALID: the document is malformed; `why` (POLICY_WHY_MAX bytes) says what is wrong, for the
 * MalformedPolicyException. ERR_NOMEM. Caller frees with policy_doc_free. */
err_t policy_doc_parse(struct slice text, struct policy_doc **ret, char why[POLICY_WHY_MAX]);
void policy_doc_free(struct policy_doc *doc); /* NULL is fine */
void policy_doc_free_ptr(struct policy_doc **doc);
#define auto_policy_doc __attribute__((cleanup(policy_doc_free_ptr))) struct policy_doc
