/* src/cloud/api/page.h - one page of a List operation: rows until it is full, then a word that more follow.
 *
 * Pure; one thread at a time. The query asks for one row more than fits (LIMIT size + 1): that row is not
 * added, it only tells that there is a next page.
 */
#pragma once
#include "cloud/api/call.h"

struct api_page {
    struct api_call *c;
    json_t *list;   /* owned */
    int64_t size;   /* rows that fit */
    bool more;      /* there was one more */
    char next[640]; /* where the next page goes on: what the last row's api_page_add said */
};

#define API_PAGE_INIT(call)               \
    {                                     \
        .c = (call), .list = json_array() \
    }
void api_page_done(struct api_page *p);
#define auto_page __attribute__((cleanup(api_page_done))) struct api_page

/* Is there room for another row? Remembers that it was asked in vain. */
bool api_page_room(struct api_page *p);
/* Add a row, whose reference is taken; the rest makes the token. ERR_NOMEM, also for item NULL. */
err_t api_page_add(struct api_page *p, json_t *item, const char *token_fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Answer {MEMBER: rows, TOKEN: where to go on}; the token only when more follow. ERR_NOMEM. */
err_t api_page_reply(struct api_page *p, const char *member, const char *token);

/* What clients are given for a place is opaque to them: base64 of the operation's name and the place, so that
 * a token is worth nothing to another operation. The place a token means; API_PAGE_NOWHERE, which is no place
 * of any list, for what is none of this operation's tokens. ERR_NOMEM. */
#define API_PAGE_NOWHERE "!"
err_t api_page_open_token(const struct api_op *op, const char *token, struct buf *out);
/* Is this parameter such a token? */
bool api_page_is_token(const char *param);

/* Where a list in order of creation goes on: the query's `marker` (MS.ID) and isAscendingOrder; newest first
 * unless asked otherwise. Without a marker it begins before the first row. */
struct api_age_marker {
    bool ascending;
    int64_t ms;
    const char *id;
};
/* id_ok says what an id looks like. InvalidRequestException. */
err_t api_age_marker(struct api_call *c, bool (*id_ok)(const char *), struct api_age_marker *ret);
/* Where a list by name goes on: "" or the query's parameter `param`. InvalidRequestException. */
err_t api_name_marker(struct api_call *c, const char *param, bool (*name_ok)(const char *), const char **ret);
