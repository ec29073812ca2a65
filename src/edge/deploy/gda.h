/* src/edge/deploy/gda.h - the documents about which deployment: the shadow of CORE-gda, and the status.
 *
 * Pure; one thread at a time. Spec: docs/spec/edge-cloud.md EC-1..EC-4, EC-14, EC-15.
 */
#pragma once
#include "base/buf.h"
#include "edge/problem.h"

#define GDA_ID_MAX 129
#define GDA_TYPE_MAX 32
#define GDA_MESSAGE_MAX 1024

enum gda_status { GDA_NONE, GDA_IN_PROGRESS, GDA_SUCCESS, GDA_FAILURE };

/* Which deployment, in the shadow's words. Empty ids: none. */
struct gda_ref {
    char deployment_id[GDA_ID_MAX];
    char group_id[GDA_ID_MAX];
    char version_id[GDA_ID_MAX];
    char type[GDA_TYPE_MAX];
};

/* A status to report or reported. */
struct gda_report {
    struct gda_ref ref;
    enum gda_status status;
    char message[GDA_MESSAGE_MAX]; /* with GDA_FAILURE */
};

/* The shadow's topics that the core subscribes to, in V1's order; the caller frees them. ERR_NOMEM: none. */
#define GDA_TOPICS 5
err_t gda_topics(const char *thing_name, char *ret[GDA_TOPICS]);
void gda_topics_free(char *topics[GDA_TOPICS]); /* NULL members are fine */

const char *gda_status_str(enum gda_status s); /* "InProgress", ...; "" for GDA_NONE */

/* The answer to a shadow get. ret_desired->deployment_id is empty when nothing is desired;
 * ret_reported->status is GDA_NONE when nothing was reported. A broken `reported` (ours to write, so
 * rewritten by the next report) counts as nothing reported. ERR_INVALID with *why: not JSON, desired of an
 * unknown version or with members missing. */
err_t gda_parse_get(struct slice text, struct gda_ref *ret_desired, struct gda_report *ret_reported,
                    struct problem *why);

/* EC-4: is there work to start? */
bool gda_should_start(const struct gda_ref *desired, const struct gda_report *reported);

/* Appended JSON. ERR_TOO_BIG, ERR_NOMEM. */
err_t gda_write_reported(struct buf *out, const struct gda_report *r,
                         const char *client_token);                  /* EC-3: for shadow/update */
err_t gda_write_status(struct buf *out, const struct gda_report *r); /* EC-14: body of the PUT */

/* EC-12: deployment.json beside the running group.json. ERR_INVALID: not one of ours. */
err_t gda_write_ref(struct buf *out, const struct gda_ref *r);
err_t gda_parse_ref(struct slice text, struct gda_ref *ret);

/* EC-15: the report as kept on disk. ERR_INVALID: not one of ours. */
err_t gda_write_saved(struct buf *out, const struct gda_report *r);
err_t gda_parse_saved(struct slice text, struct gda_report *ret);

/* The clientToken of an update's answer, and the code of a rejected one (0: none). ERR_INVALID. */
err_t gda_parse_answer(struct slice text, char token[GDA_ID_MAX], int64_t *ret_code,
                       char message[GDA_MESSAGE_MAX]);

/* The largest "v" this core knows in any document, and the check of EC-1 for `doc` (json_t *), named in *why.
 */
#define GDA_VERSION 1
err_t gda_check_version(const void *doc, const char *what, struct problem *why);
