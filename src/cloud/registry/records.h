/* src/cloud/registry/records.h - small objects that are their members: role aliases, settings of the account
 * and the like, one JSON document each under a kind and a name. On the database thread.
 */
#pragma once
#include "cloud/api/page.h"

struct record {
    json_t *content; /* owned; an object */
    int64_t created_ms, modified_ms;
};
void record_done(struct record *r);
#define auto_record __attribute__((cleanup(record_done))) struct record

/* ERR_NOT_FOUND. */
err_t record_load(struct api_call *c, const char *kind, const char *name, struct record *ret);
/* ERR_EXISTS when the name is taken. */
err_t record_insert(struct api_call *c, const char *kind, const char *name, const json_t *content);
/* Write it, whether it is there or not; its creation stays. */
err_t record_put(struct api_call *c, const char *kind, const char *name, const json_t *content);
/* ERR_NOT_FOUND. */
err_t record_delete(struct api_call *c, const char *kind, const char *name);

/* Fill a page in order of creation (api_age_marker), or of names between `after` and `below`; `item` makes a
 * row of the list from name and content: a new reference, NULL when there was no memory, JSON's null for a
 * row that was not asked for (skips: at most how many). */
typedef json_t *(*record_item_fn)(const struct api_call *c, const char *name, const json_t *content);
err_t record_list_by_age(struct api_page *page, const char *kind, const struct api_age_marker *from,
                         record_item_fn item, int64_t skips);
err_t record_list_by_name(struct api_page *page, const char *kind, const char *after, const char *below,
                          record_item_fn item);
