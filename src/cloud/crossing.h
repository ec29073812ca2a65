/* src/cloud/crossing.h - a request that concerns two accounts: accepting or rejecting a certificate's
 * transfer. The loop's thread, apart from crossing_resume.
 */
#pragma once
#include "cloud/accounts.h"

/* For api_parts.across: look for the certificate in the other accounts' databases one after the other, in
 * that of `c` last; run the handler there; when it let go of a certificate (c->moved), bring it home. `done`
 * runs on the loop with what became of it; `ctx` is the accounts. */
void crossing_start(void *ctx, struct api_call *c, void (*done)(void *arg, err_t result), void *arg);

/* Finish what a crash left half way: before the loop runs. `why`: ACCOUNT_WHY_MAX bytes. */
err_t crossing_resume(struct accounts *s, char *why);
