#include "vse/personality.h"

#include "base/mem.h"

#include <string.h>

/* What the SE050 variants lack, by NXP's product table: A has no RSA, B no elliptic curves. */
enum {
    NOT_A = SE_CONFIG_RSA_PLAIN | SE_CONFIG_RSA_CRT | SE_CONFIG_DESFIRE,
    NOT_B = SE_CONFIG_ECDAA | SE_CONFIG_ECDSA_ECDH | SE_CONFIG_EDDSA | SE_CONFIG_DH_MONT | SE_CONFIG_DESFIRE,
};

enum { MEMORY = 50 * 1024 }; /* product pages: about 50 kB */

#define APPLET_3_1(letter, without)                                                                      \
    {                                                                                                    \
        .applet = "3.1", .variant = (letter), .generation = VSE_ON_3X, .version = SE_APPLET_VERSION_3_1, \
        .features = SE_CONFIG_ALL & ~(without), .data_max = SE_APDU_DATA_MAX_3X, .memory = MEMORY,       \
        .scp_keys = "devkit",                                                                            \
    }

const struct vse_personality vse_personality_3_1 = APPLET_3_1('C', 0);
static const struct vse_personality personality_3_1_a = APPLET_3_1('A', NOT_A);
static const struct vse_personality personality_3_1_b = APPLET_3_1('B', NOT_B);

const struct vse_personality vse_personality_7_2 = {
    .applet = "7.2",
    .generation = VSE_ON_7X,
    .version = SE_APPLET_VERSION_7_2,
    .features = SE_CONFIG_ALL,
    .data_max = SE_APDU_DATA_MAX_7X,
    .memory = MEMORY,
    .scp_keys = "A921",
    .scp_counts_empty = true,
    .eckey_kdf_counter = true,
};

const struct vse_personality *vse_personality_find(const char *applet, char variant)
{
    static const struct vse_personality *const all[] = { &vse_personality_3_1, &personality_3_1_a,
                                                         &personality_3_1_b, &vse_personality_7_2 };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (strcmp(all[i]->applet, applet) == 0 && (variant == 0 || all[i]->variant == variant))
            return all[i];
    return NULL;
}
