/* src/vse/attest.h - attributes of objects, and answers the part signs (reference 3.5). One thread at a time.
 */
#pragma once
#include "vse/command.h"

/* The attributes as ReadAttributes tells them. */
void vse_attributes_put(const struct vse_applet *a, const struct vse_object *o, struct writer *out);

/* Bytes as ReadSize tells them: EC private key, RSA modulus, value of everything else. */
uint16_t vse_object_bytes(const struct vse_object *o);

/* What an attested answer is about. */
struct vse_attested {
    const struct slice *data;       /* T1; NULL: none */
    const struct vse_object *about; /* its attributes; NULL: none */
    uint16_t size;                  /* 7.x T4 */
    uint8_t key_tag, algorithm_tag; /* where the command names them: T5 and T6 in reads */
    bool key_optional;              /* key id 0 asks for the same answer with an empty signature */
};

/* Could it be signed: key, algorithm and random? To ask before something is done that cannot be undone. */
uint16_t vse_attest_possible(struct vse_applet *a, struct vse_call *c, const struct vse_attested *what);

/* Append the whole answer: data, attributes, timestamp, random (T7 of the command) or size, chip id,
 * signature, in the generation's order. The key's policy must give ATTEST. */
uint16_t vse_attest(struct vse_applet *a, struct vse_call *c, const struct vse_attested *what,
                    struct writer *out);
