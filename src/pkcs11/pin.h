/* src/pkcs11/pin.h - the PINs: UserID objects of the chip, which counts wrong ones itself.
 *
 * Each of the two PINs (user, security officer) has two object ids. One object holds the PIN; the other is a
 * filler with a random value, so that nobody can put a PIN of his own there. A change makes the filler anew
 * with the new PIN, switches over by one write of the directory, and turns the old one into the filler:
 * docs/decisions/pkcs11-pin.md. Keys carry policies for both ids.
 *
 * A chip without a user PIN object is open: C_Login takes anything, private objects need no login.
 * Blocking I/O, any thread; calls wait for each other. PKCS#11 v2.40 §5.5, §5.6.
 */
#pragma once
#include "base/slice.h"
#include "pkcs11/cryptoki.h"
#include "se/chip.h"

struct p11_module;
struct p11_pin;

/* The lengths of a UserID's value. */
#define P11_PIN_MIN 4
#define P11_PIN_MAX 16
/* Wrong ones in a row that block a PIN for good. */
#define P11_PIN_ATTEMPTS 10

/* NULL when out of memory. */
struct p11_pin *p11_pin_new(void);
void p11_pin_free(struct p11_pin *p);

/* Look whether the token is open (no user PIN): without a byte while nobody else used the chip. Errors of the
 * device. */
err_t p11_pin_look(struct p11_module *m);
/* Does the chip have a user PIN? Inside a chip sequence. */
err_t p11_pin_exists(struct se_chip *chip, bool *ret);

/* C_Login, after p11_login_check: prove the PIN to the chip and stay logged in there. One attempt at most.
 * CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_USER_PIN_NOT_INITIALIZED (no SO PIN), device errors. */
CK_RV p11_pin_login(struct p11_module *m, CK_USER_TYPE user, struct slice pin);
/* Forget it, in the chip and here. */
void p11_pin_logout(struct p11_module *m);

/* C_InitToken: the first time it sets the SO PIN and the label and touches nothing else; later the PIN must
 * be right, and the customer's objects are deleted, as far as their policies let the SO. */
CK_RV p11_pin_init_token(struct p11_module *m, struct slice so_pin, const CK_UTF8CHAR label[32]);
/* C_InitPIN, the SO being logged in. */
CK_RV p11_pin_init_user(struct p11_module *m, struct slice pin);
/* C_SetPIN for the user or the SO. */
CK_RV p11_pin_change(struct p11_module *m, CK_USER_TYPE user, struct slice old, struct slice pin);

/* The PIN flags of C_GetTokenInfo, true to the chip's counters. */
err_t p11_pin_flags(struct p11_module *m, CK_FLAGS *ret);
