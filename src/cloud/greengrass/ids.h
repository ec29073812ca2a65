/* src/cloud/greengrass/ids.h - ids, ARNs and timestamps of the greengrass API. Pure; any thread. */
#pragma once
#include "cloud/api/page.h"
#include "cloud/registry/names.h"

#define UUID_LEN 36u

bool gg_uuid_ok(const char *s);

/* arn:aws:greengrass:REGION:ACCOUNT:/greengrass/ + fmt. ret has ARN_MAX bytes. */
const char *gg_arn(const struct api_call *c, char ret[ARN_MAX], const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The version id of a definition version's ARN of this kind; borrowed from `arn`, NULL when it is none. */
const char *gg_version_of_arn(const char *arn, const char *kind);

/* Add an ISO 8601 timestamp. */
void gg_set_time(json_t *j, const char *member, int64_t ms);
/* Add text unless it is NULL. */
void gg_set_text(json_t *j, const char *member, const char *text);

/* MaxResults into page->size, NextToken ("MILLISECONDS.ID" or "SEQ") into *ret: rows go on below it. */
struct gg_before {
    int64_t key; /* INT64_MAX: from the start */
    char id[UUID_LEN + 1];
};
err_t gg_page_read(struct api_page *page, struct gg_before *ret);
