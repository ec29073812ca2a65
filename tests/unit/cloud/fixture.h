/* tests/unit/cloud/fixture.h - a cloud without sockets: an in-memory database, a PKI in a scratch folder,
 * handlers called by name. */
#pragma once
#include "../cm.h"
#include "cloud/api/call.h"
#include "cloud/pki/pki.h"

struct fixture {
    struct crypto_ctx *crypto;
    struct pki *pki;
    struct db *db;
    struct cloud_env env;
    char dir[64];
    struct api_call call; /* the last one */
    err_t result;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Call the operation named `op` in a transaction. params: "name=value" strings up to NULL; body: JSON text or
 * NULL. Returns the API error; fixture.call holds the answer until the next call. */
enum api_error fixture_call(struct fixture *f, const char *op, const char *const *params, const char *body);
#define CALL(f, op, body, ...) \
    fixture_call((f), (op), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL }, (body))

/* A member of the last answer; a path with dots. Fails the test when it is missing. */
const char *fixture_text(struct fixture *f, const char *path);
json_t *fixture_member(struct fixture *f, const char *path);

/* Register a fresh EC certificate (RegisterCertificateWithoutCA), ACTIVE; its id and ARN. */
void fixture_certificate(struct fixture *f, char id[65], char arn[160]);
