/* src/cloud/lambda/versionrow.h - a function's code and configuration as one version has them. On the
 * database thread.
 *
 * Version 0 is $LATEST, the only one that changes.
 */
#pragma once
#include "cloud/api/page.h"
#include "cloud/lambda/names.h"
#include "crypto/digest.h"

#define FUNCTION_CODE_SHA_MAX 45u /* base64 of a SHA-256, and a NUL */
#define FUNCTION_REVISION_MAX 37u

struct function_row {
    char name[FUNCTION_NAME_MAX + 1];
    int64_t version;
    json_t *config; /* what the owner said: Runtime, Handler, ... */
    char code_sha[FUNCTION_CODE_SHA_MAX];
    int64_t code_size, modified_ms;
    char revision[FUNCTION_REVISION_MAX];
};
void function_row_done(struct function_row *r);
#define auto_function_row __attribute__((cleanup(function_row_done))) struct function_row

#define FUNCTION_COLUMNS "fn, version, config, code_sha, code_size, modified_ms, revision"
/* The columns above, in that order. */
err_t function_row_read(const struct db_rows *row, struct function_row *ret);

/* The version a name means: its qualifier's, an alias's, or $LATEST. ERR_NOT_FOUND. */
err_t function_row_find(struct api_call *c, const struct function_name *n, struct function_row *ret);
/* The same for a request: ResourceNotFoundException. */
err_t function_row_load(struct api_call *c, const struct function_name *n, struct function_row *ret);
/* The one of a known number. ERR_NOT_FOUND. */
err_t function_row_load_version(struct api_call *c, const char *name, int64_t version,
                                struct function_row *ret);

/* Write the row, new or not, with the time and a new revision. ERR_CONFLICT: there is no such function. */
err_t function_row_store(struct api_call *c, struct function_row *r);

/* FunctionConfiguration; `qualifier` is what the ARN ends with ("": nothing). NULL: no memory. */
json_t *function_row_describe(const struct api_call *c, const struct function_row *r, const char *qualifier);
/* The version's number as the API writes it: "$LATEST" or digits. */
#define FUNCTION_NUMBER_MAX 24u
const char *function_number(int64_t version, char ret[FUNCTION_NUMBER_MAX]);

/* Is the request's RevisionId, where it has one, this one? PreconditionFailedException. */
err_t function_check_revision(struct api_call *c, const char *revision);

/* Keep a package; the digest goes into r. One that is there already is kept once. */
err_t function_code_store(struct api_call *c, struct slice zip, struct function_row *r);
/* Drop a package that no version and no deployment has any more. */
err_t function_code_drop(struct api_call *c, const char *code_sha);

/* Where a list goes on: the query's Marker (NAME:VERSION) and MaxItems. InvalidParameterValueException. */
struct function_after {
    char name[FUNCTION_NAME_MAX + 1]; /* "" before the first */
    int64_t version;                  /* -1 before the first */
};
err_t function_page_read(struct api_call *c, struct api_page *page, struct function_after *ret);
/* Add a row of FUNCTION_COLUMNS to a page; what $LATEST's ARN ends with is the list's choice. */
err_t function_page_row(struct api_page *page, const struct db_rows *row, const char *latest);
