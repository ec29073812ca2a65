/* src/cloud/options.h - the command line of `sedge-cloud serve`. Pure. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define ACCOUNT_ID_MAX 13u /* twelve digits */
#define ACCOUNTS_MAX 8u

struct options {
    const char *data;
    const char *host;    /* names, commas between */
    const char *account; /* as given: ids, commas between */
    char accounts[ACCOUNTS_MAX][ACCOUNT_ID_MAX];
    size_t n_accounts; /* at least one: the default account first */
    const char *region;
    const char *mqtt, *https, *api;   /* ADDRESS:PORT */
    const char *db;                   /* url; NULL: a file in `data` */
    const char *ca_key, *signing_key; /* URIs; NULL: files in `data` */
    const char *profile;              /* aws or standard */
    const char *limits;               /* changes of the profile's limits; NULL: none (broker_config_set) */
    const char *plain_mqtt;           /* ADDRESS:PORT; NULL: no such listener */
    const char *threads_text;         /* as given; NULL: not */
    unsigned threads;                 /* with event loops; 0: one for each CPU */
    const char *tls_resumption;       /* on or off; NULL: as the profile has it */
    bool resumption;                  /* that */
    bool insecure_dev;
};

/* Read argv[from..]. ERR_INVALID with a sentence in `why` (why_n bytes). The strings are argv's. */
err_t options_parse(int argc, char *const *argv, int from, struct options *ret, char *why, size_t why_n);
extern const char options_usage[];

/* Twelve digits. */
bool account_id_ok(const char *s);
