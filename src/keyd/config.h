/* src/keyd/config.h - sedge-keyd's one file: settings and rules.
 *
 * keyd_config_parse is pure apart from looking names up (getpwnam, getgrnam); keyd_config_load reads the
 * file. One thread at a time. Language: docs/spec/keyd.md section 3, sedge-keyd(8).
 */
#pragma once
#include "keyd/rules.h"

#define KEYD_CONFIG_DEFAULT "/etc/sedge/keyd.conf"

enum { KEYD_TEXT_MAX = 256 };

struct keyd_config {
    char port[KEYD_TEXT_MAX];   /* "": the configured one of this machine */
    char socket[KEYD_TEXT_MAX]; /* "": SE_KEYD_SOCKET_DEFAULT */
    char scp03[KEYD_TEXT_MAX];  /* "": as this machine is configured */
    char pin[KEYD_TEXT_MAX];    /* file or "credential:NAME"; "": clients log in by themselves */
    uint32_t pin_object;        /* the UserID it opens */
    unsigned socket_mode;
    unsigned clients, clients_per_user;
    bool audit_denied_only;
    struct keyd_rules rules;
};

enum { KEYD_WHY_MAX = 512 };

/* `why` (KEYD_WHY_MAX bytes) says file, line and what is wrong. ERR_INVALID, ERR_TOO_BIG, ERR_NOMEM; *ret
 * untouched. */
err_t keyd_config_parse(const char *path, struct slice text, struct keyd_config *ret, char *why);
/* The same from a file that must be regular, owned by root or the caller, and writable by nobody else:
 * ERR_DENIED; ERR_NOT_FOUND, ERR_IO. */
err_t keyd_config_load(const char *path, struct keyd_config *ret, char *why);
void keyd_config_done(struct keyd_config *c);
