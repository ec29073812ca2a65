/* src/edge/deploy/coderecord.h - code.json: which artifact each function's folder was unpacked from.
 *
 * Pure; one thread at a time per object. Spec: docs/spec/edge-cloud.md EC-27.
 *
 * A later deployment with the same artifact takes the files of the running one, once their digest is still
 * the one noted here.
 */
#pragma once
#include "base/buf.h"

#define CODERECORD_MAX_BYTES (256 * 1024)
#define CODERECORD_FILE "code.json"

struct coderecord {
    char *arn;         /* the folder's name */
    char artifact[65]; /* SHA-256 of the zip, lower-case hex */
    char tree[65];     /* codetree_digest of what came out of it */
};

struct coderecords {
    struct coderecord *items;
    size_t count, room;
};

void coderecords_done(struct coderecords *r);
/* ERR_INVALID: not ours; then *ret is untouched and every artifact is fetched. ERR_NOMEM. */
err_t coderecords_parse(struct slice text, struct coderecords *ret);
err_t coderecords_write(struct buf *out, const struct coderecords *r);
/* ERR_TOO_BIG, ERR_NOMEM. */
err_t coderecords_add(struct coderecords *r, const char *arn, const char *artifact, const char *tree);
/* One that was unpacked from this zip; NULL: none. */
const struct coderecord *coderecords_find(const struct coderecords *r, const char *artifact);
