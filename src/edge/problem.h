/* src/edge/problem.h - a failure in words, for a person at a terminal and for runtime.log.
 *
 * Pure; one thread at a time. The err_t beside it says what the program does next; the text says what was
 * attempted, why it failed and what to do. Never a PIN, a key or a payload.
 */
#pragma once
#include "base/err.h"

#define PROBLEM_MAX 1024

struct problem {
    char text[PROBLEM_MAX];
};

/* Fill in the text (cut to fit, control characters replaced) and return `e`, so that a failing function ends
 * in one line: return problem_set(p, ERR_INVALID, "..."). p may be NULL. */
err_t problem_set(struct problem *p, err_t e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
