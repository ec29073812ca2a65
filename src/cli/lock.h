/* src/cli/lock.h - `sedgectl lock`: a key that can only sign, and that nobody can overwrite or delete.
 *
 * Policies are fixed when an object is made (AN12413; docs/decisions/lock.md): so the command makes the key,
 * in the chip or from a file, and gives away the one credential that could still erase it, that of DeleteAll.
 * Blocking I/O; one thread; messages with cli_fail or se_detail.
 */
#pragma once
#include "cli/ssscli.h"
#include "se/policy.h"

enum { LOCK_AUTHS_MAX = 4 };

struct lock {
    struct cli cli;                /* chip, crypto and id; args[1] is the key file of --import */
    const char *port;              /* NULL: the configured one */
    const char *generate;          /* curve or RSA bits; NULL: not */
    const char *import;            /* key file; NULL: not */
    uint32_t auth[LOCK_AUTHS_MAX]; /* whose sessions may sign; none: everybody's */
    size_t auths;
    bool yes;        /* no question is asked */
    bool rehearse;   /* on a virtual copy only */
    bool keep_reset; /* leave the credential of DeleteAll as it is */
    /* what it will be, or is */
    bool rsa;
    uint8_t curve;   /* SE_CURVE_*, not RSA */
    size_t bits;     /* RSA */
    bool there;      /* an object is there already */
    bool locked;     /* ... and it is locked as this command does it */
    bool reset_open; /* DeleteAll can still be given away */
};

/* Rights of a locked key: signing, and reading and verifying with the public half. RSA also has decryption
 * and encryption, because a digest is signed by the plain private operation (reference 3.8). */
uint32_t lock_rights(bool rsa);
/* One rule for everybody; with authentication objects the private half is theirs. ERR_TOO_BIG. */
err_t lock_policy_make(const struct lock *l, struct se_policy *ret);
/* Does this policy give nobody more than that? */
bool lock_policy_is(const struct se_policy *p, bool rsa);

/* Fill in what will be made and what is there. ERR_INVALID (a message says why it cannot be locked),
 * ERR_EXISTS: another object is there. */
err_t lock_plan(struct lock *l);
/* Make the key with its policy, give DeleteAll away, and look at the result. */
err_t lock_carry_out(struct lock *l);

/* The same on a scratch chip of the same applet version with objects of the same types and policies, and each
 * way to harm the key tried there, told on standard output. ERR_CONFLICT: one of them was not refused. */
err_t lock_rehearse(struct lock *l);

/* `sedgectl lock`; the exit status: 0 locked (or rehearsed), 1 not, 2 a wrong command line. */
int lock_command(int argc, char **argv);
