/* src/vse/dispatch.h - the one list of commands, a table for each family.
 *
 * To add a family: a file command_NAME.c that defines `const struct vse_command vse_commands_NAME[]`, ended
 * by VSE_COMMANDS_END; its declaration here; its line in dispatch.c. Nothing else knows the commands.
 */
#pragma once
#include "vse/command.h"

enum {
    /* Only inside a user session that is open. */
    VSE_CMD_IN_SESSION = 0x01,
    /* Only outside: ProcessSessionCmd and what opens sessions. */
    VSE_CMD_OUTSIDE = 0x02,
    /* Part of a handshake: the data is no TLVs (c->data), CLA 84 does not mean a MAC of the channel. */
    VSE_CMD_HANDSHAKE = 0x04,
    /* Works while the part is locked (SetLockState). */
    VSE_CMD_WHEN_LOCKED = 0x08,
    /* The data is not TLVs but c->data, or TLVs the handler cuts itself. */
    VSE_CMD_RAW = 0x10,
    /* In a user session that is not open yet: its own authentication. */
    VSE_CMD_UNAUTHENTICATED = 0x20,
};

/* A row: the command, the tags it must and may have, who runs it. Checked in this order: generation (a row of
 * the other one is not there), place, lock, features, tags; then the handler. */
struct vse_command {
    const char *name;      /* as reference section 3 has it */
    uint8_t ins, ins_free; /* INS bits that may be anything */
    uint8_t p1, p1_free;
    uint8_t p2;
    uint8_t on;       /* VSE_ON_* */
    uint8_t flags;    /* VSE_CMD_* */
    uint16_t feature; /* one of these SE_CONFIG_* bits is needed; 0: none. Missing: 6985 */
    uint32_t must, may;
    uint32_t may_7x; /* besides, on 7.x */
    vse_handler *run;
};

#define VSE_COMMANDS_END \
    {                    \
        .run = NULL      \
    }

/* T(2): the mask of TAG_2, for must and may. */
#define VSE_T(n) VSE_ARG_BIT(SE_TAG_##n)
#define VSE_P1_ANY_PART SE_P1_PART_MASK
/* What a write may carry for a new object; the version that may close any write on 7.x. */
#define VSE_NEW VSE_ARG_BIT(SE_TAG_POLICY)
#define VSE_NEW_AUTH (VSE_NEW | VSE_ARG_BIT(SE_TAG_MAX_ATTEMPTS))
#define VSE_WRITE_7X VSE_T(11)

extern const struct vse_command vse_commands_manage[], vse_commands_read[], vse_commands_write[],
    vse_commands_crypto_object[], vse_commands_digest[], vse_commands_cipher[], vse_commands_mac[],
    vse_commands_aead[], vse_commands_kdf[], vse_commands_tls[], vse_commands_agreement[],
    vse_commands_curve[], vse_commands_sign[], vse_commands_session[], vse_commands_platform[],
    vse_commands_value[], vse_commands_port[], vse_commands_i2cm[], vse_commands_state[],
    vse_commands_desfire[], vse_commands_pake[];

/* The row for this header on this generation, or NULL. */
const struct vse_command *vse_command_find(uint8_t generation, uint8_t ins, uint8_t p1, uint8_t p2);
/* The i-th row of all families, or NULL past the end: for listing. */
const struct vse_command *vse_command_at(size_t i);

/* Tell the observer, if there is one. */
struct vse_apdu;
void vse_observe(const struct vse_applet *a, const char *name, const struct vse_apdu *apdu,
                 struct slice answer, uint16_t sw);
