/* src/vse/personality.h - which part this one is: everything that differs between the applet generations.
 *
 * Constants only; any thread. Spec: NXP AN12413 (3.x), AN12543 (7.x).
 */
#pragma once
#include "base/slice.h"
#include "se/wire.h"

/* The generations a command exists on (struct vse_command). */
enum {
    VSE_ON_3X = 1,
    VSE_ON_7X = 2,
    VSE_ON_ALL = VSE_ON_3X | VSE_ON_7X,
};

struct vse_personality {
    const char *applet;     /* as --applet has it */
    char variant;           /* as --variant has it; 0 where there is none */
    uint8_t generation;     /* VSE_ON_3X or VSE_ON_7X */
    uint32_t version;       /* SE_APPLET_VERSION_* */
    uint16_t features;      /* SE_CONFIG_*: what the part was made with */
    uint16_t data_max;      /* of one APDU, either way */
    uint32_t memory;        /* bytes for the user's objects */
    const char *scp_keys;   /* name of the platform key set it leaves the factory with */
    bool scp_counts_empty;  /* platform SCP counts commands without data (applets from 4.3) */
    bool eckey_kdf_counter; /* ECKey session: 00000001 in front of Z (applets from 3.5) */
};

/* Attributes carry a version, attested answers and EC types have the 7.x layout. */
static inline bool vse_personality_is_7x(const struct vse_personality *p)
{
    return p->generation == VSE_ON_7X;
}

extern const struct vse_personality vse_personality_3_1, vse_personality_7_2; /* the defaults: C, and E */

/* By the words of the command line; variant 0 = the default. NULL when there is no such part. */
const struct vse_personality *vse_personality_find(const char *applet, char variant);
