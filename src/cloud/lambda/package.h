/* src/cloud/lambda/package.h - is this a code package that a core will take? Pure (libarchive reads from
 * memory); any thread.
 *
 * A zip is read through once, unpacked into nothing, so that a broken or hostile one is refused where its
 * owner sees it and not on every core. Spec: docs/spec/lambda.md LA-10..13.
 */
#pragma once
#include "base/err.h"
#include "base/slice.h"

#define PACKAGE_ZIP_MAX (16u << 20)       /* bytes of the zip */
#define PACKAGE_UNPACKED_MAX (256u << 20) /* bytes of what is in it */
#define PACKAGE_ENTRIES_MAX 20000u
#define PACKAGE_PATH_MAX 1024u
#define PACKAGE_WHY_MAX 256u

/* ERR_INVALID: no zip, damaged, encrypted, empty, or with an entry that is not a file or folder below the
 * package's own; ERR_TOO_BIG: over a bound above. `why` says what is the matter. ERR_NOMEM. */
err_t package_check(struct slice zip, char why[PACKAGE_WHY_MAX]);
