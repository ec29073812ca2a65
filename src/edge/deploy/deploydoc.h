/* src/edge/deploy/deploydoc.h - the deployment document: envelope, signature, payload.
 *
 * Pure apart from allocation; one thread at a time. Spec: docs/spec/edge-cloud.md EC-5..EC-9.
 */
#pragma once
#include "base/slice.h"
#include "crypto/own.h"
#include "crypto/process.h"
#include "edge/deploy/gda.h"
#include "edge/problem.h"

#define DEPLOYDOC_MAX_BYTES (1024 * 1024) /* EC-5 */
#define DEPLOYDOC_MAX_ARTIFACTS 1000
#define DEPLOYDOC_MAX_ARTIFACT_BYTES (256u * 1024 * 1024)
#define DEPLOYDOC_NAME_MAX 129
#define DEPLOYDOC_SIGNED_PREFIX "sedge-deployment-v1\n" /* EC-6 */

struct deploydoc_artifact {
    char name[DEPLOYDOC_NAME_MAX];
    uint64_t size;
    char sha256[65]; /* lower-case hex */
};

struct deploydoc {
    struct gda_ref ref;
    struct deploydoc_artifact *artifacts;
    size_t count;
};

void deploydoc_free(struct deploydoc *d);
void deploydoc_free_ptr(struct deploydoc **d);
#define auto_deploydoc __attribute__((cleanup(deploydoc_free_ptr))) struct deploydoc

/* Whom and what to believe. Borrowed. */
struct deploydoc_expect {
    const struct crypto_ctx *crypto;
    STACK_OF(X509) *roots; /* the certificates of crypto.caPath */
    int64_t now_ms;
    const struct gda_ref *ref; /* the deployment asked for */
    const char *thing_arn;     /* this core */
};

/* Verify and read. Nothing of the payload is parsed before its signature was verified (EC-7).
 * ERR_AUTH     the signer's certificate or the signature is no good
 * ERR_INVALID  malformed, of an unknown version or algorithm, or meant for another deployment, group or core
 * ERR_TOO_BIG  over a limit above. ERR_NOMEM. *why filled in every case. */
err_t deploydoc_open(struct slice envelope, const struct deploydoc_expect *expect, struct deploydoc **ret,
                     struct problem *why);

/* The payload alone, once its signature was verified. Errors as above without ERR_AUTH. */
err_t deploydoc_parse_payload(struct slice payload, const struct gda_ref *ref, const char *thing_arn,
                              struct deploydoc **ret, struct problem *why);

/* EC-8: [A-Za-z0-9._-]{1,128}, no dot in front. */
bool deploydoc_name_ok(const char *name);

/* The artifact of this name; NULL: none. There is a group.json in every document that was opened. */
const struct deploydoc_artifact *deploydoc_find(const struct deploydoc *d, const char *name);

/* EC-9: are these the artifact's bytes? ERR_CORRUPT with *why: another size or SHA-256. */
err_t deploydoc_check_artifact(const struct crypto_ctx *crypto, const struct deploydoc_artifact *a,
                               struct slice bytes, struct problem *why);
